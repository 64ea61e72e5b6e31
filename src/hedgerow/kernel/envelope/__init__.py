"""Sealing, wrapping and deriving: AES-256-GCM and HMAC from ``cryptography``, bound to what they protect."""

from __future__ import annotations

from hedgerow.kernel.envelope.deriving import (
    KeyedIndex,
    commit,
    derive,
    keyed_index,
    normalise_reference,
    pseudonym,
    pseudonyms,
)
from hedgerow.kernel.envelope.sealing import draw, new_key, open_many, open_sealed, seal, seal_many
from hedgerow.kernel.envelope.wrapping import Aead, EpochCipher, are_under, epoch_head, epoch_of, not_under

__all__ = [
    "Aead",
    "EpochCipher",
    "KeyedIndex",
    "are_under",
    "commit",
    "derive",
    "draw",
    "epoch_head",
    "epoch_of",
    "keyed_index",
    "new_key",
    "normalise_reference",
    "not_under",
    "open_many",
    "open_sealed",
    "pseudonym",
    "pseudonyms",
    "seal",
    "seal_many",
]
