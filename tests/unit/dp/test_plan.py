"""Plans: exact sensitivities and cost shares, one noise per statistic, refusals that say what to declare."""

from __future__ import annotations

import dataclasses
import json
import re
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
        "Ask somebody with the role owner, who declares it by `hedgerow dataset declare visits --unit person "
        "--max-rows N --bounds age=LOWER:UPPER --keys ward=VALUE,...`."
    )
    with pytest.raises(Refused) as caught:
        plan("SELECT AVG(pay)", declaration=DatasetDeclaration(max_rows=1))
    told = "declares it by `hedgerow dataset declare visits --unit person --bounds pay=LOWER:UPPER`."
    assert caught.value.next_step.endswith(told)
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
        ("SELECT COUNT(*) GROUP BY pay", changed("pay", keys=(1, 2)), "dp.sql-type"),
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
        ("SELECT COUNT(*) ORDER BY SUM(age)", DECLARED, "dp.sql-order"),
        ("SELECT COUNT(*) GROUP BY ward ORDER BY ward", DECLARED, "dp.sql-order"),
        ("SELECT ward, COUNT(*) GROUP BY ward, sex", DECLARED, "dp.sql-unlabelled"),
        ("SELECT COUNT(*) LIMIT 0", DECLARED, "dp.sql-unsupported"),
        ("SELECT AVG(age) AS a GROUP BY a", DECLARED, "dp.unknown-column"),
        ("SELECT ward AS who, COUNT(*) GROUP BY who", DECLARED, "dp.hidden-column"),
        ('SELECT ward AS w, COUNT(*) GROUP BY "W"', DECLARED, "dp.unknown-column"),
        ("SELECT ward AS w, sex AS w, COUNT(*) GROUP BY w", DECLARED, "dp.unknown-column"),
    ],
)
def test_refusals(sql, declaration, code):
    with pytest.raises((Refused, CallerError)) as caught:
        plan(sql, declaration=declaration)
    assert caught.value.code == code


def test_rows_are_sorted_by_whatever_names_an_output():
    select = "SELECT ward AS w, COUNT(*), SUM(age) AS s, COUNT(pay) FROM visits GROUP BY ward ORDER BY "
    places = {
        "W": 0,
        "ward": 0,
        "count": 1,
        "COUNT(*)": 1,
        "sum(AGE)": 2,
        "s": 2,
        "count_pay": 3,
        "COUNT(pay)": 3,
        "4": 3,
    }
    for name, place in places.items():
        assert plan(f"{select}{name}").order_by == ((place, False),)
        assert plan(f"{select}{name} DESC, 1 LIMIT 2").order_by == ((place, True), (0, False))


def test_sorting_changes_nothing_of_what_is_measured():
    plain, by = (
        plan("SELECT ward, COUNT(*) GROUP BY ward"),
        plan("SELECT ward, COUNT(*) GROUP BY 1 ORDER BY 2"),
    )
    assert (plain.aggregation, plain.measurements, plain.cost) == (by.aggregation, by.measurements, by.cost)


def test_an_output_of_that_name_goes_before_a_column():
    made = plan("SELECT ward AS w, COUNT(*) AS ward FROM visits GROUP BY 1 ORDER BY ward")
    assert made.order_by == ((1, False),)


def test_groups_may_be_named_by_alias_and_a_column_goes_before_an_alias():
    assert plan("SELECT ward AS w, COUNT(*) FROM visits GROUP BY W").aggregation.keys[0].column == "ward"
    with pytest.raises(Refused) as caught:
        plan("SELECT ward AS sex, COUNT(*) FROM visits GROUP BY sex")
    assert caught.value.code == "dp.sql-raw-column"


IMPOSSIBLE = [
    ("ward = 'Z'", "dp.undeclared-key"),
    ("ward = 'a'", "dp.undeclared-key"),
    ("ward = 'A '", "dp.undeclared-key"),
    ("'Z' = WARD", "dp.undeclared-key"),
    ("ward IN ('A', 'Z')", "dp.undeclared-key"),
    ("NOT ward <> 'Z'", "dp.undeclared-key"),
    ("NOT ward NOT IN ('Z')", "dp.undeclared-key"),
    ("ward = 'Z' OR age > 30", "dp.undeclared-key"),
    ("smoker AND (age > 30 OR ward IN ('Z'))", "dp.undeclared-key"),
    ("age = 25", "dp.undeclared-key"),
    ("age > 120", "dp.out-of-bounds"),
    ("age >= 121", "dp.out-of-bounds"),
    ("age < 18", "dp.out-of-bounds"),
    ("age <= 17", "dp.out-of-bounds"),
    ("NOT age >= 18", "dp.out-of-bounds"),
    ("200 < age", "dp.out-of-bounds"),
    ("pay = 99.76", "dp.out-of-bounds"),
    ("pay = -10.51", "dp.out-of-bounds"),
    ("pay IN (100, 200)", "dp.out-of-bounds"),
    ("pay BETWEEN 100 AND 200", "dp.out-of-bounds"),
    ("age NOT BETWEEN 0 AND 150", "dp.out-of-bounds"),
    ("age > 300 AND ward = 'A'", "dp.out-of-bounds"),
    ("ward = 'A' AND (age > 300 OR pay < -20)", "dp.out-of-bounds"),
]


@pytest.mark.parametrize(("condition", "code"), IMPOSSIBLE)
def test_a_condition_that_no_declared_value_meets_is_refused(condition, code):
    with pytest.raises(Refused) as caught:
        plan(f"SELECT COUNT(*) FROM visits WHERE {condition}")
    assert caught.value.code == code
    assert "hedgerow dataset show visits" in caught.value.next_step
    assert not {"Z", "99", "150", "200", "25"} & set(re.findall(r"\w+", str(caught.value.details)))


@pytest.mark.parametrize(
    "condition",
    [
        "ward = 'A'",
        "ward IN ('A', 'Ж')",
        "ward <> 'Z'",
        "ward NOT IN ('Z')",
        "NOT ward = 'Z'",
        "ward IS NULL",
        "smoker",
        "NOT smoker",
        "age = 18",
        "age <= 18",
        "age >= 120",
        "age < 500",
        "age < 30",
        "age > 30",
        "age <= 30",
        "age >= 30",
        "age <> 500",
        "age NOT IN (1, 500)",
        "age NOT BETWEEN 18 AND 30",
        "age BETWEEN 0 AND 200",
        "age > 300 OR age IS NULL",
        "age > 300 OR ward = 'A'",
        "pay = -10.5",
        "pay = 99.75",
        "pay IN (50, 500)",
        "seen > DATE '1800-01-01'",
    ],
)
def test_a_condition_that_a_declared_value_may_meet_is_planned(condition):
    assert plan(f"SELECT COUNT(*) FROM visits WHERE {condition}").aggregation.where is not None


@pytest.mark.parametrize("condition", ["ward = 'Z'", "age = 500", "age > 500", "seen = DATE '1800-01-01'"])
def test_without_declared_keys_and_bounds_any_constant_is_planned(condition):
    bare = DatasetDeclaration(max_rows=1)
    assert plan(f"SELECT COUNT(*) WHERE {condition}", declaration=bare).aggregation.where is not None
    dated = DatasetDeclaration(max_rows=1, columns=(ColumnDeclaration("seen", keys=("x",)),))
    assert plan(f"SELECT COUNT(*) WHERE {condition}", declaration=dated).aggregation.where is not None


def test_a_key_is_of_the_columns_type():
    truths = changed("smoker", keys=(True,))
    with pytest.raises(Refused) as caught:
        plan("SELECT COUNT(*) WHERE NOT smoker", declaration=truths)
    assert caught.value.code == "dp.undeclared-key"
    with pytest.raises(Refused) as caught:
        plan("SELECT COUNT(*) WHERE age = 1", declaration=changed("age", keys=(True,), clamp=None))
    assert caught.value.code == "dp.undeclared-key"


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


def test_a_bound_that_is_no_decimal_is_told_as_a_fraction():
    thirds = changed("pay", clamp=Clamp(Fraction(1, 3), Fraction(2)))
    assert (
        "values of pay are clamped to 1/3:2"
        in plan("SELECT SUM(pay)", declaration=thirds).describe()["obligations"]
    )


def test_no_mean_is_promised_for_a_group_the_noise_may_hide():
    made = plan("SELECT AVG(age)")
    cell = made.outputs[0].cell
    certain = made.measurements[cell.count].half_width_joint
    assert made.mean_half_width(cell, certain) is None
    assert 0 < made.mean_half_width(cell, certain + 1) <= 102


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
