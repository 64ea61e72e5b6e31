"""Two workspaces watch each other by files: growth is cosigned, a rollback and a fork are refused."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import sqlite3
import struct
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from tests.program import Program

DECLARE = ("--why", "w", "--owner", "owner", "--until", "2099-01-01")


@pytest.fixture
def pair(tmp_path):
    found = []
    for name in ("log", "friend"):
        made = Program(tmp_path / name)
        assert made.call("init", made.space, "--no-passphrase").code == 0
        found.append(made)
    return found


def bundle(log, out):
    assert log.call("evidence", "export", "--out", out).code == 0
    return out


def cosigned(friend, path, out, *more):
    done = friend.call("journal", "cosign", path, "--out", out, *more, "--json")
    assert done.code == 0, done.err
    return done.json


def test_growth_is_cosigned_kept_checked_and_carried_in_the_bundle(pair, tmp_path):
    log, friend = pair
    key = log.call("journal", "head", "--json").json["key"]
    first = cosigned(friend, bundle(log, tmp_path / "b1"), tmp_path / "c1", "--key", key)
    assert (first["size"], first["before"], len(first["keys"])) == (2, None, 2)
    assert log.call("journal", "cosignature", "add", tmp_path / "c1", "--key", first["keys"][0]).code == 0
    second = cosigned(friend, bundle(log, tmp_path / "b2"), tmp_path / "c2")
    assert (second["before"], second["keys"]) == (2, first["keys"])
    assert second["size"] == 4
    keys = [each for key in second["keys"] for each in ("--key", key)]
    assert log.call("journal", "cosignature", "add", tmp_path / "c2", *keys).code == 0
    wanted = [each for key in second["keys"] for each in ("--witness", key)]
    found = log.call("journal", "verify", *wanted, "--json").json["cosigned"]
    assert [each["size"] for each in found] == [2, 4, 4]
    out = bundle(log, tmp_path / "b3")
    assert sorted(each.name for each in (out / "documents/cosigned").iterdir()) == ["2.note", "4.note"]
    assert (out / "documents/cosigned/4.note").read_text().count("\N{EM DASH}") == 3
    from hedgerow.kernel.merkle.offline_verifier import main

    trust = log.call("journal", "head", "--json").json["fingerprint"]
    assert main([str(out), "--trust", trust]) == 0
    by_witness = [sys.executable, str(out / "verify.py"), str(out), "--trust", trust, "--json", *wanted]
    alone = subprocess.run(by_witness, capture_output=True, text=True, check=False)
    assert (alone.returncode, [each["size"] for each in json.loads(alone.stdout)["cosigned"]]) == (0, [4, 4])
    assert "hedgerow.kernel" not in (out / "verify.py").read_text().partition("import")[2]
    other = wanted[1].replace("/witness", "/other")
    assert main([str(out), "--trust", trust, "--witness", other]) == 6
    path = out / "documents/cosigned/4.note"
    path.write_text(path.read_text().replace(path.read_text().splitlines()[-2][-20:], "A" * 19 + "="))
    assert main([str(out), "--trust", trust, *wanted]) == 6
    stranger = friend.call("journal", "head", "--json").json["key"].replace("+", "+", 1)
    assert log.call("journal", "verify", "--witness", stranger).error == "cosignature.key"


def test_tiles_prove_growth_as_well_and_a_bare_checkpoint_does_not(pair, tmp_path):
    log, friend = pair
    key = log.call("journal", "head", "--json").json["key"]
    assert friend.call("journal", "cosign", bundle(log, tmp_path / "b"), "--out", tmp_path / "c").error == (
        "cosignature.no-key"
    )
    tiles = tmp_path / "tiles"
    assert log.call("journal", "tiles", "--out", tiles).code == 0
    cosigned(friend, tiles / "checkpoint", tmp_path / "c1", "--key", key)
    assert log.call("purpose", "add", "research", *DECLARE).code == 0
    assert log.call("journal", "tiles", "--out", tiles).code == 0
    bare = friend.call("journal", "cosign", tiles / "checkpoint", "--out", tmp_path / "c2")
    assert (bare.code, bare.error, (tmp_path / "c2").exists()) == (2, "cosignature.no-proof", False)
    assert cosigned(friend, tiles, tmp_path / "c2")["before"] == 3


@pytest.mark.parametrize("kind", ["rollback", "fork"])
def test_a_rolled_back_or_forked_log_is_refused_and_nothing_is_remembered(pair, tmp_path, kind):
    log, friend = pair
    key = log.call("journal", "head", "--json").json["key"]
    shutil.copytree(log.space, tmp_path / "older")
    older = Program(tmp_path / "older")
    assert log.call("purpose", "add", "research", *DECLARE).code == 0
    cosigned(friend, bundle(log, tmp_path / "b1"), tmp_path / "c1", "--key", key)
    if kind == "fork":
        for name in ("other", "another"):
            assert older.call("purpose", "add", name, *DECLARE).code == 0
    before = friend.call("journal", "head", "--json").json["size"]
    refused = friend.call("journal", "cosign", bundle(older, tmp_path / "b2"), "--out", tmp_path / "c2")
    error = {"rollback": "cosignature.older", "fork": "cosignature.forked"}[kind]
    assert (refused.code, refused.error, (tmp_path / "c2").exists()) == (6, error, False)
    assert friend.call("journal", "head", "--json").json["size"] == before
    assert (
        older.call("journal", "cosignature", "add", tmp_path / "c1", "--key", "x").error == "cosignature.key"
    )


def test_a_bundle_whose_leaves_are_not_those_of_its_head_is_refused(pair, tmp_path):
    log, friend = pair
    key = log.call("journal", "head", "--json").json["key"]
    cosigned(friend, bundle(log, tmp_path / "b1"), tmp_path / "c1", "--key", key)
    out = bundle(log, tmp_path / "b2")
    leaves = bytearray((out / "leaves.bin").read_bytes())
    leaves[-1] ^= 1
    (out / "leaves.bin").write_bytes(leaves)
    done = friend.call("journal", "cosign", out, "--out", tmp_path / "c2")
    assert (done.code, done.error) == (6, "journal.root-differs")


def test_a_cosignature_altered_or_of_another_journal_is_not_kept(pair, tmp_path):
    log, friend = pair
    key = log.call("journal", "head", "--json").json["key"]
    made = cosigned(friend, bundle(log, tmp_path / "b1"), tmp_path / "c1", "--key", key)
    text = (tmp_path / "c1").read_text().splitlines(keepends=True)
    (tmp_path / "bad").write_text("".join([*text[:-2], text[-2][:-6] + "AAAA=\n", text[-1]]))
    bad = log.call("journal", "cosignature", "add", tmp_path / "bad", "--key", made["keys"][0])
    assert bad.code in {2, 6}
    (tmp_path / "none").write_text("".join(text[:-2]))
    none = log.call("journal", "cosignature", "add", tmp_path / "none", "--key", made["keys"][0])
    assert (none.code, none.error) == (2, "cosignature.none")
    other = friend.call("journal", "cosignature", "add", tmp_path / "c1", "--key", made["keys"][0])
    assert (other.code, other.error) == (6, "journal.bad-signature")
    assert json.loads(log.call("journal", "verify", "--json").out)["cosigned"] == []


def second_line(note, key):
    """Check the ML-DSA line of the log itself with nothing but the words of the specification."""
    origin, _, encoded = key.split("+", 2)
    public, (name, size, root) = base64.b64decode(encoded)[1:], note.split("\n")[:3]
    blob = base64.b64decode(note.splitlines()[-1].rsplit(" ", 1)[1])
    (time,) = struct.unpack(">Q", blob[4:12])
    message = b"subtree/v1\n\x00" + bytes([len(origin)]) + origin.encode() + struct.pack(">Q", time)
    message += bytes([len(name)]) + name.encode() + struct.pack(">QQ", 0, int(size)) + base64.b64decode(root)
    MLDSA44PublicKey.from_public_bytes(public).verify(blob[12:], message)
    return int(size)


def test_a_second_key_signs_what_leaves_from_then_on_and_is_required(pair, tmp_path, capsys):
    log, friend = pair
    (tmp_path / "early.json").write_text(log.call("journal", "head", "--json").out)
    made = log.call("journal", "key", "add", "ml-dsa", "--json").json
    assert log.call("journal", "key", "add", "ml-dsa").error == "key.exists"
    head = log.call("journal", "head", "--json").json
    assert second_line(head["checkpoint"], made["key"]) == made["entry"] + 1
    (tmp_path / "head.json").write_text(json.dumps(head))
    assert log.call("journal", "verify", "--against", tmp_path / "head.json").code == 0
    assert log.call("journal", "verify", "--against", tmp_path / "early.json").code == 0, "from before it"
    lines = head["checkpoint"].splitlines(keepends=True)
    (tmp_path / "bare.json").write_text(json.dumps(head | {"checkpoint": "".join(lines[:-1])}))
    bare = log.call("journal", "verify", "--against", tmp_path / "bare.json")
    assert (bare.code, bare.error) == (6, "key.second-missing")
    out = bundle(log, tmp_path / "b")
    assert second_line((out / "checkpoint").read_text(), made["key"]) == made["entry"] + 2
    from hedgerow.kernel.merkle.offline_verifier import main

    assert main([str(out), "--trust", head["fingerprint"]]) == 0
    note = (out / "checkpoint").read_text().splitlines(keepends=True)
    capsys.readouterr()
    (out / "checkpoint").write_text("".join(note[:-1]))
    assert main([str(out), "--trust", head["fingerprint"]]) == 6
    assert f"required from entry {made['entry']} on" in capsys.readouterr().out
    (out / "checkpoint").write_text("".join(note))
    assert log.call("journal", "tiles", "--out", tmp_path / "tiles").code == 0
    assert second_line((tmp_path / "tiles/checkpoint").read_text(), made["key"]) == made["entry"] + 3
    assert cosigned(friend, out, tmp_path / "c", "--key", head["key"])["size"] == made["entry"] + 2
    with contextlib.closing(sqlite3.connect(log.space / "hedgerow.db")) as connection, connection:
        connection.execute("DELETE FROM settings WHERE name = 'journal.second-key'")
    assert log.call("journal", "verify").error == "records.differ", "switched off beside the journal"
