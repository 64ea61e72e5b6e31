"""Joins, sub-queries, expressions and bounds over groups together move no more than is stated.

Queries are put together at random of joins with a public table and another data set, sub-queries with one
row for each person, expressions, conditions and bounds. Each is planned, and computed exactly with and
without one person: taken out of both data sets, or out of one alone. Seeds are fixed, and draws of groups are
by person and group, so that neighbours share them.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from hedgerow import dp
from hedgerow.kernel.aggregation import PersonRows, aggregate, join_people, reference
from hedgerow.model.errors import Refused
from hedgerow.model.joins import PublicColumn, PublicTable
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.joins import PrivateTable
from hedgerow.techniques.dp_query.price import Price

KINDS = {"ward": ColumnType.TEXT, "cost": ColumnType.INTEGER, "n": ColumnType.INTEGER}
THEIRS = {"sex": ColumnType.TEXT, "age": ColumnType.INTEGER, "ward": ColumnType.TEXT, "pid": None}
REGIONS = PublicTable(
    "regions",
    (
        PublicColumn("code", ColumnType.TEXT, ("A", "A", "B", None)),
        PublicColumn("name", ColumnType.TEXT, ("x", "y", "x", "z")),
    ),
)
FIRST = {"who": pa.int64(), "ward": pa.string(), "cost": pa.int64(), "n": pa.int64()}
SECOND = {"pid": pa.int64(), "sex": pa.string(), "age": pa.int64(), "ward": pa.string()}
OF_ROWS = ["COUNT(*)", "SUM(cost)", "AVG(cost)", "COUNT(DISTINCT person)", "MEDIAN(cost)", "VAR_POP(cost)",
           "SUM(cost * 2 - n)", "SUM(CASE WHEN cost > 3 THEN n ELSE -cost END)"]  # fmt: skip
OF_BOTH = [*OF_ROWS, "SUM(age)", "SUM(COALESCE(age, 7) + cost)", "MEDIAN(age)"]
OF_GATHERED = ["COUNT(*)", "SUM(s)", "AVG(m)", "MEDIAN(s)", "SUM(s * m)", "VAR_POP(c)", "SUM(lo + hi)",
               "COUNT(DISTINCT person)", "SUM(CASE WHEN c > 1 THEN hi ELSE lo END)"]  # fmt: skip
SEX = "CASE WHEN sex IS NULL THEN 'none' WHEN sex = 'f' THEN 'f' ELSE 'm' END"


def question(draw):
    """Put a query together."""
    public = draw.choice(["", " JOIN regions ON v.ward = code", " LEFT JOIN regions ON v.ward = code"])
    beside = draw.choice(["", " JOIN patients USING (person)", " LEFT JOIN patients USING (person)"])
    keys = ["v.ward", "FLOOR(cost / 4)", *(["name"] if public else []), *(["sex", SEX] if beside else [])]
    named = [f"{key} AS k{n}" for n, key in enumerate(draw.sample(keys, draw.randint(0, 2)))]
    tests = [
        "",
        " WHERE cost > 2",
        *([" WHERE sex IS NULL", " WHERE age > 50 OR cost < 4"] if beside else []),
    ]
    source = f"FROM visits v{public}{beside}{draw.choice(tests)}"
    if draw.random() < 0.5:
        shown = [*named, *draw.sample(OF_BOTH if beside else OF_ROWS, 2)]
        grouped = " GROUP BY " + ", ".join(str(n + 1) for n in range(len(named))) if named else ""
        return f"SELECT {', '.join(shown)} {source}{grouped}{draw.choice(['', ' HAVING COUNT(*) > 3'])}"
    of = draw.choice(["cost", "cost * 2 - n", *(["COALESCE(age, 0) + cost"] if beside else [])])
    gathered = [f"{name}({of}) AS {alias}" for name, alias in
                (("SUM", "s"), ("AVG", "m"), ("MIN", "lo"), ("MAX", "hi"))]  # fmt: skip
    by = ", ".join(["person", *(each.rpartition(" AS ")[0] for each in named)])
    kept = draw.choice(["", " HAVING COUNT(*) > 1"])
    inner = f"SELECT person, {', '.join([*named, 'COUNT(*) AS c', *gathered])} {source} GROUP BY {by}{kept}"
    groups = [f"k{n}" for n in range(len(named)) if draw.random() < 0.6] + draw.choice([[], ["c"]])
    outer = f"SELECT {', '.join([*groups, *draw.sample(OF_GATHERED, 2)])} FROM ({inner}) AS t"
    return (
        outer
        + draw.choice(["", " WHERE s > 2 OR c = 1"])
        + (f" GROUP BY {', '.join(groups)}" if groups else "")
    )


def planned(draw, *, is_apart=True, wanted=""):
    """Plan a query on bounds of any kind; none where it is refused."""
    first = dp.declare(
        max_rows=draw.choice([1, 2, 3]), bounds={"cost": (draw.choice([-4, 0, 2]), 10), "n": (0, 4)},
        keys={"ward": ["A", "B"]}, max_groups=draw.choice([None, 1, 2]),
        max_rows_per_group=draw.choice([None, 1, 2]),
    )  # fmt: skip
    second = dp.declare(max_rows=draw.choice([1, 2, 3]), bounds={"age": (0, 100)}, keys={"sex": ["f", "m"]})
    tables = {"patients": PrivateTable("patients", THEIRS, "pid", second, is_apart), "regions": REGIONS}
    sql = question(draw)
    if wanted not in sql:
        return None
    price = draw.choice([Price(epsilon=Fraction(1)), Price(rho=Fraction(1, 2))])
    try:
        return plan_query(sql, first, KINDS, price, "visits", ("who",), "who", tables)
    except Refused:
        return None


def rows(draw):
    whose, wards = [1, 1, 1, 2, 3, None], ["A", "B", "C", None]
    visits = [(draw.choice(whose), draw.choice(wards), draw.choice([-9, 0, 3, 5, 9, 30, None]),
               draw.choice([None, 0, 2, 4, 9])) for _ in range(draw.randint(3, 9))]  # fmt: skip
    patients = [(draw.choice(whose), draw.choice(["f", "m", None]), draw.choice([-5, 0, 60, 130, None]), "A")
                for _ in range(draw.randint(2, 7))]  # fmt: skip
    return visits, patients


def ranked(listed, draw):
    """Number the rows of each person in random order."""
    met, ranks = {}, {}
    for place in draw.sample(range(len(listed)), len(listed)):
        ranks[place] = met[listed[place][0]] = met.get(listed[place][0], -1) + 1
    return [ranks[place] for place in range(len(listed))]


def held(schema, listed, ranks):
    columns = zip(*listed, strict=True) if listed else ((),) * len(schema)
    table = pa.table({n: pa.array(c, t) for (n, t), c in zip(schema.items(), columns, strict=True)})
    whose = np.array([-1 if one[0] is None else one[0] for one in listed], dtype=np.int64)
    return PersonRows(table, np.where(whose < 0, 2**40, np.array(ranks, dtype=np.int64)), whose)


def exact(plan, both, left_out=()):
    """Compute the exact vectors without person 1 in some of the data sets."""
    first, second = (
        held(schema, *zip(*kept, strict=True)) if kept else held(schema, (), ())
        for place, (schema, listed, ranks) in enumerate(both)
        for kept in [
            [each for each in zip(listed, ranks, strict=True) if place not in left_out or each[0][0] != 1]
        ]
    )
    joined = join_people(first, {"patients": second}, plan.aggregation.source)
    return np.array(aggregate(joined.table, joined.ranks, plan.aggregation.joined_beside, joined.people))


def beyond(plan, moved):
    """Tell whether a vector, or a histogram, moved by more than is stated."""
    for one in plan.measurements:
        vector = sum(factor * moved[:, place] for place, factor in one.terms).astype(object)
        if sum(abs(vector)) > one.sensitivity or (one.rho is not None and sum(vector**2) > one.square):
            return True
    start = len(plan.aggregation.aggregates)
    for place, bins in enumerate(plan.aggregation.histograms):
        rows_moved = abs(moved[:, start : start + bins.bins]).sum()
        start += bins.bins
        for choice in plan.choices:
            if choice.histogram == place and rows_moved * reach(choice.quantile) > choice.sensitivity:
                return True
    return False


def reach(quantile):
    return max(quantile.numerator, quantile.denominator - quantile.numerator)


@pytest.fixture(autouse=True)
def shared_draws(monkeypatch):
    """Let neighbours share what is drawn of groups."""

    def within(people, groups, ranks, max_groups, max_rows_per_group):
        kept = np.zeros(len(people), dtype=np.bool_)
        for whose in set(people.tolist()):
            own = np.flatnonzero(people == whose)
            drawn = sorted(
                set(groups[own].tolist()), key=lambda g: hashlib.sha256(b"%d,%d" % (whose, g)).digest()
            )
            for group in drawn[:max_groups]:
                inside = sorted(own[groups[own] == group].tolist(), key=lambda place: ranks[place])
                kept[inside[:max_rows_per_group]] = True
        return kept

    monkeypatch.setattr(reference, "within_groups", within)


def found(seed, queries, *, is_apart=True, ways=((0, 1), (0,), (1,)), wanted=""):
    """Count what moved by more than is stated, and what was looked at."""
    draw, wrong, looked = Random(seed), 0, 0
    for _ in range(queries):
        plan = planned(draw, is_apart=is_apart, wanted=wanted)
        for _ in range(2 if plan else 0):
            visits, patients = rows(draw)
            both = (FIRST, visits, ranked(visits, draw)), (SECOND, patients, ranked(patients, draw))
            whole = exact(plan, both)
            for way in ways if plan.aggregation.source.beside else ways[:1]:
                wrong, looked = wrong + beyond(plan, whole - exact(plan, both, way)), looked + 1
    return wrong, looked


@pytest.mark.parametrize("seed", [1, 2])
def test_one_person_moves_no_more_than_is_stated_whatever_is_put_together(seed):
    wrong, looked = found(seed, 70)
    assert wrong == 0
    assert looked > 200


def test_noise_for_people_of_both_alone_is_caught():
    """Of two data frames with one budget a person is taken out of both; one alone moves more."""
    kept = {"is_apart": False, "wanted": "LEFT JOIN patients"}
    assert found(5, 120, ways=((0, 1),), **kept)[0] == 0
    assert found(5, 120, ways=((1,),), **kept)[0] > 0
