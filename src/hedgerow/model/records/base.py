"""The base of all records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Record:
    """The base of all records.

    Attributes:
        TABLE: Name of the table.
        KEY: Fields that identify a record, in sort order.
        INDEXES: Further field tuples that are looked up.
    """

    TABLE: ClassVar[str] = ""
    KEY: ClassVar[tuple[str, ...]] = ()
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = ()
