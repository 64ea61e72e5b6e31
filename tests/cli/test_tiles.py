"""The journal as a folder of tiles: what an auditor fetches is enough for the root, and it grows."""

from __future__ import annotations

import base64
import os
import shutil
import struct
from hashlib import sha256

import pytest
from tests.program import Program

DECLARE = ("--why", "w", "--owner", "owner", "--until", "2099-01-01")


@pytest.fixture
def space(tmp_path):
    made = Program(tmp_path / "space")
    assert made.call("init", made.space, "--no-passphrase").code == 0
    return made


def root_of(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root_of(leaves[:k]) + root_of(leaves[k:])).digest()


def fetched(out):
    """Take the checkpoint, and the leaves that the bundles and the tile say, with nothing of the product."""
    _, size, root = (out / "checkpoint").read_text().split("\n")[:3]
    bundle, at, entries = (out / f"tile/entries/000.p/{size}").read_bytes(), 0, []
    while at < len(bundle):
        (length,) = struct.unpack_from(">H", bundle, at)
        entries.append(bundle[at + 2 : at + 2 + length])
        at += 2 + length
    leaves = [sha256(b"\x00" + entry).digest() for entry in entries]
    assert b"".join(leaves) == (out / f"tile/0/000.p/{size}").read_bytes()
    return int(size), base64.b64decode(root), leaves


def test_the_tiles_lead_to_the_signed_root_and_grow(space, tmp_path):
    out = tmp_path / "log"
    first = space.call("journal", "tiles", "--out", out, "--json").json
    assert (first["entries"], first["new"], first["files"]) == (2, 2, 2)
    assert space.call("purpose", "add", "research", *DECLARE).code == 0
    again = space.call("journal", "tiles", "--out", out, "--json").json
    assert (again["entries"], again["new"]) == (4, 2)
    size, root, leaves = fetched(out)
    assert (size, root) == (4, root_of(leaves))
    assert (out / "tile/0/000.p/2").exists(), "a partial tile of an older checkpoint stays until the full one"
    shutil.rmtree(out / "tile")
    assert space.call("journal", "tiles", "--out", out).code == 0, "below a full tile all is made anew"
    assert fetched(out)[0] == 5


def test_a_folder_of_something_else_or_of_another_log_is_left_alone(space, tmp_path):
    out = tmp_path / "log"
    out.mkdir()
    (out / "mine").write_text("mine")
    assert space.call("journal", "tiles", "--out", out).error == "out.exists"
    other = Program(tmp_path / "other")
    assert other.call("init", other.space, "--no-passphrase").code == 0
    assert other.call("journal", "tiles", "--out", tmp_path / "theirs").code == 0
    done = space.call("journal", "tiles", "--out", tmp_path / "theirs")
    assert (done.code, done.error) == (6, "tiles.differ")
    (out / "mine").unlink()
    out.rmdir()
    out.symlink_to(tmp_path / "theirs")
    assert space.call("journal", "tiles", "--out", out).error == "out.exists"


def test_no_link_in_the_folder_is_followed_and_every_level_is_the_owners(space, tmp_path):
    out, precious = tmp_path / "log", tmp_path / "precious"
    precious.write_text("precious")
    before = os.umask(0)
    try:
        assert space.call("journal", "tiles", "--out", out).code == 0
    finally:
        os.umask(before)
    assert {each.stat().st_mode & 0o077 for each in [out, *out.rglob("*")]} == {0}
    partial = out / "tile/entries/000.p"
    for name in (f".{n}.new" for n in range(9)):
        (partial / name).symlink_to(precious)
    (partial / "4").symlink_to(precious)
    assert space.call("purpose", "add", "research", *DECLARE).code == 0
    assert space.call("journal", "tiles", "--out", out).code == 0
    assert precious.read_text() == "precious"
    assert fetched(out)[0] == 4
    shutil.move(out / "tile/entries", tmp_path / "entries")
    (out / "tile/entries").symlink_to(tmp_path / "entries")
    assert space.call("purpose", "add", "care", *DECLARE).code == 0
    assert space.call("journal", "tiles", "--out", out).error == "out.unwritable"
