"""How long it takes to classify a table of 20 columns of made-up people, and to read it as CSV."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from frame import Row, Sizes, Spent, apart, median, timed

ROWS = 100_000
REPEAT = 3
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


def rows(sizes: Sizes) -> Iterator[Row]:
    many = sizes.of(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        apart(_written, Path(folder) / "people.csv", many)
        read, classified, plain = apart(measure, Path(folder) / "people.csv")
    figures = {"wall_s": classified.wall_s, "cpu_s": classified.cpu_s, "peak_mib": classified.peak_mib}
    name = f"classify {many:,} rows x 20 columns"
    yield Row(name, f"{classified}, peak {classified.peak_mib:.0f} MiB", figures=figures)
    figures = {"wall_s": read.wall_s, "cpu_s": read.cpu_s, "peer_wall_s": plain.wall_s}
    peer = f"pyarrow alone {plain}"
    yield Row(
        f"read the same from CSV, {many:,} rows", str(read), peer, read.cpu_s / plain.cpu_s, figures=figures
    )


def _written(path: Path, many: int) -> None:
    pa_csv.write_csv(person_table(many), path)


def measure(path: Path) -> tuple[Spent, Spent, Spent]:
    from hedgerow.adapters.readers import open_table
    from hedgerow.techniques.discover.judge import classify

    table = open_table(path).table
    classify(table.slice(0, 100))
    rounds = [
        (
            timed(lambda: open_table(path)),
            timed(lambda: classify(table)),
            timed(lambda: pa_csv.read_csv(path)),
        )
        for _ in range(REPEAT)
    ]
    read, classified, plain = (median(column) for column in zip(*rounds, strict=True))
    return read, classified, plain
