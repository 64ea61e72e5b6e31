"""Backups beside running programs, cut off at any point, of keys in a token, and between databases."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
from types import SimpleNamespace

import pytest
from tests.program import Program

from hedgerow.adapters.store import sqlite
from hedgerow.app.backup import making
from hedgerow.app.backup.folder import Folder
from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import open_space, restore_space
from hedgerow.kernel.hybrid import new_identity
from hedgerow.model.records import Dataset, Subject

pytestmark = pytest.mark.system
PURPOSE = ("purpose", "add", "care", "--why", "w", "--owner", "owner", "--until", "2099-01-01")


def rows(folder, name, first):
    path = folder / name
    path.write_text("ref,age\n" + "".join(f"P-{i},{20 + i}\n" for i in range(first, first + 8)))
    return ("collect", path, "--dataset", "visits", "--subject-key", "ref", "--purpose", "care", "--basis",
            "public-task", "--keep", "age")  # fmt: skip


def do(program, *line):
    done = program.call(*line, "--json")
    assert done.code == 0, (line, done.err, done.out)
    return done.json


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    program, identity = Program(folder / "space"), new_identity()
    for line in (("init", folder / "space", "--no-passphrase"), PURPOSE, rows(folder, "a.csv", 0)):
        assert program.call(*line).code == 0
    return SimpleNamespace(folder=folder, space=folder / "space", identity=identity)


@pytest.fixture
def space(made, tmp_path):
    return shutil.copytree(made.space, tmp_path / "space")


def restored(made, source, target, **more):
    wish = Wish(source, target, made.identity, lambda _: None, nobody_since="seen", is_thorough=True, **more)
    return restore_space(wish)


def rows_of(space):
    with open_space(space, passphrase=lambda _: None) as opened, opened.opened.store.read() as reader:
        return reader.find(Dataset)[0].row_count, reader.count(Subject)


def test_others_collect_erase_and_sweep_while_a_backup_is_made(made, space, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "_WAIT_S", 0.2)
    acted = []

    def interfere(step):
        if not step.startswith("sealing the data") or acted:
            return
        acted.append(step)
        with open_space(space, passphrase=lambda _: None) as other:
            assert other.service.erase_subject("P-3")["body"]["state"] == "logical"
            other.opened.spine.tables.sweep(other.opened.store)
        collecting = Program(space).call(*rows(tmp_path, "b.csv", 50))
        assert collecting.code == 0, collecting.err

    with open_space(space, passphrase=lambda _: None) as opened:
        opened.service.backup(
            space, tmp_path / "backup", recipients=[made.identity.recipient.text], progress=interfere
        )
    assert acted
    assert rows_of(space) == (15, 15)
    # All of one moment: before the erasure and the collection; the list repeats the erasure.
    done = restored(made, tmp_path / "backup", tmp_path / "new")
    assert done["repeated"] == 1
    assert rows_of(tmp_path / "new") == (7, 7)


@pytest.mark.parametrize("write", range(1, 8))
def test_killed_at_any_file_it_leaves_no_half_backup_and_the_next_one_is_whole(made, space, tmp_path, write):
    """The files in their order: two markers, key set, data set, key file, table file, manifest."""
    backup, child = tmp_path / "backup", os.fork()
    if child == 0:
        counted, real = [], Folder.write

        def killed(self, name, fill):
            counted.append(name)

            def dying(sink):
                fill(sink)
                if len(counted) == write:
                    os.kill(os.getpid(), signal.SIGKILL)

            return real(self, name, dying)

        Folder.write = killed
        with open_space(space, passphrase=lambda _: None) as opened:
            opened.service.backup(space, backup, recipients=[made.identity.recipient.text])
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not list(backup.glob("manifest-*.json"))
    program = Program(space)
    assert program.call("journal", "verify").code == 0
    if write > 2:
        told = do(program, "backup", "list")
        assert [each["data"] for each in told] == ["missing"]
        assert program.call("restore", backup, "--identity", made.folder / "none").code != 0
    with open_space(space, passphrase=lambda _: None) as opened:
        opened.service.backup(space, backup, recipients=[made.identity.recipient.text])
    assert restored(made, backup, tmp_path / "new")["repeated"] == 0
    assert not list(backup.rglob("*.unfinished"))


def test_a_restore_that_was_killed_leaves_no_workspace_and_the_next_one_is_whole(made, space, tmp_path):
    with open_space(space, passphrase=lambda _: None) as opened:
        opened.service.backup(space, tmp_path / "backup", recipients=[made.identity.recipient.text])
    child = os.fork()
    if child == 0:
        from hedgerow.app.backup import restoring

        restoring._named = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        restored(made, tmp_path / "backup", tmp_path / "new")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert not (tmp_path / "new").exists()
    restored(made, tmp_path / "backup", tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "new", "space"]
    assert rows_of(tmp_path / "new") == (8, 8)


def test_a_million_bytes_more_take_no_more_memory(made, space, tmp_path):
    """Both streams are cut into pieces: what is held at once does not grow with the workspace."""
    from hedgerow.app.backup.folder import PieceSource

    source = PieceSource(iter([bytes(1000)] * 1000))
    total = 0
    while piece := source.read(64):
        total += len(piece)
        assert len(source._held) <= 1000
    assert total == 1_000_000


def test_an_erasure_out_of_reach_is_said_and_told_at_the_next_opening(made, space, tmp_path):
    program, backup = Program(space), tmp_path / "backup"
    do(program, "backup", "--to", backup, "--recipient", made.identity.recipient.text)
    backup.rename(tmp_path / "unplugged")
    erased = program.call("subject", "erase", "P-5", "--yes")
    assert (erased.code, f"could not be written to {backup}" in erased.err) == (0, True)
    dropped = program.call("dataset", "drop", "visits", "--yes")
    assert (dropped.code, "could not be written" in dropped.err) == (0, True)
    (tmp_path / "unplugged").rename(backup)
    assert program.call("dataset", "list").code == 0
    told = json.loads((backup / "erasures.json").read_text())["erased"]
    assert [bool(each["lookup"]) for each in told] == [True, False]
    wish = Wish(backup, tmp_path / "new", made.identity, lambda _: None)
    assert restore_space(wish)["repeated"] == 2
    new = Program(tmp_path / "new")
    assert new.call("dataset", "show", "visits").error == "dataset.dropped"
    assert new.call("journal", "verify").code == 0


def test_two_at_once_in_one_place_take_turns(made, space, tmp_path):
    program, backup = Program(space), tmp_path / "backup"
    do(program, "backup", "--to", backup, "--recipient", made.identity.recipient.text)
    with Folder(backup).locked():
        assert program.call("backup", "--to", backup).error == "backup.busy"
    assert program.call("backup", "--to", backup).code == 0
    other = tmp_path / ".new.0123456789abcdef.restoring"
    other.mkdir(mode=0o700)
    handle = os.open(other, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with pytest.raises(making.Fault) as caught:
            restored(made, backup, tmp_path / "new")
    finally:
        os.close(handle)
    assert caught.value.code == "restore.busy"
    assert restored(made, backup, tmp_path / "new")["repeated"] == 0


def test_a_full_disk_leaves_no_backup_and_says_so(made, space, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(making, "_pour", full)
    with open_space(space, passphrase=lambda _: None) as opened:
        with pytest.raises(making.Fault) as caught:
            opened.service.backup(space, tmp_path / "b", recipients=[made.identity.recipient.text])
        assert caught.value.code == "backup.unwritable"
    assert not list((tmp_path / "b").glob("manifest-*"))
    assert not list((tmp_path / "b").rglob("*-b-*.sealed"))


@pytest.mark.extra
def test_keys_in_a_token_are_in_no_backup_and_their_end_is_the_end_of_it(made, tmp_path, hsm):
    from tests.hsm import PIN

    program = Program(tmp_path / "space", PIN, {"HEDGEROW_PKCS11_MODULE": str(hsm.module)})
    done = program.call("init", tmp_path / "space", "--keys", "pkcs11", "--token", hsm.label)
    assert done.code == 0, done.err
    assert program.call(*PURPOSE).code == 0
    assert program.call(*rows(tmp_path, "a.csv", 0)).code == 0
    do(program, "backup", "--to", tmp_path / "backup", "--recipient", made.identity.recipient.text)
    stolen = shutil.copytree(tmp_path / "backup", tmp_path / "stolen")
    wish = Wish(stolen, tmp_path / "new", made.identity, lambda _: PIN, nobody_since="seen", is_thorough=True)
    assert restore_space(wish)["spending"] == "unknown"
    done = do(program, "keys", "epoch", "--yes")
    assert done["destroyed"]
    again = Wish(stolen, tmp_path / "again", made.identity, lambda _: PIN, nobody_since="seen")
    with pytest.raises(making.HedgerowError) as caught:
        restore_space(again)
    assert caught.value.code in ("keys.epoch-destroyed", "keys.token-key-gone")


@pytest.mark.extra
def test_between_a_database_and_a_directory_and_back(made, space, tmp_path, postgres_server):
    from tests.postgres import APPLICATION, OWNER, Database

    database = Database(postgres_server, postgres_server.new_database(OWNER))
    assert Program(database.owner).call("upgrade", "--application", APPLICATION, "--yes").code == 0
    do(Program(space), "backup", "--to", tmp_path / "one", "--recipient", made.identity.recipient.text)
    restored(made, tmp_path / "one", tmp_path / "files", database=database.application)
    there = Program(database.application)
    assert do(there, "dataset", "show", "visits")["name"] == "visits"
    assert there.call("journal", "verify").code == 0
    # Once more into the same database: the tenant is there already, and nothing is harmed.
    with pytest.raises(making.CallerError) as caught:
        restored(made, tmp_path / "one", tmp_path / "twice", database=database.application)
    assert caught.value.code == "store.tenant-exists"
    assert there.call("journal", "verify").code == 0
    do(there, "subject", "erase", "P-2", "--yes")
    do(there, "backup", "--to", tmp_path / "two")
    assert restored(made, tmp_path / "two", tmp_path / "back")["repeated"] == 0
    back = Program(tmp_path / "back")
    assert back.call("subject", "show", "P-2").error == "subject.erased"
    assert rows_of(tmp_path / "back") == (7, 7)
    assert json.loads(back.call("journal", "verify", "--json").out)["verified"]
