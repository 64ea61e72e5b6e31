"""Proves that JSONL keeps every digit and line, and that Parquet comes into the same column types."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hedgerow.adapters.readers import json_lines, open_table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType


def types(source):
    return {column.name: column.type.value for column in source.columns}


def write_lines(tmp_path, *lines):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_json_types_come_from_json_and_dates_from_text(tmp_path):
    line = '{"n": 7, "d": 0.10, "b": true, "code": "42", "day": "2024-02-29", "tags": [1, 2.50], "gap": null}'
    source = open_table(write_lines(tmp_path, line, line))
    assert types(source) == {
        "n": "integer",
        "d": "decimal",
        "b": "boolean",
        "code": "text",
        "day": "date",
        "tags": "text",
        "gap": "text",
    }
    assert source.table.to_pylist()[0] == {
        "n": 7,
        "d": Decimal("0.10"),
        "b": True,
        "code": "42",
        "day": date(2024, 2, 29),
        "tags": "[1,2.50]",
        "gap": None,
    }


def test_json_lines_that_do_not_fit_are_set_aside(tmp_path):
    good = ['{"a": 1}'] * 40
    bad = ['{"a": NaN}', '{"a": 1, "a": 2}', "[1]", '{"a"', '{"a": "x"}', "[" * 30_000]
    source = open_table(write_lines(tmp_path, *good, "", *bad))
    assert [row.line for row in source.broken] == [42, 43, 44, 45, 46, 47]
    assert source.broken[4].raw == b'{"a": "x"}'
    assert source.broken[4].reason.startswith("column a: expected a whole number")
    assert source.row_count == 40


def test_a_late_column_is_null_before_also_across_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(json_lines, "BATCH_ROWS", 3)
    lines = [json.dumps({"a": number}) for number in range(7)] + ['{"b": "x", "a": 7}']
    source = open_table(write_lines(tmp_path, *lines))
    assert source.table.column("a").to_pylist() == list(range(8))
    assert source.table.column("b").to_pylist() == [None] * 7 + ["x"]


def write_parquet(tmp_path, **columns):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_types(tmp_path):
    moment = datetime(2024, 1, 1, 10, tzinfo=UTC)
    source = open_table(
        write_parquet(
            tmp_path,
            n=pa.array([1, 2], pa.int16()),
            f=pa.array([0.5, None], pa.float32()),
            d=pa.array([Decimal("1.50"), None]),
            t=pa.array(["x", ""]).dictionary_encode(),
            day=pa.array([date(2024, 1, 1), None]),
            at=pa.array([moment, None], pa.timestamp("ns", "Europe/Berlin")),
            face=pa.array([[0.5, 1.0], None]),
            b=pa.array([True, None]),
        )
    )
    assert list(types(source).values()) == [
        "integer",
        "decimal",
        "decimal",
        "text",
        "date",
        "timestamp",
        "text",
        "boolean",
    ]
    first, second = source.table.to_pylist()
    assert first["at"] == moment
    assert first["face"] == "[0.5,1.0]"
    assert second["t"] is None
    assert source.line.tolist() == [1, 2]
    assert source.format == "parquet"


def test_parquet_numbers_that_are_none_are_broken(tmp_path):
    source = open_table(
        write_parquet(
            tmp_path, f=[1.0, float("nan"), float("inf"), 2.0], u=pa.array([1, 2, 3, 2**64 - 1], pa.uint64())
        )
    )
    assert [row.line for row in source.broken] == [2, 3, 4]
    assert source.table.to_pylist() == [{"f": 1.0, "u": 1}]


def test_parquet_with_a_given_type_is_parsed(tmp_path):
    path = write_parquet(tmp_path, zip=[90210, 90211], n=["1", "x"])
    source = open_table(path, types={"zip": ColumnType.TEXT, "n": ColumnType.INTEGER})
    assert source.table.to_pylist() == [{"zip": "90210", "n": 1}]
    assert [row.line for row in source.broken] == [2]


def test_a_parquet_type_without_counterpart_is_refused(tmp_path):
    with pytest.raises(CallerError) as caught:
        open_table(write_parquet(tmp_path, photo=[b"\x00\x01"]))
    assert caught.value.code == "files.column-unsupported"
    with pytest.raises(CallerError) as caught:
        open_table(write_parquet(tmp_path, a=pa.array([], pa.int64())))
    assert caught.value.code == "files.no-rows"
