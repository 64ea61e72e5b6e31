"""What mixing the reports of many people adds to the privacy of each: amplification by shuffling."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

from hedgerow.model.errors import Refused

_UP = Context(prec=50, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
_DOWN = Context(prec=50, rounding=ROUND_FLOOR, Emax=10**15, Emin=-(10**15), traps=[])
_ONE, _EIGHT, _SIXTEEN = Decimal(1), Decimal(8), Decimal(16)


def amplified(epsilon: Fraction, people: int, delta: Fraction) -> Fraction:
    """Bound the privacy loss of each person once nobody can tell which report came from whom.

    Args:
        epsilon: Privacy loss of one report, exact, above 0.
        people: People who sent one report each, by the same client, 1 or more.
        delta: Chance of a larger loss, in (0, 1), exact.

    Returns:
        An epsilon at most that of one report, irrational steps rounded up.

    Raises:
        Refused: ``local.no-amplification`` when the theorem does not speak of so few people.

    Guarantee: to whoever sees the reports only as a multiset, each person has differential privacy with this
        epsilon and delta, given one report each, one survey, and a shuffler that tells nobody the order.
    Source: Feldman, McMillan, Talwar 2021, "Hiding Among the Clones", Theorem 3.1, as a closed form:
        ``log(1 + (e-1)/(e+1) * (8 sqrt(e log(4/delta) / n) + 8 e / n))`` with ``e = exp(epsilon)``, under
        ``epsilon <= log(n / (16 log(2/delta)))``; required here is the stricter ``log(4/delta)``.
    """
    factor, both = _factors(epsilon, delta)
    if people < _UP.multiply(_SIXTEEN, both):
        raise Refused("local.no-amplification", people=people, least=least_people(epsilon, delta))
    root = _UP.next_plus(_UP.sqrt(_UP.divide(both, Decimal(people))))
    step = _UP.divide(_UP.multiply(_EIGHT, factor), Decimal(people))
    inner = _UP.add(_UP.multiply(_EIGHT, root), step)
    # It rises with e, so that an e rounded up bounds it.
    share = _UP.divide(_UP.subtract(factor, _ONE), _DOWN.add(factor, _ONE))
    bound = _UP.next_plus(_UP.ln(_UP.add(_ONE, _UP.multiply(share, inner))))
    return min(epsilon, Fraction(bound))


def least_people(epsilon: Fraction, delta: Fraction) -> int:
    """Tell from how many people on ``amplified`` gives a bound."""
    needed = _UP.multiply(_SIXTEEN, _factors(epsilon, delta)[1])
    return int(needed.to_integral_value(rounding=ROUND_CEILING))


def _factors(epsilon: Fraction, delta: Fraction) -> tuple[Decimal, Decimal]:
    """Bound ``exp(epsilon)``, and its product with ``log(4 / delta)``, from above."""
    factor = _UP.next_plus(_UP.exp(_up(epsilon)))
    logarithm = _UP.next_plus(_UP.ln(_up(4 / delta)))
    return factor, _UP.multiply(factor, logarithm)


def _up(value: Fraction) -> Decimal:
    return _UP.divide(Decimal(value.numerator), Decimal(value.denominator))
