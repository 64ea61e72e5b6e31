"""Writing the town down, in the formats that real houses hand over."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from hedgerow.app.demo.town.generate import attacker_view

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from hedgerow.app.demo.town.shape import Town

_SEMICOLON = frozenset({"bank_accounts"})
_JSON_LINES = frozenset({"shop_purchases"})
_PARQUET = frozenset({"bank_transactions"})


def write(town: Town, directory: Path) -> dict[str, Path]:
    """Write every table into a directory, replacing files of the same name.

    The tables lie in the directory itself; what goes with them lies in ``consents/``,
    ``public/`` and ``hierarchies/``.

    Args:
        town: The town.
        directory: Where to; made when missing.

    Returns:
        Table name to file, and ``consents``, ``club_list`` and ``hierarchies`` (a directory of
        ``riverside_hierarchy_COLUMN.csv``, semicolons, no header).

    Raises:
        OSError: When a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = {name: _write_table(name, table, directory) for name, table in town.tables.items()}
    paths["consents"] = _write_csv(town.consents, directory / "consents" / "research.csv")
    paths["club_list"] = _write_csv(attacker_view(town), directory / "public" / "club_list.csv")
    paths["hierarchies"] = _write_hierarchies(town, directory / "hierarchies")
    return paths


def _write_table(name: str, table: pa.Table, directory: Path) -> Path:
    if name in _PARQUET:
        path = directory / f"{name}.parquet"
        pq.write_table(table, path)
        return path
    if name in _JSON_LINES:
        return _write_json_lines(table, directory / f"{name}.jsonl")
    return _write_csv(table, directory / f"{name}.csv", ";" if name in _SEMICOLON else ",")


def _write_csv(table: pa.Table, path: Path, delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pacsv.write_csv(
        table, path, pacsv.WriteOptions(delimiter=delimiter, quoting_style="none", quoting_header="none")
    )
    return path


def _write_json_lines(table: pa.Table, path: Path) -> Path:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in table.to_batches(max_chunksize=10_000):
            lines = (json.dumps(row, ensure_ascii=False, default=_iso) for row in batch.to_pylist())
            file.writelines(f"{line}\n" for line in lines)
    return path


def _iso(value: object) -> str:
    return str(value).replace(" ", "T", 1)


def _write_hierarchies(town: Town, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for column, rows in town.hierarchies.items():
        path = directory / f"riverside_hierarchy_{column}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";", lineterminator="\n").writerows(rows)
    return directory
