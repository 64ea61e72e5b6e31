"""Rows an application hands over, read as a file is read."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hedgerow.app.service.retrying import in_memory
from hedgerow.model.errors import CallerError
from hedgerow.model.words import Basis

if TYPE_CHECKING:
    import pyarrow as pa

    from hedgerow.adapters.readers import SourceTable

_NAME = "rows"


def read_rows(rows: object) -> SourceTable:
    """Read rows with the types, checks and words of a file.

    Args:
        rows: A list of mappings, or an Arrow, pandas or Polars table.

    Returns:
        The source; its hash is that of the rows' canonical form, so that the same rows handed over
        twice are known.

    Raises:
        CallerError: ``collect.rows-malformed`` or a ``files.`` code; no value is quoted.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from hedgerow.adapters.readers import open_table

    table, stream = _arrow(rows), io.BytesIO()
    try:
        pq.write_table(table, stream)
    except (pa.ArrowException, ValueError, TypeError):
        raise CallerError(
            "collect.rows-malformed", problem="a column has a type no file could hold"
        ) from None
    try:
        with in_memory(stream.getvalue(), ".parquet") as path:
            source = open_table(path)
    except CallerError as error:
        # The file is our own; its path would tell nobody anything.
        raise CallerError(error.code, **{**error.details, "path": "the rows"}) from None
    return replace(source, name=_NAME, content_hash=_hash(table))


def _arrow(rows: object) -> pa.Table:
    import narwhals as nw
    import pyarrow as pa

    if isinstance(rows, (list, tuple)):
        return _from_mappings(rows)
    try:
        frame = nw.from_native(rows, eager_only=True)  # type: ignore[call-overload]
        return pa.table(frame.to_arrow())
    except (pa.ArrowException, TypeError, ValueError):
        raise CallerError(
            "collect.rows-malformed", problem="they are of a kind that cannot be read"
        ) from None


def _from_mappings(rows: list[object] | tuple[object, ...]) -> pa.Table:
    import pyarrow as pa

    if not all(isinstance(row, Mapping) and all(isinstance(name, str) for name in row) for row in rows):
        raise CallerError("collect.rows-malformed", problem="one of them is no mapping of names to values")
    mappings = [row for row in rows if isinstance(row, Mapping)]
    columns = list(dict.fromkeys(name for row in mappings for name in row))
    if not columns:
        raise CallerError("collect.rows-malformed", problem="there are none")
    arrays = []
    for name in columns:
        try:
            arrays.append(pa.array([row.get(name) for row in mappings]))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            problem = f"column {name} mixes kinds of values"
            raise CallerError("collect.rows-malformed", problem=problem) from None
    return pa.Table.from_arrays(arrays, names=columns)


def _hash(table: pa.Table) -> str:
    """Hash names and rows in a form that no writer of files changes."""
    from hedgerow.kernel.aggregation.sayable import cells_of

    told = hashlib.sha256(_line(table.column_names))
    for batch in table.to_batches(max_chunksize=10_000):
        for row in zip(*map(cells_of, batch.columns), strict=True):
            told.update(_line(row))
    return told.hexdigest()


def _line(values: object) -> bytes:
    return json.dumps(values, ensure_ascii=False, default=str).encode() + b"\n"


def bases_of(purposes: Mapping[str, str]) -> dict[str, Basis]:
    """Read the lawful basis of each purpose.

    Args:
        purposes: Purpose to basis.

    Raises:
        CallerError: ``basis.unknown``.
    """
    known = {basis.value for basis in Basis}
    for purpose, basis in purposes.items():
        if basis not in known:
            raise CallerError("basis.unknown", purpose=purpose)
    return {purpose: Basis(basis) for purpose, basis in purposes.items()}
