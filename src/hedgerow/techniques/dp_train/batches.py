"""Steps that see a random part of the people: how many, whom, and how much noise they need."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from hedgerow.kernel.accounting.mechanisms import Gaussian, step_of
from hedgerow.kernel.accounting.pld import pld_epsilon
from hedgerow.kernel.noise.sampling import sampling_chance
from hedgerow.kernel.noise.stream import ROUNDED, WideGaussian
from hedgerow.model.budget import SampledGaussianEvent
from hedgerow.model.errors import CallerError, Fault
from hedgerow.techniques.dp_train import declared
from hedgerow.techniques.dp_train.paying import Noise, Wish, covered_noise, noise_of

# At whole orders a Renyi bound is quick and never lower than the one by distributions: it says where to look.
_ORDERS = (*range(2, 65), 80, 96, 128, 192, 256, 512, 1024)
_HALVINGS = 10
_MULTIPLIER_MOST = 1e9
_SAFE = 1 + 1e-6
# Losses are told apart by so much: roughly while looking, finely for what is charged.
_ROUGH, _FINE = 1e-3, 1e-4
_EPOCHS_MOST = 10_000
# Looking for noise ends so near to what was asked, or after so many tries at a grid.
_NEAR, _TRIES, _POWERS, _WIDER = (0.98, 0.995), 5, (0.3, 4.0), 1.01
# What stands in a record is as short as this allows.
_PLACES = 10**15


@dataclass(frozen=True, slots=True)
class Sampling:
    """Who takes part in steps, all of it public and fixed beforehand.

    Args:
        chance: The chance with which each person takes part in a step, alone.
        steps: How many steps there are.
    """

    chance: Fraction
    steps: int


def sampling_of(batch_size: object, epochs: object, people: int) -> Sampling:
    """Read how people are sampled.

    Args:
        batch_size: How many people a step sees on average.
        epochs: How often each person is seen on average.
        people: The number of people as it is publicly known.

    Returns:
        The chance of each person and the number of steps.

    Raises:
        CallerError: ``learn.bad-parameter``.
    """
    chance = sampling_chance(declared.whole(batch_size, "batch_size", people), people)
    passes = declared.whole(epochs, "epochs", _EPOCHS_MOST)
    return Sampling(chance, -(-passes * chance.denominator // chance.numerator))


def sampled_noise(wish: Wish, bound: int, sampling: Sampling, numbers: int) -> Noise:
    """Plan the noise of steps that see a random part of the people.

    Args:
        wish: What the run may cost.
        bound: What one person changes in a step, in L2.
        sampling: Who takes part in steps.
        numbers: How many numbers a step releases.

    Returns:
        The noise, with the event that the run is.

    Raises:
        Fault: ``extra.missing`` without the extra ``dp``.
        CallerError: ``learn.bad-parameter`` for an epsilon that no noise is enough for.
        Refused: ``learn.delta-too-small``.

    Guarantee: the run is (epsilon, delta)-differentially private for adding or removing one person. Its
        noise is, but for a distance that is charged to delta, computed of sums with continuous noise; for
        these the distribution of the loss is bounded by dp-accounting, for the very noise that is drawn.
    Source: Zhu, Dong, Wang 2022, "Optimal accounting of differential privacy via characteristic function",
        for pairs that dominate sampled Gaussians; ADR 36 for discrete noise.
    """
    needed = batch_variance(wish, sampling) + Fraction(ROUNDED, bound**2)
    rho = 1 / (2 * needed)
    drawn = sampling.steps * numbers
    wide = covered_noise(wish, bound, rho, drawn)
    return noise_of(wide, bound, rho, sampled_event(wish, bound, sampling, wide, drawn))


def sampled_event(
    wish: Wish, bound: int, sampling: Sampling, wide: WideGaussian, drawn: int
) -> SampledGaussianEvent:
    """Account for a run as it is planned.

    Args:
        wish: What the run may cost.
        bound: What one person changes in a step, in L2.
        sampling: Who takes part in steps.
        wide: The noise of a number.
        drawn: How many numbers the run draws.

    Returns:
        The event: its noise rounded down, its distance up.

    Raises:
        Fault: ``train.overspent`` when noise of that strength costs more than the wish.
    """
    variance = Fraction(int(Fraction(wide.variance - ROUNDED, bound**2) * _PLACES), _PLACES)
    event = SampledGaussianEvent(
        wish.epsilon, sampling.chance, variance, sampling.steps, _power_above(drawn * wide.distance)
    )
    if not _fits(wish, sampling, step_of(event)):
        raise Fault("train.overspent")
    return event


@lru_cache(maxsize=64)
def batch_variance(wish: Wish, sampling: Sampling) -> Fraction:
    """Find nearly the least noise that is enough.

    Args:
        wish: What the run may cost in all.
        sampling: Who takes part in steps.

    Returns:
        Variance of continuous noise in units of the most one person changes a step, squared; exact.

    Raises:
        Fault: ``extra.missing`` without the extra ``dp``.
        CallerError: ``learn.bad-parameter`` when no noise is enough.
    """
    found = _by_moments(wish, sampling)
    for grid in (_ROUGH, _FINE):
        found = _nearer(wish, sampling, found, grid)
    while not _fits(wish, sampling, Gaussian(Fraction(found), sampling.chance)):
        found *= _WIDER
    return Fraction(found * _SAFE) ** 2


def _nearer(wish: Wish, sampling: Sampling, start: float, grid: float) -> float:
    """Take noise off as long as what is left is enough; epsilon is taken for a power of the noise."""
    best, power, at = start, 1.0, start
    before: tuple[float, float] | None = None
    for _ in range(_TRIES):
        found = _epsilon(wish, sampling, Gaussian(Fraction(at), sampling.chance), grid)
        share = math.inf if found is None else float(found / wish.epsilon)
        best = min(best, at) if share <= 1 else best
        if _NEAR[0] <= share <= 1 or math.isinf(share) or share == 0:
            break
        if before is not None and before[0] != at:
            power = min(max(_slope(before, (at, share)), _POWERS[0]), _POWERS[1])
        before = at, share
        at = max(at * (share / _NEAR[1]) ** (1 / power), best / 2)
    return best


def _slope(one: tuple[float, float], other: tuple[float, float]) -> float:
    return math.log(one[1] / other[1]) / math.log(other[0] / one[0])


def _fits(wish: Wish, sampling: Sampling, step: Gaussian) -> bool:
    """Tell whether a run stays within the wish; either grid is a bound, and the rough one is quicker."""
    bounds = (_epsilon(wish, sampling, step, grid) for grid in (_ROUGH, _FINE))
    return any(bound is not None and bound <= wish.epsilon for bound in bounds)


def _epsilon(wish: Wish, sampling: Sampling, step: Gaussian, grid: float) -> Fraction | None:
    """Bound the epsilon of a run, but for the main part of delta; rounded up."""
    return pld_epsilon({step: sampling.steps}, wish.main_delta, grid)


def _by_moments(wish: Wish, sampling: Sampling) -> float:
    """Find noise that is enough by moments: more than needed, and found at once."""
    low, high = 1e-3, 1.0
    while not _fits_by_moments(wish, sampling, high):
        low, high = high, high * 2
        if high > _MULTIPLIER_MOST:
            raise CallerError("learn.bad-parameter", parameter="epsilon", advice="Give a larger one.")
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if _fits_by_moments(wish, sampling, middle) else (middle, high)
    return high


def _fits_by_moments(wish: Wish, sampling: Sampling, multiplier: float) -> bool:
    events, rdp = _accounting()
    accountant = rdp.RdpAccountant(list(_ORDERS))
    step = events.PoissonSampledDpEvent(float(sampling.chance), events.GaussianDpEvent(multiplier))
    accountant.compose(events.SelfComposedDpEvent(step, sampling.steps))
    return bool(accountant.get_epsilon(float(wish.main_delta) / _SAFE) * _SAFE <= float(wish.epsilon))


def _power_above(distance: Fraction) -> Fraction:
    """Round a small chance up to a power of ten, so that a record is short."""
    power = Fraction(1)
    while distance <= power / 10 and power > Fraction(1, 10**60):
        power /= 10
    return power


def _accounting() -> tuple[Any, Any]:
    try:
        from dp_accounting import dp_event, rdp
    except ImportError:
        raise Fault("extra.missing", what="Training by batches", extra="dp") from None
    return dp_event, rdp
