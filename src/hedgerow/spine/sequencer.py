"""Group commit: acts that several threads bring at once share one transaction, one signature, one flush."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from hedgerow.model.ports import Store, Transaction

T = TypeVar("T")


class _Waiting(Generic[T]):
    """An act, and what came of it."""

    def __init__(self, act: Callable[[Transaction], T]) -> None:
        self.act = act
        self.is_done = False
        self.value: T | None = None
        self.error: BaseException | None = None

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return cast("T", self.value)


class Sequencer:
    """Commits in one transaction what has come while the last one was on its way to the disk.

    Args:
        store: The records; it serialises the transactions of all processes.

    Guarantee: ``submit`` returns only when the act is durable; acts are done in the order they came; one
    that fails leaves nothing and fails alone.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        self._queue: list[_Waiting[object]] = []

    def submit(self, act: Callable[[Transaction], T]) -> T:
        """Do an act in a transaction that others may share.

        Args:
            act: Changes records through the transaction it is given, and nothing else: where another
                act of the same transaction fails, it is done again in one of its own.

        Returns:
            What the act returned, once that is durable.

        Raises:
            HedgerowError: What the act or the store raised; the act left nothing then.
        """
        mine: _Waiting[T] = _Waiting(act)
        with self._guard:
            self._queue.append(cast("_Waiting[object]", mine))
        with self._turn:
            if not mine.is_done:
                with self._guard:
                    group, self._queue = self._queue, []
                self._commit(group)
        return mine.outcome()

    def _commit(self, group: list[_Waiting[object]]) -> None:
        failed, error = None, None
        try:
            with self._store.write() as tx:
                for waiting in group:
                    failed = waiting
                    waiting.value = waiting.act(tx)
                failed = None
        except BaseException as raised:  # noqa: BLE001 - it is raised by the thread it belongs to
            error = raised
        if failed is not None and len(group) > 1 and isinstance(error, Exception):
            for waiting in group:
                self._commit([waiting])
            return
        # What a store raises at the commit itself belongs to all of them.
        for waiting in group:
            waiting.error, waiting.is_done = error, True
