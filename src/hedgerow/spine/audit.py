"""The audit: what the records say must be what the journal tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    Account,
    Allocation,
    Bucket,
    Charge,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetPurpose,
    Declaration,
    JournalEntry,
    PolicyText,
    Principal,
)
from hedgerow.model.uses import Json
from hedgerow.spine.consent import last_choice
from hedgerow.spine.journal import parse_entry
from hedgerow.spine.ledger import POPULATION, Ledger, event_json, read_event

Told = dict[object, object]


def check_records(reader: Reader, ledger: Ledger) -> None:
    """Compare the records that decide with what the journal tells of them.

    Args:
        reader: A view; its journal must have been verified first.
        ledger: Recounts the accounts.

    Raises:
        Fault: ``ledger.differs``, ``ledger.not-journaled`` or ``records.differ`` with the kind.

    Guarantee: charges, accounts, limits, policies, declarations and roles are those that journaled
    acts made; the latest consents are those of the recorded choices; no table file left a manifest;
    the data sets are those collected, each dropped or not and of the version the acts brought it to,
    and each may serve the purposes it was collected for, on the lawful bases of then.
    """
    entries = [parse_entry(entry.body) for entry in reader.find(JournalEntry)]
    _check_accounts(reader, ledger)
    if dict(_charged(entries)) != {c.entry: event_json(read_event(c.event)) for c in reader.find(Charge)}:
        raise Fault("ledger.not-journaled")
    _check_tables(reader)
    told = _told(entries)
    held = {
        "budgets": {(a.dataset, a.purpose): a.epsilon for a in reader.find(Allocation)},
        "policies": {p.version: digest(p.text) for p in reader.find(PolicyText)},
        "declarations": {(d.dataset, d.version): digest(d.body) for d in reader.find(Declaration)},
        "principals": {p.name: sorted(p.role_set) for p in reader.find(Principal)},
        "data sets": {d.name: (d.version, bool(d.dropped)) for d in reader.find(Dataset)},
        "lawful bases": {(p.dataset, p.purpose): p.basis for p in reader.find(DatasetPurpose)},
    }
    for kind, records in held.items():
        if records != told[kind]:
            raise Fault("records.differ", kind=kind)
    if _latest(reader) != {(s.purpose, s.number): s.granted for s in reader.find(ConsentState)}:
        raise Fault("records.differ", kind="consents")


def _check_accounts(reader: Reader, ledger: Ledger) -> None:
    kept = {(account.dataset, account.purpose): account for account in reader.find(Account)}
    counted = ledger.recount(reader)
    for where in sorted({*kept, *counted}):
        if kept.get(where) != counted.get(where):
            raise Fault("ledger.differs", dataset=where[0], purpose=where[1])


def _check_tables(reader: Reader) -> None:
    """Rows that a manifest lost would be missing from every answer without a word."""
    for dataset in reader.find(Dataset):
        if sum(bucket.row_count for bucket in reader.find(Bucket, dataset=dataset.name)) != dataset.row_count:
            raise Fault("records.differ", kind="table files")


def _charged(entries: list[Mapping[str, Json]]) -> Iterator[tuple[int, Json]]:
    for entry in entries:
        facts = cast("Mapping[str, Json]", entry["facts"])
        if entry["action"] == "use.intend" and facts["cost"] is not None:
            yield cast("int", entry["index"]), facts["cost"]


def _told(entries: list[Mapping[str, Json]]) -> dict[str, Told]:
    """Replay the acts that set limits, policies, declarations and roles, and move data sets on."""
    kinds = ("budgets", "policies", "declarations", "principals", "data sets", "lawful bases")
    told: dict[str, Told] = {kind: {} for kind in kinds}
    for entry in entries:
        facts = cast("Mapping[str, Json]", entry["facts"])
        match entry["action"]:
            case "space.init":
                told["budgets"][POPULATION] = facts["population_epsilon"]
                told["policies"][1] = facts["policy"]
                told["principals"][facts["owner"]] = facts["roles"]
            case "budget.allocate":
                told["budgets"][facts["dataset"], facts["purpose"]] = facts["epsilon"]
            case "policy.apply":
                told["policies"][facts["version"]] = facts["text"]
            case "dataset.declare":
                told["declarations"][facts["dataset"], facts["version"]] = facts["body"]
            case "principal.add":
                told["principals"][facts["principal"]] = facts["roles"]
            case "collect" | "dataset.drop" | "subject.erase":
                _move_on(told, str(entry["action"]), facts)
            case _:
                pass
    return told


def _move_on(told: dict[str, Told], action: str, facts: Mapping[str, Json]) -> None:
    """Replay one act that gives data sets a new version."""
    if action == "subject.erase":
        for name in cast("list[str]", facts["datasets"]):
            version, is_dropped = cast("tuple[int, bool]", told["data sets"].get(name, (0, False)))
            told["data sets"][name] = (version + 1, is_dropped)
        return
    is_dropped = action == "dataset.drop"
    told["data sets"][facts["dataset"]] = (facts["version"], is_dropped)
    if is_dropped:
        for kind in ("declarations", "lawful bases"):
            told[kind] = {
                key: said for key, said in told[kind].items() if _dataset_of(key) != facts["dataset"]
            }
        return
    for purpose, basis in cast("Mapping[str, str]", facts["bases"]).items():
        told["lawful bases"][facts["dataset"], purpose] = basis


def _dataset_of(key: object) -> str:
    return cast("tuple[str, object]", key)[0]


def _latest(reader: Reader) -> dict[tuple[str, int], bool]:
    made: dict[tuple[str, int], list[ConsentEvent]] = {}
    for event in reader.find(ConsentEvent):
        made.setdefault((event.purpose, event.number), []).append(event)
    return {key: last_choice(events).granted for key, events in made.items()}
