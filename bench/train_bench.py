"""Private training: how right models are beside the same ones without privacy, and how long an epoch takes.

Adult as supplied, two thirds to train on and one third to judge by, five seeded splits, delta 1e-5, with
every setting at its default: defaults were chosen on generated tables, so nothing is tuned here. The same
features without privacy go to scikit-learn's logistic regression, and boosting stands beside the same trees
without noise and scikit-learn's histogram boosting. An epoch takes 48,000 rows of 100 features in batches of
256 on average; its peers are one epoch of scikit-learn's SGDClassifier and MLPClassifier over the same rows,
without privacy. Clusters, components and a recommender are judged on generated rows.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa

from frame import SEED, Row, Sizes, apart, interleaved, say, seconds, timed
from hedgerow.kernel.noise.sampling import sampling_chance
from hedgerow.learn import (
    DPPCA,
    Budget,
    DPGradientBoostingClassifier,
    DPKMeans,
    DPLogisticRegression,
    DPRecommender,
    PublicEncoder,
)
from hedgerow.techniques.dp_train import boosting, logistic, network
from hedgerow.techniques.dp_train.batches import Sampling, sampled_noise
from hedgerow.techniques.dp_train.cells import Cells
from hedgerow.techniques.dp_train.chances import wanted_steps
from hedgerow.techniques.dp_train.declared import scaling
from hedgerow.techniques.dp_train.descent import Descent
from hedgerow.techniques.dp_train.paying import Noise, Wish
from hedgerow.techniques.dp_train.sums import GRADIENT_UNIT, whole_rows

ADULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
COLUMNS = ("sex", "race", "marital-status", "education", "native-country", "workclass", "occupation")
TARGETS = {"0.5": None, "1": 1.0, "2": None}
TREES = {"0.5": 3.0, "1": 2.5}
SPLITS = 5
ROWS, WIDTH, BATCH = 48_000, 100, 256
EPOCH_S, EPOCH_WITH_NOISE_S = 0.1, 0.32
NETWORK_S, NETWORK_WITH_NOISE_S = 0.2, 0.55
REPEAT = 5


def rows(sizes: Sizes) -> Iterator[Row]:
    if ADULT.is_dir():
        yield from apart(adult, sizes)
        yield from apart(boosted, sizes)
    else:
        say("  the data set Adult is not on this machine")
    yield from apart(epochs, sizes)
    yield from apart(network_epochs, sizes)
    yield from apart(unsupervised, sizes)
    yield from apart(recommended, sizes)


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
    for train, test in splits(len(y), sizes):
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


def splits(count: int, sizes: Sizes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for seed in range(sizes.of(SPLITS * 10) // 10 or 1):
        order = np.random.default_rng(seed).permutation(count)
        yield order[: count * 2 // 3], order[count * 2 // 3 :]


def boosted(sizes: Sizes) -> list[Row]:
    features, y, encoder = encoded()
    shares: dict[str, list[float]] = {"plain": [], "peer": [], **{epsilon: [] for epsilon in TREES}}
    spent = []
    for train, test in splits(len(y), sizes):
        with_data = features[train], y[train]
        others = features[test], y[test]
        shares["plain"].append(noiseless(trees("1", encoder), with_data).score(*others))
        shares["peer"].append(
            histogram_boosting(encoder, with_data).score(coded(encoder, others[0]), others[1])
        )
        for epsilon in TREES:
            model = trees(epsilon, encoder)
            spent.append(timed(lambda model=model, with_data=with_data: model.fit(*with_data)))
            shares[epsilon].append(model.score(*others))
    plain, theirs = statistics.median(shares["plain"]), statistics.median(shares["peer"])
    fit_s = statistics.median(each.cpu_s for each in spent)
    made = []
    for epsilon, limit in TREES.items():
        points = [100 * (a - b) for a, b in zip(shares["plain"], shares[epsilon], strict=True)]
        row = Row(
            f"Adult, private boosting at epsilon {epsilon}, worst of {len(points)} splits",
            f"{max(points):.2f} points behind itself without noise, median {statistics.median(points):.2f}; "
            f"right {statistics.median(shares[epsilon]):.3f}; fit cpu {seconds(fit_s)}",
            f"without noise: right {plain:.3f}; scikit-learn's histogram boosting {theirs:.3f}",
            target=f"<= {limit:g} points",
            is_met=max(points) <= limit,
            figures={"worst_points": max(points), "median_points": statistics.median(points)},
        )
        made.append(row)
    return made


def trees(epsilon: str, encoder: PublicEncoder) -> DPGradientBoostingClassifier:
    return DPGradientBoostingClassifier(
        epsilon=epsilon,
        delta="1e-5",
        bounds=encoder.bounds,
        groups=encoder.groups,
        classes=["<=50K", ">50K"],
        budget=Budget.of(epsilon, "1e-5"),
    )


def noiseless(
    model: DPGradientBoostingClassifier, with_data: tuple[np.ndarray, np.ndarray]
) -> DPGradientBoostingClassifier:
    """Train without noise: the yardstick, which the product has no switch for."""
    real = boosting.step_noise
    boosting.step_noise = lambda *asked: Noise(0.0, lambda exact: exact, real(*asked).rho)
    try:
        return model.fit(*with_data)
    finally:
        boosting.step_noise = real


def coded(encoder: PublicEncoder, features: np.ndarray) -> np.ndarray:
    cells = Cells(encoder.groups, *np.array(encoder.bounds).T, 32)
    return cells.codes(features)


def histogram_boosting(encoder: PublicEncoder, with_data: tuple[np.ndarray, np.ndarray]):
    from sklearn.ensemble import HistGradientBoostingClassifier

    is_category = [not group.is_ordered for group in encoder.groups]
    model = HistGradientBoostingClassifier(categorical_features=is_category)
    with one_thread():
        return model.fit(coded(encoder, with_data[0]), with_data[1])


def one_thread():
    """Keep libraries to one thread: on a busy machine theirs wait for each other, spinning."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def network_epochs(sizes: Sizes) -> list[Row]:
    from sklearn.neural_network import MLPClassifier

    draw = np.random.default_rng(SEED)
    count = sizes.of(ROWS)
    plain = draw.uniform(-1, 1, (count, WIDTH))
    y = (plain @ draw.normal(size=WIDTH) > 0).astype(int)
    table, _ = whole_rows(scaling((-1, 1), None, WIDTH, None).scaled(plain), None)
    wanted, start = wanted_steps(y, 2), network.drawn_layers(WIDTH + 1, 64, 1)
    chance = sampling_chance(BATCH, count)
    steps = -(-chance.denominator // chance.numerator)
    bound = GRADIENT_UNIT // 3
    descent = Descent(steps, bound, BATCH * GRADIENT_UNIT, 4.0, 0.9, chance)
    wish = Wish(Fraction(1), Fraction(1, 10**5))
    noise = sampled_noise(wish, bound, Sampling(chance, steps), len(start.flat))
    silent = Noise(0.0, lambda exact: exact)
    model = MLPClassifier((64,), batch_size=BATCH)
    model.partial_fit(plain, y, classes=[0, 1])
    network.trained_layers(table, wanted, start, descent, noise)
    with one_thread():
        quiet, loud, theirs = interleaved(
            REPEAT,
            lambda: network.trained_layers(table, wanted, start, descent, silent),
            lambda: network.trained_layers(table, wanted, start, descent, noise),
            lambda: model.partial_fit(plain, y),
        )
    name = f"epoch of {count:,} x {WIDTH}, network {WIDTH}-64-2, batches of {BATCH}, one thread"
    timings = (("apart from noise", quiet, NETWORK_S), ("with noise", loud, NETWORK_WITH_NOISE_S))
    return [
        Row(
            f"{name}, {label}",
            str(ours),
            f"scikit-learn MLPClassifier without privacy {theirs}",
            ours.wall_s / theirs.wall_s,
            f"<= {limit:g} s" if not sizes.quick else "",
            ours.wall_s <= limit if not sizes.quick else None,
            {"wall_s": ours.wall_s, "cpu_s": ours.cpu_s, "peer_wall_s": theirs.wall_s},
        )
        for label, ours, limit in timings
    ]


def unsupervised(sizes: Sizes) -> list[Row]:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    draw = np.random.default_rng(SEED)
    count = sizes.of(ROWS)
    centres = draw.uniform(-0.8, 0.8, (5, 4))
    rows = centres[draw.integers(0, 5, count)] + draw.normal(0, 0.1, (count, 4))
    terms = {"epsilon": "1", "delta": "1e-6", "bounds": (-1, 1), "budget": Budget.of("1", "1e-6")}
    ours, theirs = DPKMeans(**terms, n_clusters=5), KMeans(5, n_init=1)
    spent, plain_spent = interleaved(REPEAT, lambda: ours.fit(rows), lambda: theirs.fit(rows))
    apart_by = -ours.score(rows) / theirs.inertia_
    wide = np.clip(draw.normal(size=(count, 20)) @ draw.normal(0, 0.1, (20, 20)), -1, 1)
    private, plain = DPPCA(**terms, n_components=5), PCA(5)
    pca, plain_pca = interleaved(REPEAT, lambda: private.fit(wide), lambda: plain.fit(wide))
    kept = np.var(private.transform(wide), axis=0).sum() / plain.explained_variance_.sum()
    return [
        Row(
            f"{count:,} x 4, k-means with 5 clusters at epsilon 1",
            f"{spent}; squared distances {apart_by:.2f} times the peer's",
            f"scikit-learn without privacy {plain_spent}",
            spent.wall_s / plain_spent.wall_s,
            figures={"distances_ratio": apart_by, "wall_s": spent.wall_s},
        ),
        Row(
            f"{count:,} x 20, 5 main components at epsilon 1",
            f"{pca}; {100 * kept:.1f}% of the variance that the peer's keep",
            f"scikit-learn without privacy {plain_pca}",
            pca.wall_s / plain_pca.wall_s,
            figures={"variance_share": float(kept), "wall_s": pca.wall_s},
        ),
    ]


def recommended(sizes: Sizes) -> list[Row]:
    """Hide one item of each basket of new people, and look for it among ten that are recommended."""
    draw, count, items = np.random.default_rng(SEED), sizes.of(10_000), 200
    popular = draw.permutation(1 / np.arange(1, items + 1) ** 0.7)
    tastes = popular * np.where(draw.random((6, items)) < 0.2, 8, 0.4)
    tastes /= tastes.sum(axis=1, keepdims=True)
    baskets = [
        draw.choice(items, min(3 + draw.poisson(7), 40), replace=False, p=tastes[draw.integers(6)])
        for _ in range(count)
    ]
    known, new = baskets[: count * 4 // 5], baskets[count * 4 // 5 :]
    bought, who = np.concatenate(known), np.repeat(np.arange(len(known)), [len(each) for each in known])
    order = np.argsort(-np.bincount(bought, minlength=items)).tolist()
    most = share_found(new, lambda rest: [item for item in order if item not in rest][:10])
    made = []
    for epsilon in ("0.5", "1", "2"):
        model = DPRecommender(
            epsilon=epsilon, delta="1e-6", items=range(items), budget=Budget.of(epsilon, "1e-6")
        )
        spent = timed(lambda model=model: model.fit(bought, person=who))
        found = share_found(new, model.recommend)
        row = Row(
            f"recommender of {items} items, {len(known):,} people, epsilon {epsilon}",
            f"{100 * found:.1f}% of hidden purchases among ten; fit {spent}",
            f"most popular, without privacy: {100 * most:.1f}%",
            figures={"found": found, "popular": most, "wall_s": spent.wall_s},
        )
        made.append(row)
    return made


def share_found(baskets: list[np.ndarray], recommend: Callable[[list[int]], list[object]]) -> float:
    return statistics.fmean(basket[0] in recommend(basket[1:].tolist()) for basket in baskets)


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
    descent = Descent(steps, bound, BATCH * GRADIENT_UNIT, 8.0, 0.9, chance)
    wish = Wish(Fraction(1), Fraction(1, 10**5))
    noise = sampled_noise(wish, bound, Sampling(chance, steps), WIDTH + 1)
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
