"""Random tables and plans for every engine: nulls, NaN, infinities, twins, extreme integers, odd names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from hedgerow.kernel.transpile import Kind, Source, SourceColumn
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    BinCounts,
    Clamp,
    Column,
    Compare,
    CountPeople,
    CountRows,
    ExactAggregation,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumSquares,
    SumValues,
)

PERSON, RANK = "who is it", "_rank"
DAY, NOON = dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 12, 0, 0, 1)  # noqa: DTZ001 - no zone


@dataclass(frozen=True)
class Sort:
    """A column: its types, values it may hold, constants and keys that may stand beside it."""

    column: SourceColumn
    arrow: pa.DataType
    postgres: str
    values: tuple[Any, ...]
    constants: tuple[Any, ...]
    keys: tuple[Any, ...]


TEXTS = (
    "",
    "a",
    "A",
    "o'hara",
    'say "x"',
    "; DROP TABLE t --",
    "naïve 北京 🙂",
    "\\' OR 1=1 --",
    "${a}",
    "\n",
    "`",
)
NUMBERS = (-1, 0, 1, 3, 2**53, 2**63 - 1, -(2**63), 2**64, 10**40, Fraction(5, 2), Fraction(-1, 3))
REALS = (0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.145, 1e300, -1e300, 5e-324, -0.49999999999999994, 3.0)
NO_REALS = (float("nan"), float("inf"), float("-inf"))
SORTS = {
    'we"ird ünï': Sort(SourceColumn(Kind.TEXT), pa.string(), "text", TEXTS, TEXTS, TEXTS),
    "n": Sort(
        SourceColumn(Kind.WHOLE),
        pa.int64(),
        "bigint",
        (0, 1, 2, 3, -1, -5, 2**63 - 1, -(2**63)),
        NUMBERS,
        (0, 1, -5, 2**70, -(2**63)),
    ),
    "select": Sort(SourceColumn(Kind.WHOLE), pa.int16(), "smallint", (0, 1, 3, 255), NUMBERS, (0, 3, 2**16)),
    "is it": Sort(
        SourceColumn(Kind.TRUTH), pa.bool_(), "boolean", (True, False), (True, False, 0, 2), (True, False)
    ),
    "real": Sort(
        SourceColumn(Kind.REAL), pa.float64(), "double precision", (*REALS, *NO_REALS), NUMBERS, (0, 3, -7)
    ),
    "cents": Sort(
        SourceColumn(Kind.EXACT, 9, 2),
        pa.decimal128(9, 2),
        "numeric(9,2)",
        tuple(map(Decimal, ("0", "1.25", "-1.25", "0.15", "9999999.99"))),
        NUMBERS,
        (0, 3),
    ),
    "fine": Sort(
        SourceColumn(Kind.EXACT, 36, 18),
        pa.decimal128(36, 18),
        "numeric(36,18)",
        tuple(map(Decimal, ("0", "0.500000000000000001", "0.5", "-2.5", "1.5", "9e17", "-9e17"))),
        NUMBERS,
        (0, 9 * 10**17),
    ),
    "day": Sort(
        SourceColumn(Kind.DATE),
        pa.date32(),
        "date",
        (dt.date(1970, 1, 1), DAY, dt.date(1900, 1, 1)),
        ("1969-12-31", "1970-01-01", "2024-02-29"),
        ("1970-01-01", "2024-02-29"),
    ),
    "a.b": Sort(
        SourceColumn(Kind.MOMENT),
        pa.timestamp("us"),
        "timestamp",
        (dt.datetime(1970, 1, 1), NOON),  # noqa: DTZ001 - no zone
        ("1969-12-31", "2024-02-29T12:00:00.000001", "1970-01-01 00:00:00"),
        ("1970-01-01", "2024-02-29T12:00:00.000001"),
    ),
}
PEOPLE = ("ann", "Ann", "北", "o'h", "\\")
SOURCE = Source(
    ("t",), PERSON, SourceColumn(Kind.TEXT), {name: sort.column for name, sort in SORTS.items()}, RANK
)


@st.composite
def tables(draw: st.DrawFn, most: int = 14) -> list[dict[str, Any]]:
    """Draw rows, each with its person and a rank of its own among that person's rows."""
    one = st.fixed_dictionaries({name: st.sampled_from([*sort.values, None]) for name, sort in SORTS.items()})
    rows = draw(st.lists(one, min_size=most, max_size=most) | st.lists(one, max_size=most))
    seen: dict[str | None, int] = {}
    for row in rows:
        person = row[PERSON] = draw(st.sampled_from([*PEOPLE, None]))
        row[RANK] = seen[person] = seen.get(person, -1) + 1
    return rows


def arrow_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Make an Arrow table of rows."""
    types = {name: sort.arrow for name, sort in SORTS.items()} | {PERSON: pa.string(), RANK: pa.int64()}
    return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()})


def conditions() -> st.SearchStrategy[Any]:
    """Draw predicates of every kind."""

    def leaves(name: str) -> st.SearchStrategy[Any]:
        column = st.just(Column(name))
        literal = st.builds(Literal, st.none() | st.sampled_from(SORTS[name].constants))
        ops = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
        sets = st.lists(literal, max_size=3).map(tuple)
        return (
            st.builds(Compare, ops, column, literal)
            | st.builds(IsIn, column, sets)
            | st.builds(IsNull, column)
        )

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.lists(inner, max_size=3).map(tuple)
        return st.builds(Not, inner) | st.builds(AllOf, parts) | st.builds(AnyOf, parts)

    return st.recursive(st.sampled_from(list(SORTS)).flatmap(leaves), grown, max_leaves=4)


@st.composite
def plans(draw: st.DrawFn) -> ExactAggregation:
    """Draw plans that hold every kind of aggregate."""
    keys = []
    for name in draw(st.lists(st.sampled_from(list(SORTS)), max_size=2, unique=True)):
        domain = st.lists(st.sampled_from(SORTS[name].keys), min_size=1, max_size=9, unique_by=str)
        keys.append(KeyDomain(name, tuple(draw(domain))))
    bounds = st.sampled_from(
        [*map(Fraction, (-300, -3, -1, 0, 1, 2, 40, 400)), Fraction(7, 3), Fraction(-1, 8)]
    )
    aggregates: list[Any] = [CountRows(), CountPeople(), CountRows(draw(st.sampled_from(list(SORTS))))]
    numbers = [name for name, sort in SORTS.items() if sort.column.is_number]
    for name in draw(st.lists(st.sampled_from(numbers), max_size=2)):
        lower, upper = sorted([draw(bounds), draw(bounds)])
        aggregates.append(SumValues(name, Clamp(lower, upper), draw(st.integers(0, 5))))
        middle = sum(aggregates[-1].step_bounds) // 2
        aggregates.append(SumSquares(aggregates[-1], middle, draw(st.sampled_from([1, 2, 3, 10**6]))))
    where = draw(st.one_of(st.none(), st.none(), conditions()))
    sums = [one for one in aggregates if isinstance(one, SumValues) and one.digits < 3]
    widths = st.sampled_from([1, 2, 3, 50, 10_000])
    histograms = (
        [BinCounts(one, draw(widths)) for one in draw(st.lists(st.sampled_from(sums), max_size=1))]
        if sums
        else []
    )
    histograms = [one for one in histograms if one.bins <= 1000]
    return ExactAggregation(
        tuple(keys), tuple(aggregates), where, draw(st.sampled_from([100, 2, 1, 0])), tuple(histograms)
    )


# Everything at once, for engines where a statement takes long.
_BOUNDS = {"n": (-3, 400, 0), "select": (0, 7, 2), "is it": (0, 1, 0), "real": ("-5/2", 3, 0)}
_BOUNDS |= {"cents": ("-1/8", 40, 1), "fine": (-3, 400, 0)}
_SUMS = tuple(
    SumValues(name, Clamp(Fraction(lower), Fraction(upper)), digits)
    for name, (lower, upper, digits) in _BOUNDS.items()
)
FULL = ExactAggregation(
    (KeyDomain('we"ird ünï', TEXTS), KeyDomain("is it", (True, False))),
    (CountRows(), CountPeople(), CountRows("real"), CountRows("day"), *_SUMS, SumSquares(_SUMS[3], 1, 3)),
    AnyOf(
        (
            Not(IsNull(Column("n"))),
            Compare("<", Column("real"), Literal(Fraction(1, 3))),
            Compare(">=", Column("cents"), Literal(Fraction(5, 4))),
            Compare("=", Column("day"), Literal("2024-02-29")),
            Compare("<", Column("a.b"), Literal("2024-02-29T12:00:00.000001")),
            IsIn(Column('we"ird ünï'), tuple(map(Literal, TEXTS[3:]))),
        )
    ),
    2,
    (BinCounts(_SUMS[3], 2),),
)


def counted(groups: int, totals: list[Any], cells: list[tuple[int, list[Any]]]) -> list[tuple[int, ...]]:
    """Put what an engine gave into the form of the reference."""
    whole = [[int(value) for value in row[1:]] for row in totals]
    assert [int(row[0]) for row in totals] == list(range(groups))
    for bins, rows in cells:
        counts = [[0] * bins for _ in range(groups)]
        for group, place, count in rows:
            counts[int(group)][int(place)] += int(count)
        whole = [one + more for one, more in zip(whole, counts, strict=True)]
    return [tuple(one) for one in whole]


def expected(rows: list[dict[str, Any]], plan: ExactAggregation) -> list[tuple[int, ...]]:
    """Compute a plan row by row; rows about nobody never count."""
    from tests.unit.engine import reference

    return reference.aggregate(
        [row | {"_person": row[PERSON]} for row in rows if row[PERSON] is not None], plan
    )
