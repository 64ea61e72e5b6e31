"""What the journal told last of table files and of broken rows that wait: what the next act may start from.

The records themselves can be put back by whoever writes to the database, as they were before somebody was
erased; an act that took them as found would make them its own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader
from hedgerow.model.records import Bucket, QuarantineBatch
from hedgerow.model.uses import Json
from hedgerow.spine.quarantine import LIFETIME, rows_of, waits_as
from hedgerow.spine.tables import manifest_of

FILES, WAITING = "table files", "quarantine"
NO_FILES = digest([])
"""The manifest of a data set that has no table file."""
Facts = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A batch of broken rows as the journal tells it.

    Args:
        dataset: The data set they were meant for.
        rows: The hash of its sealed rows; empty where an older version did not tell.
        waits_as: The hash of what its record says of them; empty where an older version did not tell.
        bases: The purposes of its collection, each with its lawful basis.
        time: When it was collected.
        is_certain: Whether it must be there: an older version did not tell of each batch that went.
    """

    dataset: str
    rows: str
    waits_as: str
    bases: Mapping[str, str]
    time: str
    is_certain: bool = True

    def is_told_by(self, record: QuarantineBatch) -> bool:
        """Tell whether a record says of the rows what the journal does."""
        if self.waits_as:
            return waits_as(record) == self.waits_as
        last = (datetime.fromisoformat(self.time) + LIFETIME).date().isoformat()
        if record.dataset != self.dataset or record.until > last:
            return False
        try:
            stated = json.loads(record.header).get("bases")
        except (ValueError, AttributeError):
            return False
        return not stated or stated == self.bases


@dataclass(slots=True)
class Standing:
    """Manifests by data set and waiting batches by name, as the journal told them last.

    Args:
        manifests: The hash of each; empty where an older version did not tell. A data set that is not here
            has no table file.
        batches: What waits.
        broken: Of which of both an entry says that it went on from something else.
    """

    manifests: dict[str, str] = field(default_factory=dict)
    batches: dict[str, Waiting] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def copy(self) -> Standing:
        """Give the same, to be told on."""
        return Standing(dict(self.manifests), dict(self.batches), set(self.broken))

    def as_json(self) -> dict[str, Json]:
        """Write it down, to be read on from."""
        return {
            "manifests": cast("Json", self.manifests),
            "batches": {name: cast("Json", asdict(each)) for name, each in self.batches.items()},
            "broken": sorted(self.broken),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Standing:
        """Read what ``as_json`` wrote."""
        batches = {name: Waiting(**each) for name, each in told["batches"].items()}
        return cls(dict(told["manifests"]), batches, set(told["broken"]))

    def heed(self, entry: Facts) -> None:
        """Take one entry in, in the order of the journal."""
        facts = cast("Facts", entry["facts"])
        match entry["action"]:
            case "collect":
                self._collected(facts, str(entry["time"]))
            case "subject.erase":
                self._erased(facts)
            case "dataset.drop":
                self._dropped(str(facts["dataset"]))
            case "quarantine.discard":
                self.batches.pop(str(facts["batch"]), None)
            case "quarantine.expire":
                gone = facts["batches"]
                for batch in gone if isinstance(gone, list) else self._doubt():
                    self.batches.pop(str(batch), None)
            case _:
                pass

    def _collected(self, facts: Facts, time: str) -> None:
        dataset = str(facts["dataset"])
        self._moved(dataset, facts.get("files_from"), facts.get("files"))
        if "revived" not in facts:
            self._doubt()
        if facts.get("retried") is not None:
            self.batches.pop(str(facts["retried"]), None)
        if facts.get("quarantine") is not None:
            self.batches[str(facts["quarantine"])] = Waiting(
                dataset,
                str(facts.get("set_aside") or ""),
                str(facts.get("waits_as") or ""),
                cast("Mapping[str, str]", facts["bases"]),
                time,
            )

    def _erased(self, facts: Facts) -> None:
        if "choices" not in facts:
            self._doubt()
        before, after = (cast("Facts", facts.get(name) or {}) for name in ("files_from", "files"))
        for dataset in cast("list[str]", facts.get("datasets") or []):
            self._moved(dataset, before.get(dataset), after.get(dataset))
        began = cast("Facts", facts.get("set_aside_from") or {})
        for batch, left in cast("Mapping[str, str]", facts.get("set_aside") or {}).items():
            told = self.batches.get(batch)
            if batch in began and (told is None or told.rows not in ("", began[batch])):
                self.broken.add(WAITING)
            if told is not None and left:
                self.batches[batch] = replace(told, rows=left)
            else:
                self.batches.pop(batch, None)

    def _moved(self, dataset: str, before: Json, after: Json) -> None:
        if before is not None and self.manifest(dataset) not in ("", before):
            self.broken.add(FILES)
        self.manifests[dataset] = str(after or "")

    def _dropped(self, dataset: str) -> None:
        self.manifests.pop(dataset, None)
        for batch in [name for name, each in self.batches.items() if each.dataset == dataset]:
            del self.batches[batch]

    def _doubt(self) -> Iterable[Json]:
        """Remember that an older version may have let any batch go."""
        self.batches = {name: replace(each, is_certain=False) for name, each in self.batches.items()}
        return ()

    def manifest(self, dataset: str) -> str:
        """Tell the hash of a manifest; empty where an older version did not tell it."""
        return self.manifests.get(dataset, NO_FILES)

    def moved_files(self, reader: Reader, datasets: Collection[str] | None = None) -> str | None:
        """Name a data set whose manifest is not the one told last.

        Args:
            reader: A view.
            datasets: Those to look at; all where none are named.
        """
        if datasets is None:
            datasets = sorted({*self.manifests, *map(str, reader.values(Bucket, "dataset"))})
        return next(
            (
                name
                for name in datasets
                if (told := self.manifest(name)) and manifest_of(reader, name) != told
            ),
            None,
        )

    def altered_batch(
        self,
        reader: Reader,
        batches: Collection[str] | None = None,
        held: Iterable[QuarantineBatch] | None = None,
    ) -> str | None:
        """Name a batch that is not the one told last: another record, other rows, gone or too many.

        Args:
            reader: A view.
            batches: Those to look at; all where none are named.
            held: Every record of one, where they were read already.
        """
        records = {batch.id: batch for batch in (reader.find(QuarantineBatch) if held is None else held)}
        wanted = sorted({*records, *self.batches}) if batches is None else batches
        return next((name for name in wanted if not self._is_told(reader, name, records.get(name))), None)

    def _is_told(self, reader: Reader, name: str, record: QuarantineBatch | None) -> bool:
        told = self.batches.get(name)
        if told is None or record is None:
            return record is None and (told is None or not told.is_certain)
        return told.is_told_by(record) and told.rows in ("", rows_of(reader, name))

    def require_files(self, reader: Reader, datasets: Collection[str] | None = None) -> None:
        """Stop an act that would go on from a manifest that is not the one told last.

        Args:
            reader: The transaction of the act.
            datasets: Those it changes; all where none are named.

        Raises:
            Fault: ``table.not-as-told``.
        """
        if (name := self.moved_files(reader, datasets)) is not None:
            raise Fault("table.not-as-told", dataset=name)

    def require_waiting(
        self,
        reader: Reader,
        batches: Collection[str] | None = None,
        held: Iterable[QuarantineBatch] | None = None,
    ) -> None:
        """Stop an act that would go by waiting rows that are not those told last.

        Args:
            reader: The transaction of the act.
            batches: Those it goes by; all where none are named.
            held: Every record of one, where they were read already.

        Raises:
            Fault: ``quarantine.altered``.
        """
        if (name := self.altered_batch(reader, batches, held)) is not None:
            raise Fault("quarantine.altered", batch=name)
