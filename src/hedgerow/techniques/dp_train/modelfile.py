"""Model files: JSON of their own, read strictly; nothing in one is ever executed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Clamp, KeyDomain
from hedgerow.techniques.dp_train.arrays import UnreadableError
from hedgerow.techniques.dp_train.inputs import CLASSES_MOST, Inputs, Target
from hedgerow.techniques.dp_train.kinds import KINDS
from hedgerow.techniques.dp_train.prepared import cleaned
from hedgerow.techniques.dp_train.trainable import Trained

FORMAT = "hedgerow/model/v1"
BYTES_MOST = 512 << 20
_COLUMNS_MOST, _NUMBERS_LONGEST = 100_000, 64


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A model that a governed run released.

    Args:
        model: Its kind, for example ``logistic``.
        inputs: Columns and target, as they were declared.
        estimator: The estimator, on features as ``encoder`` makes them.
        card: The model card.
        receipt: Where the journal tells of it; empty where it was not kept.
    """

    model: str
    inputs: Inputs
    estimator: Any
    card: Mapping[str, Any]
    receipt: Mapping[str, Any]

    def __repr__(self) -> str:
        """Name the kind and the target."""
        target = self.inputs.target.column if self.inputs.target else "nothing"
        return f"TrainedModel({self.model} of {target})"

    @property
    def encoder(self) -> Any:  # noqa: ANN401 - a PublicEncoder
        """What turns columns into features."""
        return self.inputs.encoder

    def features(self, frame: Any) -> npt.NDArray[np.float64]:  # noqa: ANN401 - frames of several libraries
        """Encode a data frame.

        Args:
            frame: An Arrow table, or a Polars or pandas data frame; other columns are not read.

        Returns:
            Shape ``(rows, features)``; what is missing or was not declared counts as missing.

        Raises:
            CallerError: ``train.missing-columns`` or ``learn.bad-shape``.
        """
        import narwhals as nw

        try:
            table = nw.from_native(frame, eager_only=True).to_arrow()
        except (TypeError, ValueError, nw.exceptions.NarwhalsError):
            raise UnreadableError("learn.bad-shape", name="rows", problem="they are no data frame") from None
        missing = [name for name in self.inputs.features if name not in table.column_names]
        if missing:
            raise CallerError("train.missing-columns", missing=", ".join(missing), model=self.model)
        if not table.num_rows:
            return np.zeros((0, self.inputs.width))
        return self.inputs.encoder.features(cleaned(table, self.inputs))

    def predict(self, frame: Any) -> npt.NDArray[np.generic]:  # noqa: ANN401 - as above
        """Predict for each row of a data frame.

        Args:
            frame: As :meth:`features` takes it.

        Returns:
            Shape ``(rows,)``: declared classes, or numbers.
        """
        features = self.features(frame)
        if not len(features):
            return np.zeros(0)
        predicted: npt.NDArray[np.generic] = self.estimator.predict(features)
        return predicted


def read_model(content: bytes) -> TrainedModel:
    """Read a model file.

    Args:
        content: The file.

    Returns:
        The model.

    Raises:
        CallerError: ``train.bad-model`` with what is wrong.
    """
    if len(content) > BYTES_MOST:
        raise CallerError("train.bad-model", problem="it is too large")
    try:
        told = json.loads(content, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise CallerError("train.bad-model", problem="it is no JSON, or names something twice") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise CallerError("train.bad-model", problem=f"its format is not {FORMAT}")
    try:
        return _model(told)
    except CallerError as error:
        if error.code == "train.bad-model":
            raise
        raise CallerError("train.bad-model", problem="a part of it does not fit another") from None
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, ZeroDivisionError):
        raise CallerError("train.bad-model", problem="a part of it is missing or malformed") from None


def _refuse(_: str) -> Any:  # noqa: ANN401 - the shape json calls
    raise ValueError("no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _model(told: Mapping[str, Any]) -> TrainedModel:
    inputs = _inputs(told)
    kind = KINDS.get(told["model"])
    if kind is None:
        raise CallerError("train.bad-model", problem="this version knows no such kind of model")
    if (inputs.target is None) != (kind.aim == "none") or (
        inputs.target is not None
        and kind.aim != "either"
        and (inputs.target.clamp is None) != (kind.aim == "class")
    ):
        raise ValueError("a target of another kind")
    estimator: Trained = kind.take(inputs, told["state"])
    return TrainedModel(
        str(told["model"]), inputs, estimator, dict(told["card"]), dict(told.get("receipt", {}))
    )


def _inputs(told: Mapping[str, Any]) -> Inputs:
    columns = list(told["columns"])
    if not 1 <= len(columns) <= _COLUMNS_MOST:
        raise ValueError("so many columns")
    hot = [column for column in columns if "categories" in column]
    names = [str(column["name"]) for column in columns]
    if len(set(names)) != len(names) or columns[: len(hot)] != hot:
        raise ValueError("columns in another order")
    return Inputs(
        _target(told["target"]),
        tuple(KeyDomain(str(c["name"]), _labels(c["categories"])) for c in hot),
        tuple((str(c["name"]), _clamp(c["bounds"])) for c in columns[len(hot) :]),
        1,
    )


def _target(told: Mapping[str, Any] | None) -> Target | None:
    if told is None:
        return None
    if "bounds" in told:
        return Target(str(told["name"]), clamp=_clamp(told["bounds"]))
    classes = _labels(told["classes"])
    if not 2 <= len(classes) <= CLASSES_MOST or tuple(sorted(classes)) != classes:  # noqa: PLR2004 - two classes
        raise ValueError("classes")
    return Target(str(told["name"]), classes)


def _labels(told: Any) -> tuple[str | int | bool, ...]:  # noqa: ANN401 - whatever stands there
    labels = tuple(told) if isinstance(told, list) else ()
    kinds = {type(label) for label in labels}
    if len(kinds) != 1 or not kinds <= {str, int, bool} or len(set(labels)) != len(labels):
        raise ValueError("labels")
    return labels


def _clamp(told: Any) -> Clamp:  # noqa: ANN401 - whatever stands there
    lower, upper = (_exact(bound) for bound in told)
    if not float(lower) < float(upper):
        raise ValueError("bounds")
    return Clamp(lower, upper)


def _exact(told: object) -> Fraction:
    if not isinstance(told, str) or len(told) > _NUMBERS_LONGEST or "e" in told.lower():
        raise ValueError("a bound")
    return Fraction(told)


def load(path: str | os.PathLike[str]) -> TrainedModel:
    """Load a model file.

    Args:
        path: What ``hedgerow train --out`` wrote.

    Returns:
        The model: ``predict(frame)`` on rows as they were collected, and ``estimator`` on features.

    Raises:
        CallerError: ``file.missing``, or ``train.bad-model`` with what is wrong.

    Guarantee: the file is read as text of a fixed form; nothing in it is executed.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:
        raise CallerError("file.missing", path=path) from None
    return read_model(content)
