"""Private choice under zero-concentrated privacy: the exponential mechanism, by Gumbel noise on each score.

OpenDP makes the choice with exact arithmetic and the operating system's randomness. For the same noise it
costs a quarter of what permute and flip, whose loss is bounded only as a pure one, costs in rho.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hedgerow.kernel.noise.laplace import float_up
from hedgerow.model.errors import Fault

_UP = Context(prec=60, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
# OpenDP rounds its own bound up a few times; so much more noise keeps it below the rho that is paid.
_ROOM = 1 + Fraction(1, 2**40)
_SCORE_MOST = 2**62


def preference_scale(sensitivity: int, rho: Fraction) -> float:
    """Choose the scale of the choice, rounded up.

    Args:
        sensitivity: The most one person can change any one score, 1 or more.
        rho: Zero-concentrated privacy loss allowed, exact, above 0.

    Returns:
        A float at least ``sensitivity / sqrt(2 * rho)``: some scores may rise while others fall.
    """
    square = Fraction(float_up(Fraction(sensitivity))) ** 2 / (2 * rho)
    root = _UP.next_plus(_UP.sqrt(_UP.divide(Decimal(square.numerator), Decimal(square.denominator))))
    return float_up(Fraction(root) * _ROOM)


def prefer(scores: Sequence[int], sensitivity: int, rho: Fraction, scale: float) -> int:
    """Choose a candidate, more likely one whose score is high.

    Args:
        scores: One for each candidate, within 62 bits.
        sensitivity: The most one person can change any one score.
        rho: What the choice may cost, exact.
        scale: The scale of the choice.

    Returns:
        The place of the chosen candidate.

    Raises:
        Fault: ``noise.too-weak`` when OpenDP's own bound is above ``rho``;
            ``noise.overflow`` when a score does not fit.

    Guarantee: rho-zCDP for neighbours that move each score by at most ``sensitivity``.
    Source: McSherry, Talwar 2007; Cesar, Rogers 2021, "Bounding, concentrating, and truncating", lemma 3.2: a
        range of ``eta`` costs ``eta**2 / 8``, and the range here is ``2 * sensitivity / scale``.
    """
    import numpy as np

    if not -_SCORE_MOST <= min(scores) <= max(scores) <= _SCORE_MOST:
        raise Fault("noise.overflow")
    measurement = _measurement(scale)
    if not Fraction(measurement.map(sensitivity)) <= rho:
        raise Fault("noise.too-weak")
    return int(measurement(np.array(scores, dtype=np.int64)))


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:  # noqa: ANN401 - OpenDP's type, not imported before it is needed
    """Build OpenDP's mechanism; it holds no state, so one serves every call."""
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_noisy_max
    from opendp.measures import zero_concentrated_divergence
    from opendp.metrics import linf_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    space = vector_domain(atom_domain(T="i64")), linf_distance(T="i64")
    return make_noisy_max(*space, zero_concentrated_divergence(), scale=scale)
