"""Keys and what they are bound to: frozen types and the port of a key backend.

A sealed value says by its binding whose it is and what it means. The binding is not stored with
the value: whoever opens it must already know it, so that a value copied to another place, person
or version does not open there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn, Protocol, overload, runtime_checkable

KEY_BYTES = 32
"""Length of every symmetric key, in bytes."""

_TEXT, _INTEGER, _BYTES = 1, 2, 3
_LENGTH_PREFIX = struct.Struct(">BI")
_INTEGER_FIELD = struct.Struct(">Bq")
_pack_integer = _INTEGER_FIELD.pack
_BINDING_LABEL = "hedgerow/binding/1"
_SCOPE_LABEL = "hedgerow/scope/1"

Field = str | int | bytes
"""What a field of an encoding may hold; booleans are refused, so that 1 and true never meet."""


def encode_fields(label: str, *fields: Field) -> bytes:
    """Encode a label and fields so that two different sequences never give the same bytes.

    Args:
        label: What the encoding is for, with its version; keeps uses apart.
        fields: Text, bytes or integers from -2**63 to 2**63 - 1, in a fixed order.

    Returns:
        Tagged fields one after another: text and bytes with a 4-byte length, integers in 8 bytes.

    Raises:
        TypeError: A field is of another type.
        ValueError: A field is out of range or holds a lone surrogate.

    Guarantee: injective, and no encoding is a prefix of another field's: see ``specs/envelope.md``.
    """
    return b"".join([_encode_text(label), *map(_encode_field, fields)])


def _encode_field(field: Field) -> bytes:
    if type(field) is int:  # a boolean is none
        try:
            return _INTEGER_FIELD.pack(_INTEGER, field)
        except struct.error:
            raise ValueError("an integer field must fit in 64 bits") from None
    if isinstance(field, str):
        return _encode_text(field)
    if isinstance(field, bytes):
        return _LENGTH_PREFIX.pack(_BYTES, len(field)) + field
    raise TypeError("a field must be text, bytes or an integer")


def _encode_text(text: str) -> bytes:
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        # The original error carries the text; it may be a person's.
        raise ValueError("a text field holds a lone surrogate") from None
    return _LENGTH_PREFIX.pack(_TEXT, len(raw)) + raw


@lru_cache(maxsize=1024)
def _binding_head(tenant: str, kind: str) -> bytes:
    return encode_fields(_BINDING_LABEL, tenant, kind)


@lru_cache(maxsize=1024, typed=True)  # typed: 1 and true never meet
def _binding_tail(name: str, version: int) -> bytes:
    return _encode_text(name) + _encode_field(version)


class Bound(Protocol):
    """What a value is bound to, told as bytes: a ``Binding``, or one encoded already."""

    def as_bytes(self) -> bytes:
        """Encode as associated data."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed value belongs to; every field is bound to the ciphertext.

    Args:
        tenant: The organisation.
        kind: What sort of value it is, for example ``"subject-key"`` or ``"field"``.
        subject: Whose it is: a person's internal number, or the name of a data set or secret.
        name: Which value of its subject, for example a column or a file name.
        version: Counts versions of the value, from 0.
    """

    tenant: str
    kind: str
    subject: int | str
    name: str
    version: int

    def as_bytes(self) -> bytes:
        """Encode as associated data; different bindings never give the same bytes."""
        # Head and tail are those of many people; only the subject is a person's own.
        head, tail = _binding_head(self.tenant, self.kind), _binding_tail(self.name, self.version)
        return head + _encode_field(self.subject) + tail


class EncodedBinding:
    """A binding that was encoded already, where one is used once for each person read.

    Args:
        told: What ``Binding.as_bytes`` gives.
    """

    __slots__ = ("_told",)

    def __init__(self, told: bytes) -> None:
        self._told = told

    def as_bytes(self) -> bytes:
        """Give the associated data."""
        return self._told


class PersonBinder:
    """Encodes the bindings of single people that are alike but for the person; prepared once.

    Args:
        tenant: The organisation.
        kind: What sort of value each is.
        name: Which value of its person.
        version: Counts versions of the value, from 0.
    """

    __slots__ = ("_head", "_tail")

    def __init__(self, tenant: str, kind: str, name: str, version: int) -> None:
        self._head, self._tail = _binding_head(tenant, kind), _binding_tail(name, version)

    def of(self, number: int) -> EncodedBinding:
        """Give the binding of one person; as ``Binding`` of the same fields."""
        if type(number) is not int:  # a boolean is none
            raise TypeError("a person's number is an integer")
        try:
            return EncodedBinding(self._head + _pack_integer(_INTEGER, number) + self._tail)
        except struct.error:
            raise ValueError("an integer field must fit in 64 bits") from None


class PersonBindings(Sequence[Binding]):
    """What values of many people are bound to, alike but for the person; encoded without a ``Binding`` each.

    Args:
        tenant: The organisation.
        kind: What sort of value each is.
        numbers: The internal number of each person.
        name: Which value of its person.
        version: Counts versions of the value, from 0.
    """

    __slots__ = ("_kind", "_name", "_numbers", "_packed", "_tenant", "_version")

    def __init__(self, tenant: str, kind: str, numbers: Sequence[int], name: str, version: int) -> None:
        self._tenant, self._kind, self._name, self._version = tenant, kind, name, version
        self._numbers = numbers
        self._packed: list[bytes] | None = None

    def __len__(self) -> int:
        """Count the people."""
        return len(self._numbers)

    @overload
    def __getitem__(self, at: int) -> Binding: ...
    @overload
    def __getitem__(self, at: slice) -> PersonBindings: ...
    def __getitem__(self, at: int | slice) -> Binding | PersonBindings:
        """Give the binding of one person, or those of a range of people."""
        if isinstance(at, slice):
            return PersonBindings(self._tenant, self._kind, self._numbers[at], self._name, self._version)
        return Binding(self._tenant, self._kind, self._numbers[at], self._name, self._version)

    def encoded(self, before: bytes) -> list[bytes]:
        """Encode each as ``Binding.as_bytes`` does, behind some bytes that all have in common."""
        if not set(map(type, self._numbers)) <= {int}:
            return [before + binding.as_bytes() for binding in self]
        head = before + _binding_head(self._tenant, self._kind)
        # Twice for whoever opens under one key and seals under another.
        if self._packed is None:
            self._packed = self._pack()
        return [head + told for told in self._packed]

    def _pack(self) -> list[bytes]:
        tail, pack = _binding_tail(self._name, self._version), _INTEGER_FIELD.pack
        try:
            return [pack(_INTEGER, number) + tail for number in self._numbers]
        except struct.error:
            raise ValueError("an integer field must fit in 64 bits") from None


def encode_bindings(bindings: Sequence[Binding], before: bytes) -> list[bytes]:
    """Encode many bindings, each behind the same bytes; the quick way where they are alike.

    Args:
        bindings: What values are bound to.
        before: What comes before each binding in the associated data.
    """
    if isinstance(bindings, PersonBindings):
        return bindings.encoded(before)
    return [before + binding.as_bytes() for binding in bindings]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a pseudonym is valid; the same person is someone else in any other scope.

    Args:
        tenant: The organisation.
        purpose: The purpose of the use.
        dataset: The data set.
        release: The release or the recipient.
    """

    tenant: str
    purpose: str
    dataset: str
    release: str

    def as_bytes(self) -> bytes:
        """Encode for the pseudonym function; different scopes never give the same bytes."""
        return encode_fields(_SCOPE_LABEL, self.tenant, self.purpose, self.dataset, self.release)


class SecretKey:
    """A key held in memory that shows itself in no repr, log, copy or pickle.

    Python cannot promise to wipe memory: a key lives until its bytes are collected and reused.

    Args:
        material: The key, 32 bytes.

    Raises:
        ValueError: The key is not 32 bytes long.
    """

    __slots__ = ("_material",)

    def __init__(self, material: bytes) -> None:
        if len(material) != KEY_BYTES:
            raise ValueError("a key must be 32 bytes long")
        self._material = bytes(material)

    def reveal(self) -> bytes:
        """Return the key itself; the caller keeps it out of reprs, logs and files."""
        return self._material

    def __repr__(self) -> str:
        """Show that there is a key, and nothing of it."""
        return "SecretKey(hidden)"

    def __reduce__(self) -> NoReturn:
        """Refuse pickling and copying."""
        raise TypeError("a key is neither pickled nor copied")


@dataclass(frozen=True, slots=True)
class EpochState:
    """One master-key epoch as a person may see it, without its key.

    Args:
        id: 32 hexadecimal digits.
        created: UTC time in ISO 8601, to the second.
        algorithm: How keys are wrapped under it, for example ``"AES-256-GCM"``.
        destroyed: UTC time its key was destroyed, or none while it is held.
        assuming: What its destruction rests on, where its key was kept by another backend than now.
    """

    id: str
    created: str
    algorithm: str
    destroyed: str | None = None
    assuming: str | None = None


@runtime_checkable
class KeyBackend(Protocol):
    """Holds master-key epochs and wraps other keys and secrets under them; the keys never leave it."""

    @property
    def name(self) -> str:
        """Which backend this is, for example ``"file"``."""

    @property
    def sealed(self) -> bool:
        """Whether the master keys at rest need a passphrase (or stronger) to open."""

    @property
    def assuming(self) -> str:
        """What a certificate of a destroyed epoch rests on, in plain words."""

    def refresh(self) -> None:
        """Read the epochs again, after another process may have changed them."""

    def current_epoch(self) -> str:
        """Name the epoch that new keys are wrapped under (32 hexadecimal digits)."""

    def wrap(self, key: bytes, binding: Bound) -> bytes:
        """Seal a key or secret of 1 to 8,192 bytes under the current epoch."""

    def unwrap(self, blob: bytes, binding: Bound) -> bytes:
        """Open a wrapped key; a fault when it, its binding or its epoch does not fit."""

    def wrap_many(self, keys: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Seal many keys under the current epoch, in order."""

    def unwrap_many(self, blobs: Sequence[bytes], bindings: Sequence[Binding]) -> list[bytes]:
        """Open many wrapped keys, in order; the first that does not open is a fault."""

    def epochs(self) -> tuple[EpochState, ...]:
        """List every epoch, the destroyed ones too, oldest first."""

    def new_epoch(self) -> str:
        """Make an epoch, store it durably and make it the current one."""

    def destroy_epoch(self, epoch: str) -> None:
        """Destroy an epoch's key for good; refused for the current epoch."""

    def describe(self) -> dict[str, object]:
        """Say what protects the keys, in plain values without any secret."""
