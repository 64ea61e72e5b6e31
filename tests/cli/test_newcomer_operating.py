"""What an operator reads when something is amiss is true, and the next step can be typed as it is printed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests import hsm
from tests.program import Program

from hedgerow.kernel.hybrid import new_identity, write_identity

WORDS = "seven hedgehogs"


def _identity(folder, name="me", passphrase=None):
    identity = new_identity()
    (folder / f"{name}.identity").write_bytes(write_identity(identity, passphrase))
    (folder / f"{name}.identity").chmod(0o600)
    (folder / f"{name}.recipient").write_text(identity.recipient.text)
    return folder / f"{name}.identity", folder / f"{name}.recipient"


def _backed_up(hedgerow, tmp_path, passphrase=None):
    identity, recipient = _identity(tmp_path, passphrase=passphrase)
    hedgerow("backup", "--to", tmp_path / "backup", "--recipient", recipient)
    return identity, recipient


def _restored(hedgerow, tmp_path):
    """Restore the workspace beside the original, and give the program in it."""
    identity, recipient = _backed_up(hedgerow, tmp_path)
    hedgerow("restore", tmp_path / "backup", "--identity", identity, "--space", tmp_path / "new",
             "--nobody-erased-since", "seen", "--as", "priya")  # fmt: skip
    return Program(tmp_path / "new"), recipient


class TestSecrets:
    @pytest.mark.extra
    def test_a_move_without_the_pin_names_the_variable_of_the_new_place(self, the_token, tmp_path):
        moved = Program(tmp_path / "new", WORDS, the_token.environment)
        assert moved.type("init", tmp_path / "new").code == 0
        done = moved.type("keys", "move", "--to", "pkcs11", "--token", hsm.LABEL, "--yes")
        assert (done.code, done.error) == (4, "keys.new-pin-needed")
        assert "HEDGEROW_NEW_PASSPHRASE" in done.err
        assert "--new-passphrase-file" in done.err
        assert "The keys are in the token" not in done.err

    def test_a_move_shows_no_plan_before_it_knows_which_token(self, hedgerow):
        said = hedgerow.refused("keys", "move", "--to", "pkcs11", code=2, error="keys.token-unnamed")
        assert "destroys for good" not in said.err

    def test_restoring_names_the_variable_of_the_identity(self, hedgerow, tmp_path):
        identity, _ = _backed_up(hedgerow, tmp_path, passphrase=WORDS)
        line = ("restore", tmp_path / "backup", "--identity", identity, "--space", tmp_path / "new")
        said = hedgerow.refused(*line, code=4, error="restore.identity-sealed")
        assert "HEDGEROW_IDENTITY_PASSPHRASE" in said.err
        assert "--identity-passphrase-file" in said.err
        assert not (tmp_path / "new").exists()


class TestEpochs:
    def test_rotate_does_not_end_an_epoch_whose_end_was_cut_off(self, hedgerow, monkeypatch):
        from hedgerow.spine.epochs import Epochs

        def cut_off(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr(Epochs, "_destroy", cut_off, raising=True)
        assert Program(hedgerow.space).call("keys", "epoch", "--yes").code == 130
        monkeypatch.undo()
        for more in ((), ("--yes",)):
            said = hedgerow.refused("keys", "rotate", *more, code=2, error="keys.epoch-unfinished")
            assert "`hedgerow keys epoch --yes`" in said.err
        held = [e["state"] for e in hedgerow("keys", "status", "--json").json["epochs"]]
        assert sorted(held) == ["current", "held"]
        assert hedgerow("keys", "epoch", "--yes", "--json").json["destroyed"]

    def test_a_final_certificate_does_not_say_that_destroyed_keys_were_where_the_keys_are_now(
        self, hedgerow, patient
    ):
        hedgerow("subject", "erase", patient, "--as", "priya", "--yes")
        final = hedgerow("keys", "epoch", "--yes", "--json").json["final"][0]
        said = hedgerow("evidence", "certificate", final)
        assert "keys were in" not in said.out
        assert "keys now in     file" in said.out


class TestBackups:
    def test_the_first_backup_tells_how_to_make_an_identity(self, hedgerow, tmp_path):
        said = hedgerow.refused("backup", "--to", tmp_path / "b", code=2, error="backup.no-recipient")
        assert "`hedgerow file identity --out FILE --recipient-out FILE`" in said.err

    def test_a_recipient_that_is_no_file_is_said_to_be_missing(self, hedgerow, tmp_path):
        line = ("backup", "--to", tmp_path / "b", "--recipient")
        hedgerow.refused(*line, tmp_path / "nope.recipient", code=2, error="file.missing")

    def test_an_identity_in_place_of_a_recipient_is_recognised(self, hedgerow, tmp_path):
        identity, _ = _identity(tmp_path)
        line = ("backup", "--to", tmp_path / "b", "--recipient")
        said = hedgerow.refused(*line, identity, code=2, error="sealed.recipient-secret")
        assert f"`hedgerow file show {identity}`" in said.err

    def test_a_folder_of_another_line_is_taken_over_by_the_command_printed(self, hedgerow, tmp_path):
        new, recipient = _restored(hedgerow, tmp_path)
        done = new.call("backup", "--to", tmp_path / "backup", "--recipient", recipient)
        assert (done.code, done.error) == (2, "backup.folder-other-line")
        command = f"hedgerow backup make --to {tmp_path / 'backup'} --adopt"
        assert f"`{command}" in done.err

    def test_what_belongs_to_another_line_is_not_said_to_want_mounting(self, hedgerow, tmp_path, patient):
        new, _ = _restored(hedgerow, tmp_path)
        for words in (("subject", "erase", patient, "--yes"), ("keys", "epoch", "--yes"),
                      ("backup", "prune", "--all", "--yes")):  # fmt: skip
            done = new.call(*words)
            assert done.code == 0, done.err
            said = done.out + done.err
            assert "mount" not in said, words
            assert "restored from" in said, words

    def test_doctor_says_that_a_restored_workspace_has_no_backup_of_its_own(self, hedgerow, tmp_path):
        new, recipient = _restored(hedgerow, tmp_path)
        told = "no backup was made since it was restored"
        assert f"backups      ok     {told}" in new.call("doctor").out
        assert new.call("keys", "epoch", "--yes").code == 0
        assert f"backups      MEND   {told}" in new.call("doctor").out
        assert new.call("backup", "--to", tmp_path / "own", "--recipient", recipient).code == 0
        assert "backups" not in new.call("doctor").out

    def test_a_damaged_key_file_of_a_backup_is_named(self, hedgerow, tmp_path):
        identity, _ = _backed_up(hedgerow, tmp_path)
        sealed = tmp_path / "backup" / "keys" / "keyfile.sealed"
        whole = sealed.read_bytes()
        line = ("restore", tmp_path / "backup", "--identity", identity, "--space", tmp_path / "new")
        for left in (b"", whole[:40], whole[:-1], whole + b"x"):
            sealed.write_bytes(left)
            said = hedgerow.refused(*line, code=6, error="backup.damaged")
            assert str(sealed) in said.err

    def test_what_is_no_file_to_open_is_sent_to_its_own_command(self, hedgerow, tmp_path):
        identity, recipient = _backed_up(hedgerow, tmp_path)
        hedgerow("keys", "escrow", "--recipient", recipient, "--out", tmp_path / "keys.escrow", "--yes")
        for path in (tmp_path / "keys.escrow", tmp_path / "backup" / "keys" / "keyfile.sealed"):
            line = ("file", "open", path, "--identity", identity, "--out", tmp_path / "out")
            said = hedgerow.refused(*line, code=2, error="sealed.other-label")
            assert "`hedgerow keys escrow-restore" in said.err
            assert "`hedgerow restore" in said.err

    def test_a_public_key_is_not_said_to_be_exposed(self, hedgerow, repository, tmp_path):
        vectors = json.loads((repository / "specs/vectors/sealed-file.json").read_text())
        (tmp_path / "rsa.pub").write_text(vectors["rsa"]["public"])
        _, recipient = _identity(tmp_path)
        hedgerow("file", "seal", recipient, "--recipient", recipient, "--out", tmp_path / "sealed")
        for public in (tmp_path / "rsa.pub", recipient):
            line = ("file", "open", tmp_path / "sealed", "--identity", public, "--out", tmp_path / "out")
            said = hedgerow.refused(*line, code=2, error="sealed.identity-public")
            assert "private" in said.err
            assert "chmod" not in said.err

    def test_a_restored_workspace_says_only_of_its_own_backups_that_none_is_left(self, hedgerow, tmp_path):
        new, _ = _restored(hedgerow, tmp_path)
        said = new.call("keys", "epoch", "--yes").out
        assert "no backup can be restored" not in said
        assert "no backup of its own to restore" in said
        recipient = tmp_path / "me.recipient"
        assert new.call("backup", "--to", tmp_path / "own", "--recipient", recipient).code == 0
        # Those of before are still whole.
        line = ("restore", tmp_path / "backup", "--identity", tmp_path / "me.identity", "--space",
                tmp_path / "again", "--nobody-erased-since", "seen", "--as", "priya")  # fmt: skip
        hedgerow(*line)

    def test_an_unknown_backup_is_named(self, hedgerow, tmp_path):
        identity, _ = _backed_up(hedgerow, tmp_path)
        line = ("restore", tmp_path / "backup", "--identity", identity, "--space", tmp_path / "new")
        said = hedgerow.refused(*line, "--backup", "b-0", code=2, error="backup.unknown")
        assert "no backup that name" not in said.err

    def test_a_saved_head_of_the_journal_is_not_taken_for_one_that_tells_the_spending(
        self, hedgerow, tmp_path
    ):
        identity, _ = _backed_up(hedgerow, tmp_path)
        (tmp_path / "head.json").write_text(hedgerow("journal", "head", "--json").out)
        said = hedgerow.refused("restore", tmp_path / "backup", "--identity", identity, "--space",
                                tmp_path / "new", "--head", tmp_path / "head.json",
                                code=2, error="witness.malformed")  # fmt: skip
        assert "`hedgerow journal head` does not tell what was spent" in said.err

    def test_restating_says_that_it_is_done(self, hedgerow, tmp_path):
        new, _ = _restored(hedgerow, tmp_path)
        assert new.call("principal", "add", "petra", "--role", "privacy-officer").code == 0
        line = ("budget", "restate", "--spent", "population=1", "--yes", "--as", "priya")
        assert new.call(*line).code == 8
        (asked,) = new.call("approval", "list", "--json").json
        assert new.call("approval", "grant", asked["id"], "--as", "petra").code == 0
        done = new.call(*line)
        assert (done.code, done.out.splitlines()[-1]) == (
            0,
            "Stated and charged; the budgets are open again.",
        )


class TestPlaces:
    def test_a_workspace_that_lost_its_records_is_not_made_anew(self, hedgerow, space):
        (space / "hedgerow.db").rename(space.parent / "elsewhere.db")
        for words in (("doctor",), ("upgrade",)):
            said = hedgerow.refused(*words, code=2, error="space.records-gone")
            assert "hedgerow init" not in said.err
            assert "hedgerow restore" in said.err

    def test_the_check_of_a_bundle_can_be_pasted(self, hedgerow, tmp_path):
        out = tmp_path / "for the auditor"
        said = hedgerow("evidence", "export", "--out", out)
        line = next(each for each in said.out.splitlines() if "verify.py" in each)
        words = shlex.split(line)
        done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (
            0, "verified: consistent and from the trusted key",
        )  # fmt: skip

    def test_an_index_of_the_right_kind_is_proposed(self, hedgerow):
        for column, kind in (("phone", "phone"), ("email", "email")):
            said = hedgerow.refused("subject", "find", "visits", "--column", column, "--as", "priya",
                                    given="a@mail.example\n", code=2, error="index.none")  # fmt: skip
            assert f"`hedgerow dataset index visits --column {column} --kind {kind}`" in said.err
        said = hedgerow.refused("subject", "find", "visits", "--column", "full_name", "--as", "priya",
                                given="x\n", code=2, error="index.none")  # fmt: skip
        assert "--kind email" not in said.err

    def test_a_witness_that_cannot_be_written_is_not_added(self, hedgerow, tmp_path, without_power):
        (tmp_path / "closed").mkdir(mode=0o555)
        line = ("journal", "witness", "add", "usb", "--file", tmp_path / "closed" / "head.json")
        done = without_power(hedgerow.space, *line)
        assert (done.code, done.error) == (2, "witness.not-plain")
        assert "Permission denied" in done.err
        assert hedgerow("journal", "witness", "list", "--json").json == []

    def test_doctor_names_a_command_that_tells_of_witnesses(self, hedgerow, tmp_path):
        hedgerow("journal", "witness", "add", "usb", "--file", tmp_path / "head.json")
        (tmp_path / "head.json").write_text("{}")
        said = hedgerow("doctor", code=9)
        assert "witness usb: run hedgerow journal witness list" in said.out

    def test_a_forked_witness_tells_the_true_owner_how_to_part_from_it(self, hedgerow, tmp_path):
        hedgerow("journal", "witness", "add", "usb", "--file", tmp_path / "head.json")
        copy = Program(shutil.copytree(hedgerow.space, tmp_path / "copy"))
        add = ("purpose", "add", "--why", "it helps", "--owner", "priya", "--until", "2099-01-01")
        hedgerow(*add, "one")
        for name in ("two", "three"):
            copy.call(*add, name)
        done = copy.call("journal", "verify")
        assert (done.code, done.error) == (6, "witness.forked")
        assert "`hedgerow journal witness remove usb`" in done.err
        assert copy.call("journal", "witness", "remove", "usb").code == 0

    def test_a_data_set_names_its_indexes(self, hedgerow):
        assert hedgerow("dataset", "show", "visits", "--json").json["indexes"] == []
        assert "index" not in hedgerow("dataset", "show", "visits").out
        hedgerow("dataset", "index", "visits", "--column", "email", "--kind", "email")
        shown = hedgerow("dataset", "show", "visits", "--json").json["indexes"]
        assert shown == [{"column": "email", "kind": "email", "state": "current"}]
        assert "people are found by: email (email)" in hedgerow("dataset", "show", "visits").out

    def test_a_moved_value_is_not_said_to_be_found_by_doctor(self, hedgerow, space, patient):
        with closing(sqlite3.connect(space / "hedgerow.db")) as records, records:
            records.execute("UPDATE sealed_fields SET sealed = (SELECT sealed FROM sealed_fields LIMIT 1)")
        line = ("subject", "export", patient, "--out", space.parent / "x.json", "--as", "priya")
        said = hedgerow.refused(*line, code=6, error="envelope.unreadable")
        assert "`hedgerow restore --help`" in said.err
        assert "if it names the workspace" not in said.err


@pytest.fixture
def without_power():
    """Run the program as who owns the files and is bound by their permissions, also as root."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if drop and shutil.which("setpriv") is None:
        pytest.skip("root, and no setpriv to give its power up")

    def run(space, *words):
        program = Program(space)
        done = subprocess.run([*drop, *program.command(*words)], env=program.surroundings(), text=True,
                              capture_output=True, check=False, timeout=60)  # fmt: skip
        from tests.program import Done

        return Done(done.returncode, done.stdout, done.stderr)

    return run


class TestPermissions:
    def test_init_where_nothing_may_be_made(self, without_power, tmp_path):
        (tmp_path / "closed").mkdir(mode=0o555)
        done = without_power(None, "init", tmp_path / "closed" / "new", "--no-passphrase")
        assert (done.code, done.error) == (2, "out.unwritable")

    @pytest.mark.parametrize("what", ["", "hedgerow.db"])
    def test_a_workspace_that_may_not_be_read(self, without_power, space, what):
        mode = (space / what).stat().st_mode
        (space / what).chmod(0)
        done = without_power(space, "doctor")
        (space / what).chmod(mode)
        assert (done.code, done.error) == (1, "store.closed-off")
        assert "backup" not in done.err


class TestOutput:
    @pytest.mark.parametrize("more", [(), ("--json",)])
    def test_a_full_disk_below_the_output_is_told(self, space, more):
        program = Program(space)
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(program.command("journal", "head", *more), env=program.surroundings(),
                                  stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "(out.stdout)" in done.stderr
        assert "No space left on device" in done.stderr
        assert json.dumps(done.stderr).count("Fault:") == 1

    def test_a_closed_output_is_told(self, space):
        program = Program(space)
        shell = shlex.join(program.command("journal", "head")) + " >&-"
        done = subprocess.run(["sh", "-c", shell], env=program.surroundings(), capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 1
        assert "(out.stdout)" in done.stderr
