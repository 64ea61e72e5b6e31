"""Exact chances of counts: the permutation test of two groups, binomial intervals, and power.

Under the hypothesis that a release knows nothing of who was in its source, those who were and those who
were not can be exchanged: the successes of an attack fall on the two groups as balls drawn from an urn.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

POWER = 0.95
"""The chance with which a risk that is called detectable would have been seen."""

_STEPS = 60


@lru_cache(maxsize=8)
def _log_factorials(size: int) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1, dtype=np.float64)))])


def _log_choose(n: int, k: NDArray[np.int64]) -> NDArray[np.float64]:
    table = _log_factorials(n)
    return np.asarray(table[n] - table[k] - table[n - k], dtype=np.float64)


def exchanged_chance(right: int, members: int, control_right: int, controls: int) -> float:
    """Give the chance of at least so many successes among the members when the groups are exchanged.

    Args:
        right: Successes among the members.
        members: People who were in the source.
        control_right: Successes among the controls.
        controls: People who were not.

    Returns:
        One-sided p-value: the share of all divisions of these people into the two groups that put at
        least ``right`` successes among the members, without drawing any.

    Source:
        Fisher's exact test; a permutation test of all divisions (Fisher, The Design of Experiments, 1935).
    """
    total = right + control_right
    counts = np.arange(right, min(total, members) + 1, dtype=np.int64)
    counts = counts[total - counts <= controls]
    everyone = np.asarray([total], dtype=np.int64)
    logs = _log_choose(members, counts) + _log_choose(controls, total - counts)
    return min(1.0, float(np.exp(logs - _log_choose(members + controls, everyone)).sum()))


def binomial_tail(least: int, trials: int, chance: float) -> float:
    """Give the chance of at least ``least`` successes.

    Args:
        least: Successes.
        trials: Trials, at least 0.
        chance: Chance of each, 0 to 1.

    Returns:
        The chance of ``least`` or more.
    """
    if least <= 0:
        return 1.0
    if least > trials or chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    counts = np.arange(least, trials + 1, dtype=np.int64)
    logs = _log_choose(trials, counts) + counts * np.log(chance) + (trials - counts) * np.log1p(-chance)
    return min(1.0, float(np.exp(logs).sum()))


def interval(right: int, trials: int, error: float) -> tuple[float, float]:
    """Bound a rate from both sides.

    Args:
        right: Successes.
        trials: Trials; none of them bounds nothing.
        error: Chance that the bounds do not hold, both sides together.

    Returns:
        Lower and upper bound.

    Guarantee:
        They hold with chance at least ``1 - error`` whatever the rate is.

    Source:
        Clopper and Pearson, Biometrika 26 (1934).
    """
    if trials == 0:
        return 0.0, 1.0
    low = _least(lambda chance: binomial_tail(right, trials, chance) > error / 2)[0] if right else 0.0
    if right == trials:
        return low, 1.0
    return low, _least(lambda chance: binomial_tail(right + 1, trials, chance) >= 1 - error / 2)[1]


def excess(right: int, members: int, control_right: int, controls: int, error: float) -> tuple[float, float]:
    """Bound how far an attack goes beyond what it does to people who were not there.

    Args:
        right: Successes among the members.
        members: People who were in the source.
        control_right: Successes among the controls.
        controls: People who were not; none takes the control's rate for 0.
        error: Chance that the bounds do not hold.

    Returns:
        Bounds of (rate - control rate) / (1 - control rate), 0 to 1: each of the two rates is bounded with
        half the error, and the ends are taken where they are worst.
    """
    low, high = interval(right, members, error / 2 if controls else error)
    base_low, base_high = interval(control_right, controls, error / 2) if controls else (0.0, 0.0)
    return _beyond(low, base_high), _beyond(high, base_low)


def detectable(members: int, control_right: int, controls: int, level: float) -> float | None:
    """Give the smallest risk that would have been seen, with the control group as it was.

    Args:
        members: People attacked who were in the source.
        control_right: Successes among the controls.
        controls: People who were not; with none a single success is seen.
        level: The p-value up to which an excess is not put down to chance.

    Returns:
        The risk that is seen with chance 0.95; none where these people are too few to see any.
    """
    if members == 0:
        return None
    least = 1
    if controls:
        least = _first(lambda x: exchanged_chance(x, members, control_right, controls) <= level, members)
    if least > members:
        return None
    rate = _least(lambda chance: binomial_tail(least, members, chance) >= POWER)[1]
    return _beyond(rate, control_right / controls if controls else 0.0)


def _beyond(rate: float, base: float) -> float:
    return 0.0 if base >= 1 else min(1.0, max(0.0, (rate - base) / (1 - base)))


def _least(holds: Callable[[float], bool]) -> tuple[float, float]:
    """Where a condition begins to hold between 0 and 1: just below, and just above."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return low, high


def _first(holds: Callable[[int], bool], most: int) -> int:
    """The least whole number up to ``most`` from which on a condition holds; one more where none does."""
    low, high = 0, most + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
