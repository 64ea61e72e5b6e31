"""A join of two data sets on the person multiplies their bounds, and gives what plain Python gives.

Both tables hold rows about nobody, people that the other lacks, and people with more rows than count. Each
broken variant is caught on tables of its own.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow import dp
from hedgerow.kernel.aggregation import PersonRows, aggregate, draw_ranks, join_people, number_people
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.joins import PublicColumn, PublicTable
from hedgerow.model.plans import ColumnDeclaration, DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.joins import PrivateTable

VISITS = dp.declare(max_rows=2, bounds={"cost": (0, 10)}, keys={"ward": ["A", "B"]})
PATIENTS = dp.declare(max_rows=3, bounds={"age": (0, 100)}, keys={"sex": ["f", "m"]})
KINDS = {"ward": ColumnType.TEXT, "cost": ColumnType.INTEGER}
THEIRS = {"sex": ColumnType.TEXT, "age": ColumnType.INTEGER, "ward": ColumnType.TEXT, "pid": None}
OTHER = PrivateTable("patients", THEIRS, "pid", PATIENTS)
REGIONS = PublicTable(
    "regions",
    (
        PublicColumn("code", ColumnType.TEXT, ("A", "A", "B")),
        PublicColumn("name", ColumnType.TEXT, ("x", "y", "x")),
    ),
)
STATS = "COUNT(*), SUM(cost), SUM(age), COUNT(DISTINCT person)"
QUERIES = (
    f"SELECT sex, {STATS} FROM visits v JOIN patients p USING (person) GROUP BY sex",
    f"SELECT v.ward, sex, {STATS} FROM visits v JOIN patients p ON v.who = p.pid GROUP BY v.ward, sex",
    f"SELECT {STATS} FROM visits LEFT JOIN patients USING (person) WHERE sex IS NULL",
    f"SELECT name, {STATS} FROM visits v JOIN regions ON v.ward = code JOIN patients ON pid = who GROUP BY 1",
)  # fmt: skip
person = st.one_of(st.none(), st.integers(0, 3))
visit = st.tuples(person, st.sampled_from(["A", "B", "C", None]), st.integers(-5, 15))
patient = st.tuples(
    person, st.sampled_from(["f", "m", None]), st.integers(-5, 120), st.sampled_from(["A", None])
)


def plan(sql, other=OTHER):
    return plan_query(
        sql, VISITS, KINDS, Fraction(1), "visits", ("who",), "who", {"patients": other, "regions": REGIONS}
    )


FIRST = {"who": pa.int64(), "ward": pa.string(), "cost": pa.int64()}
SECOND = {"pid": pa.int64(), "sex": pa.string(), "age": pa.int64(), "ward": pa.string()}


def made(schema, rows):
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table({n: pa.array(c, t) for (n, t), c in zip(schema.items(), columns, strict=True)})


def tables(visits, patients):
    return made(FIRST, visits), made(SECOND, patients)


def held(visits, patients, ranks=None):
    first, second = tables(visits, patients)
    whom = [np.array([-1 if one[0] is None else one[0] for one in rows], dtype=np.int64)
            for rows in (visits, patients)]  # fmt: skip
    ranks = ranks or [draw_ranks(first.column("who")), draw_ranks(second.column("pid"))]
    return PersonRows(first, ranks[0], whom[0]), {"patients": PersonRows(second, ranks[1], whom[1])}


def exact(rows, spec):
    joined = join_people(*rows, spec.source)
    return aggregate(joined.table, joined.ranks, spec.joined_beside, joined.people)


def by_hand(rows, spec):
    """Join and count in nested loops."""
    first, others = rows
    other, (beside,) = others["patients"], spec.beside
    mine = first.table.append_column("_n", pa.array(first.people)).to_pylist()
    mine = [one for one, rank in zip(mine, first.ranks, strict=True) if rank < 2 and one["_n"] >= 0]
    theirs = other.table.append_column("_n", pa.array(other.people)).to_pylist()
    theirs = [one for one, rank in zip(theirs, other.ranks, strict=True) if rank < 3]
    joined = []
    for one in mine:
        same = [t for t in theirs if t["_n"] == one["_n"]]
        if not same and beside.keeps_unmatched:
            same = [dict.fromkeys(("sex", "age", "ward"))]
        joined += [one | {"sex": t["sex"], "age": t["age"], "p.sex": t["sex"]} for t in same]
    if spec.lookups:
        joined = [one | {"name": name} for one in joined for code, name in zip("AAB", "xyx", strict=True)
                  if one["ward"] == code]  # fmt: skip
    if spec.where is not None:
        joined = [one for one in joined if one["sex"] is None]
    groups = [()]
    for key in spec.keys:
        groups = [(*group, value) for group in groups for value in key.values]
    columns = [key.column for key in spec.keys]
    found = []
    for group in groups:
        inside = [one for one in joined if tuple(one[column] for column in columns) == group]
        found.append([
            len(inside),
            sum(min(max(one["cost"], 0), 10) for one in inside),
            sum(min(max(one["age"], 0), 100) for one in inside if one["age"] is not None),
            len({one["_n"] for one in inside}),
        ])  # fmt: skip
    return found


@settings(max_examples=40, deadline=None)
@given(st.lists(visit, max_size=10), st.lists(patient, max_size=8), st.sampled_from(QUERIES))
def test_joined_rows_are_those_of_nested_loops(visits, patients, sql):
    spec, rows = plan(sql).aggregation, held(visits, patients)
    assert exact(rows, spec) == by_hand(rows, spec)


def shift(visits, patients, made, compute=exact, of=(0, 1)):
    """Measure how far removing person 1 from both tables, or from one, moves each measurement, in L1."""
    rows = held(visits, patients)
    kept = [
        [n for n, one in enumerate(part) if one[0] != 1 or place not in of]
        for place, part in enumerate((visits, patients))
    ]
    ranks = [rows[0].ranks[kept[0]], rows[1]["patients"].ranks[kept[1]]]
    without = held([visits[n] for n in kept[0]], [patients[n] for n in kept[1]], ranks)
    before, after = compute(rows, made.aggregation), compute(without, made.aggregation)
    return [
        sum(abs(a[m.terms[0][0]] - b[m.terms[0][0]]) for a, b in zip(before, after, strict=True))
        for m in made.measurements
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(visit, max_size=10), st.lists(patient, max_size=8), st.sampled_from(QUERIES))
def test_one_person_moves_each_vector_by_at_most_the_sensitivity(visits, patients, sql):
    made = plan(sql)
    for moved, measured in zip(shift(visits, patients, made), made.measurements, strict=True):
        assert moved <= measured.sensitivity


APART = dataclasses.replace(OTHER, is_apart=True)
KEPT = "FROM visits LEFT JOIN patients USING (person)"
OF_ONE = f"SELECT who, COUNT(*) AS n, SUM(COALESCE(age, 0)) AS s {KEPT} GROUP BY who"
IS_THERE = "CASE WHEN sex IS NULL THEN 'no' ELSE 'yes' END"
SWAPS = (
    f"SELECT {IS_THERE} AS k, COUNT(*), COUNT(DISTINCT person) {KEPT} GROUP BY 1",
    f"SELECT SUM(CASE WHEN sex IS NULL THEN cost ELSE -cost END) {KEPT}",
    f"SELECT n, SUM(s), COUNT(*) FROM ({OF_ONE}) AS t GROUP BY n",
)


@settings(max_examples=25, deadline=None)
@given(st.lists(visit, max_size=6), st.lists(patient, max_size=5), st.sampled_from((*SWAPS, *QUERIES)))
def test_one_person_taken_out_of_the_second_alone_moves_no_more_where_it_has_a_budget(visits, patients, sql):
    """Rows that a LEFT JOIN keeps lie elsewhere then: as many come as go, at most."""
    made = plan(sql, APART)
    for moved, measured in zip(shift(visits, patients, made, of=(1,)), made.measurements, strict=True):
        assert moved <= measured.sensitivity


@pytest.mark.parametrize("sql", SWAPS)
def test_noise_for_both_tables_together_is_too_little_for_the_second_alone(sql):
    rows = [(1, "A", 10)] * 2, [(1, "f", 100, "A")] * 3
    rows = (rows[0], rows[1][:1]) if "SUM(CASE" in sql else rows
    other = dataclasses.replace(PATIENTS, max_rows=1) if "SUM(CASE" in sql else PATIENTS
    less, made = (
        plan(sql, dataclasses.replace(APART, is_apart=is_apart, declaration=other))
        for is_apart in (False, True)
    )
    moved = shift(*rows, made, of=(1,))
    assert any(m > s.sensitivity for m, s in zip(moved, less.measurements, strict=True))
    assert all(m <= s.sensitivity for m, s in zip(moved, made.measurements, strict=True))


def test_a_median_and_gaussian_noise_are_for_rows_that_go_and_rows_that_come():
    sql = "SELECT sex, MEDIAN(cost), COUNT(*) FROM visits {}JOIN patients USING (person) GROUP BY sex"
    kept, inner = (plan(sql.format(side), APART) for side in ("LEFT ", ""))
    assert kept.choices[0].sensitivity == 2 * inner.choices[0].sensitivity
    assert kept.measurements[0].square == 4 * inner.measurements[0].square
    assert kept.cost.epsilon == inner.cost.epsilon
    ungrouped = plan("SELECT COUNT(*) FROM visits LEFT JOIN patients USING (person)", APART)
    assert ungrouped.measurements[0].sensitivity == 2 * 3


MANY = [(1, "A", 10)] * 5, [(1, "f", 100, "A")] * 5


def test_bounds_of_both_multiply_and_are_reached():
    made = plan(QUERIES[0])
    assert [m.sensitivity for m in made.measurements] == [6, 60, 600, 2]
    assert shift(*MANY, made) == [6, 60, 600, 1]
    assert plan(QUERIES[3]).measurements[0].sensitivity == 2 * 3 * 2
    assert "each row is joined with at most 3 rows of the same person in patients" in made.obligations
    assert made.describe()["joins"] == [{"table": "patients", "rows_of_one": 3}]


def unbounded_there(rows, spec):
    """Bound the rows of the first data set alone."""
    loose = tuple(dataclasses.replace(one, max_rows=2**40) for one in spec.beside)
    return exact(rows, dataclasses.replace(spec, beside=loose))


def unbounded_here(rows, spec):
    """Bound the rows of the joined data set alone."""
    return exact(rows, dataclasses.replace(spec, max_rows=2**40))


def everybody(rows, spec):
    """Join on something else than the person: all with all."""
    first, others = rows
    same = PersonRows(first.table, first.ranks, np.zeros_like(first.people))
    other = others["patients"]
    return exact(
        (same, {"patients": PersonRows(other.table, other.ranks, np.zeros_like(other.people))}), spec
    )


@pytest.mark.parametrize("broken", [unbounded_there, unbounded_here, everybody])
def test_broken_joins_are_caught(broken):
    made = plan(QUERIES[0])
    crowd = [(n, "A", 10) for n in range(9)], [(n, "f", 100, "A") for n in range(9)]
    rows = crowd if broken is everybody else MANY
    assert all(m <= s.sensitivity for m, s in zip(shift(*rows, made), made.measurements, strict=True))
    moved = shift(*rows, made, broken)
    assert any(m > s.sensitivity for m, s in zip(moved, made.measurements, strict=True))


C = "SELECT COUNT(*) "


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (C + "FROM visits v JOIN patients p ON v.ward = p.ward", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p ON v.who = p.pid AND v.ward = p.ward", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p ON v.who <> p.pid", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p ON v.who = v.who", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p ON v.cost = p.pid", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p USING (ward)", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients p USING (person, ward)", "dp.sql-unsupported"),
        (C + "FROM visits v, patients p WHERE v.ward = 'A'", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN patients a USING (person) JOIN patients b USING (person)",
         "dp.sql-unsupported"),
        ("SELECT ward, COUNT(*) FROM visits JOIN patients USING (person) GROUP BY 1", "dp.ambiguous-column"),
        ("SELECT p.ward, COUNT(*) FROM visits v JOIN patients p USING (person) GROUP BY 1", "dp.undeclared"),
        (C + "FROM visits v JOIN patients p USING (person) WHERE p.pid = 3", "dp.hidden-column"),
        (C + "FROM visits v JOIN patients p USING (person) JOIN regions r ON p.pid = r.code",
         "dp.hidden-column"),
        ("SELECT COUNT(DISTINCT p.pid) FROM visits LEFT JOIN patients p USING (person)", "dp.hidden-column"),
    ],
)  # fmt: skip
def test_other_joins_of_two_data_sets_are_refused(sql, code):
    with pytest.raises(HedgerowError) as caught:
        plan(sql)
    assert caught.value.code == code
    assert caught.value.next_step


def test_the_person_of_either_side_is_counted():
    made = plan(
        "SELECT COUNT(DISTINCT p.pid), COUNT(DISTINCT v.who) FROM visits v JOIN patients p USING (person)"
    )
    assert [m.kind for m in made.measurements] == ["people"]


def test_a_data_set_without_a_bound_is_refused():
    loose = dataclasses.replace(
        OTHER, declaration=DatasetDeclaration(columns=(ColumnDeclaration("sex", keys=("f",)),))
    )
    with pytest.raises(Refused) as caught:
        plan(QUERIES[0], loose)
    assert (caught.value.code, "in patients" in caught.value.message) == ("dp.undeclared", True)


# On data frames.
U = "FROM visits JOIN patients USING (person)"
FRAMES = {
    "visits": pa.table({"who": pa.array(["a", "a", "a", "b", None]).dictionary_encode(),
                        "ward": ["A", "A", "B", "B", "A"], "cost": [1, 2, 3, 4, 5]}),
    "patients": pa.table({"pid": pa.array(["a", "b", "c", None], pa.large_string()),
                          "sex": ["f", "m", "f", "f"], "age": [30, 40, 50, 60]}),
}  # fmt: skip
DECLARED = {
    "visits": dataclasses.replace(VISITS, max_rows=3),
    "patients": dataclasses.replace(PATIENTS, max_rows=1),
}


def ask(sql, frames=FRAMES, person=None, declaration=DECLARED, public=None):
    person = person or {"visits": "who", "patients": "pid"}
    sure = dp.Budget.of("1000000")
    return dp.query(
        frames, sql, person=person, declaration=declaration, epsilon="1000000", budget=sure, public=public
    )[0]


def test_two_frames_are_joined_on_the_person():
    sql = f"SELECT sex, COUNT(*), SUM(cost), COUNT(DISTINCT person) {U} GROUP BY sex"
    assert ask(sql).rows == (("f", 3, 6, 1), ("m", 1, 4, 1))
    wards = pa.table({"code": ["A", "B"], "region": ["n", "s"]})
    joined = f"SELECT region, COUNT(*) {U} JOIN wards ON ward = code GROUP BY region"
    assert ask(joined, public={"wards": wards}).rows == (("n", 2), ("s", 2))
    assert ask(C + "FROM patients").rows == ((3,),)


def test_people_of_unlike_types_are_not_joined():
    numbers = FRAMES | {"patients": FRAMES["patients"].set_column(0, "pid", pa.array([1, 2, 3, 4]))}
    with pytest.raises(CallerError) as caught:
        ask(C + "FROM visits JOIN patients USING (person)", numbers)
    assert caught.value.code == "dp.join-types"
    wide = {
        "visits": FRAMES["visits"].set_column(0, "who", pa.array([2**64 - 1, 1, 1, 1, 1], pa.uint64())),
        "patients": FRAMES["patients"].set_column(0, "pid", pa.array([1, 2, 3, -1], pa.int8())),
    }
    assert ask(C + "FROM visits JOIN patients USING (person)", wide).rows == ((3,),)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person": ("who", "pid")}, "dp.two-people"),
        ({"person": {"visits": ("who", "ward"), "patients": "pid"}}, "dp.two-people"),
        ({"person": {"visits": "who"}}, "dp.two-people"),
        ({"person": "who"}, "dp.unknown-column"),
        ({"declaration": VISITS}, "dp.frames-undeclared"),
        ({"declaration": {"visits": VISITS}}, "dp.frames-undeclared"),
        ({"frames": {}}, "dp.frames-undeclared"),
    ],
)  # fmt: skip
def test_a_row_about_two_people_and_calls_that_do_not_fit_are_refused(changes, code):
    with pytest.raises(HedgerowError) as caught:
        ask(C + "FROM visits JOIN patients USING (person)", **changes)
    assert caught.value.code == code


def test_a_row_of_one_frame_about_two_people_is_refused():
    with pytest.raises(Refused) as caught:
        dp.query(FRAMES["visits"], "SELECT COUNT(*)", person=["who", "ward"], declaration=VISITS, epsilon="1",
                 budget=dp.Budget.of("1"))  # fmt: skip
    assert caught.value.code == "dp.two-people"


def test_a_frame_that_was_not_passed_is_refused():
    with pytest.raises(Refused) as caught:
        ask(C + "FROM visits JOIN others USING (person)")
    assert (caught.value.code, "others" in caught.value.next_step) == ("dp.join-person-frame", True)
    with pytest.raises(CallerError) as caught:
        ask(C + "FROM others")
    assert caught.value.code == "dp.sql-dataset"


def test_people_are_numbered_alike():
    assert list(number_people(pa.chunked_array([["a"], ["b", "a", None]]))) == [0, 1, 0, -1]


def test_cost_and_error_of_a_joined_query_are_told_before_any_value_is_read():
    sql, person = f"SELECT sex, COUNT(*) AS n {U} GROUP BY sex", {"visits": "who", "patients": "pid"}
    told = dp.explain(FRAMES, sql, person=person, declaration=DECLARED, epsilon="1")
    assert told["joins"] == [{"table": "patients", "rows_of_one": 1}]
    drawn = dp.curve(FRAMES, sql, person=person, declaration=DECLARED, epsilons=["1", "2"])
    assert [output["name"] for output in drawn["outputs"]] == ["n"]
    assert drawn["outputs"][0]["half_widths_95"][0] == told["outputs"][1]["expected_error_95"]
