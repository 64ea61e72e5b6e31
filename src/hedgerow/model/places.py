"""The words of places and habits: cells, time bands, trajectories, merchant categories, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Generic, TypeVar
from typing import Literal as OneOf

ANYWHERE: Final = "*"
"""The region outside all cells, and the top of every level."""

DAY_MINUTES: Final = 24 * 60

TimePart = OneOf["any", "year", "quarter", "month", "week", "day", "weekday", "weekend", "time"]
MerchantLevel = OneOf["code", "group", "sector"]

TRAJECTORY_STATEMENT: Final = (
    "Whoever knows up to {known} places and times of a person finds at least {k} people who fit, or none."
    " Somebody who knows more points, a person's absence, or a second release of the same people can"
    " still learn about a person: these are pseudonymised personal data, not anonymous ones."
)

TableT = TypeVar("TableT")


@dataclass(frozen=True, slots=True)
class CellRule:
    """How coordinates become cells.

    Args:
        least: People that every cell keeps, at least 2.
        finest_m: Edge in metres of a square as large as the finest cell allowed, 1 or more.
        strays: Largest share of the population, 0 to 1, that may be left to ``*`` so that one lonely
            place does not keep a whole country in one cell.
        outside: What becomes of points where the population has nobody: ``refuse`` or ``coarsest``,
            which is ``*``.
        missing: What becomes of rows without coordinates: ``refuse``, or ``keep`` them without a cell.
    """

    least: int = 1000
    finest_m: float = 250.0
    strays: Fraction = Fraction(1, 20)
    outside: OneOf["refuse", "coarsest"] = "refuse"
    missing: OneOf["refuse", "keep"] = "refuse"


@dataclass(frozen=True, slots=True)
class TimeBands:
    """How moments become bands.

    Args:
        parts: What is told of a moment, joined in this order: ``year``, ``quarter``, ``month``, ``week``
            (ISO 8601), ``day``, ``weekday`` (its name), ``weekend`` (or working day), ``time`` (the band
            of the day). ``any`` alone tells nothing.
        edges: Where bands of the day begin, in minutes after midnight, ascending, from 0 to 1439; the last
            band goes on to the first edge of the next day.
        weekend: Days of the weekend, Monday is 0.
        zone: The time zone that people live by, such as ``Europe/Berlin``, for moments that carry a
            zone; none for local times as written, which carry none.
    """

    parts: tuple[TimePart, ...] = ("weekend", "time")
    edges: tuple[int, ...] = (0, 360, 720, 1080)
    weekend: tuple[int, ...] = (5, 6)
    zone: str | None = None


HOURS: Final = tuple(range(0, DAY_MINUTES, 60))
"""Edges of the hours."""

CALENDAR: Final = (
    TimeBands(("day", "time"), HOURS),
    TimeBands(("day", "time")),
    TimeBands(("day",)),
    TimeBands(("week",)),
    TimeBands(("month",)),
    TimeBands(("any",)),
)
"""Ever coarser bands that keep the date: what happened when."""

HABITS: Final = (
    TimeBands(("weekday", "time"), HOURS),
    TimeBands(("weekday", "time")),
    TimeBands(("weekend", "time")),
    TimeBands(("time",)),
    TimeBands(("weekend",)),
    TimeBands(("any",)),
)
"""Ever coarser bands that keep no date: what people do at which time of the week."""


@dataclass(frozen=True, slots=True)
class MerchantRule:
    """How merchant category codes become categories.

    Args:
        level: The finest that is told: ``code`` where no code of its group betrays anything, ``group``
            or ``sector``.
        most_sensitive: Largest share, 0 to 1, of the rows of a released category whose codes betray
            something; above it the category is joined with its sector, and that with ``*``.
    """

    level: MerchantLevel = "group"
    most_sensitive: Fraction = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class TrajectoryRule:
    """What a release of trajectories keeps.

    Args:
        k: People whom any known points fit, at least 2.
        known: Points that an attacker knows of one person, 1 to 4.
        most_dropped: Largest share of the rows that may be dropped, 0 to 1.
        most_combinations: Combinations of points counted at once (about 40 bytes each); a pair of levels that
            would need more is not claimed.
    """

    k: int = 5
    known: int = 4
    most_dropped: Fraction = Fraction(1, 10)
    most_combinations: int = 8_000_000


@dataclass(frozen=True, slots=True)
class CellsTable(Generic[TableT]):
    """A table whose coordinates became cells.

    Args:
        table: The table, of the kind the caller gave, without the coordinates.
        cells: Distinct cells in it, ``*`` among them.
        outside_rows: Rows in ``*``.
        missing_rows: Rows without a cell.
        finest_m: Edge in metres of a square as large as the smallest cell in it.
        label: ``"pseudonymised"``: cells alone make nobody anonymous.
    """

    table: TableT = field(repr=False)
    cells: int
    outside_rows: int
    missing_rows: int
    finest_m: float
    label: str = "pseudonymised"


@dataclass(frozen=True, slots=True)
class MerchantsTable(Generic[TableT]):
    """A table whose merchant codes became categories.

    Args:
        table: The table, of the kind the caller gave, without the codes.
        sensitive_rows: Rows whose code betrayed something.
        unlisted_rows: Rows whose code is in no table of categories; they are ``other``.
        joined: Categories that were joined with their sector or ``*``, since too many of their rows were
            sensitive.
        most_sensitive: Highest share of sensitive rows in a released category below ``*``.
        label: ``"pseudonymised"``: categories alone make nobody anonymous.
    """

    table: TableT = field(repr=False)
    sensitive_rows: int
    unlisted_rows: int
    joined: tuple[str, ...]
    most_sensitive: Fraction
    label: str = "pseudonymised"


@dataclass(frozen=True, slots=True)
class PointRisk:
    """How often a few points of a person single the person out.

    Args:
        points: Points drawn of each person; of those who have fewer, all.
        people: People tried.
        alone: People whose points fit exactly one trajectory.
        nobody: People whose points fit no trajectory of the table.
        fewest: Fewest trajectories that a person's points fit, where they fit any; 0 where none did.
        seed: Seed of the draw.
        low: Lower end of the 95% interval of the share (Wilson).
        high: Upper end of it.
    """

    points: int
    people: int
    alone: int
    nobody: int
    fewest: int
    seed: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Share of the people who were singled out."""
        return self.alone / self.people


@dataclass(frozen=True, slots=True)
class TrajectoryTable(Generic[TableT]):
    """Trajectories of which no few points single anyone out.

    Args:
        table: The released rows, of the kind the caller gave: person, place, time, each once.
        place_level: Level of the places; 0 is as given.
        time_level: Place of the time bands in the ladder given; 0 is the finest.
        time_bands: Those bands.
        rows: Rows given.
        dropped_rows: Rows whose point was dropped.
        people: People given.
        released_people: People who keep at least one point.
        k: People whom any known points fit.
        known: Points that an attacker may know.
        fewest: Fewest people of any combination released, recounted on the table.
        combinations: Combinations counted for that.
        tried: Pairs of levels tried, and those whose count was beyond the limit.
        before: Risk from points of the rows given, at the finest levels.
        after: Risk from points of the released rows.
        label: ``"pseudonymised"``.
    """

    table: TableT = field(repr=False)
    place_level: int
    time_level: int
    time_bands: TimeBands
    rows: int
    dropped_rows: int
    people: int
    released_people: int
    k: int
    known: int
    fewest: int
    combinations: int
    tried: tuple[int, int]
    before: PointRisk
    after: PointRisk
    label: str = "pseudonymised"

    @property
    def dropped(self) -> Fraction:
        """Share of the rows that was dropped."""
        return Fraction(self.dropped_rows, self.rows)

    @property
    def statement(self) -> str:
        """What it protects and what not."""
        return TRAJECTORY_STATEMENT.format(known=self.known, k=self.k)
