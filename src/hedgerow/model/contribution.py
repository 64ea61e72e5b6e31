"""How much of one privacy unit counts, and how far that moves a vector with a place for each group."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from hedgerow.model.words import many


@dataclass(frozen=True, slots=True)
class Contribution:
    """Bounds on the rows of one unit that count; a row lies in one group at most.

    Args:
        max_rows: Rows in all, 1 or more.
        max_groups: Groups with a row that counts; none where not bounded.
        max_rows_per_group: Rows in any one group; none where not bounded.
    """

    max_rows: int
    max_groups: int | None = None
    max_rows_per_group: int | None = None

    def groups(self, there_are: int | None) -> int:
        """Tell in how many groups rows of one unit count at most.

        Args:
            there_are: How many groups there are; none where nobody knows.
        """
        most = self.max_rows if self.max_groups is None else min(self.max_rows, self.max_groups)
        return most if there_are is None else min(most, there_are)

    @property
    def per_group(self) -> int:
        """Rows of one unit that count in any one group, at most."""
        return min(self.max_rows, self.max_rows_per_group or self.max_rows)

    def rows(self, there_are: int | None) -> int:
        """Tell how many rows of one unit count at most: the L1 sensitivity of a vector of counts.

        Args:
            there_are: How many groups there are.
        """
        return min(self.max_rows, self.groups(there_are) * self.per_group)

    def square(self, there_are: int | None) -> int:
        """Tell the square of the L2 sensitivity of a vector of counts.

        The most of ``m_1**2 + m_2**2 + ...`` where each ``m`` is at most :attr:`per_group`, at most
        :meth:`groups` of them are above 0, and together they are at most ``max_rows``: a sum of squares is
        convex, so it is largest where as many as can be are as large as can be.

        Args:
            there_are: How many groups there are.
        """
        full, rest = divmod(self.rows(there_are), self.per_group)
        return full * self.per_group**2 + rest**2

    def said(self, unit: str) -> str:
        """Say what counts, for example ``"at most 5 rows of one person count"``.

        Args:
            unit: The privacy unit.
        """
        told = f"at most {many(self.max_rows, 'row')} of one {unit}"
        if self.max_groups is not None:
            told += f", in at most {many(self.max_groups, 'group')}"
        if self.max_rows_per_group is not None:
            told += f", at most {many(self.max_rows_per_group, 'row')} in any one"
        is_one = self.max_rows == 1 and self.max_groups is None and self.max_rows_per_group is None
        return f"{told} {'counts' if is_one else 'count'}"


@dataclass(frozen=True, slots=True)
class UnitBound:
    """How much of one household, or of one day of a person, counts, and of the people in it.

    Args:
        unit: Which unit.
        column: The column that names the household, or the date or time of the day.
        rows: Rows of one unit that count at most, 1 or more.
        each: Of a household: rows of one person that may count, 1 to ``rows``, whatever households they name.
            Of a day: days of one person that count at most, 1 or more.
    """

    unit: Literal["household", "person-day"]
    column: str
    rows: int
    each: int

    @property
    def moved(self) -> int:
        """How many counted rows one unit changes at most, taken away or added.

        A household's own rows leave, and no others come where its people name no other household. Where a
        day of a person is taken away another day of that person may come to count in its place.
        """
        return self.rows if self.unit == "household" else 2 * self.rows

    @property
    def of_person(self) -> int:
        """How many counted rows one person changes at most, taken away or added.

        From a household the person's own rows go, and as many of others may come in their place.
        """
        return 2 * self.each if self.unit == "household" else self.rows * self.each

    @property
    def times(self) -> Fraction:
        """How many times the loss of one unit a person loses at most: losses grow with the rows changed."""
        return Fraction(self.of_person, self.moved)

    @property
    def said(self) -> str:
        """Say what counts."""
        if self.unit == "household":
            own = many(self.each, "row")
            return f"at most {many(self.rows, 'row')} of one household count, {own} of any one person"
        days = many(self.each, "day")
        return f"at most {many(self.rows, 'row')} of one person on one day count, on at most {days}"
