"""A key that hangs on one person is shown with a chance of at most delta.

Chances are bounded by Chernoff's inequality at 1e-10 each, so sound selections are refuted in fewer than
1 of 10**9 runs of this file. Delta is large here, so that few answers show a fault; thresholds are exact
for any delta.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pyarrow as pa
import pytest
from tests.unit.dp.world import COLUMNS, DECLARED

from hedgerow.kernel.aggregation import draw_ranks, search_keys
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.price import Price

ANSWERS = 1_500
DELTA = Fraction(1, 50)
SQL = "SELECT sex, COUNT(*) GROUP BY sex"
PLAIN = dataclasses.replace(DECLARED, columns=())
WORDS = tuple("abcdefgh")


def selection(price, max_groups=None, max_rows=3):
    declared = dataclasses.replace(PLAIN, max_rows=max_rows, max_groups=max_groups)
    made = plan_query(
        SQL, declared, COLUMNS, dataclasses.replace(price, delta=DELTA), "visits", ("who",), "who"
    )
    return made.selection


LAPLACE, GAUSSIAN = Price(epsilon=Fraction(10)), Price(rho=Fraction(1, 2))
# One other person holds each of many keys, and the target all of them: a key shown tells who is there.
OTHERS = [(person, word) for person, word in enumerate(WORDS, 2)]
TARGET = [(1, word) for word in WORDS]


def shown(chosen, search, rows=(*OTHERS, *TARGET)):
    """Tell how often any key is shown."""
    people = pa.array([row[0] for row in rows], pa.int64())
    table = pa.table({"sex": [row[1] for row in rows]})
    met = 0
    for _ in range(10):
        found = search_keys(table, draw_ranks(people), search, people.to_numpy())
        met += sum(bool(chosen.kept(found)) for _ in range(ANSWERS // 10))
    return met / ANSWERS


def is_refuted(seen):
    """Tell whether what was seen contradicts a chance of delta at most."""
    parts = ((seen, DELTA), (1 - seen, 1 - DELTA))
    return seen > DELTA and ANSWERS * sum(p * math.log(p / q) for p, q in parts if p) > math.log(1e10)


@pytest.mark.parametrize("price", [LAPLACE, GAUSSIAN], ids=["Laplace", "Gaussian"])
def test_a_key_that_one_person_brings_is_shown_with_a_chance_of_delta_at_most(price):
    chosen = selection(price)
    assert not is_refuted(shown(chosen, chosen.search))


@pytest.mark.parametrize("price", [LAPLACE, GAUSSIAN], ids=["Laplace", "Gaussian"])
def test_a_threshold_for_another_delta_is_refuted(price):
    """Plant a fault: a threshold a few people too low."""
    chosen = selection(price)
    lower = dataclasses.replace(chosen, threshold=chosen.threshold - (2 if price is LAPLACE else 3))
    assert is_refuted(shown(lower, chosen.search))


def test_counting_from_the_first_person_is_refuted():
    """Plant a fault: the threshold of people beyond the first is held against all of them."""
    chosen = selection(LAPLACE)
    unshifted = dataclasses.replace(chosen, search=dataclasses.replace(chosen.search, least=1))
    assert is_refuted(shown(unshifted, chosen.search))


def test_a_bound_on_combinations_that_was_dropped_is_refuted():
    chosen = selection(Price(epsilon=Fraction(2)), max_groups=1, max_rows=8)
    assert not is_refuted(shown(chosen, chosen.search))
    loose = dataclasses.replace(chosen.search, max_groups=None)
    assert is_refuted(shown(chosen, loose))


def test_a_key_of_one_person_alone_is_never_shown_however_low_the_threshold():
    chosen = dataclasses.replace(selection(LAPLACE), threshold=-100)
    assert shown(chosen, chosen.search, TARGET) == 0
