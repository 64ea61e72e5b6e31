"""Proves each transform: what it promises is recounted in plain Python, and it says what it leaves open."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from math import inf, nan

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hedgerow.anonymity as hra
from hedgerow.kernel.anonymity.microaggregation import comparable, mdav_groups
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity import transforms

ROWS = st.lists(
    st.tuples(*(st.sampled_from([None, "a", "b", "c"]) for _ in range(3))), min_size=2, max_size=20
)
NAMES = ["x", "y", "z"]


def table(rows, names=NAMES):
    return pa.table(
        {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)}
    )


def rows_of(made, names=NAMES):
    return [tuple(row[name] for name in names) for row in made.to_pylist()]


class TestSuppressCells:
    @settings(max_examples=30, deadline=None)
    @given(ROWS, st.integers(2, 3))
    def test_every_combination_stands_in_k_rows_and_what_is_left_is_exact(self, rows, k):
        try:
            made = hra.suppress_cells(table(rows), quasi=NAMES, k=k)
        except (Refused, CallerError):
            return
        left = rows_of(made.table)
        assert min(Counter(left).values()) >= k
        gone = 0
        for before, after in zip(rows, left, strict=True):
            for own, shown in zip(before, after, strict=True):
                assert shown in (own, None)
                gone += own is not None and shown is None
        assert made.changed == gone

    def test_it_takes_the_fewest_cells_where_that_is_plain(self):
        rows = [("a", "b", "c")] * 3 + [("b", "b", "a"), ("c", "b", "a")] + [("b", "c", "c")] * 2
        made = hra.suppress_cells(table(rows), quasi=NAMES, k=2)
        assert made.changed == 2
        assert rows_of(made.table)[3:5] == [(None, "b", "a")] * 2

    @settings(max_examples=15, deadline=None)
    @given(ROWS.filter(lambda rows: len(rows) <= 5))
    def test_no_table_needs_fewer_cells_than_the_fewest_by_trying_all(self, rows):
        rows = [(*row[:2], "q") for row in rows]
        wanted = fewest(rows)
        made = hra.suppress_cells(table(rows), quasi=NAMES, k=2)
        assert made.changed >= wanted

    def test_types_order_and_other_columns_stay(self):
        source = pa.table(
            {
                "age": [30, 31, 30, 31],
                "born": [dt.date(2000, 1, 1)] * 4,
                "who": ["p", "q", "r", "s"],
                "area": pa.array(["n", "n", "s", "s"]).dictionary_encode(),
            }
        )
        made = hra.suppress_cells(source, quasi=["age", "area", "born"], k=2, weights=[1, 5, 5])
        assert made.table.column_names == source.column_names
        assert made.table.schema.field("age").type == pa.int64()
        assert made.table["age"].to_pylist() == [None] * 4
        assert made.table["area"].to_pylist() == ["n", "n", "s", "s"]
        assert made.table["who"].to_pylist() == ["p", "q", "r", "s"]

    def test_weights_say_which_cells_go(self):
        rows = [("a", "a", "q"), ("a", "b", "q"), ("b", "a", "q"), ("b", "b", "q")]
        first = hra.suppress_cells(table(rows), quasi=NAMES, k=2, weights=[9, 1, 1])
        second = hra.suppress_cells(table(rows), quasi=NAMES, k=2, weights=[1, 9, 1])
        assert [row[0] for row in rows_of(first.table)] == ["a", "a", "b", "b"]
        assert [row[1] for row in rows_of(second.table)] == ["a", "b", "a", "b"]

    def test_a_table_that_would_keep_nothing_is_refused(self):
        with pytest.raises(Refused):
            hra.suppress_cells(pa.table({"x": ["a", "b", "c"]}), quasi=["x"], k=2)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"k": 1}, "anonymity.k-too-small"),
            ({"k": 9}, "anonymity.k-above-rows"),
            ({"quasi": []}, "anonymity.no-quasi"),
            ({"quasi": ["w"]}, "anonymity.unknown-column"),
            ({"weights": [1]}, "transform.bad-weights"),
            ({"weights": [1, 0, 1]}, "transform.bad-weights"),
            ({"weights": [1, nan, 1]}, "transform.bad-weights"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, changes, code):
        with pytest.raises(CallerError) as caught:
            hra.suppress_cells(table([("a", "b", "c")] * 4), **({"quasi": NAMES, "k": 2} | changes))
        assert caught.value.code == code

    def test_a_result_that_does_not_hold_is_caught(self, monkeypatch):
        recode = transforms.recode
        monkeypatch.setattr(
            transforms,
            "recode",
            lambda problem, **more: recode(type(problem)(problem.tuples, problem.columns, 1, 0), **more),
        )
        with pytest.raises(Fault):
            hra.suppress_cells(table([("a", "b", "c"), ("a", "b", "d")]), quasi=NAMES, k=2)


def fewest(rows):
    """The fewest cells of the first two columns to take, over every choice of cells."""
    cells = [(row, column) for row in range(len(rows)) for column in (0, 1) if rows[row][column] is not None]
    for size in range(len(cells) + 1):
        for taken in itertools.combinations(cells, size):
            left = [
                tuple(None if (row, column) in taken else cell for column, cell in enumerate(own))
                for row, own in enumerate(rows)
            ]
            if min(Counter(left).values()) >= 2:
                return size
    return len(cells) + 1


class TestCoding:
    def test_values_from_the_bound_on_read_as_its_label(self):
        made = hra.top_coded(
            pa.table({"age": [17, 89, 90, 104, None], "n": range(5)}), column="age", bound=90
        )
        assert made.table["age"].to_pylist() == ["17", "89", ">=90", ">=90", None]
        assert made.table["n"].to_pylist() == list(range(5))
        assert made.changed == 2
        low = hra.bottom_coded(pa.table({"age": [17, 18, 19]}), column="age", bound=18)
        assert low.table["age"].to_pylist() == ["<=18", "<=18", "19"]

    def test_the_type_is_kept_where_asked(self):
        made = hra.top_coded(pa.table({"age": [17, 95]}), column="age", bound=90, keep_type=True)
        assert made.table["age"].to_pylist() == [17, 90]
        assert made.table.schema.field("age").type == pa.int64()
        days = [dt.date(1901, 5, 5), dt.date(1950, 1, 1)]
        born = hra.bottom_coded(
            pa.table({"born": days}), column="born", bound=dt.date(1930, 1, 1), keep_type=True
        )
        assert born.table["born"].to_pylist() == [dt.date(1930, 1, 1), dt.date(1950, 1, 1)]

    def test_a_bound_of_the_type_is_any_number_equal_to_it(self):
        tenths = pa.table({"x": pa.array([Decimal("0.10"), Decimal("0.90")])})
        kept = hra.top_coded(tenths, column="x", bound=Decimal("0.5"), keep_type=True)
        assert kept.table["x"].to_pylist() == [Decimal("0.10"), Decimal("0.50")]
        halves = hra.top_coded(
            pa.table({"x": [0.25, 0.75]}), column="x", bound=Fraction(1, 2), keep_type=True
        )
        assert halves.table["x"].to_pylist() == [0.25, 0.5]
        whole = hra.top_coded(pa.table({"x": [1, 9]}), column="x", bound=5.0, keep_type=True)
        assert whole.table["x"].to_pylist() == [1, 5]

    def test_the_bound_is_compared_exactly(self):
        # In floating point 2**53 + 1 and 2**53 are one number, and 0.1 + 0.2 is more than 0.3.
        large = 2**53
        made = hra.top_coded(pa.table({"n": [large, large + 1]}), column="n", bound=large + 1)
        assert made.table["n"].to_pylist() == [str(large), f">={large + 1}"]
        sums = hra.top_coded(pa.table({"x": [0.3, inf, -inf, nan]}), column="x", bound=Decimal("0.3"))
        assert sums.changed == 2
        assert sums.table["x"].to_pylist()[0] == ">=0.3"
        tenths = pa.table({"x": pa.array([Decimal("0.10")])})
        assert hra.bottom_coded(tenths, column="x", bound=Fraction(1, 10)).changed == 1

    def test_points_in_time_are_compared_with_points_in_time(self):
        moments = pa.table({"at": pa.array([0, 10], pa.timestamp("us", "UTC"))})
        bound = dt.datetime(1970, 1, 1, 0, 0, 0, 5, dt.UTC)
        assert hra.top_coded(moments, column="at", bound=bound, keep_type=True).changed == 1

    @pytest.mark.parametrize(
        ("values", "bound", "keep_type"),
        [
            ([1, 2], "90", False),
            ([1, 2], True, False),
            ([1, 2], nan, False),
            ([1, 2], dt.date(2020, 1, 1), False),
            ([1, 2], 1.5, True),
            ([1.0, 2.0], Fraction(1, 3), True),
            ([1, 2], 2**64, True),
            (["a"], 1, False),
            ([dt.date(2020, 1, 1)], 1, False),
            ([dt.date(2020, 1, 1)], dt.datetime(2020, 1, 1, tzinfo=dt.UTC), False),
            ([True], 1, False),
        ],
    )
    def test_a_bound_of_another_kind_is_refused_by_the_column(self, values, bound, keep_type):
        with pytest.raises(CallerError) as caught:
            hra.top_coded(pa.table({"income": values}), column="income", bound=bound, keep_type=keep_type)
        assert caught.value.code == "transform.bad-bound"
        assert caught.value.details == {"column": "income"}


def points(rows, columns=2, seed=3):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(rows, columns))


class TestMicroaggregation:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 3), st.integers(0, 99), st.integers(2, 40))
    def test_groups_have_k_to_two_k_less_one_rows(self, rows, k, columns, seed, together):
        if rows < k:
            return
        sizes = np.bincount(mdav_groups(points(rows, columns, seed), k, together=together))
        assert sizes.min() >= k
        assert sizes.max() < 2 * k
        assert sizes.sum() == rows

    def test_it_is_mdav_step_by_step(self):
        """The steps as the paper has them, written with lists; no two distances tie."""
        data = comparable(points(23, 2, seed=11))

        def mdav(k):
            left, groups = list(range(len(data))), []

            def distance(one, other):
                return float(((one - other) ** 2).sum())

            def take(around):
                near = sorted(left, key=lambda one: distance(data[one], data[around]))[:k]
                for one in near:
                    left.remove(one)
                groups.append(frozenset(near))

            while len(left) >= 3 * k:
                centre = data[left].mean(axis=0)
                far = max(left, key=lambda one: distance(data[one], centre))
                take(far)
                take(max(left, key=lambda one: distance(data[one], data[far])))
            if len(left) >= 2 * k:
                centre = data[left].mean(axis=0)
                take(max(left, key=lambda one: distance(data[one], centre)))
            groups.append(frozenset(left))
            return set(groups)

        for k in (2, 3, 5):
            found = mdav_groups(data, k)
            assert {frozenset(np.flatnonzero(found == one).tolist()) for one in set(found.tolist())} == mdav(
                k
            )

    def test_the_order_of_rows_decides_no_value(self):
        data = points(50)
        order = np.random.default_rng(1).permutation(50)
        one, other = mdav_groups(data, 4), mdav_groups(data[order], 4)
        pairs = set(zip(one[order].tolist(), other.tolist(), strict=True))
        assert len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=6, max_size=20),
        st.randoms(use_true_random=False),
    )
    def test_nor_do_ties(self, rows, chance):
        def averaged(own):
            source = pa.table({"x": [row[0] for row in own], "y": [row[1] for row in own]})
            made = hra.microaggregated(source, columns=["x", "y"], k=3)
            return Counter(zip(own, rows_of(made.table, ["x", "y"]), strict=True))

        shuffled = list(rows)
        chance.shuffle(shuffled)
        assert averaged(rows) == averaged(shuffled)

    @pytest.mark.parametrize(("statistic", "of"), [("mean", np.mean), ("median", np.median)])
    def test_a_group_shows_its_average_in_every_column(self, statistic, of):
        draw = random.Random(2)
        incomes = [draw.randrange(1000, 9000) for _ in range(60)]
        ages = [Decimal(draw.randrange(18, 90)) for _ in range(60)]
        source = pa.table({"income": incomes, "age": ages, "name": [f"p{place}" for place in range(60)]})
        made = hra.microaggregated(source, columns=["income", "age"], k=4, statistic=statistic)
        shown = rows_of(made.table, ["income", "age"])
        counts = Counter(shown)
        assert min(counts.values()) >= 4
        for pair in counts:
            members = [place for place, own in enumerate(shown) if own == pair]
            assert pair[0] == pytest.approx(of([incomes[place] for place in members]))
            assert pair[1] == pytest.approx(of([float(ages[place]) for place in members]))
        assert made.table["name"].to_pylist() == source["name"].to_pylist()
        moved = sum(a != b for a, b in zip(incomes, (row[0] for row in shown), strict=True))
        assert moved <= made.changed <= 120

    def test_the_scale_of_a_column_does_not_decide(self):
        data = points(40)
        scaled = data * np.array([1e300, 1e-12])
        assert mdav_groups(data, 3).tolist() == mdav_groups(scaled, 3).tolist()
        assert comparable(np.ones((3, 1))).tolist() == [[0.0]] * 3
        assert comparable(np.zeros((3, 1))).tolist() == [[0.0]] * 3

    @pytest.mark.parametrize(
        ("values", "changes", "code"),
        [
            (["a"] * 4, {}, "transform.no-numbers"),
            ([True] * 4, {}, "transform.no-numbers"),
            ([1.0, 2.0, inf, 4.0], {}, "transform.no-numbers"),
            ([1, 2, None, 4], {}, "transform.missing-values"),
            ([1.0, 2.0, nan, 4.0], {}, "transform.missing-values"),
            ([1, 2, 3, 4], {"k": 5}, "anonymity.k-above-rows"),
            ([1, 2, 3, 4], {"k": 1}, "anonymity.k-too-small"),
            ([1, 2, 3, 4], {"statistic": "mode"}, "transform.bad-statistic"),
            ([], {}, "anonymity.empty-table"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, values, changes, code):
        source = pa.table({"n": values}) if values else pa.table({"n": pa.array([], pa.int64())})
        with pytest.raises(CallerError) as caught:
            hra.microaggregated(source, **({"columns": ["n"], "k": 2} | changes))
        assert caught.value.code == code

    def test_groups_that_are_too_small_are_caught(self, monkeypatch):
        monkeypatch.setattr(transforms, "mdav_groups", lambda values, _: np.arange(len(values)))
        with pytest.raises(Fault):
            hra.microaggregated(pa.table({"n": [1, 2, 3]}), columns=["n"], k=2)


class TestSampling:
    def test_the_share_is_exact_and_rows_stay_as_they_are(self):
        source = pa.table({"n": range(1000), "even": [place % 2 == 0 for place in range(1000)]})
        made = hra.sampled(source, share=0.1)
        assert (made.table.num_rows, made.changed) == (100, 900)
        numbers = made.table["n"].to_pylist()
        assert numbers == sorted(set(numbers))
        assert made.table["even"].to_pylist() == [number % 2 == 0 for number in numbers]
        assert hra.sampled(source, share=Fraction(1, 3)).table.num_rows == 333
        assert hra.sampled(source, share="0.0019").table.num_rows == 1
        assert hra.sampled(source, share=1).table.equals(source)

    def test_no_dictionary_holds_the_values_of_rows_left_out(self):
        names = pa.array([f"p{place}" for place in range(9)]).dictionary_encode()
        made = hra.sampled(pa.table({"name": names}), share="0.2").table
        assert made.num_rows == 1
        assert made.schema.field("name").type == pa.string()

    def test_every_row_is_drawn_as_often_as_any_other(self):
        """False alarm below 1e-9 by Hoeffding: 10 counts of 800 even chances, each within 7 deviations."""
        source = pa.table({"n": range(10)})
        seen = Counter(
            number for _ in range(800) for number in hra.sampled(source, share="0.5").table["n"].to_pylist()
        )
        assert all(abs(seen[number] - 400) <= 7 * (800 * 0.25) ** 0.5 for number in range(10))

    def test_the_draw_is_of_the_systems_randomness(self, monkeypatch):
        class Last:
            def sample(self, places, count):
                return list(places)[-count:]

        monkeypatch.setattr(transforms.secrets, "SystemRandom", Last)
        assert hra.sampled(pa.table({"n": range(4)}), share=0.5).table["n"].to_pylist() == [2, 3]

    @pytest.mark.parametrize(
        ("share", "code"),
        [
            (0, "transform.empty-sample"),
            (0.1, "transform.empty-sample"),
            (1.1, "transform.bad-share"),
            (-1, "transform.bad-share"),
            ("some", "transform.bad-share"),
        ],
    )
    def test_a_share_that_is_none_is_refused(self, share, code):
        with pytest.raises(CallerError) as caught:
            hra.sampled(pa.table({"n": [1, 2, 3]}), share=share)
        assert caught.value.code == code


TRANSFORMS = {
    "suppress_cells": {"quasi": ["age", "area"], "k": 2},
    "top_coded": {"column": "age", "bound": 40},
    "bottom_coded": {"column": "age", "bound": 30},
    "microaggregated": {"columns": ["age"], "k": 2},
    "sampled": {"share": 0.5},
}


def few():
    metadata = {"owner": "secret"}
    columns = {"age": [30, 41, 30, 41], "area": ["n", "n", "n", "n"]}
    return pa.table(columns).replace_schema_metadata(metadata)


@pytest.mark.parametrize("name", TRANSFORMS)
class TestEach:
    def test_it_says_what_it_protects_and_what_not_and_never_anonymous(self, name):
        made = getattr(hra, name)(few(), **TRANSFORMS[name])
        for text in (made.protects, made.leaves):
            assert text.endswith(".")
            assert "{" not in text
            assert "anonymous" not in text
        assert "30" not in repr(made)
        assert "changed" not in repr(made)

    def test_no_metadata_of_the_source_comes_along(self, name):
        assert getattr(hra, name)(few(), **TRANSFORMS[name]).table.schema.metadata is None

    @pytest.mark.extra
    @pytest.mark.parametrize("package", ["pandas", "polars"])
    def test_the_kind_given_is_the_kind_returned(self, name, package):
        frames = pytest.importorskip(package)
        given = few().to_pandas() if package == "pandas" else frames.from_arrow(few())
        made = getattr(hra, name)(given, **TRANSFORMS[name])
        assert isinstance(made.table, frames.DataFrame)
        assert list(made.table.columns) == ["age", "area"]

    def test_a_wrong_call_is_told_as_it_is_written_in_python(self, name):
        with pytest.raises(CallerError) as caught:
            getattr(hra, name)(few(), **TRANSFORMS[name], extra=1)
        assert caught.value.code == "call.unknown"
        with pytest.raises(CallerError) as caught:
            getattr(hra, name)([1, 2], **TRANSFORMS[name])
        assert caught.value.code == "anonymity.no-table"
