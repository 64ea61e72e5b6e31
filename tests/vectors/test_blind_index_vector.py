"""Terms of a known secret are those of the specification's vectors, worked out anew from its words alone."""

from __future__ import annotations

import hmac
import json
import struct
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hedgerow.kernel.blindindex import form_named, term_key, terms

VECTOR = json.loads((Path(__file__).parents[2] / "specs/vectors/blind-index.json").read_text("utf-8"))
SECRET = bytes.fromhex(VECTOR["secret"])


def text(value):
    return struct.pack(">BI", 1, len(value.encode())) + value.encode()


def key_of(case):
    """Derive the key as the specification says, with nothing of the product."""
    fields = ["blind-index", VECTOR["tenant"], VECTOR["dataset"], case["column"], case["form"]]
    info = b"".join(map(text, ["hedgerow/derive/1", *fields])) + struct.pack(">Bq", 2, case["version"])
    return HKDF(SHA256(), 32, salt=None, info=info).derive(SECRET)


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda c: f"{c['form']}-{c['written']}")
def test_a_vector_is_what_the_specification_says(case):
    key = key_of(case)
    assert key.hex() == case["key"]
    if case["value"] is not None:
        made = hmac.digest(key, text("hedgerow/blind-index/1") + case["value"].encode(), "sha256")
        assert made[:16].hex() == case["term"]


@pytest.mark.parametrize("case", VECTOR["cases"], ids=lambda c: f"{c['form']}-{c['written']}")
def test_the_product_makes_the_vector(case):
    key = term_key(SECRET, VECTOR["tenant"], VECTOR["dataset"], case["column"], case["form"], case["version"])
    assert key.hex() == case["key"]
    (value,) = form_named(case["form"]).normalise([case["written"]])
    assert value == case["value"]
    assert [term.hex() for term in terms(key, [value] if value else [])] == [t for t in [case["term"]] if t]


def test_no_two_vectors_have_one_term():
    made = [case["term"] for case in VECTOR["cases"] if case["term"]]
    assert len(set(made)) == len(made)
