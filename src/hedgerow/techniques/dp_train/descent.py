"""Going down by noisy steps: how a run goes, whom a step sees, and what sums are divided by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.noise.sampling import poisson_sample
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_train import declared
from hedgerow.techniques.dp_train.batches import Sampling, sampled_noise, sampling_of
from hedgerow.techniques.dp_train.estimators import ScaledEstimator
from hedgerow.techniques.dp_train.paying import Noise, Wish, step_noise
from hedgerow.techniques.dp_train.sums import GRADIENT_UNIT, PEOPLE_MOST, Rows

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_STEPS_MOST = 1_000_000
_COEFFICIENTS_MOST = 10_000_000
_MOMENTUM_MOST = 0.999
# Of the steps, the last so many are averaged.
_AVERAGED = 2


@dataclass(frozen=True, slots=True)
class Descent:
    """How a run goes down, all of it fixed beforehand.

    Args:
        steps: How many steps there are.
        bound: What one person adds to a step's sum, in L2, in units of 2**-28.
        divisor: What sums are divided by, public: units times the people that a step expects to see.
        step_size: How far a step goes along the gradient of the mean loss.
        momentum: The share of the last step that the next one keeps.
        chance: The chance with which a person takes part in a step; none when all do.
    """

    steps: int
    bound: int
    divisor: float
    step_size: float
    momentum: float
    chance: Fraction | None = None


@dataclass(kw_only=True, eq=False, repr=False)
class SteppedEstimator(ScaledEstimator):
    """A private estimator that goes down by noisy gradients.

    Args:
        n_public: The number of people as it is publicly known; the constant that sums are divided by.
        clip: What one person may add to a gradient of scaled rows, in L2, above 0 to 1.
        steps: Steps of a run that sees everybody each time.
        step_size: How far a step goes; none for what suits most.
        momentum: Share of a step that the next one keeps, above 0, below 1.
        batch_size: How many people a step sees on average; none for everybody. Needs the extra ``dp``.
        epochs: With batches: how often each person is seen on average.
    """

    # Step sizes that suit most where all are seen, and with batches.
    USUAL: ClassVar[tuple[float, float]] = (50, 8)
    n_public: int | None = None
    clip: float = 1 / 3
    steps: int = 60
    step_size: float | None = None
    momentum: float = 0.9
    batch_size: int | None = None
    epochs: int = 3

    def _descent(self) -> Descent:
        """Read what a run is like, and refuse what it cannot be."""
        people = declared.public_people(self.n_public, PEOPLE_MOST)
        bound = int(declared.positive(self.clip, "clip", 1.0) * GRADIENT_UNIT)
        momentum = declared.positive(self.momentum, "momentum", _MOMENTUM_MOST)
        if bound < 1:
            raise CallerError("learn.bad-parameter", parameter="clip", advice="Give a larger share.")
        if self.batch_size is None:
            steps, chance = declared.whole(self.steps, "steps", _STEPS_MOST), None
            seen = float(people)
        else:
            sampling = sampling_of(self.batch_size, self.epochs, people)
            steps, chance = sampling.steps, sampling.chance
            seen = float(chance * people)
        usual = self.USUAL[chance is not None]
        size = declared.positive(usual if self.step_size is None else self.step_size, "step_size")
        return Descent(steps, bound, seen * GRADIENT_UNIT, size, momentum, chance)


def planned(wish: Wish, descent: Descent, numbers: int) -> Noise:
    """Plan the noise of a run.

    Args:
        wish: What the run may cost.
        descent: How it goes.
        numbers: How many numbers a step releases.

    Returns:
        The noise of a step.

    Raises:
        Refused: ``learn.too-large`` or ``learn.delta-too-small``.
        Fault: ``extra.missing`` for batches without the extra ``dp``.
        CallerError: ``learn.bad-parameter`` for an epsilon that no noise is enough for.
    """
    if numbers > _COEFFICIENTS_MOST:
        raise Refused(
            "learn.too-large", what="coefficients", number=f"{numbers:,}", most=f"{_COEFFICIENTS_MOST:,}"
        )
    if descent.chance is None:
        return step_noise(wish, descent.bound, descent.steps, numbers)
    return sampled_noise(wish, descent.bound, Sampling(descent.chance, descent.steps), numbers)


def go_down(start: Floats, gradient: Callable[[Floats], Floats], descent: Descent) -> Floats:
    """Go down by steps.

    Args:
        start: Where to begin, chosen without the data.
        gradient: Measures the gradient of the mean loss at a place, privately.
        descent: How the run goes.

    Returns:
        The mean of the last half of the steps, as ``start`` is shaped.

    Source: momentum after Nesterov 1983.
    """
    weights, speed, summed = start, np.zeros_like(start), np.zeros_like(start)
    last = -(-descent.steps // _AVERAGED)
    for step in range(descent.steps):
        ahead = weights + descent.momentum * speed
        speed = descent.momentum * speed - descent.step_size * gradient(ahead)
        weights = weights + speed
        if step >= descent.steps - last:
            summed += weights
    return summed / last


def noisy_mean(
    rows: Rows, wanted: Floats, exact: Callable[[Rows, Floats], Integers], descent: Descent, noise: Noise
) -> Floats:
    """Measure a mean over people once, privately.

    Args:
        rows: Everybody's rows.
        wanted: What each row asks for.
        exact: Adds up the bounded shares of some people, from their rows and what these ask for.
        descent: How the run goes.
        noise: The noise of a step.

    Returns:
        The sum, with noise, divided by a public constant and never by how many rows there were.
    """
    if descent.chance is not None:
        rows, places = rows.of(poisson_sample(rows.people, descent.chance))
        wanted = wanted[places]
    found = exact(rows, wanted)
    return noise.add(found.ravel()).reshape(found.shape) / descent.divisor
