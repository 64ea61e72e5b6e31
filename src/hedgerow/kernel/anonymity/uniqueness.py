"""How many people of a population are unique in it, estimated from the class sizes of a sample."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hedgerow.kernel.anonymity.coding import Floats, Ints
from hedgerow.model.criteria import Estimator

UNKNOWN = math.nan
"""What an estimator gives that found no solution."""

_SMALL_SAMPLE = 0.1
_ROUNDS = 200
_NEAR = 1e-9
_STEP = 1e-6
_SHIFT = 8


def unique_share(members: Ints, population: int, estimator: Estimator) -> float:
    """Estimate the share of a population that is unique in it.

    Args:
        members: People of each class of the sample, each at least 1.
        population: People of the population.
        estimator: Which model.

    Returns:
        The share, from 0; NaN where there are unique people in the sample and the model has no solution.

    Source:
        Dankar, El Emam, Neisa and Roffey, Estimating the re-identification risk of clinical data sets
        (BMC Medical Informatics and Decision Making 2012), for the choice among models.
    """
    sizes, counts = np.unique(members, return_counts=True)
    if not len(sizes) or sizes[0] > 1:
        return 0.0
    sample = int((sizes * counts).sum())
    if sample >= population:
        return float(counts[0]) / population
    if estimator == "pitman" or (estimator == "dankar" and sample <= _SMALL_SAMPLE * population):
        return pitman(sizes, counts, population) / population
    if estimator == "zayatz":
        return zayatz(sizes, counts, population) / population
    if estimator == "snb":
        return snb(sizes, counts, population) / population
    found = [zayatz(sizes, counts, population), snb(sizes, counts, population)]
    return float(np.nanmin(found)) / population


def zayatz(sizes: Ints, counts: Ints, population: int) -> float:
    """Estimate the unique people by how likely a class of one came from each size.

    Args:
        sizes: Class sizes of the sample, ascending from 1.
        counts: Classes of each size.
        population: People of the population.

    Returns:
        Their number.

    Source:
        Zayatz, Estimation of the percent of unique population elements on a microdata file using the
        sample (US Bureau of the Census 1991).
    """
    sample = int((sizes * counts).sum())
    fraction = sample / population
    # Chance that exactly one of i people falls into the sample: i f times, for each other, falling outside.
    places = np.arange(int(sizes[-1]) - 1, dtype=np.float64)
    outside = np.maximum(population - sample - places, 0) / (population - 1 - places)
    chances = fraction * sizes * np.concatenate(([1.0], np.cumprod(outside)))[sizes - 1]
    return float(counts[0]) * (float(counts[0] * fraction) / float(counts @ chances)) / fraction


def snb(sizes: Ints, counts: Ints, population: int) -> float:
    """Estimate the unique people by class sizes that are 1 plus a negative binomial number.

    Args:
        sizes: Class sizes of the sample, ascending from 1.
        counts: Classes of each size.
        population: People of the population.

    Returns:
        Their number; NaN where no such distribution gives the classes of one and of two.

    Source:
        Chen and Keller-McNulty, Estimation of identification disclosure risk in microdata (Journal of
        Official Statistics 1998); the number of classes of the population by the estimator of Shlosser
        as modified by Haas and Stokes (JASA 1998), ``Sh3``.
    """
    fraction = float((sizes * counts).sum()) / population
    ones = float(counts[0])
    twos = float(counts[1]) if len(sizes) > 1 and sizes[1] == _TWO else 0.0
    classes = _shlosser(sizes, counts, fraction)
    if twos == 0 or not math.isfinite(classes):
        return UNKNOWN

    def missed(at: Floats) -> Floats:
        shape, chance = math.exp(at[0]), 1 / (1 + math.exp(-at[1]))
        outside = (1 - fraction) * (1 - chance)
        base = classes * (chance / (1 - outside)) ** shape
        one = fraction * base * (1 + shape * outside / (1 - outside))
        two = fraction**2 / 2 * base * shape * (1 - chance) / (1 - outside) ** 2
        return np.array([one / ones - 1, two * (2 - (1 - shape) * outside) / twos - 1])

    for start in _STARTS:
        found = _solved(missed, np.array(start))
        if found is not None:
            alone = classes * float(1 / (1 + math.exp(-found[1]))) ** math.exp(found[0])
            return min(float(alone), float(population))
    return UNKNOWN


_TWO = 2
_STARTS = ((0.0, 0.0), (-2.0, -2.0), (-2.0, -6.0), (1.0, 2.0), (-4.0, -8.0))


def _shlosser(sizes: Ints, counts: Ints, fraction: float) -> float:
    powers = (1 - fraction) ** sizes
    lone = float(counts @ (sizes * fraction**2 * (1 - fraction**2) ** (sizes - 1)))
    seen = float(counts @ (powers * ((1 + fraction) ** sizes - 1)))
    never, once = float(counts @ powers), float(counts @ (sizes * fraction * (1 - fraction) ** (sizes - 1)))
    if not seen or not once:
        return UNKNOWN
    return float(counts.sum()) + float(counts[0]) * (lone / seen) * (never / once) ** 2


def pitman(sizes: Ints, counts: Ints, population: int) -> float:
    """Estimate the unique people by Pitman's sampling formula at its greatest likelihood.

    Args:
        sizes: Class sizes of the sample, ascending from 1.
        counts: Classes of each size.
        population: People of the population.

    Returns:
        Their number; NaN where the likelihood has no greatest value within its parameters.

    Source:
        Hoshino, Applying Pitman's sampling formula to microdata disclosure risk assessment (Journal of
        Official Statistics 2001).
    """
    classes, sample = float(counts.sum()), float((sizes * counts).sum())
    if sample == classes:  # everybody is unique: the likelihood grows without end
        return UNKNOWN

    def slopes(at: Floats) -> Floats:
        alpha = 1 / (1 + math.exp(-at[1]))
        theta = math.exp(at[0]) - alpha
        upto = digamma(np.array([classes + theta / alpha, 1 + theta / alpha, sample + theta, 1 + theta]))
        groups = (upto[0] - upto[1]) / alpha
        steps = digamma(np.asarray(sizes - alpha, dtype=np.float64)) - digamma(np.array([1 - alpha]))
        by_theta = groups / (upto[2] - upto[3]) - 1
        by_alpha = ((classes - 1 - theta * groups) / alpha) / float(counts @ steps) - 1
        return np.array([by_theta, by_alpha])

    for theta, alpha in (_first_guess(sizes, counts), (classes, 0.5), (1.0, 0.1), (classes, 0.9)):
        if not (0 < alpha < 1 and theta > -alpha):
            continue
        found = _solved(slopes, np.array([math.log(theta + alpha), math.log(alpha / (1 - alpha))]))
        if found is not None:
            power = 1 / (1 + math.exp(-found[1]))
            base = math.exp(found[0])  # theta + alpha
            logged = math.lgamma(base - power + 1) - math.lgamma(base) + power * math.log(population)
            return math.exp(min(logged, math.log(population)))
    return UNKNOWN


def _first_guess(sizes: Ints, counts: Ints) -> tuple[float, float]:
    """Hoshino's moment estimate of theta and alpha, from the classes of one and of two."""
    ones, twos = float(counts[0]), float(counts[1]) if len(sizes) > 1 and sizes[1] == _TWO else 1.0
    classes, sample = float(counts.sum()), float((sizes * counts).sum())
    ratio = ones * (ones - 1) / twos
    below = 2 * ones * classes + ones * ratio - sample * ratio
    if below == 0:
        return 0.0, 0.0
    theta = (sample * classes * ratio - ones * (sample - 1) * (2 * classes + ratio)) / below
    return theta, (theta * (ones - sample) + (sample - 1) * ones) / (sample * classes)


def digamma(values: Floats) -> Floats:
    """Work out the logarithmic derivative of the gamma function.

    Args:
        values: Above 0.

    Returns:
        Its value for each, to about 1e-13.

    Source:
        Abramowitz and Stegun, 6.3.5 and 6.3.18.
    """
    shifted = np.asarray(values, dtype=np.float64)
    found = np.zeros_like(shifted)
    for _ in range(_SHIFT):
        found = found - 1 / shifted
        shifted = shifted + 1
    square = 1 / shifted**2
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square / 132))))
    return np.asarray(found + np.log(shifted) - 0.5 / shifted - series, dtype=np.float64)


def _solved(missed: Callable[[Floats], Floats], start: Floats) -> Floats | None:
    """Find where two equations hold, by Newton's steps cut to where they come nearer."""
    at = start
    with np.errstate(all="ignore"):
        off = _tried(missed, at)
        for _ in range(_ROUNDS):
            if not np.isfinite(off).all() or np.abs(off).max() < _NEAR:
                break
            moved = np.column_stack(
                [(_tried(missed, at + step) - _tried(missed, at - step)) / (2 * _STEP) for step in _NUDGES]
            )
            if not np.isfinite(moved).all() or abs(np.linalg.det(moved)) < np.finfo(float).tiny:
                return None
            nearer = _nearer(missed, at, np.clip(np.linalg.solve(moved, -off), -_LEAP, _LEAP), off)
            if nearer is None:
                return None
            at, off = nearer
    return at if np.isfinite(off).all() and np.abs(off).max() < _NEAR else None


_NUDGES = (np.array([_STEP, 0.0]), np.array([0.0, _STEP]))
_LEAP = 4.0
_HALVINGS = 30


def _nearer(
    missed: Callable[[Floats], Floats], at: Floats, step: Floats, off: Floats
) -> tuple[Floats, Floats] | None:
    for _ in range(_HALVINGS):
        found = _tried(missed, at + step)
        if np.isfinite(found).all() and np.abs(found).max() < np.abs(off).max():
            return at + step, found
        step = step / 2
    return None


def _tried(missed: Callable[[Floats], Floats], at: Floats) -> Floats:
    try:
        return missed(at)
    except (OverflowError, ZeroDivisionError):
        return np.full(2, UNKNOWN)
