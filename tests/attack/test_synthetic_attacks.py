"""Attacks on synthetic tables: whose rows were in, and whether one person was.

Membership: an attacker holds candidates, half of whom were in the data, and a reference table of the
same population, and scores each by how much nearer the closest released record is than the closest of the
reference (shadow distance to the closest record). On a copy of the rows with one value in ten redrawn the
attack wins; on ours the area under its curve stays within six deviations of a coin (0.013 each for 1,000 and
1,000), so it fails a sound table in fewer than 1 of 10**8 runs.

Neighbours: the attacker knows everybody but one and adds up all that is measured in the best way there is.
Noise of rho tells the two tables apart at most as well as two normal distributions ``sqrt(2 * rho)``
deviations apart (Dong, Roth, Su 2022). Chances are bounded by Chernoff's inequality at 1e-9 each. Power:
noise of half its width, or three rows of a person where one was paid for, is refuted.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.kernel.marginals import count_cells
from hedgerow.model.words import ColumnType
from hedgerow.synthetic import Budget, declare, synthesise
from hedgerow.techniques.synthetic import making
from hedgerow.techniques.synthetic.fidelity import codes_of
from hedgerow.techniques.synthetic.plan import plan_synthesis, wish_of

WIDTH, KEYS, PEOPLE = 10, 12, 1_000
NAMES = tuple(f"c{place}" for place in range(WIDTH))
DECLARED = declare(max_rows=1, keys={name: list(range(KEYS)) for name in NAMES})


def population(draw, count):
    """Give people of a few kinds, each value their kind's or any."""
    kinds = draw.integers(0, KEYS, (5, WIDTH))
    own = kinds[draw.integers(0, 5, count)]
    return np.where(draw.random((count, WIDTH)) < 0.5, own, draw.integers(0, KEYS, (count, WIDTH)))


def nearest(candidates, released):
    """Count the values in which the closest released record differs."""
    return np.array([(released != each).sum(axis=1).min() for each in candidates])


def advantage(candidates, released, reference):
    """Give the area under the attack's curve; the first half of the candidates were in."""
    scores = nearest(candidates, reference) - nearest(candidates, released)
    inside, outside = scores[: len(scores) // 2], scores[len(scores) // 2 :]
    above = (inside[:, None] > outside[None, :]).mean()
    return above + (inside[:, None] == outside[None, :]).mean() / 2


@pytest.fixture(scope="module")
def people():
    everybody = population(np.random.default_rng(3), 3 * PEOPLE)
    return everybody[: 2 * PEOPLE], everybody[2 * PEOPLE :]


def test_membership_shows_in_a_copy_and_not_in_ours(people):
    candidates, reference = people
    members, draw = candidates[:PEOPLE], np.random.default_rng(4)
    redrawn = draw.integers(0, KEYS, members.shape)
    copy = np.where(draw.random(members.shape) < 0.1, redrawn, members)
    assert advantage(candidates, copy, reference) > 0.9
    table = pa.table({"who": np.arange(PEOPLE), **{n: members[:, at] for at, n in enumerate(NAMES)}})
    made, _ = synthesise(
        table, person="who", columns=NAMES, declaration=DECLARED, rows=PEOPLE, epsilon="1", delta="1e-6",
        budget=Budget.of("1", "1e-6"),
    )  # fmt: skip
    ours = np.stack([made.table.column(name).fill_null(-1).to_numpy() for name in NAMES], axis=1)
    assert abs(advantage(candidates, ours, reference) - 0.5) < 6 * 0.013


ANSWERS, ALARM = 3_000, 1e-9
SMALL = plan_synthesis(
    wish_of(("a", "b"), 10, "3", "1e-6"),
    declare(max_rows=1, keys={"a": [0, 1], "b": [0, 1]}),
    {"a": ColumnType.INTEGER, "b": ColumnType.INTEGER},
    "small",
)
SETS = ((0,), (1,), (0, 1))


def bound(seen, towards):
    """Bisect for the farthest chance that what was seen does not contradict."""
    near, far = seen, towards
    for _ in range(50):
        middle = (near + far) / 2
        parts = ((seen, middle), (1 - seen, 1 - middle))
        divergence = sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)
        near, far = (middle, far) if ANSWERS * divergence <= math.log(1 / ALARM) else (near, middle)
    return min(max(far, 1e-12), 1 - 1e-12)


def is_refuted(rows_of_one, width=1.0):
    """Attack all measurements of a table with one person and without, and tell whether they cost more."""
    with_one = np.zeros((20 + rows_of_one, 2), dtype=np.int32)
    tables, seen = (with_one, with_one[:20]), []
    weights = [SMALL.scale_alone**-2, SMALL.scale_alone**-2, SMALL.scale_together**-2]
    rhos = [SMALL.loss_alone, SMALL.loss_alone, SMALL.loss_together]
    exact = [[int(count_cells(table, SMALL.sizes, each).ravel()[0]) for each in SETS] for table in tables]
    middle = sum(w * (a + b) / 2 for w, a, b in zip(weights, *exact, strict=True))
    for counts in exact:
        total = np.zeros(ANSWERS)
        for count, weight, rho in zip(counts, weights, rhos, strict=True):
            # Wider or narrower noise is noise of another rho.
            noisy = making._noisy(np.full(ANSWERS, count), (0,), SMALL, rho / Fraction(width) ** 2)
            total += weight * noisy.counts
        seen.append(float(np.mean(total > middle)))
    normal = NormalDist()
    gap = normal.inv_cdf(bound(seen[0], 0.0)) - normal.inv_cdf(bound(seen[1], 1.0))
    return gap > math.sqrt(2 * sum(rhos))


def test_whether_one_person_was_in_is_told_no_better_than_paid_for():
    assert not is_refuted(1)


def test_noise_of_half_its_width_and_rows_beyond_the_bound_are_refuted():
    assert is_refuted(1, 0.5)
    assert is_refuted(3)


def test_rows_of_one_person_beyond_the_bound_do_not_count():
    table = pa.table({"who": [1] * 50 + [2], **{name: [0] * 51 for name in NAMES}})
    exact = making.Counter

    class Watched(exact):
        def __init__(self, codes, sizes):
            assert len(codes) == 2
            super().__init__(codes, sizes)

    making.Counter = Watched
    try:
        synthesise(
            table, person="who", columns=NAMES[:2], declaration=DECLARED, rows=5, epsilon="1", delta="1e-6",
            budget=Budget.of("1", "1e-6"),
        )  # fmt: skip
    finally:
        making.Counter = exact


def test_no_two_runs_draw_the_same_noise(people):
    members, names = people[0][:100, :3].astype(np.int32), NAMES[:3]
    plan = plan_synthesis(
        wish_of(names, 100, "1", "1e-6"), DECLARED, dict.fromkeys(names, ColumnType.INTEGER), "twice"
    )
    one, other = (making.make(members, replace(plan)) for _ in range(2))
    assert not np.array_equal(one.measurements[0].counts, other.measurements[0].counts)
    assert not np.array_equal(codes_of(one.numbers, plan.columns), codes_of(other.numbers, plan.columns))
