"""What may be done to the rows of a release besides generalising: transforms as values with a text form.

A text such as ``top(age)=90`` names the transform, its column and its exact number. ``parse_transform``
reads it and ``str`` writes it back. Each says what it protects and what it does not.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

from hedgerow.model.budget import parse_decimal
from hedgerow.model.errors import CallerError

CappedAt: TypeAlias = "Decimal | dt.date"


class Words(NamedTuple):
    """What a transform protects and what it leaves open, in plain words with gaps for its parameters."""

    protects: str
    leaves: str


CAPPED: Final = Words(
    protects="Values of {column} beyond the bound can no longer be told apart: its extremes single out"
    " nobody by themselves.",
    leaves="Values within the bound are exact, and rare ones among them single people out; so do other"
    " columns, and a bound that few people lie beyond.",
)
AVERAGED: Final = Words(
    protects="Each combination of {columns} stands in at least {k} rows: their exact values are gone.",
    leaves="The average is that of real people: where a group is alike it tells their values nearly. Other"
    " columns, and whatever follows from the ones averaged, are as they were.",
)
DRAWN: Final = Words(
    protects="A row that fits a person may be of somebody alike, while the person was left out: each row"
    " stayed with chance {share}, by a secure draw.",
    leaves="Whoever is in it is there exactly as collected. Somebody who knows that a person is in it is not"
    " hindered, and a person with several rows is in more likely.",
)
_AVERAGED_BEFORE: Final = (
    "A value of {columns} is the average over rows of at least {k} people, or what such averages were"
    " generalised to: their exact values are gone."
)
_AVERAGED_AFTER: Final = (
    "Each combination of {columns} stands in the rows of at least {k} people: their exact values are gone."
)


@dataclass(frozen=True, slots=True)
class Capped:
    """Values beyond a bound become the bound; the column keeps its type.

    Args:
        column: A column of numbers, dates or timestamps.
        bound: The bound, compared exactly.
        is_top: Whether values above it go, not those below.
    """

    column: str
    bound: CappedAt
    is_top: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def words(self, *, is_before: bool) -> Words:
        """Say what it protects and what not; it comes before the search always."""
        del is_before
        said = f" In it, {self._bound()} means {self._bound()} or {'more' if self.is_top else 'less'}."
        return Words(CAPPED.protects.format(column=self.column) + said, CAPPED.leaves)

    def _bound(self) -> str:
        return self.bound.isoformat() if isinstance(self.bound, dt.date) else _plain(self.bound)

    def __str__(self) -> str:
        """Write the text form."""
        return f"{'top' if self.is_top else 'bottom'}({self.column})={self._bound()}"


@dataclass(frozen=True, slots=True)
class Averaged:
    """Numbers become the averages of groups of like rows.

    Args:
        columns: Columns of numbers, averaged together.
        k: Least people in a group, at least 2.
    """

    columns: tuple[str, ...]
    k: int

    def words(self, *, is_before: bool) -> Words:
        """Say what it protects and what not.

        Args:
            is_before: Whether it comes before the search, of quasi-identifiers, and not after.
        """
        protects = _AVERAGED_BEFORE if is_before else _AVERAGED_AFTER
        return Words(protects.format(columns=", ".join(self.columns), k=self.k), AVERAGED.leaves)

    def __str__(self) -> str:
        """Write the text form."""
        return f"microaggregate({','.join(self.columns)})={self.k}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A random share of the rows stays.

    Args:
        share: Above 0 and below 1.
    """

    share: Fraction

    @property
    def columns(self) -> tuple[str, ...]:
        """It is about no column."""
        return ()

    def words(self, *, is_before: bool) -> Words:
        """Say what it protects and what not; it comes before the search always."""
        del is_before
        return Words(DRAWN.protects.format(share=_decimal(self.share)), DRAWN.leaves)

    def __str__(self) -> str:
        """Write the text form."""
        return f"sample={_decimal(self.share)}"


Transform: TypeAlias = Capped | Averaged | Drawn

FORMS: Final[Mapping[str, str]] = {
    "top": "top(COLUMN)=NUMBER or top(COLUMN)=YYYY-MM-DD, such as 'top(age)=90'",
    "bottom": "bottom(COLUMN)=NUMBER or bottom(COLUMN)=YYYY-MM-DD, such as 'bottom(age)=18'",
    "microaggregate": "microaggregate(COLUMN)=PEOPLE, at least 2, such as 'microaggregate(income)=5'",
    "sample": "sample=SHARE, above 0 and below 1, such as sample=0.5",
}
"""How each transform is written."""

_TEXT = re.compile(r"(?P<name>[a-z]+)(?:\((?P<column>.+)\))?=(?P<number>[^=]*)\Z", re.DOTALL)
_LEAST = 2


def parse_transform(text: str) -> Transform:
    """Read a transform.

    Args:
        text: Such as ``top(age)=90``; ``FORMS`` lists how each is written.

    Returns:
        The transform, its numbers exact.

    Raises:
        CallerError: ``transform.unknown`` or ``transform.malformed``.
    """
    name = re.split(r"[(=]", text.strip(), maxsplit=1)[0].strip()
    if name not in FORMS:
        raise CallerError("transform.unknown", known=", ".join(FORMS))
    found = _TEXT.match(text.strip())
    made = None if found is None else _READERS[name](found["column"] or "", found["number"].strip())
    if made is None:
        raise CallerError("transform.malformed", transform=name, form=FORMS[name])
    return made


def parse_transforms(texts: Iterable[str]) -> tuple[Transform, ...]:
    """Read several transforms, in the order in which they are done.

    Args:
        texts: Their texts.

    Returns:
        The transforms, in that order.

    Raises:
        CallerError: As ``parse_transform``; ``transform.repeated`` or ``transform.bounds-crossed``.
    """
    made = tuple(parse_transform(text) for text in texts)
    seen: set[tuple[str, str]] = set()
    for each in made:
        kind = str(each).partition("(")[0].partition("=")[0]
        marks = {(kind, column) for column in each.columns} or {(kind, "")}
        if seen & marks:
            raise CallerError("transform.repeated", transform=str(each))
        seen |= marks
    _check_bounds(made)
    return made


def _check_bounds(made: Iterable[Transform]) -> None:
    capped = [each for each in made if isinstance(each, Capped)]
    tops = {each.column: each.bound for each in capped if each.is_top}
    for each in capped:
        if each.is_top or each.column not in tops:
            continue
        low, high = each.bound, tops[each.column]
        is_alike = type(low) is type(high) and getattr(low, "tzinfo", None) == getattr(high, "tzinfo", None)
        if not is_alike or low >= high:  # type: ignore[operator]
            raise CallerError("transform.bounds-crossed", column=each.column)


def _capped(column: str, number: str, *, is_top: bool) -> Capped | None:
    if not column.strip():
        return None
    if parse_decimal(number) is not None:
        return Capped(column.strip(), Decimal(number), is_top)
    try:
        instant = dt.datetime.fromisoformat(number)
        is_day = len(number) == len("2024-03-17")
        return Capped(column.strip(), instant.date() if is_day else instant, is_top)
    except ValueError:
        return None


def _averaged(columns: str, number: str) -> Averaged | None:
    named = tuple(part.strip() for part in columns.split(","))
    if "" in named or len(set(named)) < len(named) or not re.fullmatch(r"[0-9]{1,9}", number):
        return None
    return Averaged(named, int(number)) if int(number) >= _LEAST else None


def _drawn(column: str, number: str) -> Drawn | None:
    share = parse_decimal(number)
    return Drawn(share) if share is not None and 0 < share < 1 and not column else None


_READERS: Final[Mapping[str, Callable[[str, str], Transform | None]]] = {
    "top": lambda column, number: _capped(column, number, is_top=True),
    "bottom": lambda column, number: _capped(column, number, is_top=False),
    "microaggregate": _averaged,
    "sample": _drawn,
}


def _plain(number: Decimal) -> str:
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _decimal(share: Fraction) -> str:
    """Write a share that was read from a decimal, exactly."""
    places = 0
    while (share * 10**places).denominator != 1:
        places += 1
    return _plain(Decimal(int(share * 10**places)).scaleb(-places))
