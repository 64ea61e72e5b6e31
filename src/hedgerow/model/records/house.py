"""What belongs to the workspace itself: settings, secrets, who may act, why, and by which policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class Setting(Record):
    """A named value of the workspace: its id, schema version, caps."""

    TABLE: ClassVar[str] = "settings"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class WrappedSecret(Record):
    """A secret of the workspace wrapped by the key backend."""

    TABLE: ClassVar[str] = "secrets"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    wrapped: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Principal(Record):
    """A user or service and the roles it holds (comma separated, sorted)."""

    TABLE: ClassVar[str] = "principals"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    roles: str
    created: str
    disabled: bool = False

    @property
    def role_set(self) -> frozenset[str]:
        """The roles as a set."""
        return frozenset(filter(None, self.roles.split(",")))


@dataclass(frozen=True, slots=True)
class Purpose(Record):
    """Why data is used, who answers for it, and until when (ISO date, inclusive)."""

    TABLE: ClassVar[str] = "purposes"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    name: str
    why: str
    owner: str
    until: str
    created: str


@dataclass(frozen=True, slots=True)
class PolicyText(Record):
    """One version of the workspace's Cedar policies; the highest version is in force."""

    TABLE: ClassVar[str] = "policies"
    KEY: ClassVar[tuple[str, ...]] = ("version",)
    version: int
    text: str
    applied_by: str
    time: str
