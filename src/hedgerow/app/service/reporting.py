"""Reporting: the state of a workspace as one value, refusals first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from hedgerow.app.report.reasons import meaning
from hedgerow.app.service.base import Part, columns_json
from hedgerow.app.service.governing import summary_json
from hedgerow.governance.rights import purpose_json
from hedgerow.model.canonical import timestamp
from hedgerow.model.errors import CallerError, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    Allocation,
    Approval,
    ConsentState,
    Dataset,
    DatasetPurpose,
    JournalEntry,
    Member,
    QuarantineBatch,
    QuarantinedRow,
    Released,
    RetiredRelease,
)
from hedgerow.model.uses import Json
from hedgerow.model.version import VERSION
from hedgerow.spine.approving import OPEN
from hedgerow.spine.balance import cost_text
from hedgerow.spine.entries import entry_of
from hedgerow.spine.ledger import read_told
from hedgerow.spine.several import others_told

_OUTCOMES = {"use.done": "done", "use.fail": "failed"}
_GIVEN_AGAIN = {"use.replay": "replayed", "use.stored": "stored answer"}
_REFUSED = ("use.refuse", "act.refuse", "use.fail")


class Reporting(Part):
    """What is held, who used it, what was refused."""

    def entries(self, last: int) -> list[dict[str, Json]]:
        """Read the newest entries of the journal, oldest of them first.

        Args:
            last: How many at most.

        Returns:
            The entries as they were signed, but for the names of data sets the reader may not see and of
            their releases, which are left out; an outcome has besides ``use``: the data set, purpose
            and technique of the entry that opened it.
        """
        self._require("journal.head")
        with self.spine.store.read() as reader:
            size = self.spine.journal.head(reader).size
            wanted = list(range(max(0, size - last), size))
            hidden = {d.name for d in reader.find(Dataset) if not self._permits("journal.head", d.name)}
            found = self.spine.journal.proven(reader, wanted[0]) if wanted else []
            opened = reader.find_any(
                JournalEntry,
                "index",
                sorted({at for e in found if (at := _intent(e)) is not None} - set(wanted)),
            )
            about = _about([*found, *map(entry_of, opened)])
            names = {
                **dict.fromkeys(("datasets", "come_from", "derived_from"), hidden),
                "files": hidden,
                "files_from": hidden,
                "releases": {r.id for r in reader.find(Released) if r.dataset in hidden},
            }
            return [_with_use(_cleared(e, names), about) for e in _without(hidden, found, about)]

    def releases(self) -> list[dict[str, Json]]:
        """List the person-level releases that left."""
        self._require("report.show")
        with self.spine.store.read() as reader:
            return [
                self._released(reader, record)
                for record in _by_time(reader.find(Released))
                if self._permits("report.show", record.dataset)
            ]

    def release_shown(self, release_id: str) -> dict[str, Json]:
        """Show one release with its risk.

        Raises:
            CallerError: ``released.unknown``.
        """
        self._require("release.risk")
        with self.spine.store.read() as reader:
            record = reader.get(Released, release_id)
        if record is None:
            raise CallerError("released.unknown", release=release_id)
        self._require("release.risk", record.dataset)
        with self.spine.store.read() as reader:
            return self._released(reader, record)

    def _released(self, reader: Reader, record: Released) -> dict[str, Json]:
        """Render a register line; its exact risk only for who may see it."""
        may_see = self._permits("release.risk", record.dataset)
        retired = reader.get(RetiredRelease, record.id)
        told = (
            {}
            if retired is None
            else {"time": retired.time, "by": retired.retired_by, "reason": retired.reason}
        )
        return {
            "id": record.id,
            "dataset": record.dataset,
            "purpose": record.purpose,
            "time": record.time,
            "technique": record.technique,
            "by": record.released_by,
            "summary": dict(summary_json(record.summary)) if may_see else {},
            "retired": told or None,
        }

    def report(self, title: str = "Hedgerow report") -> dict[str, Json]:
        """Gather the report of the workspace.

        Args:
            title: Its title.

        Returns:
            The value the HTML report renders; exact counts only for who may see exact risk, and of
            rows set aside only for who may list them.
        """
        self._require("report.show")
        with self.spine.store.read() as reader:
            shown = {d.name for d in reader.find(Dataset) if self._permits("report.show", d.name)}
            hidden = {d.name for d in reader.find(Dataset)} - shown
            every = [entry_of(entry) for entry in reader.find(JournalEntry)]
            about = _about(every)
            entries = _without(hidden, every, about)
            left = {release.id for release in reader.find(Released)}
            return {
                "title": title,
                "workspace": self._workspace(),
                "refusals": _refusals(entries, about),
                "held": [
                    self._held(reader, d)
                    for d in reader.find(Dataset)
                    if d.name in shown and not d.dropped
                ],
                "uses": _uses(entries, left),
                "budget": [
                    self._split(
                        reader,
                        self.spine.ledger.standing(reader, a.dataset, a.purpose).as_json(),
                        "report.show",
                    )
                    for a in reader.find(Allocation)
                    if a.dataset not in hidden
                ],
                "releases": [
                    self._released(reader, r) for r in _by_time(reader.find(Released)) if r.dataset in shown
                ],
                "consents": _consents(reader, shown, self._counted(shown)),
                "erasures": _erasures(entries),
                "quarantine": [
                    self._set_aside(reader, b)
                    for b in reader.find(QuarantineBatch)
                    if b.dataset not in hidden
                ],
                "approvals": self._waiting(reader),
                "journal": self._journal(reader),
                "acts": [],
                "commands": [],
            }  # fmt: skip

    def _waiting(self, reader: Reader) -> list[Json]:
        """List the open requests for approval that the reader may see."""
        state = self.spine.approvals.state
        return [
            {"id": a.id, "act": a.act, "dataset": a.dataset, "purpose": a.purpose, "state": state(reader, a),
             "requested_by": a.requested_by, "expires": a.expires}
            for a in reader.find(Approval)
            if state(reader, a) in OPEN and self._permits("approval.list", a.dataset or None)
        ]  # fmt: skip

    def _workspace(self) -> dict[str, Json]:
        return {
            "id": self.spine.tenant,
            "fingerprint": self.spine.attestor.fingerprint,
            "time": timestamp(self.spine.clock.now()),
            "viewer": self.actor.acting_as,
            "version": VERSION,
        }

    def _held(self, reader: Reader, dataset: Dataset) -> dict[str, Json]:
        counts = self._permits("release.risk", dataset.name)
        view = self.spine.catalog.require_dataset(reader, dataset.name)
        return {
            "dataset": dataset.name,
            "version": dataset.version if counts else None,
            "rows": dataset.row_count if counts else None,
            "people": dataset.people_count if counts else None,
            "columns": columns_json(view),
            "purposes": [purpose_json(reader, p) for p in reader.find(DatasetPurpose, dataset=dataset.name)],
        }

    def _counted(self, shown: set[str]) -> set[str]:
        """Name the data sets whose people the reader may see counted."""
        if not self._permits("release.risk"):
            return set()
        return {name for name in shown if self._permits("release.risk", name)}

    def _set_aside(self, reader: Reader, batch: QuarantineBatch) -> dict[str, Json]:
        may_see = self._permits("quarantine.list") and self._permits("quarantine.list", batch.dataset)
        return {
            "batch": batch.id,
            "dataset": batch.dataset,
            "until": batch.until,
            "rows": reader.count(QuarantinedRow, batch=batch.id) if may_see else None,
        }

    def _journal(self, reader: Reader) -> dict[str, Json]:
        head, problem = self.spine.journal.head(reader), None
        try:
            self.spine.journal.verify(reader)
        except HedgerowError as error:
            problem = error.message
        return {
            "size": head.size,
            "root": head.root_text,
            "fingerprint": self.spine.attestor.fingerprint,
            "verified": problem is None,
            "problem": problem,
        }


def _by_time(releases: list[Released]) -> list[Released]:
    return sorted(releases, key=lambda release: (release.time, release.id))


def _without(
    hidden: set[str], entries: list[Mapping[str, Json]], about: Mapping[int, Mapping[str, Json]]
) -> list[Mapping[str, Json]]:
    """Leave out what happened to data sets the reader may not see, outcomes of their uses included."""
    return [entry for entry in entries if hidden.isdisjoint(_datasets(_asked(entry, about)))]


def _datasets(facts: Mapping[str, Json]) -> list[Json]:
    """Name the data sets an entry is about; a use may be of several."""
    return [facts.get("dataset"), *others_told(facts)]


def _cleared(entry: Mapping[str, Json], hidden: Mapping[str, set[str]]) -> Mapping[str, Json]:
    """Leave hidden names out of an entry that is about several data sets."""
    facts = _facts(entry)
    shown = {kind: _seen(facts[kind], names) for kind, names in hidden.items() if kind in facts}
    return {**entry, "facts": {**facts, **shown}} if shown else entry


def _seen(told: Json, hidden: set[str]) -> Json:
    """Leave hidden names out of a list of names, or of what is told by name."""
    if isinstance(told, dict):
        return {name: each for name, each in told.items() if name not in hidden}
    if isinstance(told, list):
        return [name for name in told if not (isinstance(name, str) and name in hidden)]
    return told


def _about(entries: list[Mapping[str, Json]]) -> dict[int, Mapping[str, Json]]:
    """Collect what each use was about, by the number of the entry that opened it."""
    return {cast("int", e["index"]): _facts(e) for e in entries if e["action"] == "use.intend"}


def _with_use(entry: Mapping[str, Json], about: Mapping[int, Mapping[str, Json]]) -> dict[str, Json]:
    """Show an outcome with what its use was opened for; the journal keeps that with the opening only."""
    intent = _intent(entry)
    opened = about.get(intent) if intent is not None else None
    if opened is None:
        return dict(entry)
    others: dict[str, Json] = {"others": list(others_told(opened))} if others_told(opened) else {}
    use = {name: opened.get(name) for name in ("dataset", "purpose", "technique")}
    return {**entry, "use": use | others}


def _intent(entry: Mapping[str, Json]) -> int | None:
    return cast("int | None", _facts(entry).get("intent"))


def _asked(entry: Mapping[str, Json], about: Mapping[int, Mapping[str, Json]]) -> Mapping[str, Json]:
    """Read what an entry is about; an outcome is about what its use was opened for."""
    intent = _intent(entry)
    return {**({} if intent is None else about.get(intent, {})), **_facts(entry)}


def _who(entry: Mapping[str, Json]) -> dict[str, Json]:
    actor = cast("Mapping[str, Json]", entry["actor"])
    return {"time": entry["time"], "by": actor["by"], "as": actor["as"], "entry": entry["index"]}


def _facts(entry: Mapping[str, Json]) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", entry["facts"])


def _refusals(entries: list[Mapping[str, Json]], about: Mapping[int, Mapping[str, Json]]) -> list[Json]:
    found: list[Json] = []
    for entry in entries:
        if entry["action"] not in _REFUSED:
            continue
        facts = _asked(entry, about)
        codes = cast("list[str]", facts.get("reasons") or [facts.get("code") or "use.failed"])
        known = _known(entry, facts)
        found.append(
            {
                **_who(entry),
                "action": facts.get("technique") or facts.get("action") or "use",
                "dataset": facts.get("dataset"),
                "purpose": facts.get("purpose"),
                "after_opening": entry["action"] == "use.fail",
                "reasons": [{"code": code, "text": meaning(code, known)} for code in codes],
            }
        )
    return found


def _known(entry: Mapping[str, Json], facts: Mapping[str, Json]) -> dict[str, object]:
    """Gather what the journal keeps of a refusal; other details were a caller's own words."""
    names = {name: facts.get(name) for name in ("dataset", "purpose")}
    said = cast("Mapping[str, Json]", facts.get("said") or {})
    action = facts.get("action") or facts.get("technique")
    return {**names, "action": action, **said, "principal": _who(entry)["as"]}


def _uses(entries: list[Mapping[str, Json]], left: set[str]) -> list[Json]:
    outcomes = {_intent(e): _OUTCOMES[str(e["action"])] for e in entries if e["action"] in _OUTCOMES}
    found: list[Json] = []
    for entry in entries:
        facts = _facts(entry)
        if entry["action"] == "use.intend":
            outcome = outcomes.get(cast("int", entry["index"]), "spent, no result")
            cost = _cost(cast("Mapping[str, str] | None", facts["cost"]), left)
        elif entry["action"] in _GIVEN_AGAIN:
            outcome, cost = _GIVEN_AGAIN[str(entry["action"])], "nothing"
        else:
            continue
        found.append(
            {**_who(entry), "technique": facts["technique"], "dataset": facts["dataset"],
             "others": list(others_told(facts)), "purpose": facts["purpose"], "outcome": outcome,
             "cost": cost}
        )  # fmt: skip
    return found


def _cost(cost: Mapping[str, str] | None, left: set[str]) -> str:
    if cost is None:
        return "nothing"
    ((kind, value),) = cost.items()
    if kind == "non-private":
        return f"not private: release {value}" if value in left else f"not private: {value} has not left"
    return cost_text(read_told(dict(cost)))


def _consents(reader: Reader, shown: set[str], counted: set[str]) -> list[Json]:
    """Count choices by purpose: of the people of the counted data sets, and of nobody else."""
    people = {number for name in counted for number in reader.values(Member, "number", dataset=name)}
    resting: dict[str, set[str]] = {}
    for record in reader.find(DatasetPurpose):
        if record.basis == "consent" and record.dataset in shown:
            resting.setdefault(record.purpose, set()).add(record.dataset)
    return [
        {"purpose": purpose, **_answers(reader, purpose, people if resting[purpose] & counted else None)}
        for purpose in sorted(resting)
    ]


def _answers(reader: Reader, purpose: str, people: set[object] | None) -> dict[str, Json]:
    """Count who said yes, who said no and who was not asked; nothing where nobody may be counted."""
    if people is None:
        return {"granted": None, "withdrawn": None, "never_asked": None}
    yes, no = (
        sum(
            number in people
            for number in reader.values(ConsentState, "number", purpose=purpose, granted=said)
        )
        for said in (True, False)
    )
    return {"granted": yes, "withdrawn": no, "never_asked": len(people) - yes - no}


def _erasures(entries: list[Mapping[str, Json]]) -> list[Json]:
    final = {
        name
        for e in entries
        if e["action"] == "keys.destroyed"
        for name in cast("Mapping[str, Json]", _facts(e)["final"])
    }
    return [
        {
            "time": e["time"],
            "certificate": _facts(e)["certificate"],
            "state": "final" if _facts(e)["certificate"] in final else _facts(e)["state"],
            "entry": e["index"],
        }
        for e in entries
        if e["action"] == "subject.erase"
    ]
