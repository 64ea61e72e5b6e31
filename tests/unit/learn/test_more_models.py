"""Clusters, components, networks and recommenders learn what is there, and cost what they say.

Where a score is compared, the chance of a false alarm is below 1 in 10**6: thresholds lie far below what 50
runs gave at worst.
"""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.learn.people import (
    COSTS,
    clusters,
    components,
    network,
    recommender,
    rows,
    single,
    single_number,
)

from hedgerow.kernel.accounting import rho_within
from hedgerow.learn import Budget
from hedgerow.model.errors import HedgerowError
from hedgerow.techniques.dp_train import sums
from hedgerow.techniques.dp_train.clusters import nearest
from hedgerow.techniques.dp_train.paying import Noise

X, Y = rows()
EASY = COSTS | {"epsilon": "100", "budget": Budget.of("300", "1e-4")}
EXACT = rho_within(Fraction(2), Fraction(1, 10**6))


def blobs(count=900, seed=2):
    draw = np.random.default_rng(seed)
    centres = np.array([[-0.6, -0.6], [0.6, -0.5], [0.0, 0.7]])
    places = draw.integers(0, 3, count)
    return centres, places, centres[places] + draw.normal(0, 0.05, (count, 2))


def purchases(people=600, seed=4):
    """Give what people bought who like either a to d or e to h, three items each of their four."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(0, 2, people)
    bought = [draw.choice(4, 3, replace=False) + 4 * kind for kind in kinds]
    items = np.array(list("abcdefgh"))[np.concatenate(bought)]
    return items, np.repeat(np.arange(people), 3)


def test_centres_are_found():
    centres, places, features = blobs()
    found = min(
        np.abs(np.sort(model.cluster_centers_, axis=0) - np.sort(centres, axis=0)).max()
        for model in [clusters(**EASY).fit(features) for _ in range(8)]
    )
    assert found < 0.1
    model = clusters(**EASY, n_clusters=1).fit(features)
    assert (model.predict(features) == 0).all()
    assert model.score(features) < 0
    assert not hasattr(model, "labels_")
    assert len(set(places)) == 3


def test_the_nearest_centre_is_the_nearest_and_depends_on_that_row_alone():
    _, _, features = blobs()
    model = clusters(**EASY).fit(features)
    distances = ((features[:, None, :] - model.cluster_centers_) ** 2).sum(axis=2)
    found = model.predict(features)
    behind = distances[np.arange(len(features)), found] - distances.min(axis=1)
    assert behind.max() < 1e-3
    assert all(model.predict(features[at : at + 1])[0] == found[at] for at in range(0, 900, 90))
    assert nearest(sums.whole_rows(np.zeros((1, 3)), None)[0], np.zeros((2, 2)), 1.0).tolist() == [0]


def test_a_cluster_that_nobody_is_in_moves_to_the_largest(monkeypatch):
    from hedgerow.techniques.dp_train import clusters as module

    monkeypatch.setattr(module, "step_noise", lambda *_: Noise(100.0, lambda exact: exact, Fraction(1, 100)))
    features = np.full((800, 2), 0.9)
    model = clusters(**EASY, n_clusters=4).fit(features)
    assert np.abs(model.cluster_centers_ - 0.9).max() < 0.5


def test_components_are_found_in_units_of_the_features():
    draw = np.random.default_rng(5)
    along = draw.normal(0, 1, 3000)
    features = np.column_stack([50 + 10 * along, 0.5 + 0.1 * along, draw.normal(0, 0.05, 3000)])
    model = components(**EASY, bounds=[(0, 100), (0, 1), (-1, 1)]).fit(features)
    exact = np.linalg.eigh(np.cov(features.T))
    assert abs(model.components_[0] @ exact[1][:, -1]) > 0.999
    assert abs(model.explained_variance_[0] - exact[0][-1]) < 5
    assert np.abs(model.mean_ - features.mean(axis=0)).max() < 0.5
    assert model.explained_variance_ratio_[0] > 0.95
    placed = model.transform(features)
    assert placed.shape == (3000, 2)
    assert np.abs(model.inverse_transform(placed)[:, 0] - features[:, 0]).max() < 3
    assert components().fit_transform(X).shape == (600, 2)
    assert components(n_components=None).fit(X).components_.shape == (3, 3)


def test_nobody_to_speak_of_has_no_components_but_no_error_either():
    model = components(epsilon="0.01").fit(X[:1])
    assert np.isfinite(model.components_).all()
    assert (np.abs(model.mean_) <= 1).all()
    assert np.isfinite(clusters(epsilon="0.01").fit(X[:1]).cluster_centers_).all()


def test_a_network_learns_what_is_no_line():
    y = (np.abs(X[:, 0]) > 0.5).astype(int)
    model = network(**EASY).fit(X, y)
    assert model.score(X, y) > 0.75
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()  # noqa: S301 - our own
    three = network(**EASY, classes=["a", "b", "c"]).fit(X, np.where(X[:, 0] > 0, "a", "b"))
    assert three.predict_proba(X).shape == (600, 3)


def test_more_than_a_thousand_weights_cost_epsilon_and_delta():
    model = network(hidden=400, steps=2).fit(X, Y, person=np.arange(600) // 2)
    assert model.layers_.inner.shape == (400, 4)
    assert model.budget_.limit.epsilon == 8
    assert model.budget_.spent == model.budget.spent


@pytest.mark.extra
def test_a_network_learns_by_batches():
    pytest.importorskip("dp_accounting")
    model = network(epsilon="8", batch_size=60, epochs=6).fit(X, Y)
    assert model.score(X, Y) > 0.65
    assert model.n_iter_ == 60


def test_what_goes_with_what_was_bought_is_recommended_to_anybody():
    items, who = purchases()
    model = recommender(**EASY).fit(items, person=who)
    assert model.recommend(["a", "b"], 2)[0] in "cd"
    assert set(model.recommend(["e", "f"], 2)) == {"g", "h"}
    assert len(model.recommend(["a", "unheard of"], 100)) == 7
    assert sorted(model.recommend([], 100)) == list("abcdefgh")
    assert model.fit(pa.array(items), person=list(who)).item_factors_.shape[0] == 8


def test_the_most_bought_comes_first_where_nothing_is_known_of_somebody():
    items = np.array(["c"] * 400 + ["a"] * 100)
    model = recommender(**EASY).fit(items, person=np.arange(500))
    assert model.recommend(["nothing known"], 2) == ["c", "a"]


MODELS = [(clusters, X, None), (components, X, None), (recommender, *purchases(60))]


@pytest.mark.parametrize(("make", "data", "person"), MODELS, ids=["clusters", "components", "recommender"])
def test_the_cost_is_the_rho_that_epsilon_and_delta_allow(make, data, person):
    model = make().fit(data, person=person)
    assert model.budget_.spent.rho == EXACT
    assert model.budget_.spent.pure == 0
    assert model.budget_.limit == model.budget.limit
    assert model.standing_ == "ungoverned: not in any ledger"


def test_a_small_network_costs_an_exact_rho():
    assert network(steps=3).fit(X, Y).budget_.spent.rho == EXACT


@pytest.mark.parametrize(("make", "data", "person"), MODELS, ids=["clusters", "components", "recommender"])
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"epsilon": None}, "learn.undeclared"),
        ({"delta": None}, "learn.undeclared"),
        ({"budget": None}, "learn.undeclared"),
        ({"epsilon": "40"}, "learn.budget-exhausted"),
        ({"random_state": 1}, "learn.seeded"),
    ],
    ids=str,
)
def test_terms_are_refused_before_data_is_summed(make, data, person, parameters, code, monkeypatch):
    from hedgerow.techniques.dp_train import clusters as one
    from hedgerow.techniques.dp_train import components as two
    from hedgerow.techniques.dp_train import recommender as three

    for module, name in ((one, "scattered_sum"), (two, "statistics"), (three, "statistics")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("data was summed"))
    model = make(**parameters)
    with pytest.raises(HedgerowError) as caught:
        model.fit(data, person=person)
    assert caught.value.code == code
    assert not hasattr(model, "budget_")


@pytest.mark.parametrize(
    ("model", "code"),
    [
        (clusters(bounds=None), "learn.undeclared"),
        (clusters(n_clusters=0), "learn.bad-parameter"),
        (clusters(rounds=0), "learn.bad-parameter"),
        (components(n_components=4), "learn.bad-parameter"),
        (components(n_components=0), "learn.bad-parameter"),
        (recommender(), "learn.undeclared"),
        (recommender(items=None), "learn.undeclared"),
        (recommender(items=["a"]), "learn.bad-parameter"),
        (recommender(items=["a", "a"]), "learn.bad-parameter"),
        (recommender(items=[["a"], ["b"]]), "learn.bad-parameter"),
        (recommender(items=range(2001)), "learn.undeclared"),
        (recommender(factors=0), "learn.bad-parameter"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_what_is_not_declared_or_malformed_is_refused(model, code):
    with pytest.raises(HedgerowError) as caught:
        model.fit(X)
    assert caught.value.code == code
    assert caught.value.next_step


def test_a_network_and_a_long_catalogue_are_refused():
    for broken in ({"hidden": 0}, {"hidden": 1025}, {"n_public": None}, {"classes": None}):
        with pytest.raises(HedgerowError):
            network(**broken).fit(X, Y)
    with pytest.raises(HedgerowError) as caught:
        recommender(items=range(2001)).fit([1], person=[1])
    assert caught.value.code == "learn.too-large"


@pytest.mark.parametrize("make", [clusters, components, network])
def test_a_model_that_is_not_trained_says_so(make):
    model = make()
    with pytest.raises(AttributeError) as caught:
        getattr(model, "predict" if hasattr(model, "predict") else "transform")(X)
    assert caught.value.code == "learn.not-fitted"


def test_a_recommender_that_is_not_trained_says_so():
    with pytest.raises(AttributeError) as caught:
        recommender().recommend(["a"])
    assert caught.value.code == "learn.not-fitted"


def test_a_single_tree_learns_of_classes_and_of_numbers():
    features, y = rows(2_000)
    terms = {"epsilon": "8", "budget": Budget.of("10", "1e-4")}
    assert single(**terms).fit(features[:1_500], y[:1_500]).score(features[1_500:], y[1_500:]) > 0.75
    aims = features @ np.arange(3, 0, -1)
    assert (
        single_number(**terms).fit(features[:1_500], aims[:1_500]).score(features[1_500:], aims[1_500:]) > 0.4
    )
    texts = single(**terms, classes=["no", "yes"], depth=2)
    assert set(
        texts.fit(features, np.where(y, "yes", "no"), person=np.arange(2_000) // 2).predict(features)
    ) <= {"no", "yes"}
