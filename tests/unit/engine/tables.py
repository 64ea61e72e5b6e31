"""Small tables for the engine's tests, with known people."""

from __future__ import annotations

import secrets

import numpy as np
import pyarrow as pa

from hedgerow.adapters.engines import DuckEngine, ranks_for
from hedgerow.adapters.files import MemoryShelf
from hedgerow.model.engine import BucketFile, PeopleFilter

BINDING = b"tenant/visits/1"


def new_key() -> bytes:
    return secrets.token_bytes(32)


def visits(rows: int = 40, people: int = 10) -> tuple[pa.Table, np.ndarray]:
    """Rows with a key, a whole number and a text that occurs nowhere else."""
    numbers = np.arange(rows)
    table = pa.table(
        {
            "ward": pa.array([("A", "B", "C")[number % 3] for number in range(rows)]),
            "age": pa.array(numbers % 90),
            "note": pa.array([f"secret-of-row-{number:04d}" for number in range(rows)]),
        }
    )
    return table, (numbers % people + 1000).astype(np.int64)


def stored(
    rows: int = 40, people: int = 10, buckets: int = 4, shelf: MemoryShelf | None = None
) -> tuple[DuckEngine, MemoryShelf, tuple[BucketFile, ...]]:
    shelf = shelf or MemoryShelf()
    engine = DuckEngine(shelf)
    table, persons = visits(rows, people)
    return engine, shelf, engine.write(table, persons, ranks_for(persons), buckets, new_key, BINDING)


def everyone(people: int = 10) -> PeopleFilter:
    return PeopleFilter.of(range(1000, 1000 + people))
