"""Releases that left: the certificate of each, and which were withdrawn."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import cast

from hedgerow.kernel.merkle import Frontier
from hedgerow.kernel.merkle.certified_file import ACTION, KIND, body_told, write_certificate
from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.canonical import canonical, digest, timestamp
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.ports import Clock, Reader, Store, Transaction
from hedgerow.model.records import (
    Approval,
    DatasetColumn,
    JournalEntry,
    ReleaseCertificate,
    Released,
    RetiredRelease,
)
from hedgerow.model.releases import DUTIES, LEGAL_CLASS, LEGAL_WORDS, LeftFile
from hedgerow.model.uses import Actor, Json, LeaseVersions, Release, UseRequest
from hedgerow.spine.approving import votes_of
from hedgerow.spine.attest import Attestor
from hedgerow.spine.journal import Journal

RETIRE = "release.retire"
"""What the journal calls it when a release is withdrawn."""
_LONGEST_PARAMETER = 2000
Facts = Mapping[str, Json]


class Releases:
    """Certifies what left, and keeps which releases were withdrawn.

    Guarantee: a certificate states what the journal and the register tell of the release; the hash of what it
    states and of the file stand in the journal before it is given out.

    Args:
        store: The records.
        journal: Tells of each certificate.
        attestor: Signs them.
        clock: The time.
    """

    def __init__(self, store: Store, journal: Journal, attestor: Attestor, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._attestor = attestor
        self._clock = clock

    def certify(self, actor: Actor, left: LeftFile) -> bytes:
        """Give the certificate of a release, made when it is first asked for.

        Args:
            actor: Who releases.
            left: The file as it is about to be written.

        Returns:
            The certificate (``specs/release-certificate.md``): the same for the same file.

        Raises:
            Fault: ``records.differ`` where the register does not know the release.
        """
        with self._store.write() as tx:
            held = tx.get(ReleaseCertificate, left.release)
            if held is None or _file_of(held)["sha256"] != left.sha256:
                held = self._made(tx, actor, left)
        return held.body.encode()

    def _made(self, tx: Transaction, actor: Actor, left: LeftFile) -> ReleaseCertificate:
        name, now = "rc-" + secrets.token_hex(8), timestamp(self._clock.now())
        body = {"certificate": name, "certified": now, **self._stated(tx, left)}
        _, frontier = self._journal.signed_state(tx)
        told: dict[str, Json] = {
            "dataset": body["dataset"],
            "release": left.release,
            "certificate": name,
            "body": body_told(body),
            "file": left.sha256,
        }
        entry = self._journal.append(tx, ACTION, actor, told)
        signed = self._attestor.certificate(KIND, body, entry, self._journal.leaf(tx, entry))
        # The newest leaf hangs beside each full tree before it, the smallest first.
        path = list(reversed(Frontier.from_bytes(frontier).peaks))
        checkpoint = self._journal.head(tx).checkpoint
        line = cast("JournalEntry", tx.get(JournalEntry, entry)).body
        document = write_certificate(signed, self._attestor.public, line, path, checkpoint)
        made = ReleaseCertificate(left.release, name, document.decode(), entry, now)
        tx.put(made)
        return made

    def _stated(self, tx: Reader, left: LeftFile) -> dict[str, Json]:
        record = tx.get(Released, left.release)
        if record is None:
            raise Fault("records.differ", kind="released tables")
        intent = self._intent(tx, record)
        return {
            "release": record.id,
            "released": record.time,
            "released_by": record.released_by,
            "release_entry": record.entry,
            "approved_by": _approvers(tx, intent.get("approval")),
            "dataset": record.dataset,
            "dataset_version": record.dataset_version,
            "consent_version": record.consent_version,
            "purpose": record.purpose,
            "basis": intent.get("basis"),
            "technique": record.technique,
            "mechanism": left.mechanism,
            "parameters": _short(left.parameters),
            "columns": _columns(tx, record.dataset, left.columns),
            "findings": cast("Json", json.loads(record.summary)),
            "legal_class": LEGAL_CLASS,
            "legal_words": list(LEGAL_WORDS),
            "obligations": list(DUTIES),
            "conditions": cast("Json", intent.get("obligations") or []),
            "file": {"sha256": left.sha256, "bytes": left.size_bytes},
        }

    def _intent(self, tx: Reader, record: Released) -> Facts:
        """Read the entry that the use of a release began with; each is under the signed head."""
        done = self._journal.proven(tx, record.entry, "use.done")
        ended = cast("Facts", done[0]["facts"]) if done and done[0]["index"] == record.entry else None
        begun = cast("int", ended["intent"]) if ended is not None else -1
        found = self._journal.proven(tx, begun, "use.intend") if begun >= 0 else []
        if not found or found[0]["index"] != begun:
            raise Fault("records.differ", kind="released tables")
        return cast("Facts", found[0]["facts"])

    def certificate(self, reader: Reader, release: str) -> bytes | None:
        """Read the certificate of a release; none where none was made."""
        held = reader.get(ReleaseCertificate, release)
        return None if held is None else held.body.encode()

    def retire(self, actor: Actor, release: str, reason: str) -> RetiredRelease:
        """Mark a release withdrawn; what left is not called back by it.

        Args:
            actor: Who withdraws it.
            release: The release.
            reason: Why; the journal holds its hash.

        Raises:
            CallerError: ``released.unknown`` or ``released.no-reason``.
            Refused: ``released.retired`` when it was withdrawn before.
        """
        if not reason.strip():
            raise CallerError("released.no-reason", release=release)
        with self._store.write() as tx:
            record = tx.get(Released, release)
            if record is None:
                raise CallerError("released.unknown", release=release)
            if tx.get(RetiredRelease, release) is not None:
                raise Refused("released.retired", release=release)
            told = {"dataset": record.dataset, "release": release, "reason": digest(reason)}
            entry = self._journal.append(tx, RETIRE, actor, told)
            made = RetiredRelease(
                release, reason, actor.acting_as, timestamp(self._clock.now()), entry
            )  # fmt: skip
            tx.add([made])
        return made


def line_of(
    request: UseRequest, technique: str, release: Release, versions: LeaseVersions, cost: object, now: str
) -> Released | None:
    """Make the line of the register for what leaves the house; its entry is not known yet.

    Args:
        request: The use.
        technique: What it was done with.
        release: What leaves.
        versions: What was read.
        cost: What it was charged; nothing leaves as rows but what no epsilon is known of.
        now: The time.
    """
    if not isinstance(cost, NonPrivateEvent):
        return None
    return Released(
        cost.release, request.dataset, versions.dataset, versions.consent, request.purpose, technique,
        request.actor.acting_as, now, canonical(dict(release.summary)).decode(), entry=-1,
    )  # fmt: skip


def _file_of(held: ReleaseCertificate) -> Facts:
    return cast("Facts", json.loads(held.body)["certificate"]["body"]["file"])


def _approvers(tx: Reader, approval: Json) -> list[Json]:
    record = tx.get(Approval, approval) if approval is not None else None
    return [] if record is None else [dict(vote) for vote in votes_of(record)]


def _short(parameters: Facts) -> dict[str, Json]:
    """Leave out what was not asked for; what is long, or may list values, is told by its hash."""
    return {
        name: value if len(str(value)) <= _LONGEST_PARAMETER else {"sha256": digest(value)}
        for name, value in parameters.items()
        if value not in (None, "", [], {})
    }


def _columns(tx: Reader, dataset: str, columns: Mapping[str, str]) -> list[Json]:
    held = {column.name: column for column in tx.find(DatasetColumn, dataset=dataset)}
    return [
        {
            "name": name,
            "released_as": how,
            "role": held[name].role if name in held else "",
            "category": held[name].category if name in held else "",
        }
        for name, how in columns.items()
    ]
