"""What is kept of a release beside its line in the register."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class ReleaseCertificate(Record):
    """The signed certificate of a release, as it lies beside the file; it holds exact counts.

    ``body`` is the whole document (canonical JSON), ``entry`` the journal entry that tells of it.
    """

    TABLE: ClassVar[str] = "release_certificates"
    KEY: ClassVar[tuple[str, ...]] = ("release",)
    release: str
    id: str
    body: str
    entry: int
    time: str


@dataclass(frozen=True, slots=True)
class RetiredRelease(Record):
    """A release that was withdrawn: nobody should use it any more. What left is not called back."""

    TABLE: ClassVar[str] = "retired_releases"
    KEY: ClassVar[tuple[str, ...]] = ("release",)
    release: str
    reason: str
    retired_by: str
    time: str
    entry: int


@dataclass(frozen=True, slots=True)
class ReleaseShape(Record):
    """What is remembered of a release as a whole: columns, promises, and how many people each class had.

    ``body`` is canonical JSON. It says of nobody in which class.
    """

    TABLE: ClassVar[str] = "release_shapes"
    KEY: ClassVar[tuple[str, ...]] = ("release",)
    release: str
    dataset: str
    body: str
    entry: int


@dataclass(frozen=True, slots=True)
class ReleasedPerson(Record):
    """The classes and values of one person in one release, sealed under the person's key."""

    TABLE: ClassVar[str] = "released_people"
    KEY: ClassVar[tuple[str, ...]] = ("release", "number")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    release: str
    number: int
    sealed: bytes = field(repr=False)
