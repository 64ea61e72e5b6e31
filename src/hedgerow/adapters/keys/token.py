"""Master keys inside a hardware security module: they are made there, used there and never leave it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hedgerow.adapters.keys import durable, tokenfile
from hedgerow.adapters.keys.login import KeyGoneError, Login, TokenAead, log_in
from hedgerow.adapters.keys.ring import Clock, Epoch, Ring, RingKeys, stamp, utc_now
from hedgerow.adapters.keys.tokenfile import TokenRecord
from hedgerow.kernel.envelope import EpochCipher
from hedgerow.kernel.envelope.wrapping import ALGORITHM
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, Bound, EpochState

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class TokenKeys(RingKeys):
    """A key backend whose epochs are keys in a PKCS#11 token; made by ``create`` and ``open_``.

    The token says which keys are held, the file beside the workspace what is known of them: an
    epoch is destroyed when the file says so and the token has its key no more.

    Args:
        path: The token file.
        login: Where the keys are.
        record: What the token file says.
        clock: Tells the time at which epochs are made and destroyed.
        is_leaving: Whether the keys are moving out, so that even the current one may be gone already.
    """

    name = "pkcs11"
    sealed = True
    assuming = "the token deletes what it destroys, and there is no copy of the token's own storage"

    def __init__(
        self, path: Path, login: Login, record: TokenRecord, clock: Clock, *, is_leaving: bool = False
    ) -> None:
        self._path = path
        self._is_leaving = is_leaving
        self._login = login
        self._record = record
        self._held: dict[str, Any] = {}
        super().__init__(self._seen(record), clock)

    def _adopt(self, ring: Ring) -> None:
        self._ring = ring
        self._ciphers = {
            epoch: EpochCipher(epoch, TokenAead(self._login, key)) for epoch, key in self._held.items()
        }

    def _load(self) -> Ring:
        return self._seen(_read(self._path))

    def _seen(self, record: TokenRecord) -> Ring:
        """Join what the file says with what the token holds; of what is held the token knows best."""
        if (record.tenant, record.serial) != (self._record.tenant, self._record.serial):
            raise Fault("keys.file-changed", path=self._path)
        held = self._login.keys(record.key_label)
        states = [replace(s, destroyed=None, assuming=None) if s.id in held else s for s in record.epochs]
        named = {state.id for state in states}
        made = [] if record.making is None or record.making.id not in held else [record.making]
        named |= {state.id for state in made}
        # Not named: made by a process that was killed, or since the file was copied.
        found = [EpochState(e, stamp(utc_now()), ALGORITHM) for e in sorted(held.keys() - named)]
        ring = Ring(tuple(Epoch(s, None) for s in (*states[:-1], *made, *found, *states[-1:])))
        if not self._is_leaving and (not states or states[-1].id not in held):
            raise Fault("keys.token-key-gone", token=self._login.label)
        self._record, self._held = record, held
        return ring

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should be told about how the keys are kept; empty when all is well."""
        told = []
        back = [s.id for s in self._record.epochs if s.destroyed is not None and s.id in self._held]
        if back:
            told.append(
                "The token holds a master key again that was destroyed; `hedgerow keys epoch` ends it anew."
            )
        named = {s.id for s in self._record.epochs}
        making = set() if self._record.making is None else {self._record.making.id}
        if self._held.keys() - named - making:
            told.append(
                "The token holds a master key of this workspace that token.json does not name: the file "
                "may be an older copy. `hedgerow keys epoch` ends what is not in use."
            )
        return tuple(told)

    def describe(self) -> dict[str, object]:
        """Say what protects the keys, in plain values without any secret."""
        return {
            "backend": self.name,
            "path": str(self._path),
            "sealed": True,
            "epochs": len(self.epochs()),
            "token": self._login.label,
            "manufacturer": self._login.manufacturer,
            "model": self._login.model,
            "keys_can_leave": False,
            "warnings": list(self.warnings),
        }

    def wrap(self, key: bytes, binding: Bound) -> bytes:
        """Seal a key or secret under the current epoch, inside the token; see ``RingKeys.wrap``.

        Raises:
            ValueError: The key is empty or too long.
            Fault: ``keys.token-lost``, or ``keys.token-key-gone``.
        """
        return self._again(lambda: super(TokenKeys, self).wrap(key, binding))

    def unwrap(self, blob: bytes, binding: Bound) -> bytes:
        """Open a wrapped key inside the token; see ``RingKeys.unwrap``.

        Raises:
            Fault: ``envelope.unreadable``, ``keys.epoch-unknown``, ``keys.epoch-destroyed``,
                ``keys.token-key-gone`` or ``keys.token-lost``.
        """
        return self._again(lambda: super(TokenKeys, self).unwrap(blob, binding))

    def wrap_many(self, keys: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Seal many keys under the current epoch; see ``RingKeys.wrap_many``."""
        return self._again(lambda: super(TokenKeys, self).wrap_many(keys, bindings))

    def unwrap_many(self, blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Open many wrapped keys; see ``RingKeys.unwrap_many``."""
        return self._again(lambda: super(TokenKeys, self).unwrap_many(blobs, bindings))

    def _again(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except KeyGoneError:
            self.refresh()  # another process destroyed it, and made a new one current before
        try:
            return act()
        except KeyGoneError:
            raise Fault("keys.token-key-gone", token=self._login.label) from None

    def _absent(self, epoch: str) -> Fault:
        state = next((s for s in self.epochs() if s.id == epoch), None)
        if state is not None and state.destroyed is None:
            return Fault("keys.token-key-gone", token=self._login.label)
        return super()._absent(epoch)

    def new_epoch(self) -> str:
        """Make an epoch's key inside the token and make it the current one.

        The intention is written down before the key is made, so that none is ever forgotten.

        Returns:
            Its name, 32 hexadecimal digits.

        Raises:
            CallerError: ``keys.token-unfit``.
            Fault: ``keys.token-full``, ``keys.token-lost`` or ``keys.file-unwritten``; the old epoch
                stays current.
        """
        with self._changing():
            self.refresh()
            epochs, making = self.epochs(), _fresh(self._clock)
            self._write(replace(self._record, epochs=epochs, making=making))
            self._held[making.id] = self._login.generate(making.id, self._record.key_label)
            self._write(replace(self._record, epochs=(*epochs, making), making=None))
        self.refresh()
        return self.current_epoch()

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy an epoch's key inside the token for good.

        One that the token holds no more is written down as destroyed: a process was killed between.

        Args:
            epoch: 32 hexadecimal digits; not the current one.

        Raises:
            CallerError: ``keys.epoch-current``, or ``keys.epoch-absent`` when no such key is held.
            Fault: ``keys.token-lost`` or ``keys.file-unwritten``; the same call can be repeated.

        Guarantee: what was wrapped under it opens with no key the token still holds; copies of the
            token's own storage are out of its reach.
        """
        with self._changing():
            self.refresh()
            if epoch == self.current_epoch():
                raise CallerError("keys.epoch-current")
            if not any(s.id == epoch and s.destroyed is None for s in self.epochs()):
                raise CallerError("keys.epoch-absent")
            if epoch in self._held:
                self._login.destroy(self._held.pop(epoch))
            gone = stamp(self._clock())
            epochs = tuple(replace(s, destroyed=gone) if s.id == epoch else s for s in self.epochs())
            self._write(replace(self._record, epochs=epochs, making=None))
        self.refresh()

    def inherit(self, states: Sequence[EpochState]) -> None:
        """Take over the memory of destroyed epochs from a backend that goes; those it has are left."""
        with self._changing():
            self.refresh()
            fresh = tuple(state for state in states if not self._is_known(state.id))
            self._write(replace(self._record, epochs=(*fresh, *self.epochs()), making=None))
        self.refresh()

    def retire(self) -> None:
        """Destroy every key of the workspace in the token and take the token file away.

        Raises:
            Fault: ``keys.token-lost`` or ``keys.file-unwritten``; the same call can be repeated.
        """
        for key in self._login.keys(self._record.key_label).values():
            self._login.destroy(key)
        with self._changing():
            durable.remove_file(self._path)

    def _write(self, record: TokenRecord) -> None:
        durable.replace_file(self._path, record.rendered(), wipe_old=False)
        self._record = record

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock of the folder, so that the file is changed by one process at a time."""
        try:
            with durable.exclusive(self._path.resolve().parent):
                yield
        except OSError:
            raise Fault("keys.file-unwritten", path=self._path) from None


def create(
    path: Path | str, tenant: str, label: str, pin: str | None, *, clock: Clock = utc_now
) -> TokenKeys:
    """Make the first key of a workspace inside a token, and the file that tells of it.

    Args:
        path: Where the token file shall stand; nothing may stand there yet.
        tenant: The workspace.
        label: The token's label.
        pin: The PIN of its user.
        clock: Tells the time at which epochs are made and destroyed.

    Returns:
        The opened key backend.

    Raises:
        CallerError: As ``log_in``, or ``keys.file-exists``.
        Fault: As ``log_in``, ``keys.token-full`` or ``keys.file-unwritten``; nothing is left behind.
    """
    where, login, making = Path(path), log_in(label, None, pin), _fresh(clock)
    record = TokenRecord(tenant, label, login.serial, (), making)
    try:
        durable.write_new(where, record.rendered())
    except FileExistsError:
        raise CallerError("keys.file-exists", path=where) from None
    except OSError:
        raise Fault("keys.file-unwritten", path=where) from None
    try:
        login.generate(making.id, record.key_label)
        done = replace(record, epochs=(making,), making=None)
        durable.replace_file(where, done.rendered(), wipe_old=False)
        return TokenKeys(where, login, done, clock)
    except BaseException as error:
        with suppress(Exception):
            _discard(where, record, login)
        if isinstance(error, OSError):
            raise Fault("keys.file-unwritten", path=where) from None
        raise


def open_(
    path: Path | str, pin: str | None, *, clock: Clock = utc_now, is_leaving: bool = False
) -> TokenKeys:
    """Open the keys that a token file tells of.

    Args:
        path: Where the token file stands.
        pin: The PIN of the token's user.
        clock: Tells the time at which epochs are made and destroyed.
        is_leaving: Whether the keys are moving out, so that even the current one may be gone already.

    Returns:
        The opened key backend.

    Raises:
        CallerError: ``keys.file-missing``, ``keys.file-newer``, or as ``log_in``.
        Fault: ``keys.file-corrupt``, ``keys.file-unreadable``, ``keys.token-key-gone``, or as ``log_in``.
    """
    where = Path(path)
    record = _read(where)
    login = log_in(record.label, record.serial, pin)
    return TokenKeys(where, login, record, clock, is_leaving=is_leaving)


def glance(path: Path | str) -> TokenRecord:
    """Read a token file without the token.

    Raises:
        CallerError: ``keys.file-missing`` or ``keys.file-newer``.
        Fault: ``keys.file-corrupt`` or ``keys.file-unreadable``.
    """
    return _read(Path(path))


def discard(path: Path | str, pin: str | None) -> None:
    """Destroy the keys that an unused token file names, and take the file away.

    Args:
        path: Where the token file stands; nothing may rest on its keys.
        pin: The PIN of the token's user.

    Raises:
        CallerError: As ``open_``.
        Fault: As ``open_``, or ``keys.file-unwritten``.
    """
    where = Path(path)
    record = _read(where)
    _discard(where, record, log_in(record.label, record.serial, pin))


def _discard(path: Path, record: TokenRecord, login: Login) -> None:
    making = () if record.making is None else (record.making,)
    held = login.keys(record.key_label)
    for epoch in {state.id for state in (*record.epochs, *making)} & held.keys():
        login.destroy(held[epoch])
    try:
        durable.remove_file(path)
    except OSError:
        raise Fault("keys.file-unwritten", path=path) from None


def _fresh(clock: Clock) -> EpochState:
    return EpochState(os.urandom(16).hex(), stamp(clock()), ALGORITHM)


def _read(path: Path) -> TokenRecord:
    try:
        content, _ = durable.read_plain(path, tokenfile.FILE_LIMIT_BYTES)
    except FileNotFoundError:
        raise CallerError("keys.file-missing", path=path) from None
    except OSError:
        raise Fault("keys.file-unreadable", path=path) from None
    return tokenfile.parse(content, str(path))
