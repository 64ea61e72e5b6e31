"""Approvals: what one asks for and another must grant before it is done, once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

from hedgerow.model.canonical import canonical, digest, timestamp
from hedgerow.model.errors import CallerError, Fault, HedgerowError, Refused
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import Approval, JournalEntry, Principal
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import Role
from hedgerow.spine.acts import Acts
from hedgerow.spine.approving import (
    ASKED,
    DENIED,
    DENY,
    EXPIRE,
    EXPIRED,
    GRANT,
    GRANTED,
    OPEN,
    PENDING,
    STEPS,
    USE,
    USED,
    Roles,
    are_apart,
    needs_of,
    needs_text,
    recorded,
    request_facts,
    roles_told,
    strictest,
    told,
    votes_of,
    worded,
)
from hedgerow.spine.deciders import DECIDE, could_decide, datasets_asked
from hedgerow.spine.entries import moment_of
from hedgerow.spine.facts import OWNER
from hedgerow.spine.journal import Journal
from hedgerow.spine.known import known_actor
from hedgerow.spine.permission import Context, as_error

LIST = "approval.list"
FOUR_EYES = (ApprovalNeed(Role.PRIVACY_OFFICER.value),)
_MOST_REASON = 200
_MARGIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What shall be done once somebody else grants it.

    Args:
        act: An action of the policies, or the name of an act that always needs approval.
        actor: Who asks, and alone can use the grant.
        bound: Everything the grant shall hold for, as canonical JSON values; any other value of any of
            it needs a grant of its own. Only its hash is kept.
        summary: The same for the people who decide, as canonical JSON without anything of a person.
        words: What the caller wrote, for the people who decide; kept until it was used or is over.
        needs: Who must grant it.
        dataset: The data set, or empty.
        purpose: The purpose, or empty.
    """

    act: str
    actor: Actor
    bound: Mapping[str, Json]
    summary: Mapping[str, Json]
    words: Mapping[str, Json] = field(default_factory=dict)
    needs: tuple[ApprovalNeed, ...] = FOUR_EYES
    dataset: str = ""
    purpose: str = ""

    def binding(self) -> str:
        """Hash what a grant holds for."""
        return digest(
            {
                "act": self.act,
                "actor": self.actor.as_json(),
                "bound": dict(self.bound),
                "dataset": self.dataset,
                "purpose": self.purpose,
                "needs": needs_text(self.needs),
            }
        )


class Approvals:
    """Keeps requests for approval and their grants.

    Args:
        store: The records.
        acts: Tells whether a policy lets somebody decide.
        journal: Keeps each step.
        clock: The time.

    Guarantee: an act that needs approval is admitted only in a transaction that uses up a grant for
    exactly what is done, given by somebody else than who asked; each grant is used once, none after it
    expired, and none that the journal does not tell.
    """

    def __init__(self, store: Store, acts: Acts, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._acts = acts
        self._journal = journal
        self._clock = clock

    def needed(self, tx: Transaction, asked: Asked) -> Approval | Refused:
        """Use up the grant for an act in the act's own transaction, or ask for one.

        Args:
            tx: The transaction in which the act is done; it must end without an error also when the
                act is refused, so that the request stays.
            asked: What shall be done.

        Returns:
            The approval, now used: go on. Or the refusal (``approval.pending``, ``approval.denied``,
            ``approval.own-name``), which the caller raises once its transaction has ended.

        Raises:
            Fault: ``approval.not-journaled``.
        """
        now = self._now(tx)
        # The entry of the use comes a moment later, and must still be in time.
        soon = now + _MARGIN
        same = [
            self._aged(tx, each, asked.actor, soon) for each in tx.find(Approval, binding=asked.binding())
        ]
        latest = max(same, key=lambda each: each.entry, default=None)
        if latest is None or latest.state == USED:
            return self._ask(tx, asked, now)
        if latest.state == GRANTED:
            if _is_enough(tx, latest, self._backed(tx, latest)):
                return self._use(tx, latest, asked.actor)
            latest = self._closed(tx, latest, asked.actor)
        if latest.state == PENDING:
            return self._awaited(tx, latest)
        if latest.state == DENIED and timestamp(now) < latest.expires:
            return Refused("approval.denied", by=votes_of(latest)[-1]["as"], approval=latest.id,
                           reason=latest.reason, until=latest.expires)  # fmt: skip
        return self._ask(tx, asked, now, f"{latest.id} is {latest.state}. ")

    def four_eyes(
        self, tx: Transaction, actor: Actor, act: str, summary: Mapping[str, Json], dataset: str = ""
    ) -> Approval | Refused:
        """Let an act through that a privacy officer other than the actor granted; see ``needed``.

        Args:
            tx: The transaction in which the act is done.
            actor: Who asks.
            act: A name of the act, for example ``"restore.charge"``.
            summary: Exactly what is asked, as canonical JSON without anything of a person; a grant holds
                for this alone.
            dataset: The data set it is about, if any.
        """
        return self.needed(tx, Asked(act, actor, summary, summary, dataset=dataset))

    @contextmanager
    def admitted(self, asked: Asked) -> Iterator[Transaction]:
        """Open a transaction in which the grant for an act is used up, to do the act in.

        Raises:
            Refused: What ``needed`` returns; the request stays.
        """
        with self._store.write() as tx:
            outcome = self.needed(tx, asked)
            if isinstance(outcome, Approval):
                yield tx
                return
        raise outcome

    def standing(self, reader: Reader, asked: Asked) -> Mapping[str, Json]:
        """Tell, without asking for it, how the approval for exactly this stands.

        Returns:
            ``needs`` (role and people), ``state`` (``"not asked for"`` where nobody did or it was used)
            and the ``id`` or none.
        """
        same = reader.find(Approval, binding=asked.binding())
        latest = max(same, key=lambda each: each.entry, default=None)
        kept = None if latest is None or latest.state == USED else latest
        return {
            "needs": [{"role": need.role, "people": need.people} for need in strictest(asked.needs)],
            "state": "not asked for" if kept is None else self.state(reader, kept),
            "id": None if kept is None else kept.id,
        }

    def state(self, reader: Reader, record: Approval) -> str:
        """Tell the state of an approval now; one that ran out of time is expired at once."""
        is_late = record.state in OPEN and record.expires <= timestamp(self._now(reader))
        return EXPIRED if is_late else record.state

    def decide(self, actor: Actor, approval: str, *, is_granted: bool, reason: str = "") -> Approval:
        """Grant or deny a request; a grant not used yet may still be denied.

        Args:
            actor: Who decides.
            approval: Its id.
            is_granted: Grant it; else deny it, whoever else granted it.
            reason: Why, at most 200 printable characters; needed to deny.

        Returns:
            The approval; still pending where another must grant it too.

        Raises:
            Refused: By policy, or ``approval.same-person``, ``.voted``, ``.not-approver``, ``.decided``,
                ``.expired``; journaled.
            CallerError: ``approval.unknown`` or ``approval.reason``.
            Fault: ``approval.not-journaled``.
        """
        if len(reason) > _MOST_REASON or not reason.isprintable() or not (is_granted or reason.strip()):
            raise CallerError("approval.reason", approval=approval)
        with self._store.write() as tx:
            found = self._open_to(tx, actor, approval)
            if isinstance(found, Approval):
                self._backed(tx, found)
                found = self._aged(tx, found, actor, self._now(tx))
                found = self._objection(tx, found, actor, is_granted=is_granted) or found
            if isinstance(found, Approval):
                return self._vote(tx, found, actor, is_granted=is_granted, reason=reason)
            if isinstance(found, Refused):
                self._note_refusal(tx, actor, found)
        raise found

    def expire(self, actor: Actor) -> int:
        """Close what ran out of time, so that no clock set back opens it again.

        Returns:
            How many were closed.
        """
        with self._store.read() as reader:
            now = self._now(reader)
            late = [each.id for each in _open(reader) if each.expires <= timestamp(now)]
        if not late:
            return 0
        with self._store.write() as tx:
            closed = [self._aged(tx, each, actor, now) for each in tx.find_any(Approval, "id", late)]
        return sum(each.state == EXPIRED for each in closed)

    def _now(self, reader: Reader) -> datetime:
        """Tell the time; never earlier than the journal's last entry, where the clock was set back."""
        now, last = self._clock.now(), reader.newest(JournalEntry)
        if last is None:
            return now
        return max(now, moment_of(last))

    def _aged(self, tx: Transaction, record: Approval, actor: Actor, now: datetime) -> Approval:
        if record.state not in OPEN or timestamp(now) < record.expires:
            return record
        return self._closed(tx, record, actor)

    def _closed(self, tx: Transaction, record: Approval, actor: Actor) -> Approval:
        entry = self._journal.append(tx, EXPIRE, known_actor(tx, actor), {"approval": record.id})
        return _put(tx, replace(record, state=EXPIRED, entry=entry))

    def _ask(self, tx: Transaction, asked: Asked, now: datetime, again: str = "") -> Refused:
        if asked.actor.acting_as == OWNER:
            return Refused("approval.own-name")
        needs = strictest(asked.needs)
        record = Approval(
            id="A-" + secrets.token_hex(6),
            act=asked.act,
            dataset=asked.dataset,
            purpose=asked.purpose,
            binding=asked.binding(),
            summary=canonical(dict(asked.summary)).decode(),
            words=canonical(dict(asked.words)).decode(),
            needs=needs_text(needs),
            requested_by=asked.actor.acting_as,
            requested_login=asked.actor.principal,
            requested=timestamp(now),
            expires=timestamp(now + timedelta(days=needs[0].days)),
            state=PENDING,
            asked_entry=0,
            entry=0,
        )
        entry = self._journal.append(tx, ASKED, asked.actor, request_facts(record))
        return self._awaited(tx, _put(tx, replace(record, asked_entry=entry, entry=entry)), again)

    def _awaited(self, tx: Transaction, record: Approval, again: str = "") -> Refused:
        could, told = could_decide(tx, self._acts, record)
        return Refused(
            "approval.pending",
            approval=record.id,
            who=worded(needs_of(record)),
            until=record.expires,
            again=again,
            could_decide=could,
            could=told,
        )

    def _use(self, tx: Transaction, record: Approval, actor: Actor) -> Approval:
        entry = self._journal.append(tx, USE, actor, {"approval": record.id})
        return _put(tx, replace(record, state=USED, entry=entry))

    def _vote(
        self, tx: Transaction, record: Approval, actor: Actor, *, is_granted: bool, reason: str
    ) -> Approval:
        now, roles = timestamp(self._now(tx)), self._backed(tx, record)
        votes = [*votes_of(record), {**actor.as_json(), "time": now}]
        changed = replace(record, votes=canonical(votes).decode(), decided=now, reason=reason)
        state = DENIED if not is_granted else GRANTED if _is_enough(tx, changed, roles) else PENDING
        action = GRANT if is_granted else DENY
        facts: dict[str, Json] = {"approval": record.id, "state": state}
        if is_granted:
            facts["rests_on"] = self._acts.rests_on(tx, actor)
        entry = self._journal.append(tx, action, actor, facts)
        return _put(tx, replace(changed, state=state, entry=entry))

    def _backed(self, reader: Reader, record: Approval) -> Roles:
        """Refuse a record that says anything but what the journal tells of it since it was asked for.

        Returns:
            The roles of each who granted it, when they did; entries of older versions do not tell them.

        Raises:
            Fault: ``approval.not-journaled``, ``approval.rule-broken``, or as ``Journal.proven``.
        """
        since = self._journal.proven(reader, record.asked_entry, *STEPS)
        own = [
            entry for entry in since if cast("Mapping[str, Json]", entry["facts"])["approval"] == record.id
        ]
        if told(own).get(record.id) != recorded(record):
            raise Fault("approval.not-journaled", approval=record.id)
        return roles_told(own)

    def _open_to(self, tx: Transaction, actor: Actor, approval: str) -> Approval | HedgerowError:
        """Find a request for who may decide it; who may decide nothing learns of none."""
        record = tx.get(Approval, approval)
        context: Context = {"act": record.act, "same_login": actor.principal == record.requested_login} if (
            record is not None) else {}  # fmt: skip
        # Whoever decides on a use of several data sets may decide on each of them.
        for name in datasets_asked(record) if record is not None else (None,):
            objection = self._acts.objection(tx, actor, DECIDE, name, context)
            if objection is not None:
                return as_error(objection)
        return record or CallerError("approval.unknown", approval=approval)

    def _objection(
        self, tx: Transaction, record: Approval, actor: Actor, *, is_granted: bool
    ) -> Refused | None:
        if not are_apart(actor, Actor(record.requested_login, record.requested_by)):
            return Refused("approval.same-person", approval=record.id)
        if record.state == EXPIRED:
            return Refused("approval.expired", approval=record.id, until=record.expires)
        if record.state != PENDING and (is_granted or record.state != GRANTED):
            return Refused("approval.decided", approval=record.id, state=record.state)
        who, needs = actor.acting_as, needs_of(record)
        if not _roles(tx, who) & {need.role for need in needs}:
            return Refused("approval.not-approver", approval=record.id, who=worded(needs), principal=who)
        before = [Actor(vote["by"], vote["as"]) for vote in votes_of(record)]
        if is_granted and not all(are_apart(actor, other) for other in before):
            return Refused("approval.voted", approval=record.id, who=worded(needs), principal=who)
        return None

    def _note_refusal(self, tx: Transaction, actor: Actor, error: Refused) -> None:
        approval = error.details.get("approval")
        facts: dict[str, Json] = {
            "action": DECIDE,
            "dataset": None,
            "approval": str(approval) if approval else None,
            "reasons": [error.code],
            "said": {},
        }
        self._journal.append(tx, "act.refuse", known_actor(tx, actor), facts)


def _open(reader: Reader) -> list[Approval]:
    return reader.find_any(Approval, "state", sorted(OPEN))


def _put(tx: Transaction, record: Approval) -> Approval:
    kept = record if record.state in OPEN else replace(record, words="{}")
    tx.put(kept)
    return kept


def _roles(reader: Reader, principal: str) -> frozenset[str]:
    found = reader.get(Principal, principal)
    return frozenset() if found is None or found.disabled else found.role_set


def _is_enough(reader: Reader, record: Approval, told: Roles) -> bool:
    """Tell whether of each role as many as asked for granted it, who held it then and hold it still."""
    names = [vote["as"] for vote in votes_of(record)]
    held = [now & told.get(name, now) for name in names for now in [_roles(reader, name)]]
    return all(sum(need.role in roles for roles in held) >= need.people for need in needs_of(record))
