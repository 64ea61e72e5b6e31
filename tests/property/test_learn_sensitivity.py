"""Adding or removing a person changes the exact sums of training by at most the stated L2 sensitivity.

The sums are compared as whole numbers of Python. Tables hold extreme values, duplicates, people with many
rows and people with none; weights go up to what only a diverging run would have. Each bound is broken on
purpose.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.techniques.dp_train import moments, sums
from hedgerow.techniques.dp_train.chances import chance_steps, wanted_steps
from hedgerow.techniques.dp_train.declared import scaling
from hedgerow.techniques.dp_train.moments import STATISTICS_BOUND, UNIT, statistics
from hedgerow.techniques.dp_train.sums import GRADIENT_UNIT, bounded_sum, scores, whole_rows

MODEST = settings(max_examples=40, deadline=None)
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, 1.7976931348623157e308, 0.1, 3.0]),
)
BOUNDS = [(-1, 1), (0, 1), (2, 7), (-1e150, 1e150), (3, 3)]


@st.composite
def tables(draw):
    """Draw features, targets, and who each row is about; the last person is the one who comes and goes."""
    rows, width = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    features = [[draw(VALUES) for _ in range(width)] for _ in range(rows)]
    if draw(st.booleans()):
        features = features + features[:1] * 3
    people = [draw(st.integers(0, 3)) for _ in features[:-1]] + [4]
    bounds = [draw(st.sampled_from(BOUNDS)) for _ in range(width)]
    norm = draw(st.sampled_from([None, 1.0, 1.5]))
    return np.array(features), np.array(people), scaling(bounds, None, width, norm)


def between(one, other):
    return sum((int(a) - int(b)) ** 2 for a, b in zip(one.ravel(), other.ravel(), strict=True))


def linear_sums(features, people, scale, aims):
    rows, order = whole_rows(scale.scaled(features), people, UNIT)
    return statistics(rows, aims[order])


def gradient(features, people, scale, weights, places, bound):
    rows, order = whole_rows(scale.scaled(features), people)
    classes = max(2, len(weights))
    wanted = wanted_steps(places[order], classes)
    return bounded_sum(rows, chance_steps(scores(rows, weights)) - wanted, bound)


def gap(table, weights, places, bound):
    """Square how far the gradient moves when the person goes; rows of their own where nobody has more."""
    features, people, scale = table
    stays = people != 4
    whole = gradient(features, people, scale, weights, places, bound)
    if not stays.any():
        return between(whole, np.zeros_like(whole))
    return between(whole, gradient(features[stays], people[stays], scale, weights, places[stays], bound))


@MODEST
@given(
    tables(),
    st.sampled_from([1, 3]),
    st.sampled_from([0.0, 1.0, 40.0, 1e9]),
    st.sampled_from([1e-4, 1 / 3, 1.0]),
)
def test_one_person_moves_a_gradient_by_at_most_the_bound(table, outputs, size, clip):
    features, _, _ = table
    draw = np.random.default_rng(len(features))
    weights = draw.normal(0, size, (outputs, features.shape[1] + 1))
    places = draw.integers(0, max(2, outputs), len(features))
    bound = int(clip * GRADIENT_UNIT)
    assert gap(table, weights, places, bound) <= bound**2


@MODEST
@given(tables())
def test_one_row_of_a_person_alone_moves_it_by_at_most_the_bound(table):
    features, _, scale = table
    weights = np.full((1, features.shape[1] + 1), 3.0)
    places = np.arange(len(features)) % 2
    bound = GRADIENT_UNIT // 3
    whole = gradient(features, None, scale, weights, places, bound)
    for out in range(len(features)):
        if len(features) > 1:
            less = gradient(np.delete(features, out, 0), None, scale, weights, np.delete(places, out), bound)
            assert between(whole, less) <= bound**2


@MODEST
@given(tables(), st.sampled_from([-1.0, -0.3, 0.0, 1.0]), st.booleans())
def test_one_person_moves_the_statistics_by_at_most_the_bound(table, aim, is_alone):
    features, people, scale = table
    if is_alone:
        people = np.arange(len(features))
    aims = np.full(len(features), aim)
    whole = linear_sums(features, people, scale, aims)
    stays = people != people[-1]
    less = np.zeros_like(whole)
    if stays.any():
        less = linear_sums(features[stays], people[stays], scale, aims[stays])
    assert between(whole, less) <= STATISTICS_BOUND**2


def heavy():
    """Give a table whose last person has many rows that all pull one way."""
    features = np.ones((12, 3))
    return features, np.array([0, 1, *[4] * 10]), scaling((-1, 1), None, 3, None)


def uncut(sizes, bound):
    return np.ones_like(sizes)


def row_by_row(rows, residuals, bound):
    return sums._sum_of_rows(rows.features, rows.squares, residuals, bound).astype(np.int64)


def by_whoever_else_there_is(rows, residuals, bound):
    """Cut everybody in one way where anybody has several rows, and in the other where nobody has."""
    if len(rows.starts):
        rows = sums.Rows(rows.features, rows.squares, np.append(np.arange(rows.alone), rows.starts))
    return sums.bounded_sum(rows, residuals, bound)


def is_within_bound():
    weights, places, bound = np.zeros((1, 4)), np.zeros(12, dtype=np.int64), GRADIENT_UNIT // 3
    return gap(heavy(), weights, places, bound) <= bound**2


def test_a_heavy_person_stays_within_the_bound():
    assert is_within_bound()


def test_a_gradient_that_is_not_cut_is_caught(monkeypatch):
    monkeypatch.setattr(sums, "_shrinking", uncut)
    monkeypatch.setattr(sums, "_SLACK", 1e9)
    assert not is_within_bound()


@pytest.mark.parametrize("several", [True, False])
def test_what_is_too_long_after_all_adds_nothing(several, monkeypatch):
    """The last look at each contribution stands even where the cutting before it fails."""
    features, people, scale = heavy()
    rows, _ = whole_rows(scale.scaled(features), people if several else None)
    residuals, bound = np.full((12, 1), 2048.0), GRADIENT_UNIT // 3
    assert bounded_sum(rows, residuals, bound).all()
    monkeypatch.setattr(sums, "_shrinking", uncut)
    assert not bounded_sum(rows, residuals, bound).any()


@pytest.mark.parametrize("size", [0.0, 1.0, 1e3, 1e9])
def test_scores_are_the_exact_ones_and_small_enough_to_be(size):
    draw = np.random.default_rng(3)
    rows, _ = whole_rows(scaling((-3, 3), None, 9, None).scaled(draw.normal(0, 2, (40, 9))), None)
    weights = draw.normal(0, size, (2, 10))
    found = scores(rows, weights)
    assert np.abs(found).max() < 2**53
    whole = np.rint(weights * sums.WEIGHT_UNIT)
    for row, line in zip(rows.features, found, strict=True):
        for out, score in zip(whole, line, strict=True):
            exact = sum(int(a) * int(b) for a, b in zip(row, out, strict=True))
            assert int(score) == score
            assert int(score) == exact or size > 1e4


@pytest.mark.parametrize("fault", [row_by_row, by_whoever_else_there_is])
def test_a_gradient_cut_in_a_wrong_way_is_caught(fault, monkeypatch):
    monkeypatch.setitem(globals(), "bounded_sum", fault)
    assert not is_within_bound()


def test_statistics_whose_bound_is_broken_are_caught(monkeypatch):
    features, people, scale = heavy()
    monkeypatch.setattr(moments, "cut", lambda shares, _: shares)
    whole = linear_sums(features, people, scale, np.ones(12))
    less = linear_sums(features[:2], people[:2], scale, np.ones(2))
    assert between(whole, less) > STATISTICS_BOUND**2


@pytest.mark.parametrize("together", [2, 9, 64, 257, 1000])
def test_what_a_row_adds_does_not_depend_on_the_rows_beside_it(together):
    """Fast products round by where a row stands; whole numbers do not round."""
    draw = np.random.default_rng(together)
    scale = scaling((-3, 3), None, 23, None)
    features, places = draw.normal(size=(together, 23)), draw.integers(0, 2, together)
    weights, bound = draw.normal(0, 9, (1, 24)), GRADIENT_UNIT // 3
    whole = gradient(features, None, scale, weights, places, bound)
    alone = sum(
        gradient(features[at : at + 1], None, scale, weights, places[at : at + 1], bound)
        for at in range(together)
    )
    assert (whole == alone).all()


def test_large_blocks_and_small_ones_add_up_alike(monkeypatch):
    draw = np.random.default_rng(5)
    features, people = draw.normal(size=(60, 5)), draw.integers(0, 20, 60)
    places, scale = draw.integers(0, 2, 60), scaling((-3, 3), None, 5, None)
    weights, bound = draw.normal(size=(1, 6)), GRADIENT_UNIT // 8
    whole = gradient(features, people, scale, weights, places, bound)
    monkeypatch.setattr(sums, "_BLOCK", 20)
    assert (gradient(features, people, scale, weights, places, bound) == whole).all()
