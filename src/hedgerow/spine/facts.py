"""The facts a decision rests on, loaded in one consistent read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import cast

from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.ports import Reader
from hedgerow.model.records import Declaration, Failure, Principal
from hedgerow.model.uses import Actor, DatasetView, Json
from hedgerow.spine.balance import Balance
from hedgerow.spine.catalog import RIGHTS_PURPOSE, Catalog, PurposeFacts
from hedgerow.spine.consent import Consents
from hedgerow.spine.ledger import Ledger
from hedgerow.spine.policy import Decider, Policies
from hedgerow.spine.publics import Publics

OWNER = "owner"
MOST_FAILURES = 20
_FAILURE_WINDOW = timedelta(days=1)
_RIGHTS_BASIS = "legal-obligation"


@dataclass(frozen=True, slots=True)
class Source:
    """What a decision may look at of one data set of a use.

    Args:
        name: Its name, as the request has it.
        dataset: What may be known of it; none where there is no such data set.
        dropped: When it was dropped; empty where it was not.
        basis: The lawful basis it serves the purpose on; none where it does not.
        declared: Hash of what was declared of it.
    """

    name: str
    dataset: DatasetView | None
    dropped: str
    basis: str | None
    declared: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a decision may look at; nothing in it was read from a data set's values.

    ``policy_text`` and ``declared`` are hashes of what policies and declaration said. ``dataset``,
    ``dropped``, ``basis`` and ``declared`` are of the first data set; ``others`` has the same of each further
    one. ``against`` is what speaks against a use of a run.
    """

    acting: Principal | None
    authenticated: Principal | None
    purpose: PurposeFacts | None
    dataset: DatasetView | None
    dropped: str
    basis: str | None
    policies: Decider
    policy_version: int
    policy_text: str
    declared: str | None
    consent_version: int
    balance: Balance
    failures: int
    today: date
    against: tuple[str, Mapping[str, object]] | None = None
    others: tuple[Source, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every data set of the use that there is, the first one first."""
        if self.dataset is None:
            return self.others
        first = Source(self.dataset.name, self.dataset, self.dropped, self.basis, self.declared)
        return (first, *self.others)

    def rests_on(self) -> dict[str, Json]:
        """Tell what a use is let through by, so that the audit can hold it against the entries before."""
        return {
            "policy": self.policy_text,
            "declaration": self.declared,
            "roles": cast("Json", sorted(self.acting.role_set)) if self.acting is not None else [],
            "until": self.purpose.until.isoformat() if self.purpose is not None else None,
        }


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

    def load(
        self,
        reader: Reader,
        actor: Actor,
        purpose: str,
        dataset: str,
        now: datetime,
        others: Sequence[str] = (),
    ) -> Facts:
        """Read the facts of one use.

        Args:
            reader: A consistent view; inside a transaction, the transaction itself.
            actor: Who acts.
            purpose: Why.
            dataset: What.
            now: The current time, UTC.
            others: Further data sets of the same use.
        """
        first, *beside = (self._source(reader, name, purpose) for name in (dataset, *others))
        views = {each.name: each.dataset for each in beside if each.dataset is not None}
        known = first.dataset
        view = None if known is None else replace(known, public=Publics(reader), others=views)
        version, decider, text = self._policies.standing(reader)
        return Facts(
            acting=reader.get(Principal, actor.acting_as),
            authenticated=reader.get(Principal, actor.principal),
            purpose=self._catalog.purpose(reader, purpose),
            dataset=view,
            dropped=first.dropped,
            basis=first.basis,
            policies=decider,
            policy_version=version,
            policy_text=text,
            declared=first.declared,
            consent_version=self._consents.version(reader),
            balance=self._ledger.balance(reader, dataset, purpose, others),
            failures=_failures(reader, actor.acting_as, now),
            today=now.date(),
            others=tuple(beside),
        )

    def _source(self, reader: Reader, name: str, purpose: str) -> Source:
        view = self._catalog.dataset(reader, name)
        basis = view.bases.get(purpose) if view else None
        declared = reader.newest(Declaration, dataset=name) if view else None
        return Source(
            name,
            view,
            "" if view else self._catalog.dropped(reader, name),
            _RIGHTS_BASIS if purpose == RIGHTS_PURPOSE else basis,
            digest(declared.body) if declared is not None else None,
        )
