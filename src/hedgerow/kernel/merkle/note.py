"""Signed notes: a text, a blank line, and Ed25519 signature lines that name their key.

Source: C2SP signed-note, version 1.0.0, signature type 0x01 only.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hedgerow.model.errors import CallerError, Fault

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_MAX_NOTE_CHARS = 1_000_000
_MAX_SIGNATURES = 100
_MAX_NAME_CHARS = 200
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under.

    Args:
        name: Key name, without spaces or plus signs.
        public_key: The Ed25519 public key.
    """

    name: str
    public_key: Ed25519PublicKey

    @property
    def key_id(self) -> bytes:
        """The 4-byte key id of C2SP signed-note."""
        return key_id(self.name, self.public_key)

    def to_text(self) -> str:
        """Render as ``name+id+base64(0x01 || key)``, the published form of a note's key."""
        encoded = base64.b64encode(_ED25519 + self.public_key.public_bytes_raw()).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_text(cls, text: str) -> VerifierKey:
        """Parse the published form.

        Args:
            text: ``name+id+base64(0x01 || key)``.

        Returns:
            The key.

        Raises:
            CallerError: ``key.malformed``.
        """
        parts = text.split("+", 2)
        if len(parts) != 3 or name_fault(parts[0]):  # noqa: PLR2004 - name, id, key
            raise CallerError("key.malformed", reason="it is not of the form name+id+key")
        name, shown_id, encoded = parts
        raw = decode_base64(encoded)
        if raw is None or len(raw) != 1 + _KEY_BYTES or not raw.startswith(_ED25519):
            raise CallerError("key.malformed", reason="it is not an Ed25519 key")
        key = cls(name, public_key_from_raw(raw[1:]))
        if shown_id != key.key_id.hex():
            raise CallerError("key.malformed", reason="its id does not fit its name and key")
        return key


def fingerprint(public_key: Ed25519PublicKey) -> str:
    """Name a key by a short text that two people can compare.

    Args:
        public_key: The Ed25519 public key.

    Returns:
        ``SHA256:`` and 43 characters: SHA-256 of the 32 raw bytes in URL-safe base64, no padding.
    """
    digest = sha256(public_key.public_bytes_raw()).digest()
    return "SHA256:" + base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    """Compute the key id that stands before a signature.

    Args:
        name: Key name.
        public_key: The Ed25519 public key.

    Returns:
        4 bytes: the start of SHA-256(name, newline, 0x01, raw key).

    Source:
        C2SP signed-note, "Ed25519 signatures".
    """
    return sha256(name.encode("utf-8") + b"\n" + _ED25519 + public_key.public_bytes_raw()).digest()[
        :_ID_BYTES
    ]


def public_key_from_raw(raw: bytes) -> Ed25519PublicKey:
    """Load a public key.

    Args:
        raw: The 32 bytes of RFC 8032.

    Returns:
        The key.

    Raises:
        CallerError: ``key.malformed``.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise CallerError("key.malformed", reason="it is not an Ed25519 key") from None


def sign_note(text: str, name: str, private_key: Ed25519PrivateKey) -> str:
    """Sign a text under a name.

    Args:
        text: Lines of printable text ending in a newline.
        name: Key name, without spaces or plus signs, at most 200 characters.
        private_key: The signing key.

    Returns:
        The note: text, blank line, one signature line.

    Raises:
        CallerError: ``checkpoint.bad-line`` when text or name cannot stand in a note.

    Source:
        C2SP signed-note.
    """
    if reason := name_fault(name) or _text_fault(text):
        raise CallerError("checkpoint.bad-line", reason=reason)
    signature = private_key.sign(text.encode("utf-8"))
    blob = base64.b64encode(key_id(name, private_key.public_key()) + signature).decode("ascii")
    return f"{text}\n{_DASH}{name} {blob}\n"


def open_note(note: str, name: str, public_key: Ed25519PublicKey, what: str = "note") -> str:
    """Check a note and take its text.

    Args:
        note: The signed note.
        name: Name of the key that must have signed.
        public_key: The key that must have signed.
        what: What the note is, for the error message.

    Returns:
        The text, ending in a newline.

    Raises:
        CallerError: ``checkpoint.malformed`` when it is no signed note.
        Fault: ``journal.bad-signature`` when no signature of this key verifies, or one of this
            key fails.

    Guarantee:
        Signatures of other keys are read past, never trusted.
    """
    text, lines = _split(note)
    mine = [
        blob[_ID_BYTES:]
        for signer, blob in map(_signature_line, lines)
        if signer == name and blob[:_ID_BYTES] == key_id(name, public_key)
    ]
    try:
        for signature in mine:
            public_key.verify(signature, text.encode("utf-8"))
    except InvalidSignature:
        mine = []
    if not mine:
        raise Fault("journal.bad-signature", what=what, fingerprint=fingerprint(public_key))
    return text


@lru_cache(maxsize=256)
def name_fault(name: str) -> str:
    """Say why a name cannot be a key name or an origin.

    Args:
        name: The name.

    Returns:
        The reason, or an empty text when the name is good.
    """
    if not name or len(name) > _MAX_NAME_CHARS:
        return f"a name has 1 to {_MAX_NAME_CHARS} characters"
    if "+" in name or any(char.isspace() or not char.isprintable() for char in name):
        return "a name has no spaces, plus signs or control characters"
    return ""


def decode_base64(text: str) -> bytes | None:
    """Decode standard base64 in its one canonical spelling.

    Args:
        text: Padded base64.

    Returns:
        The bytes, or None when the text is anything else.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    return raw if base64.b64encode(raw).decode("ascii") == text else None


def signature_lines(note: str) -> list[tuple[str, bytes]]:
    """Read the signature lines of a note WITHOUT checking any.

    Args:
        note: The signed note.

    Returns:
        Name, and key id with signature, of each line.

    Raises:
        CallerError: ``checkpoint.malformed``.
    """
    return [_signature_line(line) for line in _split(note)[1]]


def _text_fault(text: str) -> str:
    if not text.endswith("\n") or text == "\n" or len(text) > _MAX_NOTE_CHARS:
        return "the text does not end in a newline, is empty or is too long"
    if _CONTROL.search(text):
        return "the text holds a control character"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "the text is not valid Unicode"
    return ""


def _split(note: str) -> tuple[str, list[str]]:
    cut = note.rfind("\n\n")
    text, tail = note[: cut + 1], note[cut + 2 :]
    lines = tail.split("\n")
    if cut < 0 or _text_fault(note) or lines.pop() or not 1 <= len(lines) <= _MAX_SIGNATURES:
        raise CallerError("checkpoint.malformed", reason="it is not a signed note")
    return text, lines


def _signature_line(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    blob = decode_base64(encoded)
    if not line.startswith(_DASH) or name_fault(name) or blob is None or len(blob) <= _ID_BYTES:
        raise CallerError(
            "checkpoint.malformed", reason="a signature line is not of the form name and base64"
        )
    return name, blob
