"""Master keys in a file, sealed by a passphrase or open to whoever can read it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from hmac import compare_digest
from pathlib import Path

from hedgerow.adapters.keys import durable, keyfile
from hedgerow.adapters.keys.keyfile import ParsedFile, Seal
from hedgerow.adapters.keys.ring import Clock, Epoch, Ring, RingKeys, utc_now
from hedgerow.kernel.envelope.passphrase import RFC9106_SECOND, Argon2Profile, key_from_passphrase
from hedgerow.model.errors import CallerError, Fault, Refused

_OTHERS = 0o077
ESCROW_ASSUMING = "no copy of the key file, and no escrow of it"


class FileKeys(RingKeys):
    """A key backend whose epochs live in one file; made by ``create`` and ``open_``.

    Args:
        path: The key file.
        ring: The epochs it holds.
        seal: What seals it, or none.
        content: The bytes it was read from or written as, to notice another writer.
        clock: Tells the time at which epochs are made and destroyed.
    """

    name = "file"

    def __init__(self, path: Path, ring: Ring, seal: Seal | None, content: bytes, clock: Clock) -> None:
        super().__init__(ring, clock)
        self._path = path
        self._seal = seal
        self._digest = hashlib.sha256(content).digest()

    @property
    def sealed(self) -> bool:
        """Whether the file needs a passphrase to open."""
        return self._seal is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should be told about how the keys are kept; empty when all is well."""
        _, mode = _read(self._path)
        told = []
        if not self.sealed:
            told.append("The key file has no passphrase: whoever copies it can open this workspace.")
        if mode & _OTHERS:
            told.append(f"Other accounts can reach the key file; run `chmod 600 {self._path}`.")
        return tuple(told)

    def describe(self) -> dict[str, object]:
        """Say what protects the keys, in plain values without any secret."""
        shown: dict[str, object] = {
            "backend": self.name,
            "path": str(self._path),
            "sealed": self.sealed,
            "epochs": len(self.epochs()),
            "warnings": list(self.warnings),
        }
        if self._seal is not None:
            profile = self._seal.profile
            shown["passphrase_check"] = {
                "algorithm": "argon2id",
                "memory_kib": profile.memory_kib,
                "iterations": profile.iterations,
                "lanes": profile.lanes,
            }
        return shown

    assuming = "no copy of the key file"

    def seal_anew(self, passphrase: str, profile: Argon2Profile = RFC9106_SECOND) -> None:
        """Seal the file under another passphrase; the epochs and all they wrapped stay as they are.

        Args:
            passphrase: The passphrase it shall have.
            profile: The cost of a check of it.

        Raises:
            CallerError: ``keys.passphrase-same``, or what is wrong with the passphrase.
            Fault: ``keys.file-changed`` or ``keys.file-unwritten``; the old file stands.

        Guarantee: a crash leaves the old file or the new one. None for copies made earlier: whoever has
            one and its passphrase still opens it.
        """
        old = self._seal
        if old is not None and compare_digest(
            key_from_passphrase(passphrase, old.salt, old.profile).reveal(), old.key.reveal()
        ):
            raise CallerError("keys.passphrase-same")
        seal = Seal.from_passphrase(passphrase, profile)
        ring = self._load()
        content = keyfile.render(ring, seal)
        _replace(self._path, self._digest, content, wipe_old=True)
        self._ring, self._seal, self._digest = ring, seal, hashlib.sha256(content).digest()

    def export(self) -> bytes:
        """Give the key file unsealed, for whoever seals it to a recipient at once.

        Raises:
            Fault: ``keys.file-changed``, or as ``open_``.
        """
        return keyfile.render(self._load(), None)

    def retire(self) -> None:
        """Wipe the key file and take it away: its keys have no use left.

        Raises:
            Fault: ``keys.file-unwritten``.
        """
        try:
            with durable.exclusive(self._path.resolve().parent):
                durable.remove_file(self._path)
        except OSError:
            raise Fault("keys.file-unwritten", path=self._path) from None

    def _load(self) -> Ring:
        parsed, content = _parsed(self._path)
        ring = keyfile.reopen(parsed, self._seal, str(self._path))
        self._digest = hashlib.sha256(content).digest()
        return ring

    def _store(self, ring: Ring) -> None:
        forgets = sum(e.key is None for e in ring.epochs) > sum(e.key is None for e in self._ring.epochs)
        content = keyfile.render(ring, self._seal)
        _replace(self._path, self._digest, content, wipe_old=forgets)
        self._digest = hashlib.sha256(content).digest()


def create(
    path: Path | str,
    passphrase: str | None,
    *,
    profile: Argon2Profile = RFC9106_SECOND,
    clock: Clock = utc_now,
) -> FileKeys:
    """Make a key file with one fresh epoch.

    Args:
        path: Where it shall stand; nothing may stand there yet.
        passphrase: What seals it, or none for a file that anyone who reads it can use.
        profile: The cost of a passphrase check.
        clock: Tells the time at which epochs are made and destroyed.

    Returns:
        The opened key backend.

    Raises:
        CallerError: ``keys.file-exists``, ``keys.passphrase-empty`` or another fault of the passphrase.
        Fault: ``keys.file-unwritten``; nothing is left behind.
    """
    where = Path(path)
    seal = None if passphrase is None else Seal.from_passphrase(passphrase, profile)
    ring = Ring.first(clock())
    content = keyfile.render(ring, seal)
    try:
        durable.write_new(where, content)
    except FileExistsError:
        raise CallerError("keys.file-exists", path=where) from None
    except OSError:
        raise Fault("keys.file-unwritten", path=where) from None
    return FileKeys(where, ring, seal, content, clock)


def open_(path: Path | str, passphrase: str | None, *, clock: Clock = utc_now) -> FileKeys:
    """Open a key file.

    Args:
        path: Where it stands.
        passphrase: What seals it, or none when it is not sealed.
        clock: Tells the time at which epochs are made and destroyed.

    Returns:
        The opened key backend.

    Raises:
        CallerError: ``keys.file-missing``, ``keys.file-newer``, ``keys.passphrase-needed``,
            ``keys.passphrase-unused`` or ``keys.wrong-passphrase``.
        Refused: ``keys.file-exposed`` for a file without a passphrase that others can reach.
        Fault: ``keys.file-corrupt``, ``keys.file-costly`` or ``keys.file-unreadable``.
    """
    where = Path(path)
    parsed, content = _parsed(where)
    ring, seal = keyfile.unlock(parsed, passphrase, str(where))
    return FileKeys(where, ring, seal, content, clock)


def needs_passphrase(path: Path | str) -> bool:
    """Tell whether a key file is sealed, without opening it.

    Args:
        path: Where it stands.

    Returns:
        Whether ``open_`` wants a passphrase.

    Raises:
        CallerError: ``keys.file-missing`` or ``keys.file-newer``.
        Refused: ``keys.file-exposed``.
        Fault: ``keys.file-corrupt``, ``keys.file-costly`` or ``keys.file-unreadable``.
    """
    return _parsed(Path(path))[0].is_sealed


def change_passphrase(
    path: Path | str,
    old: str | None,
    new: str | None,
    *,
    profile: Argon2Profile = RFC9106_SECOND,
) -> None:
    """Seal a key file under another passphrase; the epochs and all they wrapped stay as they are.

    Args:
        path: Where it stands.
        old: The passphrase it has, or none.
        new: The passphrase it shall have, or none to leave it unsealed.
        profile: The cost of a check of the new passphrase.

    Raises:
        CallerError: As ``open_``, and for a new passphrase that is empty or too long.
        Refused: ``keys.file-exposed``.
        Fault: As ``open_``, ``keys.file-changed`` or ``keys.file-unwritten``; the old file stands.

    Guarantee: none for copies made earlier: whoever has one and the old passphrase still opens it.
    """
    where = Path(path)
    parsed, content = _parsed(where)
    ring, _ = keyfile.unlock(parsed, old, str(where))
    seal = None if new is None else Seal.from_passphrase(new, profile)
    _replace(where, hashlib.sha256(content).digest(), keyfile.render(ring, seal), wipe_old=True)


def _read(path: Path) -> tuple[bytes, int]:
    try:
        return durable.read_plain(path, keyfile.FILE_LIMIT_BYTES)
    except FileNotFoundError:
        raise CallerError("keys.file-missing", path=path) from None
    except OSError:
        raise Fault("keys.file-unreadable", path=path) from None


def _parsed(path: Path) -> tuple[ParsedFile, bytes]:
    content, mode = _read(path)
    parsed = keyfile.parse(content, str(path))
    if mode & _OTHERS and not parsed.is_sealed:
        raise Refused("keys.file-exposed", path=path)
    return parsed, content


def _replace(path: Path, digest: bytes, content: bytes, *, wipe_old: bool) -> None:
    try:
        with durable.exclusive(path.resolve().parent):
            if hashlib.sha256(_read(path)[0]).digest() != digest:
                raise Fault("keys.file-changed", path=path)
            durable.replace_file(path, content, wipe_old=wipe_old)
    except OSError:
        raise Fault("keys.file-unwritten", path=path) from None


def restore(
    path: Path | str,
    exported: bytes,
    in_force: str | None,
    destroyed: Mapping[str, str],
    passphrase: str | None,
) -> None:
    """Make a key file anew from what ``FileKeys.export`` gave, without the keys destroyed since.

    Args:
        path: Where it shall stand; nothing may stand there yet.
        exported: The key file, unsealed.
        in_force: The epoch that the workspace rests on.
        destroyed: Epochs destroyed since, with the time; their keys are not brought back.
        passphrase: What seals the new file, or none.

    Raises:
        CallerError: ``keys.escrow-other`` when it does not hold the key in force, ``keys.file-exists``,
            or what is wrong with the passphrase.
        Fault: ``keys.file-corrupt`` or ``keys.file-unwritten``.
    """
    where = Path(path)
    ring, _ = keyfile.unlock(keyfile.parse(exported, str(where)), None, str(where))
    kept = Ring(tuple(_as_now(epoch, destroyed.get(epoch.state.id)) for epoch in ring.epochs))
    if in_force not in {epoch.state.id for epoch in kept.epochs if epoch.key is not None}:
        raise CallerError("keys.escrow-other")
    seal = None if passphrase is None else Seal.from_passphrase(passphrase, RFC9106_SECOND)
    try:
        durable.write_new(where, keyfile.render(kept, seal))
    except FileExistsError:
        raise CallerError("keys.file-exists", path=where) from None
    except OSError:
        raise Fault("keys.file-unwritten", path=where) from None


def _as_now(epoch: Epoch, destroyed: str | None) -> Epoch:
    if destroyed is None or epoch.key is None:
        return epoch
    return Epoch(replace(epoch.state, destroyed=destroyed, assuming=ESCROW_ASSUMING), None)
