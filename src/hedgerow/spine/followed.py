"""What a head kept outside states beside the root: as the signed journal tells it, not as the records say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

from hedgerow.kernel.accounting import Composition
from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Account
from hedgerow.model.uses import Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import DROP, ERASE, EXPIRE, KNOWN, RESTORED, Departed
from hedgerow.spine.entries import entry_of
from hedgerow.spine.forgotten import DIFFERS, checked, forgotten, is_line_of, known_by, line_json
from hedgerow.spine.journal import Journal
from hedgerow.spine.ledger import LOCAL, read_told
from hedgerow.spine.outside import OutsideHead, Spent, spent_of
from hedgerow.spine.several import debits_told

RESTATED = "budget.restate"
SPENDING = ("use.intend", "budget.unseen", LOCAL)
_ERASING = (ERASE, KNOWN, DROP, EXPIRE)
_HEEDED = (*SPENDING, RESTORED, RESTATED, *_ERASING)
_MARKS = tuple(f'"action":"{action}"'.encode() for action in _HEEDED)
_NOTHING = Spent(Fraction(0), Fraction(0), ())
Where = tuple[str, str]
Entry = Mapping[str, Json]


@dataclass(slots=True)
class Followed:
    """What the journal tells up to its head.

    Args:
        spent: By account.
        line: The line of the workspace.
        unknown_since: Since when it is not known what was spent; empty where it is.
        erasures: The hash of the list of erasures.
    """

    spent: dict[Where, Spent] = field(default_factory=dict)
    line: str = ""
    unknown_since: str = ""
    erasures: str = ""

    def heed(self, entry: Entry) -> None:
        """Take one entry in, in the order of the journal."""
        facts = cast("Entry", entry["facts"])
        if entry["action"] in SPENDING and facts["cost"] is not None:
            for where in debits_told(facts):
                self.spent[where] = _more(self.spent.get(where, _NOTHING), facts["cost"])
        elif entry["action"] == RESTORED:
            self.line = str(facts.get("line") or entry["index"])
            if facts["spending"] == "unknown":
                self.unknown_since = str(entry["time"])
        elif entry["action"] == RESTATED:
            self.unknown_since = ""


def followed(reader: Reader, journal: Journal, attestor: Attestor, before: OutsideHead | None) -> Followed:
    """Tell what belongs to the head of today, from the last head and the entries since.

    Args:
        reader: A view.
        journal: Its entries since are held against the signed head.
        attestor: Its key bound the lines of erasures.
        before: The head that the place holds, which this journal grew from; none where it holds none.

    Raises:
        Fault: ``journal.*``; ``ledger.differs`` or ``records.differ`` where the records say something else.

    Cost:
        As ``Journal.proven`` for the entries since; without a head before, the whole journal.
    """
    if before is None or before.line is None:
        return _anew(reader, journal, attestor)
    told = Followed(dict(before.spent), before.line, before.unknown_since, before.erasures)
    entries = journal.proven(reader, before.size, *_HEEDED)
    for entry in entries:
        told.heed(entry)
    _check_accounts(reader, told.spent)
    erasing = [entry for entry in entries if entry["action"] in _ERASING]
    if any(entry["action"] == EXPIRE for entry in erasing):
        return _anew(reader, journal, attestor)
    if erasing:
        told.erasures = _gone_on(reader, attestor, before, erasing)
    return told


def _anew(reader: Reader, journal: Journal, attestor: Attestor) -> Followed:
    journal.verify(reader)
    told, departed = Followed(), Departed()
    for record in journal.entries(reader):
        if any(mark in record.body for mark in _MARKS):
            entry = entry_of(record)
            told.heed(entry)
            departed.heed(entry)
    _check_accounts(reader, told.spent)
    told.erasures = known_by(line_json(line) for line in checked(reader, departed, attestor))
    return told


def _gone_on(reader: Reader, attestor: Attestor, before: OutsideHead, entries: Iterable[Entry]) -> str:
    """Hash the list of erasures: the one before, which must be as it was, and the lines of entries since."""
    departed, lines = Departed(), forgotten(reader)
    for entry in entries:
        departed.heed(entry)
    new = [line for line in lines if line.entry >= before.size]
    is_told = {line.entry for line in new} == departed.erasures.keys() and all(
        is_line_of(departed.erasures[line.entry], line, attestor) for line in new
    )
    old = known_by(line_json(line) for line in lines if line.entry < before.size)
    if not is_told or old != before.erasures:
        raise Fault("records.differ", kind=DIFFERS)
    return known_by(map(line_json, lines))


def _check_accounts(reader: Reader, told: Mapping[Where, Spent]) -> None:
    held = {(account.dataset, account.purpose): spent_of(account) for account in reader.find(Account)}
    for where in sorted({*held, *told}):
        if held.get(where, _NOTHING) != told.get(where, _NOTHING):
            raise Fault("ledger.differs", dataset=where[0], purpose=where[1])


def _more(spent: Spent, cost: Json) -> Spent:
    event = read_told(cost)
    if isinstance(event, NonPrivateEvent):
        return replace(spent, apart=(*spent.apart, event.release))
    total = Composition(spent.epsilon, spent.pure_rho, spent.rho, delta=spent.delta).plus(event)
    return Spent(total.pure, total.rho, spent.apart, total.pure_rho, total.delta)
