"""What the values of a sensitive column in each class tell, for all classes at once.

Everything here works on pairs of class and value with their counts. A missing value makes no pair: every
figure is of the rows whose value is known, and a class without one has the figures of the empty class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints
from hedgerow.kernel.anonymity.grouping import Pairs

BAND = 1e-9
"""Floating figures nearer than this to a bound are worked out exactly before they are compared."""


@dataclass(frozen=True, slots=True)
class Reference:
    """How often each value occurs over all rows.

    Args:
        counts: Rows of each value code, at least one above 0.
    """

    counts: Ints = field(repr=False)

    @property
    def total(self) -> int:
        """Rows whose value is known."""
        return int(self.counts.sum())

    @property
    def shares(self) -> Floats:
        """Share of each value."""
        return np.asarray(self.counts / self.total, dtype=np.float64)


def reference_of(values: Ints, size: int = 1, weights: Ints | None = None) -> Reference:
    """Count the values of all rows.

    Args:
        values: Value code of each row, -1 for missing.
        size: Least number of value codes, such as those that a hierarchy lists.
        weights: Rows that each entry stands for; one each without it.

    Returns:
        Rows of each code; a column without any value counts one row of a value that no class has.
    """
    known = values >= 0
    each = None if weights is None else weights[known]
    counts = np.bincount(values[known], weights=each, minlength=size).astype(np.int64)
    return Reference(counts if counts.any() else np.ones(max(size, 1), dtype=np.int64))


def totals(pairs: Pairs, number: int) -> Ints:
    """Count the rows of each class whose value is known.

    Args:
        pairs: Values of each class.
        number: Number of classes.

    Returns:
        Rows per class.
    """
    return np.bincount(pairs.classes, weights=pairs.counts, minlength=number).astype(np.int64)


def largest(pairs: Pairs, number: int) -> Ints:
    """Count the rows of each class's most frequent value.

    Args:
        pairs: Values of each class.
        number: Number of classes.

    Returns:
        Rows per class; 0 without a known value.
    """
    most = np.zeros(number, dtype=np.int64)
    np.maximum.at(most, pairs.classes, pairs.counts)
    return most


def entropies(pairs: Pairs, number: int) -> Floats:
    """Work out the entropy of the values in each class.

    Args:
        pairs: Values of each class.
        number: Number of classes.

    Returns:
        Entropy per class in nats; 0 without a known value.
    """
    rows = totals(pairs, number)
    logs = np.bincount(pairs.classes, weights=pairs.counts * np.log(pairs.counts), minlength=number)
    known = np.maximum(rows, 1)
    return np.asarray(np.maximum(np.log(known) - logs / known, 0), dtype=np.float64)


def tails(pairs: Pairs, number: int, place: int) -> Ints:
    """Count in each class the rows of its ``place``-th most frequent value and of all rarer ones.

    Args:
        pairs: Values of each class.
        number: Number of classes.
        place: From which place on, 1 for the most frequent.

    Returns:
        Rows per class.
    """
    order = np.lexsort((-pairs.counts, pairs.classes))
    classes = pairs.classes[order]
    starts = np.searchsorted(classes, np.arange(number))
    rarer = np.arange(len(classes)) - starts[classes] >= place - 1
    return np.bincount(classes[rarer], weights=pairs.counts[order][rarer], minlength=number).astype(np.int64)


def gains(pairs: Pairs, number: int, reference: Reference) -> Floats:
    """Work out how much more frequent each value is in its class than over all rows.

    Args:
        pairs: Values of each class.
        number: Number of classes.
        reference: All rows.

    Returns:
        Relative gain of each pair: 0 when as frequent, -1 towards absence.
    """
    shares = pairs.counts / totals(pairs, number)[pairs.classes]
    return np.asarray(shares / reference.shares[pairs.values] - 1, dtype=np.float64)


def equal_distances(pairs: Pairs, number: int, reference: Reference) -> Floats:
    """Work out the earth mover's distance of each class to all rows, all values equally far apart.

    Args:
        pairs: Values of each class.
        number: Number of classes.
        reference: All rows.

    Returns:
        Distance per class, 0 to 1; 0 without a known value.

    Source:
        Li, Li and Venkatasubramanian, t-closeness (ICDE 2007), section 5.1: half the sum of the
        differences, which is the sum of those above 0, and these are of values that the class has.
    """
    above = pairs.counts / totals(pairs, number)[pairs.classes] - reference.shares[pairs.values]
    return np.bincount(pairs.classes, weights=np.maximum(above, 0), minlength=number).astype(np.float64)


def ordered_distances(pairs: Pairs, number: int, reference: Reference) -> Floats:
    """Work out the earth mover's distance of each class to all rows, values as far apart as their ranks.

    Between two values of a class the class's cumulative share is level while that of all rows rises, so
    their difference changes sign once: sums over either side come from running totals.

    Args:
        pairs: Values of each class; codes are in the order of the values.
        number: Number of classes.
        reference: All rows.

    Returns:
        Distance per class, 0 to 1; 0 without a known value.

    Source:
        Li, Li and Venkatasubramanian, t-closeness (ICDE 2007), section 5.1, ordered distance; a rank is
        given to the values that occur.
    """
    occurs = reference.counts > 0
    ranks, steps = np.cumsum(occurs) - 1, int(occurs.sum()) - 1
    if steps == 0 or not len(pairs.classes):
        return np.zeros(number)
    upto = np.cumsum(reference.counts[occurs]) / reference.total
    running = np.concatenate(([0.0], np.cumsum(upto)))
    rows = totals(pairs, number)[pairs.classes]
    starts = np.searchsorted(pairs.classes, pairs.classes)
    before = np.concatenate(([0], np.cumsum(pairs.counts)))
    level = (before[1:] - before[starts]) / rows
    begin = ranks[pairs.values]
    last = np.append(pairs.classes[1:] != pairs.classes[:-1], True)
    end = np.where(last, steps, np.append(begin[1:], steps))
    crossing = np.clip(np.searchsorted(upto, level), begin, end)
    below = level * (crossing - begin) - (running[crossing] - running[begin])
    above = (running[end] - running[crossing]) - level * (end - crossing)
    leading = np.where(starts == np.arange(len(starts)), running[begin], 0.0)
    return np.bincount(pairs.classes, weights=below + above + leading, minlength=number) / steps


def hierarchical_distances(pairs: Pairs, number: int, reference: Reference, levels: Sequence[Ints]) -> Floats:
    """Work out the earth mover's distance of each class to all rows, values as far apart as where they meet.

    Two values that first share a group at level h of H are h / H apart. In such a tree what has to
    pass between groups of one level is their equal distance: the whole is the mean over the levels
    below the top.

    Args:
        pairs: Values of each class.
        number: Number of classes.
        reference: All rows.
        levels: Group of each value code at each level from 0 to below the top; level 0 is the value.

    Returns:
        Distance per class, 0 to 1.

    Source:
        Li, Li and Venkatasubramanian, t-closeness (ICDE 2007), section 5.2, hierarchical distance.
    """
    found = np.zeros(number)
    for groups in levels:
        joined, whole = grouped(pairs, reference, groups)
        found += equal_distances(joined, number, whole)
    return found / len(levels)


def grouped(pairs: Pairs, reference: Reference, groups: Ints) -> tuple[Pairs, Reference]:
    """Join values into groups.

    Args:
        pairs: Values of each class.
        reference: All rows.
        groups: Group of each value code.

    Returns:
        The same of groups.
    """
    size = int(groups.max()) + 1
    used, places = np.unique(pairs.classes * size + groups[pairs.values], return_inverse=True)
    counts = np.bincount(places, weights=pairs.counts, minlength=len(used)).astype(np.int64)
    whole = np.bincount(groups, weights=reference.counts, minlength=size).astype(np.int64)
    return Pairs(used // size, used % size, counts, size), Reference(whole)


Shares = dict[int, Fraction]


def class_shares(pairs: Pairs, place: int) -> Shares:
    """Read the shares of one class exactly.

    Args:
        pairs: Values of each class.
        place: The class; it has a known value.

    Returns:
        Share by value code.
    """
    begin, end = np.searchsorted(pairs.classes, [place, place + 1])
    counts = pairs.counts[begin:end].tolist()
    rows = sum(counts)
    values = pairs.values[begin:end].tolist()
    return {value: Fraction(count, rows) for value, count in zip(values, counts, strict=True)}


def exact_equal(shares: Shares, reference: Reference) -> Fraction:
    """Work out the equal distance of one class exactly.

    Args:
        shares: Of the class.
        reference: All rows.

    Returns:
        The distance.
    """
    total = reference.total
    above = (share - Fraction(int(reference.counts[value]), total) for value, share in shares.items())
    return sum((each for each in above if each > 0), Fraction(0))


def exact_ordered(shares: Shares, reference: Reference) -> Fraction:
    """Work out the ordered distance of one class exactly.

    Args:
        shares: Of the class.
        reference: All rows.

    Returns:
        The distance.
    """
    total, running, moved = reference.total, Fraction(0), Fraction(0)
    occurring = np.flatnonzero(reference.counts).tolist()
    for value in occurring[:-1]:
        running += shares.get(value, Fraction(0)) - Fraction(int(reference.counts[value]), total)
        moved += abs(running)
    return moved / max(len(occurring) - 1, 1)


def exact_hierarchical(shares: Shares, reference: Reference, levels: Sequence[Ints]) -> Fraction:
    """Work out the hierarchical distance of one class exactly.

    Args:
        shares: Of the class.
        reference: All rows.
        levels: As ``hierarchical_distances``.

    Returns:
        The distance.
    """
    found = Fraction(0)
    for groups in levels:
        whole = np.bincount(groups, weights=reference.counts).astype(np.int64)
        joined: Shares = {}
        for value, share in shares.items():
            group = int(groups[value])
            joined[group] = joined.get(group, Fraction(0)) + share
        found += exact_equal(joined, Reference(whole))
    return found / len(levels)


def at_most(figures: Floats, bound: Fraction, exact: Callable[[int], Fraction]) -> Flags:
    """Compare figures with a bound, exactly where rounding could decide.

    Args:
        figures: One per class, right to well within ``BAND``.
        bound: The largest figure allowed.
        exact: Works out the figure of a class exactly.

    Returns:
        Whether each figure is at most the bound.
    """
    flags = figures <= float(bound)
    for place in np.flatnonzero(np.abs(figures - float(bound)) <= BAND).tolist():
        flags[place] = exact(place) <= bound
    return np.asarray(flags, dtype=np.bool_)
