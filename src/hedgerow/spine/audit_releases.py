"""Certificates of releases and those withdrawn, each as its entry tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import cast

from hedgerow.kernel.merkle.certified_file import ACTION, body_told
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.errors import Fault, HedgerowError
from hedgerow.model.ports import Reader
from hedgerow.model.records import ReleaseCertificate, ReleasedPerson, ReleaseShape, RetiredRelease
from hedgerow.model.uses import Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.audit_holdings import NOTHING, Sum, added_to
from hedgerow.spine.paging import rows_of_all
from hedgerow.spine.released import RETIRE
from hedgerow.spine.remembering import people_sum, shape_told

Entry = Mapping[str, Json]


class ReleaseActs:
    """Follows the journal: which release was certified last by which entry, and which were withdrawn."""

    def __init__(self) -> None:
        self._certified: dict[str, tuple[str, int, str]] = {}
        self._retired: dict[str, tuple[str, str, int]] = {}
        self._shapes: dict[str, tuple[str, int]] = {}
        self._people: Sum | None = NOTHING

    def heed(self, entry: Entry) -> None:
        """Hear the next entry."""
        facts, index = cast("Entry", entry["facts"]), cast("int", entry["index"])
        if entry["action"] == ACTION:
            told = str(facts["certificate"]), index, str(facts["body"])
            self._certified[str(facts["release"])] = told
        elif entry["action"] == RETIRE:
            acting = cast("Mapping[str, str]", entry["actor"])["as"]
            release = str(facts["release"])
            self._retired[release] = (acting, str(facts["reason"]), index)
        elif entry["action"] == "use.done" and "remembered" in facts:
            kept = cast("Mapping[str, str]", facts["remembered"])
            self._shapes[kept["release"]] = (kept["shape"], index)
            self._people = added_to(self._people, kept["people"], 1)
        elif entry["action"] == "subject.erase" and "forgot" in facts:
            self._people = added_to(self._people, facts["forgot"], -1)

    def check(self, reader: Reader, attestor: Attestor | None) -> None:
        """Compare the records with what was told.

        Args:
            reader: A view.
            attestor: Whose key signs; none to leave signatures unchecked.

        Raises:
            Fault: ``records.differ``.
        """
        held = {each.release: _told_of(each, attestor) for each in reader.find(ReleaseCertificate)}
        if held != self._certified:
            raise Fault("records.differ", kind="release certificates")
        gone = {
            each.release: (each.retired_by, digest(each.reason), each.entry)
            for each in reader.find(RetiredRelease)
        }
        if gone != self._retired:
            raise Fault("records.differ", kind="withdrawn releases")
        self._check_remembered(reader, attestor)

    def _check_remembered(self, reader: Reader, attestor: Attestor | None) -> None:
        shapes = {each.release: (shape_told(each), each.entry) for each in reader.find(ReleaseShape)}
        is_told = shapes == self._shapes
        if is_told and attestor is not None:
            rows = rows_of_all(reader, ReleasedPerson, ("release", "number"))
            held = people_sum(attestor, cast("Iterable[tuple[str, int]]", rows))
            is_told = added_to(NOTHING, held, 1) == self._people
        if not is_told:
            raise Fault("records.differ", kind="remembered releases")


def _told_of(record: ReleaseCertificate, attestor: Attestor | None) -> tuple[str, int, str] | None:
    """Tell what a record says of itself; none where it is not what was signed."""
    try:
        signed = cast("Entry", json.loads(record.body)["certificate"])
        if attestor is not None:
            attestor.open_certificate(canonical(dict(signed)))
        body = cast("Entry", signed["body"])
        is_own = (body["release"], body["certificate"], body["certified"]) == (
            record.release, record.id, record.time,
        )  # fmt: skip
        is_own = is_own and signed["entry_index"] == record.entry
        return (record.id, record.entry, body_told(body)) if is_own else None
    except (HedgerowError, ValueError, KeyError, TypeError):
        return None
