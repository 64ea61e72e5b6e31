"""The log agrees with a naive reading of RFC 6962 for every size up to 70, and no wrong proof passes."""

from __future__ import annotations

import contextlib
import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel import merkle
from hedgerow.kernel.merkle import offline_verifier
from hedgerow.model.errors import CallerError, Fault

MOST = 70
LEAVES = merkle.leaf_hashes(b"entry %d" % at for at in range(MOST))
SIZES = st.integers(0, MOST)


def split_of(size):
    split = 1
    while split * 2 < size:
        split *= 2
    return split


def naive_root(leaves):
    """MTH of RFC 6962 section 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = split_of(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def naive_path(index, leaves):
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    split = split_of(len(leaves))
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_proof(old, leaves, *, is_whole=True):
    """SUBPROOF of section 2.1.2."""
    if old == len(leaves):
        return [] if is_whole else [naive_root(leaves)]
    split = split_of(len(leaves))
    if old <= split:
        return [*naive_proof(old, leaves[:split], is_whole=is_whole), naive_root(leaves[split:])]
    return [*naive_proof(old - split, leaves[split:], is_whole=False), naive_root(leaves[:split])]


ROOTS = [naive_root(LEAVES[:size]) for size in range(MOST + 1)]


def test_roots_frontiers_and_the_verifier_agree_at_every_size():
    frontier = merkle.Frontier()
    for size in range(MOST + 1):
        assert merkle.root_of(LEAVES[:size]) == frontier.root() == ROOTS[size]
        assert merkle.Frontier.from_bytes(frontier.to_bytes()) == frontier
        if size < MOST:
            frontier.append(LEAVES[size])
    sizes = set(range(MOST + 1))
    assert merkle.roots_at(sizes, LEAVES) == dict(enumerate(ROOTS))
    assert offline_verifier.roots(LEAVES, sizes) == dict(enumerate(ROOTS))


def test_inclusion_proofs_are_the_naive_ones_and_verify_at_every_index():
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, LEAVES[:size])
            assert proof == naive_path(index, LEAVES[:size])
            merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


def test_consistency_proofs_are_the_naive_ones_and_verify_at_every_pair():
    for size in range(1, MOST + 1):
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, LEAVES[:size])
            assert proof == naive_proof(old, LEAVES[:size])
            merkle.verify_consistency(old, size, ROOTS[old], ROOTS[size], proof)


def spoilt(draw, proof):
    """Draw a proof that differs from a right one: a flipped bit, a step too many, few or moved."""
    kind = draw(st.sampled_from(["flip", "more", "fewer", "swap"]))
    proof = list(proof)
    if kind == "more" or not proof:
        proof.insert(draw(st.integers(0, len(proof))), draw(st.sampled_from(LEAVES)))
    elif kind == "fewer":
        del proof[draw(st.integers(0, len(proof) - 1))]
    elif kind == "swap" and len(proof) > 1:
        proof[0], proof[-1] = proof[-1], proof[0]
    else:
        at, bit = draw(st.integers(0, len(proof) - 1)), draw(st.integers(0, 255))
        proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
    return proof


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_spoilt_inclusion_proof_passes(data):
    size = data.draw(st.integers(1, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = spoilt(data.draw, merkle.inclusion_proof(index, LEAVES[:size]))
    with pytest.raises(Fault):
        merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_right_inclusion_proof_passes_for_another_claim(data):
    size = data.draw(st.integers(2, MOST))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, LEAVES[:size])
    other = data.draw(st.integers(0, size - 1).filter(lambda at: at != index))
    for claim in [(other, size, LEAVES[index]), (index, size, LEAVES[other]), (-1, size, LEAVES[index])]:
        with pytest.raises(Fault):
            merkle.verify_inclusion(*claim, proof, ROOTS[size])
    with pytest.raises(Fault):
        merkle.verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size - 1])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_spoilt_consistency_proof_and_no_other_root_passes(data):
    new = data.draw(st.integers(1, MOST))
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, LEAVES[:new])
    with pytest.raises(Fault):
        merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new], spoilt(data.draw, proof))
    with pytest.raises(Fault):
        merkle.verify_consistency(old, new, ROOTS[old - 1], ROOTS[new], proof)
    with pytest.raises(Fault):
        merkle.verify_consistency(old, new, ROOTS[old], ROOTS[new - 1], proof)


@settings(max_examples=50, deadline=None)
@given(SIZES, SIZES)
def test_a_frontier_continues_after_a_round_trip(first, second):
    first, second = sorted((first, second))
    frontier = merkle.Frontier()
    frontier.extend(LEAVES[:first])
    again = merkle.Frontier.from_bytes(frontier.to_bytes())
    again.extend(LEAVES[first:second])
    assert (again.size, again.root()) == (second, ROOTS[second])
    assert frontier.size == first


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=120))
def test_odd_bytes_never_become_a_frontier(stored):
    for attempt in (stored, b"hgf1" + stored):
        with contextlib.suppress(Fault):
            assert merkle.Frontier.from_bytes(attempt).to_bytes() == attempt


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(RECORDS)
def test_canonical_json_is_one_line_that_reads_back_to_itself(record):
    written = merkle.canonical_json(record)
    assert b"\n" not in written
    assert merkle.strict_json(written) == record
    assert merkle.canonical_json(merkle.strict_json(written)) == written
    assert offline_verifier.canonical(json.loads(written)) == written


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=300))
def test_odd_text_is_never_a_checkpoint_and_never_a_crash(text):
    for read in (merkle.parse_checkpoint, merkle.VerifierKey.from_text):
        with pytest.raises(CallerError):
            read(text)
    with pytest.raises(CallerError):
        merkle.head_from_json(text.encode("utf-8", "surrogatepass"))


def test_no_right_proof_passes_for_a_log_claimed_longer_than_it_is():
    for size in (1, 2, 4, 8, 64):
        proof = merkle.inclusion_proof(0, LEAVES[:size])
        with pytest.raises(Fault):
            merkle.verify_inclusion(0, size * 2, LEAVES[0], proof, ROOTS[size])
    for old, new in ((1, 2), (1, 4), (2, 4), (3, 4), (4, 8), (6, 8), (32, 64)):
        proof = merkle.consistency_proof(old, LEAVES[:new])
        with pytest.raises(Fault):
            merkle.verify_consistency(old, new * 2, ROOTS[old], ROOTS[new], proof)
