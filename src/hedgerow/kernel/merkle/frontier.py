"""The frontier of a log: the few hashes from which it grows and its root is read."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.tree import EMPTY_ROOT, HASH_BYTES, node_hash, require_hashes
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TAG = b"hgf1"
_SIZE_BYTES = 8
_HEADER_BYTES = len(_TAG) + _SIZE_BYTES


class Frontier:
    """The compact range of a log: one hash for each set bit of its size.

    Args:
        size: Number of leaves, 0 or more.
        peaks: Roots of the full subtrees from the largest to the smallest, 32 bytes each.

    Raises:
        Fault: ``journal.frontier-malformed`` when the peaks do not fit the size.

    Cost:
        Appending takes one node hash at the amortised mean; the root takes at most 64.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if not 0 <= size < 1 << 63 or size.bit_count() != len(peaks):
            raise Fault("journal.frontier-malformed", reason="its hashes do not fit its size")
        if any(len(peak) != HASH_BYTES for peak in peaks):
            raise Fault("journal.frontier-malformed", reason="a hash has the wrong length")
        self._size = size
        self._peaks = list(peaks)

    def __repr__(self) -> str:
        """Show the size only."""
        return f"Frontier(size={self._size})"

    def __eq__(self, other: object) -> bool:
        """Equal when size and peaks are."""
        return isinstance(other, Frontier) and (self._size, self._peaks) == (other._size, other._peaks)

    __hash__ = None  # type: ignore[assignment]

    @property
    def size(self) -> int:
        """Number of leaves appended so far."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """Roots of the full subtrees, from the largest to the smallest."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Append one leaf.

        Args:
            leaf: Leaf hash, 32 bytes.

        Raises:
            CallerError: ``journal.bad-hash`` when it has another length.
        """
        if len(leaf) != HASH_BYTES:
            raise CallerError("journal.bad-hash", index=self._size)
        found, carry = leaf, self._size
        while carry & 1:
            found = node_hash(self._peaks.pop(), found)
            carry >>= 1
        self._peaks.append(found)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append many leaves in order.

        Args:
            leaves: Leaf hashes, 32 bytes each.

        Raises:
            CallerError: ``journal.bad-hash`` at the first of another length; the ones before stay.
        """
        digest, peaks = sha256, self._peaks
        for leaf in leaves:
            if len(leaf) != HASH_BYTES:
                raise CallerError("journal.bad-hash", index=self._size)
            found, carry = leaf, self._size
            while carry & 1:
                # As append does, without a call for each node: a log may have millions.
                found = digest(b"\x01" + peaks.pop() + found).digest()
                carry >>= 1
            peaks.append(found)
            self._size += 1

    def root(self) -> bytes:
        """Read the root.

        Returns:
            32 bytes, equal to ``root_of`` over all leaves appended.
        """
        if not self._peaks:
            return EMPTY_ROOT
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found

    def copy(self) -> Frontier:
        """Make an independent copy, to try an append that may be rolled back."""
        return Frontier(self._size, self._peaks)

    def to_bytes(self) -> bytes:
        """Serialise: the tag ``hgf1``, the size as 8 big-endian bytes, the peaks from large to small."""
        return b"".join([_TAG, self._size.to_bytes(_SIZE_BYTES, "big"), *self._peaks])

    @classmethod
    def from_bytes(cls, stored: bytes) -> Frontier:
        """Parse what ``to_bytes`` wrote.

        Args:
            stored: The serialised frontier, 12 to 2,060 bytes.

        Returns:
            The frontier.

        Raises:
            Fault: ``journal.frontier-malformed``.
        """
        if len(stored) < _HEADER_BYTES or not stored.startswith(_TAG):
            raise Fault("journal.frontier-malformed", reason="it does not begin as a frontier does")
        body = stored[_HEADER_BYTES:]
        if len(body) % HASH_BYTES:
            raise Fault("journal.frontier-malformed", reason="it ends inside a hash")
        size = int.from_bytes(stored[len(_TAG) : _HEADER_BYTES], "big")
        return cls(size, [body[at : at + HASH_BYTES] for at in range(0, len(body), HASH_BYTES)])


def roots_at(sizes: Iterable[int], hashes: Sequence[bytes]) -> dict[int, bytes]:
    """Compute the roots that a log had at several sizes, in one pass.

    Args:
        sizes: Sizes from 0 to ``len(hashes)``.
        hashes: Leaf hashes in log order, 32 bytes each.

    Returns:
        The root for each size asked for.

    Raises:
        CallerError: ``journal.bad-index`` for a size outside the log, ``journal.bad-hash``.
    """
    require_hashes(hashes)
    frontier, found = Frontier(), {}
    for size in sorted(set(sizes)):
        if not 0 <= size <= len(hashes):
            raise CallerError("journal.bad-index", index=size, size=len(hashes))
        frontier.extend(hashes[frontier.size : size])
        found[size] = frontier.root()
    return found
