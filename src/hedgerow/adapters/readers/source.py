"""What a table file holds once it was read: good rows, broken rows, and where each came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from hedgerow.model.words import ColumnType

    Lines = npt.NDArray[np.int64]

__all__ = ["NOT_UTF8", "BrokenRow", "SourceColumn", "SourceTable"]

NOT_UTF8 = "not UTF-8 text"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a file: its name and the type inferred or given."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that could not be read as the table says.

    Args:
        line: Physical line where the row starts, from 1; in Parquet the row number, from 1.
        reason: Names the column and what was expected, never the value.
        raw: The row's bytes, to be sealed; never shown.
    """

    line: int
    reason: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A file read as a table.

    Args:
        name: The file's name without its suffix.
        columns: Names and types, in file order.
        table: The good rows, typed. Decimals are exact ``decimal128``; a float column of a
            Parquet file stays ``float64``, which is what that file holds.
        line: For each good row the physical line where it starts (the header is line 1); in
            Parquet the row number from 1.
        broken: The rows set aside, in line order.
        content_hash: SHA-256 of the file, hexadecimal.
        format: ``"csv"``, ``"jsonl"`` or ``"parquet"``.
        delimiter: The CSV delimiter, or an empty string for other formats.
    """

    name: str
    columns: tuple[SourceColumn, ...]
    table: pa.Table = field(repr=False)
    line: Lines = field(repr=False)
    broken: tuple[BrokenRow, ...] = field(repr=False)
    content_hash: str
    format: str
    delimiter: str

    @property
    def row_count(self) -> int:
        """How many good rows there are."""
        return int(self.table.num_rows)
