"""Proves what leaves in a k-anonymous release and what does not, with k recounted in plain Python."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity import release as release_module
from hedgerow.techniques.anonymity import source as source_module

QUASI = ["age", "zip", "born"]


def people(rows: int = 300, seed: int = 7) -> pa.Table:
    draw = random.Random(seed)
    born = [dt.date(1950, 1, 1) + dt.timedelta(days=draw.randrange(20_000)) for _ in range(rows)]
    return pa.table(
        {
            "diagnosis": [draw.choice(["flu", "asthma", "gout", "none"]) for _ in range(rows)],
            "age": [draw.choice([None, *range(18, 90)]) for _ in range(rows)],
            "zip": [f"{draw.randrange(10_000, 10_040)}" for _ in range(rows)],
            "born": born,
            "visits": [draw.randrange(9) for _ in range(rows)],
        }
    )


def make(table=None, **changes):
    asked = {"quasi": QUASI, "sensitive": ["diagnosis"], "keep": ["visits"], "k": 5} | changes
    return hra.k_anonymous(people() if table is None else table, **asked)


def classes(table: pa.Table, quasi=QUASI) -> Counter:
    return Counter(tuple(row[name] for name in quasi) for row in table.to_pylist())


def test_every_class_holds_k_rows_by_a_naive_count():
    made = make()
    sizes = classes(made.table)
    assert min(sizes.values()) >= 5
    assert sum(sizes.values()) == made.risk.released_rows == made.table.num_rows
    assert Counter(sizes.values()) == dict(made.risk.class_sizes)


def test_dropped_rows_are_counted_and_within_the_limit():
    made = make(suppression_limit=0.05)
    assert made.risk.suppressed_rows == 300 - made.table.num_rows <= 15
    assert make(suppression_limit=0).risk.suppressed_rows == 0


def test_l_distinct_values_stand_in_every_class():
    made = make(l=3)
    values: dict[tuple, set] = {}
    for row in made.table.to_pylist():
        values.setdefault(tuple(row[name] for name in QUASI), set()).add(row["diagnosis"])
    assert min(map(len, values.values())) >= 3
    assert made.risk.sensitive[0].distinct == min(map(len, values.values()))


def test_k_counts_people_where_a_person_has_several_rows():
    table = pa.table({"who": ["p", "p", "q", "r"], "sex": ["f", "f", "m", "m"], "area": ["a", "a", "a", "a"]})
    rows_only = hra.k_anonymous(table, quasi=["sex", "area"], keep=["who"], k=2, suppression_limit=0)
    assert dict(rows_only.levels)["sex"] == 0
    people_too = hra.k_anonymous(table, quasi=["sex", "area"], person="who", k=2, suppression_limit=0)
    assert dict(people_too.levels)["sex"] == 1
    assert people_too.table.column_names == ["sex", "area"]
    assert people_too.risk.fewest_people == 3
    assert people_too.risk.prosecutor_max == Fraction(1, 3)


def test_a_generalised_value_is_text_and_level_zero_keeps_its_type():
    made = make(k=2, quasi=["zip"], keep=["visits", "age", "born"])
    assert made.levels == (("zip", 0),)
    assert made.table.schema.field("born").type == pa.date32()
    assert set(classes(make().table, ["born"])) <= {
        ("*",),
        *((f"{year}s",) for year in range(1950, 2010, 10)),
    }


def test_a_missing_value_stays_missing_below_the_top_and_is_a_star_there():
    table = pa.table({"age": [None] * 3 + [30] * 3, "area": ["a"] * 6})
    kept = hra.k_anonymous(table, quasi=["age", "area"], k=3)
    assert classes(kept.table, ["age", "area"]) == {(None, "a"): 3, (30, "a"): 3}
    starred = hra.k_anonymous(table, quasi=["age", "area"], k=6, suppression_limit=0)
    assert classes(starred.table, ["age", "area"]) == {("*", "a"): 6}


def test_nan_is_missing_and_an_empty_column_is_missing_throughout():
    table = pa.table({"x": [float("nan"), None, 1.5, 1.5], "y": pa.nulls(4)})
    made = hra.k_anonymous(table, quasi=["x", "y"], k=2)
    assert classes(made.table, ["x", "y"]) == {(None, None): 2, (1.5, None): 2}


def test_the_order_of_the_source_does_not_show():
    rows = people().to_pylist()
    random.Random(3).shuffle(rows)
    assert make(pa.Table.from_pylist(rows)).table.equals(make().table)


def test_an_unlisted_column_is_refused_and_named():
    with pytest.raises(CallerError) as caught:
        make(keep=[])
    assert (caught.value.code, caught.value.details["column"]) == ("anonymity.unlisted-column", "visits")


def test_neither_metadata_nor_dictionaries_carry_the_source_along():
    # The only person of ward z is dropped; a dictionary would still name the ward.
    wards = pa.array(["x"] * 10 + ["y"] * 10 + ["z"]).dictionary_encode()
    columns = {"ward": wards, "team": wards, "note": wards}
    schema = pa.schema(
        [pa.field(name, wards.type, metadata={"secret": "x"}) for name in columns], {"owner": "secret"}
    )
    made = hra.k_anonymous(
        pa.table(columns, schema=schema), quasi=["ward"], sensitive=["team"], keep=["note"], k=5
    )
    assert made.table.num_rows == 20
    assert made.table.schema.metadata is None
    for field in made.table.schema:
        assert field.metadata is None
        assert not pa.types.is_dictionary(field.type)


def test_given_hierarchies_are_used():
    given = hra.from_rows([[str(10_000 + place), "north" if place < 20 else "south"] for place in range(40)])
    made = make(quasi=["zip"], keep=["visits", "age", "born"], k=50, hierarchies={"zip": given})
    assert set(classes(made.table, ["zip"])) == {("north",), ("south",)}


def test_the_coarsest_level_given_holds():
    made = make(max_levels={"age": 3}, suppression_limit=1)
    assert dict(made.levels)["age"] <= 3


def test_exact_shares_in_any_spelling_allow_the_same_rows():
    limits = [0.05, "0.05", Decimal("0.05"), Fraction(1, 20)]
    assert len({make(suppression_limit=limit).risk.suppressed_rows for limit in limits}) == 1


def test_types_of_every_kind_can_be_released():
    count = 12
    table = pa.table(
        {
            "flag": [place % 2 == 0 for place in range(count)],
            "money": [Decimal(f"{place}.50") for place in range(count)],
            "seen": [dt.datetime(2024, 1, 1, place) for place in range(count)],  # noqa: DTZ001
            "when": [f"2024-01-{place + 1:02}" for place in range(count)],
            "view": pa.array([f"v{place}" for place in range(count)], pa.string_view()),
            "ratio": [float("inf"), *(place / 10 for place in range(1, count))],
        }
    )
    made = hra.k_anonymous(table, quasi=table.column_names, k=3, suppression_limit=0)
    assert min(classes(made.table, table.column_names).values()) >= 3
    whole = table.append_column("all", [["same"] * count])
    kept = hra.k_anonymous(whole, quasi=["all"], keep=table.column_names, k=count)
    assert sorted(map(str, kept.table.to_pylist())) == sorted(map(str, whole.to_pylist()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"k": 1}, "anonymity.k-too-small"),
        ({"k": True}, "anonymity.k-too-small"),
        ({"k": 301}, "anonymity.k-above-rows"),
        ({"l": 1}, "anonymity.l-too-small"),
        ({"l": 2, "sensitive": [], "keep": ["visits", "diagnosis"]}, "anonymity.l-without-sensitive"),
        ({"quasi": []}, "anonymity.no-quasi"),
        ({"quasi": [*QUASI, "ward"]}, "anonymity.unknown-column"),
        ({"quasi": [*QUASI, "diagnosis"]}, "anonymity.sensitive-is-quasi"),
        ({"person": "age"}, "anonymity.repeated-column"),
        ({"suppression_limit": 1.5}, "anonymity.limit-out-of-range"),
        ({"suppression_limit": -0.1}, "anonymity.limit-out-of-range"),
        ({"suppression_limit": float("nan")}, "anonymity.limit-out-of-range"),
        ({"suppression_limit": "much"}, "anonymity.limit-out-of-range"),
        ({"hierarchies": {"age": hra.numbers([1, 2])}}, "anonymity.value-not-in-hierarchy"),
        ({"hierarchies": {"visits": hra.numbers([1, 2])}}, "anonymity.hierarchy-for-no-quasi"),
        ({"max_levels": {"age": 9}}, "anonymity.level-out-of-range"),
        ({"max_levels": {"visits": 0}}, "anonymity.hierarchy-for-no-quasi"),
        ({"table": people(0)}, "anonymity.empty-table"),
        ({"table": [1, 2]}, "anonymity.no-table"),
        ({"table": people().append_column("age", people()["age"])}, "anonymity.ambiguous-column"),
        (
            {"table": people().set_column(1, "age", [[[place] for place in range(300)]])},
            "anonymity.column-type",
        ),
    ],
)
def test_a_wrong_call_gets_one_line_with_a_next_step(changes, code):
    with pytest.raises(CallerError) as caught:
        make(**changes)
    assert caught.value.code == code
    assert "\n" not in caught.value.message
    assert caught.value.next_step


@pytest.mark.parametrize(
    "changes",
    [
        {"l": 5},  # there are four diagnoses
        {
            "quasi": ["age"],
            "keep": ["visits", "zip", "born"],
            "k": 300,
            "suppression_limit": 0,
        },  # only stars would be left
        {"k": 20, "max_levels": {"age": 0, "zip": 0, "born": 0}},
        {"k": 20, "max_levels": {"age": 0, "zip": 0, "born": 0}, "suppression_limit": 1},  # no row left
    ],
)
def test_what_cannot_be_reached_is_refused(changes):
    with pytest.raises(Refused) as caught:
        make(**changes)
    assert (caught.value.code, caught.value.row.exit) == ("anonymity.unreachable", 3)


@pytest.mark.parametrize("limits", [{}, {"l": 3}])
def test_a_table_that_fails_its_recount_does_not_leave(limits, monkeypatch):
    real = release_module._released

    def short(*arguments):
        table = real(*arguments)
        if not limits:
            return table.slice(0, 4)
        return table.set_column(0, "diagnosis", [["flu"] * table.num_rows])

    monkeypatch.setattr(release_module, "_released", short)
    with pytest.raises(Fault) as caught:
        make(**limits)
    assert caught.value.code == "anonymity.recount"


def test_too_few_people_in_a_class_do_not_leave(monkeypatch):
    real = source_module.tests_of
    monkeypatch.setattr(source_module, "tests_of", lambda *asked: real(*asked[:3], None, None, None))
    table = pa.table({"who": ["p", "p", "q", "r"], "sex": ["f", "f", "m", "m"]})
    with pytest.raises(Fault):
        hra.k_anonymous(table, quasi=["sex"], person="who", k=2, suppression_limit=0)


@pytest.mark.extra
@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_the_kind_given_is_the_kind_returned(package):
    frames = pytest.importorskip(package)
    table = people()
    given = table.to_pandas() if package == "pandas" else frames.from_arrow(table)
    if package == "pandas":
        given.index = frames.Index([f"person {place}" for place in range(300)], name="zip")
    made = make(given)
    assert isinstance(made.table, frames.DataFrame)
    assert list(made.table.columns) == ["diagnosis", "age", "zip", "born", "visits"]
    if package == "pandas":
        assert list(made.table.index) == list(range(len(made.table)))
    arrow = pa.Table.from_pandas(made.table) if package == "pandas" else made.table.to_arrow()
    assert min(classes(arrow).values()) >= 5


def test_both_zeros_of_a_number_are_one_value():
    """As two they would pass for two values of a class in which everybody has the same."""
    table = pa.table({"zip": ["1"] * 4 + ["2"] * 4, "debt": [0.0, -0.0] * 4})
    with pytest.raises(Refused):
        hra.k_anonymous(table, quasi=["zip"], sensitive=["debt"], k=4, l=2)
    made = hra.k_anonymous(pa.table({"debt": [0.0, -0.0] * 4}), quasi=["debt"], k=8)
    assert made.risk.classes == 1
