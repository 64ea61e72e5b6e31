"""Acts: what is done without reading personal data still needs a policy that permits it."""

from __future__ import annotations

from typing import NoReturn, cast

from hedgerow.model.errors import HedgerowError
from hedgerow.model.policy import APPROVED_APART
from hedgerow.model.ports import Reader, Store, Transaction
from hedgerow.model.records import Principal
from hedgerow.model.uses import Actor, Json
from hedgerow.spine.journal import Journal
from hedgerow.spine.known import known_actor, known_dataset, known_purpose
from hedgerow.spine.permission import (
    Context,
    Objection,
    Ruling,
    accesses,
    as_error,
    objections_to_actor,
    rule,
)
from hedgerow.spine.policy import Policies
from hedgerow.spine.sequencer import Sequencer

_OUR_WORDS = ("roles", "policies", "until")


class Acts:
    """Admits acts by policy.

    Args:
        store: The records.
        policies: The policies in force.
        journal: Keeps what was refused.
    """

    def __init__(self, store: Store, policies: Policies, journal: Journal) -> None:
        self._store = store
        self._policies = policies
        self._journal = journal
        # Many may be refused at once, by a server or by an attack.
        self._sequencer = Sequencer(store)

    def require(
        self, actor: Actor, action: str, dataset: str | None = None, context: Context | None = None
    ) -> None:
        """Admit an act, or refuse it with a journal entry.

        Args:
            actor: Who acts.
            action: The action policies speak of.
            dataset: The data set it is about, if any.
            context: Facts of the moment that policies may look at.

        Raises:
            Refused: When no policy permits it, or one forbids it.
        """
        error = self.explain(actor, action, dataset, context)
        if error is not None:
            self.refuse(actor, action, error, dataset)

    def refuse(
        self,
        actor: Actor,
        action: str,
        error: HedgerowError,
        dataset: str | None = None,
        purpose: str | None = None,
    ) -> NoReturn:
        """Journal a refusal and raise it; of the names given the journal keeps those there are."""

        def keep(tx: Transaction) -> int:
            facts: dict[str, Json] = {
                "action": action,
                "dataset": known_dataset(tx, dataset),
                "reasons": [error.code],
                "said": {name: str(error.details[name]) for name in _OUR_WORDS if name in error.details},
            }
            if purpose is not None:
                facts["purpose"] = known_purpose(tx, purpose)
            return self._journal.append(tx, "act.refuse", known_actor(tx, actor), facts)

        self._sequencer.submit(keep)
        raise error

    def permits(
        self, actor: Actor, action: str, dataset: str | None = None, context: Context | None = None
    ) -> bool:
        """Tell whether an act would be admitted; nothing is done or journaled."""
        return self.explain(actor, action, dataset, context) is None

    def explain(
        self, actor: Actor, action: str, dataset: str | None = None, context: Context | None = None
    ) -> HedgerowError | None:
        """Say what would speak against an act; none when it is permitted."""
        with self._store.read() as reader:
            objection = self.objection(reader, actor, action, dataset, context or {})
        return as_error(objection) if objection is not None else None

    def objection(
        self, reader: Reader, actor: Actor, action: str, dataset: str | None, context: Context
    ) -> Objection | None:
        """Say in a given view what would speak against an act; none when it is permitted."""
        ruling = self.ruling(reader, actor, action, dataset, context)
        if ruling.objection is None and ruling.needs and action not in APPROVED_APART:
            # No policy says so: @approval is refused there. What cannot wait for an approval is not done.
            return "approval.not-here", {"action": action}
        return ruling.objection

    def rests_on(self, reader: Reader, actor: Actor) -> dict[str, Json]:
        """Tell what an act is let through by: the hash of the policies and the roles of who acts."""
        acting = reader.get(Principal, actor.acting_as)
        roles = sorted(acting.role_set) if acting is not None else []
        return {"policy": self._policies.standing(reader)[2], "roles": cast("Json", roles)}

    def ruling(
        self, reader: Reader, actor: Actor, action: str, dataset: str | None, context: Context
    ) -> Ruling:
        """Tell in a given view all that the policies say to an act."""
        acting = reader.get(Principal, actor.acting_as)
        authenticated = reader.get(Principal, actor.principal)
        for objection in objections_to_actor(actor, acting, authenticated):
            return Ruling(objection, ())
        _, decider = self._policies.in_force(reader)
        roles = acting.role_set if acting is not None else frozenset()
        return rule(decider, accesses(actor.acting_as, roles, action, dataset, context))
