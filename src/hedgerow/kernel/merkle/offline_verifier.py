"""Check an evidence bundle offline: python verify.py DIR [--trust FINGERPRINT] [--witness KEY] [--json].

One file, the standard library and the package "cryptography"; nothing of Hedgerow is imported and
nothing in the bundle is executed. It is written apart from the code that makes bundles, so that a
mistake there is not repeated here.

Exit codes: 0 the bundle is consistent (with --trust: and from that key), 6 it is not, 2 wrong usage.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):
    # The bundle's own folder stands first on the path: nothing may be imported from there.
    sys.path.pop(0)

import base64
import json
import os
import re
import stat
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.stderr.write('the Python package "cryptography" is needed: pip install cryptography\n')
    raise SystemExit(2) from None

# In a bundle the text of these files stands here.
from hedgerow.kernel.merkle.offline_approvals import Approvals
from hedgerow.kernel.merkle.offline_cosignatures import Cosignatures, Parser, unbase64, witness_key

CONSISTENT, VERIFIED = "consistent, origin not proven", "verified: consistent and from the trusted key"
SIGNED_APART = ("manifest.json", "manifest.sig")
FIXED = ("README.txt", "checkpoint", "entries.jsonl", "key.json", "leaves.bin", "verify.py", *SIGNED_APART)
MANIFEST_LINE = "hedgerow/evidence-manifest/v1"
BUNDLE_FORMAT, KEY_FORMAT, HEAD_FORMAT = "hedgerow/evidence/v1", "hedgerow/key/v1", "hedgerow/head/v1"
OK, USAGE, INTEGRITY, HASH_BYTES, ID_BYTES = 0, 2, 6, 32, 4
MAX_FILES, MAX_NAME = 100_000, 255
MAX_FILE_BYTES, MAX_PARSED_BYTES, MAX_NOTE_BYTES = 8 << 30, 64 << 20, 1 << 20
MAX_ENTRIES, MAX_LINE_BYTES, MAX_SIGNATURES = 20_000_000, (16 << 20) + 1, 100
MAX_KEPT, MAX_PROBLEMS, MAX_SHOWN, MAX_ORIGIN = 1000, 40, 120, 200
UNREADABLE = (AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
SAFE_PART = re.compile(r"[A-Za-z0-9_-](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?")
DASH = "\N{EM DASH} "


class Bad(Exception):
    """Something that is not as it must be."""


def shown(value: str) -> str:
    """Make a text from the bundle safe to print: one line, ASCII, short."""
    text = json.dumps(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."


class Bundle:
    """The regular files of a folder, opened only after looking and never through a link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, int] = {}
        self.strange: list[str] = []

    def walk(self, prefix: str = "") -> None:
        """Find what lies in the folder."""
        with os.scandir(self.folder / prefix) as found:
            for entry in found:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    self.walk(name + "/")
                elif entry.is_file(follow_symlinks=False):
                    self.files[name] = entry.stat(follow_symlinks=False).st_size
                else:
                    self.strange.append(name)
                if len(self.files) + len(self.strange) > MAX_FILES:
                    raise Bad("there are too many files")

    def open(self, name: str, limit: int) -> BinaryIO:
        """Open a regular file of the bundle that is not longer than the limit."""
        if name not in self.files:
            raise Bad(f"{name} is missing")
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            handle = os.open(self.folder / name, flags | getattr(os, "O_NONBLOCK", 0))
        except OSError:
            raise Bad(f"{shown(name)} cannot be opened") from None
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_size > limit:
            os.close(handle)
            raise Bad(f"{shown(name)} is longer than {limit} bytes: too long to check")
        return os.fdopen(handle, "rb")

    def read(self, name: str, limit: int) -> bytes:
        """Read a whole file of at most limit bytes."""
        with self.open(name, limit) as stream:
            return stream.read(limit)

    def digest(self, name: str) -> tuple[int, str]:
        """Size and SHA-256 of a file."""
        state, size = sha256(), 0
        with self.open(name, MAX_FILE_BYTES) as stream:
            for piece in iter(lambda: stream.read(1 << 20), b""):
                state.update(piece)
                size += len(piece)
        return size, state.hexdigest()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Bad("a name stands twice in one object")
    return members


def _constant(_name: str) -> NoReturn:
    raise Bad("NaN and infinities are not JSON")


STRICT = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)


def strict_json(content: bytes) -> object:
    """Read JSON that has one reading only."""
    try:
        return STRICT.decode(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Bad("not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise Bad("not JSON that can be read") from None


def canonical(value: object) -> bytes:
    """One line, sorted names, no blanks, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def roots(leaves: Sequence[bytes], sizes: set[int]) -> dict[int, bytes]:
    """The RFC 6962 roots of a log at several sizes, in one pass; sizes past the end are left out."""
    peaks: list[tuple[int, bytes]] = []
    found = {0: sha256(b"").digest()} if 0 in sizes else {}
    for size, leaf in enumerate(leaves, 1):
        top, height = leaf, 0
        while peaks and peaks[-1][0] == height:
            top, height = sha256(b"\x01" + peaks.pop()[1] + top).digest(), height + 1
        peaks.append((height, top))
        if size in sizes:
            for _, peak in reversed(peaks[:-1]):
                top = sha256(b"\x01" + peak + top).digest()
            found[size] = top
    return found


class Key:
    """The bundle's public key, the name it signs under and its fingerprint."""

    def __init__(self, record: object) -> None:
        if not isinstance(record, dict) or record.get("format") != KEY_FORMAT:
            raise Bad(f"key.json is not of the format {KEY_FORMAT}")
        raw, origin = unbase64(record.get("public_key")), record.get("origin")
        if len(raw) != HASH_BYTES or record.get("algorithm") != "Ed25519":
            raise Bad("key.json holds no Ed25519 key")
        is_name = isinstance(origin, str) and 1 <= len(origin) <= MAX_ORIGIN and origin.isprintable()
        if not isinstance(origin, str) or not is_name or "+" in origin or len(origin.split()) != 1:
            raise Bad("key.json: the origin is not a name")
        self.origin: str = origin
        self._public = Ed25519PublicKey.from_public_bytes(raw)
        self.fingerprint = "SHA256:" + base64.urlsafe_b64encode(sha256(raw).digest()).decode("ascii").rstrip(
            "="
        )
        self.id = sha256(origin.encode("utf-8") + b"\n\x01" + raw).digest()[:ID_BYTES]
        encoded = base64.b64encode(b"\x01" + raw).decode("ascii")
        if (
            record.get("fingerprint") != self.fingerprint
            or record.get("key") != f"{origin}+{self.id.hex()}+{encoded}"
        ):
            raise Bad("key.json: the fingerprint is not the one of the key")

    def open_note(self, note: object) -> list[str]:
        """Check a signed note and return the lines of its text."""
        note = note if isinstance(note, str) else ""
        cut = note.rfind("\n\n")
        signatures = note[cut + 2 :].split("\n")
        if cut < 0 or signatures.pop() or not 1 <= len(signatures) <= MAX_SIGNATURES:
            raise Bad("not a signed note")
        if any(char < " " and char != "\n" for char in note):
            raise Bad("it holds control characters")
        text = note[: cut + 1].encode("utf-8", "surrogatepass")
        if not sum(self._has_signed(line, text) for line in signatures):
            raise Bad("not signed by the bundle's key")
        return note[:cut].split("\n")

    def _has_signed(self, line: str, text: bytes) -> bool:
        name, _, blob = line.removeprefix(DASH).partition(" ")
        raw = unbase64(blob)
        if not line.startswith(DASH) or not name or len(raw) <= ID_BYTES:
            raise Bad("a signature line is malformed")
        if name != self.origin or raw[:ID_BYTES] != self.id:
            return False
        try:
            self._public.verify(raw[ID_BYTES:], text)
        except InvalidSignature:
            raise Bad("the signature does not verify") from None
        return True

    def open_head(self, lines: Sequence[str]) -> tuple[int, bytes]:
        """Read the size and root of a checkpoint's text."""
        root = unbase64(lines[2]) if len(lines) >= len(("origin", "size", "root")) else b""
        if len(root) != HASH_BYTES or "" in lines:
            raise Bad("not a checkpoint")
        if lines[0] != self.origin:
            raise Bad("it belongs to another log")
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
            raise Bad("its size is not a plain number")
        return int(lines[1]), root


class Check:
    """One run over a bundle: what was checked, what is wrong, and what was learnt."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.passed: list[str] = []
        self.problems: list[str] = []
        self.key: Key | None = None
        self.cosigned, self.approved = Cosignatures(), Approvals()
        self.head: tuple[int, bytes] | None = None
        self.signed_size = 0
        self.first_bad: int | None = None
        self.bad_range: tuple[int, int] | None = None
        self.heads: list[tuple[str, int, bytes]] = []
        self.claims: list[tuple[str, int, bytes]] = []

    def run(self) -> Check:
        """Run all checks, in order; one that fails does not stop the next."""
        self._step("only plain files, none missing", "the folder", self._names)
        self._step("the public key and its fingerprint", "key.json", self._key)
        self._step("the signature of the manifest", "manifest.sig", self._manifest_signature)
        self._step("every file is as the manifest says, none is extra", "manifest.json", self._manifest)
        self._step("the signature of the checkpoint", "checkpoint", self._checkpoint)
        self._step("the documents: signatures, older heads, receipts", "documents", self._documents)
        self._step("every entry, its leaf hash and the signed root", "entries.jsonl", self._entries)
        self._step("the rules of approvals", "entries", lambda: self.problems.extend(self.approved.problems))
        self._step("the cosignatures that are required", "checkpoint", self._cosignatures)
        return self

    def _step(self, done: str, name: str, work: Callable[[], None]) -> None:
        before = len(self.problems)
        self._guarded(name, work)
        if len(self.problems) == before:
            self.passed.append(done)

    def _guarded(self, name: str, work: Callable[..., None], *given: object) -> None:
        try:
            work(*given)
        except Bad as bad:
            self.problems.append(f"{shown(name)}: {bad}")
        except UNREADABLE as bad:
            self.problems.append(f"{shown(name)}: cannot be checked ({type(bad).__name__})")

    def _signer(self) -> Key:
        if self.key is None:
            raise Bad("cannot be checked without the key")
        return self.key

    def _names(self) -> None:
        self.bundle.walk()
        if sum(self.bundle.files.values()) > 2 * MAX_FILE_BYTES:
            self.bundle.files.clear()
            raise Bad("the files are too large to check")
        for name in self.bundle.strange:
            self.problems.append(f"{shown(name)} is a link or a device, no plain file")
        self.problems += [f"{name} is missing" for name in FIXED if name not in self.bundle.files]
        for name in self.bundle.files:
            parts = name.split("/")
            is_known = name in FIXED or (parts[0] == "documents" and len(parts) > 1)
            if not is_known or len(name) > MAX_NAME or not all(map(SAFE_PART.fullmatch, parts)):
                self.problems.append(f"{shown(name)} does not belong in a bundle")

    def _key(self) -> None:
        self.key = Key(strict_json(self.bundle.read("key.json", MAX_NOTE_BYTES)))

    def _note(self, name: str) -> list[str]:
        note = self.cosigned.keep(name, self.bundle.read(name, MAX_NOTE_BYTES).decode("utf-8"))
        return self._signer().open_note(note)

    def _cosignatures(self) -> None:
        self.problems += self.cosigned.problems()

    def _manifest_signature(self) -> None:
        signed, origin = self._note("manifest.sig"), self._signer().origin
        content = self.bundle.read("manifest.json", MAX_PARSED_BYTES)
        if signed != [MANIFEST_LINE, origin, sha256(content).hexdigest()]:
            raise Bad("manifest.json is not the one that was signed")
        self.signed_size = int(json.loads(content)["size"])

    def _manifest(self) -> None:
        manifest = strict_json(self.bundle.read("manifest.json", MAX_PARSED_BYTES))
        listed = manifest.get("files") if isinstance(manifest, dict) else None
        if not isinstance(manifest, dict) or not isinstance(listed, dict):
            raise Bad("not a manifest")
        if (manifest.get("format"), manifest.get("origin")) != (BUNDLE_FORMAT, self._signer().origin):
            raise Bad(f"not of the format {BUNDLE_FORMAT}, or of another log")
        present = set(self.bundle.files).difference(SIGNED_APART)
        absent = sorted(set(listed) - present)
        self.problems += [f"{shown(name)} is in the manifest but missing" for name in absent]
        self.problems += [f"{shown(name)} is not in the manifest" for name in sorted(present - set(listed))]
        for name in sorted(present & set(listed)):
            self._guarded(name, self._file, name, listed[name])

    def _file(self, name: str, record: object) -> None:
        size, digest = (record.get("size"), record.get("sha256")) if isinstance(record, dict) else (-1, "")
        if self.bundle.files[name] != size or self.bundle.digest(name) != (size, digest):
            raise Bad("not as the manifest says: it was altered")

    def _checkpoint(self) -> None:
        self.head = self._signer().open_head(self._note("checkpoint"))

    def _documents(self) -> None:
        for name in sorted(self.bundle.files):
            if name.startswith("documents/") and name.endswith((".json", ".note")):
                self._guarded(name, self._document, name)

    def _document(self, name: str) -> None:
        if name.endswith(".json"):
            self._record(name, strict_json(self.bundle.read(name, MAX_PARSED_BYTES)))
            return
        lines = self._note(name)
        if lines[0] == self._signer().origin:
            self.heads.append((name, *self._signer().open_head(lines)))
        elif lines[0].startswith("{"):
            self._record(name, strict_json("\n".join(lines).encode("utf-8")))

    def _record(self, name: str, record: object) -> None:
        if not isinstance(record, dict):
            return
        key = self._signer()
        if record.get("fingerprint", key.fingerprint) != key.fingerprint:
            raise Bad("it names another key")
        if "signed" in record:
            rest = {member: value for member, value in record.items() if member != "signed"}
            if "\n".join(key.open_note(record["signed"])).encode("utf-8", "surrogatepass") != canonical(rest):
                raise Bad("its signed note is not over this record")
        if "checkpoint" in record:
            size, root = key.open_head(key.open_note(record["checkpoint"]))
            self.heads.append((name, size, root))
            is_own = type(record.get("size")) is int and record.get("size") == size
            if record.get("format") == HEAD_FORMAT and not (is_own and unbase64(record.get("root")) == root):
                raise Bad("its size and root are not those of its checkpoint")
        if "leaf_hash" in record or "entry_index" in record:
            index, leaf = record.get("entry_index"), unbase64(record.get("leaf_hash"))
            if type(index) is not int or index < 0 or len(leaf) != HASH_BYTES:
                raise Bad("its entry_index and leaf_hash are malformed")
            self.claims.append((name, index, leaf))

    def _entries(self) -> None:
        listed = b""
        if "leaves.bin" in self.bundle.files:
            listed = self.bundle.read("leaves.bin", HASH_BYTES * MAX_ENTRIES)
        signed = self.head[0] if self.head else 0
        found = self._leaves(min(MAX_ENTRIES, max(len(listed) // HASH_BYTES, signed)))
        own = roots(found, {len(found), signed, *(size for _, size, _ in self.heads)})
        if self.head != (len(found), own[len(found)]) or len(found) < self.signed_size:
            leaves = [listed[at : at + HASH_BYTES] for at in range(0, len(listed), HASH_BYTES)]
            self._name_first_bad(found, leaves, own)
        elif b"".join(found) != listed:
            self.problems.append("leaves.bin was altered; the entries themselves fit the signed root")
        self._older_heads(len(found), own)
        for name, index, leaf in self.claims:
            if index >= len(found) or found[index] != leaf:
                self.problems.append(f"{shown(name)}: entry {index} here is not the one it names")

    def _leaves(self, most: int) -> list[bytes]:
        # One entry more than can be right is enough to see that there are too many.
        found: list[bytes] = []
        with self.bundle.open("entries.jsonl", MAX_FILE_BYTES) as stream:
            for index, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b"")):
                entry = line.removesuffix(b"\n")
                found.append(sha256(b"\x00" + entry).digest())
                self.cosigned.look(index, entry)
                self.approved.look(index, entry)
                try:
                    is_object = isinstance(strict_json(entry), dict)
                except Bad:
                    is_object = False
                if not is_object or len(entry) == len(line):
                    self._bad_entry(index, "is not one JSON object on a line of its own")
                if len(found) > most:
                    break
        return found

    def _bad_entry(self, index: int, what: str) -> None:
        if len(self.problems) < MAX_KEPT:
            self.problems.append(f"entry {index} {what}")
        self.first_bad = index if self.first_bad is None else min(index, self.first_bad)

    def _name_first_bad(self, found: list[bytes], listed: list[bytes], own: dict[int, bytes]) -> None:
        signed, root = self.head or (len(listed), None)
        both = min(len(found), len(listed))
        index = next((at for at in range(both) if found[at] != listed[at]), None)
        if index is not None:
            is_moved = found[index] in listed
            what = "was dropped, moved or put in place of another" if is_moved else "was altered"
            self._bad_entry(index, what)
        elif len(found) < max(signed, self.signed_size):
            self._bad_entry(len(found), "is the first missing one")
        elif len(found) > signed and root in (None, own.get(signed)):
            self._bad_entry(signed, "was added after the last signed one")
        elif root is not None:
            self._name_range(signed, own)
        else:
            self.problems.append("there is no signed root to hold the entries against")

    def _name_range(self, signed: int, own: dict[int, bytes]) -> None:
        intact = max((size for _, size, root in self.heads if own.get(size) == root), default=0)
        broken = min((size for _, size, root in self.heads if own.get(size, root) != root), default=signed)
        self.bad_range = first, last = intact, max(intact, min(broken, signed) - 1)
        self.problems.append(f"entries and leaf hashes were altered: the first bad one is in {first}..{last}")

    def _older_heads(self, size: int, own: dict[int, bytes]) -> None:
        for name, old_size, old_root in self.heads:
            if old_size > size:
                self._bad_entry(size, f"is missing: {shown(name)} was signed over {old_size} entries")
            elif own[old_size] != old_root:
                self.problems.append(f"{shown(name)}: this journal does not begin with that older head")


def report(check: Check, trust: str | None) -> dict[str, Any]:
    """Sum up a run, with the closing words and the exit code."""
    key = check.key
    if key is not None and trust is not None and trust != key.fingerprint:
        check.problems.append(f"the key is {key.fingerprint}, not the trusted {shown(trust)}")
    good = CONSISTENT if trust is None else VERIFIED
    return {
        "verdict": "NOT VERIFIED" if check.problems else good,
        "exit": INTEGRITY if check.problems else OK,
        "origin_proven": not check.problems and trust is not None,
        "origin": key.origin if key else None,
        "fingerprint": key.fingerprint if key else None,
        "size": check.head[0] if check.head else None,
        "older_heads": len(check.heads),
        "named_entries": len(check.claims),
        "cosigned": check.cosigned.found,
        "first_bad_index": check.first_bad,
        "first_bad_range": check.bad_range,
        "passed": check.passed,
        "problems": check.problems,
    }


def rendered(result: dict[str, Any]) -> str:
    """Lay a result out for a person."""
    problems = result["problems"]
    lines = [f"ok    {done}" for done in result["passed"]]
    lines += [f"BAD   {problem}" for problem in problems[:MAX_PROBLEMS]]
    lines += [f"BAD   and {len(problems) - MAX_PROBLEMS} more"] if len(problems) > MAX_PROBLEMS else []
    if result["first_bad_index"] is not None:
        lines.append("first bad index: {first_bad_index}".format_map(result))
    if result["origin"] is not None:
        lines.append(f"log {shown(result['origin'])}, key {result['fingerprint']}")
    lines += [
        f"cosigned by {shown(each['witness'])} at {each['size']} entries" for each in result["cosigned"]
    ]
    counts = "{size} entries, {older_heads} older heads, {named_entries} named by documents"
    lines += [] if problems else [counts.format_map(result)]
    return "\n".join([*lines, result["verdict"]])


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the bundle that the command line names and return the exit code."""
    parser = Parser(description="Check an evidence bundle offline.")
    parser.add_argument("folder", metavar="DIR", help="the bundle's folder")
    parser.add_argument("--trust", metavar="FINGERPRINT", help="the key that must have signed it")
    told = "a key that must have cosigned it"
    parser.add_argument("--witness", metavar="KEY", action="append", type=witness_key, help=told)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    given = parser.parse_args(arguments)
    if given.trust is not None and not given.trust.strip():
        parser.error("--trust wants a fingerprint such as SHA256:...")
    if not os.path.isdir(given.folder):
        parser.error(f"{shown(given.folder)} is not a folder")
    check = Check(Bundle(Path(given.folder)))
    check.cosigned.wanted = given.witness or []
    check.run()
    result = report(check, given.trust.strip() if given.trust else None)
    sys.stdout.write((json.dumps(result, indent=2) if given.json else rendered(result)) + "\n")
    return int(result["exit"])


if __name__ == "__main__":
    raise SystemExit(main())
