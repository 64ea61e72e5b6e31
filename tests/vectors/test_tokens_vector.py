"""Tokens of a known secret are those of the specification's vectors, worked out anew from its words alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tests import slow_ff1

from hedgerow import tokens as ht
from hedgerow.kernel.tokens.seeds import day_shifts, draws, subject_keys

VECTOR = json.loads((Path(__file__).parents[2] / "specs/vectors/tokens.json").read_text("utf-8"))
SECRET = bytes.fromhex(VECTOR["secret"])
PEOPLE = {name: bytes.fromhex(key) for name, key in VECTOR["people"].items()}
SCOPE = ht.Scope(**VECTOR["scope"])


def text(value):
    return struct.pack(">BI", 1, len(value.encode())) + value.encode()


def octets(value):
    return struct.pack(">BI", 3, len(value)) + value


def hkdf(*info):
    return HKDF(SHA256(), 32, salt=None, info=text("hedgerow/derive/1") + b"".join(info)).derive(SECRET)


PLACE = b"".join(map(text, ["hedgerow/scope/1", *VECTOR["scope"].values()]))
SIV = text("hedgerow/tokens/reversible/1")


def column_key(method, of):
    return hkdf(text(f"tokens/{method}"), octets(PLACE), text(of))


def bound(of):
    return SIV + octets(PLACE) + text(of)


def made(case, rule, person=None):
    rules = {"columns": {"v": {**rule, "of": case["class"]}}}
    frame = {"v": [case["value"]]}
    if person is not None:
        rules["person"], frame["p"] = {"column": "p"}, [person]
    return ht.tokenise(frame, rules, secret=SECRET, scope=SCOPE, person_keys=PEOPLE).frame["v"][0]


@pytest.mark.parametrize("case", VECTOR["keyed"], ids=range(len(VECTOR["keyed"])))
def test_keyed_tokens(case):
    digest = hmac.digest(column_key("keyed", case["class"]), case["value"].encode(), "sha256")
    assert base64.b32encode(digest).decode().lower().rstrip("=")[: case["length"]] == case["token"]
    assert made(case, {"kind": "token", "length": case["length"]}) == case["token"]


@pytest.mark.parametrize("case", VECTOR["reversible"], ids=range(len(VECTOR["reversible"])))
def test_reversible_tokens(case):
    key = hmac.digest(PEOPLE[case["person"]], SIV + b"\x01", "sha512")
    sealed = AESSIV(key).encrypt(b"\x00" + case["value"].encode(), [bound(case["class"])])
    assert base64.urlsafe_b64encode(sealed).decode().rstrip("=") == case["token"]
    assert made(case, {"kind": "reversible"}, case["person"]) == case["token"]


@pytest.mark.parametrize("case", VECTOR["ff1"], ids=range(len(VECTOR["ff1"])))
def test_format_preserving_tokens(case):
    key, tweak = column_key("ff1", case["class"]), hashlib.sha256(bound(case["class"])).digest()[:8]
    alphabet = case["alphabet"]
    numerals = [alphabet.index(symbol) for symbol in case["value"] if symbol not in case["keep"]]
    encrypted = iter(slow_ff1.encrypt(key, len(alphabet), tweak, numerals))
    written = "".join(s if s in case["keep"] else alphabet[next(encrypted)] for s in case["value"])
    assert written == case["token"]
    assert made(case, {"kind": "fpe", "alphabet": alphabet, "keep": case["keep"]}) == case["token"]


def test_derived_keys_of_people():
    for person, key in VECTOR["derived_people"].items():
        assert hmac.digest(hkdf(text("tokens/subject")), person.encode(), "sha256").hex() == key
        assert subject_keys(SECRET, [person])[0].hex() == key


@pytest.mark.parametrize("case", VECTOR["draws"], ids=range(len(VECTOR["draws"])))
def test_draws(case):
    message = text("hedgerow/tokens/seed/1") + octets(PLACE) + text(case["part"])
    message += struct.pack(">Bq", 2, case["attempt"])
    raw = hmac.digest(PEOPLE[case["person"]], message, "sha512")
    assert [str(number) for number in struct.unpack(">8Q", raw)] == case["numbers"]
    drawn = draws([PEOPLE[case["person"]]], SCOPE, case["part"], case["attempt"])
    assert [str(number) for number in drawn[0].tolist()] == case["numbers"]


@pytest.mark.parametrize("case", VECTOR["days"], ids=range(len(VECTOR["days"])))
def test_days(case):
    message = text("hedgerow/tokens/seed/1") + octets(PLACE) + text("date-shift") + struct.pack(">Bq", 2, 0)
    first = int.from_bytes(hmac.digest(PEOPLE[case["person"]], message, "sha512")[:8], "big")
    rest, most = first % (2 * case["max_days"]), case["max_days"]
    assert case["days"] == (rest - most if rest < most else rest - most + 1)
    assert day_shifts([PEOPLE[case["person"]]], SCOPE, most).tolist() == [case["days"]]


def test_the_vault_map():
    case = VECTOR["map"]
    entries = sorted([token, value, sorted(people)] for token, value, people in case["entries"])
    body = {"entries": entries, "retired": sorted(case["retired"])}
    written = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert f"hedgerow/vault-map/1\n{written}" == case["written"]
    kept = ht.VaultMap({t: (v, frozenset(p)) for t, v, p in case["entries"]}, frozenset(case["retired"]))
    assert kept.to_bytes().decode() == case["written"]
    assert ht.VaultMap.from_bytes(case["written"].encode()) == kept
