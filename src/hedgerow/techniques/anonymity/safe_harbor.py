"""A table held against the Safe Harbor rule, and its identifiers removed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.harbor import PLAIN, STATE, category_by_name, is_large_place, letter_of
from hedgerow.model.calls import MAPPING, WHOLE, door
from hedgerow.model.errors import CallerError
from hedgerow.model.safe_harbor import LEAST_PEOPLE, MOST_AGE, HarborFinding, SafeHarbor
from hedgerow.techniques.anonymity.frames import arrow_of, frame_of, native_of

FrameT = TypeVar("FrameT")

OLDEST = f"{MOST_AGE + 1} or older"
"""What ages over 89 read."""

SMALL_AREA = "000"
"""What the three digits of a small area read."""

_FEW_ROWS = 20
_UNIQUE = 0.95
_DATES = 0.5
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_COMPACT = r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
_DATE_FORMS = (
    r"\d{4}-\d{1,2}(-\d{1,2}.*)?",
    r"\d{4}[./]\d{1,2}[./]\d{1,2}.*",
    r"\d{1,2}[./-]\d{1,2}[./-](\d{4}.*|\d{2})",
    r"\d{1,2}[./-]\d{4}",
    _COMPACT + r"([t ].*)?",
    _MONTH + r"\s+\d{1,2},?\s+\d{4}.*",
    r"\d{1,2}[\s.-]*" + _MONTH + r"[\s,-]*\d{2,4}.*",
)
_DATE_TEXT = rf"(?i)^\s*({'|'.join(_DATE_FORMS)})\s*$"
_IS_DATED = re.compile(rf"{_DATE_TEXT}|^\s*\d{{4}}( or earlier)?\s*$")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the caller states of the world."""

    categories: Mapping[str, str]
    areas: Mapping[str, int] | None
    small_areas: frozenset[str] | None
    as_of: int | None


@door("anonymity.safe_harbor", {"columns": MAPPING.or_none(), "as_of": WHOLE.or_none()})
def safe_harbor(
    table: FrameT,
    *,
    columns: Mapping[str, str] | None = None,
    areas: Mapping[str, int] | None = None,
    small_areas: Collection[str] | None = None,
    as_of: int | None = None,
) -> SafeHarbor[FrameT]:
    """Hold a table against the Safe Harbor rule and remove the identifiers that it names.

    A column is judged by the category given for it, else by its name, else by its values: dates, and
    text or whole numbers that tell nearly every row apart, are found without either.

    Args:
        table: A pyarrow, pandas or Polars table.
        columns: Category by column, as ``hedgerow.discover.columns`` names them; ``"other"`` for a
            column that you know to hold no identifier, ``"state"`` for States and larger places. Of
            any category that the rule does not name, the column's name and values tell.
        areas: People by the first three digits of zip codes.
        small_areas: Instead, the three digits of the areas of at most 20,000 people, as the rule's
            list at the time has them; without either, zip codes are dropped whole.
        as_of: The year in which the table leaves: years of birth that tell an age over 89 then become
            one category. Without it, dates of birth are dropped whole.

    Returns:
        The table without them, what was found, and what was kept. Removing again finds nothing.

    Raises:
        CallerError: ``anonymity.no-table``, ``anonymity.unknown-column``.

    Guarantee:
        Of the columns that hold one of the eighteen identifiers by category, name or shape, none
        leaves but as the rule allows. What a column hides from all three is not found.

    Source:
        45 CFR 164.514(b)(2)(i)(A) to (R).
    """
    frame = frame_of(table)
    arrow = arrow_of(frame)
    given = dict(columns or {})
    for name in given:
        if name not in arrow.column_names:
            raise CallerError("anonymity.unknown-column", column=name)
    small = None if small_areas is None else frozenset(small_areas)
    known = _Known(given, areas, small, as_of)
    kept: dict[str, pa.ChunkedArray] = {}
    findings: list[HarborFinding] = []
    for name in arrow.column_names:
        left, finding = _held(name, arrow[name], known)
        if finding is not None:
            findings.append(finding)
        if left is not None:
            kept[name] = left
    touched = {finding.column for finding in findings}
    plain = tuple(name for name in arrow.column_names if name not in touched)
    # A table made anew: no index and no metadata of the source comes along.
    return SafeHarbor(native_of(pa.table(kept), frame), tuple(findings), plain)


_Held = tuple[pa.ChunkedArray | None, HarborFinding | None]


def _held(name: str, values: pa.ChunkedArray, known: _Known) -> _Held:
    """What is left of a column, and what it held."""
    values = _plain(values)
    category, how = known.categories.get(name), "its category"
    # What the rule does not name is no word that a column is harmless: only "other" and "state" are.
    if category is None or (category not in (PLAIN, STATE) and letter_of(category) is None):
        category, how = category_by_name(name), "its name"
    if category in (PLAIN, STATE) or (category == "region" and is_large_place(name)):
        return values, None
    letter = None if category is None else letter_of(category)
    if _are_dates(values) and letter in (None, "C", "R"):
        is_birth = category == "date-of-birth"
        return _dates(name, values, f"told by {how if letter else 'its values'}", known, is_birth=is_birth)
    if category is not None and letter is not None:
        special = _SPECIAL.get(category)
        if special is not None:
            return special(name, values, f"told by {how}", known)
        return None, HarborFinding(name, letter, "dropped", f"told by {how}")
    if _tells_apart(values):
        return None, HarborFinding(name, "R", "dropped", "its values tell nearly every row apart")
    if _cannot_be_seen(values):
        return None, HarborFinding(name, "R", "dropped", "its values are of a type that cannot be looked at")
    return values, None


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves, however they are encoded: a dictionary would hide them, and keep unused ones."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.cast(kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        return _plain(pa.chunked_array([pc.run_end_decode(each) for each in values.chunks], kind.value_type))
    return values.cast(pa.large_string()) if pa.types.is_string_view(kind) else values


def _are_dates(values: pa.ChunkedArray) -> bool:
    kind = values.type
    if pa.types.is_integer(kind):
        values, kind = values.cast(pa.string()), pa.string()
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return True
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    known = values.drop_null()
    return len(known) > 0 and bool(pc.mean(pc.match_substring_regex(known, _DATE_TEXT)).as_py() >= _DATES)


def _tells_apart(values: pa.ChunkedArray) -> bool:
    kind = values.type
    is_code = pa.types.is_string(kind) or pa.types.is_large_string(kind) or _are_whole(values)
    rows = len(values) - values.null_count
    return is_code and rows >= _FEW_ROWS and bool(pc.count_distinct(values).as_py() >= _UNIQUE * rows)


def _are_whole(values: pa.ChunkedArray) -> bool:
    """Whether all are whole numbers: a missing one turns whole numbers into others in many a program."""
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        wide = values.drop_null().cast(pa.float64(), safe=False)
        return bool(pc.all(pc.or_(pc.is_nan(wide), pc.equal(wide, pc.floor(wide)))).as_py())
    return bool(pa.types.is_integer(kind))


def _cannot_be_seen(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_nested(values.type) or pa.types.is_binary(values.type))


def _dates(name: str, values: pa.ChunkedArray, reason: str, known: _Known, *, is_birth: bool) -> _Held:
    if is_birth and known.as_of is None:
        said = f"{reason}; no year is given that its ages could be told by"
        return None, HarborFinding(name, "C", "dropped", said)
    earliest = known.as_of - MOST_AGE - 1 if is_birth and known.as_of is not None else None
    years = [_year(value, earliest) for value in values.to_pylist()]
    return _replaced(values, years, HarborFinding(name, "C", "year", reason))


def _replaced(values: pa.ChunkedArray, texts: list[str | None], finding: HarborFinding) -> _Held:
    """The texts in place of the values; where they read the same, nothing was found."""
    if texts == [None if value is None else str(value) for value in values.to_pylist()]:
        return values, None
    return pa.chunked_array([pa.array(texts, pa.string())]), finding


def _year(value: Any, earliest: int | None) -> str | None:  # noqa: ANN401 - a date or any text
    """The year of a date; what is no date is left out. Years that tell an age over 89 are one category."""
    is_dated = not isinstance(value, str) or _IS_DATED.search(value)
    found = _YEAR.search(str(value)) if value is not None and is_dated else None
    if found is None:
        return None
    if earliest is not None and int(found[0]) <= earliest:
        return f"{earliest} or earlier"
    return found[0]


def _birth(name: str, values: pa.ChunkedArray, reason: str, known: _Known) -> _Held:
    return _dates(name, values, reason, known, is_birth=True)


def _event(name: str, values: pa.ChunkedArray, reason: str, _: _Known) -> _Held:
    """A column said to hold dates whose values do not read as such: years alone stay."""
    if all(re.fullmatch(r"\d{4}", str(value)) for value in values.to_pylist() if value is not None):
        return values, None
    return None, HarborFinding(name, "C", "dropped", f"{reason}; its values are not read as dates")


def _ages(name: str, values: pa.ChunkedArray, reason: str, _: _Known) -> _Held:
    texts = [_age(value) for value in values.to_pylist()]
    return _replaced(values, texts, HarborFinding(name, "C", "age-90", reason))


def _age(value: Any) -> str | None:  # noqa: ANN401 - a number or any text
    """An age or a range of ages as it stands, unless it reaches beyond 89; what tells none is left out."""
    if value is None:
        return None
    numbers = re.findall(r"\d+(?:\.\d+)?", str(value))
    if not numbers:
        return None
    return OLDEST if max(map(float, numbers)) > MOST_AGE else str(value)


def _zips(name: str, values: pa.ChunkedArray, reason: str, known: _Known) -> _Held:
    if known.areas is None and known.small_areas is None:
        said = f"{reason}; it is not given in which areas more than {LEAST_PEOPLE:,} people live"
        return None, HarborFinding(name, "B", "dropped", said)
    texts = [_zip(value, known) for value in values.to_pylist()]
    return _replaced(values, texts, HarborFinding(name, "B", "zip-3", reason))


def _zip(value: Any, known: _Known) -> str | None:  # noqa: ANN401 - a number or any text
    if value is None:
        return None
    text = f"{value:05}" if isinstance(value, int) else str(value).strip()
    area = text[:3]
    if not re.fullmatch(r"\d{3}(\d{2}(-?\d{4})?|\**)?", text):
        return SMALL_AREA
    if known.areas is not None:
        return area if known.areas.get(area, 0) > LEAST_PEOPLE else SMALL_AREA
    return SMALL_AREA if area in (known.small_areas or ()) else area


_SPECIAL: Mapping[str, Callable[[str, pa.ChunkedArray, str, _Known], _Held]] = {
    "age": _ages,
    "zip": _zips,
    "date-of-birth": _birth,
    "date": _event,
    "event-time": _event,
}
