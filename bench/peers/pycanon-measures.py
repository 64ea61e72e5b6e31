"""Measures of a finished table beside pyCANON, in one process: the same tables, value by value.

It fails where a measure differs, but for two that pyCANON reckons otherwise than their definitions: its
recursive c takes the rarest value for the most frequent one, and its entropy l is cut down to a whole number
after a power whose rounding can fall below one. Both are printed, and no more is asked of them.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import pandas as pd
import pyarrow as pa
from pycanon import anonymity as theirs

import hedgerow.anonymity as hra
from frame import timed

ADULT = Path(__file__).resolve().parents[3] / "shared" / "data" / "adult" / "adult.csv"
QUASI = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation"]
ASKED = (
    (QUASI, "salary-class"),
    (["sex", "race", "marital-status"], "occupation"),
    (["sex", "race"], "education"),
    (["sex", "race"], "age"),
    (["sex", "race", "workclass"], "age"),
)
ALIKE = 1e-9


def asked_of_peer(frame, quasi, column):
    """Every measure of the peer, by the names that ours have."""
    c, l = theirs.recursive_c_l_diversity(frame, quasi, [column])  # noqa: E741
    return {
        "k": theirs.k_anonymity(frame, quasi),
        "distinct_l": theirs.l_diversity(frame, quasi, [column]),
        "entropy_l": theirs.entropy_l_diversity(frame, quasi, [column]),
        "recursive": (c, l),
        "t": theirs.t_closeness(frame, quasi, [column]),
        "beta_basic": theirs.basic_beta_likeness(frame, quasi, [column]),
        "beta_enhanced": theirs.enhanced_beta_likeness(frame, quasi, [column]),
        "delta_disclosure": theirs.delta_disclosure(frame, quasi, [column]),
        "alpha": theirs.alpha_k_anonymity(frame, quasi, [column])[0],
    }


def ours(table, quasi, column):
    """The same of ours."""
    made = hra.measure(table, quasi=quasi, sensitive=[column])
    found = made.of(column)
    return {
        "k": made.k,
        "distinct_l": found.distinct_l,
        "entropy_l": found.entropy_l,
        "recursive": (found.recursive_c, found.distinct_l),
        "t": found.t_equal if found.t_ordered is None else found.t_ordered,
        "beta_basic": found.beta_basic,
        "beta_enhanced": found.beta_enhanced,
        "delta_disclosure": found.delta_disclosure,
        "alpha": found.alpha,
    }


def differs(name, mine, other):
    """Whether a measure differs, of those whose definitions agree."""
    if name in ("entropy_l", "recursive"):
        return False
    return not math.isclose(mine, other, rel_tol=ALIKE, abs_tol=ALIKE)


def main():
    if not ADULT.is_file():
        sys.exit("The data set Adult is not on this machine.")
    frame, wrong = pd.read_csv(ADULT, sep=";"), 0
    table = pa.Table.from_pandas(frame, preserve_index=False)
    ours(table, *ASKED[0])  # what is imported first is not measured
    for quasi, column in ASKED:
        other, mine = {}, {}
        took = timed(lambda q=quasi, c=column, into=other: into.update(asked_of_peer(frame, q, c))).cpu_s
        own = timed(lambda q=quasi, c=column, into=mine: into.update(ours(table, q, c))).cpu_s
        print(f"{column} by {', '.join(quasi)}: cpu {took:.2f} s of pyCANON, {own:.3f} s of Hedgerow")
        for name, figure in mine.items():
            is_wrong = differs(name, figure, other[name])
            wrong += is_wrong
            print(f"  {name:17}{other[name]!s:>28}{figure!s:>28}{'  DIFFERS' if is_wrong else ''}")
    if wrong:
        sys.exit(f"{wrong} measures differ.")


if __name__ == "__main__":
    main()
