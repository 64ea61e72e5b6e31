"""Numbers of a model as decimal text that reads back to the same floats, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hedgerow.model.uses import Json

Floats = npt.NDArray[np.float64]


def numbers_json(values: npt.NDArray[np.float64]) -> list[Json]:
    """Write numbers as decimal text that reads back to the same floats.

    Args:
        values: Any shape.

    Returns:
        Nested lists of that shape.
    """
    if values.ndim == 0:
        raise TypeError("an array is needed")
    if values.ndim == 1:
        return [repr(float(value)) for value in values]
    return [numbers_json(each) for each in values]


def numbers_of(told: object, shape: Sequence[int]) -> Floats:
    """Read numbers back.

    Args:
        told: Nested lists of decimal text.
        shape: What shape they must have.

    Returns:
        The floats.

    Raises:
        ValueError: When they are not of that shape, or one is no finite number.
    """
    found = np.array(_read(told), dtype=np.float64)
    if found.shape != tuple(shape) or not np.isfinite(found).all():
        raise ValueError("numbers of another shape")
    return found


def _read(told: object) -> Any:  # noqa: ANN401 - as nested as it was written
    if isinstance(told, list):
        return [_read(each) for each in told]
    if not isinstance(told, str):
        raise ValueError("a number is no text")  # noqa: TRY004 - one error for whatever is malformed
    return float(told)


def wholes_of(told: object, most: int) -> npt.NDArray[np.int64]:
    """Read whole numbers back.

    Args:
        told: A list of them.
        most: Each is from 0 to below this.

    Returns:
        The numbers.

    Raises:
        ValueError: When one is not.
    """
    if not isinstance(told, list) or any(type(each) is not int or not 0 <= each < most for each in told):
        raise ValueError("whole numbers")
    return np.array(told, dtype=np.int64)
