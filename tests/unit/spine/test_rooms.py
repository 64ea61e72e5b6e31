"""Proves the smaller rooms of the spine at their edges: catalog, policies, acts, keys, tables, journal."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from tests.simulator.world import OWNER, World

from hedgerow.app.builtin import default_policies
from hedgerow.kernel.merkle import Frontier, leaf_hash, open_checkpoint, open_document, roots_at
from hedgerow.model.budget import NonPrivateEvent, PureEvent, ZcdpEvent
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.records import (
    Account,
    Bucket,
    Charge,
    Dataset,
    JournalEntry,
    JournalHead,
    PolicyText,
    Principal,
)
from hedgerow.model.uses import Actor
from hedgerow.model.words import Basis
from hedgerow.spine.balance import cost_text
from hedgerow.spine.catalog import RIGHTS_PURPOSE, check_name
from hedgerow.spine.journal import About
from hedgerow.spine.permission import as_error, objections_to_actor

LATER = date(2027, 1, 1)


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    return made


def _code(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def _write(world, act):
    with world.store.write() as tx:
        return act(tx)


class TestCatalog:
    @pytest.mark.parametrize("name", ["", "A", "1a", "a b", "a" * 64, "é", "a\n", "*"])
    def test_a_malformed_name_is_refused(self, name):
        assert _code(lambda: check_name(name, "purpose")) == "name.malformed"
        assert check_name("a-1_b", "purpose") == "a-1_b"

    @pytest.mark.parametrize(
        ("name", "why", "until", "code"),
        [
            ("research", "why", LATER, "purpose.exists"),
            (RIGHTS_PURPOSE, "why", LATER, "purpose.exists"),
            ("other", "  ", LATER, "purpose.no-why"),
            ("other", "why", date(2026, 2, 1), "purpose.already-over"),
        ],
    )
    def test_a_purpose_that_says_too_little_is_refused(self, world, name, why, until, code):
        catalog = world.spine.catalog
        assert (
            _code(lambda: _write(world, lambda tx: catalog.add_purpose(tx, name, why, "owner", until)))
            == code
        )

    def test_a_purpose_must_be_declared_live_and_not_the_law_s_own(self, world):
        require = world.spine.catalog.require_purpose
        with world.read() as reader:
            require(reader, "care")
            assert _code(lambda: require(reader, "other")) == "purpose.unknown"
            assert _code(lambda: require(reader, RIGHTS_PURPOSE)) == "purpose.rights-only"
            world.clock.advance(days=30)
            assert _code(lambda: require(reader, "research")) == "purpose.ended"

    def test_a_data_set_takes_more_while_one_of_its_purposes_lives(self, world):
        with world.read() as reader:
            view = world.spine.catalog.require_dataset(reader, "visits")
            world.clock.advance(days=30)
            world.spine.catalog.require_live_purpose(reader, view)
            world.clock.advance(days=800)
            assert _code(lambda: world.spine.catalog.require_live_purpose(reader, view)) == "purpose.ended"

    def test_a_basis_is_not_exchanged(self, world):
        allow = world.spine.catalog.allow
        _write(world, lambda tx: allow(tx, "visits", {"care": Basis.CONTRACT}))
        other = {"care": Basis.CONSENT}
        assert _code(lambda: _write(world, lambda tx: allow(tx, "visits", other))) == "basis.differs"

    def test_people_who_are_there_are_given_no_other_basis_later(self, world):
        allow = world.spine.catalog.allow
        with world.inner_store.write() as tx:
            world.spine.catalog.add_purpose(tx, "billing", "to bill", "owner", LATER)
        other = {"billing": Basis.CONTRACT, "care": Basis.CONTRACT}
        assert _code(lambda: _write(world, lambda tx: allow(tx, "visits", other))) == "basis.not-later"
        _write(world, lambda tx: allow(tx, "visits", {**other, "billing": Basis.CONSENT}))

    def test_declarations_are_for_columns_of_the_table_and_add_up(self, world):
        def declare(dataset, *columns, rows=None):
            asked = DatasetDeclaration(max_rows=rows, columns=columns)
            return _write(world, lambda tx: world.spine.catalog.declare(tx, dataset, asked, "owner"))

        clamp = Clamp(Fraction(0), Fraction(7, 2))
        assert _code(lambda: declare("nothing")) == "dataset.unknown"
        assert _code(lambda: declare("visits", ColumnDeclaration("nothing"))) == "column.unknown"
        assert _code(lambda: declare("visits", ColumnDeclaration("name"))) == "column.in-vault"
        declare("visits", ColumnDeclaration("tag", clamp))
        declare("visits", ColumnDeclaration("tag", keys=(1, 2)), rows=9)
        with world.read() as reader:
            declared = world.spine.catalog.require_dataset(reader, "visits").declaration
        assert (declared.version, declared.max_rows, declared.unit) == (3, 9, "person")
        assert declared.column("tag") == ColumnDeclaration("tag", clamp, (1, 2))
        assert declared.column("ward").keys == ("A", "B")

    def test_columns_are_looked_up_by_name(self, world):
        with world.read() as reader:
            view = world.spine.catalog.require_dataset(reader, "visits")
            assert world.spine.catalog.dataset(reader, "nothing") is None
        assert view.column("ward").name == "ward"
        assert view.column("nothing") is None


class TestPolicies:
    def test_a_workspace_without_policies_allows_nothing(self, world):
        _write(world, lambda tx: tx.remove(PolicyText))
        assert _code(world.service.datasets) == "policy.missing"

    def test_text_that_does_not_compile_is_not_put_in_force(self, world):
        with world.read() as reader:
            before = world.spine.policies.newest(reader).version
        assert _code(lambda: world.service.apply_policy("permit everything")).startswith("policy.")
        with world.read() as reader:
            assert world.spine.policies.newest(reader).version == before
            assert len(world.spine.policies.history(reader)) == before

    def test_nobody_locks_everybody_out(self, world):
        closed = default_policies() + '@id("shut") @reason("shut") forbid (principal, action, resource);'
        assert _code(lambda: world.service.apply_policy(closed)).startswith("policy.")
        world.service.datasets()


class TestWhoActs:
    @pytest.mark.parametrize(
        ("actor", "code"),
        [
            (Actor("nobody", "owner"), "principal.unknown"),
            (Actor("owner", "nobody"), "principal.unknown"),
            (Actor("a", "b"), "principal.not-yours"),
            (Actor("owner", "out"), "principal.disabled"),
            (Actor("out", "out"), "principal.disabled"),
        ],
    )
    def test_what_speaks_against_an_actor(self, actor, code):
        known = {
            name: Principal(name, "", "t", disabled=name == "out") for name in ("owner", "a", "b", "out")
        }
        told = list(objections_to_actor(actor, known.get(actor.acting_as), known.get(actor.principal)))
        assert told[0][0] == code

    def test_a_refused_act_is_journaled_and_an_explained_one_is_not(self, world):
        world.service.add_principal("auditor1", ["auditor"])
        auditor, acts = Actor("owner", "auditor1"), world.spine.gate._acts
        before = _size(world)
        assert not acts.permits(auditor, "collect", "visits")
        assert _size(world) == before
        assert _code(lambda: acts.require(auditor, "collect", "visits")) == "policy.not-permitted"
        assert _size(world) == before + 1
        acts.require(auditor, "journal.verify")
        assert _size(world) == before + 1
        assert acts.explain(Actor("auditor1", "owner"), "collect").code == "principal.not-yours"

    def test_an_objection_becomes_the_error_of_its_root(self):
        assert isinstance(as_error(("purpose.unknown", {"purpose": "x"})), Refused)
        assert isinstance(as_error(("column.unknown", {"column": "x", "dataset": "y"})), CallerError)


def _size(world):
    with world.read() as reader:
        return world.spine.journal.head(reader).size


class TestAttest:
    def test_a_certificate_holds_until_a_byte_changes(self, world):
        attestor = world.spine.attestor
        certificate = attestor.certificate("erasure-certificate", {"a": 1}, 4, bytes(32))

        def opened(**changes):
            return open_document(
                json.dumps({**certificate, **changes}).encode(), attestor.origin, attestor.verifier
            )

        assert opened()["entry_index"] == 4
        assert opened()["fingerprint"] == attestor.fingerprint
        for change in ({"body": {"a": 2}}, {"kind": "other"}, {"entry_index": 5}, {"leaf_hash": "AA=="}):
            assert _code(lambda: opened(**change)) == "journal.bad-signature"  # noqa: B023

    def test_the_key_shows_itself_nowhere(self, world):
        attestor = world.spine.attestor
        assert repr(attestor) == f"Attestor({attestor.fingerprint})"
        assert attestor.signer.public_key() == attestor.verifier
        assert open_checkpoint(attestor.checkpoint(0, bytes(32)), attestor.verifier).size == 0

    def test_rooms_and_people_name_nothing_personal(self, world):
        with world.read() as reader:
            person = world.spine.vault.find(reader, "ann")
        assert repr(world.spine.vault) == "Vault(w-simulated)"
        shown = repr(person) + repr(person.about)
        assert person.key.hex() not in shown
        assert repr(person.key) not in shown


class TestTables:
    def test_a_manifest_that_changed_meanwhile_stops_the_swap(self, world):
        tables = world.spine.tables
        with world.read() as reader:
            files = tables.files(reader, "visits")
        _write(world, lambda tx: tx.remove(Bucket))
        assert (
            _code(lambda: _write(world, lambda tx: tables.swap(tx, "visits", 2, files, [])))
            == "table.changed"
        )

    @pytest.mark.parametrize(("name", "version"), [("nothing", 1), ("visits", 1), ("visits", 3)])
    def test_only_the_next_version_follows(self, world, name, version):
        bump = world.spine.tables.bump
        assert (
            _code(lambda: _write(world, lambda tx: bump(tx, name, version, rows=1, people=1)))
            == "table.changed"
        )

    def test_missing_files_are_counted(self, world):
        assert world.spine.tables.missing(world.store) == 0
        for name in world.inner_shelf.names():
            world.inner_shelf.delete(name)
        assert world.spine.tables.missing(world.store) == 1

    def test_sweeping_waits_while_somebody_writes(self, world):
        stray = world.inner_shelf.create(lambda stream: stream.write(b"half"))
        with world.spine.tables.writing():
            assert world.spine.tables.sweep(world.store) == 0
            assert stray in world.inner_shelf.names()
        assert world.spine.tables.sweep(world.store) == 1
        assert world.inner_shelf.names() == world.manifest()


class TestJournal:
    def _alter(self, world, index, body=None, checkpoint=None):
        with world.inner_store.write() as tx:
            entry = tx.get(JournalEntry, index)
            tx.put(JournalEntry(index, body or entry.body, checkpoint or entry.checkpoint))

    def _verify(self, world):
        with world.read() as reader:
            return world.spine.journal.verify(reader)

    def test_an_empty_journal_has_a_signed_head(self, world):
        from hedgerow.adapters.store.memory import MemoryStore

        with MemoryStore().read() as reader:
            head = world.spine.journal.head(reader)
        assert (head.size, open_checkpoint(head.checkpoint, world.spine.attestor.verifier).size) == (0, 0)

    @pytest.mark.parametrize("index", [0, 2, 5])
    def test_the_first_altered_entry_is_named(self, world, index):
        self._alter(world, index, body=b"{}")
        with pytest.raises(Fault) as caught:
            self._verify(world)
        assert caught.value.code == "journal.altered"
        assert caught.value.details["index"] == index

    def test_an_entry_s_own_head_that_is_no_head_counts_as_bad(self, world):
        self._alter(world, 3, body=b"{}", checkpoint="nothing")
        with pytest.raises(Fault) as caught:
            self._verify(world)
        assert caught.value.details["index"] == 3

    def test_a_cut_off_tail_is_named(self, world):
        size = max(self._verify(world))
        with world.inner_store.write() as tx:
            tx.remove(JournalEntry, index=size - 1)
        with pytest.raises(Fault) as caught:
            self._verify(world)
        assert (caught.value.code, caught.value.details["index"]) == ("journal.truncated", size - 1)

    def test_an_entry_nobody_signed_is_named(self, world):
        size = max(self._verify(world))
        with world.inner_store.write() as tx:
            tx.add([JournalEntry(size, b"{}", tx.get(JournalEntry, size - 1).checkpoint)])
        with pytest.raises(Fault) as caught:
            self._verify(world)
        assert (caught.value.code, caught.value.details["index"]) == ("journal.unsigned-tail", size)

    def test_a_frontier_that_is_not_the_signed_one_is_found(self, world):
        with world.inner_store.write() as tx:
            head = tx.get(JournalHead, 0)
            tx.put(replace(head, frontier=Frontier().to_bytes()))
        with pytest.raises(Fault) as caught:
            self._verify(world)
        assert caught.value.code == "journal.frontier-malformed"

    def test_entries_give_their_bytes_and_leaves(self, world):
        journal = world.spine.journal
        with world.read() as reader:
            hashes = [leaf_hash(body) for body in journal.bodies(reader)]
            assert journal.leaf(reader, 2) == hashes[2]
            roots = roots_at([0, 3, len(hashes)], hashes)
            assert journal.verify(reader, [0, 3, len(hashes) + 1]) == roots
            assert {size: journal.root_at(reader, size) for size in roots} == roots
            assert _code(lambda: journal.leaf(reader, 10**6)) == "journal.altered"

    def test_a_leaf_is_told_in_the_transaction_that_wrote_it_as_after_it(self, world):
        journal, actor = world.spine.journal, Actor("owner", "owner")
        with world.spine.store.write() as tx:
            entries = list(journal.append_many(tx, "test.many", actor, [{"n": 1}, {"n": 2}]))
            told = [journal.leaf(tx, entry) for entry in entries]
        with world.read() as reader:
            assert [journal.leaf(reader, entry) for entry in entries] == told
        assert len(set(told)) == 2

    def test_a_commitment_leads_to_its_person_only(self, world):
        world.choose("ann", granted=True, late=False)
        with world.read() as reader:
            ann, bob = (world.spine.vault.find(reader, ref).about for ref in ("ann", "bob"))
            told = world.spine.journal.entries_about(reader, ann)
            assert [entry["action"] for entry in told] == ["consent.grant"]
            assert world.spine.journal.entries_about(reader, bob) == []
            assert "consent" not in repr(About(ann.number, ann.key))
        index = told[0]["index"]
        self._alter(world, index, body=json.dumps({**told[0], "about": ["00"]}).encode())
        with world.read() as reader:
            assert world.spine.journal.entries_about(reader, ann) == []
        with world.inner_store.write() as tx:
            tx.remove(JournalEntry, index=index)
        with world.read() as reader:
            assert world.spine.journal.entries_about(reader, ann) == []


class TestLedgerWords:
    @pytest.mark.parametrize(
        ("event", "text"),
        [
            (PureEvent(Fraction(1, 3)), "epsilon 0.333334"),
            (ZcdpEvent(Fraction(1, 2)), "rho 0.5"),
            (NonPrivateEvent("R-1"), "not private: release R-1"),
            (None, "nothing"),
        ],
    )
    def test_a_cost_reads_in_words(self, event, text):
        assert cost_text(event) == text

    def test_every_kind_of_charge_is_recounted(self, world):
        with world.inner_store.write() as tx:
            for n, text in enumerate(("pure 1/3", "zcdp 1/2", "zcdp 1/4", "non-private R", "non-private S")):
                tx.add([Charge(n, f"r{n}", "visits", "care", text, committed=True, entry=0, time="t")])
            told = world.spine.ledger.recount(tx)
        assert told["*", "*"] == Account("*", "*", "1/3", "3/4", "R,S", "1/18")
        assert told["visits", "care"] == Account("visits", "care", "1/3", "3/4", "R,S", "1/18")

    def test_a_standing_reads_in_words(self, world):
        world.use(("count", "visits", "research", Fraction(1, 2)), "one")
        world.use(("rows", "visits", "research", None), "two")
        with world.read() as reader:
            balance = world.spine.ledger.balance(reader, "visits", "research")
        assert balance.own.as_json() == {
            "dataset": "visits", "purpose": "research", "limit": "2", "spent": "0.5", "left": "1.5",
            "apart_from": ["R-two"],
        }  # fmt: skip
        assert balance.own.admits(NonPrivateEvent("R"))
        assert balance.own.admits(PureEvent(Fraction(3, 2)))
        assert not balance.own.admits(ZcdpEvent(Fraction(1, 100)))


def test_a_wiped_data_set_record_stops_an_erasure(world):
    _write(world, lambda tx: tx.remove(Dataset))
    assert _code(lambda: world.spine.erasure.erase("ann", OWNER)) == "table.changed"
