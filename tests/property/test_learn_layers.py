"""Adding or removing a person moves gradients of a network, and pairs bought together, by at most the bound.

Sums are compared as whole numbers of Python. Tables hold people with many rows, extreme weights, and people
who bought everything. Each bound is broken on purpose.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.techniques.dp_train import moments, network, recommender, sums
from hedgerow.techniques.dp_train.chances import wanted_steps
from hedgerow.techniques.dp_train.clusters import cluster_sums, nearest
from hedgerow.techniques.dp_train.declared import scaling
from hedgerow.techniques.dp_train.moments import TRIANGLE_BOUND, UNIT, statistics
from hedgerow.techniques.dp_train.network import Layers, exact_gradients, hidden_values, reach_of
from hedgerow.techniques.dp_train.recommender import together
from hedgerow.techniques.dp_train.sums import FEATURE_UNIT, GRADIENT_UNIT, whole_rows

MODEST = settings(max_examples=40, deadline=None)


def between(one, other):
    return sum((int(a) - int(b)) ** 2 for a, b in zip(one.ravel(), other.ravel(), strict=True))


@st.composite
def tables(draw):
    """Draw features and who each row is about; the last person is the one who comes and goes."""
    count, width = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    number = st.floats(-4, 4, allow_nan=False)
    features = [[draw(number) for _ in range(width)] for _ in range(count)]
    people = [draw(st.integers(0, 3)) for _ in range(count - 1)] + [4]
    repeats = draw(st.integers(0, 5))
    return np.array(features + features[-1:] * repeats), np.array(people + [4] * repeats)


def layers_of(width, outputs, size, seed=0):
    draw = np.random.default_rng(seed)
    return Layers(draw.normal(0, size, (5, width + 1)), draw.normal(0, size, (outputs, 6)))


def gradients(features, people, places, layers, bound):
    rows, order = whole_rows(scaling((-3, 3), None, features.shape[1], None).scaled(features), people)
    wanted = wanted_steps(places[order], max(2, len(layers.outer)))
    return exact_gradients(rows, wanted, layers, bound)


def gap(table, layers, bound):
    features, people = table
    places, stays = np.arange(len(people)) % 2, people != 4
    whole = gradients(features, people, places, layers, bound)
    if not stays.any():
        return between(whole, np.zeros_like(whole))
    return between(whole, gradients(features[stays], people[stays], places[stays], layers, bound))


@MODEST
@given(
    tables(),
    st.sampled_from([1, 3]),
    st.sampled_from([0.0, 1.0, 30.0, 1e9]),
    st.sampled_from([1e-4, 1 / 3, 1.0]),
)
def test_one_person_moves_both_layers_by_at_most_the_bound(table, outputs, size, clip):
    bound = int(clip * GRADIENT_UNIT)
    assert gap(table, layers_of(table[0].shape[1], outputs, size), bound) <= bound**2


HEAVY = (np.ones((12, 2)), np.array([0, 1, *[4] * 10]))


def test_a_network_whose_gradients_are_not_cut_is_caught(monkeypatch):
    layers, bound = layers_of(2, 1, 3.0), GRADIENT_UNIT // 3
    assert 0 < gap(HEAVY, layers, bound) <= bound**2
    monkeypatch.setattr(network, "cut", lambda shares, _: shares)
    assert gap(HEAVY, layers, bound) > bound**2


def test_a_network_cut_layer_by_layer_is_caught(monkeypatch):
    """Plant a fault: each layer alone within the bound, so that both together pass it."""
    lonely, layers = (np.ones((3, 2)), np.array([0, 1, 4])), layers_of(2, 1, 3.0)
    bound = GRADIENT_UNIT // 10
    assert 0 < gap(lonely, layers, bound) <= bound**2

    def alone(parts, most):
        return [sums.cut_products([part], most)[0] for part in parts]

    monkeypatch.setattr(network, "cut_products", alone)
    assert gap(lonely, layers, bound) > bound**2


@pytest.mark.parametrize("together_", [2, 9, 64, 257, 1000])
def test_what_a_row_adds_to_a_network_does_not_depend_on_the_rows_beside_it(together_):
    draw = np.random.default_rng(together_)
    features, places = draw.normal(size=(together_, 9)), draw.integers(0, 2, together_)
    layers, bound = layers_of(9, 1, 2.0), GRADIENT_UNIT // 3
    whole = gradients(features, None, places, layers, bound)
    some = range(together_)
    alone = sum(gradients(features[at : at + 1], None, places[at : at + 1], layers, bound) for at in some)
    assert (whole == alone).all()


def test_the_gradients_are_those_of_the_loss():
    """Against differences of the loss itself, where hidden values are inside and nothing is cut."""
    draw = np.random.default_rng(8)
    features, places = draw.uniform(-3, 3, (40, 4)), draw.integers(0, 2, 40)
    layers = layers_of(4, 1, 0.5, seed=8)
    scale = scaling((-3, 3), None, 4, None)
    rows, _ = whole_rows(scale.scaled(features), None)

    def loss(flat):
        made = layers.shaped(flat)
        values = hidden_values(rows, made) / FEATURE_UNIT
        scores = (values @ made.outer.T)[:, 0]
        return float(np.sum(np.log1p(np.exp(scores)) - places * scores))

    found = exact_gradients(rows, wanted_steps(places, 2), layers, GRADIENT_UNIT * 4) / GRADIENT_UNIT
    step, flat = 1e-2, layers.flat
    expected = [(loss(flat + step * e) - loss(flat - step * e)) / (2 * step) for e in np.eye(len(flat))]
    assert np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_hidden_values_stay_within_their_reach():
    rows, _ = whole_rows(scaling((-3, 3), None, 2, None).scaled(np.full((4, 2), 3.0)), None)
    values = hidden_values(rows, Layers(np.full((5, 3), 1e12), np.zeros((1, 6))))
    assert values[:, :-1].max() == reach_of(5)
    assert values.min() >= 0


@MODEST
@given(tables())
def test_one_person_moves_products_of_features_by_at_most_the_bound(table):
    features, people = table

    def summed(keep):
        rows, _ = whole_rows(
            scaling((-3, 3), None, features.shape[1], None).scaled(features[keep]), people[keep], UNIT
        )
        return statistics(rows)

    whole, stays = summed(people >= 0), people != 4
    less = summed(stays) if stays.any() else np.zeros_like(whole)
    assert between(whole, less) <= TRIANGLE_BOUND**2


@MODEST
@given(tables(), st.integers(1, 4))
def test_one_person_moves_clusters_by_at_most_one_row(table, count):
    features, people = table
    scale = scaling((-3, 3), None, features.shape[1], None)
    centres = np.random.default_rng(count).normal(0, 0.5, (count, features.shape[1]))

    def summed(keep):
        rows, _ = whole_rows(scale.scaled(features[keep]), people[keep])
        return cluster_sums(rows, nearest(rows, centres, scale.row_norm), count)

    whole, stays = summed(people >= 0), people != 4
    less = summed(stays) if stays.any() else np.zeros_like(whole)
    assert between(whole, less) <= FEATURE_UNIT**2


ITEMS = 6


@st.composite
def baskets(draw):
    places = draw(st.lists(st.integers(-1, ITEMS - 1), max_size=20))
    owners = [draw(st.integers(0, 4)) for _ in places]
    return np.array([*places, *range(ITEMS)]), np.array(owners + [4] * ITEMS)


@MODEST
@given(baskets())
def test_one_buyer_moves_what_is_bought_together_by_at_most_the_bound(table):
    places, owners = table
    whole, stays = together(places, owners, ITEMS), owners != 4
    less = together(places[stays], owners[stays], ITEMS)
    assert 0 < between(whole, less) <= TRIANGLE_BOUND**2


def test_buyers_who_count_by_purchases_are_caught(monkeypatch):
    """Plant a fault: a person adds a whole pair for each two items, however many they are."""
    places, owners = np.arange(ITEMS), np.full(ITEMS, 4)
    nothing = together(places[:0], owners[:0], ITEMS)
    assert between(together(places, owners, ITEMS), nothing) <= TRIANGLE_BOUND**2
    monkeypatch.setattr(recommender.np, "sqrt", np.ones_like)
    assert between(together(places, owners, ITEMS), nothing) > TRIANGLE_BOUND**2


def test_products_that_are_not_cut_are_caught(monkeypatch):
    features, people = HEAVY
    rows, _ = whole_rows(scaling((-1, 1), None, 2, None).scaled(features), people, UNIT)
    few, _ = whole_rows(scaling((-1, 1), None, 2, None).scaled(features[:2]), people[:2], UNIT)
    assert between(statistics(rows), statistics(few)) <= TRIANGLE_BOUND**2
    monkeypatch.setattr(moments, "cut", lambda shares, _: shares)
    assert between(statistics(rows), statistics(few)) > TRIANGLE_BOUND**2


def test_buyers_in_many_blocks_add_up_alike(monkeypatch):
    draw = np.random.default_rng(6)
    places, owners = draw.integers(-1, ITEMS, 200), draw.integers(0, 50, 200)
    whole = together(places, owners, ITEMS)
    monkeypatch.setattr(recommender, "_BLOCK", ITEMS * 3)
    assert (together(places, owners, ITEMS) == whole).all()
    again = draw.permutation(200)
    assert (together(places[again], owners[again], ITEMS) == whole).all()
