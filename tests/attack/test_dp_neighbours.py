"""An attacker with two neighbouring tables cannot tell them apart better than epsilon allows.

For an event E chosen beforehand the guarantee says ``P(E | D) <= exp(epsilon) * P(E | D')`` both
ways round. Each chance is bounded from the answers by Chernoff's inequality at 1e-8, so over all
tests of this file a sound query is refuted in fewer than 1 of 10**6 runs. Power: the planted faults below are
chosen so that the expected gap is at least five standard deviations wide.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest
from tests.unit.dp.world import DECLARED, plan, table

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.plans import Clamp, CountRows, KeyDomain
from hedgerow.techniques.dp_query import run

ANSWERS = 1500
ALARM = 1e-8
CROWD = [(person, "A", 40, 50.0) for person in range(2, 30)]
TARGET = [(1, "A", 120, 99.75)] * 8
WITH, WITHOUT = CROWD + TARGET, CROWD


def exact_of(rows, made):
    full = table(rows)
    return aggregate(full, draw_ranks(full.column("who")), made.aggregation)


def chance(rows, made, event, compute=exact_of, answers=ANSWERS):
    """Tell how often the event happens in whole answers on this table."""
    exact = compute(rows, made)
    return sum(event(run(exact, made)) for _ in range(answers)) / answers


def divergence(seen, true):
    """Kullback-Leibler divergence of two coins."""
    parts = ((seen, true), (1 - seen, 1 - true))
    return sum(p * math.log(p / q) if q > 0 else math.inf for p, q in parts if p > 0)


def bound(seen, towards, answers):
    """Bisect for the farthest chance that what was seen does not contradict."""
    near, far = seen, towards
    for _ in range(60):
        middle = (near + far) / 2
        if answers * divergence(seen, middle) <= math.log(1 / ALARM):
            near = middle
        else:
            far = middle
    return far


def is_refuted(epsilon, one, other, answers=ANSWERS):
    """Tell whether two chances contradict epsilon-differential privacy."""
    grown = math.exp(epsilon)
    return any(
        bound(high, 0.0, answers) > grown * bound(low, 1.0, answers)
        for high, low in ((one, other), (other, one))
    )


def attack(made, event, compute=exact_of, answers=ANSWERS):
    """Put the two tables to the query and judge at the cost it claims."""
    seen = [chance(rows, made, event, compute, answers) for rows in (WITH, WITHOUT)]
    return is_refuted(float(made.cost.epsilon), *seen, answers)


COUNT = "SELECT COUNT(*) AS n"
SUM = "SELECT SUM(age) AS n"
BOTH = "SELECT COUNT(*) AS n, SUM(age) AS s"


def at_least(threshold, place=0):
    return lambda answer: answer.rows[0][place] >= threshold


def both(answer):
    count, total = answer.rows[0]
    return count >= 28 + 3 and total >= 28 * 40 + 3 * 120


def halved(made):
    """Plant a fault: half the noise at the claimed cost."""
    weaker = tuple(
        dataclasses.replace(m, scale=m.scale / 2, epsilon=m.epsilon * 2 + Fraction(1, 10**6))
        for m in made.measurements
    )
    return dataclasses.replace(made, measurements=weaker)


def unsplit(made):
    """Plant a fault: every measurement takes the whole epsilon."""
    count = len(made.measurements)
    whole = tuple(
        dataclasses.replace(m, scale=m.scale / count, epsilon=m.epsilon * count + Fraction(1, 10**6))
        for m in made.measurements
    )
    return dataclasses.replace(made, measurements=whole)


def unbounded(rows, made):
    """Plant a fault: every row of a person counts."""
    full = table(rows)
    ranks = draw_ranks(full.column("who")) * 0
    return aggregate(full, ranks, made.aggregation)


SOUND = [(COUNT, at_least(28 + 3)), (SUM, at_least(28 * 40 + 3 * 120)), (BOTH, both)]


@pytest.mark.parametrize(("sql", "event"), SOUND, ids=["count", "sum", "both"])
def test_a_sound_query_is_not_refuted(sql, event):
    assert not attack(plan(sql, "1"), event)


@pytest.mark.parametrize(("sql", "event"), SOUND[:2], ids=["count", "sum"])
def test_half_the_noise_is_refuted(sql, event):
    assert attack(halved(plan(sql, "1")), event, answers=3000)


def test_a_split_that_was_forgotten_is_refuted():
    assert attack(unsplit(plan(BOTH, "3/2")), both, answers=4000)


def test_a_bound_that_was_dropped_is_refuted():
    assert attack(plan(COUNT, "1"), at_least(28 + 5), unbounded)


def keyed(rows, made):
    """Plant a fault: the groups are the keys that stand in the data."""
    seen = tuple(sorted({one[1] for one in rows}))
    domain = KeyDomain("ward", seen)
    return dataclasses.replace(made, aggregation=dataclasses.replace(made.aggregation, keys=(domain,)))


def shows(key):
    return lambda answer: any(row[0] == key for row in answer.rows)


def test_keys_read_from_the_data_are_refuted_and_declared_keys_are_not():
    sql = "SELECT ward, COUNT(*) AS n GROUP BY ward"
    alone = [*CROWD, (1, "日本", 40, 1.0)]
    sound, planted = plan(sql, "1"), [keyed(rows, plan(sql, "1")) for rows in (alone, CROWD)]
    assert not is_refuted(1, *(chance(rows, sound, shows("日本")) for rows in (alone, CROWD)))
    pairs = zip((alone, CROWD), planted, strict=True)
    assert is_refuted(1, *(chance(rows, made, shows("日本")) for rows, made in pairs))


def test_whether_a_mean_is_left_out_rests_on_noise():
    """A group of one person shows or hides its mean no more often than epsilon allows."""
    made = plan("SELECT AVG(age) AS m", "1")
    crowd = [(person, "A", 40, 1.0) for person in range(2, 27)]
    shown = [
        chance(rows, made, lambda answer: answer.rows[0][0] is not None)
        for rows in ([*crowd, *TARGET], crowd)
    ]
    assert not is_refuted(1, *shown)


PEOPLE = "SELECT COUNT(DISTINCT who) AS n"


def people_of(rows, made):
    full = table(rows)
    whom = full.column("who")
    return aggregate(full, draw_ranks(whom), made.aggregation, number_people(whom))


def by_rows(rows, made):
    """Plant a fault: people are counted by their rows."""
    counts = tuple(CountRows() for _ in made.aggregation.aggregates)
    return exact_of(
        rows, dataclasses.replace(made, aggregation=dataclasses.replace(made.aggregation, aggregates=counts))
    )


def test_people_counted_by_their_rows_are_refuted_and_each_once_is_not():
    made = plan(PEOPLE, "1")
    assert not attack(made, at_least(28 + 1), people_of, answers=800)
    assert attack(made, at_least(28 + 2), by_rows, answers=800)


def test_a_repeat_of_an_answer_draws_anew_so_only_the_request_id_may_replay():
    made = plan(COUNT, "0.01")
    exact = exact_of(WITH, made)
    assert len({run(exact, made).rows for _ in range(20)}) > 10


# The crowd at one value and the target at the lowest: adding the target makes the many candidates below the
# crowd more likely together and those above less, which is the worst case of a choice.
MEDIAN = "SELECT MEDIAN(age) AS m"
AGES = dataclasses.replace(
    DECLARED,
    columns=(dataclasses.replace(DECLARED.column("age"), clamp=Clamp(Fraction(0), Fraction(40))),),
)
LOW_TARGET = [(1, "A", 0, 1.0)] * 8


def crowded(many):
    return [(person, "A", 28, 1.0) for person in range(2, 2 + many)]


def above(rows, made, place, compute=exact_of, answers=ANSWERS):
    """Tell how often the median of one group is found above a value."""
    (counts,) = compute(rows, made)
    return sum(made.choices[0].made(counts) > place for _ in range(answers)) / answers


def refuted_choice(made, crowd, compute=exact_of, answers=2000):
    seen = [above(rows, made, 28, compute, answers) for rows in (crowd + LOW_TARGET, crowd)]
    return is_refuted(float(made.cost.epsilon), *seen, answers)


def weaker_choice(made):
    """Plant a fault: a choice at half the scale for the claimed cost."""
    weaker = tuple(
        dataclasses.replace(c, scale=c.scale / 2, epsilon=c.epsilon * 2 + Fraction(1, 10**6))
        for c in made.choices
    )
    return dataclasses.replace(made, choices=weaker)


def test_a_median_is_not_refuted_and_half_its_scale_is():
    made = plan(MEDIAN, "1", AGES)
    assert not refuted_choice(made, crowded(4))
    assert refuted_choice(weaker_choice(made), crowded(4), answers=5000)


def test_a_median_whose_bound_was_dropped_is_refuted():
    assert refuted_choice(plan(MEDIAN, "1", AGES), crowded(12), unbounded)


def test_candidates_read_from_the_data_are_refuted_and_declared_ones_are_not():
    crowd, planted = crowded(4), []
    pair = ([*crowd, *[(1, "A", 40, 1.0)] * 8], crowd)
    for rows in pair:
        ages = [one[2] for one in rows]
        clamp = Clamp(Fraction(min(ages) - 1), Fraction(max(ages)))
        columns = (dataclasses.replace(DECLARED.column("age"), clamp=clamp),)
        planted.append(plan(MEDIAN, "1", dataclasses.replace(DECLARED, columns=columns)))

    def refuted(plans):
        found = [above(rows, made, 30, answers=500) for rows, made in zip(pair, plans, strict=True)]
        return is_refuted(1, *found, 500)

    assert refuted(planted)
    assert not refuted([plan(MEDIAN, "1", AGES)] * 2)
