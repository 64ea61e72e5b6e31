"""Sparse vector: which of many numbers reach a threshold, at a cost that grows with the yeses alone.

This is algorithm 1 of Lyu, Su and Li, with discrete Laplace noise. Several published variants are not private
at the cost they state: they draw less noise for many yeses, none for the numbers, or tell the noisy
number that reached the threshold. Tests hold a tester to finding each of these.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale
from hedgerow.kernel.noise.states import exact_text, read_state, state_text
from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError

FORMAT = "hedgerow/above-threshold/v1"
_MOST_YESES = 10_000


@dataclass(frozen=True, slots=True)
class AboveThreshold:
    """An open run; a secret of its owner, for it holds the noisy threshold.

    Args:
        sensitivity: The most one person changes any one number, 1 or more.
        epsilon: What the whole run costs, spent at opening.
        yeses: How many times it may say yes, 1 to 10,000.
        told: How many times it has.
        noisy: The threshold with its noise, drawn once.
    """

    sensitivity: int
    epsilon: Fraction
    yeses: int
    told: int = 0
    noisy: int = field(default=0, repr=False)

    @property
    def cost(self) -> PureEvent:
        """What opening costs; no step costs more."""
        return PureEvent(self.epsilon)

    @property
    def is_over(self) -> bool:
        """Whether the last yes was said."""
        return self.told >= self.yeses

    @property
    def shares(self) -> tuple[Fraction, Fraction]:
        """Epsilon of the threshold and of the numbers: 1 to about ``(2 * yeses) ** (2/3)``."""
        weight = max(1, round((2 * self.yeses) ** (2 / 3)))
        first = self.epsilon / (1 + weight)
        return first, self.epsilon - first

    @property
    def scales(self) -> tuple[float, float]:
        """Scale of the noise on the threshold and on each number."""
        first, second = self.shares
        return laplace_scale(self.sensitivity, first), laplace_scale(self._spread, second)

    @property
    def _spread(self) -> int:
        """Each yes pays for a number that falls while the threshold rises, or the other way round."""
        return 2 * self.yeses * self.sensitivity

    def margin(self, numbers: int, confidence: Fraction = Fraction(95, 100)) -> int:
        """Tell how far from the threshold a number must be to be told rightly.

        Args:
            numbers: How many numbers are asked at most, 1 or more.
            confidence: A chance in (0, 1).

        Returns:
            A distance that no answer of a whole run is wrong by, in so many of 100 runs.
        """
        missed = (1 - confidence) / 2
        first, second = self.scales
        return half_width(first, 1 - missed) + half_width(second, 1 - missed / numbers)

    def step(self, exact: int) -> tuple[AboveThreshold, bool]:
        """Ask whether a number reaches the threshold.

        Args:
            exact: The exact number, within 64 bits.

        Returns:
            The run after it, and the answer. Each state is stepped once: stepped again, it would draw noise
            that nobody paid for.

        Raises:
            CallerError: ``dp.run-over`` after the last yes.
        """
        if self.is_over:
            raise CallerError("dp.run-over")
        _, share = self.shares
        [noisy] = add_laplace([exact], self._spread, share, self.scales[1])
        is_above = noisy >= self.noisy
        return replace(self, told=self.told + is_above), is_above

    def to_json(self) -> bytes:
        """Write the run as canonical JSON; as secret as the data."""
        return state_text(
            FORMAT,
            sensitivity=self.sensitivity,
            epsilon=exact_text(self.epsilon),
            yeses=self.yeses,
            told=self.told,
            noisy=self.noisy,
        )

    @classmethod
    def from_json(cls, text: bytes) -> AboveThreshold:
        """Read what ``to_json`` wrote.

        Raises:
            CallerError: ``dp.bad-run``.
        """
        held = read_state(text, FORMAT, {"sensitivity", "yeses", "told", "noisy"}, fractions={"epsilon"})
        made = cls(**held)
        _check(made)
        if not 0 <= made.told <= made.yeses:
            raise CallerError("dp.bad-run")
        return made


def open_threshold(threshold: int, sensitivity: int, epsilon: Fraction, yeses: int = 1) -> AboveThreshold:
    """Open a run: the threshold gets its noise, and the whole cost is due.

    Args:
        threshold: Which numbers to find, within 64 bits; public.
        sensitivity: The most one person changes any one number, 1 or more.
        epsilon: What the whole run costs, exact, above 0.
        yeses: How many times it may say yes.

    Returns:
        The run.

    Raises:
        CallerError: ``dp.bad-run``.

    Guarantee: all answers of the run together are epsilon-differentially private for neighbours that move
        each number by at most ``sensitivity``, however many noes there are and whatever is asked next.
    Source: Lyu, Su, Li 2017, "Understanding the sparse vector technique for differential privacy", algorithm
        1 and theorem 2. Its proof shifts the threshold's noise by ``sensitivity`` and a yes's noise by twice
        that, which are whole numbers here, and sums where it integrates.
    """
    made = AboveThreshold(sensitivity, epsilon, yeses)
    _check(made)
    [noisy] = add_laplace([threshold], sensitivity, made.shares[0], made.scales[0])
    return replace(made, noisy=noisy)


def _check(made: AboveThreshold) -> None:
    if made.sensitivity < 1 or made.epsilon <= 0 or not 1 <= made.yeses <= _MOST_YESES:
        raise CallerError("dp.bad-run")
