"""The gate: the one entrance to personal data; nine steps, each in its own line below."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.canonical import canonical, digest, timestamp
from hedgerow.model.errors import Fault, HedgerowError, Refused
from hedgerow.model.policy import Access
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import Failure, Principal, Released, Request
from hedgerow.model.uses import Actor, Decision, Json, Lease, Plan, Receipt, Release, Technique, UseRequest
from hedgerow.spine.attest import Attestor
from hedgerow.spine.decide import as_error, decide, denial, objections_to_actor
from hedgerow.spine.facts import FactLoader, Facts
from hedgerow.spine.journal import About, Journal
from hedgerow.spine.ledger import Ledger, event_json
from hedgerow.spine.policy import Policies
from hedgerow.spine.requests import Requests, binding_of

_CACHE_LIMIT = 4096
_OUR_WORDS = ("left", "cost", "until", "roles", "policies", "missing")


class LeaseDesk(Protocol):
    """Opens leases; only the gate asks it."""

    def open(self, facts: Facts, plan: Plan) -> Lease:
        """Open only what the plan was granted, only for the people covered."""
        ...

    def about(self, reader: Reader, plan: Plan) -> Sequence[About]:
        """Name the one person a plan is about, for the journal; nobody for a whole data set."""
        ...


class Gate:
    """Every use of personal data passes here.

    Guarantee: no lease is opened without a decision, a durable reservation of the worst-case
    cost and a durable journal entry; nothing is returned before the outcome is durable; one
    request id gives one release.
    """

    def __init__(  # noqa: PLR0913 - the gate is where the rooms meet; wiring names each once
        self,
        *,
        store: Store,
        facts: FactLoader,
        policies: Policies,
        ledger: Ledger,
        journal: Journal,
        requests: Requests,
        leases: LeaseDesk,
        attestor: Attestor,
        clock: Clock,
    ) -> None:
        self._store = store
        self._facts = facts
        self._policies = policies
        self._ledger = ledger
        self._journal = journal
        self._requests = requests
        self._leases = leases
        self._attestor = attestor
        self._clock = clock
        self._decisions: dict[tuple[str, str], tuple[object, Decision]] = {}

    def explain(self, request: UseRequest, technique: Technique) -> Decision:
        """Decide without executing; the same decision a use would get.

        Decisions are cached until anything at all is committed to the workspace or the day
        of their validity has passed, so a hit rests on current facts.
        """
        key = (technique.name, binding_of(request, technique.name))
        stamp = self._store.stamp()
        cached = self._decisions.get(key)
        if cached is not None and cached[0] == stamp and cached[1].valid_until >= self._today():
            return cached[1]
        with self._store.read() as reader:
            decision, _ = self._consider(reader, request, technique, charge=True)
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
        known = self._replay_of(request, technique)
        if known is not None:
            return self._replay(request, technique)
        facts, plan, entry = self._admit(request, technique)
        release = self._run(request, technique, facts, plan, entry)
        return self._close(request, technique, release, facts, plan, entry)

    def _replay_of(self, request: UseRequest, technique: Technique) -> Request | None:
        with self._store.read() as reader:
            return self._requests.find(reader, request, technique.name)

    def _consider(
        self, reader: Reader, request: UseRequest, technique: Technique, *, charge: bool
    ) -> tuple[Decision, tuple[Facts, Plan] | None]:
        """Steps 1 to 3: load the facts, plan without data, decide."""
        facts = self._facts.load(reader, request.actor, request.purpose, request.dataset, self._clock.now())
        decision, plan = decide(request, facts, technique, charge=charge)
        return decision, (facts, plan) if plan is not None else None

    def _admit(self, request: UseRequest, technique: Technique) -> tuple[Facts, Plan, int]:
        """Steps 1 to 5 in one transaction, so that nothing changes between deciding and reserving."""
        with self._store.write() as tx:
            decision, admitted = self._consider(tx, request, technique, charge=True)
            if admitted is not None:
                facts, plan = admitted
                entry = self._journal.append(
                    tx,
                    "use.intend",
                    request.actor,
                    self._intent(request, technique, decision, plan, facts),
                    self._leases.about(tx, plan),
                )
                version = decision.versions["dataset"]
                self._requests.open(tx, request, technique.name, version, entry)
                if plan.cost is not None:
                    self._ledger.reserve(
                        tx, request.request_id, request.dataset, request.purpose, plan.cost, entry
                    )
                return facts, plan, entry
            self._journal.append(tx, "use.refuse", request.actor, self._refusal(request, technique, decision))
        raise as_error(decision.error or ("policy.not-permitted", {}))

    def _run(
        self, request: UseRequest, technique: Technique, facts: Facts, plan: Plan, entry: int
    ) -> Release:
        """Steps 6 and 7; a failure is journaled and the reservation stays spent."""
        try:
            return technique.run(self._leases.open(facts, plan), plan)
        except HedgerowError as error:
            self._failed(request, entry, error.code)
            if plan.grant.kind == "person" or self._may_see_risk(request):
                raise
            # What went wrong may depend on the data; whoever may not see exact risk learns no more.
            raise Refused("use.not-releasable", dataset=request.dataset) from None
        except Exception as error:  # noqa: BLE001 - a technique may fail in any way; no way may tell data
            self._failed(request, entry, "use.failed")
            # The cause may quote data; only its type is told.
            raise Fault("use.failed", kind=type(error).__name__) from None

    def _failed(self, request: UseRequest, entry: int, code: str) -> None:
        with self._store.write() as tx:
            self._ledger.commit(tx, request.request_id)
            facts: dict[str, Json] = {"intent": entry, "request": _id_hash(request), "code": code}
            index = self._journal.append(tx, "use.fail", request.actor, facts)
            tx.add([Failure(request.actor.acting_as, index, timestamp(self._clock.now()))])

    def _may_see_risk(self, request: UseRequest) -> bool:
        return self.explain_act(request.actor, "release.risk", ("Dataset", request.dataset)) is None

    def _close(
        self,
        request: UseRequest,
        technique: Technique,
        release: Release,
        facts: Facts,
        plan: Plan,
        intent: int,
    ) -> Receipt:
        """Steps 8 and 9: one transaction makes the outcome durable, then the receipt leaves.

        Rows of people that were read before one of them was erased do not leave any more.
        """
        with self._store.write() as tx:
            self._ledger.commit(tx, request.request_id)
            if not (release.person_level and self._journal.erased_since(tx, request.dataset, intent)):
                return self._done(tx, request, technique, release, facts, plan, intent)
            self._requests.withdraw_one(tx, request.request_id)
            code: dict[str, Json] = {"intent": intent, "request": _id_hash(request), "code": "request.withdrawn"}
            self._journal.append(tx, "use.fail", request.actor, code)
        raise Refused("request.withdrawn")

    def _done(  # noqa: PLR0913, PLR0917 - what was asked, decided and made, written down together
        self,
        tx: Transaction,
        request: UseRequest,
        technique: Technique,
        release: Release,
        facts: Facts,
        plan: Plan,
        intent: int,
    ) -> Receipt:
        outcome: dict[str, Json] = {
            "intent": intent,
            "request": _id_hash(request),
            "mechanism": release.mechanism,
            "result": digest(dict(release.payload)) if release.kept else None,
        }
        entry = self._journal.append(tx, "use.done", request.actor, outcome)
        self._requests.close(tx, request.request_id, release, entry)
        if isinstance(plan.cost, NonPrivateEvent):
            tx.add([self._released(request, technique, release, facts, plan.cost.release, entry)])
        checkpoint = self._journal.head(tx).checkpoint
        left = self._left(tx, request) if plan.cost is not None else {}
        return Receipt(release, request.request_id, entry, checkpoint, self._attestor.fingerprint, left)

    def _released(
        self, request: UseRequest, technique: Technique, release: Release, facts: Facts, name: str, entry: int
    ) -> Released:
        return Released(
            name,
            request.dataset,
            facts.dataset.version if facts.dataset else 0,
            facts.consent_version,
            request.purpose,
            technique.name,
            request.actor.acting_as,
            timestamp(self._clock.now()),
            canonical(dict(release.summary)).decode(),
            entry,
        )

    def _replay(self, request: UseRequest, technique: Technique) -> Receipt:
        """Answer a known id: steps 1 to 3 again without a charge, then the stored release."""
        with self._store.write() as tx:
            decision, admitted = self._consider(tx, request, technique, charge=False)
            # Read here and not before: an erasure may have withdrawn it since.
            stored = self._requests.find(tx, request, technique.name) if admitted is not None else None
            action = "use.replay" if stored is not None else "use.refuse"
            entry = self._journal.append(
                tx, action, request.actor, self._refusal(request, technique, decision)
            )
            checkpoint = self._journal.head(tx).checkpoint
            left = self._left(tx, request)
        if stored is None:
            raise as_error(decision.error or ("policy.not-permitted", {}))
        release = self._requests.result(stored)
        return Receipt(
            release, request.request_id, entry, checkpoint, self._attestor.fingerprint, left, replayed=True
        )

    def _left(self, reader: Reader, request: UseRequest) -> Mapping[str, Json]:
        balance = self._ledger.balance(reader, request.dataset, request.purpose)
        return {"own": balance.own.as_json(), "population": balance.population.as_json()}

    def _intent(
        self, request: UseRequest, technique: Technique, decision: Decision, plan: Plan, facts: Facts
    ) -> dict[str, Json]:
        return {
            **self._asked(request, technique),
            "basis": facts.basis,
            "columns": sorted(plan.grant.columns | plan.grant.fields),
            "lease": plan.grant.kind,
            "cost": event_json(plan.cost) if plan.cost is not None else None,
            "policies": list(decision.policies),
            "versions": dict(decision.versions),
            "obligations": list(decision.obligations),
        }

    def _refusal(self, request: UseRequest, technique: Technique, decision: Decision) -> dict[str, Json]:
        return {
            **self._asked(request, technique),
            "reasons": [reason.code for reason in decision.reasons],
            "said": _amounts(decision),
            "versions": dict(decision.versions),
        }

    def _asked(self, request: UseRequest, technique: Technique) -> dict[str, Json]:
        return {
            "purpose": request.purpose,
            "dataset": request.dataset,
            "technique": technique.name,
            "request": _id_hash(request),
            "binding": binding_of(request, technique.name),
        }

    def require(self, actor: Actor, action: str, resource: tuple[str, str] = ("Workspace", "this")) -> None:
        """Admit an act that reads no personal data, or refuse it with a journal entry.

        Args:
            actor: Who acts.
            action: The action policies speak of.
            resource: Type and name of what is acted on.

        Raises:
            Refused: When no policy permits it.
        """
        with self._store.read() as reader:
            objection = self._objection(reader, actor, action, resource)
        if objection is None:
            return
        with self._store.write() as tx:
            facts: dict[str, Json] = {"action": action, "resource": resource[1], "reasons": [objection[0]]}
            self._journal.append(tx, "act.refuse", actor, facts)
        raise as_error(objection)

    def explain_act(self, actor: Actor, action: str, resource: tuple[str, str]) -> HedgerowError | None:
        """Say what would speak against an act; none when it is permitted. Nothing is done."""
        with self._store.read() as reader:
            objection = self._objection(reader, actor, action, resource)
        return as_error(objection) if objection is not None else None

    def _objection(
        self, reader: Reader, actor: Actor, action: str, resource: tuple[str, str]
    ) -> tuple[str, Mapping[str, object]] | None:
        acting = reader.get(Principal, actor.acting_as)
        for objection in objections_to_actor(actor, acting, reader.get(Principal, actor.principal)):
            return objection
        _, decider = self._policies.in_force(reader)
        roles = acting.role_set if acting is not None else frozenset()
        access = Access(actor.acting_as, roles, action, resource[0], resource[1], {})
        verdict = decider.decide(access)
        return None if verdict.allowed else denial(access, verdict.forbids)

    def _today(self) -> date:
        return self._clock.now().date()


def new_request_id() -> str:
    """Make a request id for a caller who gave none."""
    return "r-" + secrets.token_hex(12)


def _amounts(decision: Decision) -> dict[str, Json]:
    """Keep what a refusal named in our own words; other details may be a caller's."""
    details = decision.error[1] if decision.error else {}
    return {name: str(details[name]) for name in _OUR_WORDS if name in details}


def _id_hash(request: UseRequest) -> str:
    """Name a request in the journal without repeating text a caller chose."""
    return digest(request.request_id)[:32]
