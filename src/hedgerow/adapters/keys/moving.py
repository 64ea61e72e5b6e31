"""Keys that can move house: one backend holds them, and while they move, another still opens the old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NoReturn, Protocol, runtime_checkable

from hedgerow.adapters.keys.ring import stamp, utc_now
from hedgerow.kernel.envelope import epoch_of
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, Bound, EpochState, KeyBackend


@runtime_checkable
class House(KeyBackend, Protocol):
    """A key backend that keys can be moved out of and into."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should be told about how the keys are kept."""

    def inherit(self, states: Sequence[EpochState]) -> None:
        """Take over the memory of destroyed epochs from a backend that goes."""

    def retire(self) -> None:
        """Destroy every key and take away what told of them; repeating it ends what was cut off."""


@runtime_checkable
class Sealable(Protocol):
    """A key backend that rests on a passphrase of Hedgerow's own."""

    def seal_anew(self, passphrase: str) -> None:
        """Seal the keys under another passphrase."""


@runtime_checkable
class Exportable(Protocol):
    """A key backend whose keys can be given out, to be sealed at once."""

    def export(self) -> bytes:
        """Give the keys as an unsealed key file."""


class MovableKeys:
    """A key backend over the one that holds the keys, and the one they are leaving.

    A move is a change of epoch like any other: ``turn_to`` names the new house, ``new_epoch`` goes
    there, everything is wrapped anew, and with the last epoch that is destroyed the old house goes.

    Args:
        held: Where the epoch in force is.
        leaving: Where epochs are that a move, begun and not ended, has still to destroy.
    """

    def __init__(self, held: House, leaving: House | None = None) -> None:
        self._held = held
        self._leaving = leaving
        self._make: Callable[[], House] | None = None

    @property
    def name(self) -> str:
        """Which backend holds the keys."""
        return self._held.name

    @property
    def leaving(self) -> str | None:
        """Which backend a move that has not ended is leaving."""
        return None if self._leaving is None else self._leaving.name

    @property
    def sealed(self) -> bool:
        """Whether the master keys at rest need a passphrase (or stronger) to open."""
        return all(house.sealed for house in self._houses())

    @property
    def assuming(self) -> str:
        """What a certificate of an epoch destroyed there rests on."""
        return self._held.assuming

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should be told about how the keys are kept."""
        return tuple(told for house in self._houses() for told in house.warnings)

    def describe(self) -> dict[str, object]:
        """Say what protects the keys, in plain values without any secret."""
        told = self._held.describe()
        return told if self._leaving is None else {**told, "leaving": self._leaving.describe()}

    def seal_anew(self, passphrase: str) -> None:
        """Seal what holds the keys under another passphrase.

        Args:
            passphrase: The passphrase it shall have.

        Raises:
            CallerError: As ``check_sealable``, or what is wrong with the passphrase.
            Fault: As the backend; the old passphrase still holds.
        """
        self.check_sealable().seal_anew(passphrase)

    def check_sealable(self) -> Sealable:
        """Refuse to change a passphrase where there is none that could be changed now.

        Returns:
            What holds the keys.

        Raises:
            CallerError: ``keys.pin-elsewhere`` for keys in a token, ``keys.move-unfinished`` while they move.
        """
        if self._leaving is not None:
            raise CallerError("keys.move-unfinished", to=self._held.name)
        if not isinstance(self._held, Sealable):
            raise CallerError("keys.pin-elsewhere")
        return self._held

    def check_exportable(self) -> Exportable:
        """Refuse to give keys out that cannot leave, or are on their way.

        Returns:
            What holds the keys.

        Raises:
            CallerError: ``keys.escrow-token`` for keys in a token, ``keys.move-unfinished`` while they move.
        """
        if self._leaving is not None:
            raise CallerError("keys.move-unfinished", to=self._held.name)
        if not isinstance(self._held, Exportable):
            raise CallerError("keys.escrow-token")
        return self._held

    def turn_to(self, make: Callable[[], House]) -> None:
        """Name the house that the next new epoch is made in.

        Args:
            make: Makes the house with one fresh epoch, or opens it.
        """
        self._make = make

    def turn_back(self) -> None:
        """Stay in the old house: the records never heard of the new one."""
        if self._leaving is not None:
            self._held, self._leaving = self._leaving, None
        self._make = None

    def refresh(self) -> None:
        """Read the epochs again, after another process may have changed them."""
        self._with(self._leaving, may_be_gone=True)
        self._with(self._held, may_be_gone=False)

    def _with(self, house: House | None, *, may_be_gone: bool) -> None:
        if house is None:
            return
        try:
            house.refresh()
        except CallerError as error:
            if error.code != "keys.file-missing":
                raise
            if not may_be_gone:
                raise Fault("keys.moved") from None
            self._leaving = None

    def current_epoch(self) -> str:
        """Name the epoch that new keys are wrapped under (32 hexadecimal digits)."""
        return self._held.current_epoch()

    def wrap(self, key: bytes, binding: Bound) -> bytes:
        """Seal a key or secret under the current epoch."""
        return self._held.wrap(key, binding)

    def wrap_many(self, keys: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Seal many keys under the current epoch, in order."""
        return self._held.wrap_many(keys, bindings)

    def unwrap(self, blob: bytes, binding: Bound) -> bytes:
        """Open a wrapped key with the backend that holds its epoch."""
        if self._leaving is None:
            return self._held.unwrap(blob, binding)
        return self._holder(epoch_of(blob)).unwrap(blob, binding)

    def unwrap_many(self, blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Open many wrapped keys, in order."""
        if self._leaving is None:
            return self._held.unwrap_many(blobs, bindings)
        return [self.unwrap(blob, binding) for blob, binding in zip(blobs, bindings, strict=True)]

    def _holder(self, epoch: str) -> House:
        return self._leaving if self._leaving is not None and self._lives(epoch) else self._held

    def _lives(self, epoch: str) -> bool:
        """Tell whether the house that is left still has the epoch's key."""
        states = () if self._leaving is None else self._leaving.epochs()
        return any(state.id == epoch and state.destroyed is None for state in states)

    def epochs(self) -> tuple[EpochState, ...]:
        """List every epoch, the destroyed ones too, oldest first; a key in either house is held."""
        if self._leaving is None:
            return self._held.epochs()
        old = self._leaving.epochs()
        here = self._held.epochs()
        own = {state.id for state in here}
        left = [state for state in old if state.destroyed is None or state.id not in own]
        seen = {state.id for state in left}
        return (*left, *(state for state in here if state.id not in seen))

    def new_epoch(self) -> str:
        """Make an epoch and make it the current one; in the new house where one was named."""
        if self._make is None:
            return self._held.new_epoch()
        fresh = self._make()
        self._held, self._leaving, self._make = fresh, self._held, None
        return fresh.current_epoch()

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy an epoch's key for good; with its current one the house that is left goes too."""
        old = self._leaving
        if old is None or not self._lives(epoch):
            self._held.destroy_epoch(epoch)
            return
        if epoch != old.current_epoch():
            old.destroy_epoch(epoch)
            return
        if any(state.destroyed is None and state.id != epoch for state in old.epochs()):
            raise Fault("keys.epoch-in-use")
        gone = stamp(utc_now())
        self._held.inherit(
            [
                replace(s, destroyed=s.destroyed or gone, assuming=s.assuming or old.assuming)
                for s in old.epochs()
            ]
        )
        old.retire()
        self._leaving = None

    def _houses(self) -> tuple[House, ...]:
        return (self._held,) if self._leaving is None else (self._held, self._leaving)

    def __repr__(self) -> str:
        """Name the houses, and nothing of their keys."""
        return f"MovableKeys({', '.join(map(repr, self._houses()))})"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key backend is neither pickled nor copied")
