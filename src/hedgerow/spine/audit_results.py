"""Stored results and the register of releases: each record as the entries of its use tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, replace
from typing import cast

from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Released, Request
from hedgerow.model.uses import Json
from hedgerow.spine.several import read_versions, versions_text

Facts = Mapping[str, Json]


@dataclass(slots=True)
class Use:
    """A use by the hash of its id: what it is bound to, and how far it came.

    Args:
        binding: Hash of what its id is bound to.
        dataset: The data set.
        purpose: The purpose.
        technique: The technique.
        lease: What was opened.
        release: The name of what left the house; none where nothing did.
        opened: Version of the data set when it was let through.
        intent: Its first entry.
        done: The entry of its end; none where it did not end well.
        versions: Versions of the data set and of the choices that it read.
        is_kept: Whether its result was stored.
        is_withdrawn: Whether the id was answered "withdrawn".
        person_level: Whether rows of single people are in the result; none where an older version did not
            tell, of what stayed in the house.
        acting: As whom it was done.
        register: Hash of the line in the register of releases; none where an older version did not tell.
        question: Hash of all that its answer depends on beside the data; empty where it is nobody else's.
        result: Hash of the answer, where it was stored.
        others: Versions of further data sets when it was let through, as a record keeps them.
        read: The same of when they were read.
    """

    binding: str
    dataset: str
    purpose: str
    technique: str
    lease: str
    release: str | None
    opened: int
    intent: int
    done: int | None = None
    versions: tuple[int, int] = (0, 0)
    is_kept: bool = False
    is_withdrawn: bool = False
    person_level: bool | None = None
    acting: str = ""
    register: str | None = None
    question: str = ""
    result: Json = None
    others: str = ""
    read: str = ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every data set it used, the first one first."""
        return (self.dataset, *read_versions(self.others))

    @classmethod
    def begun(cls, facts: Facts, index: int) -> Use:
        """Read the entry a use begins with."""
        cost = cast("Mapping[str, str]", facts["cost"] or {})
        opened = cast("Mapping[str, int]", facts["versions"]).get("dataset", 0)
        return cls(
            str(facts["binding"]), str(facts["dataset"]), str(facts["purpose"]), str(facts["technique"]),
            str(facts["lease"]), cost.get("non-private"), opened, index,
            question=str(facts.get("question", "")), others=_opened(facts),
        )  # fmt: skip

    @classmethod
    def given(cls, entry: Facts, answers: Mapping[int, Use]) -> Use:
        """Read the entry by which a stored answer was given again.

        Args:
            entry: The entry.
            answers: Uses that ended well, by the entry of their end.

        Raises:
            Fault: ``records.rule-broken`` where it is not the answer that it names.
        """
        facts, index = cast("Facts", entry["facts"]), cast("int", entry["index"])
        use, first = cls.begun(facts, index), answers.get(cast("int", facts["answer"]))
        use.end({**facts, "person_level": False}, index, cast("Facts", entry["actor"])["as"])  # type: ignore[arg-type]
        is_same = first is not None and _answer_of(first) == _answer_of(use)
        if not is_same or not use.question:
            rule = "it gives an answer that was not drawn for its question"
            raise Fault("records.rule-broken", index=index, rule=rule)
        return replace(use, question="")

    def end(self, facts: Facts, index: int, acting: str) -> None:
        """Read the entry a use ended well with."""
        versions = cast("Mapping[str, int]", facts["versions"])
        self.done, self.is_kept, self.acting = index, facts["result"] is not None, acting
        self.versions = versions["dataset"], versions["consent"]
        self.read = versions_text(cast("Mapping[str, int]", versions.get("others") or {}))
        # What left the house has rows of single people; an older version tells that of no other.
        told = facts.get("person_level", True if self.release is not None else None)
        self.person_level = cast("bool | None", told)
        self.register = cast("str | None", facts.get("register"))
        self.result = facts["result"]


def _opened(facts: Facts) -> str:
    """Tell of further data sets on which versions a use was let through, as a record keeps them."""
    others = facts.get("others")
    told = (
        cast("Mapping[str, Mapping[str, Mapping[str, int]]]", others) if isinstance(others, Mapping) else {}
    )
    return versions_text({name: each["versions"]["dataset"] for name, each in told.items()})


def _answer_of(use: Use) -> tuple[Json, ...]:
    """What an answer and one that is given again must have in common."""
    named = (use.dataset, use.purpose, use.technique, *use.versions, use.read)
    return (*named, use.question, use.result, use.person_level)


def registered(line: Released) -> str:
    """Hash a line of the register of releases, but for the entry that tells of it."""
    return digest(list(astuple(replace(line, entry=-1))))


def is_as_used(record: Request, use: Use, emptied: int) -> bool:
    """Tell whether a request is what its use left.

    Args:
        record: The request.
        use: What the journal tells of it.
        emptied: The last entry by which somebody or all left the data set.
    """
    if not (_is_standing(record, use) and _is_closed(record, use)):
        return False
    is_left = use.done is not None and emptied > use.done
    if record.state == "done":
        # Rows of people are withdrawn with a person or the data set; such an id is never answered again.
        is_personal = record.person_level if use.person_level is None else use.person_level
        return use.is_kept and not (is_personal and is_left) and not use.is_withdrawn
    if record.sealed is not None or record.wrapped is not None:
        return False
    if record.state == "spent":
        return not use.is_kept
    # What an older version stored of nobody goes with the others: it cannot prove what it is.
    is_ended = use.is_withdrawn or (use.is_kept and (is_left or use.person_level is None))
    return record.state == "withdrawn" and is_ended


def _is_standing(record: Request, use: Use) -> bool:
    held = (record.binding, record.dataset, record.purpose, record.question)
    return held == (use.binding, use.dataset, use.purpose, use.question)


def _is_closed(record: Request, use: Use) -> bool:
    """Tell whether a request says of its end, and of what was read, what its entries say."""
    versions = use.versions if use.is_kept else (use.opened, 0)
    entry = use.intent if use.done is None else use.done
    if record.others != (use.read if use.is_kept else use.others):
        return False
    if (record.dataset_version, record.consent_version, record.entry) != (*versions, entry):
        return False
    told = use.person_level if use.done is not None else False
    return told is None or record.person_level is told


def are_released(reader: Reader, told: Mapping[str, Use]) -> bool:
    """Tell whether the register of releases says what left, of whom and for what."""
    held = {line.id: line for line in reader.find(Released)}
    return held.keys() == told.keys() and all(_is_line(held[name], use) for name, use in told.items())


def _is_line(line: Released, use: Use) -> bool:
    if use.register is not None and registered(line) != use.register:
        return False
    read = (line.dataset_version, line.consent_version)
    said = (line.dataset, read, line.purpose, line.technique, line.released_by, line.entry)
    return said == (use.dataset, use.versions, use.purpose, use.technique, use.acting, use.done)


def register_read(lines: Iterable[Released]) -> str:
    """Hash what an erasure goes by when it names the releases that may hold a person."""
    return _hash_of(
        (line.id, line.dataset, line.dataset_version, line.consent_version, line.purpose, line.entry)
        for line in lines
    )


def check_register_read(entry: Facts, told: Mapping[str, Use]) -> None:
    """Check that an erasure went by the register as the journal told it then, which may be another now.

    Raises:
        Fault: ``records.rule-broken``.
    """
    read = cast("Facts", entry["facts"]).get("register")
    lines = ((name, u.dataset, *u.versions, u.purpose, u.done or 0) for name, u in told.items())
    if read is not None and read != _hash_of(lines):
        rule = "its certificate names the releases of a register that was changed"
        raise Fault("records.rule-broken", index=entry["index"], rule=rule)


def _hash_of(lines: Iterable[tuple[str, str, int, int, str, int]]) -> str:
    return digest([list(line) for line in sorted(lines)])
