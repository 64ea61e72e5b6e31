"""A released file checked against its certificate: offline, with no workspace."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hedgerow.kernel.merkle.certified_file import MAX_BYTES, check_certificate
from hedgerow.model.errors import CallerError, Fault

_PIECE_BYTES = 1 << 20
_NAME_BYTES = 255
_TEXTS = ("certificate", "release", "dataset", "purpose", "released", "released_by", "legal_class")
_LISTS = ("legal_words", "obligations")


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
        CallerError: ``file.missing`` or ``released.no-certificate-file``.
        Fault: ``released.not-as-certified`` with what does not fit.
    """
    found = _hash(path)
    stored = _read(certificate or certificate_paths(path)[0], None if certificate else path)
    checked = check_certificate(stored, found, key)
    if checked.problems:
        raise Fault("released.not-as-certified", path=path, told="; ".join(checked.problems))
    told = _told(checked.body)
    if told is None:
        raise Fault("released.not-as-certified", path=path, told="it states too little to be read")
    return {
        "file": str(path),
        "verified": True,
        "key_checked": key is not None,
        "fingerprint": checked.fingerprint,
        **told,
    }


def _told(body: Mapping[str, object]) -> dict[str, Any] | None:
    """Read what a certificate states; none where something is left out or written otherwise."""
    findings = body.get("findings")
    if not isinstance(findings, Mapping):
        return None
    told: dict[str, Any] = {name: body.get(name) for name in (*_TEXTS, *_LISTS)}
    limits = [findings.get("limits"), *_listed(findings.get("statements"))]
    told["limits"] = [each for each in dict.fromkeys(limits) if isinstance(each, str) and each]
    texts = [told[name] for name in _TEXTS]
    for name in _LISTS:
        if not isinstance(told[name], list):
            return None
        texts += told[name]
    return told if all(isinstance(text, str) for text in texts) else None


def _listed(said: object) -> list[str]:
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _read(path: Path, beside: Path | None) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError:
        if beside is not None:
            raise CallerError("released.no-certificate-file", certificate=path.name, path=beside) from None
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
