"""Governing: principals, purposes, policies, declarations, budgets, consents."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import cast

from hedgerow.adapters.policy import load_policies
from hedgerow.app.declaring import Asked
from hedgerow.app.service.base import Part, columns_json
from hedgerow.app.service.collecting import parse_time
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import CallerError
from hedgerow.model.ports import Transaction
from hedgerow.model.records import (
    Allocation,
    ConsentEvent,
    Dataset,
    DatasetPurpose,
    Principal,
    Purpose,
    Released,
)
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType, Role
from hedgerow.spine.catalog import check_name, declaration_facts, declaration_json
from hedgerow.spine.consent import Choice
from hedgerow.spine.ledger import POPULATION, Standing
from hedgerow.spine.permission import accesses

_MOST_TEXT = 200


class Governing(Part):
    """Who may do what, why, and at what privacy cost."""

    def add_principal(self, name: str, roles: Sequence[str]) -> dict[str, Json]:
        """Add a principal with built-in roles."""
        self._require("principal.add")
        check_name(name, "principal")
        for role in roles:
            if role not in set(Role):
                raise CallerError("principal.no-such-role", role=role)
        with self.spine.store.write() as tx:
            if tx.get(Principal, name) is not None:
                raise CallerError("principal.exists", principal=name)
            record = Principal(name, ",".join(sorted(set(roles))), timestamp(self.spine.clock.now()))
            tx.put(record)
            self._note(tx, "principal.add", {"principal": name, "roles": sorted(set(roles))})
        return _principal(record)

    def principals(self) -> list[dict[str, Json]]:
        """List the principals."""
        self._require("principal.list")
        with self.spine.store.read() as reader:
            return [_principal(record) for record in reader.find(Principal)]

    def add_purpose(self, name: str, why: str, owner: str, until: date) -> dict[str, Json]:
        """Declare a purpose."""
        self._require("purpose.add")
        with self.spine.store.write() as tx:
            if tx.get(Principal, owner) is None:
                raise CallerError("purpose.no-owner", principal=owner)
            self.spine.catalog.add_purpose(tx, name, why, owner, until)
            self._note(tx, "purpose.add", {"purpose": name, "owner": owner, "until": until.isoformat()})
        return {"name": name, "why": why, "owner": owner, "until": until.isoformat()}

    def purposes(self) -> list[dict[str, Json]]:
        """List the purposes."""
        self._require("purpose.list")
        with self.spine.store.read() as reader:
            return [
                {"name": p.name, "why": p.why, "owner": p.owner, "until": p.until}
                for p in reader.find(Purpose)
            ]

    def policy(self) -> dict[str, Json]:
        """Show the policies in force."""
        self._require("policy.show")
        with self.spine.store.read() as reader:
            newest = self.spine.policies.newest(reader)
        return {
            "version": newest.version,
            "applied_by": newest.applied_by,
            "time": newest.time,
            "text": newest.text,
        }

    def policy_history(self) -> list[dict[str, Json]]:
        """List every version of the policies."""
        self._require("policy.show")
        with self.spine.store.read() as reader:
            return [
                {"version": p.version, "applied_by": p.applied_by, "time": p.time}
                for p in self.spine.policies.history(reader)
            ]

    def apply_policy(self, text: str) -> dict[str, Json]:
        """Put new policies in force."""
        self._require("policy.apply")
        with self.spine.store.write() as tx:
            version = self.spine.policies.apply(tx, text, self.actor)
            self._note(tx, "policy.apply", {"version": version, "text": digest(text)})
        return {"version": version}

    def test_policy(self, text: str | None, principal: str, action: str, dataset: str) -> dict[str, Json]:
        """Ask policies (those in force, or a draft) what they would say."""
        self._require("policy.test")
        with self.spine.store.read() as reader:
            found = reader.get(Principal, principal)
            draft = text if text is not None else self.spine.policies.newest(reader).text
        if found is None:
            raise CallerError("purpose.no-owner", principal=principal)
        engine = load_policies(draft)
        verdicts = [engine.decide(a) for a in accesses(principal, found.role_set, action, dataset, {})]
        denied = [verdict for verdict in verdicts if not verdict.allowed] or verdicts
        return {
            "allowed": all(verdict.allowed for verdict in verdicts),
            "permits": list(denied[0].permits),
            "forbids": list(denied[0].forbids),
            "errors": list(denied[0].errors),
        }

    def declare(self, dataset: str, asked: Asked) -> dict[str, Json]:
        """Declare bounds and keys of a data set; versioned and journaled."""
        self._require("dataset.declare", dataset)
        with self.spine.store.write() as tx:
            view = self.spine.catalog.require_dataset(tx, dataset)
            types = {column.name: ColumnType(column.type) for column in view.columns}
            declared = self.spine.catalog.declare(
                tx, dataset, asked.typed(types, dataset), self.actor.acting_as
            )
            self._note(tx, "dataset.declare", declaration_facts(dataset, declared))
        return {"dataset": dataset, "version": declared.version, **declaration_json(declared)}

    def datasets(self) -> list[dict[str, Json]]:
        """List the data sets and the purposes they may serve."""
        self._require("dataset.list")
        with self.spine.store.read() as reader:
            return [
                {
                    "name": d.name,
                    "version": self._version_for(d.name, d.version),
                    "purposes": [p.purpose for p in reader.find(DatasetPurpose, dataset=d.name)],
                }
                for d in reader.find(Dataset)
                if not d.dropped and self._permits("dataset.list", d.name)
            ]

    def _version_for(self, dataset: str, version: int) -> int | None:
        """Tell the version to whoever may see exact counts: it moves when a person is erased."""
        return version if self._permits("release.risk", dataset) else None

    def dataset(self, name: str) -> dict[str, Json]:
        """Show a data set's columns, bases and declaration; never a count or value."""
        self._require("dataset.list", name)
        with self.spine.store.read() as reader:
            view = self.spine.catalog.require_dataset(reader, name)
        return {
            "name": view.name,
            "version": self._version_for(name, view.version),
            "subject_key": view.subject_column,
            "columns": columns_json(view),
            "bases": dict(view.bases),
            "declaration": {"version": view.declaration.version, **declaration_json(view.declaration)},
        }

    def allocate(self, dataset: str | None, purpose: str | None, epsilon: Fraction) -> dict[str, Json]:
        """Set the budget of a data set and purpose, or with neither the cap of the population."""
        where = self._account(dataset, purpose)
        with self.spine.store.write() as tx:
            if dataset is not None and purpose is not None:
                self.spine.catalog.require_dataset(tx, dataset)
                self.spine.catalog.require_purpose(tx, purpose)
            self.spine.ledger.allocate(tx, *where, epsilon, self.actor)
            exact = f"{epsilon.numerator}/{epsilon.denominator}"
            self._note(tx, "budget.allocate", {"dataset": where[0], "purpose": where[1], "epsilon": exact})
            return self.spine.ledger.standing(tx, *where).as_json()

    def _account(self, dataset: str | None, purpose: str | None) -> tuple[str, str]:
        if dataset is None and purpose is None:
            self._require("budget.cap")
            return POPULATION
        if dataset is None or purpose is None:
            raise CallerError("budget.which-account")
        self._require("budget.allocate", dataset)
        return dataset, purpose

    def budgets(self, dataset: str | None = None) -> list[dict[str, Json]]:
        """Show every account, or those of one data set, and the population's.

        A data set that was dropped keeps its accounts.

        Returns:
            Each account; ``apart_from`` lists the releases that left and ``opened_only`` those that
            were debited, opened data and never left: they failed or were cut off, or still run.
        """
        self._require("budget.show", dataset)
        with self.spine.store.read() as reader:
            if dataset is not None and not self.spine.catalog.dropped(reader, dataset):
                self.spine.catalog.require_dataset(reader, dataset)
            wanted = [(a.dataset, a.purpose) for a in reader.find(Allocation)]
            shown = [
                (name, purpose)
                for name, purpose in wanted
                if name == POPULATION[0] or (dataset in (None, name) and self._permits("budget.show", name))
            ]
            left = {release.id for release in reader.find(Released)}
            return [
                account_json(self.spine.ledger.standing(reader, name, purpose), left)
                for name, purpose in shown
            ]

    def choose(
        self, ref: str, purpose: str, *, granted: bool, notice: str, channel: str, time: str | None = None
    ) -> dict[str, Json]:
        """Record one person's grant or withdrawal for a purpose.

        A withdrawal is taken also after the purpose ended. The notice and channel stand in the
        consent ledger only, which is erased with the person; the journal keeps no caller's words.
        """
        action = "consent.grant" if granted else "consent.withdraw"
        self._require(action)
        for text in (notice, channel):
            if len(text) > _MOST_TEXT or not (text == "" or text.isprintable()):
                raise CallerError("consent.text")
        now = self.spine.clock.now()
        with self.spine.store.write() as tx:
            if granted or self.spine.catalog.purpose(tx, purpose) is None:
                self.spine.catalog.require_purpose(tx, purpose)
            person = self.spine.erasure.person(tx, ref)
            when = parse_time(time, now) if time else self._now_or_later(tx, person.number, purpose)
            choice = Choice(person.number, purpose, granted, when, notice, channel)
            self.spine.consents.record(tx, [choice], self.actor.acting_as)
            version = self.spine.consents.version(tx)
            facts: dict[str, Json] = {"purpose": purpose, "granted": granted, "consent_version": version}
            entry = self.spine.journal.append(tx, action, self.actor, facts, [person.about])
        return {"purpose": purpose, "granted": granted, "time": when, "entry": entry}

    def _now_or_later(self, tx: Transaction, number: int, purpose: str) -> str:
        """Date a choice made now after every earlier one, also where the clock was set back."""
        made = [e.time for e in tx.find(ConsentEvent, number=number) if e.purpose == purpose]
        return max([timestamp(self.spine.clock.now()), *made])

    def consents(self, ref: str) -> list[dict[str, Json]]:
        """Show one person's choices, oldest first; journaled as about the person."""
        self._require("consent.show")
        with self.spine.store.write() as tx:
            person = self.spine.rights.person(tx, ref, self.actor, "consent.show")
            self.spine.journal.append(tx, "consent.show", self.actor, {}, [person.about])
            return [
                {
                    "purpose": e.purpose, "granted": e.granted, "time": e.time, "notice": e.notice,
                    "channel": e.channel, "recorded_by": e.recorded_by,
                }
                for e in tx.find(ConsentEvent, number=person.number)
            ]  # fmt: skip


def _principal(record: Principal) -> dict[str, Json]:
    return {"name": record.name, "roles": sorted(record.role_set), "disabled": record.disabled}


def account_json(standing: Standing, left: Container[str]) -> dict[str, Json]:
    """Render an account; releases that were debited and never left stand apart from those that did."""
    return {
        **standing.as_json(),
        "apart_from": [name for name in standing.apart if name in left],
        "opened_only": [name for name in standing.apart if name not in left],
    }


def summary_json(text: str) -> Mapping[str, Json]:
    """Read a release's summary as the register keeps it."""
    return cast("Mapping[str, Json]", json.loads(text))
