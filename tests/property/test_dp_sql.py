"""Whatever text is put to the parser or the planner, it answers or refuses; it never breaks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, WARDS, plan, table
from tests.unit.engine.reference import aggregate as row_by_row

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.kernel.conditions.catalog import Catalog
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import CountRows, ExactAggregation
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.run import run

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
        "ELSE",
        "ABS",
        "ROUND",
        "FLOOR",
        "LEAST",
        "GREATEST",
        "CLAMP",
        "COALESCE",
        "WIDTH_BUCKET",
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


def worked_of(name, constant, tree):
    return st.recursive(
        name | constant,
        lambda inner: st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "%", "||"]), inner),
            st.builds(
                "{}({})".format, st.sampled_from(["ABS", "FLOOR", "ROUND", "-", "LOWER", "SUM"]), inner
            ),
            st.builds(
                "{}({}, {}, {})".format,
                st.sampled_from(["CLAMP", "LEAST", "IF", "GREATEST"]),
                inner,
                inner,
                inner,
            ),
            st.builds("WIDTH_BUCKET({}, {}, {}, {})".format, inner, inner, constant, constant),
            st.builds("COALESCE({}, {})".format, inner, inner),
            st.builds("CASE WHEN {} > {} THEN {} ELSE {} END".format, inner, constant, inner, inner),
            st.builds("CASE WHEN {} THEN {} END".format, tree, constant),
        ),
        max_leaves=5,
    )


worked = worked_of(name, constant, tree)
output = st.one_of(
    st.just("COUNT(*)"),
    st.builds("{}({})".format, st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MEDIAN", "STDDEV"]), worked),
    st.builds("{} AS g".format, worked),
    st.builds("{}({})".format, st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MEDIAN", "STDDEV"]), name),
    st.builds("QUANTILE({}, {})".format, name, constant),
    st.builds("PERCENTILE_CONT({}) WITHIN GROUP (ORDER BY {})".format, constant, name),
    st.builds("COUNT(DISTINCT {})".format, name),
    name,
)
source = st.one_of(
    st.just("visits"),
    st.builds(
        "(SELECT {}{} AS g, {} AS pay FROM visits WHERE {}) AS t".format,
        st.sampled_from(["", "*, ", "who, ", "age, "]),
        worked,
        worked,
        tree,
    ),
)
gathered = st.builds(
    "(SELECT {} AS g, {} AS pay, COUNT(*) AS age FROM {} WHERE {} GROUP BY {} {}) AS t".format,
    st.sampled_from(["person", "who", "ward", "sex", "age"]) | worked,
    output,
    source,
    tree,
    st.sampled_from(["person", "who, ward", "person, sex, g", "ward", "who, age", "1", "person, 1", "pay"]),
    st.just("") | st.builds("HAVING {} > {}".format, output, constant),
)
query = st.builds(
    "SELECT {} FROM {} WHERE {} GROUP BY {} {}".format,
    st.lists(output, min_size=1, max_size=4).map(", ".join),
    source | gathered,
    tree | st.builds("{} > 3".format, worked),
    name | worked | st.just("g"),
    st.one_of(
        st.sampled_from(["", "ORDER BY count", "LIMIT 3", "HAVING 1 = 1"]),
        st.builds("HAVING {} > {} AND NOT COUNT(*) < 3".format, output, constant),
    ),
)
ASKED = [
    *["ward", "COUNT(*)", "SUM(age)", "AVG(pay)", "MEDIAN(age)", "QUANTILE(pay, 0.3)", "MIN(pay)"],
    *[
        "PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY age)",
        "VAR_POP(age)",
        "STDDEV(pay)",
        "COUNT(DISTINCT who)",
        "SUM(pay * 2 - age)",
        "COUNT(CASE WHEN age + 1 > 30 THEN 1 END)",
        "AVG(CLAMP(pay, 0, 50) / 3)",
        "MEDIAN(ABS(age - 40))",
    ],
]
good = st.builds(
    "SELECT {} FROM {} WHERE {} GROUP BY ward {}".format,
    st.lists(st.sampled_from(ASKED), min_size=1, max_size=4).map(
        lambda parts: ", ".join(["ward AS w", *parts, "COUNT(pay)"])
    ),
    st.sampled_from(["visits", "(SELECT * FROM visits WHERE age - 1 > 20)"]),
    st.recursive(
        st.sampled_from(
            [
                *["age > 30", "pay <= 2.5", "ward IN ('A')", "NOT smoker", "seen > '2025-01-01'"],
                *["age IS NULL", "pay * 2 > age", "FLOOR(pay / 3) IN (1, 2)"],
            ]
        ),
        lambda inner: st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
        ),
        max_leaves=6,
    ),
    st.sampled_from(["", "HAVING COUNT(*) > 5", "HAVING NOT (AVG(pay) < 2 OR SUM(age + 1) > 9)"]),
)


plain = st.sampled_from(["age", "pay", "age", "pay", "ward"])
small = st.sampled_from(["1", "2.5", "30", "-7"])
plausible = st.builds(
    "SELECT {} AS g, COUNT(*), {}({}) FROM {} WHERE {} > 3 GROUP BY g {}".format,
    st.sampled_from(["ward", "FLOOR(pay / 20)", "CASE WHEN pay > 7 THEN 'x' END"])
    | worked_of(plain, small, leaf),
    st.sampled_from(["COUNT", "SUM", "AVG", "VARIANCE", "MAX"]),
    worked_of(plain, small, st.sampled_from(["ward = 'A'", "pay > age", "age IS NULL"])),
    st.sampled_from(
        [
            "visits",
            "(SELECT *, age * 2 AS twice FROM visits WHERE pay < 90)",
            "(SELECT person, ward, COUNT(*) AS age, SUM(pay) AS pay FROM visits GROUP BY person, ward)",
            "(SELECT who, ward, MAX(age) AS age, AVG(pay) AS pay FROM visits GROUP BY 1, 2 HAVING pay > 1)",
            "(SELECT ward, MIN(pay) AS pay, SUM(b) AS age FROM (SELECT *, age b FROM visits) GROUP BY who)",
        ]
    ),
    plain | worked_of(plain, small, leaf),
    st.sampled_from(["", "HAVING COUNT(*) > 2", "HAVING MIN(age) > 30 OR COUNT(*) > 0"]),
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


@settings(max_examples=100, deadline=None)
@given(query)
def test_anything_shaped_like_a_query(sql):
    attempt(sql)


ROWS = [(1, "A", 2**63 - 1, 1e308), (1, None, None, float("nan")), (None, "Ж", -(2**63), -1e308)]
ROWS += [(who, ward, 20 + who, 1.5 * who) for who in range(2, 6) for ward in (*WARDS, "other")]


@settings(max_examples=60, deadline=None)
@given(good | plausible)
def test_what_is_planned_is_answered_whatever_the_rows_hold(sql):
    """Every number shown is noisy, every key is one that was public, and no row makes it fail."""
    made = attempt(sql)
    if made is None or made.columns - {"ward", "age", "pay"}:
        return
    held = table(ROWS)
    whom = held.column("who")
    exact = aggregate(held, draw_ranks(whom), made.aggregation, number_people(whom))
    answer = run(exact, made)
    assert all(len(row) == len(made.outputs) for row in answer.rows)
    for output, cells in zip(made.outputs, zip(*answer.rows, strict=True), strict=False):
        if output.column.kind == "key":
            assert set(cells) <= set(made.aggregation.keys[output.cell.place].values)


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
