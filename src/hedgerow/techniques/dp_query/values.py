"""Values of rows, built without SQL: columns, expressions of them, and the conditions they make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import (
    Both,
    Choose,
    Comparison,
    Condition,
    Constant,
    Either,
    Fixed,
    Member,
    Name,
    Null,
    Operation,
    Operator,
    Term,
    Truth,
)
from hedgerow.model.calls import Fit
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_query.calls import NAME, called
from hedgerow.techniques.dp_query.terms import applied, clamped

Number: TypeAlias = "int | float | Decimal | Fraction"
Plain: TypeAlias = "str | bool | int | float | Decimal | Fraction"
_DIGITS_MOST = 40
_PAIR = 2
NEGATED: dict[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _is_listed(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _is_branch(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == _PAIR and isinstance(value[0], Test)


_TEST = Fit("a condition", "(hedgerow.dp.col('age') > 30)", lambda value: isinstance(value, Test))
_LISTED = Fit("a list of constants", "['A', 'B']", _is_listed)
_BRANCH = Fit("a condition and a value each", "(hedgerow.dp.col('age') > 30, 1)", _is_branch)


def constant(value: object) -> Constant:
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


def term_of(value: object) -> Term:
    """Take a value of rows, or a constant."""
    return value.term if isinstance(value, Value) else Fixed(constant(value))


class Test:
    """A condition on rows, joined with others by ``&``, ``|`` and ``~``."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    @called("&", other=_TEST)
    def __and__(self, other: Test) -> Test:
        """Both hold."""
        return Test(Both((self.condition, other.condition)))

    @called("|", other=_TEST)
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
            return replace(test, op=NEGATED[op])
    return replace(test, is_negated=not test.is_negated)


class Value:
    """A column or what is made of columns of the same row; see :func:`col`."""

    def __init__(self, term: Term) -> None:
        self.term = term

    def _with(self, function: Operation, *others: object) -> Value:
        return Value(applied(function, [self.term, *map(term_of, others)]))

    def _of(self, function: Operation, left: object) -> Value:
        return Value(applied(function, [term_of(left), self.term]))

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
        return Test(Comparison(op, self.term, constant(other)))

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

    @called("round")
    def round(self, digits: int = 0) -> Value:
        """Round to so many digits, half away from zero."""
        return self._with("round", digits)

    @called("clamp")
    def clamp(self, lower: Number, upper: Number) -> Value:
        """Cut to two numbers; around a bare column they stand in for a declaration."""
        return Value(clamped(self.term, Fixed(constant(lower)), Fixed(constant(upper))))

    @called("fill")
    def fill(self, number: Number) -> Value:
        """Put a number where the value is missing."""
        return self._with("coalesce", number)

    @called("bucket")
    def bucket(self, lower: Number, upper: Number, count: int) -> Value:
        """Number the bucket of a value: 0 below the first, one more than there are from the upper end on."""
        return self._with("width_bucket", lower, upper, count)

    @called("is_in", values=_LISTED)
    def is_in(self, values: Iterable[Plain]) -> Test:
        """Whether it is one of several constants."""
        constants = tuple(constant(one) for one in values)
        if not 0 < len(constants) <= hints.LIST_MAX:
            raise hints.IN_LIST.refusal()
        return Test(Member(self.term, constants))

    def is_null(self) -> Test:
        """Whether it is missing."""
        return Test(Null(self.term))

    def is_true(self) -> Test:
        """Whether a true-or-false column is true."""
        return Test(Truth(self.term))


@called("dp.col", name=NAME)
def col(name: str) -> Value:
    """Take a column by its exact name.

    Args:
        name: Its name.

    Returns:
        It, to be compared, computed with and asked statistics of.
    """
    return Value(Name(name, is_quoted=True))


@called("dp.case", branches=_BRANCH)
def case(*branches: tuple[Test, Value | Plain], otherwise: Value | Plain | None = None) -> Value:
    """Take the value of the first condition that holds.

    Args:
        branches: A condition and a value each.
        otherwise: The value where none holds; missing when not given.

    Returns:
        It, as a column has it.

    Raises:
        Refused: ``dp.sql-unsupported`` without a branch, or with too many.
    """
    if not 0 < len(branches) <= hints.BRANCHES_MAX:
        raise hints.CASE.refusal()
    read = tuple((test.condition, term_of(value)) for test, value in branches)
    return Value(Choose(read, Fixed(None) if otherwise is None else term_of(otherwise)))
