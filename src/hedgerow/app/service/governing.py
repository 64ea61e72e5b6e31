"""Governing: principals, purposes, policies, declarations, budgets, consents."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date
from fractions import Fraction
from typing import cast

from hedgerow.adapters.policy import load_policies
from hedgerow.app.builtin import default_policies
from hedgerow.app.declaring import Asked
from hedgerow.app.service.base import Part, columns_json, naming_finder
from hedgerow.app.service.drafts import check_annotations, differences, is_same
from hedgerow.app.service.surveying import surveys_of
from hedgerow.model.budget import Limit
from hedgerow.model.canonical import digest, timestamp
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.periods import Period, calendar_period, rule_of
from hedgerow.model.policy import ACTION_TYPE, ACTIONS, PRINCIPAL_TYPE, ROLE_TYPE, Entity
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    Allocation,
    ConsentEvent,
    Dataset,
    DatasetPurpose,
    Principal,
    Purpose,
)
from hedgerow.model.roles import OWNER_ROLE
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType, Role, near
from hedgerow.spine.approving import strictest
from hedgerow.spine.audit_holdings import choice_sum
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.catalog import check_name, declaration_facts, declaration_json
from hedgerow.spine.consent import Choice, by_time, chosen_at, last_choice
from hedgerow.spine.derived import ancestors, is_ancestor
from hedgerow.spine.ledger import exact
from hedgerow.spine.of_units import of_units
from hedgerow.spine.periods import end_limit
from hedgerow.spine.permission import accesses

_MOST_TEXT = 200
_MOST_DELTA = Fraction(1, 100)
_KINDS = {
    PRINCIPAL_TYPE: "principal",
    ROLE_TYPE: "role",
    ACTION_TYPE: "action",
    "Workspace": "workspace",
    "Dataset": "data set",
    "Subject": "person",
}


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
            told: dict[str, Json] = {"owner": owner, "until": until.isoformat(), "why": digest(why)}
            self._note(tx, "purpose.add", {"purpose": name, **told})
        return {"name": name, "why": why, "owner": owner, "until": until.isoformat()}

    def purposes(self) -> list[dict[str, Json]]:
        """List the purposes."""
        self._require("purpose.list")
        with self.spine.store.read() as reader:
            return [
                {"name": p.name, "why": p.why, "owner": p.owner, "until": p.until}
                for p in reader.find(Purpose)
            ]

    def with_near_purpose(self, error: HedgerowError) -> HedgerowError:
        """Add to an error about an undeclared purpose the one that may have been meant.

        Args:
            error: Any error.

        Returns:
            The same error, or for who may list purposes one that names those of a like name.
        """
        if error.code != "purpose.unknown" or not self._permits("purpose.list"):
            return error
        with self.spine.store.read() as reader:
            meant = near(str(error.details["purpose"]), [p.name for p in reader.find(Purpose)])
        return Refused(error.code, **{**error.details, "near": f"{meant} "}) if meant else error

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

    def built_in_policy(self) -> dict[str, Json]:
        """Show the policies a new workspace of this version starts with."""
        self._require("policy.show")
        return {"version": None, "applied_by": None, "time": None, "text": default_policies()}

    def policy_history(self) -> list[dict[str, Json]]:
        """List every version of the policies."""
        self._require("policy.show")
        with self.spine.store.read() as reader:
            return [
                {"version": p.version, "applied_by": p.applied_by, "time": p.time}
                for p in self.spine.policies.history(reader)
            ]

    def apply_policy(self, text: str) -> dict[str, Json]:
        """Put new policies in force; the same as those in force change nothing.

        Returns:
            ``version``; ``changed``, whether it is a new one; and ``notes``: data sets and principals the
            policies name that there are not.
        """
        self._require("policy.apply")
        with self.spine.store.write() as tx:
            newest = self.spine.policies.newest(tx)
            if is_same(newest.text, text):
                return {"version": newest.version, "changed": False, "notes": []}
            version = self.spine.policies.apply(tx, text, self.actor)
            notes = self._policy_notes(tx, self._checked(text))
            self._note(tx, "policy.apply", {"version": version, "text": digest(text)})
        return {"version": version, "changed": True, "notes": notes}

    def plan_policy(self, text: str) -> dict[str, Json]:
        """Say what ``apply_policy`` would replace, and note what it would.

        Returns:
            ``replaces_version``; ``changed``, false where the text is the one in force; ``policies``: the ids
            ``added``, ``removed`` and ``changed``, or none for who may not see policies; and ``notes``.
        """
        self._require("policy.apply")
        shows = self._permits("policy.show")
        with self.spine.store.read() as reader:
            newest = self.spine.policies.newest(reader)
            if is_same(newest.text, text):
                return {"replaces_version": newest.version, "changed": False, "policies": None, "notes": []}
            named = self._checked(text)
            return {
                "replaces_version": newest.version,
                "changed": True,
                "policies": differences(newest.text, text) if shows else None,
                "notes": self._policy_notes(reader, named),
            }

    def _checked(self, text: str) -> list[Entity]:
        """List what policies name; an action or a kind of thing that there is not would never apply.

        Raises:
            CallerError: ``policy.unknown-action``, ``policy.unknown-type``, or what makes it no policy text.
        """
        engine = load_policies(text)
        check_annotations(engine.cedar)
        named = engine.named()
        for line, entity in named:
            if entity.type not in _KINDS:
                asked = near(entity.type, _KINDS) or f"There are {', '.join(sorted(_KINDS))}."
                raise CallerError("policy.unknown-type", line=line, kind=entity.type, near=asked)
            if entity.type == ACTION_TYPE and entity.id and entity.id not in ACTIONS:
                asked = _other_action(entity.id)
                raise CallerError("policy.unknown-action", line=line, action=entity.id, near=asked)
        return [entity for _, entity in named if entity.id]

    def _policy_notes(self, reader: Reader, named: Sequence[Entity]) -> list[Json]:
        """Note names there are none of; what the actor may not see counts as absent."""
        present = {
            "Dataset": {d.name for d in reader.find(Dataset) if self._sees(d)},
            PRINCIPAL_TYPE: {p.name for p in reader.find(Principal)},
            ROLE_TYPE: {*Role, OWNER_ROLE},
        }
        return [
            f"You see no {_KINDS[kind]} called {name}; what is said of it holds once there is one."
            for kind, name in sorted(set(named))
            if kind in present and name not in present[kind]
        ]

    def _sees(self, dataset: Dataset) -> bool:
        return not dataset.dropped and self._permits("dataset.list", dataset.name)

    def test_policy(self, text: str | None, principal: str, action: str, dataset: str) -> dict[str, Json]:
        """Ask policies (those in force, or a draft) what they would say."""
        self._require("policy.test")
        if action not in ACTIONS:
            raise CallerError("action.unknown", action=action, near=_other_action(action))
        with self.spine.store.read() as reader:
            found = reader.get(Principal, principal)
            draft = text if text is not None else self.spine.policies.newest(reader).text
            known = {p.name for p in reader.find(Principal)}
            asked = [Entity("Dataset", dataset)] if dataset != "any" else []
            notes = self._policy_notes(reader, [*asked, *(self._checked(text) if text is not None else ())])
        if found is None:
            meant = near(principal, known)
            raise CallerError("principal.not-found", principal=principal, near=meant and meant + " ")
        engine = load_policies(draft)
        verdicts = [engine.decide(a) for a in accesses(principal, found.role_set, action, dataset, {})]
        denied = [verdict for verdict in verdicts if not verdict.allowed] or verdicts
        return {
            "allowed": all(verdict.allowed for verdict in verdicts),
            "permits": list(denied[0].permits),
            "forbids": list(denied[0].forbids),
            "errors": list(denied[0].errors),
            "needs": [
                {"role": need.role, "people": need.people}
                for need in strictest(need for verdict in verdicts for need in verdict.needs)
            ],
            "notes": notes,
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
                if self._sees(d)
            ]

    def _version_for(self, dataset: str, version: int) -> int | None:
        """Tell the version to whoever may see exact counts: it moves when a person is erased."""
        return version if self._permits("release.risk", dataset) else None

    def dataset(self, name: str) -> dict[str, Json]:
        """Show a data set's columns, indexes, bases and declaration; never a count or value."""
        self._require("dataset.list", name)
        with self.spine.store.read() as reader:
            view = self.spine.catalog.require_dataset(reader, name)
            come_from = self._seen_ancestors(reader, name, "dataset.list")
            indexes = self.spine.indexes.listed(reader, name)
        bounds = view.declaration.contribution
        return {
            "name": view.name,
            "version": self._version_for(name, view.version),
            "subject_key": view.subject_column,
            "columns": columns_json(view),
            "indexes": cast("Json", indexes),
            "bases": dict(view.bases),
            "declaration": {"version": view.declaration.version, **declaration_json(view.declaration)},
            "contribution": bounds.said(view.declaration.unit) if bounds else None,
            "derived_from": cast("Json", come_from),
        }

    def _seen_ancestors(self, reader: Reader, name: str, action: str) -> list[str]:
        """List what a data set comes from, which its uses are charged to as well, where the actor sees it."""
        return [each for each in ancestors(reader, [name]) if self._permits(action, each)]

    def allocate(
        self,
        dataset: str | None,
        purpose: str | None,
        epsilon: Fraction,
        delta: Fraction = Fraction(0),
        period: Period | str | None = None,
    ) -> dict[str, Json]:
        """Set the budget of a data set and purpose, or with neither the cap of the population.

        Args:
            dataset: The data set.
            purpose: The purpose.
            epsilon: What may be spent in all, exact.
            delta: The chance that more is lost, 0 for none, at most 0.01.
            period: Of these days alone, or of each ``"year"``, ``"quarter"`` or ``"month"``: a limit within
                that of all time. None for that of all time.

        Returns:
            The account.

        Raises:
            CallerError: ``budget.which-account``, ``budget.delta-large``.
            Refused: By policy, or what there is not.
        """
        where = self._account(dataset, purpose)
        if delta > _MOST_DELTA:
            raise CallerError("budget.delta-large")
        limit = Limit(epsilon, delta)
        with self.spine.store.write() as tx:
            if dataset is not None and purpose is not None:
                if not (is_ancestor(tx, dataset) and self.spine.catalog.dropped(tx, dataset)):
                    self.spine.catalog.require_dataset(tx, dataset)
                self.spine.catalog.require_purpose(tx, purpose)
            told: dict[str, Json] = {"delta": exact(delta)} if delta else {}
            if period is None:
                self.spine.ledger.allocate(tx, *where, limit, self.actor)
            else:
                made = self.spine.ledger.limit_period(tx, where, period, limit, self.actor)
                told |= {"period": made.period, "starts": made.starts, "ends": made.ends}
            told |= {"dataset": where[0], "purpose": where[1], "epsilon": exact(epsilon)}
            self._note(tx, "budget.allocate", told)
            standing = self.spine.ledger.standing(tx, *where)
            if period is not None:
                # A limit of each quarter and one of this quarter have one name.
                wanted = period if isinstance(period, Period) else self._today(period)
                every = self.spine.ledger.periods(tx, where, every=True)
                standing = next(each for each in every if each.period == wanted)
            return self._split(tx, standing.as_json(), "budget.show", dataset)

    def end_period(self, dataset: str | None, purpose: str | None, period: Period | str) -> dict[str, Json]:
        """End the limit of a period as it was set (see ``allocate``); gives the account of all time.

        Raises:
            CallerError: ``budget.which-account``, ``budget.no-such-period``.
            Refused: By policy.
        """
        where, name = self._account(dataset, purpose), rule_of(period)[0]
        with self.spine.store.write() as tx:
            if not end_limit(tx, where, period):
                raise CallerError("budget.no-such-period", period=name)
            told: dict[str, Json] = {"dataset": where[0], "purpose": where[1], "period": name, "ended": True}
            self._note(tx, "budget.allocate", told)
            standing = self.spine.ledger.standing(tx, *where)
            return self._split(tx, standing.as_json(), "budget.show", dataset)

    def _today(self, kind: str) -> Period:
        return replace(calendar_period(kind, self.spine.clock.now().date()), every=kind)

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
            Each account, and after it its periods, which have ``period``, ``from`` and ``until``.
            ``apart_from`` lists the releases that left and ``opened_only`` those that were debited, opened
            data and never left: they failed or were cut off, or still run.
            Those of data sets the actor may not see are in neither. ``units`` tells, where uses were by
            another privacy unit, what these alone cost one of it and what people were charged;
            ``derived_from`` names the data sets that uses are charged to as well.
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
            ledger = self.spine.ledger
            return [
                self._split(reader, standing.as_json(), "budget.show")
                | ({"units": units} if units and standing.period is None else {})
                | ({"derived_from": come_from} if come_from else {})
                for where in shown
                for come_from in [cast("Json", self._seen_ancestors(reader, where[0], "budget.show"))]
                for units in [cast("Json", [each.as_json() for each in of_units(reader, where)])]
                for standing in (ledger.standing(reader, *where), *ledger.periods(reader, where, every=True))
            ] + ([] if dataset else surveys_of(reader))

    def choose(
        self, ref: str, purpose: str, *, granted: bool, notice: str, channel: str, time: str | None = None
    ) -> dict[str, Json]:
        """Record one person's grant or withdrawal for a purpose.

        A withdrawal is taken also after the purpose ended. The notice and channel stand in the
        consent ledger only, which is erased with the person; the journal keeps no caller's words.

        Returns:
            ``purpose``, ``granted``, ``time``, ``entry``, ``in_force``: whether what was chosen is what
            holds now, and ``later``: else the time of the later choice, for who may see choices.
        """
        action = "consent.grant" if granted else "consent.withdraw"
        self._require(action)
        ref = self._source_id(ref)
        for text in (notice, channel):
            if len(text) > _MOST_TEXT or not (text == "" or text.isprintable()):
                raise CallerError("consent.text")
        with naming_finder(ref), self.spine.store.write() as tx:
            if granted or self.spine.catalog.purpose(tx, purpose) is None:
                self.spine.catalog.require_purpose(tx, purpose)
            person = self.spine.erasure.person(tx, ref)
            made = [e for e in tx.find(ConsentEvent, number=person.number) if e.purpose == purpose]
            when = self._chosen(time, made, granted=granted)
            choice = Choice(person.number, purpose, granted, when, notice, channel)
            events = self.spine.consents.record(tx, [choice], self.actor.acting_as)
            version = self.spine.consents.version(tx)
            facts: dict[str, Json] = {"purpose": purpose, "granted": granted, "consent_version": version}
            facts["chosen"] = choice_sum(self.spine.attestor, events)
            entry = self.spine.journal.append(tx, action, self.actor, facts, [person.about])
            own = [e for e in tx.find(ConsentEvent, number=person.number) if e.purpose == purpose]
        return {"purpose": purpose, "granted": granted, "time": when, "entry": entry,
                **self._standing(last_choice(own), granted=granted)}  # fmt: skip

    def _chosen(self, time: str | None, made: Sequence[ConsentEvent], *, granted: bool) -> str:
        """Date a choice; one made now comes after every earlier one, also where the clock was set back.

        Raises:
            CallerError: ``consent.time``.
        """
        now = self.spine.clock.now()
        if not time:
            return max([timestamp(now), *(event.time for event in made)])
        try:
            moment = chosen_at(time, now, granted=granted).astimezone(UTC)
        except (ValueError, OverflowError):
            raise CallerError("consent.time", problem="is no ISO 8601 time") from None
        if moment > now:
            raise CallerError("consent.time", problem="lies in the future")
        return timestamp(moment)

    def _standing(self, counts: ConsentEvent, *, granted: bool) -> dict[str, Json]:
        """Tell whether a choice just recorded is what holds; when the other was made is not for everybody."""
        holds = counts.granted == granted
        later = counts.time if not holds and self._permits("consent.show") else None
        return {"in_force": holds, "later": later}

    def consents(self, ref: str) -> list[dict[str, Json]]:
        """Show one person's choices by their time, and which hold now; journaled as about the person."""
        self._require("consent.show")
        given, ref = ref, self._source_id(ref)
        with naming_finder(given), self.spine.store.write() as tx:
            person = self.spine.rights.person(tx, ref, self.actor, "consent.show")
            self.spine.journal.append(tx, "consent.show", self.actor, {}, [person.about])
            return [
                {
                    "purpose": e.purpose, "granted": e.granted, "time": e.time, "notice": e.notice,
                    "channel": e.channel, "recorded_by": e.recorded_by, "in_force": counts,
                }
                for e, counts in by_time(tx.find(ConsentEvent, number=person.number))
            ]  # fmt: skip


def _other_action(action: str) -> str:
    """Say which action may have been meant, or all there are."""
    return near(action, ACTIONS) or f"There are {', '.join(sorted(ACTIONS))}."


def _principal(record: Principal) -> dict[str, Json]:
    return {"name": record.name, "roles": sorted(record.role_set), "disabled": record.disabled}


def summary_json(text: str) -> Mapping[str, Json]:
    """Read a release's summary as the register keeps it."""
    return cast("Mapping[str, Json]", json.loads(text))
