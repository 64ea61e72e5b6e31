"""Rules that need no secret: values left, blotted out, made coarse, looked up, or hashed if that is safe."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from hedgerow.kernel.tokens import coarse as bands
from hedgerow.kernel.tokens.enumerable import plain_hash, reversal
from hedgerow.model import tokens as rules
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.tokens import dating
from hedgerow.techniques.tokens.habits import habit_column as bands_of
from hedgerow.techniques.tokens.texts import texts
from hedgerow.techniques.tokens.using import Using

_ZIP_DIGITS = 5


def kept_column(_: rules.Keep, column: pa.Array, __: Using) -> pa.Array:
    """Leave the values as they are."""
    return column


def constant_column(rule: rules.Constant, column: pa.Array, _: Using) -> pa.Array:
    """Put one text in place of every row's value."""
    return pa.array([rule.text] * len(column), pa.string())


def redacted_column(rule: rules.Redact, column: pa.Array, _: Using) -> pa.Array:
    """Blot characters out."""
    found = texts(column, rule.source)
    return found.spread_texts([_blotted(value, rule) for value in found.distinct])


def _blotted(value: str, rule: rules.Redact) -> str:
    # Of a value with no more than what is left at both ends, nothing is left.
    first, last = (rule.first, rule.last) if len(value) > rule.first + rule.last else (0, 0)
    end = len(value) - last
    shown = (first > at or at >= end or symbol in rule.keep for at, symbol in enumerate(value))
    return "".join(symbol if show else rule.mask for symbol, show in zip(value, shown, strict=True))


def coarse_date_column(rule: rules.CoarseDate, column: pa.Array, _: Using) -> pa.Array:
    """Make dates coarse."""
    return dating.coarse(column, rule.source, rule.to, rule.format)


def age_column(rule: rules.Age, column: pa.Array, _: Using) -> pa.Array:
    """Make bands of ages, or of dates of birth."""
    bounds = bands.age_bounds(rule.width, rule.top, rule.bands)
    if rule.on:
        days, places = dating.days_of(column, rule.source)
        day = day_of(rule)
        ages = [dating.age_on(born, day) for born in days]
    else:
        found = texts(column, rule.source)
        places, ages = found.places, [_whole(value, rule.source) for value in found.distinct]
    if any(not 0 <= age <= bands.MAX_AGE for age in ages):
        raise CallerError("tokens.bad-age", column=rule.source, most=bands.MAX_AGE)
    return pa.array([bands.age_label(age, bounds) for age in ages], pa.string()).take(places)


def day_of(rule: rules.Age) -> date:
    """Read the day that ages are counted to.

    Args:
        rule: The rule.

    Returns:
        The day.

    Raises:
        CallerError: ``tokenise.option``.
    """
    try:
        return date.fromisoformat(rule.on)
    except ValueError:
        problem = "it is a day such as 2024-03-17"
        raise CallerError("tokenise.option", column=rule.column, option="on", problem=problem) from None


def _whole(value: str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise CallerError("tokens.bad-age", column=name, most=bands.MAX_AGE) from None


def zip_column(rule: rules.Zip, column: pa.Array, _: Using) -> pa.Array:
    """Shorten postal codes."""
    found = texts(column, rule.source)
    # A column of numbers has lost the zeros in front of its codes.
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    codes = [value.zfill(_ZIP_DIGITS) if is_number else value for value in found.distinct]
    return found.spread_texts([bands.zip_label(code, rule.digits, rule.sparse) for code in codes])


def looked_up_column(rule: rules.Lookup, column: pa.Array, _: Using) -> pa.Array:
    """Give the labels of a table."""
    found, entries = texts(column, rule.source), dict(rule.entries)
    if rule.other is None and any(value not in entries for value in found.distinct):
        raise CallerError("tokens.not-in-table", column=rule.source)
    return found.spread_texts([entries.get(value, rule.other) for value in found.distinct])


def habit_column(rule: rules.Habit, column: pa.Array, _: Using) -> pa.Array:
    """Make times or merchants coarse."""
    return bands_of(rule, column)


def hashed_column(rule: rules.Hash, column: pa.Array, using: Using) -> pa.Array:
    """Hash values that nobody can enumerate; refuse all others."""
    found = texts(column, rule.source)
    kind = using.holds.get(rule.source)
    estimate = reversal(found.distinct, kind, rule.algorithm, using.hashes_per_s)
    if estimate is not None:
        raise Refused(
            "tokens.enumerable",
            column=rule.source,
            domain=f"{estimate.domain:,}",
            described=estimate.described,
            rate=f"{estimate.per_s:,.0f}",
            how="measured on this machine" if estimate.is_measured else "as stated",
            duration=estimate.words,
        )
    return found.spread_texts([plain_hash(rule.algorithm, value) for value in found.distinct])
