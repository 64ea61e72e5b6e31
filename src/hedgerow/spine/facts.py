"""The facts a decision rests on, loaded in one consistent read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hedgerow.model.canonical import timestamp
from hedgerow.model.ports import Reader
from hedgerow.model.records import Failure, Principal
from hedgerow.model.uses import Actor, DatasetView
from hedgerow.spine.catalog import RIGHTS_PURPOSE, Catalog, PurposeFacts
from hedgerow.spine.consent import Consents
from hedgerow.spine.ledger import Balance, Ledger
from hedgerow.spine.policy import Decider, Policies

OWNER = "owner"
MOST_FAILURES = 20
_FAILURE_WINDOW = timedelta(days=1)
_RIGHTS_BASIS = "legal-obligation"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision may look at; nothing in it was read from a data set's values."""

    acting: Principal | None
    authenticated: Principal | None
    purpose: PurposeFacts | None
    dataset: DatasetView | None
    dropped: str
    basis: str | None
    policies: Decider
    policy_version: int
    consent_version: int
    balance: Balance
    failures: int
    today: date


def _failures(reader: Reader, principal: str, now: datetime) -> int:
    since = timestamp(now - _FAILURE_WINDOW)
    return sum(failure.time >= since for failure in reader.find(Failure, principal=principal))


class FactLoader:
    """Loads facts from the rooms of the spine."""

    def __init__(self, catalog: Catalog, consents: Consents, ledger: Ledger, policies: Policies) -> None:
        self._catalog = catalog
        self._consents = consents
        self._ledger = ledger
        self._policies = policies

    def policy(self, reader: Reader) -> int:
        """Tell the version of the policies in force."""
        return self._policies.in_force(reader)[0]

    def load(self, reader: Reader, actor: Actor, purpose: str, dataset: str, now: datetime) -> Facts:
        """Read the facts of one use.

        Args:
            reader: A consistent view; inside a transaction, the transaction itself.
            actor: Who acts.
            purpose: Why.
            dataset: What.
            now: The current time, UTC.
        """
        view = self._catalog.dataset(reader, dataset)
        version, decider = self._policies.in_force(reader)
        basis = view.bases.get(purpose) if view else None
        return Facts(
            acting=reader.get(Principal, actor.acting_as),
            authenticated=reader.get(Principal, actor.principal),
            purpose=self._catalog.purpose(reader, purpose),
            dataset=view,
            dropped="" if view else self._catalog.dropped(reader, dataset),
            basis=_RIGHTS_BASIS if purpose == RIGHTS_PURPOSE else basis,
            policies=decider,
            policy_version=version,
            consent_version=self._consents.version(reader),
            balance=self._ledger.balance(reader, dataset, purpose),
            failures=_failures(reader, actor.acting_as, now),
            today=now.date(),
        )
