"""No change to an evidence bundle passes its verifier, and the first bad entry is named.

The real verifier out of the bundle runs as a process of its own; sweeps over many bytes call the same
file in this process. The untouched bundle passes (positive control), so that a failure means the change.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hedgerow.kernel import merkle
from hedgerow.kernel.merkle import offline_verifier

ORIGIN = "hedgerow/attacked"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
THIEF = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
TRUSTED = merkle.fingerprint(KEY.public_key())
ENTRIES = [merkle.canonical_json({"act": act, "n": at}) for at, act in enumerate("abcdefg")]
LEAVES = merkle.leaf_hashes(ENTRIES)
SIZE = len(ENTRIES)
INTEGRITY = 6


def saved_head(size, key=KEY):
    note = merkle.sign_checkpoint(ORIGIN, size, merkle.root_of(LEAVES[:size]), key)
    return merkle.head_to_json(note, key.public_key(), "2026-01-01T00:00:00Z")


def receipt(index, key=KEY):
    leaf = base64.b64encode(LEAVES[index]).decode()
    record = {
        "entry_index": index,
        "leaf_hash": leaf,
        "fingerprint": merkle.fingerprint(key.public_key()),
        "checkpoint": merkle.sign_checkpoint(ORIGIN, index + 1, merkle.root_of(LEAVES[: index + 1]), key),
    }
    return merkle.sign_document(record, ORIGIN, key)


def documents(key=KEY):
    return {
        "heads/old.json": saved_head(4, key),
        "receipts/r2.json": receipt(2, key),
        "head.note": merkle.sign_checkpoint(ORIGIN, 3, merkle.root_of(LEAVES[:3]), key).encode(),
        "certificate.note": merkle.sign_note('{"kind":"erasure"}\n', ORIGIN, key).encode(),
        "page.txt": b"plain words\n",
    }


def bundle_of(entries=ENTRIES, key=KEY, given=None):
    return merkle.build_bundle(entries, key, ORIGIN, documents(key) if given is None else given)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def run(folder, *options):
    """Run the bundle's own verifier as a person would."""
    command = [sys.executable, str(folder / "verify.py"), str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def found(folder, capsys):
    """Run the same verifier in this process and give its result."""
    code = offline_verifier.main([str(folder), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert result["exit"] == code
    return result


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "bundle", bundle_of())


def jsonl(entries):
    return b"".join(entry + b"\n" for entry in entries)


def tampered():
    """Every entry altered, dropped, moved, doubled; the log cut and grown at every place."""
    other = b'{"act":"forged","n":0}'
    for at in range(SIZE):
        before, after = ENTRIES[:at], ENTRIES[at + 1 :]
        yield f"alter-{at}", [*before, other, *after], at
        yield f"drop-{at}", [*before, *after], at
        yield f"truncate-{at}", before, at
        yield f"insert-{at}", [*before, other, *ENTRIES[at:]], at
        if after:
            yield f"swap-{at}", [*before, after[0], ENTRIES[at], *after[1:]], at
    yield f"append-{SIZE}", [*ENTRIES, other], SIZE
    yield "double-last", [*ENTRIES, ENTRIES[-1]], SIZE
    yield "reverse", ENTRIES[::-1], 0


CASES = list(tampered())


def test_the_untouched_bundle_is_consistent_and_proves_its_origin_only_when_asked(folder):
    plain, trusted = run(folder), run(folder, "--trust", TRUSTED)
    assert (plain.returncode, plain.stdout.splitlines()[-1]) == (0, "consistent, origin not proven")
    assert trusted.returncode == 0
    assert trusted.stdout.splitlines()[-1] == "verified: consistent and from the trusted key"
    assert "BAD" not in plain.stdout
    assert "7 entries, 3 older heads, 1 named by documents" in plain.stdout
    result = json.loads(run(folder, "--json", "--trust", TRUSTED).stdout)
    assert (result["origin_proven"], result["size"], result["problems"]) == (True, SIZE, [])


@pytest.mark.parametrize(("entries", "index"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_tampering_with_entries_is_caught_and_its_first_index_named(folder, entries, index):
    (folder / "entries.jsonl").write_bytes(jsonl(entries))
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert f"first bad index: {index}" in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "NOT VERIFIED"


@pytest.mark.parametrize(("entries", "index"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_index_is_named_even_when_the_manifest_was_rewritten_too(folder, capsys, entries, index):
    forged = bundle_of(entries, THIEF, {})
    for name in ("entries.jsonl", "manifest.json"):
        (folder / name).write_bytes(forged[name])
    result = found(folder, capsys)
    assert (result["exit"], result["first_bad_index"]) == (INTEGRITY, index)


def test_entries_and_leaf_hashes_altered_together_are_narrowed_by_older_heads(folder, capsys):
    entries = [*ENTRIES[:5], b'{"act":"forged"}', ENTRIES[6]]
    forged = bundle_of(entries, THIEF, {})
    for name in ("entries.jsonl", "leaves.bin", "manifest.json"):
        (folder / name).write_bytes(forged[name])
    result = found(folder, capsys)
    assert (result["exit"], result["first_bad_index"], result["first_bad_range"]) == (INTEGRITY, None, [4, 6])


def test_every_bit_flipped_in_a_file_is_caught(folder, capsys):
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(names) == 13
    for name in names:
        content = (folder / name).read_bytes()
        steps = max(1, len(content) // 40)
        for at in [*range(0, len(content), steps), len(content) - 1]:
            changed = bytearray(content)
            changed[at] ^= 1 << at % 8
            (folder / name).write_bytes(bytes(changed))
            assert found(folder, capsys)["exit"] == INTEGRITY, (name, at)
        (folder / name).write_bytes(content)
    assert found(folder, capsys)["exit"] == 0


def test_every_byte_of_the_entries_names_its_own_entry(folder, capsys):
    content = jsonl(ENTRIES)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        (folder / "entries.jsonl").write_bytes(bytes(changed))
        result = found(folder, capsys)
        assert (result["exit"], result["first_bad_index"]) == (INTEGRITY, content[:at].count(b"\n")), at


def test_every_cut_of_the_entries_names_the_first_entry_that_is_not_whole(folder, capsys):
    content = jsonl(ENTRIES)
    for at in range(len(content)):
        (folder / "entries.jsonl").write_bytes(content[:at])
        result = found(folder, capsys)
        assert (result["exit"], result["first_bad_index"]) == (INTEGRITY, content[:at].count(b"\n")), at


def test_every_file_missing_is_caught(folder, capsys):
    for path in [path for path in sorted(folder.rglob("*")) if path.is_file()]:
        content = path.read_bytes()
        path.unlink()
        result = found(folder, capsys)
        assert result["exit"] == INTEGRITY, path
        assert any(path.name in problem for problem in result["problems"]), path
        path.write_bytes(content)
    assert found(folder, capsys)["exit"] == 0


@pytest.mark.parametrize(
    "name", ["extra.txt", "documents/more.json", ".hidden", "json.py", "__pycache__/x.pyc"]
)
def test_an_extra_file_is_caught(folder, name):
    write(folder, {name: b"{}"})
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert name in done.stdout


def test_a_bundle_signed_again_with_another_key_passes_without_trust_only(tmp_path):
    forged = write(tmp_path, bundle_of([*ENTRIES[:3], b'{"act":"forged"}'], THIEF, {}))
    plain, trusted = run(forged), run(forged, "--trust", TRUSTED)
    assert (plain.returncode, plain.stdout.splitlines()[-1]) == (0, "consistent, origin not proven")
    assert trusted.returncode == INTEGRITY
    assert "not the trusted" in trusted.stdout


@pytest.mark.parametrize("name", ["checkpoint", "manifest.sig", "key.json"])
def test_a_single_signed_file_of_another_key_is_caught(folder, name):
    (folder / name).write_bytes(bundle_of(key=THIEF)[name])
    for options in ([], ["--trust", TRUSTED]):
        assert run(folder, *options).returncode == INTEGRITY


@pytest.mark.parametrize("name", ["checkpoint", "manifest.sig", "documents/head.note"])
def test_a_note_without_its_signature_is_caught(folder, name):
    text = (folder / name).read_text(encoding="utf-8").rpartition("\N{EM DASH}")[0]
    (folder / name).write_text(text, encoding="utf-8")
    assert run(folder).returncode == INTEGRITY


def test_a_manifest_signature_of_another_bundle_of_the_same_key_is_caught(folder):
    (folder / "manifest.sig").write_bytes(bundle_of(ENTRIES[:4], given={})["manifest.sig"])
    assert run(folder).returncode == INTEGRITY


def test_an_older_checkpoint_put_in_place_of_the_newest_is_caught(folder):
    older = bundle_of(ENTRIES[:4], given={})
    for name in ("checkpoint", "entries.jsonl", "leaves.bin"):
        (folder / name).write_bytes(older[name])
        assert run(folder).returncode == INTEGRITY, name
    assert "first bad index: 4" in run(folder).stdout
    (folder / "manifest.json").write_bytes(older["manifest.json"])
    (folder / "manifest.sig").write_bytes(older["manifest.sig"])
    write(folder, {"documents/new.json": saved_head(6)})
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert "first bad index: 4" in done.stdout


def signed_lies():
    """Bundles whose owner signs them properly, though a document in them contradicts the journal."""
    leaf = base64.b64encode(LEAVES[1]).decode()
    fork = merkle.sign_checkpoint(ORIGIN, 4, merkle.root_of(LEAVES[1:5]), KEY)
    longer = merkle.sign_checkpoint(ORIGIN, 9, merkle.root_of([*LEAVES, *LEAVES[:2]]), KEY)
    foreign = merkle.sign_checkpoint("hedgerow/other", 4, merkle.root_of(LEAVES[:4]), KEY)
    head = json.loads(saved_head(4))
    yield "receipt of another entry", "r.json", {"entry_index": 2, "leaf_hash": leaf}
    yield "receipt past the end", "r.json", {"entry_index": 70, "leaf_hash": leaf}
    yield "receipt with half a claim", "r.json", {"entry_index": 1}
    yield "receipt with a true as index", "r.json", {"entry_index": True, "leaf_hash": leaf}
    yield "head of a fork", "h.json", {"checkpoint": fork}
    yield "head of a longer log", "h.json", {"checkpoint": longer}
    yield "head of another log", "h.json", {"checkpoint": foreign}
    yield "head file that contradicts its note", "h.json", {**head, "size": 3}
    yield "head by another key", "h.json", json.loads(saved_head(4, THIEF))
    yield "checkpoint that is no text", "h.json", {"checkpoint": 7}
    yield "another fingerprint", "r.json", {"fingerprint": "SHA256:other"}
    yield "a record not over its note", "c.json", {**json.loads(receipt(1)), "entry_index": 1, "more": 1}
    yield "a receipt by another key", "c.json", json.loads(receipt(1, THIEF))


LIES = list(signed_lies())


@pytest.mark.parametrize(("name", "record"), [lie[1:] for lie in LIES], ids=[lie[0] for lie in LIES])
def test_a_document_that_contradicts_the_journal_is_caught(tmp_path, name, record):
    done = run(write(tmp_path, bundle_of(given={name: json.dumps(record).encode()})))
    assert done.returncode == INTEGRITY
    assert f"documents/{name}" in done.stdout


def test_a_link_is_caught_and_not_followed(folder, tmp_path):
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes((folder / "entries.jsonl").read_bytes())
    (folder / "entries.jsonl").unlink()
    (folder / "entries.jsonl").symlink_to(outside)
    (folder / "documents" / "loop").symlink_to(folder, target_is_directory=True)
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert done.stdout.count("is a link or a device") == 2


def test_a_pipe_does_not_hang_it(folder):
    (folder / "checkpoint").unlink()
    os.mkfifo(folder / "checkpoint")
    assert run(folder).returncode == INTEGRITY


def test_a_huge_file_is_not_read(folder):
    for name in ("key.json", "entries.jsonl"):
        os.truncate(folder / name, 9 << 30)
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert "too large" in done.stdout


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"7",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"format":1,"format":2}',
        b'{"files":NaN}',
        b'{"format":"hedgerow/evidence/v1","origin":"hedgerow/attacked","files":{"../../etc/passwd":{}}}',
        b'{"format":"hedgerow/evidence/v1","origin":"hedgerow/attacked","files":{"verify.py":7,"README.txt":[]}}',
        b'{"format":"hedgerow/key/v1","algorithm":"Ed25519","origin":7,"public_key":[]}',
        b'{"format":"hedgerow/key/v1","algorithm":"Ed25519","origin":"\\u001b[2J","public_key":"'
        + b"A" * 43
        + b'="}',
        b'{"size":' + b"9" * 5000 + b"}",
        b'"\\ud800"',
    ],
)
def test_odd_content_gives_clear_lines_and_no_traceback(folder, capsys, content):
    for name in (
        "manifest.json",
        "key.json",
        "checkpoint",
        "documents/page.json",
        "entries.jsonl",
        "leaves.bin",
    ):
        path = folder / name
        before = path.read_bytes() if path.exists() else None
        path.write_bytes(content)
        result = found(folder, capsys)
        assert result["exit"] == INTEGRITY
        assert result["problems"]
        assert all(problem.isascii() and problem.isprintable() for problem in result["problems"])
        path.unlink() if before is None else path.write_bytes(before)


def test_odd_names_are_printed_harmlessly(folder):
    (folder / "documents" / "a\x1b[2J\nok").write_bytes(b"")
    (folder / os.fsdecode(b"\xff\xfe")).write_bytes(b"")
    done = run(folder)
    assert done.returncode == INTEGRITY
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()


def test_modules_in_the_bundle_are_never_imported(folder, tmp_path):
    mark = tmp_path / "executed"
    code = f"open({str(mark)!r}, 'w').close()\n".encode()
    write(
        folder,
        {f"{name}.py": code for name in ("json", "hashlib", "cryptography", "argparse", "sitecustomize")},
    )
    assert run(folder).returncode == INTEGRITY
    inside = subprocess.run([sys.executable, "verify.py", "."], cwd=folder, capture_output=True, check=False)
    assert inside.returncode == INTEGRITY
    assert not mark.exists()


@pytest.mark.parametrize("options", [[], ["/nowhere/at/all"], ["--trust"], ["--what"], [".", "--trust", " "]])
def test_wrong_usage_is_one_line_and_exit_two(folder, options):
    command = [sys.executable, str(folder / "verify.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)


def test_an_empty_folder_is_no_bundle(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert offline_verifier.main([str(empty)]) == INTEGRITY


def test_the_verifier_imports_nothing_of_the_project():
    source = merkle.verifier_source().decode()
    imported = {
        line.split()[1] for line in source.splitlines() if line.lstrip().startswith(("import ", "from "))
    }
    assert not [name for name in imported if name.split(".")[0] == "hedgerow"]
    assert sha256(bundle_of()["verify.py"]).digest() == sha256(source.encode()).digest()
