"""Saved heads: a head kept outside the workspace, and what it says about the log of today."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.canonical import canonical_json, strict_json
from hedgerow.kernel.merkle.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from hedgerow.kernel.merkle.note import VerifierKey, fingerprint
from hedgerow.kernel.merkle.tree import root_of
from hedgerow.model.errors import CallerError, Fault, HedgerowError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEAD_FORMAT = "hedgerow/head/v1"
_FIELDS = frozenset({"format", "origin", "size", "root", "checkpoint", "fingerprint", "key", "time"})


class HeadVerdict(StrEnum):
    """What a saved head says about the log of today."""

    SAME = "same"
    EXTENDS = "extends"
    TRUNCATED = "truncated"
    FORKED = "forked"
    RESIGNED = "re-signed"
    OTHER_LOG = "other-log"


@dataclass(frozen=True, slots=True)
class Head:
    """A head as it is saved outside the workspace.

    Args:
        checkpoint: The checkpoint; its signature is checked on comparison, not on reading.
        fingerprint: Fingerprint of the key that the head names as its signer.
        key: Published form of that key, or an empty text.
        time: When it was made, as the caller wrote it, or an empty text.
        extra: Further members, kept as read.
    """

    checkpoint: Checkpoint
    fingerprint: str
    key: str = ""
    time: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeadComparison:
    """The outcome of comparing a saved head with a log.

    Args:
        verdict: What was found; the gravest comes first.
        then: The saved head's checkpoint.
        then_fingerprint: Key of the saved head.
        now_size: Number of entries today.
        now_fingerprint: Key of today.
        now_origin: Name of the log of today.
    """

    verdict: HeadVerdict
    then: Checkpoint
    then_fingerprint: str
    now_size: int
    now_fingerprint: str
    now_origin: str

    @property
    def is_sound(self) -> bool:
        """True when the log of today begins with all that the head was signed over."""
        return self.verdict in (HeadVerdict.SAME, HeadVerdict.EXTENDS)

    def require_sound(self) -> None:
        """Stop unless the log of today begins with all that the head was signed over.

        Raises:
            Fault: ``journal.resigned``, ``journal.other-log``, ``journal.truncated`` or
                ``journal.forked``.
        """
        then, now = self.then_fingerprint, self.now_fingerprint
        if self.verdict is HeadVerdict.RESIGNED:
            raise Fault("journal.resigned", then=then, now=now)
        if self.verdict is HeadVerdict.OTHER_LOG:
            raise Fault("journal.other-log", then=self.then.origin, now=self.now_origin)
        if self.verdict is HeadVerdict.TRUNCATED:
            raise Fault("journal.truncated", signed=self.then.size, size=self.now_size, index=self.now_size)
        if self.verdict is HeadVerdict.FORKED:
            raise Fault("journal.forked", size=self.then.size)


def compare_head(
    head: Head, origin: str, leaf_hashes: Sequence[bytes], public_key: Ed25519PublicKey
) -> HeadComparison:
    """Compare a head saved earlier with the log of today.

    Args:
        head: The saved head.
        origin: Name of the log of today.
        leaf_hashes: Leaf hashes of today's log, recomputed from its entries, 32 bytes each.
        public_key: Today's public key of the log.

    Returns:
        The comparison. A different key is told first, then a different log, then a shorter one,
        then a different history.

    Raises:
        CallerError: ``journal.bad-hash``.
        Fault: ``head.bad-signature`` when the head names today's key but that key did not sign it.

    Guarantee:
        ``same`` and ``extends`` mean that every entry the head was signed over is still there,
        unchanged and in place. Entries added after the head was saved are not vouched for by it.
    """
    then, now = head.checkpoint, fingerprint(public_key)
    if head.fingerprint != now:
        verdict = HeadVerdict.RESIGNED
    else:
        _require_signature(then, public_key)
        verdict = _history(then, origin, leaf_hashes)
    return HeadComparison(verdict, then, head.fingerprint, len(leaf_hashes), now, origin)


def head_to_json(
    note: str, public_key: Ed25519PublicKey, time: str, extra: Mapping[str, object] | None = None
) -> bytes:
    """Write a head file.

    Args:
        note: The signed checkpoint.
        public_key: The key that signed it.
        time: When it was signed, ISO 8601 in UTC; part of the file, not of the signature.
        extra: Further members of the caller, such as spent totals; no name of the format's own.

    Returns:
        One line of canonical JSON with a final newline.

    Raises:
        CallerError: ``checkpoint.malformed``, ``head.malformed``, ``journal.not-canonical``.
        Fault: ``journal.bad-signature``.
    """
    read = open_checkpoint(note, public_key)
    if taken := _FIELDS.intersection(extra or {}):
        raise CallerError("head.malformed", reason=f"{min(taken)} is a name of the format itself")
    members = {
        "format": HEAD_FORMAT,
        "origin": read.origin,
        "size": read.size,
        "root": read.root_base64,
        "checkpoint": note,
        "fingerprint": read.fingerprint,
        "key": VerifierKey(read.origin, public_key).to_text(),
        "time": time,
    }
    return canonical_json({**(extra or {}), **members}) + b"\n"


def head_from_json(stored: bytes) -> Head:
    """Read a head file, or any receipt that carries a checkpoint and a fingerprint.

    Args:
        stored: The file's bytes.

    Returns:
        The head. Its signature is not checked yet: ``compare_head`` does.

    Raises:
        CallerError: ``head.malformed`` when it cannot be read or contradicts itself.
    """
    try:
        members = strict_json(stored)
    except ValueError as error:
        raise CallerError("head.malformed", reason=str(error)) from None
    if not isinstance(members, dict):
        raise CallerError("head.malformed", reason="it is not a JSON object")
    note, shown = members.get("checkpoint"), members.get("fingerprint")
    if not isinstance(note, str) or not isinstance(shown, str):
        raise CallerError("head.malformed", reason="it has no checkpoint and fingerprint texts")
    read = _parsed(note)
    _require_agreement(members, read)
    key, time = members.get("key", ""), members.get("time", "")
    if not isinstance(key, str) or not isinstance(time, str):
        raise CallerError("head.malformed", reason="its key or time is not text")
    _require_key(key, shown)
    extra = {name: value for name, value in members.items() if name not in _FIELDS}
    return Head(read, shown, key, time, extra)


def _history(then: Checkpoint, origin: str, leaf_hashes: Sequence[bytes]) -> HeadVerdict:
    if then.origin != origin:
        return HeadVerdict.OTHER_LOG
    if then.size > len(leaf_hashes):
        return HeadVerdict.TRUNCATED
    if root_of(leaf_hashes[: then.size]) != then.root:
        return HeadVerdict.FORKED
    return HeadVerdict.SAME if then.size == len(leaf_hashes) else HeadVerdict.EXTENDS


def _require_signature(then: Checkpoint, public_key: Ed25519PublicKey) -> None:
    try:
        opened = open_checkpoint(then.note, public_key)
    except HedgerowError:
        opened = None
    if opened is None or opened.text != then.text:
        raise Fault("head.bad-signature", fingerprint=fingerprint(public_key)) from None


def _parsed(note: str) -> Checkpoint:
    try:
        return parse_checkpoint(note)
    except CallerError as error:
        raise CallerError("head.malformed", reason=str(error.details["reason"])) from None


def _require_agreement(members: Mapping[str, object], read: Checkpoint) -> None:
    root = base64.b64encode(read.root).decode("ascii")
    for name, signed in (("origin", read.origin), ("size", read.size), ("root", root)):
        shown = members.get(name, signed)
        if type(shown) is not type(signed) or shown != signed:
            raise CallerError("head.malformed", reason=f"its {name} is not the one in its checkpoint")


def _require_key(key: str, shown: str) -> None:
    if not key:
        return
    try:
        held = VerifierKey.from_text(key)
    except CallerError as error:
        raise CallerError("head.malformed", reason=str(error.details["reason"])) from None
    if fingerprint(held.public_key) != shown:
        raise CallerError("head.malformed", reason="its fingerprint is not the one of its key")
