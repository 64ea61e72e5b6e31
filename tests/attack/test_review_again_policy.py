"""A policy that forbids a data set, or speaks of a purpose, binds wherever the data set is told of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.attack.review_world import ASKED, code_of, collect, empty, filled, grants, people


def add_policy(space, text):
    space.service.apply_policy(space.service.policy()["text"] + "\n" + text)


def shut(space, who):
    text = f'forbid(principal == User::"{who}", action, resource == Dataset::"secret");'
    add_policy(space, f'@id("no-{who}") {text}')


@pytest.fixture
def divided(tmp_path):
    """Give a workspace where three principals may not touch one of two data sets, and a release of it."""
    with filled(tmp_path, 10) as space:
        rows = people(9)
        collect(space, tmp_path, rows, dataset="secret", consents=grants(rows))
        asked = replace(ASKED, dataset="secret", k=2, suppression_limit="1")
        space.service.release(asked, purpose="research", out=tmp_path / "a.csv", force=False)
        for who in ("po", "aud", "app"):
            shut(space, who)
        yield space


def test_reading_without_naming_a_data_set_does_not_tell_who_is_in_a_forbidden_one(divided):
    read = divided.acting_as("app").subject
    inside = code_of(lambda: read("p0001").read(["name"], purpose="research"))
    outside = code_of(lambda: read("p0010").read(["name"], purpose="research"))
    assert inside == outside == "done"


def test_releases_of_a_forbidden_data_set_are_in_no_list(divided):
    assert [made["dataset"] for made in divided.acting_as("aud").service.releases()] == []


def test_a_person_shown_does_not_tell_of_releases_of_a_forbidden_data_set(divided):
    assert divided.acting_as("po").service.show_subject("p0001")["releases"] == []


@pytest.mark.parametrize("act", ["list", "retry", "discard"])
def test_the_quarantine_of_a_forbidden_data_set_is_shut(tmp_path, act):
    with empty(tmp_path) as space:
        rows = people(40)
        rows[0]["age"] = "unknown"
        collect(space, tmp_path, rows, dataset="secret")
        batch = space.service.quarantine_list()[0]["batch"]
        shut(space, "po")
        officer = space.acting_as("po").service
        if act == "list":
            assert officer.quarantine_list() == []
        elif act == "retry":
            assert code_of(lambda: officer.quarantine_retry(batch, empty_broken=True)) == "policy.forbidden"
        else:
            assert code_of(lambda: officer.quarantine_discard(batch)) == "policy.forbidden"


def test_a_policy_on_the_purpose_of_reading_a_person_binds_that_purpose_alone(tmp_path):
    with filled(tmp_path, 5) as space:
        when = 'when {context.purpose == "marketing"}'
        add_policy(space, f'@id("no") forbid(principal, action == Action::"subject.read", resource) {when};')
        person = space.acting_as("app").subject("p0001")
        assert code_of(lambda: person.read(["name"], purpose="research", dataset="visits")) == "done"


def test_a_test_of_policies_says_what_the_gate_does(tmp_path):
    with filled(tmp_path, 5) as space:
        add_policy(space, '@id("b") forbid(principal == User::"app", action, resource is Subject);')
        done = code_of(lambda: space.acting_as("app").subject("p0001").read(["name"], purpose="research"))
        said = space.service.test_policy(None, "app", "subject.read", "visits")["allowed"]
        assert said == (done == "done")
