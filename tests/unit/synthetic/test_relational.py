"""Proves the pair of tables: keys that fit, children as their parents have them, all noise paid for."""

from __future__ import annotations

from collections import Counter as Tally

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.marginals.conditional import conditional, nearest_counts
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.synthetic import Budget, declare, synthesise_pair
from hedgerow.techniques.synthetic import relational, spending

PARENTS = declare(max_rows=1, bounds={"age": (0, 99)}, keys={"ward": ["A", "B", "C"]})
CHILDREN = declare(max_rows=4, bounds={"cost": (0, 999)}, keys={"kind": ["x", "y", "z"]})


def household(count=3000):
    """Give persons, and visits whose number and kind follow the ward, and their cost the kind."""
    draw = np.random.default_rng(11)
    ward = draw.integers(0, 3, count)
    visits = np.repeat(np.arange(count), ward + draw.integers(0, 2, count))
    kind = np.where(draw.random(len(visits)) < 0.9, ward[visits], draw.integers(0, 3, len(visits)))
    persons = pa.table(
        {
            "who": np.arange(count),
            "ward": pa.array(["A", "B", "C"]).take(pa.array(ward)),
            "age": draw.integers(0, 100, count),
        }
    )
    rows = pa.table(
        {
            "who": visits,
            "kind": pa.array(["x", "y", "z"]).take(pa.array(kind)),
            "cost": kind * 300 + draw.integers(0, 100, len(visits)),
        }
    )
    return persons, rows


def pair(persons, rows, epsilon="5", count=2000, **changed):
    options = {
        "person": "who", "parent_columns": ["ward", "age"], "child_columns": ["kind", "cost"],
        "declaration": PARENTS, "child_declaration": CHILDREN, "persons": count, "epsilon": epsilon,
        "delta": "1e-6", "budget": Budget.of(epsilon, "1e-6"),
    }  # fmt: skip
    return synthesise_pair(persons, rows, **{**options, **changed})


@pytest.fixture(scope="module")
def made():
    return pair(*household())[0]


def test_keys_fit_and_nobody_has_more_children_than_the_bound(made):
    assert made.parents.column_names == ["who", "ward", "age"]
    assert made.children.column_names == ["who", "kind", "cost"]
    assert made.parents["who"].to_pylist() == list(range(1, 2001))
    owners = made.children["who"].to_pylist()
    assert set(owners) <= set(range(1, 2001))
    assert max(Tally(owners).values()) <= 4


def test_how_many_children_a_person_has_follows_the_person(made):
    born = Tally(made.children["who"].to_pylist())
    of_ward = {"A": [], "B": [], "C": []}
    for person, ward in zip(made.parents["who"].to_pylist(), made.parents["ward"].to_pylist(), strict=True):
        if ward is not None:
            of_ward[ward].append(born[person])
    means = {ward: np.mean(counts) for ward, counts in of_ward.items()}
    assert means["A"] == pytest.approx(0.5, abs=0.25)
    assert means["B"] == pytest.approx(1.5, abs=0.25)
    assert means["C"] == pytest.approx(2.5, abs=0.25)


def test_what_the_children_are_follows_the_person_and_each_other(made):
    ward = dict(zip(made.parents["who"].to_pylist(), made.parents["ward"].to_pylist(), strict=True))
    kinds, costs = made.children["kind"].to_pylist(), made.children["cost"].to_pylist()
    expected = {"A": "x", "B": "y", "C": "z"}
    fits = [
        expected.get(ward[who]) == kind
        for who, kind in zip(made.children["who"].to_pylist(), kinds, strict=True)
    ]
    assert np.mean(fits) > 0.8
    near = [
        cost is not None and kind is not None and abs(cost - "xyz".index(kind) * 300 - 50) < 100
        for kind, cost in zip(kinds, costs, strict=True)
    ]
    assert np.mean(near) > 0.8
    assert "ward" in made.given["kind"]
    assert "kind" in made.given["cost"]


def test_all_noise_is_paid_for_exactly_and_by_the_rows_of_one_person(monkeypatch):
    paid = []

    def watched(real):
        def call(counts, sensitivity, rho, scale):
            paid.append((sensitivity, rho))
            return real(counts, sensitivity, rho, scale)

        return call

    for name in ("add_gaussian", "prefer"):
        monkeypatch.setattr(spending, name, watched(getattr(spending, name)))
    budget = Budget.of("2", "1e-6")
    left = pair(*household(200), epsilon="1", count=50, budget=budget)[1]
    assert sum(rho for _, rho in paid) == left.spent.rho
    # Three parent columns with the count, alone; and last the two child columns.
    assert [sensitivity for sensitivity, _ in paid[:3]] == [1, 1, 1]
    assert [sensitivity for sensitivity, _ in paid[-6:]] == [4] * 6


def test_rows_beyond_the_bound_and_of_nobody_do_not_count(monkeypatch):
    seen = {}

    def watch(parents, children, owners, plan):
        seen.update(parents=len(parents), owners=owners)
        return real(parents, children, owners, plan)

    real = relational.make_pair
    monkeypatch.setattr(relational, "make_pair", watch)
    persons = pa.table({"who": [1, 1, 1, 2, None], "ward": ["A"] * 5, "age": [1] * 5})
    rows = pa.table({"who": [1] * 9 + [2, 3, None], "kind": ["x"] * 12, "cost": [1] * 12})
    pair(persons, rows, count=5)
    assert seen["parents"] == 2
    assert sorted(Tally(seen["owners"].tolist()).values()) == [1, 4]


def test_one_frame_is_split(made):
    persons, rows = household(300)
    joined = rows.join(persons, "who")
    split, _ = pair(joined, joined, count=100)
    assert split.parents.num_rows == 100
    assert split.parents.column_names == made.parents.column_names


def test_nobody_at_all_gives_the_tables_that_were_asked_for():
    persons, rows = household(5)
    split, _ = pair(persons.slice(0, 0), rows.slice(0, 0), epsilon="1", count=7)
    assert split.parents.num_rows == 7
    assert split.children.column_names == ["who", "kind", "cost"]


def test_what_is_missing_or_too_large_is_refused():
    persons, rows = household(5)
    with pytest.raises(Refused, match="rows of one person"):
        pair(persons, rows, child_declaration=DatasetDeclaration())
    many = declare(max_rows=256, bounds={"cost": (0, 9)}, keys={"kind": ["x"]})
    with pytest.raises(CallerError, match="255"):
        pair(persons, rows, child_declaration=many)
    with pytest.raises(CallerError, match="1,000,000"):
        pair(persons, rows, count=300_000)
    with pytest.raises(Refused) as refused:
        pair(persons, rows, budget=Budget.of("1", "1e-6"))
    assert refused.value.code == "dp.budget-exhausted"


LINES = st.lists(st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=1, max_size=5)


@settings(max_examples=50, deadline=None)
@given(LINES)
def test_the_nearest_counts_are_no_farther_than_any_others(lines):
    noisy = np.array(lines)
    found = nearest_counts(noisy)
    totals = np.maximum(noisy.sum(axis=1), 0)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(totals, abs=1e-9)
    draw = np.random.default_rng(0)
    for line, near, total in zip(noisy, found, totals, strict=True):
        others = draw.dirichlet(np.ones(3), 200) * total
        assert ((line - near) ** 2).sum() <= ((others - line) ** 2).sum(axis=1).min() + 1e-6


def test_a_line_of_which_nothing_is_known_has_the_chances_of_the_column_alone():
    chances = conditional(np.array([[90.0, 10.0], [-3.0, 1.0]]), np.array([0.25, 0.75]), 1e-9)
    assert chances == pytest.approx(np.array([[0.9, 0.1], [0.25, 0.75]]))
