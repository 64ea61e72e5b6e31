"""An audit of a release: Adult whole, and how it grows with people, raw and with cells struck out.

Half of the rows are the source of a release that is a raw copy of it, half are the control group; all eight
attacks are tried with eight quasi-identifiers. A copy in which one cell in fifty is missing is matched row by
row instead of by sorted keys. ``make bench-peers PEERS=anonymeter-audit`` asks the same of Anonymeter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from frame import SEED, Row, Sizes, apart, growth, seconds, timed
from hedgerow.audit import audit_release

ADULT = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult" / "adult.csv"
SECRET, STRUCK, CPU_S = "occupation", 0.02, 5.0


def rows(sizes: Sizes) -> Iterator[Row]:
    if not ADULT.is_file():
        yield Row("audit of Adult", "skipped: the fixtures in ../shared/data are not on this machine")
        return
    for said, share in (("raw", 0.0), ("cells struck out", STRUCK)):
        large, risk = apart(measure, share, sizes.of(30_162))
        small, _ = apart(measure, share, sizes.of(30_162) // 10)
        name = f"audit of Adult, {said}, with control group"
        yield Row(
            name, f"{seconds(large.wall_s)} (cpu {seconds(large.cpu_s)}), singled out {risk:.0%}",
            target=f"cpu <= {CPU_S:.0f} s", is_met=large.cpu_s <= CPU_S,
            figures={"wall_s": large.wall_s, "cpu_s": large.cpu_s, "risk": risk},
        )  # fmt: skip
        yield growth(f"{name}: growth", small, large)


def measure(share: float, size: int) -> tuple[object, float]:
    """Give what an audit took, and the risk of singling out that it found."""
    adult = csv.read_csv(ADULT, parse_options=csv.ParseOptions(delimiter=";")).slice(0, size)
    draw, made = np.random.default_rng(SEED), []
    source, control = adult.slice(0, size // 2), adult.slice(size // 2)
    released = pa.table(
        {
            name: _struck(source[name].to_pylist(), draw.random(len(source)) < share)
            for name in source.column_names
        }
    )
    known = [name for name in adult.column_names if name != SECRET]
    work = lambda: made.append(  # noqa: E731 - what is timed
        audit_release(source, released, quasi=known, sensitive=[SECRET], control=control)
    )
    work()
    return timed(work), float(made[0].attacks[0].risk)


def _struck(values: list[object], hits: np.ndarray) -> pa.Array:
    return pa.array([None if hit else value for value, hit in zip(values, hits, strict=True)])
