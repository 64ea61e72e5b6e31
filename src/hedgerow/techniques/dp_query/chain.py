"""A private query built of values, step by step, without SQL: the same question, planned in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar

from hedgerow.model.answers import Function
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_query import hints, statistics
from hedgerow.techniques.dp_query.query import (
    Both,
    Choose,
    Comparison,
    Condition,
    Constant,
    Either,
    Every,
    Fixed,
    Having,
    KeyOutput,
    Member,
    Name,
    NoisyTest,
    Null,
    Operation,
    Operator,
    Ordering,
    Output,
    Query,
    Some,
    StatisticOutput,
    Term,
    Truth,
)
from hedgerow.techniques.dp_query.statistics import checked
from hedgerow.techniques.dp_query.terms import applied, clamped

Number: TypeAlias = "int | float | Decimal | Fraction"
Plain: TypeAlias = "str | bool | int | float | Decimal | Fraction"
T_co = TypeVar("T_co", covariant=True)
_DIGITS_MOST = 40
_NEGATED: dict[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _constant(value: object) -> Constant:
    """Take a constant; a float means the decimal that it prints as."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, float | Decimal):
        decimal = Decimal(str(value))
        is_short = decimal.is_finite() and abs(decimal.adjusted()) < _DIGITS_MOST
        value = Fraction(decimal) if is_short else None
    if isinstance(value, int | Fraction):
        exact = Fraction(value)
        if max(abs(exact.numerator), exact.denominator) < 10**_DIGITS_MOST:
            return exact.numerator if exact.denominator == 1 else exact
    raise CallerError("dp.question-malformed")


def _term(value: object) -> Term:
    return value.term if isinstance(value, Value) else Fixed(_constant(value))


class Test:
    """A condition on rows, joined with others by ``&``, ``|`` and ``~``."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    def __and__(self, other: Test) -> Test:
        """Both hold."""
        return Test(Both((self.condition, other.condition)))

    def __or__(self, other: Test) -> Test:
        """At least one holds."""
        return Test(Either((self.condition, other.condition)))

    def __invert__(self) -> Test:
        """The negation holds; where a value is missing neither does."""
        return Test(_negated(self.condition))

    def __bool__(self) -> bool:
        """Refuse ``and``, ``or``, ``not`` and chained comparisons, which would drop a condition."""
        raise CallerError("dp.question-truth")


def _negated(test: Condition) -> Condition:
    match test:
        case Both(parts=parts):
            return Either(tuple(_negated(one) for one in parts))
        case Either(parts=parts):
            return Both(tuple(_negated(one) for one in parts))
        case Comparison(op=op):
            return replace(test, op=_NEGATED[op])
    return replace(test, is_negated=not test.is_negated)


class Value:
    """A column or what is made of columns of the same row; see :func:`col`."""

    def __init__(self, term: Term) -> None:
        self.term = term

    def _with(self, function: Operation, *others: object) -> Value:
        return Value(applied(function, [self.term, *map(_term, others)]))

    def _of(self, function: Operation, left: object) -> Value:
        return Value(applied(function, [_term(left), self.term]))

    def __add__(self, other: Value | Number) -> Value:
        """Add."""
        return self._with("+", other)

    def __radd__(self, other: Number) -> Value:
        """Add."""
        return self._of("+", other)

    def __sub__(self, other: Value | Number) -> Value:
        """Subtract."""
        return self._with("-", other)

    def __rsub__(self, other: Number) -> Value:
        """Subtract."""
        return self._of("-", other)

    def __mul__(self, other: Value | Number) -> Value:
        """Multiply."""
        return self._with("*", other)

    def __rmul__(self, other: Number) -> Value:
        """Multiply."""
        return self._of("*", other)

    def __truediv__(self, other: Number) -> Value:
        """Divide by a number."""
        return self._with("/", other)

    def __neg__(self) -> Value:
        """Change the sign."""
        return self._with("negate")

    def __abs__(self) -> Value:
        """Take the distance from zero."""
        return self._with("abs")

    def _compared(self, op: Operator, other: object) -> Test:
        if isinstance(other, Value):
            return Test(Comparison(op, applied("-", [self.term, other.term]), 0))
        return Test(Comparison(op, self.term, _constant(other)))

    def __eq__(self, other: object) -> Test:  # type: ignore[override]
        """Compare."""
        return self._compared("=", other)

    def __ne__(self, other: object) -> Test:  # type: ignore[override]
        """Compare."""
        return self._compared("!=", other)

    def __lt__(self, other: object) -> Test:
        """Compare."""
        return self._compared("<", other)

    def __le__(self, other: object) -> Test:
        """Compare."""
        return self._compared("<=", other)

    def __gt__(self, other: object) -> Test:
        """Compare."""
        return self._compared(">", other)

    def __ge__(self, other: object) -> Test:
        """Compare."""
        return self._compared(">=", other)

    __hash__ = None  # type: ignore[assignment]

    def floor(self) -> Value:
        """Round down to a whole number."""
        return self._with("floor")

    def round(self, digits: int = 0) -> Value:
        """Round to so many digits, half away from zero."""
        return self._with("round", digits)

    def clamp(self, lower: Number, upper: Number) -> Value:
        """Cut to two numbers; around a bare column they stand in for a declaration."""
        return Value(clamped(self.term, Fixed(_constant(lower)), Fixed(_constant(upper))))

    def fill(self, number: Number) -> Value:
        """Put a number where the value is missing."""
        return self._with("coalesce", number)

    def bucket(self, lower: Number, upper: Number, count: int) -> Value:
        """Number the bucket of a value: 0 below the first, one more than there are from the upper end on."""
        return self._with("width_bucket", lower, upper, count)

    def is_in(self, values: Iterable[Plain]) -> Test:
        """Whether it is one of several constants."""
        constants = tuple(_constant(one) for one in values)
        if not 0 < len(constants) <= hints.LIST_MAX:
            raise hints.IN_LIST.refusal()
        return Test(Member(self.term, constants))

    def is_null(self) -> Test:
        """Whether it is missing."""
        return Test(Null(self.term))

    def is_true(self) -> Test:
        """Whether a true-or-false column is true."""
        return Test(Truth(self.term))


def col(name: str) -> Value:
    """Take a column by its exact name.

    Args:
        name: Its name.
    """
    return Value(Name(name, is_quoted=True))


def case(*branches: tuple[Test, Value | Plain], otherwise: Value | Plain | None = None) -> Value:
    """Take the value of the first condition that holds.

    Args:
        branches: A condition and a value each.
        otherwise: The value where none holds; missing when not given.
    """
    if not 0 < len(branches) <= hints.BRANCHES_MAX:
        raise hints.CASE.refusal()
    read = tuple((test.condition, _term(value)) for test, value in branches)
    return Value(Choose(read, Fixed(None) if otherwise is None else _term(otherwise)))


class Shown:
    """A condition on the noisy answer, joined with others by ``&``, ``|`` and ``~``."""

    def __init__(self, having: Having) -> None:
        self.having = having

    def __and__(self, other: Shown) -> Shown:
        """Both hold."""
        return Shown(Every((self.having, other.having)))

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
    return replace(having, op=_NEGATED[having.op])


class Statistic:
    """A statistic that is asked; compared with a number it is a condition on the noisy answer."""

    def __init__(self, output: StatisticOutput) -> None:
        self.output = output

    def _compared(self, op: Operator, number: Number) -> Shown:
        known = _constant(number)
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


def count(of: Value | str | None = None) -> Statistic:
    """Count rows, or those where a column or expression holds a value."""
    return _asked("count", of)


def people() -> Statistic:
    """Count people, each once in a group."""
    return _asked("people", None)


def total(of: Value | str) -> Statistic:
    """Add up a column or an expression."""
    return _asked("sum", of)


def mean(of: Value | str) -> Statistic:
    """Average a column or an expression."""
    return _asked("mean", of)


def variance(of: Value | str) -> Statistic:
    """Tell the variance, divided by one less than the count."""
    return _asked("variance", of)


def stddev(of: Value | str) -> Statistic:
    """Tell the standard deviation, divided by one less than the count."""
    return _asked("stddev", of)


def median(of: Value | str) -> Statistic:
    """Choose a value near the median."""
    return _asked("median", of)


def quantile(of: Value | str, portion: float | Decimal | Fraction) -> Statistic:
    """Choose a value near a quantile, above 0 and below 1."""
    return _asked("quantile", of, Fraction(_constant(portion)))


class Source(Protocol[T_co]):
    """Where a question is put."""

    def answer(self, query: Query, **given: Any) -> T_co:  # noqa: ANN401 - as each place takes it
        """Answer it."""

    def explain(self, query: Query, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as each place takes it
        """Tell what it would cost and how wrong the answer may be."""


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
    """

    source: Source[T_co]
    tests: tuple[Condition, ...] = ()
    groups: tuple[tuple[str | None, Term], ...] = ()
    outputs: tuple[StatisticOutput, ...] = ()
    kept: tuple[Having, ...] = ()
    order: tuple[Ordering, ...] = ()
    rows: int | None = None

    def where(self, *tests: Test) -> Self:
        """Count only rows that meet all of these and those before."""
        return replace(self, tests=(*self.tests, *(test.condition for test in tests)))

    def group_by(self, *columns: str, **named: Value | str) -> Self:
        """Group by columns with declared keys, or by named expressions with public values."""
        plain = tuple((None, col(name).term) for name in columns)
        made = (
            (name, part.term if isinstance(part, Value) else col(part).term) for name, part in named.items()
        )
        return replace(self, groups=(*self.groups, *plain, *made))

    def agg(self, **statistics: Statistic) -> Self:
        """Ask statistics, each under its name."""
        asked = tuple(replace(one.output, alias=name) for name, one in statistics.items())
        return replace(self, outputs=(*self.outputs, *asked))

    def having(self, *tests: Shown) -> Self:
        """Show only rows whose noisy values meet all of these."""
        return replace(self, kept=(*self.kept, *(test.having for test in tests)))

    def order_by(self, *names: str, descending: bool = False) -> Self:
        """Sort the noisy rows by outputs."""
        order = tuple(Ordering(Name(name, is_quoted=True), descending) for name in names)
        return replace(self, order=(*self.order, *order))

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
            None if not self.tests else self.tests[0] if len(self.tests) == 1 else Both(self.tests),
            self.order,
            self.rows,
            None if not self.kept else self.kept[0] if len(self.kept) == 1 else Every(self.kept),
        )

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

    def explain(self, epsilon: Number | str | None = None, **given: Any) -> Mapping[str, Any]:  # noqa: ANN401 - as above
        """Tell what it would cost and how wrong the answer may be; nothing is spent and no value is read.

        Args:
            epsilon: What the answer would cost.
            given: As for :meth:`answer`.

        Returns:
            What the plan of a query in SQL tells there.
        """
        return self.source.explain(self.query, epsilon=epsilon, **given)
