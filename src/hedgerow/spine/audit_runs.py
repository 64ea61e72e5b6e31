"""Runs, each as the entries of its uses tell it: paid at its opening, one step after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Run
from hedgerow.model.uses import OPENS, STEPS, Json
from hedgerow.spine.runs import CLOSE, told_of

Entry = Mapping[str, Json]
_SAME = ("name", "kind", "dataset", "purpose", "body", "opened", "until")


class RunActs:
    """Follows the journal, and refuses a step that no opening paid for."""

    def __init__(self) -> None:
        self._begun: dict[int, Entry] = {}
        self._told: dict[str, tuple[Entry, int]] = {}
        self._ties: dict[tuple[str, str], int] = {}

    def heed(self, entry: Entry) -> None:
        """Hear the next entry.

        Raises:
            Fault: ``records.rule-broken``.
        """
        facts, index = cast("Entry", entry["facts"]), cast("int", entry["index"])
        match entry["action"]:
            case "use.intend" if facts["lease"] == "aggregate":
                is_paid = facts["cost"] is not None or facts.get("run") is not None
                _require(is_paid, entry, "nothing was charged for it")
                if facts.get("run") is not None:
                    self._begun[index] = facts
            case "use.done":
                intent = self._begun.pop(cast("int", facts["intent"]), None)
                if facts.get("run") is not None:
                    self._stepped(entry, cast("Entry", facts["run"]), intent, cast("int", facts["intent"]))
            case "use.fail":
                self._begun.pop(cast("int", facts["intent"]), None)
            case "collect":
                self._tied(facts, index)
            case "dataset.drop":
                gone = [name for name, (run, _) in self._told.items() if run["dataset"] == facts["dataset"]]
                for name in gone:
                    del self._told[name]
            case action if action == CLOSE:
                self._closed(entry, cast("Entry", facts["run"]), index)

    def check(self, reader: Reader) -> None:
        """Compare the records with what was told.

        Raises:
            Fault: ``records.differ``.
        """
        held = {run.name: (told_of(run), run.entry) for run in reader.find(Run)}
        if held != self._told:
            raise Fault("records.differ", kind="runs")

    def _stepped(self, entry: Entry, run: Entry, intent: Entry | None, opened: int) -> None:
        said = cast("Entry", intent["run"]) if intent is not None else {}
        _require(said.get("name") == run["name"], entry, "it is a step of a run that it did not begin with")
        before, _ = self._told.get(str(run["name"]), (None, 0))
        if said["does"] == OPENS:
            is_paid = intent is not None and intent["cost"] is not None
            is_first = before is None and (run["opened"], run["step"]) == (opened, 0)
            _require(is_paid and is_first, entry, "it opens a run that was not paid for, or is open")
        else:
            is_next = before is not None and said["does"] == STEPS and _follows(before, run)
            _require(is_next, entry, "it is no next step of an open run")
            _require(not self._is_tied_since(run), entry, "it is of a run that more would be charged for now")
        self._told[str(run["name"])] = run, cast("int", entry["index"])

    def _tied(self, facts: Entry, index: int) -> None:
        for source in cast("Iterable[str]", facts.get("derived_from") or ()):
            self._ties.setdefault((str(facts["dataset"]), source), index)

    def _is_tied_since(self, run: Entry) -> bool:
        """Tell whether the data set of a run came to be one of further others after its opening."""
        found, left = {str(run["dataset"])}, [str(run["dataset"])]
        while left:
            name = left.pop()
            for (below, above), index in self._ties.items():
                if below == name and index > cast("int", run["opened"]):
                    return True
                if below == name and above not in found:
                    found.add(above)
                    left.append(above)
        return False

    def _closed(self, entry: Entry, run: Entry, index: int) -> None:
        before, _ = self._told.get(str(run["name"]), (None, 0))
        is_same = before is not None and all(before[name] == run[name] for name in (*_SAME, "step"))
        _require(is_same and bool(run["closed"]), entry, "it closes a run that is not there")
        self._told[str(run["name"])] = run, index


def _follows(before: Entry, after: Entry) -> bool:
    steps = cast("int", before["step"]), cast("int", after["step"])
    is_same = all(before[name] == after[name] for name in _SAME)
    return is_same and not before["closed"] and steps[1] == steps[0] + 1


def _require(holds: bool, entry: Entry, rule: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not holds:
        raise Fault("records.rule-broken", index=entry["index"], rule=rule)
