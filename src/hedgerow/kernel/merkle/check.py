"""Checking a whole log: its entries against their leaf hashes and the signed head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.tree import leaf_hash, root_of
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hedgerow.kernel.merkle.checkpoint import Checkpoint


def check_log(entries: Iterable[bytes], hashes: Sequence[bytes], checkpoint: Checkpoint) -> list[bytes]:
    """Check a log whose entries and leaf hashes are kept apart, and name the first bad index.

    Args:
        entries: The entries in log order.
        hashes: The leaf hashes written when the entries were, 32 bytes each.
        checkpoint: The newest head, its signature already checked.

    Returns:
        The leaf hashes recomputed from the entries.

    Raises:
        Fault: ``journal.altered`` at the first entry that does not fit its leaf hash;
            ``journal.truncated`` at the first missing one; ``journal.unsigned-tail`` at the first
            one past the signed size; ``journal.root-differs`` when entries and leaf hashes agree
            with each other and not with the head.
        CallerError: ``journal.bad-hash``.
    """
    found = [leaf_hash(entry) for entry in entries]
    if len(found) == checkpoint.size and root_of(found) == checkpoint.root:
        return found
    bad = first_difference(found, hashes)
    size, signed = len(found), checkpoint.size
    if bad is not None and bad < min(size, signed):
        raise Fault("journal.altered", index=bad)
    if size < signed:
        raise Fault("journal.truncated", signed=signed, size=size, index=size)
    if size > signed:
        raise Fault("journal.unsigned-tail", signed=signed, size=size, index=signed)
    raise Fault("journal.root-differs", size=size)


def first_difference(left: Sequence[bytes], right: Sequence[bytes]) -> int | None:
    """Find the first index at which two lists of hashes differ.

    Args:
        left: Hashes.
        right: Hashes.

    Returns:
        The index; the length of the shorter when one is the beginning of the other; None when
        they are equal.
    """
    for at, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return at
    return None if len(left) == len(right) else min(len(left), len(right))
