"""What journaled acts leave behind: requests, releases, failures, certificates, sources, tombstones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from hedgerow.kernel.envelope import are_under
from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.model.records import (
    Backup,
    Certificate,
    Collected,
    DatasetColumn,
    Failure,
    Purpose,
    QuarantineBatch,
    QuarantinedRow,
    Request,
    Setting,
    Tombstone,
)
from hedgerow.model.uses import Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_results import Use, are_released, is_as_used
from hedgerow.spine.departed import Departed
from hedgerow.spine.forgotten import DIFFERS, checked
from hedgerow.spine.keyring import WRAPPING
from hedgerow.spine.standing import FILES, WAITING

_ID_DIGITS = 32
# As much of a wrapped key as names its epoch.
_HEAD_BYTES = 17
_LOGICAL, _FINAL = "erasure-certificate", "final-erasure-certificate"
Facts = Mapping[str, Json]


@dataclass(slots=True)
class Story:
    """What the journal tells of records that acts leave, gathered entry by entry.

    An entry of an older version says less; what it does not say is not compared.
    """

    purposes: dict[str, tuple[str, str, str | None]] = field(default_factory=dict)
    uses: dict[str, Use] = field(default_factory=dict)
    intents: dict[int, Use] = field(default_factory=dict)
    released: dict[str, Use] = field(default_factory=dict)
    answers: dict[int, Use] = field(default_factory=dict)
    failures: set[tuple[str, int]] = field(default_factory=set)
    certificates: dict[str, tuple[str, int]] = field(default_factory=dict)
    sources: dict[tuple[str, str], int] = field(default_factory=dict)
    columns: dict[str, tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=dict)
    emptied: dict[str, int] = field(default_factory=dict)
    stones: set[str] = field(default_factory=set)
    settings: dict[str, str] = field(default_factory=dict)
    destroyed: set[str] = field(default_factory=set)
    departed: Departed = field(default_factory=Departed)
    choices_erased: int = 0
    erased_numbers: set[str] = field(default_factory=set)
    tells_stones: bool = True
    tells_choices: bool = True

    @property
    def choices_left(self) -> int | None:
        """How many choices are in force or were, those of erased people left out; none where not told."""
        counted = int(self.settings.get("consent.version", "0"))
        return counted - self.choices_erased if self.tells_choices else None

    def heed(self, entry: Facts) -> None:
        """Take one entry in, in the order of the journal."""
        self.departed.heed(entry)
        facts, index = cast("Facts", entry["facts"]), cast("int", entry["index"])
        match entry["action"]:
            case "use.intend":
                self._intend(facts, index)
            case "use.stored":
                self._give(entry)
            case "use.done" | "use.fail":
                acting = cast("Mapping[str, str]", entry["actor"])["as"]
                self._end(facts, index, acting, is_done=entry["action"] == "use.done")
            case "use.refuse":
                if facts.get("reasons") == ["request.withdrawn"] and (known := self._use(facts)):
                    known.is_withdrawn = True
            case "collect":
                self._collect(facts, index)
            case "dataset.drop":
                self._drop(str(facts["dataset"]), index)
            case "subject.erase":
                self._erase(facts, index)
            case _:
                self._govern(str(entry["action"]), facts, index)

    def _govern(self, action: str, facts: Facts, index: int) -> None:
        match action:
            case "purpose.add":
                told = cast("str | None", facts.get("why"))
                self.purposes[str(facts["purpose"])] = (str(facts["owner"]), str(facts["until"]), told)
            case "erasure.known":
                self._stone(facts)
            case "keys.epoch" | "keys.rotate":
                self.settings["keys.epoch"] = str(facts["epoch"])
            case "keys.destroyed":
                made = cast("Mapping[str, str]", facts.get("final") or {})
                self.certificates |= dict.fromkeys(made.values(), (_FINAL, index))
                self.destroyed |= set(cast("list[str]", facts["epochs"]))
            case "consent.grant" | "consent.withdraw":
                self.settings["consent.version"] = str(facts["consent_version"])

    def _intend(self, facts: Facts, index: int) -> None:
        use = Use.begun(facts, index)
        self.uses[str(facts["request"])] = self.intents[index] = use

    def _give(self, entry: Facts) -> None:
        """Hear of an answer given again; it must be of the rows and choices that were in force."""
        use, facts = Use.given(entry, self.answers), cast("Facts", entry["facts"])
        counted = self.settings.get("consent.version", "0")
        last = max(self.emptied.get(name, -1) for name in use.datasets)
        if str(use.versions[1]) != counted or last > cast("int", facts["answer"]):
            rule = "it gives an answer of other people or choices"
            raise Fault("records.rule-broken", index=entry["index"], rule=rule)
        self.uses[str(facts["request"])] = use

    def _use(self, facts: Facts) -> Use | None:
        return self.uses.get(str(facts.get("request")))

    def _end(self, facts: Facts, index: int, acting: str, *, is_done: bool) -> None:
        use = self.intents.get(cast("int", facts["intent"]))
        if use is None:
            return
        if is_done:
            use.end(facts, index, acting)
            self.answers[index] = use
            if use.release is not None:
                self.released[use.release] = use
        elif facts.get("code") == "request.withdrawn":
            use.is_withdrawn = True
        elif use.lease != "person":
            self.failures.add((acting, index))

    def _collect(self, facts: Facts, index: int) -> None:
        dataset = str(facts["dataset"])
        self.sources[dataset, str(facts["source"])] = index
        in_vault = frozenset(cast("list[str]", facts["vault"]))
        self.columns.setdefault(dataset, (tuple(cast("list[str]", facts["columns"])), in_vault))
        self.settings["consent.version"] = str(facts["consent_version"])
        if "revived" not in facts:
            self.tells_stones = False
        self.stones -= set(cast("list[str]", facts.get("revived") or []))

    def _drop(self, dataset: str, index: int) -> None:
        self.sources = {key: entry for key, entry in self.sources.items() if key[0] != dataset}
        self.columns.pop(dataset, None)
        self.emptied[dataset] = index

    def _erase(self, facts: Facts, index: int) -> None:
        self.certificates[str(facts["certificate"])] = (_LOGICAL, index)
        self._stone(facts)
        if "choices" not in facts:
            self.tells_choices = self.tells_stones = False
        if "number" in facts:
            self.erased_numbers.add(str(facts["number"]))
        self.choices_erased += cast("int", facts.get("choices") or 0)
        self.emptied |= dict.fromkeys(cast("list[str]", facts["datasets"]), index)

    def _stone(self, facts: Facts) -> None:
        self.stones.add(str(facts["certificate"]))
        if facts.get("replaces") is not None:
            self.stones.discard(str(facts["replaces"]))


def check_story(reader: Reader, story: Story, attestor: Attestor | None) -> None:
    """Compare the records that acts leave with what the journal tells of the acts.

    Args:
        reader: A view.
        story: What the whole journal tells.
        attestor: Whose key signs certificates; none to leave signatures unchecked.

    Raises:
        Fault: ``records.differ`` with the kind.
    """
    for kind, is_as_told in (
        ("purposes", _purposes), ("requests", _requests),
        ("released tables", lambda r, s: are_released(r, s.released)),
        ("failures", _failures), ("certificates", lambda r, s: _certificates(r, s, attestor)),
        ("collected sources", _sources), ("columns", _columns), ("quarantine", _quarantine),
        ("tombstones", _stones), ("backups", _backups),
        (DIFFERS, lambda r, s: _repeated(r, s, attestor)), ("settings", _settings),
        ("table files", _manifests), ("wrapped keys", _epochs),
    ):  # fmt: skip
        if not is_as_told(reader, story):
            raise Fault("records.differ", kind=kind)


def _purposes(reader: Reader, story: Story) -> bool:
    held = {p.name: p for p in reader.find(Purpose)}
    return held.keys() == story.purposes.keys() and all(
        (held[name].owner, held[name].until) == (owner, until) and why in (None, digest(held[name].why))
        for name, (owner, until, why) in story.purposes.items()
    )


def _requests(reader: Reader, story: Story) -> bool:
    held = {digest(r.id)[:_ID_DIGITS]: r for r in reader.find(Request)}
    return held.keys() == story.uses.keys() and all(
        is_as_used(held[name], use, max(story.emptied.get(each, -1) for each in use.datasets))
        for name, use in story.uses.items()
    )


def _failures(reader: Reader, story: Story) -> bool:
    return {(f.principal, f.entry) for f in reader.find(Failure)} == story.failures


def _certificates(reader: Reader, story: Story, attestor: Attestor | None) -> bool:
    held = {c.id: c for c in reader.find(Certificate)}
    ours = {name for name, c in held.items() if c.kind in (_LOGICAL, _FINAL)}
    return ours == story.certificates.keys() and all(
        held[name].kind == kind and _is_signed(held[name], entry, attestor)
        for name, (kind, entry) in story.certificates.items()
    )


def _is_signed(certificate: Certificate, entry: int, attestor: Attestor | None) -> bool:
    if attestor is None:
        return True
    try:
        record = attestor.open_certificate(certificate.body.encode())
    except HedgerowError:
        return False
    body = cast("Facts", record["body"])
    return (record["entry_index"], body["certificate"]) == (entry, certificate.id)


def _sources(reader: Reader, story: Story) -> bool:
    return {(c.dataset, c.content_hash): c.entry for c in reader.find(Collected)} == story.sources


def _columns(reader: Reader, story: Story) -> bool:
    names: dict[str, list[str]] = {}
    in_vault: dict[str, set[str]] = {}
    for column in reader.find(DatasetColumn):
        names.setdefault(column.dataset, []).append(column.name)
        in_vault.setdefault(column.dataset, set()).update([column.name] if column.in_vault else [])
    return {name: (tuple(held), frozenset(in_vault[name])) for name, held in names.items()} == story.columns


def _quarantine(reader: Reader, story: Story) -> bool:
    standing = story.departed.standing
    if WAITING in standing.broken or standing.altered_batch(reader) is not None:
        return False
    return set(reader.values(QuarantinedRow, "batch")) <= set(reader.values(QuarantineBatch, "id"))


def _stones(reader: Reader, story: Story) -> bool:
    held = {stone.certificate: stone for stone in reader.find(Tombstone)}
    if not held.keys() <= story.stones:
        return False
    return not story.tells_stones or not (story.stones - held.keys())


def _backups(reader: Reader, story: Story) -> bool:
    held, told = {b.id: b for b in reader.find(Backup)}, story.departed.backups
    return held.keys() == told.keys() and all(told[name].is_told_by(held[name]) for name in held)


def _repeated(reader: Reader, story: Story, attestor: Attestor | None) -> bool:
    """Tell whether a list of erasures could be signed, and each tombstone is of the person of its line."""
    lines = {line.certificate: line.lookup for line in checked(reader, story.departed, attestor)}
    return all(lines.get(stone.certificate) == stone.lookup for stone in reader.find(Tombstone))


def _settings(reader: Reader, story: Story) -> bool:
    held = {name: reader.get(Setting, name) for name in ("keys.epoch", "consent.version")}
    # Without any choice the counter may not be there.
    counted = held["consent.version"].value if held["consent.version"] else "0"
    epoch = held["keys.epoch"].value if held["keys.epoch"] else None
    return epoch == story.settings.get("keys.epoch") and counted == story.settings.get("consent.version", "0")


def _manifests(reader: Reader, story: Story) -> bool:
    standing = story.departed.standing
    return FILES not in standing.broken and standing.moved_files(reader) is None


def _epochs(reader: Reader, story: Story) -> bool:
    """Tell whether nothing lies under a destroyed epoch, where an older image opens nothing."""
    if not story.destroyed:
        return True
    heads: set[bytes] = set()
    for kind in WRAPPING:
        wrapped = cast("list[bytes | None]", reader.values(kind, "wrapped"))
        heads |= {blob[:_HEAD_BYTES] for blob in wrapped if blob is not None}
    return not any(are_under((head,), epoch) for head in heads for epoch in story.destroyed)
