"""Cosignatures: those a workspace gave to other logs, and those others gave to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class SeenLog(Record):
    """The newest head of another log that this workspace has cosigned, and the key that signs it."""

    TABLE: ClassVar[str] = "seen_logs"
    KEY: ClassVar[tuple[str, ...]] = ("origin",)
    origin: str
    key: str
    size: int
    root: bytes
    time: str


@dataclass(frozen=True, slots=True)
class Cosigned(Record):
    """A checkpoint of the own journal with the lines that a witness added."""

    TABLE: ClassVar[str] = "cosigned"
    KEY: ClassVar[tuple[str, ...]] = ("size", "witness")
    size: int
    witness: str
    key: str
    note: str
    time: str
