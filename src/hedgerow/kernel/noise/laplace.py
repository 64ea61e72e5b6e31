"""Discrete Laplace noise on vectors of integers.

The noise is drawn by OpenDP from the operating system's randomness, by an exact sampler on
integers; a float never carries a value of a person. Floats carry only the scale, and always on
the side that gives more noise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hedgerow.model.errors import Fault

# An unbounded exponent range: the tail of a narrow distribution is a very small number.
_UP = Context(prec=60, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
_DOWN = Context(prec=60, rounding=ROUND_FLOOR, Emax=10**15, Emin=-(10**15), traps=[])
_I64_MAX = 2**63 - 1


def float_down(value: Fraction) -> float:
    """Find the greatest float that is not above an exact value."""
    near = value.numerator / value.denominator
    return math.nextafter(near, -math.inf) if Fraction(near) > value else near


def float_up(value: Fraction) -> float:
    """Find the least float that is not below an exact value."""
    near = value.numerator / value.denominator
    return math.nextafter(near, math.inf) if Fraction(near) < value else near


def laplace_scale(sensitivity: int, epsilon: Fraction) -> float:
    """Choose the scale of discrete Laplace noise, rounded up.

    Args:
        sensitivity: The most one person can change the vector, in L1, steps, 1 or more.
        epsilon: Privacy loss allowed, exact, above 0.

    Returns:
        A float at least ``sensitivity / epsilon``.

    Guarantee: noise of this scale costs at most ``epsilon``; the epsilon is first rounded down
    to a float and the scale then up, so OpenDP's own bound, which is a float rounded up, holds.
    """
    safe_sensitivity = Fraction(float_up(Fraction(sensitivity)))
    return float_up(safe_sensitivity / Fraction(float_down(epsilon)))


def add_laplace(values: Sequence[int], sensitivity: int, epsilon: Fraction, scale: float) -> list[int]:
    """Add discrete Laplace noise to a vector of exact integers, in one call.

    Args:
        values: Exact integers within 64 bits.
        sensitivity: The most one person can change the vector, in L1.
        epsilon: What the release may cost, exact.
        scale: The scale of the noise.

    Returns:
        The noisy integers, in the same order.

    Raises:
        Fault: ``noise.too-weak`` when OpenDP's own bound is above ``epsilon``;
            ``noise.overflow`` when a value does not fit 64 bits.

    Guarantee: epsilon-differential privacy for neighbours that move the vector by at most
        ``sensitivity`` in L1.
    Source: Ghosh, Roughgarden, Sundararajan 2009 (the geometric mechanism); sampler of
        Canonne, Kamath, Steinke 2020, as implemented by OpenDP.
    """
    return noisy(_measurement(scale), values, sensitivity, epsilon)


def noisy(measurement: Any, values: Sequence[int], distance: float, allowed: Fraction) -> list[int]:  # noqa: ANN401 - OpenDP's type
    """Draw from one of OpenDP's mechanisms, once its own bound of the loss is within what is allowed.

    Raises:
        Fault: ``noise.too-weak`` or ``noise.overflow``.
    """
    if any(not -_I64_MAX <= value <= _I64_MAX for value in values):
        raise Fault("noise.overflow")
    if not Fraction(measurement.map(distance)) <= allowed:
        raise Fault("noise.too-weak")
    return [int(value) for value in measurement(list(values))]


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:  # noqa: ANN401 - OpenDP's type, not imported before it is needed
    """Build OpenDP's mechanism; it holds no state, so one serves every call."""
    # Not OpenDP's prelude, which loads pandas, polars and scikit-learn wherever they are installed.
    from opendp.domains import atom_domain, vector_domain
    from opendp.measurements import make_laplace
    from opendp.metrics import l1_distance
    from opendp.mod import enable_features

    enable_features("contrib")
    space = vector_domain(atom_domain(T="i64")), l1_distance(T="i64")
    return make_laplace(*space, scale=scale)


@lru_cache(maxsize=1024)
def half_width(scale: float, confidence: Fraction = Fraction(95, 100)) -> int:
    """Compute how far discrete Laplace noise stays from zero with a given confidence.

    Args:
        scale: Scale of the noise, above 0.
        confidence: A chance in (0, 1).

    Returns:
        The least whole ``t`` shown to satisfy ``P(|noise| <= t) >= confidence``; irrational
        steps are rounded towards the wider interval.

    Source: ``P(|X| > t) = 2 a^(t+1) / (1 + a)`` with ``a = exp(-1/scale)``.
    """
    tail = _UP.divide(Decimal((1 - confidence).numerator), Decimal((1 - confidence).denominator))
    tail = _DOWN.next_minus(tail)
    log_decay = _UP.divide(Decimal(-1), Decimal(scale))
    one_more = _DOWN.add(Decimal(1), _DOWN.next_minus(_DOWN.exp(_DOWN.divide(Decimal(-1), Decimal(scale)))))
    start = _DOWN.divide(_DOWN.ln(_DOWN.divide(_DOWN.multiply(tail, one_more), Decimal(2))), log_decay)
    width = max(0, int(start) - 2)
    while not _tail_up(log_decay, one_more, width) <= tail:
        width += 1
    return width


def _tail_up(log_decay: Decimal, one_more: Decimal, width: int) -> Decimal:
    """Bound ``2 a^(width+1) / (1 + a)`` from above."""
    power = _UP.next_plus(_UP.exp(_UP.multiply(Decimal(width + 1), log_decay)))
    return _UP.divide(_UP.multiply(Decimal(2), power), one_more)
