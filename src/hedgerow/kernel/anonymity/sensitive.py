"""Tests of what the classes of a table tell about a sensitive column.

Each is monotone and none is upward: joined with a class that fails, a good class may fail. Rows that
are dropped take no part in a class; the distribution of all rows, which closeness and likeness
compare with, counts them, so that what a class must look like does not move with what is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity import distances
from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints
from hedgerow.kernel.anonymity.distances import BAND, Reference
from hedgerow.kernel.anonymity.grouping import Grouping, Pairs
from hedgerow.model.criteria import Distance

_INT64 = 2**62
_SLACK = 1e-6
"""Taken off a number of rows that was worked out in floating point, before it is rounded up."""


class _OfValues:
    """A test that joining good classes cannot break, but joining a good one with another may."""

    __slots__ = ()

    @property
    def is_monotone(self) -> bool:
        """Holds; why, each class says."""
        return True

    @property
    def is_upward(self) -> bool:
        """Does not hold: many rows of one value, joined to a good class, outweigh it."""
        return False


@dataclass(frozen=True, slots=True)
class EntropyValues(_OfValues):
    """Entropy l-diversity.

    Monotone because entropy is concave: that of joined classes is at least the mean of theirs.

    Args:
        place: Place of the column in ``Grouping.pairs``.
        least: The l, above 1.

    Source:
        Machanavajjhala and others, l-diversity (TKDD 2007), definition 4.1 and theorem 4.1.
    """

    place: int
    least: Fraction

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class. Logarithms are rounded, so a class has to exceed the bound by more than
            the rounding: one that reaches it to the hair does not pass.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        bound = float(np.log(float(self.least)))
        return np.asarray(distances.entropies(pairs, number) > bound + BAND)

    def least_dropped(self, grouping: Grouping) -> Ints:
        """Tell how many rows of each class cannot stay however it is split.

        Entropy H is concave: of the share x that stays it is at least ln l, so H >= (1 - (1 - x)) ln l.

        Args:
            grouping: The classes of one node.

        Returns:
            Rows per class.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        shares = 1 - distances.entropies(pairs, number) / float(np.log(float(self.least)))
        return _rounded_up(distances.totals(pairs, number) * shares)


@dataclass(frozen=True, slots=True)
class RecursiveValues(_OfValues):
    """Recursive (c, l)-diversity: the first value has fewer rows than c times the l-th and rarer ones.

    Monotone because in joined classes the most frequent value has at most as many rows as theirs
    together, and the l - 1 most frequent ones likewise, so that the rest has at least as many.

    Args:
        place: Place of the column in ``Grouping.pairs``.
        c: Above 0.
        l: At least 2.

    Source:
        Machanavajjhala and others, l-diversity (TKDD 2007), definition 4.2 and theorem 4.1.
    """

    place: int
    c: Fraction
    l: int  # noqa: E741 - the field's own word

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class, exact.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        first, rest = distances.largest(pairs, number), distances.tails(pairs, number, self.l)
        left, right = _product(first, self.c.denominator), _product(rest, self.c.numerator)
        return np.asarray(left < right, dtype=np.bool_)

    def least_dropped(self, grouping: Grouping) -> Ints:
        """Tell how many rows of each class cannot stay however it is split.

        What stays has a first value of less than c times its rarer rows, which are at most those of
        the class; so at least first - c * rarer rows of the first value go, and one more for equality.

        Args:
            grouping: The classes of one node.

        Returns:
            Rows per class.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        first, rest = distances.largest(pairs, number), distances.tails(pairs, number, self.l)
        short = _product(first, self.c.denominator) - _product(rest, self.c.numerator)
        rows = np.where(short >= 0, short // self.c.denominator + 1, 0)
        return np.asarray(np.minimum(rows, grouping.sizes), dtype=np.int64)


def _product(rows: Ints, factor: int) -> Ints:
    """Multiply exactly, beyond 64 bits where need be."""
    if int(rows.max(initial=0)) * factor < _INT64:
        return rows * factor
    return np.asarray([count * factor for count in rows.tolist()], dtype=object)


@dataclass(frozen=True, slots=True)
class Closeness(_OfValues):
    """t-closeness to the distribution of all rows, dropped ones among them.

    Monotone because the distance to a fixed distribution is convex: that of joined classes is at
    most the mean of theirs.

    Args:
        place: Place of the column in ``Grouping.pairs``; for ``ordered`` its codes are in the values' order.
        most: Largest distance.
        reference: The distribution of all rows.
        distance: Equal, ordered or hierarchical.
        levels: For ``hierarchical``: group of each value code at each level below the top.

    Source:
        Li, Li and Venkatasubramanian, t-closeness (ICDE 2007), with the generalisation property of section 4.
    """

    place: int
    most: Fraction
    reference: Reference = field(repr=False)
    distance: Distance = "equal"
    levels: tuple[Ints, ...] = field(default=(), repr=False)

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class; never set by rounding. A class without a known value does not pass.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        flags = distances.at_most(
            self.figures(pairs, number), self.most, lambda place: self._exactly(pairs, place)
        )
        return np.asarray(flags & (pairs.distinct(number) > 0))

    def least_dropped(self, grouping: Grouping) -> Ints:
        """Tell how many rows of each class cannot stay however it is split.

        The distance d is convex and at most 1: of the share x that stays it is at most t, so
        d <= x t + (1 - x), which bounds x.

        Args:
            grouping: The classes of one node.

        Returns:
            Rows per class.
        """
        pairs, number, most = grouping.pairs[self.place], len(grouping.sizes), float(self.most)
        if most >= 1:
            return np.zeros(number, dtype=np.int64)
        shares = (self.figures(pairs, number) - most) / (1 - most)
        return _rounded_up(distances.totals(pairs, number) * shares)

    def figures(self, pairs: Pairs, number: int) -> Floats:
        """Work out the distance of each class.

        Args:
            pairs: Values of each class.
            number: Number of classes.

        Returns:
            Distance per class.
        """
        if self.distance == "ordered":
            return distances.ordered_distances(pairs, number, self.reference)
        if self.distance == "hierarchical":
            return distances.hierarchical_distances(pairs, number, self.reference, self.levels)
        return distances.equal_distances(pairs, number, self.reference)

    def _exactly(self, pairs: Pairs, place: int) -> Fraction:
        shares = distances.class_shares(pairs, place)
        if not shares:
            return Fraction(0)
        if self.distance == "ordered":
            return distances.exact_ordered(shares, self.reference)
        if self.distance == "hierarchical":
            return distances.exact_hierarchical(shares, self.reference, self.levels)
        return distances.exact_equal(shares, self.reference)


@dataclass(frozen=True, slots=True)
class Likeness(_OfValues):
    """Basic or enhanced beta-likeness to the distribution of all rows, dropped ones among them.

    Monotone because the share of a value in joined classes is a mean of its shares in them.

    Args:
        place: Place of the column in ``Grouping.pairs``.
        beta: Largest relative gain of a value.
        reference: The distribution of all rows.
        is_enhanced: Whether the gain of a value of share p is at most -ln p as well.

    Source:
        Cao and Karras, Publishing microdata with a robust privacy guarantee (VLDB 2012), definitions 2 and 3.
    """

    place: int
    beta: Fraction
    reference: Reference = field(repr=False)
    is_enhanced: bool = False

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class; never set by rounding. A class without a known value does not pass.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        rows = distances.totals(pairs, number)[pairs.classes]
        whole = self.reference.counts[pairs.values]
        total = self.reference.total

        def exactly(pair: int) -> Fraction:
            return Fraction(int(pairs.counts[pair]) * total, int(rows[pair]) * int(whole[pair])) - 1

        gains = distances.gains(pairs, number, self.reference)
        fits = distances.at_most(gains, self.beta, exactly)
        if self.is_enhanced:
            bounds = -np.log(self.reference.shares[pairs.values])
            # The logarithm of a ratio is no ratio but at 1: what is too near to tell fails, no gain passes.
            fits &= (gains <= bounds - BAND) | (pairs.counts * total <= rows * whole)
        missed = np.bincount(pairs.classes[~fits], minlength=number) > 0
        return np.asarray(~missed & (pairs.distinct(number) > 0))

    def least_dropped(self, grouping: Grouping) -> Ints:
        """Tell how many rows of each class cannot stay however it is split.

        Of a value of n rows in a class of r, with at most a share a allowed: where d rows go,
        n - d <= a (r - d), which bounds d.

        Args:
            grouping: The classes of one node.

        Returns:
            Rows per class.
        """
        pairs, number = grouping.pairs[self.place], len(grouping.sizes)
        whole = self.reference.shares
        gain = np.full(len(whole), float(self.beta))
        if self.is_enhanced:
            gain = np.minimum(gain, -np.log(np.maximum(whole, np.finfo(np.float64).tiny)))
        allowed = ((1 + gain) * whole)[pairs.values]
        rows = distances.totals(pairs, number)[pairs.classes]
        room = np.maximum(1 - allowed, BAND)
        short = np.where(allowed < 1 - BAND, (pairs.counts - allowed * rows) / room, 0)
        found = np.zeros(number, dtype=np.int64)
        np.maximum.at(found, pairs.classes, _rounded_up(short))
        return found


def _rounded_up(rows: Floats) -> Ints:
    return np.maximum(np.ceil(rows - _SLACK), 0).astype(np.int64)
