"""Places, times of the day and merchants, made coarser in one column; whole paths are another technique's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.places import grid
from hedgerow.kernel.places.bands import banded
from hedgerow.kernel.places.merchants import categories
from hedgerow.model.budget import parse_ratio
from hedgerow.model.errors import CallerError
from hedgerow.model.places import CellRule, MerchantLevel, MerchantRule, TimeBands, TimePart
from hedgerow.model.tokens import Habit

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "time-band": ("parts", "edges", "weekend", "zone"),
    "merchant-category": ("level", "most_sensitive"),
    "cell": ("longitude", "least", "finest_m", "strays"),
}
"""The kinds made here, and their options; a path is no matter of one column."""

_LEAST = "20"


def check_habit(rule: Habit) -> None:
    """Refuse a rule of places that no single column can follow, and options that it does not have.

    Args:
        rule: The rule.

    Raises:
        CallerError: ``tokenise.habit`` or ``tokenise.option``.
    """
    if rule.habit not in OPTIONS:
        raise CallerError("tokenise.habit", column=rule.column, kind=rule.habit)
    known = OPTIONS[rule.habit]
    for name, _ in rule.options:
        if name not in known:
            raise _wrong(rule, name, f"this kind has no such option; it has {', '.join(known)}")
    if rule.habit == "cell":
        if len(rule.sources) == 1:
            raise _wrong(rule, "longitude", "it names the column of longitudes, and from that of latitudes")
        grid.check_rule(_cell_rule(rule))


def _wrong(rule: Habit, option: str, problem: str) -> CallerError:
    return CallerError("tokenise.option", column=rule.column, option=option, problem=problem)


def habit_column(
    rule: Habit, column: pa.Array, longitude: pa.Array | None = None, *, people: Sequence[int] = ()
) -> pa.Array:
    """Make a column of places, times or merchant codes coarser.

    Args:
        rule: ``time-band`` with ``parts`` (as ``"weekend,time"``) and ``edges`` (minutes after midnight, as
            ``"0,360,720,1080"``), ``weekend`` (days, Monday is 0) and ``zone`` (where people live, for times
            with an offset), ``merchant-category`` with ``level`` and ``most_sensitive``, or ``cell``
            with ``longitude`` (a column), ``least`` (people of the rows that every cell keeps), ``finest_m``
            and ``strays``.
        column: The values; of a cell the latitudes.
        longitude: Of a cell the longitudes.
        people: Whose each row is, for cells.

    Returns:
        A label for each; none where it is missing.

    Raises:
        CallerError: ``tokenise.option`` or ``places.*`` for options, ``tokens.bad-date`` for no times.
    """
    options = dict(rule.options)
    if longitude is not None:
        return _celled(rule, column, longitude, people)
    return _banded(rule, column, options) if rule.habit == "time-band" else _merchants(rule, column, options)


def _cell_rule(rule: Habit) -> CellRule:
    asked = {"least": _LEAST, "finest_m": "250", "strays": "0.05"} | dict(rule.options)
    numbers: dict[str, Fraction] = {}
    for name in ("least", "finest_m", "strays"):
        read = parse_ratio(asked[name])
        if read is None:
            raise _wrong(rule, name, "it is a number")
        numbers[name] = read
    if numbers["least"].denominator != 1:
        raise _wrong(rule, "least", "it is a whole number of people")
    return CellRule(int(numbers["least"]), float(numbers["finest_m"]), numbers["strays"], "coarsest", "keep")


def _celled(rule: Habit, column: pa.Array, longitude: pa.Array, people: Sequence[int]) -> pa.Array:
    """Cells that each hold enough of the people whose rows these are; none where both degrees are missing."""
    names = (rule.sources[0], rule.sources[1])
    north, east = _degrees(column, names[0]), _degrees(longitude, names[1])
    rows = np.flatnonzero(~(np.isnan(north) & np.isnan(east)))
    north, east = north[rows], east[rows]
    grid.check_points(north, east, names)
    _, whose = np.unique(np.asarray(people, dtype=np.int64)[rows], return_inverse=True)
    made = grid.own_grid(north, east, whose.astype(np.int64), _cell_rule(rule))
    distinct, at = np.unique(grid.cells_of(made, north, east)[0], return_inverse=True)
    codes = np.full(len(column), -1, dtype=np.int64)
    codes[rows] = at
    return _labelled(codes, grid.labels_of(made, distinct))


def _degrees(array: pa.Array, name: str) -> np.ndarray:
    """Read numbers, also those written as text; what is missing or empty is NaN."""
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        bare = pc.utf8_trim_whitespace(array)
        array = pc.if_else(pc.equal(bare, ""), pa.scalar(None, bare.type), bare)
    try:
        return np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise CallerError("places.column-type", column=name, type="text", wanted="numbers") from None


def _banded(rule: Habit, column: pa.Array, options: Mapping[str, str]) -> pa.Array:
    standard, zone = TimeBands(), options.get("zone") or None
    parts = tuple(map(str.strip, options.get("parts", ",".join(standard.parts)).split(",")))
    edges = _whole(rule, "edges", standard.edges, "it is minutes after midnight, as 0,360,720,1080")
    weekend = _whole(rule, "weekend", standard.weekend, "it is days from 0, which is Monday, as 5,6")
    bands = TimeBands(cast("tuple[TimePart, ...]", parts), edges, weekend, zone)
    codes, labels = banded(_local(column, rule.source, zone), bands)
    return _labelled(codes, labels)


def _whole(rule: Habit, name: str, standard: tuple[int, ...], problem: str) -> tuple[int, ...]:
    given = dict(rule.options).get(name)
    try:
        return standard if given is None else tuple(map(int, given.split(",")))
    except ValueError:
        raise _wrong(rule, name, problem) from None


def _local(column: pa.Array, name: str, zone: str | None) -> np.ndarray:
    """Read local times: as written, or of moments with an offset in the zone that is named."""
    moments = _moments(column, name)
    if moments.type.tz is not None and zone is None:
        raise CallerError("places.zone-needed", column=name)
    if moments.type.tz is None and zone is not None:
        raise CallerError("places.naive-times", column=name)
    if zone is not None:
        try:
            moments = pc.local_timestamp(moments.cast(pa.timestamp("us", zone)))
        except pa.ArrowInvalid:
            raise CallerError("places.time-zone") from None
    return np.asarray(moments.to_numpy(zero_copy_only=False))


def _moments(column: pa.Array, name: str) -> pa.Array:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False)
    for tz in (None, "UTC"):  # text without an offset, and text with one
        try:
            return column.cast(pa.timestamp("us", tz))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    raise CallerError("tokens.bad-date", column=name)


def _merchants(rule: Habit, column: pa.Array, options: Mapping[str, str]) -> pa.Array:
    standard = MerchantRule()
    level = cast("MerchantLevel", options.get("level", standard.level))
    share = parse_ratio(options.get("most_sensitive", str(standard.most_sensitive)))
    if share is None:
        raise _wrong(rule, "most_sensitive", "it is a share from 0 to 1")
    coded = column.dictionary_encode()
    of_row = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    found = categories(coded.dictionary.to_pylist(), of_row, MerchantRule(level, share))
    return _labelled(found.of_row, found.labels)


def _labelled(codes: np.ndarray, labels: object) -> pa.Array:
    named = pa.array([*cast("list[str]", labels), None], pa.string())
    return named.take(pa.array(np.where(codes < 0, len(named) - 1, codes)))
