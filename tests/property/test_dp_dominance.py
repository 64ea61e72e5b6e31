"""Proves, by exhaustion over small cases, what the accounting of discrete Laplace noise rests on.

Hockey-stick divergences of the exact distributions are compared: a dominated pair is never above, at any
epsilon. The argument for every case stands in docs/adr/0021.
"""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=40, deadline=None)
decay = st.floats(min_value=0.02, max_value=0.98)


def losses(a: float, steps: int) -> list[tuple[float, float]]:
    """Give loss and chance under the moved table, of noise with mass as ``a ** |x|``, moved by ``steps``.

    The noisy value is seen at or beyond the moved one (no step lost), or so many steps short of it.
    """
    short = [1 / (1 + a)] + [a**k * (1 - a) / (1 + a) for k in range(1, steps)] + [a**steps / (1 + a)]
    return [(-math.log(a) * (steps - 2 * k), chance) for k, chance in enumerate(short)]


def together(*parts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [
        (sum(loss for loss, _ in each), math.prod(chance for _, chance in each))
        for each in itertools.product(*parts)
    ]


def above(distribution: list[tuple[float, float]], epsilon: float) -> float:
    """Compute the delta at an epsilon."""
    return sum(chance * -math.expm1(epsilon - loss) for loss, chance in distribution if loss > epsilon)


def is_dominated(worse: list[tuple[float, float]], better: list[tuple[float, float]]) -> bool:
    """Tell whether one is never above the other; both are piecewise smooth between these epsilons."""
    tried = sorted({max(0.0, loss + move) for loss, _ in [*worse, *better] for move in (-1e-3, 0, 1e-3)})
    return all(above(better, each) <= above(worse, each) + 1e-12 for each in tried)


def test_the_distribution_is_that_of_the_noise():
    """Summed over the outcomes themselves, far into the tails."""
    a, steps = 0.7, 3
    direct: dict[float, float] = {}
    for x in range(-200, 203):
        p, q = ((1 - a) / (1 + a) * a ** abs(x - moved) for moved in (steps, 0))
        loss = round(math.log(p / q), 9)
        direct[loss] = direct.get(loss, 0) + p
    told = dict(losses(a, steps))
    assert sorted(direct) == pytest.approx(sorted(told), abs=1e-8)
    assert [direct[k] for k in sorted(direct)] == pytest.approx([told[k] for k in sorted(told)])


@QUICK
@given(decay, st.integers(1, 5), st.integers(1, 5))
def test_a_move_in_one_place_tells_more_than_the_same_move_spread_over_two(a, here, there):
    assert is_dominated(losses(a, here + there), together(losses(a, here), losses(a, there)))


@QUICK
@given(decay, st.integers(1, 8))
def test_a_smaller_move_tells_less(a, steps):
    assert is_dominated(losses(a, steps + 1), losses(a, steps))


@QUICK
@given(decay, st.integers(1, 6), st.floats(min_value=0.01, max_value=0.99))
def test_more_noise_tells_less(a, steps, share):
    assert is_dominated(losses(a, steps), losses(a**share, steps))


@QUICK
@given(st.floats(min_value=0.02, max_value=0.98), st.integers(1, 5), st.integers(2, 5))
def test_a_finer_lattice_tells_less(a, coarse, finer):
    assert is_dominated(losses(a, coarse), losses(a ** (1 / finer), coarse * finer))


def test_one_step_is_randomised_response():
    a = math.exp(-0.5)
    (most, often), (least, seldom) = losses(a, 1)
    assert (most, least) == pytest.approx((0.5, -0.5))
    assert (often, seldom) == pytest.approx((1 / (1 + a), a / (1 + a)))


def test_the_comparison_sees_a_difference():
    assert not is_dominated(losses(0.5, 2), losses(0.5, 3))
    assert not is_dominated(losses(0.5 ** (1 / 3), 6), losses(0.5, 2))
