"""Proves what a newcomer found missing in governing: typos refused, plans that tell all, whose is what."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from tests.program import Program

from hedgerow.model.errors import TABLE
from hedgerow.model.records import Setting
from hedgerow.spine.ledger import UNKNOWN

ASK = ("query", "visits", "SELECT ward, COUNT(*) FROM visits GROUP BY ward", "--purpose", "research",
       "--epsilon", "0.5", "--as", "ana")  # fmt: skip
PERMIT = 'permit (principal in Role::"analyst", action == Action::"query", resource == Dataset::"visits");\n'


@pytest.fixture
def draft(hedgerow, tmp_path):
    """Write a draft: the policies in force and more."""
    shown = hedgerow("policy", "show", "--json").json["text"]

    def write(more="", text=shown):
        (tmp_path / "p.cedar").write_text(text + more)
        return tmp_path / "p.cedar"

    return write


class TestAnnotations:
    @pytest.mark.parametrize(
        ("typed", "told"),
        [
            ('@aproval("privacy-officer")', "Did you mean @approval?"),
            ('@approval("privacy-officer") @aprovers("2")', "Did you mean @approvers?"),
            ('@zzz("x")', "@approval_days"),
        ],
    )
    def test_one_that_there_is_not_is_refused(self, hedgerow, draft, typed, told):
        path = draft(f'\n@id("typo") {typed}\n{PERMIT}')
        asked = ("policy", "test", "--principal", "ana", "--action", "query", "--file", path)
        for words in (("policy", "apply", path, "--yes"), ("policy", "apply", path), asked):
            said = hedgerow.refused(*words, code=2, error="policy.unknown-annotation").err
            assert told in said
            line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if '"typo"' in text)
            assert f"line {line} " in said
        assert hedgerow("policy", "show", "--json").json["version"] == 1

    def test_those_there_are_stand(self, hedgerow, draft):
        known = '\n@id("a") @reason("r") @approval("privacy-officer") @approvers("2") @approval_days("3")\n'
        assert hedgerow("policy", "apply", draft(known + PERMIT), "--yes", "--json").json["version"] == 2


class TestApplying:
    ASKED = '\n@id("asked") @approval("privacy-officer")\n' + PERMIT

    def test_the_same_again_is_nothing(self, hedgerow, draft, tmp_path):
        path = draft(self.ASKED)
        hedgerow("policy", "apply", path, "--yes")
        name = hedgerow(*ASK, "--json", code=8).json["approval"]
        hedgerow("approval", "grant", name, "--as", "priya")
        size = hedgerow("journal", "head", "--json").json["checkpoint"]
        (tmp_path / "shown.cedar").write_text(hedgerow("policy", "show").out)
        for again in (path, tmp_path / "shown.cedar"):
            for more in ((), ("--yes",)):
                assert "nothing to do" in hedgerow("policy", "apply", again, *more).out
                told = hedgerow("policy", "apply", again, *more, "--json").json
                assert (told["version"], told["changed"]) == (2, False)
        assert hedgerow("journal", "head", "--json").json["checkpoint"] == size
        assert len(hedgerow("policy", "history", "--json").json) == 2
        hedgerow(*ASK)

    def test_the_plan_names_what_comes_goes_and_changes(self, hedgerow, draft):
        hedgerow("policy", "apply", draft(self.ASKED), "--yes")
        changed = self.ASKED.replace('approval("', 'approval_days("3") @approval("') + '@id("more") ' + PERMIT
        path = draft(changed)
        said = hedgerow.refused("policy", "apply", path, code=2, error="confirm.needed").err
        assert "added: more" in said
        assert "changed: asked" in said
        plan = hedgerow("policy", "apply", draft(), "--json", code=2).json["plan"]
        assert plan["policies"] == {"added": [], "removed": ["asked"], "changed": []}


class TestRestating:
    @pytest.fixture
    def restored(self, hedgerow):
        from hedgerow.app.space import open_space

        for name in ("olga", "petra"):
            hedgerow("principal", "add", name, "--role", "privacy-officer")
        hedgerow("budget", "allocate", "visits", "--purpose", "care", "--epsilon", "4")
        hedgerow(*ASK)
        with open_space(hedgerow.space, passphrase=lambda _: None) as space, space.opened.store.write() as tx:
            tx.put(Setting(UNKNOWN, "2026-01-01T00:00:00Z"))
        return hedgerow

    SAY = ("budget", "restate", "--spent", "visits:research=1.5", "--spent", "population=1.5")

    @pytest.mark.parametrize(
        ("account", "told"), [("visits:reserch", "visits:research"), ("vists:care", "visits:care")]
    )
    @pytest.mark.parametrize("more", [(), ("--yes", "--as", "olga")])
    def test_an_account_that_there_is_not(self, restored, account, told, more):
        words = ("budget", "restate", "--spent", f"{account}=1.5", *more)
        said = restored.refused(*words, code=2, error="budget.no-account").err
        assert f"Did you mean {told}" in said
        assert restored("approval", "list", "--json", "--as", "petra").json == []

    def test_plan_approval_and_result_agree(self, restored):
        plan = restored(*self.SAY, "--json", "--as", "olga", code=2).json["plan"]
        rows = {r["account"]: (r["in_ledger"], r["stated"], r["resulting"]) for r in plan["accounts"]}
        assert rows == {
            "visits:care": ("0", None, "4"),
            "visits:research": ("0.5", "1.5", "1.5"),
            "population": ("0.5", "1.5", "5.5"),
        }
        said = restored.refused(*self.SAY, "--as", "olga", code=2, error="confirm.needed").err
        assert "not named" in said
        assert "5.5" in said
        name = restored(*self.SAY, "--yes", "--as", "olga", "--json", code=8).json["approval"]
        shown = restored("approval", "show", name, "--as", "petra").out
        assert "5.5" in shown
        assert "not named" in shown
        assert "3/2" not in shown
        asked = restored("approval", "show", name, "--as", "petra", "--json").json["asked"]
        assert asked["accounts"] == plan["accounts"]
        restored("approval", "grant", name, "--as", "petra")
        done = restored(*self.SAY, "--yes", "--as", "olga", "--json").json
        assert done["accounts"] == plan["accounts"]
        now = {(b["dataset"], b["purpose"]): b["spent"] for b in restored("budget", "show", "--json").json}
        assert now == {("visits", "care"): "4", ("visits", "research"): "1.5", ("*", "*"): "5.5"}


class TestEndingTheEpoch:
    @pytest.fixture
    def backed(self, hedgerow, tmp_path):
        made = hedgerow("file", "identity", "--no-passphrase", "--out", tmp_path / "me", may_show=True).out
        (tmp_path / "me.txt").write_text(made)
        for _ in range(2):
            hedgerow("backup", "--to", tmp_path / "b", "--recipient", tmp_path / "me.txt")
        return tmp_path / "b"

    def _checks(self, hedgerow):
        return {c["check"]: c for c in hedgerow("doctor", "--json", code=9).json}

    def test_what_goes_with_it_is_told(self, hedgerow, backed):
        assert "backups" not in self._checks(hedgerow)
        said = hedgerow.refused("keys", "epoch", code=2, error="confirm.needed").err
        for words in ("2 backup key sets", str(backed / "keys"), "hedgerow backup"):
            assert words in said
        assert "backup key set" not in hedgerow.refused("keys", "rotate", code=2, error="confirm.needed").err
        done = hedgerow("keys", "epoch", "--yes", "--json").json["backups"]
        assert (len(done["key_sets"]), done["folders"]) == (2, [str(backed / "keys")])
        assert done["out_of_reach"] == []
        told = self._checks(hedgerow)["backups"]
        assert (told["ok"], "hedgerow backup --to" in told["next"]) == (False, True)
        hedgerow("backup", "--to", backed)
        assert "backups" not in self._checks(hedgerow)
        said = hedgerow("keys", "epoch", "--yes").out
        assert "1 backup key set" in said
        assert "no backup can be restored" in said

    def test_a_folder_out_of_reach_is_named(self, hedgerow, backed):
        shutil.move(backed / "keys", backed / "away")
        said = hedgerow("keys", "epoch", "--yes").out
        assert "out of reach" in said
        assert str(backed / "keys") in said


class TestPages:
    def test_each_exit_code_and_variable_stands_on_both(self, repository):
        used = {row.exit for row in TABLE.values()} | {0}
        sources = "".join(path.read_text() for path in (repository / "src").rglob("*.py"))
        variables = set(re.findall(r'"(HEDGEROW_[A-Z0-9_]+)"', sources))
        for name in ("cli.md", "operating.md"):
            page = (repository / "docs" / name).read_text()
            codes = page.partition("## Exit codes")[2].partition("\n## ")[0]
            told = {code for code in used if re.search(rf"(^|[ |]){code} ", codes, re.MULTILINE)}
            assert used - told == set(), name
            table = page.partition("## Settings" if name == "cli.md" else "## Variables")[2]
            table = table.partition("\n## ")[0]
            assert {each for each in variables if f"`{each}`" not in table} == set(), name


class TestCosigning:
    def test_the_witness_key_is_named_and_printed_again(self, tmp_path, capsys):
        log, friend = Program(tmp_path / "log"), Program(tmp_path / "friend")
        for each in (log, friend):
            assert each.call("init", each.space, "--no-passphrase").code == 0
        assert "none yet" in friend.call("journal", "key", "show").out
        assert friend.call("journal", "key", "show", "--json").json["witness_keys"] == []
        own = log.call("journal", "key", "show", "--json").json["key"]
        assert own == log.call("journal", "head", "--json").json["key"]
        out, note = tmp_path / "evidence", tmp_path / "note"
        assert log.call("evidence", "export", "--out", out).code == 0
        made = friend.call("journal", "cosign", out, "--key", own, "--out", note, "--json").json
        size = friend.call("journal", "head", "--json").json["size"]
        again = friend.call("journal", "key", "show", "--json").json["witness_keys"]
        assert again == made["keys"]
        assert again[0] in friend.call("journal", "key", "show").out
        assert friend.call("journal", "head", "--json").json["size"] == size
        wrong = friend.call("journal", "head", "--json").json["key"]
        for key in ("nonsense", wrong):
            for words in (("cosignature", "add", note, "--key", key), ("verify", "--witness", key)):
                done = log.call("journal", *words)
                assert (done.code, done.error) == (2, "cosignature.key")
                assert "hedgerow journal key show" in done.err
                assert "journal head" not in done.err
            alone = [sys.executable, str(out / "verify.py"), str(out), "--witness", key]
            done = subprocess.run(alone, capture_output=True, text=True, check=False)
            assert done.returncode == 2, done.stdout
            assert "journal key show" in done.stderr
            assert "VERIFIED" not in done.stdout
        assert log.call("journal", "cosignature", "add", note, "--key", again[0]).code == 0


class TestWhoWasFound:
    def test_the_whole_command_and_whose_name_it_is(self, hedgerow, town, patient):
        hedgerow("dataset", "index", "visits", "--column", "email", "--kind", "email", "--as", "priya")
        table = town[0].tables["clinic_north_visits"]
        places = [i for i, ref in enumerate(table["patient_ref"].to_pylist()) if ref == patient]
        mail = next(v for i in places if (v := table["email"][i].as_py()))
        said = hedgerow("subject", "find", "visits", "--column", "email", "--as", "priya", given=mail).out
        command = said.strip().splitlines()[-1].split()
        assert command[:3] == ["hedgerow", "subject", "show"]
        assert command[4:] == ["--as", "priya"]
        hedgerow(*command[1:])
        for act in ("show", "export", "erase"):
            said = hedgerow.refused("subject", act, command[3], code=2, error="search.handle-foreign").err
            assert "for a day" in said
        words = ("consent", "withdraw", command[3], "--purpose", "research")
        hedgerow.refused(*words, code=2, error="search.handle-foreign")
        said = hedgerow("subject", "find", "visits", "--column", "email", given=mail).out
        assert "--as" not in said


class TestCertificates:
    def test_whose_is_which_and_what_it_says(self, hedgerow, town, patient):
        other = max(set(town[0].tables["clinic_north_visits"]["patient_ref"].to_pylist()) - {patient})
        names = {}
        for ref in (patient, other):
            names[ref] = hedgerow("subject", "erase", ref, "--yes", "--json").json["body"]["certificate"]
        for words in (("show", patient), ("erase", patient), ("erase", patient, "--yes")):
            said = hedgerow.refused("subject", *words, code=3, error="subject.erased").err
            assert names[patient] in said
            assert names[other] not in said
            assert "not final yet" in said
        (final, _) = hedgerow("keys", "epoch", "--yes", "--json").json["final"]
        listed = hedgerow("evidence", "certificates", "--json").json
        assert {c["certificate"] for c in listed} >= set(names.values())
        finals = {c["erasure"]: c["certificate"] for c in listed if c["state"] == "final"}
        mine = finals[names[patient]]
        said = hedgerow.refused("subject", "show", patient, code=3, error="subject.erased").err
        assert f"final {mine}" in said
        assert final in hedgerow("evidence", "certificates").out
        shown = hedgerow("evidence", "certificate", mine).out
        for words in ("final", names[patient], "file", "assum", "not covered"):
            assert words in shown.lower()
        assert hedgerow("evidence", "certificate", mine, "--json").json["body"]["state"] == "final"
        shown = hedgerow("evidence", "certificate", names[patient]).out
        assert "logical" in shown
        assert "not final" in shown
        words = ("evidence", "certificate", "c-none")
        assert "certificates" in hedgerow.refused(*words, code=2, error="certificate.unknown").err
        hedgerow.refused(*words, "--as", "ana", code=3, error="policy.not-permitted")


class TestAwaiting:
    def test_explain_says_so_first_and_asking_tells_how_many_could(self, hedgerow, draft):
        two = '\n@id("asked") @approval("privacy-officer") @approvers("2")\n' + PERMIT
        hedgerow("policy", "apply", draft(two), "--yes")
        said = hedgerow(*ASK, "--explain").out
        assert said.startswith("Allowed once approved.")
        assert "nobody has asked for it yet" in said
        refused = hedgerow.refused(*ASK, code=8, error="approval.pending")
        assert "1 person could decide it now, and it needs 2" in refused.err
        hedgerow("principal", "add", "petra", "--role", "privacy-officer")
        told = hedgerow(*ASK, "--json", code=8).json
        assert told["could_decide"] == 2
        assert "2 people could decide it now." in told["detail"]
        said = hedgerow(*ASK, "--explain").out
        assert f"{told['approval']} waits for a decision" in said
        for who in ("priya", "petra"):
            hedgerow("approval", "grant", told["approval"], "--as", who)
        assert hedgerow(*ASK, "--explain").out.startswith("Allowed.")
        assert json.loads(hedgerow(*ASK, "--json").out)["receipt"]
