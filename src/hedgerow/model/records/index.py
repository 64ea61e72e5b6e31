"""Blind indexes: by what a person can be found without opening anything, and who searched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from hedgerow.model.records.base import Record


@dataclass(frozen=True, slots=True)
class BlindIndex(Record):
    """One version of the index of a column; its key is the secret ``blind-index/ID``.

    ``state`` is ``building``, ``current`` or ``retired``; ``reached`` is the last person whose field
    the building has looked at, ``held`` and ``unread`` count values with a term and without.
    """

    TABLE: ClassVar[str] = "blind_indexes"
    KEY: ClassVar[tuple[str, ...]] = ("dataset", "column", "version")
    dataset: str
    column: str
    version: int
    id: int
    normaliser: str
    state: str
    created: str
    reached: int = field(repr=False, default=-1)
    held: int = field(repr=False, default=0)
    unread: int = field(repr=False, default=0)


@dataclass(frozen=True, slots=True)
class BlindTerm(Record):
    """That a person holds a value: a keyed hash of it in one version of one index."""

    TABLE: ClassVar[str] = "blind_terms"
    KEY: ClassVar[tuple[str, ...]] = ("index_id", "term", "number")
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("number",),)
    index_id: int
    term: bytes = field(repr=False)
    number: int


@dataclass(frozen=True, slots=True)
class Search(Record):
    """One search of a principal and whether it found anybody; too many in a day stop the principal."""

    TABLE: ClassVar[str] = "searches"
    KEY: ClassVar[tuple[str, ...]] = ("principal", "entry")
    principal: str
    entry: int
    time: str
    is_hit: bool
