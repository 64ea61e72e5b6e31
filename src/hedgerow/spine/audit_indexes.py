"""The blind indexes in the records: which there are, whose terms they hold, and who searched."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import BlindIndex, BlindTerm, Cosigned, Search, SeenLog, WrappedSecret
from hedgerow.model.uses import Json
from hedgerow.spine.audit_people import distinct, within
from hedgerow.spine.cosigning import brief

_FIND, _RETIRED, _SECRET = "subject.find", "retired", "blind-index/"
# As long as searches are counted.
_COUNTED = timedelta(days=1)
Facts = Mapping[str, Json]
Told = dict[tuple[str, str, int], str]


class IndexActs:
    """What the journal tells of indexes and of searches, entry by entry."""

    def __init__(self) -> None:
        self.told: Told = {}
        self.searches: dict[str, list[tuple[int, datetime]]] = {}

    def heed(self, entry: Facts) -> None:
        """Hear the next entry."""
        _heed(self.told, str(entry["action"]), cast("Facts", entry["facts"]))
        if entry["action"] == _FIND:
            acting = cast("Mapping[str, str]", entry["actor"])["as"]
            made = (cast("int", entry["index"]), datetime.fromisoformat(str(entry["time"])))
            self.searches.setdefault(acting, []).append(made)


class HeadActs:
    """What the journal tells of the heads of other logs, and of this one cosigned elsewhere."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[Json, Json]] = {}
        self.cosigned: set[tuple[Json, Json]] = set()

    def heed(self, entry: Facts) -> None:
        """Hear the next entry."""
        facts = cast("Facts", entry["facts"])
        if entry["action"] == "journal.cosign":
            self.seen[str(facts["log"])] = facts["size"], facts["root"]
        elif entry["action"] == "journal.cosignature":
            self.cosigned.add((facts["size"], facts["witness"]))


def check_indexes(reader: Reader, acts: IndexActs) -> None:
    """Compare the indexes with the acts that made them, and the searches with those journaled.

    Args:
        reader: A view.
        acts: What the whole journal tells.

    Raises:
        Fault: ``records.differ`` with the kind.
    """
    indexes = reader.find(BlindIndex)
    held = {
        (i.dataset, i.column, i.version): f"{i.state} {i.normaliser}" for i in indexes if i.state != _RETIRED
    }
    if held != acts.told:
        raise Fault("records.differ", kind="indexes")
    secrets = {f"{_SECRET}{i.id}" for i in indexes if i.state != _RETIRED}
    names = cast("list[str]", reader.values(WrappedSecret, "name"))
    if secrets != {name for name in names if name.startswith(_SECRET)}:
        raise Fault("records.differ", kind="index secrets")
    ids = distinct(reader.numbers(BlindIndex, "id"))
    if not within(distinct(reader.numbers(BlindTerm, "index_id")), ids):
        raise Fault("records.differ", kind="index terms")
    if not _are_counted({(s.principal, s.entry) for s in reader.find(Search)}, acts.searches):
        raise Fault("records.differ", kind="searches")


def _heed(told: Told, action: str, facts: Facts) -> None:
    match action:
        case "dataset.index":
            told[_key(facts)] = f"building {facts['normaliser']}"
        case "dataset.index.built":
            _forget(told, str(facts["dataset"]), str(facts["column"]))
            told[_key(facts)] = f"current {facts['normaliser']}"
        case "dataset.index.drop" | "dataset.index.refuse":
            _forget(told, str(facts["dataset"]), str(facts["column"]))
        case "dataset.drop":
            _forget(told, str(facts["dataset"]), None)
        case _:
            pass


def _key(facts: Facts) -> tuple[str, str, int]:
    return str(facts["dataset"]), str(facts["column"]), cast("int", facts["version"])


def _forget(told: Told, dataset: str, column: str | None) -> None:
    for key in [key for key in told if key[0] == dataset and column in (None, key[1])]:
        del told[key]


def _are_counted(held: set[tuple[str, int]], told: Mapping[str, list[tuple[int, datetime]]]) -> bool:
    """Tell whether each search is counted that a later one of the same principal had not left behind."""
    every = {(acting, entry) for acting, made in told.items() for entry, _ in made}
    kept = {
        (acting, entry)
        for acting, made in told.items()
        for entry, time in made
        if time > made[-1][1] - _COUNTED
    }
    return kept <= held <= every


def check_cosigned(reader: Reader, acts: HeadActs) -> None:
    """Compare the heads of other logs seen here, and of this one cosigned elsewhere, with the journal.

    Args:
        reader: A view.
        acts: What the whole journal tells.

    Raises:
        Fault: ``records.differ`` with the kind.
    """
    logs = reader.find(SeenLog)
    if {brief(log.origin): (log.size, base64.b64encode(log.root).decode()) for log in logs} != acts.seen:
        raise Fault("records.differ", kind="logs cosigned here")
    if {(each.size, brief(each.key)) for each in reader.find(Cosigned)} != acts.cosigned:
        raise Fault("records.differ", kind="cosignatures")
