"""Proves that whatever is no table gets one clear error with a next step, and nothing of its content."""

from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hedgerow.adapters.readers import csv_text, open_table
from hedgerow.app.rows import read_rows
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

CASES = [
    ("files.empty", b""),
    ("files.no-rows", b"a,b\n"),
    ("files.no-rows", b"a,b"),
    ("files.no-header", b"ann@example.org,34\nbob@example.org,35\n"),
    ("files.no-header", b"34,Ann\n35,Bob\n"),
    ("files.no-header", b"2024-01-02,Ann\n2024-01-03,Bob\n"),
    ("files.duplicate-column", b"a,b,A\n1,2,3\n"),
    ("files.unnamed-column", b"a,,c\n1,2,3\n"),
    ("files.binary", bytes(range(256)) * 8),
    ("files.binary", b"PK\x03\x04" + b"x" * 100),
    ("files.not-utf8", "a,b\n1,ü\n".encode("utf-16")),
    ("files.not-utf8", b"name,stra\xdfe\nx,y\n"),
    ("files.not-utf8", b"ref,name\nA,M\xfcller\nB,Wei\xdf\n"),
    ("files.not-utf8", b"ref,name\nA,Miller\nB,Wei\xdf\nC,M\xfcller\n"),
    ("files.not-utf8", b'{"ref": "A"}\n{"ref": "\xfc"}\n{"ref": "\xdf"}\n'),
    ("files.not-a-table", b"ref,name\nA\nB,Wei\xdf\nC\nD\n"),
    ("files.not-a-table", b"<html><body>hello</body></html>"),
    ("files.not-a-table", b'[{"a": 1}]'),
    ("files.not-a-table", b" \n\n \n"),
    ("files.not-a-table", b"It was a dark night, said she.\nAnd then\nthe rain\nfell\n"),
    ("files.not-a-table", b"It was a dark and stormy night when the rain fell.\nAnd so it went.\n"),
    ("files.not-a-table", b'{"a": 1\n{"a": 2\n{"a": 3}\n'),
    ("files.not-a-table", b"PAR1 and then nothing of Parquet PAR1"),
]


@pytest.mark.parametrize(("code", "content"), CASES)
def test_what_is_no_table_is_refused(tmp_path, code, content):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(CallerError) as caught:
        open_table(path)
    assert caught.value.code == code
    assert caught.value.row.exit == 2
    assert caught.value.next_step
    assert "\n" not in str(caught.value)
    for word in ("ann@", "bob", "stormy", "hello", "2024-01-02", "rain"):
        assert word not in str(caught.value).lower().replace(str(tmp_path).lower(), "")


def test_what_is_no_file_is_refused(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, code in (
        (".", "files.directory"),
        ("pipe", "files.not-regular"),
        ("nowhere", "files.missing"),
        ("dangling", "files.missing"),
        ("loop", "files.unreadable"),
        ("\0", "files.missing"),
    ):
        with pytest.raises(CallerError) as caught:
            open_table(tmp_path / name)
        assert caught.value.code == code


def test_a_link_to_a_table_is_read_and_a_locked_file_is_refused(tmp_path, monkeypatch):
    table = tmp_path / "table.csv"
    table.write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(table)
    assert open_table(tmp_path / "link.csv").row_count == 1

    def locked(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", locked)
    with pytest.raises(CallerError) as caught:
        open_table(table)
    assert caught.value.code == "files.unreadable"
    assert "permission denied" in str(caught.value)


def test_a_file_that_changes_meanwhile_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("a\n1\n")
    whole = csv_text.type_columns

    def meddle(*given: object) -> object:
        path.write_text("a\n1\n2\n")
        return whole(*given)

    monkeypatch.setattr(csv_text, "type_columns", meddle)
    with pytest.raises(CallerError) as caught:
        open_table(path)
    assert caught.value.code == "files.changed"


def test_a_type_for_a_column_that_is_not_there_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(CallerError) as caught:
        open_table(path, types={"c": ColumnType.TEXT})
    assert caught.value.code == "files.unknown-column"
    assert "a, b" in caught.value.next_step


FAR_DAYS = pa.array([1, 4_000_000, -2_000_000], pa.int32()).cast(pa.date32())
FAR_TIMES = pa.array([1, 2**60, -(2**60)], pa.int64()).cast(pa.timestamp("us"))
NO_TEXT = pa.array([b"fine", b"secret\xff", b"\xfe"]).view(pa.string())


@pytest.mark.parametrize("odd", [FAR_DAYS, FAR_TIMES, NO_TEXT, NO_TEXT.cast(pa.large_string())])
def test_rows_with_what_has_no_words_are_set_aside(tmp_path, odd):
    table, path = pa.table({"ref": ["a", "b", "c"], "odd": odd}), tmp_path / "rows.parquet"
    pq.write_table(table, path)
    for source in (open_table(path), read_rows(table)):
        assert source.table.column("ref").to_pylist() == ["a"]
        assert [one.line for one in source.broken] == [2, 3]
        assert "secret" not in " ".join(one.reason for one in source.broken)


def test_a_structure_with_what_has_no_words_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table({"ref": ["a", "b", "c"], "odd": pa.StructArray.from_arrays([FAR_DAYS], ["d"])}), path
    )
    with pytest.raises(CallerError) as caught:
        open_table(path)
    assert caught.value.code == "files.not-a-table"
