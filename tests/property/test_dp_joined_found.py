"""Keys are found in joined rows as plain Python finds them, and one person brings no more than is stated.

The joined rows of a person are as many as the bound of the join says (J1); each person counts once in a
combination of them (C19). A search that forgot that a join multiplies is caught.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_dp_joins import CODES, public_rows, wards
from tests.unit.dp.world import COLUMNS, DECLARED, table

from hedgerow.adapters.engines import DuckEngine
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people, search_keys
from hedgerow.model.engine import PeopleFilter
from hedgerow.techniques.dp_query import plan_query
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.technique import DpQuery

OPEN = dataclasses.replace(DECLARED, columns=tuple(one for one in DECLARED.columns if one.column != "ward"))
SQL = "SELECT ward, region, COUNT(*), AVG(beds) FROM visits JOIN wards ON age = old GROUP BY ward, region"
row = st.tuples(
    st.integers(0, 3), st.sampled_from([*CODES, "x"]), st.sampled_from([18, 19, 50, None]), st.just(1.0)
)


def planned(content, declaration=OPEN):
    price = Price(Fraction(1), delta=Fraction(1, 10**6))
    known = {"wards": wards(content)}
    return plan_query(SQL, declaration, COLUMNS, price, "visits", ("who",), "who", known)


def by_hand(rows, ranks, content):
    people = defaultdict(set)
    for (who, ward, age, _), rank in zip(rows, ranks, strict=True):
        for _, old, region, _ in content:
            if rank < 3 and age is not None and age == old and ward is not None and region is not None:
                people[ward, region].add(who)
    return {keys: len(found) for keys, found in people.items() if len(found) >= 2}


@settings(max_examples=15, deadline=None)
@given(st.lists(row, max_size=14), public_rows)
def test_both_engines_find_what_plain_python_finds(rows, content):
    made = planned(content)
    full, engine = table(rows), DuckEngine(MemoryShelf())
    ranks, people = draw_ranks(full.column("who")), number_people(full.column("who"))
    wanted = by_hand(rows, ranks, content)
    found = search_keys(full, ranks, made.selection.search, people)
    assert dict(found) == wanted
    files = []
    for half in (slice(None, None, 2), slice(1, None, 2)):
        whose = np.array([one[0] for one in rows[half]], dtype=np.int64)
        own = ranks[half].astype(np.int32)
        part = table(rows[half]).drop_columns(["who"])
        files += engine.write(part, whose, own, 2, lambda: secrets.token_bytes(32), b"x")
    relation = engine.scan(files, sorted(made.columns), PeopleFilter.of(range(10)))
    assert relation.keys(made.selection.search) == found
    spec = made.selecting([(keys, 10**6) for keys, _ in found]).aggregation
    assert [list(one) for one in relation.aggregate(spec)] == aggregate(full, ranks, spec, people)


@settings(max_examples=30, deadline=None)
@given(st.lists(row, max_size=14), public_rows, st.sampled_from([None, 1, 2]))
def test_one_person_brings_at_most_the_combinations_stated(rows, content, groups):
    made = planned(content, declaration=dataclasses.replace(OPEN, max_groups=groups))
    alone = [(1, *one[1:]) for one in rows]
    full = table(alone)
    search = dataclasses.replace(made.selection.search, least=1)
    found = search_keys(full, draw_ranks(full.column("who")), search, number_people(full.column("who")))
    assert len(found) <= made.selection.keys
    assert {count for _, count in found} <= {1}


def test_a_join_multiplies_the_combinations_of_one_person_and_the_bound_is_reached():
    content = [("A", 18, "n", 1), ("A", 18, "s", 2)]
    made = planned(content)
    assert (made.selection.keys, made.selection.search.max_rows) == (6, 3)
    full = table([(1, ward, 18, 1.0) for ward in ("A", "Ж", "é", "x")])
    search = dataclasses.replace(made.selection.search, least=1)
    numbers = draw_ranks(full.column("who")), search, number_people(full.column("who"))
    assert len(search_keys(full, *numbers)) == 6
    forgotten = planned([("A", 18, "n", 1)]).selection
    assert forgotten.threshold < made.selection.threshold
    assert len(search_keys(full, *numbers)) > forgotten.keys


def test_a_plan_with_found_keys_of_joined_rows_is_one_question():
    content = [("A", 18, "n", 1), ("A", 18, "s", 2)]
    assert DpQuery().question(planned(content)) == DpQuery().question(planned(content))
    assert DpQuery().question(planned(content)) != DpQuery().question(planned(content[:1]))


@pytest.mark.parametrize("least", [1, 2])
def test_the_answer_is_of_the_keys_found(least):
    content = [("A", 18, "n", 1), ("A", 18, "s", 2)]
    made = planned(content)
    rows = [(who, "A", 18, 1.0) for who in range(least)]
    full = table(rows)
    whom = full.column("who")
    found = search_keys(full, draw_ranks(whom), made.selection.search, number_people(whom))
    assert [keys for keys, _ in found] == ([("A", "n"), ("A", "s")] if least == 2 else [])
