"""Recipients for those who have no hybrid key: RSA, and a passphrase that both sides know."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import NoReturn

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hedgerow.kernel.envelope import open_sealed, seal
from hedgerow.kernel.envelope.passphrase import (
    RFC9106_SECOND,
    SALT_BYTES,
    Argon2Profile,
    check_passphrase,
    key_from_passphrase,
    read_cost,
    write_cost,
)
from hedgerow.kernel.envelope.sealing import new_key
from hedgerow.kernel.hybrid.identity import fingerprint_of
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding

RSA_LEAST_BITS, RSA_MOST_BITS = 2048, 8192


class RsaRecipient:
    """An RSA public key, sealed for by OAEP with SHA-256; **not** safe against a quantum computer.

    Args:
        pem: The public key in PEM.

    Raises:
        CallerError: ``sealed.recipient-malformed`` or ``sealed.rsa-unfit``.
    """

    kind = "rsa-oaep"
    is_post_quantum = False

    def __init__(self, pem: bytes) -> None:
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise CallerError("sealed.recipient-malformed") from None
        self._key = _checked(key)

    @property
    def text(self) -> str:
        """The key in PEM."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def fingerprint(self) -> str:
        """What tells this key from others: 32 characters in groups of four."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return fingerprint_of(self.kind, self._key.public_bytes(serialization.Encoding.DER, form))

    def seal(self, secret: bytes, purpose: bytes) -> dict[str, object]:
        """Seal a small secret; see ``Recipient.seal``.

        Source: RFC 8017 (RSAES-OAEP), the purpose as its label.
        """
        sealed = self._key.encrypt(secret, _oaep(purpose))
        return {"kind": self.kind, "to": self.fingerprint, "sealed": base64.b64encode(sealed).decode()}


class RsaIdentity:
    """An RSA private key.

    Args:
        pem: The private key in PEM.
        passphrase: What it is encrypted with, or none.

    Raises:
        CallerError: ``sealed.identity-malformed``, ``sealed.identity-sealed``, ``sealed.identity-unsealed``,
            ``sealed.identity-passphrase`` or ``sealed.rsa-unfit``.
    """

    __slots__ = ("_key", "recipient")
    kind = "rsa-oaep"

    def __init__(self, pem: bytes, passphrase: str | None) -> None:
        secret = None if passphrase is None else check_passphrase(passphrase)
        try:
            key = serialization.load_pem_private_key(pem, secret)
        except TypeError:
            code = "sealed.identity-sealed" if secret is None else "sealed.identity-unsealed"
            raise CallerError(code) from None
        except (ValueError, UnsupportedAlgorithm):
            is_sealed = secret is not None and b"ENCRYPTED" in pem
            raise CallerError(
                "sealed.identity-passphrase" if is_sealed else "sealed.identity-malformed"
            ) from None
        if not isinstance(key, rsa.RSAPrivateKey):
            raise CallerError("sealed.identity-malformed")
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.recipient = RsaRecipient(key.public_key().public_bytes(serialization.Encoding.PEM, form))
        self._key = key

    @property
    def fingerprint(self) -> str:
        """The fingerprint of its recipient."""
        return self.recipient.fingerprint

    def fits(self, entry: dict[str, object]) -> bool:
        """Tell whether an entry of a sealed file's head is meant for this key."""
        return entry.get("kind") == self.kind and entry.get("to") == self.fingerprint

    def open(self, entry: dict[str, object], purpose: bytes) -> bytes | None:
        """Open an entry of a sealed file's head; see ``Identity.open``."""
        try:
            return self._key.decrypt(
                base64.b64decode(str(entry.get("sealed")), validate=True), _oaep(purpose)
            )
        except ValueError:
            return None

    def __repr__(self) -> str:
        """Name the recipient, nothing of the key."""
        return f"RsaIdentity({self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase that both sides know; seals and opens.

    Args:
        passphrase: 1 to 1,024 bytes of UTF-8.
        profile: The cost of one check when sealing.
    """

    passphrase: str = field(repr=False)
    profile: Argon2Profile = RFC9106_SECOND
    kind = "passphrase"
    is_post_quantum = True
    fingerprint = "passphrase"

    def seal(self, secret: bytes, purpose: bytes) -> dict[str, object]:
        """Seal a small secret; see ``Recipient.seal``.

        Source: RFC 9106 (Argon2id).
        """
        salt = new_key()[:SALT_BYTES]
        key = key_from_passphrase(self.passphrase, salt, self.profile)
        sealed = seal(key.reveal(), secret, _binding(purpose))
        cost = write_cost(self.profile, salt)
        return {"kind": self.kind, "kdf": cost, "sealed": base64.b64encode(sealed).decode()}

    def fits(self, entry: dict[str, object]) -> bool:
        """Tell whether an entry of a sealed file's head is sealed by a passphrase."""
        return entry.get("kind") == self.kind

    def open(self, entry: dict[str, object], purpose: bytes) -> bytes | None:
        """Open an entry of a sealed file's head; see ``Identity.open``.

        Raises:
            Fault: ``sealed.costly``.
            ValueError: The entry is malformed.
        """
        salt, profile = read_cost(entry.get("kdf"))
        if not profile.is_allowed:
            raise Fault("sealed.costly")
        key = key_from_passphrase(self.passphrase, salt, profile)
        sealed = base64.b64decode(str(entry.get("sealed")), validate=True)
        try:
            return open_sealed(key.reveal(), sealed, _binding(purpose))
        except Fault:
            return None


def _checked(key: object) -> rsa.RSAPublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise CallerError("sealed.recipient-malformed")
    if not RSA_LEAST_BITS <= key.key_size <= RSA_MOST_BITS:
        raise CallerError("sealed.rsa-unfit", bits=key.key_size, least=RSA_LEAST_BITS, most=RSA_MOST_BITS)
    return key


def _oaep(purpose: bytes) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=purpose)


def _binding(purpose: bytes) -> Binding:
    return Binding("local", "sealed-file", purpose.hex(), "file-key", 1)
