"""What each part of a governed run may cost: fits, the number of people, the choice of settings, accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.accounting import rho_within, zcdp_epsilon
from hedgerow.kernel.accounting.conversion import square_root_down
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_train.paying import Wish

# Of a run: what measuring the number of people takes, and choosing among settings.
_COUNT, _CHOICE = Fraction(1, 50), Fraction(1, 10)
_PLACES = 10**9


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of a run's cost, each spent before or beside the others.

    Args:
        fit: What each fit may cost.
        fits: How many fits there are.
        count: Rho of measuring how many people there are; 0 where it is public.
        choice: Epsilon of choosing among fits; 0 where there is one.
        accuracy: Rho of measuring accuracy; 0 where it is not.
    """

    fit: Wish
    fits: int
    count: Fraction
    choice: Fraction
    accuracy: Fraction

    @property
    def beside(self) -> Fraction:
        """Rho of all but the fits.

        Source: Bun and Steinke 2016, proposition 1.4: a choice of epsilon is ``epsilon**2 / 2``-zCDP.
        """
        return self.count + self.choice**2 / 2 + self.accuracy


def shares_of(wish: Wish, accuracy: Fraction, *, fits: int, counts: bool) -> Shares:
    """Part what a run may cost.

    Args:
        wish: What the run may cost, without accuracy.
        accuracy: The epsilon of measuring accuracy, at the same delta; 0 for not measuring it.
        fits: How many fits there are.
        counts: Whether the number of people is measured.

    Returns:
        The shares.

    Raises:
        CallerError: ``learn.bad-parameter`` for an epsilon that cannot be parted.

    Guarantee: all of it together is zCDP of at most the rho that the wish allows, and that of accuracy.
    Source: Bun and Steinke 2016, lemma 1.7: rhos add up, however later parts depend on earlier ones.
    """
    whole = rho_within(wish.epsilon, wish.delta)
    count = whole * _COUNT if counts else Fraction(0)
    choice = square_root_down(2 * whole * _CHOICE) if fits > 1 else Fraction(0)
    left = (whole - count - choice**2 / 2) / fits
    fit = wish if left == whole else Wish(_epsilon_of(left, wish.delta), wish.delta)
    measured = rho_within(accuracy, wish.delta) if accuracy else Fraction(0)
    return Shares(fit, fits, count, choice, measured)


def _epsilon_of(rho: Fraction, delta: Fraction) -> Fraction:
    """Round the epsilon of a rho down to a decimal, so that a fit asked for it stays within the rho."""
    found = Fraction(int(zcdp_epsilon(rho, delta) * _PLACES), _PLACES)
    if found <= 0:
        raise CallerError("learn.bad-parameter", parameter="epsilon", advice="Give a larger one.")
    return found
