"""The model file is read as its specification says, and what is malformed is refused, never executed.

The vector's predictions were computed by hand from the formulas of specs/model-file.md, not by this package.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.learn import load
from hedgerow.model.errors import CallerError
from hedgerow.techniques.dp_train.modelfile import read_model

VECTOR = json.loads((Path(__file__).parents[2] / "specs/vectors/model-file.json").read_text())


def as_file(told):
    return json.dumps(told).encode()


def frame(rows):
    """Make a table whose columns are text where they mix types, as a CSV file has them."""
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        mixed = len({type(v) for v in values if v is not None}) > 1 and not all(
            isinstance(v, int | float | None) for v in values
        )
        columns[name] = pa.array([None if v is None else str(v) for v in values] if mixed else values)
    return pa.table(columns)


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda case: case["file"]["model"])
def test_predictions_are_those_of_the_vector(case):
    model = read_model(as_file(case["file"]))
    rows = frame(case["rows"])
    assert model.predict(rows).tolist() == case["predicted"]
    if "chances" in case:
        found = model.estimator.predict_proba(model.features(rows))
        # A network scales rows to whole numbers, which the formula leaves out.
        assert np.allclose(found, case["chances"], rtol=1e-12, atol=float(case.get("within", 0)))


@pytest.mark.parametrize("case", VECTOR["malformed"], ids=lambda case: case["what"])
def test_what_is_malformed_is_refused(case):
    with pytest.raises(CallerError) as caught:
        read_model(as_file(case["file"]))
    assert caught.value.code == "train.bad-model"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"format": "hedgerow/model/v1", "format": "hedgerow/model/v1"}',
        b'{"format": NaN}',
        b"[" * 100_000,
        pickle.dumps({"format": "hedgerow/model/v1"}),
    ],
    ids=["empty", "a list", "no text", "a name twice", "NaN", "deep", "a pickle"],
)
def test_what_is_no_model_file_is_refused(content, tmp_path):
    path = tmp_path / "m.json"
    path.write_bytes(content)
    with pytest.raises(CallerError) as caught:
        load(path)
    assert caught.value.code == "train.bad-model"


def test_a_file_that_is_not_there_is_told():
    with pytest.raises(CallerError) as caught:
        load("nowhere.json")
    assert caught.value.code == "file.missing"


def test_a_file_that_says_something_twice_is_refused():
    """Two readers could each take another."""
    told = as_file(VECTOR["cases"][2]["file"])
    assert read_model(told).model == "linear"
    with pytest.raises(CallerError):
        read_model(told[:-1] + b', "card": {}}')
