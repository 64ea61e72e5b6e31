"""Proves each measure of a finished table against its plain definition, on random tables."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.anonymity import plain

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError

TREE = hra.from_rows([("a", "vowel", "*"), ("e", "vowel", "*"), ("t", "other", "*"), ("s", "other", "*")])
PARENTS = [{"a": "v", "e": "v", "t": "o", "s": "o"}, dict.fromkeys("aets", "*")]
ROWS = st.lists(
    st.tuples(st.sampled_from("pq"), st.integers(0, 1), st.sampled_from("aets"), st.integers(0, 6)),
    min_size=1,
    max_size=25,
)


def table_of(rows):
    return pa.table(dict(zip(("name", "flag", "letter", "number"), zip(*rows, strict=True), strict=True)))


def classes_of(rows, place):
    found = defaultdict(list)
    for row in rows:
        found[row[:2]].append(row[place])
    return list(found.values()), [row[place] for row in rows]


def test_a_dict_of_columns_is_measured_as_its_table_is():
    columns = {"age": [1, 1, 2], "sick": ["a", "b", "a"]}
    asked = {"quasi": ["age"], "sensitive": ["sick"]}
    assert hra.measure(columns, **asked) == hra.measure(pa.table(columns), **asked)
    with pytest.raises(CallerError, match="no Arrow"):
        hra.measure({"age": [1], "sick": []}, **asked)


def test_the_example_of_k_is_one_that_is_taken():
    with pytest.raises(CallerError) as told:
        hra.k_anonymise({"age": [1, 1]}, quasi=["age"], k="5")
    assert told.value.next_step.endswith("Write k=5")


@settings(max_examples=50, deadline=None)
@given(rows=ROWS)
def test_each_measure_equals_its_plain_definition(rows):
    ladders = {"letter": TREE}
    made = hra.measure(
        table_of(rows), quasi=["name", "flag"], sensitive=["letter", "number"], hierarchies=ladders
    )
    for place, column in ((2, "letter"), (3, "number")):
        classes, whole = classes_of(rows, place)
        found = made.of(column)
        assert made.k == min(map(len, classes))
        assert made.table.average_risk == Fraction(len(classes), len(rows))
        assert made.table.unique_rows == sum(len(values) == 1 for values in classes)
        assert found.distinct_l == min(map(plain.distinct, classes))
        assert found.entropy_l == pytest.approx(min(map(plain.exponential_of_entropy, classes)))
        assert found.t_equal == pytest.approx(float(max(plain.moved(v, whole, "equal") for v in classes)))
        gain = max(max(plain.gain(values, whole).values()) for values in classes)
        rarest = -math.log(min(plain.shares(whole).values()))
        assert found.beta_basic == pytest.approx(float(gain), abs=1e-12)
        assert found.beta_enhanced == pytest.approx(min(float(gain), rarest), abs=1e-12)
        keeps = all(plain.likeness(values, whole, 10**9, is_enhanced=True) for values in classes)
        assert found.is_within_logarithm == keeps
        assert found.delta_disclosure == pytest.approx(
            max(plain.disclosure(values, whole) for values in classes)
        )
        assert found.alpha == pytest.approx(float(max(max(plain.shares(v).values()) for v in classes)))
    furthest = max(plain.moved(v, whole, "ordered") for v in classes)  # numbers have an order
    assert made.of("number").t_ordered == pytest.approx(float(furthest))
    classes, whole = classes_of(rows, 2)
    parents = [{value: level[value] for value in set(whole)} for level in PARENTS]
    trees = max(plain.moved_in_tree(values, whole, parents) for values in classes)
    assert made.of("letter").t_hierarchical == pytest.approx(float(trees))


@settings(max_examples=30, deadline=None)
@given(rows=ROWS)
def test_c_is_the_least_that_recursive_diversity_has_to_exceed(rows):
    classes, _ = classes_of(rows, 3)
    found = hra.measure(table_of(rows), quasi=["name", "flag"], sensitive=["number"]).of("number")
    if found.distinct_l <= 1:
        assert found.recursive_c is None
        return
    least = found.distinct_l
    assert not all(plain.recursive(values, found.recursive_c, least) for values in classes)
    more = found.recursive_c + Fraction(1, 10**9)
    assert all(plain.recursive(values, more, least) for values in classes)


def test_people_are_counted_where_they_have_several_rows():
    table = pa.table({"sex": ["f"] * 4, "who": ["a", "a", "b", "b"], "x": [1, 2, 3, 4]})
    assert hra.measure(table, quasi=["sex"], sensitive=["x"]).k == 4
    assert hra.measure(table, quasi=["sex"], sensitive=["x"], person="who").k == 2


def test_missing_values_take_no_part():
    table = pa.table({"sex": ["f", "f", "m"], "x": ["flu", None, None]})
    found = hra.measure(table, quasi=["sex"], sensitive=["x"]).of("x")
    assert (found.distinct_l, found.entropy_l, found.t_equal, found.alpha) == (0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quasi": []}, "anonymity.no-quasi"),
        ({"quasi": ["age"]}, "anonymity.unknown-column"),
        ({"table": pa.table({"sex": pa.array([], pa.string())})}, "anonymity.empty-table"),
        ({"table": [1]}, "anonymity.no-table"),
    ],
)
def test_a_wrong_call_is_refused(changes, code):
    asked = {"table": pa.table({"sex": ["f"]}), "quasi": ["sex"]} | changes
    with pytest.raises(CallerError) as caught:
        hra.measure(asked.pop("table"), **asked)
    assert caught.value.code == code
