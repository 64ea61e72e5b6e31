"""Expressions as whole numbers of exact steps: each with a unit, and bounds by exact interval arithmetic.

Dividing by a constant and multiplying with one change the unit and leave the whole numbers as they are, so
that nothing is rounded but where the query says so, and at the end where values are added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from hedgerow.kernel.conditions import hints
from hedgerow.kernel.conditions.parts import Apply, Choose, Condition, Fixed, Name, Term
from hedgerow.model.expressions import (
    MOST,
    Cases,
    Expression,
    Extreme,
    Filled,
    Floor,
    Plus,
    Steps,
    Times,
    Whole,
    is_safe,
    reach,
)
from hedgerow.model.plans import Clamp, Predicate, SumValues
from hedgerow.techniques.dp_query.terms import value_of

Within: TypeAlias = "tuple[Fraction | None, Fraction | None]"
_OPEN: Within = (None, None)
_NODES_MAX = 200
DIGITS_MOST = 9


@dataclass(frozen=True, slots=True)
class Worth:
    """An expression: whole numbers, and what one of them is worth.

    Args:
        expression: Gives the whole number of a row.
        unit: Above 0.
        size: How many parts it is made of.
    """

    expression: Expression
    unit: Fraction
    size: int = 1

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the greatest whole number; zeros where it is always missing."""
        return reach(self.expression) or (0, 0)

    @property
    def clamp(self) -> Clamp:
        """The least and the greatest value."""
        low, high = self.ends
        return Clamp(low * self.unit, high * self.unit)

    @property
    def constant(self) -> Fraction | None:
        """Its value, where it is a constant."""
        is_known = isinstance(self.expression, Whole) and self.expression.value is not None
        return self.clamp.lower if is_known else None


def _worth(expression: Expression, unit: Fraction, *parts: Worth) -> Worth:
    """Build, or refuse what could pass 64 bits or is too long."""
    size = 1 + sum(part.size for part in parts)
    if size > _NODES_MAX:
        raise hints.EXPRESSION_DEPTH.refusal()
    if not is_safe(expression):
        raise hints.TOO_LARGE.refusal()
    return Worth(expression, unit, size)


def fixed(value: Fraction) -> Worth:
    """Take a constant."""
    return _worth(Whole(value.numerator), Fraction(1, value.denominator))


def scaled(part: Worth, factor: Fraction) -> Worth:
    """Multiply by a constant."""
    known = part.constant
    if known is not None:
        return fixed(known * factor)
    if factor == 0:
        return _worth(Times(part.expression, Whole(0)), Fraction(1), part)
    if factor > 0:
        return Worth(part.expression, part.unit * factor, part.size)
    return _worth(Times(part.expression, Whole(-1)), part.unit * -factor, part)


def _aligned(parts: Sequence[Worth]) -> tuple[list[Expression], Fraction]:
    """Bring several to one unit, of which each of theirs is a whole multiple."""
    known = [part for part in parts if part.expression != Whole(None)]
    below = math.lcm(*(part.unit.denominator for part in known))
    unit = Fraction(math.gcd(*(int(part.unit * below) for part in known)), below) if known else Fraction(1)
    return [_finer(part, unit) for part in parts], unit


def _finer(part: Worth, unit: Fraction) -> Expression:
    factor = int(part.unit / unit)
    if part.expression == Whole(None) or factor == 1:
        return part.expression
    if isinstance(part.expression, Whole):
        return Whole((part.expression.value or 0) * factor)
    return Times(part.expression, Whole(factor))


def plus(left: Worth, right: Worth) -> Worth:
    """Add."""
    (first, second), unit = _aligned([left, right])
    return _worth(Plus(first, second), unit, left, right)


def product(left: Worth, right: Worth) -> Worth:
    """Multiply."""
    for one, other in ((left, right), (right, left)):
        if other.constant is not None:
            return scaled(one, other.constant)
    return _worth(Times(left.expression, right.expression), left.unit * right.unit, left, right)


def extreme(parts: Sequence[Worth], *, is_greatest: bool) -> Worth:
    """Take the least or the greatest."""
    expressions, unit = _aligned(parts)
    return _worth(Extreme(tuple(expressions), is_greatest), unit, *parts)


def floor(part: Worth, step: Fraction = Fraction(1)) -> Worth:
    """Round down to a multiple of a step, and count in it."""
    ratio = part.unit / step
    expression = part.expression
    if ratio.numerator != 1:
        expression = Times(expression, Whole(ratio.numerator))
    if ratio.denominator != 1:
        expression = Floor(expression, ratio.denominator)
    return _worth(expression, step, part)


def rounded(part: Worth, step: Fraction) -> Worth:
    """Round to the nearest multiple of a step, half away from zero as SQL does, and count in it."""
    if (part.unit / step).denominator == 1:
        return floor(part, step)
    half = fixed(step / 2)
    up = extreme([floor(plus(part, half), step), fixed(Fraction(0))], is_greatest=True)
    down = scaled(floor(plus(scaled(part, Fraction(-1)), half), step), Fraction(-1))
    return plus(up, extreme([down, fixed(Fraction(0))], is_greatest=False))


def in_decimals(part: Worth) -> tuple[Expression, int]:
    """Give an expression in decimal steps: exactly where nine digits hold it, else rounded to the nearest.

    Args:
        part: The expression.

    Returns:
        Whole numbers of steps, and the digits of a step.
    """
    for digits in range(DIGITS_MOST + 1):
        if (part.unit * 10**digits).denominator == 1:
            exact = _finer(part, Fraction(1, 10**digits))
            if is_safe(exact):
                return exact, digits
    for digits in range(DIGITS_MOST, 0, -1):
        found = _nearest(part, Fraction(1, 10**digits))
        if is_safe(found):
            return found, digits
    return _worth(_nearest(part, Fraction(1)), Fraction(1), part).expression, 0


def _nearest(part: Worth, step: Fraction) -> Expression:
    """Round to the nearest step, half-way ones up."""
    (inner, half), unit = _aligned([part, Worth(Whole(1), step / 2)])
    return Floor(Plus(inner, half), int(step / unit)) if isinstance(half, Whole) else inner


def whole_numbers(part: Worth, most: int) -> tuple[tuple[int, ...], Expression]:
    """List the values of an expression that is a key, and give the place of a row's value among them.

    Args:
        part: The expression.
        most: How many there may be.

    Returns:
        The values, from the least, and the place from 0.

    Raises:
        Refused: ``dp.sql-unsupported`` where they are too many or no whole numbers.
    """
    low, high = part.ends
    if part.unit.denominator != 1:
        raise hints.GROUP_FRACTION.refusal()
    if high - low >= most:
        raise hints.GROUP_EXPRESSION.refusal()
    if max(map(abs, (low * part.unit, high * part.unit))) > MOST:
        raise hints.TOO_LARGE.refusal()
    place = _worth(Plus(part.expression, Whole(-low)), Fraction(1), part)
    return tuple(int(number * part.unit) for number in range(low, high + 1)), place.expression


class Worths:
    """Works out what the expressions of one query are.

    Args:
        leaf: Finds a column, its bounds and its grid, with the bounds written around it.
        predicate: Checks a condition.
    """

    def __init__(
        self,
        leaf: Callable[[Name, Within], tuple[str, Clamp, int]],
        predicate: Callable[[Condition], Predicate],
    ) -> None:
        self._leaf = leaf
        self._predicate = predicate

    def of(self, term: Term, within: Within = _OPEN) -> Worth:
        """Work out an expression.

        Args:
            term: What the query says.
            within: Bounds that stand around it; its value may be cut to them.

        Returns:
            Whole numbers in a unit.

        Raises:
            Refused: Where it is too large, or text where a number belongs.
        """
        match term:
            case Name():
                column, clamp, digits = self._leaf(term, within)
                return _worth(Steps(SumValues(column, clamp, digits)), Fraction(1, 10**digits))
            case Fixed(value=None):
                return Worth(Whole(None), Fraction(1))
            case Fixed():
                return fixed(value_of(term))
            case Choose():
                return self._cases(term)
            case Apply(function="least" | "greatest"):
                return self._extreme(term, within)
            case Apply(function="width_bucket", arguments=(inner, *public)):
                low, high, count = (value_of(one) for one in public if isinstance(one, Fixed))
                return _bucket(self.of(inner, (low - (high - low) / count, high)), low, high, count)
        return self._applied(term, [self.of(one) for one in term.arguments])

    def chosen(self, term: Choose, labels: Sequence[str | int | bool]) -> Expression:
        """Give the place of the constant that CASE chooses.

        Args:
            term: A CASE of constants.
            labels: Its values in order.
        """

        def place(value: Term) -> Whole:
            known = value.value if isinstance(value, Fixed) else None
            return Whole(None if known is None or isinstance(known, Fraction) else labels.index(known))

        branches = tuple((self._predicate(test), place(value)) for test, value in term.branches)
        return Cases(branches, place(term.otherwise))

    def _cases(self, term: Choose) -> Worth:
        tests = [self._predicate(test) for test, _ in term.branches]
        parts = [self.of(value) for value in (*(value for _, value in term.branches), term.otherwise)]
        expressions, unit = _aligned(parts)
        branches = tuple(zip(tests, expressions, strict=False))
        return _worth(Cases(branches, expressions[-1]), unit, *parts)

    def _extreme(self, term: Apply, within: Within) -> Worth:
        """Take the least or greatest; constants among them bound the others, which then need no other."""
        is_greatest = term.function == "greatest"
        bounds = [value_of(one) for one in term.arguments if isinstance(one, Fixed)]
        low, high = within
        if is_greatest:
            low = max([*bounds, *([] if low is None else [low])], default=None)
        else:
            high = min([*bounds, *([] if high is None else [high])], default=None)
        parts = [self.of(one, (low, high)) for one in term.arguments]
        return extreme(parts, is_greatest=is_greatest)

    def _applied(self, term: Apply, parts: list[Worth]) -> Worth:
        first, *others = parts
        match term.function:
            case "+":
                return plus(first, others[0])
            case "-":
                return plus(first, scaled(others[0], Fraction(-1)))
            case "*":
                return product(first, others[0])
            case "/":
                return scaled(first, 1 / value_of_worth(others[0]))
            case "negate":
                return scaled(first, Fraction(-1))
            case "abs":
                return _absolute(first)
            case "floor":
                return floor(first)
            case "ceil":
                return scaled(floor(scaled(first, Fraction(-1))), Fraction(-1))
            case "round":
                return rounded(first, Fraction(10) ** -int(value_of_worth(others[0])))
        return _filled(first, others[0])


def value_of_worth(part: Worth) -> Fraction:
    """Take a constant."""
    if part.constant is None:
        raise hints.EXPRESSION.refusal()
    return part.constant


def _absolute(part: Worth) -> Worth:
    return extreme([part, scaled(part, Fraction(-1)), fixed(Fraction(0))], is_greatest=True)


def _filled(part: Worth, constant: Worth) -> Worth:
    (inner, other), unit = _aligned([part, constant])
    known = other.value if isinstance(other, Whole) else None
    if known is None:
        raise hints.COALESCE.refusal()
    return _worth(Filled(inner, known), unit, part)


def _bucket(part: Worth, low: Fraction, high: Fraction, count: Fraction) -> Worth:
    """Number the bucket of a value: 0 below the first, one more than there are from the upper end on."""
    moved = floor(plus(part, fixed(-low)), (high - low) / count)
    place = plus(Worth(moved.expression, Fraction(1), moved.size), fixed(Fraction(1)))
    least = extreme([place, fixed(Fraction(0))], is_greatest=True)
    return extreme([least, fixed(count + 1)], is_greatest=False)
