"""A ring of master-key epochs in memory, and the wrapping that every local backend shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NoReturn

from hedgerow.kernel.envelope import EpochCipher, are_under, epoch_of, new_key
from hedgerow.kernel.envelope.wrapping import ALGORITHM
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.keys import Binding, Bound, EpochState, SecretKey

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Tell the time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch: what may be shown, and its key while it is held."""

    state: EpochState
    key: SecretKey | None


@dataclass(frozen=True, slots=True)
class Ring:
    """Every epoch of a backend, oldest first; the last one is current and holds its key."""

    epochs: tuple[Epoch, ...]

    @classmethod
    def first(cls, now: datetime) -> Ring:
        """Make a ring of one fresh epoch."""
        return cls((_fresh(now),))

    def extended(self, now: datetime) -> Ring:
        """Add a fresh epoch, which becomes the current one."""
        return Ring((*self.epochs, _fresh(now)))

    def without_key(self, epoch: str, now: datetime) -> Ring:
        """Forget the key of an epoch that is not the current one."""
        if epoch == self.current.id:
            raise CallerError("keys.epoch-current")
        if not any(e.state.id == epoch and e.key is not None for e in self.epochs):
            raise CallerError("keys.epoch-absent")
        gone = stamp(now)
        return Ring(
            tuple(
                Epoch(replace(e.state, destroyed=gone), None) if e.state.id == epoch else e
                for e in self.epochs
            )
        )

    @property
    def current(self) -> EpochState:
        """The epoch that new keys are wrapped under."""
        return self.epochs[-1].state


def _fresh(now: datetime) -> Epoch:
    return Epoch(EpochState(os.urandom(16).hex(), stamp(now), ALGORITHM), SecretKey(new_key()))


def stamp(now: datetime) -> str:
    """Write a time in UTC, to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class RingKeys:
    """What the local backends share; each says its name and how a changed ring is stored.

    Args:
        ring: The epochs.
        clock: Tells the time at which epochs are made and destroyed.
    """

    def __init__(self, ring: Ring, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._adopt(ring)

    def _adopt(self, ring: Ring) -> None:
        self._ring = ring
        self._ciphers = {e.state.id: EpochCipher(e.state.id, e.key) for e in ring.epochs if e.key is not None}

    assuming = "nobody read the memory of the running program"

    def refresh(self) -> None:
        """Read the epochs again, after another process may have changed them."""
        self._adopt(self._load())

    def _load(self) -> Ring:
        """Read the ring from where it is kept."""
        return self._ring

    def _store(self, ring: Ring) -> None:
        """Keep a changed ring durably; raising leaves the backend as it was."""

    def current_epoch(self) -> str:
        """Name the epoch that new keys are wrapped under (32 hexadecimal digits)."""
        return self._ring.current.id

    def epochs(self) -> tuple[EpochState, ...]:
        """List every epoch, the destroyed ones too, oldest first."""
        return tuple(e.state for e in self._ring.epochs)

    def wrap(self, key: bytes, binding: Bound) -> bytes:
        """Seal a key or secret under the current epoch.

        Args:
            key: 1 to 8,192 bytes.
            binding: What it belongs to.

        Returns:
            The wrapped key, 45 bytes longer.

        Raises:
            ValueError: The key is empty or too long.
        """
        return self._ciphers[self._ring.current.id].wrap(key, binding)

    def unwrap(self, blob: bytes, binding: Bound) -> bytes:
        """Open a wrapped key.

        Args:
            blob: What ``wrap`` returned.
            binding: The binding it was wrapped with.

        Returns:
            The key.

        Raises:
            Fault: ``envelope.unreadable``, ``keys.epoch-unknown`` or ``keys.epoch-destroyed``.
        """
        epoch = epoch_of(blob)
        if epoch not in self._ciphers and not self._is_known(epoch):
            self.refresh()
        cipher = self._ciphers.get(epoch)
        if cipher is None:
            raise self._absent(epoch)
        return cipher.unwrap(blob, binding)

    def wrap_many(self, keys: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Seal many keys under the current epoch.

        Args:
            keys: Keys of 1 to 8,192 bytes.
            bindings: One binding for each key.

        Returns:
            The wrapped keys, in order.

        Raises:
            ValueError: The lengths differ, or a key is empty or too long.
        """
        return self._ciphers[self._ring.current.id].wrap_many(keys, bindings)

    def unwrap_many(self, blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Open many wrapped keys, of any epochs still held.

        Args:
            blobs: What ``wrap`` returned.
            bindings: One binding for each blob.

        Returns:
            The keys, in order.

        Raises:
            Fault: As ``unwrap``, for the first that does not open; nothing is returned.
            ValueError: The lengths differ.
        """
        cipher = self._ciphers.get(epoch_of(blobs[0])) if blobs else None
        if cipher is not None and are_under(blobs, cipher.epoch):
            return cipher.unwrap_many(blobs, bindings)
        return [self.unwrap(blob, binding) for blob, binding in zip(blobs, bindings, strict=True)]

    def new_epoch(self) -> str:
        """Make an epoch, store it durably and make it the current one.

        Returns:
            Its name, 32 hexadecimal digits.

        Raises:
            Fault: It could not be stored; the old epoch stays current.
        """
        self._change(self._ring.extended(self._clock()))
        return self.current_epoch()

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy an epoch's key for good.

        Args:
            epoch: 32 hexadecimal digits; not the current one.

        Raises:
            CallerError: ``keys.epoch-current``, or ``keys.epoch-absent`` when no such key is held.
            Fault: The change could not be stored; the key is still held.

        Guarantee: what was wrapped under it opens with no key this backend still holds; copies of the
            key file made earlier, and what a disk keeps of deleted blocks, are out of its reach.
        """
        self._change(self._ring.without_key(epoch, self._clock()))

    def _change(self, ring: Ring) -> None:
        self._store(ring)
        self._adopt(ring)

    def inherit(self, states: Sequence[EpochState]) -> None:
        """Take over the memory of destroyed epochs from a backend that goes; those it has are left."""
        fresh = tuple(Epoch(state, None) for state in states if not self._is_known(state.id))
        self._change(Ring((*fresh, *self._ring.epochs)))

    def _absent(self, epoch: str) -> Fault:
        """Say why an epoch's key is not held."""
        return Fault("keys.epoch-destroyed" if self._is_known(epoch) else "keys.epoch-unknown")

    def _is_known(self, epoch: str) -> bool:
        return any(e.state.id == epoch for e in self._ring.epochs)

    def __repr__(self) -> str:
        """Say how many epochs there are, and nothing of their keys."""
        return f"{type(self).__name__}({len(self._ring.epochs)} epochs)"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key backend is neither pickled nor copied")
