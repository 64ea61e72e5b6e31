"""Arrow columns as one text for each distinct value, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.model.errors import CallerError

_EXACT = 2.0**53


@dataclass(frozen=True, slots=True)
class Texts:
    """A column with its distinct values as text.

    Args:
        places: Place of each row's value in ``distinct`` (32-bit integers), missing where it is.
        distinct: Distinct values, none missing.
    """

    places: pa.Array = field(repr=False)
    distinct: list[str] = field(repr=False)

    def spread(self, made: pa.Array) -> pa.Array:
        """Give each row what was made of its distinct value; a missing value stays missing."""
        return made.take(self.places)

    def spread_texts(self, made: Sequence[str | None]) -> pa.Array:
        """As ``spread``, of Python texts."""
        return self.spread(pa.array(made, pa.string()))

    @property
    def codes(self) -> npt.NDArray[np.int64]:
        """Place of each row's value; -1 where it is missing."""
        return np.asarray(self.places.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def text_array(array: pa.Array, name: str) -> pa.Array:
    """Write a column's values as text: one text for one value, whatever its type.

    Args:
        array: The column.
        name: What it is called.

    Returns:
        Text as it is written, not normalised; whole numbers as digits (also where a float column holds
        nothing else, as pandas makes of whole numbers with gaps), dates as ISO 8601.

    Raises:
        CallerError: ``tokens.column-type``.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if pa.types.is_string(kind):
        return array
    if pa.types.is_floating(kind):
        return _whole(array, name).cast(pa.string())
    tests = (
        pa.types.is_large_string, pa.types.is_string_view, pa.types.is_integer, pa.types.is_decimal,
        pa.types.is_boolean, pa.types.is_date, pa.types.is_timestamp, pa.types.is_null,
    )  # fmt: skip
    if any(test(kind) for test in tests):
        return array.cast(pa.string())
    raise CallerError("tokens.column-type", column=name, type=str(kind))


def _whole(array: pa.Array, name: str) -> pa.Array:
    held = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    values = held.drop_null().to_numpy(zero_copy_only=False).astype(np.float64)
    if not (
        np.isfinite(values).all() and (np.abs(values) < _EXACT).all() and (values == np.rint(values)).all()
    ):
        raise CallerError("tokens.column-type", column=name, type=str(array.type))
    return held.cast(pa.int64())


def texts(array: pa.Array, name: str) -> Texts:
    """Number the distinct values of a column.

    Args:
        array: The column.
        name: What it is called.

    Returns:
        The numbered column.

    Raises:
        CallerError: ``tokens.column-type``.
    """
    encoded = text_array(array, name).dictionary_encode()
    return Texts(encoded.indices, encoded.dictionary.to_pylist())


def from_letters(letters: npt.NDArray[np.uint8], prefix: str = "") -> pa.Array:
    """Make a text column of a matrix of ASCII codes, without a Python text for each row.

    Args:
        letters: Matrix (n, m).
        prefix: A text before each.

    Returns:
        Text, n rows.
    """
    head = np.frombuffer(prefix.encode(), np.uint8)
    if len(head):
        whole = np.empty((len(letters), len(head) + letters.shape[1]), np.uint8)
        whole[:, : len(head)], whole[:, len(head) :] = head, letters
    else:
        whole = np.ascontiguousarray(letters)
    offsets = np.arange(len(whole) + 1, dtype=np.int64) * whole.shape[1]
    return large_text(offsets, whole.reshape(-1))


def large_text(offsets: npt.NDArray[np.int64], octets: npt.NDArray[np.uint8]) -> pa.Array:
    """Make a text column of its octets and where each row begins; plain text where it fits."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(octets)]
    made = pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)
    return made.cast(pa.string()) if int(offsets[-1]) < 1 << 31 else made
