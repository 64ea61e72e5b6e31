"""The commands ``watch`` and ``running``: paid once, told again at no cost, refused at any time."""

from __future__ import annotations

import re

import pytest
from tests.cli.program import Watched

from hedgerow.app.space import open_space

USE = ("--purpose", "research", "--as", "ana")
ASKED = "SELECT COUNT(*) FROM visits"


def spent(hedgerow):
    return hedgerow("budget", "show", "visits", "--json").json[0]["spent"]


class TestWatch:
    def test_from_opening_to_the_last_yes(self, hedgerow, secrets):
        made = hedgerow(
            "watch", "open", "crowded", "visits", "--above", "20", "--positives", "1", "--epsilon", "1.5",
            *USE,
        ).out  # fmt: skip
        assert "crowded is open; its whole cost was charged, and epsilon 0.5 is left" in made
        few = hedgerow("watch", "ask", "crowded", f"{ASKED} WHERE systolic < 0", "--as", "ana", code=3)
        assert "outside its declared bounds" in few.err
        told = hedgerow("watch", "ask", "crowded", ASKED, "--as", "ana", "--json").json
        while not told["above"]:
            told = hedgerow("watch", "ask", "crowded", ASKED, "--as", "ana", "--json").json
        assert (told["threshold"], told["positives_left"]) == ("20", 0)
        over = hedgerow("watch", "ask", "crowded", ASKED, "--as", "ana", code=3)
        assert "crowded is over: the last answer it was paid for was given." in over.err
        shown = hedgerow("watch", "show", "crowded", "--as", "ana")
        assert ASKED in shown.out
        assert "yes" in shown.out
        assert spent(hedgerow) == "1.5"
        assert "the last answer" in hedgerow("watch", "list").out
        hedgerow("journal", "verify")
        assert not any(secret in shown.out + made for secret in secrets)

    def test_what_it_would_cost_is_told_before(self, hedgerow):
        said = hedgerow(
            "watch", "open", "w", "visits", "--above", "20", "--positives", "3", "--epsilon", "1",
            "--of", "COUNT(DISTINCT person)", *USE, "--explain",
        ).out  # fmt: skip
        for line in (
            "unit: person", "sensitivity: 1", "positives: 3", "epsilon: 1", "scale_of_threshold: 4",
            "charged: the whole cost at opening; asking costs nothing more", "expected_error_95: 1 question",
        ):  # fmt: skip
            assert line in said, said
        assert "max_rows: 6" in said

    def test_numbers_that_move_more_or_are_several_are_refused(self, hedgerow):
        hedgerow(
            "watch", "open", "w", "visits", "--above", "20", "--epsilon", "1",
            "--of", "COUNT(DISTINCT person)", *USE,
        )  # fmt: skip
        more = hedgerow("watch", "ask", "w", ASKED, "--as", "ana", code=3)
        assert "One person may move this number by 6; w was opened for 1 at most." in more.err
        groups = hedgerow(
            "watch", "ask", "w", "SELECT ward, COUNT(*) FROM visits GROUP BY ward", "--as", "ana", code=3
        )
        assert "takes one COUNT or SUM" in groups.err
        hedgerow("watch", "ask", "w", "SELECT COUNT(DISTINCT person) FROM visits", "--as", "ana")

    def test_sums_are_watched_in_their_own_steps(self, hedgerow):
        made = hedgerow(
            "watch", "open", "w", "visits", "--above", "1000", "--epsilon", "1", "--of", "SUM(systolic)",
            *USE, "--json",
        ).json  # fmt: skip
        assert made["opened"]["sensitivity"] == 6 * 220
        hedgerow("watch", "ask", "w", "SELECT SUM(systolic) FROM visits WHERE ward = 'A'", "--as", "ana")

    def test_without_a_budget_nothing_is_opened_and_a_name_is_one(self, hedgerow):
        said = ("watch", "open", "w", "visits", "--above", "20", *USE)
        hedgerow(*said, "--epsilon", "9", code=5)
        assert "(none)" in hedgerow("watch", "list").out
        hedgerow(*said, "--epsilon", "0.5")
        assert "There is a run w already." in hedgerow(*said, "--epsilon", "0.5", code=2).err
        hedgerow("running", "show", "w", "--as", "ana", code=2)
        assert "There is no such run." in hedgerow("watch", "ask", "no", ASKED, "--as", "ana", code=2).err

    def test_each_question_is_judged_as_of_now(self, hedgerow):
        hedgerow("watch", "open", "w", "visits", "--above", "20", "--epsilon", "0.5", *USE)
        assert hedgerow("watch", "ask", "w", ASKED, "--as", "otto", code=3)
        hedgerow("dataset", "declare", "visits", "--max-rows", "2")
        changed = hedgerow("watch", "ask", "w", ASKED, "--as", "ana", code=3)
        assert "declared anew after w was opened" in changed.err
        hedgerow("watch", "show", "w", "--as", "ana")
        told = hedgerow("journal", "show", "--json").out
        assert "run.bounds-changed" in told
        assert ASKED not in told


class TestRunning:
    def test_totals_follow_what_arrives_and_cost_nothing_more(self, hedgerow, space):
        said = (
            "running", "open", "arrivals", "visits", "--where", "ward = 'A' AND age > 0", "--steps", "8",
            "--epsilon", "1", *USE,
        )  # fmt: skip
        explained = hedgerow(*said, "--explain").out
        for line in ("sensitivity: 6", "nodes_of_a_row: 4", "scale_of_each_node: 24", "steps: 8"):
            assert line in explained, explained
        hedgerow(*said)
        first = hedgerow("running", "advance", "arrivals", "--as", "ana", "--request-id", "one").out
        assert re.match(r"Step 1: -?\d+ ± 72 rows so far \(in 95 of 100 answers\). 7 steps left.", first)
        again = hedgerow("running", "advance", "arrivals", "--as", "ana", "--request-id", "one").out
        assert again.splitlines()[0] == first.splitlines()[0]
        second = hedgerow("running", "advance", "arrivals", "--as", "ana", "--json").json
        assert (second["step"], second["steps_left"]) == (2, 6)
        shown = hedgerow("running", "show", "arrivals", "--as", "ana", "--json").json
        assert [each["step"] for each in shown["told"]] == [1, 2]
        assert shown["told"][1]["total"] == second["total"]
        assert spent(hedgerow) == "1"
        hedgerow("journal", "verify")
        hedgerow("running", "close", "arrivals", "--as", "ana", code=2)
        hedgerow("running", "close", "arrivals", "--yes", "--as", "ana")
        assert "arrivals is over: it was closed." in hedgerow(
            "running", "advance", "arrivals", "--as", "ana", code=3
        ).err  # fmt: skip

    def test_rho_needs_a_delta_and_has_gaussian_noise(self, hedgerow):
        said = ("running", "open", "r", "visits", "--steps", "16", "--rho", "0.01", *USE)
        assert "delta" in hedgerow(*said, code=5).err
        for where in (("visits", "--purpose", "research"), ("--population",)):
            hedgerow("budget", "allocate", *where, "--epsilon", "5", "--delta", "1e-6")
        hedgerow(*said)
        assert "±" in hedgerow("running", "advance", "r", "--as", "ana").out

    @pytest.mark.parametrize("of", ["COUNT(DISTINCT person)", "AVG(systolic)", "COUNT(*) FROM x --"])
    def test_what_does_not_add_up_over_arrivals_is_refused(self, hedgerow, of):
        hedgerow("running", "open", "r", "visits", "--steps", "8", "--epsilon", "1", "--of", of, *USE, code=3)

    def test_malformed_calls_cost_nothing(self, hedgerow):
        for more in (
            ("--steps", "0", "--epsilon", "1"),
            ("--steps", "8"),
            ("--steps", "8", "--epsilon", "x"),
        ):
            hedgerow("running", "open", "r", "visits", *more, *USE, code=2)
        hedgerow("running", "open", "No Name", "visits", "--steps", "8", "--epsilon", "1", *USE, code=2)
        assert spent(hedgerow) == "0"


def test_from_python(space):
    with open_space(space, passphrase=lambda _: None) as opened:
        ana = opened.acting_as("ana", purpose="research")
        watch = ana.open_watch("w", "visits", above="20", epsilon="0.5", positives=2)
        assert watch.ask(ASKED)["positives_left"] in (1, 2)
        assert len(ana.watch("w").show()["told"]) == 1
        count = ana.open_running("r", "visits", steps=4, epsilon="0.5", where="ward = 'A'")
        assert count.advance()["step"] == 1
        assert ana.running("r").close()["run"] == "r"
        assert repr(count) == "RunHandle(running r)"


def test_rows_that_arrive_count_once_and_a_restore_ends_it(nowhere, tmp_path):
    """With a budget that leaves hardly any noise a total is what was counted."""
    hedgerow = Watched(tmp_path / "space", secrets=frozenset({"P-1", "P-2", "P-3"}), warm=nowhere.warm)
    nowhere("init", tmp_path / "space", "--no-passphrase")
    to = ("--dataset", "visits", "--subject-key", "ref", "--purpose", "care", "--basis", "public-task")
    care = ("--purpose", "care")

    def collect(name, *rows):
        (tmp_path / name).write_text("\n".join(["ref,age", *rows]) + "\n")
        hedgerow("collect", tmp_path / name, *to, "--keep", "age")

    hedgerow("purpose", "add", "care", "--why", "w", "--owner", "owner", "--until", "2099-01-01")
    collect("a.csv", "P-1,31", "P-1,32", "P-1,33", "P-2,41")
    hedgerow("dataset", "declare", "visits", "--max-rows", "2", "--bounds", "age=0:120")
    for where in (("visits", *care), ("--population",)):
        hedgerow("budget", "allocate", *where, "--epsilon", "100000")

    def advance(name):
        return int(hedgerow("running", "advance", name, "--json").json["total"])

    opened = ("--steps", "8", "--epsilon", "10000", *care)
    hedgerow("running", "open", "all", "visits", *opened)
    hedgerow("running", "open", "later", "visits", "--from-now", *opened)
    hedgerow("running", "open", "ages", "visits", "--of", "SUM(age)", "--where", "age > 40", *opened)
    assert [advance("all"), advance("later"), advance("ages")] == [3, 0, 41]
    assert advance("all") == 3
    collect("b.csv", "P-1,34", "P-3,51", "P-3,52", "P-3,53")
    assert [advance("all"), advance("later")] == [5, 2]
    hedgerow("subject", "erase", "P-3", "--yes", may_show=True)
    assert [advance("all"), advance("later")] == [5, 2]
    assert 41 + 51 + 52 + 53 > advance("ages") >= 41
    hedgerow("journal", "verify")

    hedgerow("file", "identity", "--out", tmp_path / "me", "--no-passphrase")
    recipient = hedgerow("file", "show", tmp_path / "me", "--json").json
    (tmp_path / "me.txt").write_text(recipient["recipient"])
    hedgerow("backup", "--to", tmp_path / "backup", "--recipient", tmp_path / "me.txt")
    nowhere(
        "restore", tmp_path / "backup", "--space", tmp_path / "again", "--identity", tmp_path / "me",
        "--nobody-erased-since", "seen",
    )  # fmt: skip
    again = Watched(tmp_path / "again", secrets=hedgerow.secrets, warm=nowhere.warm)
    ended = again("running", "advance", "all", code=3).err
    assert "before this workspace was restored" in ended
    assert [each["total"] for each in again("running", "show", "all", "--json").json["told"]][-1] == "5"
    again("journal", "verify")
