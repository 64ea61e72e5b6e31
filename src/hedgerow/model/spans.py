"""The bounds of a column of dates or of points in time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

_DATE_LENGTH = 10
_MOMENT = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"
_SPAN = re.compile(rf"({_MOMENT}):({_MOMENT})")


@dataclass(frozen=True, slots=True)
class Span:
    """Bounds in time, inclusive; points in time are of UTC.

    Args:
        first: A date, or a point in time without a zone.
        last: The same; among points in time a date stands for all of its day.

    Raises:
        ValueError: When the first is after the last.
    """

    first: date | datetime
    last: date | datetime

    def __post_init__(self) -> None:
        """Refuse bounds upside down."""
        if self.moments[0] > self.moments[1]:
            raise ValueError("the first of a span is not after its last")

    @classmethod
    def of(cls, first: object, last: object) -> Span:
        """Take both bounds as dates, points in time, or text in ISO 8601.

        Args:
            first: The earlier one.
            last: The later one.

        Raises:
            ValueError: When one is none of these, or the first is after the last.
        """
        return cls(_moment(first), _moment(last))

    @classmethod
    def read(cls, text: str) -> Span | None:
        """Read ``FIRST:LAST``; none where the text has not that form.

        Args:
            text: Two dates, or points in time, with a colon between them.

        Raises:
            ValueError: For a day or an hour that is in no calendar, or the first after the last.
        """
        found = _SPAN.fullmatch(text)
        return None if found is None else cls.of(found[1], found[2])

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day."""
        return _day(self.first), _day(self.last)

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first and the last second."""
        last = self.last if isinstance(self.last, datetime) else datetime.combine(self.last, time(23, 59, 59))
        first = self.first if isinstance(self.first, datetime) else datetime.combine(self.first, time())
        return first, last

    def texts(self) -> list[str]:
        """Write both in ISO 8601."""
        return [self.first.isoformat(), self.last.isoformat()]


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _moment(given: object) -> date | datetime:
    if isinstance(given, str):
        given = date.fromisoformat(given) if len(given) == _DATE_LENGTH else datetime.fromisoformat(given)
    if isinstance(given, datetime):
        plain = given if given.tzinfo is None else given.astimezone(UTC).replace(tzinfo=None)
        return plain.replace(microsecond=0)
    if isinstance(given, date):
        return given
    raise ValueError("neither a date nor a point in time")
