"""Proves that a workspace lives in a PostgreSQL database by its address, apart from the others there.

The files of its tables and its key file lie in a directory that both sides name; where they disagree nothing
is opened and nothing is changed.
"""

from __future__ import annotations

import os
import re
import shutil

import pytest
from tests.postgres import APPLICATION, OWNER, Database
from tests.program import Program
from tests.schemas import PASSPHRASE, old_database, old_files, use

import hedgerow as hr
from hedgerow.adapters.store.postgres_link import Session
from hedgerow.adapters.store.postgres_shape import shape_of
from hedgerow.kernel.hybrid import new_identity, write_identity
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION, SealedField, Setting, Subject

pytestmark = pytest.mark.extra

PURPOSE = ("purpose", "add", "research", "--why", "health", "--owner", "owner", "--until", "2099-01-01")


@pytest.fixture
def empty(postgres_server):
    """Make a database that was not set up."""
    return Database(postgres_server, postgres_server.new_database(OWNER))


@pytest.fixture(scope="module")
def database(postgres_server):
    """Make a database that was set up by the program."""
    made = Database(postgres_server, postgres_server.new_database(OWNER))
    assert _owner(made).call("upgrade", "--application", APPLICATION, "--yes").code == 0
    return made


def _owner(database):
    return Program(database.owner)


def _init(database, files, *more):
    """Make a workspace and give the program that works on it."""
    done = Program(database.application).call("init", "--files", files, "--no-passphrase", "--json", *more)
    assert done.code == 0, done.out
    return Program(done.json["space"])


def _csv(folder):
    (folder / "visits.csv").write_text("ref,age\n" + "".join(f"P-{i},{30 + i}\n" for i in range(5)))
    return folder / "visits.csv"


def _collect(program, folder):
    assert program.call(*PURPOSE).code == 0
    line = ("--dataset", "visits", "--subject-key", "ref", "--drop", "", "--purpose", "research")
    assert program.call("collect", _csv(folder), *line, "--basis", "contract").code == 0


@pytest.fixture
def program(database, tmp_path):
    return _init(database, tmp_path / "files")


def _discard(database):
    """Take every workspace out of the shared database."""
    for table in (*(shape_of(kind).table for kind in ALL_RECORDS), "hedgerow.tenants"):
        database.run(f"DELETE FROM {table}")


class TestSetUp:
    def test_the_next_steps_lead_from_an_empty_database_to_a_workspace(self, empty, tmp_path):
        app, owner, files = Program(empty.application), _owner(empty), tmp_path / "files"
        done = app.call("init", "--files", files, "--no-passphrase")
        assert (done.code, done.error) == (2, "store.not-set-up")
        assert (
            "`hedgerow upgrade --space postgresql://OWNER@HOST/DATABASE --application ROLE --yes`" in done.err
        )
        assert not files.exists()
        assert app.call("doctor").error == "store.not-set-up"
        assert owner.call("upgrade", "--yes").error == "upgrade.role-needed"
        planned = owner.call("upgrade", "--application", APPLICATION)
        assert (planned.error, APPLICATION in planned.err) == ("confirm.needed", True)
        assert empty.run("SELECT to_regnamespace('hedgerow')") == [(None,)]
        assert owner.call("upgrade", "--application", APPLICATION, "--yes").code == 0
        assert owner.call("upgrade").out.startswith("Nothing to do")
        assert app.call("doctor").error == "space.none-in-database"
        assert app.call("init", "--files", files, "--no-passphrase").code == 0
        assert app.call("keys", "status").code == 0

    def test_who_may_not_set_it_up_is_told(self, empty):
        done = Program(empty.application).call("upgrade", "--application", APPLICATION, "--yes")
        assert done.error in ("store.denied", "store.unguarded")

    def test_the_owner_is_no_role_to_work_with(self, database, program):
        done = Program(database.owner).call("doctor")
        assert (done.code, done.error) == (1, "store.unguarded")
        assert "--application ROLE" in done.err


class TestUse:
    def test_every_kind_of_command_works(self, program, tmp_path):
        _collect(program, tmp_path)
        for line in (
            ("dataset", "declare", "visits", "--max-rows", "1"),
            ("budget", "allocate", "visits", "--purpose", "research", "--epsilon", "1"),
            ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5"),
            ("running", "open", "r", "visits", "--steps", "4", "--purpose", "research", "--epsilon", "0.2"),
            ("running", "advance", "r"),
            ("subject", "show", "P-1"),
            ("subject", "erase", "P-1", "--yes"),
            ("keys", "rotate", "--yes"),
            ("keys", "epoch", "--yes"),
            ("running", "advance", "r"),
            ("journal", "verify"),
            ("evidence", "export", "--out", tmp_path / "evidence"),
            ("report", "--out", tmp_path / "report.html"),
            ("dataset", "drop", "visits", "--yes"),
        ):
            done = program.call(*line)
            assert done.code == 0, (line, done.err)
        checks = {each["check"]: each["ok"] for each in program.call("doctor", "--json").json}
        assert checks.pop("key file") is False
        assert set(checks.values()) == {True}

    def test_python_opens_the_same(self, database, tmp_path):
        with hr.create(database.application, files=tmp_path / "files", passphrase="correct horse") as made:
            tenant = made.opened.spine.tenant
        with hr.open(f"{database.application}#{tenant}", passphrase="correct horse") as space:
            assert space.opened.spine.tenant == tenant
            assert repr(space.opened).count("postgresql") == 0
        with pytest.raises(hr.CallerError) as caught:
            hr.create(database.application)
        assert caught.value.code == "space.files-needed"

    def test_a_wrong_passphrase_is_told_as_ever(self, database, tmp_path):
        program = Program(database.application, "correct horse")
        made = program.call("init", "--files", tmp_path / "files", "--json").json["space"]
        assert Program(made, "wrong").call("doctor").code == 4
        assert Program(made, "correct horse").call("doctor").code == 0

    def test_no_output_may_lie_among_its_files(self, program, tmp_path):
        done = program.call("report", "--out", tmp_path / "files" / "report.html")
        assert done.error == "out.in-workspace"


class TestFiles:
    def test_files_that_are_mounted_elsewhere_are_named_by_a_variable(self, program, tmp_path):
        shutil.move(tmp_path / "files", tmp_path / "mounted")
        done = program.call("keys", "status")
        assert (done.code, done.error) == (2, "space.files-missing")
        assert "HEDGEROW_FILES" in done.err
        assert "no such directory" in done.err
        assert not (tmp_path / "files").exists()
        there = Program(program.space, environment={"HEDGEROW_FILES": str(tmp_path / "mounted")})
        assert there.call("keys", "status").code == 0

    def test_files_of_another_workspace_are_refused(self, database, program, tmp_path):
        _init(database, tmp_path / "other")
        before = sorted((tmp_path / "other").rglob("*"))
        (tmp_path / "empty").mkdir()
        for wrong in ("other", "empty"):
            there = Program(program.space, environment={"HEDGEROW_FILES": str(tmp_path / wrong)})
            assert there.call("keys", "status").error == "space.files-foreign"
        shutil.rmtree(tmp_path / "files")
        (tmp_path / "other").rename(tmp_path / "files")
        assert program.call("keys", "status").error == "space.files-foreign"
        assert len(sorted((tmp_path / "files").rglob("*"))) == len(before)

    def test_the_directory_alone_says_where_to_look(self, program, tmp_path):
        assert Program(tmp_path / "files").call("doctor").error == "space.in-database"

    def test_a_directory_in_use_is_not_taken(self, database, program, tmp_path):
        done = Program(database.application).call("init", "--files", tmp_path / "files", "--no-passphrase")
        assert done.error == "space.in-database"
        assert "rm -r" not in done.err

    def test_an_init_that_fails_leaves_nothing(self, database, tmp_path, monkeypatch):
        from hedgerow.app import workspace

        monkeypatch.setattr(workspace, "declare", lambda *_: 1 / 0)
        before = database.run("SELECT count(*) FROM hedgerow.tenants")
        done = Program(database.application).call("init", "--files", tmp_path / "f", "--no-passphrase")
        assert done.code == 1
        assert database.run("SELECT count(*) FROM hedgerow.tenants") == before
        assert list(tmp_path.iterdir()) == []


class TestTenants:
    def test_one_is_taken_two_must_be_told_apart(self, empty, tmp_path):
        _owner(empty).call("upgrade", "--application", APPLICATION, "--yes")
        one = _init(empty, tmp_path / "one")
        bare = Program(empty.application)
        assert bare.call("keys", "status").code == 0
        two = _init(empty, tmp_path / "two")
        done = bare.call("keys", "status")
        assert (done.code, done.error) == (2, "space.several")
        names = [str(each.space).split("#")[1] for each in (one, two)]
        assert all(name in done.err for name in names)
        lost = Program(empty.application, environment={"HEDGEROW_FILES": str(tmp_path / "nope")})
        done = lost.call("keys", "status")
        assert (done.code, done.error) == (2, "space.files-missing")
        assert "no such directory" in done.err
        by_files = Program(empty.application, environment={"HEDGEROW_FILES": str(tmp_path / "two")})
        assert by_files.call("keys", "status").code == 0
        assert by_files.call(*PURPOSE).code == 0
        assert [len(each.call("purpose", "list", "--json").json) for each in (one, two)] == [0, 1]
        mixed = Program(one.space, environment={"HEDGEROW_FILES": str(tmp_path / "two")})
        assert mixed.call("keys", "status").error == "space.files-foreign"
        assert Program(f"{empty.application}#nobody").call("doctor").error == "store.tenant-unknown"
        assert bare.call("init", f"{empty.application}#mine", "--files", "f").error == "space.tenant-named"
        empty.run("INSERT INTO hedgerow.tenants (tenant) VALUES ('w-cut-off')")
        assert bare.call("keys", "status").error == "space.several"
        cut_off = Program(f"{empty.application}#w-cut-off")
        assert cut_off.call("keys", "status").error == "space.unfinished-in-database"

    def test_each_has_master_keys_and_associated_data_of_its_own(self, database, tmp_path):
        """Copy every row of a person, and then a whole workspace, over to another: nothing opens."""
        one, two = (_init(database, tmp_path / name) for name in ("one", "two"))
        for program in (one, two):
            _collect(program, tmp_path)
        names = [str(each.space).split("#")[1] for each in (one, two)]
        keys = [(tmp_path / name / "keys.json").read_bytes() for name in ("one", "two")]
        assert keys[0] != keys[1]
        with hr.open(str(one.space)) as space, space.opened.store.read() as reader:
            person = space.opened.spine.vault.find(reader, "P-1")
        for kind in (Subject, SealedField):
            columns = ", ".join(f'"{name}"' for name in shape_of(kind).names)
            database.run(
                f"INSERT INTO {shape_of(kind).table} (tenant, {columns})"
                f" SELECT %s, {columns} FROM {shape_of(kind).table} WHERE tenant = %s AND number = %s",
                names[1], names[0], person.number,
            )  # fmt: skip
        with hr.open(str(two.space)) as space, space.opened.store.read() as reader:
            planted = reader.get(Subject, person.number)
            with pytest.raises(hr.Fault) as caught:
                space.opened.spine.vault.open(planted)
            assert caught.value.row.exit == 6
        # The same key file for both, as a thief of backups could arrange it: the tenant still parts them.
        (tmp_path / "two" / "keys.json").write_bytes(keys[0])
        assert two.call("keys", "status").code == 6
        (tmp_path / "two" / "keys.json").write_bytes(keys[1])
        database.run("DELETE FROM hedgerow.settings WHERE tenant = %s", names[1])
        database.run(
            "INSERT INTO hedgerow.settings SELECT %s, name, value FROM hedgerow.settings WHERE tenant = %s",
            names[1], names[0],
        )  # fmt: skip
        done = two.call("keys", "status")
        assert (done.code, done.error) == (6, "space.foreign-records")

    def test_without_a_tenant_the_role_of_the_program_sees_no_row(self, database, program):
        tables = [shape_of(kind).table for kind in ALL_RECORDS]
        counts = [database.run(f"SELECT count(*) FROM {t}", user=APPLICATION)[0][0] for t in tables]
        assert counts == [0] * len(tables)
        assert database.run(f"SELECT count(*) FROM {shape_of(Setting).table}")[0][0] > 0


class TestRestoring:
    def test_what_was_restored_is_named_by_its_address_and_a_second_needs_another_database(
        self, empty, tmp_path
    ):
        identity = new_identity()
        (tmp_path / "me.identity").write_bytes(write_identity(identity, None))
        (tmp_path / "me.identity").chmod(0o600)
        (tmp_path / "me.recipient").write_text(identity.recipient.text)
        made = Program(tmp_path / "space")
        assert made.call("init", tmp_path / "space", "--no-passphrase").code == 0
        backup = ("backup", "--to", tmp_path / "backup", "--recipient", tmp_path / "me.recipient")
        assert made.call(*backup).code == 0
        _owner(empty).call("upgrade", "--application", APPLICATION, "--yes")
        line = ("restore", tmp_path / "backup", "--identity", tmp_path / "me.identity", "--space",
                empty.application, "--nobody-erased-since", "seen", "--files")  # fmt: skip
        done = made.call(*line, tmp_path / "files", "--json")
        assert done.code == 0, done.err
        assert done.json["space"].startswith(f"{empty.application}#")
        assert done.json["files"] == str(tmp_path / "files")
        assert Program(done.json["space"]).call("keys", "status").code == 0
        done = made.call(*line, tmp_path / "more")
        assert done.error == "store.tenant-exists"
        assert "another name" not in done.err
        assert "another, empty database" in done.err
        empty.run("DELETE FROM hedgerow.tenants")
        _discard(empty)
        done = made.call(*line, tmp_path / "third")
        assert f"Restored {empty.application}#" in done.out
        assert f"with its files in {tmp_path / 'third'}" in done.out


class TestWall:
    def test_a_wall_that_is_down_is_put_up_by_the_statement_printed(self, empty, tmp_path):
        _owner(empty).call("upgrade", "--application", APPLICATION, "--yes")
        program = _init(empty, tmp_path / "files")
        for change in ("DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"):
            empty.run(f"ALTER TABLE hedgerow.sealed_fields {change}", user=OWNER)
            done = program.call("keys", "status")
            assert (done.code, done.error) == (1, "store.wall-down")
            assert "sealed_fields" in done.err
            assert "role" not in done.err.lower().replace("role@host", "")
            (statement,) = re.findall(r"ALTER TABLE [^;]*;", " ".join(done.err.split()))
            # Neither a plain upgrade nor one that lets a role in puts it up.
            for more in ((), ("--application", APPLICATION)):
                _owner(empty).call("upgrade", "--yes", *more)
            assert program.call("keys", "status").error == "store.wall-down"
            empty.run(statement, user=OWNER)
            assert program.call("keys", "status").code == 0


class TestSecrets:
    def test_the_password_comes_from_where_libpq_looks(self, database, program, tmp_path):
        """Trust is the server's here; what matters is that the file is read and the address stays bare."""
        for name, value in (("PGPASSFILE", str(tmp_path / "pgpass")), ("PGPASSWORD", "unused")):
            there = Program(program.space, environment={name: value})
            assert there.call("keys", "status").code == 0
        (tmp_path / "service.conf").write_text(
            f"[hedge]\nhost={database.server.folder}\ndbname={database.name}\nuser={APPLICATION}\n"
        )
        address = "postgresql://?service=hedge#" + str(program.space).split("#")[1]
        there = Program(address, environment={"PGSERVICEFILE": str(tmp_path / "service.conf")})
        assert there.call("keys", "status").code == 0

    def test_help_loads_no_driver(self, database):
        script = "import sys; from hedgerow.cli.main import main\ntry: main(['init', '--help'])\nfinally:"
        script += " sys.exit('psycopg' in sys.modules)"
        import subprocess
        import sys

        environment = {**os.environ, "HEDGEROW_SPACE": database.application}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, check=False
        )
        assert (done.returncode, b"--files" in done.stdout) == (0, True)


class TestForward:
    @pytest.mark.parametrize("number", range(1, SCHEMA_VERSION))
    def test_a_workspace_of_an_earlier_schema_is_brought_forward_and_used(self, empty, tmp_path, number):
        tenant = old_database(number, empty)
        files = old_files(number, tmp_path / "files")
        (files / "tenant").write_text(f"{tenant}\n")
        (files / "tenant").chmod(0o600)
        owner = _owner(empty)
        program = Program(empty.application, PASSPHRASE, {"HEDGEROW_FILES": str(files)})
        empty.run(f"GRANT USAGE ON SCHEMA hedgerow TO {APPLICATION}")
        empty.run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hedgerow TO {APPLICATION}")
        done = program.call("doctor")
        assert (done.code, done.error) == (2, "store.older-schema")
        assert "`hedgerow upgrade --space postgresql://OWNER@HOST/DATABASE --yes`" in done.err
        before = empty.run("SELECT count(*) FROM hedgerow.subjects")
        assert owner.call("upgrade").error == "confirm.needed"
        done = owner.call("upgrade", "--yes", "--json")
        assert (done.code, done.json["found"], done.json["needed"]) == (0, number, SCHEMA_VERSION)
        assert empty.run("SELECT count(*) FROM hedgerow.subjects") == before
        use(program)
        assert owner.call("upgrade").out.startswith("Nothing to do")


def test_an_erasure_asks_the_server_few_questions(database, tmp_path, monkeypatch):
    """Each is a way there and back: with a server in another room they are what an erasure waits for."""
    program = _init(database, tmp_path / "files")
    _collect(program, tmp_path)
    asked = []
    for name in ("run", "script"):
        real = getattr(Session, name)
        monkeypatch.setattr(
            Session, name, lambda self, *a, real=real, **k: (asked.append(a[0]), real(self, *a, **k))[1]
        )
    with hr.open(program.space) as space:
        asked.clear()
        space.opened.spine.erasure.erase("P-2", space.service.actor)
    assert 20 < len(asked) <= 50, len(asked)
