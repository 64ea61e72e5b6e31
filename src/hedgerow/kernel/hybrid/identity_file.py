"""The file that keeps an identity, as bytes: sealed by a passphrase, or open (``specs/sealed-file.md``)."""

from __future__ import annotations

import base64
import hashlib
import json
import os

from hedgerow.kernel.envelope import open_sealed, seal
from hedgerow.kernel.envelope.passphrase import (
    RFC9106_SECOND,
    SALT_BYTES,
    Argon2Profile,
    key_from_passphrase,
    read_cost,
    write_cost,
)
from hedgerow.kernel.hybrid.identity import SEED_BYTES, Identity
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, SecretKey

FORMAT = "hedgerow-identity"
VERSION = 1
_FIELDS = {"format", "version", "recipient", "kdf", "seed"}


def write_identity(
    identity: Identity, passphrase: str | None, profile: Argon2Profile = RFC9106_SECOND
) -> bytes:
    """Write an identity as the content of a file.

    Args:
        identity: The identity.
        passphrase: What seals it; without one, whoever reads the file opens everything sealed for it.
        profile: The cost of one passphrase check.

    Returns:
        One JSON object in ASCII, ending with a newline.

    Raises:
        CallerError: The passphrase is empty, too long or not text.
    """
    kdf, seed = None, identity.reveal()
    head: dict[str, object] = {"format": FORMAT, "version": VERSION, "recipient": identity.recipient.text}
    if passphrase is not None:
        salt = os.urandom(SALT_BYTES)
        kdf = write_cost(profile, salt)
        key = key_from_passphrase(passphrase, salt, profile)
        seed = seal(key.reveal(), seed, _binding({**head, "kdf": kdf}))
    content = {**head, "kdf": kdf, "seed": base64.b64encode(seed).decode()}
    return json.dumps(content, indent=1).encode() + b"\n"


def is_sealed_identity(raw: bytes) -> bool:
    """Tell whether the content of an identity file asks for a passphrase.

    Raises:
        CallerError: ``sealed.identity-malformed``.
    """
    return _content(raw)["kdf"] is not None


def read_identity(raw: bytes, passphrase: str | None) -> Identity:
    """Read the content of an identity file.

    Args:
        raw: What ``write_identity`` returned.
        passphrase: What seals it, or none.

    Returns:
        The identity.

    Raises:
        CallerError: ``sealed.identity-malformed``, ``sealed.identity-sealed``,
            ``sealed.identity-unsealed`` or ``sealed.identity-passphrase``.
        Fault: ``sealed.costly``.
    """
    content = _content(raw)
    if (content["kdf"] is not None) != (passphrase is not None):
        raise CallerError("sealed.identity-sealed" if passphrase is None else "sealed.identity-unsealed")
    try:
        seed = base64.b64decode(str(content["seed"]), validate=True)
        if passphrase is not None:
            seed = _unsealed(content, seed, passphrase)
        if len(seed) != SEED_BYTES:
            raise CallerError("sealed.identity-malformed")
    except ValueError:
        raise CallerError("sealed.identity-malformed") from None
    identity = Identity(SecretKey(seed))
    if identity.recipient.text != content["recipient"]:
        raise CallerError("sealed.identity-malformed")
    return identity


def _unsealed(content: dict[str, object], sealed: bytes, passphrase: str) -> bytes:
    salt, profile = read_cost(content["kdf"])
    if not profile.is_allowed:
        raise Fault("sealed.costly")
    key = key_from_passphrase(passphrase, salt, profile)
    head = {name: content[name] for name in ("format", "version", "recipient", "kdf")}
    try:
        return open_sealed(key.reveal(), sealed, _binding(head))
    except Fault:
        raise CallerError("sealed.identity-passphrase") from None


def _content(raw: bytes) -> dict[str, object]:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or set(content) != _FIELDS or content["format"] != FORMAT:
        raise CallerError("sealed.identity-malformed")
    if content["version"] != VERSION:
        raise CallerError("sealed.identity-malformed")
    return content


def _binding(head: dict[str, object]) -> Binding:
    canonical = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    return Binding("local", "identity-file", hashlib.sha256(canonical).hexdigest(), "seed", VERSION)
