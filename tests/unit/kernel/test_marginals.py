"""Proves the marginals: counted exactly, joined into sound trees, inferred as by brute force, drawn fairly.

The oracle is the joint table of a tiny domain, worked out cell by cell.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.marginals import (
    Measurement,
    candidates,
    cells_of,
    count_cells,
    draw_from,
    draw_rows,
    error_scores,
    estimated_rows,
    fit,
    junction_tree,
    propagate,
)

SIZES = (2, 3, 2, 3, 2)
FEW = settings(max_examples=40, deadline=None)
SETS = st.lists(
    st.sets(st.integers(0, 4), min_size=1, max_size=3).map(lambda s: tuple(sorted(s))), max_size=6
)
ROWS = st.lists(st.tuples(*(st.integers(0, size - 1) for size in SIZES)), max_size=12)


def coded(rows):
    return np.array(rows, dtype=np.int32).reshape(len(rows), len(SIZES))


def joint_of(tree, potentials):
    """Multiply all potentials out over every cell of the domain."""
    joint = np.zeros(SIZES)
    for cell in product(*map(range, SIZES)):
        joint[cell] = sum(
            potential[tuple(cell[each] for each in branch.clique)]
            for branch, potential in zip(tree.branches, potentials, strict=True)
        )
    joint = np.exp(joint - joint.max())
    return joint / joint.sum()


def summed(joint, attributes):
    return joint.sum(axis=tuple(each for each in range(len(SIZES)) if each not in attributes))


@FEW
@given(ROWS, SETS)
def test_counts_are_those_of_plain_python(rows, sets):
    for attributes in sets:
        counts = count_cells(coded(rows), SIZES, attributes)
        for cell in product(*(range(SIZES[each]) for each in attributes)):
            assert counts[cell] == sum(tuple(row[each] for each in attributes) == cell for row in rows)


@FEW
@given(SETS)
def test_a_tree_holds_what_was_measured_and_each_attribute_hangs_together(sets):
    tree = junction_tree(SIZES, sets)
    assert all(tree.home_of(attributes) is not None for attributes in sets)
    assert {each for branch in tree.branches for each in branch.clique} == set(range(len(SIZES)))
    for place, branch in enumerate(tree.branches):
        earlier = {each for other in tree.branches[:place] for each in other.clique}
        assert branch.parent < max(place, 1)
        assert set(branch.clique) & earlier == set(branch.separator)
        if place:
            assert set(branch.separator) <= set(tree.branches[branch.parent].clique)


@FEW
@given(SETS, st.integers(0, 2**32))
def test_inference_is_that_of_the_joint_table(sets, seed):
    tree, draw = junction_tree(SIZES, sets), np.random.default_rng(seed)
    potentials = [draw.normal(0, 2, [SIZES[each] for each in branch.clique]) for branch in tree.branches]
    joint, beliefs = joint_of(tree, potentials), propagate(tree, potentials)
    for branch, chances in zip(tree.branches, beliefs.cliques, strict=True):
        assert chances == pytest.approx(summed(joint, branch.clique), abs=1e-12)
    for attributes in ((0,), (0, 4), (1, 3), (0, 2, 4), (1, 2, 3), (0, 1, 2, 3, 4)):
        assert beliefs.marginal(attributes) == pytest.approx(summed(joint, attributes), abs=1e-12)


def proportional(targets, steps=400):
    """Fit the joint table by iterative proportional fitting: the distribution of most entropy."""
    joint = np.full(SIZES, 1 / np.prod(SIZES))
    for _ in range(steps):
        for attributes, wanted in targets.items():
            shape = [SIZES[each] if each in attributes else 1 for each in range(len(SIZES))]
            joint = joint * (wanted / summed(joint, attributes)).reshape(shape)
    return joint


@pytest.mark.parametrize(
    "sets", [((0, 1), (1, 2), (2, 3)), ((0, 1), (1, 2), (0, 2), (3, 4)), ((0, 1, 3), (3, 4))]
)
def test_a_fit_to_exact_marginals_is_the_distribution_of_most_entropy(sets):
    truth = np.random.default_rng(5).dirichlet(np.ones(np.prod(SIZES))).reshape(SIZES)
    targets = {attributes: summed(truth, attributes) for attributes in sets}
    measured = [Measurement(attributes, 1000 * wanted, 1.0) for attributes, wanted in targets.items()]
    model = fit(SIZES, measured, steps=3000)
    assert model.rows == pytest.approx(1000)
    expected = proportional(targets)
    for attributes in ((0, 1), (1, 3), (0, 4), (1, 2, 3)):
        assert model.beliefs.marginal(attributes) == pytest.approx(summed(expected, attributes), abs=2e-4)


def test_what_was_measured_with_less_noise_counts_more():
    exact, loud = np.array([900.0, 100.0]), np.array([500.0, 500.0])
    model = fit((2,), [Measurement((0,), exact, 1.0), Measurement((0,), loud, 100.0)])
    assert model.beliefs.marginal((0,)) == pytest.approx([0.9, 0.1], abs=1e-3)


def test_a_later_fit_goes_on_from_an_earlier_one():
    one = Measurement((0,), np.array([70.0, 30.0]), 1.0)
    two = Measurement((0, 1), np.array([[40.0, 20, 10], [10, 10, 10]]), 1.0)
    before = fit(SIZES, [one])
    after = fit(SIZES, [one, two], before=before, steps=500)
    assert after.expected((0, 1)) == pytest.approx(two.counts, abs=0.1)


def test_an_impossible_cell_has_no_chance_and_is_never_drawn():
    noisy = [Measurement((0, 1), np.array([[40.0, 20, 5], [10, 10, 5]]), 1.0)]
    model = fit(SIZES, noisy, impossible=[(1, 2)])
    model = fit(
        SIZES, [*noisy, Measurement((1, 3), np.full((3, 3), 9.0), 1.0)], impossible=[(1, 2)], before=model
    )
    assert model.beliefs.marginal((1,))[2] == 0
    assert 2 not in draw_rows(model.beliefs, 5, 2000)[:, 1]


def test_rows_are_estimated_by_least_variance():
    told = [Measurement((0,), np.array([60.0, 40.0]), 1.0), Measurement((1,), np.array([0.0, 0, 0]), 1e6)]
    assert estimated_rows(told) == pytest.approx(100)
    assert estimated_rows([Measurement((0,), np.array([-5.0, -5.0]), 1.0)]) == 1


@FEW
@given(ROWS, ROWS, st.integers(0, 2**32))
def test_rows_that_come_move_each_score_by_at_most_themselves(rows, more, seed):
    draw = np.random.default_rng(seed)
    sets = candidates(SIZES, [(0, 1), (1, 2)])
    believed = {each: draw.uniform(0, 5, [SIZES[a] for a in each]) for each in sets}
    weights = {each: len(each) for each in sets}

    def scores(table):
        exact = {each: count_cells(coded(table), SIZES, each) for each in sets}
        return error_scores(exact, believed, SIZES, weights, 2.5)

    moved = [abs(a - b) for a, b in zip(scores(rows), scores([*rows, *more]), strict=True)]
    assert max(moved) <= len(more) * max(weights.values())
    assert all(each <= len(more) * weights[a] for each, a in zip(moved, sets, strict=True))


def test_one_row_can_move_a_score_by_its_whole_weight():
    believed = {(0, 1): np.zeros((2, 3))}
    tables = [coded([(0, 0, 0, 0, 0)] * count) for count in (3, 4)]
    scored = [
        error_scores({(0, 1): count_cells(table, SIZES, (0, 1))}, believed, SIZES, {(0, 1): 7}, 1.0)[0]
        for table in tables
    ]
    assert scored[1] - scored[0] == 7


def test_candidates_keep_cells_and_cliques_small():
    sizes = (10, 10, 10, 10)
    assert len(candidates(sizes, [])) == 6
    assert (0, 1, 2) in candidates(sizes, [(0, 1)])
    assert not any(len(each) == 3 for each in candidates(sizes, [(0, 1)], cells=500))
    # A fourth edge would close a ring, whose cliques are triples.
    ring = candidates(sizes, [(0, 1), (1, 2), (2, 3)], clique=500)
    assert (0, 3) not in ring
    assert cells_of(sizes, (0, 3)) == 100


def test_rows_are_drawn_as_the_distribution_says():
    model = fit(
        SIZES,
        [
            Measurement((0, 1), np.array([[400.0, 200, 50], [100, 100, 150]]), 1.0),
            Measurement((1, 2), np.array([[450.0, 50], [100, 200], [150, 50]]), 1.0),
        ],
        steps=1000,
    )
    count = 20_000
    rows = draw_rows(model.beliefs, 5, count)
    for attributes in ((0, 1), (1, 2), (0, 2), (3,)):
        seen = count_cells(rows, SIZES, attributes) / count
        # Six deviations of a share of one half: fewer than one false alarm in 10**9.
        assert np.abs(seen - model.beliefs.marginal(attributes)).max() < 6 * 0.5 / np.sqrt(count)


def test_draws_of_one_state_fill_the_interval_evenly():
    table = np.array([[0.25, 0.75], [1.0, 0.0], [0.0, 0.0]])
    states = np.repeat([0, 1, 2], [400, 30, 400])
    drawn = draw_from(table, states)
    assert abs(int((drawn[:400] == 0).sum()) - 100) <= 1
    assert not drawn[400:430].any()
    assert abs(int((drawn[430:] == 0).sum()) - 200) <= 1
    assert not np.array_equal(np.sort(drawn[:400]), drawn[:400]), "in random order"
