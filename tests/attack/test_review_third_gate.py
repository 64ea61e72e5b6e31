"""What a policy closes tells nothing at the gate: not of data sets, people, or names typed by mistake."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.attack.review_world import (
    ASKED,
    COUNT,
    code_of,
    collect,
    empty,
    filled,
    grants,
    people,
)

from hedgerow.app.declaring import Asked
from hedgerow.model.words import Basis
from hedgerow.spine.lease import Leases

NAMES = ("secret", "gone", "neverwas")


def shut(space, who, *names):
    closed = " || ".join(f'resource == Dataset::"{name}"' for name in names)
    text = f'@id("no-{who}") forbid(principal == User::"{who}", action, resource) when {{ {closed} }};'
    space.service.apply_policy(space.service.policy()["text"] + "\n" + text)


def permit(space, who, action, condition):
    text = f'@id("yes-{who}") permit(principal == User::"{who}", action == Action::"{action}", resource)'
    space.service.apply_policy(f"{space.service.policy()['text']}\n{text} when {{ {condition} }};")


def size(space):
    return len(space.service.entries(10_000))


@pytest.fixture
def space(tmp_path):
    """Give a workspace with people 1 to 10 in visits, and 500 to 508 only in data sets it may be shut to."""
    with filled(tmp_path, 10) as made:
        rows = people(9, start=500)
        for name in ("secret", "gone"):
            collect(made, tmp_path, rows, dataset=name, consents=grants(rows))
        made.service.drop("gone")
        yield made


# Whether there is a data set, and what it may serve.


@pytest.mark.parametrize("who", ["ana", "aud"])
@pytest.mark.parametrize("purpose", ["research", "marketing", "undeclared"])
def test_who_may_not_ask_cannot_tell_a_data_set_that_is_from_one_that_never_was(space, who, purpose):
    shut(space, "ana", *NAMES)
    session = space.acting_as(who)
    told = [session.explain(name, COUNT, epsilon="99", purpose=purpose) for name in NAMES]
    refused = {code_of(lambda n=n: session.query(n, COUNT, epsilon="99", purpose=purpose)) for n in NAMES}
    assert told[0] == told[1] == told[2]
    assert refused == {told[0]["reasons"][0]["code"]}
    assert refused < {"policy.forbidden", "policy.not-permitted"}


def test_a_refusal_by_policy_stands_alone(space):
    shut(space, "ana", "visits")
    told = space.acting_as("ana").explain("visits", COUNT, epsilon="99", purpose="research")
    assert [reason["code"] for reason in told["reasons"]] == ["policy.forbidden"]


def test_who_may_ask_is_still_told_what_is_wrong_with_the_purpose(space):
    told = space.acting_as("ana").explain("visits", COUNT, epsilon="1", purpose="marketing")
    assert [reason["code"] for reason in told["reasons"]] == ["basis.missing"]


# Readings about a person.


@pytest.mark.parametrize(
    ("action", "read"),
    [
        ("consent.show", lambda service: service.consents("p0001")),
        ("subject.erase.plan", lambda service: service.plan_erasure("p0001")),
    ],
)
def test_reading_about_a_person_is_journaled_as_about_that_person(space, action, read):
    service, before = space.acting_as("po").service, size(space)
    read(service)
    new = space.service.entries(10_000)[before:]
    assert [(entry["action"], entry["facts"]) for entry in new] == [(action, {})]
    assert action in [act["action"] for act in space.service.show_subject("p0001")["acts"]]


# Whether a person is held where one may not look.


def _reads(purpose, dataset=None):
    def read(space, ref):
        return space.acting_as("app").subject(ref).read(["name"], purpose=purpose, dataset=dataset)

    return read


DOORS = {
    "read": _reads("research"),
    "read of another data set": _reads("research", "visits"),
    "read without a basis": _reads("marketing", "visits"),
    "read for no purpose": _reads("nonsense", "visits"),
    "read for no purpose, nowhere": _reads("nonsense"),
    "read for the rights of people": _reads("data-subject-rights"),
    "show": lambda space, ref: space.acting_as("po").service.show_subject(ref),
    "export": lambda space, ref: space.acting_as("po").service.export_subject(ref),
    "consents": lambda space, ref: space.acting_as("po").service.consents(ref),
}


@pytest.mark.parametrize("door", DOORS)
def test_a_person_only_in_a_forbidden_data_set_is_as_nobody(space, door):
    shut(space, "app", "secret", "gone")
    shut(space, "po", "secret", "gone")
    told, entries = [], []
    for ref in ("p0500", "p9999"):
        before = size(space)
        told.append(code_of(lambda ref=ref: DOORS[door](space, ref)))
        entries.append([(e["action"], e["facts"]) for e in space.service.entries(10_000)[before:]])
    assert told[0] == told[1] != "done"
    assert entries[0] == entries[1]


def test_a_purpose_that_is_refused_before_anybody_is_looked_up_is_journaled(space):
    before = size(space)
    read = space.acting_as("app").subject("p0001").read
    assert code_of(lambda: read(["name"], purpose="nonsense", dataset="visits")) == "purpose.unknown"
    (entry,) = space.service.entries(10_000)[before:]
    assert (entry["action"], entry["facts"]["reasons"]) == ("act.refuse", ["purpose.unknown"])


def test_a_permission_for_one_purpose_still_finds_the_person(space):
    permit(space, "ana", "subject.read", 'context has purpose && context.purpose == "research"')
    read = space.acting_as("ana").subject("p0001").read
    assert code_of(lambda: read(["name"], purpose="research")) == "done"
    assert code_of(lambda: read(["name"], purpose="marketing")) == "policy.not-permitted"


# Erasing after a drop.


def test_an_erasure_asks_also_for_a_data_set_that_was_dropped(tmp_path):
    with filled(tmp_path, 10) as space:
        rows = people(9)
        collect(space, tmp_path, rows, dataset="secret", consents=grants(rows))
        asked = replace(ASKED, dataset="secret", k=2, suppression_limit="1")
        space.service.release(asked, purpose="research", out=tmp_path / "out.csv", force=False)
        shut(space, "po", "secret")
        space.service.drop("secret")
        po = space.acting_as("po").service
        assert code_of(lambda: po.plan_erasure("p0002")) == "policy.forbidden"
        assert code_of(lambda: po.erase_subject("p0002")) == "policy.forbidden"
        assert code_of(lambda: space.service.erase_subject("p0002")) == "done"


# A lease rests on the basis of now.


def _made_again(monkeypatch, space, folder, bases, consents=None):
    """Drop visits and collect other people into it between the decision and the lease."""
    opened, seen = Leases.open, []

    def late(self, facts, plan):
        monkeypatch.setattr(Leases, "open", opened)
        space.service.drop("visits")
        collect(space, folder, people(7, start=700), bases=bases, consents=consents)
        lease = opened(self, facts, plan)
        seen.append(lease)
        return lease

    monkeypatch.setattr(Leases, "open", late)
    code = code_of(lambda: space.acting_as("ana").query("visits", COUNT, epsilon="1", purpose="research"))
    return code, seen


@pytest.fixture
def on_interest(tmp_path):
    """Give a workspace whose visits serve research without consent."""
    with empty(tmp_path) as space:
        collect(space, tmp_path, people(20), bases={"research": Basis.LEGITIMATE_INTEREST})
        space.service.declare("visits", Asked("person", 1, {"age": "0:120"}, {}))
        space.service.allocate("visits", "research", Fraction(8))
        yield space


@pytest.mark.parametrize(
    "bases", [{"research": Basis.CONSENT}, {"marketing": Basis.LEGITIMATE_INTEREST}], ids=["other", "gone"]
)
def test_no_lease_opens_on_a_basis_that_changed_since_the_decision(monkeypatch, tmp_path, on_interest, bases):
    code, opened = _made_again(monkeypatch, on_interest, tmp_path, bases)
    assert (code, opened) == ("use.not-releasable", [])
    last = on_interest.service.entries(1)[-1]
    assert (last["action"], last["facts"]["code"]) == ("use.fail", "table.changed")


def test_a_use_that_failed_counts_for_those_its_lease_was_opened_on(monkeypatch, tmp_path, on_interest):
    bases = {"research": Basis.LEGITIMATE_INTEREST}
    code, opened = _made_again(monkeypatch, on_interest, tmp_path, bases)
    assert code == "request.withdrawn"
    (failed,) = [e for e in on_interest.service.entries(100) if e["action"] == "use.fail"]
    assert failed["facts"]["versions"] == opened[0].versions.as_json()
    uses = {ref: on_interest.service.show_subject(ref)["uses"] for ref in ("p0001", "p0700")}
    assert {ref: len(found) for ref, found in uses.items()} == {"p0001": 0, "p0700": 1}


def test_a_run_that_fails_tells_what_its_lease_was_opened_on(monkeypatch, space):
    monkeypatch.setattr("hedgerow.spine.lease.OpenLease.aggregate", lambda *_: 1 / 0)
    act = lambda: space.acting_as("ana").query("visits", COUNT, epsilon="1", purpose="research")  # noqa: E731
    assert code_of(act) == "use.failed"
    facts = space.service.entries(1)[-1]["facts"]
    assert facts["versions"].keys() >= {"dataset", "consent"}


# Names that are not the workspace's own.


def test_what_is_typed_where_a_name_belongs_is_journaled_only_if_the_workspace_has_it(space):
    ana = space.acting_as("ana")
    for act in (
        lambda: ana.query("p0001", COUNT, epsilon="1", purpose="p0001"),
        lambda: ana.query("visits", COUNT, epsilon="1", purpose="p0001"),
        lambda: ana.service.drop("p0001"),
        lambda: space.acting_as("p0001").service.drop("visits"),
        lambda: space.acting_as("p0001").query("visits", COUNT, epsilon="1", purpose="research"),
        lambda: space.acting_as("app").subject("p0002").read(["name"], purpose="p0001", dataset="p0001"),
    ):
        assert code_of(act) != "done"
    space.service.erase_subject("p0001")
    assert "p0001" not in json.dumps(space.service.entries(10_000))


def test_the_names_the_workspace_has_are_kept_in_refusals(space):
    session = space.acting_as("aud")
    code_of(lambda: session.query("gone", COUNT, epsilon="1", purpose="research"))
    code_of(lambda: session.service.drop("secret"))
    asked, act = (entry["facts"] for entry in space.service.entries(2))
    assert (asked["dataset"], asked["purpose"], act["dataset"]) == ("gone", "research", "secret")
