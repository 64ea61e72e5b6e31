"""Proves prosecutor, journalist and marketer risk on tables done by hand, the estimator by its law."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from tests.unit.attacks.test_fitting import column

from hedgerow.kernel.attacks.nearest import categories, closest, come_near, numbers
from hedgerow.kernel.attacks.reidentification import inverse_sizes, outlying, reidentification

SIZES = np.asarray([0] * 1 + [1] * 2 + [2] * 5)


def test_every_figure_of_a_small_table():
    risk = reidentification([SIZES], at_risk=Fraction(1, 2))
    assert risk.class_sizes == ((1, 1), (2, 1), (5, 1))
    assert (risk.prosecutor_max, risk.prosecutor_average) == (1, Fraction(3, 8))
    assert (risk.rows_at_risk, risk.uniques) == (1, 1)  # one in two is not above one in two
    assert (risk.small_classes, risk.small_rows) == (2, 3)
    assert (risk.journalist_max, risk.marketer) == (1.0, 3 / 8)


def test_a_population_hides_better():
    cells = ["1", "2", "2", "3"]
    people = ["1"] * 4 + ["2"] * 10 + ["3"] * 2
    risk = reidentification(
        [np.asarray([0, 1, 1, 2])], at_risk=Fraction(1, 5), population=[column(people, cells)]
    )
    assert risk.prosecutor_max == 1
    assert risk.journalist_max == 1 / 2
    assert risk.marketer == pytest.approx((1 / 4 + 2 / 10 + 1 / 2) / 4)


def test_a_population_that_lacks_the_people_hides_no_better_than_the_rows():
    risk = reidentification(
        [np.asarray([0, 0])], at_risk=Fraction(1, 5), population=[column(["9"], ["1", "1"])]
    )
    assert risk.journalist_max == 1 / 2


@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(1, 10), Fraction(1, 5000)])
def test_the_estimate_is_the_mean_of_one_over_a_negative_binomial(share):
    rate = float(share)
    one, two = inverse_sizes(np.asarray([1, 2]), share)
    first = rate / (1 - rate) * math.log(1 / rate)  # closed forms of Benedetti and Franconi
    assert one == pytest.approx(first, rel=1e-9)
    assert two == pytest.approx(rate / (1 - rate) * (1 - first), rel=1e-9)
    if rate > 0.05:
        for rows in (1, 3, 7):
            chances = ((math.comb(size - 1, rows - 1) * rate**rows * (1 - rate) ** (size - rows)) / size
                       for size in range(rows, 1000))  # fmt: skip
            assert inverse_sizes(np.asarray([rows]), share)[0] == pytest.approx(math.fsum(chances), rel=1e-9)


def test_the_whole_population_is_the_prosecutor():
    assert inverse_sizes(np.asarray([4, 1]), Fraction(1)).tolist() == [0.25, 1.0]
    risk = reidentification([SIZES], at_risk=Fraction(1, 5), population_size=800)
    assert risk.journalist_max < 0.05 < risk.prosecutor_max


def test_who_is_unique_in_the_population_is_estimated():
    sizes = [1] * 100 + [2] * 30 + [3] * 20 + [5] * 10 + [9] * 5 + [40] * 2 + [100]
    classes = np.repeat(np.arange(len(sizes)), sizes)
    near = reidentification([classes], at_risk=Fraction(1, 5), population_size=600).unique_share
    far = reidentification([classes], at_risk=Fraction(1, 5), population_size=60_000).unique_share
    assert 0 < far < near < 100 / sum(sizes)
    assert reidentification([classes], at_risk=Fraction(1, 5)).unique_share is None


def test_outliers_are_rows_far_from_the_middle():
    usual = np.asarray([1.0, 2, 3, 4, 5, 6, 7, 1000, math.nan])
    assert outlying([usual]).tolist() == [7]
    assert outlying([np.asarray([1.0, 1, 1, 50])]).tolist() == []
    assert outlying([np.asarray([math.nan])]).tolist() == []


def test_the_closest_row_is_found_over_numbers_and_categories():
    people = [numbers(np.asarray([0.0, 10.0]), np.asarray([1.0, 9.0, 5.0])),
              categories(np.asarray([0, 1]), np.asarray([0, 0, 1]))]  # fmt: skip
    assert closest(people).tolist() == pytest.approx([0.1, 0.5])


def test_a_copied_person_comes_near():
    rng = np.random.default_rng(4)
    values = rng.normal(size=400)
    near = come_near([numbers(values, values[:20])], rng)
    assert near.right[:20].all()
    assert near.right[20:].sum() == 0
