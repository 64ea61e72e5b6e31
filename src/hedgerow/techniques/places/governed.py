"""Trajectories as the gate knows them: a wish as plain values, one event, rows leased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

from hedgerow.kernel.anonymity.hierarchies import from_rows
from hedgerow.kernel.places.trajectories import check_rule
from hedgerow.model.budget import NonPrivateEvent, parse_ratio, show_exact
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError
from hedgerow.model.places import CALENDAR, HABITS, TrajectoryRule, TrajectoryTable
from hedgerow.model.uses import ArrowTable, DatasetView, Grant, Json, Lease, Plan, Release, UseRequest
from hedgerow.model.words import ColumnType
from hedgerow.techniques.places.visits import Asked, released, with_zone

NAME = "trajectories"
LADDERS = {"calendar": CALENDAR, "habits": HABITS}
OBLIGATIONS = (
    "label the release pseudonymised, never anonymous",
    "show exact risk and counts to the privacy officer only",
    "record who is in the release, so that an erasure names it",
    "count every later epsilon as apart from this release",
)
_PAIR = 2
_MOMENTS = (ColumnType.TIMESTAMP, ColumnType.DATE)
_NUMBERS = (ColumnType.DECIMAL, ColumnType.INTEGER)


@dataclass(frozen=True, slots=True)
class TrajectoryPlan:
    """What a release of trajectories will do, decided before any data is opened."""

    asked: Asked = field(repr=False)
    release: str

    @property
    def places(self) -> tuple[str, ...]:
        """The columns of places."""
        return (self.asked.place,) if isinstance(self.asked.place, str) else self.asked.place

    @property
    def grant(self) -> Grant:
        """The columns that are read, as rows."""
        return Grant(frozenset([*self.places, self.asked.time]), "rows")

    @property
    def cost(self) -> NonPrivateEvent:
        """No differential privacy: the release is named ever after."""
        return NonPrivateEvent(self.release)

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before data is opened."""
        rule = self.asked.rule
        return {
            "technique": NAME,
            "k": rule.k,
            "known": rule.known,
            "place": list(self.places),
            "time": self.asked.time,
            "most_dropped": str(rule.most_dropped),
            "obligations": list(OBLIGATIONS),
        }


class GovernedTrajectories:
    """Releases trajectories of people whose basis covers the purpose; no few points single anyone out.

    Guarantee:
        As ``hedgerow.places.trajectories``, of the leased people alone.
    """

    name = NAME
    action = "release"

    def plan(self, request: UseRequest, dataset: DatasetView) -> TrajectoryPlan:
        """Decide what is needed.

        Args:
            request: ``parameters`` holds ``release`` (its id), ``place`` (one or two names), ``time``, ``k``,
                ``known``, ``most_dropped`` (exact text), ``finest_m`` (exact text), ``ladder`` (``calendar``
                or ``habits``), ``zone`` (or none) and ``hierarchy`` (rows of value and its levels, or none).
            dataset: The data set.

        Raises:
            CallerError: For parameters or columns that do not fit.
        """
        asked = _asked(request.parameters)
        check_rule(asked.rule)
        plan = TrajectoryPlan(asked, str(request.parameters["release"]))
        is_pair = len(plan.places) == _PAIR
        for name in plan.places:
            _check(dataset, name, _NUMBERS if is_pair else tuple(ColumnType), "numbers")
        _check(dataset, asked.time, _MOMENTS, "timestamps or dates")
        return plan

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Make the release from the leased rows."""
        asked = cast("TrajectoryPlan", plan).asked
        made = released(lease.rows(), asked)
        payload: dict[str, Json] = {
            "columns": ["person", *made.table.column_names[1:]],
            "types": [str(each.type) for each in made.table.schema],
            "rows": [list(row) for row in zip(*made.table.to_pydict().values(), strict=True)],
            "label": made.label,
        }
        mechanism = f"trajectories: any {made.known} points fit {made.k} people"
        return Release(payload, mechanism, person_level=True, summary=summary_of(made))


def _asked(given: Mapping[str, Json]) -> Asked:
    place = [str(name) for name in cast("Sequence[str]", given["place"])]
    ladder, rows = str(given.get("ladder") or "calendar"), given.get("hierarchy")
    if ladder not in LADDERS:
        raise CallerError("places.choice", name="ladder", choices=", ".join(LADDERS))
    named = [*place, str(given["time"])]
    if not 1 <= len(place) <= _PAIR or len(set(named)) < len(named):
        raise CallerError("places.repeated-column", column=", ".join(place))
    rule = TrajectoryRule(
        cast("int", given["k"]), cast("int", given["known"]), _exact(given.get("most_dropped") or "0.1")
    )
    return Asked(
        person=PERSON,
        place=place[0] if len(place) == 1 else (place[0], place[1]),
        time=str(given["time"]),
        rule=rule,
        hierarchy=None if rows is None else from_rows(cast("Sequence[Sequence[str]]", rows)),
        finest_m=float(_exact(given.get("finest_m") or "250")),
        ladder=with_zone(LADDERS[ladder], cast("str | None", given.get("zone"))),
        seed=0,
    )


def _exact(text: Json) -> Fraction:
    read = parse_ratio(str(text))
    if read is None:
        raise CallerError("places.trajectory-rule", why="a share or a length is no number")
    return read


def _check(dataset: DatasetView, name: str, kinds: Sequence[ColumnType], wanted: str) -> None:
    column = dataset.column(name)
    if column is None:
        raise CallerError("places.unknown-column", column=name)
    if column.in_vault:
        raise CallerError("column.in-vault", column=name, dataset=dataset.name)
    if column.type not in kinds:
        raise CallerError("places.column-type", column=name, type=str(column.type), wanted=wanted)


def summary_of(made: TrajectoryTable[ArrowTable]) -> dict[str, Json]:
    """Write what the privacy officer may know of a release.

    Args:
        made: The release.
    """
    before, after = made.before, made.after
    return {
        "k": made.k,
        "known_points": made.known,
        "label": made.label,
        "limits": made.statement,
        "rows": made.table.num_rows,
        "people": made.released_people,
        "people_left_out": made.people - made.released_people,
        "dropped_share": show_exact(round(made.dropped, 4), 4),
        "place_level": made.place_level,
        "time_bands": list(made.time_bands.parts),
        "fewest_people": made.fewest,
        "combinations_counted": made.combinations,
        "levels_tried": list(made.tried),
        "singled_out_before": [before.alone, before.people],
        "singled_out_after": [after.alone, after.people],
        "statements": [made.statement, _measured(made), _counted(made)],
    }


def _measured(made: TrajectoryTable[ArrowTable]) -> str:
    before, after = made.before, made.after
    return (
        f"{before.points} random points of a person fit that person alone for {before.alone:,} of"
        f" {before.people:,} people in the rows, and for {after.alone:,} of {after.people:,} in the release."
    )


def _counted(made: TrajectoryTable[ArrowTable]) -> str:
    return (
        f"{made.combinations:,} combinations of points were counted on the table; the rarest is of"
        f" {made.fewest:,} people."
    )
