"""Proves that the decoder is unbiased and that its intervals hold as often as they say.

Unbiasedness is exact: the decoder is given what reports say on average. Coverage is simulated with fixed
seeds, 40 rounds of one survey each: with true coverage of 95% more than 7 rounds miss with a chance below
0.001, and there are six such tests, so that one choice of seeds in 150 would fail. Faults planted in client
or decoder are caught by the same two checks.
"""

from __future__ import annotations

import json
import math
import random
import sys
import types
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.local_world import Branching, exact, survey

from hedgerow.kernel.local import Tally, client, estimate, forecast, is_answer
from hedgerow.kernel.local.drafting import Wish, draft
from hedgerow.kernel.local.tally import outputs_of
from hedgerow.model.errors import CallerError

ESTIMATE = Path(client.__file__).with_name("estimate.py").read_text(encoding="utf-8")
DOMAIN = ("a", "b", "c", "d", "e")
ROUNDS, MOST_MISSED = 40, 7
LEVEL = Fraction(95, 100)
KINDS = {
    "randomised-response": {},
    "unary": {},
    "optimised-unary": {},
    "hadamard": {"blocks": 2},
    "hadamard of one block": {"blocks": 1},
    "count-mean-sketch": {"rows": 16, "buckets": 16},
}


def asked_by(kind, seed=0, epsilon="2"):
    """Make the survey of a kind."""
    mechanism, more = kind.split(" ")[0], dict(KINDS[kind])
    if mechanism == "count-mean-sketch":
        more["seed"] = random.Random(seed).randbytes(32).hex()
    return survey(mechanism, epsilon, DOMAIN, **more)


class Seeded(Branching):
    """A source with a seed, for simulations only."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, part, whole):
        return self.random.randrange(whole) < part

    def below(self, bound):
        return self.random.randrange(bound)


def decoder(**replacements):
    """Load the decoder, its text changed where a mistake shall be planted."""
    text = ESTIMATE
    for old, new in replacements.values():
        assert old in text, old
        text = text.replace(old, new)
    module = types.ModuleType("changed_estimate")
    module.__dict__["__name__"] = "hedgerow.kernel.local.changed_estimate"
    sys.modules[module.__name__] = module
    exec(compile(text, "changed_estimate", "exec"), module.__dict__)  # noqa: S102 - the project's own text
    return module.estimate


def average(kind, value, people=10**12):
    """Give the tally of so many holders of one value, at what reports say on average."""
    asked = asked_by(kind)
    tally = Tally(asked)
    tally.people = people
    tally.of_row[0] = people
    for text, chance in exact(asked, value).items():
        answer = json.loads(text)
        if isinstance(answer, int):
            tally.counts[0, answer] = round(chance * people)
        else:
            bits = np.unpackbits(np.frombuffer(bytes.fromhex(answer), np.uint8), count=outputs_of(asked))
            tally.counts[0] += bits.astype(np.int64) * round(chance * people)
    return tally


def bias(kind, decode):
    """Compute the greatest error of the decoder on average tallies, as a share of the people."""
    worst = 0.0
    for value in DOMAIN:
        tally = average(kind, value)
        found = decode(tally, confidence=LEVEL)
        truth = np.array([float(each == value) for each in DOMAIN])
        worst = max(worst, float(np.abs(np.array(found.counts) / tally.people - truth).max()))
    return worst


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "count-mean-sketch"])
def test_what_reports_say_on_average_decodes_to_the_truth(kind):
    assert bias(kind, estimate) < 1e-9


def test_a_sketch_of_equals_decodes_to_the_truth_whatever_collides():
    """Every holder counts fully in each row; a stranger counts as often as rows collide, less the average."""
    asked = asked_by("count-mean-sketch")
    tally = Tally(asked)
    people = 2 * 10**9
    other = Fraction(client.ONE, asked.odds + client.ONE)
    for row in range(asked.rows):
        tally.of_row[row] = people
        tally.counts[row] = round(people * other)
        tally.counts[row, asked.bucket(row, "a")] = people // 2
    tally.people = people * asked.rows
    found = estimate(tally, ["a", "b"], confidence=LEVEL)
    assert math.isclose(found.counts[0], tally.people, rel_tol=1e-6)
    met = sum(asked.bucket(row, "a") == asked.bucket(row, "b") for row in range(asked.rows)) / asked.rows
    expected = (met - 1 / asked.buckets) * asked.buckets / (asked.buckets - 1)
    assert math.isclose(found.counts[1] / tally.people, expected, abs_tol=1e-6)


HOLDERS = {"a": 260, "b": 90, "c": 40, "d": 10, "e": 0}


def missed(kind, decode=estimate, source=Seeded, holders=HOLDERS, *, is_joint=True):
    """Count the rounds in which an interval misses; without ``is_joint``, the intervals that miss."""
    misses = 0
    for seed in range(ROUNDS):
        asked, tally = asked_by(kind, seed), None
        tally = Tally(asked)
        chances = source(1000 + seed)
        tally.add(
            [client.randomise(asked, value, chances) for value, many in holders.items() for _ in range(many)]
        )
        found = decode(tally, DOMAIN, confidence=LEVEL, is_joint=is_joint)
        outside = [
            not low <= holders[value] <= high
            for value, low, high in zip(found.values, found.low, found.high, strict=True)
        ]
        misses += any(outside) if is_joint else sum(outside)
    return misses


@pytest.mark.parametrize("kind", KINDS)
def test_all_intervals_hold_together_as_often_as_they_say(kind):
    assert missed(kind) <= MOST_MISSED


def test_single_intervals_are_neither_too_wide_nor_too_narrow():
    """Of 200 intervals 10 miss on average; 2 to 24 do but for a chance below 0.005, dependence left aside."""
    assert 2 <= missed("randomised-response", is_joint=False) <= 24


DIVISORS = {
    "randomised-response": ("people * other) / (own - other)", "people * other) / own"),
    "optimised-unary": ("people * other) / (own - other)", "people * other) / (own + other)"),
    "hadamard": ("gain = float(half * (own - other))", "gain = float(half * own)"),
}


@pytest.mark.parametrize(("kind", "mistake"), DIVISORS.items(), ids=DIVISORS)
def test_a_wrong_divisor_is_caught(kind, mistake):
    assert bias(kind, decoder(mistake=mistake)) > 0.01


SPREADS = {
    "unary": ("return counts, spread / (own - other) ** 2", "return counts, spread"),
    "hadamard": ("return counts, spread / gain**2", "return counts, spread * gain**2"),
    "count-mean-sketch": ("spread * stretch**2", "spread / survey.rows"),
}


@pytest.mark.parametrize(("kind", "mistake"), SPREADS.items(), ids=SPREADS)
def test_a_wrong_variance_is_caught(kind, mistake):
    assert missed(kind, decoder(mistake=mistake)) > MOST_MISSED


class SameForAll(Seeded):
    """The mistake of a seed that everybody shares: each person's draws are the same."""

    def chance(self, part, whole):
        return whole // 3 < part

    def below(self, bound):
        return bound // 3


@pytest.mark.parametrize("kind", ["randomised-response", "unary", "hadamard"])
def test_randomness_that_everybody_shares_is_caught(kind):
    assert missed(kind, source=SameForAll) > MOST_MISSED


def test_a_sketch_of_one_row_for_everybody_is_refused():
    with pytest.raises(CallerError) as refused:
        missed("count-mean-sketch", source=SameForAll)
    assert refused.value.code == "local.too-few"


def test_the_forecast_is_that_of_the_literature():
    """Variances of a rare value's count: Wang, Blocki, Li, Jha 2017; Acharya, Sun, Zhang 2019."""
    people, e = 10_000, math.exp(1.5)
    domain = [str(number) for number in range(20)]

    def variance(mechanism, **more):
        return forecast(survey(mechanism, "1.5", domain, **more), people).error ** 2 / people

    assert math.isclose(variance("randomised-response"), (20 - 2 + e) / (e - 1) ** 2, rel_tol=1e-6)
    assert math.isclose(variance("unary"), math.sqrt(e) / (math.sqrt(e) - 1) ** 2, rel_tol=1e-6)
    assert math.isclose(variance("optimised-unary"), 4 * e / (e - 1) ** 2, rel_tol=1e-6)
    assert math.isclose(variance("hadamard", blocks=1), ((e + 1) / (e - 1)) ** 2, rel_tol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_forecast_is_what_reports_then_show(kind):
    """Of 400 people, 40 rounds: the spread of a rare value's estimates is within 40% of the forecast."""
    few = {"a": 100, "b": 100, "c": 100, "d": 100, "e": 0}
    found = []
    for seed in range(ROUNDS):
        asked = asked_by(kind, seed)
        tally, chances = Tally(asked), Seeded(seed)
        tally.add(
            [client.randomise(asked, value, chances) for value, many in few.items() for _ in range(many)]
        )
        found.append(estimate(tally, ["e"], confidence=LEVEL).counts[0])
    told = forecast(asked_by(kind), 400)
    assert (
        0.6 * told.error < np.sqrt(np.mean(np.square(found))) < 1.4 * math.hypot(told.error, told.collisions)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_one_report_moves_a_count_by_as_much_as_is_told(kind):
    asked, before = asked_by(kind), Tally(asked_by(kind))
    before.add([client.randomise(asked, "a", Seeded(seed)) for seed in range(6)])
    if asked.mechanism == "count-mean-sketch":
        before.add([[row, "0000"] for row in range(16)])
        lies = [[row, bits] for row in range(16) for bits in ("0000", "ffff")]
    else:
        lies = [json.loads(text) for text in exact(asked, "a")]
    base, moved = estimate(before, DOMAIN, confidence=LEVEL).counts, 0.0
    for lie in lies:
        after = Tally(asked)
        after.counts, after.of_row, after.people = before.counts.copy(), before.of_row.copy(), before.people
        after.add([lie])
        found = estimate(after, DOMAIN, confidence=LEVEL).counts
        moved = max(moved, *(abs(one - other) for one, other in zip(found, base, strict=True)))
    assert math.isclose(moved, forecast(asked, 100).influence, rel_tol=1e-6)


def test_collisions_are_as_large_as_is_told():
    """Of 400 seeds: how often a stranger meets everybody's value, spread within 20% of the forecast."""
    met = []
    for seed in range(400):
        asked = asked_by("count-mean-sketch", seed)
        met.append(np.mean([asked.bucket(row, "a") == asked.bucket(row, "e") for row in range(asked.rows)]))
    spread = np.std((np.array(met) - 1 / 16) * 16 / 15)
    assert 0.8 < spread / (forecast(asked, 1000).collisions / 1000) < 1.2


@pytest.mark.parametrize("epsilon", ["0.5", "1", "2", "3", "4", "6"])
def test_the_blocks_that_are_chosen_have_about_the_least_error(epsilon):
    domain = [str(number) for number in range(300)]

    def error(blocks):
        return forecast(survey("hadamard", epsilon, domain, blocks=blocks), 1000).error

    chosen = draft(Wish("x", epsilon, domain, "hadamard"), "")["blocks"]
    assert error(chosen) <= 1.05 * min(error(1 << power) for power in range(9))


@pytest.mark.parametrize(
    ("kind", "quantile"), [("randomised-response", 1.95996), ("count-mean-sketch", 2.13145)]
)
def test_an_interval_reaches_the_stated_quantile_on_either_side(kind, quantile):
    """Of the normal distribution, and of Student's with 15 degrees: 97.5% lie below."""
    asked = asked_by(kind)
    tally, chances = Tally(asked), Seeded(2)
    tally.add([client.randomise(asked, value, chances) for value in "ab" * 300])
    found = estimate(tally, ["a"], confidence=LEVEL, is_joint=False)
    assert math.isclose(found.high[0] - found.counts[0], quantile * found.errors[0], rel_tol=1e-4)
    assert math.isclose(found.counts[0] - found.low[0], quantile * found.errors[0], rel_tol=1e-4)


@pytest.mark.parametrize(
    ("degrees", "tail", "known"),
    [
        (1, 0.025, 12.706),
        (2, 0.025, 4.303),
        (9, 0.025, 2.262),
        (30, 0.025, 2.042),
        (10, 0.0005, 4.587),
        (63, 0.025, 1.998),
    ],
)
def test_students_quantiles_are_those_of_the_tables(degrees, tail, known):
    """Any printed table of Student's distribution, three places."""
    from hedgerow.kernel.local.estimate import student_quantile

    assert abs(student_quantile(tail, degrees) - known) < 0.001


def test_the_transform_is_that_of_the_matrix():
    from hedgerow.kernel.local.estimate import walsh_hadamard

    lines = np.random.default_rng(1).integers(0, 100, (3, 8))
    matrix = np.array([[(-1) ** (row & column).bit_count() for column in range(8)] for row in range(8)])
    assert (walsh_hadamard(lines) == lines @ matrix).all()


@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 1000), size=st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_reports_count_the_same_one_by_one_and_together(kind, seed, size):
    asked, chances = asked_by(kind, seed), Seeded(seed)
    answers = [client.randomise(asked, DOMAIN[each % 5], chances) for each in range(size)]
    assert all(is_answer(asked, answer) for answer in answers)
    together, alone = Tally(asked), Tally(asked)
    together.add(answers)
    for answer in answers:
        alone.add([answer])
    assert (together.counts == alone.counts).all()
    assert (together.of_row == alone.of_row).all()
    if asked.mechanism == "count-mean-sketch":
        assert Counter(row for row, _ in answers) == Counter(
            {row: int(many) for row, many in enumerate(together.of_row) if many}
        )


def test_many_bits_are_counted_as_they_are():
    """More than a byte can sum to, in blocks and with a rest."""
    asked, rng = survey("unary", "1", [str(number) for number in range(11)]), np.random.default_rng(3)
    bits = rng.integers(0, 2, (2000, 11), dtype=np.uint8)
    bits[:, 0] = 1
    tally = Tally(asked)
    tally.add_bits(np.packbits(bits, axis=1), np.zeros(2000, dtype=np.int64))
    assert (tally.counts[0] == bits.sum(axis=0, dtype=np.int64)).all()


STRANGE = (
    None,
    True,
    1.5,
    -1,
    10**30,
    "",
    "zz",
    "ff" * 3,
    "FF",
    [],
    [0],
    [0, 1],
    ["0", "00"],
    [True, "0000"],
    [-1, "0000"],
    [16, "0000"],
    {"a": 1},
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_client_gives_is_no_answer(kind):
    asked = asked_by(kind)
    assert not [answer for answer in STRANGE if is_answer(asked, answer)]


@pytest.mark.parametrize("kind", ["unary", "optimised-unary"])
def test_bits_beyond_the_last_value_are_no_answer(kind):
    assert is_answer(asked_by(kind), "f8")
    assert not is_answer(asked_by(kind), "f9")


def test_fewer_than_two_reports_and_no_candidates_are_refused():
    for kind, code in (("randomised-response", "local.too-few"), ("count-mean-sketch", "local.too-few")):
        with pytest.raises(CallerError) as refused:
            estimate(Tally(asked_by(kind)), DOMAIN, confidence=LEVEL)
        assert refused.value.code == code
    tally = Tally(asked_by("count-mean-sketch"))
    tally.add([[0, "0000"], [1, "0000"]])
    with pytest.raises(CallerError) as refused:
        estimate(tally, confidence=LEVEL)
    assert refused.value.code == "local.no-candidates"
    tally = Tally(asked_by("unary"))
    tally.add(["00", "00"])
    with pytest.raises(CallerError) as refused:
        estimate(tally, ["z"], confidence=LEVEL)
    assert refused.value.code == "local.unknown-candidate"
