"""Proves that a condition is written in one form that reads as itself, and picks the rows it says."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.attack.review_world import code_of

from hedgerow.kernel.conditions.filters import _written, condition_of, normalised
from hedgerow.kernel.conditions.parts import Both, Comparison, Either, Member, Name, Null, Truth
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.uses import ColumnView, DatasetView
from hedgerow.techniques.anonymity.picking import picked, rows_of

TYPES = {"age": "integer", "ward": "text", "smokes": "boolean", "born": "date", "Alter Wert": "decimal"}
ROWS = pa.table(
    {
        "age": [17, 18, 30, None],
        "ward": ["A", "B", None, "A"],
        "smokes": [True, False, None, True],
        "Alter Wert": [0.5, 1.5, None, 2.5],
        PERSON: [1, 2, 3, 4],
    }
)
_CONSTANTS = st.one_of(
    st.booleans(),
    st.text(max_size=5),
    st.integers(-(10**15), 10**15),
    st.integers(-(10**9), 10**9).map(lambda number: number + Fraction(number % 999 + 1, 1000)),
)
_NAMES = st.one_of(
    st.sampled_from(["age", "Ward_2"]).map(Name),
    st.text("ab \"'.-", min_size=1, max_size=5).map(lambda text: Name(text, is_quoted=True)),
)
_LEAVES = st.one_of(
    st.builds(Comparison, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), _NAMES, _CONSTANTS),
    st.builds(Member, _NAMES, st.lists(_CONSTANTS, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Null, _NAMES, st.booleans()),
    st.builds(Truth, _NAMES, st.booleans()),
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([Both, Either]),
        st.lists(inner, min_size=2, max_size=3),
    ),
    max_leaves=6,
)


def dataset():
    columns = tuple(ColumnView(name, kind, "other", "other", in_vault=False) for name, kind in TYPES.items())
    return DatasetView("visits", 1, "pid", columns, DatasetDeclaration(), {})


@given(_CONDITIONS)
@settings(max_examples=50, deadline=None)
def test_what_is_written_reads_as_the_same_in_the_same_form(condition):
    text = _written(condition)
    assert normalised(text) == text
    assert _flat(condition_of(text)) == _flat(condition)


def _flat(condition):
    """Join parts of one kind that lie in each other, and forget quotes that a plain name needs not."""
    match condition:
        case Both(parts=parts) | Either(parts=parts):
            kind = type(condition)
            inner = [_flat(part) for part in parts]
            return kind(tuple(x for p in inner for x in (p.parts if isinstance(p, kind) else [p])))
    return condition


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("  18 <= age and  (ward='A')", "age >= 18 AND ward = 'A'"),
        ("NOT (age < 18 OR ward IN ('A', 'B''s'))", "age >= 18 AND ward NOT IN ('A', 'B''s')"),
        ("age BETWEEN 1 AND 2 OR smokes", "(age >= 1 AND age <= 2) OR smokes"),
        ("not smokes is true", "NOT smokes OR smokes IS NULL"),
        ('"Alter Wert" <> -1.50 /* x */', '"Alter Wert" != -1.5'),
        ("born > DATE '2020-01-31'", "born > '2020-01-31'"),
    ],
)
def test_one_form(text, form):
    assert normalised(text) == form


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("age >= 18", [18, 30]),
        ("NOT age >= 18", [17]),
        ("ward = 'A'", [17, None]),
        ("ward <> 'A' OR ward IS NULL", [18, 30]),
        ('smokes AND "Alter Wert" < 1', [17]),
        ("AGE = 30", [30]),
    ],
)
def test_rows_that_meet_it_stay_and_missing_values_meet_nothing(text, ages):
    assert rows_of(ROWS, picked(text, (), dataset()), 0)["age"].to_pylist() == ages


def test_somebody_with_a_row_that_does_not_meet_it_is_not_there():
    rows = ROWS.set_column(ROWS.column_names.index(PERSON), PERSON, pa.array([1, 2, 1, 4]))
    assert rows_of(rows, picked("age >= 18", (), dataset()), 0)["age"].to_pylist() == [18]


def test_fewer_rows_than_k_are_no_table():
    where = picked("age >= 18", (), dataset())
    assert rows_of(ROWS, where, 2).num_rows == 2
    with pytest.raises(CallerError, match="fewer rows than k = 3"):
        rows_of(ROWS, where, 3)


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_hostile_text_is_refused_by_a_code(text):
    codes = ("done", "release.where-", "dp.unknown-column", "dp.sql-type")
    assert code_of(lambda: picked(text, (), dataset())).startswith(codes)
