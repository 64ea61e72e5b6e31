"""What text is a value of which type, decided over all values and parsed exactly.

The rules, which the docs repeat: an empty or blank cell is null. Integers are plain digits within
64 bits; decimals have at most 16 digits before the point and 22 after it and stay exact; dates are
``YYYY-MM-DD`` or ``YYYY/MM/DD``; timestamps are ISO 8601 with at most six digits of a second; booleans are
``true`` and ``false``. ``NaN`` and infinity are no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.model.words import ColumnType

Mask = npt.NDArray[np.bool_]

MAJORITY = 0.95
PATTERN = 0.01
PLAUSIBLE = 0.5
SAMPLE_ROWS = 4096
DIGITS_BEFORE, DIGITS_AFTER = 16, 22
INT64_DIGITS = 19
_FEBRUARY, _MONTHS = 2, 12
ALL_TYPES = frozenset(ColumnType)

_BOOLEAN = r"(?i)^(true|false)$"
_INTEGER = r"^-?(0|[1-9][0-9]{0,18})$"
_LEADING_ZERO = r"^-?0[0-9]+$"
_DECIMAL = r"^-?((0|[1-9][0-9]{0,15})(\.[0-9]{0,22})?|\.[0-9]{1,22})$"
_EXPONENT = r"^-?[0-9](\.[0-9]{0,20})?[eE][+-]?[0-9]{1,2}$"
_DATE = r"^[0-9]{4}(-[0-9]{2}-|/[0-9]{2}/)[0-9]{2}$"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_PLAIN_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]{_CLOCK}$"
_ZONED_TIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]{_CLOCK}(Z|[+-](0[0-9]|1[0-4]):?[0-5][0-9])$"

EXPECTED = {
    ColumnType.TEXT: "text",
    ColumnType.INTEGER: "a whole number within 64 bits",
    ColumnType.DECIMAL: "a number with at most 16 digits before the point and 22 after it",
    ColumnType.BOOLEAN: "true or false",
    ColumnType.DATE: "a date as YYYY-MM-DD",
    ColumnType.TIMESTAMP: "a time as YYYY-MM-DDTHH:MM:SS, with a zone in every row or in none",
}


@dataclass(frozen=True, slots=True)
class Cells:
    """A column parsed: its values (null where empty or broken) and which rows are broken."""

    values: pa.Array
    broken: Mask


def infer_type(text: pa.Array, allowed: frozenset[ColumnType] = ALL_TYPES) -> ColumnType:
    """Infer a column's type from all of its values.

    Args:
        text: Strings, null where empty.
        allowed: Types to consider.

    Returns:
        The type that at least 95% of the non-blank values have, or text. Codes with leading
        zeros stay text when at least 1% of the values have one; whole numbers become decimals
        when at least 1% of the values have a fraction. A type that fewer than half of 4,096
        evenly spread rows have is not tried on the rest.
    """
    cells = _trimmed(text)
    filled = len(cells) - cells.null_count
    if not filled:
        return ColumnType.TEXT
    likely = _plausible(cells) & allowed
    for kind in (ColumnType.BOOLEAN, ColumnType.DATE, ColumnType.TIMESTAMP):
        if kind in likely and np.count_nonzero(_matches(cells, kind)) >= MAJORITY * filled:
            return kind
    if not likely & {ColumnType.INTEGER, ColumnType.DECIMAL}:
        return ColumnType.TEXT
    return _number_type(cells, filled, allowed)


def _plausible(cells: pa.Array) -> frozenset[ColumnType]:
    """Name the types that at least half of an even sample has."""
    known = cells.drop_null()
    sample = known.take(
        pa.array(np.linspace(0, len(known) - 1, min(len(known), SAMPLE_ROWS)).astype(np.int64))
    )
    kinds = ALL_TYPES - {ColumnType.TEXT}
    return frozenset(
        kind for kind in kinds if np.count_nonzero(_matches(sample, kind)) >= PLAUSIBLE * len(sample)
    )


def _number_type(cells: pa.Array, filled: int, allowed: frozenset[ColumnType]) -> ColumnType:
    integers = _matches(cells, ColumnType.INTEGER)
    whole = int(np.count_nonzero(integers))
    decimals = integers if whole == filled else _matches(cells, ColumnType.DECIMAL)
    number = int(np.count_nonzero(decimals | integers))
    if number < MAJORITY * filled:
        return ColumnType.TEXT
    if whole < filled and int(np.count_nonzero(_hits(cells, _LEADING_ZERO))) >= PATTERN * filled:
        return ColumnType.TEXT
    fractions = (
        int(np.count_nonzero(decimals & ~integers & ~_hits(cells, r"^-?[0-9]+$"))) if whole < filled else 0
    )
    if ColumnType.INTEGER in allowed and whole >= MAJORITY * filled and fractions < PATTERN * filled:
        return ColumnType.INTEGER
    return ColumnType.DECIMAL if fractions and ColumnType.DECIMAL in allowed else ColumnType.TEXT


def parse_cells(text: pa.Array, kind: ColumnType) -> Cells:
    """Parse a column of text as one type.

    Args:
        text: Strings, null where empty.
        kind: The column's type.

    Returns:
        Typed values of the same length, and the rows that hold something else.
    """
    if kind is ColumnType.TEXT:
        return Cells(text, np.zeros(len(text), dtype=bool))
    cells = _trimmed(text)
    good = _matches(cells, kind)
    broken = ~good & np.asarray(cells.is_valid())
    kept = cells if not broken.any() else pc.if_else(pa.array(good), cells, pa.scalar(None, pa.string()))
    return Cells(_cast(kept, kind), broken)


def _trimmed(text: pa.Array) -> pa.Array:
    cells = pc.ascii_trim_whitespace(text)
    blank = pc.equal(cells, "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), cells) if pc.any(blank).as_py() else cells


def _hits(cells: pa.Array, pattern: str) -> Mask:
    return _facts(pc.match_substring_regex(cells, pattern))


def _facts(found: pa.Array) -> Mask:
    """Turn a nullable truth column into numpy, null as false, ready to be written to."""
    return np.array(pc.fill_null(found, fill_value=False), dtype=bool)


def _matches(cells: pa.Array, kind: ColumnType) -> Mask:
    if kind is ColumnType.INTEGER:
        return _within_int64(cells, _hits(cells, _INTEGER))
    if kind is ColumnType.DECIMAL:
        hits = _hits(cells, _DECIMAL)
        return hits if bool(hits.all()) else hits | _small_exponents(cells)
    if kind is ColumnType.DATE:
        return _real_dates(cells, _hits(cells, _DATE))
    if kind is ColumnType.TIMESTAMP:
        return _real_times(cells)
    return _hits(cells, _BOOLEAN)


def _within_int64(cells: pa.Array, hits: Mask) -> Mask:
    lengths = pc.fill_null(pc.binary_length(cells), 0)
    long = hits & (np.asarray(lengths) >= INT64_DIGITS)
    for row in np.flatnonzero(long):
        hits[row] = -(2**63) <= int(cells[int(row)].as_py()) < 2**63
    return hits


def _small_exponents(cells: pa.Array) -> Mask:
    """Match scientific notation whose exact value fits the digits of a decimal."""
    hits = _hits(cells, _EXPONENT)
    for row in np.flatnonzero(hits):
        mantissa, exponent = cells[int(row)].as_py().lower().lstrip("-").split("e")
        fraction = len(mantissa.partition(".")[2])
        fits = fraction - int(exponent) <= DIGITS_AFTER and int(exponent) < DIGITS_BEFORE
        hits[row] = fits
    return hits


def _real_dates(cells: pa.Array, hits: Mask) -> Mask:
    """Keep the matches that name a day of the calendar."""
    rows = np.flatnonzero(hits)
    if not rows.size:
        return hits
    days = pc.utf8_slice_codeunits(cells.take(pa.array(rows)), 0, 10)
    year, month, day = (_digits(days, start, stop) for start, stop in ((0, 4), (5, 7), (8, 10)))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    real_month = (month >= 1) & (month <= _MONTHS)
    last = lengths[np.where(real_month, month, 0)] + (leap & (month == _FEBRUARY))
    hits[rows] = real_month & (year >= 1) & (day >= 1) & (day <= last)
    return hits


def _digits(text: pa.Array, start: int, stop: int) -> npt.NDArray[np.int64]:
    return np.asarray(pc.utf8_slice_codeunits(text, start, stop).cast(pa.int64()))


def _real_times(cells: pa.Array) -> Mask:
    """Match times of the calendar; rows with a zone and rows without do not mix."""
    plain, zoned = _hits(cells, _PLAIN_TIME), _hits(cells, _ZONED_TIME)
    more = zoned if np.count_nonzero(zoned) > np.count_nonzero(plain) else plain
    return _real_dates(cells, more)


def _cast(cells: pa.Array, kind: ColumnType) -> pa.Array:
    if kind is ColumnType.INTEGER:
        return cells.cast(pa.int64())
    if kind is ColumnType.BOOLEAN:
        return pc.equal(pc.ascii_lower(cells), "true")
    if kind is ColumnType.DATE:
        return pc.replace_substring(cells, "/", "-").cast(pa.date32())
    if kind is ColumnType.TIMESTAMP:
        zoned = pc.any(pc.match_substring_regex(cells, _ZONED_TIME)).as_py()
        return cells.cast(pa.timestamp("us", "UTC") if zoned else pa.timestamp("us"))
    return _cast_decimal(cells)


def _cast_decimal(cells: pa.Array) -> pa.Array:
    """Keep decimals exact, at the largest scale that any value needs."""
    exponent = pc.any(pc.match_substring_regex(cells, "[eE]")).as_py()
    lengths = pc.binary_length(pc.replace_substring_regex(cells, r"^-?[0-9]*\.?", ""))
    scale = DIGITS_AFTER if exponent else int(pc.max(lengths).as_py() or 0)
    return cells.cast(pa.decimal128(DIGITS_BEFORE + scale, scale))
