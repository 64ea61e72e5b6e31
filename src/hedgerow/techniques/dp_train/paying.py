"""What a training run costs, what it is taken from, and the noise it buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.accounting import Budget, rho_within
from hedgerow.kernel.noise import add_gaussian, gaussian_scale
from hedgerow.kernel.noise.stream import WideGaussian, add_wide, delta_of, wide_gaussian
from hedgerow.model.budget import SampledGaussianEvent, ZcdpEvent, show_exact
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused

Integers = npt.NDArray[np.int64]

# Up to so many numbers in a vector, OpenDP draws them, and the run costs an exact rho.
DRAWN_SINGLY = 1_000
# The share of delta that is kept for what drawing long vectors adds.
_KEPT = Fraction(1, 2**20)
_EPSILON_MOST = 10_000
# Whom training protects: all rows of one person are cut together.
_UNIT = "person"
# Wider noise could pass 64 bits.
_VARIANCE_MOST = 2**106


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run may cost.

    Args:
        epsilon: Its privacy loss, exact.
        delta: The chance of a larger one, exact.
    """

    epsilon: Fraction
    delta: Fraction

    @property
    def main_delta(self) -> Fraction:
        """Delta without the share that is kept for drawing long vectors."""
        return self.delta * (1 - _KEPT)


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise of every step of a run.

    Args:
        deviation: Its standard deviation, in units of the sums.
        add: Adds it to a flat vector of exact sums.
        rho: What the whole run costs as zCDP, exact; none where it costs epsilon and delta.
        bound: What one person changes in a step, in the same units; 0 where it is not told.
        event: What a run by samples of the people is; none where all are seen.
    """

    deviation: float
    add: Callable[[Integers], Integers]
    rho: Fraction | None = None
    bound: int = 0
    event: SampledGaussianEvent | None = None

    @property
    def told(self) -> str:
        """Say how strong the noise of a step is beside what one person may add to it."""
        return (
            f"{self.deviation / self.bound:.3g} times what one person may add" if self.bound else "not told"
        )


class Quote(Budget):
    """A budget that buys nothing: whoever pays from it learns what the run would cost, and trains nothing."""


class QuotedError(Exception):
    """Stops a run that would have been paid from a quote.

    Args:
        noise: The noise that was planned.
    """

    def __init__(self, noise: Noise) -> None:
        super().__init__("a run was quoted, not paid for")
        self.noise = noise


def step_noise(wish: Wish, bound: int, steps: int, numbers: int) -> Noise:
    """Plan the noise of steps that see everybody.

    Args:
        wish: What the run may cost.
        bound: What one person changes in a step, in L2.
        steps: How many steps there are.
        numbers: How many numbers each step releases.

    Returns:
        The noise.

    Raises:
        Refused: ``learn.delta-too-small``.
        CallerError: ``learn.bad-parameter`` for an epsilon whose noise could pass 64 bits.

    Guarantee: the rhos of the steps add up to at most the rho that epsilon and delta allow.
    Source: Bun and Steinke 2016, lemma 1.7 and proposition 1.3.
    """
    if numbers > DRAWN_SINGLY:
        share = rho_within(wish.epsilon, wish.main_delta) / steps
        return stream_noise(wish, bound, share, steps * numbers)
    rho = rho_within(wish.epsilon, wish.delta) / steps
    _checked_width(bound, rho)
    scale = gaussian_scale(bound, rho)

    def add(exact: Integers) -> Integers:
        return np.array(add_gaussian(exact.tolist(), bound, rho, scale), dtype=np.int64)

    return Noise(scale, add, rho * steps, bound)


def stream_noise(wish: Wish, bound: int, rho: Fraction, numbers: int) -> Noise:
    """Plan noise that is drawn many numbers at once.

    Args:
        wish: What the run may cost.
        bound: What one person changes in a step, in L2.
        rho: What a step may cost those who are in it, exact.
        numbers: How many numbers the run draws in all.

    Returns:
        The noise.

    Raises:
        Refused: ``learn.delta-too-small`` when the kept share of delta does not cover the drawing.
        CallerError: ``learn.bad-parameter`` for an epsilon whose noise could pass 64 bits.
    """
    return noise_of(covered_noise(wish, bound, rho, numbers), bound, rho)


def covered_noise(wish: Wish, bound: int, rho: Fraction, numbers: int) -> WideGaussian:
    """Put noise together of which the kept share of delta covers the drawing.

    Args:
        wish: What the run may cost.
        bound: What one person changes in a step, in L2.
        rho: What a step may cost those who are in it, exact.
        numbers: How many numbers the run draws in all.

    Returns:
        The noise of a number.

    Raises:
        Refused: ``learn.delta-too-small``.
        CallerError: ``learn.bad-parameter``.
    """
    _checked_width(bound, rho)
    return _covered(wide_gaussian(bound, rho), wish, numbers)


def noise_of(
    wide: WideGaussian, bound: int, rho: Fraction, event: SampledGaussianEvent | None = None
) -> Noise:
    """Make noise of steps out of that of a number.

    Args:
        wide: The noise of a number.
        bound: What one person changes in a step, in L2.
        rho: What a step may cost those who are in it, exact.
        event: What a run by samples of the people is.

    Returns:
        The noise.
    """

    def add(exact: Integers) -> Integers:
        return add_wide(exact, bound, rho, wide)

    return Noise(float(wide.variance) ** 0.5, add, bound=bound, event=event)


def _checked_width(bound: int, rho: Fraction) -> None:
    if bound**2 > 2 * rho * _VARIANCE_MOST:
        raise CallerError("learn.bad-parameter", parameter="epsilon", advice="Give a larger one.")


def _covered(wide: WideGaussian, wish: Wish, numbers: int) -> WideGaussian:
    if wish.epsilon > _EPSILON_MOST or delta_of(numbers, wide.distance, wish.epsilon) > wish.delta * _KEPT:
        raise Refused("learn.delta-too-small", delta=f"{float(wish.delta):.3g}")
    return wide


def paid(budget: Budget, wish: Wish, noise: Noise) -> Budget:
    """Take a run off a budget, before data is read.

    Args:
        budget: What it is taken from.
        wish: What it may cost.
        noise: The noise that was planned.

    Returns:
        The budget that is left.

    Raises:
        Refused: ``dp.budget-other-unit``; ``learn.budget-no-delta``; ``learn.budget-exhausted``;
            ``learn.budget-mixed`` for a run that costs epsilon and delta, from a budget that something was
            spent of.
        QuotedError: When the budget is a quote.

    Guarantee: all that is paid from one budget loses at most its epsilon, but for a chance of its delta. A
        run with an exact rho enters the filter. Any other is taken off both limits by basic composition, and
        only before the filter holds anything: its limits are then fixed before it admits its first event. The
        part of delta that is kept for events with a chance of their own is left as it is.
    Source: Rogers, Roth, Ullman, Vadhan 2016, "Privacy odometers and filters", for adding up adaptively.
    """
    if isinstance(budget, Quote):
        raise QuotedError(noise)
    if budget.unit != _UNIT:
        raise Refused("dp.budget-other-unit", unit=_UNIT, own=budget.unit)
    if not budget.limit.delta:
        raise Refused("learn.budget-no-delta")
    if noise.rho is not None:
        try:
            return budget.spend(ZcdpEvent(noise.rho), _UNIT)
        except Refused:
            raise Refused("learn.budget-exhausted", epsilon=show_exact(wish.epsilon)) from None
    limit, spent = budget.limit, budget.spent
    if spent.pure or spent.rho or spent.delta:
        raise Refused("learn.budget-mixed")
    if wish.epsilon > limit.epsilon or wish.delta > limit.tail:
        raise Refused("learn.budget-exhausted", epsilon=show_exact(wish.epsilon))
    left = replace(limit, epsilon=limit.epsilon - wish.epsilon, delta=limit.delta - wish.delta)
    return replace(budget, limit=left)


class Payer(Protocol):
    """What notes what is left of a budget."""

    budget_: Any


@contextmanager
def spending(payer: Payer, budget: Budget, wish: Wish, noise: Noise) -> Iterator[None]:
    """Take a run off a budget, note what is left at once, and go on; whatever breaks off stays paid for.

    Args:
        payer: What is trained; gets ``budget_``.
        budget: As for :func:`paid`.
        wish: As for :func:`paid`.
        noise: As for :func:`paid`.

    Raises:
        Refused: As :func:`paid`; nothing was spent then.
        Fault: ``learn.failed`` for whatever breaks off in the block; it tells of no value.
    """
    payer.budget_ = paid(budget, wish, noise)
    try:
        yield
    except HedgerowError:
        raise
    except Exception as error:  # noqa: BLE001 - a library may fail in any way, and tell of data in it
        raise Fault("learn.failed", kind=type(error).__name__) from None
