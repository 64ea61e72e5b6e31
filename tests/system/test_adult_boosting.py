"""One split of 30,162 real rows: private boosting is nearly as right as the same trees without noise.

The bench measures five splits. Without noise these trees get 0.829 to 0.834 right over those splits; with
epsilon 1, 0.828 and more, and with epsilon 0.5, 0.824 and more. The thresholds lie where 2.5 and 3 points are
lost of the best of them, and no run came near.
"""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.learn import Budget, DPGradientBoostingClassifier, PublicEncoder

pytestmark = [pytest.mark.system]
COLUMNS = ("sex", "race", "marital-status", "education", "native-country", "workclass", "occupation")


def test_adult_at_epsilon_one_and_at_one_half(shared_data):
    with (shared_data / "adult" / "adult.csv").open(newline="") as stream:
        head, *rows = csv.reader(stream, delimiter=";")
    columns = dict(zip(head, zip(*rows, strict=True), strict=True))
    categories = {}
    for name in COLUMNS:
        with (shared_data / "adult" / f"adult_hierarchy_{name}.csv").open(newline="") as stream:
            categories[name] = [row[0] for row in csv.reader(stream, delimiter=";")]
    encoder = PublicEncoder(categories=categories, bins={"age": list(range(20, 80, 5))})
    table = pa.table({name: list(columns[name]) for name in COLUMNS})
    features = encoder.features(table.append_column("age", pa.array(map(int, columns["age"]))))
    y = np.array(columns["salary-class"])
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[: len(y) * 2 // 3], order[len(y) * 2 // 3 :]
    for epsilon, least in (("1", 0.809), ("0.5", 0.804)):
        model = DPGradientBoostingClassifier(
            epsilon=epsilon,
            delta="1e-5",
            bounds=encoder.bounds,
            groups=encoder.groups,
            classes=["<=50K", ">50K"],
            budget=Budget.of(epsilon, "1e-5"),
        )
        assert model.fit(features[train], y[train]).score(features[test], y[test]) > least
