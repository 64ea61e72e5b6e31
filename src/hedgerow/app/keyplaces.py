"""Where a workspace keeps its master keys: a key file, a token, or both while they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from hedgerow.adapters.keys import durable, token
from hedgerow.adapters.keys import file as key_file
from hedgerow.adapters.keys.moving import House, MovableKeys
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Store
from hedgerow.spine.epochs import Move, begun_move
from hedgerow.spine.keyring import in_force

KEYS, TOKEN = "keys.json", "token.json"
NEW_SECRET_VARIABLE = "HEDGEROW_NEW_PASSPHRASE"  # noqa: S105 - its name, not its value

Kind = Literal["file", "pkcs11"]
Ask = Callable[[bool], str | None]


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the passphrase or PIN comes from; each function is told whether one is needed.

    Args:
        current: Gives that of the place where the keys are, or are leaving.
        other: While keys move, gives that of the place they move to.
    """

    current: Ask
    other: Ask


@dataclass(frozen=True, slots=True)
class Place:
    """Where keys shall be kept.

    Args:
        kind: In a file or in a token.
        token: The token's label.
        secret: Gives the passphrase of a new file, or none for an unsealed one, or the token's PIN.
    """

    kind: Kind
    token: str | None = None
    secret: Callable[[], str | None] = field(default=lambda: None, repr=False)


def make(place: Place, directory: Path, tenant: str) -> House:
    """Make keys in a place.

    Args:
        place: Where.
        directory: The workspace's directory.
        tenant: The workspace.

    Raises:
        CallerError: ``keys.token-unnamed``, and what the backend says.
        Fault: As the backend; nothing is left behind.
    """
    if place.kind == "file":
        return key_file.create(directory / KEYS, place.secret())
    if place.token is None:
        raise CallerError("keys.token-unnamed")
    return token.create(directory / TOKEN, tenant, place.token, place.secret())


def make_beside(place: Place, directory: Path, tenant: str) -> House:
    """Make keys in another place than where they are; what a killed move left there is made good.

    Raises:
        CallerError: As ``make``, or ``keys.move-begun`` when that was another token.
        Fault: As ``make``.
    """
    if place.kind == "file" and (directory / KEYS).exists():
        # Nothing rests on it, and who put it there is not known: nothing shall rest on its old keys.
        made = key_file.open_(directory / KEYS, place.secret())
        made.new_epoch()
        return made
    if place.kind == "pkcs11" and (directory / TOKEN).exists():
        begun = token.glance(directory / TOKEN)
        if begun.label != place.token:
            raise CallerError("keys.move-begun", token=begun.label)
        token.discard(directory / TOKEN, place.secret())
    return make(place, directory, tenant)


def open_keys(directory: Path, store: Store, secrets: Secrets) -> tuple[MovableKeys, tuple[str, ...]]:
    """Open the keys of a workspace wherever they are; its records say which place is in force.

    Args:
        directory: The workspace's directory.
        store: Its records.
        secrets: Where passphrases and PINs come from.

    Returns:
        The key backend, and what a person should be told of files that are not in use.

    Raises:
        CallerError: As the backends.
        Fault: As the backends.
    """
    with store.read() as reader:
        force, begun = in_force(reader), begun_move(reader)
    has_file, has_token = (directory / KEYS).exists(), (directory / TOKEN).exists()
    if not (has_file and has_token):
        return MovableKeys(_only(directory, secrets, begun, is_token=has_token)), ()
    own = {state.id for state in token.glance(directory / TOKEN).epochs if state.assuming is None}
    is_in_token = force in own
    if begun is not None and any((epoch in own) != is_in_token for epoch in begun.leaving):
        held = _newly_held(directory, secrets.other, is_token=is_in_token)
        left = _opened(directory, secrets.current, is_token=not is_in_token, is_leaving=True)
        return MovableKeys(held, left), ()
    unused = KEYS if is_in_token else TOKEN
    return MovableKeys(_opened(directory, secrets.current, is_token=is_in_token)), (_stray(unused),)


def check_unmoved(directory: Path, store: Store, kind: Kind) -> None:
    """Refuse a place for the keys that they are in already; it takes no passphrase and no PIN to tell.

    Args:
        directory: The workspace's directory.
        store: Its records.
        kind: Where the keys shall be kept.

    Raises:
        CallerError: ``keys.move-same``; a move that was cut off goes on and is not refused.
    """
    here, there = (TOKEN, KEYS) if kind == "pkcs11" else (KEYS, TOKEN)
    if not (directory / here).exists() or (directory / there).exists():
        return
    with store.read() as reader:
        if begun_move(reader) is None:
            raise CallerError("keys.move-same")


def _only(directory: Path, secrets: Secrets, begun: Move | None, *, is_token: bool) -> House:
    if begun is None or not begun.is_ending:
        return _opened(directory, secrets.current, is_token=is_token)
    if is_token:
        try:
            durable.remove_file(directory / KEYS)  # a move may have been killed while it wiped
        except OSError:
            raise Fault("keys.file-unwritten", path=directory / KEYS) from None

    def ask(sealed: bool) -> str | None:  # noqa: FBT001 - the shape all such functions have
        return secrets.other(False) or secrets.current(sealed)  # noqa: FBT003 - as above

    return _opened(directory, ask, is_token=is_token)


def _opened(directory: Path, ask: Ask, *, is_token: bool, is_leaving: bool = False) -> House:
    if is_token:
        return token.open_(directory / TOKEN, ask(True), is_leaving=is_leaving)  # noqa: FBT003 - as above
    return key_file.open_(directory / KEYS, ask(key_file.needs_passphrase(directory / KEYS)))


def _newly_held(directory: Path, ask: Ask, *, is_token: bool) -> House:
    """Open the place that the keys are on their way to; its secret comes another way than the old one's."""
    try:
        return _opened(directory, ask, is_token=is_token)
    except CallerError as error:
        if error.code != "keys.pin-needed":
            raise
        raise CallerError("keys.new-pin-needed", **error.details) from None


def _stray(name: str) -> str:
    if name == KEYS:
        return "keys.json lies here and is not in use: the keys are in the token. Destroy it if it is old."
    return (
        "token.json lies here and is not in use: a move of the keys to a token was cut off before it began. "
        "`hedgerow keys move --to pkcs11` begins it anew."
    )


def movable(backend: object) -> MovableKeys:
    """Take a workspace's key backend as one whose keys can move; every opened workspace has one."""
    return cast("MovableKeys", backend)


def secret_name(directory: Path, *, is_other: bool = False) -> str:
    """Tell what a person is asked for: a passphrase, or the PIN of a token.

    Args:
        directory: The workspace's directory.
        is_other: While keys move: that of the place they move to.
    """
    has_file, has_token = (directory / KEYS).exists(), (directory / TOKEN).exists()
    is_token = has_token and (not has_file or is_other)
    return "PIN of the token" if is_token else "New passphrase" if is_other else "Passphrase"
