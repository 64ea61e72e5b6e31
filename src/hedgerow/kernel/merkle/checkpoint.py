"""Checkpoints: the origin, size and root of a log as a signed note.

Source: C2SP tlog-checkpoint.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.note import decode_base64, fingerprint, name_fault, open_note, sign_note
from hedgerow.kernel.merkle.tree import HASH_BYTES
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MAX_SIZE = (1 << 63) - 1
_MAX_EXTENSIONS = 100
_FIXED_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size.

    Args:
        origin: The log's name.
        size: Number of entries.
        root: Root hash, 32 bytes.
        extensions: Further signed lines, such as spent totals.
        note: The signed note this was read from, or an empty text.
        fingerprint: Fingerprint of the key whose signature was checked, or an empty text when
            none was.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    note: str = ""
    fingerprint: str = ""

    @property
    def root_base64(self) -> str:
        """The root as it stands in the note."""
        return base64.b64encode(self.root).decode("ascii")

    @property
    def text(self) -> str:
        """The lines that are signed."""
        return "".join(f"{line}\n" for line in (self.origin, self.size, self.root_base64, *self.extensions))


def sign_checkpoint(
    origin: str, size: int, root: bytes, private_key: Ed25519PrivateKey, extensions: Sequence[str] = ()
) -> str:
    """Sign the head of a log.

    Args:
        origin: The log's name, which is also the key's name: no spaces, no plus signs.
        size: Number of entries, 0 or more.
        root: Root hash, 32 bytes.
        private_key: The log's signing key.
        extensions: Further lines, each printable and not empty, at most 100.

    Returns:
        The signed note.

    Raises:
        CallerError: ``checkpoint.bad-line``.

    Guarantee:
        The same arguments give the same text (Ed25519 is deterministic).
    """
    reason = name_fault(origin)
    if not 0 <= size <= _MAX_SIZE or len(root) != HASH_BYTES:
        reason = "the size or the root is out of range"
    if len(extensions) > _MAX_EXTENSIONS or any(not line or "\n" in line for line in extensions):
        reason = "an extension line is empty, or there are too many"
    if reason:
        raise CallerError("checkpoint.bad-line", reason=reason)
    return sign_note(Checkpoint(origin, size, root, tuple(extensions)).text, origin, private_key)


def open_checkpoint(text: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """Read a checkpoint whose signature by a known key verifies.

    Args:
        text: The signed note.
        public_key: The log's public key; its name must be the origin line.

    Returns:
        The checkpoint, with the fingerprint of the key.

    Raises:
        CallerError: ``checkpoint.malformed``.
        Fault: ``journal.bad-signature``.
    """
    read = parse_checkpoint(text)
    open_note(text, read.origin, public_key, "checkpoint")
    return Checkpoint(read.origin, read.size, read.root, read.extensions, text, fingerprint(public_key))


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint WITHOUT checking any signature.

    Args:
        text: The signed note.

    Returns:
        The checkpoint, with an empty fingerprint: nothing in it is to be trusted yet.

    Raises:
        CallerError: ``checkpoint.malformed``.
    """
    body, blank, _ = text.rpartition("\n\n")
    lines = body.split("\n")
    if not blank or len(lines) < _FIXED_LINES or "" in lines or name_fault(lines[0]):
        raise CallerError("checkpoint.malformed", reason="it has no origin, size and root line")
    size, root = _size(lines[1]), decode_base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        raise CallerError("checkpoint.malformed", reason="its root is not a SHA-256 in base64")
    return Checkpoint(lines[0], size, root, tuple(lines[_FIXED_LINES:]), text)


def _size(line: str) -> int:
    is_decimal = line.isascii() and line.isdigit() and len(line) <= len(str(_MAX_SIZE))
    if not is_decimal or str(int(line)) != line or int(line) > _MAX_SIZE:
        raise CallerError("checkpoint.malformed", reason="its size is not a plain number")
    return int(line)
