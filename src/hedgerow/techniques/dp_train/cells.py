"""Public cells: which values of a column are told apart, fixed by declarations alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Group(NamedTuple):
    """Adjacent features that say one thing.

    Args:
        width: How many features there are: 1 for a number, else one mark for each category or bin.
        is_ordered: Whether neighbours are alike, as bins are; always so for a number.
    """

    width: int
    is_ordered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """How rows fall into cells, group by group.

    Args:
        groups: The groups, in the order of the features.
        lower: Lower bound of each feature.
        upper: Upper bound of each feature.
        bins: Into how many bins of equal width a number falls.
    """

    groups: tuple[Group, ...]
    lower: Floats
    upper: Floats
    bins: int

    def count(self, group: int) -> int:
        """Count the cells of a group; marks have one more, for rows that have none of them.

        Args:
            group: Its place.

        Returns:
            How many cells it has.
        """
        width = self.groups[group].width
        return self.bins if width == 1 else width + 1

    def is_ordered(self, group: int) -> bool:
        """Tell whether neighbouring cells are alike.

        Args:
            group: Its place.

        Returns:
            Whether they are.
        """
        return self.groups[group].is_ordered or self.groups[group].width == 1

    def codes(self, features: Floats) -> Integers:
        """Find the cell of each row in each group, from that row alone.

        Args:
            features: Shape ``(rows, features)``, finite.

        Returns:
            Cells from 0, shape ``(rows, groups)``.
        """
        made = np.empty((len(features), len(self.groups)), dtype=np.int64)
        first = 0
        for at, group in enumerate(self.groups):
            part = features[:, first : first + group.width]
            made[:, at] = self._binned(part[:, 0], first) if group.width == 1 else _marked(part)
            first += group.width
        return made

    def _binned(self, values: Floats, feature: int) -> Integers:
        low, high = self.lower[feature], self.upper[feature]
        share = (np.clip(values, low, high) - low) / ((high - low) or 1.0)
        return np.minimum(np.floor(share * self.bins), self.bins - 1).astype(np.int64)  # type: ignore[no-any-return]


def declared_groups(groups: Iterable[object] | None, width: int) -> tuple[Group, ...]:
    """Read declared groups.

    Args:
        groups: A :class:`Group` or a width for each; none where each feature is a number.
        width: How many features there are.

    Returns:
        The groups.

    Raises:
        CallerError: ``learn.bad-parameter`` when they are malformed or do not add up to the features.
    """
    if groups is None:
        return (Group(1),) * width
    wrong = CallerError(
        "learn.bad-parameter",
        parameter="groups",
        advice="Give the width of each group of adjacent features, as PublicEncoder.groups does.",
    )
    try:
        made = tuple(_group(each) for each in groups)
    except (TypeError, ValueError):
        raise wrong from None
    if any(group.width < 1 for group in made) or sum(group.width for group in made) != width:
        raise wrong
    return made


def _group(given: object) -> Group:
    width, is_ordered = given if isinstance(given, tuple) else (given, False)
    if isinstance(width, bool) or not isinstance(width, int | np.integer):
        raise TypeError
    return Group(int(width), bool(is_ordered))


def _marked(part: Floats) -> Integers:
    places = part.argmax(axis=1)
    return np.where(part.max(axis=1) > 0, places, part.shape[1])  # type: ignore[no-any-return]
