"""What an operator types about backups, and what each bad input answers: one error, nothing left behind."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from tests.program import Program

from hedgerow.adapters.keys import file as key_file
from hedgerow.kernel.envelope.passphrase import Argon2Profile
from hedgerow.kernel.hybrid import new_identity, write_identity

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Make a sealed workspace of two rows, and a backup of it."""
    folder = tmp_path_factory.mktemp("kept")
    program = Program(folder / "space", PASSPHRASE)
    (folder / "a.csv").write_text("ref,age\nP-1,31\nP-2,32\n")
    identity = new_identity()
    (folder / "me.json").write_bytes(write_identity(identity, None))
    (folder / "me.json").chmod(0o600)
    (folder / "me.txt").write_text(identity.recipient.text)
    assert Program(folder / "space").call("init", folder / "space", "--no-passphrase").code == 0
    # As cheap a check as is allowed: it is made dozens of times here.
    key_file.change_passphrase(
        folder / "space" / "keys.json", None, PASSPHRASE, profile=Argon2Profile(7168, 1, 1)
    )
    for line in (
        ("purpose", "add", "care", "--why", "w", "--owner", "owner", "--until", "2099-01-01"),
        ("collect", folder / "a.csv", "--dataset", "visits", "--subject-key", "ref", "--purpose", "care",
         "--basis", "public-task", "--keep", "age"),
        ("backup", "--to", folder / "backup", "--recipient", folder / "me.txt"),
    ):  # fmt: skip
        done = program.call(*line)
        assert done.code == 0, done.err
    return SimpleNamespace(folder=folder, program=program, backup=folder / "backup", me=folder / "me.json")


def restore(kept, tmp_path, source=None, *more, passphrase=PASSPHRASE, me=None, target="new"):
    program = Program(tmp_path / target, passphrase)
    line = ("restore", source or kept.backup, "--identity", me or kept.me, "--nobody-erased-since", "seen")
    return program.call(*line, *more)


def altered(kept, tmp_path, name, change):
    """Copy the backup and change one file of it."""
    copy = shutil.copytree(kept.backup, tmp_path / "copy")
    (path,) = copy.rglob(name)
    content = change(path.read_bytes())
    path.write_bytes(content) if content is not None else path.unlink()
    return copy


def middle_changed(raw):
    place = len(raw) // 2
    return raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


BAD = [
    ("data-b-*.sealed", lambda raw: raw[:-5], 6, "backup.damaged"),
    ("data-b-*.sealed", lambda raw: raw[:900], 6, "backup.damaged"),
    ("data-b-*.sealed", middle_changed, 6, "backup.damaged"),
    ("data-b-*.sealed", lambda _: None, 1, "backup.unreadable"),
    ("keys-b-*.sealed", middle_changed, 6, "backup.damaged"),
    ("keys-b-*.sealed", lambda _: None, 2, "backup.keys-missing"),
    ("keyfile.sealed", lambda _: None, 2, "backup.keys-missing"),
    ("keyfile.sealed", lambda raw: raw[:-1], 6, "backup.damaged"),
    ("manifest-*.json", lambda _: None, 2, "backup.none"),
    ("manifest-*.json", lambda raw: raw[:-40], 6, "backup.damaged"),
    ("manifest-*.json", lambda raw: raw.replace(b'"made":"2', b'"made":"1'), 6, "backup.changed"),
    ("manifest-*.json", lambda raw: raw.replace(b"backup/v1", b"backup/v2"), 2, "backup.newer"),
    ("tables/*", middle_changed, 6, "backup.damaged"),
    ("tables/*", lambda raw: raw[:-1], 6, "backup.damaged"),
    ("tables/*", lambda _: None, 6, "backup.damaged"),
    ("erasures.json", lambda raw: raw.replace(b'"erased":[]', b'"erased":{}'), 6, "backup.list-changed"),
]


@pytest.mark.parametrize(("name", "change", "code", "error"), BAD)
def test_a_damaged_backup_is_told_and_leaves_nothing(kept, tmp_path, name, change, code, error):
    copy = altered(kept, tmp_path, name, change)
    done = restore(kept, tmp_path, copy)
    assert (done.code, done.error) == (code, error), done.err
    assert "  Next: " in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_an_officer_answers_for_erasures_and_hears_what_is_left_behind(kept, tmp_path):
    folder = shutil.copytree(kept.folder, tmp_path / "all")
    live = Program(folder / "space", PASSPHRASE)
    for line in (
        ("principal", "add", "olga", "--role", "privacy-officer"),
        ("principal", "add", "ana", "--role", "analyst"),
        ("journal", "witness", "add", "north", "--file", folder / "north.head"),
        ("backup", "--to", folder / "again", "--recipient", folder / "me.txt"),
    ):
        assert live.call(*line).code == 0
    shutil.copy(folder / "north.head", folder / "stale.head")
    assert live.call("principal", "add", "sam", "--role", "auditor").code == 0
    assert live.call("backup", "erasures", "--out", folder / "list.json").code == 0
    taken = (kept, tmp_path, folder / "again", "--erasures", folder / "list.json", "--head")
    stale = restore(*taken, folder / "stale.head", target="stale")
    assert stale.code == 0
    assert "WARNING: a list of erasures was written later" in stale.out
    done = restore(*taken, folder / "north.head", "--as", "olga", "--json", target="officer")
    assert (done.code, done.json["witnesses_left"]) == (0, ["north"]), done.err
    assert not done.json["head_is_old"]
    assert done.json["head"]["entries"] > done.json["entries"]
    assert restore(kept, tmp_path, folder / "again", "--as", "ana", target="ana").code == 3
    assert not (tmp_path / "ana").exists()


def test_wrong_secrets_and_places_are_told_and_leave_nothing(kept, tmp_path):
    (tmp_path / "other.json").write_bytes(write_identity(new_identity(), None))
    (tmp_path / "other.json").chmod(0o600)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    for done, code, error in (
        (restore(kept, tmp_path, passphrase="wrong"), 4, "keys.wrong-passphrase"),
        (restore(kept, tmp_path, passphrase=None), 4, "keys.passphrase-needed"),
        (restore(kept, tmp_path, me=tmp_path / "other.json"), 4, "sealed.wrong-identity"),
        (restore(kept, tmp_path, me=tmp_path / "full" / "mine.txt"), 2, "sealed.identity-malformed"),
        (restore(kept, tmp_path, target="full"), 2, "restore.target"),
        (restore(kept, tmp_path, tmp_path / "full"), 2, "backup.none"),
        (restore(kept, tmp_path, None, "--backup", "b-0123456789abcdef"), 2, "backup.unknown"),
        (restore(kept, tmp_path, None, "--keys-from", tmp_path / "full"), 2, "backup.keys-missing"),
        (restore(kept, tmp_path, None, "--trust", "SHA256:abc"), 6, "backup.not-trusted"),
        (restore(kept, tmp_path, None, "--head", tmp_path / "none"), 2, "file.missing"),
        (restore(kept, tmp_path, None, "--erasures", tmp_path / "none"), 2, "file.missing"),
        (restore(kept, tmp_path, None, "--as", "nobody"), 3, "principal.unknown"),
        (restore(kept, tmp_path, None, "--files", tmp_path / "f"), 2, "space.files-of-no-database"),
    ):
        assert (done.code, done.error) == (code, error), done.err
    assert sorted(tmp_path.rglob("*")) == before


def test_it_restores_verified_and_a_second_backup_copies_no_table_file_again(kept, tmp_path):
    done = restore(kept, tmp_path, None, "--verify", "--json")
    assert done.code == 0, done.err
    assert [check["check"] for check in done.json["checks"]] == [
        "manifest", "journal", "ledger", "data sets", "erasures", "table files", "vault",
    ]  # fmt: skip
    assert done.json["spending"] == "unknown"
    program = Program(tmp_path / "new", PASSPHRASE)
    assert program.call("doctor").code == 0
    again = program.call("backup", "--to", tmp_path / "first", "--json").json
    assert (again["files_new"], again["files_kept"]) == (1, 0)
    again = program.call("backup", "--to", tmp_path / "first", "--json").json
    assert (again["files_new"], again["files_kept"]) == (0, 1)
    listed = program.call("backup", "list", "--json").json
    assert [each["data"] for each in listed] == ["another line's", "there", "there"]
    assert "b-" in program.call("backup", "list").out


def test_places_and_recipients_that_will_not_do(kept, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    marker = {"format": "hedgerow/backup-folder/v1", "tenant": "w-other"}
    (foreign / "hedgerow-backup.json").write_text(json.dumps(marker))
    call = kept.program.call
    for done, error in (
        (call("backup", "--to", kept.folder / "space" / "b"), "backup.inside"),
        (call("backup", "--to", tmp_path / "full"), "backup.folder-in-use"),
        (call("backup", "--to", foreign), "backup.folder-foreign"),
        (call("backup", "--to", tmp_path / "x", "--keys-to", tmp_path / "x"), "backup.not-apart"),
        (call("backup", "--to", tmp_path / "x", "--keep-keys", "1000"), "backup.keep-days"),
        (call("backup", "--to", tmp_path / "x", "--recipient", "hedgerow-recipient-1-x"),
         "sealed.recipient-malformed"),
        (call("backup", "prune"), "confirm.needed"),
        (call("budget", "restate", "--yes", "--spent", "a=b"), "budget.spent-malformed"),
        (call("budget", "restate", "--spent", "a:b=1"), "budget.known"),
        (call("budget", "restate", "--yes", "--spent", "a:b=1"), "budget.known"),
    ):  # fmt: skip
        assert (done.code, done.error) == (2, error), done.err
    assert not (tmp_path / "x").exists()
    bare = Program(tmp_path / "bare")
    assert bare.call("init", bare.space, "--no-passphrase").code == 0
    assert bare.call("backup", "--to", tmp_path / "x").error == "backup.no-recipient"


def test_the_keys_may_go_elsewhere_and_be_pruned(kept, tmp_path):
    call = kept.program.call
    made = call("backup", "--to", tmp_path / "data", "--keys-to", tmp_path / "keys", "--json").json
    assert not (tmp_path / "data" / "keys").exists()
    assert restore(kept, tmp_path, tmp_path / "data").error == "backup.keys-missing"
    assert restore(kept, tmp_path, tmp_path / "data", "--keys-from", tmp_path / "keys").code == 0
    pruned = call("backup", "prune", "--all", "--yes", "--json").json
    assert made["backup"] in pruned["destroyed"]
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["hedgerow-backup.json"]
