"""The keyring: what is wrapped under a master-key epoch, bound to what, and always the current one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias, TypeVar

from hedgerow.kernel.envelope import are_under, epoch_of, not_under
from hedgerow.model.errors import Fault
from hedgerow.model.keys import Binding, KeyBackend, PersonBinder, PersonBindings
from hedgerow.model.ports import Reader
from hedgerow.model.records import Bucket, QuarantineBatch, Request, Run, Setting, Subject, WrappedSecret

Wrapping: TypeAlias = WrappedSecret | Bucket | QuarantineBatch | Request | Run | Subject
"""A record that holds something wrapped by the key backend, in its field ``wrapped``."""

W = TypeVar("W", bound=Wrapping)
WRAPPING: tuple[type[Wrapping], ...] = (WrappedSecret, Bucket, QuarantineBatch, Request, Run, Subject)
"""Every such kind; whatever changes the epoch changes all of them."""

_EPOCH = "keys.epoch"
_FORMAT = 1


def secret_key(tenant: str, name: str) -> Binding:
    """What a secret of the workspace is bound to."""
    return Binding(tenant, "secret", name, "", _FORMAT)


def subject_key(tenant: str, number: int) -> Binding:
    """What a person's key is bound to."""
    return Binding(tenant, "subject-key", number, "", _FORMAT)


def subject_keys(tenant: str, numbers: Sequence[int]) -> PersonBindings:
    """What the keys of many people are bound to, as ``subject_key`` says of one."""
    return PersonBindings(tenant, "subject-key", numbers, "", _FORMAT)


def subject_binder(tenant: str) -> PersonBinder:
    """What the keys of people are bound to, as ``subject_key`` says of one; prepared once."""
    return PersonBinder(tenant, "subject-key", "", _FORMAT)


def bucket_key(tenant: str, dataset: str, file: str) -> Binding:
    """What the key of a table file is bound to."""
    return Binding(tenant, "bucket-key", dataset, file, _FORMAT)


def result_key(tenant: str, request: str) -> Binding:
    """What the key of a stored result is bound to."""
    return Binding(tenant, "result-key", request, "", _FORMAT)


def run_key(tenant: str, name: str) -> Binding:
    """What the key of a run's state is bound to."""
    return Binding(tenant, "run-key", name, "", _FORMAT)


def batch_key(tenant: str, batch: str) -> Binding:
    """What the key of a batch in quarantine is bound to."""
    return Binding(tenant, "quarantine-key", batch, "0", _FORMAT)


def binding_of(tenant: str, record: Wrapping) -> Binding:
    """What the wrapped key in a record is bound to."""
    match record:
        case WrappedSecret():
            return secret_key(tenant, record.name)
        case Subject():
            return subject_key(tenant, record.number)
        case Bucket():
            return bucket_key(tenant, record.dataset, record.file)
        case Request():
            return result_key(tenant, record.id)
        case Run():
            return run_key(tenant, record.name)
        case QuarantineBatch():
            return batch_key(tenant, record.id)


def bindings_of(tenant: str, records: Sequence[Wrapping]) -> Sequence[Binding]:
    """What the wrapped keys in many records are bound to, as ``binding_of`` says of one."""
    numbers = [record.number for record in records if isinstance(record, Subject)]
    if len(numbers) == len(records):
        return subject_keys(tenant, numbers)
    return [binding_of(tenant, record) for record in records]


def in_force(reader: Reader) -> str | None:
    """Tell which epoch the workspace rests on, before any key backend is open."""
    setting = reader.get(Setting, _EPOCH)
    if setting is not None:
        return setting.value
    # Without that record no epoch was ever changed: everything lies under the first.
    secret = reader.get(WrappedSecret, "index-key")
    return epoch_of(secret.wrapped) if secret is not None else None


class Keyring:
    """The key backend of a workspace and the epoch that its records say is current.

    Guarantee: what ``current`` returns is wrapped under the newest epoch that any process had
    made when the transaction began, so that an epoch found empty stays empty.

    Args:
        backend: Wraps keys; another process may have given it a newer epoch.
        tenant: Bound into everything wrapped.
    """

    def __init__(self, backend: KeyBackend, tenant: str) -> None:
        self.backend = backend
        self.tenant = tenant

    def __repr__(self) -> str:
        """Name the tenant only."""
        return f"Keyring({self.tenant})"

    def told(self, reader: Reader) -> str | None:
        """Read which epoch the records name as current; none in a workspace that never changed it."""
        setting = reader.get(Setting, _EPOCH)
        return setting.value if setting else None

    def tell(self) -> Setting:
        """Make the record that names the backend's current epoch."""
        return Setting(_EPOCH, self.backend.current_epoch())

    def current(self, reader: Reader, records: Sequence[W]) -> list[W]:
        """Wrap again what another process's new epoch has overtaken; to be called in the storing transaction.

        Args:
            reader: The transaction.
            records: Records about to be stored.

        Returns:
            The same records, each wrapped under the current epoch.

        Raises:
            Fault: ``keys.epoch-destroyed`` when the old epoch is gone already, ``keys.moved`` when another
                process moved the keys to another backend; the act can be repeated.
        """
        told = self.told(reader)
        fresh = self._again(records, told if told is not None and not self._knows(told) else None)
        return [
            replace(record, wrapped=fresh[place]) if place in fresh else record
            for place, record in enumerate(records)
        ]

    def are_current(self, reader: Reader, wrapped: Sequence[bytes]) -> bool:
        """Tell whether keys about to be stored are under the current epoch already; see ``current``."""
        told = self.told(reader)
        is_known = told is None or self._knows(told)
        return is_known and are_under(wrapped, self.backend.current_epoch())

    def held(self, reader: Reader) -> list[str]:
        """Name the epochs whose keys are held, those that another process made meanwhile too."""
        told = self.told(reader)
        if told is not None and not self._knows(told):
            self.backend.refresh()
        return [epoch.id for epoch in self.backend.epochs() if epoch.destroyed is None]

    def moved(self, records: Sequence[Wrapping]) -> dict[int, bytes]:
        """Wrap again what is not under the backend's current epoch: place in ``records`` to wrapped key."""
        return self._again(records, None)

    def moved_people(self, rows: Sequence[tuple[int, bytes]]) -> list[tuple[bytes, int]]:
        """Wrap people's keys again that are not under the backend's current epoch.

        Args:
            rows: Number and wrapped key of each person.

        Returns:
            New wrapped key and number of each whose key moved, in the order given.
        """
        now = self.backend.current_epoch()
        old = not_under([wrapped for _, wrapped in rows], now)
        if len(old) < len(rows):
            rows = [rows[place] for place in old]
        if not rows:
            return []
        numbers, wrapped = zip(*rows, strict=True)
        bindings = subject_keys(self.tenant, numbers)
        keys = self.backend.unwrap_many(wrapped, bindings)
        return list(zip(self.backend.wrap_many(keys, bindings), numbers, strict=True))

    def _knows(self, epoch: str) -> bool:
        return any(each.id == epoch for each in self.backend.epochs())

    def _again(self, records: Sequence[Wrapping], overtaken_by: str | None) -> dict[int, bytes]:
        now, wrapped = self.backend.current_epoch(), [record.wrapped for record in records]
        old = not_under(wrapped, now)
        if overtaken_by is not None:
            old = [place for place, blob in enumerate(wrapped) if blob is not None]
        bindings = bindings_of(self.tenant, [records[place] for place in old])
        # Opened before the ring is read again, which may take away the key they are wrapped under.
        keys = self.backend.unwrap_many([wrapped[place] or b"" for place in old], bindings)
        if overtaken_by is not None:
            self.backend.refresh()
            if not self._knows(overtaken_by):
                # The keys went to another backend: what this one wraps would be lost with it.
                raise Fault("keys.moved")
        return dict(zip(old, self.backend.wrap_many(keys, bindings), strict=True))
