"""What a table on another engine is: where it lies, whom a row is about, and what its columns hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    """What a column holds, as far as a statement must know it."""

    TEXT = auto()
    WHOLE = auto()
    """Integers of at most 64 bits with a sign."""
    TRUTH = auto()
    REAL = auto()
    """Binary floating point; anything a cast to a double makes one of."""
    EXACT = auto()
    """Decimals of a fixed scale, and integers past 64 bits."""
    DATE = auto()
    MOMENT = auto()
    """Points in time, without a zone."""
    INSTANT = auto()
    """Points in time, in UTC."""
    STEPS = auto()
    """Integers of at most ``10**18`` that count steps of ``10**-scale``."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """What a column holds.

    Args:
        kind: Its kind.
        precision: Digits in all, 1 to 38; for EXACT.
        scale: Digits after the point, 0 to 18; for EXACT and STEPS.
    """

    kind: Kind
    precision: int = 38
    scale: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether it is counted in whole steps of ``10**-scale``; truth values are 0 and 1."""
        return self.kind in {Kind.WHOLE, Kind.TRUTH, Kind.EXACT, Kind.STEPS}

    @property
    def is_number(self) -> bool:
        """Whether its values can be summed."""
        return self.is_whole or self.kind is Kind.REAL

    @property
    def least(self) -> int:
        """The least value in steps; for whole columns."""
        if self.kind is Kind.TRUTH:
            return 0
        return 1 - 10**self.precision if self.kind is Kind.EXACT else -(2**63)

    @property
    def most(self) -> int:
        """The greatest value in steps; for whole columns."""
        if self.kind is Kind.TRUTH:
            return 1
        return 10**self.precision - 1 if self.kind is Kind.EXACT else 2**63 - 1


@dataclass(frozen=True, slots=True)
class Source:
    """A table on another engine.

    Args:
        table: Its name in parts, such as project, data set and table; 1 to 3.
        person: The column that names the person of each row; rows where it is missing count for nobody.
        person_column: What that column holds.
        columns: Every column that may be read.
        rank: A column with the secret random rank of each row among its person's rows, from 0; none where the
            statement draws one.
    """

    table: tuple[str, ...]
    person: str
    person_column: SourceColumn
    columns: Mapping[str, SourceColumn]
    rank: str | None = None
