"""The sealed file: a head that names its recipients, then parts that open in their order only.

Format 1 of ``specs/sealed-file.md``. Memory stays constant, whatever the length of the file.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hedgerow.kernel.envelope import derive
from hedgerow.kernel.envelope.sealing import TAG_BYTES
from hedgerow.kernel.hybrid.head import (
    RECIPIENTS_LIMIT,
    Head,
    check_label,
    read_exactly,
    read_head,
    render_head,
)
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import KEY_BYTES, encode_fields

PART_BYTES = 65_536
"""Plaintext in one part, in bytes; only the last part may hold less."""

MAC_BYTES = 32
_SEALED_PART_BYTES = PART_BYTES + TAG_BYTES
_COUNTER_BYTES = 11
_PURPOSE_LABEL = "hedgerow/sealed-file/1"


class Receiver(Protocol):
    """Someone to seal for."""

    @property
    def kind(self) -> str:
        """What kind of recipient it is."""

    @property
    def fingerprint(self) -> str:
        """What tells it from others."""

    def seal(self, secret: bytes, purpose: bytes) -> dict[str, object]:
        """Seal a small secret into an entry of the head."""


class Opener(Protocol):
    """Something that opens what is sealed for it."""

    @property
    def kind(self) -> str:
        """What kind of recipient it answers to."""

    def fits(self, entry: dict[str, object]) -> bool:
        """Tell whether an entry is meant for it."""

    def open(self, entry: dict[str, object], purpose: bytes) -> bytes | None:
        """Open an entry, or give none."""


def seal_stream(source: BinaryIO, sink: BinaryIO, recipients: Sequence[Receiver], *, label: str) -> None:
    """Seal a stream for some recipients.

    Args:
        source: What to seal, read to its end.
        sink: Where the sealed file goes; discard it when this raises.
        recipients: 1 to 256, each once; a passphrase stands alone.
        label: What it is for, such as ``"file"`` or ``"backup"``: 1 to 32 of ``a-z``, ``0-9`` and ``-``.

    Raises:
        CallerError: ``sealed.no-recipient``, ``sealed.too-many-recipients``, ``sealed.recipient-twice`` or
            ``sealed.passphrase-alone``, or a recipient that is none.
        ValueError: The label is none.

    Guarantee: confidentiality towards all but the recipients; each recipient finds any change. Who sealed
        it is not proven. Length, label and the recipients' fingerprints are not hidden.
    Source: Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
        Misuse-Resistance", CRYPTO 2015 (the STREAM construction).
    """
    check_label(label)
    _check_recipients(recipients)
    file_key = os.urandom(KEY_BYTES)
    purpose = purpose_bytes(label)
    raw = render_head(Head(label, tuple(each.seal(file_key, purpose) for each in recipients)))
    sink.write(raw)
    sink.write(_mac(file_key, raw))
    cipher = _cipher(file_key, raw)
    parts = enumerate(_parts(source, PART_BYTES))
    sink.writelines(cipher.encrypt(_nonce(n, is_last=last), part, None) for n, (part, last) in parts)


def open_stream(source: BinaryIO, sink: BinaryIO, identity: Opener, *, label: str) -> None:
    """Open a sealed stream.

    Every part is authenticated before it is written, but only the last one proves that none is missing:
    when this raises, discard the sink.

    Args:
        source: The sealed file, from its first byte.
        sink: Where the plaintext goes.
        identity: Who opens it.
        label: What it must be for.

    Raises:
        CallerError: ``sealed.not-one``, ``sealed.newer``, ``sealed.other-label``,
            ``sealed.wrong-identity``, ``sealed.by-passphrase`` or ``sealed.wrong-passphrase``.
        Fault: ``sealed.header-damaged``, ``sealed.costly``, ``sealed.changed``, ``sealed.truncated`` or
            ``sealed.appended``.
    """
    head, raw = read_head(source)
    file_key = _file_key(head, identity)
    mac = read_exactly(source, MAC_BYTES)
    # The MAC also commits: no file opens under two file keys, as two different files.
    if not hmac.compare_digest(mac, _mac(file_key, raw)):
        raise Fault("sealed.truncated" if len(mac) < MAC_BYTES else "sealed.header-damaged")
    if head.label != label:
        raise CallerError("sealed.other-label", found=head.label, wanted=label)
    cipher = _cipher(file_key, raw)
    parts = enumerate(_parts(source, _SEALED_PART_BYTES))
    sink.writelines(_opened(cipher, n, part, is_last=last) for n, (part, last) in parts)


def purpose_bytes(label: str) -> bytes:
    """Encode what a file key is for, as every recipient's entry binds it."""
    return encode_fields(_PURPOSE_LABEL, label)


def _check_recipients(recipients: Sequence[Receiver]) -> None:
    if not recipients:
        raise CallerError("sealed.no-recipient")
    if len(recipients) > RECIPIENTS_LIMIT:
        raise CallerError("sealed.too-many-recipients", limit=RECIPIENTS_LIMIT)
    if len(recipients) > 1 and any(each.kind == "passphrase" for each in recipients):
        raise CallerError("sealed.passphrase-alone")
    if len({(each.kind, each.fingerprint) for each in recipients}) < len(recipients):
        raise CallerError("sealed.recipient-twice")


def _file_key(head: Head, identity: Opener) -> bytes:
    for entry in head.recipients:
        if not identity.fits(entry):
            continue
        try:
            secret = identity.open(entry, purpose_bytes(head.label))
        except ValueError:
            raise Fault("sealed.header-damaged") from None
        if secret is None and identity.kind == "passphrase":
            raise CallerError("sealed.wrong-passphrase")
        if secret is None or len(secret) != KEY_BYTES:
            raise Fault("sealed.header-damaged")
        return secret
    if identity.kind != "passphrase" and all(each["kind"] == "passphrase" for each in head.recipients):
        raise CallerError("sealed.by-passphrase")
    raise CallerError("sealed.wrong-identity", recipients=head.named())


def _opened(cipher: AESGCM, number: int, part: bytes, *, is_last: bool) -> bytes:
    opened = _tried(cipher, _nonce(number, is_last=is_last), part)
    if opened is not None and (opened or number == 0):
        return opened
    if opened is None and _tried(cipher, _nonce(number, is_last=not is_last), part) is not None:
        raise Fault("sealed.truncated" if is_last else "sealed.appended")
    raise Fault("sealed.truncated" if len(part) < TAG_BYTES else "sealed.changed")


def _tried(cipher: AESGCM, nonce: bytes, part: bytes) -> bytes | None:
    try:
        return cipher.decrypt(nonce, part, None)
    except InvalidTag:
        return None


def _mac(file_key: bytes, raw: bytes) -> bytes:
    return hmac.digest(derive(file_key, "sealed-file/head"), raw, "sha256")


def _cipher(file_key: bytes, raw: bytes) -> AESGCM:
    return AESGCM(derive(file_key, "sealed-file/parts", sha256(raw).digest()))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(_COUNTER_BYTES) + bytes([is_last])


def _parts(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a stream into parts, and tell of each whether it is the last; an empty stream has one."""
    part = read_exactly(source, size)
    while True:
        following = read_exactly(source, size) if len(part) == size else b""
        yield part, not following
        if not following:
            return
        part = following
