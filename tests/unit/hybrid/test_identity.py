"""Identities and recipients: text that survives mail and finds typing errors, files that keep their seed.

A seed gives the key pair of X-Wing's published vectors; a library without ML-KEM is told by the probe.
"""

import copy
import json
import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa

from hedgerow.kernel.envelope.passphrase import Argon2Profile
from hedgerow.kernel.hybrid import (
    Passphrase,
    RsaIdentity,
    RsaRecipient,
    new_identity,
    probe,
    read_identity,
    read_recipient,
    write_identity,
)
from hedgerow.kernel.hybrid.identity_file import is_sealed_identity
from hedgerow.model.errors import CallerError, Fault, HedgerowError

CHEAP = Argon2Profile(7168, 1, 1)
ME = new_identity()


def code_of(call, *arguments) -> str:
    with pytest.raises(HedgerowError) as caught:
        call(*arguments)
    return caught.value.code


def test_the_text_of_a_recipient_comes_back():
    text = ME.recipient.text
    assert read_recipient(text) == ME.recipient
    assert read_recipient("\n ".join(text[i : i + 70] for i in range(0, len(text), 70))) == ME.recipient
    assert ME.recipient.fingerprint == ME.fingerprint
    assert len(ME.fingerprint) == 39


def test_a_mistyped_cut_or_foreign_text_is_refused():
    text = ME.recipient.text
    swapped = "A" if text[800] != "A" else "B"
    for wrong in (
        "",
        "hedgerow-recipient-1-",
        text[:-1],
        text[:800] + swapped + text[801:],
        text.replace("recipient-1", "recipient-2"),
        text + "AAAA",
        "age1qqqq",
        text[:50] + "é" + text[51:],
    ):
        assert code_of(read_recipient, wrong) == "sealed.recipient-malformed"


def test_identities_show_and_copy_nothing_of_their_key():
    for shown in (repr(ME), str(ME), repr(Passphrase("a rose hedge"))):
        assert ME.reveal().hex() not in shown
        assert "rose" not in shown
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copier(ME)


@pytest.mark.parametrize("passphrase", [None, "a rose hedge"])
def test_an_identity_file_comes_back(passphrase):
    raw = write_identity(ME, passphrase, CHEAP)
    assert read_identity(raw, passphrase).recipient == ME.recipient
    assert is_sealed_identity(raw) is (passphrase is not None)
    assert (json.loads(raw)["seed"].encode() in write_identity(ME, None)) is (passphrase is None)


def test_identity_files_that_do_not_open():
    sealed, open_ = write_identity(ME, "a rose hedge", CHEAP), write_identity(ME, None)
    assert code_of(read_identity, sealed, None) == "sealed.identity-sealed"
    assert code_of(read_identity, sealed, "a rose hedgf") == "sealed.identity-passphrase"
    assert code_of(read_identity, open_, "a rose hedge") == "sealed.identity-unsealed"
    for wrong in (b"", b"[]", b"{}", open_[:-20], open_.replace(b'"version": 1', b'"version": 2')):
        assert code_of(read_identity, wrong, None) == "sealed.identity-malformed"


def test_an_identity_file_with_another_recipient_is_refused():
    other = new_identity()
    for passphrase in (None, "a rose hedge"):
        raw = write_identity(ME, passphrase, CHEAP)
        forged = raw.replace(ME.recipient.text.encode(), other.recipient.text.encode())
        assert code_of(read_identity, forged, passphrase) in {
            "sealed.identity-malformed",
            "sealed.identity-passphrase",
        }


def test_a_costly_identity_file_is_refused():
    raw = write_identity(ME, "a rose hedge", CHEAP).replace(b'"memory_kib": 7168', b'"memory_kib": 99999999')
    assert code_of(read_identity, raw, "a rose hedge") == "sealed.costly"


PKCS8, PEM = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def test_an_rsa_key_with_a_passphrase(rsa_key):
    how = serialization.BestAvailableEncryption(b"a rose hedge")
    raw = rsa_key.private_bytes(PEM, PKCS8, how)
    identity = RsaIdentity(raw, "a rose hedge")
    entry = identity.recipient.seal(b"k" * 32, b"purpose")
    assert identity.open(entry, b"purpose") == b"k" * 32
    assert not identity.recipient.is_post_quantum
    assert code_of(RsaIdentity, raw, None) == "sealed.identity-sealed"
    assert code_of(RsaIdentity, raw, "another") == "sealed.identity-passphrase"
    plain = rsa_key.private_bytes(PEM, PKCS8, serialization.NoEncryption())
    assert code_of(RsaIdentity, plain, "a rose hedge") == "sealed.identity-unsealed"
    with pytest.raises(TypeError):
        pickle.dumps(identity)


def test_keys_of_other_kinds_and_small_ones_are_refused():
    curve = ec.generate_private_key(ec.SECP256R1())
    assert code_of(RsaRecipient, curve.public_key().public_bytes(PEM, SPKI)) == "sealed.recipient-malformed"
    plain = curve.private_bytes(PEM, PKCS8, serialization.NoEncryption())
    assert code_of(RsaIdentity, plain, None) == "sealed.identity-malformed"
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is the point
    small = small.public_key().public_bytes(PEM, SPKI)
    assert code_of(RsaRecipient, small) == "sealed.rsa-unfit"
    for call in (RsaRecipient, lambda raw: RsaIdentity(raw, None)):
        with pytest.raises(CallerError):
            call(b"-----BEGIN NONSENSE-----")


def test_the_probe_is_content_with_this_library():
    probe()


def test_the_probe_tells_a_library_without_ml_kem(monkeypatch):
    def lacking(seed):
        raise RuntimeError("this build has none")

    monkeypatch.setattr(mlkem.MLKEM768PrivateKey, "from_seed_bytes", lacking)
    assert code_of(probe) == "crypto.no-post-quantum"


def test_the_probe_tells_a_library_that_gives_wrong_answers(monkeypatch):
    right = mlkem.MLKEM768PrivateKey.from_seed_bytes

    class Wrong:
        def __init__(self, seed):
            self.key = right(seed)

        def public_key(self):
            return self.key.public_key()

        def decapsulate(self, ciphertext):
            return bytes(32)

    monkeypatch.setattr(mlkem.MLKEM768PrivateKey, "from_seed_bytes", Wrong)
    with pytest.raises(Fault) as caught:
        probe()
    assert "cryptography" in caught.value.next_step


def test_the_probe_tells_a_package_without_hpke(monkeypatch):
    import sys

    from hedgerow.kernel.hybrid import identity

    identity.suite.cache_clear()
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
    assert code_of(probe) == "crypto.no-post-quantum"
