"""What is known of the noise behind an event, for accountants that use it; values only, no library."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from hedgerow.kernel.accounting.conversion import square_root_down
from hedgerow.model.budget import (
    ApproximateEvent,
    LaplaceEvent,
    NonPrivateEvent,
    PrivacyEvent,
    PureEvent,
    SampledGaussianEvent,
    ZcdpEvent,
)


@dataclass(frozen=True, slots=True, order=True)
class AnyPure:
    """A mechanism of which only its pure epsilon is known: as bad as randomised response."""

    epsilon: Fraction


@dataclass(frozen=True, slots=True, order=True)
class DiscreteLaplace:
    """Discrete Laplace noise of scale ``steps / epsilon`` on whole numbers.

    Args:
        epsilon: Its pure epsilon.
        steps: The most one person moves the vector, in L1.
    """

    epsilon: Fraction
    steps: int


@dataclass(frozen=True, slots=True, order=True)
class Laplace:
    """Laplace noise on real numbers, for reference figures; ``epsilon`` is sensitivity over scale."""

    epsilon: Fraction


@dataclass(frozen=True, slots=True, order=True)
class Gaussian:
    """Gaussian noise, on a Poisson sample of the people when ``sampled`` is below 1.

    Args:
        multiplier: Standard deviation over sensitivity.
        sampled: Chance of each person to be in the sample.
    """

    multiplier: Fraction
    sampled: Fraction = Fraction(1)


Mechanism: TypeAlias = "AnyPure | DiscreteLaplace | Laplace | Gaussian"


def mechanisms_of(event: PrivacyEvent) -> tuple[Mechanism, ...]:
    """Tell what is known of the noise behind an event, and no more than its record says.

    Args:
        event: What happened.

    Returns:
        Its mechanisms; none for an event of which no such thing is known (zCDP, not private).
    """
    match event:
        case LaplaceEvent(parts=parts):
            return tuple(DiscreteLaplace(epsilon, steps) for steps, epsilon in parts)
        case PureEvent(epsilon=epsilon) if epsilon > 0:
            return (AnyPure(epsilon),)
        case ApproximateEvent(event=inner):
            # Its own chance is no part of it: whoever bounds takes it off delta first.
            return mechanisms_of(inner)
        case PureEvent() | ZcdpEvent() | NonPrivateEvent():
            return ()


def sampled_of(event: PrivacyEvent) -> SampledGaussianEvent | None:
    """Tell the sampled Gaussian run that an event was, apart from the chance beside it.

    Args:
        event: What happened.

    Returns:
        The run; none for any other event.
    """
    inner = event.event if isinstance(event, ApproximateEvent) else None
    return inner if isinstance(inner, SampledGaussianEvent) else None


def step_of(run: SampledGaussianEvent) -> Gaussian:
    """Tell the mechanism of one step of a sampled Gaussian run, its noise rounded down.

    Args:
        run: The run.

    Returns:
        The mechanism; the run is as many of them as it had steps, but for its distance.
    """
    return Gaussian(square_root_down(run.variance), run.rate)
