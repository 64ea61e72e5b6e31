"""How high a noisy count must be before it may be shown that anybody was counted at all."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from hedgerow.kernel.noise.laplace import half_width

_UP = Context(prec=60, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
_DOWN = Context(prec=60, rounding=ROUND_FLOOR, Emax=10**15, Emin=-(10**15), traps=[])
# Two pi, rounded down.
_TWO_PI = Decimal("6.28318530717958647692")


def laplace_threshold(scale: float, keys: int, delta: Fraction) -> int:
    """Find the threshold for counts with discrete Laplace noise.

    Args:
        scale: Scale of the noise.
        keys: How many keys one person can be the only one of.
        delta: The chance, in (0, 1), that any of them is shown.

    Returns:
        The least whole ``t`` shown to satisfy ``keys * P(1 + noise >= t) <= delta``.

    Source: ``P(X >= m) = a^m / (1 + a)`` with ``a = exp(-1/scale)``; the union bound over the keys (Korolova,
        Kenthapadi, Mishra, Ntoulas 2009, theorem 1; Wilson and others 2020, section 4).
    """
    # Both tails beyond t hold twice the chance of one, and t is the last within.
    return half_width(scale, 1 - 2 * min(delta / keys, Fraction(1, 4))) + 2


@lru_cache(maxsize=64)
def gaussian_threshold(scale: float, keys: int, delta: Fraction) -> int:
    """Find the threshold for counts with discrete Gaussian noise.

    Args:
        scale: Scale of the noise.
        keys: How many keys one person can be the only one of.
        delta: The chance, in (0, 1), that any of them is shown.

    Returns:
        The least whole ``t`` whose bound of ``keys * P(1 + noise >= t)`` is at most ``delta``.

    Source: see :func:`gaussian_tail`; the union bound over the keys.
    """
    low, high = 0, 1
    while gaussian_tail(scale, high) > delta / keys:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if gaussian_tail(scale, middle) <= delta / keys else (middle, high)
    return high + 1


def gaussian_tail(scale: float, least: int) -> Fraction:
    """Bound the chance that discrete Gaussian noise is so large.

    Args:
        scale: Its parameter sigma, above 0.
        least: 1 or more.

    Returns:
        At least ``P(noise >= least)``, rounded up.

    Source: the mass at k is ``exp(-k**2 / (2 sigma**2)) / Z`` with ``Z >= max(1, sqrt(2 pi sigma**2))``
        (Canonne, Kamath, Steinke 2020, fact 19); and ``(m + j)**2 >= m**2 + (2m + 1) j``, so that the masses
        from m on lie below a geometric series.
    """
    twice = 2 * Fraction(scale) ** 2
    first = _UP.next_plus(_UP.exp(_ratio_up(Fraction(-(least**2)) / twice)))
    factor = _UP.next_plus(_UP.exp(_ratio_up(Fraction(-(2 * least + 1)) / twice)))
    root = _DOWN.next_minus(
        _DOWN.sqrt(_DOWN.multiply(_TWO_PI, _DOWN.multiply(Decimal(scale), Decimal(scale))))
    )
    return Fraction(first) / (Fraction(max(Decimal(1), root)) * (1 - Fraction(factor)))


def _ratio_up(value: Fraction) -> Decimal:
    return _UP.divide(Decimal(value.numerator), Decimal(value.denominator))
