"""Local recoding of UCI Adult: nine columns, k = 5, nobody dropped; its granularity and what it costs.

Granularity is reckoned as ARX prints it. Its figures were measured elsewhere, on another day: recorded.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from frame import Row, Sizes, apart, interleaved, seconds

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
NAME = "local recoding of Adult, k = 5, 9 columns, nobody dropped"
ARX = "ARX 3.9.2, local recoding: granularity 0.7943 in 13.1-14.7 s: measured elsewhere, not in this run"
LEAST_GRANULARITY, MOST_CPU_S, REPEAT = 0.83, 2.0, 3


def rows(_: Sizes) -> Iterator[Row]:
    if not FOLDER.is_dir():
        yield Row(NAME, "skipped: the fixtures in ../shared/data are not on this machine", ARX)
        return
    wall, cpu, whole, granularity, plain, classes = apart(measure)
    yield Row(
        NAME,
        f"granularity {granularity:.4f} in {seconds(wall)} (cpu {seconds(cpu)}), {classes} classes",
        ARX,
        target=f"granularity at least {LEAST_GRANULARITY}, at most {MOST_CPU_S:.0f} s of a processor",
        is_met=granularity >= LEAST_GRANULARITY and cpu <= MOST_CPU_S,
        figures={"wall_s": wall, "cpu_s": cpu, "granularity": granularity, "mean_granularity": plain},
    )
    yield Row("the same as a library call, table to table, counted again", f"cpu {seconds(whole)}")


def measure() -> tuple[float, float, float, float, float, int]:
    """Give wall and processor seconds of recoding, and of a call; granularity both ways, and classes."""
    import numpy as np
    import pyarrow as pa

    import hedgerow.anonymity as hra
    from hedgerow.kernel.anonymity import utility
    from hedgerow.kernel.anonymity.coding import distinct_tuples, level_maps
    from hedgerow.kernel.anonymity.recoding import recode
    from hedgerow.kernel.anonymity.search import Problem

    with (FOLDER / "adult.csv").open(newline="") as file:
        names, *lines = csv.reader(file, delimiter=";")
    adult = pa.table(dict(zip(names, map(list, zip(*lines, strict=True)), strict=True)))
    ladders = {name: hra.from_csv(FOLDER / f"adult_hierarchy_{name}.csv") for name in names}
    columns = [
        np.asarray(list(map(ladders[name].values.index, adult[name].to_pylist())), dtype=np.int64)
        for name in names
    ]
    maps = tuple(level_maps(ladders[name], has_missing=False) for name in names)
    problem = Problem(distinct_tuples(columns), maps, 5, 0)
    kernel, call = interleaved(
        REPEAT,
        lambda: recode(problem),
        lambda: hra.k_anonymous_locally(adult, quasi=names, k=5, hierarchies=ladders),
    )
    made = recode(problem)
    if made is None:
        raise RuntimeError
    finished = utility.Finished(problem.tuples, maps, made.levels, made.groups, made.sizes)
    kept = utility.stretched_granularity(finished), utility.granularity(finished)
    return kernel.wall_s, kernel.cpu_s, call.cpu_s, *kept, len(made.sizes)
