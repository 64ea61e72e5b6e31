"""Proves that bucket files open only whole, in their place, under their key, and hold no clear text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.engine.tables import BINDING, everyone, new_key, stored, visits

from hedgerow.adapters.engines import bucket_count_for, ranks_for, rewrite_without, write_buckets
from hedgerow.adapters.engines.buckets import open_bucket
from hedgerow.adapters.files import MemoryShelf
from hedgerow.model.engine import PERSON, RANK, PeopleFilter
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.plans import CountRows, ExactAggregation


def _damage(shelf: MemoryShelf, name: str, content: bytes) -> None:
    shelf._files[name] = content


def _reads(file, shelf) -> pa.Table:
    opened = open_bucket(file, shelf)
    return opened.read(opened.schema.names)


class TestCutting:
    @pytest.mark.parametrize(
        ("rows", "buckets"),
        [(0, 1), (1, 1), (160_000, 1), (160_001, 2), (1_000_000, 8), (10_000_000, 64), (10**9, 128)],
    )
    def test_bucket_counts(self, rows: int, buckets: int) -> None:
        assert bucket_count_for(rows) == buckets

    def test_a_person_lies_in_one_bucket_with_rows_together(self) -> None:
        _, shelf, files = stored(rows=300, people=30, buckets=8)
        assert sum(file.rows for file in files) == 300
        seen: set[int] = set()
        for file in files:
            people = _reads(file, shelf)[PERSON].to_pylist()
            assert people == sorted(people)
            assert {person % 8 for person in people} == {file.bucket}
            assert not seen & set(people)
            seen |= set(people)
        assert len(seen) == 30

    def test_rows_of_a_person_lie_in_random_order(self) -> None:
        table, people = pa.table({"n": range(300)}), np.zeros(300, dtype=np.int64)
        shelf = MemoryShelf()
        orders = []
        for _ in range(2):
            (file,) = write_buckets(table, people, ranks_for(people), 1, shelf, new_key, binding=b"")
            orders.append(_reads(file, shelf)["c0"].to_pylist())
        assert orders[0] != orders[1]
        assert orders[0] != list(range(300))
        assert sorted(orders[0]) == list(range(300))

    def test_each_file_has_a_key_of_its_own_that_no_repr_shows(self) -> None:
        _, _, files = stored()
        assert len({file.key for file in files}) == len(files)
        assert "key" not in repr(files[0])
        assert BINDING.decode() not in repr(files[0])

    def test_nothing_stays_when_a_write_breaks(self) -> None:
        shelf, calls = MemoryShelf(), iter([b"k" * 32, b"k" * 31])
        table, people = visits()
        with pytest.raises(Fault) as caught:
            write_buckets(table, people, ranks_for(people), 4, shelf, lambda: next(calls), binding=b"")
        assert caught.value.code == "engine.key-length"
        assert shelf.names() == frozenset()

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"table": pa.table({"_person": range(40)})}, "engine.column-reserved"),
            (
                {"table": pa.Table.from_arrays([pa.array(range(40))] * 2, names=["a", "a"])},
                "engine.column-twice",
            ),
            ({"people": np.zeros(39, dtype=np.int64)}, "engine.shape"),
            ({"people": np.zeros(40, dtype=np.float64)}, "engine.shape"),
            ({"ranks": np.full(40, -1, dtype=np.int32)}, "engine.shape"),
            ({"bucket_count": 3}, "engine.shape"),
            ({"bucket_count": 0}, "engine.shape"),
        ],
    )
    def test_what_does_not_fit_together_is_told(self, change: dict[str, object], code: str) -> None:
        table, people = visits()
        call = {"table": table, "people": people, "ranks": ranks_for(people), "bucket_count": 4} | change
        with pytest.raises(CallerError) as caught:
            write_buckets(**call, shelf=MemoryShelf(), new_key=new_key, binding=b"")
        assert caught.value.code == code

    def test_an_empty_table_makes_no_file(self) -> None:
        table, people = visits(rows=0)
        assert write_buckets(table, people, ranks_for(people), 4, MemoryShelf(), new_key, binding=b"") == ()


class TestSealing:
    def test_no_clear_text_lies_on_the_shelf(self) -> None:
        _, shelf, files = stored()
        for file in files:
            content = shelf._files[file.name]
            for word in (b"secret-of-row", b"ward", b"_person", BINDING, file.key):
                assert word not in content

    @pytest.mark.parametrize(
        "change",
        [
            {"key": b"x" * 32},
            {"binding": b"tenant/visits/2"},
            {"binding": b""},
            {"bucket": 3},
            {"bucket_count": 8},
            {"rows": 7},
        ],
    )
    def test_a_file_opens_only_as_itself(self, change: dict[str, object]) -> None:
        _, shelf, files = stored(buckets=4)
        (file,) = [file for file in files if file.bucket == 0]
        assert _reads(file, shelf).num_rows == file.rows
        with pytest.raises(Fault) as caught:
            _reads(replace(file, **change), shelf)
        assert caught.value.code == "integrity.bucket-unreadable"
        assert caught.value.row.exit == 6

    def test_a_file_cannot_stand_in_for_another(self) -> None:
        _, shelf, files = stored()
        _damage(shelf, files[0].name, shelf._files[files[1].name])
        with pytest.raises(Fault, match="damaged, moved"):
            _reads(files[0], shelf)

    def test_a_file_that_is_gone(self) -> None:
        engine, shelf, files = stored()
        shelf.delete(files[2].name)
        with pytest.raises(Fault) as caught:
            engine.scan(files, ["ward"], everyone()).table()
        assert (caught.value.code, caught.value.row.exit) == ("integrity.bucket-missing", 6)

    def test_every_flipped_byte_and_every_cut_is_seen(self) -> None:
        _, shelf, (file,) = stored(rows=6, people=2, buckets=1)
        whole = shelf._files[file.name]
        clean = _reads(file, shelf)
        unseen, codes = [], set()
        for place in range(len(whole)):
            _damage(shelf, file.name, whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            try:
                unseen.append(place) if _reads(file, shelf).equals(clean) else pytest.fail(
                    f"forged at {place}"
                )
            except Fault as fault:
                codes.add(fault.code)
        # Lengths and file marks outside the sealed modules may be read leniently; no value ever changes.
        assert len(unseen) <= 8
        assert codes == {"integrity.bucket-unreadable"}
        for end in range(0, len(whole), 7):
            _damage(shelf, file.name, whole[:end])
            with pytest.raises(Fault) as caught:
                _reads(file, shelf)
            assert caught.value.code == "integrity.bucket-unreadable"

    def test_a_plain_parquet_file_is_not_accepted(self) -> None:
        import io

        import pyarrow.parquet as pq

        _, shelf, (file, *_) = stored()
        sink = io.BytesIO()
        pq.write_table(pa.table({"c0": [1] * file.rows}), sink)
        _damage(shelf, file.name, sink.getvalue())
        with pytest.raises(Fault) as caught:
            _reads(file, shelf)
        assert caught.value.code == "integrity.bucket-unreadable"


class TestErasing:
    def test_the_rows_go_and_the_others_stay(self) -> None:
        engine, shelf, files = stored(buckets=2)
        gone = PeopleFilter.of([1000, 1001, 77])
        new = [rewrite_without(file, gone, shelf, new_key, b"tenant/visits/2") for file in files]
        assert all(one is not None and one.key != old.key for one, old in zip(new, files, strict=True))
        left = engine.scan([one for one in new if one], ["note"], everyone()).table(with_person=True)
        before = engine.scan(files, ["note"], PeopleFilter.of(range(1002, 1010))).table(with_person=True)
        assert sorted(left["note"].to_pylist()) == sorted(before["note"].to_pylist())
        assert not {1000, 1001} & set(left["_person"].to_pylist())
        assert engine.scan(files, ["note"], everyone()).table().num_rows == 40, (
            "the old version stays readable"
        )

    def test_ranks_and_rows_of_survivors_do_not_change(self) -> None:
        _, shelf, files = stored(buckets=1)
        new = rewrite_without(files[0], PeopleFilter.of([1003]), shelf, new_key, BINDING)
        old = _reads(files[0], shelf)
        kept = [person != 1003 for person in old[PERSON].to_pylist()]
        assert _reads(new, shelf).equals(old.filter(pa.array(kept)))
        assert new.rows == 36

    def test_a_file_without_them_is_left_alone(self) -> None:
        _, shelf, files = stored()
        before = shelf.names()
        assert rewrite_without(files[0], PeopleFilter.of([5]), shelf, new_key, BINDING) is files[0]
        assert shelf.names() == before

    def test_no_file_is_left_when_no_row_is(self) -> None:
        _, shelf, files = stored()
        assert rewrite_without(files[0], everyone(), shelf, new_key, BINDING) is None

    def test_every_column_type_survives_a_rewrite(self) -> None:
        table = pa.table(
            {
                "words": pa.array(["a", "b", None, "a"]).dictionary_encode(),
                "list": pa.array([[1], [], None, [2, 3]]),
                "large": pa.array(["x", None, "y", "z"], pa.large_string()),
            }
        )
        people = np.array([1, 1, 2, 2], dtype=np.int64)
        shelf = MemoryShelf()
        (file,) = write_buckets(table, people, ranks_for(people), 1, shelf, new_key, binding=b"")
        new = rewrite_without(file, PeopleFilter.of([1]), shelf, new_key, b"")
        rows = _reads(new, shelf)
        assert rows.schema.types == [*table.schema.types, pa.int64(), pa.int32()]
        assert rows.select(["c0", "c1", "c2"]).rename_columns(table.column_names).to_pylist() in (
            table.slice(2).to_pylist(),
            table.slice(2).to_pylist()[::-1],
        )


class TestRanks:
    def test_appended_rows_rank_after_those_taken(self) -> None:
        engine, _, files = stored(rows=40, people=10)
        taken = engine.row_counts(files, everyone())
        assert dict(taken) == dict.fromkeys(range(1000, 1010), 4)
        assert taken[1003] == 4
        table, people = visits(rows=20, people=20)
        more = files + engine.write(table, people, ranks_for(people, taken), 2, new_key, b"tenant/visits/2")
        after = engine.row_counts(more, PeopleFilter.of([1003, 1015, 9]))
        assert dict(after) == {1003: 5, 1015: 1}
        plan = ExactAggregation((), (CountRows(),), None, 4)
        assert engine.scan(more, [], everyone(20)).aggregate(plan) == [(50,)]
        with pytest.raises(KeyError):
            after[9]

    def test_every_order_is_equally_likely(self) -> None:
        # 6,000 people with 3 rows: each of 6 orders expected 1,000 times; false alarm below 1e-9 (7 sigma).
        people = np.repeat(np.arange(6000, dtype=np.int64), 3)
        ranks = ranks_for(people).reshape(-1, 3)
        _, counts = np.unique(ranks, axis=0, return_counts=True)
        assert len(counts) == 6
        assert abs(counts - 1000).max() < 7 * np.sqrt(1000 * 5 / 6)

    def test_ranks_say_the_type_that_files_hold(self) -> None:
        assert ranks_for(np.empty(0, dtype=np.int64)).dtype == np.int32
        assert RANK == "_rank"
