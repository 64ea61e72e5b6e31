"""Requests by id: the same id returns the same release, and never a second draw of noise."""

from __future__ import annotations

import json
import marshal
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from hedgerow.kernel.envelope import new_key, open_sealed, seal
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import ConsentEvent, Member, Request
from hedgerow.model.uses import Json, LeaseVersions, Release, UseRequest
from hedgerow.spine.keyring import Keyring, result_key

SPENT, DONE, WITHDRAWN = "spent", "done", "withdrawn"
_FORMAT = 1
_MAX_ID = 200


def binding_of(request: UseRequest, technique: str) -> str:
    """Hash what a request id is bound to: who, why, what and every parameter."""
    return digest(
        {
            "actor": request.actor.as_json(),
            "purpose": request.purpose,
            "dataset": request.dataset,
            "technique": technique,
            "parameters": dict(request.parameters),
        }
    )


def decision_key(request: UseRequest, technique: str) -> bytes:
    """Tell wishes apart as exactly as their binding does, at a tenth of its cost, inside one process.

    Args:
        request: The wish; its id does not matter to a decision.
        technique: Name of the technique.

    Returns:
        Bytes that differ whenever the bindings differ; one binding may have several.
    """
    actor = request.actor
    asked = (actor.principal, actor.acting_as, request.purpose, request.dataset, technique)
    try:
        # Version 2 keeps types apart (1 and true) and never abbreviates; only exact built-in types pass.
        return marshal.dumps((*asked, dict(request.parameters)), 2)
    except ValueError:
        return binding_of(request, technique).encode()


class Requests:
    """Keeps each use's result sealed, for the same caller to fetch again.

    Guarantee: an id that was reserved is never run again; it answers with the stored release,
    with "spent, no result" after a crash, or with "withdrawn".
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._backend = keyring.backend
        self._tenant = keyring.tenant

    def check_id(self, request_id: str) -> None:
        """Refuse an id that is empty, overlong or not printable.

        Raises:
            CallerError: ``request.malformed-id``.
        """
        if not request_id or len(request_id) > _MAX_ID or not request_id.isprintable():
            raise CallerError("request.malformed-id")

    def open(self, tx: Transaction, request: UseRequest, technique: str, version: int, entry: int) -> None:
        """Bind an id to a request, before data is opened."""
        binding = binding_of(request, technique)
        tx.add(
            [
                Request(
                    request.request_id, binding, SPENT, request.dataset, version, 0, request.purpose,
                    person_level=False, entry=entry,
                )
            ]
        )  # fmt: skip

    def close(
        self, tx: Transaction, request_id: str, release: Release, versions: LeaseVersions, entry: int
    ) -> None:
        """Keep the release, sealed under a key of its own."""
        record = cast("Request", tx.get(Request, request_id))
        if not release.kept:
            tx.put(replace(record, entry=entry, person_level=release.person_level))
            return
        key = new_key()
        body = zlib.compress(canonical({"payload": dict(release.payload), "mechanism": release.mechanism,
                                        "summary": dict(release.summary)}))  # fmt: skip
        done = replace(
            record,
            state=DONE,
            dataset_version=versions.dataset,
            consent_version=versions.consent,
            entry=entry,
            person_level=release.person_level,
            sealed=seal(key, body, self._binding("result", request_id)),
            wrapped=self._backend.wrap(key, result_key(self._tenant, request_id)),
        )
        tx.put(*self._keyring.current(tx, [done]))

    def again(self, tx: Transaction, record: Request, request: UseRequest, technique: str) -> Release:
        """Answer a known id.

        Raises:
            Refused: ``request.differs`` when it is bound to anything else, ``request.spent``
                after a crash, ``request.withdrawn`` when a person in it was erased or withdrew, or the
                data set was dropped.
        """
        if record.binding != binding_of(request, technique):
            raise Refused("request.differs")
        if record.person_level and record.state == DONE and self._has_withdrawals(tx, record):
            self.withdraw_one(tx, record.id)
            raise Refused("request.withdrawn")
        return self.result(record)

    def _has_withdrawals(self, reader: Reader, record: Request) -> bool:
        """Tell whether a member withdrew consent to the purpose after the lease was opened."""
        said_no = reader.find(ConsentEvent, purpose=record.purpose, granted=False)
        since = {event.number for event in said_no if event.version > record.consent_version}
        return any(reader.get(Member, record.dataset, number) is not None for number in since)

    def result(self, record: Request) -> Release:
        """Open a stored release.

        Raises:
            Refused: ``request.spent`` after a crash, ``request.withdrawn`` after an erasure.
        """
        if record.state == WITHDRAWN:
            raise Refused("request.withdrawn")
        if record.state != DONE or record.sealed is None or record.wrapped is None:
            raise Refused("request.spent")
        key = self._backend.unwrap(record.wrapped, result_key(self._tenant, record.id))
        body = json.loads(
            zlib.decompress(open_sealed(key, record.sealed, self._binding("result", record.id)))
        )
        return Release(
            cast("Mapping[str, Json]", body["payload"]),
            str(body["mechanism"]),
            record.person_level,
            cast("Mapping[str, Json]", body["summary"]),
        )

    def withdraw_one(self, tx: Transaction, request_id: str) -> None:
        """Let an id whose result may not leave answer "withdrawn"."""
        record = cast("Request", tx.get(Request, request_id))
        tx.put(replace(record, state=WITHDRAWN, sealed=None, wrapped=None))

    def withdraw(self, tx: Transaction, dataset: str) -> int:
        """Destroy the stored person-level results of a data set; the ids answer "withdrawn".

        Returns:
            How many were withdrawn.
        """
        stale = [record for record in self._stored(tx, dataset) if record.person_level]
        for record in stale:
            tx.put(replace(record, state=WITHDRAWN, sealed=None, wrapped=None))
        return len(stale)

    def held(self, reader: Reader, dataset: str) -> tuple[int, int]:
        """Count the stored results of a data set: those ``withdraw`` would destroy, and the others."""
        personal = [record.person_level for record in self._stored(reader, dataset)]
        return sum(personal), len(personal) - sum(personal)

    def _stored(self, reader: Reader, dataset: str) -> list[Request]:
        return [record for record in reader.find(Request, dataset=dataset) if record.state == DONE]

    def _binding(self, kind: str, request_id: str) -> Binding:
        return Binding(self._tenant, kind, request_id, "", _FORMAT)
