"""Arrays and data frames on their way in: shapes and numbers are checked, and nothing is learnt from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.errors import CallerError

Floats = npt.NDArray[np.float64]
_NUMBERS = "biuf"
_PLANE = 2


class UnreadableError(CallerError, ValueError):
    """What was given as data cannot be used; a ``ValueError`` too, as tools around estimators expect."""


def matrix(values: Any) -> tuple[Floats, list[str] | None]:  # noqa: ANN401 - arrays and frames of several libraries
    """Read features.

    Args:
        values: An array of shape ``(rows, features)``, or a data frame of numbers (anything narwhals reads).

    Returns:
        The features as floats, and their names where they have any.

    Raises:
        UnreadableError: ``learn.bad-shape``, ``learn.not-numbers`` or ``learn.not-finite``.
    """
    array, names = _plain(values)
    if array.ndim != _PLANE:
        problem = f"{array.ndim} dimensions instead of 2. Reshape your data"
        raise UnreadableError("learn.bad-shape", name="X", problem=problem)
    if 0 in array.shape:
        what = "feature" if array.shape[0] else "sample"
        problem = f"0 {what}(s) (shape={array.shape}) while a minimum of 1 is required"
        raise UnreadableError("learn.bad-shape", name="X", problem=problem)
    return _numbers(array, "X"), names


def column(values: Any, rows: int, name: str) -> npt.NDArray[np.generic]:  # noqa: ANN401 - as above
    """Read one value for each row.

    Args:
        values: An array of shape ``(rows,)``, or a column of a data frame.
        rows: How many rows X has.
        name: ``y`` or ``person``, for the error.

    Returns:
        The values.

    Raises:
        UnreadableError: ``learn.bad-shape``.
    """
    if values is None:
        problem = "the estimator requires y to be passed, but the target y is None"
        raise UnreadableError("learn.bad-shape", name=name, problem=problem)
    array = np.asarray(values)
    if array.ndim == _PLANE and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (rows,):
        raise UnreadableError("learn.bad-shape", name=name, problem="not one value for each row of X")
    return array


def targets(values: Any, rows: int) -> Floats:  # noqa: ANN401 - as above
    """Read numbers to be predicted.

    Args:
        values: One number for each row.
        rows: How many rows X has.

    Returns:
        The numbers as floats.

    Raises:
        UnreadableError: ``learn.bad-shape``, ``learn.not-numbers`` or ``learn.not-finite``.
    """
    return _numbers(column(values, rows, "y"), "y")


def labels(values: Any, rows: int, classes: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:  # noqa: ANN401 - as above
    """Read classes to be predicted.

    Args:
        values: One class for each row.
        rows: How many rows X has.
        classes: The declared classes, in order.

    Returns:
        The place of each row's class.

    Raises:
        UnreadableError: ``learn.bad-shape`` or ``learn.unknown-class``.
    """
    array = column(values, rows, "y")
    try:
        places = np.minimum(np.searchsorted(classes, array), len(classes) - 1)
        is_known = classes[places] == array
    except TypeError:
        raise UnreadableError("learn.unknown-class") from None
    if not np.all(is_known):
        raise UnreadableError("learn.unknown-class")
    return places.astype(np.int64)


def people(values: Any, rows: int) -> npt.NDArray[np.int64] | None:  # noqa: ANN401 - as above
    """Number the people of rows.

    Args:
        values: Who each row is about; none when each row is a person of its own.
        rows: How many rows X has.

    Returns:
        A number for each row; none when none was given.

    Raises:
        UnreadableError: ``learn.bad-shape``, or ``learn.not-finite`` where nobody is named.
    """
    if values is None:
        return None
    # A list of mixed kinds would make one text of 1 and "1", and so one person of two.
    array = column(np.array(values, dtype=object) if isinstance(values, list) else values, rows, "person")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UnreadableError("learn.not-finite", name="person")
    if array.dtype.kind != "O":
        return np.unique(array, return_inverse=True)[1].astype(np.int64)  # type: ignore[no-any-return]
    if any(each is None or each != each for each in array):  # noqa: PLR0124 - NaN is not itself
        raise UnreadableError("learn.not-finite", name="person")
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in array], dtype=np.int64)


def _plain(values: Any) -> tuple[npt.NDArray[Any], list[str] | None]:  # noqa: ANN401 - as above
    if hasattr(values, "toarray"):
        raise UnreadableError("learn.bad-shape", name="X", problem="it is sparse; give a dense array")
    if isinstance(values, np.ndarray | list | tuple):
        return np.asarray(values), None
    import narwhals as nw

    try:
        frame = nw.from_native(values, eager_only=True)
    except (TypeError, ValueError, nw.exceptions.NarwhalsError):
        return np.asarray(values), None
    return frame.to_numpy(), [str(name) for name in frame.columns]


def _numbers(array: npt.NDArray[Any], name: str) -> Floats:
    if array.dtype.kind == "O":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError):
            raise UnreadableError("learn.not-numbers", name=name, problem="text or objects") from None
    if array.dtype.kind not in _NUMBERS:
        problem = "Complex data not supported" if array.dtype.kind == "c" else "text or objects"
        raise UnreadableError("learn.not-numbers", name=name, problem=problem)
    made = np.asarray(array, dtype=np.float64)
    if not np.isfinite(made).all():
        raise UnreadableError("learn.not-finite", name=name)
    return made
