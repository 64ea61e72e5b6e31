"""Who a file is sealed for: a hybrid key pair, as text for others and as a secret for its owner."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from hedgerow.model.errors import CallerError
from hedgerow.model.keys import SecretKey, encode_fields

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey, Suite

SEED_BYTES = 32
PREFIX = "hedgerow-recipient-1-"
_MLKEM_PUBLIC_BYTES, _X25519_BYTES, _MLKEM_SEED_BYTES = 1184, 32, 64
_CHECK_BYTES = 6
_RECIPIENT_LABEL = "hedgerow/recipient/1"


# What not every build of the library has is imported where it is used, so that `probe` can tell.


@cache
def suite() -> Suite:
    """Give the one HPKE suite in use."""
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def fingerprint_of(kind: str, public: bytes) -> str:
    """Name a public key so that two people can compare it by eye or voice.

    Args:
        kind: What kind of key it is.
        public: The key, as bytes.

    Returns:
        The first 160 bits of a SHA-256 in base32: eight groups of four characters.
    """
    digest = hashlib.sha256(encode_fields(_RECIPIENT_LABEL, kind, public)).digest()
    text = base64.b32encode(digest[:20]).decode().lower()
    return "-".join(text[place : place + 4] for place in range(0, len(text), 4))


@dataclass(frozen=True, repr=False)
class Recipient:
    """A person's public key: whoever has it can seal for that person, and open nothing.

    Args:
        public: ML-KEM-768 public key (1,184 bytes) and X25519 public key (32 bytes).

    Raises:
        CallerError: ``sealed.recipient-malformed``.
    """

    public: bytes
    kind = "hybrid"
    is_post_quantum = True

    def __post_init__(self) -> None:
        _ = self._key  # refuse a key that cannot be one now, not when something is sealed for it

    @cached_property
    def _key(self) -> MLKEM768X25519PublicKey:
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PublicKey

        if len(self.public) != _MLKEM_PUBLIC_BYTES + _X25519_BYTES:
            raise CallerError("sealed.recipient-malformed")
        try:
            return MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(self.public[:_MLKEM_PUBLIC_BYTES]),
                X25519PublicKey.from_public_bytes(self.public[_MLKEM_PUBLIC_BYTES:]),
            )
        except ValueError:
            raise CallerError("sealed.recipient-malformed") from None

    def __repr__(self) -> str:
        """Name it shortly."""
        return f"Recipient({self.fingerprint})"

    @property
    def text(self) -> str:
        """The key as one word of text, to be sent by mail or put in a file."""
        return PREFIX + base64.urlsafe_b64encode(self.public + _check(self.public)).decode().rstrip("=")

    @property
    def fingerprint(self) -> str:
        """What tells this key from others: 32 characters in groups of four, to compare by voice."""
        return fingerprint_of(self.kind, self.public)

    def seal(self, secret: bytes, purpose: bytes) -> dict[str, object]:
        """Seal a small secret for this person.

        Args:
            secret: For example a file key, 32 bytes.
            purpose: What it is for; it opens with the same purpose only.

        Returns:
            An entry of a sealed file's head.

        Raises:
            CallerError: ``sealed.recipient-malformed`` when the key was made to give a known secret.

        Guarantee: stays secret while either ML-KEM-768 or X25519 stands.
        Source: RFC 9180 (HPKE), with the X-Wing combination of ML-KEM-768 and X25519.
        """
        try:
            sealed = suite().encrypt(secret, self._key, purpose)
        except ValueError:  # an X25519 point of small order
            raise CallerError("sealed.recipient-malformed") from None
        return {"kind": self.kind, "to": self.fingerprint, "sealed": base64.b64encode(sealed).decode()}


class Identity:
    """A person's private key: opens what is sealed for its recipient.

    Args:
        seed: 32 bytes of full entropy.
    """

    __slots__ = ("_key", "_seed", "recipient")
    kind = "hybrid"

    def __init__(self, seed: SecretKey) -> None:
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
        from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey

        expanded = hashlib.shake_256(seed.reveal()).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        curve = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._seed = seed
        self._key = MLKEM768X25519PrivateKey(lattice, curve)
        self.recipient = Recipient(
            lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        )

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its recipient."""
        return self.recipient.fingerprint

    def reveal(self) -> bytes:
        """Give the seed, for whoever writes it to a file."""
        return self._seed.reveal()

    def fits(self, entry: dict[str, object]) -> bool:
        """Tell whether an entry of a sealed file's head is meant for this identity."""
        return entry.get("kind") == self.kind and entry.get("to") == self.fingerprint

    def open(self, entry: dict[str, object], purpose: bytes) -> bytes | None:
        """Open an entry of a sealed file's head.

        Args:
            entry: The entry.
            purpose: What its secret is for.

        Returns:
            The secret, or none when it does not open.
        """
        try:
            return suite().decrypt(
                base64.b64decode(str(entry.get("sealed")), validate=True), self._key, purpose
            )
        except (InvalidTag, ValueError):
            return None

    def __repr__(self) -> str:
        """Name the recipient, nothing of the key."""
        return f"Identity({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")


def new_identity() -> Identity:
    """Make an identity from the operating system's randomness."""
    return Identity(SecretKey(os.urandom(SEED_BYTES)))


def read_recipient(text: str) -> Recipient:
    """Read the text of a recipient.

    Args:
        text: What ``Recipient.text`` gave; white space around and inside it does not matter.

    Returns:
        The recipient.

    Raises:
        CallerError: ``sealed.recipient-malformed`` when it is cut short, mistyped or no such key.
    """
    word = "".join(text.split())
    body = word.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CallerError("sealed.recipient-malformed") from None
    public, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    if body == word or check != _check(public):
        raise CallerError("sealed.recipient-malformed")
    return Recipient(public)


def _check(public: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + public).digest()[:_CHECK_BYTES]
