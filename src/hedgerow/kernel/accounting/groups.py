"""What a loss of one privacy unit costs whoever changes several of them, or a part of one."""

from __future__ import annotations

from fractions import Fraction

from hedgerow.model.budget import LaplaceEvent, PrivacyEvent, PureEvent, SampledGaussianEvent, ZcdpEvent
from hedgerow.model.errors import CallerError


def times(event: PrivacyEvent, factor: Fraction) -> PureEvent | ZcdpEvent:
    """Tell what an event costs at a distance of so many units.

    Args:
        event: What it costs at a distance of one.
        factor: The distance, above 0. One that is no whole number is right for noise whose loss grows with
            the distance, as that of vectors (Laplace, Gaussian) and of choices by scores does.

    Returns:
        ``factor * epsilon`` or ``factor**2 * rho``.

    Raises:
        CallerError: ``budget.no-group`` for what has no such rule here, as a chance of its own.

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
    raise CallerError("budget.no-group")
