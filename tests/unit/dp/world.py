"""A small data set with declarations, and the pieces that tests of private queries share."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa

from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query

COLUMNS = {
    "ward": ColumnType.TEXT,
    "sex": ColumnType.TEXT,
    "age": ColumnType.INTEGER,
    "pay": ColumnType.DECIMAL,
    "smoker": ColumnType.BOOLEAN,
    "seen": ColumnType.DATE,
    "at": ColumnType.TIMESTAMP,
    "Mixed Case": ColumnType.INTEGER,
}
WARDS = ("A", "Ж", "日本")
DECLARED = DatasetDeclaration(
    max_rows=3,
    columns=(
        ColumnDeclaration("ward", keys=WARDS),
        ColumnDeclaration("sex", keys=("f", "m")),
        ColumnDeclaration("age", Clamp(Fraction(18), Fraction(120)), keys=tuple(range(18, 21))),
        ColumnDeclaration("pay", Clamp(Fraction("-10.5"), Fraction("99.75"))),
        ColumnDeclaration("smoker", keys=(True, False)),
        ColumnDeclaration("Mixed Case", Clamp(Fraction(-7), Fraction(3))),
    ),
    version=1,
)
SCHEMA = pa.schema(
    [("who", pa.int64()), ("ward", pa.string()), ("age", pa.int64()), ("pay", pa.float64())],
)


def plan(sql, epsilon="1", declaration=DECLARED, columns=COLUMNS, hidden=("who",)):
    """Plan a query on the small data set."""
    return plan_query(sql, declaration, columns, Fraction(epsilon), "visits", hidden, "who")


def totals(plan, exact):
    """Give the vector each measurement adds its noise to."""
    return [
        [sum(row[index] * factor for index, factor in m.terms) for row in exact] for m in plan.measurements
    ]


def table(rows):
    """Make an Arrow table of (who, ward, age, pay) rows."""
    return (
        pa.table(dict(zip(SCHEMA.names, zip(*rows, strict=True), strict=True)), schema=SCHEMA)
        if rows
        else SCHEMA.empty_table()
    )
