"""Privacy loss distributions, by the library dp-accounting: for reports, never to admit anything.

A PLD bounds a run of mechanisms whose parameters were fixed beforehand. Analysts choose theirs after seeing
answers, for which no filter by PLD is proven; so the ledger decides by sums, and this only reports.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from hedgerow.kernel.accounting.mechanisms import AnyPure, DiscreteLaplace, Gaussian, Laplace, Mechanism
from hedgerow.model.errors import Fault

_POINTS = 10**6
_LATTICE = 1000
_LARGE = Fraction(20)
_STEPS = 10**6


def pld_epsilon(runs: Mapping[Mechanism, int], delta: Fraction, grid: float = 1e-4) -> Fraction | None:
    """Bound the epsilon of mechanisms whose parameters were fixed beforehand.

    Args:
        runs: How often each mechanism ran.
        delta: Chance of a larger loss, in (0, 1).
        grid: Losses are told apart by so much at the finest; a coarser one is quicker and never lower.

    Returns:
        An upper bound, or none when the library finds no finite one. The library's estimates are pessimistic;
        it computes in floats, so the figure is rounded up in the sixth decimal place and decides nothing.

    Raises:
        Fault: ``extra.missing`` without dp-accounting.

    Source: Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022, "Connect the dots"; Zhu, Dong, Wang 2022,
        "Optimal accounting of differential privacy via characteristic function" (dominating pairs compose).
    """
    kept = {each: count for each, count in runs.items() if count > 0}
    large = {each: count for each, count in kept.items() if _pure(each) > _LARGE}
    # One so large gains nothing, and e to its power leaves the floats: its epsilon is added as it is.
    apart = sum((_pure(each) * count for each, count in large.items()), Fraction(0))
    fine = tuple(sorted((pair for pair in kept.items() if pair[0] not in large), key=repr))
    if not fine:
        _library()
        return apart
    found = _composed(fine, _interval(fine, grid)).get_epsilon_for_delta(float(delta))
    return apart + Fraction(math.ceil(found * _STEPS), _STEPS) if math.isfinite(found) else None


def _pure(mechanism: Mechanism) -> Fraction:
    return Fraction(0) if isinstance(mechanism, Gaussian) else mechanism.epsilon


def _interval(runs: tuple[tuple[Mechanism, int], ...], finest: float) -> float:
    """Choose the grid: fine, but never so many points that a huge sum of epsilons fills the memory."""
    total = sum((_pure(each) * count for each, count in runs), Fraction(0))
    return max(finest, float(total / _POINTS))


@lru_cache(maxsize=16)
def _composed(runs: tuple[tuple[Mechanism, int], ...], interval: float) -> Any:  # noqa: ANN401 - the library's type
    return reduce(lambda left, right: left.compose(right), (_repeated(*run, interval) for run in runs))


@lru_cache(maxsize=256)
def _repeated(mechanism: Mechanism, count: int, interval: float) -> Any:  # noqa: ANN401 - as above
    built = _built(mechanism, interval)
    return built if count == 1 else built.self_compose(count)


@lru_cache(maxsize=256)
def _built(mechanism: Mechanism, interval: float) -> Any:  # noqa: ANN401 - as above
    library = _library()
    grid = {"value_discretization_interval": interval, "use_connect_dots": True}
    match mechanism:
        case AnyPure(epsilon=epsilon):
            # The same two outcomes as randomised response.
            return library.from_discrete_laplace_mechanism(_up(epsilon), 1, **grid)
        case DiscreteLaplace(epsilon=epsilon, steps=steps):
            # Noise on a coarser lattice tells more: the finer noise is it plus noise of its own.
            coarse = -(-steps // _LATTICE)
            return library.from_discrete_laplace_mechanism(
                _up(epsilon * coarse / steps), -(-steps // coarse), **grid
            )
        case Laplace(epsilon=epsilon):
            return library.from_laplace_mechanism(float(1 / epsilon), **grid)
        case Gaussian(multiplier=multiplier, sampled=sampled):
            return library.from_gaussian_mechanism(
                math.nextafter(float(multiplier), 0.0),
                sampling_prob=min(1.0, _up(sampled)),
                value_discretization_interval=interval,
            )


def _up(value: Fraction) -> float:
    return math.nextafter(float(value), math.inf)


def _library() -> Any:  # noqa: ANN401 - a module
    """Load the library; it takes a second, so only for who asks."""
    try:
        from dp_accounting.pld import privacy_loss_distribution
    except ImportError:
        raise Fault("extra.missing", what="Accounting by privacy loss distributions", extra="dp") from None
    return privacy_loss_distribution
