"""The tables of data sets: which encrypted files make the current version, and their keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import cast

from hedgerow.kernel.envelope import new_key
from hedgerow.model.canonical import digest
from hedgerow.model.engine import (
    ArrowTable,
    BucketFile,
    Engine,
    IntArray,
    PeopleFilter,
    ReadableFile,
    ScanningEngine,
    Shelf,
)
from hedgerow.model.errors import CallerError, Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Reader, Store, Transaction
from hedgerow.model.records import Bucket, Dataset
from hedgerow.model.uses import Json
from hedgerow.spine.keyring import Keyring, bucket_key


def manifest_of(reader: Reader, dataset: str) -> str:
    """Hash which files make the current version of a data set, whatever their keys lie under."""
    files = [
        [
            b.file,
            b.bucket,
            b.bucket_count,
            b.written_version,
            b.row_count,
            *([b.arrived] if b.arrived else []),
        ]
        for b in reader.find(Bucket, dataset=dataset)
    ]
    return digest(cast("Json", files))


class Tables:
    """Joins the manifest in the database with the files on the shelf.

    Guarantee: a file counts only once a committed manifest names it; each has a key of its own,
    wrapped by the key backend and bound to tenant, data set and file.
    """

    def __init__(self, engine: Engine, shelf: Shelf, keyring: Keyring) -> None:
        self.engine = engine
        self._elsewhere: dict[str, ScanningEngine] = {}
        self._shelf = shelf
        self._keyring = keyring
        self._backend = keyring.backend
        self._tenant = keyring.tenant

    def compute_by(self, name: str, engine: ScanningEngine) -> None:
        """Let an engine compute where a use names it."""
        self._elsewhere[name] = engine

    def engine_of(self, name: str) -> ScanningEngine:
        """Give the engine of a name; the workspace's own for the empty one.

        Raises:
            CallerError: ``engine.unknown``.
        """
        if name and name not in self._elsewhere:
            raise CallerError("engine.unknown", engines=", ".join(sorted(self._elsewhere)) or "(none)")
        return self._elsewhere[name] if name else self.engine

    def binding(self, dataset: str, version: int) -> bytes:
        """What a file's content is bound to: tenant, data set and the version that wrote it."""
        return Binding(self._tenant, "bucket", dataset, "", version).as_bytes()

    def files(self, reader: Reader, dataset: str) -> list[BucketFile]:
        """Open the manifest of a data set: its files with their keys."""
        buckets = reader.find(Bucket, dataset=dataset)
        bindings = [bucket_key(self._tenant, dataset, bucket.file) for bucket in buckets]
        keys = self._backend.unwrap_many([bucket.wrapped for bucket in buckets], bindings)
        return [self._opened(bucket, key) for bucket, key in zip(buckets, keys, strict=True)]

    def _opened(self, bucket: Bucket, key: bytes) -> BucketFile:
        binding = self.binding(bucket.dataset, bucket.written_version)
        arrived = bucket.arrived or bucket.written_version
        return BucketFile(
            bucket.bucket, bucket.bucket_count, bucket.file, key, bucket.row_count, binding, arrived
        )

    def records(self, dataset: str, version: int, files: Sequence[BucketFile]) -> list[Bucket]:
        """Wrap the keys of new files for the manifest; rows that are written again keep when they arrived."""
        bindings = [bucket_key(self._tenant, dataset, file.name) for file in files]
        wrapped = self._backend.wrap_many([file.key for file in files], bindings)
        return [
            Bucket(dataset, f.name, f.bucket, f.bucket_count, version, f.rows, w, f.arrived)
            for f, w in zip(files, wrapped, strict=True)
        ]

    def write(
        self,
        dataset: str,
        version: int,
        table: ArrowTable,
        people: IntArray,
        ranks: IntArray,
        bucket_count: int,
    ) -> tuple[BucketFile, ...]:
        """Write the files of a table; they count once their records are committed."""
        return self.engine.write(table, people, ranks, bucket_count, new_key, self.binding(dataset, version))

    def without(
        self, files: Sequence[BucketFile], dataset: str, version: int, number: int
    ) -> tuple[list[BucketFile], list[BucketFile]]:
        """Rewrite the files that hold a person, without the person's rows.

        Returns:
            The files replaced and their replacements (a file left empty has none).
        """
        person = PeopleFilter.of([number])
        holding = [file for file in files if self.engine.row_counts([file], person).get(number, 0)]
        binding = self.binding(dataset, version)
        fresh = [self.engine.rewrite_without(file, person, new_key, binding) for file in holding]
        return holding, [file for file in fresh if file is not None]

    def swap(
        self,
        tx: Transaction,
        dataset: str,
        version: int,
        old: Sequence[BucketFile],
        new: Sequence[BucketFile],
    ) -> None:
        """Replace files in the manifest.

        Raises:
            Fault: ``table.changed`` when a replaced file is no longer in it.
        """
        for file in old:
            if tx.remove(Bucket, dataset=dataset, file=file.name) != 1:
                raise Fault("table.changed")
        tx.add(self._keyring.current(tx, self.records(dataset, version, new)))

    def sweep(self, store: Store) -> int:
        """Delete every file that no manifest names, unless somebody is writing or reading now.

        Returns:
            How many files went.
        """
        with self._shelf.alone() as is_alone:
            if not is_alone:
                return 0
            with store.read() as reader:
                named = {str(name) for name in reader.values(Bucket, "file")}
            stray = self._shelf.names() - named
            for name in stray:
                self._shelf.delete(name)
            return len(stray) + self._shelf.sweep()

    def writing(self) -> AbstractContextManager[None]:
        """Hold off sweeping between writing files and committing the manifest that names them."""
        return self._shelf.writing()

    def reading(self) -> AbstractContextManager[None]:
        """Hold off deleting from before the manifest is read until its files have been."""
        return self._shelf.writing()

    def sealed_file(self, name: str) -> ReadableFile:
        """Open a table file as it lies on the shelf, encrypted; for a backup, which opens none of it."""
        return self._shelf.open(name)

    def missing(self, store: Store) -> int:
        """Count the files the manifest names that are not on the shelf."""
        with store.read() as reader:
            return len({str(name) for name in reader.values(Bucket, "file")} - self._shelf.names())

    def damaged(self, store: Store, progress: Callable[[str], None]) -> int:
        """Count the files on the shelf that do not open, or hold a page that is not what was sealed.

        Args:
            store: The records.
            progress: Told how far it is.
        """
        with self.reading():
            with store.read() as reader:
                names = sorted({str(name) for name in reader.values(Bucket, "dataset")})
                manifest = {name: self._openable(reader, name) for name in names}
                total = len(reader.values(Bucket, "file"))
            present = self._shelf.names()
            files = [file for found in manifest.values() for file in found]
            # A key that does not unwrap leaves its data set's files as unreadable as a damaged page.
            bad = total - len(files)
            for place, file in enumerate(files, 1):
                progress(f"checking table file {place} of {len(files)}")
                bad += file.name in present and not self.engine.is_sound(file)
        return bad

    def _openable(self, reader: Reader, dataset: str) -> list[BucketFile]:
        try:
            return self.files(reader, dataset)
        except HedgerowError:
            return []

    def bump(self, tx: Transaction, dataset: str, version: int, *, rows: int, people: int) -> None:
        """Move a data set to a new version with changed totals."""
        record = tx.get(Dataset, dataset)
        if record is None or record.version != version - 1:
            raise Fault("table.changed")
        changed = replace(
            record,
            version=version,
            row_count=record.row_count + rows,
            people_count=record.people_count + people,
        )
        tx.put(changed)
