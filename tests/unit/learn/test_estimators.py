"""Estimators learn what is there, tell what they cost, take frames, and behave as scikit-learn's do.

Where a score is compared, the chance of a false alarm is below 1 in 10**6: thresholds lie far below what 50
runs gave at worst.
"""

from __future__ import annotations

import pickle
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.learn.people import N, linear, logistic, rows

from hedgerow.kernel.accounting import rho_within
from hedgerow.learn import Budget
from hedgerow.model.errors import CallerError

X, Y = rows()


def test_a_classifier_learns_what_is_there():
    model = logistic(epsilon="20", budget=Budget.of("30", "1e-4")).fit(X, Y)
    assert model.score(X, Y) > 0.8
    assert model.coef_.shape == (1, 3)
    assert model.coef_[0].argmax() == 0
    assert model.n_iter_ == 20
    assert set(model.predict(X)) <= {0, 1}
    chances = model.predict_proba(X)
    assert np.allclose(chances.sum(axis=1), 1)
    assert ((chances[:, 1] > 0.5) == (model.decision_function(X) > 0)).all()


def test_a_regression_learns_what_is_there():
    y = X @ [3, 2, 1] + 0.5
    model = linear(epsilon="20", budget=Budget.of("30", "1e-4")).fit(X, y)
    assert model.score(X, y) > 0.9
    assert np.abs(model.coef_ - [3, 2, 1]).max() < 1
    assert abs(model.intercept_ - 0.5) < 0.5


def test_three_classes_by_name():
    y = np.where(X[:, 0] > 0.3, "high", np.where(X[:, 0] < -0.3, "low", "mid"))
    model = logistic(classes=["low", "mid", "high"], epsilon="50", budget=Budget.of("90", "1e-4"), steps=60)
    model.fit(X, y)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    assert model.predict_proba(X).shape == (N, 3)
    assert model.score(X, y) > 0.6


def test_the_cost_is_the_rho_that_epsilon_and_delta_allow():
    for model in (logistic().fit(X, Y), linear().fit(X, X[:, 0])):
        spent = model.budget_.spent
        assert spent.pure == 0
        assert spent.rho == rho_within(Fraction(2), Fraction(1, 10**6))
        assert model.budget_.limit == model.budget.limit
        assert model.budget.spent.rho == 0
        assert model.standing_ == "ungoverned: not in any ledger"


def test_noise_is_never_the_same():
    assert (logistic().fit(X, Y).coef_ != logistic().fit(X, Y).coef_).all()


def test_coefficients_are_those_of_the_features_as_they_came():
    """Features far from 0 and of another scale give the predictions of the plain ones, but for noise."""
    far = X * [1000, 1, 0.001] + [50_000, 0, 0]
    bounds = [(49_000, 51_000), (-1, 1), (-0.001, 0.001)]
    settings = {"epsilon": "1000", "budget": Budget.of("3000", "1e-4")}
    plain, moved = logistic(**settings).fit(X, Y), logistic(bounds=bounds, **settings).fit(far, Y)
    assert np.abs(plain.predict_proba(X) - moved.predict_proba(far)).max() < 0.15
    aim = X @ [3, 2, 1]
    plain, moved = linear(**settings).fit(X, aim), linear(bounds=bounds, **settings).fit(far, aim)
    assert np.abs(plain.predict(X) - moved.predict(far)).max() < 0.3


def test_values_beyond_their_bounds_count_as_the_bound(monkeypatch):
    from hedgerow.techniques.dp_train import linear as module
    from hedgerow.techniques.dp_train.paying import Noise

    monkeypatch.setattr(module, "step_noise", lambda *_: Noise(1.0, lambda exact: exact, Fraction(1, 100)))
    aim = X @ [3, 2, 1]
    aim[:3], wide = 6, X.copy()
    wide[5:7] = 1
    near = linear().fit(wide, aim)
    aim[:3], wide[5:7] = 1e9, 1e100
    assert (linear().fit(wide, aim).coef_ == near.coef_).all()


def test_rows_of_one_person_count_as_one():
    """A thousand rows of one person, who stands alone against the others, do not turn the model."""
    features = np.vstack([X, np.tile([[1.0, 0, 0]], (1000, 1))])
    y = np.append(Y, np.zeros(1000, dtype=int))
    person = np.append(np.arange(N), np.full(1000, N))
    settings = {"epsilon": "100", "budget": Budget.of("300", "1e-4")}
    together = logistic(**settings).fit(features, y, person=person)
    assert together.coef_[0, 0] > 1
    assert logistic(**settings).fit(features, y).coef_[0, 0] < 1


@pytest.mark.parametrize("person", [list(range(N)), [f"p{at}" for at in range(N)], np.arange(N) / 7])
def test_people_are_named_in_any_way(person):
    assert logistic().fit(X, Y, person=person).coef_.shape == (1, 3)


def test_people_that_print_alike_are_not_one():
    from hedgerow.techniques.dp_train.arrays import people

    assert people([1, "1", 1, "x"], 4).tolist() == [0, 1, 0, 2]
    assert people(np.array([5, 3, 5]), 3).tolist() == [1, 0, 1]


def test_frames_are_taken_by_name():
    frame = pa.table({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})
    model = logistic(bounds={"a": (-1, 1), "b": (-1, 1), "c": (-1, 1)}).fit(frame, pa.array(Y))
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    assert (model.predict(frame) == model.predict(X)).all()
    with pytest.raises(CallerError) as caught:
        model.predict(frame.select(["b", "a", "c"]))
    assert caught.value.code == "learn.bad-shape"


def test_more_than_a_thousand_coefficients_are_drawn_at_once_and_cost_epsilon_and_delta():
    wide = np.zeros((20, 1200))
    model = logistic(steps=2).fit(wide, Y[:20])
    assert model.coef_.shape == (1, 1200)
    assert (model.coef_ != 0).all()
    assert model.budget_.limit == Budget.of("8", "0.000099").limit
    assert model.budget_.spent == model.budget.spent
    assert linear().fit(np.zeros((20, 60)), np.zeros(20)).budget_.limit.epsilon == 8


def test_parameters_by_name():
    model = logistic()
    assert "random_state" not in model.get_params()
    assert model.get_params()["epsilon"] == "2"
    assert model.set_params(epsilon="3").epsilon == "3"
    with pytest.raises(CallerError):
        model.set_params(eps="3")
    assert repr(model) == "DPLogisticRegression(epsilon='3', delta='1e-6', n_public=600)"


def test_a_trained_model_is_pickled_and_one_that_is_not_says_so():
    model = logistic().fit(X, Y)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()  # noqa: S301 - our own
    for untrained in (logistic(), linear()):
        with pytest.raises(AttributeError) as caught:
            untrained.predict(X)
        assert caught.value.code == "learn.not-fitted"
    with pytest.raises(CallerError):
        model.predict(X[:, :2])


def test_a_value_of_the_data_is_in_no_text():
    assert "0." not in repr(logistic().fit(X, Y))
