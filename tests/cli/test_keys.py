"""Proves that master keys are shown, rotated and ended from the command line, with a plan before."""

from __future__ import annotations

from dataclasses import replace

import pytest

VARIABLE = "HEDGEROW_NEW_PASSPHRASE"


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


def test_status_tells_whether_what_leaves_is_signed_against_quantum_computers(hedgerow):
    def told():
        listed = hedgerow("keys", "status", "--json").json["algorithms"]
        return next(each["use"] for each in listed if each["algorithm"] == "ML-DSA-44")

    assert told().startswith("off")
    hedgerow("journal", "key", "add", "ml-dsa")
    assert told().startswith("signs the heads")


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


OLD, NEW = "correct horse battery", "another horse entirely"


def _with(program, passphrase, new=None):
    return replace(program, passphrase=passphrase, environment={} if new is None else {VARIABLE: new})


def test_a_passphrase_is_set_changed_and_the_old_one_opens_no_more(hedgerow, tmp_path):
    (tmp_path / "first").write_text(f"{OLD}\nnot this line\n")
    sealed = hedgerow("keys", "passphrase", "--new-passphrase-file", tmp_path / "first", "--json").json
    assert not sealed["was_sealed"]
    assert "keys epoch" in sealed["copies"]
    hedgerow.refused("keys", "status", code=4, error="keys.passphrase-needed")
    epochs = _with(hedgerow, OLD)("keys", "status", "--json").json["epochs"]
    told = _with(hedgerow, OLD, NEW)("keys", "passphrase").out
    assert "under the new passphrase" in told
    assert "still open with the old passphrase" in told
    _with(hedgerow, OLD).refused("keys", "status", code=4, error="keys.wrong-passphrase")
    assert _with(hedgerow, NEW)("keys", "status", "--json").json["epochs"] == epochs
    assert _with(hedgerow, NEW)("journal", "verify").code == 0
    shown = _with(hedgerow, NEW)("journal", "show", "--last", "4", "--json").json
    assert [e["action"] for e in shown] == ["keys.passphrase.begin", "keys.passphrase"] * 2
    said = "".join(str(entry) for entry in shown)
    assert OLD not in said
    assert NEW not in said
    assert (hedgerow.space / "keys.json").stat().st_mode & 0o777 == 0o600
    assert not list(hedgerow.space.glob(".keys.json*"))


@pytest.mark.parametrize(
    ("new", "code", "error"),
    [
        (None, 4, "keys.new-passphrase-missing"),
        ("", 2, "keys.passphrase-empty"),
        ("x" * 1025, 2, "keys.passphrase-too-long"),
    ],
)
def test_a_passphrase_that_is_none_changes_nothing(hedgerow, new, code, error):
    before = (hedgerow.space / "keys.json").read_bytes()
    _with(hedgerow, None, new).refused("keys", "passphrase", code=code, error=error)
    assert (hedgerow.space / "keys.json").read_bytes() == before


def test_a_wrong_old_passphrase_and_one_without_right_change_nothing(hedgerow):
    _with(hedgerow, None, OLD)("keys", "passphrase")
    before = (hedgerow.space / "keys.json").read_bytes()
    _with(hedgerow, NEW, "third").refused("keys", "passphrase", code=4, error="keys.wrong-passphrase")
    _with(hedgerow, OLD, OLD).refused("keys", "passphrase", code=2, error="keys.passphrase-same")
    _with(hedgerow, OLD, NEW).refused(
        "keys", "passphrase", "--as", "ana", code=3, error="policy.not-permitted"
    )
    assert (hedgerow.space / "keys.json").read_bytes() == before
