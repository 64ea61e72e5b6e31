"""The key file: sealed or plainly open, written whole or not at all, one clear error for each thing wrong."""

import base64
import hashlib
import json
import os
import stat
import subprocess
import sys

import pytest

from hedgerow.adapters.keys import (
    OWASP_MINIMUM,
    change_passphrase,
    create,
    durable,
    keyfile,
    needs_passphrase,
    open_,
)
from hedgerow.kernel.envelope import new_key
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.keys import Binding

BINDING = Binding("local", "subject-key", 7, "", 1)
PASSPHRASE = "three hedges and a gate"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


@pytest.fixture
def sealed(path):
    return create(path, PASSPHRASE, profile=OWASP_MINIMUM)


def error_of(call, *args, **kwargs) -> HedgerowError:
    with pytest.raises(HedgerowError) as caught:
        call(*args, **kwargs)
    return caught.value


def rewritten(path, **changes):
    """Change fields of a key file and make its checksum fit again."""
    content = json.loads(path.read_text())
    content.update(changes)
    del content["checksum"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    path.write_text(json.dumps({**content, "checksum": hashlib.sha256(canonical).hexdigest()}))


def test_a_sealed_file_opens_with_its_passphrase_alone(path, sealed):
    key = new_key()
    blob = sealed.wrap(key, BINDING)
    assert open_(path, PASSPHRASE).unwrap(blob, BINDING) == key
    wrong = error_of(open_, path, PASSPHRASE + " ")
    assert (wrong.code, wrong.row.exit) == ("keys.wrong-passphrase", 4)
    missing = error_of(open_, path, None)
    assert (missing.code, missing.row.exit) == ("keys.passphrase-needed", 4)
    for way in ("HEDGEROW_PASSPHRASE", "--passphrase-file", "terminal"):
        assert way in missing.next_step


def test_neither_key_nor_passphrase_stands_in_a_sealed_file(path, sealed):
    content = path.read_bytes()
    material = sealed._ring.epochs[0].key.reveal()
    assert base64.b64encode(material) not in content
    assert sealed.current_epoch().encode() not in content
    assert PASSPHRASE.encode() not in content


def test_a_passphrase_is_the_same_however_its_letters_are_composed(path):
    create(path, "Zo\u00eb und der Zaun", profile=OWASP_MINIMUM)
    assert open_(path, "Zoe\u0308 und der Zaun").current_epoch()


def test_argon2id_is_the_one_of_rfc_9106():
    """RFC 9106, section 5.3: the Argon2id test vector."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    derivation = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    )
    assert derivation.derive(b"\x01" * 32).hex() == (
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    )


def test_an_unsealed_file_says_so(path):
    backend = create(path, None)
    assert not backend.sealed
    assert not needs_passphrase(path)
    assert any("no passphrase" in told for told in backend.warnings)
    assert open_(path, None).current_epoch() == backend.current_epoch()


def test_a_sealed_file_gives_no_warning(path, sealed):
    assert needs_passphrase(path)
    assert sealed.warnings == ()
    path.chmod(0o644)
    assert any("chmod 600" in told for told in sealed.warnings)


def test_a_passphrase_for_an_unsealed_file_is_refused(path):
    # Else a stranger's unsealed file put in the place of a sealed one would pass for it.
    create(path, None)
    assert error_of(open_, path, PASSPHRASE).code == "keys.passphrase-unused"


@pytest.mark.parametrize(
    ("passphrase", "code"),
    [
        ("", "keys.passphrase-empty"),
        ("x" * 1025, "keys.passphrase-too-long"),
        ("\u00e9" * 600, "keys.passphrase-too-long"),
        ("a\udc80", "keys.passphrase-not-text"),
    ],
)
def test_bad_passphrases_make_no_file(path, passphrase, code):
    assert error_of(create, path, passphrase, profile=OWASP_MINIMUM).code == code
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_only_the_owner_can_reach_a_new_file(path, passphrase):
    before = os.umask(0)
    try:
        create(path, passphrase, profile=OWASP_MINIMUM)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_an_unsealed_file_that_others_can_reach_is_refused(path, mode):
    create(path, None)
    path.chmod(mode)
    refusal = error_of(open_, path, None)
    assert isinstance(refusal, Refused)
    assert (refusal.code, refusal.next_step) == ("keys.file-exposed", f"Run `chmod 600 {path}`.")


def test_an_existing_file_is_never_overwritten(path):
    create(path, None)
    before = path.read_bytes()
    assert error_of(create, path, None).code == "keys.file-exists"
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_missing_file_is_named(path):
    assert error_of(open_, path, None).code == "keys.file-missing"


def test_what_is_no_plain_file_is_not_read(path):
    path.mkdir()
    assert error_of(open_, path, None).code == "keys.file-unreadable"
    path.rmdir()
    os.mkfifo(path)
    assert error_of(open_, path, None).code == "keys.file-unreadable"
    path.unlink()
    path.write_bytes(bytes(keyfile.FILE_LIMIT_BYTES + 1))
    assert error_of(open_, path, None).code == "keys.file-unreadable"


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_file_cut_anywhere_is_corrupt_and_left_alone(path, passphrase):
    create(path, passphrase, profile=OWASP_MINIMUM)
    whole = path.read_bytes()
    for length in (0, 1, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:length])
        fault = error_of(open_, path, passphrase)
        assert (fault.code, fault.row.exit) == ("keys.file-corrupt", 6)
        assert path.read_bytes() == whole[:length]


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_any_altered_letter_or_digit_is_corrupt(path, passphrase):
    create(path, passphrase, profile=OWASP_MINIMUM)
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        if not whole[at : at + 1].isalnum():
            continue
        path.write_bytes(whole[:at] + (b"0" if whole[at : at + 1] != b"0" else b"1") + whole[at + 1 :])
        assert error_of(open_, path, passphrase).code in {"keys.file-corrupt", "keys.file-newer"}


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"null",
        b'{"a":1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format":"hedgerow-keys","version":true}',
        b'{"format":"hedgerow-keys","version":1,"version":1}',
        b'{"format":"hedgerow-keys","version":0}',
    ],
)
def test_what_was_never_a_key_file_is_corrupt(path, content):
    path.write_bytes(content)
    path.chmod(0o600)
    assert error_of(open_, path, None).code == "keys.file-corrupt"


def test_a_newer_version_is_named(path):
    create(path, None)
    rewritten(path, version=3)
    assert error_of(open_, path, None).code == "keys.file-newer"


@pytest.mark.parametrize(
    ("cost", "code"),
    [
        ({"memory_kib": 2**30}, "keys.file-costly"),
        ({"memory_kib": 64}, "keys.file-costly"),
        ({"iterations": 2**31}, "keys.file-costly"),
        ({"iterations": 0}, "keys.file-costly"),
        ({"lanes": 1000}, "keys.file-costly"),
        ({"memory_kib": 1_048_576, "iterations": 16}, "keys.file-costly"),
        ({"memory_kib": 19456.0}, "keys.file-corrupt"),
        ({"memory_kib": True}, "keys.file-corrupt"),
        ({"name": "scrypt"}, "keys.file-corrupt"),
        ({"salt": ""}, "keys.file-corrupt"),
        ({"salt": "not base64!"}, "keys.file-corrupt"),
        ({"more": 1}, "keys.file-corrupt"),
    ],
)
def test_a_hostile_file_cannot_choose_the_cost(path, sealed, cost, code):
    kdf = json.loads(path.read_text())["kdf"]
    rewritten(path, kdf={**kdf, **cost})
    assert error_of(open_, path, PASSPHRASE).code == code


def test_the_head_is_bound_to_the_body(path, sealed):
    kdf = json.loads(path.read_text())["kdf"]
    rewritten(path, kdf={**kdf, "iterations": 3})
    assert error_of(open_, path, PASSPHRASE).code == "keys.wrong-passphrase"


EPOCH = {"id": "0f" * 16, "created": "2026-01-01T00:00:00Z", "algorithm": "AES-256-GCM"}
GOOD = {**EPOCH, "key": base64.b64encode(bytes(32)).decode()}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"epochs": []},
        {"epochs": {}},
        {"epochs": [1]},
        {"epochs": [GOOD], "more": 1},
        {"epochs": [GOOD, GOOD]},
        {"epochs": [EPOCH]},
        {"epochs": [{**EPOCH, "destroyed": "2026-02-01T00:00:00Z"}]},
        {"epochs": [{**EPOCH, "destroyed": "soon"}, {**GOOD, "id": "1e" * 16}]},
        {"epochs": [{**GOOD, "id": "0F" * 16}]},
        {"epochs": [{**GOOD, "id": 15}]},
        {"epochs": [{**GOOD, "created": "today"}]},
        {"epochs": [{**GOOD, "algorithm": "XOR"}]},
        {"epochs": [{**GOOD, "key": base64.b64encode(bytes(16)).decode()}]},
        {"epochs": [{**GOOD, "key": "?"}]},
    ],
)
def test_a_body_of_another_form_is_corrupt(path, body):
    create(path, None)
    rewritten(path, body=body)
    assert error_of(open_, path, None).code == "keys.file-corrupt"


def test_a_body_of_the_right_form_opens(path):
    create(path, None)
    rewritten(path, body={"epochs": [GOOD]})
    assert open_(path, None).current_epoch() == EPOCH["id"]


def test_rotation_and_destruction_outlive_the_process(path, sealed):
    first = sealed.current_epoch()
    old, second = sealed.wrap(new_key(), BINDING), sealed.new_epoch()
    sealed.destroy_epoch(first)
    reopened = open_(path, PASSPHRASE)
    assert reopened.current_epoch() == second
    assert reopened.epochs() == sealed.epochs()
    assert error_of(reopened.unwrap, old, BINDING).code == "keys.epoch-destroyed"


def test_changing_the_passphrase_keeps_every_epoch(path, sealed):
    key = new_key()
    blob = sealed.wrap(key, BINDING)
    change_passphrase(path, PASSPHRASE, "another hedge", profile=OWASP_MINIMUM)
    assert error_of(open_, path, PASSPHRASE).code == "keys.wrong-passphrase"
    assert open_(path, "another hedge").unwrap(blob, BINDING) == key
    change_passphrase(path, "another hedge", None)
    assert open_(path, None).unwrap(blob, BINDING) == key
    change_passphrase(path, None, PASSPHRASE, profile=OWASP_MINIMUM)
    assert open_(path, PASSPHRASE).unwrap(blob, BINDING) == key


@pytest.mark.parametrize(("old", "new"), [("wrong", "new"), (None, "new"), (PASSPHRASE, "")])
def test_a_failed_change_of_passphrase_changes_nothing(path, sealed, old, new):
    before = path.read_bytes()
    error_of(change_passphrase, path, old, new, profile=OWASP_MINIMUM)
    assert path.read_bytes() == before


def test_two_writers_never_lose_an_epoch(path):
    first, second = create(path, None), open_(path, None)
    kept = first.new_epoch()
    assert error_of(second.new_epoch).code == "keys.file-changed"
    assert open_(path, None).current_epoch() == kept
    assert second.current_epoch() != kept


@pytest.mark.parametrize("step", ["write", "rename"])
def test_a_failed_write_leaves_the_old_file_and_the_old_epoch(path, monkeypatch, step):
    backend = create(path, None)
    before, epoch = path.read_bytes(), backend.current_epoch()

    def fail(*_):
        raise OSError

    if step == "write":
        monkeypatch.setattr(durable.os, "fsync", fail)
    else:
        monkeypatch.setattr(durable.Path, "rename", fail)
    assert error_of(backend.new_epoch).code == "keys.file-unwritten"
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert backend.current_epoch() == epoch
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_does_not_exist_is_a_clear_fault(tmp_path):
    assert error_of(create, tmp_path / "none" / "keys.json", None).code == "keys.file-unwritten"


def test_each_write_is_synced_before_it_is_seen(path, monkeypatch):
    order = []
    real_sync, real_rename = os.fsync, durable.Path.rename
    monkeypatch.setattr(durable.os, "fsync", lambda handle: (order.append("sync"), real_sync(handle)))
    monkeypatch.setattr(
        durable.Path, "rename", lambda self, to: (order.append("rename"), real_rename(self, to))
    )
    create(path, None).new_epoch()
    assert order == ["sync", "sync", "sync", "rename", "sync"]


def test_a_destroyed_key_is_overwritten_where_it_stood(path):
    backend = create(path, None)
    key = base64.b64encode(backend._ring.epochs[0].key.reveal())
    old = backend.current_epoch()
    backend.new_epoch()
    with path.open("rb") as old_file:
        assert key in old_file.read()
        backend.destroy_epoch(old)
        old_file.seek(0)
        assert not any(old_file.read())
    assert key not in path.read_bytes()


def test_a_hard_link_is_a_backup_and_is_left_alone(path):
    backend = create(path, None)
    old = backend.current_epoch()
    backend.new_epoch()
    backup = path.with_name("backup.json")
    os.link(path, backup)
    backend.destroy_epoch(old)
    assert open_(backup, None).epochs()[0].destroyed is None


def test_what_a_killed_writer_left_aside_is_removed_by_the_next(path):
    backend = create(path, None)
    aside = path.with_name(f".{path.name}.{'0f' * 8}")
    aside.write_bytes(path.read_bytes())
    unrelated = path.with_name(f".{path.name}.bak")
    unrelated.write_bytes(b"kept")
    backend.new_epoch()
    assert not aside.exists()
    assert unrelated.read_bytes() == b"kept"


def test_a_symbolic_link_stays_one(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    create(real, None)
    link.symlink_to(real)
    backend = open_(link, None)
    backend.new_epoch()
    assert link.is_symlink()
    assert open_(real, None).current_epoch() == backend.current_epoch()


def test_killed_at_any_moment_a_whole_file_stands(path):
    """SIGKILL from another process, at drawn times, while epochs are made without pause."""
    create(path, None)
    loop = (
        "import sys; from hedgerow.adapters.keys import open_\n"
        "b = open_(sys.argv[1], None)\n"
        "print('go', flush=True)\n"
        "while True: b.new_epoch()"
    )
    for pause_ms in (1, 4, 9):
        child = subprocess.Popen(
            [sys.executable, "-c", loop, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert child.stdout.readline() == b"go\n"
        try:
            child.wait(pause_ms / 1000)
        except subprocess.TimeoutExpired:
            child.kill()
        child.wait()
        child.stdout.close()
        assert open_(path, None).epochs()


def test_the_vectors_open_and_fail_as_the_specification_says(path, repository):
    vectors = json.loads((repository / "specs/vectors/keyfile.json").read_text())
    for vector in vectors["opens"]:
        path.write_text(json.dumps(vector["file"]))
        path.chmod(0o600)
        backend = open_(path, vector["passphrase"])
        assert backend.current_epoch() == vectors["current"]
        wrapped, destroyed = vectors["wrapped"], vectors["destroyed"]
        opened = backend.unwrap(bytes.fromhex(wrapped["blob"]), Binding(**wrapped["binding"]))
        assert opened.hex() == wrapped["secret"]
        gone = error_of(backend.unwrap, bytes.fromhex(destroyed["blob"]), Binding(**destroyed["binding"]))
        assert gone.code == "keys.epoch-destroyed"
    for vector in vectors["fails"]:
        path.write_text(json.dumps(vector["file"]))
        assert error_of(open_, path, vector["passphrase"]).code == vector["code"]


def test_no_error_shows_the_passphrase(path, sealed):
    for call in (lambda: open_(path, "wrong secret"), lambda: create(path, "wrong secret")):
        error = error_of(call)
        assert isinstance(error, CallerError | Fault)
        assert "secret" not in str(error.to_problem())
