"""Proves what the report takes from a workspace: failed uses, what never left, nothing hidden."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.attack.review_world import ASKED, COUNT, code_of, empty, filled

from hedgerow.app.report import render

NAMED = "SELECT name, COUNT(*) FROM visits GROUP BY name"
JOINED = "SELECT COUNT(*) FROM visits JOIN zebra_secret"


FORBID = '@id("no") forbid(principal == User::"aud", action, resource == Dataset::"visits");'


@pytest.fixture(scope="module")
def used(tmp_path_factory):
    """Give a workspace with a release that left, one that failed, queries, and an auditor kept out of it."""
    folder = tmp_path_factory.mktemp("used")
    with filled(folder, 100) as space:
        officer, ana = space.acting_as("po").service, space.acting_as("ana", purpose="research")
        out = folder / "a.csv"
        officer.release(ASKED, purpose="research", out=out, force=False)
        asked = replace(ASKED, k=90, suppression_limit="0")
        assert code_of(lambda: officer.release(asked, purpose="research", out=out, force=True)) != "done"
        assert code_of(lambda: ana.query("visits", NAMED, epsilon="0.1")) == "dp.hidden-column"
        assert code_of(lambda: ana.query("visits", JOINED, epsilon="0.1")) == "dp.not-public"
        ana.query("visits", COUNT, epsilon="0.1")
        space.service.apply_policy(space.service.policy()["text"] + "\n" + FORBID)
        yield space


def test_a_release_that_failed_is_told_apart_from_one_that_left(used):
    told = used.service.report()
    (left,) = [release["id"] for release in told["releases"]]
    for account in told["budget"]:
        assert account["apart_from"] == [left]
        assert len(account["opened_only"]) == 1
    assert [use["outcome"] for use in told["uses"]] == ["done", "failed", "done"]
    assert told["uses"][0]["cost"] == f"not private: release {left}"
    assert told["uses"][1]["cost"].endswith("has not left")


def test_a_failed_use_says_what_it_was_about(used):
    failed = used.service.report()["refusals"][0]
    assert failed["after_opening"] is True
    assert (failed["action"], failed["dataset"], failed["purpose"]) == ("k-anonymity", "visits", "research")


def test_refusals_are_full_sentences_without_the_words_of_the_caller(used):
    told = used.service.report()["refusals"]
    texts = [reason["text"] for item in told for reason in item["reasons"]]
    assert all(text.endswith(".") and "…" not in text for text in texts)
    assert "The query names a column that says who a person is, which takes no part in queries." in texts
    assert "zebra_secret" not in json.dumps(told)
    assert "zebra_secret" not in render(used.service.report())


@pytest.mark.parametrize("read", ["report", "entries"])
def test_outcomes_of_uses_of_a_forbidden_data_set_are_hidden_with_it(used, read):
    auditor = used.acting_as("aud").service
    told = json.dumps(auditor.report()["refusals"] if read == "report" else auditor.entries(1000))
    assert "anonymity." not in told
    assert "use.fail" not in told
    assert "use.done" not in told


def test_the_newest_entries_hide_an_outcome_whose_opening_is_older(used):
    for last in range(1, 6):
        assert "use.done" not in json.dumps(used.acting_as("aud").service.entries(last))


def test_an_empty_workspace_is_reported(tmp_path):
    with empty(tmp_path) as space:
        page = render(space.service.report())
    assert "No data set is held." in page
    assert "What asks for a decision" not in page
