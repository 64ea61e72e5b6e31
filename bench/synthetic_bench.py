"""Synthetic tables: how right a model is that saw only synthetic rows, beside the same on real ones.

Adult as supplied, two thirds to make the table of and one third to judge by, five seeded splits, delta
1e-5 or none, every setting at its default: nothing is tuned, so no tuning is charged. The keys are the lists
that come with the data set, ages have the bounds 17 and 90. Two models of scikit-learn are trained on as many
synthetic rows as there are real ones: a logistic regression and gradient boosting. Time is processor time of
making the table, from the rows to the synthetic rows.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from frame import Row, Sizes, apart, say, seconds, timed
from hedgerow.synthetic import Budget, declare, synthesise

ADULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
TARGET, AGE = "salary-class", "age"
# Epsilon, delta and the most points behind; without a delta nothing is asked.
CASES: tuple[tuple[str, str, float | None], ...] = (("1", "1e-5", 4.0), ("1", "0", None))
SPLITS = 5
CPU_S = 10.0
AGES = list(range(20, 80, 5))


def rows(sizes: Sizes) -> Iterator[Row]:
    if not ADULT.is_dir():
        say("  the data set Adult is not on this machine")
        return
    for epsilon, delta, limit in CASES:
        yield from apart(adult, sizes, epsilon, delta, limit)


def read() -> tuple[pa.Table, dict[str, list[str]]]:
    with (ADULT / "adult.csv").open(newline="") as stream:
        head, *lines = csv.reader(stream, delimiter=";")
    columns = dict(zip(head, map(list, zip(*lines, strict=True)), strict=True))
    keys = {}
    for name in (each for each in head if each != AGE):
        with (ADULT / f"adult_hierarchy_{name}.csv").open(newline="") as stream:
            keys[name] = [line[0] for line in csv.reader(stream, delimiter=";")]
    table = pa.table({name: columns[name] for name in keys})
    table = table.append_column(AGE, pa.array(map(int, columns[AGE])))
    return table.append_column("who", pa.array(range(len(lines)))), keys


def adult(sizes: Sizes, epsilon: str, delta: str, limit: float | None) -> list[Row]:
    table, keys = read()
    names, took = [*keys, AGE], []
    behind: dict[str, list[float]] = {"logistic": [], "boosting": []}
    right: dict[str, list[float]] = {"logistic": [], "boosting": []}
    for seed in range(sizes.of(SPLITS * 10) // 10 or 1):
        order = np.random.default_rng(seed).permutation(len(table))
        train, test = table.take(order[: len(order) * 2 // 3]), table.take(order[len(order) * 2 // 3 :])
        made: list[Any] = []
        took.append(
            timed(
                lambda train=train, made=made: made.append(
                    synthesise(
                        train, person="who", columns=names, rows=len(train), epsilon=epsilon, delta=delta,
                        declaration=declare(max_rows=1, bounds={AGE: (17, 90)}, keys=keys),
                        budget=Budget.of(epsilon, "1e-5"),
                    )
                )
            ).cpu_s
        )  # fmt: skip
        real, ours = scores(train, test, keys), scores(made[0][0].table, test, keys)
        for name, points in behind.items():
            points.append(100 * (real[name] - ours[name]))
            right[name].append(real[name])
    at = f"epsilon {epsilon}" if limit else f"pure epsilon {epsilon}"
    return [
        Row(
            f"Adult, {name} trained on synthetic rows at {at}, worst of {len(points)} splits",
            f"{max(points):.2f} points behind, median {statistics.median(points):.2f}; "
            f"made in cpu {seconds(max(took))} at most",
            f"trained on real rows: right {statistics.median(right[name]):.3f}",
            target=f"<= {limit:g} points, <= {CPU_S:g} s" if limit else "",
            is_met=max(points) <= limit and max(took) <= CPU_S if limit else None,
            figures={
                "worst_points": max(points),
                "median_points": statistics.median(points),
                "worst_cpu_s": max(took),
            },
        )
        for name, points in behind.items()
    ]


def scores(train: pa.Table, test: pa.Table, keys: dict[str, list[str]]) -> dict[str, float]:
    """Train both models on one table and judge them by another."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    features = [name for name in keys if name != TARGET]
    (codes, y), (others, wanted) = (coded(each, features, keys) for each in (train, test))
    logistic = LogisticRegression(max_iter=300).fit(spread(codes, features, keys), y)
    boosting = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(codes, y)
    return {
        "logistic": float(logistic.score(spread(others, features, keys), wanted)),
        "boosting": float(boosting.score(others, wanted)),
    }


def coded(table: pa.Table, features: list[str], keys: dict[str, list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Number the values of each column; no value counts as one more, rows without a target are left out."""
    table = table.filter(pc.is_valid(table.column(TARGET)))
    columns = [
        pc.fill_null(pc.index_in(table.column(name), pa.array(keys[name])), len(keys[name])).to_numpy()
        for name in features
    ]
    ages = pc.fill_null(table.column(AGE), 17).to_numpy()
    return np.stack([*columns, ages], axis=1), np.array(table.column(TARGET).to_pylist())


def spread(codes: np.ndarray, features: list[str], keys: dict[str, list[str]]) -> np.ndarray:
    """Give each value a column of its own, and ages in steps of five years."""
    parts = [np.eye(len(keys[name]) + 1)[codes[:, place]] for place, name in enumerate(features)]
    return np.hstack([*parts, np.eye(len(AGES) + 1)[np.digitize(codes[:, -1], AGES)]])
