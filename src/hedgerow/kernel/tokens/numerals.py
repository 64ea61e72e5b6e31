"""Numbers of any radix: numerals to integers and back, over whole matrices."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Numerals = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_TABLE_ROWS = 1 << 16


def numbers(numerals: Numerals, radix: int) -> Words:
    """Read numbers whose values fit in 63 bits.

    Args:
        numerals: Matrix (n, m), the first numeral counts most.
        radix: How many numerals there are.

    Returns:
        Vector (n,).
    """
    value = np.zeros(len(numerals), np.uint64)
    for place in range(numerals.shape[1]):
        value *= np.uint64(radix)
        value += numerals[:, place]
    return value


def spelled(values: Words, radix: int, into: Numerals) -> None:
    """Write numbers as numerals, several at once from a table.

    Args:
        values: Vector (n,).
        radix: How many numerals there are.
        into: Matrix (n, m) that is filled.
    """
    end, (width, table) = into.shape[1], _table(radix)
    step = np.uint64(radix**width)
    while end > 0:
        if end <= width:
            into[:, :end] = table[values.astype(np.int64)][:, width - end :]
            return
        whole = values // step
        into[:, end - width : end] = table[(values - whole * step).astype(np.int64)]
        values, end = whole, end - width


@lru_cache(maxsize=16)
def _table(radix: int) -> tuple[int, Numerals]:
    width = 1
    while radix ** (width + 1) <= _TABLE_ROWS:
        width += 1
    places = np.arange(radix**width)[:, None] // radix ** np.arange(width - 1, -1, -1)[None, :] % radix
    return width, places.astype(np.uint8)


def wide_numbers(numerals: Numerals, radix: int) -> list[int]:
    """Read numbers of any size.

    Args:
        numerals: Matrix (n, m), the first numeral counts most.
        radix: How many numerals there are.

    Returns:
        One integer a row.
    """
    values = [0] * len(numerals)
    for column in numerals.T.tolist():
        values = [value * radix + numeral for value, numeral in zip(values, column, strict=True)]
    return values


def wide_spelled(values: list[int], radix: int, length: int) -> Numerals:
    """Write numbers of any size as numerals.

    Args:
        values: The numbers.
        radix: How many numerals there are.
        length: Numerals of each.

    Returns:
        Matrix (n, length).
    """
    made = np.empty((len(values), length), np.uint8)
    for place in range(length - 1, -1, -1):
        pairs = [divmod(value, radix) for value in values]
        values = [whole for whole, _ in pairs]
        made[:, place] = [rest for _, rest in pairs]
    return made
