"""The master keys leave sealed, are remembered as having left, and come back without what was destroyed."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3

import pytest

from hedgerow.adapters.keys import keyfile
from hedgerow.kernel.hybrid import open_stream, read_identity


@pytest.fixture
def officer(nowhere, tmp_path):
    made = nowhere("file", "identity", "--out", tmp_path / "officer", "--no-passphrase", "--json").json
    (tmp_path / "officer.recipient").write_text(made["recipient"])
    return tmp_path / "officer", tmp_path / "officer.recipient", made["fingerprint"]


def escrowed(hedgerow, officer, name="keys.escrow"):
    out = officer[0].with_name(name)
    hedgerow("keys", "escrow", "--recipient", officer[1], "--out", out, "--yes")
    return out


def keys_in(escrow, identity):
    sink = io.BytesIO()
    with escrow.open("rb") as source:
        open_stream(source, sink, read_identity(identity.read_bytes(), None), label="escrow")
    ring, _ = keyfile.unlock(keyfile.parse(sink.getvalue(), ""), None, "")
    return [epoch.state.id for epoch in ring.epochs if epoch.key is not None]


def back(hedgerow, escrow, officer, *more, **expected):
    return hedgerow(
        "keys", "escrow-restore", escrow, "--identity", officer[0], "--no-passphrase", *more, **expected
    )


def test_lost_keys_come_back(hedgerow, officer, patient):
    escrow = escrowed(hedgerow, officer)
    assert escrow.stat().st_mode & 0o777 == 0o600
    (hedgerow.space / "keys.json").unlink()
    hedgerow("doctor", code=2)
    said = back(hedgerow, escrow, officer)
    assert "hedgerow keys epoch --yes" in said.out
    hedgerow("subject", "show", patient)
    actions = [entry["action"] for entry in hedgerow("journal", "show", "--json").json]
    assert actions[-3:-1] == ["keys.escrow", "keys.escrow-restore"] or "keys.escrow-restore" in actions
    hedgerow("journal", "verify")


def test_the_new_key_file_is_sealed_by_a_passphrase(hedgerow, officer):
    escrow = escrowed(hedgerow, officer)
    (hedgerow.space / "keys.json").unlink()
    restore = ("keys", "escrow-restore", escrow, "--identity", officer[0])
    hedgerow.refused(*restore, code=4, error="keys.new-passphrase-needed")
    assert not (hedgerow.space / "keys.json").exists()
    hedgerow(*restore, env={"HEDGEROW_NEW_PASSPHRASE": "a rose hedge"})
    hedgerow.refused("keys", "status", code=4, error="keys.passphrase-needed")
    hedgerow("keys", "status", env={"HEDGEROW_PASSPHRASE": "a rose hedge"})


def test_without_yes_only_the_plan_is_shown(hedgerow, officer):
    out = officer[0].with_name("escrow")
    said = hedgerow.refused(
        "keys", "escrow", "--recipient", officer[1], "--out", out, code=2, error="confirm.needed"
    )
    assert officer[2] in said.err
    assert not out.exists()


def test_a_destroyed_key_does_not_come_back(hedgerow, officer):
    """Two epochs are held when the escrow is made; the older is destroyed, then the key file is lost."""
    hedgerow("keys", "rotate", "--yes")
    escrow = escrowed(hedgerow, officer)
    older, current = keys_in(escrow, officer[0])
    # The newer stays in force while the older goes, as after a change cut off behind the destruction.
    from hedgerow.app.space import open_space

    with open_space(hedgerow.space, passphrase=lambda _: None) as space:
        service = space.service
        with service.spine.store.write() as tx:
            service._note(tx, "keys.destroy", {"epochs": [older]})
        service.spine.backend.destroy_epoch(older)
    (hedgerow.space / "keys.json").unlink()
    back(hedgerow, escrow, officer)
    states = {e["epoch"]: e["state"] for e in hedgerow("keys", "status", "--json").json["epochs"]}
    assert states == {current: "current", older: "destroyed"}
    raw = json.loads((hedgerow.space / "keys.json").read_text())
    assert [("key" in epoch) for epoch in raw["body"]["epochs"]] == [False, True]
    # The journal, without what it tells of the destruction, brings no key back.
    (hedgerow.space / "keys.json").unlink()
    with contextlib.closing(sqlite3.connect(hedgerow.space / "hedgerow.db")) as connection, connection:
        told = (
            "UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), 'keys.destroy', 'keys.look') AS BLOB)"
        )
        assert connection.execute(f"{told} WHERE instr(body, CAST('keys.destroy\"' AS BLOB))").rowcount
    hedgerow.refused(
        "keys", "escrow-restore", escrow, "--identity", officer[0], "--no-passphrase",
        code=6, error="journal.altered",
    )  # fmt: skip
    assert not (hedgerow.space / "keys.json").exists()


def test_an_escrow_older_than_the_epoch_in_force_brings_nothing_back(hedgerow, officer):
    escrow = escrowed(hedgerow, officer)
    hedgerow("keys", "epoch", "--yes")
    (hedgerow.space / "keys.json").unlink()
    hedgerow.refused(
        "keys", "escrow-restore", escrow, "--identity", officer[0], "--no-passphrase",
        code=2, error="keys.escrow-other",
    )  # fmt: skip
    assert not (hedgerow.space / "keys.json").exists()


def test_a_final_certificate_names_the_escrow(hedgerow, officer, patient):
    escrowed(hedgerow, officer)
    hedgerow("subject", "erase", patient, "--yes")
    done = hedgerow("keys", "epoch", "--yes", "--json").json
    assert len(done["final"]) == 1
    told = certificate(hedgerow, done["final"][0])["not_covered"]
    assert any("escrow" in line and officer[2] in line for line in told)
    hedgerow("keys", "rotate", "--yes")


def test_a_final_certificate_names_no_escrow_of_other_epochs(hedgerow, officer, patient):
    escrowed(hedgerow, officer)
    hedgerow("keys", "epoch", "--yes")
    hedgerow("subject", "erase", patient, "--yes")
    done = hedgerow("keys", "epoch", "--yes", "--json").json
    assert not any("escrow" in line for line in certificate(hedgerow, done["final"][0])["not_covered"])


def certificate(hedgerow, name):
    from hedgerow.app.space import open_space
    from hedgerow.model.records import Certificate

    with open_space(hedgerow.space, passphrase=lambda _: None) as space, space.opened.store.read() as reader:
        return json.loads(reader.get(Certificate, name).body)["body"]


def test_what_cannot_be_is_refused_and_nothing_is_written(hedgerow, officer, nowhere, tmp_path, repository):
    escrow = escrowed(hedgerow, officer)
    vectors = json.loads((repository / "specs/vectors/sealed-file.json").read_text())
    (tmp_path / "rsa.pub").write_text(vectors["rsa"]["public"])
    new = tmp_path / "new.escrow"
    for more, code, error in (
        ((), 2, "keys.escrow-nobody"),
        (("--recipient", tmp_path / "rsa.pub"), 2, "keys.escrow-recipient"),
        (("--recipient", tmp_path / "absent"), 2, "file.missing"),
        (("--recipient", officer[1], "--as", "ana"), 3, "policy.not-permitted"),
    ):
        hedgerow.refused("keys", "escrow", "--out", new, "--yes", *more, code=code, error=error)
    assert not new.exists()
    restore = ("keys", "escrow-restore", escrow, "--identity", officer[0], "--no-passphrase")
    hedgerow.refused(*restore, code=2, error="keys.escrow-unneeded")
    kept = (hedgerow.space / "keys.json").read_bytes()
    (hedgerow.space / "keys.json").unlink()
    nowhere("file", "identity", "--out", tmp_path / "other", "--no-passphrase")
    (tmp_path / "letter").write_bytes(b"x")
    nowhere("file", "seal", tmp_path / "letter", "--recipient", officer[1], "--out", tmp_path / "sealed")
    (tmp_path / "cut").write_bytes(escrow.read_bytes()[:-5])
    for file, who, code, error in (
        (escrow, tmp_path / "other", 4, "sealed.wrong-identity"),
        (tmp_path / "sealed", officer[0], 2, "sealed.other-label"),
        (tmp_path / "cut", officer[0], 6, "sealed.changed"),
        (tmp_path / "absent", officer[0], 2, "file.missing"),
    ):
        hedgerow.refused(
            "keys", "escrow-restore", file, "--identity", who, "--no-passphrase", code=code, error=error
        )
        assert not (hedgerow.space / "keys.json").exists()
    hedgerow.refused(*restore, "--as", "ana", code=3, error="policy.not-permitted")
    assert not (hedgerow.space / "keys.json").exists()
    (hedgerow.space / "keys.json").write_bytes(kept)
    other = shutil.copytree(hedgerow.space, tmp_path / "copy")
    assert other.exists()
