"""How long it takes to classify 100,000 rows by 20 columns, and to read a million rows of CSV.

Run ``python bench/discover_bench.py [--rows N] [--read]``. Prints processor and wall seconds as JSON lines.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

READ_COLUMNS = (
    "id full_name email phone dob zip age sex salary amount created_at note".split()  # noqa: SIM905 - reads as a line
)
Texts = npt.NDArray[np.str_]


def _glue(*parts: object) -> Texts:
    whole = np.asarray("")
    for part in parts:
        whole = np.char.add(whole, np.asarray(part).astype(str))
    return whole


def _luhn_cards(rng: np.random.Generator, rows: int) -> Texts:
    digits = rng.integers(0, 10, (rows, 15))
    digits[:, 0] = 4
    doubled = digits[:, ::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, -2::-2].sum(axis=1)
    return _glue(*digits.T, -total % 10)


def person_table(rows: int, seed: int = 1) -> pa.Table:
    """Make a table of 20 columns of made-up people.

    Args:
        rows: Rows.
        seed: Seed.

    Returns:
        The table.
    """
    rng = np.random.default_rng(seed)

    def number(low: int, high: int) -> npt.NDArray[np.int64]:
        return rng.integers(low, high, rows)

    def pick(*words: str) -> Texts:
        return np.array(words)[number(0, len(words))]

    given = pick("Emma", "Liam", "Sofia", "Noah", "Mia", "Omar")
    family = _glue(pick("Al", "Bren", "Cor", "Dun", "El", "Far"), pick("berg", "ford", "holm", "ley", "ton"))
    days = np.datetime64("1930-01-01") + number(0, 30_000)
    return pa.table(
        {
            "id": np.arange(1, rows + 1),
            "full_name": _glue(given, " ", family),
            "email": _glue("user", number(0, rows * 10), "@example.org"),
            "phone": _glue("+1-", number(200, 999), "-555-0", number(100, 200)),
            "dob": pa.array(days),
            "ssn": _glue(number(100, 665), "-", number(10, 99), "-", number(1000, 9999)),
            "street": _glue(number(1, 999), " ", pick("Mill", "Oak", "Hill"), " Street"),
            "city": pick("Riverside", "Lakeview", "Hillcrest"),
            "zip": _glue(number(10_000, 99_999)),
            "card": _luhn_cards(rng, rows),
            "ip": _glue(number(1, 255), ".", number(0, 255), ".", number(0, 255), ".", number(0, 255)),
            "url": _glue("https://example.org/p/", number(0, 99_999)),
            "uuid": _glue(*(_hex(rng, rows, size) for size in (8, "-", 4, "-", 4, "-", 4, "-", 12))),
            "age": number(0, 100),
            "sex": pick("F", "M"),
            "company": _glue(family, pick(" Ltd", " GmbH", " Inc")),
            "salary": np.round(rng.gamma(3, 15_000, rows), 2),
            "amount": np.round(rng.gamma(2, 50, rows), 2),
            "created_at": pa.array(np.datetime64("2024-01-01T00:00:00") + number(0, 30_000_000)),
            "note": _glue(
                "seen on day ", number(0, 365), ", came back after ", number(0, 99), " days for a check"
            ),
        }
    )


def _hex(rng: np.random.Generator, rows: int, size: int | str) -> Texts | str:
    if isinstance(size, str):
        return size
    return _glue(*np.array(list("0123456789abcdef"))[rng.integers(0, 16, (size, rows))])


def _peak_mib() -> float:
    """Read this program's own peak memory; ``getrusage`` would carry over that of the parent."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _timed(what: str, job: Callable[[], object]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    job()
    peak = _peak_mib()
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall, "peak_rss_mib": peak}
    print(json.dumps({"job": what} | {key: round(value, 3) for key, value in spent.items()}))


def _classify(rows: int) -> None:
    from hedgerow.techniques.discover.judge import classify

    table = person_table(rows)
    classify(table.slice(0, 100))
    _timed(f"classify {rows} x {table.num_columns}", lambda: classify(table))


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--read", action="store_true", help="read a CSV of 1,000,000 rows x 12 columns too")
    parser.add_argument("--read-file", type=Path, help="only read this file")
    options = parser.parse_args()
    if options.read_file:
        from hedgerow.adapters.readers import open_table

        _timed("read 1000000 x 12 CSV", lambda: open_table(options.read_file))
        return
    _classify(options.rows)
    if not options.read:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        pa_csv.write_csv(person_table(1_000_000).select(READ_COLUMNS), path)
        # A process of its own, so that its peak memory is the reader's.
        subprocess.run([sys.executable, __file__, "--read-file", str(path)], check=True)


if __name__ == "__main__":
    main()
