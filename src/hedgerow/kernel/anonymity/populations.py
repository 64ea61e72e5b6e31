"""Tests of a table against a population, and of its risk as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.anonymity.grouping import Grouping
from hedgerow.kernel.anonymity.uniqueness import unique_share
from hedgerow.model.criteria import Estimator

_EXACT_INTEGERS = 2**62


def members_of(grouping: Grouping, people: int | None) -> Ints:
    """Count the people of each class.

    Args:
        grouping: The classes.
        people: Place of the person in ``Grouping.pairs``; none where each row is a person of its own.

    Returns:
        People per class.
    """
    return grouping.sizes if people is None else grouping.pairs[people].distinct(len(grouping.sizes))


@dataclass(frozen=True, slots=True)
class KMapped:
    """Each class holds at least k people of the population.

    Upward: further members, or members of the population alone, never take anybody away.

    Args:
        tally: Place in ``Grouping.tallies`` of the population's people per class.
        k: Least number.

    Source:
        Sweeney, Computational disclosure control (MIT 2001), k-map.
    """

    tally: int
    k: int

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
        return np.asarray(grouping.tallies[self.tally] >= self.k)


@dataclass(frozen=True, slots=True)
class LeastMembers:
    """Each class holds at least so many people of the table.

    Upward: further members never take anybody away.

    Args:
        least: Least number.
        people: Place of the person in ``Grouping.pairs``, or none.
    """

    least: int
    people: int | None = None

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
        return np.asarray(members_of(grouping, self.people) >= self.least)


def k_in_sample(k: int, fraction: float, significance: Fraction) -> int:
    """Find how many people a class of the table needs so that it likely has k in the population.

    Were there only k people, those in the table would follow about a Poisson distribution of mean
    ``k * fraction``, truncated at zero since the class is seen; fewer people make large counts rarer still.

    Args:
        k: Least number in the population.
        fraction: Share of the population in the table, above 0 to 1.
        significance: How likely at most a class of k people reaches the number.

    Returns:
        The number, from 1 to ``k``.

    Source:
        El Emam and Dankar, Protecting privacy using k-anonymity (JAMIA 2008), hypothesis test with the
        zero-truncated Poisson distribution.
    """
    mean = k * min(fraction, 1.0)
    chance = mean * math.exp(-mean) / -math.expm1(-mean)
    below = 0.0
    for number in range(1, k):
        # Reached by all but those below; a hair is left for rounding.
        if 1 - below <= float(significance) - _ROUNDING:
            return number
        below += chance
        chance *= mean / (number + 1)
    return k


_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Present:
    """Of the population's people of a class, the share in the table lies between two bounds.

    Monotone: the share in joined classes lies between the least and the largest of theirs. Not
    upward: joined with a class of larger share, a good class may pass the bound.

    Args:
        tally: Place in ``Grouping.tallies`` of the population's people per class.
        least: Smallest share.
        most: Largest share.
        people: Place of the person in ``Grouping.pairs``, or none.

    Source:
        Nergiz, Atzori and Clifton, Hiding the presence of individuals (SIGMOD 2007), definition 2.
    """

    tally: int
    least: Fraction
    most: Fraction
    people: int | None = None

    @property
    def is_monotone(self) -> bool:
        """Holds where each row is a person of its own: a person in two classes is one in the joined."""
        return self.people is None

    @property
    def is_upward(self) -> bool:
        """Does not hold."""
        return False

    def good(self, grouping: Grouping) -> Flags:
        """Tell which classes pass.

        Args:
            grouping: The classes of one node.

        Returns:
            One flag per class, exact.
        """
        members, everybody = members_of(grouping, self.people), grouping.tallies[self.tally]
        enough = members * self.least.denominator >= everybody * self.least.numerator
        return np.asarray(enough & (members * self.most.denominator <= everybody * self.most.numerator))


@dataclass(frozen=True, slots=True)
class NobodyAbsent:
    """Every person of the population falls into a class that stays: nobody is known not to be in the table.

    It belongs to a share of presence above 0, which those outside every class have not. All stays or nothing.
    Monotone: joined classes hold the same people. Upward, since where everything stays of the finer
    classes, every joined class has a part that is good.

    Args:
        tally: Place in ``Grouping.tallies`` of the population's people per class.

    Source:
        Nergiz, Atzori and Clifton, Hiding the presence of individuals (SIGMOD 2007), definition 2.
    """

    tally: int

    @property
    def is_monotone(self) -> bool:
        """Holds."""
        return True

    @property
    def is_upward(self) -> bool:
        """Holds."""
        return True

    def kept(self, grouping: Grouping, good: Flags) -> Flags:
        """Choose which classes stay.

        Args:
            grouping: The classes of one node.
            good: Classes that passed every test so far.

        Returns:
            One flag per class: all that are good, or none.
        """
        outside = (grouping.tallies[self.tally] > 0) & ~good
        return np.zeros_like(good) if outside.any() else good


@dataclass(frozen=True, slots=True)
class MeanRisk:
    """The average chance to pick the row of a person, classes over people, is bounded.

    The smallest classes are dropped until it holds. No choice drops fewer rows: if any set of classes meets
    the bound, so do as many of the largest, which hold more rows. Joining classes makes fewer of the
    same people, hence monotone and upward; where people have several rows, a person in two classes
    is one in the joined, and neither holds.

    Args:
        most: Largest average, above 0.
        people: Place of the person in ``Grouping.pairs``, or none.
    """

    most: Fraction
    people: int | None = None

    @property
    def is_monotone(self) -> bool:
        """Holds where each row is a person of its own."""
        return self.people is None

    @property
    def is_upward(self) -> bool:
        """Holds where each row is a person of its own."""
        return self.people is None

    def kept(self, grouping: Grouping, good: Flags) -> Flags:
        """Choose which classes stay.

        Args:
            grouping: The classes of one node.
            good: Classes that passed every test so far.

        Returns:
            One flag per class; of classes equally large the first in order go first.
        """
        members = members_of(grouping, self.people)
        ascending = _ascending(members, good)
        largest = members[ascending][::-1]
        # Exact: both sides are whole numbers far below 2 ** 62, shares having at most six places.
        classes = np.arange(1, len(largest) + 1) * self.most.denominator
        holds = classes <= np.cumsum(largest) * self.most.numerator
        staying = int(np.flatnonzero(holds)[-1]) + 1 if holds.any() else 0
        return _without(good, ascending[: len(ascending) - staying])


@dataclass(frozen=True, slots=True)
class FewUnique:
    """The estimated share of the population that is unique in it is bounded.

    Classes of one person are dropped until it holds: half of those left at a time, so that what is dropped is
    enough and, where the estimate falls with each, no more than needed. What such estimates do when
    classes are joined is not proven: neither monotone nor upward.

    Args:
        most: Largest share.
        population: People of the population.
        estimator: Which model.
        people: Place of the person in ``Grouping.pairs``, or none.

    Source:
        Dankar, El Emam, Neisa and Roffey, Estimating the re-identification risk of clinical data sets
        (BMC Medical Informatics and Decision Making 2012).
    """

    most: Fraction
    population: int
    estimator: Estimator = "dankar"
    people: int | None = None

    @property
    def is_monotone(self) -> bool:
        """Not proven."""
        return False

    @property
    def is_upward(self) -> bool:
        """Not proven."""
        return False

    def kept(self, grouping: Grouping, good: Flags) -> Flags:
        """Choose which classes stay.

        Args:
            grouping: The classes of one node.
            good: Classes that passed every test so far.

        Returns:
            One flag per class; where the model has no solution, no class of one person stays.
        """
        members = members_of(grouping, self.people)
        ascending = _ascending(members, good)
        sizes = members[ascending]
        low, high = 0, int(np.searchsorted(sizes, 1, "right"))
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._holds(sizes[middle:]) else (middle + 1, high)
        return _without(good, ascending[:low])

    def _holds(self, members: Ints) -> bool:
        # NaN fails; a rounding error of the estimate is far below what it can claim to know.
        return unique_share(members, self.population, self.estimator) <= float(self.most)


def _ascending(members: Ints, good: Flags) -> Ints:
    """The good classes with members, smallest first, in their order where equally large."""
    places = np.flatnonzero(good & (members > 0))
    return np.asarray(places[np.argsort(members[places], kind="stable")])


def _without(good: Flags, dropped: Ints) -> Flags:
    kept = good.copy()
    kept[dropped] = False
    return kept
