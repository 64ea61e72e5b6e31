"""What a policy forbids is forbidden at every door, and nobody raises himself by writing one."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from tests.attack.review_world import code_of, collect, filled, grants, people

from hedgerow.model.policy import ACTIONS
from hedgerow.model.records import PolicyText
from hedgerow.spine import policy as policy_module


def add_policy(space, text):
    space.service.apply_policy(space.service.policy()["text"] + "\n" + text)


@pytest.mark.parametrize(
    ("action", "who"), [("subject.export", "po"), ("subject.read", "app"), ("consent.grant", "app")]
)
def test_a_policy_on_the_type_an_action_is_said_to_have_binds(tmp_path, action, who):
    with filled(tmp_path) as space:
        kind = ACTIONS[action]
        add_policy(space, f'@id("no") forbid(principal, action == Action::"{action}", resource is {kind});')
        session = space.acting_as(who, purpose="research")
        acts = {
            "subject.export": lambda: session.subject("p0001").export(),
            "subject.read": lambda: session.subject("p0001").read(["name"], dataset="visits"),
            "consent.grant": lambda: session.service.choose(
                "p0001", "research", granted=True, notice="", channel=""
            ),
        }
        assert code_of(acts[action]) == "policy.forbidden"


@pytest.fixture
def divided(tmp_path):
    """Give a workspace with a data set that the officer, the analyst and the auditor may not touch."""
    with filled(tmp_path) as space:
        rows = people(30)
        collect(space, tmp_path, rows, dataset="secret", consents=grants(rows))
        space.service.allocate("secret", "research", 1)
        for who in ("po", "ana", "aud"):
            text = f'forbid(principal == User::"{who}", action, resource == Dataset::"secret");'
            add_policy(space, f'@id("no-{who}") {text}')
        yield space


def test_a_forbidden_data_set_is_not_shown(divided):
    assert code_of(lambda: divided.acting_as("ana").service.dataset("secret")) == "policy.forbidden"


def test_a_forbidden_data_set_is_in_no_list_of_budgets(divided):
    told = divided.acting_as("ana").service.budgets()
    assert "secret" not in {account["dataset"] for account in told}


def test_a_forbidden_data_set_is_in_no_report(divided):
    told = divided.acting_as("aud").service.report()
    assert "secret" not in {held["dataset"] for held in told["held"]}


def test_a_person_shown_by_one_who_may_not_touch_a_data_set_is_shown_without_it(divided):
    held = divided.acting_as("po").service.show_subject("p0001")["held"]
    assert "secret" not in {one["dataset"] for one in held}


def test_an_administrator_who_may_read_no_data_cannot_permit_it_to_himself(tmp_path):
    with filled(tmp_path) as space:
        adm = space.acting_as("adm").service
        mine = '@id("me") permit(principal == User::"adm", action, resource);'
        text = space.service.policy()["text"] + mine
        code_of(lambda: adm.apply_policy(text))
        assert code_of(lambda: adm.export_subject("p0001")) != "done"


def test_policies_that_leave_nobody_to_change_them_are_refused(tmp_path):
    with filled(tmp_path) as space:
        text = '@id("q") permit(principal, action == Action::"query", resource);'
        code_of(lambda: space.service.apply_policy(text))
        assert code_of(space.service.policy) == "done"


class _Reader:
    """A view that is pinned to one version of the policies."""

    def __init__(self, newest):
        self._newest = newest

    def newest(self, _kind):
        return self._newest


def test_an_older_view_in_another_thread_does_not_change_what_a_newer_view_gets():
    policies = policy_module.Policies(lambda text: text, None)
    old, new = (PolicyText(version, str(version), "owner", "") for version in (1, 2))
    policies.in_force(_Reader(new))
    source = Path(policy_module.__file__).read_text().splitlines()
    between = []

    def trace(frame, event, _):
        if frame.f_code.co_name != "in_force" or event not in ("call", "line"):
            return None
        if event == "line" and not between and "return" in source[frame.f_lineno - 1]:
            between.append(frame.f_lineno)
            other = threading.Thread(target=lambda: policies.in_force(_Reader(old)))
            other.start()
            other.join()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        version, _ = policies.in_force(_Reader(new))
    finally:
        sys.settrace(before)
    assert between
    assert version == 2
