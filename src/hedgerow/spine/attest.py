"""Signatures of the house: checkpoints of the journal, receipts and certificates."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hedgerow.kernel.merkle import fingerprint, sign_checkpoint
from hedgerow.model.canonical import canonical
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

    def statement(self, kind: str, body: Mapping[str, Json]) -> dict[str, Json]:
        r"""Sign a statement.

        Args:
            kind: Its type, for example ``"erasure-certificate"``.
            body: Canonical JSON facts.

        Returns:
            ``kind``, ``body``, ``fingerprint``, ``key`` and ``signature`` (base64 of Ed25519
            over ``"hedgerow-statement\n" + kind + "\n" + canonical(body)``).
        """
        signature = self._key.sign(_statement_bytes(kind, body))
        return {
            "kind": kind,
            "body": dict(body),
            "fingerprint": self.fingerprint,
            "key": base64.b64encode(self.public).decode(),
            "signature": base64.b64encode(signature).decode(),
        }


def _statement_bytes(kind: str, body: Mapping[str, Json]) -> bytes:
    return b"hedgerow-statement\n" + kind.encode() + b"\n" + canonical(dict(body))


def new_attestation_key() -> bytes:
    """Make a raw Ed25519 private key (32 bytes)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())


def check_statement(text: str) -> bool:
    """Check a signed statement against the key it carries.

    Args:
        text: The JSON text of a statement.

    Returns:
        Whether the signature holds; the key's origin is for the reader to trust.
    """
    statement = cast("dict[str, Json]", json.loads(text))
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(str(statement["key"])))
    body = cast("Mapping[str, Json]", statement["body"])
    try:
        key.verify(
            base64.b64decode(str(statement["signature"])), _statement_bytes(str(statement["kind"]), body)
        )
    except Exception:  # noqa: BLE001 - any failure of a hostile statement means: not proven
        return False
    return True
