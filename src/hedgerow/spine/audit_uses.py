"""Uses, each against the rules that were in force at its entry: also where a record was put back since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import cast

from hedgerow.model.errors import Fault
from hedgerow.model.periods import period_at
from hedgerow.model.records import Account
from hedgerow.model.uses import Json
from hedgerow.spine.approving import GRANT
from hedgerow.spine.balance import POPULATION, Standing, standing_of
from hedgerow.spine.catalog import RIGHTS_PURPOSE
from hedgerow.spine.facts import MOST_FAILURES
from hedgerow.spine.followed import SPENDING, Followed, Where
from hedgerow.spine.ledger import LOCAL, added, after, fresh_account, read_told
from hedgerow.spine.outside import Spent
from hedgerow.spine.several import datasets_told, debits_told
from hedgerow.spine.stored import GIVEN

Entry = Mapping[str, Json]
Told = Mapping[str, Mapping[object, object]]
REPLAY = "use.replay"
FIND, MOST_FAILED, MOST_SEARCHES = "subject.find", 20, 200
_NOTHING = Spent(Fraction(0), Fraction(0), ())
_A_DAY = timedelta(days=1)


class UseRules:
    """Follows the journal and refuses a use that no journaled rule would have let through.

    An entry of an older version does not say what it rests on; of that its cost alone is checked.
    """

    def __init__(self) -> None:
        self._followed = Followed()
        self._of_one: set[int] = set()
        self._days: dict[Where, dict[date, Account]] = {}
        self._failed: dict[str, list[datetime]] = {}
        self._searched: dict[str, list[tuple[datetime, bool]]] = {}

    def heed(self, entry: Entry, told: Told, purposes: Mapping[str, tuple[str, str, str | None]]) -> None:
        """Hear the next entry.

        Args:
            entry: The entry.
            told: What the entries before tell of policies, roles, declarations, bases and limits.
            purposes: What they tell of purposes; the second member is the last day.

        Raises:
            Fault: ``records.rule-broken``.
        """
        facts = cast("Entry", entry["facts"])
        if entry["action"] == "use.intend":
            self._check_cost(entry, facts, told)
            _check_purpose(entry, facts, told, purposes)
            self._check_failures(entry, facts)
            _check_derived(entry, facts, told)
            _check_public(entry, facts, told)
        elif entry["action"] == LOCAL:
            self._check_cost(entry, facts, told)
            until = purposes.get(str(facts["for"]), ("", "", None))[1]
            _require(until >= _time(entry).date().isoformat(), entry, "its purpose was over, or never was")
        elif entry["action"] in (REPLAY, GIVEN):
            _check_purpose(entry, facts, told, purposes)
        if entry["action"] == GIVEN:
            _check_version(entry, facts, told)
            _check_public(entry, facts, told)
        if entry["action"] in ("use.intend", REPLAY, GIVEN, GRANT):
            _check_permission(entry, facts, told)
        elif entry["action"] == "use.fail":
            self._count_failure(entry, facts)
        elif entry["action"] == FIND:
            self._check_search(entry, facts)
        self._followed.heed(entry)
        if entry["action"] in SPENDING and facts["cost"] is not None:
            day = _time(entry).date()
            for where in debits_told(facts):
                days = self._days.setdefault(where, {})
                days[day] = after(days.get(day) or fresh_account(*where), read_told(facts["cost"]))

    def _check_cost(self, entry: Entry, facts: Entry, told: Told) -> None:
        if facts["cost"] is None:
            return
        cost = read_told(facts["cost"])
        for where in debits_told(facts):
            whose = "population" if where == POPULATION else "purpose"
            fits = self._standing(where, told).admits(cost)
            _require(fits, entry, f"its cost is beyond the limit of the {whose}")
            for standing in self._periods(where, told, _time(entry).date()):
                _require(standing.admits(cost), entry, f"its cost is beyond a period's limit of the {whose}")

    def _check_failures(self, entry: Entry, facts: Entry) -> None:
        if facts["lease"] == "person":
            self._of_one.add(cast("int", entry["index"]))
        acting, since = _acting(entry), _time(entry) - _A_DAY
        recent = self._failed[acting] = [time for time in self._failed.get(acting, []) if time >= since]
        told = "rests_on" in facts
        _require(
            not told or len(recent) < MOST_FAILURES, entry, "it comes after too many failures of the day"
        )

    def _count_failure(self, entry: Entry, facts: Entry) -> None:
        if facts["intent"] not in self._of_one and facts.get("code") != "request.withdrawn":
            self._failed.setdefault(_acting(entry), []).append(_time(entry))

    def _check_search(self, entry: Entry, facts: Entry) -> None:
        acting, now = _acting(entry), _time(entry)
        recent = [each for each in self._searched.get(acting, []) if each[0] >= now - _A_DAY]
        is_within = sum(not is_hit for _, is_hit in recent) < MOST_FAILED and len(recent) < MOST_SEARCHES
        _require(is_within, entry, "it comes after too many searches of the day")
        self._searched[acting] = [*recent, (now, facts["hits"] != 0)]

    def _periods(self, where: Where, told: Told, day: date) -> Iterator[Standing]:
        """Tell how an account stood against each limit of a period that held on a day, before a charge."""
        for key, said in told["periods"].items():
            dataset, purpose, name = cast("tuple[str, str, str]", key)
            starts, ends, *limit = cast("tuple[str, str, str, str]", said)
            period = period_at((name, starts, ends), day) if (dataset, purpose) == where else None
            if period is not None:
                days = self._days.get(where, {}).items()
                total = added(fresh_account(*where), (each for at, each in days if period.holds(at)))
                unknown = self._followed.unknown_since
                yield standing_of(total, (limit[0], limit[1]), unknown, period)

    def _standing(self, where: Where, told: Told) -> Standing:
        told_limit, spent = told["budgets"].get(where), self._followed.spent.get(where, _NOTHING)
        epsilon, delta = cast("tuple[str, str]", told_limit or ("0", "0"))
        limit = Fraction(epsilon) if told_limit is not None else None
        unknown = self._followed.unknown_since
        return Standing(
            *where,
            limit,
            spent.epsilon,
            spent.rho,
            spent.apart,
            unknown,
            Fraction(delta),
            spent.pure_rho,
            spent.delta,
        )


def _check_permission(entry: Entry, facts: Entry, told: Told) -> None:
    """Check that whoever acts had the roles, and that the policies were those applied last."""
    rests = cast("Entry | None", facts.get("rests_on"))
    if rests is None:
        return
    policies = cast("Mapping[int, str]", told["policies"])
    _require(rests["policy"] == policies[max(policies)], entry, "its policies are not those applied last")
    roles = told["principals"].get(_acting(entry))
    _require(rests["roles"] == roles, entry, "nobody gave these roles to who acts")


def _check_version(entry: Entry, facts: Entry, told: Told) -> None:
    """Check that an answer given again is of the versions that acts had brought its data sets to."""
    versions = cast("Entry", facts["versions"])
    others = cast("Entry", versions.get("others") or {})
    read: dict[str, Json] = {str(facts["dataset"]): versions["dataset"], **others}
    _require(read.keys() == set(datasets_told(facts)), entry, "it gives an answer of other data sets")
    for name, read_version in read.items():
        version, is_dropped = cast("tuple[int, bool]", told["data sets"].get(name, (0, True)))
        _require(read_version == version and not is_dropped, entry, "it gives an answer of another version")


def _check_purpose(
    entry: Entry, facts: Entry, told: Told, purposes: Mapping[str, tuple[str, str, str | None]]
) -> None:
    """Check what the data sets may serve, until when, and what was declared of each last."""
    rests = cast("Entry | None", facts.get("rests_on"))
    if rests is None:
        return
    purpose = str(facts["purpose"])
    first = {"basis": facts["basis"], "declaration": rests["declaration"]}
    said: dict[str, Entry] = {str(facts["dataset"]): first, **_of_others(facts)}
    for name, each in said.items():
        newest = _declared_last(told, name)
        _require(each["declaration"] == newest, entry, "it rests on another declaration than the last")
    if purpose == RIGHTS_PURPOSE:
        return
    until = purposes[purpose][1] if purpose in purposes else None
    _require(rests["until"] == until, entry, "its purpose ends on another day")
    for name, each in said.items():
        basis = told["lawful bases"].get((name, purpose))
        _require(each["basis"] == basis, entry, "its lawful basis is another")


def _of_others(facts: Entry) -> Mapping[str, Entry]:
    """Read what a use tells of its further data sets; a replay names them alone, and opens none of them."""
    others = facts.get("others")
    return cast("Mapping[str, Entry]", others) if isinstance(others, Mapping) else {}


def _declared_last(told: Told, dataset: str) -> object:
    declared = {
        cast("tuple[str, int]", key)[1]: body
        for key, body in told["declarations"].items()
        if cast("tuple[str, int]", key)[0] == dataset
    }
    return declared[max(declared)] if declared else None


def _check_derived(entry: Entry, facts: Entry, told: Told) -> None:
    """Check that a use is charged to all that its data sets come from, as collections told."""
    used = set(datasets_told(facts))
    found, left = set(used), list(used)
    while left:
        name = left.pop()
        above = {cast("tuple[str, str]", pair)[1] for pair in told["derivations"] if _first(pair) == name}
        left += above - found
        found |= above
    charged = set(cast("Iterable[str]", facts.get("come_from") or ()))
    _require(
        charged == (found - used if facts["cost"] is not None else set()),
        entry,
        "it is not charged to what its data set comes from",
    )


def _first(pair: object) -> str:
    return cast("tuple[str, str]", pair)[0]


def _check_public(entry: Entry, facts: Entry, told: Told) -> None:
    """Check that a use was joined with tables only that were public then, as they were declared."""
    for name, body in cast("Mapping[str, str]", facts.get("public") or {}).items():
        _, declared, _ = cast("tuple[int, str, str]", told["public tables"].get(name, (0, "", "")))
        _require(bool(body) and body == declared, entry, "it is joined with a table that was not public")


def _acting(entry: Entry) -> str:
    return cast("Mapping[str, str]", entry["actor"])["as"]


def _time(entry: Entry) -> datetime:
    return datetime.fromisoformat(str(entry["time"]))


def _require(holds: bool, entry: Entry, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Fault("records.rule-broken", index=entry["index"], rule=rule)
