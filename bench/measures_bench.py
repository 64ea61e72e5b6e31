"""All privacy measures of a finished table together: Adult with 30,162 rows, raw, which has the most classes.

What pyCANON takes for the same is measured by ``make bench-peers PEERS=pycanon-measures``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pyarrow import csv

from frame import Row, Sizes, apart, median, seconds, timed

ADULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult" / "adult.csv"
NAME = "all privacy measures of Adult, 8 columns and a sensitive one"
PEER = "make bench-peers PEERS=pycanon-measures"
MOST_CPU_S, REPEAT = 0.1, 5


def rows(_: Sizes) -> Iterator[Row]:
    if not ADULT.is_file():
        yield Row(NAME, "skipped: the fixtures in ../shared/data are not on this machine", PEER)
        return
    wall, cpu, classes = apart(measure)
    yield Row(
        NAME,
        f"{seconds(wall)} (cpu {seconds(cpu)}), {classes} classes",
        PEER,
        target=f"at most {MOST_CPU_S} s of a processor",
        is_met=cpu <= MOST_CPU_S,
        figures={"wall_s": wall, "cpu_s": cpu},
    )


def measure() -> tuple[float, float, int]:
    """Give wall and processor seconds of a measurement, and the classes it found."""
    import hedgerow.anonymity as hra

    adult = csv.read_csv(ADULT, parse_options=csv.ParseOptions(delimiter=";"))
    *quasi, sensitive = adult.column_names
    found = hra.measure(adult, quasi=quasi, sensitive=[sensitive])
    spent = median(
        [timed(lambda: hra.measure(adult, quasi=quasi, sensitive=[sensitive])) for _ in range(REPEAT)]
    )
    return spent.wall_s, spent.cpu_s, found.table.classes
