"""Proves the tiles: paths and widths of the C2SP specification, its bytes by an independent decoder, proofs.

The examples are those of C2SP tlog-tiles ("Merkle Tree", "Partial Tiles"); the roots and proofs are held
against RFC 6962 computed from the definition, and the published vectors of specs/vectors.
"""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hashes,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from hedgerow.kernel.merkle.tiles import (
    TileBuilder,
    TileProofs,
    bundle_path,
    partial_paths,
    tile_path,
    unpack_bundle,
)
from hedgerow.model.errors import CallerError, Fault

VECTORS = Path(__file__).parents[3] / "specs" / "vectors" / "journal-rfc6962.json"


def entries_of(size):
    return [b"entry %d" % at for at in range(size)]


def built(size, *steps):
    """Build tiles in steps, each resumed from the files alone."""
    files, at = {}, 0
    for end in (*steps, size):
        builder = TileBuilder(at, files.__getitem__)
        for entry in entries_of(end)[builder.size :]:
            files.update(builder.add(entry))
        files.update(builder.partial())
        at = end
    return files, builder


def mth(leaves):
    """RFC 6962, 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


@pytest.mark.parametrize(
    ("index", "width", "name"),
    [
        (0, 256, "000"),
        (67, 256, "067"),
        (1067, 256, "x001/067"),
        (1234067, 256, "x001/x234/067"),  # the example of the specification
        (999, 1, "999.p/1"),
        (1000, 255, "x001/000.p/255"),
        (273, 112, "273.p/112"),
    ],
)
def test_paths_are_those_of_the_specification(index, width, name):
    assert tile_path(0, index, width) == f"tile/0/{name}"
    assert tile_path(63, index, width) == f"tile/63/{name}"
    assert bundle_path(index, width) == f"tile/entries/{name}"


@pytest.mark.parametrize(("index", "width"), [(-1, 256), (0, 0), (0, 257)])
def test_what_is_no_tile_has_no_path(index, width):
    with pytest.raises(CallerError):
        tile_path(0, index, width)


def test_seventy_thousand_entries_are_the_tiles_the_specification_counts():
    names = set(built(70_000)[0])
    hashes = {name for name in names if "entries" not in name}
    full = {tile_path(0, n) for n in range(273)} | {tile_path(1, 0)}
    assert hashes == full | {tile_path(0, 273, 112), tile_path(1, 1, 17), tile_path(2, 0, 1)}
    assert names - hashes == {bundle_path(n) for n in range(273)} | {bundle_path(273, 112)}
    assert partial_paths(70_000) == {
        "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"
    }  # fmt: skip


def test_a_size_of_256_is_a_full_tile_and_one_hash_above():
    hashes = {name for name in built(256)[0] if "entries" not in name}
    assert hashes == {"tile/0/000", "tile/1/000.p/1"}


def test_each_tile_holds_what_the_definition_says_and_each_bundle_decodes():
    size = 600
    files, entries = built(size)[0], entries_of(size)
    found = 0
    for level, span in ((0, 1), (1, 256)):
        for n in range(3):
            count = min(256, size // span - 256 * n)
            if count <= 0:
                continue
            tile = files[tile_path(level, n, count)]
            at = [(n * 256 + i) * span for i in range(count)]
            assert tile == b"".join(mth(entries[start : start + span]) for start in at)
            found += 1
    for n, width in ((0, 256), (1, 256), (2, 88)):
        bundle, place, read = files[bundle_path(n, width)], 0, []
        while place < len(bundle):
            (length,) = struct.unpack_from(">H", bundle, place)
            read.append(bundle[place + 2 : place + 2 + length])
            place += 2 + length
        assert read == entries[n * 256 : n * 256 + width] == unpack_bundle(bundle)
        found += 1
    assert found == len(files)


def test_the_published_vectors_of_rfc_6962_come_out_of_tiles():
    vectors = json.loads(VECTORS.read_text())
    leaves = [bytes.fromhex(leaf) for leaf in vectors["leaves"]]
    files, builder = {}, TileBuilder()
    for size, leaf in enumerate(leaves, 1):
        files.update(builder.add(leaf))
        files.update(builder.partial())
        assert builder.root().hex() == TileProofs(size, files.__getitem__).root().hex()
        assert builder.root().hex() == vectors["roots"][size]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 1500), min_size=1, max_size=4), st.data())
def test_built_in_any_steps_the_files_are_the_same_and_every_proof_is_that_of_the_list(sizes, draw):
    *steps, size = sorted(sizes)
    files, builder = built(size, *steps)
    whole, _ = built(size)
    assert {name: files[name] for name in whole} == whole
    hashes = leaf_hashes(entries_of(size))
    assert builder.root() == root_of(hashes)
    proofs = TileProofs(size, whole.__getitem__)
    assert proofs.root() == root_of(hashes)
    index, old = draw.draw(st.integers(0, size - 1)), draw.draw(st.integers(0, size))
    assert proofs.inclusion(index) == inclusion_proof(index, hashes)
    verify_inclusion(index, size, hashes[index], proofs.inclusion(index), root_of(hashes))
    assert proofs.consistency(old) == consistency_proof(old, hashes)
    verify_consistency(old, size, root_of(hashes[:old]), root_of(hashes), proofs.consistency(old))


def test_what_is_no_tile_is_no_ground_for_a_proof():
    files, _ = built(300)
    for bad in (b"", files["tile/0/000"][:-1], files["tile/0/000"] + b"x"):
        with pytest.raises(Fault, match="tile/0/000"):
            TileProofs(300, (files | {"tile/0/000": bad}).__getitem__).inclusion(5)
    with pytest.raises(CallerError):
        TileProofs(300, files.__getitem__).inclusion(300)
    with pytest.raises(CallerError):
        TileProofs(300, files.__getitem__).consistency(301)


def test_building_goes_on_only_from_tiles_of_the_right_width():
    files, _ = built(600)
    with pytest.raises(Fault):
        TileBuilder(600, (files | {"tile/1/000.p/2": b""}).__getitem__)
    with pytest.raises(Fault):
        TileBuilder(600)


def test_an_entry_too_long_for_a_bundle_leaves_out_that_bundle_alone():
    builder, files = TileBuilder(), {}
    for entry in [b"x" * 70_000, *entries_of(300)]:
        files.update(builder.add(entry))
    files.update(builder.partial())
    assert builder.left_out == (0,)
    assert {name for name in files if "entries" in name} == {"tile/entries/001.p/45"}
    assert TileProofs(301, files.__getitem__).root() == builder.root()
