"""How the values of a column become coarser, by declared choices: hierarchies as values with a text form.

A text such as ``age=intervals(0,110;5,10,20,40)`` names the column, the kind and its choices.
``parse_ladder`` reads it and ``str`` writes the part after the column back.
What it names is built where the rows are.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, TypeAlias

from hedgerow.model.budget import parse_decimal
from hedgerow.model.errors import CallerError


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of declared widths.

    Args:
        lower: Where the first starts.
        upper: Where the last ends; it lies in none itself.
        widths: Per level, finest first.
        text: How it was written.
    """

    lower: Fraction
    upper: Fraction
    widths: tuple[Fraction, ...]
    text: str

    def __str__(self) -> str:
        """Write the text form."""
        return f"intervals({self.text})"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Calendar steps.

    Args:
        steps: Such as ``month`` and ``year``, finest first.
        lower: First day, or none.
        upper: Last day, or none.
    """

    steps: tuple[str, ...]
    lower: dt.date | None = None
    upper: dt.date | None = None

    def __str__(self) -> str:
        """Write the text form."""
        bounds = "" if self.lower is None or self.upper is None else f";{self.lower},{self.upper}"
        return f"calendar({','.join(self.steps)}{bounds})"


@dataclass(frozen=True, slots=True)
class Redaction:
    """Characters struck out from one side.

    Args:
        side: ``right`` or ``left``.
        stride: Characters more per level, at least 1.
    """

    side: str
    stride: int = 1

    def __str__(self) -> str:
        """Write the text form."""
        return f"redaction({self.side}{'' if self.stride == 1 else f';{self.stride}'})"


@dataclass(frozen=True, slots=True)
class Order:
    """Groups of neighbours in a declared order.

    Args:
        values: All values, in their order.
        fan_outs: How many groups of the level below are joined, per level.
    """

    values: tuple[str, ...] = field(repr=False)
    fan_outs: tuple[int, ...]

    def __str__(self) -> str:
        """Write the text form."""
        return f"order({','.join(self.values)};{','.join(map(str, self.fan_outs))})"


Ladder: TypeAlias = Intervals | Calendar | Redaction | Order

FORMS: Final[Mapping[str, str]] = {
    "intervals": "COLUMN=intervals(LOWER,UPPER;WIDTH,WIDTH,...), each width a whole multiple of the one"
    " before and the upper bound above every value, such as 'age=intervals(0,110;5,10,20,40)'",
    "calendar": "COLUMN=calendar(STEP,STEP,...) or COLUMN=calendar(STEP,STEP,...;FIRST_DAY,LAST_DAY), the"
    " finest step first, such as 'visit_date=calendar(month,year)'",
    "redaction": "COLUMN=redaction(right) or COLUMN=redaction(left;2), which strikes out two characters more"
    " per level, such as 'zip=redaction(right)'",
    "order": "COLUMN=order(VALUE,VALUE,...;FAN_OUT,FAN_OUT,...), each value once and each fan-out at least 2,"
    " such as 'education=order(school,college,bachelor,master;2,2)'; values with commas go into a file",
}
"""How each hierarchy is written."""

_TEXT = re.compile(r"(?P<column>[^=]+)=(?P<rest>.+)\Z", re.DOTALL)
_KIND = re.compile(r"(?P<kind>[a-z_]+)\((?P<inside>.*)\)\Z", re.DOTALL)
_TWO = 2


def split_ladder(text: str) -> tuple[str, str]:
    """Split what is given for a column into the column and the rest: a built hierarchy or a file.

    Args:
        text: Such as ``zip=redaction(right)`` or ``zip=zips.csv``.

    Returns:
        Column and rest.

    Raises:
        CallerError: ``ladder.unknown``.
    """
    found = _TEXT.match(text.strip())
    if found is None:
        raise CallerError("ladder.unknown", known=", ".join(FORMS))
    return found["column"].strip(), found["rest"].strip()


def is_ladder(rest: str) -> bool:
    """Tell whether what is given for a column is built and no file."""
    return _KIND.match(rest) is not None


def parse_ladder(column: str, rest: str) -> Ladder:
    """Read a hierarchy by declared choices.

    Args:
        column: The column, for errors.
        rest: Such as ``redaction(right)``; ``FORMS`` lists how each is written.

    Returns:
        The hierarchy as declared.

    Raises:
        CallerError: ``ladder.unknown`` or ``ladder.malformed``.
    """
    found = _KIND.match(rest)
    if found is None or found["kind"] not in FORMS:
        raise CallerError("ladder.unknown", known=", ".join(FORMS))
    parts = [[each.strip() for each in part.split(",")] for part in found["inside"].split(";")]
    made = _READERS[found["kind"]](parts)
    if made is None:
        raise CallerError("ladder.malformed", column=column, ladder=found["kind"], form=FORMS[found["kind"]])
    return made


def _intervals(parts: list[list[str]]) -> Intervals | None:
    if len(parts) != _TWO or len(parts[0]) != _TWO:
        return None
    bounds, widths = ([parse_decimal(each) for each in part] for part in parts)
    known = [width for width in widths if width is not None]
    if bounds[0] is None or bounds[1] is None or len(known) < len(widths):
        return None
    return Intervals(bounds[0], bounds[1], tuple(known), ";".join(",".join(part) for part in parts))


def _calendar(parts: list[list[str]]) -> Calendar | None:
    if len(parts) == 1:
        return Calendar(tuple(parts[0]))
    if len(parts) != _TWO or len(parts[1]) != _TWO:
        return None
    try:
        first, last = (dt.date.fromisoformat(each) for each in parts[1])
    except ValueError:
        return None
    return Calendar(tuple(parts[0]), first, last)


def _redaction(parts: list[list[str]]) -> Redaction | None:
    sides, stride = parts[0], parts[1] if len(parts) == _TWO else ["1"]
    is_read = len(sides) == len(stride) == 1 and len(parts) <= _TWO
    if not is_read or sides[0] not in ("left", "right") or not re.fullmatch(r"[1-9][0-9]{0,3}", stride[0]):
        return None
    return Redaction(sides[0], int(stride[0]))


def _order(parts: list[list[str]]) -> Order | None:
    is_read = len(parts) == _TWO and "" not in parts[0]
    if not is_read or not all(re.fullmatch(r"[0-9]{1,6}", each) for each in parts[1]):
        return None
    return Order(tuple(parts[0]), tuple(int(each) for each in parts[1]))


_READERS: Final[Mapping[str, Callable[[list[list[str]]], Ladder | None]]] = {
    "intervals": _intervals,
    "calendar": _calendar,
    "redaction": _redaction,
    "order": _order,
}
