"""Proves that measures of a public table equal the recorded figures of another implementation.

Source: pyCANON 1.3.5 (k_anonymity, l_diversity, entropy_l_diversity, t_closeness, basic_beta_likeness,
enhanced_beta_likeness, delta_disclosure, alpha_k_anonymity) on UCI Adult with 30,162 rows.
``bench/peers/pycanon-measures.py`` asks it again.
"""

from __future__ import annotations

import math

import pytest
from pyarrow import csv

import hedgerow.anonymity as hra

RECORDED = [
    (
        ["sex", "race", "marital-status"],
        "occupation",
        (1, 1, 1, 0.8766328492805519, 36.23703703703704, 8.11711355558441, 3.9912776564959493, 1.0),
    ),
    (
        ["sex", "race"],
        "education",
        (
            87,
            12,
            5,
            0.22324169396517815,
            8.309259259259258,
            6.507675643150311,
            2.231009524134255,
            0.45251396648,
        ),
    ),
    (
        ["sex", "race", "workclass"],
        "age",
        (1, 1, 1, 0.40611262562444483, 270.72972972972974, 10.31433813292063, 5.604807931608296, 1.0),
    ),
]


@pytest.mark.parametrize(("quasi", "sensitive", "recorded"), RECORDED)
def test_measures_of_adult_equal_the_recorded_ones(shared_data, quasi, sensitive, recorded):
    adult = csv.read_csv(shared_data / "adult" / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))
    made = hra.measure(adult, quasi=quasi, sensitive=[sensitive])
    found = made.of(sensitive)
    t = found.t_equal if found.t_ordered is None else found.t_ordered
    assert (
        made.k, found.distinct_l, math.floor(found.entropy_l), t, found.beta_basic, found.beta_enhanced,
        found.delta_disclosure, found.alpha,
    ) == pytest.approx(recorded, rel=1e-9)  # fmt: skip
