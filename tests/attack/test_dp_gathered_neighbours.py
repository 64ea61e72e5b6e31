"""An attacker who asks of gathered rows cannot tell two neighbouring tables apart better than epsilon allows.

The judge and its false alarms are those of ``test_dp_neighbours``: below 1 in 10**6 runs over this file too.
The person that is there or not has eight rows, of which three count; the planted fault lets all count.
"""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest
from tests.attack.test_dp_neighbours import at_least, attack
from tests.unit.dp.world import plan, table

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.plans import Clamp, SumValues

SPENT = "SELECT SUM(s) FROM (SELECT who, SUM(age) AS s FROM visits GROUP BY who)"
OFTEN = "SELECT COUNT(*) FROM (SELECT who, COUNT(*) AS n FROM visits GROUP BY who) WHERE n > 2"
CROWD, MOVED = 28 * 40, 3 * 120


def exact(rows, made):
    full = table(rows)
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    return aggregate(full, ranks, made.aggregation, people)


def all_rows(rows, made):
    """Plant a fault: rows beyond the bound are gathered too, and what they give is taken as it is."""
    wide = Clamp(Fraction(-(10**6)), Fraction(10**6))
    gathering = made.aggregation.gathering
    inner = dataclasses.replace(gathering.rows, max_rows=2**40)
    sums = tuple(
        dataclasses.replace(one, clamp=wide) if isinstance(one, SumValues) else one
        for one in made.aggregation.aggregates
    )
    broken = dataclasses.replace(
        made.aggregation,
        aggregates=sums,
        gathering=dataclasses.replace(gathering, rows=inner, each=2**20),
    )
    return exact(rows, dataclasses.replace(made, aggregation=broken))


@pytest.mark.parametrize(
    ("sql", "event"),
    [(SPENT, at_least(CROWD + MOVED)), (OFTEN, at_least(1))],
    ids=["sum of sums", "who comes often"],
)
def test_a_sound_query_is_not_refuted(sql, event):
    assert not attack(plan(sql, "1"), event, exact)


def test_a_bound_that_was_dropped_is_refuted():
    assert attack(plan(SPENT, "1"), at_least(CROWD + 8 * 120 - MOVED), all_rows)
