"""Places that a backup, a restore or a copy of a workspace must not be led to, and recipients nobody named.

The attacker writes to the records without a key, to folders beside the target of a restore, or hands over a
backup of his own; or a restored copy, a drill, is used as if it were the original.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import struct
from contextlib import closing
from types import SimpleNamespace

import pytest
from tests.program import Program

from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.app.backup import restoring
from hedgerow.app.backup.manifest import Manifest
from hedgerow.app.backup.restoring import Wish
from hedgerow.app.places import Where, find
from hedgerow.app.service.escrowing import restore_keys
from hedgerow.app.space import open_space, restore_space
from hedgerow.kernel.hybrid import new_identity, seal_stream, write_identity
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import SCHEMA_VERSION
from hedgerow.spine.backup import KEY_KINDS, about
from hedgerow.spine.recordstream import FORMAT, RecordStream, frames

LENGTH = struct.Struct(">I")


def do(program, *line):
    done = program.call(*line, "--json")
    assert done.code == 0, (line, done.err, done.out)
    return done.json


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a workspace of two people that was never backed up."""
    folder = tmp_path_factory.mktemp("made")
    program = Program(folder / "space")
    (folder / "a.csv").write_text("ref,age\nP-1,31\nP-2,32\n")
    do(program, "init", folder / "space", "--no-passphrase")
    do(program, "purpose", "add", "care", "--why", "w", "--owner", "owner", "--until", "2099-01-01")
    basis = ("--purpose", "care", "--basis", "public-task")
    do(
        program,
        "collect",
        folder / "a.csv",
        "--dataset",
        "visits",
        "--subject-key",
        "ref",
        *basis,
        "--keep",
        "age",
    )
    return SimpleNamespace(space=folder / "space", identity=new_identity())


@pytest.fixture
def world(made, tmp_path):
    """Give a copy of it with one backup, in folders of its own."""
    space = shutil.copytree(made.space, tmp_path / "space")
    program, backup, keys = Program(space), tmp_path / "backup", tmp_path / "keys"
    told = do(
        program, "backup", "--to", backup, "--keys-to", keys, "--recipient", made.identity.recipient.text
    )
    return SimpleNamespace(
        program=program, space=space, backup=backup, keys=keys, identity=made.identity, told=told,
        folder=tmp_path,
    )  # fmt: skip


def restored(world, name="new", source=None, **more):
    wish = Wish(
        source or world.backup, world.folder / name, more.pop("identity", world.identity), lambda _: None,
        more.pop("keys_source", world.keys), nobody_since="seen", **more,
    )  # fmt: skip
    restore_space(wish)
    return Program(world.folder / name)


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def write_row(space, text, *values):
    with closing(sqlite3.connect(space / "hedgerow.db")) as database, database:
        database.execute(text, values)


class TestRecipients:
    def test_a_recipient_put_into_the_records_gets_no_backup(self, world):
        thief = new_identity().recipient
        write_row(
            world.space, "UPDATE settings SET value = ? WHERE name = 'backup.recipients'",
            json.dumps([thief.text]),
        )  # fmt: skip
        done = world.program.call("backup", "--to", world.folder / "next")
        assert (done.code, done.error) == (6, "backup.recipients-differ")
        assert world.identity.recipient.fingerprint in done.err
        assert not list(world.folder.glob("next/**/*.sealed"))
        write_row(world.space, "UPDATE settings SET value = '[' WHERE name = 'backup.recipients'")
        assert world.program.call("backup", "--to", world.folder / "next").error == "backup.recipients-differ"
        # Naming them is the way on, and it is remembered again.
        named = ("--recipient", world.identity.recipient.text)
        assert world.program.call("backup", "--to", world.folder / "next", *named).code == 0
        assert world.program.call("backup", "--to", world.folder / "next").code == 0

    def test_an_entry_changed_to_name_him_is_not_believed(self, world):
        mine, thief = world.identity.recipient, new_identity().recipient
        write_row(
            world.space, "UPDATE settings SET value = ? WHERE name = 'backup.recipients'",
            json.dumps([thief.text]),
        )  # fmt: skip
        write_row(
            world.space,
            "UPDATE journal SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB) "
            "WHERE CAST(body AS TEXT) LIKE '%space.backup%'",
            mine.fingerprint, thief.fingerprint,
        )  # fmt: skip
        assert world.program.call("backup", "--to", world.folder / "next").error == "journal.altered"

    def test_every_backup_says_for_whom_it_is_sealed(self, world):
        fingerprint = world.identity.recipient.fingerprint
        assert world.told["recipients"] == [fingerprint]
        assert f"Sealed for: {fingerprint}" in world.program.call("backup", "--to", world.folder / "b").out


class TestFoldersBesideTheTarget:
    def test_what_others_planted_is_neither_entered_nor_emptied(self, world):
        victim = shutil.copytree(world.space, world.folder / "victim")
        victim.chmod(0o700)
        before = sorted(path.name for path in victim.iterdir())
        for name in (".new.restoring", ".new.0123456789abcdef.restoring"):
            (world.folder / name).symlink_to(victim)
        assert code_of(lambda: restored(world, trust="SHA256:wrong")) == "backup.not-trusted"
        open_to_all = world.folder / ".new.1111111111111111.restoring"
        open_to_all.mkdir()
        open_to_all.chmod(0o777)
        moved = shutil.copytree(victim, world.folder / ".new.2222222222222222.restoring")
        restored(world)
        assert sorted(path.name for path in victim.iterdir()) == before
        assert sorted(path.name for path in moved.iterdir()) == before
        assert open_to_all.is_dir()
        assert (world.folder / "new").stat().st_mode & 0o777 == 0o700
        assert not (world.folder / "new" / ".hedgerow-restoring").exists()

    def test_a_link_at_the_name_of_before_is_not_followed(self, world):
        victim = shutil.copytree(world.space, world.folder / "victim")
        (world.folder / ".new.restoring").symlink_to(victim)
        restored(world)
        assert (victim / "hedgerow.db").exists()
        assert not (world.folder / "new").is_symlink()


class TestLines:
    def listed(self, world):
        told = json.loads((world.backup / "erasures.json").read_text())
        return told["size"], len(told["erased"])

    def test_a_drill_does_not_speak_for_the_original(self, world):
        drill = restored(world, "drill")
        do(world.program, "subject", "erase", "P-1", "--yes")
        listed, keys = self.listed(world), sorted(path.name for path in world.keys.iterdir())
        assert listed[1] == 1
        drill.call("doctor")
        do(drill, "backup", "erasures")
        do(drill, "subject", "erase", "P-2", "--yes")
        do(drill, "backup", "prune", "--all", "--yes")
        do(drill, "keys", "epoch", "--yes")
        assert self.listed(world) == listed
        assert sorted(path.name for path in world.keys.iterdir()) == keys
        assert {each["data"] for each in do(drill, "backup", "list")} == {"another line's"}
        refused = drill.call("backup", "--to", world.backup, "--keys-to", world.keys)
        assert (refused.code, refused.error) == (2, "backup.folder-other-line")
        assert do(world.program, "backup", "--to", world.backup, "--keys-to", world.keys)["files_kept"] >= 0
        # What the folder's list tells and the drill does not know is not lost by taking it over either.
        do(drill, "backup", "--to", world.backup, "--keys-to", world.keys, "--adopt")
        assert self.listed(world)[1] == 2
        do(drill, "backup", "erasures")
        assert self.listed(world)[1] == 2

    def test_the_one_that_goes_on_takes_the_folders_over(self, world):
        do(world.program, "subject", "erase", "P-1", "--yes")
        old = (world.backup / "erasures.json").read_bytes()
        after = restored(world, "after")
        do(after, "backup", "--to", world.backup, "--keys-to", world.keys, "--adopt")
        do(after, "subject", "erase", "P-2", "--yes")
        assert self.listed(world)[1] == 2
        assert [path.read_bytes() for path in world.backup.glob("erasures-*.json")] == [old]
        assert after.call("journal", "verify").code == 0
        # From here on the other one is out.
        refused = world.program.call("backup", "--to", world.backup, "--keys-to", world.keys)
        assert refused.error == "backup.folder-other-line"
        restored(world, "third")
        assert Program(world.folder / "third").call("subject", "show", "P-2").error == "subject.erased"

    def test_a_copy_takes_no_erasure_off_the_list(self, world):
        copy = Program(shutil.copytree(world.space, world.folder / "copy"))
        do(world.program, "subject", "erase", "P-1", "--yes")
        newer = (world.backup / "erasures.json").read_bytes()
        assert do(copy, "backup", "erasures")["not_told"] == []  # it has nothing to add
        assert (world.backup / "erasures.json").read_bytes() == newer
        for number in range(9):  # its journal is the longer one then
            do(copy, "principal", "add", f"a{number}", "--role", "analyst")
        do(copy, "backup", "erasures")
        assert self.listed(world)[1] == 1

    def test_a_folder_of_another_key_under_our_name_is_not_ours(self, world):
        marker = world.keys / "hedgerow-backup.json"
        told = json.loads(marker.read_text())
        marker.write_text(json.dumps({**told, "key": "SHA256:other"}))
        do(world.program, "backup", "prune", "--all", "--yes")
        assert (world.keys / "keyfile.sealed").exists()
        refused = world.program.call("backup", "--to", world.backup, "--keys-to", world.keys, "--adopt")
        assert refused.error == "backup.folder-foreign"


class TestBeforeTrust:
    @pytest.mark.parametrize("trust", ["SHA256:" + "A" * 43, None])
    def test_no_witness_of_a_strangers_backup_is_written(self, world, trust):
        spot = world.folder / "anything.conf"
        do(world.program, "journal", "witness", "add", "usb", "--file", spot)
        spot.unlink()
        write_row(world.space, "UPDATE witnesses SET size = 0")
        with open_space(world.space, passphrase=lambda _: None) as opened:
            spine = opened.opened.spine
            spine.witnesses.remember = spine.witnesses.follow = lambda *_: False
            write_row(world.space, "UPDATE witnesses SET size = 0")
            opened.service.backup(world.space, world.backup, world.keys)
        spot.unlink(missing_ok=True)
        if trust is None:
            assert restored(world).call("journal", "verify").code == 0
        else:
            assert code_of(lambda: restored(world, trust=trust)) == "backup.not-trusted"
        assert not spot.exists()

    def test_trust_is_looked_at_before_anything_is_opened(self, world):
        act = lambda: restored(world, trust="SHA256:x", identity=new_identity())  # noqa: E731
        assert code_of(act) == "backup.not-trusted"

    def test_a_part_that_the_manifest_does_not_name_is_not_opened(self, world):
        (part,) = world.keys.glob("keys-*.sealed")
        with part.open("wb") as out:
            seal_stream(io.BytesIO(b"x"), out, [new_identity().recipient], label="backup-keys")
        # Opening it would tell of another recipient.
        assert code_of(lambda: restored(world)) == "backup.damaged"


class TestMemory:
    def test_a_key_file_larger_than_any_is_not_held(self, world):
        with (world.keys / "keyfile.sealed").open("wb") as out:
            seal_stream(io.BytesIO(b" " * (2 << 20)), out, [world.identity.recipient], label="backup-keyfile")
        opened = []

        def counting(source, sink, identity, *, label):
            whole = io.BytesIO()
            try:
                return real(source, _Counting(sink, whole), identity, label=label)
            finally:
                opened.append(whole.tell())

        real = restoring.open_stream
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(restoring, "open_stream", counting)
            assert code_of(lambda: restored(world)) == "backup.damaged"
        assert opened[0] <= 3 << 19

    def test_an_escrow_larger_than_any_is_not_held(self, world):
        do(world.program, "keys", "escrow", "--recipient", world.identity.recipient.text, "--out",
           world.folder / "escrow", "--yes")  # fmt: skip
        with (world.folder / "escrow").open("wb") as out:
            seal_stream(io.BytesIO(b"{" * (2 << 20)), out, [world.identity.recipient], label="escrow")
        (world.space / "keys.json").unlink()
        where: Where = world.space
        act = lambda: restore_keys(where, world.folder / "escrow", world.identity, lambda: None)  # noqa: E731
        assert code_of(act) == "keys.escrow-other"
        find(where).store.close()

    def test_a_frame_of_many_values_is_refused_before_it_is_read(self, monkeypatch):
        stream = begun()
        read = []
        monkeypatch.setattr("hedgerow.spine.recordstream.json.loads", lambda raw: read.append(raw) or {})
        bomb = b'{"kind":"secrets","rows":[' + b"[]," * (2 << 20) + b"[]]}"
        assert code_of(lambda: stream.write(LENGTH.pack(len(bomb)) + bomb)) == "backup.damaged"
        assert not read

    def test_a_record_longer_than_a_frame_still_comes_back(self):
        from hedgerow.model.records import Setting

        store, back = MemoryStore(), []
        records = [Setting("a", "x" * 300_000), Setting("b", "y" * (5 << 20)), Setting("c", "z")]
        with store.write() as tx:
            tx.add(records)
        with store.read() as reader:
            stream = RecordStream({}, [Setting], back.extend)
            stream.write(b"".join(frames(reader, [Setting], {})))
        assert stream.finish() == {"settings": 3}
        assert back == records


class _Counting(io.RawIOBase):
    def __init__(self, sink, whole):
        super().__init__()
        self._sink, self._whole = sink, whole

    def writable(self):
        return True

    def write(self, piece):
        self._sink.write(piece)
        return self._whole.write(piece)


def begun(take=lambda _: None):
    """A stream of the key set after its first frame."""
    from hedgerow.spine.recordstream import _columns

    head = {
        "format": FORMAT, "schema": SCHEMA_VERSION, "about": about("w-x", "b-0", "keys"),
        "kinds": {kind.TABLE: _columns(kind) for kind in KEY_KINDS},
    }  # fmt: skip
    stream = RecordStream(about("w-x", "b-0", "keys"), KEY_KINDS, take)
    stream.write(framed(json.dumps(head).encode()))
    return stream


def framed(raw):
    return LENGTH.pack(len(raw)) + raw


HOSTILE = [
    b'{"kind":"secrets","rows":[["\\ud800value","AAAA"]]}',
    b'{"kind":"subjects","rows":[[1180591620717411303424,"AAAA","AAAA","x"]]}',
]


class TestHostileValues:
    @pytest.mark.parametrize("raw", HOSTILE)
    def test_what_no_store_takes_is_damage(self, raw):
        assert code_of(lambda: begun().write(framed(raw))) == "backup.damaged"

    def test_the_same_record_twice_is_damage(self, world):
        from hedgerow.spine.recordstream import _columns

        name = world.told["backup"]
        head = {
            "format": FORMAT, "schema": SCHEMA_VERSION, "about": about("w-x", name, "keys"),
            "kinds": {kind.TABLE: _columns(kind) for kind in KEY_KINDS},
        }  # fmt: skip
        rows = b'{"kind":"secrets","rows":[["a","AAAA"],["a","AAAA"]]}'
        sealed = io.BytesIO()
        plain = io.BytesIO(framed(json.dumps(head).encode()) + framed(rows))
        seal_stream(plain, sealed, [world.identity.recipient], label="backup-keys")
        raw = sealed.getvalue()
        (world.keys / f"keys-{name}.sealed").write_bytes(raw)
        files = {f"keys-{name}.sealed": (len(raw), hashlib.sha256(raw).hexdigest())}
        manifest = Manifest(b"", {"backup": name}, files)
        wish = Wish(world.backup, world.folder / "new", world.identity, lambda _: None)
        act = lambda: restoring._load(  # noqa: E731
            wish, manifest, MemoryStore(), world.keys, "keys", KEY_KINDS, "w-x"
        )
        assert code_of(act) == "backup.damaged"

    def test_a_table_file_of_the_same_size_is_kept_only_when_it_is_the_same(self, world):
        (table,) = (world.backup / "tables").iterdir()
        right = table.read_bytes()
        table.write_bytes(bytes(len(right)))
        done = do(world.program, "backup", "--to", world.backup, "--keys-to", world.keys)
        assert (done["files_new"], done["files_kept"]) == (1, 0)
        assert table.read_bytes() == right


def test_an_identity_that_others_can_read_restores_nothing(world):
    me = world.folder / "me.json"
    me.write_bytes(write_identity(world.identity, None))
    me.chmod(0o644)
    line = (
        "restore",
        world.backup,
        "--keys-from",
        world.keys,
        "--identity",
        me,
        "--nobody-erased-since",
        "x",
    )
    done = Program(world.folder / "new").call(*line)
    assert (done.code, done.error) == (3, "sealed.identity-exposed")
    me.chmod(0o600)
    assert Program(world.folder / "new").call(*line).code == 0


def test_a_new_passphrase_names_the_folders_with_a_copy_under_the_old_one(world):
    program = Program(world.space, None, {"HEDGEROW_NEW_PASSPHRASE": "new words here"})
    done = do(program, "keys", "passphrase")
    assert done["backup_folders"] == [str(world.keys)]
    assert str(world.keys) in done["copies"]
