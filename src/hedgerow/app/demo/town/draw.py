"""Drawing from a seed: one independent stream for each part, so that parts do not disturb each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Integers: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.float64]
Texts: TypeAlias = npt.NDArray[np.str_]
Days: TypeAlias = npt.NDArray[np.datetime64]

_STREAMS = ("residents", "clinics", "bank", "agency", "shop", "building", "consents", "club", "tracks")


def stream(seed: int, part: str) -> np.random.Generator:
    """Open the random stream of one part of the town.

    Args:
        seed: 0 or more.
        part: One of the parts named in this module.

    Returns:
        A generator that no other part draws from.
    """
    return np.random.default_rng([seed, _STREAMS.index(part)])


def some(rng: np.random.Generator, people: int, share: float) -> Integers:
    """Choose a share of the people, at least one, in ascending order.

    Args:
        rng: The stream.
        people: How many there are.
        share: 0 to 1.

    Returns:
        Distinct indices.
    """
    size = max(1, round(people * share))
    return np.sort(rng.choice(people, size=size, replace=False)).astype(np.int64)


def pick(
    rng: np.random.Generator, words: Sequence[str], size: int, weights: Sequence[float] | None = None
) -> Texts:
    """Draw words with replacement.

    Args:
        rng: The stream.
        words: What to draw from.
        size: How many to draw.
        weights: Relative weights; equal when absent.

    Returns:
        The words drawn.
    """
    shares = None if weights is None else np.asarray(weights) / np.sum(weights)
    return np.asarray(words)[rng.choice(len(words), size=size, p=shares)]


def by_row(rng: np.random.Generator, weights: Numbers) -> Integers:
    """Draw one column index for each row of weights.

    Args:
        rng: The stream.
        weights: Positive; one row for each draw.

    Returns:
        A column index for each row.
    """
    ladder = np.cumsum(weights, axis=1)
    level = rng.random(len(weights)) * ladder[:, -1]
    return np.asarray((level[:, None] >= ladder).sum(axis=1), dtype=np.int64)


def moments(rng: np.random.Generator, first: str, last: str, size: int) -> Days:
    """Draw moments between two days.

    Args:
        rng: The stream.
        first: ISO date, included.
        last: ISO date, excluded.
        size: How many to draw.

    Returns:
        Moments to the second, held in microseconds.
    """
    start, end = np.datetime64(first, "s"), np.datetime64(last, "s")
    return np.asarray(
        (start + rng.integers(0, int((end - start).astype(int)), size)).astype("datetime64[us]")
    )
