"""The sealed files of ``specs/vectors/sealed-file.json`` open by the words of ``specs/sealed-file.md`` alone.

The decoder here uses ``struct``, ``json`` and ``cryptography``, nothing of the product; the product
then opens the same bytes.
"""

import base64
import hashlib
import hmac
import io
import json
import struct
import unicodedata

import pytest
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import mlkem, padding, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.kernel.hybrid import (
    Identity,
    Passphrase,
    RsaIdentity,
    open_stream,
    read_identity,
    read_recipient,
)
from hedgerow.model.keys import SecretKey


def encoded(label, *fields) -> bytes:
    tags = {str: b"\x01", int: b"\x02", bytes: b"\x03"}
    made = b""
    for field in (label, *fields):
        made += tags[type(field)]
        if isinstance(field, int):
            made += struct.pack(">q", field)
        else:
            raw = field.encode() if isinstance(field, str) else field
            made += struct.pack(">I", len(raw)) + raw
    return made


def derived(secret: bytes, use: str, *fields) -> bytes:
    return HKDF(hashes.SHA256(), 32, None, encoded("hedgerow/derive/1", use, *fields)).derive(secret)


def from_passphrase(passphrase: str, kdf: dict) -> bytes:
    argon = Argon2id(
        salt=base64.b64decode(kdf["salt"]),
        length=32,
        iterations=kdf["iterations"],
        lanes=kdf["lanes"],
        memory_cost=kdf["memory_kib"],
    )
    return argon.derive(unicodedata.normalize("NFC", passphrase).encode())


def opened_value(key: bytes, blob: bytes, *binding) -> bytes:
    assert blob[:1] == b"\x01"
    return AESGCM(key).decrypt(blob[1:13], blob[13:], b"\x01" + encoded("hedgerow/binding/1", *binding))


def hybrid_key(seed: bytes):
    wide = hashlib.shake_256(seed).digest(96)
    lattice = mlkem.MLKEM768PrivateKey.from_seed_bytes(wide[:64])
    curve = x25519.X25519PrivateKey.from_private_bytes(wide[64:])
    public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
    return hpke.MLKEM768X25519PrivateKey(lattice, curve), public


def fingerprint(kind: str, public: bytes) -> str:
    digest = hashlib.sha256(encoded("hedgerow/recipient/1", kind, public)).digest()[:20]
    text = base64.b32encode(digest).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, 32, 4))


def file_key_of(entry: dict, info: bytes, how: str, vectors: dict) -> bytes:
    sealed = base64.b64decode(entry["sealed"])
    if how == "identity":
        suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
        return suite.decrypt(sealed, hybrid_key(bytes.fromhex(vectors["identity"]["seed"]))[0], info)
    if how == "rsa":
        key = serialization.load_pem_private_key(vectors["rsa"]["private"].encode(), None)
        sha = hashes.SHA256()
        return key.decrypt(sealed, padding.OAEP(padding.MGF1(sha), sha, label=info))
    key = from_passphrase(vectors["passphrase"], entry["kdf"])
    return opened_value(key, sealed, "local", "sealed-file", info.hex(), "file-key", 1)


def decode(raw: bytes, label: str, how: str, vectors: dict) -> bytes:
    magic, version, length = struct.unpack(">16sII", raw[:24])
    assert (magic, version) == (b"hedgerow sealed\n", 1)
    head, mac, body = raw[: 24 + length], raw[24 + length : 56 + length], raw[56 + length :]
    content = json.loads(head[24:])
    assert set(content) == {"label", "recipients"}
    assert content["label"] == label
    entry = next(each for each in content["recipients"] if is_meant(each, how, vectors))
    file_key = file_key_of(entry, encoded("hedgerow/sealed-file/1", label), how, vectors)
    assert hmac.digest(derived(file_key, "sealed-file/head"), head, "sha256") == mac
    cipher = AESGCM(derived(file_key, "sealed-file/parts", hashlib.sha256(head).digest()))
    parts = [body[i : i + 65552] for i in range(0, len(body), 65552)]
    flags = [0] * (len(parts) - 1) + [1]
    return b"".join(
        cipher.decrypt(n.to_bytes(11, "big") + bytes([flag]), part, None)
        for n, (part, flag) in enumerate(zip(parts, flags, strict=True))
    )


def is_meant(entry: dict, how: str, vectors: dict) -> bool:
    kind = {"identity": "hybrid", "rsa": "rsa-oaep", "passphrase": "passphrase"}[how]
    own = vectors[how]["fingerprint"] if how != "passphrase" else None
    return entry["kind"] == kind and entry.get("to") == own


@pytest.fixture(scope="module")
def vectors(repository):
    return json.loads((repository / "specs/vectors/sealed-file.json").read_text())


def identities(vectors: dict):
    return {
        "identity": Identity(SecretKey(bytes.fromhex(vectors["identity"]["seed"]))),
        "rsa": RsaIdentity(vectors["rsa"]["private"].encode(), None),
        "passphrase": Passphrase(vectors["passphrase"]),
    }


def test_files_open_by_the_words_and_by_the_product(vectors):
    for vector in vectors["files"]:
        raw, plaintext = bytes.fromhex(vector["file"]), bytes.fromhex(vector["plaintext"])
        for how in vector["opens_with"]:
            assert decode(raw, vector["label"], how, vectors) == plaintext
            sink = io.BytesIO()
            open_stream(io.BytesIO(raw), sink, identities(vectors)[how], label=vector["label"])
            assert sink.getvalue() == plaintext


def test_a_file_of_whole_parts(vectors):
    long = vectors["long"]
    begins = bytes.fromhex(long["begins"])
    head = begins[:-32]
    entry = json.loads(head[24:])["recipients"][0]
    file_key = file_key_of(entry, encoded("hedgerow/sealed-file/1", "file"), "identity", vectors)
    cipher = AESGCM(derived(file_key, "sealed-file/parts", hashlib.sha256(head).digest()))
    parts = cipher.encrypt(bytes(12), bytes(65536), None)
    parts += cipher.encrypt((1).to_bytes(11, "big") + b"\x01", bytes(65536), None)
    assert hashlib.sha256(parts).hexdigest() == long["parts_sha256"]
    sink = io.BytesIO()
    open_stream(io.BytesIO(begins + parts), sink, identities(vectors)["identity"], label="file")
    assert sink.getvalue() == bytes(long["plaintext_bytes"])


def test_keys_and_fingerprints(vectors):
    told = vectors["identity"]
    public = hybrid_key(bytes.fromhex(told["seed"]))[1]
    prefix = "hedgerow-recipient-1-"
    check = hashlib.sha256(prefix.encode() + public).digest()[:6]
    text = prefix + base64.urlsafe_b64encode(public + check).decode().rstrip("=")
    assert text == told["recipient"]
    assert fingerprint("hybrid", public) == told["fingerprint"]
    own = identities(vectors)["identity"]
    assert (own.recipient.text, own.fingerprint) == (text, told["fingerprint"])
    assert read_recipient(text).public == public
    rsa = serialization.load_pem_public_key(vectors["rsa"]["public"].encode())
    der = rsa.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert fingerprint("rsa-oaep", der) == vectors["rsa"]["fingerprint"]
    assert identities(vectors)["rsa"].fingerprint == vectors["rsa"]["fingerprint"]


def test_identity_files(vectors):
    for vector in vectors["identity_files"]:
        content = json.loads(vector["content"])
        seed = base64.b64decode(content.pop("seed"))
        if vector["passphrase"] is not None:
            canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
            subject = hashlib.sha256(canonical).hexdigest()
            key = from_passphrase(vector["passphrase"], content["kdf"])
            seed = opened_value(key, seed, "local", "identity-file", subject, "seed", 1)
        assert seed.hex() == vectors["identity"]["seed"]
        read = read_identity(vector["content"].encode(), vector["passphrase"])
        assert read.recipient.text == vectors["identity"]["recipient"] == content["recipient"]


def test_an_escrow_is_a_sealed_key_file(vectors):
    vector = vectors["escrow"]
    content = decode(bytes.fromhex(vector["file"]), "escrow", "identity", vectors)
    ring = json.loads(content)
    assert (ring["format"], ring["sealed"]) == ("hedgerow-keys", False)
    assert {epoch["id"]: epoch.get("key") for epoch in ring["body"]["epochs"]} == vector["keys"]
