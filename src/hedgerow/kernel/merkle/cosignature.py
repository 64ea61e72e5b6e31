"""Cosignatures: a further line under a checkpoint, with the time, by a witness or by a second key of the log.

Source: C2SP tlog-cosignature: types 0x04 (Ed25519, ``cosignature/v1``) and 0x06 (ML-DSA-44, ``subtree/v1``).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from hedgerow.kernel.merkle.checkpoint import Checkpoint, parse_checkpoint
from hedgerow.kernel.merkle.note import decode_base64, name_fault, signature_lines
from hedgerow.model.errors import CallerError, Fault

ED25519, ML_DSA_44 = 0x04, 0x06
_KEY_BYTES = {ED25519: 32, ML_DSA_44: 1312}
_SIGNATURE_BYTES = {ED25519: 64, ML_DSA_44: 2420}
_ID_BYTES, _TIME_BYTES = 4, 8
_LABEL = b"subtree/v1\n\0"
_MOST_NAME_BYTES = 255
_MOST_TIME = (1 << 63) - 1
_DASH = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A cosigner's public key with the name it signs under.

    Args:
        name: Key name, without spaces or plus signs, at most 255 bytes.
        kind: ``ED25519`` or ``ML_DSA_44``: the signature type of the specification.
        public: The raw public key, 32 or 1,312 bytes.
    """

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that stand before a signature."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def to_text(self) -> str:
        """Render as ``name+id+base64(type || key)``."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @classmethod
    def from_text(cls, text: str) -> CosignerKey:
        """Parse the published form.

        Raises:
            CallerError: ``key.malformed``.
        """
        name, _, rest = text.strip().partition("+")
        shown, _, encoded = rest.partition("+")
        raw = decode_base64(encoded) or b"\0"
        if name_fault(name) or len(name.encode()) > _MOST_NAME_BYTES:
            raise CallerError("key.malformed", reason="it is not of the form name+id+key")
        if _KEY_BYTES.get(raw[0]) != len(raw) - 1:
            raise CallerError("key.malformed", reason="it is no key of a cosigner")
        key = cls(name, raw[0], raw[1:])
        if key.key_id.hex() != shown:
            raise CallerError("key.malformed", reason="its id does not fit its name and key")
        return key

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Tell whether a signature is this key's over a message."""
        try:
            if self.kind == ED25519:
                Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A cosigner's private key.

    Args:
        name: The name it signs under.
        kind: ``ED25519`` or ``ML_DSA_44``.
        seed: The private key's 32 bytes.
    """

    name: str
    kind: int
    seed: bytes = field(repr=False)

    @property
    def key(self) -> CosignerKey:
        """The public half."""
        if self.kind == ED25519:
            public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        else:
            public = MLDSA44PrivateKey.from_seed_bytes(self.seed).public_key().public_bytes_raw()
        return CosignerKey(self.name, self.kind, public)

    def sign(self, note: str, time_s: int) -> str:
        """Cosign a checkpoint and add the line to it.

        Args:
            note: The signed checkpoint; that it is consistent with all seen before is the caller's to check.
            time_s: Seconds since 1970, 0 or more.

        Returns:
            The note with one more line.

        Raises:
            CallerError: ``checkpoint.malformed``, ``checkpoint.bad-line``.
        """
        key = self.key
        message = _message(key, parse_checkpoint(note), _text_of(note), time_s)
        if self.kind == ED25519:
            signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        else:
            signature = MLDSA44PrivateKey.from_seed_bytes(self.seed).sign(message)
        blob = key.key_id + time_s.to_bytes(_TIME_BYTES, "big") + signature
        return f"{note}{_DASH}{self.name} {base64.b64encode(blob).decode('ascii')}\n"


def cosigned_at(note: str, key: CosignerKey) -> int | None:
    """Find a key's cosignature under a checkpoint.

    Args:
        note: The checkpoint with its lines; its own signature is not checked here.
        key: The cosigner.

    Returns:
        When it was cosigned, in seconds since 1970; none when there is no line of this key.

    Raises:
        CallerError: ``checkpoint.malformed``.
        Fault: ``cosignature.bad`` when a line of this key does not verify.
    """
    found = None
    read, text = parse_checkpoint(note), _text_of(note)
    for name, blob in signature_lines(note):
        if name != key.name or blob[:_ID_BYTES] != key.key_id:
            continue
        time_s = int.from_bytes(blob[_ID_BYTES : _ID_BYTES + _TIME_BYTES], "big")
        signature = blob[_ID_BYTES + _TIME_BYTES :]
        is_whole = len(signature) == _SIGNATURE_BYTES[key.kind] and time_s <= _MOST_TIME
        if not is_whole or not key.verify(signature, _message(key, read, text, time_s)):
            raise Fault("cosignature.bad", name=key.name, size=read.size)
        found = max(found or 0, time_s)
    return found


def merge_lines(note: str, other: str) -> str:
    """Add to a checkpoint the signature lines that another copy of the same text has beyond its own.

    Raises:
        CallerError: ``checkpoint.malformed`` when the two are over different texts.
    """
    if _text_of(note) != _text_of(other):
        raise CallerError("checkpoint.malformed", reason="the two are not over the same text")
    held = note.rpartition("\n\n")[2].splitlines()
    more = [line for line in other.rpartition("\n\n")[2].splitlines() if line not in held]
    return note + "".join(f"{line}\n" for line in more)


def _text_of(note: str) -> str:
    return note.rpartition("\n\n")[0] + "\n"


def _message(key: CosignerKey, read: Checkpoint, text: str, time_s: int) -> bytes:
    if not 0 <= time_s <= _MOST_TIME:
        raise CallerError("checkpoint.bad-line", reason="the time is out of range")
    if key.kind == ED25519:
        return f"cosignature/v1\ntime {time_s}\n{text}".encode()
    name, origin = key.name.encode(), read.origin.encode()
    if max(len(name), len(origin)) > _MOST_NAME_BYTES:
        raise CallerError("checkpoint.bad-line", reason="a name is longer than 255 bytes")
    return b"".join(
        [
            _LABEL,
            bytes([len(name)]),
            name,
            time_s.to_bytes(_TIME_BYTES, "big"),
            bytes([len(origin)]),
            origin,
            bytes(_TIME_BYTES),
            read.size.to_bytes(_TIME_BYTES, "big"),
            read.root,
        ]
    )
