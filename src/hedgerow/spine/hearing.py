"""Hearing the journal: what it tells of copies outside and of erasures, read on from where it was proven."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from hedgerow.kernel.merkle import Frontier
from hedgerow.model.canonical import canonical
from hedgerow.model.ports import Reader, Transaction
from hedgerow.model.records import Setting
from hedgerow.model.uses import Json
from hedgerow.spine.attest import Attestor
from hedgerow.spine.departed import HEEDED, Departed, heard
from hedgerow.spine.journal import Journal

HEARD = "journal.heard"
# Bound along: what was kept by a program that heeds other acts is not read on from.
_USE = "heard 3"
# So many entries are read again before what was heard is kept anew.
KEEP_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Heard:
    """What the journal told up to a size.

    Args:
        size: How many entries.
        frontier: The log then, as bytes.
        told: What they tell.
    """

    size: int
    frontier: bytes
    told: Departed


class Hearing:
    """Reads the journal once, and from then on what was appended.

    Guarantee: what is told is what the entries tell that the signed head was signed over, each of them.
    Those before a kept state were proven when it was made, and a state counts only where this journal's key
    bound it and the log of today grew from it.

    Args:
        journal: The journal.
        attestor: Its key binds what is kept.
    """

    def __init__(self, journal: Journal, attestor: Attestor) -> None:
        self._journal = journal
        self._attestor = attestor
        self._held: Heard | None = None
        self._kept = 0

    def told(self, reader: Reader) -> Departed:
        """Tell what the journal tells in a view.

        Args:
            reader: A view; what is told is true for it.

        Raises:
            Fault: ``journal.*`` when it is not the signed one.

        Cost:
            A row and a hash for each entry since the state kept last; for each of the journal without one.
        """
        kept = self._held
        found = self._read_on(reader, kept)
        if found is None:
            kept = self._read_kept(reader)
            self._kept = 0 if kept is None else kept.size
            found = self._read_on(reader, kept)
        if found is None:
            self._kept = 0
            found = self._read_on(reader, Heard(0, Frontier().to_bytes(), Departed()))
        if found is None:
            # It is not the signed one: this says where.
            found = Heard(*self._journal.signed_state(reader), heard(reader, self._journal))
        self._held = found
        return found.told

    def _read_on(self, reader: Reader, begin: Heard | None) -> Heard | None:
        """Read what came after a state; nothing where the log did not grow from it."""
        if begin is None:
            return None
        found = self._journal.proven_after(reader, begin.frontier, *HEEDED)
        if found is None:
            return None
        more, size, frontier = found
        return Heard(size, frontier, begin.told.with_more(more))

    def is_due(self) -> bool:
        """Tell whether so much was read since that it is worth keeping what was told."""
        return self._held is not None and self._held.size >= self._kept + KEEP_ENTRIES

    def keep(self, tx: Transaction) -> None:
        """Keep what was told last, where that is due."""
        held = self._held
        if held is None or not self.is_due():
            return
        state: dict[str, Json] = {"frontier": base64.b64encode(held.frontier).decode("ascii")}
        # In one word: it grows with every erasure, and is no part of a record that is read field by field.
        packed = zlib.compress(canonical({**state, "told": held.told.as_json()}))
        text = base64.b64encode(packed).decode("ascii")
        tx.put(Setting(HEARD, f"{self._attestor.bind(_USE, [text])} {text}"))
        self._kept = held.size

    def _read_kept(self, reader: Reader) -> Heard | None:
        setting = reader.get(Setting, HEARD)
        if setting is None:
            return None
        bound, _, text = setting.value.partition(" ")
        if not self._attestor.is_bound(bound, _USE, [text]):
            return None  # anybody can write there
        state = cast("Mapping[str, Json]", json.loads(zlib.decompress(base64.b64decode(text))))
        frontier = base64.b64decode(str(state["frontier"]))
        told = Departed.from_json(cast("Mapping[str, Json]", state["told"]))
        return Heard(Frontier.from_bytes(frontier).size, frontier, told)
