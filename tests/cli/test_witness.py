"""What an operator types about witnesses, and what it answers: adding, listing, a rollback, a lost disk."""

from __future__ import annotations

import shutil

import pytest
from tests.program import Program


@pytest.fixture
def space(tmp_path):
    (tmp_path / "usb").mkdir()
    made = Program(tmp_path / "space")
    assert made.call("init", made.space, "--no-passphrase").code == 0
    return made


def test_a_witness_is_added_listed_and_taken_away(space, tmp_path):
    head = tmp_path / "usb" / "head.json"
    added = space.call("journal", "witness", "add", "usb", "--file", head, "--required")
    assert (added.code, added.out.split(" at ")[0]) == (0, "Witness usb: holds 2 entries")
    listed = space.call("journal", "witness", "list", "--json").json
    assert [(w["name"], w["required"], w["state"], w["lag"]) for w in listed] == [("usb", True, "current", 0)]
    assert "usb" in space.call("journal", "witness", "list").out
    assert space.call("journal", "verify", "--json").json["witnesses"][0]["state"] == "current"
    assert space.call("journal", "verify", "--against", head, "--json").json["against"] == "same"
    assert "witness usb  ok" in space.call("doctor").out
    assert space.call("journal", "witness", "remove", "usb").code == 0
    assert (space.call("journal", "witness", "list", "--json").json, head.exists()) == ([], True)


def test_an_older_copy_of_the_workspace_says_so_at_once(space, tmp_path):
    head = tmp_path / "usb" / "head.json"
    assert space.call("journal", "witness", "add", "usb", "--file", head).code == 0
    shutil.copytree(space.space, tmp_path / "older")
    purpose = ("purpose", "add", "research", "--why", "w", "--owner", "owner", "--until", "2099-01-01")
    assert space.call(*purpose).code == 0
    older = Program(tmp_path / "older")
    assert "Warning: The witness usb holds a head of 3 entries" in older.call("journal", "head").err
    found = older.call("journal", "verify")
    assert (found.code, found.error) == (6, "witness.ahead")
    checked = older.call("doctor")
    assert (checked.code, "witness usb  MEND" in checked.out) == (9, True)


@pytest.mark.parametrize(
    ("path", "code", "error"),
    [
        ("space/head.json", 2, "witness.inside"),
        ("none/head.json", 2, "witness.not-plain"),
        ("usb", 2, "witness.not-plain"),
        ("usb/other", 6, "witness.forged"),
    ],
)
def test_a_place_that_will_not_do_is_refused_with_a_next_step(space, tmp_path, path, code, error):
    (tmp_path / "usb" / "other").write_text("mine")
    done = space.call("journal", "witness", "add", "usb", "--file", tmp_path / path)
    assert (done.code, done.error) == (code, error)
    assert space.call("journal", "witness", "list", "--json").json == []
    assert (tmp_path / "usb" / "other").read_text() == "mine"
