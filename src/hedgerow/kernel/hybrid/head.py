"""The head of a sealed file as bytes: what it is for, and each recipient's entry."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from hedgerow.model.errors import CallerError, Fault

MAGIC = b"hedgerow sealed\n"
VERSION = 1
HEAD_LIMIT_BYTES = 1_048_576
RECIPIENTS_LIMIT = 256
_PREFIX = struct.Struct(">16sII")
_LABEL = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_FINGERPRINT = re.compile(r"[a-z2-7]{4}(?:-[a-z2-7]{4}){7}", re.ASCII)
_FIELDS = {
    "hybrid": {"kind", "to", "sealed"},
    "rsa-oaep": {"kind", "to", "sealed"},
    "passphrase": {"kind", "kdf", "sealed"},
}


@dataclass(frozen=True, slots=True)
class Head:
    """What a sealed file says of itself.

    Args:
        label: What it is for.
        recipients: One entry each.
    """

    label: str
    recipients: tuple[dict[str, object], ...]

    def named(self) -> str:
        """Name the recipients by fingerprint."""
        named = [str(entry.get("to", "a shared passphrase")) for entry in self.recipients]
        return ", ".join(named)


def check_label(label: str) -> None:
    """Refuse a label that is none.

    Raises:
        ValueError: It is not 1 to 32 of ``a-z``, ``0-9`` and ``-``.
    """
    if _LABEL.fullmatch(label) is None:
        raise ValueError("a label has 1 to 32 of a-z, 0-9 and -")


def render_head(head: Head) -> bytes:
    """Write a head: magic, version, length and one JSON object."""
    content = {"label": head.label, "recipients": list(head.recipients)}
    raw = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return _PREFIX.pack(MAGIC, VERSION, len(raw)) + raw


def read_head(source: BinaryIO) -> tuple[Head, bytes]:
    """Read a head from the beginning of a sealed file; nothing of it is authenticated yet.

    Args:
        source: The file; it stands behind the head afterwards.

    Returns:
        The head, and its bytes as they stand.

    Raises:
        CallerError: ``sealed.not-one`` or ``sealed.newer``.
        Fault: ``sealed.header-damaged`` or ``sealed.truncated``.
    """
    prefix = read_exactly(source, _PREFIX.size)
    if prefix[: len(MAGIC)] != MAGIC:
        raise CallerError("sealed.not-one")
    if len(prefix) < _PREFIX.size:
        raise Fault("sealed.truncated")
    _, version, length = _PREFIX.unpack(prefix)
    if version > VERSION:
        raise CallerError("sealed.newer", found=version, known=VERSION)
    if version < VERSION or length > HEAD_LIMIT_BYTES:
        raise Fault("sealed.header-damaged")
    raw = read_exactly(source, length)
    if len(raw) < length:
        raise Fault("sealed.truncated")
    try:
        return _parsed(json.loads(raw, object_pairs_hook=_without_twins)), prefix + raw
    except (ValueError, RecursionError):
        raise Fault("sealed.header-damaged") from None


def _parsed(content: object) -> Head:
    if not isinstance(content, dict) or set(content) != {"label", "recipients"}:
        raise ValueError
    label, recipients = content["label"], content["recipients"]
    if not isinstance(label, str) or not isinstance(recipients, list) or not recipients:
        raise ValueError
    check_label(label)
    head = Head(label, tuple(_entry(each) for each in recipients))
    _check_company(head.recipients)
    return head


def _check_company(entries: tuple[dict[str, object], ...]) -> None:
    """Refuse too many entries, a recipient twice, and a passphrase beside anybody."""
    known = {(entry["kind"], entry.get("to")) for entry in entries}
    if len(entries) > RECIPIENTS_LIMIT or len(known) < len(entries):
        raise ValueError
    if len(entries) > 1 and any(kind == "passphrase" for kind, _ in known):
        raise ValueError


def _entry(entry: object) -> dict[str, object]:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(kind, str) or _FIELDS.get(kind) != set(entry):
        raise ValueError
    if not isinstance(entry["sealed"], str):
        raise ValueError  # noqa: TRY004 - malformed is malformed, and the reader says it in one way
    # It is shown when nothing fits, before anything is authenticated.
    if "to" in entry and (not isinstance(entry["to"], str) or _FINGERPRINT.fullmatch(entry["to"]) is None):
        raise ValueError
    return entry


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def read_exactly(source: BinaryIO, size: int) -> bytes:
    """Read as many bytes as asked for, fewer only at the end; a pipe may give less at a time."""
    pieces, missing = [], size
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
