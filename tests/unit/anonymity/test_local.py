"""Proves what leaves in a locally recoded table, with every promise recounted in plain Python."""

from __future__ import annotations

import datetime as dt
import math
import random
from collections import Counter, defaultdict
from fractions import Fraction

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity import local

QUASI = ["age", "zip", "born"]
ILLNESSES = ["flu", "asthma", "gout", None]


def people(rows: int = 300, seed: int = 7) -> pa.Table:
    draw = random.Random(seed)
    return pa.table(
        {
            "diagnosis": [draw.choice(ILLNESSES) for _ in range(rows)],
            "age": [draw.choice([None, *range(18, 90)]) for _ in range(rows)],
            "zip": [f"{draw.randrange(10_000, 10_040)}" for _ in range(rows)],
            "born": [dt.date(1950, 1, 1) + dt.timedelta(days=draw.randrange(20_000)) for _ in range(rows)],
            "visits": [draw.randrange(9) for _ in range(rows)],
        }
    )


def make(table=None, **changes):
    asked = {"quasi": QUASI, "sensitive": ["diagnosis"], "keep": ["visits"], "k": 5} | changes
    return hra.k_anonymous_locally(people() if table is None else table, **asked)


def classes(table: pa.Table, quasi=QUASI, of="diagnosis") -> dict[tuple, list]:
    found = defaultdict(list)
    for row in table.to_pylist():
        found[tuple(row[name] for name in quasi)].append(row.get(of))
    return found


def test_every_class_holds_k_rows_and_nobody_is_dropped_by_a_naive_count():
    made = make()
    sizes = Counter({cells: len(rows) for cells, rows in classes(made.table).items()})
    assert min(sizes.values()) >= 5
    assert sum(sizes.values()) == made.table.num_rows == made.risk.released_rows == 300
    assert made.risk.suppressed_rows == 0
    assert Counter(sizes.values()) == dict(made.risk.class_sizes)
    assert len(made.classes) == len(sizes) == made.risk.classes


def test_each_row_names_its_class_and_the_class_reads_as_the_row():
    made = make()
    assert Counter(made.row_classes) == {place: one.rows for place, one in enumerate(made.classes)}
    for row, place in zip(made.table.to_pylist(), made.row_classes, strict=True):
        assert made.classes[place].labels == tuple(row[name] for name in QUASI)
    assert list(dict.fromkeys(made.row_classes)) == list(range(len(made.classes)))


def test_every_cell_is_a_group_of_the_hierarchy_that_holds_the_rows_value():
    source = people()
    tagged = source.append_column("row", pa.array(range(300)))
    given = hra.hierarchies_for(source, QUASI)
    made = make(tagged, keep=["visits", "row"], hierarchies=given)
    raw = source.to_pylist()
    for row, place in zip(made.table.to_pylist(), made.row_classes, strict=True):
        assert (row["visits"], row["diagnosis"]) == (
            raw[row["row"]]["visits"],
            raw[row["row"]]["diagnosis"],
        )
        for name, level in zip(QUASI, made.classes[place].levels, strict=True):
            value, cell, hierarchy = raw[row["row"]][name], row[name], given[name]
            if level == hierarchy.top:
                assert cell == "*"
            elif value is None:
                assert cell is None
            else:
                leaf = hierarchy.values.index(str(value))
                group = hierarchy.maps[level - 1][leaf] if level else leaf
                assert cell == (hierarchy.labels[level - 1] if level else hierarchy.values)[group]


def test_it_loses_less_than_one_level_per_column():
    whole = hra.k_anonymous(people(), quasi=QUASI, k=5, keep=["visits", "diagnosis"], suppression_limit=0)
    assert make().risk.loss < whole.risk.loss


def test_the_loss_is_one_less_the_mean_of_the_columns_granularity():
    risk = make().risk
    assert risk.loss == pytest.approx(1 - sum(each.granularity for each in risk.columns) / 3)


def test_l_distinct_values_stand_in_every_class_and_missing_is_none():
    made = make(l=3)
    counted = [len(set(rows) - {None}) for rows in classes(made.table).values()]
    assert min(counted) >= 3
    assert made.risk.sensitive[0].distinct == min(counted)


def test_a_test_of_value_counts_holds_in_every_class():
    def no_majority(values):
        return max(values.values()) <= sum(values.values()) / 2

    plain = classes(make().table).values()
    assert not all(no_majority(Counter(rows)) for rows in plain)  # else this test shows nothing
    made = make(holds={"diagnosis": no_majority})
    assert all(no_majority(Counter(rows)) for rows in classes(made.table).values())


def distance(values, whole):
    rows, total = sum(values.values()), sum(whole.values())
    return sum(abs(values[one] / rows - whole[one] / total) for one in whole) / 2


@pytest.mark.parametrize(
    ("model", "holds"),
    [
        ("entropy-l(visits)=4", lambda values, _: math.exp(nats(values)) >= 4 - 1e-9),
        ("t(visits)=0.4,equal", lambda values, whole: distance(values, whole) <= 0.4 + 1e-9),
        ("recursive-l(visits)=2,3", lambda values, _: ranked(values)[0] < 2 * sum(ranked(values)[2:])),
    ],
)
def test_a_model_holds_in_every_class_though_joining_may_break_it(model, holds):
    asked = {"quasi": ["age", "zip"], "sensitive": ["visits"], "keep": ["born", "diagnosis"]}
    plain = make(**asked).table
    whole = Counter(plain["visits"].to_pylist())

    def all_hold(table):
        found = classes(table, ["age", "zip"], of="visits").values()
        return all(holds(Counter(rows), whole) for rows in found)

    assert not all_hold(plain)  # else this test shows nothing
    made = make(**asked, models=[model])
    assert all_hold(made.table)
    assert made.table.num_rows == 300
    assert made.reached[0].model == model


def nats(values):
    rows = sum(values.values())
    return -sum(count / rows * math.log(count / rows) for count in values.values())


def ranked(values):
    return sorted(values.values(), reverse=True)


def test_a_test_of_the_whole_table_is_met_by_larger_classes_where_nobody_may_be_dropped():
    assert make().risk.prosecutor_average > Fraction(8, 100)
    made = make(models=["average-risk=0.08"])
    assert made.risk.prosecutor_average <= Fraction(8, 100)
    assert made.table.num_rows == 300


def test_a_model_that_needs_a_table_of_the_population_is_refused():
    with pytest.raises(CallerError):
        make(models=["k-map=5"])
    with pytest.raises(CallerError):
        make(models=["delta-presence=0,0.5"])


def test_k_counts_people_where_a_person_has_several_rows():
    table = pa.table({"who": ["p", "p", "q", "r"], "sex": ["f", "f", "m", "m"], "area": ["a"] * 4})
    rows_only = hra.k_anonymous_locally(table, quasi=["sex", "area"], keep=["who"], k=2)
    assert {row["sex"] for row in rows_only.table.to_pylist()} == {"f", "m"}
    people_too = hra.k_anonymous_locally(table, quasi=["sex", "area"], person="who", k=2)
    assert people_too.table.to_pylist() == [{"sex": "*", "area": "a"}] * 4
    assert people_too.risk.fewest_people == 3
    assert people_too.risk.prosecutor_max == Fraction(1, 3)


def test_the_order_of_the_source_does_not_show():
    rows = people().to_pylist()
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        again = make(pa.Table.from_pylist(rows), l=2)
        assert again.table.equals(make(l=2).table)
        assert again.row_classes == make(l=2).row_classes


def test_nor_do_ties_between_categories():
    draw = random.Random(5)
    rows = [{name: draw.choice("abcd") for name in "xyz"} for _ in range(40)]
    made = hra.k_anonymous_locally(pa.Table.from_pylist(rows), quasi=["x", "y", "z"], k=3)
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        again = hra.k_anonymous_locally(pa.Table.from_pylist(rows), quasi=["x", "y", "z"], k=3)
        assert again.table.equals(made.table)


def test_a_column_that_nobody_generalises_keeps_its_type():
    table = pa.table({"age": [30] * 4 + [40] * 4, "area": ["a", "b"] * 4})
    made = hra.k_anonymous_locally(table, quasi=["age", "area"], k=2)
    assert made.table.schema.field("age").type == pa.int64()
    assert made.risk.loss == 0


def test_labels_that_read_the_same_are_one_class():
    """The value ``x`` and the group ``x`` cannot be told apart in the table, so they are counted together."""
    ladder = hra.from_rows([("x", "x", "*"), ("y", "x", "*"), ("u", "x", "*"), ("z", "z", "*")])
    table = pa.table({"v": ["x", "x", "y", "u", "z", "z"]})
    made = hra.k_anonymous_locally(table, quasi=["v"], k=2, hierarchies={"v": ladder})
    assert made.table["v"].to_pylist() == ["x"] * 4 + ["z"] * 2
    assert made.risk.class_sizes == ((2, 1), (4, 1))
    assert made.row_classes == (0, 0, 0, 0, 1, 1)


def test_granularity_is_that_of_the_rows_that_stay():
    ladder = hra.from_rows([("x", "xy", "*"), ("y", "xy", "*"), ("u", "uz", "*"), ("z", "uz", "*")])
    made = hra.k_anonymous_locally(
        pa.table({"v": ["x", "y", "z"]}),
        quasi=["v"],
        k=2,
        hierarchies={"v": ladder},
        max_levels={"v": 1},
        suppression_limit="0.4",
    )
    assert made.table.num_rows == 2
    assert made.risk.columns[0].granularity == pytest.approx(1 - 1 / 3)
    assert made.risk.loss == pytest.approx((1 / 3 + 1 / 3 + 1) / 3)


def test_neither_metadata_nor_dictionaries_carry_the_source_along():
    wards = pa.array(["x"] * 10 + ["y"] * 10 + ["z"]).dictionary_encode()
    names = ("ward", "team", "note")
    schema = pa.schema([pa.field(name, wards.type, metadata={"secret": "x"}) for name in names], {"o": "s"})
    table = pa.table(dict.fromkeys(names, wards), schema=schema)
    made = hra.k_anonymous_locally(
        table,
        quasi=["ward"],
        sensitive=["team"],
        keep=["note"],
        k=5,
        max_levels={"ward": 0},
        suppression_limit=0.05,
    )
    assert made.table.num_rows == 20
    assert made.risk.suppressed_rows == 1
    assert made.table.schema.metadata is None
    assert not any(field.metadata or pa.types.is_dictionary(field.type) for field in made.table.schema)


def test_what_cannot_be_reached_is_refused():
    table = pa.table({"ward": ["x", "y", "z"]})
    with pytest.raises(Refused, match=r"No release keeps"):
        hra.k_anonymous_locally(table, quasi=["ward"], k=2)
    with pytest.raises(Refused):
        make(max_levels={"born": 0})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"keep": []}, "anonymity.unlisted-column"),
        ({"holds": {"age": bool}}, "anonymity.test-of-no-sensitive"),
        ({"max_levels": {"zip": 99}}, "anonymity.level-out-of-range"),
        ({"k": 1}, "anonymity.k-too-small"),
        ({"k": 301}, "anonymity.k-above-rows"),
        ({"k": "5"}, "call.kind"),
        ({"hierarchies": {"zip": hra.categories(["1"])}}, "anonymity.value-not-in-hierarchy"),
        ({"table": people(0)}, "anonymity.empty-table"),
    ],
)
def test_what_does_not_fit_is_refused(changes, code):
    with pytest.raises(CallerError) as caught:
        make(**changes)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "broken", [{"k": 6}, {"l": 3}, {"holds": {"diagnosis": lambda values: len(values) > 2}}]
)
def test_a_recoding_that_does_not_hold_is_caught_by_the_recount(monkeypatch, broken):
    """A recoding that only reaches k = 5 in rows is found out by the count of the finished table."""
    recode = local.recode

    def lazy(problem, **_):
        return recode(hra_problem(problem))

    def hra_problem(problem):
        return type(problem)(problem.tuples, problem.columns, 5, 0)

    monkeypatch.setattr(local, "recode", lazy)
    make()
    with pytest.raises(Fault) as caught:
        make(**broken)
    assert caught.value.code == "anonymity.recount"


def test_the_recount_counts_people(monkeypatch):
    recode = local.recode
    monkeypatch.setattr(
        local, "recode", lambda problem, **_: recode(type(problem)(problem.tuples, problem.columns, 2, 0))
    )
    table = pa.table({"who": ["p", "p", "q", "r"], "sex": ["f", "f", "m", "m"]})
    with pytest.raises(Fault):
        hra.k_anonymous_locally(table, quasi=["sex"], person="who", k=2)


@pytest.mark.extra
@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_the_kind_given_is_the_kind_returned(package):
    frames = pytest.importorskip(package)
    source = people(60)
    given = source.to_pandas() if package == "pandas" else frames.from_arrow(source)
    made = make(given).table
    assert isinstance(made, frames.DataFrame)
    arrow = pa.Table.from_pandas(made) if package == "pandas" else made.to_arrow()
    assert min(map(len, classes(arrow).values())) >= 5


def test_what_a_result_shows_of_itself_holds_no_value():
    shown = repr(make())
    assert "100" not in shown.replace("1000", "")
    assert "flu" not in shown
    assert "196" not in shown
