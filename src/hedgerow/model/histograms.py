"""Histograms of a clamped column: how many rows lie at public places, which no data decides."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hedgerow.model.plans import SumValues


@dataclass(frozen=True, slots=True)
class BinCounts:
    """How many rows of a clamped column lie nearest to each of some public candidates.

    Candidates are the multiples of ``width`` between the bounds, and the bounds themselves in place of
    a multiple past them; a value half-way between two goes to the upper one. They are made of the bounds and
    the grid alone. Null, NaN and the infinities lie nowhere.

    Args:
        values: The column, its bounds and its grid.
        width: Steps from one candidate to the next, 1 or more.
    """

    values: SumValues
    width: int

    @property
    def column(self) -> str:
        """The column."""
        return self.values.column

    @property
    def base(self) -> int:
        """The multiple of the width at or below the lower bound, in steps.

        The bin of a value in steps is ``(steps - base + width // 2) // width``.
        """
        lower, _ = self.values.step_bounds
        return lower - lower % self.width

    @property
    def bins(self) -> int:
        """How many candidates there are."""
        _, upper = self.values.step_bounds
        return (upper - self.base + self.width // 2) // self.width + 1

    def candidate(self, place: int) -> int:
        """Tell the candidate of a bin, in steps.

        Args:
            place: Its bin, 0 to ``bins - 1``.
        """
        lower, upper = self.values.step_bounds
        return min(max(self.base + place * self.width, lower), upper)


@dataclass(frozen=True, slots=True)
class EdgeCounts:
    """How many rows of a clamped column lie between each two neighbouring public edges.

    Args:
        values: The column, its bounds and its grid; null, NaN and the infinities lie nowhere.
        edges: In steps, strictly rising; the first is the lower bound. A value lies in the bin of the last
            edge that is not above it.
    """

    values: SumValues
    edges: tuple[int, ...]

    @property
    def column(self) -> str:
        """The column."""
        return self.values.column

    @property
    def bins(self) -> int:
        """How many bins there are."""
        return len(self.edges)

    def lower_edge(self, place: int) -> Fraction:
        """Tell the least value of a bin."""
        return Fraction(self.edges[place], 10**self.values.digits)

    def upper_edge(self, place: int) -> Fraction:
        """Tell the value that those of a bin stay below, or for the last bin the upper bound."""
        is_last = place + 1 == len(self.edges)
        return self.values.clamp.upper if is_last else self.lower_edge(place + 1)
