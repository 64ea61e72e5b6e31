"""Proves which text is told as a number or a date that is not read as one, and that plain text is not."""

from __future__ import annotations

import pyarrow as pa
import pytest

from hedgerow.techniques.discover import unread_form


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["7,5", "8,25", "-0,1", "12"], "number-with-comma"),
        (["1.234,50", "17,00", "1 000,5"], "number-with-comma"),
        (["1,234.50", "12,000.00"], "number-with-comma"),
        (["1,234", "12,000", "7"], "number-with-comma"),
        (["31/01/2026", "1/2/2026", "3.4.2026"], "date-with-slashes"),
        (["31.01.2026", "31.01.26 08:15"], "date-with-points"),
        (["2026.01.31"], "date-with-year-first"),
        (["01-31-2026"], "date-with-dashes"),
        (["7,5", "8,5", "9,5", "10,5", "n/a"], "number-with-comma"),
        (["7,5", "n/a"], None),
        (["0123", "0456"], None),
        (["Baker, Ann", "Cole, Bo"], None),
        (["A,1", "B,2"], None),
        (["1,2,3", "4,5,6"], None),
        (["2026-01-31", "2026/02/01"], None),
        (["555-12-3456", "10.0.0.1"], None),
        (["", " ", None], None),
        ([], None),
    ],
)
def test_text_that_looks_like_a_number_or_a_date(values, form):
    assert unread_form(pa.chunked_array([pa.array(values, pa.string())])) == form


def test_only_text_is_looked_at():
    assert unread_form(pa.chunked_array([pa.array([1, 2])])) is None


def test_a_long_column_is_sampled_evenly_and_blanks_do_not_count():
    late = pa.chunked_array([pa.array(["word"] * 1_000 + [None, "7,5"] * 25_000)])
    assert unread_form(late) == "number-with-comma"
    assert unread_form(pa.chunked_array([pa.array(["7,5"] * 1_000 + ["word"] * 50_000)])) is None
