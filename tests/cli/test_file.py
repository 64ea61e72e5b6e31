"""`hedgerow file`, as people use it: each mistake is one clear error and leaves nothing behind."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SECRET = b"Sensitive: the hedge is on the left\n" * 3000  # two parts


@pytest.fixture
def exchange(nowhere, tmp_path):
    """Give the program, a folder with a file, and one identity with its recipient beside it."""
    (tmp_path / "letter").write_bytes(SECRET)
    made = nowhere("file", "identity", "--out", tmp_path / "me.identity", "--no-passphrase", "--json").json
    (tmp_path / "me.recipient").write_text(f"{made['recipient']}\n")
    return nowhere, tmp_path, made


def seal(program, folder, *more, out="letter.sealed"):
    return program("file", "seal", folder / "letter", "--out", folder / out, *more)


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_goes_from_one_person_to_another(exchange):
    program, folder, made = exchange
    sealed = seal(program, folder, "--recipient", folder / "me.recipient", "--json").json
    assert sealed["bytes"] == len(SECRET)
    assert sealed["recipients"] == [
        {"kind": "hybrid", "fingerprint": made["fingerprint"], "post_quantum": True}
    ]
    assert b"hedge" not in (folder / "letter.sealed").read_bytes()[2000:]
    opened = program(
        "file",
        "open",
        folder / "letter.sealed",
        "--identity",
        folder / "me.identity",
        "--out",
        folder / "back",
    )
    assert "108,000 bytes" in opened.out
    assert (folder / "back").read_bytes() == SECRET
    for name in ("me.identity", "letter.sealed", "back"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_the_recipient_alone_goes_to_standard_output(nowhere, tmp_path):
    said = nowhere("file", "identity", "--out", tmp_path / "id", "--no-passphrase")
    assert said.out.startswith("hedgerow-recipient-1-")
    assert len(said.out.split()) == 1
    assert "Warning: no passphrase" in said.err
    text = said.out.strip()
    (tmp_path / "letter").write_bytes(b"x")
    seal(nowhere, tmp_path, "--recipient", text)
    shown = nowhere("file", "show", text, "--json").json
    assert shown["fingerprint"] in said.err
    assert nowhere("file", "show", tmp_path / "id", "--json").json == {
        **shown, "kind": "identity", "sealed": False,
    }  # fmt: skip
    about = nowhere("file", "show", tmp_path / "letter.sealed", "--json").json
    assert about == {
        "kind": "sealed file",
        "label": "file",
        "recipients": [{"kind": "hybrid", "fingerprint": shown["fingerprint"]}],
    }


def test_an_identity_sealed_by_a_passphrase(nowhere, tmp_path):
    (tmp_path / "letter").write_bytes(b"x")
    (tmp_path / "words").write_text("a rose hedge\n")
    words = ("--passphrase-file", tmp_path / "words")
    made = nowhere("file", "identity", "--out", tmp_path / "id", "--json", *words).json
    assert made["sealed"]
    seal(nowhere, tmp_path, "--recipient", made["recipient"])
    opening = (
        "file",
        "open",
        tmp_path / "letter.sealed",
        "--identity",
        tmp_path / "id",
        "--out",
        tmp_path / "b",
    )
    nowhere.refused(*opening, code=4, error="sealed.identity-sealed")
    (tmp_path / "wrong").write_text("another hedge\n")
    nowhere.refused(
        *opening, "--passphrase-file", tmp_path / "wrong", code=4, error="sealed.identity-passphrase"
    )
    assert not (tmp_path / "b").exists()
    nowhere(*opening, *words)
    assert (tmp_path / "b").read_bytes() == b"x"


def test_an_rsa_recipient_is_told_to_be_no_match_for_quantum_computers(exchange):
    program, folder, _ = exchange
    key = rsa.generate_private_key(65537, 2048)
    pem, spki = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    (folder / "rsa.pub").write_bytes(key.public_key().public_bytes(pem, spki))
    plain = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "rsa").write_bytes(plain)
    said = seal(program, folder, "--recipient", folder / "rsa.pub", "--recipient", folder / "me.recipient")
    assert "not safe against quantum computers" in said.err
    (folder / "rsa").chmod(0o644)
    opening = (
        "file",
        "open",
        folder / "letter.sealed",
        "--identity",
        folder / "rsa",
        "--out",
        folder / "back",
    )
    program.refused(*opening, code=3, error="sealed.identity-exposed")
    (folder / "rsa").chmod(0o600)
    program(*opening)
    assert (folder / "back").read_bytes() == SECRET


def test_a_shared_passphrase(exchange):
    program, folder, _ = exchange
    (folder / "words").write_text("a rose hedge")
    words = ("--passphrase", "--passphrase-file", folder / "words")
    seal(program, folder, *words)
    opening = ("file", "open", folder / "letter.sealed", "--out", folder / "back")
    program.refused(*opening, code=2, error="sealed.no-opener")
    program.refused(*opening, "--passphrase", code=4, error="sealed.passphrase-needed")
    program.refused(*opening, "--identity", folder / "me.identity", code=4, error="sealed.by-passphrase")
    program(*opening, *words)
    assert (folder / "back").read_bytes() == SECRET
    (folder / "words").write_text("a rose hedgf")
    program.refused(*opening, "--force", *words, code=4, error="sealed.wrong-passphrase")
    assert (folder / "back").read_bytes() == SECRET


def test_what_is_wrong_with_a_sealed_file_is_told_and_nothing_is_written(exchange):
    program, folder, _ = exchange
    seal(program, folder, "--recipient", folder / "me.recipient")
    raw = (folder / "letter.sealed").read_bytes()
    program("file", "identity", "--out", folder / "other", "--no-passphrase")
    (folder / "plain").write_bytes(b"not sealed at all")
    (folder / "cut").write_bytes(raw[: len(raw) - len(SECRET) % 65536 - 16])
    (folder / "changed").write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    (folder / "head").write_bytes(raw[:300] + (b"B" if raw[300:301] == b"A" else b"A") + raw[301:])
    (folder / "longer").write_bytes(raw + b"x")
    before = left(folder)
    for name, who, code, error in (
        ("plain", "me.identity", 2, "sealed.not-one"),
        ("cut", "me.identity", 6, "sealed.truncated"),
        ("changed", "me.identity", 6, "sealed.changed"),
        ("head", "me.identity", 6, "sealed.header-damaged"),
        ("longer", "me.identity", 6, "sealed.changed"),
        ("letter.sealed", "other", 4, "sealed.wrong-identity"),
        ("letter.sealed", "letter", 2, "sealed.identity-malformed"),
        ("letter.sealed", "absent", 2, "file.missing"),
        ("absent", "me.identity", 2, "file.missing"),
    ):
        program.refused(
            "file", "open", folder / name, "--identity", folder / who, "--out", folder / "back",
            code=code, error=error,
        )  # fmt: skip
    assert left(folder) == before


def test_what_is_wrong_when_sealing_is_told_and_nothing_is_written(exchange):
    program, folder, made = exchange
    (folder / "words").write_text("a rose hedge")
    before = left(folder)
    sealing = ("file", "seal", folder / "letter", "--out", folder / "sealed")
    me = ("--recipient", folder / "me.recipient")
    for more, code, error in (
        ((), 2, "sealed.no-recipient"),
        (("--recipient", made["recipient"][:-3]), 2, "sealed.recipient-malformed"),
        (("--recipient", folder / "letter"), 2, "sealed.recipient-malformed"),
        (("--recipient", folder / "absent"), 2, "file.missing"),
        ((*me, *me), 2, "sealed.recipient-twice"),
        ((*me, "--passphrase", "--passphrase-file", folder / "words"), 2, "sealed.passphrase-alone"),
        ((*me, "--cipher", "blowfish"), 3, "crypto.legacy-cipher"),
    ):
        program.refused(*sealing, *more, code=code, error=error)
    program.refused("file", "seal", folder, "--out", folder / "sealed", *me, code=2, error="file.missing")
    assert left(folder) == before


@pytest.mark.parametrize("cipher", ["blowfish", "md5"])
def test_old_ciphers_are_refused_with_the_reason(exchange, cipher):
    program, folder, _ = exchange
    said = program.refused(
        "file", "seal", folder / "letter", "--recipient", folder / "me.recipient", "--out", folder / "s",
        "--cipher", cipher, code=3, error="crypto.legacy-cipher",
    )  # fmt: skip
    assert len(said.err.splitlines()[-3]) > 60
    seal(program, folder, "--recipient", folder / "me.recipient", "--cipher", "AES-256-GCM")


def test_what_stands_at_out_is_kept_without_force(exchange):
    program, folder, _ = exchange
    me = ("--recipient", folder / "me.recipient")
    seal(program, folder, *me)
    first = (folder / "letter.sealed").read_bytes()
    program.refused(
        "file", "seal", folder / "letter", *me, "--out", folder / "letter.sealed", code=2, error="out.exists"
    )
    assert (folder / "letter.sealed").read_bytes() == first
    seal(program, folder, *me, "--force")
    assert (folder / "letter.sealed").read_bytes() != first
    kept = (folder / "me.identity").read_bytes()
    program.refused(
        "file",
        "identity",
        "--out",
        folder / "me.identity",
        "--no-passphrase",
        code=2,
        error="sealed.identity-exists",
    )
    assert (folder / "me.identity").read_bytes() == kept


def test_a_library_without_ml_kem_stops_every_command_but_help(exchange, monkeypatch):
    from cryptography.hazmat.primitives.asymmetric import mlkem

    program, folder, _ = exchange

    def lacking(seed):
        raise RuntimeError("this build has none")

    monkeypatch.setattr(mlkem.MLKEM768PrivateKey, "from_seed_bytes", lacking)
    monkeypatch.delenv("HEDGEROW_SPACE", raising=False)
    out = folder / "sealed"
    done = program.call(
        "file", "seal", folder / "letter", "--recipient", folder / "me.recipient", "--out", out, "--json"
    )
    assert done.code == 7
    assert json.loads(done.out)["code"] == "crypto.no-post-quantum"
    assert not out.exists()
    assert program.call("file", "seal", "--help").code == 0


def test_a_file_that_cannot_be_read(exchange):
    program, folder, _ = exchange
    (folder / "knot").symlink_to("knot")  # not even root reads it
    program.refused(
        "file", "seal", folder / "knot", "--recipient", folder / "me.recipient", "--out", folder / "s",
        code=2, error="file.missing",
    )  # fmt: skip
