"""Sealing, wrapping and deriving: AES-256-GCM and HMAC from ``cryptography``, bound to what they protect."""

from __future__ import annotations

from hedgerow.kernel.envelope.deriving import (
    commit,
    derive,
    keyed_index,
    normalise_reference,
    pseudonym,
    pseudonyms,
)
from hedgerow.kernel.envelope.sealing import new_key, open_many, open_sealed, seal, seal_many
from hedgerow.kernel.envelope.wrapping import Aead, EpochCipher, epoch_of, is_under

__all__ = [
    "Aead",
    "EpochCipher",
    "commit",
    "derive",
    "epoch_of",
    "is_under",
    "keyed_index",
    "new_key",
    "normalise_reference",
    "open_many",
    "open_sealed",
    "pseudonym",
    "pseudonyms",
    "seal",
    "seal_many",
]
