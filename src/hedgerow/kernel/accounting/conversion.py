"""From zero-concentrated privacy to (epsilon, delta), every irrational rounded to the safe side."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

_UP = Context(prec=50, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
_DOWN = Context(prec=50, rounding=ROUND_FLOOR, Emax=10**15, Emin=-(10**15), traps=[])


def zcdp_epsilon(rho: Fraction, delta: Fraction) -> Fraction:
    """Bound the epsilon of a rho-zCDP mechanism at a delta.

    Args:
        rho: Zero-concentrated privacy loss, 0 or more, exact.
        delta: Chance of a larger loss, in (0, 1), exact.

    Returns:
        An exact value at least ``rho + 2 * sqrt(rho * ln(1/delta))`` and within 1e-40 of it,
        relatively.

    Raises:
        ValueError: When delta is not in (0, 1) or rho is negative.

    Source: Bun and Steinke 2016, Proposition 1.3; its proof bounds the chance that the privacy
        loss itself passes epsilon, which is what the filter's argument needs.
    """
    if not 0 < delta < 1 or rho < 0:
        raise ValueError("delta lies in (0, 1) and rho is not negative")
    if rho == 0:
        return Fraction(0)
    product = _UP.multiply(_decimal_up(rho), _log_up(delta))
    root = _UP.next_plus(_UP.sqrt(product))
    return rho + 2 * Fraction(root)


def rho_within(epsilon: Fraction, delta: Fraction) -> Fraction:
    """Find nearly the largest rho whose bound at ``delta`` stays within ``epsilon``.

    Args:
        epsilon: Privacy loss allowed, 0 or more, exact.
        delta: Chance of a larger loss, in (0, 1), exact.

    Returns:
        An exact rho, rounded down, with ``zcdp_epsilon(rho, delta) <= epsilon``.
    """
    if epsilon <= 0:
        return Fraction(0)
    log = Fraction(_log_up(delta))
    outer = Fraction(_DOWN.next_minus(_DOWN.sqrt(_decimal_down(log + epsilon))))
    inner = Fraction(_UP.next_plus(_UP.sqrt(_decimal_up(log))))
    rho = max(Fraction(0), outer - inner) ** 2
    while rho > 0 and zcdp_epsilon(rho, delta) > epsilon:
        rho *= 1 - Fraction(1, 10**12)
    return rho


def square_root_down(value: Fraction) -> Fraction:
    """Take a square root, rounded down.

    Args:
        value: 0 or more, exact.

    Returns:
        An exact value whose square is at most ``value``.
    """
    if value <= 0:
        return Fraction(0)
    return Fraction(_DOWN.next_minus(_DOWN.sqrt(_decimal_down(value))))


def _log_up(delta: Fraction) -> Decimal:
    """Bound ``ln(1/delta)`` from above; ``ln`` rounds to nearest, so one step more is above."""
    return _UP.next_plus(_UP.ln(_decimal_up(1 / delta)))


def _decimal_up(value: Fraction) -> Decimal:
    return _UP.divide(Decimal(value.numerator), Decimal(value.denominator))


def _decimal_down(value: Fraction) -> Decimal:
    return _DOWN.divide(Decimal(value.numerator), Decimal(value.denominator))
