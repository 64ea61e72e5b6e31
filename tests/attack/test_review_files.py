"""Nothing is destroyed, hung or drawn on the terminal by a path, a number or a name in a file."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.attack.review_world import ASKED, code_of, empty, filled

from hedgerow.adapters.keys import file as key_file
from hedgerow.app import workspace
from hedgerow.cli.main import main

CALL = "import sys; sys.path[:0] = {path!r}; "


def test_forcing_an_export_does_not_remove_a_directory_that_is_no_bundle(tmp_path):
    with filled(tmp_path, 8) as space:
        folder = tmp_path / "papers"
        folder.mkdir()
        (folder / "thesis.txt").write_text("years of work")
        code_of(lambda: space.service.export(folder, force=True))
        assert (folder / "thesis.txt").exists()


def test_forcing_an_export_does_not_remove_the_workspace(tmp_path):
    with filled(tmp_path, 8) as space:
        code_of(lambda: space.service.export(tmp_path / "space", force=True))
        assert (tmp_path / "space" / "hedgerow.db").exists()


def test_an_init_that_loses_the_race_leaves_the_winner_alone(tmp_path, monkeypatch):
    made = key_file.create

    def overtaken(path, passphrase):
        monkeypatch.setattr(key_file, "create", made)
        workspace.create(tmp_path / "space", None)
        return made(path, passphrase)

    monkeypatch.setattr(key_file, "create", overtaken)
    code_of(lambda: workspace.create(tmp_path / "space", None))
    assert (tmp_path / "space" / "hedgerow.db").exists()
    assert (tmp_path / "space" / "keys.json").exists()


def ends(program):
    """Tell whether a program ends within some seconds; a hung one does not end in hours."""
    paths = CALL.format(path=sys.path)
    try:
        subprocess.run([sys.executable, "-c", paths + program], timeout=20, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_bound_with_a_huge_exponent_is_read_at_once():
    assert ends("from hedgerow.app.declaring import parse_bounds; parse_bounds('0:1e999999999')")


def test_a_share_with_a_huge_exponent_is_read_at_once():
    assert ends(
        "from hedgerow.techniques.anonymity.governed import _parameters; "
        "_parameters({'quasi': ['a'], 'k': 5, 'suppression_limit': '1e999999999'})"
    )


@pytest.mark.parametrize("share", ["abc", "1/0", "nan"])
def test_a_share_that_is_no_number_is_the_callers_error(tmp_path, share):
    with filled(tmp_path, 8) as space:
        asked = type(ASKED)(ASKED.dataset, ASKED.quasi, ASKED.k, suppression_limit=share)
        told = code_of(lambda: space.service.explain_release(asked, purpose="research"))
        assert told == "anonymity.limit-out-of-range"


@pytest.mark.parametrize("key", ["pid", "nope"])
def test_a_heading_with_control_characters_is_not_drawn_on_the_terminal(tmp_path, capfd, key):
    empty(tmp_path).close()
    source = tmp_path / "x.csv"
    source.write_text("pid,\x1b]0;owned\x07age,\u202ezip\n1,2,3\n2,3,4\n")
    with pytest.raises(SystemExit):
        main(["collect", str(source), "--dataset", "v", "--subject-key", key, "--purpose", "research",
              "--basis", "contract", "--space", str(tmp_path / "space")])  # fmt: skip
    told = "".join(capfd.readouterr())
    assert "\x1b]0" not in told
    assert "\u202e" not in told


def test_a_person_with_a_heading_of_control_characters_is_not_drawn_on_the_terminal(tmp_path, capfd):
    empty(tmp_path).close()
    source = tmp_path / "x.csv"
    source.write_text("pid,\x1b]0;owned\x07age\n1,2\n2,3\n")
    common = ["--space", str(tmp_path / "space")]
    for call in (
        ["collect", str(source), "--dataset", "v", "--subject-key", "pid", "--purpose", "research",
         "--basis", "contract", "--drop", "", *common],
        ["subject", "show", "1", *common],
        ["subject", "show", "1", "--plain", *common],
    ):  # fmt: skip
        with pytest.raises(SystemExit):
            main(call)
    assert "\x1b]0" not in "".join(capfd.readouterr())
