"""Proves that a report is as private as its survey says, exactly, and that the client's file stands alone.

Chances are exact fractions over every path of what could be drawn; no sampling, so no false alarms. The
source of chances is proven apart, over every number that it could draw.
"""

from __future__ import annotations

import ast
import itertools
import json
import math
import subprocess
import sys
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.local_world import SIZES, SOURCE, changed, exact, exact_bits, record, survey

from hedgerow.kernel.local import client, worst_odds
from hedgerow.model.canonical import digest

PRECISE = Context(prec=60)
WITH_DOMAIN = [name for name in SIZES if name != "count-mean-sketch"]
EPSILONS = st.integers(10_000, 10_000_000).map(lambda millionths: f"{millionths / 1_000_000:.6f}")


def at_most_e_to(epsilon, factor):
    """Tell whether a factor is at most e**epsilon, by decimals of sixty places."""
    exp = PRECISE.exp(PRECISE.divide(Decimal(epsilon.numerator), Decimal(epsilon.denominator)))
    return factor <= Fraction(exp.next_minus(PRECISE))


def worst_ratio(asked, program=client):
    """Compute the greatest factor between two values' chances of one answer, over all pairs and answers."""
    chances = [exact(asked, value, program) for value in asked.domain]
    for each in chances:
        assert sum(each.values()) == 1
    answers = set().union(*chances)
    return max(
        Fraction(one.get(answer, 0)) / other[answer] if other.get(answer) else Fraction(10**9)
        for one, other in itertools.permutations(chances, 2)
        for answer in answers
    )


@pytest.mark.parametrize("mechanism", WITH_DOMAIN)
@given(
    epsilon=EPSILONS,
    size=st.integers(2, 5),
    blocks=st.sampled_from([1, 2, 4]),
)
@settings(max_examples=12, deadline=None)
def test_every_answer_is_at_most_e_to_epsilon_times_as_likely(mechanism, epsilon, size, blocks):
    domain = [f"v{number}" for number in range(size)]
    more = {"blocks": min(blocks, 1 << size.bit_length() - 1)} if mechanism == "hadamard" else {}
    asked = survey(mechanism, epsilon, domain, **more)
    ratio = worst_ratio(asked)
    assert at_most_e_to(asked.epsilon, ratio)
    assert ratio == worst_odds(asked), "what is shown of a survey is what its reports do"
    assert ratio >= worst_odds(survey("randomised-response", epsilon)) * Fraction(999, 1000)


@pytest.mark.parametrize("epsilon", ["0.01", "1", "3.141592", "10"])
def test_a_sketch_chooses_its_row_blindly_and_its_bits_are_as_private(epsilon):
    """The row does not depend on the value, and of two values at most two bits differ in their chances."""
    asked = survey("count-mean-sketch", epsilon)
    one, other = (exact_bits(asked, value) for value in ("rain", "snow"))
    assert asked.bucket(0, "rain") != asked.bucket(0, "snow")
    ratio = Fraction(1)
    for mine, others in zip(one, other, strict=True):
        ratio *= max(mine / others, (1 - mine) / (1 - others))
    assert ratio == worst_odds(asked)
    assert at_most_e_to(asked.epsilon, ratio)


MISTAKES = {
    "odds swapped": {"source.chance(survey.odds,": "source.chance(others * ONE,"},
    "odds doubled": {"return int(total * ONE)": "return 2 * int(total * ONE)"},
    "half of epsilon forgotten": {"self.epsilon / 2 if": "self.epsilon if"},
    "the truth may be drawn again as another": {"drawn + (drawn >= place)": "drawn"},
    "one of a half not reached": {
        "_member(source.below(half), row, 0)": "_member(source.below(half) // 2, row, 0)"
    },
    "the wrong half": {"_member(drawn, row, 1)": "_member(drawn, row, 0)"},
    "own bit always sent": {"else (1, 2)": "else (1, 1)"},
    "noise left out": {"bits = source.chances(*other, count - 1)": "bits = [False] * (count - 1)"},
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_client_is_caught(mistake):
    program, caught = changed(mistake), []
    for mechanism in WITH_DOMAIN:
        asked = program.Survey(
            record(mechanism, "1", blocks=2) if mechanism == "hadamard" else record(mechanism)
        )
        is_private = at_most_e_to(asked.epsilon, worst_ratio(asked, program))
        caught.append(not is_private or worst_ratio(asked, program) != worst_odds(survey_like(asked)))
    assert any(caught)


def survey_like(asked):
    """Give the sound survey of the same terms."""
    more = {"blocks": asked.blocks} if asked.blocks else {}
    return survey(asked.mechanism, "1", **more)


@given(epsilon=EPSILONS)
@settings(max_examples=40, deadline=None)
def test_odds_are_rounded_down_and_by_little(epsilon):
    exact_odds = Fraction(client.odds_below(Fraction(epsilon)), client.ONE)
    assert at_most_e_to(Fraction(epsilon), exact_odds)
    assert not at_most_e_to(Fraction(epsilon), exact_odds + Fraction(1, client.ONE))


def test_the_source_asks_the_operating_system_and_is_exact(monkeypatch):
    """Over every number that could be drawn, ``part`` of ``whole`` say yes; so do those of whole words."""
    drawn = iter(range(7))
    monkeypatch.setattr("secrets.randbelow", lambda bound: next(drawn) if bound == 7 else None)
    assert sum(client.SYSTEM.chance(3, 7) for _ in range(7)) == 3
    monkeypatch.setattr(client, "WORDS", 16)
    told = [*range(16), *range(16)]
    monkeypatch.setattr(
        "secrets.token_bytes",
        lambda size: b"".join(told.pop(0).to_bytes(8, sys.byteorder) for _ in range(size // 8)),
    )
    # Of sixteen words, 14 and 15 would favour 0 and 1: they are drawn again.
    said = client.SYSTEM.chances(3, 7, 28)
    assert len(said) == 28
    assert sum(said) == 12


def test_two_clients_and_two_reports_of_one_are_drawn_anew():
    asked = survey("optimised-unary", "1", [f"v{number}" for number in range(128)])
    answers = {client.Client(asked).report("v1")["answer"] for _ in range(4)}
    assert len(answers) == 4


def test_the_file_names_no_package_and_runs_alone(tmp_path):
    tree = ast.parse(SOURCE, feature_version=(3, 9))
    named = {
        each.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for each in node.names
    }
    named |= {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert named <= sys.stdlib_module_names
    (tmp_path / "local_client.py").write_text(SOURCE)
    (tmp_path / "survey.json").write_text(json.dumps(record("randomised-response")))
    command = [sys.executable, "-I", "-S", "-W", "error", "local_client.py", "survey.json"]

    def run(value, *more):
        return subprocess.run(
            [*command, *more], cwd=tmp_path, input=value, capture_output=True, text=True, check=False
        )

    report = json.loads(run("a\n").stdout)
    assert report["survey"] == digest(record("randomised-response"))[:32]
    assert report["answer"] in range(3)
    first, second = (run("a\n", "--state", "told.json") for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 3)
    assert second.stderr == "refused: this person gave the 1 that the survey allows\n"
    unknown = run("elsewhere\n")
    assert (unknown.returncode, unknown.stdout) == (3, "")
    assert "elsewhere" not in unknown.stderr
    assert run("a\n", "--wrong").returncode == 2
    broken = subprocess.run(
        [*command[:3], "-X", "utf8", *command[3:]],
        cwd=tmp_path,
        input=b"\xff\n",
        capture_output=True,
        check=False,
    )
    assert (broken.returncode, broken.stderr.count(b"\n")) == (3, 1)


# What came after Python 3.9 and would be easy to use: each was looked for in the text by hand, too.
NEWER = (
    "bit_count",
    "slots=",
    "strict=",
    "match ",
    "TypeAlias",
    "ParamSpec",
    "pairwise",
    "datetime.UTC",
    "Self",
)


def test_the_file_uses_nothing_newer_than_python_3_9():
    assert [word for word in NEWER if word in SOURCE] == []
    tree = ast.parse(SOURCE, feature_version=(3, 9))
    unions = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance"
        for part in ast.walk(node)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitOr)
    ]
    assert unions == []


BAD = {
    "no object": [],
    "epsilon zero": record("unary", "0"),
    "epsilon negative": record("unary", "-1"),
    "epsilon NaN": record("unary", "NaN"),
    "epsilon huge": record("unary", "1e9"),
    "epsilon beyond ten": record("unary", "10.000001"),
    "epsilon tiny": record("unary", "0.009999"),
    "epsilon a number": record("unary", "1") | {"epsilon": 1},
    "empty domain": record("unary", domain=()),
    "one value": record("unary", domain=("a",)),
    "value twice": record("unary", domain=("a", "a")),
    "value no text": record("unary", domain=("a", 1)),
    "value with a line break": record("unary", domain=("a", "b\n")),
    "value not Unicode": record("unary", domain=("a", "\ud800")),
    "other elsewhere": record("unary", other="z"),
    "other of a sketch": record("count-mean-sketch", other="z"),
    "mechanism unknown": record("unary") | {"mechanism": "laplace"},
    "a field too many": record("unary", rows=16),
    "a field too few": {name: value for name, value in record("unary").items() if name != "reports"},
    "reports none": record("unary", reports=0),
    "reports true": record("unary", reports=True),
    "memoise a word": record("unary", memoise="yes"),
    "blocks no power": record("hadamard", blocks=3),
    "blocks too many": record("hadamard", blocks=4),
    "buckets no power": record("count-mean-sketch", buckets=100),
    "rows too few": record("count-mean-sketch", rows=1),
    "seed short": record("count-mean-sketch", seed="5e"),
    "name with blanks": record("unary") | {"name": "a b"},
    "format other": record("unary") | {"format": "hedgerow/local-survey/v2"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_survey_that_promises_what_the_client_cannot_keep_is_refused(bad):
    with pytest.raises(client.Refusal) as refused:
        client.Survey(bad)
    assert refused.value.kind == "survey"


def test_the_value_for_all_others_stands_for_them():
    asked = survey("randomised-response", "1", other="c")
    assert exact(asked, "never named") == exact(asked, "c")
    with pytest.raises(client.Refusal):
        client.randomise(survey("randomised-response"), "never named")


def test_a_survey_is_told_by_all_that_it_says():
    one, other = record("randomised-response"), record("randomised-response", "1.1")
    assert client.Survey(one).id != client.Survey(other).id
    assert client.Survey(one).id == client.Survey(json.loads(json.dumps(one, indent=3))).id
    assert client.Survey(one).id == digest(one)[:32]


def test_a_hadamard_answer_of_a_value_lies_in_its_half_with_the_stated_odds():
    asked = survey("hadamard", "2", [str(number) for number in range(11)], blocks=4)
    for value in asked.domain:
        chances = exact(asked, value)
        assert len(chances) == asked.blocks * asked.width == 16
        likely = [int(answer) for answer, chance in chances.items() if chance == max(chances.values())]
        assert len(likely) == asked.width // 2
        assert {answer // asked.width for answer in likely} == {asked.place(value) % 4}
    assert math.isclose(float(worst_odds(asked)), math.exp(2), rel_tol=1e-9)
