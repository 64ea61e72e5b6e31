"""A log as static files: hash tiles of height 8 and entry bundles, and proofs computed from them.

Source: C2SP tlog-tiles; the tree is that of RFC 6962.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import TYPE_CHECKING

from hedgerow.kernel.merkle.tree import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TILE_WIDTH = 256
_HEIGHT = 8
_MAX_ENTRY_BYTES = 0xFFFF
_MOST_LEVELS = 8
_KEPT_TILES = 64


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Name a hash tile.

    Args:
        level: 0 for leaf hashes; each level above holds the roots of full tiles below.
        index: Number of the tile within its level, 0 or more.
        width: Number of hashes, 1 to 256; fewer than 256 name a partial tile.

    Returns:
        For example ``tile/0/x001/x234/067`` or ``tile/1/000.p/17``.
    """
    return f"tile/{level}/{_numbered(index, width)}"


def bundle_path(index: int, width: int = TILE_WIDTH) -> str:
    """Name an entry bundle; its entries are the leaves of the tile of the same number at level 0."""
    return f"tile/entries/{_numbered(index, width)}"


def _numbered(index: int, width: int) -> str:
    if index < 0 or not 1 <= width <= TILE_WIDTH:
        raise CallerError("journal.bad-index", index=index, size=width)
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts)) + (f".p/{width}" if width < TILE_WIDTH else "")


def pack_bundle(entries: Sequence[bytes]) -> bytes | None:
    """Join entries into a bundle.

    Args:
        entries: 1 to 256 entries.

    Returns:
        Each with its length before it (2 bytes, big-endian); none when one is too long for that.
    """
    if any(len(entry) > _MAX_ENTRY_BYTES for entry in entries):
        return None
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack_bundle(bundle: bytes) -> list[bytes]:
    """Take a bundle apart.

    Raises:
        Fault: ``tiles.malformed`` when it ends inside an entry.
    """
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if at + 2 > len(bundle) or end > len(bundle):
            raise Fault("tiles.malformed", name="an entry bundle", reason="it ends inside an entry")
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


class TileBuilder:
    """Makes the tiles and bundles of a log that grows.

    Args:
        size: Number of entries already in tiles. Building goes on behind the last full tile of level
            0: ``size`` of this object says which entry is to be added next.
        read: Reads one of the partial tiles of that size; called only while this is made.

    Raises:
        Fault: ``tiles.malformed`` when one of them is not as that size asks.

    Guarantee:
        Whatever sizes it was made at in between, the full tiles and bundles are the same bytes.
    """

    def __init__(self, size: int = 0, read: Callable[[str], bytes] | None = None) -> None:
        self.size = size - size % TILE_WIDTH
        self._levels: list[bytearray] = [bytearray() for _ in range(_MOST_LEVELS)]
        self._entries: list[bytes] = []
        self._left_out: list[int] = []
        for level, name, width in _partials(self.size):
            self._levels[level] += _sized(read(name) if read else b"", name, width)

    @property
    def left_out(self) -> tuple[int, ...]:
        """Numbers of the bundles that were not made, because an entry of theirs is too long for one."""
        return tuple(self._left_out)

    def root(self) -> bytes:
        """Compute the root over all entries, from what is not yet in full tiles."""
        peaks: list[bytes] = []
        for level in reversed(self._levels):
            hashes = _split(bytes(level))
            start = 0
            for bit in reversed(range(_HEIGHT)):
                if len(hashes) >> bit & 1:
                    peaks.append(_top(hashes[start : start + (1 << bit)]))
                    start += 1 << bit
        if not peaks:
            return EMPTY_ROOT
        found = peaks.pop()
        while peaks:
            found = node_hash(peaks.pop(), found)
        return found

    def add(self, entry: bytes) -> Iterator[tuple[str, bytes]]:
        """Add the next entry.

        Returns:
            The files that are full now: path and content.
        """
        leaf = leaf_hash(entry)
        self._entries.append(entry)
        self._levels[0] += leaf
        self.size += 1
        if self.size % TILE_WIDTH == 0:
            yield from self._full()

    def _full(self) -> Iterator[tuple[str, bytes]]:
        yield from self._bundle(self.size // TILE_WIDTH - 1, TILE_WIDTH)
        self._entries = []
        for level, tile in enumerate(self._levels):
            if len(tile) < TILE_WIDTH * HASH_BYTES:
                return
            yield tile_path(level, (self.size >> _HEIGHT * (level + 1)) - 1), bytes(tile)
            self._levels[level + 1] += _top(_split(bytes(tile)))
            self._levels[level] = bytearray()

    def _bundle(self, index: int, width: int) -> Iterator[tuple[str, bytes]]:
        bundle = pack_bundle(self._entries)
        if bundle is None:
            self._left_out.append(index)
        else:
            yield bundle_path(index, width), bundle

    def partial(self) -> Iterator[tuple[str, bytes]]:
        """Give the partial files that a checkpoint of this size needs: path and content."""
        if width := self.size % TILE_WIDTH:
            yield from self._bundle(self.size // TILE_WIDTH, width)
        for level, name, _ in _partials(self.size):
            yield name, bytes(self._levels[level])


def _partials(size: int) -> Iterator[tuple[int, str, int]]:
    """Name the partial tiles of a size: level, path and width."""
    for level in range(_MOST_LEVELS):
        count = size >> _HEIGHT * level
        if width := count % TILE_WIDTH:
            yield level, tile_path(level, count // TILE_WIDTH, width), width


def partial_paths(size: int) -> set[str]:
    """Name every partial file of a log of a size: those a larger size may do without."""
    named = {name for _, name, _ in _partials(size)}
    return named | {bundle_path(size // TILE_WIDTH, size % TILE_WIDTH)} if size % TILE_WIDTH else named


class TileProofs:
    """Proofs of a log of one size, from its tiles.

    Args:
        size: Number of entries; a checkpoint of that size must have been verified.
        read: Reads a tile by its path.

    Cost:
        An inclusion proof reads one tile for each 256 times of size: 3 at a million entries.
    """

    def __init__(self, size: int, read: Callable[[str], bytes]) -> None:
        self._size = size
        self._read = read
        self._kept: OrderedDict[tuple[int, int], list[list[bytes]]] = OrderedDict()

    def root(self) -> bytes:
        """Compute the root."""
        return self._range(0, self._size) if self._size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """Prove that an entry stands at an index.

        Args:
            index: From 0 to the size less one.

        Returns:
            The audit path from the leaf up, as ``inclusion_proof`` gives it.

        Raises:
            CallerError: ``journal.bad-index``.
            Fault: ``tiles.malformed``.

        Source:
            RFC 6962 section 2.1.1.
        """
        if not 0 <= index < self._size:
            raise CallerError("journal.bad-index", index=index, size=self._size)
        start, end, path = 0, self._size, []
        while end - start > 1:
            middle = start + _largest_below(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return path[::-1]

    def consistency(self, old_size: int) -> list[bytes]:
        """Prove that the log begins with an older one.

        Args:
            old_size: Its size, from 0 to this one.

        Returns:
            The proof, as ``consistency_proof`` gives it.

        Raises:
            CallerError: ``journal.bad-index``.
            Fault: ``tiles.malformed``.

        Source:
            RFC 6962 section 2.1.2.
        """
        if not 0 <= old_size <= self._size:
            raise CallerError("journal.bad-index", index=old_size, size=self._size)
        if old_size in (0, self._size):
            return []
        start, end, is_whole, proof = 0, self._size, True, []
        while old_size != end:
            middle = start + _largest_below(end - start)
            if old_size <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, is_whole = middle, False
        if not is_whole:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Compute the root of a subtree; a whole one is read, one at the right edge is put together."""
        width = end - start
        if width & (width - 1) == 0:
            height = width.bit_length() - 1
            return self._node(height, start >> height)
        middle = start + _largest_below(width)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _node(self, height: int, index: int) -> bytes:
        level, above = divmod(height, _HEIGHT)
        number, place = divmod(index << above, TILE_WIDTH)
        return self._tile(level, number)[above][place >> above]

    def _tile(self, level: int, number: int) -> list[list[bytes]]:
        """Read a tile with the whole subtrees inside it, level by level; the last few are kept."""
        kept = self._kept.get((level, number))
        if kept is not None:
            self._kept.move_to_end((level, number))
            return kept
        count = self._size >> _HEIGHT * level
        width = min(TILE_WIDTH, count - number * TILE_WIDTH)
        name = tile_path(level, number, width)
        rows = [_split(_sized(self._read(name), name, width))]
        while len(rows[-1]) > 1:
            rows.append(_above(rows[-1]))
        self._kept[level, number] = rows
        if len(self._kept) > _KEPT_TILES:
            self._kept.popitem(last=False)
        return rows


def _largest_below(width: int) -> int:
    """Give the largest power of two below a width of at least two."""
    return 1 << (width - 1).bit_length() - 1


def _sized(tile: bytes, name: str, width: int) -> bytes:
    if len(tile) != width * HASH_BYTES:
        raise Fault("tiles.malformed", name=name, reason=f"it does not hold {width} hashes")
    return tile


def _split(tile: bytes) -> list[bytes]:
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def _top(hashes: list[bytes]) -> bytes:
    """Compute the root of a whole subtree."""
    while len(hashes) > 1:
        hashes = _above(hashes)
    return hashes[0]


def _above(hashes: list[bytes]) -> list[bytes]:
    """Compute the whole nodes above a row; a last one without a sibling has none."""
    digest = sha256
    pairs = zip(hashes[::2], hashes[1::2], strict=False)
    return [digest(b"\x01" + left + right).digest() for left, right in pairs]
