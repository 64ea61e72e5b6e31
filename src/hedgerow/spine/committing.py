"""The store as the rooms see it: the journal is closed before a commit, the witnesses follow after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from hedgerow.model.ports import Reader, Store, Transaction
from hedgerow.spine.journal import Journal
from hedgerow.spine.witnesses import Witnesses


class Committing:
    """Hands through to a store, and does at each commit what a commit of the journal asks for.

    Args:
        store: The records.
        journal: Gathers the entries of a transaction under one signature.
        witnesses: Follow once the entries are durable.

    Guarantee: the store's row is durable before any witness hears of it.
    """

    def __init__(self, store: Store, journal: Journal, witnesses: Witnesses) -> None:
        self._store = store
        self._journal = journal
        self._witnesses = witnesses

    @property
    def remnants(self) -> str:
        """Say where copies of removed records may stay, in words for a certificate."""
        return self._store.remnants

    def read(self) -> AbstractContextManager[Reader]:
        """Open a consistent view."""
        return self._store.read()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a serialised transaction; when it ends well the witnesses follow."""
        with self._store.write() as tx:
            with self._journal.gathering(tx) as gathered:
                yield tx
            is_followed = gathered.has_grown and self._witnesses.remember(tx)
        if is_followed:
            self._witnesses.follow()

    def stamp(self) -> object:
        """Tell a value that differs after any commit by anyone."""
        return self._store.stamp()

    def scrub(self) -> None:
        """Push removed bytes out of the store's current files as far as it can."""
        self._store.scrub()

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()
