"""Proves that a relation gives granted columns of allowed people, exactly; DuckDB reaches nothing else."""

from __future__ import annotations

import gc
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from tests.unit.engine.tables import everyone, new_key, stored

from hedgerow.adapters.engines import DuckEngine, ranks_for, scanning
from hedgerow.adapters.engines.duck import DuckPool
from hedgerow.adapters.files import MemoryShelf
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.plans import (
    AnyOf,
    Clamp,
    Column,
    Compare,
    CountRows,
    ExactAggregation,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumValues,
)


def _plan(*aggregates, keys=(), where=None, max_rows=100) -> ExactAggregation:
    return ExactAggregation(tuple(keys), aggregates or (CountRows(),), where, max_rows)


def _one(array: pa.Array) -> scanning.BucketRelation:
    """A relation over one column x, one person a row."""
    engine, people = DuckEngine(MemoryShelf()), np.arange(len(array), dtype=np.int64)
    files = engine.write(pa.table({"x": array}), people, ranks_for(people), 1, new_key, b"")
    return engine.scan(files, ["x"], PeopleFilter.of(range(len(array))))


def _sum(lower: object, upper: object, digits: int) -> SumValues:
    return SumValues("x", Clamp(Fraction(lower), Fraction(upper)), digits)


class TestFilter:
    def test_only_allowed_people_count(self) -> None:
        engine, _, files = stored()
        few = engine.scan(files, ["ward"], PeopleFilter.of([1001, 1004, 5]))
        assert few.aggregate(_plan()) == [(8,)]
        assert few.table().num_rows == 8
        assert engine.scan(files, ["ward"], everyone()).aggregate(_plan()) == [(40,)]

    def test_nobody_is_allowed_by_default(self) -> None:
        engine, _, files = stored()
        nobody = engine.scan(files, ["ward"], PeopleFilter(b""))
        assert nobody.aggregate(_plan(keys=[KeyDomain("ward", ("A", "B"))])) == [(0,), (0,)]
        assert nobody.table(with_person=True).num_rows == 0
        assert nobody.table(with_person=True).column_names == ["ward", "_person"]

    def test_one_person_opens_one_bucket_only(self) -> None:
        engine, shelf, files = stored(buckets=4)
        for file in files:
            if file.bucket != 1001 % 4:
                shelf.delete(file.name)
        assert engine.scan(files, ["note"], PeopleFilter.of([1001])).table().num_rows == 4

    def test_row_groups_of_others_stay_sealed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from hedgerow.adapters.engines import buckets

        monkeypatch.setattr(buckets, "_GROUP_ROWS", 4)
        _, shelf, (file,) = stored(buckets=1)
        opened = buckets.open_bucket(file, shelf)
        read = opened.read(["_person"], np.array([1003], dtype=np.int64))["_person"].to_pylist()
        assert read == [1003] * 4
        assert opened.read(["_person"], np.array([7], dtype=np.int64)).num_rows == 0

    @pytest.mark.parametrize("packed", [np.array([2, 1]), np.array([1, 1])])
    def test_an_unsorted_filter_is_refused(self, packed: np.ndarray) -> None:
        engine, _, files = stored()
        with pytest.raises(CallerError) as caught:
            engine.scan(files, ["ward"], PeopleFilter.of_sorted(packed))
        assert caught.value.code == "engine.people-order"

    def test_what_is_no_list_of_numbers_is_refused(self) -> None:
        for make in (
            lambda: PeopleFilter(b"1234567"),
            lambda: PeopleFilter.of([2**63]),
            lambda: PeopleFilter.of_sorted(np.array([1.0])),
            lambda: PeopleFilter.of_sorted(np.zeros((2, 2), dtype=np.int64)),
            lambda: PeopleFilter.of_sorted([1, 2]),
        ):
            with pytest.raises(CallerError) as caught:
                make()
            assert caught.value.code == "engine.people-order"

    def test_a_filter_tells_its_size_and_shows_nobody(self) -> None:
        people = PeopleFilter.of([7654321, 3, 3])
        assert (len(people), list(people)) == (2, [3, 7654321])
        assert people == PeopleFilter.of_sorted(np.array([3, 7654321]))
        assert "7654321" not in repr(people)
        engine, _, files = stored()
        assert "1001" not in repr(engine.scan(files, ["ward"], everyone()))

    def test_rows_past_the_contribution_bound_do_not_count(self) -> None:
        engine, _, files = stored()
        relation = engine.scan(files, [], everyone())
        assert [relation.aggregate(_plan(max_rows=most)) for most in (0, 1, 3, 4, 9)] == [
            [(0,)], [(10,)], [(30,)], [(40,)], [(40,)],
        ]  # fmt: skip


class TestGrants:
    def test_a_column_not_granted_cannot_be_read(self) -> None:
        engine, _, files = stored()
        relation = engine.scan(files, ["ward"], everyone())
        for plan in (
            _plan(CountRows("age")),
            _plan(keys=[KeyDomain("note", ("x",))]),
            _plan(where=Not(IsNull(Column("age")))),
            _plan(CountRows("_person")),
        ):
            with pytest.raises(CallerError) as caught:
                relation.aggregate(plan)
            assert caught.value.code == "engine.column-not-granted"
        assert relation.table().column_names == ["ward"]
        assert relation.table(with_person=True).column_names == ["ward", "_person"]

    @pytest.mark.parametrize(
        ("columns", "code"),
        [
            (["_person"], "engine.column-reserved"),
            (["_rank"], "engine.column-reserved"),
            (["age", "age"], "engine.column-twice"),
        ],
    )
    def test_a_grant_names_data_columns_once(self, columns: list[str], code: str) -> None:
        engine, _, files = stored()
        with pytest.raises(CallerError) as caught:
            engine.scan(files, columns, everyone())
        assert caught.value.code == code

    def test_an_unknown_column(self) -> None:
        engine, _, files = stored()
        with pytest.raises(CallerError) as caught:
            engine.scan(files, ["nope"], everyone()).table()
        assert caught.value.code == "engine.column-unknown"

    def test_a_table_without_people_does_not_keep_their_rows_together(self) -> None:
        engine, _, files = stored(rows=300, people=10, buckets=1)
        relation = engine.scan(files, ["note"], everyone())
        first, second = relation.table()["note"].to_pylist(), relation.table()["note"].to_pylist()
        assert sorted(first) == sorted(second)
        assert first != second


class TestExactness:
    def test_groups_come_in_the_declared_order_with_zeros(self) -> None:
        engine, _, files = stored()
        relation = engine.scan(files, ["ward", "age"], everyone())
        keys = [KeyDomain("ward", ("C", "none", "A")), KeyDomain("age", (0, 3, 5))]
        expected = [(0,), (0,), (1,), (0,), (0,), (0,), (1,), (1,), (0,)]
        assert relation.aggregate(_plan(keys=keys)) == expected

    def test_sums_do_not_overflow(self) -> None:
        most = 2**53
        relation = _one(pa.array([2**63 - 1] * 3000))
        assert relation.aggregate(_plan(_sum(0, most, 0))) == [(3000 * most,)]

    @pytest.mark.parametrize("digits", [0, 1, 2, 3])
    @pytest.mark.parametrize("scale", [0, 1, 2, 5])
    @pytest.mark.parametrize("precision", [9, 18, 38])
    def test_decimals_round_half_to_even(self, precision: int, scale: int, digits: int) -> None:
        unit = Decimal(1).scaleb(-scale)
        values = [unit * step for step in (-351, -250, -150, -50, -5, 0, 5, 15, 25, 50, 150, 250, 251)] + [
            None
        ]
        expected = sum(round(Fraction(value) * 10**digits) for value in values if value is not None)
        relation = _one(pa.array(values, pa.decimal128(precision, scale)))
        assert relation.aggregate(_plan(_sum(-(10**9), 10**9, digits))) == [(expected,)]

    def test_doubles_round_half_to_even_after_a_double_product(self) -> None:
        values = [
            0.5,
            1.5,
            2.5,
            -0.5,
            -1.5,
            0.145,
            0.285,
            1.005,
            0.49999999999999994,
            4503599627370495.5,
            None,
        ]
        for digits in (0, 1, 2):
            for value in values:
                expected = 0 if value is None else max(-(2**53), min(2**53, round(value * 10.0**digits)))
                bound = Fraction(2**53, 10**digits)
                assert _one(pa.array([value])).aggregate(_plan(_sum(-bound, bound, digits))) == [(expected,)]

    def test_clamping_to_bounds_outside_the_type(self) -> None:
        cases = [
            (pa.array([1, 2, None], pa.uint8()), (300, 400, 0), 600),
            (pa.array([1, 2, None], pa.uint8()), (-9, -5, 1), -100),
            (pa.array([Decimal("0.5"), None], pa.decimal128(18, 18)), (10**15, 10**15, 0), 10**15),
            (pa.array([Decimal("0.5"), None], pa.decimal128(18, 18)), (-(10**15), -(10**15), 0), -(10**15)),
            (pa.array([True, False, None]), (Fraction(1, 2), 5, 0), 1),
        ]
        for array, (lower, upper, digits), expected in cases:
            assert _one(array).aggregate(_plan(_sum(lower, upper, digits))) == [(expected,)]

    def test_null_compares_as_false_and_its_negation_as_true(self) -> None:
        relation = _one(pa.array([1.0, None, float("nan"), float("-inf")]))
        below = Compare("<", Column("x"), Literal(5))
        assert relation.aggregate(_plan(where=below)) == [(1,)]
        assert relation.aggregate(_plan(where=Not(below))) == [(3,)]
        assert relation.aggregate(_plan(where=IsNull(Column("x")))) == [(3,)]
        assert relation.aggregate(_plan(CountRows("x"), where=AnyOf((below, Not(below))))) == [(1,)]
        assert relation.aggregate(_plan(where=Compare("=", Column("x"), Literal(None)))) == [(0,)]

    def test_dates_and_times_compare_with_iso_text(self) -> None:
        days = _one(pa.array([date(2024, 1, 31), date(2024, 2, 1), None]))
        times = _one(pa.array([datetime(2024, 2, 1, 9, tzinfo=UTC), datetime(2024, 2, 1, 10, tzinfo=UTC)]))
        since = Compare(">=", Column("x"), Literal("2024-02-01"))
        assert days.aggregate(_plan(where=since)) == [(1,)]
        assert times.aggregate(_plan(where=since)) == [(2,)]
        zoned = Compare("<=", Column("x"), Literal("2024-02-01T10:00:00+01:00"))
        assert times.aggregate(_plan(where=zoned)) == [(1,)]
        assert days.aggregate(_plan(keys=[KeyDomain("x", ("2024-02-01", "2024-02-02"))])) == [(1,), (0,)]

    def test_files_of_two_versions_may_differ_in_width(self) -> None:
        engine, people = DuckEngine(MemoryShelf()), np.array([1, 2], dtype=np.int64)
        files: list = []
        for kind in (
            pa.int8(),
            pa.int64(),
            pa.float64(),
            pa.decimal128(5, 1),
            pa.decimal128(20, 1),
            pa.null(),
        ):
            values = [Decimal(1), Decimal(2)] if pa.types.is_decimal(kind) else [1, 2]
            array = pa.array([None, None] if kind == pa.null() else values, kind)
            files += engine.write(pa.table({"x": array}), people, ranks_for(people), 2, new_key, b"")
        relation = engine.scan(files, ["x"], PeopleFilter.of([1, 2]))
        over = Compare(">", Column("x"), Literal(Fraction(3, 2)))
        assert relation.aggregate(_plan(CountRows("x"), _sum(0, 9, 1))) == [(10, 150)]
        assert relation.aggregate(_plan(keys=[KeyDomain("x", (2, 1))], where=over)) == [(5,), (0,)]

    def test_many_small_pieces_give_the_same_sums(self, monkeypatch: pytest.MonkeyPatch) -> None:
        engine, _, files = stored(rows=500, people=60, buckets=16)
        plan = _plan(
            CountRows(),
            SumValues("age", Clamp(Fraction(0), Fraction(50)), 2),
            keys=[KeyDomain("ward", ("A", "C"))],
        )
        whole = engine.scan(files, ["ward", "age"], everyone(60)).aggregate(plan)
        monkeypatch.setattr(scanning, "_UNIT_ROWS", 1)
        assert engine.scan(files, ["ward", "age"], everyone(60)).aggregate(plan) == whole
        assert (
            DuckEngine(engine._shelf, threads=1).scan(files, ["ward", "age"], everyone(60)).aggregate(plan)
            == whole
        )
        assert whole[0][0] == 167


class TestMistakes:
    @pytest.mark.parametrize(
        ("array", "plan", "code"),
        [
            (pa.array(["a"]), _plan(_sum(0, 1, 0)), "engine.not-a-number"),
            (pa.array([date(2024, 1, 1)]), _plan(_sum(0, 1, 0)), "engine.not-a-number"),
            (pa.array([[1]]), _plan(_sum(0, 1, 0)), "engine.not-a-number"),
            (pa.array([[1]]), _plan(where=Compare("=", Column("x"), Literal(1))), "engine.column-type"),
            (pa.array([[1]]), _plan(keys=[KeyDomain("x", (1,))]), "engine.column-type"),
            (pa.array(["a"]), _plan(where=Compare("=", Column("x"), Literal(1))), "engine.literal-type"),
            (
                pa.array(["a"]),
                _plan(where=Compare("=", Column("x"), Literal("\ud800"))),
                "engine.literal-type",
            ),
            (pa.array([1]), _plan(where=Compare("=", Column("x"), Literal("1"))), "engine.literal-type"),
            (
                pa.array([1]),
                _plan(where=Compare("=", Column("x"), Literal(value=True))),
                "engine.literal-type",
            ),
            (pa.array([1.5]), _plan(keys=[KeyDomain("x", ("a",))]), "engine.literal-type"),
            (
                pa.array([date(2024, 1, 1)]),
                _plan(where=Compare("=", Column("x"), Literal("x"))),
                "engine.literal-type",
            ),
            (
                pa.array([date(2024, 1, 1)]),
                _plan(where=Compare("=", Column("x"), Literal(1))),
                "engine.literal-type",
            ),
            (pa.array([1]), _plan(_sum(2, 1, 0)), "engine.bounds"),
            (pa.array([1]), _plan(_sum(0, 2**53, 1)), "engine.bounds"),
            (pa.array([1]), _plan(_sum(0, 1, 19)), "engine.bounds"),
            (pa.array([1]), _plan(_sum(0, 1, -1)), "engine.bounds"),
            (pa.array([1]), _plan(keys=[KeyDomain("x", (1, 1))]), "engine.key-twice"),
            (pa.array([1]), _plan(keys=[KeyDomain("x", tuple(range(4000)))] * 2), "engine.groups"),
        ],
    )
    def test_what_cannot_be_computed_is_the_callers(
        self, array: pa.Array, plan: ExactAggregation, code: str
    ) -> None:
        with pytest.raises(CallerError) as caught:
            _one(array).aggregate(plan)
        assert caught.value.code == code

    def test_keys_that_equal_others_of_another_kind_are_not_taken_for_them(self) -> None:
        relation = _one(pa.array([1, 0, 1]))
        assert relation.aggregate(_plan(keys=[KeyDomain("x", (1, 0))])) == [(2,), (1,)]
        with pytest.raises(CallerError) as caught:
            relation.aggregate(_plan(keys=[KeyDomain("x", (True, False))]))
        assert caught.value.code == "engine.literal-type"

    def test_a_column_of_lists_can_be_counted(self) -> None:
        relation = _one(pa.array([[1], None, []]))
        assert relation.aggregate(_plan(CountRows("x"))) == [(2,)]
        assert relation.aggregate(_plan(where=IsNull(Column("x")))) == [(1,)]


class TestHardening:
    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM '/etc/passwd'",
            "COPY (SELECT 1) TO '/tmp/hedgerow-must-not-exist.csv'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "ATTACH '/tmp/hedgerow-must-not-exist.db'",
            "SET enable_external_access = true",
            "SET memory_limit = '100GB'",
            "SELECT * FROM local_frame",
        ],
    )
    def test_a_statement_reaches_nothing_outside(self, sql: str) -> None:
        local_frame = pa.table({"x": [1]})
        with pytest.raises(Fault) as caught:
            DuckPool(1, 2**28).rows(local_frame, sql, [])
        assert caught.value.code == "engine.failed"

    def test_the_error_tells_the_kind_and_no_value(self) -> None:
        table = pa.table({"x": ["secret-value"]})
        with pytest.raises(Fault) as caught:
            DuckPool(1, 2**28).rows(table, "SELECT CAST(x AS INTEGER) FROM t", [])
        assert "ConversionException" in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_threads_memory_and_spilling_are_bounded(self) -> None:
        pool = DuckPool(2, 2**28)
        names = ("threads", "memory_limit", "temp_directory")
        settings = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
        assert pool.rows(pa.table({"x": [1]}), settings, []) == [(2, "256.0 MiB", "")]
        with pytest.raises(Fault, match="OutOfMemory"):
            pool.rows(pa.table({"x": range(100)}), "SELECT list(r.range) FROM range(100000000) r", [])

    def test_rows_are_forgotten_after_a_statement(self) -> None:
        pool = DuckPool(1, 2**28)
        pool.rows(pa.table({"x": ["kept?"]}), "SELECT count(*) FROM t", [])
        gc.collect()
        cursor = pool._idle.get_nowait()
        with pytest.raises(duckdb.CatalogException):
            cursor.execute("SELECT * FROM t")
