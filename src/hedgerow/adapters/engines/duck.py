"""DuckDB, hardened: it computes over Arrow in memory and reaches nothing else."""

from __future__ import annotations

from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import numpy as np

from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

    from hedgerow.adapters.engines.compiling import Parameter
    from hedgerow.adapters.engines.people import Numbers

_T = TypeVar("_T")

# No temporary directory: rows of people are never spilled to the disk in clear.
_HARDENED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


class _Stream:
    """Offers a table as a bare Arrow stream, so that DuckDB pushes no filter back into pyarrow.

    Pushed filters would follow pyarrow's comparison rules and copy the rows once more.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class DuckPool:
    """One in-memory database and its idle cursors.

    Args:
        threads: Threads of the database.
        memory_limit_bytes: Memory it may use; past it a statement fails, nothing is spilled.
    """

    def __init__(self, threads: int, memory_limit_bytes: int) -> None:
        self._settings = _HARDENED | {"threads": threads, "memory_limit": f"{memory_limit_bytes}B"}
        self._database: duckdb.DuckDBPyConnection | None = None
        self._idle: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        self._lock = Lock()

    def _open(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._database is None:
                database = duckdb.connect(":memory:", config=self._settings)
                database.execute("SET enable_progress_bar = false")
                database.execute("SET lock_configuration = true")
                self._database = database
            return self._database.cursor()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            cursor = self._idle.get_nowait()
        except Empty:
            cursor = self._open()
        try:
            yield cursor
        finally:
            self._idle.put(cursor)

    def rows(self, table: pa.Table, sql: str, parameters: Sequence[Parameter]) -> list[tuple[Any, ...]]:
        """Run one statement over one Arrow table, known in it as ``t``.

        Args:
            table: The rows; forgotten afterwards.
            sql: A statement of the compiler.
            parameters: Its parameters.

        Returns:
            Every row of the result.

        Raises:
            Fault: ``engine.failed`` with the kind of failure; its text could quote values.
        """
        return self._run(table, sql, parameters, lambda cursor: cursor.fetchall())

    def arrays(self, table: pa.Table, sql: str, parameters: Sequence[Parameter]) -> list[Numbers]:
        """Run one statement over one Arrow table, known in it as ``t``, for results of many rows.

        Args:
            table: The rows; forgotten afterwards.
            sql: A statement of the compiler whose columns are 64-bit integers.
            parameters: Its parameters.

        Returns:
            The columns of the result, without the rows that hold a null.

        Raises:
            Fault: ``engine.failed`` with the kind of failure.
        """
        found = self._run(table, sql, parameters, lambda cursor: cursor.fetchnumpy())
        masks = [np.ma.getmaskarray(column) for column in found.values() if np.ma.is_masked(column)]
        columns = [np.asarray(column, dtype=np.int64) for column in found.values()]
        if not masks:
            return columns
        kept = ~np.logical_or.reduce(masks)
        return [column[kept] for column in columns]

    def _run(
        self,
        table: pa.Table,
        sql: str,
        parameters: Sequence[Parameter],
        fetch: Callable[[duckdb.DuckDBPyConnection], _T],
    ) -> _T:
        try:
            with self._cursor() as cursor:
                cursor.register("t", _Stream(table))
                try:
                    return fetch(cursor.execute(sql, list(parameters)))
                finally:
                    cursor.unregister("t")
        except duckdb.Error as error:
            reason = type(error).__name__
        raise Fault("engine.failed", reason=reason)
