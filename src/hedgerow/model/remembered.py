"""What is remembered of a release, so that later ones of the same people can be judged beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hedgerow.model.engine import IntArray


@dataclass(frozen=True, slots=True)
class Remembered:
    """Who was in which class of a release, with which values; a row each, all arrays as long.

    Args:
        columns: The columns that left.
        quasi: Of these the quasi-identifiers.
        k: Least people of a class, as promised.
        l: Least different values of a class; 2 where nothing was promised.
        counted: People of each class, in the order of their numbers.
        people: Whose row it is, by internal number; those erased since are left out.
        classes: The number of its class.
        values: For each further column the row's value as a number that stands for it in every release;
            -1 where it is missing.
        release: Its id; empty until it has left.
        is_related: Whether it is of the data set at hand or of one that it has people or rows in common with.
    """

    columns: tuple[str, ...]
    quasi: tuple[str, ...]
    k: int
    l: int  # noqa: E741 - the field's own word, as k
    counted: tuple[int, ...] = field(repr=False)
    people: IntArray = field(repr=False)
    classes: IntArray = field(repr=False)
    values: Mapping[str, IntArray] = field(repr=False)
    release: str = ""
    is_related: bool = True

    def concerns(self, columns: tuple[str, ...], quasi: tuple[str, ...]) -> bool:
        """Tell whether rows of it could be tied to rows of another release of these columns.

        They can where both are of the same data, or a column is in both that is not a quasi-identifier in
        both; people alone, sorted by columns that have nothing to do with each other, tell nothing.
        """
        shared = set(self.columns) & set(columns)
        return self.is_related or bool(shared - (set(self.quasi) & set(quasi)))


@dataclass(frozen=True, slots=True)
class Earlier:
    """Every release that left before.

    Args:
        releases: What is remembered of each, the oldest first.
        unknown: Ids of those of the same data set of which nothing is remembered.
        stamp: What must be the same when a further release leaves.
    """

    releases: tuple[Remembered, ...] = ()
    unknown: tuple[str, ...] = ()
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class ToRemember:
    """What is to be remembered of a release that leaves.

    Args:
        rows: Who is in which class.
        stamp: That of the earlier releases it was judged beside.
    """

    rows: Remembered = field(repr=False)
    stamp: str
