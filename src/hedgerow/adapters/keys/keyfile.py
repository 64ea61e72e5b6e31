"""The key file as bytes: formats 1 and 2 of ``specs/keyfile.md``, without touching a disk."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from dataclasses import dataclass

from hedgerow.adapters.keys.ring import Epoch, Ring
from hedgerow.kernel.envelope import open_sealed, seal
from hedgerow.kernel.envelope.passphrase import (
    SALT_BYTES,
    Argon2Profile,
    key_from_passphrase,
    read_cost,
    write_cost,
)
from hedgerow.kernel.envelope.wrapping import ALGORITHM
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, EpochState, SecretKey

FORMAT = "hedgerow-keys"
VERSION = 2
_PLAIN_VERSION = 1
FILE_LIMIT_BYTES = 1_048_576
_HEAD_FIELDS = ("format", "version", "sealed", "kdf")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_EPOCH = re.compile(r"[0-9a-f]{32}", re.ASCII)
_ENDS = ({"key"}, {"destroyed"}, {"destroyed", "assuming"})


class _MalformedError(Exception):
    """The content is no key file of this format."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What seals a key file: the key, and how it came from the passphrase."""

    key: SecretKey
    salt: bytes
    profile: Argon2Profile

    @classmethod
    def from_passphrase(cls, passphrase: str, profile: Argon2Profile) -> Seal:
        """Derive a seal under a fresh salt."""
        salt = os.urandom(SALT_BYTES)
        return cls(key_from_passphrase(passphrase, salt, profile), salt, profile)


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A key file whose checksum holds; its body may still be sealed."""

    head: dict[str, object]
    body: object
    salt: bytes
    profile: Argon2Profile | None

    @property
    def is_sealed(self) -> bool:
        """Whether a passphrase is needed."""
        return self.profile is not None


def render(ring: Ring, seal_: Seal | None) -> bytes:
    """Write a key file.

    Args:
        ring: The epochs to hold.
        seal_: What seals it, or none for a file that anyone who reads it can use.

    Returns:
        One JSON object in ASCII, ending with a newline.
    """
    is_heir = any(epoch.state.assuming is not None for epoch in ring.epochs)
    head = _head(seal_, VERSION if is_heir else _PLAIN_VERSION)
    body: object = _body(ring)
    if seal_ is not None:
        sealed = seal(seal_.key.reveal(), _canonical(body), _binding(head))
        body = base64.b64encode(sealed).decode()
    content = {**head, "body": body}
    content["checksum"] = _checksum(content)
    return json.dumps(content, indent=1).encode() + b"\n"


def parse(raw: bytes, path: str) -> ParsedFile:
    """Read a key file as far as it can be read without its passphrase.

    Args:
        raw: The content.
        path: Where it came from, for errors.

    Returns:
        Its head and body.

    Raises:
        CallerError: ``keys.file-newer``.
        Fault: ``keys.file-corrupt``, or ``keys.file-costly`` when its passphrase check is too dear.
    """
    try:
        content = _object(json.loads(raw, object_pairs_hook=_without_twins))
        _check_version(content, path)
        return _parsed(content, path)
    except (ValueError, RecursionError, _MalformedError):
        raise Fault("keys.file-corrupt", path=path) from None


def unlock(parsed: ParsedFile, passphrase: str | None, path: str) -> tuple[Ring, Seal | None]:
    """Open a parsed key file.

    Args:
        parsed: What ``parse`` returned.
        passphrase: The passphrase, or none when the file is not sealed.
        path: Where it came from, for errors.

    Returns:
        The epochs, and what seals the file.

    Raises:
        CallerError: ``keys.passphrase-needed``, ``keys.passphrase-unused`` or ``keys.wrong-passphrase``.
        Fault: ``keys.file-corrupt``.
    """
    if passphrase is not None and not parsed.is_sealed:
        # A stranger's unsealed file put in the place of a sealed one must not pass for it.
        raise CallerError("keys.passphrase-unused")
    seal_, body = _unsealed(parsed, passphrase)
    try:
        return _ring(body), seal_
    except (ValueError, _MalformedError):
        raise Fault("keys.file-corrupt", path=path) from None


def reopen(parsed: ParsedFile, seal_: Seal | None, path: str) -> Ring:
    """Open a key file again with what opened it before.

    Args:
        parsed: What ``parse`` returned.
        seal_: What sealed it when it was opened, or none.
        path: Where it came from, for errors.

    Returns:
        The epochs.

    Raises:
        Fault: ``keys.file-changed`` when it is sealed otherwise by now, or ``keys.file-corrupt``.
    """
    if parsed.is_sealed != (seal_ is not None):
        raise Fault("keys.file-changed", path=path)
    try:
        return _ring(parsed.body if seal_ is None else _body_under(parsed, seal_.key))
    except (ValueError, _MalformedError):
        raise Fault("keys.file-corrupt", path=path) from None
    except Fault:
        raise Fault("keys.file-changed", path=path) from None


def _body_under(parsed: ParsedFile, key: SecretKey) -> object:
    blob = base64.b64decode(str(parsed.body), validate=True)
    return json.loads(open_sealed(key.reveal(), blob, _binding(parsed.head)))


def _unsealed(parsed: ParsedFile, passphrase: str | None) -> tuple[Seal | None, object]:
    if parsed.profile is None:
        return None, parsed.body
    if passphrase is None:
        raise CallerError("keys.passphrase-needed")
    key = key_from_passphrase(passphrase, parsed.salt, parsed.profile)
    try:
        body = _body_under(parsed, key)
    except Fault:
        # The checksum held, so the file is what was written: the key is the wrong one.
        raise CallerError("keys.wrong-passphrase") from None
    return Seal(key, parsed.salt, parsed.profile), body


def _head(seal_: Seal | None, version: int) -> dict[str, object]:
    kdf = None if seal_ is None else write_cost(seal_.profile, seal_.salt)
    return {"format": FORMAT, "version": version, "sealed": seal_ is not None, "kdf": kdf}


def _body(ring: Ring) -> dict[str, object]:
    return {"epochs": [_epoch_entry(epoch) for epoch in ring.epochs]}


def _epoch_entry(epoch: Epoch) -> dict[str, object]:
    state = epoch.state
    entry: dict[str, object] = {"id": state.id, "created": state.created, "algorithm": state.algorithm}
    if epoch.key is None:
        entry["destroyed"] = state.destroyed
        return entry if state.assuming is None else {**entry, "assuming": state.assuming}
    return {**entry, "key": base64.b64encode(epoch.key.reveal()).decode()}


def _binding(head: dict[str, object]) -> Binding:
    digest = hashlib.sha256(_canonical(head)).hexdigest()
    return Binding("local", "key-file", digest, "body", _PLAIN_VERSION)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _checksum(content: dict[str, object]) -> str:
    return hashlib.sha256(_canonical(content)).hexdigest()


def _check_version(content: dict[str, object], path: str) -> None:
    version = content.get("version")
    if content.get("format") != FORMAT or type(version) is not int:
        raise _MalformedError
    if version > VERSION:
        raise CallerError("keys.file-newer", path=path, found=version, known=VERSION)


def _parsed(content: dict[str, object], path: str) -> ParsedFile:
    checksum = content.pop("checksum", None)
    if set(content) != {*_HEAD_FIELDS, "body"} or checksum != _checksum(content):
        raise _MalformedError
    head = {name: content[name] for name in _HEAD_FIELDS}
    if content["version"] not in (_PLAIN_VERSION, VERSION) or not isinstance(content["sealed"], bool):
        raise _MalformedError
    if not content["sealed"]:
        return ParsedFile(head, content["body"], b"", None)
    salt, profile = read_cost(content["kdf"])
    if not profile.is_allowed:
        raise Fault("keys.file-costly", path=path)
    base64.b64decode(_text(content["body"]), validate=True)
    return ParsedFile(head, content["body"], salt, profile)


def _ring(body: object) -> Ring:
    fields = _object(body)
    entries = fields.get("epochs")
    if set(fields) != {"epochs"} or not isinstance(entries, list) or not entries:
        raise _MalformedError
    ring = Ring(tuple(_epoch(_object(entry)) for entry in entries))
    if len({e.state.id for e in ring.epochs}) != len(ring.epochs) or ring.epochs[-1].key is None:
        raise _MalformedError
    return ring


def _epoch(entry: dict[str, object]) -> Epoch:
    if set(entry) - {"id", "created", "algorithm"} not in _ENDS:
        raise _MalformedError
    id_, created = _matching(_EPOCH, entry["id"]), _matching(_STAMP, entry["created"])
    if entry["algorithm"] != ALGORITHM:
        raise _MalformedError
    if "key" not in entry:
        destroyed = _matching(_STAMP, entry["destroyed"])
        assuming = _text(entry["assuming"]) if "assuming" in entry else None
        return Epoch(EpochState(id_, created, ALGORITHM, destroyed, assuming), None)
    key = base64.b64decode(_text(entry["key"]), validate=True)
    return Epoch(EpochState(id_, created, ALGORITHM), SecretKey(key))


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _MalformedError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _MalformedError
    return value


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if pattern.fullmatch(_text(value)) is None:
        raise _MalformedError
    return _text(value)


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _MalformedError
    return dict(pairs)
