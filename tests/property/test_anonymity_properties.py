"""Proves on random small tables that the search is exact and that a release keeps its promises.

Each promise is recounted in plain Python over the whole lattice or the whole table, by code that
shares nothing with the search.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hedgerow.anonymity as hra
from hedgerow.kernel.anonymity import search
from hedgerow.kernel.anonymity.coding import distinct_tuples, level_maps
from hedgerow.model.errors import Refused

LADDERS = {
    "age": hra.numbers(range(12), step=3),
    "zip": hra.codes(["111", "112", "121", "222", "223"]),
    "sex": hra.categories("fm"),
}
QUASI = list(LADDERS)
LIMITS = [0, 0.1, 0.5, 1]

ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 11)),
        st.sampled_from(LADDERS["zip"].values),
        st.sampled_from("fm"),
        st.sampled_from(["flu", "gout", None]),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=24,
)
small = settings(max_examples=50, deadline=None)
few = settings(max_examples=20, deadline=None)  # each example walks three whole lattices


def table_of(rows) -> pa.Table:
    age, zips, sex, illness, who = zip(*rows, strict=True)
    return pa.table(
        {
            "age": pa.array(age, pa.int64()),
            "zip": zips,
            "sex": sex,
            "illness": pa.array(illness, pa.string()),
            "who": who,
        }
    )


def lifted(name, value, level):
    """The released value and how many values of the domain it stands for, read off the hierarchy."""
    ladder = LADDERS[name]
    if value is None:
        return ("*", None) if level == ladder.top else (None, 1)
    if level == 0:
        return value, 1
    groups = ladder.maps[level - 1]
    group = groups[ladder.values.index(str(value))]
    label = ladder.labels[level - 1][group]
    return label, None if label == "*" else groups.count(group)


def exhaustive(rows, k, limit, least):
    """The least loss over every node, counted naively; none where no node fits."""
    domain = [len(LADDERS[name].values) for name in QUASI]
    domain[0] += any(row[0] is None for row in rows)
    losses = []
    for node in product(*(range(LADDERS[name].top + 1) for name in QUASI)):
        lifts = [
            [lifted(name, value, level) for name, value, level in zip(QUASI, row, node, strict=False)]
            for row in rows
        ]
        members = defaultdict(list)
        for row, lift in zip(rows, lifts, strict=True):
            members[tuple(label for label, _ in lift)].append((row, lift))
        lost = dropped = 0
        for inside in members.values():
            values = {row[3] for row, _ in inside} - {None}
            people = {row[4] for row, _ in inside}
            if len(inside) < k or len(values) < least or len(people) < k:
                dropped += len(inside)
                continue
            for _, lift in inside:
                lost += sum(
                    1 if count is None else (count - 1) / (size - 1)
                    for (_, count), size in zip(lift, domain, strict=True)
                )
        if dropped <= limit * len(rows):
            losses.append((lost + dropped * 3) / (len(rows) * 3))
    return min(losses, default=None)


def attempt(rows, k, limit, l):  # noqa: E741 - the field's own word
    try:
        return hra.k_anonymous(
            table_of(rows),
            quasi=QUASI,
            sensitive=["illness"],
            person="who",
            k=k,
            l=l,
            suppression_limit=limit,
            hierarchies=LADDERS,
        )
    except Refused:
        return None


@small
@given(ROWS, st.integers(2, 4), st.sampled_from(LIMITS), st.sampled_from([None, 2]))
def test_no_node_of_the_lattice_loses_less(rows, k, limit, least):
    best = exhaustive(rows, k, limit, least or 0)
    made = attempt(rows, k, limit, least)
    if made is None:
        assert best is None or best > 1 - 1e-9
    else:
        assert abs(made.risk.loss - best) < 1e-9


@few
@given(st.integers(0, 2**32), st.integers(2, 6), st.sampled_from([0, 1, 5, 20, 60]))
def test_no_node_loses_less_on_skewed_tables_with_larger_lattices(seed, k, most_suppressed):
    draw = np.random.default_rng(seed)
    ladder = hra.from_rows([[str(place), str(place // 2), str(place // 4), "*"] for place in range(8)])
    for skew in (1, 2, 4):
        columns = [(8 * draw.random(60) ** skew).astype(np.int64) for _ in range(4)]
        problem = search.Problem(
            distinct_tuples(columns), (level_maps(ladder, has_missing=False),) * 4, k, most_suppressed
        )
        outcomes = [search.evaluate(problem, node) for node in np.ndindex(problem.shape)]
        least = min(outcome.loss for outcome in outcomes if outcome.suppressed <= most_suppressed)
        assert search.search(problem).best.loss == pytest.approx(least, abs=1e-12)


@small
@given(ROWS, st.integers(2, 4), st.sampled_from(LIMITS))
def test_a_release_keeps_k_its_limit_and_its_columns(rows, k, limit):
    made = attempt(rows, k, limit, None)
    if made is None:
        return
    released = made.table.to_pylist()
    sizes = Counter(tuple(row[name] for name in QUASI) for row in released)
    assert min(sizes.values()) >= k
    assert len(rows) - len(released) == made.risk.suppressed_rows <= limit * len(rows)
    assert set(made.table.column_names) == {*QUASI, "illness"}


@small
@given(ROWS, st.integers(2, 4), st.sampled_from(LIMITS))
def test_every_released_row_generalises_a_row_of_its_own(rows, k, limit):
    made = attempt(rows, k, limit, None)
    if made is None:
        return
    levels = [dict(made.levels)[name] for name in QUASI]
    source = Counter(
        (
            *(lifted(name, value, level)[0] for name, value, level in zip(QUASI, row, levels, strict=False)),
            row[3],
        )
        for row in rows
    )
    released = Counter(tuple(row[name] for name in (*QUASI, "illness")) for row in made.table.to_pylist())
    assert released <= source


@small
@given(ROWS, st.integers(2, 4), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows, k, order):
    before = attempt(rows, k, 0.5, None)
    mixed = list(rows)
    order.shuffle(mixed)
    after = attempt(mixed, k, 0.5, None)
    assert (before is None) == (after is None)
    if before is not None:
        assert before.table.equals(after.table)
        assert before.risk == after.risk


@small
@given(ROWS, st.integers(2, 4))
def test_the_linkage_attack_never_gets_below_k_candidates(rows, k):
    made = attempt(rows, k, 1, None)
    if made is None:
        return
    attack = hra.linkage_attack(table_of(rows), made.table, quasi=QUASI, hierarchies=LADDERS)
    assert attack.singled_out == 0
    assert attack.smallest_candidate_set >= k
