"""k-anonymity of UCI Adult beside pyCANON, which checks k, and anjana, which makes a table k-anonymous.

anjana searches one path of the lattice: what it makes loses more, so its seconds buy less; its loss is
reckoned as ours is, the dropped rows losing all.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import anjana.anonymity as anjana
import pandas as pd
import pyarrow as pa
from pycanon import anonymity as pycanon

import hedgerow.anonymity as hra
from anonymity_bench import ADULT, QUASI
from frame import interleaved

EIGHT = list(QUASI[:-1])


def main():
    frame = pd.read_csv(ADULT / "adult.csv", sep=";", dtype=str)[list(QUASI)]
    ladders = {name: hra.from_csv(ADULT / f"adult_hierarchy_{name}.csv") for name in EIGHT}
    levels = {name: levels_of(name) for name in EIGHT}
    asked = {"quasi": EIGHT, "k": 5, "hierarchies": ladders}
    works = {
        "pyCANON, check of k": lambda: pycanon.k_anonymity(frame, EIGHT),
        "hedgerow, check of k": lambda: smallest(frame),
        "anjana, k5, 8 columns, 5%": lambda: theirs(frame, levels),
        "hedgerow, k5, 8 columns, 5%": lambda: hra.k_anonymise(frame, **asked),
    }
    for (name, work), spent in zip(works.items(), interleaved(3, *works.values()), strict=True):
        made = work()
        told = f"k = {made}" if isinstance(made, int) else told_of(made, frame)
        print(f"{name:28} {spent.cpu_s:7.3f} s cpu  {told}")


def smallest(frame):
    counts = (
        pa.Table.from_pandas(frame[EIGHT], preserve_index=False)
        .group_by(EIGHT)
        .aggregate([([], "count_all")])
    )
    return min(counts["count_all"].to_pylist())


def levels_of(name):
    rows = [line.split(";") for line in (ADULT / f"adult_hierarchy_{name}.csv").read_text().splitlines()]
    return {level: [row[level] for row in rows] for level in range(len(rows[0]))}


def theirs(frame, levels):
    return anjana.k_anonymity(frame, [], EIGHT, 5, 5, {name: dict(known) for name, known in levels.items()})


def told_of(made, frame):
    if isinstance(made, hra.KAnonymised):
        return f"loss {made.loss:.4f}, {made.classes} classes, {made.suppressed_rows} dropped"
    sizes = made.groupby(EIGHT).size()
    lost = sum(loss_of(made[name], name) for name in EIGHT) / len(EIGHT)
    dropped = len(frame) - len(made)
    whole = (lost * len(made) + dropped) / len(frame)
    return f"loss {whole:.4f}, {len(sizes)} classes, {dropped} dropped"


def loss_of(column, name):
    """The mean loss of the values of one column, as ours is reckoned."""
    ladder = hra.from_csv(ADULT / f"adult_hierarchy_{name}.csv")
    size = dict.fromkeys(ladder.values, 1)
    for groups, labels in zip(ladder.maps, ladder.labels, strict=True):
        size |= {label: groups.count(place) for place, label in enumerate(labels)}
    return column.map(lambda value: (size[value] - 1) / (len(ladder.values) - 1)).mean()


if __name__ == "__main__":
    main()
