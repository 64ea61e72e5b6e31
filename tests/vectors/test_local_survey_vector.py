"""The published surveys have the ids, odds, halves and buckets that the page alone gives."""

from __future__ import annotations

import hashlib
import json
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from hedgerow.kernel.local.client import Client, Survey

VECTOR = Path(__file__).parents[2] / "specs" / "vectors" / "local-survey.json"
CASES = json.loads(VECTOR.read_text(encoding="utf-8"))["surveys"]
ONE = 2**32
PRECISE = Context(prec=60)


def by_the_page(case):
    """Work out id, odds, halves and buckets by other means than the client's."""
    survey = case["survey"]
    text = json.dumps(survey, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    half = 2 if survey["mechanism"] == "unary" else 1
    odds = int(PRECISE.exp(Decimal(survey["epsilon"]) / half) * ONE)
    found = {"survey": survey, "id": hashlib.sha256(text).hexdigest()[:32], "odds": odds}
    if "blocks" in survey:
        blocks, domain = survey["blocks"], survey["domain"]
        width = next(w for w in (2, 4, 8, 16) if w > -(-len(domain) // blocks))
        found["halves"] = {
            value: [
                place % blocks * width + y
                for y in range(width)
                if ((1 + place // blocks) & y).bit_count() % 2 == 0
            ]
            for place, value in enumerate(domain)
        }
    if "seed" in survey:
        found["buckets"] = {
            value: [bucket(survey, row, value) for row in range(survey["rows"])] for value in case["buckets"]
        }
    return found


def bucket(survey, row, value):
    hashed = b"hedgerow/local-sketch/v1\0" + bytes.fromhex(survey["seed"]) + bytes([0, row]) + value.encode()
    return int(hashlib.sha256(hashed).hexdigest()[:16], 16) % survey["buckets"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["survey"]["mechanism"])
def test_the_page_gives_the_vector(case):
    assert by_the_page(case) == case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["survey"]["mechanism"])
def test_the_client_gives_the_vector(case):
    survey = Survey(case["survey"])
    assert (survey.id, survey.odds) == (case["id"], case["odds"])
    assert Fraction(survey.odds, ONE) <= Fraction(PRECISE.exp(Decimal(case["survey"]["epsilon"])))
    for place, (value, half) in enumerate(case.get("halves", {}).items()):
        assert survey.hadamard_row(place) == (half[0] // survey.width, 1 + place // survey.blocks)
        assert survey.place(value) == place
    for value, buckets in case.get("buckets", {}).items():
        assert [survey.bucket(row, value) for row in range(survey.rows)] == buckets
    assert Client(survey).report("Oak Street")["survey"] == case["id"]
