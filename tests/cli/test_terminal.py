"""At a terminal and in a pipe: progress after a second, Ctrl-C leaves nothing half-done."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout

import pytest

from hedgerow.cli import screen as screens
from hedgerow.cli.screen import Screen, table

SLOW = """
import signal, sys, time
from hedgerow.spine.tables import Tables
real = Tables.write
def slow(*arguments):
    written = real(*arguments)
    print("written", file=sys.stderr, flush=True)
    time.sleep(60)
    return written
Tables.write = slow
from hedgerow.cli.main import main
main()
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_control_c_leaves_nothing_half_done(hedgerow, town, space):
    files = {path.name for path in (space / "tables").iterdir()}
    words = [
        "collect",
        town[1]["clinic_south_visits"],
        "--dataset",
        "south",
        "--subject-key",
        "patient_ref",
        "--purpose",
        "care",
        "--basis",
        "contract",
        "--drop",
        "visit_id",
    ]
    command = [sys.executable, "-c", SLOW, *map(str, words)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=hedgerow.surroundings()
    ) as running:
        while "written" not in (line := running.stderr.readline()):
            assert line, "the program ended early"
        assert {path.name for path in (space / "tables").iterdir()} - files
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "(interrupted)" in err
    assert out == ""
    # Nothing names the files it had written; the next start takes them away.
    assert "south" not in hedgerow("dataset", "list").out
    assert {path.name for path in (space / "tables").iterdir() if not path.name.startswith(".")} <= files
    hedgerow("journal", "verify")
    hedgerow(*words)


def test_a_reader_who_leaves_early_is_no_error(hedgerow):
    with subprocess.Popen(
        [*hedgerow.command("policy", "show")],
        env=hedgerow.surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 0
    assert "Error" not in err
    assert "Exception" not in err


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(screens, "_SHOW_AFTER_S", 0.05)


def shown(screen, stream):
    """Do three steps, the second of them as long as it takes to be shown."""
    out = io.StringIO()
    with redirect_stderr(stream), redirect_stdout(out), screen:
        screen.progress("reading")
        screen.progress("sealing")
        give_up = time.monotonic() + (0.2 if screen.as_json else 30)
        while "sealing" not in stream.getvalue() and time.monotonic() < give_up:
            time.sleep(0.02)
        screen.progress("writing")
        screen.result({"done": 1}, "done")
        screen.say("after")
    return stream.getvalue(), out.getvalue()


def test_progress_in_a_pipe_is_plain_lines(soon):
    err, out = shown(Screen(as_json=False), io.StringIO())
    assert err == "  ... sealing\n  ... writing\nafter\n"
    assert out == "done\n"


def test_progress_on_a_terminal_is_one_line_that_goes(soon):
    err, out = shown(Screen(as_json=False), Terminal())
    assert "sealing" in err
    assert "  ... " not in err
    assert out == "done\n"


def test_with_json_there_is_no_progress(soon):
    err, out = shown(Screen(as_json=True), io.StringIO())
    assert err == "after\n"
    assert out == '{\n  "done": 1\n}\n'


def test_quick_work_shows_no_progress():
    out = io.StringIO()
    with redirect_stderr(out), Screen(as_json=False) as screen:
        screen.progress("reading")
    assert out.getvalue() == ""


def test_a_table_never_sends_control_characters_to_the_terminal():
    text = table(["name", "n"], [["a\x1b[31mb", 12], ["c", 3]])
    assert "\x1b" not in text
    assert text.splitlines()[-1].split() == ["c", "3"]
    assert table(["name"], []) == "(none)"
