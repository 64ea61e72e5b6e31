"""Proves sparse vector private by exact chances, and finds its published mistakes by the same tester.

The chance of each output is summed over the threshold's noise, as in the proof, for all neighbours that
move a few numbers by one. That the product draws from these very chances is a statistical test: each observed
share is held to its chance by Chernoff's inequality at 1e-10, so that a run alarms falsely below once in 1e9.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import pytest

from hedgerow import dp
from hedgerow.kernel.noise import AboveThreshold, open_threshold
from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError, Refused

ONE = Fraction(1)


def weights(scale):
    """Chances of discrete Laplace noise, as far as a double can tell them."""
    if scale == 0:
        return {0: 1.0}
    a = math.exp(-1 / scale)
    reach = int(45 * scale)
    return {k: (1 - a) / (1 + a) * a ** abs(k) for k in range(-reach, reach + 1)}


def at_least(scale, bound):
    """The chance that noise is at least a bound."""
    if scale == 0:
        return float(bound <= 0)
    a = math.exp(-1 / scale)
    return a**bound / (1 + a) if bound > 0 else 1 - a ** (1 - bound) / (1 + a)


def _said(number, said, threshold, scale):
    reached = at_least(scale, threshold - number)
    if isinstance(said, bool):
        return reached if said else 1 - reached
    return weights(scale).get(said[0] - number, 0.0) * (said[0] >= threshold)


def chance(numbers, output, threshold, scales):
    """The chance of an output: yeses and noes, the last of which may be a number that is told."""
    total = 0.0
    for shift, first in weights(scales[0]).items():
        weight = first
        for number, said in zip(numbers, output, strict=True):
            weight = weight * _said(number, said, threshold + shift, scales[1])
        total += weight
    return total


def loss(scales, pairs, outputs, threshold=0):
    """The greatest logarithm of a ratio of chances over neighbours and outputs."""
    found = 0.0
    for one, other in pairs:
        for output in outputs(len(one)):
            a, b = (chance(each, output, threshold, scales) for each in (one, other))
            if max(a, b) > 1e-12:
                found = max(found, abs(math.log(a / b)) if min(a, b) > 0 else math.inf)
    return found


def outputs(yeses):
    """All outputs with at most so many yeses, stopped at the last."""

    def listed(length):
        for said in itertools.product([False, True], repeat=length):
            if sum(said) <= yeses and (sum(said) < yeses or said[-1]):
                yield said

    return listed


def split(length):
    """Neighbours whose first half falls while the second rises: what a no and a yes lose most by."""
    half = length // 2
    return [(0,) * length, (1,) * half + (-1,) * (length - half)]


PAIRS = [
    *(
        (one, other)
        for one in itertools.product([0, 1], repeat=3)
        for other in [(0, 1, 0), (1, 0, 1), (0, 0, 0)]
    ),
    tuple(split(4)),
    tuple(split(6)),
]


@pytest.mark.parametrize("yeses", [1, 2])
def test_no_output_tells_neighbours_apart_by_more_than_epsilon(yeses):
    scales = open_threshold(0, 1, ONE, yeses).scales
    assert 0.1 < loss(scales, PAIRS, outputs(yeses)) <= 1 + 1e-9


HALVES = [(False,) * 4 + (True,) * 4]
# Scales as published, for an epsilon of 1 and a sensitivity of 1, and neighbours that give each away.
MISTAKES = {
    "noise on numbers not for each yes (Lee and Clifton 2014)": ((4, 4 / 3), split(8), HALVES),
    "noise not for each yes, and no end (Chen and others 2015)": ((2, 2), split(8), HALVES),
    "no noise on numbers (Stoddard and others 2014)": ((2, 0), [(0, 1), (1, 0)], [(False, True)]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_published_mistake_is_found(mistake):
    scales, pair, said = MISTAKES[mistake]
    assert loss(scales, [tuple(pair)], lambda _: said) > 1.2


def test_half_the_noise_is_found():
    scales = tuple(each / 2 for each in open_threshold(0, 1, ONE).scales)
    assert loss(scales, PAIRS, outputs(1)) > 1.2


def test_telling_the_number_that_reached_the_threshold_is_found():
    # Noes by numbers just below what the told number gives away of the threshold (Roth 2011).
    numbers, others = (0,) * 8 + (1,), (1,) * 8 + (0,)
    found = loss((2, 4), [(numbers, others)], lambda n: [(False,) * (n - 1) + ((0,),)])
    assert found > 1.2


def divergence(seen, true):
    parts = ((seen, true), (1 - seen, 1 - true))
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)


def test_the_run_draws_from_these_chances():
    numbers, threshold, runs = (0, 3, 1), 2, 1500
    seen = Counter()
    for _ in range(runs):
        run, said = open_threshold(threshold, 1, Fraction(4), 2), []
        for number in numbers:
            if not run.is_over:
                run, answer = run.step(number)
                said.append(answer)
        seen[tuple(said)] += 1
    for output in {*seen, (True, True), (False, True, True), (False, False, False)}:
        expected = chance(numbers[: len(output)], output, threshold, run.scales)
        assert runs * divergence(seen[output] / runs, expected) < math.log(2e10), output


def test_the_whole_cost_is_due_at_opening_and_exact():
    run, left = dp.above_threshold(10, sensitivity=3, epsilon="0.5", budget=dp.Budget.of("2"), yeses=4)
    assert left.left == Fraction(3, 2)
    assert sum(run.shares) == Fraction(1, 2)
    assert run.cost == PureEvent(Fraction(1, 2))
    for _ in range(4):
        run, answer = run.step(10**6)
        assert answer is True
    assert run.cost == PureEvent(Fraction(1, 2))
    with pytest.raises(CallerError) as caught:
        run.step(10**6)
    assert caught.value.code == "dp.run-over"
    with pytest.raises(Refused):
        dp.above_threshold(10, sensitivity=1, epsilon="3", budget=left)


def test_far_from_the_threshold_the_answer_is_right():
    run = open_threshold(1000, 1, ONE, 3)
    away = run.margin(100, 1 - Fraction(1, 10**9))
    for number in range(100):
        if run.is_over:
            break
        run, answer = run.step(1000 + (away if number % 30 == 29 else -away - 1))
        assert answer is (number % 30 == 29)
    assert run.told == 3


def test_a_run_is_carried_on_from_its_text_and_shows_no_secret():
    run = open_threshold(7, 2, Fraction(1, 3), 2)
    text = run.to_json()
    assert AboveThreshold.from_json(text) == run
    assert "noisy" not in repr(run)
    assert text == run.to_json()


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"v1", b"v2"), (b'"told":0', b'"told":9'), (b'"told":0', b'"told":0.0'), (b'"told":0', b'"old":0'),
     (b'"told":0', b'"told":true'), (b"1/3", b"0/3"), (b"1/3", b"1/0"), (b"{", b"[")],
)  # fmt: skip
def test_a_text_that_was_changed_in_form_is_refused(old, new):
    with pytest.raises(CallerError) as caught:
        AboveThreshold.from_json(open_threshold(7, 2, Fraction(1, 3), 2).to_json().replace(old, new))
    assert caught.value.code == "dp.bad-run"


@pytest.mark.parametrize(
    ("sensitivity", "epsilon", "yeses"), [(0, 1, 1), (1, 0, 1), (1, -1, 1), (1, 1, 0), (1, 1, 10**6)]
)
def test_bad_numbers_open_nothing(sensitivity, epsilon, yeses):
    with pytest.raises(CallerError):
        open_threshold(0, sensitivity, Fraction(epsilon), yeses)
