"""The audit of a release beside Anonymeter, in one process: UCI Adult, ten thousand rows of each group.

Two tables are attacked: fresh people, drawn from Adult apart from the source, about whom nothing can be
learnt, and a raw copy. Anonymeter is given the same columns: singling out by up to 500 predicates,
linkability of the same two halves and inference of the occupation, 500 attacks each, control group
included. Risks are shown with their 95% intervals; processor seconds after one warm run, for Anonymeter
compiles its matching.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))
import numpy as np
import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

from hedgerow.audit import audit_release

warnings.simplefilter("ignore")
ADULT = Path(__file__).resolve().parents[3] / "shared" / "data" / "adult" / "adult.csv"
SECRET, ATTACKS, ROWS, SEEDS = "occupation", 500, 10_000, (1, 2)
HALVES = (
    ["age", "native-country", "education", "marital-status"],
    ["workclass", "race", "sex", "salary-class", SECRET],
)


def theirs(source, released, control):
    known = [name for name in source.columns if name != SECRET]
    tables = {"ori": source, "syn": released, "control": control, "n_attacks": ATTACKS}
    evaluators = {
        "singling out": (SinglingOutEvaluator(**tables, n_cols=len(known)), {"mode": "multivariate"}),
        "linkability": (LinkabilityEvaluator(**tables, aux_cols=HALVES, n_neighbors=1), {"n_jobs": 1}),
        "inference": (InferenceEvaluator(**tables, aux_cols=known, secret=SECRET), {"n_jobs": 1}),
    }
    for name, (evaluator, options) in evaluators.items():
        start = time.process_time()
        evaluator.evaluate(**options)
        risk = evaluator.risk(confidence_level=0.95)
        yield name, risk.value, risk.ci, time.process_time() - start


def ours(source, released, control):
    start = time.process_time()
    known = [name for name in source.columns if name != SECRET]
    audit = audit_release(
        source, released, quasi=known, sensitive=[SECRET], control=control, link=HALVES, synthetic=True
    )
    spent = time.process_time() - start
    for each in audit.attacks:
        yield f"{each.attack}, {each.people}", float(each.risk), (each.low, each.high), spent


def main():
    if not ADULT.is_file():
        print("skipped: the fixtures in ../shared/data are not on this machine")
        return
    adult = pd.read_csv(ADULT, sep=";")
    tables = adult.sample(3000, random_state=0)
    for side in (theirs, ours):  # what is compiled and loaded once
        list(side(tables[:1000], tables[1000:2000], tables[2000:]))
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(adult))
        source, control, fresh = (adult.iloc[order[n * ROWS : (n + 1) * ROWS]] for n in range(3))
        for said, released in (("fresh people", fresh), ("a raw copy", source)):
            for who, side in (("ours", ours), ("Anonymeter", theirs)):
                for name, risk, (low, high), spent in side(source, released, control):
                    shown = f"{risk:6.3f}  {low:.3f} to {high:.3f}  cpu {spent:.2f} s"
                    print(f"{said:13} seed {seed}  {who:11} {name:36} {shown}")


if __name__ == "__main__":
    main()
