"""The backup of the specification's vector is read by a decoder of its own, and by hedgerow.

The decoder below imports nothing of hedgerow: it knows ``specs/backup.md``, ``specs/sealed-file.md`` and
``specs/checkpoint.md`` only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import struct
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.adapters.store.memory import MemoryStore
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import SCHEMA_VERSION, Member, Principal, Request, Setting, Tombstone
from hedgerow.spine.recordstream import RecordStream, frames

VECTOR = json.loads((Path(__file__).parents[2] / "specs" / "vectors" / "backup.json").read_text())
KINDS = (Setting, Principal, Member, Tombstone, Request)


def fields(*parts):
    """Encode text and bytes as ``envelope.md`` says."""
    made = b""
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        made += struct.pack(">BI", 1 if isinstance(part, str) else 3, len(raw)) + raw
    return made


def derive(secret, label, *scope):
    return HKDF(SHA256(), 32, salt=None, info=fields("hedgerow/derive/1", label, *scope)).derive(secret)


def opened(sealed, seed, label):
    """Open a sealed file."""
    magic, version, length = struct.unpack_from(">16sII", sealed)
    assert (magic, version) == (b"hedgerow sealed\n", 1)
    head, rest = sealed[: 24 + length], sealed[24 + length :]
    told = json.loads(head[24:])
    assert told["label"] == label
    expanded = hashlib.shake_256(seed).digest(96)
    key = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    )
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    entry = base64.b64decode(told["recipients"][0]["sealed"])
    file_key = suite.decrypt(entry, key, fields("hedgerow/sealed-file/1", label))
    mac = hmac.digest(derive(file_key, "sealed-file/head"), head, "sha256")
    assert mac == rest[:32]
    cipher = AESGCM(derive(file_key, "sealed-file/parts", hashlib.sha256(head).digest()))
    parts = [rest[place : place + 65552] for place in range(32, len(rest), 65552)]
    ends = [b"\x00"] * (len(parts) - 1) + [b"\x01"]
    return b"".join(
        cipher.decrypt(number.to_bytes(11, "big") + end, part, None)
        for number, (part, end) in enumerate(zip(parts, ends, strict=True))
    )


def tables(plain):
    """Read a record stream: table to rows, bytes as bytes."""
    found, place = [], 0
    while place < len(plain):
        (length,) = struct.unpack_from(">I", plain, place)
        found.append(json.loads(plain[place + 4 : place + 4 + length]))
        place += 4 + length
    first, *blocks, last = found
    rows = {table: [] for table in first["kinds"]}
    for block in blocks:
        types = [told for _, told in first["kinds"][block["kind"]]]
        for row in block["rows"]:
            rows[block["kind"]].append(
                [
                    base64.b64decode(cell) if told.startswith("bytes") and cell is not None else cell
                    for told, cell in zip(types, row, strict=True)
                ]
            )
    assert last["end"] == {table: len(held) for table, held in rows.items()}
    return first, rows


def signed(text, public):
    """Check a signed document and give it."""
    record = json.loads(text)
    note = record.pop("signed")
    body, _, line = note.rpartition("\n\n")
    blob = base64.b64decode(line.split(" ")[2])
    Ed25519PublicKey.from_public_bytes(public).verify(blob[4:], (body + "\n").encode())
    plain = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert body == plain
    return record


def test_a_decoder_of_its_own_reads_it():
    sealed, seed = base64.b64decode(VECTOR["sealed"]), bytes.fromhex(VECTOR["identity_seed"])
    plain = opened(sealed, seed, "backup-data")
    assert base64.b64encode(plain).decode() == VECTOR["plaintext"]
    first, rows = tables(plain)
    assert (first["format"], first["about"]) == ("hedgerow/records/v1", VECTOR["about"])
    for table, wanted in VECTOR["rows"].items():
        assert rows[table] == wanted
    assert rows["tombstones"][0][0] == bytes(range(32))
    assert rows["requests"][0][-2:] == [None, None]
    public = bytes.fromhex(VECTOR["journal_public_key"])
    manifest = signed(VECTOR["manifest"], public)
    (file,) = manifest["files"]
    assert (file["bytes"], file["sha256"]) == (len(sealed), hashlib.sha256(sealed).hexdigest())
    erasures = signed(VECTOR["erasures"], public)
    assert erasures["erased"][0]["entry"] < erasures["size"]
    assert manifest["backup"] in erasures["backups"]
    lines = json.dumps(
        erasures["erased"][: erasures["own"]], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert erasures["known"] == hashlib.sha256(lines.encode()).hexdigest()
    with pytest.raises(InvalidSignature):
        signed(VECTOR["erasures"].replace('\\"entry\\":6', '\\"entry\\":5'), public)


def test_hedgerow_reads_it_in_pieces_of_any_length_and_writes_it_byte_for_byte():
    plain = base64.b64decode(VECTOR["plaintext"])
    for size in (1, 7, len(plain)):
        held = []
        stream = RecordStream(VECTOR["about"], KINDS, held.extend)
        for place in range(0, len(plain), size):
            stream.write(plain[place : place + size])
        assert sum(stream.finish().values()) == len(held) == 6
    store = MemoryStore()
    with store.write() as tx:
        tx.add(held)
    with store.read() as reader:
        assert b"".join(frames(reader, KINDS, VECTOR["about"])) == of_today(plain)


def of_today(plain):
    """Write the stream of the vector as this version does: its schema, and a request with its question."""
    source, changed = io.BytesIO(plain), b""
    while head := source.read(4):
        frame = source.read(struct.unpack(">I", head)[0])
        frame = frame.replace(b'"schema":2', f'"schema":{SCHEMA_VERSION}'.encode())
        frame = frame.replace(
            b'["wrapped","bytes?"]', b'["wrapped","bytes?"],["question","text"],["others","text"]'
        )
        if frame.startswith(b'{"kind":"requests"'):
            frame = frame.replace(b",null,null]]}", b',null,null,"",""]]}')
        changed += struct.pack(">I", len(frame)) + frame
    return changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"schema":2', b'"schema":"2'),
        (b'"part":"data"', b'"part":"keys"'),
        (b'["number","int"]', b'["number","int?'),
        (b'"visits",4611686018427387903', b'"visits","4611686018427387903'),
        (b'"zo', b"null"),
        (b'"settings":2', b'"settings":3'),
        (b'"disabled"', b'"disabeld"'),
        (b"hedgerow/records/v1", b"hedgerow/records/v9"),
    ],
)
def test_anything_else_is_refused(old, new):
    plain = base64.b64decode(VECTOR["plaintext"])
    assert old in plain
    source, changed = io.BytesIO(plain), b""
    while head := source.read(4):
        frame = source.read(struct.unpack(">I", head)[0]).replace(old, new)
        changed += struct.pack(">I", len(frame)) + frame
    assert refusal_of(changed) == "backup.damaged"


def refusal_of(raw):
    """Give the code that a stream is refused with, in whichever call."""
    stream = RecordStream(VECTOR["about"], KINDS, lambda _: None)
    try:
        stream.write(raw)
        stream.finish()
    except HedgerowError as error:
        return error.code
    return "read"


def test_a_stream_that_ends_early_goes_on_or_is_too_new_is_told():
    plain = base64.b64decode(VECTOR["plaintext"])
    cases = ((plain[:-1], "backup.damaged"), (plain + plain[-20:], "backup.damaged"),
             (b"\xff\xff\xff\xff", "backup.damaged"),
             (plain.replace(b'"schema":2', b'"schema":9'), "backup.newer"))  # fmt: skip
    for raw, code in cases:
        assert refusal_of(raw) == code
    assert refusal_of(plain) == "read"
