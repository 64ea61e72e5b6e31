"""What a newcomer runs into around keys, sealed files and set-up is told rightly, with a way on."""

from __future__ import annotations

import json
import shutil
import socket

import pytest
from tests import hsm
from tests.postgres import OWNER, Database
from tests.program import Program

WORDS = "seven hedgehogs"


class TestInitAgain:
    @pytest.mark.parametrize("parts", [("tenant", "keys.json"), ("tenant", "token.json"), ("tenant",)])
    def test_files_of_a_workspace_in_a_database_are_recognised(self, nowhere, tmp_path, parts):
        files = tmp_path / "files"
        (files / "tables").mkdir(parents=True)
        for name in parts:
            (files / name).write_text("w-0123456789abcdef\n")
        address = f"postgresql://app@/people?host={tmp_path}"
        for where in ((files,), (address, "--files", files)):
            said = nowhere.refused("init", *where, "--no-passphrase", code=2, error="space.in-database")
            assert "rm -r" not in said.err
            assert "postgresql://ROLE@HOST/DATABASE" in said.err
        assert sorted(path.name for path in files.iterdir()) == sorted([*parts, "tables"])

    def test_a_key_file_is_never_said_to_be_nothing(self, hedgerow, space):
        (space / "hedgerow.db").rename(space.parent / "elsewhere.db")
        assert any((space / "tables").iterdir())
        said = hedgerow.refused("init", space, "--no-passphrase", code=2, error="space.keys-stand")
        assert "rm -r" not in said.err
        assert "nothing is in it" not in said.err

    def test_an_init_that_was_cut_off_is_told_without_a_command_that_removes(self, nowhere, tmp_path):
        (tmp_path / "new" / "tables").mkdir(parents=True)
        (tmp_path / "new" / "keys.json").write_text("{}")
        (tmp_path / "new" / "hedgerow.db.new").write_text("")
        said = nowhere.refused("init", tmp_path / "new", "--no-passphrase", code=2, error="space.unfinished")
        assert "rm -r" not in said.err
        assert "was cut off" in said.err

    def test_who_types_an_address_is_not_sent_to_a_directory(self, nowhere, tmp_path):
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "letter").write_text("x")
        address = f"postgresql://app@/people?host={tmp_path}"
        said = nowhere.refused("init", address, "--files", tmp_path / "full", "--no-passphrase",
                               code=2, error="space.not-empty")  # fmt: skip
        assert "init postgresql://ROLE@HOST/DATABASE --files DIR" in said.err
        said = nowhere.refused("init", tmp_path / "full", "--no-passphrase", code=2, error="space.not-empty")
        assert "`hedgerow init DIR`" in said.err


class TestTheBackend:
    def test_a_token_without_keys_in_a_token_is_refused(self, hedgerow, nowhere, tmp_path):
        making = ("init", tmp_path / "new", "--token", "hedge")
        told = nowhere.refused(*making, code=2, error="keys.token-of-file",
                               env={"HEDGEROW_PASSPHRASE": "1234-5678"})  # fmt: skip
        assert "--keys pkcs11" in told.err
        assert not (tmp_path / "new").exists()
        moving = ("keys", "move", "--to", "file", "--token", "hedge")
        hedgerow.refused(*moving, code=2, error="keys.token-of-file")

    def test_init_names_where_the_keys_are(self, nowhere, tmp_path):
        made = nowhere("init", tmp_path / "one", "--no-passphrase", "--json").json
        assert made["backend"] == "file"
        said = nowhere("init", tmp_path / "two", "--no-passphrase")
        assert "The master keys are in keys.json, not sealed." in said.out
        sealed = {"HEDGEROW_PASSPHRASE": WORDS}
        said = nowhere("init", tmp_path / "three", env=sealed)
        assert "The master keys are in keys.json, sealed by the passphrase." in said.out

    @pytest.mark.extra
    def test_a_library_that_fails_to_start_is_told_from_no_library(self, the_token, tmp_path):
        around = the_token.environment | {"SOFTHSM2_CONF": str(tmp_path / "nowhere.conf")}
        done = Program(environment=around, passphrase=the_token.pin).type(
            "init", tmp_path / "new", "--keys", "pkcs11", "--token", hsm.LABEL
        )
        assert (done.code, done.error) == (2, "keys.module-failed")
        assert "SOFTHSM2_CONF" in done.err

    @pytest.mark.extra
    @pytest.mark.parametrize("command", ["plain", "--yes"])
    def test_a_move_that_was_made_is_said_to_be_before_any_pin_goes_out(self, the_token, tmp_path, command):
        around = the_token.environment
        moved = Program(tmp_path / "new", the_token.pin, around)
        made = moved.type("init", tmp_path / "new", "--keys", "pkcs11", "--token", hsm.LABEL)
        assert made.code == 0, made.err
        again = Program(tmp_path / "new", "not the PIN at all", around)
        more = () if command == "plain" else (command,)
        done = again.type("keys", "move", "--to", "pkcs11", "--token", hsm.LABEL, *more)
        assert (done.code, done.error) == (2, "keys.move-same")


class TestPassphrases:
    @pytest.mark.parametrize(
        ("words", "option"),
        [
            (("init", "new"), "--no-passphrase"),
            (("file", "identity", "--out", "new"), "--no-passphrase"),
            (("keys", "passphrase"), "HEDGEROW_NEW_PASSPHRASE"),
        ],
    )
    def test_an_empty_one_at_the_prompt_is_refused(self, space, tmp_path, monkeypatch, words, option):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("hedgerow.cli.common.at_terminal", lambda: True)
        monkeypatch.setattr("click.prompt", lambda *_, **__: "")
        done = Program(space).call(*words)
        assert (done.code, done.error) == (2, "keys.passphrase-empty")
        assert option in done.err
        assert not (tmp_path / "new").exists()

    def test_an_empty_new_one_names_its_own_variable(self, hedgerow):
        said = hedgerow.refused("keys", "passphrase", code=2, error="keys.passphrase-empty",
                                env={"HEDGEROW_NEW_PASSPHRASE": ""})  # fmt: skip
        assert "HEDGEROW_NEW_PASSPHRASE" in said.err
        assert "--new-passphrase-file" in said.err
        assert "HEDGEROW_PASSPHRASE" not in said.err
        assert "--no-passphrase" not in said.err

    def test_a_short_one_is_warned_about(self, nowhere, tmp_path):
        for given, warned in (("hedges7", True), ("hedges78", False)):
            said = nowhere("init", tmp_path / given, env={"HEDGEROW_PASSPHRASE": given})
            assert ("shorter than 8 characters" in said.err) is warned
        said = nowhere("doctor", "--space", tmp_path / "hedges7", env={"HEDGEROW_PASSPHRASE": "hedges7"})
        assert "shorter" not in said.err

    def test_a_file_others_can_read_is_warned_about(self, nowhere, tmp_path):
        held = tmp_path / "words"
        held.write_text(WORDS)
        for mode, warned in ((0o644, True), (0o600, False)):
            held.chmod(mode)
            said = nowhere("file", "identity", "--out", tmp_path / oct(mode), "--passphrase-file", held)
            assert (f"chmod 600 {held}" in said.err) is warned
        assert WORDS not in said.err


class TestFiles:
    @pytest.fixture
    def identity(self, nowhere, tmp_path):
        return nowhere("file", "identity", "--out", tmp_path / "me", "--no-passphrase").out.strip()

    def test_the_recipient_is_printed_again(self, nowhere, tmp_path, identity):
        shown = nowhere("file", "show", tmp_path / "me")
        assert shown.out.strip() == identity
        assert "identity (" in shown.err
        assert nowhere("file", "show", tmp_path / "me", "--json").json["recipient"] == identity

    def test_an_identity_is_not_made_twice_and_the_way_to_its_recipient_is_told(
        self, nowhere, tmp_path, identity
    ):
        said = nowhere.refused(
            "file", "identity", "--out", tmp_path / "me", code=2, error="sealed.identity-exists"
        )
        assert "identity file" in said.err
        assert f"hedgerow file show {tmp_path / 'me'}" in said.err
        assert nowhere("file", "show", tmp_path / "me").out.strip() == identity

    def test_a_recipient_is_written_to_a_file_of_its_own(self, nowhere, tmp_path, identity):
        (tmp_path / "taken").write_text("before\n")
        making = ("file", "identity", "--no-passphrase", "--out", tmp_path / "new", "--recipient-out")
        nowhere.refused(*making, tmp_path / "taken", code=2, error="out.exists")
        assert not (tmp_path / "new").exists()
        assert (tmp_path / "taken").read_text() == "before\n"
        made = nowhere(*making, tmp_path / "new.recipient", "--json").json
        assert (tmp_path / "new.recipient").read_text() == made["recipient"] + "\n"
        assert (
            nowhere("file", "show", tmp_path / "new.recipient", "--json").json["recipient"]
            == made["recipient"]
        )

    def test_show_says_what_it_looks_for(self, nowhere, tmp_path):
        (tmp_path / "clinic.csv").write_text("ref,age\nP-1,30\n")
        said = nowhere.refused("file", "show", tmp_path / "clinic.csv", code=2, error="sealed.nothing-known")
        assert "sealed file, an identity or a recipient" in said.err

    def test_a_shared_passphrase_is_named_to_who_brings_an_identity(self, nowhere, tmp_path, identity):
        assert identity
        (tmp_path / "letter").write_bytes(b"x")
        shared = {"HEDGEROW_FILE_PASSPHRASE": WORDS}
        nowhere("file", "seal", tmp_path / "letter", "--passphrase", "--out", tmp_path / "sealed", env=shared)
        said = nowhere.refused("file", "open", tmp_path / "sealed", "--identity", tmp_path / "me",
                               "--out", tmp_path / "back", code=4, error="sealed.by-passphrase")  # fmt: skip
        assert "--passphrase" in said.err

    def test_an_escrow_for_nobody_speaks_of_no_passphrase(self, hedgerow, tmp_path):
        said = hedgerow.refused("keys", "escrow", "--out", tmp_path / "e", code=2, error="keys.escrow-nobody")
        assert "--passphrase" not in said.err


class TestTheDatabase:
    @pytest.mark.extra
    def test_a_dead_port_and_a_role_that_is_not_there(self, nowhere, tmp_path):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        init = (
            "init",
            f"postgresql://app@127.0.0.1:{port}/people",
            "--files",
            tmp_path / "f",
            "--no-passphrase",
        )
        said = nowhere.refused(*init, code=1, error="store.unreachable")
        assert "let this role in" not in said.err
        assert "request id" not in said.err

    @pytest.mark.extra
    @pytest.mark.parametrize(("role", "database"), [("nobody_at_all", None), (OWNER, "no_such_database")])
    def test_a_server_that_lets_nobody_in(self, postgres_server, tmp_path, role, database):
        address = postgres_server.url(role, database or postgres_server.new_database(OWNER))
        done = Program(address).call("init", "--files", tmp_path / "f", "--no-passphrase")
        assert (done.code, done.error) == (1, "store.not-let-in")
        assert "createdb" in done.err
        assert "request id" not in done.err
        assert role not in done.err

    @pytest.mark.extra
    def test_an_owner_without_createrole_is_told_who_makes_the_role(self, postgres_server):
        postgres_server.run("DROP ROLE IF EXISTS plain_owner")
        postgres_server.run("CREATE ROLE plain_owner LOGIN NOCREATEROLE")
        made = Database(postgres_server, postgres_server.new_database("plain_owner"))
        owner = Program(postgres_server.url("plain_owner", made.name))
        done = owner.call("upgrade", "--application", "fresh_app", "--yes")
        assert (done.code, done.error) == (1, "store.role-not-made")
        assert 'CREATE ROLE "fresh_app" LOGIN' in done.err
        postgres_server.run('CREATE ROLE "fresh_app" LOGIN')
        assert owner.call("upgrade", "--application", "fresh_app", "--yes").code == 0


def test_tiles_are_not_written_into_a_workspace(hedgerow, space):
    for out in (space / "site", space / "tables" / "site", space / "tables"):
        hedgerow.refused("journal", "tiles", "--out", out, code=2, error="out.in-workspace")
    assert not (space / "site").exists()


def test_doctor_names_the_directory_in_the_command_it_prints(base, tmp_path, monkeypatch):
    home = shutil.copytree(base, tmp_path / "a space")
    home.chmod(0o755)
    monkeypatch.chdir(home)
    assert "chmod -R go-rwx .\n" in Program(".").call("doctor").out
    monkeypatch.chdir(tmp_path)
    assert f"chmod -R go-rwx '{home}'\n" in Program(home).call("doctor").out


class TestPlans:
    @pytest.mark.parametrize(
        "words",
        [("keys", "rotate"), ("keys", "epoch"), ("dataset", "drop", "visits")],
    )
    def test_the_error_carries_the_plan(self, hedgerow, words):
        said = hedgerow(*words, "--json", code=2)
        problem = json.loads(said.out)
        assert problem["code"] == "confirm.needed"
        assert problem["plan"]

    def test_rotating_can_be_undone_and_says_so(self, hedgerow):
        said = hedgerow.refused("keys", "rotate", code=2, error="confirm.needed")
        assert "cannot be undone" not in said.err
        assert "stay" in said.err
        assert "cannot be undone" in hedgerow.refused("keys", "epoch", code=2, error="confirm.needed").err


def test_only_near_names_are_suggested(nowhere, hedgerow):
    said = hedgerow.refused("keys", "destroy", code=2, error="usage.malformed")
    assert "escrow" not in said.err
    assert "did you mean epoch?" in said.err
    assert "did you mean rotate?" in hedgerow.refused("keys", "rotat", code=2, error="usage.malformed").err


def test_the_first_help_names_what_there_is(nowhere):
    said = " ".join(nowhere("--help").out.split())
    for words in ("restate", "escrow", "import-legacy", "tiles", "cosign"):
        assert words in said, words


def test_a_missing_key_file_names_the_escrow(hedgerow, space):
    (space / "keys.json").unlink()
    said = hedgerow.refused("doctor", code=2, error="keys.file-missing")
    assert "hedgerow keys escrow-restore" in said.err


def test_what_an_import_leaves_out_is_named_before_the_old_file_is_destroyed(hedgerow, tmp_path):
    from cryptography.fernet import Fernet

    key = Fernet.generate_key()
    rows = [f"P-{n},{Fernet(key).encrypt(b'x@example.test').decode()},note {n},1,A\n" for n in range(3)]
    (tmp_path / "old.csv").write_text("ref,email,note,rank,ward\n" + "".join(rows))
    (tmp_path / "old.key").write_bytes(key)
    words = ("keys", "import-legacy", tmp_path / "old.csv", "--cipher", "fernet", "--columns", "email",
             "--key-file", tmp_path / "old.key", "--subject-key", "ref", "--purpose", "care",
             "--basis", "contract")  # fmt: skip
    said = hedgerow(*words, "--dataset", "old", "--drop", "note,rank")
    assert "note, rank were not taken" in said.out
    assert "gone" in said.out
    made = hedgerow(*words, "--dataset", "older", "--drop", "note", "--json").json
    assert made["not_taken"] == ["note"]
    assert "not taken" not in hedgerow(*words, "--dataset", "oldest", "--drop", "").out
