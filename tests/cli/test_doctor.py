"""Proves that ``doctor`` names each thing that is to mend, in a line with a next step, and nothing else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from tests.program import Program

from hedgerow.app import workspace

MENDED = 9


@pytest.fixture
def program(tmp_path):
    made = Program(tmp_path / "space", environment={"TMPDIR": str(tmp_path)})
    done = made.call("init", "--no-passphrase", tmp_path / "space")
    assert done.code == 0, done.err
    return made


def checks(program, code=MENDED):
    """Read what is told, but that the key file is not sealed, which spares each test a second."""
    done = program.call("doctor", "--json")
    found = {each["check"]: each for each in done.json}
    assert done.code == MENDED
    assert not found.pop("key file")["ok"]
    assert (code == MENDED) == any(not told["ok"] for told in found.values()), found
    return found


def only_bad(program, name):
    found = checks(program)
    assert [each for each, told in found.items() if not told["ok"]] == [name], found
    assert found[name]["next"]
    assert "\n" not in found[name]["told"] + found[name]["next"]
    return found[name]


def old(path):
    then = datetime.now(UTC).timestamp() - 7200
    os.utime(path, (then, then))


def changed(program, statement):
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as connection, connection:
        connection.execute(statement)


def at(moment):
    clock = mock.Mock(**{"now.return_value": moment})
    return mock.patch.object(workspace, "SystemClock", return_value=clock)


def test_nothing_is_to_mend_in_a_new_workspace(tmp_path):
    program = Program(tmp_path / "space", "seven geese")
    assert program.call("init", tmp_path / "space").code == 0
    done = program.call("doctor", "--json")
    assert done.code == 0, done.out
    found = {each["check"]: each for each in done.json}
    assert list(found) == [
        "key file", "permissions", "disk", "clock", "schema", "key epochs", "remnants", "journal", "sealing",
        "policies", "table files",
    ]  # fmt: skip
    assert {told["next"] for told in found.values()} == {""}


def test_the_text_ends_with_what_to_do(program):
    (program.space / "hedgerow.db").chmod(0o644)
    said = program.call("doctor")
    assert said.code == MENDED
    assert said.out.splitlines()[-3::2] == [
        "To mend:",
        f"  permissions: chmod -R go-rwx {program.space}",
    ]


def test_acts_that_no_policy_speaks_of_are_named_and_are_no_fault(program, tmp_path):
    assert checks(program, 0)["policies"]["told"] == "every act of this version is named in them"
    narrow = tmp_path / "narrow.cedar"
    built_in = program.call("policy", "show", "--built-in").out
    for act in ("keys.change", "clock.accept"):
        built_in = built_in.replace(f'    Action::"{act}",\n', "")
    narrow.write_text(built_in)
    assert program.call("policy", "apply", narrow, "--yes").code == 0
    found = checks(program, 0)["policies"]
    assert (found["ok"], found["next"]) == (True, "")
    assert "do clock.accept, keys.change;" in found["told"]


@pytest.mark.parametrize(
    "statement",
    ["DROP INDEX subjects_lookup", "ALTER TABLE charges ADD COLUMN more TEXT", "DROP TABLE failures"],
)
def test_a_table_that_is_not_as_expected(program, statement):
    changed(program, statement)
    if "DROP TABLE" not in statement:
        assert "not as this version" in only_bad(program, "schema")["told"]
    else:
        assert not checks(program)["schema"]["ok"]


def test_a_clock_behind_and_a_clock_ahead(program):
    now = datetime.now(UTC)
    with at(now - timedelta(hours=1)):
        assert "behind the newest journal entry" in only_bad(program, "clock")["told"]
    for moment in (now - timedelta(days=3), now + timedelta(days=400)):
        with at(moment):
            assert "--accept-clock" in only_bad(program, "clock")["next"]
    assert checks(program, 0)["clock"]["ok"]


def test_going_by_the_clock_wants_yes_and_is_journaled(program):
    with at(datetime.now(UTC) - timedelta(days=3)):
        shown = program.call("doctor", "--accept-clock")
        assert (shown.code, shown.error) == (2, "confirm.needed")
        assert not checks(program)["clock"]["ok"]
        assert program.call("doctor", "--accept-clock", "--yes").code == 0
        assert checks(program, 0)["clock"]["ok"]
        assert "clock.accept" in program.call("journal", "show").out
    assert program.call("journal", "verify").code == 0


def test_what_interrupted_work_left(program, tmp_path):
    aside = program.space / f".keys.json.{'0' * 16}"
    aside.touch(mode=0o600)
    assert "key file that was being written" in only_bad(program, "remnants")["told"]
    assert program.call("keys", "rotate", "--yes").code == 0
    left = tmp_path / "hedgerow-abc.csv"
    left.touch()
    checks(program, 0)
    old(left)
    with mock.patch("tempfile.tempdir", str(tmp_path)):
        assert "temporary files" in only_bad(program, "remnants")["told"]


def test_a_table_file_that_nothing_names_and_that_cannot_go(program):
    stray = program.space / "tables" / ("0" * 32)
    stray.touch(mode=0o600)
    checks(program, 0)
    assert not stray.exists()
    stray.touch(mode=0o600)
    old(stray)
    with mock.patch("hedgerow.spine.tables.Tables.sweep"):
        assert "table file that nothing names" in only_bad(program, "remnants")["told"]


def test_too_little_room_for_a_rewrite(program):
    with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=10_000_000)):
        assert only_bad(program, "disk")["told"].startswith("10 MB free")


def test_a_log_that_was_left_large(program):
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM settings").fetchall()
        with mock.patch("hedgerow.app.service.remnants._LARGE_LOG_BYTES", 0):
            program.call("purpose", "add", "p", "--why", "w", "--owner", "owner", "--until", "2099-01-01")
            assert "write-ahead log" in only_bad(program, "remnants")["told"]
