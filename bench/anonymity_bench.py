"""The exact search for a k-anonymous UCI Adult: nine columns, k = 5, at most 5% of the rows dropped.

ARX's figure in the table was measured elsewhere, on another day; no ratio is made of it. The yardstick
is one count of the raw table's classes by pyarrow: the release costs so many such counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pyarrow import csv

from frame import Row, Sizes, apart, interleaved, seconds

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
NAME = "k = 5 on Adult, 9 columns, up to 5% dropped"
ARX = "ARX 3.9.2 warm 1.8-2.4 s: measured elsewhere, not in this run"
REPEAT = 5


def rows(_: Sizes) -> Iterator[Row]:
    if not FOLDER.is_dir():
        yield Row(NAME, "skipped: the fixtures in ../shared/data are not on this machine", ARX)
        return
    release, count = apart(measure)
    counts = {"wall_s": release[0], "cpu_s": release[1], "group_by_cpu_s": count}
    measured = f"{seconds(release[0])} (cpu {seconds(release[1])}), {release[1] / count:.0f} plain group-bys"
    yield Row(NAME, measured, ARX, figures=counts)


def measure() -> tuple[tuple[float, float], float]:
    """Give wall and processor seconds of a release and processor seconds of one group-by."""
    import hedgerow.anonymity as hra

    adult = csv.read_csv(FOLDER / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))
    quasi = adult.column_names
    ladders = {
        name: hra.from_text((FOLDER / f"adult_hierarchy_{name}.csv").read_text(encoding="utf-8"))
        for name in quasi
    }

    def release() -> object:
        return hra.k_anonymous(adult, quasi=quasi, k=5, suppression_limit=0.05, hierarchies=ladders)

    release()
    ours, one = interleaved(REPEAT, release, lambda: adult.group_by(quasi).aggregate([([], "count_all")]))
    return (ours.wall_s, ours.cpu_s), one.cpu_s
