"""Which people fit which rows of a release, by containment in every column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints, Tuples, combined_keys, distinct_tuples

_AT_ONCE = 4_000_000
_DENSE = 1 << 24


@dataclass(frozen=True, slots=True)
class Column:
    """One column as both sides see it.

    Args:
        people: Place of each person's value among the distinct values.
        rows: Place of each released row's cell among the distinct labels.
        inside: Pairs of value and label that contains it.
        values: How many distinct values there are.
        labels: How many distinct labels there are.
    """

    people: Ints = field(repr=False)
    rows: Ints = field(repr=False)
    inside: tuple[Ints, Ints] = field(repr=False)
    values: int
    labels: int

    def says_nothing(self) -> Ints:
        """For each label 1 where it contains every value, as a missing cell or ``*`` does, else 0."""
        return np.asarray(np.bincount(self.inside[1], minlength=self.labels) == self.values, dtype=np.int64)

    def unread(self) -> float:
        """The share of released rows whose cell contains no value of anybody: it may be written otherwise."""
        is_read = np.bincount(self.inside[1], minlength=self.labels) > 0
        return 1 - float(is_read[self.rows].mean())

    def layers(self) -> tuple[Ints, list[Ints]]:
        """Sort labels into layers in none of which a value lies in two of them, as levels of a hierarchy do.

        Returns:
            The layer of each label; and for each layer the one label that contains each value, or -1.
        """
        value, label = self.inside
        sizes = np.bincount(label, minlength=self.labels)
        order = np.lexsort((value, label))
        members = np.split(value[order], np.cumsum(sizes)[:-1])
        layer_of, found = np.zeros(self.labels, dtype=np.int64), [np.full(self.values, -1, dtype=np.int64)]
        if not len(value) or int(np.bincount(value).max()) <= 1:
            found[0][value] = label
            return layer_of, found
        for place in np.argsort(sizes, kind="stable").tolist():
            inside = members[place]
            free = next((n for n, taken in enumerate(found) if not (taken[inside] >= 0).any()), len(found))
            if free == len(found):
                found.append(np.full(self.values, -1, dtype=np.int64))
            found[free][inside] = place
            layer_of[place] = free
        return layer_of, found

    def shuffled(self, order: Ints) -> Column:
        """The same column with the released cells in another order."""
        return Column(self.people, self.rows[order], self.inside, self.values, self.labels)


@dataclass(frozen=True, slots=True)
class Fitting:
    """Who fits what: distinct people and distinct rows, and the pairs that fit.

    Args:
        kind: Distinct combination of values of each person.
        row_class: Distinct combination of cells of each released row.
        counts: Rows of each class.
        pairs: Pairs of a kind of person and a class that fits it.
        vague: Cells of each class that say nothing.
        kinds: How many kinds there are.
    """

    kind: Ints = field(repr=False)
    row_class: Ints = field(repr=False)
    counts: Ints = field(repr=False)
    pairs: tuple[Ints, Ints] = field(repr=False)
    vague: Ints = field(repr=False)
    kinds: int

    def best(self) -> Fitting:
        """Keep of the rows that fit a person those with fewest cells that say nothing."""
        kinds, classes = self.pairs
        least = np.full(self.kinds, np.iinfo(np.int64).max, dtype=np.int64)
        np.minimum.at(least, kinds, self.vague[classes])
        kept = self.vague[classes] == least[kinds]
        return replace(self, pairs=(kinds[kept], classes[kept]))

    def candidates(self) -> Ints:
        """How many released rows fit each person."""
        kinds, classes = self.pairs
        found = np.bincount(kinds, weights=self.counts[classes], minlength=self.kinds)
        return found.astype(np.int64)[self.kind]


def fitting(columns: Sequence[Column]) -> Fitting:
    """Find the classes that fit each kind of person.

    Args:
        columns: At least one, all of the same people and rows; at least one of each.

    Returns:
        What fits what. Rows are taken together by the layers of their cells (how coarse each is, roughly),
        and each such group is matched by sorting: the work grows with groups times people, and with rows.
        Where groups are hardly fewer than rows, it grows with kinds of people times classes.
    """
    people = distinct_tuples([column.people for column in columns])
    rows = distinct_tuples([column.rows for column in columns])
    layers = [column.layers() for column in columns]
    cells = zip(layers, rows.codes, strict=True)
    groups = distinct_tuples([layer_of[labels] for (layer_of, _), labels in cells])
    is_few = len(groups.counts) * len(columns) <= max(len(rows.counts), len(columns))
    if is_few:
        pairs = _by_group(columns, [found for _, found in layers], people.codes, rows.codes, groups)
    else:
        pairs = _by_looking(columns, people.codes, rows.codes)
    vague = sum(column.says_nothing()[labels] for column, labels in zip(columns, rows.codes, strict=True))
    return Fitting(
        people.of_row, rows.of_row, rows.counts, pairs, np.asarray(vague, dtype=np.int64), len(people.counts)
    )


def _by_group(
    columns: Sequence[Column],
    layers: Sequence[Sequence[Ints]],
    people: Sequence[Ints],
    rows: Sequence[Ints],
    groups: Tuples,
) -> tuple[Ints, Ints]:
    """Match people to the rows of each group of layers by keys that are equal where every column fits."""
    kept: list[tuple[Ints, Ints]] = []
    order = np.argsort(groups.of_row, kind="stable")
    ends = np.cumsum(groups.counts)
    for group, (start, stop) in enumerate(pairwise([0, *ends.tolist()])):
        classes, parts = order[start:stop], []
        for place in range(len(columns)):
            label_of = layers[place][int(groups.codes[place][group])]
            # What lies in no label must not equal any row.
            parts.append(np.concatenate([label_of[people[place]], rows[place][classes]]) + 1)
        keys = combined_keys(parts, [column.labels + 1 for column in columns])
        mine, theirs = keys[: len(people[0])], keys[len(people[0]) :]
        ranked = np.argsort(theirs, kind="stable")
        first = np.searchsorted(theirs[ranked], mine, "left")
        fits = np.flatnonzero(theirs[ranked][np.minimum(first, len(ranked) - 1)] == mine)
        kept.append((fits.astype(np.int64), classes[ranked[first[fits]]]))
    return _joined(kept)


def _by_looking(columns: Sequence[Column], people: Sequence[Ints], rows: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Look at every kind of person and every class, column by column of what is left."""
    kinds_at_once = max(1, _AT_ONCE // len(rows[0]))
    # What sorts out most comes first.
    share = [len(column.inside[0]) / (column.values * column.labels) for column in columns]
    ordered = sorted(range(len(columns)), key=share.__getitem__)
    kept: list[tuple[Ints, Ints]] = []
    for start in range(0, len(people[0]), kinds_at_once):
        stop = min(start + kinds_at_once, len(people[0]))
        kinds = np.repeat(np.arange(start, stop, dtype=np.int64), len(rows[0]))
        classes = np.tile(np.arange(len(rows[0]), dtype=np.int64), stop - start)
        for place in ordered:
            fits = _contains(columns[place], people[place][kinds], rows[place][classes])
            kinds, classes = kinds[fits], classes[fits]
        kept.append((kinds, classes))
    return _joined(kept)


def _joined(kept: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    return np.concatenate([kinds for kinds, _ in kept]), np.concatenate([classes for _, classes in kept])


def spread(first: Ints, sizes: Ints) -> Ints:
    """Write out ranges one after the other.

    Args:
        first: Where each begins.
        sizes: How long each is.

    Returns:
        All their numbers.
    """
    ends = np.cumsum(sizes)
    return np.arange(int(ends[-1]) if len(ends) else 0, dtype=np.int64) + np.repeat(
        first - ends + sizes, sizes
    )


def _contains(column: Column, values: Ints, labels: Ints) -> Flags:
    """Whether each label contains the value beside it."""
    inside, space = column.inside, column.values * column.labels
    if space <= _DENSE:
        table = np.zeros(space, dtype=np.bool_)
        table[inside[0] * column.labels + inside[1]] = True
        return np.asarray(table[values * column.labels + labels], dtype=np.bool_)
    known = np.sort(inside[0] * column.labels + inside[1])
    return is_in(values * column.labels + labels, known)


def is_in(sought: Ints, known: Ints) -> Flags:
    """Tell which numbers stand in a sorted list."""
    if not len(known):
        return np.zeros(len(sought), dtype=np.bool_)
    places = np.minimum(np.searchsorted(known, sought), len(known) - 1)
    return np.asarray(known[places] == sought, dtype=np.bool_)
