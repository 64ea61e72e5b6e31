"""Reading declarations: bounds and keys as options or a schema file state them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from hedgerow.model.budget import parse_decimal
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.spans import Span
from hedgerow.model.words import ColumnRole, ColumnType

Key = str | int | bool
Word = TypeVar("Word", bound=StrEnum)
_LIKE_A_DATE = re.compile(r"\d{4}-")
_LINE = re.compile(r"at line (\d+)")
_LINE_OF = {
    "types": 'age = "integer"',
    "roles": 'age = "quasi-identifier"',
    "bounds": "age = [0, 120]",
    "keys": 'ward = ["A", "B"]',
}
_LIMITS = ("max_rows", "max_groups", "max_rows_per_group")
_OF_UNITS = ("household_rows", "rows_per_day", "max_days")
_NUMBERS = (*_LIMITS, *_OF_UNITS)
_NAMING = {
    "household": (ColumnType.TEXT, ColumnType.INTEGER),
    "day": (ColumnType.DATE, ColumnType.TIMESTAMP),
}
_PLAIN = {"keep", "drop", "unit", *_NUMBERS, *_NAMING}


def parse_pair(text: str, option: str) -> tuple[str, str]:
    """Split ``column=rest`` at the first equals sign.

    Raises:
        CallerError: ``declare.malformed``.
    """
    column, sign, rest = text.partition("=")
    if not sign or not column or not rest:
        raise CallerError("declare.malformed", option=option)
    return column, rest


def parse_bounds(text: str, option: str = "--bounds") -> Clamp:
    """Read ``LOWER:UPPER`` exactly.

    Raises:
        CallerError: ``declare.malformed`` or ``declare.bounds-order``.
    """
    lower, sign, upper = text.partition(":")
    low, high = parse_decimal(lower), parse_decimal(upper)
    if not sign or low is None or high is None:
        raise CallerError("declare.malformed", option=option)
    if low > high:
        raise CallerError("declare.bounds-order", option=option)
    return Clamp(low, high)


def parse_span(text: str, option: str = "--bounds") -> Span:
    """Read ``FIRST:LAST``, dates or points in time in ISO 8601.

    Raises:
        CallerError: ``declare.bad-span``.
    """
    try:
        span = Span.read(text)
    except ValueError:
        span = None
    if span is None:
        raise CallerError("declare.bad-span", option=option)
    return span


def parse_keys(text: str) -> tuple[str, ...]:
    """Read ``A,B,C`` or ``@FILE`` with one key a line.

    Raises:
        CallerError: ``declare.key-file``.
    """
    if not text.startswith("@"):
        keys = tuple(text.split(","))
        if "..." in keys:
            # The placeholder of a printed command, taken literally.
            raise CallerError("declare.malformed", option="--keys")
        return keys
    try:
        lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CallerError("declare.key-file", path=text[1:]) from None
    return tuple(line for line in lines if line)


def typed_keys(keys: Iterable[str], column: str, kind: ColumnType) -> tuple[Key, ...]:
    """Turn key texts into values of the column's type, each once, in the order given.

    Raises:
        CallerError: ``declare.key-type`` when a key does not fit the column.
    """
    try:
        return tuple(dict.fromkeys(_typed(key, kind) for key in keys))
    except ValueError:
        raise CallerError("declare.key-type", column=column, type=kind.value) from None


def _typed(key: str, kind: ColumnType) -> Key:
    if kind is ColumnType.INTEGER:
        return int(key)
    if kind is ColumnType.BOOLEAN:
        if key not in ("true", "false"):
            raise ValueError(kind)
        return key == "true"
    if kind is ColumnType.DECIMAL:
        raise ValueError(kind)
    return key


@dataclass(frozen=True, slots=True)
class Asked:
    """Declarations as text, before the column types are known."""

    unit: str = "person"
    max_rows: int | None = None
    bounds: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_groups: int | None = None
    max_rows_per_group: int | None = None
    household: str | None = None
    household_rows: int | None = None
    day: str | None = None
    rows_per_day: int | None = None
    max_days: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is declared."""
        limits = (getattr(self, name) for name in (*_NUMBERS, *_NAMING))
        return not (self.bounds or self.keys) and all(limit is None for limit in limits)

    @property
    def contribution(self) -> Contribution | None:
        """How much of one unit counts; none where that is not declared."""
        limits = {name: getattr(self, name) for name in _LIMITS}
        return DatasetDeclaration(self.unit, **limits).contribution

    def typed(self, types: Mapping[str, ColumnType], dataset: str) -> DatasetDeclaration:
        """Read the texts by the types of the columns.

        Raises:
            CallerError: For an unknown column, unit, bound or key.
        """
        if self.unit != "person":
            raise CallerError("declare.unit")
        for name in _NUMBERS:
            limit = getattr(self, name)
            if limit is not None and not 1 <= limit <= 1_000_000:  # noqa: PLR2004 - the documented range
                raise CallerError("declare.max-rows", option=f"--{name.replace('_', '-')}")
        names = sorted({*self.bounds, *self.keys})
        for name in names:
            if name not in types:
                raise CallerError("column.unknown", column=name, dataset=dataset)
        columns = tuple(self._column(name, types[name]) for name in names)
        self._check_naming(types, dataset)
        stated = {name: getattr(self, name) for name in (*_NUMBERS, *_NAMING)}
        return DatasetDeclaration(self.unit, columns=columns, **stated)

    def _check_naming(self, types: Mapping[str, ColumnType], dataset: str) -> None:
        """Refuse a column that cannot name households, or days."""
        for what, kinds in _NAMING.items():
            name = getattr(self, what)
            if name is not None and name not in types:
                raise CallerError("column.unknown", column=name, dataset=dataset)
            if name is not None and types[name] not in kinds:
                raise CallerError("declare.unit-column", column=name, option=f"--{what}")

    def _column(self, name: str, kind: ColumnType) -> ColumnDeclaration:
        keys = typed_keys(self.keys[name], name, kind) if name in self.keys else None
        if name in self.bounds and kind in (ColumnType.DATE, ColumnType.TIMESTAMP):
            return ColumnDeclaration(name, None, keys, parse_span(self.bounds[name]))
        clamp = parse_bounds(self.bounds[name]) if name in self.bounds else None
        if clamp is not None and kind not in (ColumnType.INTEGER, ColumnType.DECIMAL):
            raise CallerError("declare.bounds-type", column=name)
        return ColumnDeclaration(name, clamp, keys)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a schema file states of a source."""

    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None
    types: Mapping[str, ColumnType] = field(default_factory=dict)
    roles: Mapping[str, ColumnRole] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)


def read_schema(path: Path) -> Schema:
    """Read a schema file (TOML).

    Args:
        path: The file, with any of ``keep``, ``drop``, ``unit``, ``max_rows``, ``max_groups``,
            ``max_rows_per_group``, ``household``, ``household_rows``, ``day``, ``rows_per_day``, ``max_days``
            and the tables ``types``, ``roles``, ``bounds`` and ``keys``;
            ``docs/cli.md`` shows one.

    Raises:
        CallerError: ``files.missing``, ``file.missing``, or ``schema.malformed`` with what is wrong.
    """
    stated = _stated(path)
    unknown = sorted(set(stated) - set(_LINE_OF) - _PLAIN)
    if unknown:
        problem = f"it does not know {unknown[0]}, only {', '.join([*sorted(_PLAIN), *_LINE_OF])}"
        raise CallerError("schema.malformed", path=path, problem=problem)
    try:
        return _schema(stated)
    except _Misfit as error:
        raise CallerError("schema.malformed", path=path, problem=str(error)) from None


class _Misfit(ValueError):
    """A value of a schema file that does not fit its key; says which key and what it takes."""


def _stated(path: Path) -> dict[str, Any]:
    """Read a TOML file; what is wrong is told by its line, never by what stands there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        code = "files.missing" if isinstance(error, FileNotFoundError) else "file.missing"
        raise CallerError(code, path=path) from None
    except UnicodeDecodeError:
        raise CallerError("schema.malformed", path=path, problem="it is no text in UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _LINE.search(str(error))
        where = f"it stops being TOML at line {at[1]}" if at else "it stops being TOML at its end"
        problem = "it is JSON, not TOML" if text.lstrip().startswith("{") else where
        raise CallerError("schema.malformed", path=path, problem=problem) from None


def _schema(stated: Mapping[str, Any]) -> Schema:
    limits = {name: stated.get(name) for name in _NUMBERS}
    for name, limit in limits.items():
        if limit is not None and type(limit) is not int:
            raise _Misfit(f"{name} is no whole number, such as {name} = 6")
    for name, line in (("unit", "person"), ("household", "flat"), ("day", "seen")):
        if not isinstance(stated.get(name, line), str):
            raise _Misfit(f'{name} is no text, such as {name} = "{line}"')
    return Schema(
        _names(stated, "keep"),
        _names(stated, "drop"),
        {name: _word(ColumnType, "types", name, kind) for name, kind in _table(stated, "types")},
        {name: _word(ColumnRole, "roles", name, role) for name, role in _table(stated, "roles")},
        Asked(
            stated.get("unit", "person"),
            bounds={name: _bounds(name, pair) for name, pair in _table(stated, "bounds")},
            keys={name: _keys(name, keys) for name, keys in _table(stated, "keys")},
            household=stated.get("household"),
            day=stated.get("day"),
            **limits,
        ),
    )


def _table(stated: Mapping[str, Any], name: str) -> Iterable[tuple[str, object]]:
    table = stated.get(name, {})
    if not isinstance(table, dict):
        raise _Misfit(f"[{name}] is no table of lines such as {_LINE_OF[name]}")
    return table.items()


def _word(words: type[Word], table: str, name: str, stated: object) -> Word:
    try:
        return words(str(stated))
    except ValueError:
        raise _Misfit(f"{name} under [{table}] is none of {', '.join(words)}") from None


def _bounds(name: str, stated: object) -> str:
    """Read ``[0, 120]`` or ``"0:120"``."""
    neither = f'{name} under [bounds] is neither two numbers such as [0, 120] nor "LOWER:UPPER"'
    if isinstance(stated, list):
        if len(stated) != 2:  # noqa: PLR2004 - lower and upper
            raise _Misfit(neither)
        stated = f"{stated[0]}:{stated[1]}"
    if not isinstance(stated, str):
        raise _Misfit(neither)
    try:
        # Which of the two a column takes is known with its type.
        if not _LIKE_A_DATE.match(stated):
            parse_bounds(stated)
    except CallerError as error:
        upside_down = f"{name} under [bounds] has its lower bound above its upper"
        raise _Misfit(upside_down if error.code == "declare.bounds-order" else neither) from None
    return stated


def _keys(name: str, stated: object) -> tuple[str, ...]:
    """Read ``["A", "B"]`` or ``"@FILE"``."""
    if isinstance(stated, str):
        return parse_keys(stated)
    if not isinstance(stated, list):
        raise _Misfit(f'{name} under [keys] is neither a list such as ["A", "B"] nor "@FILE"')
    return tuple(str(key).lower() if isinstance(key, bool) else str(key) for key in stated)


def _names(stated: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    names = stated.get(name)
    if names is None:
        return None
    if not isinstance(names, list):
        raise _Misfit(f'{name} is no list of names, such as {name} = ["age"]')
    return tuple(str(each) for each in names)
