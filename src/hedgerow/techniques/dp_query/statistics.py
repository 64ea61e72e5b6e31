"""The statistics of a query: which functions are answered, of which column, and which quantile is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from sqlglot import exp

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import Fixed, Name, Term
from hedgerow.kernel.conditions.reading import name_of, only
from hedgerow.model.answers import Function
from hedgerow.model.errors import Refused
from hedgerow.techniques.dp_query.query import Output, StatisticOutput
from hedgerow.techniques.dp_query.terms import is_term, term

_FUNCTIONS: dict[type[exp.Expr], Function] = {
    exp.Count: "count",
    exp.Sum: "sum",
    exp.Avg: "mean",
    exp.Median: "median",
    exp.Quantile: "quantile",
    exp.Min: "min",
    exp.Max: "max",
    exp.Variance: "variance",
    exp.VariancePop: "variance_pop",
    exp.Stddev: "stddev",
    exp.StddevSamp: "stddev",
    exp.StddevPop: "stddev_pop",
}
# The extremes themselves are single values; these quantiles stand for them, and the answer says so.
_QUANTILES: dict[Function, Fraction] = {
    "median": Fraction(1, 2),
    "min": Fraction(5, 100),
    "max": Fraction(95, 100),
}
_PORTION = re.compile(r"0?\.[0-9]{1,4}0*", re.ASCII)


def is_statistic(node: exp.Expr) -> bool:
    """Tell whether a node is a statistic of a kind that is answered."""
    return type(node) in _FUNCTIONS or _is_percentile(node)


def statistic(part: exp.Expr, alias: str | None) -> StatisticOutput:
    """Read a statistic.

    Args:
        part: A node for which :func:`is_statistic` holds.
        alias: What the caller calls it.

    Returns:
        The statistic.

    Raises:
        Refused: ``dp.sql-unsupported`` when it is of anything but one column or expression.
    """
    if _is_percentile(part):
        return _percentile(part, alias)
    function = _FUNCTIONS[type(part)]
    inner = only(part, hints.ONE_COLUMN, "this", "big_int", "quantile").this
    if function == "count" and _is_row(inner):
        return StatisticOutput(function, None, alias)
    if function == "count" and isinstance(inner, exp.Distinct):
        return StatisticOutput("people", _name(_distinct(inner)), alias)
    quantile = _portion(part.args["quantile"]) if function == "quantile" else _QUANTILES.get(function)
    return StatisticOutput(function, _column(inner), alias, quantile)


def checked(outputs: Sequence[Output]) -> None:
    """Hold outputs that no SQL was read for to the rules of SQL.

    Args:
        outputs: The outputs of a query.

    Raises:
        Refused: ``dp.sql-no-aggregate``, or ``dp.sql-unsupported`` for a statistic that has no such form.
    """
    statistics = [output for output in outputs if isinstance(output, StatisticOutput)]
    if not statistics:
        raise Refused("dp.sql-no-aggregate")
    for one in statistics:
        if one.column is None and one.function not in ("count", "people"):
            raise hints.ONE_COLUMN.refusal()
        wanted = _QUANTILES.get(one.function)
        is_portion = one.function == "quantile" and one.quantile is not None and 0 < one.quantile < 1
        if not (is_portion and (one.quantile or 0) * 10_000 % 1 == 0) and one.quantile != wanted:
            raise hints.PORTION.refusal()
        if one.function == "quantile" and not is_portion:
            raise hints.PORTION.refusal()


def of(function: Function, column: Term | None, quantile: Fraction | None = None) -> StatisticOutput:
    """Build a statistic.

    Args:
        function: Which one.
        column: Of which column or expression; none for counts of rows and people.
        quantile: Which quantile is chosen, for ``quantile`` alone.

    Raises:
        Refused: ``dp.sql-unsupported`` when it has no such form.
    """
    made = StatisticOutput(function, column, None, _QUANTILES.get(function, quantile))
    checked([made])
    return made


def _is_percentile(node: exp.Expr) -> bool:
    return isinstance(node, exp.WithinGroup) and isinstance(
        node.this, exp.PercentileCont | exp.PercentileDisc
    )


def _percentile(node: exp.Expr, alias: str | None) -> StatisticOutput:
    """Read ``PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY col)``."""
    named = only(node, hints.QUANTILE_FORM, "this", "expression")
    quantile = _portion(only(named.this, hints.QUANTILE_FORM, "this").this)
    order = only(named.expression, hints.QUANTILE_FORM, "expressions").expressions
    if len(order) != 1:
        raise hints.ONE_COLUMN.refusal()
    by = only(order[0], hints.QUANTILE_FORM, "this", "nulls_first")
    return StatisticOutput("quantile", _column(by.this), alias, quantile)


def _distinct(inner: exp.Distinct) -> exp.Expr | None:
    """Find the one column of ``COUNT(DISTINCT col)``."""
    parts = only(inner, hints.DISTINCT_VALUES, "expressions").expressions
    return parts[0].unnest() if len(parts) == 1 else inner


def _column(inner: exp.Expr | None) -> Term:
    if inner is None or not is_term(inner):
        return _name(inner)
    read = term(inner)
    if isinstance(read, Fixed):
        raise hints.COUNT_OF_NOTHING.refusal()
    return read


def _name(inner: exp.Expr | None) -> Name:
    if not isinstance(inner, exp.Column):
        raise hints.of_argument(inner).refusal()
    return name_of(inner)


def _portion(node: exp.Expr) -> Fraction:
    """Read which quantile is meant: above 0, below 1, at most four digits."""
    text = str(node.this) if isinstance(node, exp.Literal) and not node.is_string else ""
    portion = Fraction(text) if _PORTION.fullmatch(text) else Fraction(0)
    if portion == 0:
        raise hints.PORTION.refusal()
    return portion


def _is_row(inner: exp.Expr | None) -> bool:
    """Tell whether COUNT counts rows: ``*``, or a number, which every row holds."""
    if isinstance(inner, exp.Star):
        only(inner, hints.COUNT_OF_NOTHING)
        return True
    return isinstance(inner, exp.Literal) and not inner.is_string
