"""Published vectors of each primitive that keys rest on, through the product's own wrapper where it has one.

Source: ``cryptography_vectors`` in the version of the library: NIST CAVP (AES-GCM, AES-KW), RFC 5869 (HKDF),
RFC 7748 (X25519), the known answers of ML-KEM, RFC 9180 and draft-ietf-hpke-pq (HPKE with X-Wing).

Where a wrapper fixes what a vector varies (the info of a derivation, the suite of HPKE), a plain second
implementation stands here: it gives the published answers, and then what the wrapper gives or opens. AES-KW
has no wrapper, as keys are wrapped with AES-GCM here; its vectors prove the library that is shipped with.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from hedgerow.kernel.envelope import derive, open_sealed, sealing
from hedgerow.kernel.envelope.wrapping import EpochCipher
from hedgerow.kernel.hybrid import Identity
from hedgerow.model.errors import Fault
from hedgerow.model.keys import SecretKey, encode_fields

XWING, X25519_KEM = 0x647A, 0x20
AES_256, CHACHA = 2, 3
MLKEM_CASES = 25


@pytest.fixture(scope="module")
def published():
    """Open files of published vectors by their path in the package."""
    try:
        import cryptography_vectors
    except ImportError:
        if os.environ.get("CI"):
            pytest.fail("the published vectors are missing: pip install cryptography_vectors")
        pytest.skip("the published vectors are not installed (pip install cryptography_vectors)")

    def text(path):
        with cryptography_vectors.open_vector_file(path, "r") as stream:
            return stream.read()

    return text


def cases(text):
    """Read a response file of NIST: each case with the bracketed settings above it."""
    settings, case = {}, {}
    for line in text.splitlines():
        if found := re.fullmatch(r"\[(\w[\w ]*?) = (\w+)\]", line):
            settings[found[1]] = found[2]
        elif found := re.fullmatch(r"(\w+)\s*=\s*(.*)", line):
            case[found[1].upper()] = found[2]
        elif line.strip() == "FAIL":
            case["FAIL"] = ""
        elif not line and case:
            yield {**settings, **case}
            case = {}
    if case:
        yield {**settings, **case}


def raw(case, name):
    return bytes.fromhex(case[name])


class Exactly:
    """Stands in for a binding, with associated data of its own."""

    def __init__(self, associated):
        self.associated = associated

    def as_bytes(self):
        return self.associated


class TestAesGcm:
    def of_our_size(self, published):
        for case in cases(published("ciphers/AES/GCM/gcmDecrypt256.rsp")):
            if (case["IVlen"], case["Taglen"]) == ("96", "128"):
                yield case, raw(case, "IV"), raw(case, "CT") + raw(case, "TAG"), raw(case, "AAD")

    def test_decryption(self, published):
        """The one place that makes our ciphers; what must fail does."""
        opened = failed = 0
        for case, nonce, sealed, associated in self.of_our_size(published):
            ours = sealing._cipher(raw(case, "KEY"))
            if "FAIL" in case:
                failed += 1
                with pytest.raises(InvalidTag):
                    ours.decrypt(nonce, sealed, associated)
                continue
            opened += 1
            assert ours.decrypt(nonce, sealed, associated) == raw(case, "PT")
        assert opened > 150
        assert failed > 100

    def test_encryption(self, published):
        """Where the associated data begins as ours does, the published case is a sealed value, and opens."""
        seen = whole = 0
        for case in cases(published("ciphers/AES/GCM/gcmEncryptExtIV256.rsp")):
            if (case["IVlen"], case["Taglen"]) != ("96", "128"):
                continue
            seen += 1
            key, nonce, associated = raw(case, "KEY"), raw(case, "IV"), raw(case, "AAD")
            expected = raw(case, "CT") + raw(case, "TAG")
            assert sealing._cipher(key).encrypt(nonce, raw(case, "PT"), associated) == expected
            if associated[:1] == sealing.FORMAT:
                whole += 1
                made = sealing._seal(key, raw(case, "PT"), Exactly(associated[1:]), nonce)
                assert made == sealing.FORMAT + nonce + expected
                assert open_sealed(key, made, Exactly(associated[1:])) == raw(case, "PT")
                with pytest.raises(Fault):
                    open_sealed(key, made, Exactly(associated[1:] + b"\x00"))
        assert seen > 300
        assert whole > 0

    def test_wrapped_keys_are_the_same_cipher(self):
        key, nonce = bytes(range(32)), bytes(12)
        cipher = EpochCipher("ab" * 16, SecretKey(key))
        head = b"\x01" + bytes.fromhex("ab" * 16)
        blob = head + nonce + AESGCM(key).encrypt(nonce, b"k" * 32, head + b"bound")
        assert cipher.unwrap(blob, Exactly(b"bound")) == b"k" * 32


@pytest.mark.parametrize("way", ["AE", "AD"])
def test_aes_key_wrap(published, way):
    seen = failed = 0
    for case in cases(published(f"keywrap/kwtestvectors/KW_{way}_256.txt")):
        seen += 1
        if "FAIL" in case:
            failed += 1
            with pytest.raises(InvalidUnwrap):
                aes_key_unwrap(raw(case, "K"), raw(case, "C"))
        elif way == "AE":
            assert aes_key_wrap(raw(case, "K"), raw(case, "P")) == raw(case, "C")
        else:
            assert aes_key_unwrap(raw(case, "K"), raw(case, "C")) == raw(case, "P")
    assert seen > 400
    assert (failed > 50) is (way == "AD")


def extract(salt, material, digest="sha256"):
    return hmac.digest(salt or bytes(hashlib.new(digest).digest_size), material, digest)


def expand(key, info, length, digest="sha256"):
    made = block = b""
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([len(made) // len(block or b"x" * 32) + 1]), digest)
        made += block
    return made[:length]


class TestHkdf:
    def test_the_second_implementation_gives_the_published_answers(self, published):
        seen = 0
        for block in published("KDF/rfc-5869-HKDF-SHA256.txt").split("COUNT")[1:]:
            seen += 1
            case = {
                name.upper(): value for name, value in re.findall(r"(\w+) *= *(\w*)$", block, re.MULTILINE)
            }
            key = extract(raw(case, "SALT"), raw(case, "IKM"))
            assert key == raw(case, "PRK")
            assert expand(key, raw(case, "INFO"), int(case["L"])) == raw(case, "OKM")
        assert seen == 3

    def test_ours_is_it(self):
        for secret, label, scope in (
            (bytes(32), "a", ()),
            (bytes(range(64)), "sealed-file/head", ()),
            (b"s" * 32, "b", ("x", 7, b"y")),
        ):
            info = encode_fields("hedgerow/derive/1", label, *scope)
            assert derive(secret, label, *scope) == expand(extract(b"", secret), info, 32)


def test_x25519(published):
    seen = 0
    for case in cases(published("asymmetric/X25519/rfc7748.txt")):
        if "OUTPUT_U" not in case:
            continue
        seen += 1
        key = X25519PrivateKey.from_private_bytes(raw(case, "INPUT_SCALAR"))
        point = X25519PublicKey.from_public_bytes(raw(case, "INPUT_U"))
        assert key.exchange(point) == raw(case, "OUTPUT_U")
    assert seen >= 2


def test_ml_kem_768(published):
    """Key generation, decapsulation and the answer to a ciphertext that is none."""
    text = published("asymmetric/MLKEM/kat_MLKEM_768.rsp")
    blocks = text.split("count = ")[1 : MLKEM_CASES + 1]
    found = [dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line) for block in blocks]
    for case in found:
        key = MLKEM768PrivateKey.from_seed_bytes(raw(case, "d") + raw(case, "z"))
        assert key.public_key().public_bytes_raw() == raw(case, "pk")
        assert key.decapsulate(raw(case, "ct")) == raw(case, "ss")
        assert key.decapsulate(raw(case, "ct_n")) == raw(case, "ss_n")
    assert len(found) == MLKEM_CASES


# --- HPKE, base mode, once: RFC 9180, sections 4 to 6 ---


def suite_id(kem, kdf, aead):
    return b"HPKE" + b"".join(each.to_bytes(2, "big") for each in (kem, kdf, aead))


def labelled_extract(salt, label, material, suite):
    return extract(salt, b"HPKE-v1" + suite + label + material)


def labelled_expand(key, label, info, length, suite):
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def xwing(seed, sealed):
    """Decapsulate X-Wing (draft-connolly-cfrg-xwing-kem, section 5)."""
    wide = hashlib.shake_256(seed).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(wide[:64])
    curve = X25519PrivateKey.from_private_bytes(wide[64:])
    inner = lattice.decapsulate(sealed[:1088])
    outer = curve.exchange(X25519PublicKey.from_public_bytes(sealed[1088:]))
    public = curve.public_key().public_bytes_raw()
    return hashlib.sha3_256(inner + outer + sealed[1088:] + public + b"\\.//^\\").digest()


def x25519_kem(secret, sealed):
    """Decapsulate DHKEM(X25519, HKDF-SHA256) (RFC 9180, section 4.1)."""
    key = X25519PrivateKey.from_private_bytes(secret)
    shared = key.exchange(X25519PublicKey.from_public_bytes(sealed))
    context = sealed + key.public_key().public_bytes_raw()
    suite = b"KEM" + X25519_KEM.to_bytes(2, "big")
    return labelled_expand(
        labelled_extract(b"", b"eae_prk", shared, suite), b"shared_secret", context, 32, suite
    )


def schedule(shared, info, kem, aead):
    """Give key and nonce of the first message (RFC 9180, section 5.1; HKDF-SHA256)."""
    suite = suite_id(kem, 1, aead)
    context = b"\x00" + labelled_extract(b"", b"psk_id_hash", b"", suite)
    context += labelled_extract(b"", b"info_hash", info, suite)
    secret = labelled_extract(shared, b"secret", b"", suite)
    length = 32 if aead in (AES_256, CHACHA) else 16
    return labelled_expand(secret, b"key", context, length, suite), labelled_expand(
        secret, b"base_nonce", context, 12, suite
    )


def base_cases(published, path, kem):
    every = json.loads(published(path))
    return [case for case in every if (case["mode"], case["kem_id"], case["kdf_id"]) == (0, kem, 1)]


@pytest.mark.parametrize(
    ("path", "kem", "decapsulate"),
    [("HPKE/hpke-pq-test-vectors.json", XWING, xwing), ("HPKE/test-vectors.json", X25519_KEM, x25519_kem)],
)
def test_hpke_the_second_implementation_gives_the_published_answers(published, path, kem, decapsulate):
    found = base_cases(published, path, kem)
    for case in found:
        shared = decapsulate(raw(case, "skRm"), raw(case, "enc"))
        assert shared == raw(case, "shared_secret")
        if case["aead_id"] == 0xFFFF:
            continue  # export only
        key, nonce = schedule(shared, raw(case, "info"), kem, case["aead_id"])
        assert (key, nonce) == (raw(case, "key"), raw(case, "base_nonce"))
        cipher = ChaCha20Poly1305(key) if case["aead_id"] == CHACHA else AESGCM(key)
        first = case["encryptions"][0]
        assert cipher.decrypt(nonce, raw(first, "ct"), raw(first, "aad")) == raw(first, "pt")
    assert found


def test_hpke_our_keys_are_the_published_ones(published):
    for case in base_cases(published, "HPKE/hpke-pq-test-vectors.json", XWING):
        assert Identity(SecretKey(raw(case, "skRm"))).recipient.public == raw(case, "pkRm")


def test_hpke_what_ours_seals_the_second_implementation_opens():
    seed = bytes(range(32))
    identity = Identity(SecretKey(seed))
    sealed = base64.b64decode(identity.recipient.seal(b"a file key", b"purpose")["sealed"])
    key, nonce = schedule(xwing(seed, sealed[:1120]), b"purpose", XWING, AES_256)
    assert AESGCM(key).decrypt(nonce, sealed[1120:], None) == b"a file key"
    again = {"sealed": base64.b64encode(sealed[:1120] + AESGCM(key).encrypt(nonce, b"back", None)).decode()}
    assert identity.open(again, b"purpose") == b"back"
