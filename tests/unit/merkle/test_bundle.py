"""A bundle is deterministic, complete, and refuses names and entries that its verifier could not hold."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.kernel import merkle
from hedgerow.kernel.merkle import offline_verifier
from hedgerow.model.errors import TABLE, CallerError, Fault
from hedgerow.model.errors.rows_journal import ROWS

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)


def made(entries=(b"{}",), documents=None, **more):
    return merkle.build_bundle(list(entries), KEY, "hedgerow/here", documents or {}, **more)


def verified(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return offline_verifier.main([str(folder), "--trust", merkle.fingerprint(KEY.public_key())])


def test_the_manifest_covers_every_file_but_itself_and_its_signature():
    files = made(documents={"a/b.txt": b"x"}, created="2026-01-01T00:00:00Z", extensions=["spent 1"])
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["files"]) == set(files) - {"manifest.json", "manifest.sig"}
    for name, record in manifest["files"].items():
        assert record == {"sha256": sha256(files[name]).hexdigest(), "size": len(files[name])}
    assert manifest["created"] == "2026-01-01T00:00:00Z"
    assert "spent 1" in files["checkpoint"].decode()


def test_the_same_arguments_give_the_same_bytes():
    assert made(documents={"a": b"x"}) == made(documents={"a": b"x"})


@pytest.mark.parametrize("size", [0, 1, 2, 3, 8, 9])
def test_a_log_of_any_size_verifies(tmp_path, size):
    assert verified(tmp_path, made([merkle.canonical_json({"n": at}) for at in range(size)])) == 0


def test_equal_entries_and_entries_of_any_text_verify(tmp_path):
    entries = [merkle.canonical_json({"t": text}) for text in ("é", "\u2028", "\x7f", "a\r\nb", "", "")]
    assert verified(tmp_path, made([*entries, b' {"by": 1.5e3} '])) == 0


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/../b",
        "a/./b",
        "a\\b",
        "C:a",
        ".hidden",
        "a.",
        "a b",
        "a\n",
        "\u00e9",
        "a\x00",
        "x" * 201,
        "a/b/c/d/e/f/g/h/i",
    ],
)
def test_a_name_that_could_leave_the_bundle_is_refused(name):
    with pytest.raises(CallerError) as caught:
        made(documents={name: b""})
    assert (caught.value.code, caught.value.row.exit) == ("evidence.bad-name", 2)


@pytest.mark.parametrize("names", [("a.json", "A.json"), ("a", "a/b"), ("A/x", "a")])
def test_names_that_collide_on_some_file_system_are_refused(names):
    with pytest.raises(CallerError):
        made(documents=dict.fromkeys(names, b""))


@pytest.mark.parametrize(
    "entry", [b"", b"[]", b"{}\n", b'{"a":\n1}', b"\xff", b'{"a":1,"a":2}', b'{"a":NaN}']
)
def test_an_entry_that_is_no_single_line_object_is_refused(entry):
    with pytest.raises(CallerError) as caught:
        made([b"{}", entry])
    assert (caught.value.code, caught.value.details["index"]) == ("evidence.bad-entry", 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b'{"a":1,"a":2}'),
        ("x/a.json", b"\xff"),
        ("a.note", b"x" * ((1 << 20) + 1)),
    ],
)
def test_a_document_that_the_verifier_could_not_read_is_refused(name, content):
    with pytest.raises(CallerError) as caught:
        made(documents={name: content})
    assert (caught.value.code, caught.value.row.exit) == ("evidence.bad-document", 2)


def test_a_large_document_of_another_kind_is_taken(tmp_path):
    assert verified(tmp_path, made(documents={"export": b"\xff" * ((1 << 20) + 1)})) == 0


def test_every_row_stands_in_the_table_and_integrity_exits_six():
    assert all(TABLE[row.code] is row for row in ROWS)
    assert {row.exit for row in ROWS if row.root == "fault"} == {6}
    assert {row.exit for row in ROWS if row.root == "caller"} == {2}


@pytest.mark.parametrize("size", [-1, 1, 5])
def test_a_frontier_whose_hashes_do_not_fit_its_size_is_refused(size):
    with pytest.raises(Fault):
        merkle.Frontier(size, [b"\x00" * 32] * 3)


def test_hashes_of_another_length_are_refused():
    frontier = merkle.Frontier()
    for work in (
        lambda: frontier.append(b"short"),
        lambda: merkle.root_of([b"\x00" * 32, b"short"]),
        lambda: merkle.inclusion_proof(0, [b"short"]),
        lambda: merkle.consistency_proof(0, [b"short"]),
        lambda: merkle.roots_at([0], [b"short"]),
    ):
        with pytest.raises(CallerError) as caught:
            work()
        assert caught.value.code == "journal.bad-hash"
    with pytest.raises(Fault):
        merkle.Frontier(1, [b"short"])


def test_indexes_outside_the_log_are_refused():
    leaves = merkle.leaf_hashes([b"a", b"b"])
    for work in (
        lambda: merkle.inclusion_proof(2, leaves),
        lambda: merkle.inclusion_proof(-1, leaves),
        lambda: merkle.consistency_proof(3, leaves),
        lambda: merkle.roots_at([3], leaves),
    ):
        with pytest.raises(CallerError) as caught:
            work()
        assert caught.value.code == "journal.bad-index"


def test_a_copied_frontier_goes_its_own_way_and_shows_no_hashes():
    frontier = merkle.Frontier()
    frontier.append(merkle.leaf_hash(b"a"))
    other = frontier.copy()
    other.append(merkle.leaf_hash(b"b"))
    assert (frontier.size, other.size, repr(frontier)) == (1, 2, "Frontier(size=1)")
    assert frontier != other
