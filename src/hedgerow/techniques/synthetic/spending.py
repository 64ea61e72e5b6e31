"""How a synthesis pays, and draws noise: zero-concentrated where there is a delta, else in pure epsilon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from hedgerow.kernel.accounting import rho_within, zcdp_epsilon
from hedgerow.kernel.marginals.fitting import GAUSSIAN_MEAN
from hedgerow.kernel.noise.choice import choice_scale, choose
from hedgerow.kernel.noise.gaussian import add_gaussian, gaussian_scale
from hedgerow.kernel.noise.laplace import add_laplace, laplace_scale
from hedgerow.kernel.noise.laplace import half_width as laplace_half_width
from hedgerow.kernel.noise.preference import prefer, preference_scale
from hedgerow.model.budget import PrivacyEvent, PureEvent, ZcdpEvent, show_chance, show_exact
from hedgerow.model.errors import Refused

# Costs are kept short: whole multiples of this.
_GRAIN = 10**15
# Noise wider than this drowns whatever is counted, and would pass what 64 bits hold.
WIDEST = 2.0**45
# Mean absolute Laplace noise over its deviation: sqrt(1 / 2), rounded.
_LAPLACE_MEAN = Fraction(7072, 10_000)
_ROOT_TWO = 1.4142135623730951


@dataclass(frozen=True, slots=True)
class Spending:
    """What privacy loss is counted in, and the noise that goes with it.

    Losses add up in either: rho, with discrete Gaussian noise and choices by the exponential mechanism; or a
    pure epsilon, with discrete Laplace noise and choices by permute and flip.

    Args:
        delta: The chance that an epsilon goes with, exact; 0 counts in pure epsilon.
    """

    delta: Fraction

    @property
    def is_pure(self) -> bool:
        """Whether there is no delta."""
        return self.delta == 0

    @property
    def said(self) -> str:
        """Name the noise."""
        if self.is_pure:
            return "discrete Laplace, choices by permute and flip; a pure epsilon, which takes no delta"
        return (
            "discrete Gaussian, choices by the exponential mechanism; zero-concentrated, which takes a delta"
        )

    @property
    def mean(self) -> Fraction:
        """How large noise is on average, without its sign, over its deviation."""
        return _LAPLACE_MEAN if self.is_pure else GAUSSIAN_MEAN

    def loss_of(self, epsilon: Fraction) -> Fraction:
        """Turn an epsilon into the loss that may be spent: itself, or an exact rho, rounded down.

        Raises:
            Refused: ``synth.too-little`` when nothing is left of it.
        """
        loss = epsilon if self.is_pure else Fraction(int(rho_within(epsilon, self.delta) * _GRAIN), _GRAIN)
        if loss == 0:
            raise self.too_little(epsilon)
        return loss

    def too_little(self, epsilon: Fraction) -> Refused:
        """Build the refusal of an epsilon that leaves nothing to measure with."""
        return Refused("synth.too-little", epsilon=show_exact(epsilon, 12), delta=show_chance(self.delta))

    def epsilon_of(self, loss: Fraction) -> Fraction:
        """Tell the epsilon of a loss, at the delta."""
        return loss if self.is_pure else zcdp_epsilon(loss, self.delta)

    def event(self, loss: Fraction) -> PrivacyEvent:
        """Make the event of a loss."""
        return PureEvent(loss) if self.is_pure else ZcdpEvent(loss)

    def show(self, loss: Fraction) -> str:
        """Write a loss."""
        return f"epsilon {show_exact(loss, 9)}" if self.is_pure else f"rho {show_exact(loss, 9)}"

    def reach(self, each: int, count: int) -> int:
        """Bound what one person moves several numbers by together, each by at most so much.

        Args:
            each: The most one number moves.
            count: How many numbers, 1 or more.

        Returns:
            The bound in L1, or in L2 where noise is Gaussian; rounded up.
        """
        return each * (count if self.is_pure else isqrt(count - 1) + 1)

    def deviation(self, reach: int, loss: Fraction) -> float:
        """Tell the standard deviation of the noise on each number, or slightly more.

        Args:
            reach: The most one person moves them, as :meth:`reach` has it.
            loss: What they may cost.
        """
        if self.is_pure:
            return laplace_scale(reach, loss) * _ROOT_TWO
        return gaussian_scale(reach, loss)

    def half_width(self, reach: int, loss: Fraction) -> Fraction:
        """Tell how far noise stays from zero 95 times in 100."""
        if self.is_pure:
            return Fraction(laplace_half_width(laplace_scale(reach, loss)))
        # 1.96 deviations; a discrete Gaussian is no wider than the continuous one.
        return Fraction(gaussian_scale(reach, loss)) * Fraction(196, 100)

    def noisy(self, values: Sequence[int], reach: int, loss: Fraction) -> list[int]:
        """Add noise to exact whole numbers.

        Args:
            values: The numbers.
            reach: The most one person moves them, as :meth:`reach` has it.
            loss: What they may cost.

        Returns:
            The noisy numbers.

        Raises:
            Fault: ``noise.*``.

        Guarantee: ``loss``-zCDP, or without a delta ``loss``-differential privacy, for neighbours that move
            the numbers by at most ``reach``.
        """
        if self.is_pure:
            return add_laplace(values, reach, loss, laplace_scale(reach, loss))
        return add_gaussian(values, reach, loss, gaussian_scale(reach, loss))

    def chosen(self, scores: Sequence[int], reach: int, loss: Fraction) -> int:
        """Choose a candidate, more likely one whose score is high.

        Args:
            scores: One for each candidate.
            reach: The most one person moves any one score.
            loss: What the choice may cost.

        Returns:
            The place of the chosen candidate.

        Raises:
            Fault: ``noise.*``.

        Guarantee: as :meth:`noisy`, for neighbours that move each score by at most ``reach``.
        """
        if self.is_pure:
            return choose(scores, reach, loss, choice_scale(reach, loss))
        return prefer(scores, reach, loss, preference_scale(reach, loss))
