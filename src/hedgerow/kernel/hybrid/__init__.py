"""Sealing for people: HPKE with ML-KEM-768 and X25519 together, and files that open whole or not at all."""

from __future__ import annotations

from hedgerow.kernel.hybrid.identity import Identity, Recipient, new_identity, read_recipient
from hedgerow.kernel.hybrid.identity_file import read_identity, write_identity
from hedgerow.kernel.hybrid.other_recipients import Passphrase, RsaIdentity, RsaRecipient
from hedgerow.kernel.hybrid.probing import probe
from hedgerow.kernel.hybrid.stream import Opener, Receiver, open_stream, seal_stream

__all__ = [
    "Identity",
    "Opener",
    "Passphrase",
    "Receiver",
    "Recipient",
    "RsaIdentity",
    "RsaRecipient",
    "new_identity",
    "open_stream",
    "probe",
    "read_identity",
    "read_recipient",
    "seal_stream",
    "write_identity",
]
