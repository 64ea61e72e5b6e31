"""Proves that nobody learns alone whose a token is, and of erased people nobody learns anything.

The attacks: the owner, an analyst and an officer alone; a grant for other tokens, another reason or another
release; a grant used twice; an approver who asked; tokens of another release; somebody erased or whom no
basis covers; a journal that tells of an opening without a grant.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.attack.rolling import founded
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE, RESEARCH

from hedgerow.app.service import Service
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.records import Approval, Commitment, Subject, VaultToken
from hedgerow.model.tokens import Pseudonym, Random, Reversible, Rules
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.techniques.tokens.governed import GovernedTokens

ANA, PRIYA, PAUL = (Actor("owner", name) for name in ("ana", "priya", "paul"))
RULES = Rules(
    (Pseudonym("who", "id"), Random("id", "id"), Reversible("sealed", "ward"), Random("ward", "ward")),
    drops_others=True,
)
WHY = "the laboratory called"


@pytest.fixture
def world():
    made = founded()
    made.collect("visits", ["ann", "bob", "cem"], with_consent=True)
    made.collect("bills", ["ann", "bob"])
    made.service.add_principal("ana", ["analyst"])
    for name in ("priya", "paul"):
        made.service.add_principal(name, ["privacy-officer"])
    return made


def release(world, name="R-1", dataset="visits"):
    """Let a release leave; gives its rows as lists of tokens."""
    asked = {"release": name, "recipient": ""}
    receipt = world.spine.gate.use(UseRequest(OWNER, CARE, dataset, asked, name), GovernedTokens(RULES))
    return [line.split(",") for line in receipt.release.payload["csv"].splitlines()[1:]]


def reveal(world, tokens, actor=PRIYA, name="R-1", why=WHY, purpose=CARE):
    return Service(world.spine, actor).reveal_tokens(name, tokens, purpose=purpose, reason=why)["tokens"]


def pending(world, tokens, **asked):
    with pytest.raises(Refused) as caught:
        reveal(world, tokens, **asked)
    assert caught.value.code == "approval.pending"
    return caught.value.details["approval"]


def granted(world, tokens, by=PAUL, **asked):
    world.spine.approvals.decide(by, pending(world, tokens, **asked), is_granted=True)
    return reveal(world, tokens, **asked)


def named(told):
    return [each["people"] for each in told]


def test_with_four_eyes_each_kind_is_told_and_each_person_can_see_it(world):
    for row in release(world):
        told = granted(world, row)
        ref = told[0]["people"][0][0]
        assert ref in ("ann", "bob", "cem")
        assert [[ref]] == told[0]["people"] == told[1]["people"] == told[2]["people"]
        assert [ref] in told[3]["people"]
        assert told[2]["value"] == told[3]["value"] != ref
        assert "token.reveal" in {act["action"] for act in world.service.show_subject(ref)["acts"]}
    world.service.verify()


@pytest.mark.parametrize(("actor", "code"), [(OWNER, "approval.own-name"), (ANA, "policy.not-permitted")])
def test_operator_and_analyst_learn_nothing(world, actor, code):
    tokens = release(world)[0]
    with pytest.raises(Refused) as caught:
        reveal(world, tokens, actor)
    assert caught.value.code == code
    # Nor by granting it: the owner stands behind every name, and an analyst decides nothing.
    name = pending(world, tokens)
    with pytest.raises(Refused):
        world.spine.approvals.decide(actor, name, is_granted=True)
    pending(world, tokens)


def test_an_officer_alone_learns_nothing(world):
    tokens = release(world)[0]
    name = pending(world, tokens)
    with pytest.raises(Refused) as caught:
        world.spine.approvals.decide(PRIYA, name, is_granted=True)
    assert caught.value.code == "approval.same-person"
    assert pending(world, tokens) == name


def test_a_grant_is_for_one_opening_of_exactly_what_was_asked(world):
    (tokens, others, _), (elsewhere, *_) = release(world), release(world, "R-2")
    world.spine.approvals.decide(PAUL, pending(world, tokens), is_granted=True)
    for asked in (
        {"tokens": others},
        {"tokens": [*tokens, others[0]]},
        {"tokens": tokens, "why": "curiosity"},
        {"tokens": elsewhere, "name": "R-2"},
        {"tokens": tokens, "name": "R-2"},
        {"tokens": tokens, "actor": PAUL},
    ):
        pending(world, **asked)
    assert all(named(reveal(world, tokens)))
    pending(world, tokens)


def test_tokens_of_another_release_lead_nowhere(world):
    release(world)
    elsewhere = release(world, "R-2")[0]
    assert named(granted(world, elsewhere)) == [[], [], [], []]


def test_who_was_erased_answers_as_what_never_was_a_token(world):
    rows = {granted(world, row)[0]["people"][0][0]: row for row in release(world)}
    shared = rows["ann"][3] in (rows["bob"][3], rows["cem"][3])
    world.service.erase_subject("ann")
    never = [letter * len(token) for letter, token in zip("wxyz", rows["ann"], strict=True)]
    told, nothing = granted(world, rows["ann"]), granted(world, never)
    for one, other in list(zip(told, nothing, strict=True))[: 3 if shared else 4]:
        assert one | {"token": ""} == other | {"token": ""}
    assert ["ann"] not in [refs for each in told for refs in each["people"]]
    assert named(granted(world, rows["bob"]))[0] == [["bob"]]
    world.service.verify()


def test_nothing_of_the_map_stays_of_who_was_erased_or_dropped(world):
    release(world)
    with world.read() as reader:
        before = reader.count(VaultToken)
        subjects = {each.number for each in reader.find(Subject)}
    assert before == 6
    world.service.erase_subject("ann")
    with world.read() as reader:
        left = {each.number for each in reader.find(VaultToken)}
        assert reader.count(VaultToken) == 4
    assert len(left) == 2
    assert left < subjects
    world.drop("visits")
    with world.read() as reader:
        assert reader.count(VaultToken) == 0
    world.service.verify()


def test_who_withdrew_is_not_named_for_that_purpose(world):
    everybody = {ref: row for row in release(world) for ref in granted(world, row)[0]["people"][0]}
    world.choose("ann", granted=False, late=False)
    for ref in ("ann", "bob", "cem"):
        row = everybody[ref]
        told = granted(world, row[:3], purpose=RESEARCH)
        assert named(told) == ([[], [], []] if ref == "ann" else [[[ref]]] * 3)
        # On a basis that is no consent the person is covered as before.
        assert named(granted(world, row[:3], why="another")) == [[[ref]]] * 3


def test_a_purpose_that_nothing_was_declared_for_names_nobody(world):
    rows = {granted(world, row)[0]["people"][0][0]: row for row in release(world)}
    with pytest.raises(Refused) as caught:
        reveal(world, rows["ann"], purpose="data-subject-rights")
    assert caught.value.code == "purpose.rights-only"
    with pytest.raises(Refused) as caught:
        reveal(world, rows["ann"], purpose="nothing")
    assert caught.value.code == "purpose.unknown"


def test_nothing_is_journaled_of_what_the_tokens_were(world):
    row = release(world)[0]
    granted(world, row)
    bodies = b"".join(
        world.inner_store._tables["journal"][key].body for key in world.inner_store._tables["journal"]
    )
    with world.read() as reader:
        approvals = "".join(each.summary + each.words for each in reader.find(Approval))
        assert reader.count(Commitment)
    for token in row:
        assert token.encode() not in bodies
        assert token not in approvals
    assert WHY.encode() not in bodies


def test_an_opening_that_no_grant_let_through_is_found(world):
    tokens = release(world)[0]
    pending(world, tokens)
    with world.store.write() as tx:
        world.spine.journal.append(tx, "token.open", PRIYA, {"release": "R-1", "tokens": 4})
    with pytest.raises(Fault) as caught:
        world.service.verify()
    assert caught.value.code == "approval.rule-broken"


def test_whoever_opens_all_after_a_restore_finds_a_token_moved_to_another_person(world):
    release(world)
    assert world.spine.restoring.open_fields(lambda _: None)
    with world.inner_store.write() as tx:
        one, other = [each for each in tx.find(VaultToken) if each.mark][:2]
        tx.put(replace(one, sealed=other.sealed))
    with pytest.raises(Fault) as caught:
        world.spine.restoring.open_fields(lambda _: None)
    assert caught.value.code == "envelope.unreadable"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"tokens": []}, "reveal.tokens"),
        ({"tokens": ["a", "a"]}, "reveal.tokens"),
        ({"tokens": [str(n) for n in range(21)]}, "reveal.tokens"),
        ({"tokens": ["a"], "why": " "}, "reveal.reason"),
        ({"tokens": ["a"], "why": "x" * 201}, "reveal.reason"),
        ({"tokens": ["a"], "name": "R-none"}, "released.unknown"),
    ],
)
def test_malformed_questions_ask_nobody(world, asked, code):
    release(world)
    with pytest.raises(CallerError) as caught:
        reveal(world, **asked)
    assert caught.value.code == code
    with world.read() as reader:
        assert reader.count(Approval) == 0
