"""Proves, for every column type, each comparison, key and fixed-point step row by row against plain Python.

Predicates are never null: a comparison with null is false and its negation true.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.engine import reference
from tests.unit.engine.sorts import SORTS, Sort

from hedgerow.adapters.engines.compiling import _Compiler, compile_aggregation
from hedgerow.adapters.engines.duck import DuckPool
from hedgerow.adapters.engines.groups import number_groups
from hedgerow.adapters.engines.lowering import lower_column, lowering_of
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    Clamp,
    Column,
    Compare,
    CountRows,
    ExactAggregation,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    SumValues,
)

_POOL = DuckPool(1, 2**28)
_BY_TYPE = pytest.mark.parametrize("sort", SORTS, ids=lambda sort: str(sort.type))


def _values(sort: Sort) -> list[Any]:
    """Every value, with a null first, in the middle and last."""
    return [None, *sort.values, None, *reversed(sort.values), None]


def _column(sort: Sort) -> pa.ChunkedArray:
    """The values in two chunks, the second a slice, so that offsets count."""
    values = _values(sort)
    half = len(values) // 2
    padded = pa.array([*sort.values[:1], *values[half:]], type=sort.type)
    return pa.chunked_array([pa.array(values[:half], type=sort.type), padded.slice(1)])


def _predicates(sort: Sort) -> list[Any]:
    column = Column("x")
    literals = [Literal(value) for value in (None, *sort.constants)]
    compares = [
        Compare(op, column, one) for op, one in itertools.product(("=", "!=", "<", "<=", ">", ">="), literals)
    ]
    sets = [IsIn(column, tuple(literals[:most])) for most in (0, 1, 2, len(literals))]
    joined = [AllOf(()), AnyOf(()), AllOf(tuple(compares[-2:])), AnyOf((IsNull(column), compares[1]))]
    plain = [*compares, *sets, IsNull(column), *joined]
    return [*plain, *(Not(one) for one in plain), Not(Not(compares[-1]))]


@_BY_TYPE
def test_each_predicate_is_plain_python_for_each_value(sort: Sort) -> None:
    column, predicates = _column(sort), _predicates(sort)
    compiler = _Compiler({"x": (0, lowering_of(column.type))})
    picked = ", ".join(compiler.predicate(one) for one in predicates)
    rows = _POOL.rows(pa.table({"c0": lower_column(column)}), f"SELECT {picked} FROM t", compiler.parameters)
    for value, answers in zip(_values(sort), rows, strict=True):
        for one, answer in zip(predicates, answers, strict=True):
            assert answer is reference.holds({"x": value}, one), (value, one)


@_BY_TYPE
def test_each_key_finds_its_rows(sort: Sort) -> None:
    column, values = _column(sort), _values(sort)
    columns = {"x": (lower_column(column), lowering_of(column.type))}
    domain = tuple(dict.fromkeys(sort.keys))
    numbers = number_groups(
        [KeyDomain("x", domain)], columns, np.ones(len(values), dtype=np.bool_)
    ).to_pylist()
    for value, number in zip(values, numbers, strict=True):
        expected = [place for place, key in enumerate(domain) if reference._is_key(value, key)]
        assert ([number] if number >= 0 else []) == expected, value
    nobody = number_groups([KeyDomain("x", domain)], columns, np.zeros(len(values), dtype=np.bool_))
    assert set(nobody.to_pylist()) == {-1}


def test_two_keys_count_in_row_major_order() -> None:
    words, flags = pa.chunked_array([["a", "b", "b", "z"]]), pa.chunked_array([[True, False, None, True]])
    columns = {"w": (words, lowering_of(words.type)), "f": (flags, lowering_of(flags.type))}
    keys = [KeyDomain("w", ("b", "q", "a")), KeyDomain("f", (False, True))]
    assert number_groups(keys, columns, np.ones(4, dtype=np.bool_)).to_pylist() == [5, 0, -1, -1]
    many = KeyDomain("w", (*(f"{number}" for number in range(70_000)), "a"))
    assert number_groups([many], columns, np.ones(4, dtype=np.bool_)).to_pylist() == [70_000, -1, -1, -1]


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort.is_number], ids=lambda sort: str(sort.type))
def test_each_value_becomes_its_steps(sort: Sort) -> None:
    column, values = _column(sort), _values(sort)
    bounds = [Fraction(n) for n in (-(10**9), -300, 1, 400, 10**9)] + [Fraction(7, 3)]
    sums = tuple(
        SumValues("x", Clamp(lower, upper), digits)
        for lower, upper in itertools.combinations_with_replacement(sorted(bounds), 2)
        for digits in (0, 1, 5)
    )
    plan = ExactAggregation((), (CountRows("x"), *sums), None, 1)
    statement = compile_aggregation(plan, {"x": (0, lowering_of(column.type))})
    table = pa.table({"k": range(len(values)), "c0": lower_column(column)})
    for number, count, *steps in _POOL.rows(table, statement.sql, statement.parameters):
        value = values[number]
        assert count == (reference.value_of(value) is not None)
        assert [step or 0 for step in steps] == [reference.steps(value, part) for part in sums], value
