"""Discrete Gaussian noise on vectors of integers, drawn by OpenDP."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from math import ceil, isqrt
from statistics import NormalDist
from typing import Any

from hedgerow.kernel.noise.laplace import float_up, noisy

_UP = Context(prec=60, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
# OpenDP rounds its own bound up a few times; so much more noise keeps it below the rho that is paid.
_ROOM = 1 + Fraction(1, 2**48)
# The inverse of the normal distribution comes in floats, exact to far more digits than this.
_SLACK = Fraction(1, 10**9)


def l2_bound(square: int) -> Fraction:
    """Take the root of the square of an L2 sensitivity: exact where it is whole, else rounded up.

    Args:
        square: The most one person can change the vector, in L2, squared.

    Returns:
        An exact value whose square is at least ``square``.
    """
    root = isqrt(square)
    return Fraction(root) if root * root == square else Fraction(_UP.next_plus(_UP.sqrt(Decimal(square))))


def gaussian_scale(sensitivity: int | Fraction, rho: Fraction) -> float:
    """Choose the scale of discrete Gaussian noise, rounded up.

    Args:
        sensitivity: The most one person can change the vector, in L2, steps, 1 or more.
        rho: Zero-concentrated privacy loss allowed, exact, above 0.

    Returns:
        A float at least ``sensitivity / sqrt(2 * rho)``, and within one part in 2**40 of it.
    """
    safe = Fraction(float_up(Fraction(sensitivity)))
    square = safe**2 / (2 * rho)
    root = _UP.next_plus(_UP.sqrt(_UP.divide(Decimal(square.numerator), Decimal(square.denominator))))
    return float_up(Fraction(root) * _ROOM)


def add_gaussian(
    values: Sequence[int], sensitivity: int | Fraction, rho: Fraction, scale: float
) -> list[int]:
    """Add discrete Gaussian noise to a vector of exact integers, in one call.

    Args:
        values: Exact integers within 64 bits.
        sensitivity: The most one person can change the vector, in L2.
        rho: What the release may cost, exact.
        scale: The scale of the noise.

    Returns:
        The noisy integers, in the same order.

    Raises:
        Fault: ``noise.too-weak`` when OpenDP's own bound is above ``rho``;
            ``noise.overflow`` when a value does not fit 64 bits.

    Guarantee: rho-zCDP for neighbours that move the vector by at most ``sensitivity`` in L2.
    Source: Canonne, Kamath, Steinke 2020, "The discrete Gaussian for differential privacy",
        theorem 14 and its sampler, as implemented by OpenDP.
    """
    return noisy(_measurement(scale), values, float_up(Fraction(sensitivity)), rho)


@lru_cache(maxsize=1024)
def gaussian_half_width(scale: float, confidence: Fraction = Fraction(95, 100)) -> int:
    """Compute how far discrete Gaussian noise stays from zero with a given confidence.

    Args:
        scale: Scale of the noise, above 0.
        confidence: A chance in (0, 1).

    Returns:
        A whole ``t`` with ``P(|noise| <= t) >= confidence``, less than 1 wider than the normal
        distribution's.

    Source: Canonne, Kamath, Steinke 2020, proposition 25: ``P(X >= m) <= P(N >= m - 1)`` for whole m, where
        N is normal of the same scale; so ``P(|X| > t) <= 2 P(N >= t)``.
    """
    normal = Fraction(NormalDist().inv_cdf(float((1 + confidence) / 2))) + _SLACK
    return ceil(normal * Fraction(scale))


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:  # noqa: ANN401 - OpenDP's type, not imported before it is needed
    """Build OpenDP's mechanism; it holds no state, so one serves every call."""
    # The measure is named in text and found only where its module was loaded.
    import opendp.measures  # noqa: F401
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_gaussian
    from opendp.metrics import l2_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    space = vector_domain(atom_domain(T="i64")), l2_distance(T="f64")
    return make_gaussian(*space, scale=scale)
