"""Value bounds found in private: a noisy histogram over powers of two, and the bins that pass a threshold."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.conditions.catalog import Catalog
from hedgerow.kernel.conditions.parts import Name
from hedgerow.kernel.noise import add_laplace, half_width, laplace_scale
from hedgerow.model.budget import LaplaceEvent, show_exact
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import Clamp, DatasetDeclaration, EdgeCounts, ExactAggregation, SumValues
from hedgerow.model.uses import Grant, Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import SUM_TYPES, require
from hedgerow.techniques.dp_query.planned import decimal_text
from hedgerow.techniques.dp_query.price import Price

MECHANISM = "discrete Laplace on a histogram over powers of two (OpenDP)"
# The chance that any bin without a row passes.
FALSE_PASS = Fraction(1, 1000)
_WHOLE_POWERS = range(52)
_DECIMAL_DIGITS = 6
_DECIMAL_POWERS = range(-_DECIMAL_DIGITS, 33)
_NOISE_MOST = 2**62


@dataclass(frozen=True, slots=True)
class WidthPlan:
    """What finding bounds will do, decided without data.

    Args:
        dataset: Name of the data set.
        unit: The privacy unit.
        bounds: How much of one person counts.
        histogram: The bins: between neighbouring powers of two, the same for every data set.
        aggregation: What the engine computes exactly.
        scale: Scale of the noise, in rows.
        cost: The worst-case privacy loss.
    """

    dataset: str
    unit: str
    bounds: Contribution
    histogram: EdgeCounts
    aggregation: ExactAggregation
    scale: float
    cost: LaplaceEvent

    @property
    def column(self) -> str:
        """The column."""
        return self.histogram.column

    @property
    def grant(self) -> Grant:
        """What the lease opens."""
        return Grant(self.aggregation.columns, "aggregate")

    @property
    def sensitivity(self) -> int:
        """The most one person changes the counts of all bins together."""
        return self.bounds.rows(1)

    @property
    def threshold(self) -> int:
        """The noisy count of rows from which on a bin is within the bounds."""
        return half_width(self.scale, 1 - 2 * FALSE_PASS / self.histogram.bins) + 1

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values."""
        return {
            "technique": "dp_query",
            "dataset": self.dataset,
            "unit": self.unit,
            "max_rows": self.bounds.max_rows,
            "columns": [self.column],
            "bins": self.histogram.bins,
            "epsilon": show_exact(self.cost.epsilon, 12),
            "mechanism": MECHANISM,
            "scale_rows": format(self.scale, ".12g"),
            "threshold_rows": self.threshold,
            "obligations": [self.bounds.said(self.unit)],
        }


@dataclass(frozen=True, slots=True)
class FoundBounds:
    """Bounds that were found, to be declared by whoever may: nothing is applied.

    Args:
        dataset: Name of the data set.
        column: The column.
        lower: The lower edge of the lowest bin that passed; none where no bin did.
        upper: The upper edge of the highest one.
        epsilon: What they cost, exact.
        threshold: The noisy count of rows that a bin needed.
        unit: What the guarantee protects.
    """

    dataset: str
    column: str
    lower: Fraction | None
    upper: Fraction | None
    epsilon: Fraction
    threshold: int
    unit: str

    @property
    def line(self) -> str:
        """The command that would declare them; empty where none were found."""
        if self.lower is None or self.upper is None:
            return ""
        told = shlex.quote(f"{self.column}={decimal_text(self.lower)}:{decimal_text(self.upper)}")
        return f"hedgerow dataset declare {shlex.quote(self.dataset)} --bounds {told}"

    @property
    def sentence(self) -> str:
        """Say what was found and what it leaves out."""
        few = f"fewer than about {self.threshold:,} rows"
        if self.lower is None or self.upper is None:
            return f"No bounds of {self.column} were found: between any two powers of two lie {few}."
        told = f"{decimal_text(self.lower)} to {decimal_text(self.upper)}"
        return (
            f"Values of {self.column} lie from {told}, but for those of which {few} lie between two powers "
            "of two. Bounds from knowledge outside the data are tighter and cost nothing."
        )

    def to_dict(self) -> dict[str, Json]:
        """Render as canonical plain values."""
        return {
            "dataset": self.dataset,
            "column": self.column,
            "lower": None if self.lower is None else decimal_text(self.lower),
            "upper": None if self.upper is None else decimal_text(self.upper),
            "epsilon": f"{self.epsilon.numerator}/{self.epsilon.denominator}",
            "epsilon_shown": show_exact(self.epsilon, 12),
            "threshold_rows": self.threshold,
            "unit": self.unit,
            "sentence": self.sentence,
            "line": self.line,
        }


def plan_widths(
    column: str,
    declaration: DatasetDeclaration,
    columns: Mapping[str, ColumnType],
    price: Price,
    dataset: str,
    hidden: frozenset[str] = frozenset(),
) -> WidthPlan:
    """Plan to find the bounds of a column.

    Args:
        column: Its name.
        declaration: Unit and contribution bounds; value bounds are not looked at.
        columns: Type of each column by its exact name.
        price: What it may cost: an epsilon.
        dataset: Name of the data set.
        hidden: Columns that say who a person is.

    Returns:
        The plan.

    Raises:
        CallerError: When there is no such column, or it holds no numbers.
        Refused: ``dp.hidden-column``, ``dp.undeclared``, ``dp.too-noisy``.

    Guarantee: ``epsilon``-differential privacy. The bins are powers of two and zero whatever the data is; a
        row lies in one of them, so one person changes their counts by at most the rows that count, in L1.
    Source: Wilson and others 2020, "Differentially private SQL with bounded user contribution", section
        5.1.1.
    """
    epsilon = price.epsilon
    if epsilon is None:
        raise CallerError("budget.not-a-number", option="--epsilon")
    catalog = Catalog(dataset, columns, hidden)
    name = catalog.find(Name(column, is_quoted=True))
    kind = catalog.type_of(name)
    if kind not in SUM_TYPES:
        raise catalog.misused(name, "bounds", "Only whole numbers and decimals have them.")
    declared = require(declaration, catalog, dataset, (), ())
    histogram = powers_of_two(name, kind)
    bounds = declared.contribution
    rows = bounds.rows(1)
    scale = laplace_scale(rows, epsilon)
    if not scale * 50 < _NOISE_MOST:
        raise Refused("dp.too-noisy")
    aggregation = declared.bounding(ExactAggregation((), (), None, declared.max_rows, (histogram,)))
    cost = LaplaceEvent.of([(rows, epsilon)])
    return WidthPlan(dataset, declared.unit, bounds, histogram, aggregation, scale, cost)


def powers_of_two(column: str, kind: ColumnType) -> EdgeCounts:
    """Lay out the bins of a column by its type alone.

    Args:
        column: Its name.
        kind: Whole numbers, or decimals, of which six digits are kept.
    """
    is_whole = kind is ColumnType.INTEGER
    powers, digits = (_WHOLE_POWERS, 0) if is_whole else (_DECIMAL_POWERS, _DECIMAL_DIGITS)
    above = [int(Fraction(2) ** power * 10**digits) for power in (*powers, powers[-1] + 1)]
    most = Fraction(2) ** (powers[-1] + 1)
    edges = (*(-edge for edge in reversed(above)), 0, *above[:-1])
    return EdgeCounts(SumValues(column, Clamp(-most, most), digits), edges)


def find_widths(exact: Sequence[Sequence[int]], plan: WidthPlan) -> FoundBounds:
    """Add the noise, and take the lowest and the highest bin that pass.

    Args:
        exact: One row: the counts of the bins.
        plan: What was planned.

    Returns:
        What was found.

    Raises:
        Fault: ``dp.bad-aggregate``, or from the noise.
    """
    bins = plan.histogram.bins
    if len(exact) != 1 or len(exact[0]) != bins or any(type(count) is not int for count in exact[0]):
        raise Fault("dp.bad-aggregate")
    epsilon = plan.cost.epsilon
    noisy = add_laplace(list(exact[0]), plan.sensitivity, epsilon, plan.scale)
    passed = [place for place, count in enumerate(noisy) if count >= plan.threshold]
    lower = plan.histogram.lower_edge(passed[0]) if passed else None
    upper = plan.histogram.upper_edge(passed[-1]) if passed else None
    return FoundBounds(plan.dataset, plan.column, lower, upper, epsilon, plan.threshold, plan.unit)
