"""What a released table must satisfy: tests of each class alone, and tests of the whole table.

How the search may prune depends on two properties that a criterion states of itself; a criterion
that claims one it does not have makes the search wrong, so each claim carries its proof in the
criterion's docstring and is tried on random tables by the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.anonymity.grouping import Grouping


class ClassCriterion(Protocol):
    """A test of each class alone."""

    @property
    def is_monotone(self) -> bool:
        """Whether joining good classes always gives a good class."""
        ...

    @property
    def is_upward(self) -> bool:
        """Whether joining a good class with any other classes, good or not, always gives a good class."""
        ...

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class.
        """
        ...


@runtime_checkable
class PartlyCertain(Protocol):
    """A test of each class that is not upward, yet tells how much of a failing class is lost for it."""

    def least_dropped(self, grouping: Grouping) -> Ints:
        """Tell how many rows of each class cannot stay however it is split.

        Args:
            grouping: The classes of one node.

        Returns:
            Rows per class: however its rows are put into classes, at least so many stand in classes
            that fail.
        """
        ...


class TableCriterion(Protocol):
    """A test of the whole released table, met by dropping further classes."""

    @property
    def is_monotone(self) -> bool:
        """Whether a table that meets it with every class kept still does so with its classes joined."""
        ...

    @property
    def is_upward(self) -> bool:
        """Whether joining classes never makes it keep fewer rows.

        That is: for a grouping and one joined from it, with flags of the joined one that hold
        wherever a part is good, at least as many rows are kept of the joined one.
        """
        ...

    def kept(self, grouping: Grouping, good: Flags) -> Flags:
        """Choose which of the good classes stay, so that the test holds for what stays.

        Args:
            grouping: The classes of one node.
            good: Classes that passed every test so far; the others are dropped already.

        Returns:
            One flag per class, set only where ``good`` is; all unset where nothing may stay. Given
            its own result it returns it unchanged.
        """
        ...


@dataclass(frozen=True, slots=True)
class DistinctValues:
    """At least so many distinct values of one column in each class.

    Further members never take a value away, so it is upward, hence monotone.

    Args:
        place: Place of the column in ``Grouping.pairs``.
        least: Least distinct values.
    """

    place: int
    least: int

    @property
    def is_monotone(self) -> bool:
        """Holds."""
        return True

    @property
    def is_upward(self) -> bool:
        """Holds."""
        return True

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class.
        """
        return np.asarray(grouping.pairs[self.place].distinct(len(grouping.sizes)) >= self.least)


def good_classes(grouping: Grouping, k: int, criteria: Sequence[ClassCriterion]) -> Flags:
    """Tell which classes have k rows and pass every test.

    Args:
        grouping: The classes of one node.
        k: Least rows.
        criteria: The tests of each class.

    Returns:
        One flag per class.
    """
    flags = np.asarray(grouping.sizes >= k)
    for criterion in criteria:
        if not flags.any():
            break
        flags = flags & criterion.good(grouping)
    return flags


def kept_classes(grouping: Grouping, good: Flags, criteria: Sequence[TableCriterion]) -> Flags:
    """Drop further classes until every test of the whole table holds.

    Args:
        grouping: The classes of one node.
        good: Classes that pass the tests of each class.
        criteria: The tests of the whole table, applied in order and again until none drops more.

    Returns:
        One flag per class.
    """
    kept = good
    while True:
        before = kept
        for criterion in criteria:
            kept = kept & criterion.kept(grouping, kept)
        if len(criteria) <= 1 or bool((kept == before).all()):
            return kept
