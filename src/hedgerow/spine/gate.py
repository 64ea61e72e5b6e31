"""The gate: the one entrance to personal data; nine steps, each in its own line below."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import NoReturn, Protocol, cast

from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import Fault, HedgerowError, Refused
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import Approval, Failure, Released, Request
from hedgerow.model.uses import (
    NEW,
    SAME_ID,
    STORED,
    Actor,
    Decision,
    Json,
    Lease,
    LeaseVersions,
    Plan,
    Receipt,
    Release,
    Technique,
    UseRequest,
)
from hedgerow.spine.acts import Acts
from hedgerow.spine.approvals import Approvals, Asked
from hedgerow.spine.approving import strictest
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_results import registered
from hedgerow.spine.awaiting import asked_about_one, asked_of
from hedgerow.spine.decide import decide, ends_within_a_day
from hedgerow.spine.derived import is_tied_since
from hedgerow.spine.facts import FactLoader, Facts
from hedgerow.spine.journal import About, Journal
from hedgerow.spine.known import known_actor
from hedgerow.spine.ledger import Ledger, unit_text
from hedgerow.spine.permission import Context, as_error
from hedgerow.spine.released import line_of
from hedgerow.spine.remembering import Memory
from hedgerow.spine.requests import Requests, binding_of, decision_key, id_hash, opened_on
from hedgerow.spine.runs import Runs, about_run, told_of
from hedgerow.spine.steady import require_steady
from hedgerow.spine.stored import StoredAnswers, costless, question_of
from hedgerow.spine.telling import failure_facts, intent_facts, refusal_facts, replay_facts
from hedgerow.spine.witnesses import Witnesses

_CACHE_LIMIT = 4096


class LeaseDesk(Protocol):
    """Opens leases; only the gate asks it."""

    def open(self, facts: Facts, plan: Plan) -> Lease:
        """Open only what the plan was granted, only for the people covered."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Keep what a lease opens in place while it is used."""
        ...

    def about(self, reader: Reader, plan: Plan) -> Sequence[About]:
        """Name the one person a plan is about, for the journal; nobody for a whole data set."""
        ...

    def keep(self, tx: Transaction, left: Released, release: Release) -> Mapping[str, Json]:
        """Keep which value each drawn token of a release stands for; tell the journal of it."""
        ...


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A use that passed steps 1 to 5: its reservation and intent are durable."""

    request: UseRequest
    technique: Technique
    facts: Facts
    plan: Plan
    intent: int


@dataclass(frozen=True, slots=True)
class _Considered:
    """What steps 1 to 3 came to: the facts, the plan, and an answer that was paid for before."""

    facts: Facts
    plan: Plan
    stored: Request | None


class Gate:
    """Every use of personal data passes here.

    Guarantee: no lease is opened without a decision, a durable reservation of the worst-case
    cost and a durable journal entry; nothing is returned before the outcome is durable and the
    required witnesses hold it; one request id gives one release; the same question draws noise once.
    """

    def __init__(  # noqa: PLR0913 - the gate is where the rooms meet; wiring names each once
        self,
        *,
        store: Store,
        facts: FactLoader,
        acts: Acts,
        approvals: Approvals,
        ledger: Ledger,
        journal: Journal,
        requests: Requests,
        runs: Runs,
        memory: Memory,
        leases: LeaseDesk,
        attestor: Attestor,
        witnesses: Witnesses,
        clock: Clock,
    ) -> None:
        self._store = store
        self._facts = facts
        self._acts = acts
        self._approvals = approvals
        self._ledger = ledger
        self._journal = journal
        self._requests = requests
        self._runs = runs
        self._memory = memory
        self._stored = StoredAnswers(requests, journal)
        self._leases = leases
        self._attestor = attestor
        self._witnesses = witnesses
        self._clock = clock
        self._decisions: dict[bytes, tuple[object, Decision]] = {}

    def explain(self, request: UseRequest, technique: Technique) -> Decision:
        """Decide without executing; the same decision a use would get.

        Decisions are cached until anything at all is committed to the workspace or the day
        of their validity has passed, so a hit rests on current facts. What ends at an hour of a
        day, as a refusal for too many failures or an approval does, is decided anew each time.
        """
        # One technique may stand for several actions, which policies tell apart.
        key = decision_key(request, f"{technique.name} {technique.action}")
        # A day may bring another period of a budget.
        stamp = (self._store.stamp(), self._clock.now().date())
        cached = self._decisions.get(key)
        if cached is not None and cached[0] == stamp and cached[1].valid_until >= self._clock.now().date():
            return cached[1]
        binding_of(request, technique.name)  # parameters without a canonical form fail here as in a use
        with self._store.read() as reader:
            decision, admitted = self._consider(reader, request, technique, charge=True)
            if admitted is not None and decision.needs:
                asked = self._asked_for(reader, request, technique, decision, admitted.plan)
                return replace(decision, approval=self._approvals.standing(reader, asked))
        if ends_within_a_day(decision):
            return decision
        if len(self._decisions) >= _CACHE_LIMIT:
            self._decisions.clear()
        self._decisions[key] = (stamp, decision)
        return decision

    def use(self, request: UseRequest, technique: Technique) -> Receipt:
        """Take a use through the nine steps.

        Args:
            request: Who, why, what, with which parameters, under which id.
            technique: Plans and runs.

        Returns:
            The receipt with the release.

        Raises:
            Refused: With the reason and a next step; journaled.
            CallerError: When the call is malformed; nothing is spent.
            Fault: When the store, a key or a file fails; what was reserved stays spent.
        """
        require_steady(self._clock)
        admitted = self._admit(request, technique)
        receipt = admitted if isinstance(admitted, Receipt) else self._close(admitted, *self._run(admitted))
        self._witnesses.require_acknowledged()
        return receipt

    def _consider(
        self, reader: Reader, request: UseRequest, technique: Technique, *, charge: bool
    ) -> tuple[Decision, _Considered | None]:
        """Steps 1 to 3: load the facts, plan without data, decide; an answer in store needs no budget."""
        named = request.actor, request.purpose, request.dataset, self._clock.now(), request.others
        facts = self._facts.load(reader, *named)
        facts = self._runs.known(reader, request, technique, facts, replayed=not charge)
        decision, plan = decide(request, facts, technique, charge=False)
        stored = self._stored.find(reader, request, technique, facts, plan) if charge and plan else None
        if charge and stored is None and (plan is None or _is_over(facts, plan)):
            decision, plan = decide(request, facts, technique, charge=True)
        if stored is not None:
            decision = costless(decision)
        return decision, _Considered(facts, plan, stored) if plan is not None else None

    def _admit(self, request: UseRequest, technique: Technique) -> _Admitted | Receipt:
        """Steps 1 to 5 in one transaction, so that nothing changes between deciding and reserving.

        A known id passes steps 1 to 3 again, without a charge, and is answered from the store.
        """
        self._requests.check_id(request.request_id)
        outcome: Receipt | HedgerowError
        with self._store.write() as tx:
            known = self._replay_of(tx, request)
            decision, admitted = self._consider(tx, request, technique, charge=known is None)
            if admitted is not None and known is None:
                granted = self._approved(tx, request, technique, decision, admitted.plan)
                if not isinstance(granted, Refused):
                    act = self._reserve if admitted.stored is None else self._give
                    return act(tx, request, technique, decision, admitted, granted)
                outcome = granted
                self._journal.append(tx, "use.refuse", request.actor,
                                     self._awaiting(tx, request, technique, decision, outcome))  # fmt: skip
            elif admitted is not None and known is not None:
                outcome = self._replay(tx, request, technique, known, decision, admitted.facts)
            else:
                outcome = as_error(decision.error or ("policy.not-permitted", {}))
                self._journal.append(
                    tx,
                    "use.refuse",
                    known_actor(tx, request.actor),
                    refusal_facts(tx, request, technique, decision),
                )
        if isinstance(outcome, Receipt):
            return outcome
        # Raised only now, so that the journal keeps the refusal.
        raise outcome

    def _approved(
        self, tx: Transaction, request: UseRequest, technique: Technique, decision: Decision, plan: Plan
    ) -> Approval | Refused | None:
        """Use up the approval of somebody else where a policy asks for one, or ask for it."""
        if not decision.needs:
            return None
        return self._approvals.needed(tx, self._asked_for(tx, request, technique, decision, plan))

    def _asked_for(
        self, reader: Reader, request: UseRequest, technique: Technique, decision: Decision, plan: Plan
    ) -> Asked:
        return asked_of(request, technique, decision, plan, self._leases.about(reader, plan))

    def _awaiting(
        self, tx: Transaction, request: UseRequest, technique: Technique, decision: Decision, error: Refused
    ) -> dict[str, Json]:
        refused = {**refusal_facts(tx, request, technique, decision), "reasons": [error.code]}
        return (
            refused | {"approval": str(error.details["approval"])} if "approval" in error.details else refused
        )

    def _replay_of(self, reader: Reader, request: UseRequest) -> Request | None:
        return reader.get(Request, request.request_id)

    def _reserve(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        decision: Decision,
        considered: _Considered,
        approval: Approval | None,
    ) -> _Admitted:
        """Steps 4 and 5: the reservation and the intent, durable before data is opened."""
        facts, plan = considered.facts, considered.plan
        question = question_of(request, technique, facts, plan)
        told = intent_facts(tx, request, technique, decision, plan, facts)
        told |= {"question": question, **about_run(request, technique)}
        if approval is not None:
            told["approval"] = approval.id
        if plan.cost is not None:
            self._witnesses.before_spending(tx)
        intent = self._journal.append(tx, "use.intend", request.actor, told, self._leases.about(tx, plan))
        self._requests.open(tx, request, technique.name, opened_on(decision), intent, question)
        if plan.cost is not None:
            where, unit = (request.dataset, request.purpose), unit_text(told.get("unit"))
            self._ledger.reserve(
                tx, request.request_id, *where, plan.cost, intent, others=request.others, unit=unit
            )
        return _Admitted(request, technique, facts, plan, intent)

    def _give(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        decision: Decision,
        considered: _Considered,
        approval: Approval | None,
    ) -> Receipt:
        """Answer from what was paid for before: no charge, no lease, no noise, and a use all the same."""
        told = intent_facts(tx, request, technique, decision, considered.plan, considered.facts)
        told = {name: fact for name, fact in told.items() if name not in ("come_from", "engine")}
        told |= {"cost": None, "lease": "stored"}
        if approval is not None:
            told["approval"] = approval.id
        found = cast("Request", considered.stored)
        release, entry = self._stored.give(tx, request, technique, found, told)
        return self._receipt(tx, request, release, entry, STORED)

    def _run(self, use: _Admitted) -> tuple[Release, LeaseVersions]:
        """Steps 6 and 7; a failure is journaled and the reservation stays spent."""
        versions: LeaseVersions | None = None
        try:
            with self._leases.reading():
                lease = self._leases.open(use.facts, use.plan)
                versions = lease.versions
                return use.technique.run(lease, use.plan), versions
        except HedgerowError as error:
            self._failed(use, error.code, versions)
            if use.plan.grant.kind == "person" or self._may_see_risk(use.request):
                raise
            # What went wrong may depend on the data; whoever may not see exact risk learns no more.
            raise Refused("use.not-releasable", dataset=use.request.dataset) from None
        except Exception as error:  # noqa: BLE001 - a technique may fail in any way; no way may tell data
            self._failed(use, "use.failed", versions)
            # The cause may quote data; only its type is told.
            raise Fault("use.failed", kind=type(error).__name__) from None

    def _may_see_risk(self, request: UseRequest) -> bool:
        return all(self._acts.permits(request.actor, "release.risk", name) for name in request.datasets)

    def _failed(self, use: _Admitted, code: str, versions: LeaseVersions | None) -> None:
        with self._store.write() as tx:
            self._ledger.commit(tx, use.request.request_id)
            index = self._outcome(tx, "use.fail", use, failure_facts(code, versions))
            if use.plan.grant.kind != "person":
                tx.add([Failure(use.request.actor.acting_as, index, timestamp(self._clock.now()))])

    def _outcome(self, tx: Transaction, action: str, use: _Admitted, facts: Mapping[str, Json]) -> int:
        told: dict[str, Json] = {"intent": use.intent, "request": id_hash(use.request.request_id), **facts}
        return self._journal.append(tx, action, use.request.actor, told)

    def _close(self, use: _Admitted, release: Release, versions: LeaseVersions) -> Receipt:
        """Steps 8 and 9: one transaction makes the outcome durable, then the receipt leaves.

        Rows of people that were read before one of them was erased do not leave any more, and nothing does
        of a data set that was dropped meanwhile, or took in rows of one that the use was not charged to.
        """
        with self._store.write() as tx:
            moved = "run.moved" if self._runs.is_moved(tx, use.facts, release) else ""
            moved = "release.moved" if self._memory.is_moved(tx, release) else moved
            if not moved:
                self._ledger.commit(tx, use.request.request_id)
                if not self._is_overtaken(tx, use, release):
                    return self._done(tx, use, release, versions)
                self._requests.withdraw_one(tx, use.request.request_id)
                self._outcome(tx, "use.fail", use, failure_facts("request.withdrawn", versions))
        if moved:
            self._failed(use, moved, versions)
        raise Refused(moved or "request.withdrawn")

    def _is_overtaken(self, reader: Reader, use: _Admitted, release: Release) -> bool:
        return any(
            self._journal.dropped_since(reader, name, use.intent)
            or is_tied_since(reader, name, use.intent)
            or (release.person_level and self._journal.erased_since(reader, name, use.intent))
            for name in use.request.datasets
        )

    def _done(self, tx: Transaction, use: _Admitted, release: Release, versions: LeaseVersions) -> Receipt:
        told: dict[str, Json] = {
            "mechanism": release.mechanism,
            "versions": versions.as_json(),
            "result": digest(dict(release.payload)) if release.kept else None,
            "person_level": release.person_level,
        }
        named = use.request, use.technique.name
        left = line_of(*named, release, versions, use.plan.cost, timestamp(self._clock.now()))
        if left is not None:
            told |= {"register": registered(left), **self._leases.keep(tx, left, release)}
            told |= self._memory.keep(tx, left, release)
        run = self._runs.stepped(tx, use.request, use.technique, use.facts, release, versions, use.intent)
        entry = self._outcome(tx, "use.done", use, told if run is None else {**told, "run": told_of(run)})
        self._runs.keep(tx, run, entry)
        self._requests.close(tx, use.request.request_id, release, versions, entry)
        if left is not None:
            tx.add([replace(left, entry=entry)])
            self._memory.entered(tx, left, release, entry)
        return self._receipt(tx, use.request, release, entry)

    def _replay(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        known: Request,
        decision: Decision,
        facts: Facts,
    ) -> Receipt | HedgerowError:
        """Answer a known id from the store, or say why it has no answer; journaled either way."""
        try:
            release = self._requests.again(tx, known, request, technique.name)
        except Refused as error:
            refused = {**refusal_facts(tx, request, technique, decision), "reasons": [error.code]}
            self._journal.append(tx, "use.refuse", request.actor, refused)
            return error
        replayed = replay_facts(tx, request, technique, decision, facts)
        entry = self._journal.append(tx, "use.replay", request.actor, replayed)
        return self._receipt(tx, request, release, entry, SAME_ID)

    def _receipt(
        self, reader: Reader, request: UseRequest, release: Release, entry: int, origin: str = NEW
    ) -> Receipt:
        balance = self._ledger.balance(reader, request.dataset, request.purpose, request.others)
        left: dict[str, Json] = {"own": balance.own.as_json(), "population": balance.population.as_json()}
        if balance.others:
            left["others"] = [each.as_json() for each in balance.others]
        return Receipt(
            release,
            request.request_id,
            entry,
            self._journal.head(reader).checkpoint,
            self._attestor.fingerprint,
            left,
            origin,
        )

    def held_up(
        self,
        tx: Transaction,
        actor: Actor,
        action: str,
        datasets: Sequence[str],
        about: About,
        summary: Mapping[str, Json],
    ) -> HedgerowError | None:
        """Use up the approval of others for an act about one person, where policies ask for one.

        Args:
            tx: The transaction the act is done in; it must end without an error also when this refuses.
            actor: Who acts.
            action: The action policies speak of.
            datasets: The data sets it reaches into.
            about: The person, of whom only a hash under the person's key is kept.
            summary: What is asked, without anything of a person.

        Returns:
            What holds it up, to be raised once the transaction has ended; none to go on.
        """
        rulings = [self._acts.ruling(tx, actor, action, name, {}) for name in (None, *datasets)]
        objection = next((ruling.objection for ruling in rulings if ruling.objection is not None), None)
        if objection is not None:
            # It was permitted when it began.
            return self._noted(tx, actor, action, as_error(objection))
        needs = strictest(need for ruling in rulings for need in ruling.needs)
        if not needs:
            return None
        asked = asked_about_one(action, actor, datasets, about, summary, needs, self._facts.policy(tx))
        outcome = self._approvals.needed(tx, asked)
        return self._noted(tx, actor, action, outcome) if isinstance(outcome, Refused) else None

    def _noted(self, tx: Transaction, actor: Actor, action: str, error: HedgerowError) -> HedgerowError:
        facts: dict[str, Json] = {"action": action, "dataset": None, "reasons": [error.code], "said": {}}
        self._journal.append(tx, "act.refuse", actor, facts)
        return error

    def require(
        self, actor: Actor, action: str, dataset: str | None = None, context: Context | None = None
    ) -> None:
        """Admit an act that reads no personal data, or refuse it with a journal entry; see ``Acts``."""
        self._acts.require(actor, action, dataset, context)

    def refuse(
        self, actor: Actor, action: str, error: HedgerowError, dataset: str | None, purpose: str
    ) -> NoReturn:
        """Journal the refusal of an act and raise it; see ``Acts``."""
        self._acts.refuse(actor, action, error, dataset, purpose)

    def permits(
        self, actor: Actor, action: str, dataset: str | None = None, context: Context | None = None
    ) -> bool:
        """Tell whether an act would be admitted; nothing is done or journaled."""
        return self._acts.permits(actor, action, dataset, context)

    def explain_act(self, actor: Actor, action: str, dataset: str | None = None) -> HedgerowError | None:
        """Say what would speak against an act; none when it is permitted. Nothing is done."""
        return self._acts.explain(actor, action, dataset)


def new_request_id() -> str:
    """Make a request id for a caller who gave none."""
    return "r-" + secrets.token_hex(12)


def _is_over(facts: Facts, plan: Plan) -> bool:
    return plan.cost is not None and facts.balance.refusal(plan.cost) is not None
