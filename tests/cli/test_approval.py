"""Proves that a use awaits approval with exit code 8, and goes through once somebody else granted it."""

from __future__ import annotations

import pytest

SQL = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
ASK = ("query", "visits", SQL, "--purpose", "research", "--epsilon", "0.5", "--as", "ana")
ASKED = """
@id("asked") @reason("An officer looks first.") @approval("privacy-officer")
permit (principal in Role::"analyst", action == Action::"query", resource == Dataset::"visits");
"""


@pytest.fixture
def hedgerow(hedgerow, tmp_path):
    """Give the program with a policy that asks for approval of queries."""
    text = hedgerow("policy", "show", "--json").json["text"]
    (tmp_path / "asked.cedar").write_text(text + ASKED)
    hedgerow("policy", "apply", tmp_path / "asked.cedar", "--yes")
    return hedgerow


def _pending(hedgerow):
    return hedgerow(*ASK, "--json", code=8).json["approval"]


def test_asked_shown_granted_and_repeated(hedgerow):
    said = hedgerow.refused(*ASK, code=8, error="approval.pending")
    name = hedgerow("approval", "list", "--as", "priya", "--json").json[0]["id"]
    assert f"hedgerow approval grant {name} --as NAME" in said.err
    assert _pending(hedgerow) == name
    assert hedgerow("budget", "show", "visits", "--json").json[0]["spent"] in {"0", "0/1"}
    for who in ("priya", "otto", "ana"):
        listed = hedgerow("approval", "list", "--as", who).out
        assert name in listed
        assert "pending" in listed
    assert name not in hedgerow("approval", "list", "--as", "sam").out
    shown = hedgerow("approval", "show", name, "--as", "priya").out
    for words in (SQL, "privacy-officer, not ana", "epsilon: 0.5"):
        assert words in shown
    done = hedgerow("approval", "grant", name, "--as", "priya").out
    assert "ana can now repeat the command" in done
    answer = hedgerow(*ASK, "--json").json
    assert answer["receipt"]["replayed"] is False
    assert hedgerow("approval", "list", "--as", "priya", "--json").json == []
    used = hedgerow("approval", "list", "--all", "--as", "priya", "--json").json
    assert [(a["id"], a["state"], a["words"]) for a in used] == [(name, "used", {})]
    assert _pending(hedgerow) != name
    assert hedgerow("journal", "verify", "--json").json["verified"]


def test_denied_with_a_reason(hedgerow):
    name = _pending(hedgerow)
    hedgerow.refused("approval", "deny", name, "--as", "priya", code=2, error="usage.malformed")
    hedgerow("approval", "deny", name, "--reason", "Not this week.", "--as", "priya")
    said = hedgerow.refused(*ASK, code=3, error="approval.denied")
    assert "Not this week." in said.err
    assert "priya" in said.err


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("grant", "--as", "owner"), 3, "approval.same-person"),
        (("grant", "--as", "ana"), 3, "policy.not-permitted"),
        (("grant", "--as", "mallory"), 3, "principal.unknown"),
        (("deny", "--reason", "", "--as", "priya"), 2, "approval.reason"),
        (("show", "--as", "sam"), 2, "approval.unknown"),
        (("show", "--as", "mallory"), 3, "principal.unknown"),
    ],
)
def test_nobody_else_decides(hedgerow, words, code, error):
    name = _pending(hedgerow)
    hedgerow.refused("approval", words[0], name, *words[1:], code=code, error=error)
    assert hedgerow("approval", "show", name, "--as", "priya", "--json").json["state"] == "pending"


def test_what_there_is_not(hedgerow):
    hedgerow.refused("approval", "grant", "A-1", "--as", "priya", code=2, error="approval.unknown")
    hedgerow.refused("approval", "show", "A-1", "--as", "priya", code=2, error="approval.unknown")
    assert "(none)" in hedgerow("approval", "list", "--as", "priya").out


def test_the_owner_asks_under_a_name(hedgerow):
    said = hedgerow.refused(*ASK[:-2], code=3, error="approval.own-name")
    assert "--as" in said.err


def test_explained_and_tried(hedgerow):
    before = hedgerow(*ASK, "--explain").out
    assert "approval: by the role privacy-officer, not whoever asks" in before
    assert "Approval: nobody has asked for it yet" in before
    name = _pending(hedgerow)
    assert f"Approval: {name} waits for a decision" in hedgerow(*ASK, "--explain").out
    assert hedgerow(*ASK, "--explain", "--json").json["approval"]["id"] == name
    tried = hedgerow("policy", "test", "--principal", "ana", "--action", "query", "--dataset", "visits").out
    assert "It needs approval by 1 of the role privacy-officer" in tried


def test_the_report_says_what_waits(hedgerow, tmp_path):
    name = _pending(hedgerow)
    hedgerow("report", "--out", tmp_path / "report.html", "--as", "priya")
    page = (tmp_path / "report.html").read_text()
    assert "1 request waits for approval" in page
    assert name in page
    assert SQL not in page
    told = hedgerow("report", "--json", "--out", tmp_path / "again.html", "--as", "priya").json
    assert told
