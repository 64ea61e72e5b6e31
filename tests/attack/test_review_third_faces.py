"""What leaves by a face tells nothing beyond it: nothing that steers a terminal, no forbidden name or count.

The faces are the exported copy of a person's data, the journal, the report, and the files that --out names.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.attack.review_world import ASKED, code_of, collect, empty, filled, grants, people
from tests.program import Program

from hedgerow.model.words import Basis

HIDDEN = "\x9b\x9d\x9c\u202e\x7f\u200b"
STEERING = "\x9b31m\x9d0;owned\x9c\u202egnihtemos\x7f\u200b"
SMALL = replace(ASKED, k=2, suppression_limit="1")


def forbid(space, who, dataset, action="action"):
    rule = f'forbid(principal == User::"{who}", {action}, resource == Dataset::"{dataset}");'
    space.service.apply_policy(f'{space.service.policy()["text"]}\n@id("no-{who}-{dataset}") {rule}')


def release(space, out, *, asked=SMALL, force=False, request_id=None):
    return space.service.release(asked, purpose="research", out=out, force=force, request_id=request_id)


@pytest.fixture
def divided(tmp_path):
    """Give a workspace with a second data set, released once, that auditor and officer may not touch."""
    with filled(tmp_path, 10) as space:
        rows = people(9)
        collect(space, tmp_path, rows, dataset="secret", consents=grants(rows))
        made = release(space, tmp_path / "a.csv", asked=replace(SMALL, dataset="secret"))
        for who in ("aud", "po"):
            forbid(space, who, "secret")
        yield space, made["release"]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_export_reaches_the_terminal_without_what_steers_it(tmp_path, more):
    with empty(tmp_path) as space:
        rows = people(3)
        rows[0]["diag"], rows[0]["name"] = "A" + STEERING, "Given" + STEERING
        collect(space, tmp_path, rows, bases={"research": Basis("public-task")})
    said = Program(tmp_path / "space").call("subject", "export", "p0001", *more)
    assert not set(HIDDEN) & set(said.out)
    assert json.dumps("A" + STEERING) in json.dumps(said.json["values"]["visits"])


def test_an_exported_file_holds_the_values_and_nothing_that_steers_a_terminal(tmp_path):
    with empty(tmp_path) as space:
        rows = people(3)
        rows[0]["diag"] = "A" + STEERING
        collect(space, tmp_path, rows, bases={"research": Basis("public-task")})
    Program(tmp_path / "space").call("subject", "export", "p0001", "--out", tmp_path / "e.json")
    text = (tmp_path / "e.json").read_text()
    assert json.dumps("A" + STEERING) in json.dumps(json.loads(text))
    assert not set(HIDDEN) & set(text)


def test_an_erasure_in_the_journal_names_no_forbidden_data_set_nor_its_releases(divided):
    space, made = divided
    space.service.erase_subject("p0001")
    read = space.acting_as("aud").service.entries(1000)
    (erased,) = [entry["facts"] for entry in read if entry["action"] == "subject.erase"]
    assert (erased["datasets"], erased["releases"]) == (["visits"], [])
    assert "secret" not in json.dumps(read)
    assert made not in json.dumps(read)
    (whole,) = [e["facts"] for e in space.service.entries(1000) if e["action"] == "subject.erase"]
    assert (sorted(whole["datasets"]), whole["releases"]) == (["secret", "visits"], [made])


def test_an_erasure_in_the_journal_keeps_the_releases_of_other_data_sets(divided, tmp_path):
    space, _ = divided
    shown = release(space, tmp_path / "b.csv")["release"]
    space.service.erase_subject("p0001")
    read = space.acting_as("aud").service.entries(1000)
    assert [e["facts"]["releases"] for e in read if e["action"] == "subject.erase"] == [[shown]]


def test_consents_of_people_of_a_forbidden_data_set_are_not_counted(divided, tmp_path):
    space, _ = divided
    officer = space.acting_as("po").service
    before = officer.report()["consents"]
    more = people(9, start=500)
    collect(space, tmp_path, more, dataset="secret", consents=grants(more))
    space.service.choose("p0500", "research", granted=False, notice="", channel="")
    assert officer.report()["consents"] == before
    assert before == [{"purpose": "research", "granted": 10, "withdrawn": 0, "never_asked": 0}]
    (whole,) = space.service.report()["consents"]
    assert (whole["granted"], whole["withdrawn"]) == (18, 1)


def test_consents_are_not_counted_for_whom_the_counts_of_the_data_set_are_hidden(divided):
    space, _ = divided
    forbid(space, "po", "visits", 'action == Action::"release.risk"')
    told = space.acting_as("po").service.report()
    assert told["held"][0]["people"] is None
    assert told["consents"] == [
        {"purpose": "research", "granted": None, "withdrawn": None, "never_asked": None}
    ]


def test_the_report_counts_rows_set_aside_only_for_who_may_list_them(tmp_path):
    with empty(tmp_path) as space:
        rows = people(40)
        rows[0]["age"] = "unknown"
        collect(space, tmp_path, rows)
        auditor, officer = space.acting_as("aud").service, space.acting_as("po").service
        assert code_of(auditor.quarantine_list) == "policy.not-permitted"
        assert [batch["rows"] for batch in auditor.report()["quarantine"]] == [None]
        assert [batch["rows"] for batch in officer.report()["quarantine"]] == [1]


def test_a_release_is_written_where_there_are_no_hard_links(tmp_path, monkeypatch):
    with filled(tmp_path, 30) as space:
        with monkeypatch.context() as without:
            without.setattr(os, "link", _not_permitted)
            made = release(space, tmp_path / "x.csv")
            again = code_of(lambda: release(space, tmp_path / "x.csv"))
        assert (tmp_path / "x.csv").read_text().startswith("age,diag,zip\n")
        assert [each["id"] for each in space.service.releases()] == [made["release"]]
        assert again == "out.exists"
    assert not list(tmp_path.glob(".x.csv*"))


def test_the_longest_name_can_be_written(tmp_path):
    with filled(tmp_path, 30) as space:
        release(space, tmp_path / ("é" * 127))
    assert (tmp_path / ("é" * 127)).read_text().startswith("age,diag,zip\n")


@pytest.mark.parametrize("name", ["n" * 300, "dangling", "/dev/fd/x.csv"])
def test_nothing_is_charged_for_a_path_that_cannot_be_written(tmp_path, name):
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere" / "x.csv")
    with filled(tmp_path, 30) as space:
        before = space.service.budgets()
        assert code_of(lambda: release(space, tmp_path / name)).startswith("out.")
        assert space.service.budgets() == before
        assert space.service.releases() == []


def test_a_release_that_could_not_be_written_is_written_by_repeating_it(tmp_path, monkeypatch):
    with filled(tmp_path, 30) as space:
        with monkeypatch.context() as without:
            without.setattr(os, "link", _not_permitted)
            without.setattr(Path, "replace", _not_permitted)
            with pytest.raises(Exception, match="could not be written") as failed:
                release(space, tmp_path / "x.csv", request_id="mine 1")
        assert failed.value.code == "out.not-written"
        assert "--request-id 'mine 1'" in failed.value.next_step
        assert not list(tmp_path.glob("*x.csv*"))
        spent = space.service.budgets()
        assert release(space, tmp_path / "x.csv", request_id="mine 1")["receipt"]["replayed"] is True
        assert space.service.budgets() == spent
        assert (tmp_path / "x.csv").read_text().startswith("age,diag,zip\n")


@pytest.mark.parametrize("name", [".", ".."])
@pytest.mark.parametrize("is_forced", [False, True])
def test_a_folder_without_a_name_of_its_own_is_not_replaced(tmp_path, monkeypatch, name, is_forced):
    with filled(tmp_path, 10) as space:
        inside = tmp_path / "bundle" / "inside"
        space.service.export(tmp_path / "bundle")
        inside.mkdir()
        monkeypatch.chdir(tmp_path / "bundle" if name == "." else inside)
        assert code_of(lambda: space.service.export(Path(name), force=is_forced)) == "out.exists"
        assert code_of(lambda: release(space, Path(name), force=is_forced)) == "out.exists"
        assert (tmp_path / "bundle" / "manifest.json").exists()


COMMANDS = {
    "report": ["report"],
    "export": ["subject", "export", "p0001"],
    "evidence": ["evidence", "export"],
    "release": ["release", "visits", "--purpose", "research", "--quasi", "age,zip", "--k", "2"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_written_into_a_workspace(tmp_path, command):
    filled(tmp_path, 10).close()
    space = tmp_path / "space"
    (tmp_path / "linked").symlink_to(space / "tables")
    (tmp_path / "other").mkdir()
    empty(tmp_path / "other").close()
    before = {path: path.read_bytes() for path in space.rglob("*.json")}
    run = Program(space).call
    places = (
        space / "keys.json",
        space / "new",
        tmp_path / "linked" / "new",
        tmp_path / "other/space/keys.json",
    )
    for out in places:
        said = run(*COMMANDS[command], "--out", out, "--force", "--json")
        assert said.code == 2, (out, said)
        assert said.json["title"] == "out.in-workspace", (out, said)
    assert {path: path.read_bytes() for path in space.rglob("*.json")} == before
    assert not list(space.rglob("*new*"))


def _not_permitted(*_, **__):
    raise PermissionError(1, "Operation not permitted")
