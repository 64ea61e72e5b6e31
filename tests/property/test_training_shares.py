"""The parts of a run cost no more than was asked; what is measured moves by no more than is paid for."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.accounting import rho_within
from hedgerow.model.plans import Clamp
from hedgerow.techniques.dp_train import accuracy
from hedgerow.techniques.dp_train.inputs import Inputs, Target
from hedgerow.techniques.dp_train.paying import Wish
from hedgerow.techniques.dp_train.prepared import Prepared
from hedgerow.techniques.dp_train.shares import shares_of

EPSILONS = st.fractions(Fraction(1, 100), 50)
DELTAS = st.sampled_from([Fraction(1, 10**k) for k in (3, 6, 9)])
CLASSES = Inputs(Target("y", ("a", "b", "c")), (), (("x", Clamp(Fraction(-1), Fraction(1))),), 1)
NUMBERS = Inputs(Target("y", clamp=Clamp(Fraction(-2), Fraction(6))), (), CLASSES.numbers, 1)


@settings(max_examples=50, deadline=None)
@given(EPSILONS, DELTAS, st.integers(1, 5), st.booleans(), st.one_of(st.just(Fraction(0)), EPSILONS))
def test_all_parts_together_stay_within_what_was_asked(epsilon, delta, fits, counts, measured):
    shares = shares_of(Wish(epsilon, delta), measured, fits=fits, counts=counts)
    rho = fits * rho_within(shares.fit.epsilon, delta) + shares.beside
    asked = rho_within(epsilon, delta) + (rho_within(measured, delta) if measured else 0)
    assert rho <= asked
    assert rho > asked * (1 - Fraction(1, 1000)), "what was asked for is used"


class Fixed:
    """A model that predicts what its one feature says."""

    def __init__(self, values):
        self.values = np.array(values)

    def predict(self, features):
        return self.values[features[:, 0].astype(int)]


def held(owners, aims, kinds):
    features = np.array(kinds, dtype=float).reshape(-1, 1)
    people = max(owners, default=-1) + 1
    return Prepared(features, np.array(aims), np.array(owners, dtype=np.int64), people)


def moved(model, rows, inputs):
    """Tell by how much each person, left out, moves what is measured: right and wrong, in L2."""

    def both(of):
        right = accuracy.score(model, of, inputs)
        return np.array([right, of.people * accuracy.UNIT - right])

    whole = both(rows)
    for person in range(rows.people):
        is_in = np.ones(rows.people, dtype=bool)
        is_in[person] = False
        yield float(np.linalg.norm(whole - both(rows.of(is_in))))


PEOPLE = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(PEOPLE)
def test_one_person_moves_accuracy_by_at_most_what_is_paid_for(rows):
    numbers = {person: place for place, person in enumerate(sorted({row[0] for row in rows}))}
    owners, aims, kinds = [numbers[r[0]] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
    assert max(moved(Fixed([0, 1, 2]), held(owners, aims, kinds), CLASSES)) <= accuracy.UNIT
    wide = [aim * 1e6 - 5 for aim in aims]
    assert max(moved(Fixed([-1e9, 3.3, 1e9]), held(owners, wide, kinds), NUMBERS)) <= accuracy.UNIT


def test_counting_every_row_of_a_person_is_caught(monkeypatch):
    monkeypatch.setattr(Prepared, "first_rows", lambda self: self)
    rows = held([0, 0, 0, 1], [1, 1, 1, 0], [1, 1, 1, 1])
    assert max(moved(Fixed([0, 1, 2]), rows, CLASSES)) > accuracy.UNIT


@pytest.mark.parametrize("rho", [Fraction(1, 10**6), Fraction(10)])
def test_what_is_measured_is_a_share_or_nothing(rho):
    rows = held([0, 1, 2], [0, 1, 1], [0, 1, 2])
    told = accuracy.measured(Fixed([0, 1, 2]), rows, CLASSES, rho)
    assert told["share"] is None or 0 <= float(told["share"]) <= 1
    assert accuracy.measured(Fixed([0, 1, 2]), rows, CLASSES, Fraction(0)) is None
