"""The SQL that is understood, and that every other feature is refused with a reason and a next step."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hedgerow.kernel.conditions.parts import Both, Comparison, Either, Member, Name, Null, Truth
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.dp_query.parse import parse
from hedgerow.techniques.dp_query.query import KeyOutput, Ordering, StatisticOutput


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
    ("text", "function", "quantile"),
    [
        ("MEDIAN(a)", "median", Fraction(1, 2)),
        ("QUANTILE(a, 0.25)", "quantile", Fraction(1, 4)),
        ("quantile(a, .9990)", "quantile", Fraction(999, 1000)),
        ("PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY a)", "quantile", Fraction(9, 10)),
        ("PERCENTILE_DISC(0.9) WITHIN GROUP (ORDER BY a ASC)", "quantile", Fraction(9, 10)),
        ("MIN(a)", "min", Fraction(1, 20)),
        ("MAX(a)", "max", Fraction(19, 20)),
        ("VARIANCE(a)", "variance", None),
        ("VAR_SAMP(a)", "variance", None),
        ("VAR_POP(a)", "variance_pop", None),
        ("STDDEV(a)", "stddev", None),
        ("STDDEV_SAMP(a)", "stddev", None),
        ("STDDEV_POP(a)", "stddev_pop", None),
        ("COUNT(DISTINCT a)", "people", None),
        ("COUNT(DISTINCT (a))", "people", None),
    ],
)
def test_quantiles_and_spreads(text, function, quantile):
    query = parse(f"SELECT {text} AS q FROM visits ORDER BY {text} DESC", "visits")
    assert query.outputs == (StatisticOutput(function, Name("a"), "q", quantile),)
    assert query.order_by == (
        Ordering(StatisticOutput(function, Name("a"), None, quantile), is_descending=True),
    )


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
    "SELECT COUNT(*) FROM main.visits",
    "SELECT COUNT(*) FROM visits AS v (x, y)",
    "SELECT other.a, COUNT(*) FROM visits GROUP BY a",
    "SELECT visits.a, COUNT(*) FROM visits AS v GROUP BY a",
    "SELECT COUNT(*) FROM visits ORDER BY 0",
    "SELECT COUNT(*) FROM visits ORDER BY 2",
    "SELECT COUNT(*) FROM visits ORDER BY 1.5",
    "SELECT COUNT(*) FROM visits ORDER BY COUNT(*) DESC NULLS FIRST",
    "SELECT COUNT(*) FROM visits GROUP BY 7",
    "SELECT COUNT(*) FROM visits GROUP BY 'a'",
    "SELECT COUNT(*) FROM visits FETCH FIRST 2 ROWS ONLY",
    "SELECT COUNT(*) FROM visits LIMIT -1",
    "SELECT COUNT(*) WHERE a IS 3",
    "SELECT COUNT(*) WHERE a IN ()",
    "SELECT COUNT(*) FROM visits TABLESAMPLE (10)",
    "SELECT COUNT(*) FROM generate_series(1, 3)",
    "SELECT COUNT(*) OVER () FROM visits",
    "SELECT COUNT(*) FILTER (WHERE a > 1) FROM visits",
    "SELECT COUNT(DISTINCT a, b) FROM visits",
    "SELECT COUNT(DISTINCT a + 1) FROM visits",
    "SELECT COUNT(DISTINCT *) FROM visits",
    "SELECT COUNT(DISTINCT 1) FROM visits",
    "SELECT DISTINCT COUNT(*) FROM visits",
    "SELECT COUNT(a, b) FROM visits",
    "SELECT COUNT() FROM visits",
    "SELECT COUNT(* EXCLUDE (a)) FROM visits",
    "SELECT SUM(a) / COUNT(*) FROM visits",
    "SELECT SUM(*) FROM visits",
    "SELECT AVG(SUM(a)) FROM visits",
    "SELECT MIN(a, b) FROM visits",
    "SELECT MIN(*) FROM visits",
    "SELECT QUANTILE(a, b) FROM visits",
    "SELECT QUANTILE(2, 0.5) FROM visits",
    "SELECT QUANTILE(a, '0.5') FROM visits",
    "SELECT QUANTILE(a, 1e-1) FROM visits",
    "SELECT QUANTILE(a, 0.12345) FROM visits",
    "SELECT QUANTILE(a, NULL) FROM visits",
    "SELECT MEDIAN(DISTINCT a) FROM visits",
    "SELECT MEDIAN(a) FILTER (WHERE b > 1) FROM visits",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a, b) FROM visits",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER () FROM visits",
    "SELECT LISTAGG(a) WITHIN GROUP (ORDER BY a) FROM visits",
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
    "SELECT COUNT(*) FROM visits FOR UPDATE",
    "SELECT /*+ BROADCAST(a) */ COUNT(*) FROM visits",
    "SELECT COUNT(*) WHERE a LIKE 'x%'",
    "SELECT COUNT(*) WHERE a = b",
    "SELECT COUNT(*) WHERE LENGTH(a) = 2",
    "SELECT COUNT(*) WHERE a = NULL",
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
    assert caught.value.message.startswith("The query uses ")
    assert len(caught.value.next_step) > 20


NEXT_STEPS = {
    # what is asked: words of the next step that fit this and little else
    "SELECT a, COUNT(*) FROM visits GROUP BY a HAVING COUNT(*) > SUM(a)": "with numbers",
    "SELECT a, COUNT(*) FROM visits GROUP BY a HAVING COUNT(*) IN (1, 2)": "with numbers",
    "SELECT a, COUNT(*) FROM visits GROUP BY a HAVING COUNT(*) > 'x'": "with numbers",
    "SELECT COUNT(*) FROM (SELECT a FROM visits LIMIT 3)": "Inside FROM write SELECT",
    "SELECT COUNT(*) FROM (SELECT DISTINCT a FROM visits)": "Leave DISTINCT out",
    "SELECT COUNT(*) FROM (SELECT COUNT(*) AS n FROM visits)": "Group it by person",
    "SELECT COUNT(*) FROM (SELECT a + 1 FROM visits)": "Name it with AS",
    "SELECT COUNT(*) FROM (SELECT 1 + 1 AS x FROM visits)": "Leave it out",
    "SELECT COUNT(*) FROM (SELECT UPPER(a) AS x FROM visits)": "convert or format",
    "SELECT COUNT(*) FROM (SELECT a FROM visits UNION SELECT a FROM visits)": "one sub-query",
    "SELECT COUNT(*) FROM (VALUES (1))": "one sub-query",
    "SELECT SUM(a / b) FROM visits": "divide the answer",
    "SELECT SUM(a / 0) FROM visits": "divide the answer",
    "SELECT SUM(a / (1 - 1)) FROM visits": "divide the answer",
    "SELECT SUM(a + 'x') FROM visits": "Work with numbers",
    "SELECT SUM(a + NULL) FROM visits": "Work with numbers",
    "SELECT SUM(COALESCE(a, b)) FROM visits": "one number",
    "SELECT SUM(COALESCE(a, 1, 2)) FROM visits": "one number",
    "SELECT SUM(CLAMP(a, 9, 1)) FROM visits": "the lower first",
    "SELECT SUM(CLAMP(a, b, 1)) FROM visits": "the lower first",
    "SELECT SUM(ROUND(a, b)) FROM visits": "how many digits",
    "SELECT SUM(ROUND(a, 99)) FROM visits": "how many digits",
    "SELECT SUM(FLOOR(a, 2)) FROM visits": "joined by + - *",
    "SELECT SUM(CASE a WHEN 1 THEN 2 END) FROM visits": "a condition each",
    "SELECT SUM(a + AVG(a)) FROM visits": "arithmetic on the answer",
    "SELECT SUM(a % 2) FROM visits": "or an expression",
    "SELECT SUM(a + b % 2) FROM visits": "joined by + - *",
    "SELECT SUM(a || b) FROM visits": "or an expression",
    "SELECT COUNT(*) FROM visits GROUP BY WIDTH_BUCKET(a, 9, 1, 4)": "the lower first",
    "SELECT COUNT(*) FROM visits GROUP BY WIDTH_BUCKET(a, b, 1, 4)": "the lower first",
    "SELECT COUNT(*) FROM visits GROUP BY WIDTH_BUCKET(a, 0, 1, 2.5)": "the lower first",
    "SELECT COUNT(*) FROM visits GROUP BY WIDTH_BUCKET(a, 0, 1, 99999999)": "the lower first",
    "SELECT COUNT(*) FROM visits GROUP BY 1 + 1": "Leave it out",
    "SELECT COUNT(*) WHERE a < 3 + COUNT(*)": "arithmetic on the answer",
    "SELECT COUNT(*) WHERE CASE WHEN a THEN b END": "by =, <>, <, >",
    "SELECT COUNT(*) WHERE 1 + 1 = 2": "compare a column",
    "SELECT * FROM visits": "hedgerow dataset show",
    "SELECT visits.* FROM visits": "hedgerow dataset show",
    "SELECT * EXCLUDE (a) FROM visits": "hedgerow dataset show",
    "SELECT COUNT(*) FROM visits JOIN other ON a = b": "one data set at a time",
    "SELECT COUNT(*) FROM visits, other": "one data set at a time",
    "SELECT COUNT(*) WHERE a > (SELECT AVG(a) FROM visits)": "put its answer in as a number",
    "SELECT COUNT(*) WHERE a IN (SELECT a FROM visits)": "put its answer in as a number",
    "SELECT COUNT(*) WHERE EXISTS (SELECT 1)": "put its answer in as a number",
    "SELECT (SELECT COUNT(*) FROM visits)": "by itself",
    "WITH v AS (SELECT * FROM visits) SELECT COUNT(*) FROM v": "without WITH",
    "SELECT DISTINCT a, COUNT(*) FROM visits GROUP BY a": "each declared key once",
    "SELECT COUNT(DISTINCT a, b) FROM visits": "COUNT(DISTINCT person)",
    "SELECT APPROX_COUNT_DISTINCT(a) FROM visits": "COUNT(column)",
    "SELECT SUM(DISTINCT a) FROM visits": "COUNT(column)",
    "SELECT COUNT(a, b) FROM visits": "one plain column",
    "SELECT COUNT() FROM visits": "COUNT(*)",
    "SELECT COUNT('x') FROM visits": "COUNT(*)",
    "SELECT a, COUNT(*) FROM visits GROUP BY a LIMIT 2 OFFSET 1": "LIMIT alone",
    "SELECT COUNT(*) FROM visits FETCH FIRST 2 ROWS ONLY": "LIMIT 10",
    "SELECT TOP 2 a, COUNT(*) FROM visits GROUP BY a": "LIMIT 10",
    "SELECT COUNT(*) FROM visits LIMIT ALL": "LIMIT 10",
    "SELECT COUNT(*) OVER (PARTITION BY a) FROM visits": "instead of OVER",
    "SELECT RANK() OVER (ORDER BY a) FROM visits": "instead of OVER",
    "SELECT COUNT(*) FROM visits QUALIFY 1 = 1": "instead of OVER",
    "SELECT QUANTILE(a, 0) FROM visits": "above 0 and below 1",
    "SELECT QUANTILE(a, 1) FROM visits": "MIN(age) or MAX(age)",
    "SELECT QUANTILE(a, 1.5) FROM visits": "above 0 and below 1",
    "SELECT QUANTILE(a, -0.5) FROM visits": "above 0 and below 1",
    "SELECT QUANTILE(a, ARRAY[0.25, 0.5]) FROM visits": "above 0 and below 1",
    "SELECT PERCENTILE_CONT(2) WITHIN GROUP (ORDER BY a) FROM visits": "above 0 and below 1",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a DESC) FROM visits": "smallest first",
    "SELECT PERCENTILE_CONT(a, 0.5) FROM visits": "Write QUANTILE(age, 0.25)",
    "SELECT APPROX_QUANTILE(a, 0.5) FROM visits": "Write QUANTILE(age, 0.25)",
    "SELECT QUANTILE_CONT(a, 0.5) FROM visits": "Write QUANTILE(age, 0.25)",
    "SELECT PERCENTILE(a, 0.5) FROM visits": "Write QUANTILE(age, 0.25)",
    "SELECT MIN_BY(a, b) FROM visits": "tells of one person",
    "SELECT MAX(a, b) FROM visits": "one plain column",
    "SELECT STD(a) FROM visits": "STDDEV(age)",
    "SELECT STDDEV(DISTINCT a) FROM visits": "COUNT(column)",
    "SELECT CORR(a, b) FROM visits": "AVG of one column",
    "SELECT MODE(a) FROM visits": "ORDER BY n DESC LIMIT 1",
    "SELECT STRING_AGG(a, ',') FROM visits": "Single values",
    "SELECT ARRAY_AGG(a) FROM visits": "Single values",
    "SELECT FIRST(a) FROM visits": "Single values",
    "SELECT ANY_VALUE(a) FROM visits": "Single values",
    "SELECT COUNT_IF(a > 3) FROM visits": "condition in WHERE",
    "SELECT COUNT(*) FILTER (WHERE a > 3) FROM visits": "condition in WHERE",
    "SELECT SUM(a > 3) FROM visits": "condition in WHERE",
    "SELECT MEAN(a) FROM visits": "AVG(column)",
    "SELECT HISTOGRAM(a) FROM visits": "COUNT, SUM and AVG",
    "SELECT SUM(a) / COUNT(*) FROM visits": "arithmetic on the answer",
    "SELECT COUNT(*) * 100 FROM visits": "arithmetic on the answer",
    "SELECT AVG(SUM(a)) FROM visits": "Ask the inner statistic",
    "SELECT ROUND(AVG(a), 1) FROM visits": "round, convert or format the answer",
    "SELECT CAST(COUNT(*) AS INTEGER) FROM visits": "round, convert or format the answer",
    "SELECT COALESCE(SUM(a), 0) FROM visits": "round, convert or format the answer",
    "SELECT UPPER(a), COUNT(*) FROM visits GROUP BY a": "round, convert or format the answer",
    "SELECT 'a', COUNT(*) FROM visits": "double quotes",
    "SELECT NULL, COUNT(*) FROM visits": "double quotes",
    "SELECT [a], COUNT(*) FROM visits GROUP BY a": "double quotes",
    "SELECT COUNT(*); SELECT COUNT(*)": "one SELECT at a time",
    "SELECT COUNT(*) FROM visits UNION SELECT COUNT(*) FROM visits": "each SELECT by itself",
    "SELECT COUNT(*) FROM visits EXCEPT SELECT COUNT(*) FROM visits": "each SELECT by itself",
    "FROM visits SELECT COUNT(*)": "Begin with SELECT",
    "(SELECT COUNT(*) FROM visits)": "Begin with SELECT",
    "EXPLAIN SELECT COUNT(*) FROM visits": "--explain",
    "SELECT COUNT(*) FROM main.visits": "bare name",
    "SELECT COUNT(*) FROM read_csv('x')": "bare name",
    "SELECT COUNT(*) FROM visits TABLESAMPLE (10)": "without a sample",
    "SELECT COUNT(*) FROM visits USING SAMPLE 10%": "without a sample",
    "SELECT other.a, COUNT(*) FROM visits GROUP BY a": "bare name",
    "SELECT COUNT(*) INTO t FROM visits": "answer",
    "SELECT COUNT(*) FROM visits FOR UPDATE": "SELECT, FROM, WHERE, GROUP BY, ORDER BY and LIMIT",
    "SELECT COUNT(*) FROM visits GROUP BY ALL": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY ROLLUP (a)": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY a WITH ROLLUP": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY CUBE (a)": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY GROUPING SETS ((a), ())": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY (a, b)": "GROUP BY ward, sex",
    "SELECT COUNT(*) FROM visits GROUP BY LOWER(a)": "WIDTH_BUCKET",
    "SELECT YEAR(a), COUNT(*) FROM visits GROUP BY YEAR(a)": "WIDTH_BUCKET",
    "SELECT YEAR(a), COUNT(*) FROM visits GROUP BY a": "DATE '2026-01-01'",
    "SELECT COUNT(*) WHERE DATE_PART('year', a) = 2025": "DATE '2026-01-01'",
    "SELECT COUNT(visits.*) FROM visits": "ask COUNT(*)",
    "SELECT COUNT(*) FROM visits GROUP BY 1": "position",
    "SELECT COUNT(*) FROM visits ORDER BY LOWER(a)": "alias",
    "SELECT COUNT(*) FROM visits ORDER BY 7": "alias",
    "SELECT AVG(a) FROM visits ORDER BY 1 DESC NULLS FIRST": "come last",
    "SELECT COUNT(*) WHERE a LIKE 'x%'": "IN ('A', 'B')",
    "SELECT COUNT(*) WHERE a NOT ILIKE 'x%'": "IN ('A', 'B')",
    "SELECT COUNT(*) WHERE a SIMILAR TO 'x'": "IN ('A', 'B')",
    "SELECT COUNT(*) WHERE REGEXP_MATCHES(a, 'x')": "IN ('A', 'B')",
    "SELECT COUNT(*) WHERE STARTS_WITH(a, 'x')": "IN ('A', 'B')",
    "SELECT COUNT(*) WHERE a = b": "single quotes",
    'SELECT COUNT(*) WHERE a = "A"': "single quotes",
    "SELECT COUNT(*) WHERE a IN (b)": "single quotes",
    "SELECT COUNT(*) WHERE 'a' = 'A'": "Leave the condition out",
    "SELECT COUNT(*) WHERE 1 = 1": "Leave the condition out",
    "SELECT COUNT(*) WHERE TRUE": "Leave the condition out",
    "SELECT COUNT(*) WHERE a = NULL": "IS NULL",
    "SELECT COUNT(*) WHERE a IN (NULL)": "IS NULL",
    "SELECT COUNT(*) WHERE a IS DISTINCT FROM 3": "OR age IS NULL",
    "SELECT COUNT(*) WHERE a BETWEEN SYMMETRIC 3 AND 1": "the lower constant first",
    "SELECT COUNT(*) WHERE a IN ()": "1 to 1000 constants",
    "SELECT COUNT(*) WHERE (a > 3) = TRUE": "joined by + - *",
    "SELECT COUNT(*) WHERE a > 1e3": "digits",
    "SELECT COUNT(*) WHERE a > CAST('1' AS INTEGER)": "digits",
    "SELECT COUNT(*) WHERE a > ?": "into the query itself",
    "SELECT COUNT(*) WHERE a > :limit": "into the query itself",
    "SELECT COUNT(*) WHERE a > CURRENT_DATE": "DATE '2025-01-31'",
    "SELECT COUNT(*) WHERE a > NOW()": "DATE '2025-01-31'",
    "SELECT COUNT(*) WHERE a > DATE '2025-01-01' - INTERVAL 7 DAY": "DATE '2025-01-31'",
    "SELECT COUNT(*) WHERE YEAR(a) = 2025": "DATE '2026-01-01'",
    "SELECT COUNT(*) WHERE EXTRACT(YEAR FROM a) = 2025": "DATE '2026-01-01'",
    "SELECT COUNT(*) WHERE LOWER(a) = 'x'": "each spelling",
    "SELECT COUNT(*) WHERE COUNT(*) > 3": "look at one row",
    "SELECT COUNT(*) WHERE v.a = 1": "bare name",
}


@pytest.mark.parametrize(("sql", "told"), NEXT_STEPS.items())
def test_each_kind_has_its_own_next_step(sql, told):
    with pytest.raises(Refused) as caught:
        parse(sql, "visits")
    assert caught.value.code == "dp.sql-unsupported"
    assert told in caught.value.next_step


def test_the_next_steps_tell_apart():
    assert len(set(NEXT_STEPS.values())) > 40


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT COUNT(1)", "SELECT COUNT(*)"),
        ("-- why\nSELECT COUNT(*)", "SELECT COUNT(*)"),
        ("/* why * not */ /**/ SELECT COUNT(*) -- so", "SELECT COUNT(*)"),
        ("SELECT visits.a, SUM(visits.b) FROM visits GROUP BY visits.a", "SELECT a, SUM(b) GROUP BY a"),
        (
            "SELECT v.a, COUNT(*) FROM visits AS v WHERE V.b = 1 GROUP BY v.a",
            "SELECT a, COUNT(*) WHERE b = 1 GROUP BY a",
        ),
        ("SELECT a, COUNT(*) FROM visits GROUP BY 1", "SELECT a, COUNT(*) GROUP BY a"),
        ("SELECT a, COUNT(*) FROM visits GROUP BY (a)", "SELECT a, COUNT(*) GROUP BY a"),
        ("SELECT COUNT(*) WHERE a IS TRUE", "SELECT COUNT(*) WHERE a"),
        ("SELECT COUNT(*) WHERE a IS FALSE", "SELECT COUNT(*) WHERE NOT a"),
        ("SELECT COUNT(*) WHERE a IS NOT TRUE", "SELECT COUNT(*) WHERE NOT a OR a IS NULL"),
        ("SELECT COUNT(*) WHERE NOT a IS FALSE", "SELECT COUNT(*) WHERE a OR a IS NULL"),
    ],
)
def test_two_ways_to_say_the_same(sql, expected):
    assert parse(sql, "visits") == parse(expected, "visits")


def test_outputs_are_sorted_by_name_position_or_statistic():
    query = parse("SELECT a, COUNT(*), SUM(b) GROUP BY a ORDER BY COUNT(*) DESC, 3, (a)", "visits")
    assert query.order_by == (
        Ordering(StatisticOutput("count", None, None), is_descending=True),
        Ordering(2, is_descending=False),
        Ordering(Name("a"), is_descending=False),
    )


def test_hostile_comments_before_the_query_are_read_in_linear_time():
    for text in ("/*" * 9_000, "/**/" * 4_900 + "x", "--\n" * 6_000, " " * 19_000 + "x"):
        with pytest.raises(CallerError):
            parse(text, "visits")


def test_too_many_outputs_constants_or_conditions_are_refused():
    for sql in (
        "SELECT " + ", ".join(["COUNT(*)"] * 51),
        f"SELECT COUNT(*) WHERE a IN ({', '.join(['1'] * 1001)})",
        "SELECT COUNT(*) WHERE " + " OR ".join(["a = 1"] * 1010),
    ):
        with pytest.raises(Refused) as caught:
            parse(sql, "visits")
        assert caught.value.code == "dp.sql-unsupported"


@pytest.mark.parametrize(
    "sql", ["", " ", "SELECT", "hello", "DROP TABLE visits", "SELECT COUNT(* FROM", "SELECT 'x", None, 7]
)
def test_text_that_is_no_query_is_malformed(sql):
    with pytest.raises((CallerError, Refused)):
        parse(sql, "visits")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT COUNT(*), SUM({0}) FROM visits WHERE {0} > 65 AND ward = 'Alter'",
        "SELECT {1}, AVG({0}) WHERE NOT {0} BETWEEN 1 AND 2 GROUP BY {1} ORDER BY {1} DESC LIMIT 3",
        "SELECT {1}, COUNT(*) FROM visits GROUP BY {1}",
    ],
)
def test_a_column_named_like_a_word_of_sql_needs_no_quotes(text):
    bare, quoted = text.format("alter", "drop"), text.format('"Alter"', '"drop"')
    assert parse(bare, "visits", ["Alter", "drop", "ward"]) == parse(quoted, "visits")
    with pytest.raises(CallerError) as caught:
        parse(bare, "visits", ["ward"])
    assert caught.value.code == "dp.sql-malformed"


def test_a_column_that_is_named_like_a_word_of_the_query_itself_can_be_quoted():
    assert parse('SELECT COUNT(*) WHERE "group" > 1', "visits", ["group"]).where is not None


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
