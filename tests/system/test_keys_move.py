"""Proves that master keys move into a token and back, and that a kill at any step loses nothing.

The real program is killed by SIGKILL at a named step, before or after it. What is left must open, be read
and say what is going on; the same command then ends the move, in the one place that was asked for, with
nothing of the other left.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from tests.attack.thief import Thief, build
from tests.program import Program

from hedgerow.adapters.keys import open_
from hedgerow.adapters.keys.login import log_in
from hedgerow.kernel.merkle import VerifierKey, open_document
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding

pytestmark = pytest.mark.extra

PASSPHRASE, NEW = "correct horse battery", "another horse entirely"
_KILLED = """
import importlib, os, signal, sys
place, after, on = sys.argv[1], sys.argv[2] == "after", int(sys.argv[3])
module, _, path = place.partition(":")
owner = importlib.import_module(module)
*above, name = path.split(".")
for each in above:
    owner = getattr(owner, each)
real, calls = getattr(owner, name), []
def stop(*arguments, **more):
    calls.append(1)
    if len(calls) == on and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*arguments, **more)
    if len(calls) == on:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(owner, name, stop)
from hedgerow.cli.main import main
main(sys.argv[4:])
"""

LOGIN, TOKEN = "hedgerow.adapters.keys.login:Login.", "hedgerow.adapters.keys.token:"
FILE = "hedgerow.adapters.keys.file:"
DURABLE, EPOCHS = "hedgerow.adapters.keys.durable:", "hedgerow.spine.epochs:Epochs."
COMMON = [
    ("hedgerow.spine.journal:Journal.append", "before", 1),
    (EPOCHS + "_begin", "after", 1),
    ("hedgerow.spine.keyring:Keyring.moved", "before", 3),
    (EPOCHS + "_check_empty", "before", 1),
    (EPOCHS + "_destroy", "after", 1),
    (EPOCHS + "_finish", "before", 1),
    (EPOCHS + "move", "after", 1),
]
TO_TOKEN = [
    (LOGIN + "generate", "before", 1),
    (LOGIN + "generate", "after", 1),
    (TOKEN + "create", "after", 1),
    (TOKEN + "TokenKeys.inherit", "before", 1),
    (FILE + "FileKeys.retire", "before", 1),
    (DURABLE + "_wipe", "before", 1),
    (DURABLE + "_wipe", "after", 1),
    (FILE + "FileKeys.retire", "after", 1),
    *COMMON,
]
TO_FILE = [
    (FILE + "create", "after", 1),
    (FILE + "FileKeys.inherit", "before", 1),
    (TOKEN + "TokenKeys.retire", "before", 1),
    (LOGIN + "destroy", "before", 1),
    (LOGIN + "destroy", "after", 1),
    (DURABLE + "remove_file", "before", 1),
    (TOKEN + "TokenKeys.retire", "after", 1),
    *(COMMON[place] for place in (1, 2, 5)),
]


def named(point):
    return f"{point[1]} {point[0].partition(':')[2]} {point[2]}"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    build(folder, PASSPHRASE)
    return folder


@pytest.fixture
def space(base, tmp_path, hsm):
    """Copy the workspace; no key of another copy is in the token."""
    copied = shutil.copytree(base / "space", tmp_path / "space")
    login, label = log_in(hsm.label, None, hsm.pin), f"hedgerow {Thief(copied, has_keys=False).tenant}"
    for key in login.keys(label).values():
        login.destroy(key)
    return copied


class Mover:
    """Types at one workspace, with the secrets that are right at the time."""

    def __init__(self, space, hsm):
        self.space, self.hsm = space, hsm

    def program(self, passphrase, new=None):
        around = dict(self.hsm.environment) | ({"HEDGEROW_NEW_PASSPHRASE": new} if new else {})
        return Program(self.space, passphrase, around)

    def both(self, *, to_token):
        """Give the program with the secret of the place that is left and that of the new one."""
        return self.program(PASSPHRASE, self.hsm.pin) if to_token else self.program(self.hsm.pin, NEW)

    def line(self, *, to_token):
        place = ("pkcs11", "--token", self.hsm.label) if to_token else ("file",)
        return ("keys", "move", "--to", *place, "--yes")

    def move(self, *, to_token):
        done = self.both(to_token=to_token).call(*self.line(to_token=to_token), "--json")
        assert done.code == 0, done.err
        return done.json

    def held(self):
        """List the epochs whose keys are in the token."""
        login = log_in(self.hsm.label, None, self.hsm.pin)
        return set(login.keys(f"hedgerow {Thief(self.space, has_keys=False).tenant}"))

    def kill(self, point, *, to_token):
        program = self.both(to_token=to_token)
        line = [sys.executable, "-c", _KILLED, *map(str, point), *self.line(to_token=to_token)]
        done = subprocess.run(line, env=program.surroundings(), capture_output=True, text=True, check=False)
        assert done.returncode == -9, (done.returncode, done.stdout, done.stderr)


@pytest.fixture
def mover(space, hsm):
    return Mover(space, hsm)


def reads_all(program):
    shown = program.call("subject", "export", "P-0003", "--json")
    assert shown.code == 0, shown.err
    assert "p3@example.org" in shown.out
    asked = program.call("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research",
                         "--epsilon", "0.5", "--request-id", "asks")  # fmt: skip
    assert (asked.code, "stored answer" in asked.out) == (0, True), asked.err
    verified = program.call("journal", "verify")
    assert verified.code == 0, verified.err


def secrets_now(mover, *, to_token):
    """Give the program with what a person would give: where the old place is gone, only the new secret."""
    old, new = (mover.space / name for name in (("keys.json", "token.json")[:: 1 if to_token else -1]))
    both = mover.both(to_token=to_token)
    if not old.exists():
        return mover.program(mover.hsm.pin if to_token else NEW)
    assert old.exists() or new.exists()
    return both


@pytest.mark.parametrize("to_token", [True, False], ids=["to-token", "to-file"])
class TestMoving:
    def test_everything_is_read_afterwards_and_the_old_place_is_gone(self, mover, to_token):
        if not to_token:
            mover.move(to_token=True)
        before = (
            mover.program(PASSPHRASE if to_token else mover.hsm.pin).call("keys", "status", "--json").json
        )
        done = mover.move(to_token=to_token)
        assert set(done["destroyed"]) == {e["epoch"] for e in before["epochs"] if not e["destroyed"]}
        now = mover.program(mover.hsm.pin if to_token else NEW)
        reads_all(now)
        names = {path.name for path in mover.space.iterdir()}
        assert names & {"keys.json", "token.json"} == {"token.json" if to_token else "keys.json"}
        assert not [name for name in names if name.startswith(".")]
        assert mover.held() == ({done["epoch"]} if to_token else set())
        status = now.call("keys", "status", "--json").json
        assert (status["unfinished"], status["backend"]["backend"]) == (
            None,
            "pkcs11" if to_token else "file",
        )
        assert {e["epoch"] for e in status["epochs"]} == {e["epoch"] for e in before["epochs"]} | {
            done["epoch"]
        }
        doctor = {c["check"]: c for c in now.call("doctor", "--json").json}
        assert doctor["key token" if to_token else "key file"]["ok"]

    def test_without_yes_only_the_plan_is_shown(self, mover, to_token):
        if not to_token:
            mover.move(to_token=True)
        held = mover.held()
        files = {path: path.read_bytes() for path in mover.space.rglob("*.json")}
        said = mover.both(to_token=to_token).call(*mover.line(to_token=to_token)[:-1])
        assert (said.code, said.error) == (2, "confirm.needed")
        assert "The master keys move to" in said.err
        assert "Then it destroys for good" in said.err
        assert (mover.held(), {p: p.read_bytes() for p in mover.space.rglob("*.json")}) == (held, files)

    def test_an_erasure_before_becomes_final_and_rests_on_the_old_place(self, mover, to_token):
        if not to_token:
            mover.move(to_token=True)
        before = mover.program(PASSPHRASE if to_token else mover.hsm.pin)
        assert before.call("subject", "erase", "P-0007", "--yes").code == 0
        (name,) = mover.move(to_token=to_token)["final"]
        now = mover.program(mover.hsm.pin if to_token else NEW)
        signed = next(r for r in Thief(mover.space, has_keys=False).rows("certificates") if r["id"] == name)
        key = VerifierKey.from_text(now.call("journal", "head", "--json").json["key"]).public_key
        tenant = Thief(mover.space, has_keys=False).tenant
        assert open_document(signed["body"].encode(), f"hedgerow/{tenant}", key)
        assuming = json.loads(signed["body"])["body"]["assuming"]
        old, new = "no copy of the key file", "no copy of the token's own storage"
        assert ((old in assuming), (new in assuming)) == (to_token, not to_token)


@pytest.mark.system
@pytest.mark.parametrize("point", TO_TOKEN, ids=named)
def test_killed_on_the_way_into_the_token(mover, point):
    _survives(mover, point, to_token=True)


@pytest.mark.system
@pytest.mark.parametrize("point", TO_FILE, ids=named)
def test_killed_on_the_way_into_a_file(mover, point):
    mover.move(to_token=True)
    _survives(mover, point, to_token=False)


def _survives(mover, point, *, to_token):
    shutil.copytree(mover.space, mover.space.parent / "before")
    mover.kill(point, to_token=to_token)
    program = secrets_now(mover, to_token=to_token)
    assert "p3@example.org" in program.call("subject", "export", "P-0003").out
    again = program.call(*mover.line(to_token=to_token))
    if again.error == "keys.move-same":
        assert point[0].endswith("Epochs.move"), "only what had ended may say so"
    else:
        assert again.code == 0, again.err
    now = mover.program(mover.hsm.pin if to_token else NEW)
    reads_all(now)
    assert now.call("keys", "status", "--json").json["unfinished"] is None
    names = {path.name for path in mover.space.iterdir()}
    assert names & {"keys.json", "token.json"} == {"token.json" if to_token else "keys.json"}
    assert not [name for name in names if name.startswith(".")]
    current = now.call("keys", "status", "--json").json["epochs"][0]["epoch"]
    assert mover.held() == ({current} if to_token else set())
    if to_token:  # the old key opens nothing of what stands now
        _opens_nothing(mover, mover.space.parent / "before" / "keys.json")


def _opens_nothing(mover, key_file):
    old, thief = open_(key_file, PASSPHRASE), Thief(mover.space, has_keys=False)
    for row in thief.rows("subjects"):
        with pytest.raises(Fault):
            old.unwrap(row["wrapped"], Binding(thief.tenant, "subject-key", row["number"], "", 1))


class TestRefusals:
    def run(self, mover, *line, passphrase=PASSPHRASE, new=None, env=None):
        program = mover.program(passphrase, new)
        done = Program(mover.space, passphrase, program.environment | (env or {})).call(*line)
        assert done.out == ""
        return done.code, done.error

    def test_nothing_is_changed_by_what_cannot_be(self, mover, tmp_path):
        token, pin = mover.line(to_token=True), mover.hsm.pin
        before = {p: p.read_bytes() for p in mover.space.rglob("*.json")}
        assert self.run(mover, *token, new="0000") == (4, "keys.pin-wrong")
        assert self.run(mover, *token) == (4, "keys.new-pin-needed")
        assert self.run(mover, *token[:4], "--yes", new=pin) == (2, "keys.token-unnamed")
        assert self.run(mover, *token[:4], "--token", "none", "--yes", new=pin) == (2, "keys.token-absent")
        unset = {"HEDGEROW_PKCS11_MODULE": ""}
        assert self.run(mover, *token, new=pin, env=unset) == (2, "keys.module-unset")
        missing = {"HEDGEROW_PKCS11_MODULE": str(tmp_path / "none.so")}
        assert self.run(mover, *token, new=pin, env=missing) == (2, "keys.module-unusable")
        assert self.run(mover, *mover.line(to_token=False), new=NEW) == (2, "keys.move-same")
        assert self.run(mover, *token, "--as", "nobody", new=pin)[0] == 3
        assert {p: p.read_bytes() for p in mover.space.rglob("*.json")} == before
        assert mover.held() == set()
        reads_all(mover.program(PASSPHRASE))

    def test_a_new_file_wants_a_passphrase_or_a_plain_no(self, mover):
        mover.move(to_token=True)
        pin, line = mover.hsm.pin, mover.line(to_token=False)
        assert self.run(mover, *line, passphrase=pin) == (4, "keys.new-passphrase-needed")
        assert mover.program(pin).call(*line, "--no-passphrase").code == 0
        assert "not sealed" in mover.program(None).call("keys", "status").out

    def test_the_pin_is_read_from_a_file(self, mover, tmp_path):
        (tmp_path / "pin").write_text(mover.hsm.pin + "\n")
        line = (*mover.line(to_token=True), "--new-passphrase-file", tmp_path / "pin")
        assert mover.program(PASSPHRASE).call(*line).code == 0
        assert mover.program(None).call("doctor", "--passphrase-file", tmp_path / "pin").code == 0

    def test_another_move_waits_for_the_end_of_the_first(self, mover):
        mover.kill((EPOCHS + "_check_empty", "before", 1), to_token=True)
        both = mover.both(to_token=True)
        assert both.call(*mover.line(to_token=False)).error == "keys.move-unfinished"
        status = both.call("keys", "status").out
        assert "`hedgerow keys move --to pkcs11 --yes`" in status
        assert both.call("doctor").code == 9
        assert mover.program(PASSPHRASE).call("doctor").error == "keys.new-pin-needed"
        assert both.call("keys", "epoch", "--yes").code == 0, "an end of the epoch ends the move"
        reads_all(mover.program(mover.hsm.pin))

    def test_a_rotation_that_was_cut_off_ends_first(self, mover):
        program = mover.program(PASSPHRASE)
        line = [sys.executable, "-c", _KILLED, EPOCHS + "_rewrap", "before", "1", "keys", "rotate", "--yes"]
        assert subprocess.run(line, env=program.surroundings(), check=False).returncode == -9
        said = mover.both(to_token=True).call(*mover.line(to_token=True))
        assert (said.code, said.error) == (2, "keys.change-unfinished")
        assert program.call("keys", "epoch", "--yes").code == 0
        mover.move(to_token=True)

    def test_a_program_that_was_open_before_loses_nothing(self, mover, monkeypatch):
        from hedgerow.app.space import open_space
        from hedgerow.model.errors import HedgerowError

        with open_space(mover.space, passphrase=PASSPHRASE) as late:
            vault, store = late.opened.spine.vault, late.opened.store
            subjects, _ = vault.enrol([vault.lookup("late")])
            mover.kill((EPOCHS + "_check_empty", "before", 1), to_token=True)
            with pytest.raises(HedgerowError) as caught, store.write() as tx:
                vault.admit(tx, subjects)
            assert caught.value.code == "keys.moved"
            mover.move(to_token=True)
            with pytest.raises(HedgerowError) as caught, store.write() as tx:
                vault.admit(tx, subjects)
            assert caught.value.code == "keys.moved"
        reads_all(mover.program(mover.hsm.pin))


class TestInit:
    def test_keys_made_in_the_token_never_were_in_a_file(self, tmp_path, hsm):
        program = Program(tmp_path / "made", hsm.pin, hsm.environment)
        said = program.call("init", tmp_path / "made", "--keys", "pkcs11", "--token", hsm.label)
        assert said.code == 0, said.err
        assert "token.json" in said.out
        assert {path.name for path in (tmp_path / "made").iterdir()} >= {"token.json", "hedgerow.db"}
        assert not (tmp_path / "made" / "keys.json").exists()
        assert "no key can leave it" in program.call("keys", "status").out
        for path in (tmp_path / "made").rglob("*"):
            assert path.is_dir() or hsm.pin.encode() not in path.read_bytes()

    @pytest.mark.parametrize(
        ("pin", "label", "code"),
        [
            ("0", None, "keys.pin-wrong"),
            (None, None, "keys.pin-needed"),
            ("4321-hawthorn", "x", "keys.token-absent"),
        ],
    )
    def test_one_that_fails_leaves_nothing(self, tmp_path, hsm, pin, label, code):
        program = Program(tmp_path / "made", pin, hsm.environment)
        said = program.call("init", tmp_path / "made", "--keys", "pkcs11", "--token", label or hsm.label)
        assert said.error == code
        assert not (tmp_path / "made").exists()
        unnamed = program.call("init", tmp_path / "made", "--keys", "pkcs11")
        assert unnamed.error == "keys.token-unnamed"

    def test_python_makes_one_too(self, tmp_path, hsm):
        from hedgerow.app.space import create_space

        with create_space(tmp_path / "made", passphrase=hsm.pin, token=hsm.label) as space:
            assert space.service.keys()["backend"]["backend"] == "pkcs11"

    def test_one_that_fails_late_takes_its_key_back(self, tmp_path, hsm, monkeypatch):
        from hedgerow.app import workspace
        from hedgerow.app.keyplaces import Place

        seen = []

        def fails(store, backend, *_, **__):
            seen.append(backend)
            raise KeyboardInterrupt

        monkeypatch.setattr(workspace, "populate", fails)
        with pytest.raises(KeyboardInterrupt):
            workspace.create(tmp_path / "made", None, keys=Place("pkcs11", hsm.label, lambda: hsm.pin))
        assert seen[0]._login.keys(seen[0]._record.key_label) == {}
        assert not (tmp_path / "made").exists()
