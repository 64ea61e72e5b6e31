"""The names of what old data was encrypted with, and why none of it is used for new data."""

from __future__ import annotations

from hedgerow.model.errors import Refused

IN_USE = "aes-256-gcm"

READABLE = {
    "fernet": "AES-128 in CBC under one key for everything, and the time of each value in plain",
    "aes-cbc": "it does not find changes by itself, and a padding error tells about the content",
    "blowfish-cbc": "its blocks of 64 bits repeat after some gigabytes under one key (Sweet32)",
    "3des-cbc": "its blocks of 64 bits repeat after some gigabytes under one key (Sweet32)",
}
"""What `keys import-legacy` reads, and what is wrong with it."""

_REASONS = {
    **READABLE,
    "blowfish": READABLE["blowfish-cbc"],
    "3des": READABLE["3des-cbc"],
    "des3": READABLE["3des-cbc"],
    "tripledes": READABLE["3des-cbc"],
    "des": "its keys have 56 bits and are found by trying",
    "rc4": "its output is biased and has been broken in practice",
    "arc4": "its output is biased and has been broken in practice",
    "ecb": "equal blocks stay equal",
    "aes-ecb": "equal blocks stay equal",
    "md5": "it is a hash, not a cipher, and collisions are found in seconds",
    "sha1": "it is a hash, not a cipher, and collisions have been made",
    "sha-1": "it is a hash, not a cipher, and collisions have been made",
}


def check_cipher(name: str | None) -> None:
    """Refuse any cipher for new data but the one in use.

    Args:
        name: What was asked for, or none.

    Raises:
        Refused: ``crypto.legacy-cipher``, with the reason.
    """
    asked = (name or IN_USE).strip().lower().replace("_", "-")
    if asked in {IN_USE, "aes-gcm", "aes256gcm"}:
        return
    reason = _REASONS.get(asked, "one cipher is in use, and its format leaves no choice")
    raise Refused("crypto.legacy-cipher", cipher=asked if asked in _REASONS else "that cipher", reason=reason)
