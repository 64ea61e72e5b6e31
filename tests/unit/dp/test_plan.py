"""Plans: exact sensitivities and cost shares, one noise per statistic, refusals that say what to declare."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import pytest
from tests.unit.dp.world import COLUMNS, DECLARED, WARDS, plan

from hedgerow.kernel.noise import laplace_scale
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import (
    AllOf,
    Clamp,
    Column,
    ColumnDeclaration,
    Compare,
    CountRows,
    DatasetDeclaration,
    IsIn,
    IsNull,
    Literal,
    Not,
    SumValues,
)
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query import typed_keys


def test_sensitivities_are_exact():
    made = plan("SELECT ward, COUNT(*), COUNT(pay), SUM(age), AVG(pay) FROM visits GROUP BY ward")
    found = {m.title: m.sensitivity for m in made.measurements}
    # pay runs from -10.5 to 99.75 in steps of 0.01; the midpoint is 4462 steps, 5513 from the far end
    assert found == {"rows": 3, "values of pay": 3, "sum of age": 360, "centred sum of pay": 3 * 5513}
    assert made.aggregation.aggregates == (
        CountRows(),
        CountRows("pay"),
        SumValues("age", Clamp(Fraction(18), Fraction(120)), 0),
        SumValues("pay", Clamp(Fraction("-10.5"), Fraction("99.75")), 2),
    )
    assert made.aggregation.max_rows == 3
    assert made.aggregation.keys[0].values == WARDS


def test_the_cost_is_split_in_equal_exact_shares():
    made = plan("SELECT COUNT(*), COUNT(pay), SUM(age)", epsilon="1/2")
    assert [m.epsilon for m in made.measurements] == [Fraction(1, 6)] * 3
    assert made.cost.epsilon == Fraction(1, 2) == sum(m.epsilon for m in made.measurements)
    assert all(m.scale == laplace_scale(m.sensitivity, m.epsilon) for m in made.measurements)


def test_identical_statistics_are_measured_once():
    made = plan("SELECT COUNT(*), COUNT(*) AS again, AVG(age), COUNT(age), AVG(AGE)")
    assert [m.title for m in made.measurements] == ["rows", "values of age", "centred sum of age"]
    assert [o.column.name for o in made.outputs] == ["count", "again", "mean_age", "count_age", "mean_age_2"]


def test_a_sum_beside_its_mean_costs_nothing_more():
    made = plan("SELECT SUM(age), AVG(age)")
    assert [m.title for m in made.measurements] == ["values of age", "centred sum of age"]


def test_names_match_exactly_or_case_blind_when_unique():
    assert plan("SELECT SUM(AGE)").columns == {"age"}
    assert plan('SELECT SUM("Mixed Case")').columns == {"Mixed Case"}
    two = {**COLUMNS, "Age": ColumnType.INTEGER}
    assert plan("SELECT COUNT(Age)", columns=two).columns == {"Age"}
    with pytest.raises(CallerError) as caught:
        plan("SELECT COUNT(AGE)", columns=two)
    assert caught.value.code == "dp.ambiguous-column"
    with pytest.raises(CallerError) as caught:
        plan('SELECT COUNT("AGE")')
    assert caught.value.code == "dp.unknown-column"


def test_conditions_hold_null_out_in_two_and_three_valued_logic():
    made = plan("SELECT COUNT(*) WHERE age NOT IN (1, 2) AND NOT smoker AND ward IS NOT NULL")
    assert made.aggregation.where == AllOf(
        (
            AllOf((Not(IsNull(Column("age"))), Not(IsIn(Column("age"), (Literal(1), Literal(2)))))),
            Compare("=", Column("smoker"), Literal(value=False)),
            Not(IsNull(Column("ward"))),
        )
    )


def test_what_is_not_declared_is_refused_with_the_very_command():
    with pytest.raises(Refused) as caught:
        plan("SELECT ward, AVG(age), COUNT(*) FROM visits GROUP BY ward", declaration=DatasetDeclaration())
    assert caught.value.code == "dp.undeclared"
    assert caught.value.next_step == (
        "hedgerow dataset declare visits --unit person --max-rows N "
        "--bounds age=LOWER:UPPER --keys ward=VALUE,..."
    )
    with pytest.raises(Refused) as caught:
        plan("SELECT AVG(pay)", declaration=DatasetDeclaration(max_rows=1))
    assert caught.value.next_step == "hedgerow dataset declare visits --unit person --bounds pay=LOWER:UPPER"
    with pytest.raises(Refused) as caught:
        plan('SELECT SUM("Mixed Case")', declaration=DatasetDeclaration(max_rows=1))
    assert "--bounds 'Mixed Case=LOWER:UPPER'" in caught.value.next_step


def changed(column, **changes):
    columns = tuple(
        dataclasses.replace(one, **changes) if one.column == column else one for one in DECLARED.columns
    )
    return dataclasses.replace(DECLARED, columns=columns)


@pytest.mark.parametrize(
    ("sql", "declaration", "code"),
    [
        ("SELECT COUNT(*)", dataclasses.replace(DECLARED, max_rows=0), "dp.bad-declaration"),
        ("SELECT COUNT(*)", dataclasses.replace(DECLARED, max_rows=10**7), "dp.bad-declaration"),
        ("SELECT COUNT(*)", dataclasses.replace(DECLARED, unit="row"), "dp.bad-declaration"),
        ("SELECT SUM(age)", changed("age", clamp=Clamp(Fraction(5), Fraction(5))), "dp.bad-declaration"),
        ("SELECT COUNT(*) GROUP BY ward", changed("ward", keys=("A", "A")), "dp.bad-declaration"),
        ("SELECT COUNT(*) GROUP BY ward", changed("ward", keys=("A", 1)), "dp.bad-declaration"),
        ("SELECT COUNT(*) GROUP BY age", changed("age", keys=(1, True)), "dp.bad-declaration"),
        ("SELECT SUM(age)", changed("age", clamp=Clamp(Fraction(0), Fraction(2**40))), "dp.too-wide"),
        (
            "SELECT COUNT(*) GROUP BY ward, age",
            changed("age", keys=tuple(range(40_000))),
            "dp.too-many-groups",
        ),
        ("SELECT ward, COUNT(*)", DECLARED, "dp.sql-raw-column"),
        ("SELECT SUM(ward)", DECLARED, "dp.sql-type"),
        ("SELECT AVG(smoker)", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) GROUP BY seen", changed("ward"), "dp.undeclared"),
        ("SELECT COUNT(*) WHERE age = 'x'", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE age = 2.5", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE age = 9223372036854775808", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE age", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE ward < 'x'", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE ward = TRUE", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE seen > 'yesterday'", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE at > '2025-01-01 00:00:00+02:00'", DECLARED, "dp.sql-type"),
        ("SELECT COUNT(*) WHERE who = 7", DECLARED, "dp.hidden-column"),
        ("SELECT COUNT(nothing)", DECLARED, "dp.unknown-column"),
        ("SELECT COUNT(*) AS n, COUNT(age) AS n", DECLARED, "dp.sql-name-twice"),
        ("SELECT COUNT(*) AS n ORDER BY m", DECLARED, "dp.sql-order"),
    ],
)
def test_refusals(sql, declaration, code):
    with pytest.raises((Refused, CallerError)) as caught:
        plan(sql, declaration=declaration)
    assert caught.value.code == code


@pytest.mark.parametrize("epsilon", ["0", "-1", "1000000000", "1/10000000000000"])
def test_an_epsilon_out_of_range_is_refused(epsilon):
    with pytest.raises(CallerError) as caught:
        plan("SELECT COUNT(*)", epsilon=epsilon)
    assert caught.value.code == "budget.not-a-number"


def test_noise_past_64_bits_is_refused():
    with pytest.raises(Refused) as caught:
        plan(
            "SELECT SUM(age)",
            epsilon="1e-12",
            declaration=changed("age", clamp=Clamp(Fraction(0), Fraction(2**30))),
        )
    assert caught.value.code == "dp.too-noisy"


def test_a_whole_column_with_bounds_between_two_numbers_still_gets_noise():
    made = plan("SELECT SUM(age)", declaration=changed("age", clamp=Clamp(Fraction("0.1"), Fraction("0.4"))))
    assert made.measurements[0].sensitivity >= 1


def test_a_fine_grid_gives_way_to_64_bits():
    wide = changed("pay", clamp=Clamp(Fraction("0.001"), Fraction(1_000_000)))
    assert plan("SELECT SUM(pay)", declaration=wide).measurements[0].digits == 3
    wider = changed("pay", clamp=Clamp(Fraction("0.001"), Fraction(100_000_000)))
    assert plan("SELECT SUM(pay)", declaration=wider).measurements[0].digits == 1


def test_the_explanation_is_canonical_and_says_what_to_expect():
    made = plan("SELECT ward, COUNT(*), AVG(age), SUM(pay) FROM visits GROUP BY ward", epsilon="0.5")
    told = made.describe()
    assert json.loads(canonical(told)) == json.loads(json.dumps(told))
    assert (told["unit"], told["max_rows"], told["epsilon"], told["groups"]) == ("person", 3, "0.5", 3)
    assert told["split"] == "equal shares: 4 x 0.125"
    assert told["outputs"][1]["expected_error_95"] == str(made.measurements[0].half_width)
    assert "values of age are clamped to 18:120" in told["obligations"]
    assert made.grant.kind == "aggregate"
    assert made.grant.columns == {"ward", "age", "pay"}


@pytest.mark.parametrize(
    ("kind", "texts", "expected"),
    [
        (ColumnType.TEXT, ["b", "a", "b"], ("b", "a")),
        (ColumnType.INTEGER, ["2", "-1", "2"], (2, -1)),
        (ColumnType.INTEGER, ["2", "x"], None),
        (ColumnType.BOOLEAN, ["TRUE", "false"], (True, False)),
        (ColumnType.DATE, ["2025-01-01"], None),
    ],
)
def test_declared_keys_take_the_columns_type(kind, texts, expected):
    assert typed_keys(kind, texts) == expected


def test_a_declaration_of_one_column_leaves_others_alone():
    assert DECLARED.column("other") == ColumnDeclaration("other")
