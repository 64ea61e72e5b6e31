"""What is kept of a release beside its line in the register."""

from __future__ import annotations

from dataclasses import dataclass
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
