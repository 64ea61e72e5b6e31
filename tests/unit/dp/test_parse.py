"""The SQL that is understood, and that every other feature is refused with a reason and a next step."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.query import (
    Both,
    Comparison,
    Either,
    KeyOutput,
    Member,
    Name,
    Null,
    Ordering,
    StatisticOutput,
    Truth,
)


def where(text):
    return parse(f"SELECT COUNT(*) WHERE {text}", "visits").where


def test_the_whole_shape():
    query = parse(
        'SELECT ward w, COUNT(*), AVG(age) AS "mean age", SUM(x), count(y) FROM visits '
        "GROUP BY ward, sex ORDER BY w DESC LIMIT 3;",
        "visits",
    )
    assert query.outputs == (
        KeyOutput(Name("ward"), "w"),
        StatisticOutput("count", None, None),
        StatisticOutput("mean", Name("age"), "mean age"),
        StatisticOutput("sum", Name("x"), None),
        StatisticOutput("count", Name("y"), None),
    )
    assert query.group_by == (Name("ward"), Name("sex"))
    assert query.order_by == (Ordering(Name("w"), is_descending=True),)
    assert query.limit == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", Comparison("=", Name("a"), 1)),
        ("5 < a", Comparison(">", Name("a"), 5)),
        ("NOT a < -2.50", Comparison(">=", Name("a"), Fraction(-5, 2))),
        ("a <> 'it''s'", Comparison("!=", Name("a"), "it's")),
        ("NOT (a = 1 AND b)", Either((Comparison("!=", Name("a"), 1), Truth(Name("b"), is_negated=True)))),
        ("NOT (a = 1 OR NOT b)", Both((Comparison("!=", Name("a"), 1), Truth(Name("b"))))),
        ("a IN (1, 2)", Member(Name("a"), (1, 2))),
        ("a NOT IN ('x')", Member(Name("a"), ("x",), is_negated=True)),
        ("NOT a NOT IN ('x')", Member(Name("a"), ("x",))),
        ("a IS NULL", Null(Name("a"))),
        ("a IS NOT NULL", Null(Name("a"), is_negated=True)),
        ("a BETWEEN 1 AND 2", Both((Comparison(">=", Name("a"), 1), Comparison("<=", Name("a"), 2)))),
        ("a NOT BETWEEN 1 AND 2", Either((Comparison("<", Name("a"), 1), Comparison(">", Name("a"), 2)))),
        ("\"A b\" = DATE '2025-01-31'", Comparison("=", Name("A b", is_quoted=True), "2025-01-31")),
        ("a = TRUE", Comparison("=", Name("a"), True)),
    ],
)
def test_conditions(text, expected):
    assert where(text) == expected


def test_long_chains_are_flat():
    text = " OR ".join(f"a = {number}" for number in range(500))
    assert len(where(text).parts) == 500


UNSUPPORTED = [
    "SELECT * FROM visits",
    "SELECT visits.* FROM visits",
    "SELECT COUNT(*) FROM visits, other",
    "SELECT COUNT(*) FROM visits JOIN other ON a = b",
    "SELECT COUNT(*) FROM (SELECT * FROM visits)",
    "SELECT COUNT(*) FROM visits AS v",
    "SELECT COUNT(*) FROM main.visits",
    "SELECT COUNT(*) FROM visits TABLESAMPLE (10)",
    "SELECT COUNT(*) FROM generate_series(1, 3)",
    "SELECT COUNT(*) FROM visits HAVING COUNT(*) > 3",
    "SELECT COUNT(*) OVER () FROM visits",
    "SELECT COUNT(*) FILTER (WHERE a > 1) FROM visits",
    "SELECT COUNT(DISTINCT a) FROM visits",
    "SELECT DISTINCT COUNT(*) FROM visits",
    "SELECT COUNT(a, b) FROM visits",
    "SELECT COUNT() FROM visits",
    "SELECT COUNT(1) FROM visits",
    "SELECT COUNT(* EXCLUDE (a)) FROM visits",
    "SELECT SUM(a + 1) FROM visits",
    "SELECT SUM(a) / COUNT(*) FROM visits",
    "SELECT SUM(-a) FROM visits",
    "SELECT SUM(*) FROM visits",
    "SELECT AVG(SUM(a)) FROM visits",
    "SELECT AVG(CASE WHEN a THEN 1 END) FROM visits",
    "SELECT MIN(a) FROM visits",
    "SELECT MAX(a) FROM visits",
    "SELECT MEDIAN(a) FROM visits",
    "SELECT UPPER(a), COUNT(*) FROM visits",
    "SELECT 1, COUNT(*) FROM visits",
    "SELECT (SELECT COUNT(*) FROM visits)",
    "SELECT COUNT(*) FROM visits GROUP BY ALL",
    "SELECT COUNT(*) FROM visits GROUP BY 1",
    "SELECT COUNT(*) FROM visits GROUP BY a WITH ROLLUP",
    "SELECT COUNT(*) FROM visits GROUP BY CUBE (a)",
    "SELECT COUNT(*) FROM visits GROUP BY GROUPING SETS ((a), ())",
    "SELECT COUNT(*) FROM visits GROUP BY LOWER(a)",
    "SELECT COUNT(*) FROM visits UNION SELECT COUNT(*) FROM visits",
    "SELECT COUNT(*) FROM visits; SELECT COUNT(*) FROM visits",
    "SELECT COUNT(*) FROM visits; DROP TABLE visits",
    "SELECT COUNT(*) FROM visits LIMIT 3 OFFSET 1",
    "SELECT COUNT(*) FROM visits LIMIT 1 + 1",
    "SELECT COUNT(*) FROM visits ORDER BY 1",
    "SELECT COUNT(*) FROM visits ORDER BY COUNT(*)",
    "SELECT COUNT(*) FROM visits FOR UPDATE",
    "SELECT /*+ BROADCAST(a) */ COUNT(*) FROM visits",
    "SELECT COUNT(*) WHERE a LIKE 'x%'",
    "SELECT COUNT(*) WHERE a = b",
    "SELECT COUNT(*) WHERE a + 1 = 2",
    "SELECT COUNT(*) WHERE LENGTH(a) = 2",
    "SELECT COUNT(*) WHERE a = NULL",
    "SELECT COUNT(*) WHERE a IS TRUE",
    "SELECT COUNT(*) WHERE a IN (SELECT 1)",
    "SELECT COUNT(*) WHERE EXISTS (SELECT 1)",
    "SELECT COUNT(*) WHERE TRUE",
    "SELECT COUNT(*) WHERE 1",
    "SELECT COUNT(*) WHERE a = 1e400",
    "SELECT COUNT(*) WHERE a = 123456789012345678901234567890",
    "SELECT COUNT(*) WHERE a = 1/0",
    "SELECT COUNT(*) WHERE v.a = 1",
    "SELECT COUNT(*) WHERE a = CAST('1' AS INTEGER)",
]


@pytest.mark.parametrize("sql", UNSUPPORTED)
def test_everything_else_is_refused_with_reason_and_next_step(sql):
    with pytest.raises(Refused) as caught:
        parse(sql, "visits")
    assert caught.value.code == "dp.sql-unsupported"
    assert "COUNT(*)" in caught.value.next_step


@pytest.mark.parametrize(
    "sql", ["", " ", "SELECT", "hello", "DROP TABLE visits", "SELECT COUNT(* FROM", "SELECT 'x", None, 7]
)
def test_text_that_is_no_query_is_malformed(sql):
    with pytest.raises((CallerError, Refused)):
        parse(sql, "visits")


def test_another_data_set_is_named():
    with pytest.raises(CallerError) as caught:
        parse("SELECT COUNT(*) FROM salaries", "visits")
    assert caught.value.code == "dp.sql-dataset"


def test_deep_nesting_is_refused_and_not_a_crash():
    for depth in (60, 2000, 9000):
        with pytest.raises((CallerError, Refused)):
            where("(" * depth + "a = 1" + ")" * depth)
        with pytest.raises((CallerError, Refused)):
            where("NOT " * min(depth, 4000) + "a")


def test_errors_never_repeat_a_constant():
    with pytest.raises(Refused) as caught:
        where("a LIKE 'Ann Miller'")
    assert "Ann" not in caught.value.message + caught.value.next_step


def test_a_query_without_statistic_is_refused():
    with pytest.raises(Refused) as caught:
        parse("SELECT ward FROM visits GROUP BY ward", "visits")
    assert caught.value.code == "dp.sql-no-aggregate"
