"""Proves that pandas and Polars frames are judged as the same Arrow table is."""

from __future__ import annotations

import pyarrow as pa
import pytest

from hedgerow.discover import classify, columns

pytestmark = pytest.mark.extra
TABLE = pa.table(
    {
        "email": [f"u{at}@example.org" for at in range(30)],
        "age": [at % 9 + 30 for at in range(30)],
        "amount": [at / 7 for at in range(30)],
    }
)


def roles(findings):
    return [(finding.column, finding.category, finding.role) for finding in findings]


def test_pandas():
    pandas = pytest.importorskip("pandas", reason="pandas is an extra")
    assert roles(columns(pandas.DataFrame(TABLE.to_pydict()))) == roles(classify(TABLE))


def test_polars_eager_and_lazy():
    polars = pytest.importorskip("polars", reason="polars is an extra")
    frame = polars.DataFrame(TABLE.to_pydict())
    assert roles(columns(frame)) == roles(columns(frame.lazy())) == roles(classify(TABLE))
