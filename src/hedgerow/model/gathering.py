"""Rows of a person gathered into one: what a sub-query with ``GROUP BY person`` makes of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.model.plans import CountRows, ExactAggregation, SumValues

GatherKind: TypeAlias = OneOf["count", "sum", "least", "greatest", "mean"]
SUM_MOST = 2**62
"""What no intermediate value of a gathered column may pass."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A column of gathered rows: a whole number of steps worked out of all counted rows of one group.

    Args:
        name: What it is called.
        kind: A count of rows (with a value); or the sum, the least, the greatest or the mean of the clamped
            values, missing where no row holds one. The mean is rounded to the nearest step, half-way ones up.
        of: What is counted or gathered.
        digits: A step is ``10**-digits``; of a mean at least as fine as the values, else that of the values.
    """

    name: str
    kind: GatherKind
    of: CountRows | SumValues
    digits: int = 0

    @property
    def finer(self) -> int:
        """How many steps make one step of the values."""
        from hedgerow.model.plans import SumValues

        return 10 ** (self.digits - self.of.digits) if isinstance(self.of, SumValues) else 1

    def step_bounds(self, rows: int) -> tuple[int, int]:
        """Tell the least and the greatest number of steps, of so many rows or fewer.

        Args:
            rows: Rows of one person in one group that count at most, 1 or more.
        """
        from hedgerow.model.plans import SumValues

        if not isinstance(self.of, SumValues):
            return (0 if self.of.column else 1), rows
        lower, upper = self.of.step_bounds
        if self.kind == "sum":
            return min(lower, rows * lower), max(upper, rows * upper)
        return lower * self.finer, upper * self.finer

    def is_safe(self, rows: int) -> bool:
        """Tell whether no value on the way to it can pass 62 bits, of so many rows."""
        from hedgerow.model.plans import SumValues

        if not isinstance(self.of, SumValues):
            return True
        most = max(map(abs, self.of.step_bounds)) * rows
        return 2 * (most * self.finer + rows) < SUM_MOST


@dataclass(frozen=True, slots=True)
class Gathering:
    """One row for each person, or for each person and combination of keys with a row that counts.

    Args:
        rows: Which rows count and which groups they lie in; its aggregates are what columns are made of. Its
            bounds hold before anything is gathered.
        keys: Names of columns that hold a key of the group, each with the key's place.
        columns: The gathered columns.
        most: Gathered rows of one person at most.
        each: Rows of one person that make one gathered row at most.
    """

    rows: ExactAggregation
    keys: tuple[tuple[str, int], ...]
    columns: tuple[Gathered, ...]
    most: int
    each: int

    @property
    def words(self) -> str:
        """What it does, in words."""
        beside = "".join(f" and {key.column}" for key in self.rows.keys)
        return (
            f"the rows of one person{beside} are gathered into one: at most {many(self.each, 'row')} into "
            f"each, at most {many(self.most, 'such row')} of one person"
        )
