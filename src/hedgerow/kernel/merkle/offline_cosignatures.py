"""The part of the offline verifier that checks cosignatures; a bundle's verify.py holds both in one file.

Nothing of Hedgerow is imported here either.
"""

from __future__ import annotations

# In a bundle what follows stands in verify.py.
import argparse
import base64
import binascii
import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519_TYPE, ML_DSA_44_TYPE, TIME_BYTES, KEY_ID_BYTES = 4, 6, 8, 4


def unbase64(text: object) -> bytes:
    """Decode padded base64 in its one spelling; anything else gives no bytes."""
    if not isinstance(text, str):
        return b""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""
    return raw if base64.b64encode(raw).decode("ascii") == text else b""


_KEY_BYTES = {ED25519_TYPE: 32, ML_DSA_44_TYPE: 1312}


def witness_key(text: str) -> str:
    """Refuse what is no key of a witness, by its form alone."""
    name, _, rest = text.strip().partition("+")
    raw = unbase64(rest.partition("+")[2])
    if not name or not raw or _KEY_BYTES.get(raw[0]) != len(raw) - 1:
        told = "is no key NAME/witness+ID+KEY; the witness prints it: hedgerow journal key show"
        raise argparse.ArgumentTypeError(told)
    return text


class Parser(argparse.ArgumentParser):
    """Tells wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the line and leave with exit code 2."""
        usage = "python verify.py DIR [--trust FINGERPRINT] [--witness KEY] [--json]"
        sys.stderr.write(f"usage: {usage} ({message})\n")
        raise SystemExit(2)


class Cosignatures:
    """Who else signed the heads: witnesses that the auditor names, and the log's own second key."""

    def __init__(self) -> None:
        self.wanted: list[str] = []
        self.found: list[dict[str, Any]] = []
        self._notes: dict[str, str] = {}
        self._second: tuple[int, str] | None = None

    def keep(self, name: str, note: str) -> str:
        """Remember a note of the bundle."""
        self._notes[name] = note
        return note

    def look(self, index: int, entry: bytes) -> None:
        """Look whether an entry tells of a second key of the log."""
        if b'"journal.key"' not in entry or self._second is not None:
            return
        try:
            told = json.loads(entry)
            if told["action"] == "journal.key":
                self._second = index, str(told["facts"]["key"])
        except (LookupError, TypeError, ValueError, RecursionError):
            return  # what is wrong with the entry is told elsewhere

    def problems(self) -> Iterator[str]:
        """Check every line by a key that is named, and say what is missing or wrong."""
        if self._second is not None and "checkpoint" in self._notes:
            index, key = self._second
            if self._signed(key, "checkpoint", self._notes["checkpoint"]) is None:
                yield f"checkpoint: the second signature, required from entry {index} on, is missing or wrong"
        for key in self.wanted:
            seen = [self._signed(key, name, note) for name, note in sorted(self._notes.items())]
            sizes = [size for size in seen if size is not None]
            if not sizes:
                yield f"no head here is cosigned by the witness {json.dumps(key[:60])}"
            else:
                self.found.append({"witness": key.partition("+")[0], "size": max(sizes)})

    def _signed(self, key: str, name: str, note: str) -> int | None:
        """Tell the size of a head that a key has cosigned; none when it has not."""
        signer, _, rest = key.strip().partition("+")
        raw, (text, _, lines) = unbase64(rest.partition("+")[2]), note.rpartition("\n\n")
        head = text.split("\n")
        is_head = len(head) >= len(("origin", "size", "root")) and head[1].isdecimal()
        if not raw or not is_head or name == "manifest.sig":
            return None
        own = sha256(signer.encode() + b"\n" + raw).digest()[:KEY_ID_BYTES]
        for line in lines.splitlines():
            named, _, blob = line.partition(" ")[2].partition(" ")
            signature = unbase64(blob)
            if (named, signature[:KEY_ID_BYTES]) == (signer, own):
                return int(head[1]) if _holds(raw, signer, head, text, signature[KEY_ID_BYTES:]) else None
        return None


def _holds(raw: bytes, signer: str, head: list[str], text: str, signature: bytes) -> bool:
    """Verify one cosignature of C2SP tlog-cosignature."""
    time, signature = signature[:TIME_BYTES], signature[TIME_BYTES:]
    try:
        if raw[0] == ED25519_TYPE:
            message = f"cosignature/v1\ntime {int.from_bytes(time, 'big')}\n{text}\n".encode()
            Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, message)
            return True
        if raw[0] != ML_DSA_44_TYPE:
            return False
        # Only here: an older "cryptography" has no ML-DSA and is good enough for the rest.
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

        name, origin = signer.encode(), head[0].encode()
        message = b"subtree/v1\n\0" + bytes([len(name)]) + name + time + bytes([len(origin)]) + origin
        message += bytes(TIME_BYTES) + int(head[1]).to_bytes(TIME_BYTES, "big") + unbase64(head[2])
        MLDSA44PublicKey.from_public_bytes(raw[1:]).verify(signature, message)
    except (InvalidSignature, ValueError, OverflowError, ImportError):
        return False
    return True
