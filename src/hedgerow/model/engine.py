"""The port of the table engine: bucket files on a shelf, a people filter, exact integers back."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol, TypeAlias

from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Combination, ExactAggregation, KeySearch

ArrowTable: TypeAlias = Any
"""A ``pyarrow.Table``; the model names no third party."""
IntArray: TypeAlias = Any
"""A one-dimensional numpy integer array."""
ReadableFile: TypeAlias = Any
"""What ``pyarrow`` reads with random access: a ``NativeFile``."""
NewKey: TypeAlias = Callable[[], bytes]
"""Gives a fresh 32-byte key at each call."""
ContentWriter: TypeAlias = Callable[[BinaryIO], None]
"""Writes the whole content of a file into an open binary stream."""

PERSON = "_person"
RANK = "_rank"
RESERVED = frozenset({PERSON, RANK})


@dataclass(frozen=True, slots=True)
class BucketFile:
    """One encrypted file of one bucket, as the manifest names it.

    Args:
        bucket: Index of the bucket, 0 to ``bucket_count - 1``.
        bucket_count: How many buckets the file was cut into: a power of two.
        name: Random name on the shelf.
        key: The file's own 32-byte key; hidden from ``repr``.
        rows: How many rows it holds, at least 1.
        binding: What the file is bound to (data set, version written): never stored in the file;
            reading with another value fails. Rebuild it from what the reader expects.
        arrived: The version of the data set its rows were taken in at; 0 for a file that is being written.
    """

    bucket: int
    bucket_count: int
    name: str
    key: bytes = field(repr=False)
    rows: int
    binding: bytes = field(repr=False)
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """The only people whose rows may be read: an immutable sorted set of internal numbers.

    There is no "everyone": whoever wants all people lists them.

    Args:
        packed: Strictly increasing signed 64-bit integers in the machine's byte order.
    """

    packed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no whole number of 64-bit integers; order is checked by the engine."""
        if len(self.packed) % 8:
            raise CallerError("engine.people-order")

    @classmethod
    def of(cls, people: Iterable[int]) -> PeopleFilter:
        """Pack any numbers, sorted and without twins.

        Args:
            people: Internal numbers, each a signed 64-bit integer.

        Returns:
            The filter.

        Raises:
            CallerError: ``engine.people-order`` when a number does not fit 64 bits.
        """
        try:
            return cls(array("q", sorted(set(people))).tobytes())
        except (OverflowError, TypeError):
            raise CallerError("engine.people-order") from None

    @classmethod
    def of_sorted(cls, people: IntArray) -> PeopleFilter:
        """Copy a strictly increasing 64-bit integer array (a numpy array or any such buffer).

        Args:
            people: One-dimensional contiguous int64 buffer.

        Returns:
            The filter; the engine checks the order when it is used.

        Raises:
            CallerError: ``engine.people-order`` when it is no such buffer.
        """
        try:
            view = memoryview(people)
        except (TypeError, ValueError):
            raise CallerError("engine.people-order") from None
        if view.ndim != 1 or view.format not in {"q", "l"} or view.itemsize != 8 or not view.contiguous:  # noqa: PLR2004
            raise CallerError("engine.people-order")
        return cls(view.tobytes())

    def __len__(self) -> int:
        """How many people are allowed."""
        return len(self.packed) // 8

    def __iter__(self) -> Iterator[int]:
        """Walk the numbers in order."""
        return iter(memoryview(self.packed).cast("q"))


class Shelf(Protocol):
    """Where bucket files lie, under random names; a name exists only once its content is complete."""

    def create(self, write: ContentWriter) -> str:
        """Store a new file and give its random name; on any error nothing is left under a name."""
        ...

    def open(self, name: str) -> ReadableFile:
        """Open a file for random reading."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; a file already gone is no error."""
        ...

    def names(self) -> frozenset[str]:
        """List every complete file."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Hold off sweeping while files are written that nothing names yet."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Tell whether nobody is writing, and keep it so meanwhile; never waits."""
        ...

    def sweep(self) -> int:
        """Remove what interrupted writes left; run it only while nobody writes."""
        ...


class Relation(Protocol):
    """The granted columns of the allowed people; nothing else can be read through it."""

    def aggregate(
        self, plan: ExactAggregation, others: Mapping[str, Relation] | None = None
    ) -> list[tuple[int, ...]]:
        """Compute exact integers for every combination of declared keys; the others are joined, by name."""
        ...

    def keys(self, search: KeySearch) -> list[tuple[Combination, int]]:
        """Count the people of each combination of keys that rows hold."""
        ...

    def table(self, *, with_person: bool = False) -> ArrowTable:
        """Read the granted columns as one Arrow table."""
        ...


class ScanningEngine(Protocol):
    """Computes on bucket files; it may do so elsewhere."""

    def ready(self) -> None:
        """Refuse where what it needs is not installed, before anything is decided or spent."""
        ...

    def scan(self, files: Sequence[BucketFile], columns: Sequence[str], people: PeopleFilter) -> Relation:
        """Bind files, granted columns and allowed people together."""
        ...


class Engine(ScanningEngine, Protocol):
    """Writes, scans and rewrites encrypted bucket files on one shelf."""

    def bucket_count_for(self, rows: int) -> int:
        """Choose how many buckets a table is cut into."""
        ...

    def ranks_for(self, people: IntArray, existing: Mapping[int, int] | None = None) -> IntArray:
        """Draw a random per-person rank for each new row, after the ranks taken."""
        ...

    def write(
        self,
        table: ArrowTable,
        people: IntArray,
        ranks: IntArray,
        bucket_count: int,
        new_key: NewKey,
        binding: bytes,
    ) -> tuple[BucketFile, ...]:
        """Write a table as encrypted bucket files."""
        ...

    def rewrite_without(
        self, file: BucketFile, people: PeopleFilter, new_key: NewKey, binding: bytes
    ) -> BucketFile | None:
        """Write a bucket file again without the rows of some people."""
        ...

    def is_sound(self, file: BucketFile) -> bool:
        """Tell whether a file opens and every page of it is what was sealed."""
        ...

    def row_counts(self, files: Sequence[BucketFile], people: PeopleFilter) -> Mapping[int, int]:
        """Tell how many ranks each person has taken."""
        ...
