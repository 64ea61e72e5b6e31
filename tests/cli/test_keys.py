"""Proves that master keys are shown, rotated and ended from the command line, with a plan before."""

from __future__ import annotations


def test_status_tells_epochs_records_and_algorithms(hedgerow):
    found = hedgerow("keys", "status", "--json").json
    (epoch,) = found["epochs"]
    assert (epoch["state"], epoch["age_days"], epoch["destroyed"]) == ("current", 0, None)
    assert epoch["records"]["subjects"] > 1
    assert epoch["records"]["secrets"] == 2
    assert found["backend"]["backend"] == "file"
    assert {a["algorithm"] for a in found["algorithms"]} >= {"AES-256-GCM", "Ed25519", "Argon2id"}
    assert (found["unfinished"], found["erasures_not_final"]) == (None, [])
    shown = hedgerow("keys", "status").out
    assert epoch["epoch"][:12] in shown
    assert "key" not in {word for word in shown.lower().split() if len(word) > 60}, "no key is printed"


def test_without_yes_only_the_plan_is_shown(hedgerow):
    before = hedgerow("keys", "status", "--json").json
    for verb, told in (("rotate", "new master key"), ("epoch", "destroys for good")):
        said = hedgerow.refused("keys", verb, code=2, error="confirm.needed")
        assert told in said.err
    assert hedgerow("keys", "status", "--json").json == before


def test_rotating_keeps_the_old_key_and_ending_destroys_every_old_one(hedgerow, patient):
    first = hedgerow("keys", "status", "--json").json["epochs"][0]
    rotated = hedgerow("keys", "rotate", "--yes", "--json").json
    assert (rotated["moved"], rotated["destroyed"]) == (sum(first["records"].values()), [])
    states = [(e["state"], bool(e["records"])) for e in hedgerow("keys", "status", "--json").json["epochs"]]
    assert states == [("current", True), ("held", False)]
    erased = hedgerow("subject", "erase", patient, "--yes", "--json").json["body"]
    assert erased["epochs"] == [first["epoch"], rotated["epoch"]]
    assert "1 erasure is logical only" in hedgerow("keys", "status").out
    assert "become final" in hedgerow.refused("keys", "epoch", code=2, error="confirm.needed").err
    done = hedgerow("keys", "epoch", "--yes", "--json").json
    assert sorted(done["destroyed"]) == sorted(erased["epochs"])
    assert len(done["final"]) == 1
    assert hedgerow("report", "--out", hedgerow.space.parent / "r.html", "--json").code == 0
    assert hedgerow("keys", "status", "--json").json["erasures_not_final"] == []
    assert hedgerow("journal", "verify").code == 0
    hedgerow.refused("subject", "show", patient, code=3, error="subject.erased")


def test_only_who_keeps_the_workspace_may(hedgerow):
    for line in (("keys", "status"), ("keys", "rotate"), ("keys", "epoch", "--yes")):
        said = hedgerow.refused(*line, "--as", "ana", code=3, error="policy.not-permitted")
        assert "administrator" in said.err
    hedgerow("principal", "add", "adam", "--role", "administrator")
    assert hedgerow("keys", "epoch", "--yes", "--as", "adam").code == 0
