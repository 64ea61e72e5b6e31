"""A newcomer is told what holds: the choice in force, the policy that can fire, the file that is damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

DAY = timedelta(days=1)


def _day(ago):
    return (datetime.now(UTC) - ago).date().isoformat()


class TestTheChoiceThatHolds:
    def _in_force(self, hedgerow, patient, choice, *more):
        said = hedgerow("consent", choice, patient, "--purpose", "research", *more, "--json")
        return json.loads(said.out)["in_force"]

    def test_a_withdrawal_dated_by_a_day_wins_that_day(self, hedgerow, patient):
        yesterday = _day(DAY)
        assert self._in_force(hedgerow, patient, "grant", "--time", f"{yesterday}T15:00:00Z")
        assert self._in_force(hedgerow, patient, "withdraw", "--time", yesterday)
        shown = json.loads(hedgerow("consent", "show", patient, "--json").out)
        assert [(c["granted"], c["in_force"]) for c in shown][-2:] == [(True, False), (False, True)]

    def test_a_withdrawal_of_today_undoes_a_grant_made_now(self, hedgerow, patient):
        assert self._in_force(hedgerow, patient, "grant")
        assert self._in_force(hedgerow, patient, "withdraw", "--time", _day(timedelta(0)))

    def test_a_grant_dated_by_a_day_counts_from_its_beginning(self, hedgerow, patient):
        yesterday = _day(DAY)
        assert self._in_force(hedgerow, patient, "withdraw", "--time", f"{yesterday}T08:00:00Z")
        assert not self._in_force(hedgerow, patient, "grant", "--time", yesterday)

    def test_an_older_withdrawal_is_not_said_to_hold(self, hedgerow, patient):
        hedgerow("consent", "grant", patient, "--purpose", "research")
        late = ("consent", "withdraw", patient, "--purpose", "research", "--time", _day(DAY))
        said = hedgerow(*late).out
        assert "holds from the next use" not in said
        assert "recorded" in said
        assert f"a later yes of {_day(timedelta(0))}T" in said
        assert json.loads(hedgerow(*late, "--json").out)["in_force"] is False

    def test_who_may_not_see_choices_is_not_told_when_the_other_was_made(self, hedgerow, patient):
        hedgerow("consent", "withdraw", patient, "--purpose", "research")
        late = ("consent", "grant", patient, "--purpose", "research", "--time", _day(DAY), "--as", "sam")
        said = hedgerow(*late).out
        assert "a later no stands" in said
        assert _day(timedelta(0)) not in said

    def test_choices_are_shown_by_time_with_what_holds_now(self, hedgerow, patient):
        hedgerow("consent", "withdraw", patient, "--purpose", "care", "--time", "2026-03-03T10:00:00Z")
        hedgerow("consent", "grant", patient, "--purpose", "care", "--time", "2026-02-02")
        lines = hedgerow("consent", "show", patient).out.splitlines()
        mine = [line for line in lines if " care " in line]
        assert [line[:10] for line in mine] == ["2026-02-02", "2026-03-03"]
        assert ["yes" in line.split() for line in mine] == [False, True]
        plain = hedgerow("subject", "show", patient, "--plain", may_show=True).out
        assert plain.index("2026-02-02: you said yes") < plain.index("2026-03-03: you said no")
        assert 'What holds now: no to "care"; yes to "research".' in plain

    def test_a_time_that_is_none_points_at_no_file(self, hedgerow, patient):
        said = hedgerow.refused(
            "consent", "grant", patient, "--purpose", "research", "--time", "gestern",
            code=2, error="consent.time",
        ).err  # fmt: skip
        assert "line" not in said
        hedgerow.refused(
            "consent", "withdraw", patient, "--purpose", "research", "--time", _day(-3 * DAY),
            code=2, error="consent.time",
        )  # fmt: skip


class TestPoliciesThatCanFire:
    FORBID = (
        '\n@id("closed")\n'
        'forbid (principal, action == Action::"{action}", resource == Dataset::"{dataset}");\n'
    )

    @pytest.fixture
    def draft(self, hedgerow, tmp_path):
        shown = hedgerow("policy", "show").out

        def write(**names):
            path = tmp_path / "p.cedar"
            text = shown + self.FORBID.format(**{"action": "query", "dataset": "visits"} | names)
            path.write_text(text)
            return path

        return write

    def test_an_action_that_there_is_not_is_refused_with_the_near_ones(self, hedgerow, draft):
        path = draft(action="qery")
        asked = ("policy", "test", "--principal", "ana", "--action", "query", "--file", path)
        for words in (("policy", "apply", path, "--yes"), asked):
            said = hedgerow.refused(*words, code=2, error="policy.unknown-action").err
            assert "qery" in said
            assert "Did you mean query?" in said
            line = path.read_text().splitlines().index('@id("closed")') + 1
            assert f"line {line} " in said
        assert json.loads(hedgerow("policy", "show", "--json").out)["version"] == 1

    def test_a_kind_of_thing_that_there_is_not_is_refused(self, hedgerow, draft):
        path = draft()
        path.write_text(path.read_text().replace('Dataset::"visits"', 'DataSet::"visits"'))
        said = hedgerow.refused("policy", "apply", path, "--yes", code=2, error="policy.unknown-type").err
        assert "Did you mean Dataset?" in said

    def test_an_action_is_also_found_in_a_condition_and_not_in_a_reason(self, hedgerow, draft):
        path = draft()
        text = path.read_text()
        path.write_text(text.replace('@id("closed")', '@id("closed") @reason("qery Action")'))
        hedgerow("policy", "apply", path, "--yes")
        path.write_text(text.rstrip().removesuffix(";") + ' unless { action in [Action::"qery"] };\n')
        hedgerow.refused("policy", "apply", path, "--yes", code=2, error="policy.unknown-action")

    @pytest.mark.parametrize(("typed", "told"), [("qury", "Did you mean query?"), ("zzz", "subject.erase")])
    def test_no_such_action_is_tested(self, hedgerow, typed, told):
        ask = ("policy", "test", "--principal", "ana", "--action", typed)
        assert told in hedgerow.refused(*ask, code=2, error="action.unknown").err

    def test_a_data_set_or_name_that_there_is_not_is_noted(self, hedgerow, draft):
        ask = ("policy", "test", "--principal", "ana", "--action", "query", "--dataset")
        assert "Note" not in hedgerow(*ask, "visits").out
        assert "laborx" in (said := hedgerow(*ask, "laborx").out)
        assert "Note: " in said
        assert json.loads(hedgerow(*ask, "laborx", "--json").out)["notes"]
        applied = hedgerow("policy", "apply", draft(dataset="laborx"), "--yes").out
        assert "Note: " in applied
        assert "laborx" in applied
        assert "Note: " not in hedgerow("policy", "apply", draft(), "--yes").out

    def test_a_closed_data_set_is_noted_as_a_missing_one(self, hedgerow, draft):
        path = draft()
        closed = (
            '\n@id("c2")\nforbid (principal in Role::"privacy-officer", '
            'action, resource == Dataset::"visits");\n'
        )
        path.write_text(path.read_text() + closed)
        hedgerow("policy", "apply", path, "--yes")
        ask = ("policy", "test", "--principal", "ana", "--action", "query", "--as", "priya", "--dataset")
        mine, none = (hedgerow(*ask, name).out.split("\n", 1)[1] for name in ("visits", "absent"))
        assert mine.replace("visits", "X") == none.replace("absent", "X")

    def test_a_principal_that_there_is_not(self, hedgerow):
        ask = ("policy", "test", "--principal", "anna", "--action", "query")
        assert "Did you mean ana?" in hedgerow.refused(*ask, code=2, error="principal.not-found").err

    def test_replacing_policies_is_not_said_to_be_for_good(self, hedgerow, draft):
        said = hedgerow.refused("policy", "apply", draft(), code=2, error="confirm.needed").err
        assert "cannot be undone" not in said
        assert "hedgerow policy show" in said

    def test_a_forbidden_one_is_told_who_may_read_the_reason(self, hedgerow, draft):
        hedgerow("policy", "apply", draft(), "--yes")
        ask = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "care", "--epsilon", "1")
        said = hedgerow.refused(*ask, "--as", "ana", code=3, error="policy.forbidden").err
        assert "administrator, privacy-officer, auditor or owner" in said


class TestThePlanAsJson:
    def test_an_erasure_and_new_policies(self, hedgerow, patient, tmp_path):
        erase = json.loads(hedgerow("subject", "erase", patient, "--json", code=2).out)
        assert erase["code"] == "confirm.needed"
        assert erase["plan"]["datasets"] == ["visits"]
        (tmp_path / "p.cedar").write_text(hedgerow("policy", "show").out + "// more\n")
        apply = json.loads(hedgerow("policy", "apply", tmp_path / "p.cedar", "--json", code=2).out)
        none = {"added": [], "removed": [], "changed": []}
        assert apply["plan"] == {"replaces_version": 1, "changed": True, "policies": none, "notes": []}


class TestWhatWasAsked:
    ASK = ("--purpose", "care", "--epsilon", "0.5")

    @pytest.fixture
    def spent(self, hedgerow):
        hedgerow("budget", "allocate", "visits", "--purpose", "care", "--epsilon", "3")
        return lambda: json.loads(hedgerow("budget", "show", "visits", "--json").out)[0]["spent"]

    @pytest.mark.parametrize(
        ("sql", "error", "told"),
        [
            ("SELECT COUNT(*) FROM visits LIMIT 0", "dp.sql-unsupported", "LIMIT 10"),
            ("SELECT COUNT(*) FROM visits GROUP BY ward", "dp.sql-unlabelled", "Begin with SELECT ward,"),
        ],
    )
    def test_an_answer_nobody_could_read_is_refused_for_nothing(self, hedgerow, spent, sql, error, told):
        before = spent()
        assert told in hedgerow.refused("query", "visits", sql, *self.ASK, code=3, error=error).err
        assert spent() == before

    def test_releases_are_listed_by_time_and_a_trial_names_none(self, hedgerow, tmp_path):
        release = ("release", "visits", "--purpose", "care", "--quasi", "sex", "--k", "2", "--suppress", "1")
        for number in range(4):
            hedgerow(*release, "--request-id", f"r{number}", "--out", tmp_path / f"{number}.csv")
        for found in (
            json.loads(hedgerow("released", "list", "--json").out),
            json.loads(hedgerow("report", "--out", tmp_path / "r.html", "--json").out)["releases"],
        ):
            assert [r["time"] for r in found] == sorted(r["time"] for r in found)
        trial = hedgerow(*release, "--out", tmp_path / "new.csv", "--explain")
        assert "R-" not in trial.out
        assert "R-" not in hedgerow(*release, "--out", tmp_path / "new.csv", "--explain", "--json").out


class TestTheReleasesAnAccountNames:
    RELEASE = ("release", "visits", "--purpose", "care", "--quasi", "sex", "--keep", "ward")
    ASK = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.1")

    @pytest.fixture
    def released(self, hedgerow, tmp_path):
        made = hedgerow(*self.RELEASE, "--k", "2", "--out", tmp_path / "a.csv", "--json").out
        failed = (*self.RELEASE, "--k", "20000", "--suppress", "0", "--out", tmp_path / "b.csv")
        hedgerow(*failed, code=2)
        shown = json.loads(hedgerow("budget", "show", "--json").out)
        population = next(account for account in shown if account["dataset"] == "*")
        assert population["apart_from"] == [json.loads(made)["release"]]
        assert len(population["opened_only"]) == 1
        return population["apart_from"][0], population["opened_only"][0]

    def test_an_answer_marks_the_one_that_failed(self, hedgerow, released):
        left, failed = released
        said = hedgerow(*self.ASK, "--as", "ana").out
        assert f"apart from releases {left}, {failed} (failed, nothing left the house)." in said
        answer = json.loads(hedgerow(*self.ASK, "--as", "ana", "--json").out)
        account = answer["receipt"]["budget"]["population"]
        assert (account["apart_from"], account["opened_only"]) == ([left], [failed])

    def test_the_population_names_none_of_a_closed_data_set(self, hedgerow, released, tmp_path):
        closed = (
            '\n@id("shut")\nforbid (principal in Role::"auditor", action, resource == Dataset::"visits");\n'
        )
        (tmp_path / "p.cedar").write_text(hedgerow("policy", "show").out + closed)
        hedgerow("policy", "apply", tmp_path / "p.cedar", "--yes")
        for words in (("budget", "show"), ("report",)):
            found = hedgerow(*words, "--json", "--as", "otto").out
            assert not [name for name in released if name in found]


class TestDamagedFiles:
    def _told(self, hedgerow):
        checks = json.loads(hedgerow("doctor", "--json", code=9).out)
        return next(check for check in checks if check["check"] == "table files")

    def test_a_page_or_footer_that_was_altered_is_found(self, hedgerow, space, patient):
        assert self._told(hedgerow)["ok"]
        (table,) = [
            path for path in (space / "tables").rglob("*") if path.is_file() and path.stat().st_size > 99
        ]
        whole = table.read_bytes()
        for place in (40, len(whole) // 2, len(whole) - 20):
            table.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            told = self._told(hedgerow)
            assert not told["ok"], place
            assert (told["told"], told["next"]) == (
                "1 table file is damaged",
                "restore the workspace from a backup",
            )
        hedgerow("subject", "export", patient, code=6)
        table.unlink()
        assert self._told(hedgerow)["told"] == "1 table file is missing"


class TestANearPurpose:
    ASK = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "reserch", "--epsilon", "1")

    def test_it_is_named_to_who_may_list_purposes(self, hedgerow, patient):
        for words in ((*self.ASK, "--as", "ana"), ("consent", "grant", patient, "--purpose", "reserch")):
            said = hedgerow.refused(*words, code=3, error="purpose.unknown").err
            assert "Did you mean research?" in said
        assert (
            "research" not in hedgerow.refused(*self.ASK, "--as", "sam", code=3, error="purpose.unknown").err
        )
