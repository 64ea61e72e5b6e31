"""Signatures of the house: checkpoints of the journal, receipts and certificates."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hedgerow.kernel.merkle import fingerprint, sign_checkpoint, sign_document
from hedgerow.model.uses import Json


class Attestor:
    """Holds the journal's Ed25519 key and signs with it.

    Args:
        private: The raw 32-byte private key.
        origin: The origin line of the log.
    """

    def __init__(self, private: bytes, origin: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private)
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


def new_attestation_key() -> bytes:
    """Make a raw Ed25519 private key (32 bytes)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
