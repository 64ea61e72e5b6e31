"""Running counts: the total so far at every step, with noise that grows with the logarithm of the steps.

Each step's number is a leaf of a binary tree, and each total a sum of few of its nodes. A node gets its noise
once, before its first leaf is added to it; asked again, it is the same. So no exact sum is ever kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import isqrt

from hedgerow.kernel.noise.gaussian import add_gaussian, gaussian_scale
from hedgerow.kernel.noise.laplace import add_laplace, half_width, laplace_scale
from hedgerow.kernel.noise.states import exact_text, read_state, state_text
from hedgerow.model.budget import PureEvent, ZcdpEvent
from hedgerow.model.errors import CallerError

FORMAT = "hedgerow/running-count/v2"
_MOST_STEPS = 2**40
_UP = Context(prec=60, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True)
class RunningCount:
    """An open run; a secret of its owner, for it holds sums of nodes that no total has shown yet.

    Args:
        horizon: How many steps there may be.
        contribution: The most one person adds up to over all steps together, 1 or more.
        loss: Epsilon, or rho where the noise is Gaussian: what the whole run costs, spent at opening.
        is_gaussian: Whether the noise is discrete Gaussian, and the cost zCDP.
        steps: How many steps there have been.
        growing: The sums of the nodes that are not complete, by level, each with its noise in it.
        noisy: The nodes that make up the total, by level, with their noise; 0 where there is none.
    """

    horizon: int
    contribution: int
    loss: Fraction
    is_gaussian: bool = False
    steps: int = 0
    growing: tuple[int, ...] = field(default=(), repr=False)
    noisy: tuple[int, ...] = field(default=(), repr=False)

    @property
    def cost(self) -> PureEvent | ZcdpEvent:
        """What opening costs; no step costs more."""
        return ZcdpEvent(self.loss) if self.is_gaussian else PureEvent(self.loss)

    @property
    def levels(self) -> int:
        """How many nodes a step's number is in at most: one of each level."""
        return self.horizon.bit_length()

    @property
    def sensitivity(self) -> int:
        """The most one person changes all nodes together: in L1, or in L2 where the noise is Gaussian."""
        if not self.is_gaussian:
            return self.levels * self.contribution
        # At each level a person moves the nodes by the contribution in L1, and so by no more in L2.
        return isqrt(self.levels * self.contribution**2 - 1) + 1

    @property
    def scale(self) -> float:
        """Scale of each node's noise."""
        choose = gaussian_scale if self.is_gaussian else laplace_scale
        return choose(self.sensitivity, self.loss)

    def half_width(self, step: int | None = None, confidence: Fraction = Fraction(95, 100)) -> int:
        """Tell how far the noise may carry the total of a step.

        Args:
            step: Which, from 1; that with the most nodes when not given.
            confidence: A chance in (0, 1).

        Returns:
            A distance kept in so many of 100 runs: about ``log2(horizon) ** 1.5`` times the contribution over
            the loss, however many steps there were.
        """
        nodes = self.levels if step is None else step.bit_count()
        if not self.is_gaussian:
            return nodes * half_width(self.scale, 1 - (1 - confidence) / nodes)
        # The sum of independent discrete Gaussians is sub-Gaussian of the sum of their variances.
        tail = 2 / (1 - confidence)
        ratio = _UP.divide(Decimal(tail.numerator), Decimal(tail.denominator))
        square = _UP.multiply(Decimal(2 * nodes), _UP.next_plus(_UP.ln(ratio)))
        return int(_UP.multiply(Decimal(self.scale), _UP.next_plus(_UP.sqrt(square)))) + 1

    def step(self, exact: int) -> tuple[RunningCount, int]:
        """Take the number of the next step in and tell the total so far.

        Args:
            exact: What the step adds, exactly, within 64 bits.

        Returns:
            The run after it, and the noisy total. Each state is stepped once: stepped again, it would draw
            noise that nobody paid for.

        Raises:
            CallerError: ``dp.run-over`` past the horizon.
        """
        if self.steps >= self.horizon:
            raise CallerError("dp.run-over")
        steps = self.steps + 1
        level = (steps & -steps).bit_length() - 1
        grown = [before + exact for before in self.growing]
        # The step completes the node of its level; there and below others begin.
        made = replace(
            self,
            steps=steps,
            growing=(*_fresh(self, level + 1), *grown[level + 1 :]),
            noisy=(*(0,) * level, grown[level], *self.noisy[level + 1 :]),
        )
        return made, sum(made.noisy)

    def to_json(self) -> bytes:
        """Write the run as canonical JSON; as secret as the data."""
        return state_text(
            FORMAT,
            horizon=self.horizon,
            contribution=self.contribution,
            loss=exact_text(self.loss),
            gaussian=int(self.is_gaussian),
            steps=self.steps,
            growing=list(self.growing),
            noisy=list(self.noisy),
        )

    @classmethod
    def from_json(cls, text: bytes) -> RunningCount:
        """Read what ``to_json`` wrote.

        Raises:
            CallerError: ``dp.bad-run``.
        """
        names = {"horizon", "contribution", "gaussian", "steps"}
        held = read_state(text, FORMAT, names, fractions={"loss"}, lists={"growing", "noisy"})
        made = cls(is_gaussian=bool(held.pop("gaussian")), **held)
        _check(made)
        lengths = {len(made.growing), len(made.noisy)}
        if lengths != {made.levels} or not 0 <= made.steps <= made.horizon:
            raise CallerError("dp.bad-run")
        return made


def open_running(
    horizon: int, contribution: int, loss: Fraction, *, is_gaussian: bool = False
) -> RunningCount:
    """Open a run: the whole cost is due, whatever number of steps follows.

    Args:
        horizon: How many steps there may be, 1 to ``2**40``; public.
        contribution: The most one person adds up to over all steps together, in absolute value.
        loss: Epsilon, or rho where the noise is Gaussian; exact, above 0.
        is_gaussian: Whether the noise is discrete Gaussian.

    Returns:
        The run.

    Raises:
        CallerError: ``dp.bad-run``.

    Guarantee: all totals of the run together are epsilon-differentially private (rho-zCDP where the noise is
        Gaussian) for neighbours whose numbers differ, over all steps, by at most ``contribution`` in
        L1: they are sums of nodes, each of which is released once with noise for all of them. Whoever sees
        the state once, between two steps, and nothing after it learns no more of the numbers before than
        that: it holds each number in one node of each level, with that node's noise.
    Source: Chan, Shi, Song 2011 ("Private and continual release of statistics"), binary mechanism; Dwork,
        Naor, Pitassi, Rothblum 2010, also for sums that are kept with their noise (pan-privacy).
    """
    made = RunningCount(horizon, contribution, loss, is_gaussian)
    _check(made)
    return replace(made, growing=tuple(_fresh(made, made.levels)), noisy=(0,) * made.levels)


def _fresh(run: RunningCount, many: int) -> list[int]:
    """Draw the noise of so many nodes, before anything is added to them."""
    add = add_gaussian if run.is_gaussian else add_laplace
    return add([0] * many, run.sensitivity, run.loss, run.scale)


def _check(made: RunningCount) -> None:
    if made.contribution < 1 or made.loss <= 0 or not 1 <= made.horizon <= _MOST_STEPS:
        raise CallerError("dp.bad-run")
