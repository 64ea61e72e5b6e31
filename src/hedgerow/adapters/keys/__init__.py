"""Where master keys live: a key file, or memory for tests and library use."""

from __future__ import annotations

from hedgerow.adapters.keys.file import FileKeys, change_passphrase, create, needs_passphrase, open_
from hedgerow.adapters.keys.memory import MemoryKeys
from hedgerow.kernel.envelope.passphrase import OWASP_MINIMUM, RFC9106_SECOND, Argon2Profile

__all__ = [
    "OWASP_MINIMUM",
    "RFC9106_SECOND",
    "Argon2Profile",
    "FileKeys",
    "MemoryKeys",
    "change_passphrase",
    "create",
    "needs_passphrase",
    "open_",
]
