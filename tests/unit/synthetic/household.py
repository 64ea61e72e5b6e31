"""A small table with declarations that tests of synthetic tables share."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from hedgerow.model.words import ColumnType
from hedgerow.synthetic import declare

KINDS = {
    "ward": ColumnType.TEXT,
    "age": ColumnType.INTEGER,
    "pay": ColumnType.DECIMAL,
    "smoker": ColumnType.BOOLEAN,
    "floor": ColumnType.INTEGER,
    "seen": ColumnType.DATE,
}
COLUMNS = ("ward", "age", "pay", "smoker", "floor")
DECLARED = declare(
    max_rows=3,
    bounds={"age": (0, 99), "pay": ("-10.5", "99.75")},
    keys={"ward": ["A", "Ж", "日本"], "floor": [1, 2, -3]},
)


def people(count=600, rows=1):
    """Make rows in which pay follows the ward and smoking the age."""
    draw = np.random.default_rng(7)
    who = np.repeat(np.arange(count), rows)
    ward = draw.integers(0, 3, count * rows)
    age = draw.integers(0, 100, count * rows)
    return pa.table(
        {
            "who": who,
            "ward": pa.array(["A", "Ж", "日本"]).take(pa.array(ward)),
            "age": age,
            "pay": np.round(ward * 30 + draw.uniform(0, 20, count * rows), 2),
            "smoker": age > 50,
            "floor": pa.array([1, 2, -3]).take(pa.array(draw.integers(0, 3, count * rows))),
        }
    )
