"""The town as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from hedgerow.app.demo.town.hierarchies import Rows
    from hedgerow.model.words import ColumnRole


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Town:
    """Everything about one Riverside.

    Args:
        seed: What it was made from.
        residents: The register, one row a resident: the truth that an attack is scored against.
        tables: Table name to what that house holds.
        truth: Table name to column name to what the column truly is.
        subject_keys: Table name to the column that holds the resident's reference.
        consents: Who agreed to research: ``subject, purpose, notice_version, time, channel``.
        hierarchies: Quasi-identifier to its rows, from the value to ``*``.
    """

    seed: int
    residents: pa.Table
    tables: Mapping[str, pa.Table]
    truth: Mapping[str, Mapping[str, ColumnRole]]
    subject_keys: Mapping[str, str]
    consents: pa.Table
    hierarchies: Mapping[str, Rows]

    def __repr__(self) -> str:
        """Name the town by its size, never by a value."""
        return f"Town(seed={self.seed}, people={self.residents.num_rows}, tables={len(self.tables)})"
