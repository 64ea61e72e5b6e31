"""Files sealed for people: making identities, sealing, opening; needs no workspace."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self, cast

from hedgerow.adapters.keys import durable
from hedgerow.app.outputs import check_out, write_out, writing_out
from hedgerow.app.service.base import Progress, quiet
from hedgerow.kernel.hybrid import (
    Identity,
    Opener,
    Passphrase,
    Receiver,
    Recipient,
    RsaIdentity,
    RsaRecipient,
    new_identity,
    open_stream,
    probe,
    read_identity,
    read_recipient,
    seal_stream,
    write_identity,
)
from hedgerow.kernel.hybrid.head import MAGIC, read_head
from hedgerow.kernel.hybrid.identity import PREFIX
from hedgerow.kernel.hybrid.identity_file import is_sealed_identity
from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.uses import Json

LABEL = "file"
_KEY_LIMIT_BYTES = 65_536
_TOLD_EVERY_BYTES = 64 * 1024 * 1024
_PEM = b"-----BEGIN"
_PRIVATE = b"PRIVATE KEY"
_OTHERS = 0o077
_MEGABYTE = 1_000_000

Ask = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Sealing:
    """A wish to seal a file.

    Args:
        path: The file.
        out: Where the sealed file shall stand.
        recipients: Recipients' texts, or paths of files that hold one or an RSA public key.
        passphrase: Gives a shared passphrase in their place, or none.
        force: Whether what stands at ``out`` is replaced.
        label: What the sealed file is for.
    """

    path: Path
    out: Path
    recipients: Sequence[str] = ()
    passphrase: Ask | None = field(default=None, repr=False)
    force: bool = False
    label: str = LABEL


@dataclass(frozen=True, slots=True)
class Opening:
    """A wish to open a sealed file.

    Args:
        path: The sealed file.
        out: Where its content shall stand.
        identity: The file of the identity that opens it, or none for a shared passphrase.
        passphrase: Gives the passphrase that seals the identity, or the shared one.
        force: Whether what stands at ``out`` is replaced.
        label: What the sealed file must be for.
    """

    path: Path
    out: Path
    identity: Path | None
    passphrase: Ask = field(repr=False)
    force: bool = False
    label: str = LABEL


def make_identity(out: Path, passphrase: Ask, *, recipient_out: Path | None = None) -> dict[str, Json]:
    """Make an identity and write it to a new file that only its owner reads.

    Args:
        out: Where it shall stand.
        passphrase: Gives what seals it, or none; asked once it is sure that the file can be made.
        recipient_out: A new file for the recipient, or none.

    Returns:
        ``identity``, ``sealed``, ``recipient`` and ``fingerprint``.

    Raises:
        CallerError: ``sealed.identity-exists``, what ``check_out`` raises, or the passphrase is none.
        Fault: ``crypto.no-post-quantum``.
    """
    probe()
    if out.exists():
        raise CallerError("sealed.identity-exists", out=out)
    for new in (out, *([recipient_out] if recipient_out is not None else [])):
        check_out(new, force=False)
    identity, secret = new_identity(), passphrase()
    content = write_identity(identity, secret)
    write_out(out, content, force=False)
    if recipient_out is not None:
        write_out(recipient_out, f"{identity.recipient.text}\n".encode(), force=False)
    return {
        "identity": str(out),
        "sealed": secret is not None,
        "recipient": identity.recipient.text,
        "fingerprint": identity.fingerprint,
    }


def seal_file(wish: Sealing, progress: Progress = quiet) -> dict[str, Json]:
    """Seal a file; memory does not grow with it.

    Args:
        wish: What, for whom and where to.
        progress: Told how far it is.

    Returns:
        ``out``, ``bytes``, ``label`` and ``recipients`` (``kind``, ``fingerprint``, ``post_quantum`` each).

    Raises:
        CallerError: A recipient is none, the file cannot be read, or ``out`` cannot be written.
        Fault: ``crypto.no-post-quantum``.
    """
    probe()
    recipients = _recipients(wish)
    check_out(wish.out, force=wish.force)
    with _reading(wish.path, progress, "sealing") as source, writing_out(wish.out, force=wish.force) as sink:
        seal_stream(cast("BinaryIO", source), sink, recipients, label=wish.label)
    told: list[Json] = [
        {"kind": each.kind, "fingerprint": each.fingerprint, "post_quantum": each.is_post_quantum}
        for each in recipients
    ]
    return {"out": str(wish.out), "bytes": source.seen, "label": wish.label, "recipients": told}


def open_file(wish: Opening, progress: Progress = quiet) -> dict[str, Json]:
    """Open a sealed file; what is not authentic to its end is never given its name.

    Args:
        wish: What, with what and where to.
        progress: Told how far it is.

    Returns:
        ``out``, ``bytes`` and ``label``.

    Raises:
        CallerError: It is no sealed file, not for this identity, not for this use, or a passphrase is wrong.
        Fault: It was changed or cut, or ``crypto.no-post-quantum``.
    """
    probe()
    check_out(wish.out, force=wish.force)
    with _reading(wish.path, quiet, "") as source:
        read_head(cast("BinaryIO", source))  # no passphrase is asked for what is no sealed file
    opener = _opener(wish)
    with _reading(wish.path, progress, "opening") as source, writing_out(wish.out, force=wish.force) as sink:
        open_stream(cast("BinaryIO", source), sink, opener, label=wish.label)
        size = sink.tell()
    return {"out": str(wish.out), "bytes": size, "label": wish.label}


def describe_file(named: str) -> dict[str, Json]:
    """Tell what a sealed file, an identity or a recipient is, opening nothing.

    Args:
        named: A path, or a recipient's text.

    Returns:
        ``kind`` (``sealed file``, ``identity`` or ``recipient``) and what belongs to it.

    Raises:
        CallerError: It is none of these, or cannot be read.
    """
    if named.strip().startswith(PREFIX):
        return _described(read_recipient(named))
    path = Path(named)
    with _reading(path, quiet, "") as source:
        if source.read(len(MAGIC)) == MAGIC:
            source.rewind()
            head = read_head(cast("BinaryIO", source))[0]
            told = [
                {"kind": str(e["kind"]), "fingerprint": cast("Json", e.get("to"))} for e in head.recipients
            ]
            return {"kind": "sealed file", "label": head.label, "recipients": cast("Json", told)}
    raw, _ = _key_file(path, "sealed.nothing-known")
    try:
        sealed = is_sealed_identity(raw)
    except HedgerowError:
        if not raw.lstrip().startswith((_PEM, PREFIX.encode())):
            raise CallerError("sealed.nothing-known", path=path) from None
        return _described(_recipient_of(raw))
    return {**_described(_recipient_in(raw)), "kind": "identity", "sealed": sealed}


def read_opener(path: Path, ask: Ask) -> Identity | RsaIdentity:
    """Read an identity from its file.

    Args:
        path: An identity file, or a private RSA key in PEM.
        ask: Gives the passphrase; asked only when one is needed.

    Raises:
        CallerError: It is none or a public key, or the passphrase is missing or wrong.
        Refused: ``sealed.identity-exposed``.
    """
    raw, mode = _key_file(path, "sealed.identity-malformed")
    if _is_public(raw):
        raise CallerError("sealed.identity-public", path=path)
    is_rsa = raw.lstrip().startswith(_PEM)
    sealed = b"ENCRYPTED" in raw if is_rsa else is_sealed_identity(raw)
    if not sealed and mode & _OTHERS:
        raise Refused("sealed.identity-exposed", path=path)
    passphrase = ask() if sealed else None
    return RsaIdentity(raw, passphrase) if is_rsa else read_identity(raw, passphrase)


def read_recipients(named: Sequence[str]) -> list[Recipient | RsaRecipient]:
    """Read recipients from their texts or the files that hold them.

    Args:
        named: Texts, or paths of files with a text or an RSA public key in PEM.

    Raises:
        CallerError: ``sealed.recipient-malformed``, ``sealed.rsa-unfit`` or ``file.missing``.
    """
    return [_named_recipient(each) for each in named]


def _recipients(wish: Sealing) -> list[Recipient | RsaRecipient | Passphrase]:
    found: list[Recipient | RsaRecipient | Passphrase] = [*read_recipients(wish.recipients)]
    if wish.passphrase is not None:
        if found:
            raise CallerError("sealed.passphrase-alone")
        found.append(_shared(wish.passphrase))
    return found


def _shared(ask: Ask) -> Passphrase:
    given = ask()
    if given is None:
        raise CallerError("sealed.passphrase-needed")
    return Passphrase(given)


def _opener(wish: Opening) -> Opener:
    return _shared(wish.passphrase) if wish.identity is None else read_opener(wish.identity, wish.passphrase)


def recipient_text(named: str) -> str:
    """Give a recipient's text, out of its file where one is named.

    Args:
        named: The text, or the path of a file that holds it.

    Raises:
        CallerError: ``file.missing``, ``sealed.recipient-secret`` or ``sealed.recipient-malformed``.
    """
    if named.strip().startswith(PREFIX):
        return named
    try:
        return _recipient_file(named).decode("ascii")
    except UnicodeDecodeError:
        raise CallerError("sealed.recipient-malformed") from None


def _named_recipient(named: str) -> Recipient | RsaRecipient:
    if named.strip().startswith(PREFIX):
        return read_recipient(named)
    return _recipient_of(_recipient_file(named))


def _recipient_file(named: str) -> bytes:
    path = Path(named)
    raw = _key_file(path, "sealed.recipient-malformed")[0]
    if _is_identity(raw):
        raise CallerError("sealed.recipient-secret", path=path)
    return raw


def _is_public(raw: bytes) -> bool:
    text = raw.lstrip()
    return text.startswith(PREFIX.encode()) or (
        text.startswith(_PEM) and b"PUBLIC KEY" in text and _PRIVATE not in text
    )


def _is_identity(raw: bytes) -> bool:
    try:
        is_sealed_identity(raw)
    except HedgerowError:
        return False
    return True


def _recipient_of(raw: bytes) -> Recipient | RsaRecipient:
    if raw.lstrip().startswith(_PEM):
        return RsaRecipient(raw)
    try:
        return read_recipient(raw.decode("ascii"))
    except UnicodeDecodeError:
        raise CallerError("sealed.recipient-malformed") from None


def _recipient_in(raw: bytes) -> Recipient:
    import json

    return read_recipient(str(json.loads(raw)["recipient"]))


def _described(recipient: Receiver) -> dict[str, Json]:
    told: dict[str, Json] = {
        "kind": "recipient",
        "algorithm": recipient.kind,
        "fingerprint": recipient.fingerprint,
        "post_quantum": isinstance(recipient, Recipient),
    }
    if isinstance(recipient, Recipient):
        told["recipient"] = recipient.text
    return told


def _key_file(path: Path, code: str) -> tuple[bytes, int]:
    try:
        raw, mode = durable.read_plain(path, _KEY_LIMIT_BYTES)
    except durable.NotAPlainFileError:
        raise CallerError(code, path=path) from None
    except (OSError, ValueError):
        raise CallerError("file.missing", path=path) from None
    return raw, stat.S_IMODE(mode)


class _Counted:
    """A file that is read while someone is told how far; what cannot be read is the caller's to mend."""

    def __init__(self, path: Path, progress: Progress, verb: str) -> None:
        self.seen = 0
        self._path, self._progress, self._verb = path, progress, verb
        try:
            self._file = path.open("rb")
            self._total = path.stat().st_size
        except (OSError, ValueError):
            raise CallerError("file.missing", path=path) from None

    def read(self, size: int) -> bytes:
        """Read some bytes."""
        try:
            piece = self._file.read(size)
        except OSError:
            raise CallerError("file.missing", path=self._path) from None
        before, self.seen = self.seen, self.seen + len(piece)
        if before // _TOLD_EVERY_BYTES < self.seen // _TOLD_EVERY_BYTES:
            self._progress(f"{self._verb}: {self.seen // _MEGABYTE:,} of {self._total // _MEGABYTE:,} MB")
        return piece

    def rewind(self) -> None:
        """Begin again."""
        self._file.seek(0)

    def __enter__(self) -> Self:
        """Read it in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._file.close()


def _reading(path: Path, progress: Progress, verb: str) -> _Counted:
    return _Counted(path, progress, verb)
