"""Column types with values they may hold, and constants and keys that may stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

_NUMBERS: list[Any] = [
    -1,
    0,
    1,
    3,
    255,
    256,
    2**53,
    2**63 - 1,
    2**64,
    10**40,
    Fraction(5, 2),
    Fraction(-1, 3),
]
_TEXTS = ["", "a", "A", "o'hara", 'say "x"', "; DROP TABLE t --", "naïve 北京 🙂", "a\0b", "?", "$1", "%"]
_DAYS = ["1969-12-31", "1970-01-01", "2024-02-29"]
_TIMES = [*_DAYS, "2024-02-29T12:00:00.000001", "1969-12-31 23:59:59"]


@dataclass(frozen=True)
class Sort:
    """A column type, values it may hold, constants and keys that may stand beside it."""

    type: pa.DataType
    values: tuple[Any, ...]
    constants: tuple[Any, ...]
    keys: tuple[Any, ...]
    is_number: bool = False


def _decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)


_REALS = (
    0.0,
    -0.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    0.145,
    1e300,
    -1e300,
    5e-324,
    float("nan"),
    float("inf"),
    float("-inf"),
    3.0,
)
SORTS = (
    Sort(pa.string(), tuple(_TEXTS), tuple(_TEXTS), tuple(_TEXTS)),
    Sort(pa.large_string(), tuple(_TEXTS), tuple(_TEXTS), tuple(_TEXTS)),
    Sort(pa.dictionary(pa.int32(), pa.string()), tuple(_TEXTS), tuple(_TEXTS), tuple(_TEXTS)),
    Sort(
        pa.int64(),
        (0, 1, 2, 3, -1, -5, 2**63 - 1, -(2**63)),
        tuple(_NUMBERS),
        (0, 1, -5, 2**70),
        is_number=True,
    ),
    Sort(pa.uint8(), (0, 1, 2, 3, 255), tuple(_NUMBERS), (0, 3, 255, 256, -1), is_number=True),
    Sort(pa.uint64(), (0, 3, 2**64 - 1), tuple(_NUMBERS), (0, 3, 2**64 - 1, 2**64), is_number=True),
    Sort(pa.bool_(), (True, False), (True, False, 0, 1, 2), (True, False), is_number=True),
    Sort(pa.float64(), _REALS, tuple(_NUMBERS), (0, 3, -7), is_number=True),
    Sort(
        pa.decimal128(9, 2),
        _decimals("0", "1.25", "-1.25", "0.15", "9999999.99"),
        tuple(_NUMBERS),
        (0, 3),
        is_number=True,
    ),
    Sort(
        pa.decimal128(18, 18), _decimals("0", "0.5", "-0.15", "0.25"), tuple(_NUMBERS), (0, 1), is_number=True
    ),
    Sort(
        pa.decimal128(38, 4),
        _decimals("0", "2.5000", "-2.5", "9e33"),
        tuple(_NUMBERS),
        (0, 10**33 * 9),
        is_number=True,
    ),
    Sort(pa.date32(), (date(1970, 1, 1), date(2024, 2, 29), date(1, 1, 1)), tuple(_DAYS), tuple(_DAYS)),
    Sort(
        pa.timestamp("us"),
        (datetime.fromisoformat("1970-01-01"), datetime.fromisoformat("2024-02-29T12:00:00.000001")),
        tuple(_TIMES),
        tuple(_TIMES),
    ),
    Sort(
        pa.timestamp("s", "UTC"),
        (datetime(1970, 1, 1, tzinfo=UTC), datetime(2024, 2, 29, tzinfo=UTC)),
        tuple(_TIMES),
        tuple(_TIMES),
    ),
    Sort(pa.null(), (None,), (1, "a"), (1, "a"), is_number=True),
)
