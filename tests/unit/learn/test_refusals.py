"""What cannot be trained on is refused with the next step, and nothing is spent."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.unit.learn.people import (
    N,
    boosting,
    clusters,
    components,
    linear,
    logistic,
    network,
    recommender,
    rows,
)

from hedgerow.learn import Budget, PublicEncoder
from hedgerow.model.budget import ApproximateEvent, PureEvent
from hedgerow.model.errors import HedgerowError
from hedgerow.techniques.dp_train import paying, sums

X, Y = rows(60)
HOLED = X.copy()
HOLED[3, 1] = np.nan
ENDLESS = X.copy()
ENDLESS[3, 1] = np.inf

PARAMETERS = [
    ({"epsilon": None}, "learn.undeclared"),
    ({"delta": None}, "learn.undeclared"),
    ({"bounds": None}, "learn.undeclared"),
    ({"classes": None}, "learn.undeclared"),
    ({"n_public": None}, "learn.undeclared"),
    ({"budget": None}, "learn.undeclared"),
    ({"epsilon": "0"}, "budget.not-a-number"),
    ({"epsilon": -1}, "budget.not-a-number"),
    ({"epsilon": float("nan")}, "budget.not-a-number"),
    ({"epsilon": 1e9}, "budget.not-a-number"),
    ({"epsilon": "1e-12"}, "learn.bad-parameter"),
    ({"epsilon": "1,5"}, "budget.not-a-number"),
    ({"delta": 0}, "learn.bad-parameter"),
    ({"delta": "1"}, "learn.bad-parameter"),
    ({"delta": "nan"}, "learn.bad-parameter"),
    ({"classes": [1]}, "learn.bad-parameter"),
    ({"classes": []}, "learn.bad-parameter"),
    ({"classes": [[0, 1], [1]]}, "learn.bad-parameter"),
    ({"bounds": (1, -1)}, "learn.bad-parameter"),
    ({"bounds": (-1, float("nan"))}, "learn.bad-parameter"),
    ({"bounds": [(-1, 1)] * 2}, "learn.bad-parameter"),
    ({"bounds": {"age": (0, 1)}}, "learn.bad-parameter"),
    ({"bounds": "wide"}, "learn.bad-parameter"),
    ({"bounds": (-1e200, 1e200)}, "learn.bad-parameter"),
    ({"n_public": 0}, "learn.bad-parameter"),
    ({"n_public": 1.5}, "learn.bad-parameter"),
    ({"n_public": True}, "learn.bad-parameter"),
    ({"n_public": 10**12}, "learn.bad-parameter"),
    ({"clip": 0}, "learn.bad-parameter"),
    ({"clip": 2}, "learn.bad-parameter"),
    ({"clip": 1e-12}, "learn.bad-parameter"),
    ({"steps": 0}, "learn.bad-parameter"),
    ({"steps": 10**9}, "learn.bad-parameter"),
    ({"step_size": float("inf")}, "learn.bad-parameter"),
    ({"momentum": 1.0}, "learn.bad-parameter"),
    ({"row_norm": "wide"}, "learn.bad-parameter"),
    ({"batch_size": N + 1}, "learn.bad-parameter"),
    ({"budget": "2"}, "learn.bad-parameter"),
    ({"random_state": 7}, "learn.seeded"),
    ({"epsilon": "40"}, "learn.budget-exhausted"),
    ({"delta": "1e-30"}, "learn.bad-parameter"),
    ({"budget": Budget.of("10")}, "learn.budget-no-delta"),
    ({"budget": Budget.of("10", "1e-4", unit="household")}, "dp.budget-other-unit"),
]


def refusal(model, *data, **more):
    """Train, and give the error; the budget that was passed is as it was, and none is left behind."""
    with pytest.raises(HedgerowError) as caught:
        model.fit(*data, **more)
    assert not hasattr(model, "budget_")
    assert caught.value.next_step
    return caught.value


@pytest.fixture
def unread(monkeypatch):
    """Fail when anything is summed."""
    monkeypatch.setattr(sums, "_sum_of_rows", lambda *_: pytest.fail("data was summed"))


@pytest.mark.parametrize(("parameters", "code"), PARAMETERS, ids=lambda part: str(part)[:50])
def test_parameters_are_refused_before_data_is_summed(parameters, code, unread):
    assert refusal(logistic(**parameters), X, Y).code == code


@pytest.mark.parametrize("y_bounds", [None, (1, 1), (2, 1), (0, float("inf")), 3, ("a", "b")])
def test_bounds_of_a_target_are_refused(y_bounds):
    code = "learn.undeclared" if y_bounds is None else "learn.bad-parameter"
    assert refusal(linear(y_bounds=y_bounds), X, X[:, 0]).code == code


DATA = [
    ((HOLED, Y), "learn.not-finite"),
    ((ENDLESS, Y), "learn.not-finite"),
    ((X, Y + 1), "learn.unknown-class"),
    ((X, Y + 0.5), "learn.unknown-class"),
    ((X, ["no"] * 60), "learn.unknown-class"),
    ((X, np.array([None] * 60)), "learn.unknown-class"),
    ((X, np.where(Y, np.nan, 0)), "learn.unknown-class"),
    ((X, Y[:-1]), "learn.bad-shape"),
    ((X, None), "learn.bad-shape"),
    ((X[:, 0], Y), "learn.bad-shape"),
    ((X[:0], Y[:0]), "learn.bad-shape"),
    ((X[:, :0], Y), "learn.bad-shape"),
    ((X.astype(str), Y), "learn.not-numbers"),
    ((X + 1j, Y), "learn.not-numbers"),
    (
        (np.array([["x", 1, None]] * 60, dtype=object), Y),
        "learn.not-numbers",
    ),
    ((np.zeros((60, 100_001)), Y), "learn.too-large"),
]


@pytest.mark.parametrize(("data", "code"), DATA, ids=[f"{at}-{code}" for at, (_, code) in enumerate(DATA)])
def test_data_is_refused_as_a_value_error_or_for_its_size(data, code, unread):
    error = refusal(logistic(), *data)
    assert error.code == code
    assert isinstance(error, ValueError) or code == "learn.too-large"


def test_sparse_matrices_and_nameless_people_are_refused():
    class Sparse:
        def toarray(self):
            return X

    assert refusal(logistic(), Sparse(), Y).code == "learn.bad-shape"
    for person in ([None, *range(59)], [float("nan"), *range(59)], np.append(np.nan, np.arange(59))):
        assert refusal(logistic(), X, Y, person=person).code == "learn.not-finite"
    assert refusal(logistic(), X, Y, person=[1]).code == "learn.bad-shape"
    assert refusal(linear(), X, np.append(X[1:, 0], np.inf)).code == "learn.not-finite"
    assert refusal(linear(), np.zeros((2, 2001)), [0, 1]).code == "learn.too-large"


def test_more_rows_than_add_up_exactly_are_refused(monkeypatch):
    monkeypatch.setattr(sums, "PEOPLE_MOST", 59)
    for model, y in ((logistic(), Y), (linear(), X[:, 0])):
        assert refusal(model, X, y).code == "learn.too-large"


def test_a_run_that_costs_delta_wants_a_budget_of_its_own():
    wide = np.zeros((9, 1100))
    spent = Budget.of("10", "1e-4").spend(PureEvent(Fraction(1)))
    assert refusal(logistic(budget=spent, steps=2), wide, Y[:9]).code == "learn.budget-mixed"
    assert refusal(logistic(epsilon="11", steps=2), wide, Y[:9]).code == "learn.budget-exhausted"
    assert refusal(logistic(delta="1e-3", steps=2), wide, Y[:9]).code == "learn.budget-exhausted"
    assert refusal(logistic(epsilon="60", steps=2), wide, Y[:9]).code == "learn.delta-too-small"
    assert refusal(logistic(epsilon="100000", steps=2), wide, Y[:9]).code == "learn.delta-too-small"


def test_budgets_of_runs_that_cost_delta_add_up_and_leave_the_rest_to_the_filter():
    wish = paying.Wish(Fraction(2), Fraction(1, 10**6))
    noise = paying.stream_noise(wish, 10, Fraction(1, 10), 2000)
    left = paying.paid(paying.paid(Budget.of("5", "1e-5"), wish, noise), wish, noise)
    assert left.limit == replace(left.limit, epsilon=Fraction(1), delta=Fraction(8, 10**6))
    assert left.spend(PureEvent(Fraction(1))).left < Fraction(1, 10)


@pytest.mark.parametrize("rho", [None, Fraction(1, 10)])
@pytest.mark.parametrize("unit", ["household", "person-day"])
def test_a_budget_of_another_unit_pays_for_no_training(rho, unit):
    wish, noise = paying.Wish(Fraction(2), Fraction(1, 10**6)), paying.Noise(1.0, lambda exact: exact, rho)
    with pytest.raises(HedgerowError) as caught:
        paying.paid(Budget.of("5", "1e-5", unit=unit), wish, noise)
    assert caught.value.code == "dp.budget-other-unit"
    assert "person" in caught.value.next_step


def test_what_a_budget_keeps_for_chances_of_their_own_stays_kept():
    wish, noise = paying.Wish(Fraction(2), Fraction(1, 10**6)), paying.Noise(1.0, lambda exact: exact)
    budget = Budget.of("5", "2e-6", own="1e-6")
    left = paying.paid(budget, wish, noise)
    assert left == replace(budget, limit=replace(budget.limit, epsilon=Fraction(3), delta=Fraction(1, 10**6)))
    with pytest.raises(HedgerowError) as caught:
        paying.paid(left, wish, noise)
    assert caught.value.code == "learn.budget-exhausted"
    own = budget.spend(ApproximateEvent(PureEvent(Fraction(0)), Fraction(1, 10**7)))
    with pytest.raises(HedgerowError) as caught:
        paying.paid(own, wish, noise)
    assert caught.value.code == "learn.budget-mixed"


def test_the_rhos_of_the_steps_add_up_to_what_is_allowed():
    from hedgerow.kernel.accounting import zcdp_epsilon

    for steps, numbers in ((1, 3), (60, 107), (7, 5000)):
        wish = paying.Wish(Fraction(1), Fraction(1, 10**5))
        noise = paying.step_noise(wish, 10**6, steps, numbers)
        rho = steps * Fraction(10**12) / (2 * Fraction(noise.deviation) ** 2)
        assert zcdp_epsilon(rho * (1 - Fraction(1, 10**9)), wish.delta) <= 1
        assert zcdp_epsilon(rho, wish.delta) > Fraction(95, 100)
        assert (noise.rho is None) == (numbers > 1000)


def test_people_with_one_class_only_are_trained_on_like_any_other():
    """A refusal would tell that somebody is the only one of a class."""
    assert logistic().fit(X, np.zeros(60, dtype=int)).predict(X).shape == (60,)


def test_a_budget_without_a_delta_says_that_it_lacks_one():
    for model, y in ((logistic(budget=Budget.of("10")), Y), (linear(budget=Budget.of("10")), X[:, 0])):
        error = refusal(model, X, y)
        assert error.code == "learn.budget-no-delta"
        assert "Budget.of('2', '1e-6')" in error.next_step


@pytest.mark.parametrize("kind", [logistic, linear, boosting, clusters, components, network])
def test_what_breaks_off_after_it_was_paid_for_is_told_without_a_value_and_stays_paid(monkeypatch, kind):
    """A library that fails in the middle is no raw error, and the budget tells that it was spent."""
    model = kind()

    def broken(*_):
        raise ValueError("the value of Ada is 17")

    planned = model.planned
    monkeypatch.setattr(model, "planned", lambda width: replace(planned(width), add=broken))
    with pytest.raises(HedgerowError) as caught:
        model.fit(X, Y)
    assert caught.value.code == "learn.failed"
    assert "Ada" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert model.budget_.spent.rho > 0


@pytest.mark.parametrize("told", [{"ward": "ABC"}, "ward", {"ward": 3}, {"ward": [["A"]]}])
def test_an_encoder_takes_no_text_for_its_letters(told):
    with pytest.raises(HedgerowError) as caught:
        PublicEncoder(categories=told)
    assert caught.value.code == "learn.bad-parameter"
    for more in ({"bins": {"age": ["x"]}}, {"numbers": {"age": (1,)}}, {"numbers": {"age": "19"}}):
        with pytest.raises(HedgerowError) as caught:
            PublicEncoder(**more)
        assert caught.value.code == "learn.bad-parameter"


@pytest.mark.parametrize("bought", ["abc", b"a", 3, [["a"]]])
def test_a_recommender_takes_no_text_for_its_letters(bought):
    model = recommender().fit(list("abcabd"), person=[1, 1, 2, 2, 3, 3])
    with pytest.raises(HedgerowError) as caught:
        model.recommend(bought)
    assert caught.value.code == "learn.bad-parameter"
    with pytest.raises(HedgerowError):
        model.recommend(["a"], 0)
