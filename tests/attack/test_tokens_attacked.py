"""Attacks on tokens: joining two releases, reversing hashes, counting frequencies, aligning moved dates.

Each attack's power is shown first, on what does not withstand it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date

import numpy as np
import pytest

from hedgerow import tokens as ht
from hedgerow.kernel.tokens.enumerable import DOMAINS, domain_of, hashes_per_second
from hedgerow.model.errors import CallerError, Refused

SECRET = bytes(range(32))
ONE = ht.Scope("clinic", "research", "visits", "R1")
TWO = ht.Scope("clinic", "research", "visits", "R2")
VALUES = [f"{number:07d}" for number in range(1_000_000, 1_002_000)]


def release(rule, scope, values=VALUES, **more):
    frame = {"v": values, "p": [f"person {value}" for value in values]}
    rules = {"person": {"column": "p"}, "others": "drop", "columns": {"v": rule}}
    return ht.tokenise(frame, rules, secret=SECRET, scope=scope, **more).frame["v"]


def test_a_plain_hash_joins_two_releases():
    hashed = [{hashlib.sha256(value.encode()).hexdigest() for value in VALUES} for _ in range(2)]
    assert len(hashed[0] & hashed[1]) == len(VALUES)


@pytest.mark.parametrize("kind", ["pseudonym", "token", "reversible", "fpe", "random"])
def test_two_releases_cannot_be_joined_by_their_tokens(kind):
    """Tokens that meet are those of chance: of 10**7 values of a format about 0.4 in 2,000 by 2,000."""
    one, two = (release({"kind": kind}, scope) for scope in (ONE, TWO))
    assert len(set(one)) == len(VALUES)
    # That 40 rows or more hold the same token by chance in their place has a chance below 1e-9.
    assert sum(a == b for a, b in zip(one, two, strict=True)) == 0
    assert len(set(one) & set(two)) < 40 if kind == "fpe" else not set(one) & set(two)


@pytest.mark.parametrize("changed", ["tenant", "purpose", "dataset", "release"])
def test_each_part_of_a_scope_keeps_tokens_apart(changed):
    parts = {"tenant": "t", "purpose": "p", "dataset": "d", "release": "r"}
    here, there = ht.Scope(**parts), ht.Scope(**{**parts, changed: "other"})
    assert not set(release({"kind": "token"}, here)) & set(release({"kind": "token"}, there))


def test_another_column_or_method_has_another_key():
    rules = {"columns": {"a": {"kind": "token", "from": "v"}, "b": {"kind": "token", "from": "w"}}}
    out = ht.tokenise({"v": VALUES, "w": VALUES}, rules, secret=SECRET, scope=ONE).frame
    assert not set(out["a"]) & set(out["b"])


def test_orders_and_neighbours_tell_nothing():
    """Ranks of encrypted neighbours are uncorrelated: 6.5 deviations have a chance of 1e-10."""
    for kind in ("token", "fpe", "random"):
        ranks = np.argsort(np.argsort(release({"kind": kind}, ONE)))
        correlation = np.corrcoef(ranks, np.arange(len(VALUES)))[0, 1]
        assert abs(correlation) < 6.5 / len(VALUES) ** 0.5


def test_plain_hashes_of_numbers_are_reversed_in_seconds():
    numbers = ["000000", "004711", "123456", "199999"]
    for algorithm in ("sha256", "md5"):
        hashed = [
            hashlib.new(algorithm, number.encode(), usedforsecurity=False).hexdigest() for number in numbers
        ]
        found = ht.reverse_digits(hashed, 6, algorithm)
        assert [found[each] for each in hashed] == numbers
    keyed = release({"kind": "token", "length": 52}, ONE, numbers)
    octets = [hashlib.sha256(token.encode()).hexdigest() for token in keyed]
    assert ht.reverse_digits(octets, 5, "sha256") == {}
    with pytest.raises(ValueError, match="one to nine"):
        ht.reverse_digits([], 10, "sha256")


ENUMERABLE = {
    "phone": ["0171 1234567", "+49 171 7654321"],
    "ssn": ["123-45-6789"],
    "born": ["1980-02-29", "17.03.2024"],
    "zip": ["02139"],
    "card": ["4111-1111-1111-1111"],
    "email": ["ann@example.org"],
    "name": ["Ann Berg"],
    "serial": ["00000000000000000000000000000001", "00000000000000000000000000000002"],
    "padded": ["000000000000000000000000000000ff"],
    "decimal": ["12345678901234567890123456789012"],
    "mixed": ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "seventeen"],
    "nothing": [],
}


@pytest.mark.parametrize("column", ENUMERABLE)
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "blake2b"])
def test_a_plain_hash_of_what_can_be_enumerated_is_refused(column, algorithm):
    rule = {"kind": "hash", "algorithm": algorithm, "from": column}
    asked = {"secret": SECRET, "scope": ONE, "hashes_per_s": 1e9}
    with pytest.raises(Refused) as told:
        ht.tokenise({column: ENUMERABLE[column]}, {"columns": {"h": rule}}, **asked)
    assert told.value.code == "tokens.enumerable"
    assert "1,000,000,000 hashes a second (as stated)" in told.value.message
    assert 'kind = "token"' in told.value.next_step
    assert not any(value in told.value.message for value in ENUMERABLE[column])


def test_the_estimate_says_how_long():
    for kind, (domain, _) in DOMAINS.items():
        assert domain_of(["anything"], kind) == DOMAINS[kind]
        assert ht.reversal(["x"], kind, "sha256", 1e9).domain == domain
    phones = ht.reversal(["x"], "phone", "sha256", 1.7e6)
    assert (phones.words, phones.is_measured) == ("1.6 hours", False)
    assert ht.reversal(["12345"], None, "sha256", 1e6).words == "less than a second"
    assert ht.reversal(["1234567"], None, "sha256", 1e6).words == "10.0 seconds"
    measured = ht.reversal(["02139"], None, "sha256")
    assert measured.is_measured
    assert 1e4 < hashes_per_second("md5") < 1e9


def test_what_a_column_holds_and_the_rate_must_be_such():
    rules, asked = {"columns": {"v": {"kind": "hash"}}}, {"secret": SECRET, "scope": ONE}
    with pytest.raises(Refused) as told:
        ht.tokenise({"v": ["x"]}, rules, holds={"v": "phone"}, hashes_per_s=1e9, **asked)
    assert "10,000,000,000 values" in told.value.message
    with pytest.raises(CallerError) as told:
        ht.tokenise({"v": ["x"]}, rules, holds={"v": "shoe size"}, **asked)
    assert told.value.code == "tokens.unknown-domain"
    with pytest.raises(CallerError) as told:
        ht.tokenise({"v": ["x"]}, rules, hashes_per_s=0, **asked)
    assert told.value.code == "call.kind"


def test_random_identifiers_may_be_hashed():
    values = ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9f86d081884c7d659a2feaa0c55ad015"]
    rules = {"columns": {"v": {"kind": "hash"}}}
    made = ht.tokenise({"v": values}, rules, secret=SECRET, scope=ONE).frame["v"]
    assert made == [hashlib.sha256(value.encode()).hexdigest() for value in values]


def test_frequencies_still_leak_and_the_report_says_so():
    """Whoever knows how common each illness is reads the tokens by their ranks: random per row, not."""
    random = np.random.default_rng(5)
    illnesses = ["flu", "asthma", "gout", "lupus"]
    column = random.choice(illnesses, 2000, p=[0.6, 0.25, 0.1, 0.05]).tolist()

    def guessed(made):
        ranked = [token for token, _ in Counter(made).most_common(len(illnesses))]
        guess = dict(zip(ranked, illnesses, strict=True))
        return sum(guess.get(token) == value for token, value in zip(made, column, strict=True)) / len(column)

    for kind in ("token", "random"):
        assert guessed(release_of(column, {"kind": kind}).frame["v"]) == 1.0
    afresh = release_of(column, {"kind": "token", "policy": "fully-randomised"}).frame["v"]
    assert guessed(afresh) < 0.01
    assert "frequenc" in release_of(column, {"kind": "token"}).report[0].promise.statement


def release_of(column, rule):
    return ht.tokenise({"v": column}, {"columns": {"v": rule}}, secret=SECRET, scope=ONE)


def test_one_known_date_gives_the_others_away_and_the_report_says_so():
    days = ["2024-01-05", "2024-02-01", "2024-03-09"]
    rules = {"person": {"column": "p"}, "columns": {"d": {"kind": "date-shift"}}}
    made = ht.tokenise({"p": ["a"] * 3, "d": days}, rules, secret=SECRET, scope=ONE)
    moved = [date.fromisoformat(text) for text in made.frame["d"]]
    known = date.fromisoformat(days[0]) - moved[0]
    assert [(day + known).isoformat() for day in moved] == days
    assert "gives the move away" in made.report[0].promise.statement


def test_an_erased_persons_tokens_open_for_nobody():
    keys = {f"person {value}": hashlib.sha256(value.encode()).digest() for value in VALUES[:50]}
    rule = {"kind": "reversible"}
    made = release(rule, ONE, VALUES[:50], person_keys=keys)
    gone = "person " + VALUES[7]
    del keys[gone]
    rules = {"person": {"column": "p"}, "others": "drop", "columns": {"v": rule}}
    asked = {"secret": SECRET, "scope": ONE, "person": "p"}
    shown = ht.reveal(
        {"v": made, "p": [f"person {v}" for v in VALUES[:50]]}, rules, person_keys=keys, **asked
    )
    assert shown["v"][7] is None
    assert shown["v"][8] == VALUES[8]
    for somebody in keys:
        with pytest.raises(CallerError):
            ht.reveal({"v": [made[7]], "p": [somebody]}, rules, person_keys=keys, **asked)


POLICIES = {
    "deterministic": (True, True),
    "document-randomised": (True, False),
    "fully-randomised": (False, False),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", ["pseudonym", "token", "reversible", "fpe", "random", "surrogate"])
def test_the_policies_of_enisa_hold_for_every_kind_that_takes_them(kind, policy):
    """Equal values in one release, and in two to one recipient, have equal tokens where the policy says so.

    Source: ENISA, Pseudonymisation techniques and best practices (2019), 5.2.
    """
    rules = {"person": {"column": "p"}, "others": "drop", "columns": {"v": {"kind": kind, "policy": policy}}}
    takes_none = {("pseudonym", "fully-randomised"), ("fpe", "fully-randomised"), ("random", "deterministic")}
    if (kind, policy) in takes_none:
        with pytest.raises(CallerError) as told:
            ht.parse(rules)
        assert told.value.code == "tokenise.option"
        return
    # Many values, so that short lists of surrogates do not agree by chance.
    values = [f"{number:07d}" for number in range(40)] * 2
    recipient = ht.Scope("clinic", "research", "visits", "to-university")

    def released(scope):
        asked = {"secret": SECRET, "recipient": recipient, "scope": scope}
        return ht.tokenise({"v": values, "p": values}, rules, **asked)

    one, two = released(ONE), released(TWO)
    within, across = POLICIES[policy]
    assert (one.frame["v"][:40] == one.frame["v"][40:]) is within
    assert (one.frame["v"] == two.frame["v"]) is across
    said = one.report[0].promise.statement
    assert ("each row" in said) is (policy == "fully-randomised")


def test_a_report_tells_what_an_erasure_reaches():
    keys = {"a": bytes(32)}
    reached = {
        ("pseudonym", ""): True,
        ("token", ""): False,
        ("reversible", ""): True,
        ("fpe", ""): False,
        ("surrogate", ""): True,
        ("surrogate", "doctors"): False,
    }
    for (kind, of), is_reached in reached.items():
        rule = {"kind": kind, **({"of": of} if of else {})}
        rules = {"person": {"column": "p"}, "columns": {"v": rule}}
        values = {"v": ["a" if kind == "pseudonym" else "1234567"], "p": ["a"]}
        asked = {"secret": SECRET, "scope": ONE}
        with_keys = ht.tokenise(values, rules, person_keys=keys, **asked).report[0].promise
        assert with_keys.is_erased_with_person is is_reached
        assert not ht.tokenise(values, rules, **asked).report[0].promise.is_erased_with_person
