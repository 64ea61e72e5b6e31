"""Proves the making of a synthetic table: every draw of noise is paid for, and nothing else leaves."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.synthetic.household import COLUMNS, DECLARED, KINDS, people

from hedgerow.kernel.marginals import count_cells
from hedgerow.model.words import ColumnType
from hedgerow.synthetic import declare
from hedgerow.techniques.synthetic import making, spending
from hedgerow.techniques.synthetic.coding import bounded_rows, coded, drawn_numbers, table_of
from hedgerow.techniques.synthetic.columns import column_of
from hedgerow.techniques.synthetic.fidelity import codes_of, fidelity_of
from hedgerow.techniques.synthetic.making import make
from hedgerow.techniques.synthetic.payload import packed, unpacked
from hedgerow.techniques.synthetic.plan import plan_synthesis, wish_of

AWKWARD = {
    "who": pa.array([1, 1, 1, 1, 2, None, 3], pa.int64()),
    "ward": pa.array(["A", None, "rare", "Ж", "A", "A", ""]),
    "age": pa.array([5, -7, 10**12, None, 99, 5, 0], pa.int64()),
    "pay": pa.array([1.0, float("nan"), float("inf"), -1e300, None, 5.0, -float("inf")]),
    "smoker": pa.array([True, None, False, True, True, True, False]),
    "floor": pa.array([1, 2, 7, None, -3, 1, 1], pa.int64()),
}


def plan(rows=200, epsilon="1", declaration=DECLARED, columns=COLUMNS, **more):
    return plan_synthesis(wish_of(columns, rows, epsilon, "1e-6", **more), declaration, KINDS, "visits")


def codes(table, made_plan):
    return coded(table, made_plan.columns)[bounded_rows(table.column("who"), made_plan.max_rows)]


@pytest.mark.parametrize("check", [None, "0.5"])
def test_all_noise_that_is_drawn_is_paid_for_exactly(monkeypatch, check):
    wanted, paid = plan(check_epsilon=check), []

    def gaussian(counts, sensitivity, rho, scale):
        # What one person may move and what noise costs must agree, by the formula itself.
        assert Fraction(sensitivity) ** 2 <= 2 * rho * Fraction(scale) ** 2
        assert sensitivity >= wanted.max_rows
        paid.append(rho)
        return real_gaussian(counts, sensitivity, rho, scale)

    def choice(scores, sensitivity, rho, scale):
        assert Fraction(sensitivity) ** 2 <= 2 * rho * Fraction(scale) ** 2
        assert sensitivity == wanted.max_rows * 3 or not any(len(each) == 3 for each in offered[-1])
        paid.append(rho)
        return real_choice(scores, sensitivity, rho, scale)

    offered = []
    real_gaussian, real_choice, real_candidates = spending.add_gaussian, spending.prefer, making.candidates

    def candidates(*given):
        offered.append(real_candidates(*given))
        return offered[-1]

    monkeypatch.setattr(spending, "add_gaussian", gaussian)
    monkeypatch.setattr(spending, "prefer", choice)
    monkeypatch.setattr(making, "candidates", candidates)
    make(codes(people(rows=2), wanted), wanted)
    assert sum(paid) == wanted.cost.rho
    assert len(paid) == 5 + 5 + 5 + (check is not None)


def test_the_errors_that_are_compared_move_by_at_most_what_is_stated(monkeypatch):
    wanted = plan(check_epsilon="1", columns=COLUMNS[:4])
    seen = []
    monkeypatch.setattr(spending, "add_gaussian", lambda counts, *_: list(counts))
    monkeypatch.setattr(spending, "gaussian_scale", lambda sensitivity, _: seen.append(sensitivity) or 1.0)
    table = codes(people(60), wanted)
    made = make(table, wanted)
    drawn = codes_of(made.numbers, wanted.columns)
    model = type("Model", (), {"rows": 60.0})
    near = np.concatenate([table, np.tile(table[:1], (3, 1))])
    one, other = (
        making._compared(making.Counter(each, wanted.sizes), drawn, model, wanted) for each in (table, near)
    )
    moved = [abs(a - b) for (_, a), (_, b) in zip(one, other, strict=True)]
    assert max(moved) <= 3
    assert sum(each**2 for each in moved) <= seen[-1] ** 2
    assert seen[-1] == 3 * 3, "three rows of one person, six pairs"


def test_awkward_values_have_a_cell_and_none_raises():
    wanted = plan()
    found = coded(pa.table(AWKWARD), wanted.columns)
    nothing = [column.nothing for column in wanted.columns]
    assert found[:, 0].tolist() == [0, 3, 3, 1, 0, 0, 3]
    assert found[:, 1].tolist() == [0, 0, 15, nothing[1], 15, 0, 0]
    assert found[:, 2].tolist() == [1, nothing[2], nothing[2], 0, nothing[2], 2, nothing[2]]
    assert found[:, 3].tolist() == [1, 2, 0, 1, 1, 1, 0]
    assert found[:, 4].tolist() == [0, 1, 3, 3, 2, 0, 0]
    assert all((found[:, place] <= nothing[place]).all() for place in range(5))


def test_at_most_so_many_rows_of_one_person_count_and_none_of_nobody():
    kept = bounded_rows(pa.table(AWKWARD).column("who"), 3)
    assert kept[:4].sum() == 3
    assert kept[4:].tolist() == [True, False, True]


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A", "Ж", "no key", "", None]),
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.floats()),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.integers(-5, 5)),
    ),
    max_size=8,
)


def tabled(rows, first):
    schema = pa.schema(
        [("who", pa.int64()), ("ward", pa.string()), ("age", pa.int64()), ("pay", pa.float64()),
         ("smoker", pa.bool_()), ("floor", pa.int64())]
    )  # fmt: skip
    named = [(first, *row) for row in rows]
    return (
        pa.table([list(each) for each in zip(*named, strict=True)], schema=schema)
        if rows
        else schema.empty_table()
    )


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS)
def test_one_person_moves_every_marginal_by_at_most_the_bound(others, own):
    wanted = plan()
    rest = codes(tabled(others, 1), replace(wanted, max_rows=100))
    added = codes(tabled(own, 2), wanted)
    assert len(added) <= wanted.max_rows
    for attributes in ((0,), (1,), (2, 3), (0, 1, 4)):
        before = count_cells(rest, wanted.sizes, attributes)
        after = count_cells(np.concatenate([rest, added]), wanted.sizes, attributes)
        assert np.abs(after - before).sum() <= wanted.max_rows
        assert ((after - before) ** 2).sum() <= wanted.max_rows**2


def test_the_shape_of_the_table_is_the_callers_whatever_the_data():
    wanted = plan(rows=37)
    for table in (people(50), pa.table(AWKWARD), tabled([], 1)):
        made = make(codes(table, wanted), wanted)
        shown = table_of(made.numbers, wanted.columns)
        assert shown.num_rows == 37
        assert shown.column_names == list(COLUMNS)
        assert [str(each) for each in shown.schema.types] == ["string", "int64", "double", "bool", "int64"]


def test_a_value_that_nobody_declared_never_appears():
    table = people(300)
    table = table.set_column(1, "ward", pa.array(["plague"] * 250 + ["A"] * 50))
    wanted = plan(rows=2000, epsilon="50")
    made = make(codes(table, wanted), wanted)
    shown = table_of(made.numbers, wanted.columns)
    assert set(shown.column("ward").to_pylist()) <= {"A", "Ж", "日本", None}
    assert "plague" not in str(packed(made, wanted.columns, ""))
    # What is not declared stays visible as a share without a value; noise of 2.5 rows on 250 of 300.
    assert shown.column("ward").null_count > 1000


def test_values_stay_within_bounds_and_keys():
    wanted = plan(rows=3000)
    made = make(codes(people(400), wanted), wanted)
    shown = table_of(made.numbers, wanted.columns)
    ages, pay = shown.column("age").drop_null().to_numpy(), shown.column("pay").drop_null().to_numpy()
    assert (ages.min(), ages.max()) >= (0, 0)
    assert ages.max() <= 99
    assert -10.5 <= pay.min() <= pay.max() <= 99.75
    assert set(shown.column("floor").to_pylist()) <= {1, 2, -3, None}


def test_what_belongs_together_stays_together():
    wanted = plan(rows=4000, epsilon="20")
    shown = table_of(make(codes(people(4000), wanted), wanted).numbers, wanted.columns)
    age, smoker = shown.column("age").to_numpy(), shown.column("smoker").to_numpy(zero_copy_only=False)
    assert np.mean((age > 50) == smoker.astype(bool)) > 0.9
    pay = shown.column("pay").to_numpy()
    ward = np.array(shown.column("ward").to_pylist())
    assert np.nanmean(pay[ward == "日本"]) - np.nanmean(pay[ward == "A"]) == pytest.approx(60, abs=6)


def test_the_table_comes_back_from_its_payload_as_it_was():
    wanted = plan(rows=50)
    made = make(codes(people(100), wanted), wanted)
    told = packed(made, wanted.columns, wanted.label)
    assert unpacked(told).equals(table_of(made.numbers, wanted.columns))
    assert len(told["measurements"]) == 10
    assert np.array_equal(codes_of(made.numbers, wanted.columns), codes_of(drawn_back(told), wanted.columns))


def drawn_back(told):
    from hedgerow.techniques.synthetic.payload import _numbers

    return [_numbers(each) for each in told["numbers"]]


def test_codes_come_back_from_the_values_drawn_from_them():
    wanted = plan()
    every = np.array([[min(place, size - 1) for size in wanted.sizes] for place in range(17)], dtype=np.int32)
    numbers = drawn_numbers(every, wanted.columns)
    assert np.array_equal(codes_of(numbers, wanted.columns), every)
    assert np.array_equal(coded(table_of(numbers, wanted.columns), wanted.columns), every)


def test_the_report_reads_noisy_counts_and_synthetic_rows_alone():
    wanted = plan(rows=500)
    made = make(codes(people(400), wanted), wanted)
    told = fidelity_of(made, wanted)
    # Nothing but what is kept with the release goes in.
    assert told == fidelity_of(replace(made), wanted)
    assert [each["columns"] for each in told["measured"][:5]] == [[name] for name in COLUMNS]
    assert all(Fraction(each["distance"]) >= 0 for each in told["measured"])
    shares = sum(Fraction(cell["synthetic"]) for cell in told["columns"][0]["cells"])
    assert shares == pytest.approx(1, abs=1e-3)
    assert any("nor the table anonymous" in each for each in told["limits"])


def test_without_noise_worth_naming_a_table_of_few_columns_is_the_table_itself():
    table, wanted = people(2000), plan(rows=2000, epsilon="100000", columns=("ward", "smoker"))
    told = fidelity_of(make(codes(table, wanted), wanted), wanted)
    assert all(Fraction(each["distance"]) < Fraction("0.01") for each in told["measured"])


def test_a_column_of_truth_values_needs_no_keys():
    made = column_of(declare(max_rows=1).column("smoker"), ColumnType.BOOLEAN, 16)
    assert [made.label(code) for code in range(3)] == ["false", "true", "(no value)"]
