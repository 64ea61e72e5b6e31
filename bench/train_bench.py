"""Private training: how right models are beside the same ones without privacy, and how long an epoch takes.

Adult as supplied, two thirds to train on and one third to judge by, five seeded splits, delta 1e-5, with
every setting at its default: defaults were chosen on generated tables, so nothing is tuned here. The same
features without privacy go to scikit-learn's logistic regression. An epoch takes 48,000 rows of 100 features
in batches of 256 on average; its peer is one epoch of scikit-learn's SGDClassifier over the same rows,
without privacy.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa

from frame import SEED, Row, Sizes, apart, interleaved, say, seconds, timed
from hedgerow.kernel.noise.sampling import sampling_chance
from hedgerow.learn import Budget, DPLogisticRegression, PublicEncoder
from hedgerow.techniques.dp_train import logistic
from hedgerow.techniques.dp_train.batches import batch_rho
from hedgerow.techniques.dp_train.chances import wanted_steps
from hedgerow.techniques.dp_train.declared import scaling
from hedgerow.techniques.dp_train.paying import Noise, Wish, stream_noise
from hedgerow.techniques.dp_train.sums import GRADIENT_UNIT, whole_rows

ADULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
COLUMNS = ("sex", "race", "marital-status", "education", "native-country", "workclass", "occupation")
TARGETS = {"0.5": None, "1": 1.0, "2": None}
SPLITS = 5
ROWS, WIDTH, BATCH = 48_000, 100, 256
EPOCH_S, EPOCH_WITH_NOISE_S = 0.1, 0.32
REPEAT = 5


def rows(sizes: Sizes) -> Iterator[Row]:
    if ADULT.is_dir():
        yield from apart(adult, sizes)
    else:
        say("  the data set Adult is not on this machine")
    yield from apart(epochs, sizes)


def encoded() -> tuple[np.ndarray, np.ndarray, PublicEncoder]:
    """Encode by the category lists that come with the data set, and by ages in steps of five years."""
    with (ADULT / "adult.csv").open(newline="") as stream:
        head, *lines = csv.reader(stream, delimiter=";")
    columns = dict(zip(head, zip(*lines, strict=True), strict=True))
    categories = {}
    for name in COLUMNS:
        with (ADULT / f"adult_hierarchy_{name}.csv").open(newline="") as stream:
            categories[name] = [line[0] for line in csv.reader(stream, delimiter=";")]
    encoder = PublicEncoder(categories=categories, bins={"age": list(range(20, 80, 5))})
    table = pa.table({name: list(columns[name]) for name in COLUMNS})
    table = table.append_column("age", pa.array(map(int, columns["age"])))
    return encoder.features(table), np.array(columns["salary-class"]), encoder


def adult(sizes: Sizes) -> list[Row]:
    features, y, encoder = encoded()
    missed: dict[str, list[float]] = {epsilon: [] for epsilon in TARGETS}
    shares: dict[str, list[float]] = {"plain": [], **{epsilon: [] for epsilon in TARGETS}}
    spent = []
    for seed in range(sizes.of(SPLITS * 10) // 10 or 1):
        order = np.random.default_rng(seed).permutation(len(y))
        train, test = order[: len(y) * 2 // 3], order[len(y) * 2 // 3 :]
        plain = without_privacy(features[train], y[train], features[test], y[test])
        shares["plain"].append(plain)
        for epsilon in TARGETS:
            model = private(epsilon, encoder)
            spent.append(timed(lambda model=model, train=train: model.fit(features[train], y[train])))
            shares[epsilon].append(model.score(features[test], y[test]))
            missed[epsilon].append(100 * (plain - shares[epsilon][-1]))
    plain = statistics.median(shares["plain"])
    fit_s = statistics.median(each.cpu_s for each in spent)
    return [
        Row(
            f"Adult, private logistic at epsilon {epsilon}, worst of {len(points)} splits",
            f"{max(points):.2f} points behind, median {statistics.median(points):.2f}; "
            f"right {statistics.median(shares[epsilon]):.3f}; fit cpu {seconds(fit_s)}",
            f"scikit-learn without privacy: right {plain:.3f}",
            target=f"<= {limit:g} point" if limit else "",
            is_met=max(points) <= limit if limit else None,
            figures={"worst_points": max(points), "median_points": statistics.median(points)},
        )
        for (epsilon, limit), points in zip(TARGETS.items(), missed.values(), strict=True)
    ]


def private(epsilon: str, encoder: PublicEncoder) -> DPLogisticRegression:
    return DPLogisticRegression(
        epsilon=epsilon,
        delta="1e-5",
        bounds=encoder.bounds,
        classes=["<=50K", ">50K"],
        n_public=20_000,
        budget=Budget.of(epsilon, "1e-5"),
        row_norm=encoder.row_norm,
    )


def without_privacy(features: np.ndarray, y: np.ndarray, others: np.ndarray, wanted: np.ndarray) -> float:
    from sklearn.linear_model import LogisticRegression

    return float(LogisticRegression(max_iter=1000).fit(features, y).score(others, wanted))


def epochs(sizes: Sizes) -> list[Row]:
    draw = np.random.default_rng(SEED)
    count = sizes.of(ROWS)
    plain = draw.uniform(-1, 1, (count, WIDTH))
    y = (plain @ draw.normal(size=WIDTH) > 0).astype(int)
    table, _ = whole_rows(scaling((-1, 1), None, WIDTH, None).scaled(plain), None)
    wanted = wanted_steps(y, 2)
    chance = sampling_chance(BATCH, count)
    steps = -(-chance.denominator // chance.numerator)
    bound = GRADIENT_UNIT // 3
    descent = logistic.Descent(steps, bound, BATCH * GRADIENT_UNIT, 8.0, 0.9, chance)
    wish = Wish(Fraction(1), Fraction(1, 10**5))
    noise = stream_noise(wish, bound, batch_rho(wish, chance, steps), steps * (WIDTH + 1))
    silent = Noise(0.0, lambda exact: exact)
    peer = without_privacy_by_steps(plain, y)
    logistic.descend(table, wanted, descent, noise)
    quiet, loud, theirs = interleaved(
        REPEAT,
        lambda: logistic.descend(table, wanted, descent, silent),
        lambda: logistic.descend(table, wanted, descent, noise),
        peer,
    )
    name = f"epoch of {count:,} x {WIDTH}, batches of {BATCH}"
    return [
        Row(
            f"{name}, {label}",
            str(ours),
            f"scikit-learn SGD without privacy {theirs}",
            ours.wall_s / theirs.wall_s,
            f"<= {limit:g} s" if not sizes.quick else "",
            ours.wall_s <= limit if not sizes.quick else None,
            {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": theirs.wall_s},
        )
        for label, ours, limit in (
            ("apart from noise", quiet, EPOCH_S),
            ("with noise", loud, EPOCH_WITH_NOISE_S),
        )
    ]


def without_privacy_by_steps(features: np.ndarray, y: np.ndarray):
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", max_iter=1, tol=None)
    return lambda: model.partial_fit(features, y, classes=[0, 1])
