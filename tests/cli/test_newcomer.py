"""Who uses the program for the first time is told whom to ask, which file, how many and what to type next."""

from __future__ import annotations

import re
import sqlite3

import pytest

COLLECT = ("--dataset", "small", "--subject-key", "ref", "--purpose", "care")
QUESTION = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"
WORD = "Einwilligung"
SECRET = "forty-two-secret"


@pytest.fixture
def small(hedgerow, tmp_path):
    """Collect a file of two people with one row that cannot be read."""
    file, schema = tmp_path / "small.csv", tmp_path / "small.toml"
    file.write_text(f"ref,age,ward\nP-1,41,A\nP-2,{SECRET},B\nP-3,39,C\n")
    schema.write_text('[types]\nage = "integer"\n')
    return hedgerow("collect", file, *COLLECT, "--basis", "contract", "--drop", "", "--schema", schema)


@pytest.fixture
def records(space):
    """Read every record of the workspace."""

    def read():
        with sqlite3.connect(f"file:{next(space.glob('*.db'))}?mode=ro", uri=True) as database:
            names = [n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(map(repr, database.execute(f'SELECT * FROM "{name}"'))) for name in names}

    return read


class TestWhomToAsk:
    @pytest.mark.parametrize(
        ("arguments", "roles"),
        [
            (("subject", "show", "R-1", "--as", "ana"), "privacy-officer or owner"),
            (("journal", "head", "--as", "ana"), "privacy-officer, auditor or owner"),
            (("dataset", "list", "--as", "sam"), "administrator, analyst, privacy-officer, auditor or owner"),
            (("policy", "apply", "x.cedar", "--yes", "--as", "priya"), "owner"),
        ],
    )
    def test_the_roles_that_may_are_named_and_no_principal(self, hedgerow, tmp_path, arguments, roles):
        (tmp_path / "x.cedar").write_text("")
        words = [str(tmp_path / "x.cedar") if word == "x.cedar" else word for word in arguments]
        said = hedgerow.refused(*words, code=3, error="policy.not-permitted").err
        assert f"Ask somebody with the role {roles}, unless" in said
        action = re.search(r"hedgerow policy test --principal NAME --action ([a-z.]+)`", said)[1]
        tried = hedgerow("policy", "test", "--principal", arguments[-1], "--action", action)
        assert tried.out.startswith("Refused")
        assert not {"ana", "priya", "otto", "sam"} - {arguments[-1]} & set(re.findall(r"[a-z]+", said))

    def test_who_allocates_a_budget_stands_beside_the_command(self, hedgerow):
        ask = ("query", "visits", QUESTION, "--purpose", "care", "--epsilon", "0.5")
        said = hedgerow.refused(*ask, "--as", "ana", code=3, error="budget.unallocated").err
        assert "privacy-officer or owner" in said
        line = re.search(r"`hedgerow (budget allocate [^`]+)`", said)[1].split()
        hedgerow(*line, "--as", "priya")
        hedgerow(*ask, "--as", "ana")


class TestWhatWasTyped:
    @pytest.mark.parametrize("basis", [WORD, f"care={WORD}"])
    def test_a_word_that_is_no_basis(self, hedgerow, town, basis):
        said = hedgerow.refused(
            "collect", town[1]["clinic_south_visits"], *COLLECT, "--basis", basis, "--drop", "zip",
            code=2, error="basis.unknown",
        ).err  # fmt: skip
        line = next(line for line in said.splitlines() if "Next:" in line)
        for known in ("consent", "contract", "legal-obligation", "vital-interest", "public-task"):
            assert known in line
        assert "legitimate-interest" in line
        assert WORD not in said

    def test_a_schema_file_that_is_missing_or_no_toml(self, hedgerow, town, tmp_path):
        said = ("collect", town[1]["clinic_south_visits"], *COLLECT, "--basis", "contract", "--drop", "zip")
        missing = hedgerow.refused(
            *said, "--schema", tmp_path / "none.toml", code=2, error="files.missing"
        ).err
        assert "There is no file" in missing
        for text, told in (
            ('{"keep": ["age"]}', "it is JSON, not TOML"),
            (f"keep = []\nage {SECRET}\n", "it stops being TOML at line 2"),
            ("keep = [", "it stops being TOML"),
        ):
            (tmp_path / "s.toml").write_text(text)
            found = hedgerow.refused(
                *said, "--schema", tmp_path / "s.toml", code=2, error="schema.malformed"
            ).err
            assert told in found
            assert 'keep = ["age"]' in found
            assert SECRET not in found

    def test_a_use_without_a_purpose_is_an_error_of_the_call(self, hedgerow):
        said = hedgerow.refused(
            "query", "visits", QUESTION, "--epsilon", "1", code=2, error="purpose.missing"
        )
        assert said.err.startswith("Error: ") or "\nError: " in said.err

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            (f"F;*\n{SECRET}\n", "hierarchy.ragged"),
            (f"{SECRET};*\n{SECRET};*\n", "hierarchy.repeated-value"),
            (f"{SECRET};x;p;*\nM;x;q;*\n", "hierarchy.not-nested"),
            ("", "hierarchy.empty"),
            (f"{SECRET};*\n", "anonymity.value-not-in-hierarchy"),
            (b"\xff;*\n", "hierarchies.unreadable"),
        ],
    )
    def test_a_broken_hierarchy_file_is_named_without_a_value(self, hedgerow, tmp_path, text, error):
        folder = tmp_path / "levels"
        folder.mkdir()
        (folder / "clinic_sex.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        said = hedgerow.refused(
            "release", "visits", "--purpose", "research", "--quasi", "sex", "--k", "2",
            "--hierarchies", folder, "--out", tmp_path / "out.csv", code=2, error=error,
        ).err  # fmt: skip
        assert "file clinic_sex.csv" in said
        assert SECRET not in said
        assert not (tmp_path / "out.csv").exists()


class TestBrokenRows:
    def test_they_are_listed_for_one_data_set(self, hedgerow, small):
        listed = hedgerow("collect", "--quarantine", "list", "--json").json
        assert [batch["dataset"] for batch in listed] == ["small"]
        assert hedgerow("collect", "--quarantine", "list", "--dataset", "small", "--json").json == listed
        assert hedgerow("collect", "--quarantine", "list", "--dataset", "visits", "--json").json == []
        assert " small " in hedgerow("collect", "--quarantine", "list").out
        hedgerow.refused(
            "collect", "--quarantine", "list", "--dataset", "smal", code=2, error="dataset.unknown"
        )

    def test_a_batch_is_of_one_data_set_and_takes_no_other(self, hedgerow, small):
        batch = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        for what in ("retry", "discard"):
            hedgerow.refused(
                "collect", "--quarantine", what, "--batch", batch, "--dataset", "visits", "--yes",
                code=2, error="usage.malformed",
            )  # fmt: skip

    def test_a_retry_says_in_which_batch_the_rest_waits(self, hedgerow, tmp_path):
        file, schema = tmp_path / "two.csv", tmp_path / "two.toml"
        file.write_text("ref,age\nP-1,41\nP-2,x\nP-3,4,5\nP-4,39\n")
        schema.write_text('drop = []\n[types]\nage = "integer"\n')
        hedgerow("collect", file, *COLLECT, "--basis", "contract", "--schema", schema)
        old = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        said = hedgerow("collect", "--quarantine", "retry", "--batch", old, "--empty-broken").out
        new = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        assert new != old
        assert f"Still broken: 1 row, now in batch {new}; batch {old} is gone." in said

    def test_a_retry_that_takes_all_says_so(self, hedgerow, small):
        batch = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        said = hedgerow("collect", "--quarantine", "retry", "--batch", batch, "--empty-broken").out
        assert f"Nothing of batch {batch} is broken any more" in said
        assert hedgerow("collect", "--quarantine", "list", "--json").json == []


class TestJournal:
    def test_older_entries_are_counted_with_the_way_to_see_them(self, hedgerow):
        size = hedgerow("journal", "head", "--json").json["size"]
        said = hedgerow("journal", "show", "--last", str(size - 1)).out
        told = f"1 older entry is not shown; `hedgerow journal show --last {size}` shows all."
        assert said.splitlines()[-1] == told
        assert "2 older entries are not" in hedgerow("journal", "show", "--last", str(size - 2)).out
        assert "older" not in hedgerow("journal", "show", "--last", str(size)).out
        hedgerow.refused("journal", "show", "--last", "0", code=2, error="usage.malformed")

    def test_an_outcome_shows_what_its_use_was_about(self, hedgerow):
        hedgerow("query", "visits", QUESTION, "--purpose", "research", "--epsilon", "0.5", "--as", "ana")
        intent = hedgerow("journal", "head", "--json").json["size"] - 2
        done = hedgerow("journal", "show", "--last", "1").out
        assert "use.done" in done
        assert f"visits research dp_query (opened by entry {intent})" in done
        entry = hedgerow("journal", "show", "--last", "1", "--json").json[0]
        assert entry["use"] == {"dataset": "visits", "purpose": "research", "technique": "dp_query"}


class TestCounts:
    """One thing is told in the singular."""

    def test_what_was_taken_and_found(self, hedgerow, small, tmp_path):
        assert "Took 2 rows of 2 people (2 new)" in small.out
        assert "1 broken row is set aside" in small.out
        file = tmp_path / "one.csv"
        file.write_text("ref,age,ward\nP-9,41,A\n")
        consents = tmp_path / "c.csv"
        consents.write_text("subject,purpose,time\nP-9,care,2024-01-01\nP-99,care,2024-01-01\n")
        taken = hedgerow(
            "collect", file, "--dataset", "one", *COLLECT[2:], "--basis", "consent", "--drop", "",
            "--consents", consents,
        ).out  # fmt: skip
        assert "Took 1 row of 1 person (1 new)" in taken
        assert "1 choice recorded; 1 was of a person not held here." in taken
        assert "one.csv: 1 row (" in hedgerow("discover", file).out
        said = hedgerow("subject", "erase", "P-9", code=2).err
        assert "1 sealed field, 1 choice." in said

    def test_a_new_journal(self, nowhere, tmp_path):
        nowhere("init", tmp_path / "w", "--no-passphrase")
        assert nowhere("journal", "head", "--space", tmp_path / "w").out.startswith("1 entry, root ")
        assert "Verified: 1 entry under" in nowhere("journal", "verify", "--space", tmp_path / "w").out
        assert "1 entry fits the signed head" in nowhere("doctor", "--space", tmp_path / "w", code=9).out


class TestDryRunsOnBrokenRows:
    def test_a_dry_run_tells_what_a_retry_would_take_and_writes_nothing(self, hedgerow, small, records):
        batch, before = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"], records()
        retry = ("collect", "--quarantine", "retry", "--batch", batch, "--empty-broken")
        said = hedgerow(*retry, "--dry-run").out
        assert f"1 row of 1 person of batch {batch} into small" in said
        assert said.endswith("Nothing was done.\n")
        plan = hedgerow(*retry, "--dry-run", "--json").json
        assert (plan["batch"], plan["rows"], plan["people"], plan["still_broken"]) == (batch, 1, 1, 0)
        hedgerow.refused(*retry[:-1], "--dry-run", code=2, error="quarantine.still-broken")
        assert records() == before
        taken = hedgerow(*retry, "--json").json
        assert (taken["rows"], taken["set_aside"]) == (plan["rows"], plan["still_broken"])

    def test_a_dry_run_destroys_no_broken_row(self, hedgerow, small, records):
        batch, before = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"], records()
        for more in ((), ("--yes",)):
            said = hedgerow("collect", "--quarantine", "discard", "--batch", batch, "--dry-run", *more).out
            assert f"The 1 broken row of batch {batch}" in said
            assert said.endswith("Nothing was done.\n")
        told = hedgerow("collect", "--quarantine", "discard", "--batch", batch, "--dry-run", "--json").json
        assert told == {"batch": batch, "dataset": "small", "rows": 1}
        hedgerow.refused(
            "collect", "--quarantine", "discard", "--batch", "q-none", "--dry-run",
            code=2, error="quarantine.unknown",
        )  # fmt: skip
        assert records() == before
        hedgerow.refused(
            "collect", "--quarantine", "discard", "--batch", batch, "--dry-run", "--as", "ana",
            code=3, error="policy.not-permitted",
        )  # fmt: skip


class TestChoicesOfBrokenRows:
    """Whose row was set aside is not held; the choices wait with the person who has the file."""

    @pytest.fixture
    def told(self, hedgerow, tmp_path):
        """Collect two people, one row of whom is broken, with the choices of both."""
        file, schema, choices = (tmp_path / name for name in ("f.csv", "f.toml", "c.csv"))
        file.write_text(f"ref,age,ward\nP-1,41,A\nP-2,{SECRET},B\n")
        schema.write_text('drop = []\n[types]\nage = "integer"\n')
        choices.write_text("subject,purpose,time\nP-1,research,2026-01-05\nP-2,research,2026-01-05\n")
        said = ("collect", file, "--dataset", "few", "--subject-key", "ref", "--purpose", "research")
        words = (*said, "--basis", "consent", "--schema", schema, "--consents", choices)
        return hedgerow(*words, "--dry-run"), hedgerow(*words), choices

    def test_the_plan_and_the_result_say_how_to_keep_them(self, hedgerow, told):
        plan, taken, _ = told
        batch = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        assert "are not kept now: give the consents again when these rows are retried" in plan.out
        assert "1 choice recorded; 1 was of a person not held here." in taken.out
        line = f"`hedgerow collect --quarantine retry --batch {batch} --consents FILE`"
        assert line in taken.out

    def test_a_retry_takes_them(self, hedgerow, told):
        batch = hedgerow("collect", "--quarantine", "list", "--json").json[0]["batch"]
        retry = (
            *("collect", "--quarantine", "retry", "--batch", batch, "--empty-broken"),
            *("--consents", told[2]),
        )
        plan = hedgerow(*retry, "--dry-run", "--json").json
        assert (plan["consents_by_purpose"], plan["consents_of_others"]) == ({"research": 2}, 1)
        hedgerow.refused(*retry, "--as", "ana", code=3, error="policy.not-permitted")
        hedgerow.refused(*retry, "--as", "priya", code=3, error="policy.not-permitted")
        taken = hedgerow(*retry, "--json").json
        assert (taken["rows"], taken["consents_of_unknown_people"]) == (1, 0)
        assert "research" in hedgerow("consent", "show", "P-2", "--as", "priya", may_show=True).out

    def test_consents_go_with_no_other_work_on_broken_rows(self, hedgerow, small, told):
        for what in ("list", "discard"):
            hedgerow.refused(
                "collect", "--quarantine", what, "--batch", "q-1", "--consents", told[2],
                code=2, error="usage.malformed",
            )  # fmt: skip


class TestWhereItIsWrong:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (f'[types]\nage = "{SECRET}"\n', "age under [types] is none of text, integer, decimal, boolean"),
            (f'[roles]\nage = "{SECRET}"\n', "age under [roles] is none of direct-identifier, quasi-identi"),
            ("[types]\nage = 5\n", "age under [types] is none of text"),
            (f'max_rows = "{SECRET}"\n', "max_rows is no whole number, such as max_rows = 6"),
            (f'keep = "{SECRET}"\n', 'keep is no list of names, such as keep = ["age"]'),
            (f'types = "{SECRET}"\n', "[types] is no table of lines"),
            ("[bounds]\nage = [1]\n", "age under [bounds] is neither"),
            ("[bounds]\nage = 5\n", "age under [bounds] is neither"),
            (f'[bounds]\nage = "{SECRET}"\n', "age under [bounds] is neither"),
            ("[bounds]\nage = [9, 1]\n", "age under [bounds] has its lower bound above its upper"),
            ("[keys]\nage = 5\n", "age under [keys] is neither"),
        ],
    )
    def test_a_schema_names_the_key_and_what_it_takes(self, hedgerow, town, tmp_path, text, told):
        (tmp_path / "s.toml").write_text(text)
        said = hedgerow.refused(
            "collect", town[1]["clinic_south_visits"], *COLLECT, "--basis", "contract", "--drop", "zip",
            "--schema", tmp_path / "s.toml", code=2, error="schema.malformed",
        ).err  # fmt: skip
        assert told in said
        assert SECRET not in said

    def test_a_declared_column_that_the_file_lacks_is_looked_for_in_the_file(self, hedgerow, tmp_path):
        file, schema = tmp_path / "few.csv", tmp_path / "few.toml"
        file.write_text("ref,age,ward\nP-1,41,A\n")
        said = ("collect", file, *COLLECT, "--basis", "contract", "--schema", schema)
        schema.write_text('[bounds]\nnope = "1:2"\n')
        found = hedgerow.refused(*said, "--keep", "age", code=2, error="collect.unknown-column").err
        assert "hedgerow discover" in found
        schema.write_text('[bounds]\nage = "1:2"\n')
        found = hedgerow.refused(*said, "--keep", "ward", code=2, error="collect.declared-dropped").err
        assert "--keep" in found
        assert "dataset show" not in found

    def test_a_choice_for_an_undeclared_purpose_leads_to_the_purposes(self, hedgerow, tmp_path):
        file, choices = tmp_path / "few.csv", tmp_path / "c.csv"
        file.write_text("ref,age\nP-1,41\n")
        choices.write_text(f"subject,purpose,time\nP-1,{SECRET},2026-01-05\n")
        said = hedgerow.refused(
            "collect", file, *COLLECT, "--basis", "consent", "--keep", "age", "--consents", choices,
            code=2, error="consent.purpose-undeclared",
        ).err  # fmt: skip
        assert "line 2" in said
        assert "hedgerow purpose list" in said
        assert SECRET not in said

    def test_columns_that_differ_are_named(self, hedgerow, small, tmp_path):
        file = tmp_path / "other.csv"
        file.write_text("ref,age,height\nP-9,old,181\n")
        said = hedgerow.refused(
            "collect", file, *COLLECT, "--basis", "contract", "--drop", "",
            code=2, error="dataset.columns-differ",
        ).err  # fmt: skip
        assert "age is text, not integer; ward is missing; height is new" in said
