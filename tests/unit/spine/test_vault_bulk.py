"""Proves that people enrolled and read in bulk are those enrolled and read one by one, and tell no order."""

from __future__ import annotations

import contextlib

import pytest
from tests.simulator.adapters import SetClock

from hedgerow.adapters.keys import MemoryKeys
from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.model.errors import Fault
from hedgerow.model.records import SealedField, Setting, Subject
from hedgerow.spine import vault as vault_module
from hedgerow.spine.keyring import Keyring
from hedgerow.spine.vault import Newcomers, Vault, draw_numbers

INDEX_KEY = bytes(range(32))
REFS = [f"P-{n:03d}" for n in range(120)]


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    made = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "s.db", create=True)
    yield made
    made.close()


@pytest.fixture
def vault():
    return Vault(Keyring(MemoryKeys(), "w-one"), INDEX_KEY, SetClock())


def _put(store, vault, refs, name="mail"):
    new = vault.newcomers(map(vault.lookup, refs))
    values = [[f"{ref}@example.org", ref] for ref in refs]
    rows = vault.seal_rows("d", name, new.numbers, new.keys, values)
    with store.write() as tx:
        vault.admit(tx, new)
        vault.add_fields(tx, rows)
    return new


def test_who_enters_in_bulk_is_found_one_by_one_and_the_other_way_round(store, vault):
    _put(store, vault, REFS)
    subjects, people = vault.enrol([vault.lookup("alone")])
    with store.write() as tx:
        vault.admit(tx, subjects)
        vault.add_fields(tx, vault.seal_rows("d", "mail", [people[0].number], [people[0].key], [["a@b"]]))
    with store.read() as reader:
        person = vault.find(reader, "P-007")
        assert vault.fields(reader, person.number, "d", frozenset({"mail"})) == {
            "mail": ["P-007@example.org", "P-007"]
        }
        assert vault.read(reader, "P-007", "d", "mail") == ["P-007@example.org", "P-007"]
        asked = ["alone", "nobody", "P-003", "P-003"]
        pair = ["P-003@example.org", "P-003"]
        assert vault.read_many(reader, asked, "d", "mail") == [["a@b"], None, pair, pair]


def test_unknown_people_and_fields_differ(store, vault):
    _put(store, vault, REFS[:3])
    with store.read() as reader:
        for dataset, name in (("d", "phone"), ("e", "mail")):
            assert vault.read(reader, "P-001", dataset, name) == []
            assert vault.read_many(reader, ["P-001", "x"], dataset, name) == [[], None]
        assert vault.read(reader, "x", "d", "mail") is None
        assert vault.read_many(reader, ["x"], "d", "mail") == [None]
        assert vault.read_many(reader, [], "d", "mail") == []


@pytest.mark.parametrize("values", [[], [""], ['"'], ["\\"], ["a", "b"], ["ü\n"], ['a"]'], ["x" * 300]])
def test_every_value_comes_back_as_it_was(store, vault, values):
    new = vault.newcomers([vault.lookup("a")])
    with store.write() as tx:
        vault.admit(tx, new)
        vault.add_fields(tx, vault.seal_rows("d", "mail", new.numbers, new.keys, [values]))
        assert vault.read(tx, "a", "d", "mail") == values
        assert vault.read_many(tx, ["a"], "d", "mail") == [values]
        assert vault.fields(tx, new.numbers[0], "d", frozenset({"mail"})) == {"mail": values}
        assert vault.fields(tx, new.numbers[0], "d", frozenset({"phone"})) == {}
        assert vault.fields(tx, new.numbers[0] + 1, "d", frozenset({"mail"})) == {}


def test_a_lease_s_fields_come_in_one_question(store, vault):
    new = _put(store, vault, REFS[:2])
    with store.read() as reader:
        asked = []
        joined = reader.joined

        class Counting:
            def joined(self, *args):
                asked.append(args)
                return joined(*args)

        assert vault.fields(Counting(), new.numbers[0], "d", frozenset({"mail"}))["mail"][1] == "P-000"
        assert len(asked) == 1


def test_a_key_or_a_value_moved_to_another_person_opens_in_no_bulk(store, vault):
    new = _put(store, vault, REFS[:4])
    first, second = new.numbers[:2]
    with store.read() as reader:
        keys = {s.number: s.wrapped for s in reader.find(Subject)}
        fields = {f.number: f.sealed for f in reader.find(SealedField)}
    for kind, field, values in (
        (Subject, "wrapped", {(first,): keys[second]}),
        (SealedField, "sealed", {(first, "d", "mail"): fields[second]}),
    ):
        with contextlib.suppress(_Undone), store.write() as tx:
            tx.set_field(kind, field, values)
            assert _code(lambda tx=tx: vault.read(tx, "P-000", "d", "mail")) == "envelope.unreadable"
            assert _code(lambda tx=tx: vault.read_many(tx, REFS[:4], "d", "mail")) == "envelope.unreadable"
            raise _Undone


def test_newcomers_overtaken_by_a_new_epoch_are_wrapped_again(store, vault):
    new = vault.newcomers([vault.lookup("late")])
    before = new.wrapped[0]
    backend = vault._backend
    backend.new_epoch()
    with store.write() as tx:
        tx.put(Setting("keys.epoch", backend.current_epoch()))
        vault.admit(tx, new)
        held = tx.find(Subject)[0]
    assert held.wrapped[1:17].hex() == backend.current_epoch() != before[1:17].hex()
    assert vault.open(held).key == new.keys[0]


def test_a_number_twice_stores_nobody(store, vault):
    new = _put(store, vault, ["a"])
    more = vault.newcomers([vault.lookup("b"), vault.lookup("c")])
    twin = Newcomers([more.numbers[0], new.numbers[0]], more.lookups, more.keys, more.wrapped, more.created)
    with pytest.raises(Fault) as caught, store.write() as tx:
        vault.admit(tx, twin)
    assert caught.value.code == "store.conflict"
    with store.read() as reader:
        assert reader.count(Subject) == 1


def test_keys_show_in_no_repr(vault):
    new = vault.newcomers([vault.lookup("a")])
    assert not any(
        secret.hex() in repr(new) or repr(secret) in repr(new) for secret in (*new.keys, *new.wrapped)
    )


class TestNumbers:
    def test_they_are_distinct_have_62_bits_and_lie_together(self):
        drawn = draw_numbers(5000)
        assert len(set(drawn)) == 5000
        assert all(0 <= number < 2**62 for number in drawn)
        assert len({number >> 40 for number in drawn}) == 1
        assert draw_numbers(0) == []

    def test_each_act_draws_its_own_high_bits_over_the_whole_range(self):
        highs = [draw_numbers(1)[0] >> 40 for _ in range(200)]
        assert len(set(highs)) > 190
        assert {high >> 18 for high in highs} == set(range(16))

    def test_twins_are_drawn_again(self, monkeypatch):
        drawn = iter([bytes(24), (5).to_bytes(8, "little") * 2, (9).to_bytes(8, "little")])
        monkeypatch.setattr(vault_module.os, "urandom", lambda _: next(drawn))
        assert sorted(number % 2**40 for number in draw_numbers(3)) == [0, 5, 9]

    def test_they_tell_neither_the_order_of_the_source_nor_that_of_the_lookups(self, store, vault):
        new = _put(store, vault, REFS)
        assert list(new.numbers) != sorted(new.numbers)
        by_lookup = [number for _, number in sorted(zip(new.lookups, new.numbers, strict=True))]
        assert by_lookup != sorted(new.numbers)


class _Undone(Exception):
    """Raised to undo a transaction."""


def _code(work):
    with pytest.raises(Fault) as caught:
        work()
    return caught.value.code
