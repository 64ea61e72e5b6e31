"""Private logistic regression on Adult beside diffprivlib, in one process: the same features, five splits.

diffprivlib has pure epsilon by objective perturbation with noise of floats, ours a delta of 1e-5 and noise of
whole numbers: the guarantees differ, and so do the figures' meaning. Both run at their defaults.
"""

from __future__ import annotations

import statistics
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import numpy as np
from diffprivlib.models import LogisticRegression

import train_bench
from frame import timed


def main():
    warnings.simplefilter("ignore")
    if not train_bench.ADULT.is_dir():
        sys.exit("The data set Adult is not on this machine.")
    features, y, encoder = train_bench.encoded()
    norm = float(np.linalg.norm(features, axis=1).max())
    for epsilon in train_bench.TARGETS:
        right, spent = {"diffprivlib": [], "hedgerow": []}, {"diffprivlib": [], "hedgerow": []}
        for seed in range(train_bench.SPLITS):
            order = np.random.default_rng(seed).permutation(len(y))
            train, test = order[: len(y) * 2 // 3], order[len(y) * 2 // 3 :]
            theirs = LogisticRegression(epsilon=float(epsilon), data_norm=norm, max_iter=1000)
            for name, model in (("diffprivlib", theirs), ("hedgerow", train_bench.private(epsilon, encoder))):
                spent[name].append(timed(lambda model=model, of=train: model.fit(features[of], y[of])).cpu_s)
                right[name].append(model.score(features[test], y[test]))
        told = (
            f"{name} right {statistics.median(right[name]):.3f} (worst {min(right[name]):.3f}), "
            f"fit cpu {statistics.median(spent[name]):.2f} s"
            for name in right
        )
        print(f"Adult, logistic, epsilon {epsilon}: {'; '.join(told)}")


if __name__ == "__main__":
    main()
