"""Boosted trees learn what is there, cost what they say, and refuse what no tree can be made of.

Where a score is compared, the chance of a false alarm is below 1 in 10**6: thresholds lie far below what 50
runs gave at worst.
"""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.learn.people import boosted_numbers, boosting, rows

from hedgerow.kernel.accounting import rho_within
from hedgerow.learn import Budget, PublicEncoder
from hedgerow.model.errors import HedgerowError
from hedgerow.techniques.dp_train import boosting as module
from hedgerow.techniques.dp_train.cells import Group
from hedgerow.techniques.dp_train.paying import Noise
from hedgerow.techniques.dp_train.trees import SCORE_UNIT, leaf_scores

X, Y = rows()
EASY = {"epsilon": "100", "budget": Budget.of("300", "1e-4")}


def test_a_classifier_learns_what_is_there():
    model = boosting(**EASY).fit(X, Y)
    assert model.score(X, Y) > 0.8
    assert model.n_iter_ == len(model.trees_) == 18
    chances = model.predict_proba(X)
    assert np.allclose(chances.sum(axis=1), 1)
    assert ((chances[:, 1] > 0.5) == (model.decision_function(X) > 0)).all()
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()  # noqa: S301 - our own


def test_a_regression_learns_what_is_no_line():
    y = 5 * np.abs(X[:, 0]) - 2
    model = boosted_numbers(**EASY, cycles=12).fit(X, y)
    assert model.score(X, y) > 0.6


def test_three_classes_by_name():
    y = np.where(np.abs(X[:, 0]) < 0.3, "mid", np.where(X[:, 1] > 0, "high", "low"))
    model = boosting(**EASY, classes=["low", "mid", "high"]).fit(X, y)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    assert model.predict_proba(X).shape == (len(X), 3)
    assert model.score(X, y) > 0.6


def test_what_two_columns_say_together_takes_trees_of_two():
    y = ((X[:, 0] > 0) != (X[:, 1] > 0)).astype(int)
    settings = EASY | {"epsilon": "2000", "budget": Budget.of("3000", "1e-4")}
    assert boosting(**settings).fit(X, y).score(X, y) < 0.7
    assert boosting(**settings, cycles=1, interactions=60).fit(X, y).score(X, y) > 0.8


def test_marks_of_one_column_are_one_group():
    draw = np.random.default_rng(3)
    kinds, ages = draw.choice(list("abcd"), 900), draw.integers(0, 90, 900)
    encoder = PublicEncoder(categories={"kind": list("abc")}, bins={"age": [20, 40, 60]})
    assert encoder.groups == (Group(3), Group(4, is_ordered=True))
    features = encoder.features(pa.table({"kind": kinds, "age": ages}))
    y = ((kinds == "d") | (ages > 60)).astype(int)
    model = boosting(**EASY, bounds=encoder.bounds, groups=encoder.groups).fit(features, y)
    assert model.n_iter_ == 12
    assert model.score(features, y) > 0.9
    assert boosting(**EASY, bounds=(0, 1), groups=[3, 4], cycles=1).fit(features, y).n_iter_ == 2


def test_the_cost_is_the_rho_that_epsilon_and_delta_allow():
    for model in (boosting().fit(X, Y), boosted_numbers(interactions=3).fit(X, X[:, 0])):
        assert model.budget_.spent.pure == 0
        assert model.budget_.spent.rho == rho_within(Fraction(2), Fraction(1, 10**6))
    wide = boosting(classes=range(40), bins=32, leaves=32, cycles=1).fit(X, Y)
    assert wide.budget_.limit.epsilon == 8


def test_each_tree_gets_its_share_of_the_noise_and_no_less(monkeypatch):
    """The vector of every tree passes the noise once, which is wide enough for all trees together."""
    seen = []
    real = module.step_noise

    def watched(wish, bound, steps, numbers):
        noise = real(wish, bound, steps, numbers)
        assert noise.deviation >= bound * (steps / (2 * rho_within(wish.epsilon, wish.delta))) ** 0.5
        seen.append(steps)
        return Noise(noise.deviation, lambda exact: seen.append(len(exact)) or noise.add(exact), noise.rho)

    monkeypatch.setattr(module, "step_noise", watched)
    model = boosting(cycles=2, interactions=1).fit(X, Y)
    assert seen[0] == model.n_iter_ == 7
    assert sorted(seen[1:]) == [16] * 6 + [32]


def test_noise_is_never_the_same():
    one, other = boosting().fit(X, Y), boosting().fit(X, Y)
    assert (one.decision_function(X) != other.decision_function(X)).any()


def test_rows_of_one_person_count_as_one():
    features = np.vstack([X, np.tile([[1.0, 0, 0]], (1000, 1))])
    y = np.append(Y, np.zeros(1000, dtype=int))
    person = np.append(np.arange(len(X)), np.full(1000, len(X)))
    far = np.array([[1.0, 0, 0]])
    assert boosting(**EASY).fit(features, y, person=person).decision_function(far)[0] > 0
    assert boosting(**EASY).fit(features, y).decision_function(far)[0] < 0


def test_a_leaf_that_noise_drowns_adds_little():
    quiet = leaf_scores(np.array([[-50.0]]), np.array([[100.0]]), 1.0, 1.0) / SCORE_UNIT
    loud = leaf_scores(np.array([[-50.0]]), np.array([[100.0]]), 1000.0, 1.0) / SCORE_UNIT
    assert quiet > 0.45
    assert 0 < loud < 0.01
    assert leaf_scores(np.array([[9.0]]), np.array([[-5.0]]), 0.0, 1.0) == 0


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"bounds": None}, "learn.undeclared"),
        ({"classes": None}, "learn.undeclared"),
        ({"epsilon": None}, "learn.undeclared"),
        ({"budget": None}, "learn.undeclared"),
        ({"random_state": 1}, "learn.seeded"),
        ({"epsilon": "40"}, "learn.budget-exhausted"),
        ({"groups": [2]}, "learn.bad-parameter"),
        ({"groups": [2, 2]}, "learn.bad-parameter"),
        ({"groups": [3, 0]}, "learn.bad-parameter"),
        ({"groups": ["3"]}, "learn.bad-parameter"),
        ({"groups": [(1, True, 2)] * 3}, "learn.bad-parameter"),
        ({"groups": 3}, "learn.bad-parameter"),
        ({"groups": [True, 2]}, "learn.bad-parameter"),
        ({"bins": 0}, "learn.bad-parameter"),
        ({"cycles": 0}, "learn.bad-parameter"),
        ({"cycles": 10_000}, "learn.too-large"),
        ({"interactions": -1}, "learn.bad-parameter"),
        ({"interactions": True}, "learn.bad-parameter"),
        ({"leaves": 0}, "learn.bad-parameter"),
        ({"clip": 1e-9}, "learn.bad-parameter"),
        ({"clip": 5}, "learn.bad-parameter"),
        ({"learning_rate": 2}, "learn.bad-parameter"),
    ],
    ids=str,
)
def test_parameters_are_refused_before_data_is_summed(parameters, code, monkeypatch):
    monkeypatch.setattr(module, "scattered_sum", lambda *_: pytest.fail("data was summed"))
    model = boosting(**parameters)
    with pytest.raises(HedgerowError) as caught:
        model.fit(X, Y)
    assert caught.value.code == code
    assert caught.value.next_step
    assert not hasattr(model, "budget_")
