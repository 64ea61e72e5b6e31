"""Signatures of the house: checkpoints of the journal, receipts and certificates."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hedgerow.kernel.merkle import fingerprint, open_document, sign_checkpoint, sign_document
from hedgerow.model.canonical import canonical
from hedgerow.model.uses import Json

_MARK, _MARK_USE, _BIND_USE = "mark ", b"hedgerow entry 1", b"hedgerow bind 1"


def is_mark(text: str) -> bool:
    """Tell the mark of an entry from a signed checkpoint."""
    return text.startswith(_MARK)


class Attestor:
    """Holds the journal's Ed25519 key and signs with it.

    Args:
        private: The raw 32-byte private key.
        origin: The origin line of the log.
    """

    def __init__(self, private: bytes, origin: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self._marker = blake2b(digest_size=32, key=private, person=_MARK_USE)
        self._binder = blake2b(digest_size=32, key=private, person=_BIND_USE)
        self.origin = origin
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.fingerprint = fingerprint(self._key.public_key())

    def __repr__(self) -> str:
        """Name the key by its fingerprint only."""
        return f"Attestor({self.fingerprint})"

    @property
    def signer(self) -> Ed25519PrivateKey:
        """The key, for the evidence bundle."""
        return self._key

    @property
    def verifier(self) -> Ed25519PublicKey:
        """The public key."""
        return self._key.public_key()

    def checkpoint(self, size: int, root: bytes) -> str:
        """Sign a head of the journal as a C2SP checkpoint."""
        return sign_checkpoint(self.origin, size, root, self._key)

    def mark(self, index: int, leaf: bytes) -> str:
        """Mark an entry that is committed with others under one signature, so that it can be told alone.

        Args:
            index: Its place.
            leaf: Its leaf hash, 32 bytes.

        Returns:
            ``mark`` and a keyed hash of both (BLAKE2b, base64).
        """
        marker = self._marker.copy()
        marker.update(index.to_bytes(8, "big") + leaf)
        return _MARK + base64.b64encode(marker.digest()).decode("ascii")

    def bind(self, what: str, parts: Sequence[str]) -> str:
        """Hash what a record must go on saying, so that the journal can hold it without telling it.

        Args:
            what: What kind of record.
            parts: Its fields, in an order of its own.

        Returns:
            A keyed hash (BLAKE2b, hexadecimal) that without the key tests no guess.
        """
        binder = self._binder.copy()
        binder.update(canonical([what, *parts]))
        return binder.hexdigest()

    def bind_number(self, what: str, number: int) -> str:
        """Hash an internal number as ``bind`` does; for millions of them."""
        binder = self._binder.copy()
        binder.update(b"%b %d" % (what.encode(), number))
        return binder.hexdigest()

    def is_bound(self, bound: str, what: str, parts: Sequence[str]) -> bool:
        """Tell whether ``bind`` made a hash of these fields."""
        return secrets.compare_digest(bound.encode(), self.bind(what, parts).encode())

    def statement(self, record: Mapping[str, object]) -> bytes:
        """Sign a record of our own, such as a head that is kept outside (one line of canonical JSON)."""
        return sign_document(record, self.origin, self._key)

    def certificate(self, kind: str, body: Mapping[str, Json], entry: int, leaf: bytes) -> dict[str, Json]:
        """Sign a certificate about an entry of the journal.

        Args:
            kind: Its type, for example ``"erasure-certificate"``.
            body: Canonical JSON facts.
            entry: Index of the journal entry it is about.
            leaf: That entry's leaf hash (32 bytes).

        Returns:
            ``kind``, ``body``, ``origin``, ``fingerprint``, ``entry_index``, ``leaf_hash`` and
            ``signed`` (a signed note over the rest): see ``specs/certificate.md``.
        """
        record: dict[str, object] = {
            "kind": kind,
            "body": dict(body),
            "origin": self.origin,
            "fingerprint": self.fingerprint,
            "entry_index": entry,
            "leaf_hash": base64.b64encode(leaf).decode("ascii"),
        }
        return cast("dict[str, Json]", json.loads(sign_document(record, self.origin, self._key)))

    def open_certificate(self, stored: bytes) -> dict[str, Json]:
        """Read a certificate that this key signed.

        Raises:
            Fault: ``journal.bad-signature`` and the like.
        """
        return cast("dict[str, Json]", open_document(stored, self.origin, self.verifier))


def new_attestation_key() -> bytes:
    """Make a raw Ed25519 private key (32 bytes)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
