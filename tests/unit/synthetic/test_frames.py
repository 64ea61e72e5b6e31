"""Proves that what a frame holds is refused by name before anything is spent, or fails without a word."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.synthetic.household import DECLARED, people
from tests.unit.synthetic.test_relational import household, pair

from hedgerow.model.errors import CallerError, Fault
from hedgerow.synthetic import Budget, synthesise
from hedgerow.techniques.synthetic import coding, frame
from hedgerow.techniques.synthetic.relational import pair_codes


class Purse(Budget):
    """A budget that must not be touched."""

    def spend(self, event, unit="person"):
        raise AssertionError("spent")


PURSE = Purse(Budget.of("3", "1e-6").limit)
ASKED = {
    "person": "who", "columns": ["ward", "age"], "declaration": DECLARED, "rows": 20, "epsilon": "1",
    "delta": "1e-6",
}  # fmt: skip


def renamed(table, old, new):
    return table.rename_columns([new if name == old else name for name in table.column_names])


def changed(name, values, kind=None):
    return lambda t: t.set_column(t.column_names.index(name), name, pa.array(values * len(t), kind))


FRAMES = {
    "twice": (lambda t: t.append_column("age", t["age"]), "age"),
    "person twice": (lambda t: t.append_column("who", t["age"]), "who"),
    "person a list": (changed("who", [[1]]), "who"),
    "person a struct": (changed("who", [{"a": 1}]), "who"),
    "column a list": (changed("age", [[1]]), "age"),
    "column of times of day": (changed("age", [1], pa.time32("s")), "age"),
    "column missing": (lambda t: renamed(t, "age", "years"), "age"),
}


@pytest.mark.parametrize("change", FRAMES)
def test_what_cannot_be_read_is_named_before_anything_is_spent(change):
    turn, named = FRAMES[change]
    with pytest.raises(CallerError, match=named):
        synthesise(turn(people(20)), **ASKED, budget=PURSE)


PERSONS = (
    pa.array([0, 1] * 10, pa.int8()),
    pa.array([0, 2**64 - 1] * 10, pa.uint64()),
    pa.array([0.5, float("nan")] * 10, pa.float16()),
    pa.array([Decimal("0.5"), None] * 10, pa.decimal256(50, 3)),
    pa.array(["a", "b"] * 10, pa.string_view()),
    pa.array([b"a", b"\xff"] * 10, pa.binary()),
    pa.array([-(2**31), 2**31 - 1] * 10, pa.int32()).cast(pa.date32()),
    pa.array([-(2**63), 2**63 - 1] * 10, pa.int64()).cast(pa.timestamp("ns")),
    pa.array([1, 2] * 10, pa.duration("s")),
    pa.array([True, None] * 10),
    pa.nulls(20),
)


@pytest.mark.parametrize("who", PERSONS, ids=lambda who: str(who.type))
def test_persons_may_be_named_by_any_plain_type(who):
    made, _ = synthesise(people(20).set_column(0, "who", who), **ASKED, budget=Budget.of("1", "1e-6"))
    assert made.table.num_rows == 20


def test_numbers_of_any_width_and_words_of_any_encoding_are_read():
    table = people(40)
    table = table.set_column(1, "ward", table["ward"].combine_chunks().dictionary_encode())
    for kind in (pa.uint64(), pa.float16(), pa.decimal128(20, 2), pa.decimal256(60, 2)):
        aged = table.set_column(2, "age", table["age"].cast(pa.float64()).cast(kind, safe=False))
        if pa.types.is_integer(kind):
            synthesise(aged, **ASKED, budget=Budget.of("1", "1e-6"))
            continue
        made, _ = synthesise(aged, **ASKED, budget=Budget.of("1", "1e-6"))
        assert made.table.schema.field("age").type == pa.float64()


def test_a_failure_after_the_price_tells_nothing_of_the_data(monkeypatch):
    def fail(*_):
        raise ValueError("the value 4711 of Anna")

    monkeypatch.setattr(coding, "coded", lambda table, _: fail() if len(table) else None)
    with pytest.raises(Fault) as fault:
        synthesise(people(20), **ASKED, budget=Budget.of("1", "1e-6"))
    assert fault.value.code == "engine.failed"
    assert "4711" not in str(fault.value) + fault.value.next_step
    assert fault.value.__cause__ is None
    monkeypatch.setattr(frame, "_paired", fail)
    with pytest.raises(Fault, match="ValueError; the price stays spent"):
        pair(*household(20))


DAYS = pa.array([-(2**31), 0, 2**31 - 1], pa.int32()).cast(pa.date32())


def pieces(who, theirs):
    persons = pa.table({"who": who, "ward": ["A", "B", "C"], "age": [1, 2, 3]})
    rows = pa.table({"who": theirs, "kind": ["x"] * len(theirs), "cost": [1] * len(theirs)})
    return persons, rows


@pytest.mark.parametrize(
    ("who", "theirs", "same"),
    [
        (DAYS, DAYS.take(pa.array([2, 0, 1])), {(0, 1), (1, 2), (2, 0)}),
        (pa.array([1, 2, 3], pa.int8()), pa.array([3, 3, 2**40], pa.int64()), {(2, 0), (2, 1)}),
        (pa.array([1, 2, 3], pa.uint64()), pa.array([3, -2, 1], pa.int16()), {(2, 0), (0, 2)}),
        (pa.array(["a", "b", None]), pa.array(["b", "ä", None], pa.large_string()), {(1, 0)}),
        (pa.array(["a", "b", None]).dictionary_encode(), pa.array(["b", "ä", None]), {(1, 0)}),
        (pa.array([1.0, -0.0, float("nan")]), pa.array([0.0, float("nan"), 2.0]), {(1, 0)}),
    ],
)  # fmt: skip
def test_persons_of_two_tables_are_matched_by_their_values_in_any_type(who, theirs, same):
    upper, lower = pieces(who, theirs)
    one, other = coding.numbered_alike(upper["who"], lower["who"])
    found = {(a, b) for a in range(3) for b in range(3) if one[a] == other[b] and one[a] >= 0}
    assert found == same
    made, _ = pair(upper, lower, count=5)
    assert made.parents.num_rows == 5


def test_large_numbers_of_persons_never_fall_together():
    one, other = coding.numbered_alike(
        pa.chunked_array([pa.array([2**63 + 5], pa.uint64())]),
        pa.chunked_array([pa.array([-(2**63) + 5], pa.int64())]),
    )
    assert one[0] != other[0]


def test_persons_named_by_values_that_cannot_be_compared_are_refused_before_anything_is_spent():
    upper, lower = pieces(pa.array([1, 2, 3]), pa.array(["1", "2", "3"]))
    with pytest.raises(CallerError) as error:
        pair(upper, lower, budget=PURSE)
    assert error.value.code == "synth.other-people"


def test_a_person_with_many_rows_is_one_parent_and_owns_at_most_the_bound():
    many = np.repeat([7, 9], [5_000, 1])
    persons = pa.table({"who": many, "ward": ["A"] * 5_001, "age": np.arange(5_001) % 99})
    rows = pa.table({"who": np.repeat([9, 7, 8], [2, 6_000, 3]), "kind": ["x"] * 6_005, "cost": [1] * 6_005})
    plan = type("Plan", (), {"shown_parents": (), "children": (), "max_children": 4})()
    above, below, owners = pair_codes(persons, rows, "who", plan)
    assert (len(above), len(below)) == (2, 6)
    assert sorted(np.bincount(owners).tolist()) == [2, 4]
