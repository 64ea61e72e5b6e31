"""Who was in which class of the tables that left: each person's part sealed under that person's key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from hedgerow.kernel.envelope import open_many, seal_many
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import Fault
from hedgerow.model.keys import PersonBindings
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Released, ReleasedPerson, ReleaseShape, Subject
from hedgerow.model.remembered import Earlier, Remembered
from hedgerow.model.uses import Json, Release
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_holdings import membership_sum
from hedgerow.spine.derived import ancestors
from hedgerow.spine.vault import Vault

_FORMAT = 1
# What is sealed fills whole blocks, so that its length tells less of how many rows a person has.
_BLOCK_BYTES = 64
_ROW = "rows"


class Memory:
    """Remembers releases.

    Guarantee: in which class and with which values a person was opens with that person's key alone; once it
    is destroyed, what is left of the person is that a class had one more.

    Args:
        vault: Opens people's keys.
        attestor: Its key adds up who is remembered.
        tenant: Bound into everything sealed.
    """

    def __init__(self, vault: Vault, attestor: Attestor, tenant: str) -> None:
        self._vault = vault
        self._attestor = attestor
        self._tenant = tenant

    def earlier(self, reader: Reader, dataset: str) -> Earlier:
        """Read what is remembered of every release that left, the oldest first.

        Args:
            reader: A view.
            dataset: The data set that a further release is of.

        Raises:
            Fault: ``envelope.unreadable`` or ``records.differ`` where something was moved or put back.
        """
        shapes = sorted(reader.find(ReleaseShape), key=lambda shape: shape.entry)
        family = _family(reader, dataset)
        left = [line.id for line in reader.find(Released) if _family(reader, line.dataset) & family]
        known = {shape.release for shape in shapes}
        return Earlier(
            tuple(self._read(reader, shape, is_related=bool(_family(reader, shape.dataset) & family))
                  for shape in shapes),
            tuple(name for name in left if name not in known),
            _stamp(shapes),
        )  # fmt: skip

    def is_moved(self, reader: Reader, release: Release) -> bool:
        """Tell whether another release left since one was judged."""
        asked = release.remembered
        return asked is not None and _stamp(reader.find(ReleaseShape)) != asked.stamp

    def keep(self, tx: Transaction, left: Released, release: Release) -> dict[str, Json]:
        """Remember a release; the journal is told next.

        Args:
            tx: The transaction that makes it durable.
            left: Its line in the register.
            release: What leaves.

        Returns:
            What the journal is to be told; ``entered`` completes the record.
        """
        if release.remembered is None:
            return {}
        rows = release.remembered.rows
        body = _body(rows)
        numbers, plain = _of_each(rows)
        tx.add_rows(ReleasedPerson, self._sealed(tx, left.id, numbers, plain))
        told: dict[str, Json] = {
            "release": left.id,
            "shape": digest([left.dataset, body]),
            "people": people_sum(self._attestor, [(left.id, number) for number in numbers]),
        }
        return {"remembered": told}

    def entered(self, tx: Transaction, left: Released, release: Release, entry: int) -> None:
        """Store what is remembered of a release as a whole, with the entry that tells of it."""
        if release.remembered is not None:
            tx.add([ReleaseShape(left.id, left.dataset, _body(release.remembered.rows), entry)])

    def _sealed(
        self, tx: Reader, release: str, numbers: Sequence[int], plain: Sequence[bytes]
    ) -> Iterable[tuple[str, int, bytes]]:
        keys = self._keys(tx, numbers)
        if len(keys) != len(numbers):
            raise Fault("table.changed")
        sealed = seal_many([keys[each] for each in numbers], plain, self._bound(release, numbers))
        return sorted((release, number, blob) for number, blob in zip(numbers, sealed, strict=True))

    def _read(self, reader: Reader, shape: ReleaseShape, *, is_related: bool) -> Remembered:
        import numpy as np

        held = reader.find(ReleasedPerson, release=shape.release)
        numbers = [each.number for each in held]
        keys = self._keys(reader, numbers)
        if len(keys) != len(numbers):
            raise Fault("records.differ", kind="remembered releases")
        opened = open_many([keys[number] for number in numbers], [each.sealed for each in held],
                           self._bound(shape.release, numbers))  # fmt: skip
        body = cast("Mapping[str, Json]", json.loads(shape.body))
        of_each = zip(numbers, opened, strict=True)
        rows = [(number, *row) for number, text in of_each for row in json.loads(text)[_ROW]]
        names = cast("list[str]", body["values"])
        table = np.array(rows, dtype=np.int64).reshape(len(rows), 2 + len(names))
        return Remembered(
            tuple(cast("list[str]", body["columns"])), tuple(cast("list[str]", body["quasi"])),
            cast("int", body["k"]), cast("int", body["l"]), tuple(cast("list[int]", body["counted"])),
            table[:, 0], table[:, 1], {name: table[:, 2 + place] for place, name in enumerate(names)},
            shape.release, is_related,
        )  # fmt: skip

    def _keys(self, reader: Reader, numbers: Sequence[int]) -> dict[int, bytes]:
        people = self._vault.open_many(reader.find_any(Subject, "number", list(numbers)))
        return {person.number: person.key for person in people}

    def _bound(self, release: str, numbers: Sequence[int]) -> PersonBindings:
        return PersonBindings(self._tenant, "released", numbers, release, _FORMAT)


def people_sum(attestor: Attestor, rows: Iterable[tuple[str, int]]) -> str:
    """Add up who is remembered of which release, as ``membership_sum`` does of data sets."""
    # No data set has a blank in its name.
    return membership_sum(attestor, ((f"release {release}", number, 0) for release, number in rows))


def shape_told(shape: ReleaseShape) -> str:
    """Hash what is remembered of a release as a whole, as the journal holds it."""
    return digest([shape.dataset, shape.body])


def _family(reader: Reader, dataset: str) -> set[str]:
    return {dataset, *ancestors(reader, [dataset])}


def _stamp(shapes: Iterable[ReleaseShape]) -> str:
    return digest(sorted(shape.release for shape in shapes))


def _body(rows: Remembered) -> str:
    told: dict[str, Json] = {
        "columns": list(rows.columns),
        "quasi": list(rows.quasi),
        "k": rows.k,
        "l": rows.l,
        "counted": list(rows.counted),
        "values": sorted(rows.values),
    }
    return canonical(told).decode()


def _of_each(rows: Remembered) -> tuple[list[int], list[bytes]]:
    """Write each person's rows: class and values of each."""
    columns = [rows.classes.tolist(), *(rows.values[name].tolist() for name in sorted(rows.values))]
    held: dict[int, list[Json]] = {}
    for number, *row in zip(rows.people.tolist(), *columns, strict=True):
        held.setdefault(number, []).append(cast("Json", row))
    plain = [canonical({_ROW: each}) for each in held.values()]
    return list(held), [text + b" " * (-len(text) % _BLOCK_BYTES) for text in plain]
