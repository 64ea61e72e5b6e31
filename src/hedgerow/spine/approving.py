"""What the journal tells of approvals, and what their records say; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import Fault
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.records import Approval
from hedgerow.model.uses import Actor, Json

PENDING, GRANTED, DENIED, USED, EXPIRED = "pending", "granted", "denied", "used", "expired"
OPEN = frozenset({PENDING, GRANTED})
ASKED, GRANT, DENY, USE, EXPIRE = (
    f"approval.{what}" for what in ("request", "grant", "deny", "use", "expire")
)
_ENDS = {DENY: DENIED, USE: USED, EXPIRE: EXPIRED}
STEPS = (ASKED, GRANT, *_ENDS)
_USES = ("use.intend", "use.stored")
_ALWAYS = ("token.open",)
Told = Mapping[str, Json]
Roles = Mapping[str, frozenset[str]]


def request_facts(record: Approval) -> dict[str, Json]:
    """Write a request as the journal keeps it.

    What was asked is bound by hashes salted with the random id, by which nobody can tell whether two
    requests were the same.
    """
    return {
        "approval": record.id,
        "act": record.act,
        "dataset": record.dataset,
        "purpose": record.purpose,
        "bound": digest([record.id, record.binding]),
        "summary": digest([record.id, record.summary]),
        "words": digest([record.id, record.words]),
        "needs": json.loads(record.needs),
        "requested": record.requested,
        "expires": record.expires,
    }


def recorded(record: Approval) -> Told:
    """Tell of a record what the journal must tell as well; the caller's words are kept while it is open."""
    return {
        **_open_facts(record.state, request_facts(record)),
        "requester": {"as": record.requested_by, "by": record.requested_login},
        "state": record.state,
        "votes": [{"as": vote["as"], "by": vote["by"]} for vote in votes_of(record)],
        "entries": [record.asked_entry, record.entry],
    }


def told(entries: Iterable[Mapping[str, Json]]) -> dict[object, Told]:
    """Replay what entries of the journal tell of approvals, by id; the rules of ``specs/approval.md`` hold.

    Args:
        entries: In the order of the journal; of each approval among them the request too.

    Raises:
        Fault: ``approval.rule-broken`` at the first entry that breaks a rule.
    """
    found: dict[object, Told] = {}
    named: set[object] = set()
    for entry in entries:
        heed(found, named, entry)
    return found


def heed(found: dict[object, Told], named: set[object], entry: Mapping[str, Json]) -> None:
    """Hear the next entry of the journal.

    Args:
        found: What was told of approvals so far, by id; changed.
        named: The approvals that a use was opened with; changed.
        entry: The entry.

    Raises:
        Fault: ``approval.rule-broken``.
    """
    action, facts = str(entry["action"]), cast("Told", entry["facts"])
    name = facts.get("approval")
    if action == ASKED:
        _require(name not in found, entry, "it was asked for before")
        found[name] = {
            **facts,
            "requester": entry["actor"],
            "state": PENDING,
            "votes": [],
            "entries": [entry["index"], entry["index"]],
        }
    elif action in STEPS:
        found[name] = _next(found.get(name), action, entry)
    elif action in _ALWAYS or (action in _USES and name is not None):
        is_used = found.get(name, {}).get("state") == USED
        _require(is_used and name not in named, entry, "the use names no approval of its own")
        named.add(name)


def _next(before: Told | None, action: str, entry: Mapping[str, Json]) -> Told:
    _require(before is not None, entry, "it was not asked for")
    before = before or {}
    _check_step(before, action, entry)
    votes = cast("list[Json]", before["votes"])
    voted = [*votes, entry["actor"]] if action in (GRANT, DENY) else votes
    state = cast("Told", entry["facts"])["state"] if action == GRANT else _ENDS[action]
    asked = cast("list[Json]", before["entries"])[0]
    after = {**before, "state": state, "votes": voted, "entries": [asked, entry["index"]]}
    return _open_facts(str(state), after)


def _check_step(before: Told, action: str, entry: Mapping[str, Json]) -> None:
    state, requester = str(before["state"]), cast("Mapping[str, str]", before["requester"])
    actor = cast("Mapping[str, str]", entry["actor"])
    _require(state in OPEN, entry, f"it was {state} before")
    if action == GRANT:
        _require(state == PENDING, entry, "it was granted before")
        is_other = are_apart(Actor(actor["by"], actor["as"]), Actor(requester["by"], requester["as"]))
        _require(is_other, entry, "whoever asked for it granted it")
    elif action == USE:
        _require(state == GRANTED, entry, "it is used and was not granted")
        _require(actor == requester, entry, "somebody else asked for it")
        _require(str(entry["time"]) < str(before["expires"]), entry, "it is used after its time")


def _require(holds: bool, entry: Mapping[str, Json], rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Fault("approval.rule-broken", index=entry["index"], rule=rule)


def _open_facts(state: str, facts: Told) -> Told:
    return facts if state in OPEN else {name: value for name, value in facts.items() if name != "words"}


def roles_told(entries: Iterable[Mapping[str, Json]]) -> Roles:
    """Tell the roles of each who granted, when they did, of the proven entries of one approval."""
    roles: dict[str, frozenset[str]] = {}
    for entry in entries:
        rests = cast("Told", entry["facts"]).get("rests_on")
        if entry["action"] == GRANT and rests is not None:
            actor = cast("Mapping[str, str]", entry["actor"])
            roles[actor["as"]] = frozenset(cast("list[str]", cast("Told", rests)["roles"]))
    return roles


def votes_of(record: Approval) -> list[dict[str, str]]:
    """Read who decided: ``as``, ``by`` and ``time`` of each."""
    return cast("list[dict[str, str]]", json.loads(record.votes))


def needs_of(record: Approval) -> tuple[ApprovalNeed, ...]:
    """Read who must grant it."""
    return tuple(ApprovalNeed(role, count) for role, count in json.loads(record.needs))


def needs_text(needs: Iterable[ApprovalNeed]) -> str:
    """Write who must grant for the record."""
    return canonical(sorted([need.role, need.people] for need in strictest(needs))).decode()


def strictest(needs: Iterable[ApprovalNeed]) -> tuple[ApprovalNeed, ...]:
    """Join what several permits ask for: of each role the most people, of all the fewest days."""
    asked = tuple(needs)
    days = min((need.days for need in asked), default=0)
    counts: dict[str, int] = {}
    for need in asked:
        counts[need.role] = max(need.people, counts.get(need.role, 0))
    return tuple(ApprovalNeed(role, count, days) for role, count in sorted(counts.items()))


def worded(needs: Iterable[ApprovalNeed]) -> str:
    """Say who must grant, for example ``"the role privacy-officer"``."""
    return " and ".join(
        f"the role {need.role}" if need.people == 1 else f"{need.people} people of the role {need.role}"
        for need in needs
    )


def are_apart(one: Actor, other: Actor) -> bool:
    """Tell whether two who act can be two people.

    Neither may act in the name of the other, nor in the name under which the other was authenticated:
    the owner of a local workspace stands behind each name, and so is nobody's second person.
    """
    return one.acting_as not in (other.acting_as, other.principal) and other.acting_as not in (
        one.acting_as,
        one.principal,
    )
