"""Proves that a running count releases each node of its tree once, with noise for all nodes a person is in.

The statistical tests stand on the bounds of the neighbours' tests (Chernoff at 1e-8 for each chance).
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.test_dp_neighbours import is_refuted

from hedgerow import dp
from hedgerow.kernel.noise import RunningCount, half_width, open_running
from hedgerow.kernel.noise import running as module
from hedgerow.model.budget import PureEvent, ZcdpEvent
from hedgerow.model.errors import CallerError, Refused

HUGE = Fraction(10**9)


def totals(run, numbers):
    found = []
    for number in numbers:
        run, total = run.step(number)
        found.append(total)
    return found


def nodes(numbers):
    """Tell the exact value of every node that is released, in the order of the steps."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "add_laplace", lambda values, *_: list(values))
        run = open_running(len(numbers), 1, HUGE)
        for number in numbers:
            run, _ = run.step(number)
            found.append(next(each for level, each in enumerate(run.noisy) if run.steps >> level & 1))
    return found


@given(numbers=st.lists(st.integers(-50, 50), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_totals_are_those_of_the_numbers(numbers):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "add_laplace", lambda values, *_: list(values))
        assert totals(open_running(len(numbers), 1, HUGE), numbers) == list(itertools.accumulate(numbers))


@given(
    numbers=st.lists(st.integers(-5, 5), min_size=1, max_size=33),
    changes=st.lists(st.tuples(st.integers(0, 32), st.integers(-3, 3)), max_size=4),
)
@settings(max_examples=40, deadline=None)
def test_a_person_moves_all_nodes_together_by_at_most_the_sensitivity(numbers, changes):
    others = list(numbers)
    for place, change in changes:
        others[place % len(others)] += change
    moved = sum(abs(a - b) for a, b in zip(numbers, others, strict=True))
    apart = [abs(a - b) for a, b in zip(nodes(numbers), nodes(others), strict=True)]
    pure, gaussian = (
        open_running(len(numbers), max(1, moved), HUGE, is_gaussian=kind) for kind in (False, True)
    )
    assert sum(apart) <= pure.sensitivity
    assert math.sqrt(sum(each**2 for each in apart)) <= gaussian.sensitivity


def test_a_node_is_released_once_and_one_of_each_step():
    assert nodes([1] * 8) == [1, 2, 1, 4, 1, 2, 1, 8]


@given(numbers=st.lists(st.integers(-5, 5), min_size=1, max_size=20))
@settings(max_examples=20, deadline=None)
def test_the_state_holds_each_number_in_one_noisy_node_of_each_level_and_no_exact_sum(numbers):
    """With noise of a million at each node nothing in the state is near a sum."""
    drawn = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            module, "add_laplace", lambda values, *_: [each + 10**6 * next(drawn) for each in values]
        )
        run = open_running(len(numbers), 1, HUGE)
        for number in numbers:
            run, _ = run.step(number)
    for level, growing in enumerate(run.growing):
        begun = run.steps >> level << level
        assert (growing - sum(numbers[begun:])) % 10**6 == 0
        assert growing > 10**5
    held = [each for each in run.noisy if each]
    assert all(each > 10**5 for each in held)
    noises = {round(each, -6) for each in (*held, *run.growing)}
    assert len(noises) == len(held) + len(run.growing)


@pytest.mark.parametrize("is_gaussian", [False, True])
def test_a_total_is_of_stored_noise(is_gaussian):
    """The total of step 6 is that of step 4 and a node of its own, and so has the noise of both."""
    run = open_running(8, 1, Fraction(1), is_gaussian=is_gaussian)
    for _ in range(4):
        run, fourth = run.step(0)
    kept = run.noisy
    run, _ = run.step(0)
    run, sixth = run.step(0)
    assert run.noisy[2] == kept[2] == fourth
    assert sixth == fourth + run.noisy[1]


def always_high(loss, answers=700):
    """How often the nodes of the first step all come out high, with and without a person there."""
    shares = []
    for first in (1, 0):
        hits = 0
        for _ in range(answers):
            run = open_running(4, 1, Fraction(loss))
            for number in (first, 0, 0, 0):
                run, total = run.step(number)
                # The totals of steps 1, 2 and 4 are one node each, and the first step is in all three.
                if total < 1 and run.steps != 3:
                    break
            else:
                hits += 1
        shares.append(hits / answers)
    return shares


def test_neighbours_are_not_told_apart_and_noise_for_one_level_is_refuted():
    assert not is_refuted(1, *always_high(1), 700)
    # Noise for one node instead of the three that a step is in: three times the loss.
    assert is_refuted(1, *always_high(3), 700)


@pytest.mark.parametrize("is_gaussian", [False, True])
def test_the_error_told_beforehand_holds(is_gaussian):
    runs, missed = 300, 0
    run = open_running(7, 2, Fraction(1, 2), is_gaussian=is_gaussian)
    for _ in range(runs):
        missed += abs(totals(run, [0] * 7)[-1]) > run.half_width(7)
    # 45 misses of 300 where at most 5 in 100 are told have a chance below 1e-9.
    assert missed < 45
    assert run.half_width() >= run.half_width(4)


def test_the_width_of_one_node_is_that_of_its_noise():
    run = open_running(1000, 1, Fraction(1))
    assert run.levels == 10
    assert run.half_width(512) == half_width(run.scale)
    assert run.half_width() == 10 * half_width(run.scale, Fraction(995, 1000))


def test_the_whole_cost_is_due_at_opening():
    run, left = dp.running_count(100, contribution=2, epsilon="0.5", budget=dp.Budget.of("0.75"))
    assert (run.cost, left.left) == (PureEvent(Fraction(1, 2)), Fraction(1, 4))
    assert open_running(3, 1, Fraction(1, 8), is_gaussian=True).cost == ZcdpEvent(Fraction(1, 8))
    for _ in range(100):
        run, _ = run.step(1)
    assert run.cost == PureEvent(Fraction(1, 2))
    with pytest.raises(CallerError) as caught:
        run.step(1)
    assert caught.value.code == "dp.run-over"
    with pytest.raises(Refused):
        dp.running_count(100, contribution=2, epsilon="0.5", budget=left)


@pytest.mark.parametrize("is_gaussian", [False, True])
def test_a_run_is_carried_on_from_its_text(is_gaussian):
    run = open_running(5, 1, Fraction(1, 3), is_gaussian=is_gaussian)
    for number in (123_456, 5, 7):
        run, _ = run.step(number)
    again = RunningCount.from_json(run.to_json())
    assert again == run
    assert again.to_json() == run.to_json()
    assert "123" not in repr(run)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"v2", b"v9"), (b'"steps":0', b'"steps":6'), (b'"noisy":[0', b'"noisy":[0,0'),
     (b'"noisy":[0', b'"noisy":["0"'), (b"1/3", b"-1/3"), (b'"horizon":5', b'"horizon":0')],
)  # fmt: skip
def test_a_text_that_was_changed_in_form_is_refused(old, new):
    with pytest.raises(CallerError) as caught:
        RunningCount.from_json(open_running(5, 1, Fraction(1, 3)).to_json().replace(old, new))
    assert caught.value.code == "dp.bad-run"


@pytest.mark.parametrize(
    ("horizon", "contribution", "loss"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (2**41, 1, 1)]
)
def test_bad_numbers_open_nothing(horizon, contribution, loss):
    with pytest.raises(CallerError):
        open_running(horizon, contribution, Fraction(loss))
