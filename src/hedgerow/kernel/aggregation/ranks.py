"""A secret random order of each person's rows, by which contributions are bounded."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

NEVER = np.iinfo(np.int64).max
_DENSE = 4


def draw_ranks(
    person: pa.Array | pa.ChunkedArray,
    randomness: Callable[[int], bytes] = secrets.token_bytes,
) -> npt.NDArray[np.int64]:
    """Rank the rows of each person in random order, from 0.

    Args:
        person: Who each row is about; a row about nobody (null or NaN) never counts.
        randomness: Gives so many unpredictable bytes.

    Returns:
        A rank for each row; :data:`NEVER` for rows about nobody.

    Guarantee: the ranks of one person's rows depend on nothing of any other person: adding or
        removing a person changes nobody else's ranks in distribution.
    """
    codes = number_people(person)
    order = np.lexsort((np.frombuffer(randomness(8 * len(codes)), dtype=np.uint64), codes))
    in_order = codes[order]
    is_first = np.ones(len(codes), dtype=bool)
    is_first[1:] = in_order[1:] != in_order[:-1]
    places = np.arange(len(codes))
    starts = np.maximum.accumulate(np.where(is_first, places, 0))
    ranks = np.empty(len(codes), dtype=np.int64)
    ranks[order] = places - starts
    ranks[codes < 0] = NEVER
    return ranks


def number_people(person: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Number the people from 0, perhaps with gaps; -1 for nobody (null or NaN).

    Args:
        person: Who each row is about.

    Returns:
        A number for each row, the same for rows of one person: of equal values, whatever the encoding.
    """
    column = _decoded(person)
    dense = _dense(column)
    if dense is not None:
        return dense
    if pa.types.is_floating(column.type):
        column = _one_zero(column)
    elif pa.types.is_date64(column.type):
        column = column.cast(pa.date32(), safe=False)
    column = pc.dictionary_encode(column)
    codes: npt.NDArray[np.int64] = pc.fill_null(column.indices.cast(pa.int64()), -1).to_numpy(
        zero_copy_only=False
    )
    return codes


def _decoded(person: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Undo dictionaries: a word may stand in one twice, and null may be one of its words."""
    chunks = person.chunks if isinstance(person, pa.ChunkedArray) else [person]
    kind = person.type
    while pa.types.is_dictionary(kind):
        chunks, kind = [chunk.dictionary_decode() for chunk in chunks], kind.value_type
    return chunks[0] if len(chunks) == 1 else pa.chunked_array(chunks, kind).combine_chunks()


def _one_zero(column: pa.Array) -> pa.Array:
    """Make null of NaN, and one zero of both."""
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return pc.add(column, pa.scalar(0.0, column.type))


def _dense(column: pa.Array) -> npt.NDArray[np.int64] | None:
    """Take whole numbers that lie close together for the people's numbers, which needs no search."""
    if not pa.types.is_integer(column.type) or column.null_count or not len(column):
        return None
    low, high = (pc.min_max(column)[name].as_py() for name in ("min", "max"))
    if high - low >= _DENSE * len(column) or high > np.iinfo(np.int64).max:
        return None
    numbers: npt.NDArray[np.int64] = column.cast(pa.int64()).to_numpy(zero_copy_only=False) - low
    return numbers
