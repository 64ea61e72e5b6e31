"""Requests by id: the same id returns the same release, and never a second draw of noise."""

from __future__ import annotations

import json
import marshal
import zlib
from collections.abc import Mapping
from dataclasses import replace
from secrets import compare_digest
from typing import cast

from hedgerow.kernel.envelope import new_key, open_sealed, seal
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.keys import Binding
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import ConsentEvent, Member, Request
from hedgerow.model.uses import Decision, Json, LeaseVersions, Release, UseRequest
from hedgerow.spine.attest import Attestor
from hedgerow.spine.journal import Journal
from hedgerow.spine.keyring import Keyring, result_key
from hedgerow.spine.several import datasets_held, read_versions, versions_text

SPENT, DONE, WITHDRAWN = "spent", "done", "withdrawn"
_OLD_FORMAT, _FORMAT = 1, 2
# What is sealed begins with a byte of its own: those of an older version begin with that of the envelope.
_HEAD, _TAG_BYTES = b"\x02", 32
_USE, _SHARED_USE, _USE_OF_SEVERAL = "stored result 1", "stored result 2", "stored result 3"
_MAX_ID, _ID_DIGITS = 200, 32
_PAGE = 1000


def id_hash(request_id: str) -> str:
    """Name a request in the journal without repeating text a caller chose."""
    return digest(request_id)[:_ID_DIGITS]


def binding_of(request: UseRequest, technique: str) -> str:
    """Hash what a request id is bound to: who, why, what and every parameter."""
    # Named only where they are there, so that ids of before are bound as they were.
    more: dict[str, Json] = {"fresh": True} if request.fresh else {}
    more |= {"others": list(request.others)} if request.others else {}
    more |= {"run": request.run} if request.run else {}
    return digest(
        {
            **more,
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
    asked = (
        actor.principal, actor.acting_as, request.purpose, request.datasets, technique, request.fresh,
        request.run,
    )  # fmt: skip
    try:
        # Version 2 keeps types apart (1 and true) and never abbreviates; only exact built-in types pass.
        return marshal.dumps((*asked, request.engine, dict(request.parameters)), 2)
    except ValueError:
        return f"{binding_of(request, technique)} {request.engine}".encode()


def opened_on(decision: Decision) -> LeaseVersions:
    """Tell on which versions of its data sets a use was let through."""
    others = {name: each["dataset"] for name, each in decision.others.items()}
    return LeaseVersions(decision.versions["dataset"], 0, tuple(sorted(others.items())))


class Requests:
    """Keeps each use's result sealed, for the same caller to fetch again.

    Guarantee: an id that was reserved is never run again; it answers with the stored release,
    with "spent, no result" after a crash, or with "withdrawn". A stored result opens only beside the
    binding, data set, versions, purpose and level it was stored with, and one of single people is not
    given out once the journal tells of an erasure or a drop after it.

    Args:
        keyring: Wraps the keys of results.
        attestor: Its key binds what a record says of its result.
        journal: Tells what happened since.
    """

    def __init__(self, keyring: Keyring, attestor: Attestor, journal: Journal) -> None:
        self._keyring = keyring
        self._attestor = attestor
        self._journal = journal
        self._backend = keyring.backend
        self._tenant = keyring.tenant

    def check_id(self, request_id: str) -> None:
        """Refuse an id that is empty, overlong or not printable.

        Raises:
            CallerError: ``request.malformed-id``.
        """
        if not request_id or len(request_id) > _MAX_ID or not request_id.isprintable():
            raise CallerError("request.malformed-id")

    def open(
        self,
        tx: Transaction,
        request: UseRequest,
        technique: str,
        versions: LeaseVersions,
        entry: int,
        question: str,
    ) -> None:
        """Bind an id to a request, before data is opened."""
        binding = binding_of(request, technique)
        tx.add(
            [
                Request(
                    request.request_id, binding, SPENT, request.dataset, versions.dataset, 0, request.purpose,
                    person_level=False, entry=entry, question=question,
                    others=versions_text(dict(versions.others)),
                )
            ]
        )  # fmt: skip

    def answered(self, reader: Reader, question: str, versions: LeaseVersions) -> Request | None:
        """Find the newest answer to a question that others may be given.

        Args:
            reader: A view.
            question: Its hash.
            versions: What it must have been read from.

        Raises:
            Fault: ``records.differ`` when the record does not say what the answer was stored with.
        """
        found = [
            record
            for record in reader.find(Request, question=question)
            if record.state == DONE
            and not record.person_level
            and (record.dataset_version, record.consent_version) == (versions.dataset, versions.consent)
            and record.others == versions_text(dict(versions.others))
        ]
        newest = max(found, key=lambda record: record.entry, default=None)
        if newest is None:
            return None
        if not self._is_bound(newest):
            raise Fault("records.differ", kind="requests")
        return newest

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
            others=versions_text(dict(versions.others)),
            entry=entry,
            person_level=release.person_level,
            wrapped=self._backend.wrap(key, result_key(self._tenant, request_id)),
        )
        tag = self._tag(done)
        done = replace(done, sealed=_HEAD + tag + seal(key, body, self._bound(done, tag)))
        tx.put(*self._keyring.current(tx, [done]))

    def again(self, tx: Transaction, record: Request, request: UseRequest, technique: str) -> Release:
        """Answer a known id.

        Raises:
            Refused: ``request.differs`` when it is bound to anything else, ``request.spent``
                after a crash, ``request.withdrawn`` when a person in it was erased or withdrew, or the
                data set was dropped.
            Fault: ``records.differ`` when the record does not say what the result was stored with.
        """
        if record.binding != binding_of(request, technique):
            raise Refused("request.differs")
        is_personal = record.sealed is None or self._is_personal(tx, record)
        if record.state == DONE and is_personal and self._is_over(tx, record):
            self.withdraw_one(tx, record.id)
            raise Refused("request.withdrawn")
        return replace(self.result(record), person_level=is_personal)

    def _is_over(self, reader: Reader, record: Request) -> bool:
        """Tell whether a result of single people may not leave any more."""
        return self._has_withdrawals(reader, record) or any(
            self._journal.erased_since(reader, name, record.entry)
            or self._journal.dropped_since(reader, name, record.entry)
            for name in datasets_held(record)
        )

    def _has_withdrawals(self, reader: Reader, record: Request) -> bool:
        """Tell whether a member withdrew consent to the purpose after the lease was opened."""
        said_no = reader.find(ConsentEvent, purpose=record.purpose, granted=False)
        since = {event.number for event in said_no if event.version > record.consent_version}
        return any(
            reader.get(Member, name, number) is not None for name in datasets_held(record) for number in since
        )

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
        told = record.sealed[1 + _TAG_BYTES :] if _is_bound(record.sealed) else record.sealed
        body = json.loads(zlib.decompress(open_sealed(key, told, self._bound(record, self._tag(record)))))
        return Release(
            cast("Mapping[str, Json]", body["payload"]),
            str(body["mechanism"]),
            self._is_of_people(record),
            cast("Mapping[str, Json]", body["summary"]),
        )

    def withdraw_one(self, tx: Transaction, request_id: str) -> None:
        """Let an id whose result may not leave answer "withdrawn"."""
        record = cast("Request", tx.get(Request, request_id))
        tx.put(replace(record, state=WITHDRAWN, sealed=None, wrapped=None))

    def withdraw(self, tx: Transaction, dataset: str) -> int:
        """Destroy the stored results of single people in a data set; the ids answer "withdrawn".

        Whatever is not proven to be of nobody goes: where the record was changed, or an older version
        stored it, which did not bind what the record says.

        Returns:
            How many were withdrawn.
        """
        stale = [record for record in self._stored(tx, dataset) if self._is_of_people(record)]
        for record in stale:
            tx.put(replace(record, state=WITHDRAWN, sealed=None, wrapped=None))
        return len(stale)

    def withdraw_overtaken(self, tx: Transaction) -> int:
        """Destroy what an erasure or a drop should have destroyed, before their epoch's end is certified.

        What was hidden from them, or put back since, goes by the whole journal; of what is not proven to
        say what it was stored with, nothing stays.

        Returns:
            How many were withdrawn.
        """
        emptied: dict[str, int] = {}
        for entry in self._journal.proven(tx, 0, "subject.erase", "dataset.drop"):
            facts, index = cast("Mapping[str, Json]", entry["facts"]), cast("int", entry["index"])
            named = [facts["dataset"]] if entry["action"] == "dataset.drop" else facts["datasets"]
            emptied |= dict.fromkeys(cast("list[str]", named), index)
        gone = 0
        after: tuple[object, ...] | None = None
        while emptied and (page := tx.page(Request, after, _PAGE)):
            for record in page:
                last = max(emptied.get(name, -1) for name in datasets_held(record))
                is_over = not self._is_bound(record) or last > record.entry
                if record.sealed is not None and self._is_of_people(record) and is_over:
                    tx.put(replace(record, state=WITHDRAWN, sealed=None, wrapped=None))
                    gone += 1
            after = (page[-1].id,)
        return gone

    def held(self, reader: Reader, dataset: str) -> tuple[int, int]:
        """Count the stored results of a data set: those ``withdraw`` would destroy, and the others."""
        personal = [self._is_of_people(record) for record in self._stored(reader, dataset)]
        return sum(personal), len(personal) - sum(personal)

    def _stored(self, reader: Reader, dataset: str) -> list[Request]:
        found = reader.find(Request, dataset=dataset)
        # Most workspaces have none: two counts by an index are cheaper than to look at each.
        if reader.count(Request) != reader.count(Request, others=""):
            beside = {str(text) for text in reader.values(Request, "others")}
            naming = sorted(text for text in beside if dataset in read_versions(text))
            found += reader.find_any(Request, "others", naming)
        return [record for record in found if record.sealed is not None]

    def _is_of_people(self, record: Request) -> bool:
        """Tell whether a stored result has rows of single people, or is not proven to have none."""
        return record.person_level or not self._is_bound(record)

    def _is_bound(self, record: Request) -> bool:
        """Tell whether a result was stored beside what the record says now."""
        sealed = record.sealed or b""
        return _is_bound(sealed) and compare_digest(sealed[1 : 1 + _TAG_BYTES], self._tag(record))

    def _is_personal(self, reader: Reader, record: Request) -> bool:
        """Tell whether a stored result has rows of single people, once its record is proven.

        Raises:
            Fault: ``records.differ`` when the record does not say what the result was stored with.
        """
        if _is_bound(record.sealed or b""):
            is_proven, is_personal = self._is_bound(record), record.person_level
        else:
            is_proven, is_personal = self._as_told(reader, record)
        if not is_proven:
            raise Fault("records.differ", kind="requests")
        return is_personal

    def _as_told(self, reader: Reader, record: Request) -> tuple[bool, bool]:
        """Hold what an older version stored, and bound to nothing of its record, against the journal.

        Returns:
            Whether the record says what the entries of its use tell, and whether single people are in it.
        """
        done = self._told(reader, record.entry, "use.done")
        intent = self._told(reader, cast("int", done.get("intent", record.entry)), "use.intend")
        kept = LeaseVersions(record.dataset_version, record.consent_version).as_json()
        is_told = (done.get("request"), done.get("versions")) == (id_hash(record.id), kept) and all(
            intent.get(name) == getattr(record, name) for name in ("binding", "dataset", "purpose")
        )
        # Whatever was not paid for from a budget has rows of people.
        cost = cast("Mapping[str, Json]", intent.get("cost") or {"non-private": ""})
        return is_told, "non-private" in cost

    def _told(self, reader: Reader, index: int, action: str) -> Mapping[str, Json]:
        for entry in self._journal.proven(reader, max(index, 0), action):
            if entry["index"] == index:
                return cast("Mapping[str, Json]", entry["facts"])
        return {}

    def _tag(self, record: Request) -> bytes:
        """Bind what is decided by: also whoever writes to the database cannot make another."""
        told = (
            self._tenant, record.id, record.binding, record.dataset, str(record.dataset_version),
            str(record.consent_version), record.purpose, str(record.person_level), str(record.entry),
        )  # fmt: skip
        if record.others:
            several = (*told, record.question, record.others)
            return bytes.fromhex(self._attestor.bind(_USE_OF_SEVERAL, several))
        if record.question:
            return bytes.fromhex(self._attestor.bind(_SHARED_USE, (*told, record.question)))
        return bytes.fromhex(self._attestor.bind(_USE, told))

    def _bound(self, record: Request, tag: bytes) -> Binding:
        if record.sealed is None or _is_bound(record.sealed):
            return Binding(self._tenant, "result", record.id, tag.hex(), _FORMAT)
        return Binding(self._tenant, "result", record.id, "", _OLD_FORMAT)


def _is_bound(sealed: bytes) -> bool:
    return sealed[:1] == _HEAD and len(sealed) > _TAG_BYTES
