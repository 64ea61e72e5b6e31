"""Expressions mean what SQL means, stay within the bounds told, and move by at most the sensitivity.

The meaning is held to exact fractions worked out row by row beside the text of the query, by rules of this
file alone. Random tables hold nulls, NaN, infinities and extreme whole numbers. Each broken variant is caught
on a table of its own: a bound dropped, a name that takes over a bound it does not have.
"""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.test_dp_sensitivity import row, shift
from tests.unit.dp.world import COLUMNS, DECLARED, WARDS, plan, table, totals

from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.expressions import MOST, reach
from hedgerow.model.plans import Clamp, SumValues

BOUNDS = {"age": (18, 120), "pay": (Fraction("-10.5"), Fraction("99.75"))}


def clamped(name):
    """A column on its grid within its bounds, as a fraction; none where it holds no value."""
    low, high = BOUNDS[name]

    def read(one):
        value = one[{"age": 2, "pay": 3}[name]]
        if value is None or not math.isfinite(value):
            return None
        if name == "age":
            return Fraction(max(low, min(high, value)))
        return Fraction(round(max(low, min(high, Fraction(value))) * 10_000), 10_000)

    return read


def lifted(text, combine, *parts):
    """An expression of others: missing where one of them is."""
    texts, reads = zip(*parts, strict=True)

    def read(one):
        values = [part(one) for part in reads]
        return None if None in values else combine(*values)

    return text.format(*texts), read


def half_away(value, places):
    scaled = abs(value) * Fraction(10) ** places
    return (1 if value >= 0 else -1) * Fraction(math.floor(scaled + Fraction(1, 2))) / Fraction(10) ** places


def filled(part, constant):
    text, read = part
    return f"COALESCE({text}, {constant})", lambda one: constant if read(one) is None else read(one)


def cased(test, part, other):
    (text, read), limit = test
    condition = f"{text} > {limit}"

    def chosen(one):
        is_met = read(one) is not None and read(one) > limit
        return (part if is_met else other)[1](one)

    return f"CASE WHEN {condition} THEN {part[0]} ELSE {other[0]} END", chosen


leaf = st.sampled_from([(name, clamped(name)) for name in BOUNDS])
number = st.sampled_from([1, 2, 3, -4, Fraction("0.5"), Fraction("2.25"), 100])


def constant(value):
    text = str(value) if isinstance(value, int) else format(float(value), "f").rstrip("0")
    return f"({text})" if value < 0 else text, lambda _: Fraction(value)


def grown(inner):
    fixed = number.map(constant)
    either = inner | fixed
    return st.one_of(
        st.builds(lambda a, b: lifted("({} + {})", lambda x, y: x + y, a, b), inner, either),
        st.builds(lambda a, b: lifted("({} - {})", lambda x, y: x - y, a, b), inner, inner),
        st.builds(lambda a, b: lifted("({} * {})", lambda x, y: x * y, a, b), inner, fixed),
        st.builds(lambda a, b: lifted("({} / {})", lambda x, y: x / y, a, b), inner, fixed),
        st.builds(lambda a: lifted("(-{})", lambda x: -x, a), inner),
        st.builds(lambda a: lifted("ABS({})", abs, a), inner),
        st.builds(lambda a: lifted("FLOOR({})", lambda x: Fraction(math.floor(x)), a), inner),
        st.builds(lambda a: lifted("CEIL({})", lambda x: Fraction(math.ceil(x)), a), inner),
        st.builds(
            lambda a, n: lifted(f"ROUND({{}}, {n})", lambda x: half_away(x, n), a), inner, st.integers(-2, 2)
        ),
        st.builds(lambda a, b: lifted("LEAST({}, {})", min, a, b), inner, either),
        st.builds(lambda a, b: lifted("GREATEST({}, {})", max, a, b), inner, either),
        st.builds(
            lambda a: lifted("CLAMP({}, 0, 50)", lambda x: max(Fraction(0), min(Fraction(50), x)), a), inner
        ),
        st.builds(filled, inner, st.sampled_from([0, 7])),
        st.builds(cased, st.tuples(inner, st.sampled_from([0, 30])), inner, either),
        st.builds(lambda a: lifted("WIDTH_BUCKET({}, 10, 60, 7)", bucket, a), inner),
    )


def bucket(value):
    return Fraction(max(0, min(8, math.floor((value - 10) * 7 / 50) + 1)))


expression = st.recursive(leaf, grown, max_leaves=4)


def exact(made, rows):
    full = table(rows)
    people = number_people(full.column("who"))
    return aggregate(full, draw_ranks(full.column("who")), made.aggregation, people)


def planned(sql, **changes):
    """A plan, or none where the query is refused before anything is read."""
    try:
        return plan(sql, **changes)
    except Refused as caught:
        code = caught.code
    assert code in ("dp.sql-unsupported", "dp.too-wide", "dp.too-many-groups", "dp.out-of-bounds")
    return None


@settings(max_examples=50, deadline=None)
@given(st.lists(row, max_size=12), expression, expression)
def test_sums_counts_and_conditions_mean_what_sql_means(rows, part, tested):
    (text, read), (condition, limit) = part, tested
    made = planned(f"SELECT SUM({text}), COUNT({text}) WHERE {condition} > 20", declaration=MANY_ROWS)
    if made is None:
        return
    kept = [one for one in rows if one[0] is not None and (limit(one) or 0) > 20]
    values = [read(one) for one in kept if read(one) is not None]
    ((total, held),) = totals_of(made, rows)
    assert held == len(values)
    assert abs(Fraction(total, 10 ** made.measurements[0].digits) - sum(values)) <= len(values) * error(made)


def totals_of(made, rows):
    return list(zip(*totals(made, exact(made, rows)), strict=True))


def error(made):
    """Half a step of the grid for each rounding: none where the steps hold the values."""
    (summed,) = (one for one in made.aggregation.aggregates if isinstance(one, SumValues))
    digits = next((one.digits for one in made.aggregation.computed if one.name == summed.column), 9)
    return Fraction(1, 2 * 10**summed.digits) + Fraction(1, 2 * 10**digits)


MANY_ROWS = dataclasses.replace(DECLARED, max_rows=20)


@settings(max_examples=40, deadline=None)
@given(st.lists(row, max_size=12), expression)
def test_no_value_passes_the_bounds_told_beforehand(rows, part):
    made = planned(f"SELECT SUM({part[0]})")
    for one in () if made is None else made.aggregation.computed:
        low, high = reach(one.expression) or (0, 0)
        assert -MOST <= low <= high <= MOST
        unit = Fraction(1, 10**one.digits)
        values = [part[1](held) for held in rows]
        if "in steps" not in one.name:
            assert all(v is None or low * unit - unit <= v <= high * unit + unit for v in values)


KEYED = (
    "SELECT {key} AS g, COUNT(*), SUM({value}), AVG({value}), VARIANCE({value}), COUNT(DISTINCT who) "
    "FROM (SELECT *, LEAST(pay, 40) * 2 AS twice FROM visits WHERE age + 1 <> 20) AS t "
    "GROUP BY g HAVING COUNT(*) > 2"
)
KEYS = [
    "ward",
    "WIDTH_BUCKET(age, 0, 100, 10)",
    "FLOOR(pay / 20) * 20",
    "CASE WHEN age < 30 THEN 'young' WHEN twice > 10 THEN 'paid' END",
    "CASE WHEN smoked THEN 1 ELSE 5 END",
    "COALESCE(age, 0) - age",
]


@settings(max_examples=40, deadline=None)
@given(st.lists(row, max_size=20), st.integers(0, 4), st.sampled_from(KEYS), expression)
def test_one_person_moves_each_vector_by_at_most_the_sensitivity(rows, person, key, part):
    key = key.replace("smoked", "ward = 'A'")
    made = planned(KEYED.format(key=key, value=part[0])) or plan(KEYED.format(key=key, value="twice"))
    for moved, measurement in zip(shift(rows, person, made), made.measurements, strict=True):
        assert moved <= measurement.sensitivity


def test_the_sensitivity_of_an_expression_is_reached_so_no_noise_is_wasted():
    made = plan("SELECT COUNT(*), SUM(age * 2 - pay), SUM(CASE WHEN pay > 50 THEN -age ELSE 0 END)")
    assert shift([(1, "A", 120, -10.5)] * 5, 1, made)[:2] == [m.sensitivity for m in made.measurements[:2]]
    assert shift([(1, "A", 120, 60.0)] * 5, 1, made)[2] == made.measurements[2].sensitivity == 360


def without(kind):
    """The same aggregation with every column of an expression taken as it is: no bound of a column holds."""
    wide = Clamp(Fraction(-(10**6)), Fraction(10**6))

    def loosened(expression):
        if isinstance(expression, kind):
            return dataclasses.replace(expression, values=dataclasses.replace(expression.values, clamp=wide))
        changed = {
            field.name: loosened(getattr(expression, field.name))
            for field in dataclasses.fields(expression)
            if dataclasses.is_dataclass(getattr(expression, field.name))
        }
        return dataclasses.replace(expression, **changed)

    def compute(table, ranks, spec, people=None):
        loose = tuple(dataclasses.replace(one, expression=loosened(one.expression)) for one in spec.computed)
        sums = tuple(
            dataclasses.replace(one, clamp=wide) if isinstance(one, SumValues) else one
            for one in spec.aggregates
        )
        return aggregate(table, ranks, dataclasses.replace(spec, computed=loose, aggregates=sums), people)

    return compute


def test_a_bound_of_an_expression_that_was_dropped_is_caught():
    from hedgerow.model.expressions import Steps

    made = plan("SELECT SUM(age + 1)")
    rows = [(1, "A", 5_000, None)]
    assert shift(rows, 1, made) <= [m.sensitivity for m in made.measurements]
    assert shift(rows, 1, made, without(Steps)) > [m.sensitivity for m in made.measurements]


@pytest.mark.parametrize(
    ("inner", "reached"),
    [
        ("pay * 1000 AS pay", 3 * 99_750),
        ("pay * 1000 AS age", 3 * 99_750),
        ("age * age AS pay", 3 * 14_400),
        ("CLAMP(pay, 0, 7) AS age", 3 * 7),
    ],
)
def test_a_name_that_hides_a_bounded_column_does_not_take_over_its_bound(inner, reached):
    hidden = inner.split(" AS ")[1]
    made = plan(f"SELECT SUM({hidden}) FROM (SELECT {inner} FROM visits) AS t")
    (summed,) = made.measurements
    assert summed.sensitivity == reached * 10**summed.digits
    rows = [(1, "A", 120, 99.75)] * 3
    assert shift(rows, 1, made) == [summed.sensitivity]


@pytest.mark.parametrize(
    ("sql", "keys"),
    [
        ("SELECT ward, COUNT(*) FROM (SELECT sex AS ward FROM visits) GROUP BY ward", ("f", "m")),
        (
            "SELECT ward, COUNT(*) FROM (SELECT IF(age > 60, 'old', 'A') AS ward FROM visits) GROUP BY ward",
            ("old", "A"),
        ),
        ("SELECT sex, COUNT(*) FROM (SELECT ward AS sex, sex AS ward FROM visits) GROUP BY sex", WARDS),
    ],
)
def test_a_name_that_hides_a_group_has_the_keys_of_what_it_is(sql, keys):
    (key,) = plan(sql).aggregation.keys
    assert key.values == keys


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(DISTINCT who) FROM (SELECT ward AS who FROM visits)",
        "SELECT COUNT(DISTINCT who) FROM (SELECT age + 1 AS who FROM visits)",
        "SELECT COUNT(DISTINCT person) FROM (SELECT age AS person FROM visits)",
        "SELECT COUNT(DISTINCT age) FROM (SELECT who AS age, age AS pay FROM visits)",
        "SELECT COUNT(DISTINCT who) FROM (SELECT age FROM visits)",
        "SELECT SUM(who + 1) FROM visits",
        "SELECT SUM(x) FROM (SELECT who * 2 AS x FROM visits)",
        "SELECT x, COUNT(*) FROM (SELECT who AS x FROM visits) GROUP BY x",
        "SELECT WIDTH_BUCKET(who, 0, 9, 3) AS b, COUNT(*) FROM visits GROUP BY b",
        "SELECT COUNT(*) FROM visits WHERE CASE WHEN who = 1 THEN 1 ELSE 0 END = 1",
    ],
)
def test_whose_row_it_is_cannot_be_redefined_or_worked_with(sql):
    """Of the fourth, the name `age` means the person again: that alone is right."""
    if "who AS age" in sql:
        assert plan(sql).aggregation.counts_people
        return
    with pytest.raises((Refused, CallerError)) as caught:
        plan(sql)
    assert caught.value.code in ("dp.hidden-column", "dp.sql-unsupported", "dp.unknown-column")


@pytest.mark.parametrize("rows", [[], [(1, "A", 30, 2.0)], [(1, "B", 90, float("nan"))] * 4])
def test_which_groups_there_are_does_not_hang_on_the_data(rows):
    made = plan(
        "SELECT WIDTH_BUCKET(age, 0, 200, 4) AS b, CASE WHEN pay > 1 THEN 'x' ELSE 'y' END AS c, COUNT(*) "
        "GROUP BY b, c"
    )
    assert [key.values for key in made.aggregation.keys] == [(1, 2, 3), ("x", "y")]
    assert len(exact(made, rows)) == 6


def test_columns_without_bounds_need_them_around_the_expression():
    bare = dataclasses.replace(DECLARED, columns=())
    with pytest.raises(Refused) as caught:
        plan("SELECT SUM(age + pay)", declaration=bare)
    assert (caught.value.code, "age" in caught.value.message, "pay" in caught.value.message) == (
        "dp.undeclared",
        True,
        True,
    )
    made = plan("SELECT SUM(LEAST(GREATEST(age, 0), 150)), SUM(CLAMP(pay, 0, 9.5) * 2)", declaration=bare)
    assert [Fraction(m.sensitivity, 10**m.digits) for m in made.measurements] == [3 * 150, 3 * 19]
    (key,) = plan(
        "SELECT WIDTH_BUCKET(age, 20, 60, 4) AS b, COUNT(*) GROUP BY b", declaration=bare
    ).aggregation.keys
    assert key.values == (0, 1, 2, 3, 4, 5)
    ages = [-(2**63), 19, 20, 29, 30, 39, 40, 59, 60, 61, 2**63 - 1, None]
    made = plan("SELECT WIDTH_BUCKET(age, 20, 60, 4) AS b, COUNT(*) GROUP BY b", declaration=bare)
    found = exact(made, [(who, "A", age, None) for who, age in enumerate(ages)])
    assert found == [[2], [2], [2], [1], [1], [3]]
    for open_ended in (
        "LEAST(age, 3)",
        "GREATEST(age, 3)",
        "LEAST(GREATEST(age, 9), 3)",
        "CLAMP(age + 1, 0, 9)",
    ):
        with pytest.raises(Refused, match="bounds of age"):
            plan(f"SELECT SUM({open_ended})", declaration=bare)


@pytest.mark.parametrize(
    "text",
    [
        "pay * pay * pay * pay * pay * pay * pay",
        "age * 1000000000000000000",
        "age * 99999999999 * 99999999999",
        "CASE WHEN smoker THEN age * 999999999999999999 ELSE 0 END",
        "(age + 999999999999999999) * 1000",
    ],
)
def test_what_could_pass_64_bits_is_refused_before_any_data(text):
    asked = [f"SELECT SUM({text})", f"SELECT {text} AS g, COUNT(*) GROUP BY g"]
    if "* 99999999999" not in text:  # a constant factor alone only changes what a step is worth
        asked.append(f"SELECT COUNT(*) WHERE {text} > 3")
    for sql in asked:
        with pytest.raises(Refused) as caught:
            plan(sql)
        assert caught.value.code in ("dp.sql-unsupported", "dp.too-wide")


def test_columns_and_names_do_not_clash():
    columns = COLUMNS | {"age + 1": COLUMNS["pay"]}
    made = plan("SELECT SUM(age + 1), COUNT(age + 1) WHERE age + 1 > 3", columns=columns)
    names = [one.name for one in made.aggregation.computed]
    assert len(set(names)) == len(names)
    assert "age + 1" not in names
    assert made.columns == {"age"}
