"""The encoder learns nothing from data: what a row becomes rests on declarations and that row alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.learn import PublicEncoder
from hedgerow.model.errors import CallerError

ENCODER = PublicEncoder(categories={"sex": ["F", "M"]}, bins={"age": [20, 40]}, numbers={"pay": (0, 100)})
TABLE = {
    "sex": ["M", "F", "X", None],
    "age": [19, 20, 99, None],
    "pay": [0.0, 75.0, 900.0, None],
    "name": list("abcd"),
}
EXPECTED = [
    [0, 1, 1, 0, 0, -1],
    [1, 0, 0, 1, 0, 0.5],
    [0, 0, 0, 0, 1, 1],
    [0, 0, 0, 0, 0, 0],
]


def test_rows_become_what_was_declared():
    assert ENCODER.features(pa.table(TABLE)).tolist() == EXPECTED
    assert ENCODER.columns == ("sex", "age", "pay")
    assert ENCODER.bounds == ((0.0, 1.0),) * 5 + ((-1.0, 1.0),)
    assert ENCODER.row_norm == 2
    norms = np.sqrt((ENCODER.features(pa.table(TABLE)) ** 2).sum(axis=1) + 1)
    assert norms.max() <= ENCODER.row_norm


def test_a_row_is_encoded_alike_whoever_stands_beside_it():
    table = pa.table(TABLE)
    for at, expected in enumerate(EXPECTED):
        assert ENCODER.features(table.slice(at, 1)).tolist() == [expected]


@pytest.mark.extra
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_other_libraries_are_read_alike(library):
    frame = pytest.importorskip(library).DataFrame(TABLE)
    assert ENCODER.features(frame).tolist() == EXPECTED


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"categories": {"a": ["x", "x"]}},
        {"categories": {"a": []}},
        {"bins": {"a": [2, 1]}},
        {"bins": {"a": [1, float("nan")]}},
        {"numbers": {"a": (1, 1)}},
        {"numbers": {"a": (0, float("inf"))}},
        {"categories": {"a": ["x"]}, "bins": {"a": [1]}},
    ],
)
def test_a_malformed_declaration_is_refused(declared):
    with pytest.raises(CallerError) as caught:
        PublicEncoder(**declared)
    assert caught.value.code == "learn.bad-parameter"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ([1, 2], "learn.bad-shape"),
        (pa.table({"sex": ["F"]}), "learn.bad-shape"),
        (pa.table({"sex": ["F"], "age": ["old"], "pay": [1]}), "learn.not-numbers"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(frame, code):
    with pytest.raises(ValueError) as caught:
        ENCODER.features(frame)
    assert caught.value.code == code
