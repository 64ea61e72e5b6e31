"""Privacy-loss events and budgets as exact values; floats never decide a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TypeAlias

from hedgerow.model.errors import CallerError


@dataclass(frozen=True, slots=True)
class PureEvent:
    """A mechanism with pure privacy loss ``epsilon`` (exact)."""

    epsilon: Fraction


@dataclass(frozen=True, slots=True)
class LaplaceEvent(PureEvent):
    """Discrete Laplace noise on vectors of whole numbers; in every sum it counts as its ``epsilon``.

    Accountants that know the noise bound many of them more tightly than they could an unknown mechanism.
    ``epsilon`` is what all vectors cost together.

    Args:
        parts: For each vector the most one person moves it, in L1 and whole steps, and what it costs.

    Raises:
        ValueError: When a part means nothing, or the parts do not add up to ``epsilon``.
    """

    parts: tuple[tuple[int, Fraction], ...]

    def __post_init__(self) -> None:
        """Refuse parts that are no account of the epsilon."""
        is_sound = all(steps >= 1 and epsilon > 0 for steps, epsilon in self.parts)
        if not is_sound or not self.parts or sum(each for _, each in self.parts) != self.epsilon:
            raise ValueError("the parts of a Laplace event add up to its epsilon")

    @classmethod
    def of(cls, parts: Iterable[tuple[int, Fraction]]) -> LaplaceEvent:
        """Make the event of some vectors: steps one person moves each, and what it costs."""
        made = tuple(parts)
        return cls(sum((epsilon for _, epsilon in made), Fraction(0)), made)


@dataclass(frozen=True, slots=True)
class ZcdpEvent:
    """A mechanism with zero-concentrated privacy loss ``rho`` (exact)."""

    rho: Fraction


@dataclass(frozen=True, slots=True)
class SampledGaussianEvent(PureEvent):
    """Gaussian noise on Poisson samples of the people: an epsilon that holds but for the delta beside it.

    It has no bound without a delta, so that it stands inside an :class:`ApproximateEvent` alone. Its
    parameters are kept so that a better accountant can bound several such runs together anew.

    Args:
        rate: Chance of each person to be in a sample, in (0, 1].
        variance: Of the noise, in units of the most one person changes a sum in L2, squared; above 0.
        steps: How many samples were drawn, 1 or more.
        distance: At least how far all that was drawn is, in total variation, from what could be computed of
            sums with continuous noise of that variance; 0 to 1.

    Raises:
        ValueError: When a value is out of range.
    """

    rate: Fraction
    variance: Fraction
    steps: int
    distance: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        """Refuse what describes no such run."""
        is_run = self.epsilon > 0 and 0 < self.rate <= 1 and self.variance > 0 and self.steps >= 1
        if not is_run or not 0 <= self.distance <= 1:
            raise ValueError("a sampled Gaussian event has a rate in (0, 1], a variance and steps")


@dataclass(frozen=True, slots=True)
class ApproximateEvent:
    """An event whose loss holds but for a chance of its own, as that of a threshold on found keys.

    Args:
        event: What is lost otherwise.
        delta: The chance of a larger loss, in (0, 1), exact.

    Raises:
        ValueError: When the chance is out of range.

    Source: Bun and Steinke 2016, section 8.1 (approximate zCDP); a mechanism of (epsilon, delta) is a pure
        one of epsilon but for delta (Kairouz, Oh, Viswanath 2015).
    """

    event: PureEvent | ZcdpEvent
    delta: Fraction

    def __post_init__(self) -> None:
        """Refuse a chance that is none."""
        if not 0 < self.delta < 1:
            raise ValueError("the chance of a larger loss lies in (0, 1)")


@dataclass(frozen=True, slots=True)
class NonPrivateEvent:
    """A release without differential privacy, named so that every later epsilon reads apart from it."""

    release: str


PrivacyEvent: TypeAlias = "PureEvent | ZcdpEvent | ApproximateEvent | NonPrivateEvent"

_EPSILON_MIN = Fraction(1, 10**12)
_EPSILON_MAX = Fraction(1_000_000)
_DELTA_MIN = Fraction(1, 10**12)
_TEXT_MAX = 64
_PLACES_MAX = 30


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in all: at most ``epsilon`` but for a chance of ``delta``, both exact.

    Args:
        epsilon: Privacy loss allowed, 0 or more.
        delta: Chance that the loss passes it, in [0, 1); 0 means never (pure).
        dp_only: Whether releases without differential privacy are refused outright.
        own: The part of delta that is kept for events with a chance of their own, 0 to delta; the rest is the
            chance that the sums of the others pass epsilon. Fixed beforehand: were it chosen after answers,
            the two chances could add up to more than delta.

    Raises:
        CallerError: ``budget.bad-limit`` when a value is out of range.
    """

    epsilon: Fraction
    delta: Fraction = Fraction(0)
    dp_only: bool = False
    own: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        if self.epsilon < 0 or not 0 <= self.delta < 1 or not 0 <= self.own <= self.delta:
            raise CallerError("budget.bad-limit")

    @property
    def tail(self) -> Fraction:
        """The chance that sums of losses pass epsilon: delta without what is kept for events' own."""
        return self.delta - self.own


def parse_decimal(text: str) -> Fraction | None:
    """Read a decimal of ordinary size exactly, at once whatever was written.

    Args:
        text: Decimal text of at most 64 characters.

    Returns:
        The exact value, or none when it is no finite decimal between -1e30 and 1e30 or has a
        digit beyond the thirtieth place.
    """
    try:
        value = Decimal(text[: _TEXT_MAX + 1])
    except InvalidOperation:
        return None
    if len(text) > _TEXT_MAX or not value.is_finite():
        return None
    # By exponent first: the exact value of 1e999999999 would fill the memory.
    if value and not -_PLACES_MAX <= value.adjusted() < _PLACES_MAX:
        return None
    return Fraction(value)


def parse_ratio(text: str) -> Fraction | None:
    """Read a decimal as ``parse_decimal``, or two whole numbers as ``"1/20"``, at once whatever was written.

    Args:
        text: At most 64 characters.

    Returns:
        The exact value, or none.
    """
    if "/" not in text or len(text) > _TEXT_MAX:
        return parse_decimal(text)
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None


def parse_exact(text: str, option: str) -> Fraction:
    """Read a positive decimal exactly.

    Args:
        text: Decimal text such as ``"0.5"`` or ``"1e-6"``.
        option: The option it came from, for the error.

    Returns:
        The exact value, greater than zero and at most one million.

    Raises:
        CallerError: ``budget.not-a-number`` when it is no finite positive decimal in range.
    """
    try:
        value = Decimal(text[: _TEXT_MAX + 1])
    except InvalidOperation:
        raise CallerError("budget.not-a-number", option=option) from None
    if len(text) > _TEXT_MAX or not value.is_finite():
        raise CallerError("budget.not-a-number", option=option)
    if not Decimal("1e-12") <= value <= Decimal(1_000_000):
        raise CallerError("budget.not-a-number", option=option)
    return Fraction(value)


def parse_delta(text: str, option: str = "--delta") -> Fraction:
    """Read the chance of a larger loss exactly.

    Args:
        text: Decimal text such as ``"1e-6"``.
        option: The option it came from, for the error.

    Returns:
        The exact value, at least 1e-12 and below 1.

    Raises:
        CallerError: ``budget.bad-delta``.
    """
    value = parse_decimal(text)
    if value is None or not _DELTA_MIN <= value < 1:
        raise CallerError("budget.bad-delta", option=option)
    return value


def checked_epsilon(value: object, option: str = "epsilon") -> Fraction:
    """Take an epsilon from Python as an exact value.

    Args:
        value: Text, a whole number, a ``Decimal``, a ``Fraction``, or a float, which means
            the decimal it prints as.
        option: What to call it in the error.

    Returns:
        The exact value, from 1e-12 to one million.

    Raises:
        CallerError: ``budget.not-a-number`` for anything else: zero, negative, NaN, infinite.
    """
    if isinstance(value, Fraction):
        if not _EPSILON_MIN <= value <= _EPSILON_MAX:
            raise CallerError("budget.not-a-number", option=option)
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise CallerError("budget.not-a-number", option=option)
    if isinstance(value, int) and not 0 < value <= _EPSILON_MAX:
        raise CallerError("budget.not-a-number", option=option)
    return parse_exact(str(value), option)


def show_exact(value: Fraction, places: int = 6) -> str:
    """Render an exact value for people, rounded up so that spending never looks smaller.

    Args:
        value: A value of at least zero.
        places: Decimal places kept.

    Returns:
        Decimal text without trailing zeros.
    """
    scaled = value * 10**places
    steps = -((-scaled.numerator) // scaled.denominator)
    text = format(Decimal(steps).scaleb(-places), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_chance(delta: Fraction) -> str:
    """Render a delta shortly, such as ``1e-6``."""
    return f"{float(delta):.12g}".replace("e-0", "e-")


def show_left(value: Fraction, places: int = 6) -> str:
    """Render what is left of a budget, rounded down so that it never looks larger.

    Args:
        value: What is left; below zero shows as 0.
        places: Decimal places kept.

    Returns:
        Decimal text without trailing zeros.
    """
    scaled = max(value, Fraction(0)) * 10**places
    return show_exact(Fraction(scaled.numerator // scaled.denominator, 10**places), places)
