"""The audit: what the records say must be what the journal tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import cast

from hedgerow.model.budget import PureEvent
from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    Account,
    Allocation,
    Approval,
    Bucket,
    Charge,
    ConsentEvent,
    ConsentState,
    Dataset,
    DatasetPurpose,
    Declaration,
    Derivation,
    JournalEntry,
    LocalSurvey,
    PeriodLimit,
    PolicyText,
    Principal,
    PublicContent,
    Setting,
    Subject,
    Witness,
)
from hedgerow.model.uses import Json
from hedgerow.spine.approving import heed as heed_approval
from hedgerow.spine.approving import recorded
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_acts import Story, check_story
from hedgerow.spine.audit_holdings import Holdings
from hedgerow.spine.audit_indexes import HeadActs, IndexActs, check_cosigned, check_indexes
from hedgerow.spine.audit_people import check_people
from hedgerow.spine.audit_releases import ReleaseActs
from hedgerow.spine.audit_results import check_register_read
from hedgerow.spine.audit_runs import RunActs
from hedgerow.spine.audit_uses import UseRules
from hedgerow.spine.balance import POPULATION
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.followed import SPENDING
from hedgerow.spine.forgotten import check_gone
from hedgerow.spine.ledger import UNKNOWN, Ledger, event_json, is_fold, read_event, unit_text
from hedgerow.spine.paging import rows_of_all
from hedgerow.spine.publics import recorded as published
from hedgerow.spine.second_key import second_keys
from hedgerow.spine.several import charges_told

Told = dict[object, object]
# The delta of a limit without one.
_PURE = "0/1"
_KINDS = (
    "budgets",
    "periods",
    "local surveys",
    "policies",
    "declarations",
    "principals",
    "data sets",
    "lawful bases",
    "witnesses",
    "journal keys",
    "public tables",
    "derivations",
)


def check_records(
    reader: Reader, ledger: Ledger, attestor: Attestor | None = None, *, judges_uses: bool = True
) -> None:
    """Compare the records that decide with what the journal tells of them.

    Args:
        reader: A view; its journal must have been verified first.
        ledger: Recounts the accounts.
        attestor: Whose key signed the certificates; without one their signatures are not checked.
        judges_uses: Whether a use against the rules of its time counts; a restore brings such a past back.

    Raises:
        Fault: ``ledger.differs``, ``ledger.not-journaled``, ``approval.rule-broken``,
            ``records.rule-broken`` or ``records.differ`` with the kind.

    Guarantee: charges, accounts, limits, policies, declarations and roles are those that journaled
    acts made; the latest consents are those of the recorded choices; no table file left a manifest;
    the data sets are those collected, each dropped or not and of the version the acts brought it to,
    and each may serve the purposes it was collected for, on the lawful bases of then; the approvals
    are those asked for, decided by whom the journal names, and used as often. So are purposes,
    requests, releases, failures, certificates, sources, columns, waiting rows, tombstones and
    manifests; who has a key is in a data set and was not erased since. Each use was within the limits,
    by the policies, roles, declaration and basis that the journal told when it was made.
    """
    _check_accounts(reader, ledger)
    heard = _Heard(judges_uses=judges_uses)
    for _, body in rows_of_all(reader, JournalEntry, ("index", "body")):
        heard.heed(parse_entry(cast("bytes", body)))
    if not _are_told(reader.find(Charge), heard.charged):
        raise Fault("ledger.not-journaled")
    heard.check_unknown(reader)
    _check_tables(reader)
    told = heard.told | {"approvals": cast("Told", heard.approvals)}
    for kind, records in _held(reader).items():
        if records != told[kind]:
            raise Fault("records.differ", kind=kind)
    _check_consents(reader)
    check_story(reader, heard.story, attestor)
    if attestor is not None and heard.story.erased_numbers:
        check_gone(attestor, reader.numbers(Subject, "number").tolist(), heard.story.erased_numbers)
    check_people(reader, heard.story.choices_left)
    heard.holdings.check(reader, attestor)
    heard.runs.check(reader)
    heard.releases.check(reader, attestor)
    check_indexes(reader, heard.indexes)
    check_cosigned(reader, heard.heads)


def _held(reader: Reader) -> dict[str, Told]:
    """Read the records that decide, by kind, as acts tell of them."""
    return {
        "budgets": {(a.dataset, a.purpose): (a.epsilon, a.delta) for a in reader.find(Allocation)},
        "policies": {p.version: digest(p.text) for p in reader.find(PolicyText)},
        "declarations": {(d.dataset, d.version): digest(d.body) for d in reader.find(Declaration)},
        # No act disables anybody.
        "principals": {p.name: None if p.disabled else sorted(p.role_set) for p in reader.find(Principal)},
        "data sets": {d.name: (d.version, bool(d.dropped)) for d in reader.find(Dataset)},
        "lawful bases": {(p.dataset, p.purpose): p.basis for p in reader.find(DatasetPurpose)},
        "periods": {
            (p.dataset, p.purpose, p.period): (p.starts, p.ends, p.epsilon, p.delta)
            for p in reader.find(PeriodLimit)
        },
        "local surveys": {
            s.entry: (
                s.survey,
                digest(s.name),
                s.purpose,
                s.registered_by,
                event_json(PureEvent(Fraction(s.epsilon))),
            )
            for s in reader.find(LocalSurvey)
        },
        "approvals": {a.id: recorded(a) for a in reader.find(Approval)},
        "witnesses": {w.name: w.required for w in reader.find(Witness)},
        "journal keys": second_keys(reader),
        "public tables": {p.name: published(p) for p in reader.find(PublicContent)},
        "derivations": {(d.dataset, d.ancestor): d.entry for d in reader.find(Derivation)},
    }


class _Heard:
    """What the journal tells, gathered entry by entry, so that it is never held as a whole."""

    def __init__(self, *, judges_uses: bool) -> None:
        self.charged: dict[tuple[int, str, str, bool], tuple[Json, str]] = {}
        self.told: dict[str, Told] = {kind: {} for kind in _KINDS}
        self.approvals: dict[object, Mapping[str, Json]] = {}
        self._named: set[object] = set()
        self.story, self.indexes, self.heads = Story(), IndexActs(), HeadActs()
        self.holdings, self.runs, self.releases = Holdings(), RunActs(), ReleaseActs()
        self._uses = UseRules() if judges_uses else None
        self._unknown_since = ""

    def heed(self, entry: Mapping[str, Json]) -> None:
        """Hear the next entry."""
        facts = cast("Mapping[str, Json]", entry["facts"])
        if entry["action"] in SPENDING and facts["cost"] is not None:
            told = facts["cost"], unit_text(facts.get("unit"))
            for charge in charges_told(facts):
                self.charged[cast("int", entry["index"]), *charge] = told
        elif entry["action"] == "space.restored":
            self._unknown_since = (
                str(entry["time"]) if facts["spending"] == "unknown" else self._unknown_since
            )
        elif entry["action"] == "budget.restate":
            self._unknown_since = ""
        if self._uses is not None:
            self._uses.heed(entry, self.told, self.story.purposes)
            if entry["action"] == "subject.erase":
                check_register_read(entry, self.story.released)
        _tell(self.told, entry, facts)
        heed_approval(self.approvals, self._named, entry)
        self.story.heed(entry)
        self.indexes.heed(entry)
        self.heads.heed(entry)
        self.holdings.heed(entry)
        self.runs.heed(entry)
        self.releases.heed(entry)

    def check_unknown(self, reader: Reader) -> None:
        """Whoever took that record away would have every budget back that a restore could not know of."""
        setting = reader.get(Setting, UNKNOWN)
        if (setting.value if setting else "") != self._unknown_since:
            raise Fault("records.differ", kind="unknown spending")


def _are_told(charges: Sequence[Charge], told: Mapping[tuple[int, str, str, bool], tuple[Json, str]]) -> bool:
    """Tell whether each account is charged once for each entry that charges it, and by nothing else."""
    held = {
        (c.entry, c.dataset, c.purpose, c.shared): (event_json(read_event(c.event)), c.unit) for c in charges
    }
    return len(held) == len(charges) and held == told


def _check_accounts(reader: Reader, ledger: Ledger) -> None:
    kept = {(account.dataset, account.purpose): account for account in reader.find(Account)}
    counted = ledger.recount(reader)
    for where in sorted({*kept, *counted}):
        if not is_fold(kept.get(where), counted.get(where)):
            raise Fault("ledger.differs", dataset=where[0], purpose=where[1])


def _check_tables(reader: Reader) -> None:
    """Rows that a manifest lost would be missing from every answer without a word."""
    for dataset in reader.find(Dataset):
        if sum(bucket.row_count for bucket in reader.find(Bucket, dataset=dataset.name)) != dataset.row_count:
            raise Fault("records.differ", kind="table files")


def _tell(told: dict[str, Told], entry: Mapping[str, Json], facts: Mapping[str, Json]) -> None:
    """Replay the acts that set limits, policies, declarations and roles, and move data sets on."""
    match entry["action"]:
        case "space.init":
            told["budgets"][POPULATION] = facts["population_epsilon"], _PURE
            told["policies"][1] = facts["policy"]
            told["principals"][facts["owner"]] = facts["roles"]
        case "budget.allocate" | "local.register":
            _limit(told, entry, facts)
        case "policy.apply":
            told["policies"][facts["version"]] = facts["text"]
        case "dataset.declare":
            told["declarations"][facts["dataset"], facts["version"]] = facts["body"]
        case "principal.add":
            told["principals"][facts["principal"]] = facts["roles"]
        case "public.add" | "public.drop":
            told["public tables"][facts["table"]] = (
                facts["version"],
                facts.get("body", ""),
                facts["why"],
            )
        case "witness.add" | "witness.remove" | "journal.key":
            _watch(told, entry, facts)
        case "collect" | "dataset.drop" | "subject.erase":
            _move_on(told, str(entry["action"]), facts)
            for source in cast("Sequence[str]", facts.get("derived_from") or ()):
                told["derivations"].setdefault((facts["dataset"], source), entry["index"])
        case _:
            pass


def _limit(told: dict[str, Told], entry: Mapping[str, Json], facts: Mapping[str, Json]) -> None:
    """Replay what sets limits, and what a survey with local privacy is charged for."""
    if entry["action"] == "budget.allocate":
        where = facts["dataset"], facts["purpose"]
        if "ended" in facts:
            told["periods"].pop((*where, facts["period"]), None)
            return
        limit = facts["epsilon"], facts.get("delta", _PURE)
        if "period" in facts:
            told["periods"][*where, facts["period"]] = (facts["starts"], facts["ends"], *limit)
        else:
            told["budgets"][where] = limit
        return
    acting = cast("Mapping[str, str]", entry["actor"])["as"]
    surveyed = facts["survey"], facts["name"], facts["for"], acting, facts["cost"]
    told["local surveys"][entry["index"]] = surveyed


def _watch(told: dict[str, Told], entry: Mapping[str, Json], facts: Mapping[str, Json]) -> None:
    """Replay what says who watches the journal, and by which further key it is signed."""
    if entry["action"] == "journal.key":
        told["journal keys"][entry["index"]] = facts["key"]
    elif entry["action"] == "witness.add":
        told["witnesses"][facts["witness"]] = facts["required"]
    else:
        told["witnesses"].pop(facts["witness"], None)


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


def _check_consents(reader: Reader) -> None:
    """Check that the latest consents are those of the recorded choices, a page of each at a time."""
    # For each purpose the person's choice that counts: when, whether refused, and its version.
    latest: dict[str, dict[int, tuple[str, bool, int]]] = {}
    names = ("version", "number", "purpose", "granted", "time")
    for version, number, purpose, granted, time in cast(
        "Iterator[tuple[int, int, str, bool, str]]", rows_of_all(reader, ConsentEvent, names)
    ):
        people = latest.setdefault(purpose, {})
        made, before = (time, not granted, version), people.get(number)
        if before is None or before < made:
            people[number] = made
    left = sum(map(len, latest.values()))
    nobody: dict[int, tuple[str, bool, int]] = {}
    for purpose, number, granted, version in cast(
        "Iterator[tuple[str, int, bool, int]]",
        rows_of_all(reader, ConsentState, ("purpose", "number", "granted", "version")),
    ):
        counts = latest.get(purpose, nobody).get(number)
        if counts is None or counts[2] != version or counts[1] is granted:
            raise Fault("records.differ", kind="consents")
        left -= 1
    if left:
        raise Fault("records.differ", kind="consents")
