"""A private query built of values, step by step, without SQL: the same question, planned in the same way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, Protocol, Self, TypeVar

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import Both, Condition, Name, Operator, Term
from hedgerow.model.answers import Function
from hedgerow.model.calls import TEXT, TRUTH, Fit, kind
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_query import statistics
from hedgerow.techniques.dp_query.calls import NAME, called
from hedgerow.techniques.dp_query.per_person import per_person
from hedgerow.techniques.dp_query.query import (
    Every,
    Having,
    Join,
    KeyOutput,
    NoisyTest,
    Ordering,
    Output,
    PerPerson,
    Query,
    Some,
    StatisticOutput,
)
from hedgerow.techniques.dp_query.statistics import checked
from hedgerow.techniques.dp_query.units import PERSON
from hedgerow.techniques.dp_query.values import NEGATED, Number, Test, Value, col, constant

T_co = TypeVar("T_co", covariant=True)
_SHOWN = Fit(
    "a condition on a statistic", "hedgerow.dp.count() > 100", lambda value: isinstance(value, Shown)
)
_OF = kind("the name of a column, or an expression", "'COLUMN'", str, Value)
_TESTS = Fit("a condition on rows", "hedgerow.dp.col('age') > 30", lambda value: isinstance(value, Test))
_PORTION = kind("a number above 0 and below 1", "0.25", int, float, Decimal, Fraction)
_ON = kind("a column, or columns and those equal to them", "'COLUMN'", str, Mapping).or_none()
_GATHERED = Fit(
    "a statistic, or what groups by it",
    "hedgerow.dp.count()",
    lambda value: isinstance(value, Statistic) or _OF.fits(value),
)
_STATISTIC = Fit("a statistic", "hedgerow.dp.count()", lambda value: isinstance(value, Statistic))


class Shown:
    """A condition on the noisy answer, joined with others by ``&``, ``|`` and ``~``."""

    def __init__(self, having: Having) -> None:
        self.having = having

    @called("&", other=_SHOWN)
    def __and__(self, other: Shown) -> Shown:
        """Both hold."""
        return Shown(Every((self.having, other.having)))

    @called("|", other=_SHOWN)
    def __or__(self, other: Shown) -> Shown:
        """At least one holds."""
        return Shown(Some((self.having, other.having)))

    def __invert__(self) -> Shown:
        """The negation holds."""
        return Shown(_hidden(self.having))

    def __bool__(self) -> bool:
        """Refuse ``and``, ``or``, ``not`` and chained comparisons, which would drop a condition."""
        raise CallerError("dp.question-truth")


def _hidden(having: Having) -> Having:
    match having:
        case Every(parts=parts):
            return Some(tuple(_hidden(one) for one in parts))
        case Some(parts=parts):
            return Every(tuple(_hidden(one) for one in parts))
    return replace(having, op=NEGATED[having.op])


class Statistic:
    """A statistic that is asked; compared with a number it is a condition on the noisy answer."""

    def __init__(self, output: StatisticOutput) -> None:
        self.output = output

    def _compared(self, op: Operator, number: Number) -> Shown:
        known = constant(number)
        if isinstance(known, bool | str):
            raise hints.HAVING.refusal()
        return Shown(NoisyTest(op, self.output, known))

    def __lt__(self, number: Number) -> Shown:
        """Compare."""
        return self._compared("<", number)

    def __le__(self, number: Number) -> Shown:
        """Compare."""
        return self._compared("<=", number)

    def __gt__(self, number: Number) -> Shown:
        """Compare."""
        return self._compared(">", number)

    def __ge__(self, number: Number) -> Shown:
        """Compare."""
        return self._compared(">=", number)


def _asked(function: Function, of: Value | str | None, quantile: Fraction | None = None) -> Statistic:
    term = of.term if isinstance(of, Value) else None if of is None else Name(of, is_quoted=True)
    return Statistic(statistics.of(function, term, quantile))


@called("dp.count", of=_OF.or_none())
def count(of: Value | str | None = None) -> Statistic:
    """Count rows, or those where a column or expression holds a value.

    Args:
        of: A column by its name, or an expression; none for all rows.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("count", of)


@called("dp.people")
def people() -> Statistic:
    """Count people, each once in a group.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("people", None)


@called("dp.sum", of=_OF)
def total(of: Value | str) -> Statistic:
    """Add up a column or an expression.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("sum", of)


@called("dp.mean", of=_OF)
def mean(of: Value | str) -> Statistic:
    """Average a column or an expression.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("mean", of)


@called("dp.variance", of=_OF)
def variance(of: Value | str) -> Statistic:
    """Tell the variance, divided by one less than the count.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("variance", of)


@called("dp.stddev", of=_OF)
def stddev(of: Value | str) -> Statistic:
    """Tell the standard deviation, divided by one less than the count.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("stddev", of)


@called("dp.least", of=_OF)
def least(of: Value | str) -> Statistic:
    """Take the least value of a person's rows; of people, choose one near the quantile 0.05.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``per_person``, ``agg`` and ``having``.
    """
    return _asked("min", of)


@called("dp.greatest", of=_OF)
def greatest(of: Value | str) -> Statistic:
    """Take the greatest value of a person's rows; of people, choose one near the quantile 0.95.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``per_person``, ``agg`` and ``having``.
    """
    return _asked("max", of)


@called("dp.median", of=_OF)
def median(of: Value | str) -> Statistic:
    """Choose a value near the median.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("median", of)


@called("dp.quantile", of=_OF, portion=_PORTION)
def quantile(of: Value | str, portion: float | Decimal | Fraction) -> Statistic:
    """Choose a value near a quantile.

    Args:
        of: A column by its name, or an expression of columns; it needs bounds.
        portion: Which: above 0 and below 1, of at most four digits.

    Returns:
        The statistic, for ``agg`` and ``having``.
    """
    return _asked("quantile", of, Fraction(constant(portion)))


def _all(tests: tuple[Condition, ...]) -> Condition | None:
    return None if not tests else tests[0] if len(tests) == 1 else Both(tests)


class Source(Protocol[T_co]):
    """Where a question is put."""

    @property
    def answer(self) -> Callable[..., T_co]:
        """Answers a query, with what the place takes."""

    @property
    def explain(self) -> Callable[..., Mapping[str, Any]]:
        """Tells what it would cost and how wrong the answer may be."""


@dataclass(frozen=True, slots=True)
class Table(Generic[T_co]):
    """A private query on one table, built step by step; each step gives a new one.

    Args:
        source: Where the question is put.
        tests: Which rows count: all of these.
        groups: Each group with its name.
        outputs: Each statistic with its name.
        kept: Which noisy rows are shown: all of these.
        order: How they are sorted.
        rows: How many are shown; none means all.
        joins: Tables that the rows are joined with first.
        of: The gathered rows that are asked; none asks the rows themselves.
    """

    source: Source[T_co]
    tests: tuple[Condition, ...] = ()
    groups: tuple[tuple[str | None, Term], ...] = ()
    outputs: tuple[StatisticOutput, ...] = ()
    kept: tuple[Having, ...] = ()
    order: tuple[Ordering, ...] = ()
    rows: int | None = None
    joins: tuple[Join, ...] = ()
    of: PerPerson | None = None

    @called("join", table=TEXT, on=_ON, keep_unmatched=TRUTH, called=TEXT.or_none())
    def join(
        self,
        table: str,
        *,
        on: str | Mapping[str, str] | None = None,
        keep_unmatched: bool = False,
        called: str | None = None,
    ) -> Self:
        """Join each row with those of another table; its columns can be named from then on.

        Args:
            table: A table that was declared public, or another data set where those are joined.
            on: A column that both have, or columns of the rows so far with those of the table that are equal
                to them; none joins on the person.
            keep_unmatched: Whether rows without an equal one stay, with nulls.
            called: A short name; a column that several tables have is named with it, as in ``col("w.name")``.
        """
        if self.of is not None:
            raise hints.GATHERED_JOIN.refusal()
        pairs = {} if on is None else {on: on} if isinstance(on, str) else on
        named = tuple(
            (Name(ours, is_quoted=True), Name(theirs, is_quoted=True)) for ours, theirs in pairs.items()
        )
        return replace(self, joins=(*self.joins, Join(table, named, keep_unmatched, called)))

    @called("per_person", columns=NAME, named=_GATHERED)
    def per_person(self, *columns: str, **named: Statistic | Value | str) -> Self:
        """Gather the rows of each person into one, or into one for each person and key.

        What comes after it is asked of the gathered rows: their columns are the names given here. A person
        has at most one row in each group, whose values lie within bounds that follow from those declared.

        Args:
            columns: Columns with declared keys, for a row for each person and key.
            named: Each further column: ``count``, ``sum``, ``min``, ``max`` or ``mean`` of the person's rows,
                or an expression with public values that makes groups of its own.

        Returns:
            The gathered rows, to be asked.

        Raises:
            Refused: ``dp.sql-unsupported`` for another statistic, or after a step that asks already.
        """
        if self.of is not None:
            raise hints.GATHERED_TWICE.refusal()
        if self.groups or self.outputs or self.kept or self.order or self.rows is not None:
            raise hints.GATHERED_LATE.refusal()
        keys = [(name, col(name).term) for name in columns]
        keys += [
            (name, part.term if isinstance(part, Value) else col(part).term)
            for name, part in named.items()
            if not isinstance(part, Statistic)
        ]
        asked = [replace(one.output, alias=name) for name, one in named.items() if isinstance(one, Statistic)]
        outputs: list[Output] = [*(KeyOutput(term, name) for name, term in keys), *asked]
        grouped = (Name(PERSON), *(term for _, term in keys))
        return replace(
            self, tests=(), of=per_person(outputs, tuple(dict.fromkeys(grouped)), _all(self.tests))
        )

    @called("where", tests=_TESTS)
    def where(self, *tests: Test) -> Self:
        """Count only rows that meet all of these and those before."""
        return replace(self, tests=(*self.tests, *(test.condition for test in tests)))

    @called("group_by", columns=NAME, named=_OF)
    def group_by(self, *columns: str, **named: Value | str) -> Self:
        """Group by columns with declared keys, or by named expressions with public values."""
        plain = tuple((None, col(name).term) for name in columns)
        made = (
            (name, part.term if isinstance(part, Value) else col(part).term) for name, part in named.items()
        )
        return replace(self, groups=(*self.groups, *plain, *made))

    @called("agg", statistics=_STATISTIC)
    def agg(self, **statistics: Statistic) -> Self:
        """Ask statistics, each under its name."""
        asked = tuple(replace(one.output, alias=name) for name, one in statistics.items())
        return replace(self, outputs=(*self.outputs, *asked))

    @called("having", tests=_SHOWN)
    def having(self, *tests: Shown) -> Self:
        """Show only rows whose noisy values meet all of these."""
        return replace(self, kept=(*self.kept, *(test.having for test in tests)))

    @called("order_by", descending=TRUTH)
    def order_by(self, *names: str, descending: bool = False) -> Self:
        """Sort the noisy rows by outputs."""
        order = tuple(Ordering(Name(name, is_quoted=True), descending) for name in names)
        return replace(self, order=(*self.order, *order))

    @called("limit")
    def limit(self, rows: int) -> Self:
        """Show so many of the noisy rows at most."""
        if type(rows) is not int or rows < 1:
            raise hints.LIMIT.refusal()
        return replace(self, rows=rows)

    @property
    def query(self) -> Query:
        """The question as a frozen value: what SQL text is read into."""
        keys = tuple(KeyOutput(term, name) for name, term in self.groups)
        outputs: tuple[Output, ...] = (*keys, *self.outputs)
        if len(outputs) > hints.OUTPUTS_MAX:
            raise hints.OUTPUTS.refusal()
        checked(outputs)
        return Query(
            outputs,
            tuple(dict.fromkeys(term for _, term in self.groups)),
            _all(self.tests),
            self.order,
            self.rows,
            None if not self.kept else self.kept[0] if len(self.kept) == 1 else Every(self.kept),
            self.of,
            self.joins,
        )

    @called("answer")
    def answer(self, epsilon: Number | str | None = None, **given: Any) -> T_co:  # noqa: ANN401 - as there
        """Ask it.

        Args:
            epsilon: What the answer may cost.
            given: As the place where it is put takes it: ``rho`` in place of epsilon, ``budget`` for a data
                frame, ``purpose`` and ``request_id`` for a workspace.

        Returns:
            What a query in SQL gives there.
        """
        return self.source.answer(self.query, epsilon=epsilon, **given)

    @called("explain")
    def explain(self, epsilon: Number | str | None = None, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
        """Tell what it would cost and how wrong the answer may be; nothing is spent and no value is read.

        Args:
            epsilon: What the answer would cost.
            given: As for :meth:`answer`.

        Returns:
            What the plan of a query in SQL tells there.
        """
        return self.source.explain(self.query, epsilon=epsilon, **given)
