"""The table engine: pyarrow writes and reads sealed buckets, DuckDB computes over Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.adapters.engines.buckets import bucket_count_for, is_sound, rewrite_without, write_buckets
from hedgerow.adapters.engines.duck import DuckPool
from hedgerow.adapters.engines.people import Numbers, holding, numbers_of
from hedgerow.adapters.engines.ranks import RowCounts, ranks_for, row_counts
from hedgerow.adapters.engines.scanning import BucketRelation
from hedgerow.model.engine import RESERVED
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from hedgerow.model.engine import BucketFile, NewKey, PeopleFilter, Shelf

_MEMORY_BYTES = 1 << 30


class DuckEngine:
    """The engine on one shelf.

    Args:
        shelf: Where bucket files lie.
        threads: Files worked on at once, and threads of DuckDB; at least 1.
        memory_limit_bytes: What DuckDB may use beside the rows of those files.
    """

    def __init__(self, shelf: Shelf, *, threads: int = 2, memory_limit_bytes: int = _MEMORY_BYTES) -> None:
        self._shelf = shelf
        self._threads = threads
        self._duck = DuckPool(threads, memory_limit_bytes)

    def ready(self) -> None:
        """It always is: DuckDB belongs to the core."""

    def bucket_count_for(self, rows: int) -> int:
        """Choose how many buckets a table is cut into; see ``buckets.bucket_count_for``."""
        return bucket_count_for(rows)

    def ranks_for(self, people: Numbers, existing: Mapping[int, int] | None = None) -> npt.NDArray[np.int32]:
        """Draw a random per-person rank for each new row; see ``ranks.ranks_for``."""
        return ranks_for(people, existing)

    def write(
        self,
        table: pa.Table,
        people: Numbers,
        ranks: npt.NDArray[np.int32],
        bucket_count: int,
        new_key: NewKey,
        binding: bytes,
    ) -> tuple[BucketFile, ...]:
        """Write a table as encrypted bucket files; see ``write_buckets``.

        Args:
            table: The columns to keep.
            people: Internal number of the person of each row (int64).
            ranks: Rank of each row within its person (int32).
            bucket_count: A power of two.
            new_key: Gives a fresh 32-byte key for each file.
            binding: What the files are bound to.

        Returns:
            One entry for each bucket that has rows.

        Raises:
            CallerError: When the call does not fit together.
            Fault: When the shelf refuses.
        """
        return write_buckets(table, people, ranks, bucket_count, self._shelf, new_key, binding=binding)

    def scan(
        self, files: Sequence[BucketFile], columns: Sequence[str], people: PeopleFilter
    ) -> BucketRelation:
        """Bind files, granted columns and allowed people together; nothing is read yet.

        Args:
            files: The files of one version.
            columns: The granted columns.
            people: The only people whose rows may be read.

        Returns:
            The relation.

        Raises:
            CallerError: ``engine.column-reserved``, ``engine.column-twice``, ``engine.people-order``.
        """
        granted = tuple(columns)
        for place, name in enumerate(granted):
            if name in RESERVED:
                raise CallerError("engine.column-reserved", column=name)
            if name in granted[:place]:
                raise CallerError("engine.column-twice", column=name)
        allowed = numbers_of(people)
        needed = holding(tuple(files), allowed)
        return BucketRelation(
            self._shelf,
            self._duck,
            tuple(file for file, _ in needed),
            granted,
            allowed,
            {file.name: people for file, people in needed},
            self._threads,
        )

    def rewrite_without(
        self, file: BucketFile, people: PeopleFilter, new_key: NewKey, binding: bytes
    ) -> BucketFile | None:
        """Write a bucket file again without the rows of some people; see ``buckets.rewrite_without``.

        Args:
            file: The file.
            people: Whose rows go.
            new_key: Gives a fresh 32-byte key.
            binding: What the new file is bound to.

        Returns:
            The new file; the same entry when it holds none of them; none when no row is left.

        Raises:
            Fault: When the file cannot be read or the new one not be written.
        """
        return rewrite_without(file, people, self._shelf, new_key, binding)

    def is_sound(self, file: BucketFile) -> bool:
        """Tell whether a file opens and every page of it is what was sealed; see ``buckets.is_sound``.

        Args:
            file: The file.
        """
        return is_sound(file, self._shelf)

    def row_counts(self, files: Sequence[BucketFile], people: PeopleFilter) -> RowCounts:
        """Tell how many ranks each person has taken; see ``ranks.row_counts``.

        Args:
            files: All bucket files of a version.
            people: Whose rows may be looked at.

        Returns:
            A mapping of those who have rows.

        Raises:
            Fault: When a file cannot be read.
        """
        return row_counts(files, people, self._shelf)
