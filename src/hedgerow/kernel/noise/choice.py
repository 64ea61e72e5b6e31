"""Private choice of one of several public candidates by whole-number scores: permute and flip.

OpenDP makes the choice with exact rational arithmetic and the operating system's randomness. It is the same
distribution as adding exponential noise to each score and reporting where the sum is largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hedgerow.kernel.noise.laplace import laplace_scale
from hedgerow.model.errors import Fault

_UP = Context(prec=60, rounding=ROUND_CEILING)
_SCORE_MOST = 2**62


def choice_scale(sensitivity: int, epsilon: Fraction) -> float:
    """Choose the scale of the choice, rounded up.

    Args:
        sensitivity: The most one person can change any one score, 1 or more. Over several choices from
            tables in which different rows of the person count, the sum over the choices.
        epsilon: Privacy loss allowed, exact, above 0.

    Returns:
        A float at least ``2 * sensitivity / epsilon``: some scores may rise while others fall.
    """
    return laplace_scale(2 * sensitivity, epsilon)


def choose(scores: Sequence[int], sensitivity: int, epsilon: Fraction, scale: float) -> int:
    """Choose a candidate, more likely one whose score is high.

    Args:
        scores: One for each candidate, within 62 bits.
        sensitivity: The most one person can change any one score.
        epsilon: What the choice may cost, exact.
        scale: The scale of the choice.

    Returns:
        The place of the chosen candidate.

    Raises:
        Fault: ``noise.too-weak`` when OpenDP's own bound is above ``epsilon``;
            ``noise.overflow`` when a score does not fit.

    Guarantee: epsilon-differential privacy for neighbours that move each score by at most
        ``sensitivity``; where they move them by at most ``part`` of it, ``epsilon * part / sensitivity``.
    Source: McKenna, Sheldon 2020 (permute and flip); Ding, Kifer and others 2021 (its equality with
        exponential noise); as implemented by OpenDP.
    """
    import numpy as np

    if not -_SCORE_MOST <= min(scores) <= max(scores) <= _SCORE_MOST:
        raise Fault("noise.overflow")
    if not _loss(scale, sensitivity) <= epsilon:
        raise Fault("noise.too-weak")
    # An array crosses into OpenDP as it is; a list would be checked number by number.
    return int(_measurement(scale)(np.array(scores, dtype=np.int64)))


@lru_cache(maxsize=64)
def _loss(scale: float, sensitivity: int) -> Fraction:
    """OpenDP's own bound, asked once for all groups of a query."""
    return Fraction(_measurement(scale).map(sensitivity))


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:  # noqa: ANN401 - OpenDP's type, not imported before it is needed
    """Build OpenDP's mechanism; it holds no state, so one serves every call."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_noisy_max
    from opendp.measures import max_divergence
    from opendp.metrics import linf_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    space = vector_domain(atom_domain(T="i64")), linf_distance(T="i64")
    return make_noisy_max(*space, max_divergence(), scale=scale)


@lru_cache(maxsize=1024)
def score_gap(candidates: int, scale: float, confidence: Fraction = Fraction(95, 100)) -> int:
    """Bound how far the chosen score stays behind the best one.

    Args:
        candidates: How many there are, 1 or more.
        scale: Scale of the choice, above 0.
        confidence: A chance in (0, 1).

    Returns:
        A whole ``t`` with ``P(best score - chosen score > t) <= 1 - confidence``, rounded up.

    Source: with exponential noise on each score, the chosen one lacks at most its own noise, and
        ``P(any noise > t) <= candidates * exp(-t / scale)``.
    """
    odds = Fraction(candidates) / (1 - confidence)
    log = _UP.next_plus(_UP.ln(_UP.next_plus(_UP.divide(Decimal(odds.numerator), Decimal(odds.denominator)))))
    return int(_UP.multiply(Decimal(scale), log).to_integral_value(ROUND_CEILING))
