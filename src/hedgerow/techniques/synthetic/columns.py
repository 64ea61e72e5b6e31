"""What each column of a synthetic table may hold: declared keys, or bins between declared bounds or days."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Clamp, ColumnDeclaration
from hedgerow.model.spans import Span
from hedgerow.model.words import ColumnType, many
from hedgerow.techniques.synthetic.calendar import (
    DAY,
    day_of,
    finest,
    label_of,
    second_of,
    show_step,
    starts_of,
)

Key = str | int | bool
KEY_TYPES = (ColumnType.TEXT, ColumnType.INTEGER, ColumnType.BOOLEAN)
NUMBER_TYPES = (ColumnType.INTEGER, ColumnType.DECIMAL)
TIME_TYPES = (ColumnType.DATE, ColumnType.TIMESTAMP)
BINS = 16
BINS_MOST = 256
CELLS_MOST = 2_000

_DIGITS_MOST = 9
_STEPS_WANTED = 1_000
_STEPS_MOST = 2**53
_SHOWN_MOST = 60
_PLAIN = re.compile(r"[^\W\d]\w*(?:[ .-]\w+)*")
_EXPECTED: Mapping[ColumnType, type] = {
    ColumnType.TEXT: str,
    ColumnType.INTEGER: int,
    ColumnType.BOOLEAN: bool,
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Bins of a numeric column, or of one of dates or points in time.

    Args:
        lower: The lower bound, in steps.
        upper: The upper bound, in steps.
        digits: A step is ``10**-digits``; of dates a day, of points in time a second, from 1970 on.
        bins: How many bins there are between the bounds; of numbers of nearly equal width.
        unit: The unit of the calendar by which days or seconds are cut; none for numbers.
        per_day: Steps of a day.
    """

    lower: int
    upper: int
    digits: int
    bins: int
    unit: str = ""
    per_day: int = 1

    @property
    def steps(self) -> int:
        """How many steps lie between the bounds, both included."""
        return self.upper - self.lower + 1

    def starts(self) -> list[int]:
        """Tell the first step of each bin, and last the step after the upper bound."""
        if self.unit:
            return starts_of(self.lower, self.upper, self.per_day, self.unit)
        return [self.lower + -(-place * self.steps // self.bins) for place in range(self.bins + 1)]

    def show(self, step: int) -> str:
        """Write a step as the number, the day or the second it stands for."""
        return show_step(step, self.per_day) if self.unit else show_steps(step, self.digits)


@dataclass(frozen=True, slots=True)
class SyntheticColumn:
    """A column with all it may ever hold.

    Its cells are its keys, or its bins, and one cell more for no value, to which null and whatever was not
    declared belong.

    Args:
        name: The column.
        type: Its type.
        keys: The declared values; none for a numeric column.
        grid: The bins; none for a column with keys.
    """

    name: str
    type: ColumnType
    keys: tuple[Key, ...] = ()
    grid: Grid | None = None

    @property
    def cells(self) -> int:
        """How many cells it has; the last one stands for no value."""
        return 1 + (len(self.keys) if self.grid is None else self.grid.bins)

    @property
    def nothing(self) -> int:
        """The code of no value."""
        return self.cells - 1

    def told(self) -> str:
        """Say what it may hold."""
        if self.grid is None:
            return f"{self.name}: {many(len(self.keys), 'declared key')}, or no value"
        low, high = (self.grid.show(step) for step in (self.grid.lower, self.grid.upper))
        by = f" by {self.grid.unit}" if self.grid.unit else ""
        return f"{self.name}: {many(self.grid.bins, 'bin')}{by} of {low} to {high}, or no value"

    def label(self, code: int) -> str:
        """Name a cell."""
        if code == self.nothing:
            return "(no value)"
        if self.grid is None:
            key = self.keys[code]
            return str(key).lower() if isinstance(key, bool) else str(key)
        starts = self.grid.starts()
        low, high = starts[code], starts[code + 1] - 1
        if self.grid.unit:
            return label_of(low, high, self.grid.per_day, self.grid.unit)
        shown = [show_steps(step, self.grid.digits) for step in (low, high)]
        return shown[0] if low == high else f"{shown[0]} to {shown[1]}"


def show_steps(step: int, digits: int) -> str:
    """Write a number of steps as the decimal it stands for."""
    if digits == 0:
        return str(step)
    whole, part = divmod(abs(step), 10**digits)
    return f"{'-' if step < 0 else ''}{whole}.{part:0{digits}d}"


def missing_of(declared: ColumnDeclaration, kind: ColumnType) -> str:
    """Name what a column still lacks: ``"keys"``, ``"bounds"``, or nothing."""
    if kind in TIME_TYPES:
        return "" if declared.span else "bounds"
    if kind is ColumnType.BOOLEAN or declared.keys or (declared.clamp and kind in NUMBER_TYPES):
        return ""
    return "bounds" if kind in NUMBER_TYPES else "keys"


def column_of(declared: ColumnDeclaration, kind: ColumnType, bins: int) -> SyntheticColumn:
    """Say what a column may hold, from its declaration alone.

    Args:
        declared: Keys or bounds; a column of truth values needs none.
        kind: Its type.
        bins: Bins of a column with bounds at most.

    Raises:
        CallerError: ``synth.bad-column`` without keys or bounds, for keys of another type, bounds that do
            not fit, or too many cells.
    """
    if kind in TIME_TYPES:
        if declared.span is None:
            raise bad_column(declared.column, "its first and last day are not declared")
        return SyntheticColumn(declared.column, kind, (), _calendar(declared.span, kind, bins))
    if declared.keys or kind is ColumnType.BOOLEAN:
        return _keyed(declared.column, kind, declared.keys or (False, True))
    if declared.clamp is None:
        raise bad_column(declared.column, "neither keys nor bounds are declared")
    return SyntheticColumn(declared.column, kind, (), _grid(declared.column, declared.clamp, kind, bins))


def _keyed(name: str, kind: ColumnType, keys: Sequence[Key]) -> SyntheticColumn:
    expected = _EXPECTED.get(kind)
    if any(type(key) is not expected for key in keys) or len(set(keys)) != len(keys):
        raise bad_column(name, "its declared keys repeat or are of another type")
    if len(keys) >= CELLS_MOST:
        raise bad_column(name, f"it has {CELLS_MOST:,} keys or more")
    return SyntheticColumn(name, kind, tuple(keys))


def _grid(name: str, clamp: Clamp, kind: ColumnType, bins: int) -> Grid:
    digits = 0
    while kind is ColumnType.DECIMAL and digits < _DIGITS_MOST and not _is_fine(clamp, digits):
        digits += 1
    lower = math.ceil(clamp.lower * 10**digits)
    upper = math.floor(clamp.upper * 10**digits)
    if not lower < upper:
        raise bad_column(name, "there is no room between its declared bounds")
    if max(abs(lower), abs(upper)) > _STEPS_MOST:
        raise bad_column(name, "its declared bounds are too far from zero")
    grid = Grid(lower, upper, digits, 1)
    return replace(grid, bins=min(bins, grid.steps))


def _calendar(span: Span, kind: ColumnType, bins: int) -> Grid:
    """Cut a span by the finest unit of the calendar that leaves few enough bins."""
    is_date = kind is ColumnType.DATE
    per_day = 1 if is_date else DAY
    lower, upper = map(day_of, span.days) if is_date else map(second_of, span.moments)
    unit = finest(lower, upper, per_day, bins)
    return Grid(lower, upper, 0, len(starts_of(lower, upper, per_day, unit)) - 1, unit, per_day)


def _is_fine(clamp: Clamp, digits: int) -> bool:
    step = Fraction(1, 10**digits)
    is_exact = (clamp.lower / step).denominator == 1 and (clamp.upper / step).denominator == 1
    return is_exact and clamp.upper - clamp.lower >= _STEPS_WANTED * step


def bad_column(name: str, problem: str) -> CallerError:
    """Build the error of a column that cannot be made."""
    return CallerError("synth.bad-column", column=shown(name), problem=problem)


def shown(name: str) -> str:
    """Show a column's name in a message; one of unusual characters is quoted, a long one cut."""
    text = name if len(name) <= _SHOWN_MOST else name[:_SHOWN_MOST] + "…"
    return text if _PLAIN.fullmatch(text) else ascii(text)
