"""Signed documents: a JSON record that carries a signed note over itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.canonical import canonical_json, strict_json
from hedgerow.kernel.merkle.note import fingerprint, open_note, sign_note
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_SIGNED = "signed"


def sign_document(document: Mapping[str, object], origin: str, private_key: Ed25519PrivateKey) -> bytes:
    """Sign a record, such as a receipt or a certificate, so that it can be checked alone.

    Args:
        document: The record, without a member ``signed``. A record of the journal names its leaf
            by ``entry_index`` (whole number) and ``leaf_hash`` (base64).
        origin: The log's name, which is the key's name.
        private_key: The log's signing key.

    Returns:
        One line of canonical JSON with a final newline: the record and ``signed``, a note whose
        text is the record in canonical JSON.

    Raises:
        CallerError: ``journal.not-canonical``, ``checkpoint.bad-line``.
    """
    if _SIGNED in document:
        raise CallerError("journal.not-canonical", reason="it is signed already")
    text = canonical_json(dict(document)).decode("utf-8") + "\n"
    return canonical_json({**document, _SIGNED: sign_note(text, origin, private_key)}) + b"\n"


def open_document(stored: bytes, origin: str, public_key: Ed25519PublicKey) -> dict[str, object]:
    """Read a record whose signature verifies.

    Args:
        stored: What ``sign_document`` gave.
        origin: The log's name.
        public_key: The log's public key.

    Returns:
        The record without its signature.

    Raises:
        CallerError: ``checkpoint.malformed``.
        Fault: ``journal.bad-signature`` when the note does not verify or is not over this record.
    """
    try:
        record = strict_json(stored)
    except ValueError as error:
        raise CallerError("checkpoint.malformed", reason=str(error)) from None
    note = record.pop(_SIGNED, None) if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(note, str):
        raise CallerError("checkpoint.malformed", reason="it is not a signed JSON object")
    text = open_note(note, origin, public_key, "document")
    if text.encode("utf-8") != canonical_json(record) + b"\n":
        raise Fault("journal.bad-signature", what="document", fingerprint=fingerprint(public_key))
    return record
