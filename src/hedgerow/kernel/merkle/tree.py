"""The Merkle tree of RFC 6962: leaf and node hashes, roots and proofs over a list of leaf hashes.

A leaf hash is SHA-256 of a zero byte and the entry; a node hash is SHA-256 of a one byte and its
two children. A level of odd length passes its last node up unchanged, which gives the same root as
the recursive definition of the RFC.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry as a leaf.

    Args:
        entry: The entry, any number of bytes.

    Returns:
        32 bytes.

    Source:
        RFC 6962 section 2.1.
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two children as a node.

    Args:
        left: Hash of the left child, 32 bytes.
        right: Hash of the right child, 32 bytes.

    Returns:
        32 bytes.

    Source:
        RFC 6962 section 2.1.
    """
    return sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hash many entries.

    Args:
        entries: The entries in log order.

    Returns:
        One 32-byte leaf hash an entry, in the same order.
    """
    digest = sha256
    return [digest(b"\x00" + entry).digest() for entry in entries]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Compute the root of a tree.

    Args:
        hashes: Leaf hashes in log order, 32 bytes each; may be empty.

    Returns:
        32 bytes; for an empty tree the SHA-256 of nothing.

    Raises:
        CallerError: ``journal.bad-hash`` when a leaf hash has another length.

    Cost:
        One hash a leaf.
    """
    require_hashes(hashes)
    return _root(list(hashes))


def inclusion_proof(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Prove that a leaf stands at an index of a tree.

    Args:
        index: Place of the leaf, from 0 to ``len(hashes) - 1``.
        hashes: All leaf hashes of the tree, 32 bytes each.

    Returns:
        The audit path from the leaf up, at most 64 hashes.

    Raises:
        CallerError: ``journal.bad-index`` or ``journal.bad-hash``.

    Source:
        RFC 6962 section 2.1.1.
    """
    require_hashes(hashes)
    if not 0 <= index < len(hashes):
        raise CallerError("journal.bad-index", index=index, size=len(hashes))
    level, at, path = list(hashes), index, []
    while len(level) > 1:
        sibling = at ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, at = _parents(level), at >> 1
    return path


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf stands at an index under a root.

    Args:
        index: Claimed place of the leaf, 0 or more.
        size: Number of leaves under the root.
        leaf: Leaf hash, 32 bytes.
        proof: Audit path from the leaf up.
        root: The signed root, 32 bytes.

    Raises:
        Fault: ``journal.proof-fails`` unless the path leads from the leaf to the root.

    Source:
        RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size or not _all_hashes([leaf, root, *proof]):
        raise Fault("journal.proof-fails", kind="inclusion")
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            raise Fault("journal.proof-fails", kind="inclusion")
        if at & 1 or at == last:
            found = node_hash(step, found)
            at, last = _up_to_left_turn(at, last)
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    if last != 0 or found != root:
        raise Fault("journal.proof-fails", kind="inclusion")


def consistency_proof(old_size: int, hashes: Sequence[bytes]) -> list[bytes]:
    """Prove that a tree begins with an older tree.

    Args:
        old_size: Number of leaves of the older tree, from 0 to ``len(hashes)``.
        hashes: All leaf hashes of the newer tree, 32 bytes each.

    Returns:
        The proof; empty when the older tree is empty or the sizes are equal.

    Raises:
        CallerError: ``journal.bad-index`` or ``journal.bad-hash``.

    Source:
        RFC 6962 section 2.1.2.
    """
    require_hashes(hashes)
    if not 0 <= old_size <= len(hashes):
        raise CallerError("journal.bad-index", index=old_size, size=len(hashes))
    if old_size in (0, len(hashes)):
        return []
    start, end, wanted, is_whole, proof = 0, len(hashes), old_size, True, []
    while wanted != end - start:
        split = 1 << (end - start - 1).bit_length() - 1
        if wanted <= split:
            proof.append(_root(list(hashes[start + split : end])))
            end = start + split
        else:
            proof.append(_root(list(hashes[start : start + split])))
            start, wanted, is_whole = start + split, wanted - split, False
    if not is_whole:
        proof.append(_root(list(hashes[start:end])))
    return proof[::-1]


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a newer tree begins with an older one.

    Args:
        old_size: Number of leaves of the older tree, 0 or more.
        new_size: Number of leaves of the newer tree.
        old_root: Root of the older tree, 32 bytes.
        new_root: Root of the newer tree, 32 bytes.
        proof: What ``consistency_proof`` gave.

    Raises:
        Fault: ``journal.proof-fails`` unless the proof leads to both roots.

    Source:
        RFC 9162 section 2.1.4.2.
    """
    is_sound = _all_hashes([old_root, new_root, *proof]) and 0 <= old_size <= new_size
    if is_sound and old_size in (0, new_size):
        expected = EMPTY_ROOT if old_size == 0 else new_root
        is_sound = not proof and old_root == expected
    elif is_sound:
        is_sound = _climb(old_size, new_size, proof, old_root) == (old_root, new_root)
    if not is_sound:
        raise Fault("journal.proof-fails", kind="consistency")


def require_hashes(hashes: Sequence[bytes]) -> None:
    """Refuse a list that holds anything but 32-byte hashes.

    Args:
        hashes: Leaf hashes.

    Raises:
        CallerError: ``journal.bad-hash`` with the index of the first bad one.
    """
    if not _all_hashes(hashes):
        bad = next(at for at, item in enumerate(hashes) if len(item) != HASH_BYTES)
        raise CallerError("journal.bad-hash", index=bad)


def _all_hashes(hashes: Iterable[bytes]) -> bool:
    return all(len(item) == HASH_BYTES for item in hashes)


def _root(level: list[bytes]) -> bytes:
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def _parents(level: list[bytes]) -> list[bytes]:
    digest = sha256
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [digest(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _up_to_left_turn(at: int, last: int) -> tuple[int, int]:
    # A node passed up unchanged has no sibling: skip the levels where that happened.
    while at & 1 == 0 and at != 0:
        at, last = at >> 1, last >> 1
    return at, last


def _climb(
    old_size: int, new_size: int, proof: Sequence[bytes], old_root: bytes
) -> tuple[bytes, bytes] | None:
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path or not proof:
        return None
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for step in path[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            at, last = _up_to_left_turn(at, last)
        else:
            new = node_hash(new, step)
        at, last = at >> 1, last >> 1
    return (old, new) if last == 0 else None
