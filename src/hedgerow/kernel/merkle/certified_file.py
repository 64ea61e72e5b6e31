"""The certificate of a file that left: put together, and checked with nothing but the file beside it.

Format: ``specs/release-certificate.md``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hedgerow.kernel.merkle.canonical import canonical_json, strict_json
from hedgerow.kernel.merkle.checkpoint import open_checkpoint
from hedgerow.kernel.merkle.document import open_document
from hedgerow.kernel.merkle.note import decode_base64, fingerprint, public_key_from_raw
from hedgerow.kernel.merkle.tree import leaf_hash, verify_inclusion
from hedgerow.model.errors import HedgerowError

FORMAT, KIND, ACTION = "hedgerow/release-certificate/v1", "release-certificate", "release.certify"
MAX_BYTES = 16 << 20
Members = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a certificate states, and what does not fit.

    Args:
        body: What is stated; empty where it could not be read.
        fingerprint: The key that signed, by its fingerprint; empty where none did.
        problems: What does not fit, a sentence each without anything of a person; empty when all does.
    """

    body: Members = field(repr=False)
    fingerprint: str
    problems: tuple[str, ...]


def write_certificate(
    signed: Members, public: bytes, entry: bytes, inclusion: Sequence[bytes], checkpoint: str
) -> bytes:
    """Put a certificate together with what proves it.

    Args:
        signed: The signed record (``specs/certificate.md``).
        public: The raw public key, 32 bytes.
        entry: The journal entry that tells of it, as it was written.
        inclusion: The audit path from that entry to the root of the checkpoint.
        checkpoint: A signed head of the journal.

    Returns:
        Canonical JSON with a final newline.
    """
    document = {
        "format": FORMAT,
        "certificate": dict(signed),
        "public_key": base64.b64encode(public).decode("ascii"),
        "journal": {
            "entry": entry.decode("utf-8"),
            "inclusion": [base64.b64encode(step).decode("ascii") for step in inclusion],
            "checkpoint": checkpoint,
        },
    }
    return canonical_json(document) + b"\n"


def body_told(body: Members) -> str:
    """Hash what a certificate states, as the journal holds it: hexadecimal."""
    return sha256(canonical_json(dict(body))).hexdigest()


def check_certificate(stored: bytes, file_hash: str, trusted: str | None = None) -> Checked:
    """Check a certificate, and that it is of this file.

    Args:
        stored: The certificate as it was written.
        file_hash: SHA-256 of the file, hexadecimal.
        trusted: Fingerprint of the key that must have signed; any where none is given.

    Returns:
        What it states and what does not fit.

    Guarantee: without problems the certificate was signed by the key named, says of exactly these bytes what
    it says, and is told of by an entry of a journal whose head that key signed. Whether the key is whose one
    thinks only ``trusted`` tells.
    """
    try:
        document = strict_json(stored) if len(stored) <= MAX_BYTES else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return Checked({}, "", ("it is no certificate of a release",))
    check = _Check(document, trusted)
    for step in (check.key, check.signature, check.entry, check.head, lambda: check.file(file_hash)):
        check.guarded(step)
    return Checked(check.body, check.named, tuple(dict.fromkeys(check.problems)))


class _Check:
    """One run: what one step learns the next uses; none stops the others."""

    def __init__(self, document: Members, trusted: str | None) -> None:
        self._document = document
        self._trusted = trusted
        self._public: Ed25519PublicKey | None = None
        self._record: Members = {}
        self.body: Members = {}
        self.named = ""
        self.problems: list[str] = []

    def guarded(self, step: Callable[[], str | None]) -> None:
        try:
            problem = step()
        except (HedgerowError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            problem = "it cannot be read through: it was altered"
        if problem:
            self.problems.append(problem)

    def key(self) -> str | None:
        raw = decode_base64(str(self._document["public_key"]))
        self._public = public_key_from_raw(raw or b"")
        self.named = fingerprint(self._public)
        if self._trusted is not None and self.named != self._trusted:
            return f"it is signed by another key, {self.named}"
        return None

    def signature(self) -> str | None:
        record = cast("Members", self._document["certificate"])
        origin = str(record["origin"])
        try:
            opened = open_document(canonical_json(dict(record)), origin, self._key())
        except HedgerowError:
            return "its signature does not fit what it states: it was altered"
        if opened["kind"] != KIND or opened["fingerprint"] != self.named:
            return "it is a certificate of something else"
        self._record, self.body = opened, cast("Members", opened["body"])
        return None

    def entry(self) -> str | None:
        journal = cast("Members", self._document["journal"])
        text = str(journal["entry"]).encode("utf-8")
        told = cast("Members", strict_json(text))
        facts = cast("Members", told["facts"])
        said = (told["index"], told["action"], facts["release"], facts["body"], facts["file"])
        file = cast("Members", self.body["file"])
        stated = (self._record["entry_index"], ACTION, self.body["release"], body_told(self.body))
        if base64.b64encode(leaf_hash(text)).decode("ascii") != self._record["leaf_hash"]:
            return "the journal entry beside it is another"
        return None if said == (*stated, file["sha256"]) else "the journal entry beside it tells otherwise"

    def head(self) -> str | None:
        journal = cast("Members", self._document["journal"])
        try:
            head = open_checkpoint(str(journal["checkpoint"]), self._key())
        except HedgerowError:
            return "the head of the journal beside it is not signed by the same key"
        steps = [decode_base64(str(step)) or b"" for step in cast("Sequence[object]", journal["inclusion"])]
        index = cast("int", self._record["entry_index"])
        leaf = decode_base64(str(self._record["leaf_hash"])) or b""
        try:
            verify_inclusion(index, head.size, leaf, steps, head.root)
        except HedgerowError:
            return "the journal entry beside it is not under the signed head"
        return None if head.origin == self._record["origin"] else "the head beside it is of another journal"

    def file(self, file_hash: str) -> str | None:
        stated = cast("Members", self.body["file"])["sha256"]
        return None if stated == file_hash else "the file is another, or was changed, since it was certified"

    def _key(self) -> Ed25519PublicKey:
        if self._public is None:
            raise ValueError
        return self._public
