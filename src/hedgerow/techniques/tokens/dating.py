"""Dates moved by days or made coarse, in columns of dates, timestamps or text."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.model.errors import CallerError
from hedgerow.techniques.tokens.texts import text_array, texts

_DATE_LENGTH = len("2024-03-17")
_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_FIRST, _LAST = date.min.toordinal(), date.max.toordinal()
_EPOCH = date(1970, 1, 1).toordinal()
_INT64 = 1 << 63
_DECADE = 10
_QUARTER_MONTHS = 3

Days = npt.NDArray[np.int64]


def shifted(array: pa.Array, name: str, days: Days, max_days: int, written: str = "") -> pa.Array:
    """Move the dates of a column, each row by its own days; times of the day stay.

    Args:
        array: Dates, timestamps, or text.
        name: What the column is called.
        days: Days for each row; those of rows without a date are not read.
        max_days: Furthest move either way.
        written: How dates are written in text, as of ``strftime``; ISO 8601 where empty.

    Returns:
        A column of the same type and form.

    Raises:
        CallerError: ``tokens.bad-date`` for text that is no date; ``tokens.calendar`` where a move of
            ``max_days`` could leave the years 1 to 9999 (or what the type holds), whatever was drawn: so
            the refusal tells nothing of the move.
    """
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _moved(array, name, days, max_days)
    return _moved_text(text_array(array, name), name, days, max_days, written)


def _moved(array: pa.Array, name: str, days: Days, max_days: int) -> pa.Array:
    kind = array.type
    per_day = 1 if pa.types.is_date32(kind) else _PER_DAY["ms" if pa.types.is_date64(kind) else kind.unit]
    storage = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    counts = array.cast(storage)
    ends = pc.min_max(counts).as_py()
    if ends["min"] is None:
        return array
    least, most = ends["min"] - max_days * per_day, ends["max"] + max_days * per_day
    inside = least // per_day >= _FIRST - _EPOCH and most // per_day <= _LAST - _EPOCH
    if not inside or least < -_INT64 or most >= _INT64:
        raise CallerError("tokens.calendar", column=name, days=max_days)
    moves = np.where(array.is_valid().to_numpy(zero_copy_only=False), days, 0) * per_day
    return pc.add(counts, pa.array(moves, pa.int64()).cast(storage)).cast(kind)


def _moved_text(array: pa.Array, name: str, days: Days, max_days: int, written: str) -> pa.Array:
    """Move text date by date: the first ten characters of ISO 8601, so that the rest stays as it is."""
    found = texts(array, name)
    read = [_read(value, written, name) for value in found.distinct]
    for day in read:
        if not _FIRST <= day.toordinal() - max_days <= day.toordinal() + max_days <= _LAST:
            raise CallerError("tokens.calendar", column=name, days=max_days)
    pairs: dict[tuple[int, int], str] = {}
    made: list[str | None] = []
    for code, move in zip(found.codes.tolist(), days.tolist(), strict=True):
        if code < 0:
            made.append(None)
            continue
        if (code, move) not in pairs:
            pairs[code, move] = _rewritten(found.distinct[code], read[code], move, written)
        made.append(pairs[code, move])
    return pa.array(made, pa.string())


def _rewritten(text: str, read: date, move: int, written: str) -> str:
    moved = read + timedelta(days=move)
    if written:
        return moved.strftime(written)
    return f"{moved.year:04d}-{moved.month:02d}-{moved.day:02d}{text[_DATE_LENGTH:]}"


def _read(text: str, written: str, name: str) -> date:
    """Read a date; with a format, the time of the day too."""
    try:
        if written:
            return datetime.strptime(text, written)  # noqa: DTZ007 - the zone is the column's own
        if len(text) > _DATE_LENGTH:
            datetime.fromisoformat(text)
        return date.fromisoformat(text[:_DATE_LENGTH])
    except ValueError:
        # The original error quotes the value.
        raise CallerError("tokens.bad-date", column=name) from None


def days_of(array: pa.Array, name: str, written: str = "") -> tuple[list[date], pa.Array]:
    """Read the distinct dates of a column.

    Args:
        array: Dates, timestamps, or text.
        name: What the column is called.
        written: How dates are written in text; ISO 8601 where empty.

    Returns:
        The dates of its distinct values, and the place of each row's.

    Raises:
        CallerError: ``tokens.bad-date`` or ``tokens.column-type``.
    """
    is_typed = pa.types.is_date(array.type) or pa.types.is_timestamp(array.type)
    found = texts(array, name)
    return [_read(value, "" if is_typed else written, name) for value in found.distinct], found.places


def coarse(array: pa.Array, name: str, step: str, written: str = "") -> pa.Array:
    """Write dates as coarse as a step of the calendar.

    Args:
        array: Dates, timestamps, or text.
        name: What the column is called.
        step: ``"week"``, ``"month"``, ``"quarter"``, ``"year"`` or ``"decade"``.
        written: How dates are written in text; ISO 8601 where empty.

    Returns:
        Text: 2024-W11, 2024-03, 2024-Q1, 2024 or 2020s.

    Raises:
        CallerError: ``tokens.bad-date`` or ``tokens.column-type``.
    """
    days, places = days_of(array, name, written)
    return pa.array([_STEPS[step](day) for day in days], pa.string()).take(places)


_STEPS: dict[str, Callable[[date], str]] = {
    "week": lambda day: "{:04d}-W{:02d}".format(*day.isocalendar()),
    "month": lambda day: f"{day.year:04d}-{day.month:02d}",
    "quarter": lambda day: f"{day.year:04d}-Q{(day.month + _QUARTER_MONTHS - 1) // _QUARTER_MONTHS}",
    "year": lambda day: f"{day.year:04d}",
    "decade": lambda day: f"{day.year // _DECADE * _DECADE:04d}s",
}


def age_on(born: date, day: date) -> int:
    """Count the whole years from a birth to a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
