"""What is known of keys in a token: reading and writing ``specs/tokenfile.md``; nothing in it is secret."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import NoReturn

from hedgerow.kernel.envelope.wrapping import ALGORITHM
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import EpochState

FORMAT = "hedgerow-token"
VERSION = 1
FILE_LIMIT_BYTES = 1_048_576
_FIELDS = {"format", "version", "tenant", "token", "epochs", "making"}
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_EPOCH = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SERIAL = re.compile(r"[0-9a-f]{0,64}", re.ASCII)
_ENDS: tuple[set[str], ...] = (set(), {"destroyed"}, {"destroyed", "assuming"})


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is written down of a workspace's keys in a token.

    Args:
        tenant: The workspace.
        label: The token's label.
        serial: The token's serial number, in hexadecimal.
        epochs: Every epoch, oldest first; the last is current unless it is destroyed.
        making: An epoch whose key is about to be made, or may have been when a process was killed.
    """

    tenant: str
    label: str
    serial: str
    epochs: tuple[EpochState, ...]
    making: EpochState | None = None

    @property
    def key_label(self) -> str:
        """The label of the workspace's keys in the token."""
        return f"hedgerow {self.tenant}"

    def rendered(self) -> bytes:
        """Write it as one JSON object in ASCII, ending with a newline."""
        content: dict[str, object] = {
            "format": FORMAT,
            "version": VERSION,
            "tenant": self.tenant,
            "token": {"label": self.label, "serial": self.serial},
            "epochs": [_entry(state) for state in self.epochs],
            "making": None if self.making is None else _entry(self.making),
        }
        content["checksum"] = _checksum(content)
        return json.dumps(content, indent=1).encode() + b"\n"


def parse(raw: bytes, path: str) -> TokenRecord:
    """Read the file.

    Args:
        raw: Its content.
        path: Where it came from, for errors.

    Returns:
        What it says.

    Raises:
        CallerError: ``keys.file-newer``.
        Fault: ``keys.file-corrupt``.
    """
    try:
        content = json.loads(raw, object_pairs_hook=_without_twins)
        version = content["version"]
        if content["format"] == FORMAT and type(version) is int and version > VERSION:
            raise CallerError("keys.file-newer", path=path, found=version, known=VERSION)
        return _record(content)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise Fault("keys.file-corrupt", path=path) from None


def _record(content: dict[str, object]) -> TokenRecord:
    checksum = content.pop("checksum")
    if set(content) != _FIELDS or checksum != _checksum(content):
        _malformed()
    if content["format"] != FORMAT or type(content["version"]) is not int or content["version"] != VERSION:
        _malformed()
    token, entries, making = content["token"], content["epochs"], content["making"]
    if not isinstance(token, dict) or set(token) != {"label", "serial"} or not isinstance(entries, list):
        _malformed()
    epochs = tuple(_state(entry) for entry in entries)
    if len({state.id for state in epochs}) != len(epochs):
        _malformed()
    return TokenRecord(
        _text(content["tenant"]),
        _text(token["label"]),
        _matching(_SERIAL, token["serial"]),
        epochs,
        None if making is None else _state(making),
    )


def _entry(state: EpochState) -> dict[str, object]:
    entry: dict[str, object] = {"id": state.id, "created": state.created, "algorithm": state.algorithm}
    if state.destroyed is not None:
        entry["destroyed"] = state.destroyed
    return entry if state.assuming is None else {**entry, "assuming": state.assuming}


def _state(entry: object) -> EpochState:
    if not isinstance(entry, dict) or set(entry) - {"id", "created", "algorithm"} not in _ENDS:
        _malformed()
    if entry["algorithm"] != ALGORITHM:
        _malformed()
    return EpochState(
        _matching(_EPOCH, entry["id"]),
        _matching(_STAMP, entry["created"]),
        ALGORITHM,
        _matching(_STAMP, entry["destroyed"]) if "destroyed" in entry else None,
        _text(entry["assuming"]) if "assuming" in entry else None,
    )


def _checksum(content: dict[str, object]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _text(value: object) -> str:
    return value if isinstance(value, str) else _malformed()


def _matching(pattern: re.Pattern[str], value: object) -> str:
    return _text(value) if pattern.fullmatch(_text(value)) else _malformed()


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        _malformed()
    return dict(pairs)


def _malformed() -> NoReturn:
    raise ValueError("no token file of this format")
