"""Reads and, inside a write transaction, changes of one tenant's records over one connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

from hedgerow.adapters.store.postgres_link import Row, Session
from hedgerow.adapters.store.postgres_shape import joining, shape_of
from hedgerow.model.engine import IntArray
from hedgerow.model.errors import HedgerowError
from hedgerow.model.ports import Join
from hedgerow.model.records import Record

R = TypeVar("R", bound=Record)
# One statement takes so many records, and so much content: a message ends at a thousand million bytes.
_ROWS, _CONTENT_BYTES = 20_000, 32 * 1024 * 1024
# Numbers leave in sixteen values, for one value ends at a thousand million bytes.
_PARTS = 15


class PostgresView:
    """The records of one tenant as one transaction sees them."""

    def __init__(self, session: Session, tenant: str) -> None:
        self._session = session
        self._tenant = tenant
        self.has_changed = False
        self.failure: HedgerowError | None = None

    def _run(self, text: bytes, values: Sequence[object], table: str = "") -> tuple[list[Row], int]:
        try:
            return self._session.run(text, values, table=table)
        except HedgerowError as error:
            self.failure = error
            raise

    def _select(self, kind: type[R], tail: bytes, values: Sequence[object]) -> list[R]:
        rows, _ = self._run(shape_of(kind).select + tail, (self._tenant, *values))
        return [kind(*row) for row in rows]

    def get(self, kind: type[R], *key: object) -> R | None:
        """Read the record with this key, or none."""
        condition, values = shape_of(kind).where(dict(zip(kind.KEY, key, strict=True)))
        found = self._select(kind, condition, values)
        return found[0] if found else None

    def find(self, kind: type[R], **equals: object) -> list[R]:
        """Read the matching records in key order."""
        condition, values = shape_of(kind).where(equals)
        return self._select(kind, condition + shape_of(kind).order, values)

    def find_any(self, kind: type[R], field: str, values: Sequence[object]) -> list[R]:
        """Read the records whose field is one of many values, each once, in key order."""
        shape = shape_of(kind)
        condition = shape.any_of(field)
        wanted = [value for value in dict.fromkeys(values) if value is not None]
        return self._select(kind, condition + shape.order, [shape.column(field, wanted)])

    def rows_any(
        self, kind: type[Record], names: tuple[str, ...], field: str, values: Sequence[object]
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``find_any`` finds, as tuples, in any order."""
        shape = shape_of(kind)
        if len(values) == 1 and values[0] is not None:
            condition, one = shape.where({field: values[0]})
            return self._run(shape.some(names) + condition, (self._tenant, *one))[0]
        wanted = [value for value in dict.fromkeys(values) if value is not None]
        text = shape.some(names) + shape.any_of(field)
        return self._run(text, (self._tenant, shape.column(field, wanted)))[0]

    def joined(
        self, join: Join, values: Sequence[object], equals: tuple[object, ...]
    ) -> list[tuple[object, ...]]:
        """Read the records whose field is one of many values, a row for each other record, in any order."""
        shape, others = shape_of(join.kind), shape_of(join.other)
        for name, value in zip(join.equals, equals, strict=True):
            others.check(name, (value,))
        text = joining(join)
        if len(values) == 1 and values[0] is not None:
            shape.check(join.by, (values[0],))
            return self._run(text + b" = %b", (*equals, self._tenant, values[0]))[0]
        wanted = [value for value in dict.fromkeys(values) if value is not None]
        text += f" = ANY(%b::{shape.array(join.by)})".encode()
        return self._run(text, (*equals, self._tenant, shape.column(join.by, wanted)))[0]

    def rows_page(
        self, kind: type[Record], names: tuple[str, ...], after: tuple[object, ...] | None, limit: int
    ) -> list[tuple[object, ...]]:
        """Read two or more fields of the records that ``page`` reads, as tuples in key order."""
        condition = self._after(kind, after)
        text = shape_of(kind).some(names) + condition + shape_of(kind).order + b" LIMIT %b"
        return self._run(text, (self._tenant, *(after or ()), limit))[0]

    def _after(self, kind: type[Record], after: tuple[object, ...] | None) -> bytes:
        shape = shape_of(kind)
        condition, _ = shape.where({})
        if after is None:
            return condition
        for name, value in zip(kind.KEY, after, strict=True):
            shape.check(name, (value,))
        return condition + shape.after

    def page(self, kind: type[R], after: tuple[object, ...] | None, limit: int) -> list[R]:
        """Read up to ``limit`` records whose key comes after ``after``, in key order."""
        text = self._after(kind, after) + shape_of(kind).order + b" LIMIT %b"
        return self._select(kind, text, [*(after or ()), limit])

    def newest(self, kind: type[R], **equals: object) -> R | None:
        """Read the matching record with the highest key, or none."""
        condition, values = shape_of(kind).where(equals)
        found = self._select(kind, condition + shape_of(kind).newest, values)
        return found[0] if found else None

    def values(self, kind: type[Record], field: str, **equals: object) -> list[object]:
        """Read one field of the matching records in key order."""
        shape = shape_of(kind)
        shape.known(field)
        condition, values = shape.where(equals)
        text = f'SELECT "{field}" FROM {shape.table}'.encode() + condition + shape.order
        return [value for (value,) in self._run(text, (self._tenant, *values))[0]]

    def numbers(self, kind: type[Record], field: str, **equals: object) -> IntArray:
        """Read one integer field of the matching records as a sorted ``int64`` array."""
        import numpy as np

        shape = shape_of(kind)
        shape.known(field)
        condition, values = shape.where(equals)
        # Few values of many numbers each: a row for each number takes far longer to read.
        text = f"SELECT string_agg(int8send(\"{field}\"), ''::bytea) FROM {shape.table}".encode()
        text += condition + f' GROUP BY "{field}" & {_PARTS}'.encode()
        rows, _ = self._run(text, (self._tenant, *values))
        content = b"".join(cast("bytes", part) for (part,) in rows)
        return np.sort(np.frombuffer(content, dtype=">i8").astype(np.int64))

    def count(self, kind: type[Record], **equals: object) -> int:
        """Count the matching records."""
        condition, values = shape_of(kind).where(equals)
        text = f"SELECT COUNT(*) FROM {shape_of(kind).table}".encode() + condition
        return cast("int", self._run(text, (self._tenant, *values))[0][0][0])

    def count_starting(self, kind: type[Record], field: str, start: bytes) -> int:
        """Count the records whose field of bytes begins with these bytes, without reading them in."""
        shape = shape_of(kind)
        shape.check(field, (start,))
        condition, _ = shape.where({})
        text = f"SELECT COUNT(*) FROM {shape.table}".encode() + condition
        text += f' AND substring("{field}" FROM 1 FOR %b::integer) = %b'.encode()
        return cast("int", self._run(text, (self._tenant, len(start), start))[0][0][0])

    def _change(self, text: bytes, values: Sequence[object], table: str) -> int:
        touched = self._run(text, values, table)[1]
        self.has_changed = self.has_changed or touched > 0
        return touched

    def add(self, records: Iterable[Record]) -> None:
        """Add records that must not exist yet; records of one kind go in together.

        A server refuses COPY into a table under row-level security, so that arrays take its place.
        """
        batches: dict[type[Record], list[Row]] = {}
        for record in records:
            batches.setdefault(type(record), []).append(shape_of(type(record)).row(record))
        for kind, rows in batches.items():
            self.add_rows(kind, rows)

    def add_rows(self, kind: type[Record], rows: Iterable[Row]) -> None:
        """Add records of one kind that must not exist yet, each as its fields in order."""
        shape = shape_of(kind)
        for columns in _parts(list(rows), shape.sized):
            values = [shape.column(*each) for each in zip(shape.names, columns, strict=True)]
            self._change(shape.insert, (self._tenant, *values), kind.TABLE)

    def put(self, record: Record) -> None:
        """Add or replace one record."""
        shape = shape_of(type(record))
        row = shape.row(record)
        for name, value in zip(shape.names, row, strict=True):
            shape.check(name, (value,))
        self._change(shape.replace, (self._tenant, *row), record.TABLE)

    def set_field(self, kind: type[Record], field: str, values: Mapping[tuple[object, ...], object]) -> int:
        """Change one field of many records, named by their keys, and tell how many were there."""
        return self.set_rows(kind, field, [(value, *key) for key, value in values.items()])

    def set_rows(self, kind: type[Record], field: str, rows: Sequence[tuple[object, ...]]) -> int:
        """Change one field of many records as ``set_field``, each given as the value and then the key."""
        shape = shape_of(kind)
        text = shape.update(field)
        touched = 0
        names = (*kind.KEY, field)
        sized = [at for at, name in enumerate((field, *kind.KEY)) if shape.types[name] in (bytes, str)]
        for value, *keys in _parts(list(rows), sized):
            columns = [*keys, value]
            sent = [shape.column(*each) for each in zip(names, columns, strict=True)]
            ends = (min(columns[0]), max(columns[0]))
            touched += self._change(text, (*sent, self._tenant, *ends), kind.TABLE)
        return touched

    def remove(self, kind: type[Record], **equals: object) -> int:
        """Remove the matching records and tell how many."""
        condition, values = shape_of(kind).where(equals)
        text = f"DELETE FROM {shape_of(kind).table}".encode() + condition
        return self._change(text, (self._tenant, *values), kind.TABLE)

    def remove_all(self, kinds: Sequence[type[Record]], **equals: object) -> list[int]:
        """Remove the matching records of several kinds, in one question, and tell how many of each."""
        removals, bound = [], []
        for place, kind in enumerate(kinds):
            condition, values = shape_of(kind).where(equals)
            removals.append(
                b"gone%d AS (DELETE FROM %b%b RETURNING 1)"
                % (place, shape_of(kind).table.encode(), condition)
            )
            bound += [self._tenant, *values]
        counts = b", ".join(b"(SELECT COUNT(*) FROM gone%d)" % place for place in range(len(kinds)))
        rows, _ = self._run(b"WITH " + b", ".join(removals) + b" SELECT " + counts, bound)
        removed = cast("list[int]", list(rows[0]))
        self.has_changed = self.has_changed or any(removed)
        return removed


def _parts(rows: list[Row], sized: Sequence[int]) -> Iterator[list[list[Any]]]:
    """Cut rows into parts that fit one statement, and give the columns of each.

    Args:
        rows: The rows.
        sized: Which columns hold texts or bytes.
    """
    for start in range(0, len(rows), _ROWS):
        columns = [list(column) for column in zip(*rows[start : start + _ROWS], strict=True)]
        yield from _fitting(columns, sized)


def _fitting(columns: list[list[Any]], sized: Sequence[int]) -> Iterator[list[list[Any]]]:
    """Halve columns until their content fits."""
    content = sum(sum(map(len, filter(None, columns[place]))) for place in sized)
    half = len(columns[0]) // 2
    if content < _CONTENT_BYTES or half == 0:
        yield columns
        return
    yield from _fitting([column[:half] for column in columns], sized)
    yield from _fitting([column[half:] for column in columns], sized)
