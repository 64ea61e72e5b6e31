"""A released file checked against its certificate: offline, with no workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hedgerow.kernel.merkle.certified_file import MAX_BYTES, check_certificate
from hedgerow.model.errors import CallerError, Fault

_PIECE_BYTES = 1 << 20
_NAME_BYTES = 255


def certificate_paths(out: Path) -> tuple[Path, Path]:
    """Name the certificate of a file and its page, which lie beside it; a name that is too long is cut."""
    ends = (".certificate.json", ".certificate.html")
    name = out.name.encode("utf-8", "surrogateescape")
    json_name, page_name = (name[: _NAME_BYTES - len(end)].decode("utf-8", "ignore") + end for end in ends)
    return out.parent / json_name, out.parent / page_name


def verify_release(path: Path, certificate: Path | None = None, key: str | None = None) -> dict[str, Any]:
    """Check a released file.

    Args:
        path: The file.
        certificate: Its certificate; ``PATH.certificate.json`` where none is named.
        key: Fingerprint of the key that must have signed; whose key it is remains open without it.

    Returns:
        What the certificate states: ``release``, ``dataset``, ``purpose``, ``released``, ``legal_class``,
        ``legal_words``, ``limits``, ``obligations``, ``fingerprint``, ``key_checked`` and more.

    Raises:
        CallerError: ``file.missing``.
        Fault: ``released.not-as-certified`` with what does not fit.
    """
    stored = _read(certificate or certificate_paths(path)[0])
    checked = check_certificate(stored, _hash(path), key)
    if checked.problems:
        raise Fault("released.not-as-certified", path=path, told="; ".join(checked.problems))
    body = cast("Mapping[str, Any]", checked.body)
    return {
        "file": str(path),
        "verified": True,
        "key_checked": key is not None,
        "fingerprint": checked.fingerprint,
        **{name: body[name] for name in ("certificate", "release", "dataset", "purpose", "released",
                                         "released_by", "legal_class", "legal_words", "obligations")},
        "limits": _limits(body),
    }  # fmt: skip


def _limits(body: Mapping[str, Any]) -> list[str]:
    findings = cast("Mapping[str, Any]", body["findings"])
    said = [findings.get("limits"), *cast("Sequence[object]", findings.get("statements") or ())]
    return [str(each) for each in dict.fromkeys(said) if each]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError:
        raise CallerError("file.missing", path=path) from None


def _hash(path: Path) -> str:
    state = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE_BYTES):
                state.update(piece)
    except OSError:
        raise CallerError("file.missing", path=path) from None
    return state.hexdigest()
