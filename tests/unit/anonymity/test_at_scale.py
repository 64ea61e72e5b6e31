"""Proves that releases chosen by counts, in batches or by Spark, are those of the whole table in memory."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import csv

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity import counted

LADDERS = {
    "age": hra.numbers(range(12), step=3),
    "zip": hra.codes(["111", "112", "121", "222", "223"]),
    "sex": hra.categories("fm"),
}
ASKED = {"quasi": list(LADDERS), "hierarchies": LADDERS, "sensitive": ["illness"], "keep": ["note"]}
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 11)),
        st.sampled_from(LADDERS["zip"].values),
        st.sampled_from(["f", "m", None]),
        st.sampled_from(["flu", "gout", "none", None]),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=24,
)
MODELS = [
    [],
    ["distinct-l(illness)=2"],
    ["entropy-l(illness)=1.2"],
    ["recursive-l(illness)=3,2"],
    ["t(illness)=0.5,equal"],
    ["beta(illness)=2,basic"],
    ["average-risk=0.3"],
]


def table_of(rows) -> pa.Table:
    age, zips, sex, illness, note = zip(*rows, strict=True)
    columns = {
        "age": pa.array(age, pa.int64()),
        "zip": pa.array(zips, pa.string()),
        "extra": ["secret"] * len(rows),
    }
    texts = {"sex": pa.array(sex, pa.string()), "illness": pa.array(illness, pa.string())}
    return pa.table(columns | texts | {"note": note})


def drawn(rows: int, seed: int) -> pa.Table:
    draw = random.Random(seed)
    return table_of(
        [
            (
                draw.choice([None, *range(12)]),
                draw.choice(LADDERS["zip"].values),
                draw.choice(["f", "m", "m", None]),
                draw.choice(["flu", "gout", "none", None]),
                draw.randrange(4),
            )
            for _ in range(rows)
        ]
    )


def in_batches(table: pa.Table, size: int):
    return lambda: iter(table.to_batches(max_chunksize=size))


def rows_of(table: pa.Table) -> Counter:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))


def outcome(make, given, **asked):
    try:
        return make(given, **asked)
    except (CallerError, Refused) as error:
        return error.code


def assert_same(other, whole, rows):
    if isinstance(whole, str):
        assert other == whole
        return
    assert other.levels == whole.levels
    assert other.loss == whole.loss
    assert other.is_optimal == whole.is_optimal
    assert (other.released_rows, other.suppressed_rows) == (whole.released_rows, whole.suppressed_rows)
    assert other.classes == whole.classes
    assert other.left_out == whole.left_out
    assert rows.column_names == whole.frame.column_names
    assert rows.schema.types == whole.frame.schema.types
    assert rows_of(rows) == rows_of(whole.frame)


def gathered(made):
    return None if isinstance(made, str) else pa.Table.from_batches(made.frame, made.frame.schema)


@settings(max_examples=50, deadline=None)
@given(ROWS, st.integers(2, 4), st.sampled_from([0, 0.1, 0.5]), st.sampled_from(MODELS), st.integers(1, 9))
def test_batches_of_any_size_give_the_release_of_the_whole_table(rows, k, limit, models, size):
    table, asked = table_of(rows), ASKED | {"k": k, "suppression": limit, "models": models}
    made = outcome(hra.k_anonymise_batches, in_batches(table, size), **asked)
    assert_same(made, outcome(hra.k_anonymise, table, **asked), gathered(made))


@pytest.mark.parametrize("models", MODELS[1:])
def test_every_model_decides_by_rows_and_not_by_combinations(models):
    for seed in range(4):
        table = pa.concat_tables([drawn(40, seed), table_of([(seed, "111", "f", "flu", 0)] * 30)])
        asked = ASKED | {"k": 2, "suppression": 0.5, "models": models}
        made = outcome(hra.k_anonymise_batches, in_batches(table, 16), **asked)
        assert_same(made, outcome(hra.k_anonymise, table, **asked), gathered(made))


def other_types(rows: int = 60) -> pa.Table:
    draw = random.Random(5)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    days = [draw.randrange(90) for _ in range(rows)]
    kinds = {
        "born": pa.array([dt.date(1980 + day, 1, 2) for day in days], pa.date32()),
        "seen": pa.array([start + dt.timedelta(days=day) for day in days], pa.timestamp("us", "UTC")),
        "pay": pa.array([draw.choice([0.5, 1.5, float("nan"), None]) for _ in range(rows)], pa.float64()),
        "cost": pa.array([Decimal(draw.randrange(4)) for _ in range(rows)], pa.decimal128(10, 2)),
        "is`new.": pa.array([draw.choice([True, False, None]) for _ in range(rows)]),
        "Is`NEW.": pa.array([1] * rows, pa.int16()),
    }
    return pa.table(kinds)


KINDS = {"quasi": ["born", "seen", "cost", "is`new."], "sensitive": ["pay"], "keep": ["Is`NEW."], "k": 3}


def test_dates_numbers_truth_values_and_odd_names_are_as_in_memory():
    table = other_types()
    made = hra.k_anonymise_batches(in_batches(table, 7), **KINDS)
    assert_same(made, hra.k_anonymise(table, **KINDS), gathered(made))


def test_a_batch_does_not_tell_the_order_of_its_rows():
    table = drawn(60, 1)
    backwards = table.take(list(range(60))[::-1])
    released = [
        gathered(hra.k_anonymise_batches(in_batches(each, 60), k=3, **ASKED)) for each in (table, backwards)
    ]
    assert released[0].equals(released[1])


def test_counts_are_merged_while_they_are_read_and_stay_as_few_as_the_combinations(monkeypatch):
    monkeypatch.setattr(counted, "_LEAST_WAITING", 8)
    tally, most = counted.Tally(), 0
    for place in range(200):
        tally.add(pa.table({"a": [place % 5, place % 5, place % 7]}))
        most = max(most, sum(part.num_rows for part in tally._parts))
    found = tally.counts()
    assert dict(zip(found.table["a"].to_pylist(), found.rows.tolist(), strict=True)) == Counter(
        value for place in range(200) for value in (place % 5, place % 5, place % 7)
    )
    assert most <= 7 + 8 + 2


def changing(*tables: pa.Table):
    """Give another table each time it is read."""
    turns = itertools.chain(tables, itertools.repeat(tables[-1]))
    return lambda: next(turns).to_batches(max_chunksize=16)


def test_rows_that_changed_between_the_readings_are_told_and_no_new_class_leaves():
    table = drawn(200, 2)
    more = pa.concat_tables([table, table_of([(0, "111", "f", "flu", 1)])])
    unknown = pa.concat_tables([table.slice(1), table_of([(99, "999", "x", "flu", 1)])])
    missing = pa.concat_tables([table.slice(1), table_of([(0, None, "f", "flu", 1)])])
    for second in (table.slice(1), more, unknown, missing, table.select(["age"]), table.slice(0, 0)):
        made, left = hra.k_anonymise_batches(changing(table, second), k=3, suppression=0.1, **ASKED), []
        with pytest.raises(CallerError) as caught:
            left.extend(made.frame)
        assert caught.value.code == "anonymity.rows-changed"
    made = hra.k_anonymise_batches(changing(table, table_of([(None, "223", None, "flu", 7)])), k=3, **ASKED)
    whole = hra.k_anonymise(table, k=3, **ASKED)
    classes = set(zip(*(whole.frame[name].to_pylist() for name in LADDERS), strict=True))
    left = []
    with pytest.raises(CallerError):
        left.extend(made.frame)
    assert {tuple(row[name] for name in LADDERS) for batch in left for row in batch.to_pylist()} <= classes


def test_a_suppressed_class_that_leaves_is_caught_by_the_recount(monkeypatch):
    table = drawn(80, 3)
    made = hra.k_anonymise_batches(in_batches(table, 16), k=4, suppression=0.3, **ASKED)
    assert made.suppressed_rows
    monkeypatch.setattr(
        hra.ReleasedBatches, "_staying", lambda _, codes: pa.array(range(len(codes[0]))).to_numpy()
    )
    with pytest.raises(CallerError):
        gathered(made)
    counts = counted.Tally()
    counts.add(table.select(list(LADDERS)))
    chosen = made.frame._made
    monkeypatch.setattr(counted, "histogram", lambda _: chosen.risk.class_sizes)
    with pytest.raises(Fault) as caught:
        chosen.recount(counts.counts())
    assert caught.value.code == "anonymity.recount"


@pytest.mark.parametrize("model", MODELS[1:])
def test_each_model_is_counted_anew_on_the_finished_counts(model, monkeypatch):
    table = pa.concat_tables([drawn(80, 4), table_of([(3, "111", "f", "flu", 0)] * 9)])
    made = hra.k_anonymise_batches(in_batches(table, 16), k=2, suppression=0.5, models=model, **ASKED)
    assert gathered(made).num_rows == made.released_rows
    monkeypatch.setattr(counted, "histogram", lambda _: made.risk.class_sizes)
    raw = table_of([(3, "111", "f", "flu", 0)] * 4 + [(3, "112", "f", None, 0)] * 4)
    if model == ["average-risk=0.3"]:
        raw = table_of([(0, "111", "f", "flu", 0)] * 2 + [(1, "111", "f", "flu", 0)] * 2)
    counts = counted.Tally()
    counts.add(raw.select([*LADDERS, *(["illness"] if "illness" in model[0] else [])]))
    with pytest.raises(Fault) as caught:
        made.frame._made.recount(counts.counts())
    assert caught.value.code == "anonymity.recount"


def test_what_cannot_be_read_is_refused_before_rows_are():
    table = drawn(20, 1)
    for wrong, code in (
        ({"read": 3}, "call.kind"),
        ({"read": lambda: [table]}, "anonymity.no-batches"),
        ({"read": list}, "anonymity.empty-table"),
        (
            {"read": in_batches(table, 5), "quasi": ["nobody"], "hierarchies": None},
            "anonymity.unknown-column",
        ),
        ({"read": in_batches(table.slice(0, 0), 5)}, "anonymity.empty-table"),
    ):
        asked = ASKED | {"k": 2} | wrong
        with pytest.raises(CallerError) as caught:
            hra.k_anonymise_batches(asked.pop("read"), **asked)
        assert caught.value.code == code
    nested = table.append_column("list", pa.array([[1]] * 20))
    with pytest.raises(CallerError) as caught:
        hra.k_anonymise_batches(in_batches(nested, 5), k=2, **(ASKED | {"keep": ["list"]}))
    assert caught.value.code == "anonymity.column-type"


@pytest.fixture(scope="module")
def adult(shared_data) -> pa.Table:
    return csv.read_csv(shared_data / "adult" / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))


@pytest.fixture(scope="module")
def of_adult(shared_data, adult):
    folder = shared_data / "adult"
    quasi = [name for name in adult.column_names if name != "occupation"]
    ladders = {name: folder / f"adult_hierarchy_{name}.csv" for name in quasi}
    asked = {"quasi": quasi, "k": 5, "hierarchies": ladders, "sensitive": ["occupation"]}
    return asked | {"models": ["distinct-l(occupation)=2"]}


@pytest.mark.system
def test_adult_in_batches_is_adult_in_memory(adult, of_adult):
    made = hra.k_anonymise_batches(in_batches(adult, 4096), **of_adult)
    assert made.suppressed_rows
    assert_same(made, hra.k_anonymise(adult, **of_adult), gathered(made))


@pytest.mark.extra
class TestSpark:
    @pytest.mark.system
    def test_adult_by_spark_is_adult_in_memory(self, spark_session, adult, of_adult):
        quasi = ["age", "education", "marital-status", "sex"]
        asked = of_adult | {
            "quasi": quasi,
            "hierarchies": {name: of_adult["hierarchies"][name] for name in quasi},
        }
        made = hra.k_anonymise(spark_session.createDataFrame(adult), **asked)
        assert made.suppressed_rows
        assert_same(made, hra.k_anonymise(adult, **asked), made.frame.toArrow())

    @pytest.mark.parametrize(
        ("seed", "k", "limit", "models"), [(1, 2, 0.3, MODELS[1]), (2, 3, 0.1, []), (3, 4, 0.5, MODELS[4])]
    )
    def test_small_tables_are_as_in_memory(self, spark_session, seed, k, limit, models):
        table, asked = drawn(30, seed), ASKED | {"k": k, "suppression": limit, "models": models}
        made = outcome(hra.k_anonymise, spark_session.createDataFrame(table), **asked)
        rows = None if isinstance(made, str) else made.frame.toArrow()
        assert_same(made, outcome(hra.k_anonymise, table, **asked), rows)

    def test_other_types_and_odd_names_are_as_in_memory(self, spark_session):
        table = other_types()
        spark_session.conf.set("spark.sql.caseSensitive", "true")  # only so that the frame can be made
        frame = spark_session.createDataFrame(table)
        spark_session.conf.set("spark.sql.caseSensitive", "false")
        made = hra.k_anonymise(frame, **KINDS)
        assert_same(made, hra.k_anonymise(table, **KINDS), made.frame.toArrow())

    def test_the_order_of_the_source_is_not_that_of_the_release(self, spark_session):
        table = drawn(30, 1)
        backwards = table.take(list(range(30))[::-1])
        first, second = (
            hra.k_anonymise(spark_session.createDataFrame(each), k=3, **ASKED).frame.toArrow()
            for each in (table, backwards)
        )
        assert first.equals(second)

    def test_no_row_comes_to_the_driver_but_counts(self, spark_session, monkeypatch):
        frame = spark_session.createDataFrame(drawn(500, 6).append_column("own", pa.array(range(500))))
        brought, bring = [], type(frame).toArrow

        def watched(each):
            brought.append(bring(each))
            return brought[-1]

        monkeypatch.setattr(type(frame), "toArrow", watched)
        made = hra.k_anonymise(frame, k=5, **(ASKED | {"keep": ["own"], "models": MODELS[1]}))
        assert made.left_out == ("extra", "note")
        empty, before, after = brought
        assert empty.num_rows == 0
        for counts in (before, after):
            assert counts.num_columns == 5
            assert sum(counts.column(4).to_pylist()) in (500, made.released_rows)
            assert (
                len(set(zip(*(each.to_pylist() for each in counts.columns[:4]), strict=True)))
                == counts.num_rows
            )

    def test_a_class_that_was_not_chosen_never_comes_out(self, spark_session, tmp_path):
        path, table = tmp_path / "rows.json", drawn(200, 2)
        rows = [json.dumps(row) for row in table.to_pylist()]
        path.write_text("\n".join(rows))
        schema = spark_session.createDataFrame(table.slice(0, 0)).schema
        made = hra.k_anonymise(
            spark_session.read.schema(schema).json(str(path)), k=5, suppression=0.1, **ASKED
        )
        classes = {tuple(row[name] for name in LADDERS) for row in made.frame.toArrow().to_pylist()}
        changed = json.dumps({"zip": "223", "sex": "x", "extra": "secret", "note": 1}).ljust(len(rows[0]))
        path.write_text("\n".join([changed[: len(rows[0])], *rows[1:]]))
        assert "x" in {row["sex"] for row in spark_session.read.json(str(path)).collect()}
        after = made.frame.toArrow().to_pylist()
        assert len(after) >= made.released_rows - 1
        assert {tuple(row[name] for name in LADDERS) for row in after} == classes

    def test_a_failure_in_spark_tells_no_value(self, spark_session):
        broken = spark_session.sql("SELECT 1L AS age, raise_error('a secret') AS zip")
        with pytest.raises(Fault) as caught:
            hra.k_anonymise(broken, quasi=["age", "zip"], k=2)
        assert caught.value.code == "engine.failed"
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_a_spark_that_is_too_old_is_told():
    old = type("DataFrame", (), {"__module__": "pyspark.sql.dataframe", "sparkSession": None})
    with pytest.raises(Fault) as caught:
        hra.k_anonymise(old(), k=2, **ASKED)
    assert caught.value.code == "extra.missing"


def test_pyspark_is_never_imported():
    code = (
        "import sys, hedgerow.anonymity as hra\n"
        "hra.k_anonymise({'age': [1, 1, 2, 2]}, quasi=['age'], k=2)\n"
        "assert not [n for n in sys.modules if n.startswith(('pyspark', 'py4j'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
