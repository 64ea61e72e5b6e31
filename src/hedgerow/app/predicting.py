"""Predictions for rows of the user's own, by a model file; no workspace and no budget takes part."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hedgerow.adapters.readers import SourceTable, open_table
from hedgerow.app.outputs import check_out, write_out
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_train.modelfile import TrainedModel, load

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PREDICTED = "predicted"


def predict_file(model: Path, rows: Path, out: Path, *, keep: Sequence[str], force: bool) -> dict[str, Json]:
    """Write a prediction for each row of a file.

    Args:
        model: The model file.
        rows: A CSV, JSONL or Parquet file with the columns that the model reads.
        out: The CSV to write: the kept columns, ``predicted``, and the chance of each class.
        keep: Columns of the rows to copy beside the predictions.
        force: Overwrite ``out``.

    Returns:
        ``rows`` (how many), ``out``, ``read`` and ``not_read`` (columns), ``broken`` (rows set aside).

    Raises:
        CallerError: ``train.missing-columns``, ``train.unknown-columns``, ``train.bad-model``, ``out.*``,
            or a ``files.`` code.
    """
    check_out(out, force=force)
    known = load(model)
    source = _read(rows)
    names = [column.name for column in source.columns]
    unknown = [name for name in keep if name not in names]
    if unknown:
        raise CallerError("train.unknown-columns", missing=", ".join(unknown))
    headings, columns = _predictions(known, known.features(source.table))
    kept = [source.table[name].to_pylist() for name in keep]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keep, *headings])
    writer.writerows(zip(*kept, *columns, strict=True))
    write_out(out, text.getvalue().encode(), force=force)
    read = list(known.inputs.features)
    return {
        "rows": source.row_count,
        "out": str(out),
        "read": read,
        "not_read": [name for name in names if name not in read and name not in keep],
        "broken": len(source.broken),
    }


def _read(path: Path) -> SourceTable:
    """Read rows as they stand: a column's look must not set rows aside that a model can read."""
    source = open_table(path)
    if source.format != "csv":
        return source
    return open_table(path, types={column.name: ColumnType.TEXT for column in source.columns})


def _predictions(
    model: TrainedModel, features: npt.NDArray[np.float64]
) -> tuple[list[str], list[list[object]]]:
    if not len(features):
        return [PREDICTED], [[]]
    if not hasattr(model.estimator, "predict"):
        return _placed(model, features)
    found = model.estimator.predict(features).tolist()
    if model.inputs.target is None or model.inputs.target.clamp is not None:
        return [PREDICTED], [found]
    chances = model.estimator.predict_proba(features)
    headings = [f"chance of {label}" for label in model.inputs.target.classes]
    return [PREDICTED, *headings], [found, *(column.tolist() for column in chances.T.round(6))]


def _placed(model: TrainedModel, features: npt.NDArray[np.float64]) -> tuple[list[str], list[list[object]]]:
    """Tell where rows lie along components."""
    if not hasattr(model.estimator, "transform"):
        raise CallerError("train.no-predictions")
    found = model.estimator.transform(features)
    return [f"component {place + 1}" for place in range(found.shape[1])], found.T.tolist()
