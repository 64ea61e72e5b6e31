"""Bad input gets one clear line, a next step and the exit code of the design; nothing is half-written."""

from __future__ import annotations

import os
import pty
import sqlite3

import pytest

from hedgerow.app import workspace
from hedgerow.app.space import open_space
from hedgerow.model.records import Purpose

QUESTION = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
COLLECT = ("--dataset", "new", "--subject-key", "patient_ref", "--purpose", "research", "--basis", "consent")


def ask(sql=QUESTION, epsilon="0.5", purpose="research", who="ana"):
    named = ("--purpose", purpose) if purpose else ()
    return ("query", "visits", sql, "--epsilon", epsilon, "--as", who, *named)


@pytest.mark.parametrize(
    ("arguments", "code", "error", "told"),
    [
        (ask(purpose=None), 2, "purpose.missing", "--purpose"),
        (ask(purpose="fun"), 3, "purpose.unknown", "hedgerow purpose add fun"),
        (ask(purpose="marketing"), 3, "basis.missing", "hedgerow dataset show visits"),
        (ask("SELECT nothing, COUNT(*) FROM visits GROUP BY nothing"), 2, "dp.unknown-column", "nothing"),
        (
            ask("SELECT full_name, COUNT(*) FROM visits GROUP BY full_name"),
            3,
            "dp.hidden-column",
            "full_name",
        ),
        (ask("SELECT MEDIAN(age) FROM visits"), 3, "dp.undeclared", "--bounds age=LOWER:UPPER"),
        (ask("SELECT QUANTILE(systolic, 1.2) FROM visits"), 3, "dp.sql-unsupported", "below 1"),
        (ask("SELECT MAX(ward) FROM visits"), 2, "dp.sql-type", "COUNT"),
        (ask("SELECT COUNT(*) FROM visits WHERE ward = 'Z'"), 3, "dp.undeclared-key", "dataset show visits"),
        (ask("SELECT COUNT(*) FROM visits WHERE systolic > 500"), 3, "dp.out-of-bounds", "dataset show"),
        (ask("DROP TABLE visits"), 2, "dp.sql-malformed", "SELECT"),
        (ask("SELECT sex, COUNT(*) FROM visits GROUP BY sex"), 3, "dp.undeclared", "--keys sex="),
        (ask(epsilon="3"), 5, "budget.exhausted", "epsilon 2 left"),
        (ask(epsilon="a lot"), 2, "budget.not-a-number", "--epsilon"),
        (ask(epsilon="0.5", purpose="care"), 3, "budget.unallocated", "hedgerow budget allocate visits"),
        (ask(who="mallory"), 3, "principal.unknown", "hedgerow principal add mallory"),
        (
            ("query", "nowhere", QUESTION, "--epsilon", "1", "--purpose", "research"),
            2,
            "dataset.not-for-you",
            "list",
        ),
        (("query", "visits", QUESTION), 2, "usage.malformed", "--epsilon is missing"),
        (("subject", "show", "R-999999"), 2, "subject.unknown", "Nobody"),
        (("subject", "show"), 2, "usage.malformed", "--ref-file"),
        (("subject", "show", "--ref-file", "/nowhere/x"), 2, "file.missing", "/nowhere/x"),
        (("subject", "show", "R-1", "--as", "ana"), 3, "policy.not-permitted", "subject.show"),
        (("consent", "grant", "R-999999", "--purpose", "research"), 2, "subject.unknown", "Nobody"),
        (("consent", "grant", "R-999999", "--purpose", "fun"), 3, "purpose.unknown", "fun"),
        (("dataset", "show", "nowhere"), 2, "dataset.unknown", "hedgerow dataset list"),
        (("dataset", "declare", "visits"), 2, "declare.nothing", "--max-rows"),
        (("dataset", "declare", "visits", "--bounds", "age=9:1"), 2, "declare.bounds-order", "LOWER:UPPER"),
        (
            ("dataset", "declare", "visits", "--bounds", "age=0:9,zip=0:9"),
            2,
            "declare.malformed",
            "one option for",
        ),
        (
            ("dataset", "declare", "visits", "--unit", "household", "--max-rows", "2"),
            2,
            "declare.unit",
            "--household-rows",
        ),
        (
            ("query", "visits", QUESTION, "--discover-keys"),
            2,
            "usage.malformed",
            "--discover-keys needs a value",
        ),
        (("query", "visits", QUESTION, "--discover-keys"), 2, "usage.malformed", "`hedgerow query --help`"),
        (("dataset", "declare", "visits", "--bounds", "nope=0:1"), 2, "column.unknown", "nope"),
        (("dataset", "declare", "visits", "--keys", "age=young"), 2, "declare.key-type", "integer"),
        (("dataset", "declare", "visits", "--keys", "ward=@/nowhere/x"), 2, "declare.key-file", "/nowhere/x"),
        (
            ("dataset", "declare", "visits", "--max-rows", "many"),
            2,
            "usage.malformed",
            "--max-rows takes a whole number",
        ),
        (
            ("dataset", "declare", "visits", "--max-rows", "3", "--as", "ana"),
            3,
            "policy.forbidden",
            "dataset.declare",
        ),
        (("budget", "allocate", "visits", "--epsilon", "1"), 2, "budget.which-account", "--population"),
        (("principal", "add", "ana", "--role", "analyst"), 2, "principal.exists", "ana"),
        (("principal", "add", "ann", "--role", "king"), 2, "principal.no-such-role", "king"),
        (
            ("purpose", "add", "p", "--why", "x", "--owner", "nobody", "--until", "2099-01-01"),
            2,
            "purpose.no-owner",
            "nobody",
        ),
        (
            ("purpose", "add", "p", "--why", "x", "--owner", "ana", "--until", "2001-01-01"),
            2,
            "purpose.already-over",
            "--until",
        ),
        (
            ("purpose", "add", "p", "--why", "x", "--owner", "ana", "--until", "soon"),
            2,
            "usage.malformed",
            "YYYY-MM-DD",
        ),
        (("released", "show", "R-x"), 2, "released.unknown", "hedgerow released list"),
        (("policy", "test", "--principal", "nop", "--action", "query"), 2, "principal.not-found", "nop"),
        (("collect", "--quarantine", "retry"), 2, "usage.malformed", "--batch is missing"),
        (("collect", "--quarantine", "retry", "--batch", "b"), 2, "quarantine.unknown", "--quarantine list"),
        (("collect", "x.csv"), 2, "usage.malformed", "--dataset is missing"),
        (("journal", "verify", "--against", "/nowhere/x"), 2, "file.missing", "/nowhere/x"),
        (("buget", "show"), 2, "usage.malformed", "did you mean budget?"),
        (("budget", "show", "visits", "too", "many"), 2, "usage.malformed", "an argument too many"),
    ],
)
def test_one_clear_line(hedgerow, arguments, code, error, told):
    assert told in hedgerow.refused(*arguments, code=code, error=error).err


def test_asking_for_an_undeclared_key_is_free_and_the_keys_are_one_command_away(hedgerow):
    before = hedgerow("budget", "show", "visits", "--json").json
    wrong = "SELECT COUNT(*) FROM visits WHERE ward = 'a'"
    told = hedgerow.refused(*ask(wrong), code=3, error="dp.undeclared-key").err
    assert "hedgerow dataset show visits" in told
    assert hedgerow("budget", "show", "visits", "--json").json == before
    assert "A,B,C" in hedgerow("dataset", "show", "visits", "--as", "ana").out
    assert "'a'" not in hedgerow("journal", "show", "--json").out


def test_a_command_line_is_not_repeated(hedgerow, secrets):
    name = min(secret for secret in secrets if " " in secret)
    hedgerow.refused("subject", "show", "R-1", name, code=2, error="usage.malformed")
    hedgerow.refused("subject", "show", name, code=2, error="subject.unknown")
    hedgerow.refused("consent", "withdraw", name, "--purpose", "research", code=2, error="subject.unknown")
    hedgerow.refused("release", "visits", "--k", name, code=2, error="usage.malformed")


@pytest.mark.parametrize(
    ("arguments", "error", "code"),
    [
        (ask(epsilon="3"), "budget.exhausted", 5),
        (("budget", "shw"), "usage.malformed", 2),
        (("collect",), "usage.malformed", 2),
    ],
)
def test_with_json_an_error_is_one_problem_on_standard_output(hedgerow, arguments, error, code):
    problem = hedgerow(*arguments, "--json", code=code).json
    assert problem["code"] == error
    assert problem["exit"] == code
    assert problem["type"] == "errors.md#" + error.replace(".", "-")
    assert problem["next_step"]


def test_no_workspace(nowhere, tmp_path):
    nowhere.refused("budget", "show", code=2, error="space.not-named")
    nowhere.refused("budget", "show", "--space", tmp_path, code=2, error="space.missing")
    nowhere.refused("init", tmp_path.parent, code=2, error="space.not-empty")


def test_a_workspace_of_a_newer_version_is_left_alone(hedgerow, space):
    with sqlite3.connect(space / "hedgerow.db") as database:
        database.execute("PRAGMA user_version=999")
    hedgerow.refused("budget", "show", code=2, error="space.newer-version")


def test_a_workspace_is_not_made_over_another(hedgerow, space):
    hedgerow.refused("init", space, code=2, error="space.exists")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sealed") / "w"
    workspace.create(directory, "correct horse")
    return directory


class TestPassphrases:
    def test_a_wrong_or_missing_one_is_4(self, nowhere, sealed, tmp_path):
        show = ("purpose", "list", "--space", sealed)
        nowhere.refused(*show, code=4, error="keys.wrong-passphrase", env={"HEDGEROW_PASSPHRASE": "wrong"})
        nowhere.refused(*show, code=4, error="keys.passphrase-needed")
        nowhere.refused(*show, "--passphrase-file", "/nowhere/x", code=2, error="file.missing")
        (tmp_path / "word").write_text("correct horse\r\n")
        nowhere(*show, "--passphrase-file", tmp_path / "word")

    def test_one_for_an_unsealed_workspace_is_4(self, hedgerow):
        env = {"HEDGEROW_PASSPHRASE": "x"}
        hedgerow.refused("purpose", "list", code=4, error="keys.passphrase-unused", env=env)

    def test_it_is_asked_for_on_a_terminal_and_not_shown(self, nowhere, sealed):
        words = nowhere.command("purpose", "list", "--space", sealed)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvpe(words[0], words, nowhere.surroundings())  # noqa: S606 - no shell is wanted
        shown, typed = b"", False
        while True:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            shown += piece
            if b"Passphrase" in shown and not typed:
                typed = os.write(terminal, b"correct horse\n") > 0
            if not piece:
                break
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
        assert b"correct horse" not in shown
        os.close(terminal)


class TestFiles:
    def test_a_missing_file_a_directory_and_no_table(self, hedgerow, tmp_path):
        (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
        (tmp_path / "empty.csv").write_bytes(b"")
        for name, error in (
            ("none.csv", "files.missing"),
            (".", "files.directory"),
            ("picture.csv", "files.binary"),
            ("empty.csv", "files.empty"),
        ):
            hedgerow.refused("collect", tmp_path / name, *COLLECT, code=2, error=error)
        hedgerow.refused("discover", tmp_path / "none", code=2, error="files.missing")

    def test_a_collection_that_says_too_little(self, hedgerow, town):
        file = town[1]["clinic_south_visits"]
        said = hedgerow.refused("collect", file, *COLLECT, code=3, error="collect.not-minimal").err
        assert "--keep visit_id,full_name" in said
        hedgerow.refused(
            "collect", file, *COLLECT, "--keep", "age,wrad", code=2, error="collect.unknown-column"
        )
        hedgerow.refused("collect", file, *COLLECT, "--keep", "email", code=2, error="collect.nothing-kept")
        hedgerow.refused(
            "collect",
            file,
            *COLLECT[:2],
            "--subject-key",
            "nope",
            *COLLECT[4:],
            "--drop",
            "zip",
            code=2,
            error="collect.no-subject-key",
        )
        hedgerow.refused("collect", file, *COLLECT[:4], code=2, error="purpose.missing")
        hedgerow.refused("collect", file, *COLLECT[:6], code=3, error="basis.none-given")
        hedgerow.refused(
            "collect", file, *COLLECT, "--basis", "fun=consent", code=2, error="collect.basis-of-no-purpose"
        )
        assert "new" not in hedgerow("dataset", "list").out

    def test_the_same_file_twice_and_other_columns(self, hedgerow, town):
        said = (
            "collect",
            town[1]["clinic_north_visits"],
            "--dataset",
            "visits",
            "--subject-key",
            "patient_ref",
            "--purpose",
            "research",
            "--basis",
            "consent",
        )
        same = ("--drop", "visit_id,birth_date,visit_date")
        hedgerow.refused(*said, *same, code=2, error="collect.taken-before")
        hedgerow.refused(*said, "--drop", "visit_id", code=2, error="dataset.columns-differ")
        hedgerow.refused(*said, *same, "--again", code=3, error="basis.not-named")
        care = ("--purpose", "care", "--basis", "care=public-task")
        hedgerow(*said, *care, *same, "--again")

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("keep = [", "it stops being TOML"),
            (
                "kep = []",
                "does not know kep, only day, drop, household, household_rows, keep, max_days, max_groups,",
            ),
            ('keep = "age"', "keep is no list of names"),
            ('max_rows = "5"', "max_rows is no whole number"),
            ('[types]\nage = "number"', "age under [types] is none of"),
            ("[bounds]\nage = 5", "age under [bounds] is neither"),
        ],
    )
    def test_a_schema_file_that_does_not_fit(self, hedgerow, town, tmp_path, text, problem):
        schema = tmp_path / "s.toml"
        schema.write_text(text)
        file = town[1]["clinic_south_visits"]
        said = hedgerow.refused(
            "collect", file, *COLLECT, "--schema", schema, code=2, error="schema.malformed"
        )
        assert problem in said.err

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("who,purpose,time\n", "collect.consents-malformed"),
            ("subject,purpose,time\nR-1\n", "consent.malformed"),
            ("subject,purpose,time\nR-1,a secret,2024-01-01\n", "consent.purpose-undeclared"),
            ("subject,purpose,time\nR-1,research,yesterday\n", "consent.malformed"),
            ("subject,purpose,time\nR-1,research,9999-12-31T23:59:59-14:00\n", "consent.malformed"),
            ("subject,purpose,time,granted\nR-1,research,2024-01-01,perhaps\n", "consent.malformed"),
            ('subject,purpose,time\n"R-1\n', "collect.consents-unreadable"),
        ],
    )
    def test_a_consents_file_that_does_not_fit(self, hedgerow, town, tmp_path, text, error):
        consents = tmp_path / "c.csv"
        consents.write_text(text)
        file = town[1]["clinic_south_visits"]
        said = hedgerow.refused(
            "collect", file, *COLLECT, "--drop", "zip", "--consents", consents, code=2, error=error
        )
        assert "R-1" not in said.err
        assert "a secret" not in said.err


class TestRefusedUses:
    def test_an_ended_purpose(self, hedgerow, space):
        with open_space(space, passphrase=lambda _: None) as opened, opened.opened.store.write() as tx:
            old = tx.get(Purpose, "research")
            tx.put(Purpose(old.name, old.why, old.owner, "2024-02-03", old.created))
        assert "2024-02-03" in hedgerow.refused(*ask(), code=3, error="purpose.ended").err

    def test_a_request_id_belongs_to_one_request(self, hedgerow):
        hedgerow(*ask(), "--request-id", "q1")
        for other in (ask(epsilon="0.4"), ask("SELECT COUNT(*) FROM visits"), ask(who="owner")):
            hedgerow.refused(*other, "--request-id", "q1", code=3, error="request.differs")

    def test_what_cannot_be_reached_leaves_no_file(self, hedgerow, tmp_path):
        out = tmp_path / "r.csv"
        said = (
            "release",
            "visits",
            "--purpose",
            "research",
            "--quasi",
            "age,zip,sex,ward",
            "--k",
            "150",
            "--suppress",
            "0",
            "--out",
            out,
        )
        told = hedgerow(*said, code=3).err
        assert "Refused: " in told
        assert list(tmp_path.glob("*.csv")) == []
        assert list(tmp_path.glob(".*")) == []

    def test_an_output_is_never_overwritten_unasked(self, hedgerow, tmp_path, patient):
        out = tmp_path / "out"
        out.write_text("mine")
        release = ("release", "visits", "--purpose", "research", "--quasi", "sex", "--k", "2")
        for command in (release, ("report",), ("evidence", "export"), ("subject", "export", patient)):
            hedgerow.refused(*command, "--out", out, code=2, error="out.exists")
            hedgerow.refused(*command, "--out", tmp_path / "no" / "x", code=2, error="out.no-directory")
        assert out.read_text() == "mine"

    def test_erasing_wants_yes_and_shows_its_plan(self, hedgerow, patient):
        said = hedgerow.refused("subject", "erase", patient, code=2, error="confirm.needed")
        assert "visits" in said.err
        assert "sealed fields" in said.err
        hedgerow("subject", "show", patient)

    def test_policies_that_do_not_compile_are_not_applied(self, hedgerow, tmp_path):
        (tmp_path / "p.cedar").write_text("permit (everything);")
        hedgerow.refused("policy", "apply", tmp_path / "p.cedar", code=2, error="policy.malformed")
        hedgerow.refused("policy", "apply", tmp_path / "p.cedar", "--yes", code=2, error="policy.malformed")
        assert len(hedgerow("policy", "history", "--json").json) == 1
