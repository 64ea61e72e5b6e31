"""Proves on random values what each kind of token promises, against definitions written anew here."""

from __future__ import annotations

import string
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import slow_ff1

from hedgerow import tokens as ht
from hedgerow.kernel import checksums
from hedgerow.kernel.tokens.ff1 import FF1, shortest
from hedgerow.kernel.tokens.seeds import day_shifts, subject_keys
from hedgerow.kernel.tokens.surrogates import LOCALES, SURROGATE_KINDS, surrogates
from hedgerow.model.errors import CallerError
from hedgerow.techniques.tokens.formats import Format, format_column

SECRET = bytes(range(32))
SCOPE = ht.Scope("clinic", "research", "visits", "R1")
FEW = settings(max_examples=40, deadline=None)


@FEW
@given(st.data())
def test_ff1_is_the_slow_one_at_every_radix_and_length(data):
    radix = data.draw(st.sampled_from([2, 3, 10, 16, 26, 36, 62, 251]))
    length = data.draw(st.integers(shortest(radix), 60))
    key = data.draw(st.binary(min_size=16, max_size=32).filter(lambda key: len(key) in (16, 24, 32)))
    tweak = data.draw(st.binary(max_size=40))
    row = st.lists(st.integers(0, radix - 1), min_size=length, max_size=length)
    rows = data.draw(st.lists(row, min_size=1, max_size=3))
    cipher, matrix = FF1(key, radix, tweak), np.array(rows, np.uint8)
    made = cipher.encrypt(matrix)
    assert made.tolist() == [slow_ff1.encrypt(key, radix, tweak, row) for row in rows]
    assert cipher.decrypt(made).tolist() == rows


def test_ff1_is_the_slow_one_where_the_widths_of_its_parts_change():
    """Around each length at which a half, its octets or what is reduced needs another path."""
    random = np.random.default_rng(7)
    for radix in (2, 10, 36):
        for length in {n for n in range(shortest(radix), 130) if radix == 2 or n < 80}:
            rows = random.integers(0, radix, (2, length), np.uint8)
            rows[0] = radix - 1
            made = FF1(SECRET, radix, b"t").encrypt(rows)
            assert made.tolist() == [slow_ff1.encrypt(SECRET, radix, b"t", row) for row in rows.tolist()]


TEXTS = st.lists(st.one_of(st.none(), st.text("0123456789- é", max_size=30)), max_size=8)


@FEW
@given(TEXTS, st.sampled_from(["0123456789", "9876543210é"]))
def test_a_format_stays_and_comes_back(values, alphabet):
    form = Format(alphabet, "- " if "é" in alphabet else "- é")
    values = [v for v in values if v is None or sum(symbol in alphabet for symbol in v) >= 6]
    cipher = FF1(SECRET, len(alphabet))
    column = pa.array([None, *values], pa.string()).slice(1)
    made = format_column(column, "c", cipher, form)
    assert format_column(made, "c", cipher, form, is_forward=False).to_pylist() == values
    for before, after in zip(values, made.to_pylist(), strict=True):
        assert (before is None) == (after is None)
        if before is not None:
            assert [s for s in after if s in form.keep] == [s for s in before if s in form.keep]
            assert [s in form.keep for s in after] == [s in form.keep for s in before]


COLUMN = st.lists(st.one_of(st.none(), st.text(max_size=6)), min_size=1, max_size=12)


@FEW
@given(COLUMN)
def test_keyed_tokens_are_equal_where_values_are_and_nowhere_else(values):
    rules = {"columns": {"v": {"kind": "token"}}}
    made = ht.tokenise({"v": values}, rules, secret=SECRET, scope=SCOPE).frame["v"]
    assert [token is None for token in made] == [value is None for value in values]
    for one, first in zip(made, values, strict=True):
        assert all((one == other) == (first == second) for other, second in zip(made, values, strict=True))
    elsewhere = ht.Scope("clinic", "research", "visits", "R2")
    again = ht.tokenise({"v": values}, rules, secret=SECRET, scope=elsewhere).frame["v"]
    assert not (set(made) & set(again)) - {None}


@FEW
@given(
    st.binary(max_size=60),
    st.sampled_from([b"", b"hedgerow/vault-map/1\n", b'hedgerow/vault-map/1\n{"entries":[']),
)
def test_what_is_no_vault_map_is_refused_and_nothing_else_happens(raw, head):
    with pytest.raises(CallerError) as told:
        ht.VaultMap.from_bytes(head + raw)
    assert told.value.code == "tokens.bad-map"


PEOPLE = st.sampled_from(["ann", "bob", "cem"])


@FEW
@given(st.lists(st.tuples(PEOPLE, st.text(max_size=9)), min_size=1, max_size=8), st.booleans())
def test_reversible_tokens_come_back_and_to_nobody_else(rows, afresh):
    people, values = [list(column) for column in zip(*rows, strict=True)]
    keys = {name: bytes([at]) * 32 for at, name in enumerate(("ann", "bob", "cem"))}
    policy = "fully-randomised" if afresh else "document-randomised"
    rules = {"person": {"column": "p"}, "columns": {"v": {"kind": "reversible", "policy": policy}}}
    asked = {"secret": SECRET, "scope": SCOPE}
    made = ht.tokenise({"p": people, "v": values}, rules, person_keys=keys, **asked).frame["v"]
    held = {"v": made, "p": people}
    assert ht.reveal(held, rules, person="p", person_keys=keys, **asked)["v"] == values
    left = {name: key for name, key in keys.items() if name != "ann"}
    shown = ht.reveal(held, rules, person="p", person_keys=left, **asked)["v"]
    assert shown == [None if who == "ann" else value for who, value in rows]
    for wrong in ({**asked, "scope": ht.Scope("clinic", "research", "visits", "R2")}, asked):
        swapped = (
            keys
            if wrong is not asked
            else {**keys, "ann": keys["bob"], "bob": keys["cem"], "cem": keys["ann"]}
        )
        with pytest.raises(CallerError) as told:
            ht.reveal(held, rules, person="p", person_keys=swapped, **wrong)
        assert told.value.code == "tokens.not-opened"


VALUES = st.lists(st.text(max_size=3), max_size=10)


@FEW
@given(VALUES, VALUES, st.sets(st.text(max_size=3), max_size=3))
def test_a_vault_map_grows_forgets_and_is_written_in_one_way(first, second, gone):
    asked = {"length": 6, "alphabet": string.ascii_uppercase, "prefix": "T"}
    one, tokens = ht.VaultMap().extend(first, **asked)
    two, more = one.extend(second, ["p"] * len(second), **asked)
    known = dict(zip(first, tokens, strict=True)) | dict(zip(second, more, strict=True))
    assert len(set(known.values())) == len(known) == len(two)
    assert two.lookup(first) == tokens
    assert two.values_of(tokens + more) == first + second
    assert ht.VaultMap.from_bytes(two.to_bytes()) == two
    less = two.forget(values=gone)
    assert less.lookup(known) == [None if value in gone else token for value, token in known.items()]
    assert less.retired == {token for value, token in known.items() if value in gone}
    # A token that was forgotten is drawn for nobody else.
    tiny = ht.VaultMap({}, frozenset("ABCD"))
    drawn = tiny.extend(["v", "w"], length=1, alphabet=string.ascii_uppercase)[1]
    assert not set(drawn) & set("ABCD")


@FEW
@given(
    st.lists(st.tuples(PEOPLE, st.dates(date(1, 6, 1), date(9999, 6, 1))), min_size=1, max_size=8),
    st.integers(1, 60),
    st.sampled_from(["text", "date", "timestamp"]),
)
def test_dates_of_a_person_move_together_and_never_stay(rows, furthest, kind):
    people, days = [list(column) for column in zip(*rows, strict=True)]
    types = {"text": pa.string(), "date": pa.date32(), "timestamp": pa.timestamp("us")}
    column = pa.array(days, pa.date32()).cast(types[kind])
    rules = {"person": {"column": "p"}, "columns": {"d": {"kind": "date-shift", "max_days": furthest}}}
    made = ht.tokenise(pa.table({"p": people, "d": column}), rules, secret=SECRET, scope=SCOPE).frame["d"]
    assert made.type == column.type
    moves: dict[str, set[int]] = {}
    for who, before, after in zip(people, days, made.cast(pa.date32()).to_pylist(), strict=True):
        moves.setdefault(who, set()).add((after - before).days)
    assert all(len(each) == 1 and 0 < abs(min(each)) <= furthest for each in moves.values())


def test_moves_are_even_over_all_days_but_none():
    """40,000 people, 20 days, seeded; a chi-square above 83.6 (19 degrees of freedom) has chance 4e-10."""
    keys = subject_keys(SECRET, [str(number) for number in range(40_000)])
    found, counts = np.unique(day_shifts(keys, SCOPE, 10), return_counts=True)
    assert found.tolist() == [*range(-10, 0), *range(1, 11)]
    assert ((counts - 2000) ** 2 / 2000).sum() < 83.6


def digits(values, width):
    plain = ["".join(symbol for symbol in value if symbol.isalnum()) for value in values]
    assert {len(each) for each in plain} == {width}
    return np.array([[10 if symbol == "X" else int(symbol) for symbol in each] for each in plain], np.uint8)


def made_of(what, locale, many=300):
    keys = subject_keys(SECRET, [str(number) for number in range(many)])
    return surrogates(what, locale, keys, SCOPE, [["x"]] * many)


def test_surrogate_numbers_pass_the_checks_and_were_never_issued():
    for locale in LOCALES:
        cards = digits(made_of("card", locale), 16)
        assert checksums.luhn(cards).all()
        assert (cards[:, :6] == [4, 0, 0, 0, 0, 0]).all()
    for locale, width in (("de_DE", 22), ("en_GB", 22), ("es_ES", 24), ("fr_FR", 27)):
        texts = made_of("iban", locale)
        assert checksums.iban_mod_97(np.array([list(text.encode()) for text in texts], np.uint8)).all()
        assert {len(text) for text in texts} == {width}
    nhs = digits(made_of("national-id", "en_GB"), 10)
    assert checksums.nhs_mod_11(nhs).all()
    assert (nhs[:, :3] == 9).all()
    resident = digits(made_of("national-id", "zh_CN"), 18)
    assert checksums.cn_resident_id(resident).all()
    assert (resident[:, :2] == 9).all()
    ssn = digits(made_of("national-id", "en_US"), 9)
    assert (ssn[:, :3] == 6).all()
    assert not checksums.ssn_structure(ssn).any()


def test_surrogate_numbers_without_a_check_of_ours_hold_their_own():
    for number in digits(made_of("national-id", "de_DE"), 11).tolist():
        product = 10
        for symbol in number[:10]:
            product = ((symbol + product) % 10 or 10) * 2 % 11
        assert (product + number[10]) % 10 == 1
        assert sorted(number[:10].count(symbol) for symbol in set(number[:10])) == [1] * 8 + [2]
        assert number[0] == 0
    for text in made_of("national-id", "fr_FR"):
        assert (int(text[:13]) + int(text[13:])) % 97 == 0
        assert text[5:7] == "00"
    for text in made_of("national-id", "es_ES"):
        assert "TRWAGMYFPDXBNJZSQVHLCKE"[int("2" + text[1:8]) % 23] == text[8]
    for text in made_of("iban", "fr_FR"):
        bank, branch, account, key = text[4:9], text[9:14], text[14:25], text[25:]
        assert (89 * int(bank) + 15 * int(branch) + 3 * int(account) + int(key)) % 97 == 0
    for text in made_of("iban", "es_ES"):
        weights, body = (4, 8, 5, 10, 9, 7, 3, 6), text[4:]
        one = 11 - sum(int(s) * w for s, w in zip(body[:8], weights, strict=True)) % 11
        two = 11 - sum(int(s) * w for s, w in zip(body[10:], (1, 2, *weights), strict=True)) % 11
        assert [{10: 1, 11: 0}.get(c, c) for c in (one, two)] == [int(body[8]), int(body[9])]


@FEW
@given(st.sampled_from(sorted(LOCALES)), st.sampled_from(["name", "given-name", "family-name"]), st.data())
def test_no_part_of_a_surrogate_name_is_one_of_the_true_name(locale, what, data):
    words = LOCALES[locale]
    given_names = st.sampled_from(words.female + words.male)
    parts = st.tuples(given_names, st.sampled_from(words.family))
    true = data.draw(st.lists(parts, min_size=1, max_size=3, unique=True))
    values = [words.name.format(given=first, family=last) for first, last in true]
    rules = {"columns": {"n": {"kind": "surrogate", "what": what, "locale": locale}}}
    made = ht.tokenise({"n": values}, rules, secret=SECRET, scope=SCOPE).frame["n"]
    for (first, last), surrogate in zip(true, made, strict=True):
        assert not {first, last} & set(surrogate.split(" "))
        assert surrogate not in (first, last, words.name.format(given=first, family=last))
        if locale == "zh_CN":
            assert not any(part in surrogate for part in (first, last))


@pytest.mark.parametrize("locale", sorted(LOCALES))
@pytest.mark.parametrize("what", SURROGATE_KINDS)
def test_a_surrogate_that_would_be_the_true_value_is_drawn_anew(what, locale):
    if what == "iban" and locale in ("en_US", "zh_CN"):
        return
    keys = subject_keys(SECRET, ["one", "two"])
    first = surrogates(what, locale, keys, SCOPE, [["x"], ["x"]])
    again = surrogates(what, locale, keys, SCOPE, [[first[0]], ["x"]])
    assert again[0] != first[0]
    assert again[1] == first[1]
    assert surrogates(what, locale, keys, SCOPE, [["x"], ["x"]]) == first


def test_a_week_lies_between_the_visits_that_it_lay_between():
    visits = [date(2024, 2, 20) + timedelta(days=7 * week) for week in range(4)]
    rules = {"person": {"column": "p"}, "columns": {"d": {"kind": "date-shift"}}}
    written = [f"{day.isoformat()}T08:30:00Z" for day in visits]
    made = ht.tokenise({"p": ["a"] * 4, "d": written}, rules, secret=SECRET, scope=SCOPE).frame["d"]
    assert {text[10:] for text in made} == {"T08:30:00Z"}
    moved = [date.fromisoformat(text[:10]) for text in made]
    assert [(after - before).days for before, after in pairwise(moved)] == [7, 7, 7]
