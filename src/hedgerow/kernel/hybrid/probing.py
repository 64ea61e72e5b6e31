"""Whether the library really has what sealing rests on."""

from __future__ import annotations

import hashlib

from hedgerow.model.errors import Fault
from hedgerow.model.keys import SecretKey

_SEED = bytes(range(64))
_PUBLIC_SHA256 = "0b7934c83125c788995e2ba6bd761e33046b3e40571be53e023309a29f398cc9"
_CIPHERTEXT_BYTES = 1088
# The answer of FIPS 203 to a ciphertext that is none: it takes decryption, encryption and hashing to get it.
_SHARED = "c8fbeddafdacef2ffeb8b354ea644f11b5c150f3e2c4a74ce38abba8f854ae16"


def probe() -> None:
    """Prove that ML-KEM-768 is there, gives known answers, and seals and opens together with X25519.

    Raises:
        Fault: ``crypto.no-post-quantum``.

    Source: FIPS 203 (ML-KEM).
    """
    try:
        is_sound = _gives_known_answers() and _opens_what_it_seals()
    except Exception:  # noqa: BLE001 - whatever is missing, the answer is the same
        is_sound = False
    if not is_sound:
        raise Fault("crypto.no-post-quantum")


def _gives_known_answers() -> bool:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

    key = MLKEM768PrivateKey.from_seed_bytes(_SEED)
    public = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()
    return public == _PUBLIC_SHA256 and key.decapsulate(bytes(_CIPHERTEXT_BYTES)).hex() == _SHARED


def _opens_what_it_seals() -> bool:
    from hedgerow.kernel.hybrid.identity import Identity

    identity = Identity(SecretKey(_SEED[:32]))
    entry = identity.recipient.seal(_SEED, b"probe")
    return identity.open(entry, b"probe") == _SEED and identity.open(entry, b"other") is None
