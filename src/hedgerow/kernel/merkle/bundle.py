"""The evidence bundle: a journal and its documents under one signed manifest, as name to bytes."""

from __future__ import annotations

import base64
import re
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.canonical import canonical_json, strict_json
from hedgerow.kernel.merkle.checkpoint import sign_checkpoint
from hedgerow.kernel.merkle.note import VerifierKey, fingerprint, sign_note
from hedgerow.kernel.merkle.tree import leaf_hashes, root_of
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

BUNDLE_FORMAT = "hedgerow/evidence/v1"
KEY_FORMAT = "hedgerow/key/v1"
MANIFEST_LINE = "hedgerow/evidence-manifest/v1"
MAX_ENTRY_BYTES = 16 << 20
_MAX_BYTES = {".json": 64 << 20, ".note": 1 << 20}
_MAX_NAME_CHARS = 200
_MAX_DEPTH = 8
_PART = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")

_README = """\
Evidence from the journal of the log
    {origin}

What is here
    entries.jsonl   the journal: one entry a line, oldest first ({size} entries)
    leaves.bin      the 32-byte hash of each entry, so that a changed entry can be named
    checkpoint      the signed head of the journal: its size and its root hash
    documents/      receipts, certificates and older heads ({documents} files)
    key.json        the public key that signed all this, and its fingerprint
    manifest.json   the size and SHA-256 of every file
    manifest.sig    the signature over the manifest
    verify.py       checks all of the above, without a network

How to check it (Python 3.11 or newer, with the package "cryptography")
    python verify.py .
    python verify.py . --trust FINGERPRINT

FINGERPRINT is the one that the owner of the journal gave you by another way: it was printed when
the workspace was made and stands on every receipt. Without it the check can only say that the
bundle is consistent with itself; anyone can make such a bundle with a key of their own.
If you do not trust the sender at all, do not run the verify.py that came in the bundle. Take the
same file from your own copy of Hedgerow:
    python -m hedgerow.kernel.merkle.offline_verifier DIRECTORY --trust FINGERPRINT

What it shows: no entry was altered, dropped, moved or added since the head was signed, and the
older heads given are the beginning of this journal. What it cannot show: that the owner wrote
down all that happened, or that the owner never showed another journal to somebody else. Compare
heads with others, and keep the heads you were given.
"""


_JOINED = "# In a bundle the text of these files stands here.\n"
_SPLICED = "# In a bundle what follows stands in verify.py.\n"


def build_bundle(
    entries: Sequence[bytes],
    signer: Ed25519PrivateKey,
    origin: str,
    documents: Mapping[str, bytes],
    *,
    extensions: Sequence[str] = (),
    created: str = "",
    cosign: Callable[[str], str] | None = None,
) -> dict[str, bytes]:
    """Make an evidence bundle that its own verifier can check offline.

    Args:
        entries: All journal entries in order, each a single-line JSON object, the exact leaf bytes.
        signer: The log's signing key.
        origin: The log's name.
        documents: File name below ``documents/`` to content: receipts, certificates, older heads.
            A ``.json`` document is a JSON value, a ``.note`` a signed note of the same key.
        extensions: Further lines for the checkpoint, such as spent totals.
        created: When it was made, ISO 8601 in UTC, or an empty text to leave it out.
        cosign: Adds further signature lines to the checkpoint; none when there are no more.

    Returns:
        File name to content, ``/`` between folders. The same arguments give the same bytes.

    Raises:
        CallerError: ``evidence.bad-name``, ``evidence.bad-document``, ``evidence.bad-entry``,
            ``checkpoint.bad-line``.

    Guarantee:
        Every file but the manifest and its signature is in the manifest; every entry is under
        the signed root.
    """
    require_names(documents)
    for name, content in documents.items():
        _require_document(name, content)
    for index, entry in enumerate(entries):
        _require_entry(index, entry)
    hashes = leaf_hashes(entries)
    public_key = signer.public_key()
    head = sign_checkpoint(origin, len(hashes), root_of(hashes), signer, extensions)
    readme = _README.format(origin=origin, size=len(hashes), documents=len(documents))
    files = {
        "README.txt": readme.encode("utf-8"),
        "checkpoint": (cosign(head) if cosign else head).encode("utf-8"),
        "entries.jsonl": b"".join(entry + b"\n" for entry in entries),
        "key.json": key_record(origin, public_key),
        "leaves.bin": b"".join(hashes),
        "verify.py": verifier_source(),
        **{f"documents/{name}": content for name, content in documents.items()},
    }
    manifest = _manifest(files, origin, len(hashes), created)
    text = f"{MANIFEST_LINE}\n{origin}\n{sha256(manifest).hexdigest()}\n"
    signature = sign_note(text, origin, signer).encode("utf-8")
    return {**files, "manifest.json": manifest, "manifest.sig": signature}


def verifier_source() -> bytes:
    """Read the single-file verifier that every bundle carries.

    Returns:
        Its source, UTF-8.
    """
    folder = resources.files("hedgerow.kernel.merkle")
    whole = folder.joinpath("offline_verifier.py").read_text(encoding="utf-8")
    names = ("offline_approvals.py", "offline_cosignatures.py")
    parts = [folder.joinpath(name).read_text(encoding="utf-8").partition(_SPLICED)[2] for name in names]
    before, _, after = whole.partition(_JOINED)
    return "\n\n".join([before + parts[0], parts[1] + after.split("\n", len(parts))[-1]]).encode("utf-8")


def key_record(origin: str, public_key: Ed25519PublicKey) -> bytes:
    """Write a public key with its name and fingerprint.

    Args:
        origin: The log's name.
        public_key: The log's public key.

    Returns:
        One line of canonical JSON with a final newline.
    """
    record = {
        "format": KEY_FORMAT,
        "algorithm": "Ed25519",
        "origin": origin,
        "public_key": base64.b64encode(public_key.public_bytes_raw()).decode("ascii"),
        "key": VerifierKey(origin, public_key).to_text(),
        "fingerprint": fingerprint(public_key),
    }
    return canonical_json(record) + b"\n"


def require_names(documents: Mapping[str, bytes]) -> None:
    """Refuse document names that could leave the bundle or collide on another file system.

    Args:
        documents: File name below ``documents/`` to content.

    Raises:
        CallerError: ``evidence.bad-name``.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for name in documents:
        parts = name.split("/")
        if len(name) > _MAX_NAME_CHARS or len(parts) > _MAX_DEPTH:
            raise CallerError("evidence.bad-name", reason="it is too long or too deep")
        if not all(_PART.fullmatch(part) for part in parts):
            raise CallerError("evidence.bad-name", reason="it is not a plain relative name")
        folded = name.lower()
        if folded in seen:
            raise CallerError("evidence.bad-name", reason="two differ in letter case only")
        seen.add(folded)
        folders.update("/".join(folded.split("/")[:depth]) for depth in range(1, len(parts)))
    if seen & folders:
        raise CallerError("evidence.bad-name", reason="one is both a file and a folder")


def _require_document(name: str, content: bytes) -> None:
    kind = name[name.rfind(".") :]
    if len(content) > _MAX_BYTES.get(kind, len(content)):
        raise CallerError("evidence.bad-document", name=name, reason="it is too large to be checked")
    if kind == ".json":
        try:
            strict_json(content)
        except ValueError as error:
            raise CallerError("evidence.bad-document", name=name, reason=str(error)) from None


def _require_entry(index: int, entry: bytes) -> None:
    if len(entry) > MAX_ENTRY_BYTES or b"\n" in entry:
        raise CallerError(
            "evidence.bad-entry", index=index, reason="it is not a single line of at most 16 MiB"
        )
    try:
        is_object = isinstance(strict_json(entry), dict)
    except ValueError as error:
        raise CallerError("evidence.bad-entry", index=index, reason=str(error)) from None
    if not is_object:
        raise CallerError("evidence.bad-entry", index=index, reason="it is not a JSON object")


def _manifest(files: Mapping[str, bytes], origin: str, size: int, created: str) -> bytes:
    listed = {
        name: {"sha256": sha256(content).hexdigest(), "size": len(content)} for name, content in files.items()
    }
    record: dict[str, object] = {"format": BUNDLE_FORMAT, "origin": origin, "size": size, "files": listed}
    if created:
        record["created"] = created
    return canonical_json(record) + b"\n"
