"""What is remembered of erasures, so that a restore repeats them: tombstones, and what outlives them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable

from hedgerow.model.canonical import digest
from hedgerow.model.errors import Fault
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Certificate, Forgotten, Tombstone
from hedgerow.model.uses import Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import Departed, ToldErasure

DIFFERS = "erasures to repeat"


def bound(attestor: Attestor, lookup: bytes, time: str, until: str, certificate: str) -> str:
    """Make what the journal keeps of a person's line: only its key makes it, and it tells nothing else."""
    return attestor.bind("erasure", [lookup.hex(), time, until, certificate])


def number_of(attestor: Attestor, number: int) -> str:
    """Make what the journal keeps of an erased person's number, so that who comes back is known by it."""
    return attestor.bind_number("erased number", number)


def check_gone(attestor: Attestor, numbers: Iterable[int], erased: Collection[str]) -> None:
    """Check that nobody who was erased is here.

    Args:
        attestor: Its key bound the numbers.
        numbers: Internal numbers of those who are here.
        erased: What ``number_of`` made of those who were erased.

    Raises:
        Fault: ``records.differ``.
    """
    if erased and any(number_of(attestor, number) in erased for number in numbers):
        raise Fault("records.differ", kind="erased people")


def told_in(reader: Reader, stone: Tombstone) -> int:
    """Find the journal entry of the erasure that a tombstone is of; 0 when its certificate is not here."""
    certificate = reader.get(Certificate, stone.certificate)
    return int(json.loads(certificate.body)["entry_index"]) if certificate is not None else 0


def remember_revived(tx: Transaction, lookup: bytes) -> None:
    """Take a tombstone away, of somebody who is collected again; an older backup must not bring back more.

    Args:
        tx: The transaction.
        lookup: The keyed hash of the source id.
    """
    stone = tx.get(Tombstone, lookup)
    if stone is None:
        return
    tx.remove(Tombstone, lookup=lookup)
    if not tx.find(Forgotten, certificate=stone.certificate):
        tx.add([_line_of(tx, stone)])


def _line_of(reader: Reader, stone: Tombstone) -> Forgotten:
    return Forgotten(told_in(reader, stone), stone.lookup, "", stone.erased, stone.until, stone.certificate)


def forgotten(reader: Reader) -> list[Forgotten]:
    """List what a restore must repeat, as the records have it, in the order of the journal."""
    kept = reader.find(Forgotten)
    told = {each.certificate for each in kept if each.certificate}
    kept += [_line_of(reader, stone) for stone in reader.find(Tombstone) if stone.certificate not in told]
    return sorted(kept, key=lambda each: each.entry)


def checked(reader: Reader, told: Departed, attestor: Attestor | None) -> list[Forgotten]:
    """List what a restore must repeat, once it is what the journal tells.

    Args:
        reader: A view.
        told: What its verified journal tells.
        attestor: Its key bound each person's line; without one that is not checked.

    Returns:
        Every line, in the order of the journal.

    Raises:
        Fault: ``records.differ`` where a line is missing, too many or changed.

    Guarantee: every erasure and drop of the journal whose time is not over is told, as it was made.
    """
    lines = forgotten(reader)
    entries = {line.entry for line in lines}
    is_whole = len(entries) == len(lines) and told.erasures.keys() <= entries
    if not is_whole or not all(_is_told(line, told, attestor) for line in lines):
        raise Fault("records.differ", kind=DIFFERS)
    return lines


def _is_told(line: Forgotten, told: Departed, attestor: Attestor | None) -> bool:
    erasure = told.erasures.get(line.entry)
    if erasure is None:
        return told.older.get(line.entry) == line.certificate
    return is_line_of(erasure, line, attestor)


def is_line_of(erasure: ToldErasure, line: Forgotten, attestor: Attestor | None) -> bool:
    """Tell whether a line is the one that the journal tells of."""
    said = (line.dataset, line.certificate, line.until)
    if said != (erasure.dataset, erasure.certificate, erasure.until):
        return False
    if erasure.dataset:
        return (line.lookup, line.time) == (b"", erasure.time)
    if attestor is None:
        return True
    return bound(attestor, line.lookup, line.time, line.until, line.certificate) == erasure.bound


def line_json(line: Forgotten) -> dict[str, Json]:
    """Write a line as the list of erasures has it."""
    return {
        "entry": line.entry,
        "lookup": line.lookup.hex(),
        "dataset": line.dataset,
        "time": line.time,
        "until": line.until,
        "certificate": line.certificate,
    }


def known_by(lines: Iterable[object]) -> str:
    """Hash the lines of a list, in the order of the journal: it changes with each of them."""
    return digest(list(lines))


def known_erasures(reader: Reader) -> str:
    """Hash what a list of erasures would tell, as the head kept outside has it."""
    return known_by(line_json(line) for line in forgotten(reader))
