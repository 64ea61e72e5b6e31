"""Sub-queries with one row for each person equal plain Python, and one person moves them by the bound.

Random tables hold nulls, NaN, infinities, extreme whole numbers, undeclared and Unicode keys, people with
many rows and rows about nobody; the rows of a person lie in several sealed files. Each broken variant is
caught on a table of its own: a bound dropped, values not clamped, rows gathered by another than the person.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_dp_joins import in_duckdb
from tests.property.test_dp_sensitivity import row, shift
from tests.unit.dp.test_run import VIEW
from tests.unit.dp.world import COLUMNS as COLUMN_TYPES
from tests.unit.dp.world import DECLARED, WARDS, plan, table, totals

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people, reference
from hedgerow.kernel.aggregation.gathering import gather
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import Clamp, SumValues
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.counting import arriving
from hedgerow.techniques.dp_query.price import Price

INNER = (
    "SELECT who, {key}COUNT(*) AS n, COUNT(pay) AS c, SUM(age) AS s, SUM(pay) AS p, MIN(pay) AS low, "
    "MAX(age) AS high, AVG(age) AS m FROM visits WHERE age > 20 OR age IS NULL GROUP BY who{by}"
)
COLUMNS = ("n", "c", "s", "p", "low", "high", "m")
STATS = "COUNT(*), " + ", ".join(f"SUM({name}), COUNT({name})" for name in COLUMNS)
BOUNDS = {"age": (18, 120, 0), "pay": (-1050, 9975, 2)}


def steps(one, name):
    """A value in whole steps within its bounds, as an engine reads it; none where there is none."""
    value = one[{"age": 2, "pay": 3}[name]]
    if value is None or not math.isfinite(value):
        return None
    low, high, digits = BOUNDS[name]
    return value if digits == 0 and low <= value <= high else round(max(low, min(high, value * 10**digits)))


def gathered(rows, ranks, *, keyed):
    """Gather by hand: dictionaries and exact fractions."""
    together = {}
    for one, rank in zip(rows, ranks, strict=True):
        is_kept = rank < 3 and (one[2] is None or one[2] > 20)
        if is_kept and (not keyed or one[1] in WARDS):
            together.setdefault((one[0], one[1] if keyed else None), []).append(one)
    found = []
    for (_, ward), own in together.items():
        ages = [steps(one, "age") for one in own if steps(one, "age") is not None]
        pays = [Fraction(steps(one, "pay"), 100) for one in own if steps(one, "pay") is not None]
        mean = math.floor(Fraction(sum(ages), len(ages)) * 1000 + Fraction(1, 2)) if ages else None
        found.append(
            {
                "ward": ward,
                "n": Fraction(len(own)),
                "c": Fraction(len(pays)),
                "s": Fraction(sum(ages)) if ages else None,
                "p": sum(pays) if pays else None,
                "low": min(pays, default=None),
                "high": Fraction(max(ages)) if ages else None,
                "m": None if mean is None else Fraction(mean, 1000),
            }
        )
    return found


def expected(found, made):
    """Count and add up gathered rows on the grid of each measurement."""
    vector = [len(found)]
    for name, summed in zip(COLUMNS, made.measurements[1::2], strict=True):
        values = [one[name] for one in found if one[name] is not None]
        vector += [sum(round(value * 10**summed.digits) for value in values), len(values)]
    return vector


def engines(rows, made):
    """The vectors of both engines, group by group."""
    full = table(rows)
    ranks = draw_ranks(full.column("who"))
    people = number_people(full.column("who"))
    own = aggregate(full, ranks, made.aggregation, people)
    assert in_duckdb(rows, ranks, made.aggregation) == own
    return ranks, [list(one) for one in zip(*totals(made, own), strict=True)]


@settings(max_examples=20, deadline=None)
@given(st.lists(row, max_size=20), st.sampled_from(["", "WHERE n > 1", "WHERE p * 2 > 7 AND NOT high < 30"]))
def test_both_engines_equal_plain_python(rows, where):
    made = plan(f"SELECT {STATS} FROM ({INNER.format(key='', by='')}) AS t {where}")
    ranks, found = engines(rows, made)
    kept = gathered(rows, ranks, keyed=False)
    if "n > 1" in where:
        kept = [one for one in kept if one["n"] > 1]
    elif where:
        kept = [
            one for one in kept if (one["p"] or 0) * 2 > 7 and one["high"] is not None and one["high"] >= 30
        ]
    assert found == [expected(kept, made)]


@settings(max_examples=15, deadline=None)
@given(st.lists(row, max_size=20))
def test_rows_of_a_person_and_a_key_equal_plain_python(rows):
    inner = INNER.format(key="ward AS w, ", by=", ward HAVING COUNT(*) < 3")
    made = plan(f"SELECT w, {STATS} FROM ({inner}) AS t GROUP BY w")
    ranks, found = engines(rows, made)
    kept = [one for one in gathered(rows, ranks, keyed=True) if one["n"] < 3]
    assert found == [expected([one for one in kept if one["ward"] == ward], made) for ward in WARDS]


@settings(max_examples=10, deadline=None)
@given(st.lists(row, max_size=20))
def test_how_many_people_have_so_many_rows(rows):
    made = plan(
        "SELECT n, COUNT(*) FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person) GROUP BY n"
    )
    assert made.aggregation.keys[0].values == (1, 2, 3)
    _, found = engines(rows, made)
    counts = [sum(1 for one in rows if one[0] == who) for who in range(5)]
    assert found == [[sum(min(count, 3) == n for count in counts)] for n in (1, 2, 3)]


QUERIES = [
    "SELECT COUNT(*), AVG(n), SUM(p), VARIANCE(s), COUNT(DISTINCT who) FROM ({alone}) WHERE n > 1",
    "SELECT WIDTH_BUCKET(s, 0, 300, 4) AS b, COUNT(*), SUM(low), AVG(m) FROM ({alone}) GROUP BY b",
    "SELECT CASE WHEN n < 2 THEN 'few' ELSE 'many' END AS b, COUNT(*), SUM(p) FROM ({alone}) GROUP BY b",
    "SELECT n, COUNT(*), SUM(high) FROM ({alone}) GROUP BY n",
    "SELECT w, COUNT(*), AVG(p), SUM(s), COUNT(DISTINCT person) FROM ({keyed}) GROUP BY w",
    "SELECT COUNT(*), SUM(p), STDDEV(m), COUNT(DISTINCT who) FROM ({keyed}) WHERE w <> 'A'",
    "SELECT SUM(twice), COUNT(*) FROM (SELECT p * 2 AS twice FROM ({keyed}) WHERE n < 3)",
]
FILLED = {
    "alone": INNER.format(key="", by=""),
    "keyed": INNER.format(key="ward AS w, ", by=", ward HAVING SUM(pay) > 3 OR NOT COUNT(*) > 1"),
}


@settings(max_examples=50, deadline=None)
@given(st.lists(row, max_size=25), st.integers(0, 4), st.sampled_from(QUERIES))
def test_one_person_moves_each_vector_by_at_most_the_sensitivity(rows, person, sql):
    made = plan(sql.format(**FILLED))
    for moved, measurement in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measurement.sensitivity


@settings(max_examples=25, deadline=None)
@given(st.lists(row, max_size=25), st.sampled_from(QUERIES[4:]), st.integers(1, 3), st.integers(1, 2))
def test_bounds_over_groups_hold_for_the_rows_that_are_gathered(rows, sql, groups, each):
    declared = dataclasses.replace(DECLARED, max_rows=4, max_groups=groups, max_rows_per_group=each)
    made = plan(sql.format(**FILLED), declaration=declared)
    gathering = made.aggregation.gathering
    assert (gathering.most, gathering.each) == (min(groups, 3), each)
    # Groups are drawn at random for each person alone, so that the others need not be there.
    own = [one for one in rows if one[0] == 1]
    for moved, measurement in zip(shift(own, 1, made), made.measurements, strict=True):
        assert moved <= measurement.sensitivity


@settings(max_examples=10, deadline=None)
@given(st.lists(row, max_size=25))
def test_bounds_over_groups_are_those_of_plain_python_in_both_engines(rows):
    """With as many groups as there are nothing is drawn: of each ward the row of the lowest rank counts."""
    declared = dataclasses.replace(DECLARED, max_rows=4, max_groups=3, max_rows_per_group=1)
    inner = "SELECT person, ward AS w, COUNT(*) AS n, SUM(age) AS s FROM visits GROUP BY person, ward"
    made = plan(f"SELECT w, COUNT(*), SUM(n), SUM(s) FROM ({inner}) GROUP BY w", declaration=declared)
    ranks, found = engines(rows, made)
    first = {}
    for one, rank in sorted(zip(rows, ranks.tolist(), strict=True), key=lambda pair: pair[1]):
        if rank < 4 and one[0] is not None and one[1] in WARDS:
            first.setdefault((one[0], one[1]), one)
    wanted = []
    for ward in WARDS:
        own = [one for (_, lies_in), one in first.items() if lies_in == ward]
        wanted.append([len(own), len(own), sum(steps(one, "age") or 0 for one in own)])
    assert found == wanted


@settings(max_examples=25, deadline=None)
@given(st.lists(row, max_size=25))
def test_every_value_lies_within_the_bounds_that_are_told(rows):
    made = plan(f"SELECT {STATS} FROM ({FILLED['alone']})")
    gathering, full = made.aggregation.gathering, table(rows)
    values = []
    with mock.patch.object(reference, "gather", lambda *given: values.append(gather(*given)) or values[0]):
        aggregate(full, draw_ranks(full.column("who")), made.aggregation, number_people(full.column("who")))
    ((found, people),) = values
    assert len(set(people.tolist())) == len(people)
    for one in gathering.columns:
        low, high = one.step_bounds(gathering.each)
        held = [
            Fraction(value) * 10**one.digits for value in found[one.name].to_pylist() if value is not None
        ]
        assert all(low <= value <= high for value in held)


def test_the_sensitivity_is_reached_so_no_noise_is_wasted():
    made = plan(f"SELECT COUNT(*), SUM(s), SUM(p), SUM(n) FROM ({FILLED['alone']})")
    assert shift([(1, "A", 120, 99.75)] * 5, 1, made) == [m.sensitivity for m in made.measurements]
    assert [m.sensitivity for m in made.measurements] == [1, 360, 29_925, 3]
    made = plan(f"SELECT w, COUNT(*), SUM(s), SUM(n) FROM ({FILLED['keyed']}) GROUP BY w")
    rows = [(1, ward, 120, 99.75) for ward in WARDS]
    assert shift(rows, 1, made)[0] == made.measurements[0].sensitivity == 3


def test_rows_of_a_person_in_different_groups_count_apart_in_l2():
    """By ward a person has one row in each of three groups: the L2 sensitivity is the root of three."""
    sql = f"SELECT w, COUNT(*) FROM ({FILLED['keyed']}) GROUP BY w"
    assert plan(sql).measurements[0].square == 3
    assert plan(f"SELECT COUNT(*) FROM ({FILLED['keyed']})").measurements[0].square == 9


def loosened(spec, **changes):
    rows = dataclasses.replace(spec.gathering.rows, **changes)
    return dataclasses.replace(spec, gathering=dataclasses.replace(spec.gathering, rows=rows, each=2**20))


def without_a_bound(table, ranks, spec, people=None):
    """Plant a fault: all rows of a person are gathered, and no bound follows for what they give."""
    wide = Clamp(Fraction(-(10**6)), Fraction(10**6))
    sums = tuple(
        dataclasses.replace(one, clamp=wide) for one in spec.aggregates if isinstance(one, SumValues)
    )
    return aggregate(
        table, ranks, dataclasses.replace(loosened(spec, max_rows=2**40), aggregates=sums), people
    )


def unclamped(table, ranks, spec, people=None):
    """Plant a fault: values enter as they are."""
    wide = Clamp(Fraction(-(10**6)), Fraction(10**6))
    rows = spec.gathering.rows
    inner = tuple(dataclasses.replace(one, clamp=wide) for one in rows.aggregates)
    made = tuple(
        dataclasses.replace(one, of=of) for one, of in zip(spec.gathering.columns, inner, strict=True)
    )
    gathering = dataclasses.replace(
        spec.gathering, rows=dataclasses.replace(rows, aggregates=inner), columns=made
    )
    sums = tuple(dataclasses.replace(one, clamp=wide) for one in spec.aggregates)
    return aggregate(table, ranks, dataclasses.replace(spec, gathering=gathering, aggregates=sums), people)


def by_pair_of_people(table, ranks, spec, people=None):
    """Plant a fault: the person was redefined, and rows of two people are gathered into one."""
    return aggregate(table, ranks, loosened(spec), people // 2)


SUM_OF_SUMS = "SELECT SUM(s) FROM (SELECT who, SUM(age) AS s FROM visits GROUP BY who)"
BY_N = "SELECT n, COUNT(*) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who) GROUP BY n"


@pytest.mark.parametrize(
    ("sql", "compute", "rows"),
    [
        (SUM_OF_SUMS, without_a_bound, [(1, "A", 120, 1.0)] * 5),
        (SUM_OF_SUMS, unclamped, [(1, "A", 99_999, 1.0)]),
        ("SELECT SUM(m) FROM (SELECT who, MAX(age) AS m FROM visits GROUP BY who)", unclamped,
         [(1, "A", 99_999, 1.0)]),
    ],
)  # fmt: skip
def test_a_bound_that_was_dropped_is_caught(sql, compute, rows):
    made = plan(sql)
    assert shift(rows, 1, made) <= [m.sensitivity for m in made.measurements]
    assert shift(rows, 1, made, compute) > [m.sensitivity for m in made.measurements]


def test_rows_gathered_by_something_else_than_the_person_are_caught():
    """Without one of the two the row of both moves to another group: two counts change, not one."""
    made, rows = plan(BY_N), [(0, "A", 30, 1.0), (1, "A", 40, 1.0)]
    assert shift(rows, 1, made) == [made.measurements[0].sensitivity] == [1]
    assert shift(rows, 1, made, by_pair_of_people) == [2]


@pytest.mark.parametrize(
    ("inner", "asked", "reached"),
    [
        ("SUM(pay) AS age", "SUM(age)", 299.25),
        ("SUM(age) AS pay", "SUM(pay)", 360),
        ("SUM(pay * 1000) AS pay", "SUM(pay)", 299_250),
        ("COUNT(*) AS age", "SUM(age)", 3),
        ("MAX(pay * 2) AS ward", "SUM(ward)", 199.5),
    ],
)
def test_a_name_that_hides_a_bounded_column_does_not_take_over_its_bound(inner, asked, reached):
    made = plan(f"SELECT {asked} FROM (SELECT who, {inner} FROM visits GROUP BY who)")
    (summed,) = made.measurements
    assert Fraction(summed.sensitivity, 10**summed.digits) == Fraction(str(reached))


NO_PERSON = "that does not keep the person"
RENAMED = "(SELECT ward AS person FROM visits)"
GATHERED = "(SELECT who, COUNT(*) AS k FROM visits GROUP BY who)"


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT AVG(n) FROM (SELECT ward, COUNT(*) AS n FROM visits GROUP BY ward)", NO_PERSON),
        ("SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM visits)", NO_PERSON),
        ("SELECT AVG(n) FROM (SELECT person, COUNT(*) AS n FROM visits)", NO_PERSON),
        ("SELECT AVG(n) FROM (SELECT ward AS who, COUNT(*) AS n FROM visits GROUP BY ward)", NO_PERSON),
        (f"SELECT AVG(n) FROM (SELECT person, COUNT(*) AS n FROM {RENAMED} GROUP BY person)", NO_PERSON),
        ("SELECT AVG(n) FROM (SELECT who, ward, COUNT(*) AS n FROM visits GROUP BY who)", "not group by"),
        ("SELECT AVG(n) FROM (SELECT who, MEDIAN(age) AS n FROM visits GROUP BY who)", "another statistic"),
        ("SELECT AVG(n) FROM (SELECT who, COUNT(DISTINCT ward) AS n FROM visits GROUP BY who)", "another"),
        (
            "SELECT AVG(n) FROM (SELECT who, SUM(pay) / COUNT(*) AS n FROM visits GROUP BY who)",
            "expression of",
        ),
        ("SELECT AVG(n) FROM (SELECT who, COUNT(*) FROM visits GROUP BY who)", "without a name"),
        (f"SELECT AVG(n) FROM (SELECT who, SUM(k) AS n FROM {GATHERED} GROUP BY who)", "once more"),
        (
            "SELECT s, COUNT(*) FROM (SELECT who, SUM(pay) AS s FROM visits GROUP BY who) GROUP BY s",
            "too many",
        ),
        ("SELECT who, COUNT(*) FROM (SELECT who, SUM(pay) AS s FROM visits GROUP BY who) GROUP BY who", ""),
        ("SELECT COUNT(*) FROM (SELECT who, SUM(pay) AS s FROM visits GROUP BY who) WHERE who = 1", ""),
        ("SELECT n, COUNT(*) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who)", ""),
        ("SELECT COUNT(DISTINCT n) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who)", "DISTINCT"),
        (
            "SELECT COUNT(DISTINCT person) FROM (SELECT who, ward AS person FROM visits GROUP BY who, ward)",
            "DISTINCT",
        ),
    ],
)
def test_what_is_not_bounded_is_refused_with_a_next_step(sql, told):
    with pytest.raises(Refused) as caught:
        plan(sql)
    assert told in caught.value.message
    assert caught.value.next_step
    assert caught.value.code in ("dp.sql-unsupported", "dp.hidden-column", "dp.sql-raw-column")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT SUM(age) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who)",
        "SELECT COUNT(*) FROM (SELECT who, COUNT(*) AS n, SUM(pay) AS n FROM visits GROUP BY who)",
        "SELECT COUNT(*) FROM (SELECT who, COUNT(*) AS _person FROM visits GROUP BY who)",
        "SELECT SUM(s) FROM (SELECT who, SUM(ward) AS s FROM visits GROUP BY who)",
    ],
)
def test_names_that_do_not_fit_are_told(sql):
    with pytest.raises(CallerError):
        plan(sql)


@pytest.mark.parametrize("condition", ["n > 3", "n < 1", "n = 7", "s > 360 AND n > 1", "w = 'nowhere'"])
def test_a_condition_that_nothing_can_meet_says_where_the_bound_comes_from(condition):
    with pytest.raises(Refused) as caught:
        plan(f"SELECT COUNT(*) FROM ({FILLED['keyed']}) WHERE {condition}")
    assert "--max-rows N" in caught.value.next_step


def test_what_could_overflow_is_refused_before_any_data():
    far = Clamp(-Fraction(2**52), Fraction(2**52))
    columns = tuple(dataclasses.replace(one, clamp=far) for one in DECLARED.columns if one.column == "age")
    declared = dataclasses.replace(DECLARED, columns=columns, max_rows=1_000)
    for what in ("SUM(age)", "AVG(age)", "MAX(age)"):
        with pytest.raises(Refused) as caught:
            plan(f"SELECT COUNT(*) FROM (SELECT who, {what} AS s FROM visits GROUP BY who) WHERE s > 3",
                 declaration=declared)  # fmt: skip
        assert caught.value.code == "dp.too-wide"
    near = dataclasses.replace(declared, max_rows=2)
    made = plan("SELECT COUNT(*) FROM (SELECT who, SUM(age) AS s, AVG(age) AS m FROM visits GROUP BY who) "
                "WHERE s > 9007199254740990", declaration=near)  # fmt: skip
    _, found = engines([(1, "A", 2**52, 1.0)] * 2 + [(2, "A", 2**52, 1.0), (3, "A", -(2**63), 1.0)], made)
    assert found == [[1]]


def test_keys_are_not_found_in_gathered_rows():
    open_keys = dataclasses.replace(DECLARED, columns=())
    price = Price(Fraction(1), delta=Fraction(1, 10**6))
    asked = "SELECT ward, COUNT(*) FROM (SELECT person, ward FROM visits GROUP BY person, ward) GROUP BY ward"
    known = COLUMN_TYPES, price, "visits", ("who",), "who"
    with pytest.raises(Refused, match="keys found in the data beside a sub-query"):
        plan_query(asked, open_keys, *known)
    made = plan_query(asked, DECLARED, *known)
    assert (made.selection, made.price.delta) == (None, None)


def test_the_plan_says_what_is_gathered():
    told = plan(QUERIES[4].format(**FILLED)).describe()
    assert told["gathered"]["rows_of_one"] == 3
    assert told["gathered"]["of_rows"] == 3
    assert told["gathered"]["bounds"]["s"] == "18:360"
    assert told["gathered"]["bounds"]["p"] == "-31.5:299.25"
    first, second, *_ = told["obligations"]
    assert first == "at most 3 rows of one person count"
    assert second.startswith(
        "the rows of one person and ward are gathered into one: at most 3 rows into each"
    )


def test_gathering_more_rows_than_planned_tells_nothing():
    gathering = plan(SUM_OF_SUMS).aggregation.gathering
    held = np.ones(4, dtype=np.int64), np.ones(4, dtype=np.bool_)
    with pytest.raises(Fault):
        gather(gathering, np.zeros(4, dtype=np.int64), np.zeros(4, dtype=np.int64), [held])


def test_a_fault_in_the_reference_is_seen_by_the_comparison():
    """The comparison has teeth: with the ranks ignored, plain Python and the engine differ."""
    made = plan(f"SELECT {STATS} FROM ({FILLED['alone']})")
    with mock.patch.object(reference, "gather", lambda *given: gather(given[0], given[1] * 0, *given[2:])):
        rows = [(1, "A", 30, 1.0), (2, "A", 40, 2.0)]
        with pytest.raises(AssertionError):
            engines(rows, made)


def test_a_running_count_is_not_of_gathered_rows():
    """Rows that arrive later would change what earlier ones were gathered into: no step stands by itself."""
    assert arriving("SELECT SUM(age) FROM visits", VIEW).sensitivity == 360
    with pytest.raises(Refused) as caught:
        arriving(SUM_OF_SUMS, VIEW)
    assert caught.value.code == "run.not-by-rows"
