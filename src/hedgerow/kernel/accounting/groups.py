"""What a loss of one privacy unit costs whoever changes several of them, or a part of one."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from hedgerow.model.budget import ApproximateEvent, LaplaceEvent, PureEvent, SampledGaussianEvent, ZcdpEvent
from hedgerow.model.errors import CallerError

_TERMS = 30


def times(
    event: PureEvent | ZcdpEvent | ApproximateEvent, factor: Fraction
) -> PureEvent | ZcdpEvent | ApproximateEvent:
    """Tell what an event costs at a distance of so many units.

    Args:
        event: What it costs at a distance of one.
        factor: The distance, above 0. One that is no whole number is right for noise whose loss grows with
            the distance, as that of vectors (Laplace, Gaussian) and of choices by scores does.

    Returns:
        ``factor * epsilon``; ``factor**2 * rho``; and for an event with a chance of its own, over
        ``k = ceil(factor)`` steps of one unit each, ``k * epsilon`` but for
        ``delta * (1 + e**epsilon + ... + e**((k - 1) * epsilon))``, rounded up.

    Raises:
        CallerError: ``budget.no-group`` for what has no such rule here, or a chance that reaches 1.

    Source: group privacy: Dwork and Roth 2014, theorem 2.2; Vadhan 2017, lemma 2.2; for zCDP Bun and Steinke
        2016, proposition 1.9.
    """
    match event:
        case LaplaceEvent(parts=parts) if all((steps * factor).denominator == 1 for steps, _ in parts):
            return LaplaceEvent.of((int(steps * factor), epsilon * factor) for steps, epsilon in parts)
        case PureEvent(epsilon=epsilon) if not isinstance(event, SampledGaussianEvent):
            return PureEvent(epsilon * factor)
        case ZcdpEvent(rho=rho):
            return ZcdpEvent(rho * factor**2)
        case ApproximateEvent(event=PureEvent(epsilon=epsilon), delta=delta):
            steps = ceil(factor)
            chance = delta * sum(_power_up(epsilon * step) for step in range(steps))
            if chance < 1:
                return ApproximateEvent(PureEvent(epsilon * steps), chance)
    raise CallerError("budget.no-group")


def _power_up(exponent: Fraction) -> Fraction:
    """Bound ``e**exponent`` from above by a rational: its series, the rest as a geometric one.

    Args:
        exponent: 0 or more.
    """
    halvings = max(0, ceil(exponent).bit_length())
    part = exponent / 2**halvings
    term, total = Fraction(1), Fraction(1)
    for count in range(1, _TERMS):
        term = term * part / count
        total += term
    # Each later term is at most part / _TERMS of the one before, and part is at most 1.
    total += term * part / _TERMS / (1 - part / (_TERMS + 1))
    for _ in range(halvings):
        total = _rounded_up(total**2)
    return total


def _rounded_up(value: Fraction, bits: int = 200) -> Fraction:
    """Round up to so many bits after the point, so that numbers stay small."""
    return Fraction(-((-value.numerator << bits) // value.denominator), 2**bits)
