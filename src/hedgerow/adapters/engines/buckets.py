"""Encrypted Parquet buckets: how they are cut, sealed, opened and checked.

A file holds columns ``c0, c1, ...`` and the integers ``_person`` and ``_rank``, sorted by person.
The true column names and the greatest rank stand in the footer, which is encrypted as well. Parquet
modular encryption (AES-256-GCM) seals every module under the file's own key; the associated data
bind it to its bucket and to the binding its reader expects, so a file cannot stand in for another.
"""

from __future__ import annotations

import json
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from hedgerow.adapters.engines.people import Numbers, allowed_rows, bucket_of, numbers_of
from hedgerow.model.engine import PERSON, RANK, RESERVED, BucketFile
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    import numpy.typing as npt

    from hedgerow.model.engine import NewKey, PeopleFilter, Shelf

_KEY_BYTES = 32
_NOTE = b"hedgerow.bucket"
_MOST_BUCKETS = 128
_BUCKET_ROWS = 160_000
_GROUP_ROWS = 1 << 18


def bucket_count_for(rows: int) -> int:
    """Choose how many buckets a table is cut into.

    Args:
        rows: Rows of the table, at least 0.

    Returns:
        A power of two from 1 to 128: the one that leaves at most about 160,000 rows in a bucket.
    """
    wanted = max(1, -(-rows // _BUCKET_ROWS))
    return min(_MOST_BUCKETS, 1 << (wanted - 1).bit_length())


def random_order() -> np.random.Generator:
    """Make a generator for shuffling, seeded with 256 bits of the operating system.

    Its stream is not a cipher. It need not be: it only decides which rows of one person count
    first and in which order rows lie; no noise is drawn from it and its seed is never kept.
    """
    return np.random.default_rng(secrets.randbits(256))


def write_buckets(
    table: pa.Table,
    people: Numbers,
    ranks: npt.NDArray[np.int32],
    bucket_count: int,
    shelf: Shelf,
    new_key: NewKey,
    *,
    binding: bytes,
) -> tuple[BucketFile, ...]:
    """Write a table as encrypted bucket files, one bucket at a time.

    Needs about the table's own size in memory beside the table. On any error the files already
    written are removed.

    Args:
        table: The columns to keep; names of any text but ``_person`` and ``_rank``.
        people: Internal number of the person of each row.
        ranks: Rank of each row within its person, at least 0.
        bucket_count: A power of two.
        shelf: Where the files go.
        new_key: Gives a fresh 32-byte key for each file.
        binding: What the files are bound to (data set, version written).

    Returns:
        One entry for each bucket that has rows.

    Raises:
        CallerError: ``engine.shape``, ``engine.column-reserved``, ``engine.column-twice``.
        Fault: ``engine.key-length``, ``shelf.unwritable``.
    """
    _check(table, people, ranks, bucket_count)
    whole = table.combine_chunks()
    shuffle = random_order()
    written: list[BucketFile] = []
    try:
        for bucket, rows in _cut(people, bucket_count):
            own = rows[_by_person(people[rows], shuffle)]
            part = whole.take(pa.array(own))
            target = BucketFile(bucket, bucket_count, "", new_key(), len(own), binding)
            written.append(_write(part, people[own], ranks[own], target, shelf))
    except BaseException:
        for file in written:
            with suppress(Fault):
                shelf.delete(file.name)
        raise
    return tuple(written)


def _check(table: pa.Table, people: Numbers, ranks: npt.NDArray[np.int32], bucket_count: int) -> None:
    if bucket_count < 1 or bucket_count & (bucket_count - 1):
        raise CallerError("engine.shape", reason="the bucket count is no power of two")
    if people.shape != (table.num_rows,) or ranks.shape != (table.num_rows,):
        raise CallerError("engine.shape", reason="their lengths differ")
    if people.dtype != np.int64 or ranks.dtype != np.int32 or (len(ranks) and int(ranks.min()) < 0):
        raise CallerError("engine.shape", reason="people must be int64, ranks int32 and not negative")
    seen: set[str] = set()
    for name in table.column_names:
        if name in RESERVED or name in seen:
            code = "engine.column-reserved" if name in RESERVED else "engine.column-twice"
            raise CallerError(code, column=name)
        seen.add(name)


def _cut(people: Numbers, bucket_count: int) -> Iterator[tuple[int, Numbers]]:
    """Give the rows of each bucket that has any."""
    buckets = bucket_of(people, bucket_count).astype(np.uint8 if bucket_count <= 2**8 else np.int64)
    order = np.argsort(buckets, kind="stable")
    ends = np.cumsum(np.bincount(buckets, minlength=bucket_count))
    start = 0
    for bucket, end in enumerate(ends.tolist()):
        if end > start:
            yield bucket, order[start:end]
        start = end


def _by_person(people: Numbers, shuffle: np.random.Generator) -> Numbers:
    """Order rows by person, those of one person at random: sorting a shuffle breaks ties at random."""
    shuffled = shuffle.permutation(len(people))
    ordered: Numbers = shuffled[np.argsort(people[shuffled])]
    return ordered


def _bound_to(file: BucketFile) -> bytes:
    place = file.bucket.to_bytes(4, "big") + file.bucket_count.to_bytes(4, "big")
    return b"hedgerow bucket v1\n" + place + file.binding


def _write(
    part: pa.Table, people: Numbers, ranks: npt.NDArray[np.int32], target: BucketFile, shelf: Shelf
) -> BucketFile:
    """Seal one bucket's rows and put them on the shelf."""
    if len(target.key) != _KEY_BYTES:
        raise Fault("engine.key-length")
    note = {"columns": part.column_names, "max_rank": int(ranks.max())}
    names = [f"c{index}" for index in range(part.num_columns)]
    fields = [pa.field(name, kind) for name, kind in zip(names, part.schema.types, strict=True)]
    fields += [pa.field(PERSON, pa.int64()), pa.field(RANK, pa.int32())]
    schema = pa.schema(fields, metadata={_NOTE: json.dumps(note).encode()})
    sealed = pa.Table.from_arrays([*part.columns, pa.array(people), pa.array(ranks)], schema=schema)
    seal = pe.create_encryption_properties(
        footer_key=target.key,
        aad_prefix=_bound_to(target),
        store_aad_prefix=False,
        encryption_algorithm="AES_GCM_V1",
    )

    def content(stream: BinaryIO) -> None:
        pq.write_table(
            sealed,
            stream,
            compression="lz4",  # read back in half the time of denser ones
            use_dictionary=[*names, RANK],
            column_encoding={PERSON: "DELTA_BINARY_PACKED"},
            row_group_size=_GROUP_ROWS,
            encryption_properties=seal,
        )

    return replace(target, name=shelf.create(content))


@dataclass(frozen=True, slots=True)
class OpenBucket:
    """An opened bucket file whose footer has been checked."""

    file: BucketFile
    source: pq.ParquetFile
    columns: tuple[str, ...]
    max_rank: int

    @property
    def schema(self) -> pa.Schema:
        """Arrow types of the columns under their physical names."""
        return self.source.schema_arrow

    def physical(self, column: str) -> str:
        """Look up the physical name of a column.

        Args:
            column: Its true name.

        Returns:
            ``c0``, ``c1``, ...

        Raises:
            CallerError: ``engine.column-unknown``.
        """
        if column not in self.columns:
            raise CallerError("engine.column-unknown", column=column)
        return f"c{self.columns.index(column)}"

    def read(self, physical: Sequence[str], allowed: Numbers | None = None) -> pa.Table:
        """Read columns, and of the row groups only those that can hold an allowed person.

        Args:
            physical: Physical names.
            allowed: Strictly increasing numbers; none reads every row group.

        Returns:
            The rows; those of other people in the same row groups are among them.

        Raises:
            Fault: ``integrity.bucket-unreadable``.
        """
        with checking(self.file):
            groups = range(self.source.num_row_groups) if allowed is None else self._groups(allowed)
            return self.source.read_row_groups(list(groups), columns=list(physical), use_threads=False)

    def _groups(self, allowed: Numbers) -> list[int]:
        person = self.schema.get_field_index(PERSON)
        kept = []
        for group in range(self.source.num_row_groups):
            bounds = self.source.metadata.row_group(group).column(person).statistics
            if bounds is None or not bounds.has_min_max or _any_between(allowed, bounds.min, bounds.max):
                kept.append(group)
        return kept


def _any_between(allowed: Numbers, low: int, high: int) -> bool:
    return bool(np.searchsorted(allowed, low) < np.searchsorted(allowed, high, side="right"))


@contextmanager
def checking(file: BucketFile) -> Iterator[None]:
    """Turn whatever a damaged file makes the reader say into one fault without its text.

    Args:
        file: The file being read.

    Raises:
        Fault: ``integrity.bucket-unreadable``.
    """
    try:
        yield
    except MemoryError:
        raise Fault("engine.failed", reason="out of memory") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise Fault("integrity.bucket-unreadable", bucket=file.bucket) from None


def open_bucket(file: BucketFile, shelf: Shelf, *, as_codes: bool = False) -> OpenBucket:
    """Open a bucket file and check its footer against the manifest.

    Args:
        file: The manifest's entry, with the binding the reader expects.
        shelf: Where it lies.
        as_codes: Read text as dictionaries, which group faster.

    Returns:
        The opened file.

    Raises:
        Fault: ``integrity.bucket-missing``, ``integrity.bucket-unreadable``, ``engine.key-length``.
    """
    if len(file.key) != _KEY_BYTES:
        raise Fault("engine.key-length")
    unseal = pe.create_decryption_properties(
        footer_key=file.key,
        aad_prefix=_bound_to(file),
        check_footer_integrity=True,
        allow_plaintext_files=False,
    )
    stream = shelf.open(file.name)
    with checking(file):
        source = pq.ParquetFile(stream, decryption_properties=unseal, pre_buffer=False)
        if as_codes:
            texts = [field.name for field in source.schema_arrow if pa.types.is_string(field.type)]
            source = pq.ParquetFile(
                stream,
                metadata=source.metadata,
                decryption_properties=unseal,
                pre_buffer=False,
                read_dictionary=texts,
            )
    note = json.loads((source.schema_arrow.metadata or {}).get(_NOTE, b"null"))
    if note is None or source.metadata.num_rows != file.rows:
        raise Fault("integrity.bucket-unreadable", bucket=file.bucket)
    return OpenBucket(file, source, tuple(note["columns"]), note["max_rank"])


def is_sound(file: BucketFile, shelf: Shelf) -> bool:
    """Tell whether a bucket file opens and every page of it is what was sealed.

    Reads one row group at a time; nothing that was read is kept.

    Args:
        file: The manifest's entry, with the binding the reader expects.
        shelf: Where it lies.
    """
    try:
        opened = open_bucket(file, shelf)
        with checking(file):
            for group in range(opened.source.num_row_groups):
                opened.source.read_row_group(group, use_threads=False)
    except Fault:
        return False
    return True


def rewrite_without(
    file: BucketFile, people: PeopleFilter, shelf: Shelf, new_key: NewKey, binding: bytes
) -> BucketFile | None:
    """Write a bucket file again under a fresh key without the rows of some people.

    The old file stays on the shelf until the manifest no longer names it.

    Args:
        file: The file.
        people: Whose rows go.
        shelf: Where it lies.
        new_key: Gives a fresh 32-byte key.
        binding: What the new file is bound to.

    Returns:
        The new file; the same entry when it holds none of them; none when no row is left.

    Raises:
        Fault: When the file cannot be read or the new one not be written.
    """
    opened = open_bucket(file, shelf)
    rows = opened.read(opened.schema.names)
    keep = ~allowed_rows(numbers_of(people), rows[PERSON].to_numpy())
    left = int(np.count_nonzero(keep))
    if left == file.rows:
        return file
    if left == 0:
        return None
    rest = rows.filter(pa.array(keep)).combine_chunks()
    person, rank = rest[PERSON].to_numpy(), rest[RANK].to_numpy()
    part = rest.drop_columns([PERSON, RANK]).rename_columns(list(opened.columns))
    target = replace(file, name="", key=new_key(), rows=left, binding=binding)
    return _write(part, person, rank, target, shelf)
