"""The built-in roles: who may do what is the written-out table below, and nothing else."""

import pytest

from hedgerow.adapters.policy import load_policies
from hedgerow.model.policy import ACTIONS, Access
from hedgerow.model.roles import ROLES_FOR, roles_for
from hedgerow.model.words import Role

ADMINISTRATOR, ANALYST, OFFICER, AUDITOR, SERVICE = (role.value for role in Role)
OWNER = "owner"

MAY = {
    "principal.add": {ADMINISTRATOR},
    "principal.list": {ADMINISTRATOR, OFFICER, AUDITOR},
    "purpose.add": {OFFICER},
    "purpose.list": {ADMINISTRATOR, ANALYST, OFFICER, AUDITOR},
    "policy.show": {ADMINISTRATOR, OFFICER, AUDITOR},
    "policy.test": {ADMINISTRATOR, OFFICER},
    "policy.apply": {OWNER},
    "collect": {ADMINISTRATOR, SERVICE},
    "dataset.declare": {OWNER},
    "dataset.list": {ADMINISTRATOR, ANALYST, OFFICER, AUDITOR},
    "dataset.drop": {ADMINISTRATOR},
    "dataset.index": {OFFICER},
    "discover": {OFFICER},
    "query": {ANALYST, SERVICE},
    "train": {ANALYST},
    "release": {OFFICER},
    "release.risk": {OFFICER},
    "synthesise": {ANALYST},
    "subject.read": {OFFICER, SERVICE},
    "subject.show": {OFFICER},
    "subject.export": {OFFICER},
    "subject.erase": {OFFICER},
    "subject.find": {OFFICER},
    "token.reveal": {OFFICER},
    "consent.grant": {SERVICE},
    "consent.withdraw": {OFFICER, SERVICE},
    "consent.show": {OFFICER},
    "budget.allocate": {OFFICER},
    "budget.show": {ANALYST, OFFICER, AUDITOR},
    "budget.cap": {OFFICER},
    "journal.verify": {OFFICER, AUDITOR},
    "journal.head": {OFFICER, AUDITOR},
    "evidence.export": {OFFICER, AUDITOR},
    "report.show": {OFFICER, AUDITOR},
    "quarantine.manage": {OFFICER},
    "quarantine.list": {ADMINISTRATOR, OFFICER},
    "keys.status": {ADMINISTRATOR},
    "keys.change": {ADMINISTRATOR},
    "space.backup": {ADMINISTRATOR},
    "space.restore": {ADMINISTRATOR, OFFICER},
    "erasure.state": {OFFICER},
    "budget.restate": {OFFICER},
    "approval.list": {OFFICER, AUDITOR},
    "approval.decide": {OFFICER},
    "journal.witness": {ADMINISTRATOR},
    "journal.cosign": {ADMINISTRATOR},
    "clock.accept": {ADMINISTRATOR},
}
ROLES = (ADMINISTRATOR, ANALYST, OFFICER, AUDITOR, SERVICE, OWNER)


@pytest.fixture(scope="module")
def engine(repository):
    return load_policies((repository / "src/hedgerow/app/policies/default.cedar").read_text())


def access(roles, action) -> Access:
    return Access("ann", frozenset(roles), action, ACTIONS.get(action, "Workspace"), "it", {})


def test_the_table_names_every_action_and_the_policies_name_no_other(engine):
    import re

    assert set(MAY) == set(ACTIONS)
    assert set(re.findall(r'Action::"([^"]+)"', engine.text)) == set(ACTIONS)


def test_the_policies_are_compiled_and_each_says_why(engine):
    assert engine.is_compiled
    assert all(len(note.reason) > 20 for note in engine.notes().values())


@pytest.mark.parametrize("action", MAY)
def test_each_role_alone_may_do_exactly_what_the_table_says(engine, action):
    for role in ROLES:
        verdict = engine.decide(access({role}, action))
        assert verdict.allowed == (role in MAY[action]), (role, action)
        assert verdict == engine.check(access({role}, action))
        assert verdict.errors == ()


def test_the_owner_of_a_local_workspace_may_do_everything(engine):
    assert all(engine.decide(access(ROLES, action)).allowed for action in ACTIONS)


def test_all_built_in_roles_together_still_cannot_declare(engine):
    verdict = engine.decide(access(set(ROLES) - {OWNER}, "dataset.declare"))
    assert (verdict.allowed, verdict.forbids) == (False, ("only-the-owner-declares",))


@pytest.mark.parametrize("role", ["", "Analyst", "root", "owner "])
def test_no_role_or_an_unknown_one_may_do_nothing(engine, role):
    roles = {role} if role else set()
    assert not any(engine.decide(access(roles, action)).allowed for action in ACTIONS)


def test_an_unknown_action_is_allowed_to_nobody(engine):
    for action in ("subject", "subject.*", "Query", "policy"):
        assert not engine.decide(access(ROLES, action)).allowed


def test_those_who_run_or_audit_the_workspace_reach_no_data(engine):
    data = (
        "query", "release", "release.risk", "synthesise", "discover", "subject.read", "subject.show",
        "subject.export",
    )  # fmt: skip
    for role in (ADMINISTRATOR, AUDITOR):
        assert not any(engine.decide(access({role}, action)).allowed for action in data)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_a_refusal_names_the_roles_that_the_default_policies_permit(engine, action):
    may = {role for role in ROLES if engine.decide(access({role}, action)).allowed}
    assert {role.value for role in ROLES_FOR[action]} == may - {OWNER}
    assert set(roles_for(action).replace(" or ", ", ").split(", ")) == may | {OWNER}


def test_only_actions_have_roles():
    assert set(ROLES_FOR) == set(ACTIONS)
    assert roles_for("no such action") == OWNER
