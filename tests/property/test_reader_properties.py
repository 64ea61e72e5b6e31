"""Proves that any table written as CSV is read back value for value, line for line, however it is quoted."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.readers import open_table
from hedgerow.adapters.readers import records as splitting
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnType

PIECES = ["a", "b", ",", "\n", "\r\n", '"', '"a,"', '""', "\r", "é"]
CELL = st.text(alphabet=st.sampled_from("ab ,;\"\n'é|\tX0"), max_size=6)
GRID = st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[CELL] * width), min_size=1, max_size=12))


@settings(max_examples=50, deadline=None)
@given(GRID, st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]), st.sampled_from(["\n", "\r\n"]))
def test_what_python_writes_is_read_back(rows, quoting, line_end):
    names = [f"column{at}" for at in range(len(rows[0]))]
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=quoting, lineterminator=line_end)
    writer.writerow(names)
    lines = []
    for row in rows:
        lines.append(1 + written.getvalue().count("\n"))
        writer.writerow(row)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "grid.csv"
        path.write_bytes(written.getvalue().encode())
        source = open_table(path, types=dict.fromkeys(names, ColumnType.TEXT))
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert [tuple(row.values()) for row in source.table.to_pylist()] == expected
    assert source.line.tolist() == lines
    assert source.broken == ()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=20).map("".join))
def test_the_fast_and_the_slow_way_agree(text):
    block = text.encode()
    octets = np.frombuffer(block, np.uint8)
    fast = splitting._split_fast(octets, ord(","), final=True)
    slow = splitting._split_slow(block, octets, ",", final=True)
    if fast is None:
        return
    for name in ("starts", "ends", "fields", "fault", "newlines"):
        assert getattr(fast, name).tolist() == getattr(slow, name).tolist(), name
    assert fast.consumed == slow.consumed


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_a_caller_error(body):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(b"a,b\n1,2\n" + body)
        try:
            source = open_table(path)
        except CallerError as error:
            assert error.code.startswith("files.")  # noqa: PT017 - either outcome is right
        else:
            assert len(source.line) == source.row_count
            assert set(source.line.tolist()).isdisjoint(row.line for row in source.broken)
