"""Whatever text is put to the parser or the planner, it answers or refuses; it never breaks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, WARDS, plan
from tests.unit.engine.reference import aggregate as row_by_row

from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import CountRows, ExactAggregation
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.resolve import Catalog

WORDS = [
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "GROUP",
        "BY",
        "ORDER",
        "LIMIT",
        "HAVING",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "BETWEEN",
        "AS",
        "DISTINCT",
    ],
    *[
        "COUNT",
        "SUM",
        "AVG",
        "MIN",
        "MEDIAN",
        "QUANTILE",
        "PERCENTILE_CONT",
        "WITHIN",
        "STDDEV",
        "VAR_POP",
        "OVER",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "JOIN",
        "ON",
        "UNION",
        "WITH",
        "TOP",
        "EXPLAIN",
        "DATE",
        "TRUE",
        "INTERVAL",
        "ALL",
    ],
    *[
        "(",
        ")",
        ",",
        "*",
        "=",
        "<",
        ">",
        "<=",
        ">=",
        "<>",
        "!=",
        ";",
        ".",
        "'",
        '"',
        "+",
        "-",
        "/",
        "::",
        "--",
        "/*",
        "*/",
        "?",
        "$1",
        "[",
        "]",
        "{",
        "}",
        "\\",
        "0",
        "1",
        "2.5",
        "1e9",
        "'x'",
    ],
    *["visits", "ward", "sex", "age", "pay", "smoker", "seen", "who", "nothing", "Ж", "日本", "\x00", "�"],
]
name = st.sampled_from([*COLUMNS, "nothing", "who", '"age"', '"Mixed Case"'])
constant = st.one_of(
    st.integers().map(str), st.floats().map(str), st.text(max_size=4).map(repr), st.just("NULL"), name
)
leaf = st.builds(
    lambda column, op, value: f"{column} {op} {value}",
    name,
    st.sampled_from(["=", "<", ">=", "<>", "IN (1,", "NOT IN (", "BETWEEN 1 AND", "LIKE", "IS", "IS NOT"]),
    constant,
)
tree = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("{} OR {}".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=6,
)
output = st.one_of(
    st.just("COUNT(*)"),
    st.builds("{}({})".format, st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MEDIAN", "STDDEV"]), name),
    st.builds("QUANTILE({}, {})".format, name, constant),
    st.builds("PERCENTILE_CONT({}) WITHIN GROUP (ORDER BY {})".format, constant, name),
    st.builds("COUNT(DISTINCT {})".format, name),
    name,
)
query = st.builds(
    "SELECT {} FROM visits WHERE {} GROUP BY {} {}".format,
    st.lists(output, min_size=1, max_size=4).map(", ".join),
    tree,
    name,
    st.sampled_from(["", "ORDER BY count", "LIMIT 3", "HAVING 1 = 1"]),
)
ASKED = [
    *["ward", "COUNT(*)", "SUM(age)", "AVG(pay)", "MEDIAN(age)", "QUANTILE(pay, 0.3)", "MIN(pay)"],
    *[
        "PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY age)",
        "VAR_POP(age)",
        "STDDEV(pay)",
        "COUNT(DISTINCT who)",
    ],
]
good = st.builds(
    "SELECT {} WHERE {} GROUP BY ward".format,
    st.lists(st.sampled_from(ASKED), min_size=1, max_size=4).map(
        lambda parts: ", ".join(["ward AS w", *parts, "COUNT(pay)"])
    ),
    st.recursive(
        st.sampled_from(
            ["age > 30", "pay <= 2.5", "ward IN ('A')", "NOT smoker", "seen > '2025-01-01'", "age IS NULL"]
        ),
        lambda inner: st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
        ),
        max_leaves=6,
    ),
)


def attempt(sql, only=None):
    try:
        return plan(sql)
    except (CallerError, Refused) as caught:
        error = caught
    assert only in (None, error.code)
    assert error.next_step
    assert "\n" not in error.message
    return None


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text):
    attempt(text)
    attempt("SELECT " + text)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_string_of_words(words):
    attempt("SELECT " + " ".join(words))


@settings(max_examples=50, deadline=None)
@given(query)
def test_anything_shaped_like_a_query(sql):
    attempt(sql)


@settings(max_examples=50, deadline=None)
@given(good)
def test_what_is_allowed_is_planned(sql):
    made = attempt(sql)
    assert isinstance(made, QueryPlan)
    assert sum(m.epsilon for m in (*made.measurements, *made.choices)) == made.cost.epsilon == 1


# Every row that keys and bounds of ward and pay allow, on a grid that holds both ends.
DECLARED_ROWS = [
    {"_rank": 0, "ward": ward, "pay": pay} for ward in WARDS for pay in (-10.5, -10.0, 0.0, 50.0, 99.0, 99.75)
]
bounded = st.recursive(
    st.one_of(
        st.builds(
            "pay {} {}".format,
            st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
            st.sampled_from(["-11", "-10.5", "0", "99.75", "100"]),
        ),
        st.sampled_from(["pay IN (-20, 100)", "pay BETWEEN 100 AND 200", "ward = 'A'", "ward <> 'A'"]),
    ),
    lambda inner: st.one_of(
        st.builds("({} AND {})".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
    ),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(bounded)
def test_what_is_refused_as_out_of_bounds_would_have_counted_no_declared_row(condition):
    sql = f"SELECT COUNT(*) FROM visits WHERE {condition}"
    if attempt(sql, only="dp.out-of-bounds") is not None:
        return
    where = Catalog("visits", COLUMNS).predicate(parse(sql, "visits").where)
    assert [*map(tuple, row_by_row(DECLARED_ROWS, ExactAggregation((), (CountRows(),), where, 1)))] == [(0,)]
