"""Collect a table as the command does, then show and erase one of its people.

The peer copies the same CSV to Parquet with DuckDB: no classification, no vault, no encryption, no consent.
It says what the file itself costs, not what the work is worth.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

import worlds
from frame import Row, Sizes, Spent, apart, growth, median, timed, told

ROWS_EACH = 10
LIMIT_S, LIMIT_MIB = 60.0, 2048.0
ERASE_S = 0.1


def rows(sizes: Sizes) -> Iterator[Row]:
    large, small = sizes.of(1_000_000), sizes.of(100_000)
    with tempfile.TemporaryDirectory() as folder:
        few = _collected(Path(folder) / "small", small)
        many = _collected(Path(folder) / "large", large)
        plain = apart(copied, Path(folder) / "large")
        shown, erased = apart(one_person, Path(folder) / "large")
    is_fast, is_lean = many.wall_s <= LIMIT_S, many.peak_mib <= LIMIT_MIB
    yield Row(
        f"collect {large:,} rows x 12 columns, {large // ROWS_EACH:,} people",
        f"{many}, peak {many.peak_mib:.0f} MiB",
        f"DuckDB COPY to plain Parquet {plain}",
        many.wall_s / plain.wall_s,
        "<= 60 s, 2 GiB" if not sizes.quick else "",
        (is_fast and is_lean) if not sizes.quick else None,
        {
            "wall_s": many.wall_s,
            "cpu_s": many.cpu_s,
            "peak_mib": many.peak_mib,
            "peer_wall_s": plain.wall_s,
            "peer_cpu_s": plain.cpu_s,
        },
    )
    yield growth(f"growth of collect, {small:,} to {large:,} rows", few, many)
    figures = {"show_s": shown.wall_s, "erase_s": erased.wall_s, "erase_cpu_s": erased.cpu_s}
    yield Row(f"show one person of {large:,} rows, median", str(shown), figures={"wall_s": shown.wall_s})
    is_quick = erased.wall_s <= ERASE_S
    yield Row(
        f"erase one person of {large:,} rows and rewrite what held them, median", str(erased),
        target=f"<= {ERASE_S * 1e3:.0f} ms" if not sizes.quick else "",
        is_met=is_quick if not sizes.quick else None, figures=figures,
    )  # fmt: skip


def _collected(folder: Path, many: int) -> Spent:
    folder.mkdir()
    with told(f"write {many:,} rows of CSV"):
        apart(worlds.write_visits, folder, many, many // ROWS_EACH)
    return apart(worlds.collect, folder)


def copied(folder: Path) -> Spent:
    database = duckdb.connect(":memory:", config={"threads": 2})
    database.execute("SET enable_progress_bar = false")
    source, out = folder / "visits.csv", folder / "plain.parquet"
    return timed(lambda: database.execute(f"COPY (FROM read_csv('{source}')) TO '{out}' (FORMAT parquet)"))


def one_person(folder: Path) -> tuple[Spent, Spent]:
    """Show and erase a few people, one at a time."""
    with worlds.opened(folder / "space") as space:
        people = [f"P-{10_000_000 + at}" for at in range(5)]
        shown = [timed(lambda ref=ref: space.service.show_subject(ref)) for ref in people]
        erased = [timed(lambda ref=ref: space.service.erase_subject(ref)) for ref in people]
    return median(shown), median(erased)
