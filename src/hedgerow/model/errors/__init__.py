"""One table of every error: code, who must act, exit code, message and next step.

Each room keeps its rows in a file of its own; this package joins them and refuses a code twice.
"""

from __future__ import annotations

from hedgerow.model.errors import (
    rows_anonymity,
    rows_app,
    rows_approvals,
    rows_audit,
    rows_backup,
    rows_calls,
    rows_certificates,
    rows_clock,
    rows_cosign,
    rows_discover,
    rows_dp,
    rows_engine,
    rows_files,
    rows_habits,
    rows_index,
    rows_journal,
    rows_keys,
    rows_learn,
    rows_local,
    rows_places,
    rows_policy,
    rows_recoding,
    rows_released,
    rows_runs,
    rows_sealed,
    rows_setup,
    rows_spine,
    rows_store,
    rows_synthetic,
    rows_tiles,
    rows_tokenise,
    rows_tokens,
    rows_witness,
)
from hedgerow.model.errors.base import CallerError, ErrorRow, Fault, HedgerowError, Refused

__all__ = ["TABLE", "CallerError", "ErrorRow", "Fault", "HedgerowError", "Refused"]

_ROOMS = (
    rows_anonymity,
    rows_app,
    rows_approvals,
    rows_audit,
    rows_backup,
    rows_calls,
    rows_certificates,
    rows_cosign,
    rows_clock,
    rows_discover,
    rows_dp,
    rows_engine,
    rows_files,
    rows_habits,
    rows_index,
    rows_journal,
    rows_keys,
    rows_learn,
    rows_local,
    rows_places,
    rows_policy,
    rows_recoding,
    rows_released,
    rows_runs,
    rows_sealed,
    rows_setup,
    rows_spine,
    rows_store,
    rows_synthetic,
    rows_tiles,
    rows_tokenise,
    rows_tokens,
    rows_witness,
)


def _joined() -> dict[str, ErrorRow]:
    table: dict[str, ErrorRow] = {}
    for room in _ROOMS:
        for row in room.ROWS:
            if row.code in table:
                raise KeyError(f"error code {row.code} stands in the table twice")
            table[row.code] = row
    return table


TABLE: dict[str, ErrorRow] = _joined()
HedgerowError.TABLE.update(TABLE)
