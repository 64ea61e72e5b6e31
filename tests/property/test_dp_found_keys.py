"""Keys found in the data: counted exactly and once a person, bounded, and shown above the threshold alone.

Random tables with nulls, Unicode and twin-like keys (1 and true, "1" and 1); the engine on sealed files and
the reference against plain Python; thresholds against tails summed term by term.
"""

from __future__ import annotations

import dataclasses
import math
import secrets
from collections import defaultdict
from datetime import date
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, DECLARED

from hedgerow import dp
from hedgerow.adapters.engines import DuckEngine, ranks_for
from hedgerow.adapters.files import MemoryShelf
from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.aggregation import aggregate, draw_ranks, search_keys
from hedgerow.kernel.noise import gaussian_threshold, laplace_threshold
from hedgerow.kernel.noise.threshold import gaussian_tail
from hedgerow.model.budget import ApproximateEvent, LaplaceEvent, ZcdpEvent
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import Fault, Refused
from hedgerow.model.plans import Column, Compare, CountRows, ExactAggregation, KeyDomain, KeySearch, Literal
from hedgerow.techniques.dp_query import plan_query, run
from hedgerow.techniques.dp_query.price import Price

DELTA = Fraction(1, 10**8)
TEXTS = ("A", "Ж", "", "1", "true", "日本")
DAYS = (date(1969, 12, 31), date(2024, 2, 29))
ROW = st.tuples(
    st.integers(0, 5),
    st.one_of(st.none(), st.sampled_from(TEXTS)),
    st.one_of(st.none(), st.sampled_from([-(2**63), 0, 1, 2**63 - 1])),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.sampled_from(DAYS)),
)
KINDS = {"t": pa.string(), "i": pa.int64(), "b": pa.bool_(), "d": pa.date32()}
NAMES = st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3, unique=True)


def frame(rows):
    people = pa.array([row[0] for row in rows], pa.int64())
    kept = {
        name: pa.array([row[at] for row in rows], kind) for at, (name, kind) in enumerate(KINDS.items(), 1)
    }
    return people, pa.table(kept)


def plain(rows, ranks, search):
    """Count people by key in plain Python; without a bound on groups."""
    found = defaultdict(set)
    for row, rank in zip(rows, ranks, strict=True):
        keys = [row[1 + list(KINDS).index(name)] for name in search.columns]
        if rank < search.max_rows and None not in keys and (search.where is None or row[2] == 1):
            told = tuple(key.isoformat() if isinstance(key, date) else key for key in keys)
            found[tuple((type(key), key) for key in told)].add(row[0])
    return {keys: len(people) for keys, people in found.items() if len(people) >= search.least}


def typed(found):
    assert len(dict(found)) <= len(found)
    return {tuple((type(key), key) for key in keys): count for keys, count in found}


WHERE = st.sampled_from([None, Compare("=", Column("i"), Literal(1))])


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=25), NAMES, WHERE, st.integers(1, 4), st.integers(1, 3))
def test_people_are_counted_exactly_and_once(rows, names, where, most, least):
    people, table = frame(rows)
    ranks = draw_ranks(people)
    search = KeySearch(tuple(names), where, most, None, least)
    found = search_keys(table, ranks, search, people.to_numpy())
    assert typed(found) == plain(rows, ranks, search)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25), NAMES, WHERE, st.integers(1, 3), st.data())
def test_the_engine_finds_what_the_rows_hold(rows, names, where, least, data):
    engine, files, cut = DuckEngine(MemoryShelf()), [], data.draw(st.integers(0, len(rows)))
    everybody, ranked = PeopleFilter.of([row[0] for row in rows]), []
    for part, buckets in ((rows[:cut], 2), (rows[cut:], 1)):
        people, table = frame(part)
        ranks = ranks_for(people.to_numpy(), engine.row_counts(files, everybody))
        ranked += ranks.tolist()
        if part:
            fresh = lambda: secrets.token_bytes(32)  # noqa: E731
            files += engine.write(table, people.to_numpy(), ranks, buckets, fresh, b"x")
    search = KeySearch(tuple(names), where, 3, None, least)
    relation = engine.scan(files, sorted(search.read), everybody)
    found = relation.keys(search)
    assert typed(found) == plain(rows, ranked, search)
    chosen = tuple(keys for keys, _ in found)[::-1]
    domains = tuple(
        KeyDomain(name, tuple({(type(k[at]), k[at]): k[at] for k in chosen}.values()))
        for at, name in enumerate(names)
    )
    spec = ExactAggregation(domains, (CountRows(),), where, 3, selected=chosen)
    people, table = frame(rows)
    assert relation.aggregate(spec) == [tuple(r) for r in aggregate(table, np.array(ranked), spec)]
    bounded = relation.keys(dataclasses.replace(search, max_groups=1, least=1))
    everyone = plain(rows, ranked, dataclasses.replace(search, least=1))
    assert sum(count for _, count in bounded) <= len({row[0] for row in rows})
    assert set(typed(bounded)) <= set(everyone)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, max_size=20), st.integers(0, 5), st.integers(1, 3))
def test_one_person_moves_counts_by_one_in_so_many_combinations(rows, person, most):
    """The rows of one person alone are what a neighbour lacks; rows of others are looked at apart."""
    people, table = frame([row for row in rows if row[0] == person])
    search = KeySearch(("t", "b"), None, 10, most, 1)
    found = search_keys(table, draw_ranks(people), search, people.to_numpy())
    assert len(found) <= most
    assert {count for _, count in found} <= {1}


def tail(weights, least):
    return sum(w for k, w in weights.items() if k >= least) / sum(weights.values())


@pytest.mark.parametrize("keys", [1, 5])
@pytest.mark.parametrize("scale", [0.5, 2.0, 12.0])
def test_the_laplace_threshold_is_the_least_that_holds(scale, keys):
    weights = {k: math.exp(-abs(k) / scale) for k in range(-2000, 2001)}
    reached = laplace_threshold(scale, keys, Fraction(1, 10**4))
    assert keys * tail(weights, reached - 1) <= 1e-4 * (1 + 1e-9)
    assert keys * tail(weights, reached - 2) > 1e-4


@pytest.mark.parametrize("scale", [0.5, 2.0, 12.0])
def test_the_gaussian_tail_is_a_bound_and_close(scale):
    weights = {k: math.exp(-(k**2) / (2 * scale**2)) for k in range(-300, 301)}
    for least in (1, 2, 7, 30):
        assert tail(weights, least) <= gaussian_tail(scale, least) * (1 + Fraction(1, 10**9))
    reached = gaussian_threshold(scale, 3, Fraction(1, 10**6))
    assert 3 * tail(weights, reached - 1) <= 1e-6
    assert 3 * tail(weights, reached - 3) > 1e-6


SQL = "SELECT seen, ward, COUNT(*), SUM(age) GROUP BY seen, ward"


def planned(sql=SQL, declaration=DECLARED, delta=DELTA, **price):
    price = Price(**(price or {"epsilon": Fraction(1)}), delta=delta)
    return plan_query(sql, declaration, COLUMNS, price, "visits", ("who",), "who")


def test_the_cost_holds_but_for_delta_and_the_selection_takes_a_share():
    made = planned()
    assert isinstance(made.cost, ApproximateEvent)
    assert made.cost.delta == DELTA
    third = Fraction(1, 3)
    assert made.cost.event == LaplaceEvent.of([(3, third), (3 * 120, third), (3, third)])
    assert planned(rho=Fraction(1, 50)).cost == ApproximateEvent(ZcdpEvent(Fraction(1, 50)), DELTA)
    assert made.selection.search == KeySearch(("seen", "ward"), made.selection.search.where, 3, None, 2)


def test_declared_keys_stay_declared_beside_found_ones():
    where = planned().selection.search.where
    assert [literal.value for literal in where.parts[0].values] == ["A", "Ж", "日本"]


def test_where_all_keys_are_declared_nothing_is_found_and_no_delta_is_spent():
    made = planned("SELECT ward, COUNT(*) GROUP BY ward")
    assert made.selection is None
    assert made.cost == LaplaceEvent.of([(3, Fraction(1))])


def test_a_person_in_fewer_groups_lowers_the_threshold():
    fewer = planned(declaration=dataclasses.replace(DECLARED, max_groups=1)).selection
    assert (fewer.keys, fewer.search.max_groups) == (1, 1)
    assert fewer.threshold < planned().selection.threshold


FOUND = [(("2024-02-29", "A"), 10**6), (("2024-03-01", "A"), 2), (("2024-03-01", "Ж"), 10**6)]


def test_only_what_passes_the_threshold_is_shown_and_measured():
    made = planned().selecting(FOUND)
    assert made.aggregation.selected == (FOUND[0][0], FOUND[2][0])
    answer = run([[5, 100]] * 2, made)
    assert [row[:2] for row in answer.rows] == [("2024-02-29", "A"), ("2024-03-01", "Ж")]
    assert answer.delta == DELTA
    assert f"reaches {planned().selection.people:,}, and never" in " ".join(answer.notes)
    assert "keys by a threshold" in answer.mechanism
    assert type(answer).from_dict(answer.to_dict()) == answer


def test_no_key_at_all_is_an_answer_without_rows():
    answer = run((), planned().selecting([]))
    assert answer.rows == ()


def test_at_most_so_many_are_shown_and_those_of_the_largest_counts():
    selection = dataclasses.replace(planned().selection, most=2)
    found = [((str(place), "A"), 10**6 * (place + 1)) for place in range(5)]
    assert selection.kept(found) == (("3", "A"), ("4", "A"))


@pytest.mark.parametrize("found", [[FOUND[0], FOUND[0]], [(("x", "A"), 1)], [(("x", "A"), 2.0)]])
def test_counts_that_are_none_are_refused(found):
    with pytest.raises(Fault) as caught:
        planned().selection.kept(found)
    assert caught.value.code == "dp.bad-aggregate"


def test_the_explanation_says_where_the_threshold_lies():
    told = planned().describe()
    assert (told["groups"], told["delta"]) == ("found in the data", "1e-8")
    assert told["split"].startswith("equal shares: 3 x 0.33")
    assert told["measurements"][0]["threshold_people"] == planned().selection.people == 172
    assert "groups of seen are found in the data" in told["obligations"]


PEOPLE = pa.table({"who": list(range(3000)), "ward": ["A"] * 1500 + ["B"] * 1499 + ["C"]})


def test_a_data_frame_finds_its_keys_and_pays_delta():
    budget = Budget.of(1, "1e-6", own="1e-7")
    asked = {"person": "who", "declaration": dp.declare(max_rows=1), "epsilon": 1, "discover_keys": "1e-8"}
    answer, left = dp.query(PEOPLE, "SELECT ward, COUNT(*) GROUP BY ward", **asked, budget=budget)
    assert [row[0] for row in answer.rows] == ["A", "B"]
    assert left.spent.delta == DELTA
    with pytest.raises(Refused) as caught:
        dp.query(PEOPLE, "SELECT ward, COUNT(*) GROUP BY ward", **asked, budget=Budget.of(1, "1e-6"))
    assert caught.value.code == "dp.budget-no-own-delta"


FAR = pa.array([1, 4_000_000, -2_000_000, 2_932_896, 2_932_897, None], pa.int32()).cast(pa.date32())


def milliseconds(values):
    return pa.Array.from_buffers(
        pa.date64(), len(values), [None, pa.py_buffer(np.array(values, dtype=np.int64))]
    )


UNTOLD = [
    (FAR, [("1970-01-02",), ("9999-12-31",)]),
    (milliseconds([86_400_005, 2**62, -(2**62)]), [("1970-01-02",)]),
    (pa.array([b"fine", b"\xff\xfe", None]).view(pa.string()), [("fine",)]),
]


@pytest.mark.parametrize(("column", "told"), UNTOLD)
def test_a_value_that_no_answer_could_hold_is_no_key_and_no_failure(column, told):
    """A failure would come before noise and threshold, and tell that one person is there."""
    everybody, table = np.arange(len(column)), pa.table({"d": column.dictionary_encode()})
    search = KeySearch(("d",), None, 1, None, 1)
    for each in (table, pa.table({"d": column})):
        found = search_keys(each, np.zeros(len(column), dtype=np.int64), search, everybody)
        assert found == [(key, 1) for key in told]


@pytest.mark.parametrize("column", [FAR, milliseconds([86_400_000, 2**52])])
def test_the_engine_finds_no_key_beyond_the_calendar(column):
    engine, people = DuckEngine(MemoryShelf()), np.arange(len(column))
    everybody = PeopleFilter.of(people.tolist())
    ranks = np.zeros(len(column), dtype=np.int32)
    files = engine.write(pa.table({"d": column}), people, ranks, 1, lambda: secrets.token_bytes(32), b"x")
    found = engine.scan(files, ["d"], everybody).keys(KeySearch(("d",), None, 1, None, 1))
    assert found[0] == (("1970-01-02",), 1)
    assert len(found) == (2 if column is FAR else 1)
