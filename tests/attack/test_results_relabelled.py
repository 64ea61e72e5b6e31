"""What a record says of a stored result, of a release or of a membership decides nothing once it was changed.

The attacker writes rows of the database, without its keys: he calls a stored result one of nobody, of later
choices or of another purpose, so that it outlives an erasure or a withdrawal; he moves releases and
memberships, so that a certificate does not name what left; and he lets go of a policy for one answer.
"""

from __future__ import annotations

import json
import zlib
from copy import copy, deepcopy
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.attack.rolling import founded
from tests.simulator.adapters import copied_shelf, copied_store
from tests.simulator.model import CARE, RESEARCH
from tests.simulator.people import MAIL, People

from hedgerow.app.workspace import default_policies
from hedgerow.kernel.envelope import new_key, open_sealed, seal
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.keys import Binding
from hedgerow.model.records import (
    BlindIndex,
    Certificate,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetColumn,
    FormerMember,
    JournalEntry,
    Member,
    PolicyText,
    Principal,
    Released,
    Request,
)
from hedgerow.spine.audit_holdings import Holdings
from hedgerow.spine.audit_results import Use, is_as_used
from hedgerow.spine.keyring import result_key
from hedgerow.spine.requests import id_hash

LEAVES, ASKS = ("rows", "visits", RESEARCH, None), ("count", "visits", CARE, Fraction(1, 100))
CHANGES = {
    "of nobody": {"person_level": False},
    "of later choices": {"consent_version": 1_000_000},
    "of a later version": {"dataset_version": 1_000_000},
    "for another purpose": {"purpose": CARE},
    "of a later entry": {"entry": 1_000_000},
}
NO_QUERY = '\n@id("closed") @reason("closed") forbid (principal, action == Action::"query", resource);\n'


def built():
    made = founded()
    made.collect("visits", ["ann", "bob", "cem"], with_consent=True)
    made.use(LEAVES, "leaves")
    made.use(ASKS, "asks")
    assert audit(made) is None
    return made


@pytest.fixture(scope="module")
def lived():
    return built()


@pytest.fixture
def world(lived):
    """Give the workspace as it was built, with a clock of its own; the master keys are those of all."""
    made = copy(lived)
    made.inner_store, made.inner_shelf = copied_store(lived.inner_store), copied_shelf(lived.inner_shelf)
    made.clock, made.model = deepcopy(lived.clock), deepcopy(lived.model)
    made.restart()
    return made


def found(act):
    try:
        act()
    except HedgerowError as error:
        return error.code
    return None


def audit(world):
    return found(world.service.verify)


def put(world, *records):
    with world.inner_store.write() as tx:
        for record in records:
            tx.put(record)


def get(world, kind, *key):
    with world.read() as reader:
        return reader.get(kind, *key)


def held(world, kind, **equals):
    with world.read() as reader:
        return reader.find(kind, **equals)


def again(world, request_id="leaves", asked=LEAVES):
    return found(lambda: world.spine.gate.use(*world.request(asked, request_id)))


def change(world, **fields):
    before = get(world, Request, "leaves")
    put(world, replace(before, **fields))
    return before


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES)
class TestChangedResult:
    def test_it_does_not_outlive_an_erasure(self, world, fields):
        change(world, **fields)
        assert audit(world) == "records.differ"
        world.service.erase_subject("ann")
        assert (get(world, Request, "leaves").sealed, again(world)) == (None, "request.withdrawn")

    def test_it_is_not_given_out(self, world, fields):
        before = change(world, **fields)
        assert again(world) == "records.differ"
        put(world, before)
        assert again(world) is None

    def test_it_does_not_outlive_a_withdrawal(self, world, fields):
        change(world, **fields)
        world.choose("ann", granted=False, late=False)
        assert again(world) == "records.differ"


HIDDEN = {"elsewhere": {"dataset": "elsewhere"}, "away": {"sealed": None, "wrapped": None, "state": "spent"}}


@pytest.mark.parametrize("fields", HIDDEN.values(), ids=HIDDEN)
class TestHiddenResult:
    def hidden(self, world, fields):
        before = change(world, **fields)
        world.service.erase_subject("ann")
        put(world, before)
        assert audit(world) == "records.differ"
        return before

    def test_what_was_hidden_from_an_erasure_is_not_given_out(self, world, fields):
        self.hidden(world, fields)
        assert again(world) == "request.withdrawn"

    def test_what_was_hidden_from_an_erasure_does_not_outlive_the_epoch(self, fields):
        world = built()
        self.hidden(world, fields)
        world.service.change_epoch(is_ending=True)
        assert get(world, Request, "leaves").sealed is None
        assert get(world, Request, "asks").sealed is not None
        assert audit(world) is None


def test_what_was_hidden_from_a_drop_is_not_given_out(world):
    before = change(world, dataset="elsewhere")
    world.drop("visits")
    world.collect("visits", ["ann", "dan"], with_consent=True)
    put(world, before)
    assert again(world) == "request.withdrawn"


def test_a_result_of_nobody_outlives_an_erasure(world):
    world.service.erase_subject("ann")
    assert (again(world, "asks", ASKS), audit(world)) == (None, None)


def test_a_result_brought_back_beside_another_state_is_found(world):
    put(world, replace(get(world, Request, "asks"), state="withdrawn", sealed=None, wrapped=None))
    assert audit(world) == "records.differ"


def test_a_result_that_is_gone_in_a_way_there_is_not_is_found(world):
    world.service.erase_subject("ann")
    put(world, replace(get(world, Request, "leaves"), state="gone"))
    assert audit(world) == "records.differ"


def test_an_index_of_another_form_is_found(world):
    world.sources = 100
    People.collect(world, "club", [(f"p{n}", f"p{n}@x.org") for n in range(40)])
    world.service.make_index("club", MAIL, "email")
    put(world, replace(held(world, BlindIndex)[0], normaliser="phone-1"))
    assert audit(world) == "records.differ"


class TestOlderVersion:
    """Results that an older version stored were bound to nothing of their record."""

    @pytest.fixture
    def older(self, world):
        for name in ("leaves", "asks"):
            record = get(world, Request, name)
            key, tenant = new_key(), world.spine.tenant
            release = world.spine.gate._requests.result(record)
            told = {"payload": dict(release.payload), "mechanism": release.mechanism, "summary": {}}
            body = zlib.compress(json.dumps(told).encode())
            sealed = seal(key, body, Binding(tenant, "result", name, "", 1))
            wrapped = world.keys.wrap(key, result_key(tenant, name))
            put(world, replace(record, sealed=sealed, wrapped=wrapped))
        return world

    def test_they_are_given_out_still(self, older):
        assert (again(older), again(older, "asks", ASKS), audit(older)) == (None, None, None)

    def test_they_are_all_taken_for_results_of_people(self, older):
        older.service.erase_subject("ann")
        assert {record.sealed for record in held(older, Request)} == {None}
        assert again(older, "asks", ASKS) == "request.withdrawn"

    @pytest.mark.parametrize("fields", [CHANGES[name] for name in CHANGES if name != "of nobody"])
    def test_the_journal_says_what_their_record_must_say(self, older, fields):
        change(older, **fields)
        older.choose("ann", granted=False, late=False)
        assert again(older) == "records.differ"

    def test_an_entry_that_does_not_tell_the_level_leaves_it_out(self, world):
        told = [json.loads(entry.body) for entry in held(world, JournalEntry)]
        intent, done = (each for each in told if each["facts"].get("request") == id_hash("asks"))
        use = Use.begun(intent["facts"], intent["index"])
        del done["facts"]["person_level"]
        use.end(done["facts"], done["index"], "owner")
        record = get(world, Request, "asks")
        assert is_as_used(record, use, -1)
        assert is_as_used(replace(record, person_level=True), use, -1)
        assert not is_as_used(replace(record, consent_version=9), use, -1)
        gone = replace(record, state="withdrawn", sealed=None, wrapped=None)
        assert is_as_used(gone, use, -1)

    def test_entries_that_tell_no_membership_leave_them_out(self, world):
        told = Holdings()
        for entry in held(world, JournalEntry):
            parsed = json.loads(entry.body)
            for name in ("joined", "left", "shape", "chosen", "unchosen"):
                parsed["facts"].pop(name, None)
            told.heed(parsed)
        with world.read() as reader:
            told.check(reader, world.spine.attestor)


REGISTER = {
    "dataset": "elsewhere", "dataset_version": 0, "consent_version": 0, "purpose": CARE, "technique": "t",
    "released_by": "nobody", "time": "2020-01-01T00:00:00.000Z", "summary": '{"k": 1}',
}  # fmt: skip


class TestRegister:
    @pytest.mark.parametrize("field", REGISTER)
    def test_a_line_that_was_changed_is_found(self, world, field):
        (line,) = held(world, Released)
        put(world, replace(line, **{field: REGISTER[field]}))
        assert audit(world) == "records.differ"

    @pytest.mark.parametrize("field", ["dataset", "dataset_version", "consent_version"])
    def test_a_certificate_by_a_line_that_was_changed_is_found(self, world, field):
        (line,) = held(world, Released)
        put(world, replace(line, **{field: REGISTER[field]}))
        told = world.service.erase_subject("ann")["body"]
        put(world, line)
        assert line.id not in told["releases_that_may_hold_the_person"]
        assert audit(world) == "records.rule-broken"

    def test_a_certificate_by_the_register_as_it_is_is_not(self, world):
        world.use(LEAVES, "leaves-again")
        told = world.service.erase_subject("ann")["body"]
        assert len(told["releases_that_may_hold_the_person"]) == 2
        assert (audit(world), len(held(world, Certificate))) == (None, 1)


class TestHoldings:
    @pytest.mark.parametrize("version", [0, 2, 99])
    def test_a_membership_since_another_version_is_found(self, world, version):
        put(world, replace(held(world, Member)[0], since_version=version))
        assert audit(world) == "records.differ"

    def test_a_membership_changed_for_an_erasure_is_found_by_what_it_took_away(self, world):
        with world.read() as reader:
            ann = world.spine.vault.find(reader, "ann").number
        put(world, replace(get(world, Member, "visits", ann), since_version=99))
        told = world.service.erase_subject("ann")["body"]
        assert (told["releases_that_may_hold_the_person"], audit(world)) == ([], "records.differ")

    def test_memberships_that_come_and_go_are_not(self, world):
        world.collect("visits", ["ann", "dan"])
        world.collect("bills", ["ann", "eve"])
        world.drop("bills")
        world.collect("bills", ["eve", "bob"])
        world.drop("bills")
        for ref in ("eve", "ann"):
            world.service.erase_subject(ref)
        assert audit(world) is None

    @pytest.mark.parametrize("fields", [{"until_version": 0}, {"until_version": 99}])
    def test_another_end_of_a_membership_is_found(self, world, fields):
        world.drop("visits")
        put(world, replace(held(world, FormerMember)[0], **fields))
        assert audit(world) == "records.differ"

    @pytest.mark.parametrize("field", ["time", "notice", "channel", "recorded_by", "purpose"])
    def test_a_choice_that_was_changed_is_found(self, world, field):
        put(world, replace(held(world, ConsentEvent)[0], **{field: "2020-01-01T00:00:00.000Z"}))
        assert audit(world) == "records.differ"

    def test_a_refusal_made_a_grant_is_found(self, world):
        world.choose("ann", granted=False, late=False)
        event = held(world, ConsentEvent)[-1]
        state = get(world, ConsentState, RESEARCH, event.number)
        put(world, replace(event, granted=True), replace(state, granted=True))
        assert audit(world) == "records.differ"

    def test_choices_that_come_and_go_are_not(self, world):
        world.choose("ann", granted=False, late=False)
        world.choose("bob", granted=True, late=True)
        world.collect("bills", ["ann", "eve"], with_consent=True)
        for ref in ("ann", "eve"):
            world.service.erase_subject(ref)
        world.drop("visits")
        assert audit(world) is None

    @pytest.mark.parametrize("field", ["subject_column", "created"])
    def test_a_data_set_that_was_changed_is_found(self, world, field):
        put(world, replace(get(world, Dataset, "visits"), **{field: "tag"}))
        assert audit(world) == "records.differ"

    @pytest.mark.parametrize("field", ["type", "role", "category"])
    def test_a_column_that_was_changed_is_found(self, world, field):
        put(world, replace(held(world, DatasetColumn)[2], **{field: "other"}))
        assert audit(world) == "records.differ"

    def test_a_principal_who_is_stopped_beside_the_program_is_found(self, world):
        world.service.add_principal("ana", ["analyst"])
        put(world, replace(get(world, Principal, "ana"), disabled=True))
        assert audit(world) == "records.differ"


def test_an_answer_given_again_by_policies_of_a_moment_is_found(world):
    world.service.apply_policy(default_policies() + NO_QUERY)
    assert again(world, "asks", ASKS) == "policy.forbidden"
    with world.inner_store.write() as tx:
        newest = tx.newest(PolicyText)
        tx.remove(PolicyText, version=newest.version)
    assert again(world, "asks", ASKS) is None
    put(world, newest)
    assert audit(world) == "records.rule-broken"


def test_the_binding_stands_in_what_is_sealed(world):
    record = get(world, Request, "leaves")
    key = world.keys.unwrap(record.wrapped, result_key(world.spine.tenant, "leaves"))
    for bound in ("", record.sealed[1:33].hex()[::-1]):
        with pytest.raises(Fault):
            open_sealed(key, record.sealed[33:], Binding(world.spine.tenant, "result", "leaves", bound, 2))
