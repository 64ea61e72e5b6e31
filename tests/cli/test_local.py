"""Proves the commands of local privacy, from survey to estimates; bad input is refused without a value."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.program import Program

VALUES = ("Mill Street", "Oak Street", "Hill Street")
TRUTH = {"Mill Street": 1200, "Oak Street": 500, "Hill Street": 100}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give the program in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "values.txt").write_text("\n".join(VALUES))
    (tmp_path / "answers.txt").write_text("".join(f"{value}\n" * many for value, many in TRUTH.items()))

    def call(*words, code=0, error=None):
        done = Program().call("local", *words)
        assert done.code == code, done
        if error is not None:
            assert done.error == error
            assert "Next: " in done.err
            assert done.out == ""
            assert not [value for value in TRUTH if value in done.err]
        return done

    return call


def make(run, *more, name="streets", epsilon="2", values="values.txt"):
    """Make a survey."""
    words = ["survey", "--name", name, "--epsilon", epsilon, "--out", f"{name}.json", *more]
    return run(*words, *(["--values", values] if values else []), "--json").json


@pytest.mark.parametrize(
    "mechanism", [None, "randomised-response", "unary", "optimised-unary", "hadamard", "count-mean-sketch"]
)
def test_from_a_survey_to_estimates(run, tmp_path, mechanism):
    is_sketch = mechanism == "count-mean-sketch"
    told = make(
        run, *(["--mechanism", mechanism] if mechanism else []), values=None if is_sketch else "values.txt"
    )
    assert told["mechanism"] == mechanism or mechanism is None
    sent = run("encode", "streets.json", "answers.txt").out
    assert not [value for value in TRUTH if value in sent]
    (tmp_path / "reports.jsonl").write_text(sent)
    longest = max(len(line) for line in sent.splitlines())
    assert longest <= told["report_bytes"] <= longest + 3
    words = ["decode", "streets.json", "reports.jsonl", "--confidence", "0.9999999"]
    found = run(*words, *(["--candidates", "values.txt"] if is_sketch else []), "--json").json
    assert found["reports"] == sum(TRUTH.values())
    assert found["refused"]["count"] == 0
    for each in found["estimates"]:
        # All hold together but for a chance of 1e-7, apart from the normal approximation.
        assert each["low"] <= TRUTH[each["value"]] <= each["high"]
        assert each["high"] - each["low"] < 1800
    alone = run(*words, "--each", *(["--candidates", "values.txt"] if is_sketch else []), "--json").json
    for one, together in zip(alone["estimates"], found["estimates"], strict=True):
        assert together["low"] <= one["low"] <= one["high"] <= together["high"]
    assert not alone["together"]


def test_the_best_mechanism_is_chosen_by_its_error(run, tmp_path):
    assert make(run, name="few")["mechanism"] == "randomised-response"
    (tmp_path / "some.txt").write_text("\n".join(f"v{number}" for number in range(100)))
    assert make(run, name="some", values="some.txt", epsilon="1")["mechanism"] == "optimised-unary"
    (tmp_path / "many.txt").write_text("\n".join(f"v{number}" for number in range(3000)))
    assert make(run, name="many", values="many.txt", epsilon="1")["mechanism"] == "hadamard"
    assert make(run, name="any", values=None)["mechanism"] == "count-mean-sketch"


def test_what_a_report_tells_is_told_before_anybody_is_asked(run):
    made = make(run, "--reports", "3", epsilon="1")
    assert (made["odds"], made["sure"]) == (2.72, 0.7311)
    assert made["epsilon_of_all_reports"] == "3"
    shown = run("show", "streets.json", "--people", "50000", "--delta", "1e-7").out
    assert "epsilon 1: odds between two values change at most 2.72 times" in shown
    assert "all together tell up to epsilon 3" in shown
    assert "50,000 people: the count of a rare value within ± 492 at 95%" in shown
    assert "shuffled     epsilon 0.1082, delta 1e-07" in shown
    assert run("show", "streets.json", "--json").json["shuffled"] is None


def test_broken_and_foreign_reports_are_counted_and_told_by_line_alone(run, tmp_path):
    make(run)
    make(run, name="other", epsilon="1")
    (tmp_path / "few.txt").write_text("Mill Street\nOak Street\n" * 5)
    good = run("encode", "streets.json", "few.txt").out.splitlines()
    foreign = run("encode", "other.json", "few.txt").out.splitlines()
    whole = json.loads(good[0])
    bad = [
        "Mill Street", json.dumps(whole | {"answer": 99}), json.dumps(whole | {"who": "Mill Street"}),
        '{"survey": "x", "survey": "y", "answer": 0}', "[" * 5000, '{"answer": NaN, "survey": "x"}',
        "x" * 70_000,
    ]  # fmt: skip
    lines = [good[0], *bad, foreign[0], "", *good[1:]]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines) + "\n")
    done = run("decode", "streets.json", "mixed.jsonl")
    assert done.err.strip() == (
        "Warning: 8 lines not counted (7 malformed; 1 of another survey): 2, 3, 4, 5, 6, 7, 8, 9."
    )
    found = run("decode", "streets.json", "mixed.jsonl", "--json").json
    assert found["reports"] == 10
    assert found["refused"]["why"] == {"malformed": 7, "of another survey": 1}
    (tmp_path / "foreign.jsonl").write_text("\n".join(foreign))
    run("decode", "streets.json", "foreign.jsonl", code=2, error="local.other-survey")
    (tmp_path / "one.jsonl").write_text(good[0])
    run("decode", "streets.json", "one.jsonl", code=2, error="local.too-few")
    (tmp_path / "none.jsonl").write_text("")
    run("decode", "streets.json", "none.jsonl", code=2, error="local.too-few")


@pytest.mark.parametrize("epsilon", ["0", "-1", "nan", "1e9", "11", "0.001", "1/2", ""])
def test_an_epsilon_that_promises_nothing_is_refused(run, tmp_path, epsilon):
    words = ["survey", "--name", "x", "--epsilon", epsilon, "--values", "values.txt", "--out", "x.json"]
    run(*words, code=2, error="local.bad-survey")
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "local.bad-values"),
        ("a\n", "local.bad-survey"),
        ("a\na\n", "local.bad-values"),
        ("a\tb\nc\n", "local.bad-survey"),
    ],
)
def test_values_that_make_no_survey_are_refused(run, tmp_path, text, error):
    (tmp_path / "values.txt").write_text(text)
    words = ["survey", "--name", "x", "--epsilon", "1", "--values", "values.txt", "--out", "x.json"]
    run(*words, code=2, error=error)


def test_other_bad_input_is_refused_with_the_next_step(run, tmp_path):
    make(run)
    make(run, name="any", values=None)
    base = ["survey", "--name", "x", "--epsilon", "1", "--out", "x.json"]
    run(*base, "--mechanism", "hadamard", code=2, error="local.bad-survey")
    run(*base, "--mechanism", "count-mean-sketch", "--values", "values.txt", code=2, error="local.bad-survey")
    run(*base, "--values", "values.txt", "--other", "elsewhere", code=2, error="local.bad-survey")
    run(*base, "--buckets", "1000", code=2, error="local.bad-survey")
    run(*base, "--people", "0", code=2, error="local.bad-number")
    run(*base, "--values", "missing.txt", code=2, error="file.missing")
    run("show", "values.txt", code=2, error="local.bad-survey")
    run("show", "missing.json", code=2, error="file.missing")
    run("show", "streets.json", "--delta", "0", code=2, error="local.bad-number")
    run("show", "streets.json", "--delta", "1e-6", "--people", "1000", code=3, error="local.no-amplification")
    run("decode", "streets.json", "missing.jsonl", code=2, error="file.missing")
    (tmp_path / "reports.jsonl").write_text(run("encode", "any.json", "answers.txt").out)
    run("decode", "any.json", "reports.jsonl", code=2, error="local.no-candidates")
    run("decode", "any.json", "reports.jsonl", "--confidence", "1", code=2, error="local.bad-number")
    sure = ["--confidence", "0." + "9" * 29]
    assert run("decode", "any.json", "reports.jsonl", "--candidates", "values.txt", *sure, "--json").json[
        "reports"
    ]
    (tmp_path / "strange.txt").write_text("a\tb\n")
    run(
        "decode", "any.json", "reports.jsonl", "--candidates", "strange.txt", code=2, error="local.bad-values"
    )
    (tmp_path / "reports.jsonl").write_text(run("encode", "streets.json", "answers.txt").out)
    run(
        "decode",
        "streets.json",
        "reports.jsonl",
        "--candidates",
        "strange.txt",
        code=2,
        error="local.bad-values",
    )
    (tmp_path / "strange.txt").write_text("elsewhere\n")
    words = ["decode", "streets.json", "reports.jsonl", "--candidates", "strange.txt"]
    run(*words, code=2, error="local.unknown-candidate")
    run("encode", "streets.json", "strange.txt", code=2, error="local.bad-value")
    (tmp_path / "strange.txt").write_bytes(b"\xff\n")
    run("encode", "streets.json", "strange.txt", code=2, error="local.bad-value")


def test_with_a_state_the_lines_are_one_persons_and_end_where_the_survey_says(run, tmp_path):
    make(run, "--reports", "2")
    run("encode", "streets.json", "answers.txt", "--state", "me.json", code=3, error="local.used-up")
    (tmp_path / "broken.json").write_text("{")
    run("encode", "streets.json", "answers.txt", "--state", "broken.json", code=2, error="local.state")


def test_kept_answers_are_given_again_and_shuffling_adds_nothing_to_them(run, tmp_path):
    make(run, "--memoise", "--mechanism", "unary")
    (tmp_path / "same.txt").write_text("Mill Street\n" * 4)
    sent = run("encode", "streets.json", "same.txt", "--state", "me.json").out.splitlines()
    assert len(sent) == 4
    assert len(set(sent)) == 1
    run("encode", "streets.json", "same.txt", code=2, error="local.state")
    run("show", "streets.json", "--delta", "1e-6", code=3, error="local.no-amplification-kept")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            ["--memoise"],
            "Decode one report of each person: an answer given again brings the same noise again.",
        ),
        (["--reports", "3"], "A person may have given up to 3 reports: what is counted here are reports."),
    ],
)
def test_what_several_reports_of_a_person_mean_for_the_counts_is_said(run, tmp_path, more, said):
    report = {"survey": make(run, *more)["survey"], "answer": 0}
    (tmp_path / "sent.jsonl").write_text(f"{json.dumps(report)}\n" * 2)
    assert run("decode", "streets.json", "sent.jsonl").err.strip() == said


def test_the_client_that_is_written_answers_alone(run, tmp_path):
    make(run)
    run("client", "--out", "client.py")
    run("client", "--out", "client.py", code=2, error="out.exists")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "client.py", "streets.json"],
        cwd=tmp_path, input="Oak Street\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    (tmp_path / "reports.jsonl").write_text(done.stdout * 2)
    assert run("decode", "streets.json", "reports.jsonl", "--json").json["reports"] == 2
