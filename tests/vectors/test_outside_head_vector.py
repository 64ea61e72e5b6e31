"""A head kept outside, made with a known key, is the one in the specification's vector, and reads back."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from hedgerow.kernel.merkle import EMPTY_ROOT
from hedgerow.model.errors import Fault
from hedgerow.model.records import Account
from hedgerow.spine.attest import Attestor
from hedgerow.spine.outside import Spent, make_outside, open_outside, spent_of, spent_since

VECTOR = Path(__file__).parents[2] / "specs" / "vectors" / "outside-head.json"
BACKUP = VECTOR.with_name("backup.json")
ORIGIN = "hedgerow/w-example"
ACCOUNTS = [Account("*", "*", "5/8", "1/100", "r-1"), Account("visits", "research", "1/2", "0", "")]


def test_chances_of_their_own_are_told_and_never_fewer() -> None:
    attestor = Attestor(bytes(range(32)), ORIGIN)
    checkpoint, where = attestor.checkpoint(0, EMPTY_ROOT), ("visits", "research")
    heads = {}
    for delta in ("0", "1/500", "1/400"):
        accounts = [Account(*where, "1/2", "0", "", "1/8", delta)]
        made = make_outside(attestor, "w-example", checkpoint, accounts, "2026-01-31T09:00:00.000Z")
        heads[delta] = open_outside(made, ORIGIN, attestor.verifier)
        assert heads[delta].spent == {where: spent_of(accounts[0])}
        assert json.loads(made)["spent"][0].get("delta", "0") == delta
    more = spent_since(heads["1/500"].spent, heads["1/400"])
    assert more == {where: Spent(Fraction(0), Fraction(0), (), delta=Fraction(1, 2000))}
    with pytest.raises(Fault) as less:
        spent_since(heads["1/400"].spent, heads["1/500"])
    assert less.value.code == "witness.less-spent"


def test_the_vector_is_reproduced_and_reads_back_exactly() -> None:
    attestor = Attestor(bytes(range(32)), ORIGIN)
    checkpoint = attestor.checkpoint(0, EMPTY_ROOT)
    known = json.loads(json.loads(BACKUP.read_bytes())["erasures"])["known"]
    made = make_outside(attestor, "w-example", checkpoint, ACCOUNTS, "2026-01-31T09:00:00.000Z", known)
    assert made == VECTOR.read_bytes()
    assert json.loads(made)["spent"][0]["rho"] == "1/100"
    head = open_outside(made, ORIGIN, attestor.verifier)
    assert (head.tenant, head.size, head.root, head.time) == (
        "w-example", 0, EMPTY_ROOT, "2026-01-31T09:00:00.000Z"
    )  # fmt: skip
    assert head.erasures == known
    assert head.spent == {
        ("*", "*"): Spent(Fraction(5, 8), Fraction(1, 100), ("r-1",)),
        ("visits", "research"): Spent(Fraction(1, 2), Fraction(0), ()),
    }
