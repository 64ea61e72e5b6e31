"""Which joins are answered, which are refused and with what next step; only what is declared public is."""

from __future__ import annotations

from fractions import Fraction

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.dp.world import COLUMNS, DECLARED

from hedgerow import dp
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.joins import PublicColumn, PublicTable
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import plan_query


def public(name, **columns):
    kinds = {
        str: ColumnType.TEXT,
        int: ColumnType.INTEGER,
        bool: ColumnType.BOOLEAN,
        Fraction: ColumnType.DECIMAL,
    }
    return PublicTable(
        name,
        tuple(
            PublicColumn(column, kinds[type(next(v for v in values if v is not None))], tuple(values))
            for column, values in columns.items()
        ),
    )


TABLES = {
    "wards": public(
        "wards", code=["A", "Ж"], number=[1, 2], region=["n", "s"], ward=["x", "y"],
        price=[Fraction(1, 4)] * 2, parent=["Ж", None],
    ),
    "other": public("other", code=["A", "B"], region=["n", "s"], WHO=[1, 2]),
    "visits": public("visits", code=["A"]),
    "people": public("people", Person=["A"], code=["A"]),
}  # fmt: skip


def plan(sql, tables=TABLES, declaration=DECLARED):
    return plan_query(sql, declaration, COLUMNS, Fraction(1), "visits", ("who",), "who", tables)


C = "SELECT COUNT(*) "
W = "FROM visits v JOIN wards w ON v.ward = w.code "
TWO = (
    "SELECT b.region, COUNT(*) FROM visits v JOIN wards a ON v.ward = a.code "
    "JOIN wards b ON a.parent = b.code "
)
J = C + "FROM visits v JOIN wards w "


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (C + "FROM visits JOIN patients ON ward = code", "dp.not-public"),
        (C + "FROM visits JOIN patients USING (person)", "dp.join-person"),
        (C + "FROM visits v JOIN visits w ON v.ward = w.ward", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN visits w ON v.who = w.who", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM wards JOIN visits ON ward = code", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits, wards", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits CROSS JOIN wards", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits NATURAL JOIN wards", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits RIGHT JOIN wards ON ward = code", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits FULL JOIN wards ON ward = code", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM visits LEFT SEMI JOIN wards ON ward = code", "dp.sql-unsupported"),
        (C + "FROM visits v JOIN (SELECT code FROM wards) w ON v.ward = w.code", "dp.sql-unsupported"),
        (C + "FROM visits JOIN s.wards ON ward = code", "dp.sql-unsupported"),
        ("SELECT COUNT(*) FROM (visits JOIN wards ON ward = code)", "dp.sql-unsupported"),
        (J + "", "dp.sql-unsupported"),
        (J + "ON TRUE", "dp.sql-unsupported"),
        (J + "ON v.ward < w.code", "dp.sql-unsupported"),
        (J + "ON v.ward = w.code OR v.age = w.number", "dp.sql-unsupported"),
        (J + "ON v.ward = w.code AND w.region = 'n'", "dp.sql-unsupported"),
        (J + "ON w.region = w.code", "dp.sql-unsupported"),
        (J + "ON v.ward = v.sex", "dp.sql-unsupported"),
        (J + "ON UPPER(v.ward) = w.code", "dp.sql-unsupported"),
        (J + "ON v.ward = x.code", "dp.unknown-column"),
        (J + "ON v.ward = w.nothing", "dp.unknown-column"),
        (J + "ON v.who = w.number", "dp.hidden-column"),
        (J + "USING (who)", "dp.sql-unsupported"),
        (J + "USING (person)", "dp.sql-unsupported"),
        (J + "ON v.ward = w.number", "dp.join-types"),
        (J + "ON v.age = w.code", "dp.join-types"),
        (J + "ON v.smoker = w.number", "dp.join-types"),
        (J + "ON v.pay = w.price", "dp.join-types"),
        (J + "ON v.ward = w.ward WHERE ward = 'A'", "dp.ambiguous-column"),
        (J + "ON v.ward = w.code JOIN wards w ON v.sex = w.code", "dp.sql-unsupported"),
        (J + "ON v.ward = w.code JOIN other o ON region = o.region", "dp.ambiguous-column"),
        (J + "ON v.ward = w.code WHERE w.nothing = 'n'", "dp.unknown-column"),
        (J + "ON v.ward = w.code WHERE v.who = 3", "dp.hidden-column"),
        (J + "ON v.ward = w.code GROUP BY w.region", "dp.sql-unlabelled"),
        ("SELECT w.region " + W, "dp.sql-no-aggregate"),
        ("SELECT w.code, COUNT(*) " + W, "dp.sql-raw-column"),
        ("SELECT w.*, COUNT(*) " + W, "dp.sql-unsupported"),
        ("SELECT COUNT(DISTINCT w.code) " + W, "dp.sql-unsupported"),
        ("SELECT COUNT(DISTINCT o.WHO) FROM visits v JOIN other o ON v.ward = o.code", "dp.sql-unsupported"),
        ("SELECT COUNT(DISTINCT p.person) FROM visits v JOIN people p ON ward = code", "dp.sql-unsupported"),
        (J + "ON v.ward = w.code WHERE v.ward IN (SELECT code FROM wards)", "dp.sql-unsupported"),
        ("SELECT v.ward, COUNT(*) " + W + "GROUP BY v.sex", "dp.sql-raw-column"),
        (J + "".join(f"ON ward = code JOIN other o{n} " for n in range(9)) + "ON TRUE", "dp.sql-unsupported"),
    ],
)  # fmt: skip
def test_what_is_not_bounded_is_refused_with_a_next_step(sql, code):
    with pytest.raises(HedgerowError) as caught:
        plan(sql)
    assert caught.value.code == code
    assert caught.value.next_step


def test_without_public_tables_every_join_is_refused():
    with pytest.raises(Refused) as caught:
        plan(J + "ON v.ward = w.code", None)
    assert caught.value.code == "dp.not-public"
    assert "dataset public add wards" in caught.value.next_step


@pytest.mark.parametrize(
    ("sql", "key", "on"),
    [
        ("SELECT w.region, COUNT(*) FROM visits v JOIN wards w ON w.code = v.ward GROUP BY 1",
         "region", [("ward", "code")]),
        ("SELECT region, COUNT(*) FROM visits INNER JOIN wards ON (ward.ward = code) GROUP BY 1", None, None),
        ("SELECT region, COUNT(*) FROM visits INNER JOIN wards ON visits.ward = code GROUP BY 1", "region",
         [("ward", "code")]),
        ('SELECT REGION AS r, COUNT(*) FROM visits JOIN wards ON visits.ward = "code" GROUP BY r ORDER BY r',
         "region", [("ward", "code")]),
        ("SELECT w.ward, COUNT(*) FROM visits v LEFT JOIN wards w ON v.ward=code AND number=age GROUP BY 1",
         "w.ward", [("ward", "code"), ("age", "number")]),
        ("SELECT ward, COUNT(*) FROM visits JOIN wards USING (ward) GROUP BY 1", "ward", [("ward", "ward")]),
        (TWO + "GROUP BY b.region", "b.region", [("ward", "code")]),
    ],
)  # fmt: skip
def test_names_find_their_tables(sql, key, on):
    if key is None:
        with pytest.raises(HedgerowError):
            plan(sql)
        return
    made = plan(sql)
    assert made.aggregation.keys[0].column == key
    assert list(made.aggregation.lookups[0].on) == on


def test_a_chain_reads_the_columns_of_the_join_before():
    made = plan(TWO + "GROUP BY b.region")
    first, second = made.aggregation.lookups
    assert (first.adds, second.on) == ((("a.parent", "parent"),), (("a.parent", "code"),))
    assert made.aggregation.columns == {"ward"}


def test_people_are_counted_by_the_row_they_come_from_and_never_by_a_joined_column():
    made = plan(
        "SELECT COUNT(DISTINCT person), COUNT(DISTINCT v.who) FROM visits v JOIN other o ON v.ward = o.code"
    )
    assert [m.kind for m in made.measurements] == ["people"]


def test_bounds_and_keys_of_a_public_column_are_its_own_and_not_those_declared():
    made = plan("SELECT region, SUM(price), SUM(number) " + W + "GROUP BY region")
    assert made.aggregation.keys[0].values == ("n", "s")
    assert [(a.clamp.lower, a.clamp.upper) for a in made.aggregation.aggregates] == [
        (0, Fraction(1, 4)),
        (1, 2),
    ]
    assert "groups of region are those of its public table" in made.obligations
    assert any(
        said.startswith("each row is joined with at most 1 row of the public table wards")
        for said in made.obligations
    )


def test_keys_of_the_data_set_itself_stay_undeclared():
    with pytest.raises(Refused) as caught:
        plan("SELECT v.ward, COUNT(*) " + W + "GROUP BY v.ward",
             declaration=type(DECLARED)(max_rows=3, version=1))  # fmt: skip
    assert caught.value.code == "dp.undeclared"


def test_a_table_of_many_equal_keys_is_refused():
    many = {"wards": public("wards", code=["A"] * 1001, region=["n"] * 1001)}
    with pytest.raises(Refused) as caught:
        plan(J + "ON v.ward = w.code", many)
    assert (caught.value.code, "1,001" in caught.value.message) == ("dp.join-multiplies", True)
    lots = {"wards": public("wards", code=["A"] * 1000, region=["n"] * 1000)}
    with pytest.raises(Refused) as caught:
        plan(J + "ON v.ward = w.code", lots, type(DECLARED)(max_rows=1001, version=1))
    assert caught.value.code == "dp.join-multiplies"


def test_a_public_column_without_a_value_is_refused():
    empty = {"wards": PublicTable("wards", (
        PublicColumn("code", ColumnType.TEXT, ("A",)),
        PublicColumn("region", ColumnType.TEXT, (None,)),
    ))}  # fmt: skip
    with pytest.raises(CallerError) as caught:
        plan("SELECT region, COUNT(*) FROM visits JOIN wards ON ward = code GROUP BY region", empty)
    assert caught.value.code == "dp.public-table"


# On data frames, without a workspace.
FRAME = pa.table(
    {
        "who": pa.array([1, 1, 1, 2, 3, None], pa.int32()),
        "ward": pa.array(["A", "A", "A", "B", None, "A"]).dictionary_encode(),
        "number": pa.array([2**64 - 1, 2, 1, 2, None, 1], pa.uint64()),
    }
)
WARDS = pa.table({"code": ["A", "B", "C", None], "region": ["n", "s", "e", "w"], "beds": [3, 4, 5, 6]})
SURE = dp.Budget.of("1000000")


def ask(sql, public, frame=FRAME, max_rows=2):
    declared = dp.declare(max_rows=max_rows)
    return dp.query(
        frame, sql, person="who", declaration=declared, epsilon="1000000", budget=SURE, public=public
    )[0]


def test_frames_are_joined_with_public_frames_and_every_key_is_shown():
    sql = "SELECT w.region, COUNT(*), SUM(beds) FROM frame f JOIN wards w ON ward = code GROUP BY w.region"
    answer = ask(sql, {"wards": WARDS})
    assert answer.rows == (("n", 2, 6), ("s", 1, 4), ("e", 0, 0), ("w", 0, 0))
    assert any("joined with at most 1 row of the public table wards" in note for note in answer.notes)


def test_a_left_join_keeps_the_rows_that_nothing_matches():
    sql = "SELECT COUNT(*) FROM frame LEFT JOIN wards ON ward = code WHERE region IS NULL"
    assert ask(sql, {"wards": WARDS}).rows == ((1,),)


def test_whole_numbers_of_any_width_join():
    numbers = pa.table({"n": pa.array([1, 2, -1], pa.int8()), "name": ["one", "two", "minus"]})
    sql = "SELECT name, COUNT(*) FROM frame JOIN numbers ON number = n GROUP BY name"
    assert ask(sql, {"numbers": numbers}, max_rows=3).rows == (("one", 1), ("two", 2), ("minus", 0))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (pa.table({"who": [1], "code": ["A"]}), "names people"),
        (pa.table({"WHO": [1], "code": ["A"]}), "names people"),
        (pa.table({"person": [1], "code": ["A"]}), "names people"),
        (pa.table({"code": pa.array([], pa.string())}), "empty"),
        (pa.table({"code": pa.array([2**64 - 1], pa.uint64())}), "64 bits"),
        (pa.table({"code": pa.array([0] * 100_001)}), "more than"),
        (pa.Table.from_arrays([pa.array(["A"]), pa.array(["B"])], ["code", "code"]), "names of their own"),
    ],
)  # fmt: skip
def test_what_cannot_be_public_is_refused_before_anything_is_spent(content, problem):
    with pytest.raises(CallerError) as caught:
        ask("SELECT COUNT(*) FROM frame JOIN wards ON ward = code", {"wards": content})
    assert caught.value.code == "dp.public-table"
    assert problem in caught.value.message


def test_a_frame_that_is_not_declared_public_names_the_python_call():
    with pytest.raises(Refused) as caught:
        ask("SELECT COUNT(*) FROM frame JOIN wards ON ward = code", None)
    assert (caught.value.code, "public={'wards'" in caught.value.next_step) == ("dp.not-public-frame", True)


WORDS = (
    *(
        "SELECT COUNT(*) FROM visits v",
        "SELECT w.region, COUNT(*) FROM visits v",
        "GROUP BY w.region",
        "WHERE",
    ),
    *(
        "JOIN",
        "LEFT JOIN",
        "INNER JOIN",
        "RIGHT JOIN",
        "NATURAL JOIN",
        "CROSS JOIN",
        "LATERAL",
        ",",
        "(",
        ")",
    ),
    *(
        "wards",
        "wards w",
        "AS w",
        "other o",
        "visits",
        "patients p",
        "(SELECT 1) w",
        "s.wards w",
        '"wards" AS "w"',
    ),
    *(
        "ON",
        "USING (ward)",
        "USING (person)",
        "USING (code, region)",
        "v.ward = w.code",
        "v.who = o.WHO",
        "AND",
    ),
    *(
        "w.code = v.ward",
        "code",
        "region",
        "v.age = w.number",
        "w.*",
        "OR",
        "TRUE",
        "= 'A'",
        "ORDER BY region",
    ),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_any_string_of_words_is_refused_or_bounded(words):
    for sql in (
        " ".join(words),
        "SELECT COUNT(*) FROM visits v JOIN wards w ON v.ward = w.code " + " ".join(words),
    ):
        try:
            made = plan(sql)
        except HedgerowError as refused:
            assert refused.next_step  # noqa: PT017 - any refusal will do
            continue
        assert made.aggregation.columns <= set(COLUMNS)
        assert {lookup.table.name for lookup in made.aggregation.lookups} <= {"wards", "other", "people"}
        assert made.measurements[0].sensitivity >= made.max_rows


HOMES = pa.table({"who": [1, 2, 3, 4], "home": ["h", "h", "i", "j"], "ward": ["A", "A", "B", "A"]})


def in_homes(public):
    declared = dp.declare(max_rows=1, unit="household", unit_column="home")
    budget = dp.Budget.of("1000000", unit="household")
    sql = "SELECT region, COUNT(*) FROM frame JOIN wards ON ward = code GROUP BY region"
    return dp.query(
        HOMES, sql, person="who", declaration=declared, epsilon="1000000", budget=budget, public=public
    )


def test_joined_rows_are_bounded_by_the_unit_and_its_column_is_never_public():
    twice = {"code": ["A", "A", "B"], "region": ["n", "s", "s"]}
    answer, _ = in_homes({"wards": pa.table(twice)})
    assert answer.rows == (("n", 2), ("s", 3))
    assert any("at most 2 rows of the public table wards" in note for note in answer.notes)
    with pytest.raises(CallerError) as caught:
        in_homes({"wards": pa.table(twice | {"home": ["h", "i", "j"]})})
    assert caught.value.code == "dp.public-table"
