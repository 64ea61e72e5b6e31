"""Which released cells contain a value: intervals, sets, redacted codes, calendar steps, hierarchy labels."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*(?:-|\u2013|to|\.\.)\s*({_NUMBER})")
_BRACKETS = re.compile(r"([\[\](])\s*([^,;]+?)\s*[,;]\s*([^,;]+?)\s*([\[\])])")
_ONE_SIDED = re.compile(rf"(<=|>=|<|>|\u2264|\u2265)\s*({_NUMBER})")
_FROM = re.compile(rf"({_NUMBER})\s*\+")
_SET = re.compile(r"\{(.*)\}")
_MONTH_OR_YEAR = re.compile(r"\d{4}(?:-\d{2}){0,2}")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_DECADE = re.compile(r"(\d{3})0s")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}.*")


@dataclass(frozen=True, slots=True)
class Between:
    """An interval of numbers or dates, as a released cell writes it.

    Args:
        low: Lower end.
        high: Upper end.
        has_low: Whether the lower end itself lies in it.
        has_high: Whether the upper end itself lies in it.
    """

    low: float
    high: float
    has_low: bool = True
    has_high: bool = True

    def holds(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell for each number whether it lies in the interval; what is no number does not."""
        above = numbers >= self.low if self.has_low else numbers > self.low
        below = numbers <= self.high if self.has_high else numbers < self.high
        return np.asarray(above & below, dtype=np.bool_)


def between(label: str) -> Between | None:
    """Read a released cell as an interval.

    Args:
        label: Such as ``35-39``, ``35 to 39``, ``[20, 40[``, ``(20, 40]``, ``>=65``, ``<18`` or ``65+``.

    Returns:
        The interval; none when it is written otherwise. Ends of whole numbers reach to the next one, so
        that 39.5 lies in ``35-39``.
    """
    if found := _RANGE.fullmatch(label):
        low, high = float(found[1]), float(found[2])
        is_whole = low.is_integer() and high.is_integer()
        return Between(low, high + 1, has_high=False) if is_whole else Between(low, high)
    if found := _BRACKETS.fullmatch(label):
        low, high = number(found[2]), number(found[3])
        if math.isnan(low) or math.isnan(high):
            return None
        return Between(low, high, has_low=found[1] == "[", has_high=found[4] == "]")
    if found := _ONE_SIDED.fullmatch(label):
        end, has_end = float(found[2]), found[1] in ("<=", ">=", "\u2264", "\u2265")
        if found[1] in ("<", "<=", "\u2264"):
            return Between(-math.inf, end, has_high=has_end)
        return Between(end, math.inf, has_low=has_end)
    if found := _FROM.fullmatch(label):
        return Between(float(found[1]), math.inf)
    return None


def number(text: str | None) -> float:
    """Read a value as a number, or an ISO date as its day; not a number where it is neither."""
    if text is None:
        return math.nan
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(dt.date.fromisoformat(text[:10]).toordinal()) if _ISO_DATE.fullmatch(text) else math.nan
    except ValueError:
        return math.nan


def containing(
    values: Sequence[str | None], labels: Sequence[str | None], hierarchy: Hierarchy | None = None
) -> tuple[Ints, Ints]:
    """Tell which values each released label contains.

    Args:
        values: Distinct values as collected; none is a missing one.
        labels: Distinct released texts; a missing one and ``*`` contain every value.
        hierarchy: The column's hierarchy, if known.

    Returns:
        Pairs of value and label by their places, in no order. A label that is itself a value contains that
        value and what the hierarchy says; a missing value lies only in a missing label or in ``*``.
    """
    column = _Values(values, hierarchy)
    inside = [column.inside(label) for label in labels]
    sizes = np.asarray([len(places) for places in inside], dtype=np.int64)
    flat = np.concatenate([*inside, np.empty(0, dtype=np.int64)]).astype(np.int64)
    return flat, np.repeat(np.arange(len(labels), dtype=np.int64), sizes)


class _Values:
    """The distinct values of a column, ready to be looked up by what a label says."""

    def __init__(self, values: Sequence[str | None], hierarchy: Hierarchy | None) -> None:
        self.texts = values
        self.everything = np.arange(len(values), dtype=np.int64)
        self.places = {text: place for place, text in enumerate(values) if text is not None}
        self.numbers = np.asarray([number(text) for text in values], dtype=np.float64)
        self.equal: dict[float, list[int]] = {}
        for place, value in enumerate(self.numbers.tolist()):
            if not math.isnan(value):
                self.equal.setdefault(value, []).append(place)
        self.groups = _groups(hierarchy, self.places)
        self.prefixes: dict[int, dict[str, list[int]]] = {}

    def inside(self, label: str | None) -> Ints:
        """The places of the values that a label contains."""
        if label is None or label == ANY_VALUE:
            return self.everything
        found = set(self.groups.get(label, ()))
        if label in self.places:
            return _sorted({*found, self.places[label]})
        return _sorted(found.union(*self._written(label)))

    def _written(self, label: str) -> Iterator[Iterable[int]]:
        """What the label says by the way it is written."""
        if (interval := between(label)) is not None:
            yield np.flatnonzero(interval.holds(self.numbers)).tolist()
        if not math.isnan(exact := number(label)):
            yield self.equal.get(exact, ())
        if found := _SET.fullmatch(label):
            members = (text.strip() for text in found[1].split(","))
            yield (self.places[text] for text in members if text in self.places)
        if label.endswith(ANY_VALUE):
            yield (p for p in self._starting(label.rstrip(ANY_VALUE)) if self._length(p) <= len(label))
        if _MONTH_OR_YEAR.fullmatch(label):
            yield (p for p in self._starting(label) if self._is_date(p))
        elif found := _QUARTER.fullmatch(label):
            months = range(3 * int(found[2]) - 2, 3 * int(found[2]) + 1)
            yield (p for m in months for p in self._starting(f"{found[1]}-{m:02}") if self._is_date(p))
        elif found := _DECADE.fullmatch(label):
            yield (p for p in self._starting(found[1]) if self._is_date(p))

    def _starting(self, prefix: str) -> list[int]:
        size = len(prefix)
        if size not in self.prefixes:
            by_prefix: dict[str, list[int]] = {}
            for text, place in self.places.items():
                by_prefix.setdefault(text[:size], []).append(place)
            self.prefixes[size] = by_prefix
        return self.prefixes[size].get(prefix, [])

    def _length(self, place: int) -> int:
        return len(self.texts[place] or "")

    def _is_date(self, place: int) -> bool:
        return _ISO_DATE.fullmatch(self.texts[place] or "") is not None


def _sorted(places: set[int]) -> Ints:
    return np.asarray(sorted(places), dtype=np.int64)


def _groups(hierarchy: Hierarchy | None, places: dict[str, int]) -> dict[str, set[int]]:
    """Which of the values stand under each label of a hierarchy, at any level."""
    found: dict[str, set[int]] = {}
    if hierarchy is None:
        return found
    known = [(code, places[text]) for code, text in enumerate(hierarchy.values) if text in places]
    for groups, labels in zip(hierarchy.maps, hierarchy.labels, strict=True):
        for code, place in known:
            found.setdefault(labels[groups[code]], set()).add(place)
    return found
