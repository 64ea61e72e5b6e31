"""Proves what each kind of rule makes of a column, and what it refuses."""

from __future__ import annotations

import secrets
from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from hedgerow import tokens as ht
from hedgerow.kernel.tokens.coarse import age_bounds, age_label
from hedgerow.kernel.tokens.scoped import check_collisions, keyed_tokens
from hedgerow.model.errors import CallerError, Refused

SECRET = bytes(range(32))
SCOPE = ht.Scope("clinic", "research", "visits", "R1")
OTHER = ht.Scope("clinic", "research", "visits", "R2")
FRIENDS = ht.Scope("clinic", "research", "visits", "to-university")


def made(values, rule, people=None, **more):
    """Make one column of another by one rule."""
    frame = {"v": values} if people is None else {"v": values, "p": people}
    rules = {"columns": {"v": rule}, **({} if people is None else {"person": {"column": "p"}})}
    return ht.tokenise(frame, rules, **{"secret": SECRET, "scope": SCOPE, **more}).frame["v"]


def refused(values, rule, people=None, **more):
    """Tell the code of what is refused."""
    with pytest.raises((CallerError, Refused)) as told:
        made(values, rule, people, **more)
    assert "Secret Name" not in str(told.value) + told.value.next_step
    return told.value.code


class TestKeyed:
    def test_a_token_is_printable_and_of_the_length_asked(self):
        (token,) = made(["x"], {"kind": "token", "length": 20, "prefix": "P-"})
        assert token[:2] == "P-"
        assert len(token) == 22
        assert set(token[2:]) <= set("abcdefghijklmnopqrstuvwxyz234567")

    def test_one_value_has_one_token_whatever_its_type(self):
        texts = made(["7", None, "7"], {"kind": "token"})
        assert made([7, None, 7], {"kind": "token"}) == texts
        assert made(np.array([7.0, np.nan, 7.0]), {"kind": "token"}) == texts
        assert refused([7.5], {"kind": "token"}) == "tokens.column-type"
        assert refused([b"7"], {"kind": "token"}) == "tokens.column-type"

    def test_columns_of_one_class_share_tokens_and_others_do_not(self):
        frame = {"home": ["a", "b"], "work": ["b", "c"], "shop": ["a", "b"]}
        rules = {
            "home": {"kind": "token", "of": "zip"},
            "work": {"kind": "token", "of": "zip"},
            "shop": {"kind": "token"},
        }
        out = ht.tokenise(frame, {"columns": rules}, secret=SECRET, scope=SCOPE).frame
        assert out["home"][1] == out["work"][0]
        assert not set(out["shop"]) & set(out["home"])

    def test_deterministic_holds_for_the_recipient_and_random_for_no_two_rows(self):
        fixed = {"kind": "token", "policy": "deterministic"}
        one = made(["a"], fixed, recipient=FRIENDS)
        assert made(["a"], fixed, recipient=FRIENDS, scope=OTHER) == one
        assert made(["a"], fixed, recipient=OTHER) != one
        rows = made(["a", None, "a"], {"kind": "token", "policy": "fully-randomised"})
        assert rows[1] is None
        assert len({*rows, *made(["a"], {"kind": "token", "policy": "fully-randomised"})}) == 4

    def test_a_length_that_makes_a_collision_likely_is_refused_exactly_at_the_bound(self):
        # 16 characters are 80 bits: n (n - 1) / 2 pairs may be 2**48 at most.
        most = (1 + int((1 + 8 * 2**48) ** 0.5)) // 2
        check_collisions(most, 16)
        with pytest.raises(CallerError) as told:
            check_collisions(most + 1, 16)
        assert told.value.code == "tokens.collisions"
        assert "length=17" in told.value.next_step
        check_collisions(2**90, 52)
        for length in (15, 53):
            with pytest.raises(CallerError):
                check_collisions(1, length)

    def test_all_bits_of_the_hash_can_be_spelled(self):
        long = bytes(keyed_tokens(SECRET, [b"x"], 52)[0])
        assert long[:26] == bytes(keyed_tokens(SECRET, [b"x"])[0])
        assert long[-1:] in {b"a", b"q"}

    def test_a_short_secret_is_refused(self):
        assert refused(["a"], {"kind": "token"}, secret=bytes(31)) == "tokens.secret"


KEYS = {"ann": bytes(32), "bob": bytes([1]) * 32}


class TestPeople:
    def test_a_pseudonym_is_of_the_persons_secret(self):
        rules = {"person": {"column": "p"}, "columns": {"p": {"kind": "pseudonym", "prefix": "P"}}}
        asked = {"secret": SECRET, "scope": SCOPE}
        one = ht.tokenise({"p": ["ann", "bob", "ann"]}, rules, person_keys=KEYS, **asked)
        assert one.frame["p"][0] == one.frame["p"][2] != one.frame["p"][1]
        assert one.report[0].promise.is_erased_with_person
        changed = ht.tokenise({"p": ["ann"]}, rules, person_keys={"ann": bytes([2]) * 32}, **asked)
        assert changed.frame["p"][0] != one.frame["p"][0]
        own = ht.tokenise({"p": ["ann"]}, rules, **asked)
        assert not own.report[0].promise.is_erased_with_person

    def test_keys_can_be_given_for_all_people_at_once(self):
        asked = []

        def keys(people):
            asked.append(list(people))
            return KEYS

        values = made(["a", "b", "c"], {"kind": "reversible"}, ["ann", "bob", "ann"], person_keys=keys)
        assert values == made(
            ["a", "b", "c"], {"kind": "reversible"}, ["ann", "bob", "ann"], person_keys=KEYS
        )
        assert asked == [["ann", "bob"]]

    def test_who_is_missing_is_refused(self):
        rule = {"kind": "reversible"}
        assert refused(["a"], rule, ["eve"], person_keys=KEYS) == "tokens.no-key"
        assert refused(["a"], rule, ["ann"], person_keys={"ann": bytes(31)}) == "tokens.secret"
        assert refused(["a"], rule, [None], person_keys=KEYS) == "tokens.person-missing"
        assert made([None], rule, [None]) == [None]
        assert refused(["Secret Name"], {"kind": "date-shift"}, ["ann"]) == "tokens.bad-date"
        with pytest.raises(CallerError) as told:
            ht.tokenise({"v": ["a"]}, ht.Rules((ht.Reversible("v", "v"),)), secret=SECRET, scope=SCOPE)
        assert told.value.code == "tokens.no-person"

    def test_equal_values_of_a_person_are_equal_unless_each_row_has_its_own(self):
        same, people = ["a", "a", "a"], ["ann", "ann", "bob"]
        tokens = made(same, {"kind": "reversible"}, people)
        assert tokens[0] == tokens[1] != tokens[2]
        assert len(set(made(same, {"kind": "reversible", "policy": "fully-randomised"}, people))) == 3

    def test_the_empty_text_comes_back(self):
        keys = {"ann": secrets.token_bytes(32)}
        tokens = made([""], {"kind": "reversible"}, ["ann"], person_keys=keys)
        rules = ht.parse({"person": {"column": "p"}, "columns": {"v": {"kind": "reversible"}}})
        held = {"v": tokens, "p": ["ann"]}
        shown = ht.reveal(held, rules, secret=SECRET, scope=SCOPE, person="p", person_keys=keys)
        assert shown["v"] == [""]


class TestFormat:
    def test_separators_stay_and_kinds_of_numbers_lie_beside_one_another(self):
        rule = {"kind": "fpe", "keep": "- "}
        cards = ["4111-1111-1111-1111", None, "4111 1111 1111 1111", "411111111111"]
        out = made(cards, rule)
        assert out[1] is None
        assert [len(each) for each in out if each] == [19, 19, 12]
        assert out[0].replace("-", " ") == out[2]
        rules = {"columns": {"v": rule}}
        assert ht.reveal({"v": out}, rules, secret=SECRET, scope=SCOPE)["v"] == cards
        assert made(cards, rule, scope=OTHER) != out

    def test_what_is_too_short_or_of_other_characters_is_refused(self):
        assert refused(["12345"], {"kind": "fpe"}) == "tokens.domain-small"
        assert refused(["123456", ""], {"kind": "fpe"}) == "tokens.domain-small"
        assert refused(["Secret Name"], {"kind": "fpe"}) == "tokens.symbol"
        assert refused(["12345é789"], {"kind": "fpe"}) == "tokens.symbol"
        assert refused(["123456"], {"kind": "fpe", "alphabet": "00"}) in {
            "tokens.alphabet",
            "tokenise.option",
        }
        assert refused(["1" * 1025], {"kind": "fpe"}) == "tokens.too-long"

    def test_numbers_and_an_empty_column_are_taken(self):
        assert made(pa.array([1234567]), {"kind": "fpe"}) == made(["1234567"], {"kind": "fpe"})
        assert made(pa.array([], pa.string()), {"kind": "fpe"}) == []
        assert made(pa.array([None], pa.string()), {"kind": "fpe"}) == [None]


class TestRandom:
    def test_tokens_are_kept_between_tables_and_forgotten(self):
        rules = {"columns": {"v": {"kind": "random", "length": 4}}}
        one = ht.tokenise({"v": ["a", "b", None]}, rules, secret=SECRET, scope=SCOPE)
        two = ht.tokenise({"v": ["b", "c"]}, rules, secret=SECRET, scope=SCOPE, maps=one.maps)
        assert one.frame["v"][1] == two.frame["v"][0]
        assert one.frame["v"][2] is None
        assert ht.reveal(two.frame, rules, secret=SECRET, scope=SCOPE, maps=two.maps)["v"] == ["b", "c"]
        less = {"v": two.maps["v"].forget(values={"b"})}
        assert ht.reveal(two.frame, rules, secret=SECRET, scope=SCOPE, maps=less)["v"] == [None, "c"]

    def test_what_was_one_persons_only_goes_with_the_person(self):
        rules = {"person": {"column": "p"}, "columns": {"v": {"kind": "random"}}}
        frame = {"v": ["mine", "ours", "ours", "yours"], "p": ["ann", "ann", "bob", "bob"]}
        one = ht.tokenise(frame, rules, secret=SECRET, scope=SCOPE)
        assert one.frame["v"][1] == one.frame["v"][2]
        less = one.maps["v"].forget(people={"ann"})
        assert less.values_of(one.frame["v"]) == [None, "ours", "ours", "yours"]
        assert len(less.forget(people={"bob"})) == 0

    def test_each_row_has_its_own_where_asked(self):
        rules = {"columns": {"v": {"kind": "random", "policy": "fully-randomised"}}}
        one = ht.tokenise({"v": ["a"] * 20}, rules, secret=SECRET, scope=SCOPE)
        assert len(set(one.frame["v"])) == 20
        assert one.maps["v"].values_of(one.frame["v"]) == ["a"] * 20

    def test_more_than_half_of_all_tokens_are_not_drawn(self):
        rule = {"kind": "random", "length": 1, "alphabet": "ABCDEFGH"}
        assert len(set(made(list("abcd"), rule))) == 4
        assert refused(list("abcde"), rule) == "tokens.no-room"

    def test_every_character_is_as_likely(self):
        """Of 30,000 characters out of 200, 56 have 8,400, give or take 6.5 deviations of 77.8 (chance 1e-10).

        They would have 13,125 if an octet were taken by its remainder.
        """
        alphabet = "".join(map(chr, range(0x4E00, 0x4E00 + 200)))
        drawn = ht.VaultMap().extend([str(n) for n in range(1000)], length=30, alphabet=alphabet)[1]
        assert abs(sum(symbol in alphabet[:56] for symbol in "".join(drawn)) - 8400) < 6.5 * 77.8

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"hedgerow/vault-map/1\n{}",
            b'hedgerow/vault-map/1\n{"entries":[],"retired":["b","a"]}',
            b"\xff",
        ],
    )
    def test_what_is_no_map_is_refused(self, raw):
        with pytest.raises(CallerError) as told:
            ht.VaultMap.from_bytes(raw)
        assert told.value.code == "tokens.bad-map"

    def test_a_map_shows_nothing(self):
        kept = ht.VaultMap().extend(["Secret Name"], length=8, alphabet="AB")[0]
        assert "Secret" not in repr(kept)
        with pytest.raises(TypeError):
            kept.__reduce__()


class TestSurrogate:
    def test_the_same_person_is_the_same_and_a_name_agrees_with_its_parts(self):
        frame = {
            "p": ["1", "1", "2"],
            "full": ["John Smith", "Smith, John", "Mary Jones"],
            "first": ["John", "John", "Mary"],
            "last": ["Smith", "Smith", "Jones"],
        }
        rules = {
            "full": {"kind": "surrogate"},
            "first": {"kind": "surrogate", "what": "given-name"},
            "last": {"kind": "surrogate", "what": "family-name"},
        }
        asked = {"person": {"column": "p"}, "columns": rules}
        out = ht.tokenise(frame, asked, secret=SECRET, scope=SCOPE)
        assert out.frame["full"][0] == out.frame["full"][1]
        pairs = zip(out.frame["first"], out.frame["last"], strict=True)
        assert out.frame["full"] == [f"{first} {last}" for first, last in pairs]
        assert out.assumed == ("full", "first", "last")

    def test_an_unknown_locale_is_refused(self):
        rule = {"kind": "surrogate", "locale": "tlh_QO"}
        assert refused(["Secret Name"], rule) == "tokens.unknown-locale"
        assert refused(["x"], {"kind": "surrogate", "what": "iban", "locale": "en_US"}) == "tokens.no-iban"

    def test_a_cell_that_holds_every_name_is_refused(self):
        from hedgerow.kernel.tokens.surrogates import LOCALES

        words = LOCALES["en_US"]
        everybody = " ".join(words.female + words.male)
        assert refused([everybody], {"kind": "surrogate", "what": "given-name"}) == "tokens.nothing-left"

    def test_stated_sex_is_kept(self):
        from hedgerow.kernel.tokens.seeds import subject_keys
        from hedgerow.kernel.tokens.surrogates import LOCALES, surrogates

        keys = subject_keys(SECRET, [str(n) for n in range(40)])
        for locale, words in LOCALES.items():
            for sex, names in (("F", words.female), ("male", words.male)):
                drawn = surrogates("given-name", locale, keys, SCOPE, [[]] * 40, [sex] * 40)
                assert set(drawn) <= set(names)
        ids = surrogates("national-id", "zh_CN", keys, SCOPE, [[]] * 40, ["m"] * 20 + ["f"] * 20)
        assert [int(text[16]) % 2 for text in ids] == [1] * 20 + [0] * 20

    def test_the_sex_that_a_column_states_is_kept_and_does_not_leave(self):
        from hedgerow.kernel.tokens.surrogates import LOCALES

        people = [str(number) for number in range(40)]
        frame = {"p": people, "n": ["x"] * 40, "sex": [None, "female"] * 20}
        rules = {"columns": {"n": {"kind": "surrogate", "what": "given-name"}}}
        for person in ("p", None):
            given = frame if person else {**frame, "n": people}
            rules["others"] = "refuse" if person else "drop"
            asked = {"secret": SECRET, "scope": SCOPE, "person": person, "sex": "sex"}
            out = ht.tokenise(given, rules, **asked).frame
            assert list(out) == ["n"]
            assert set(out["n"][1::2]) <= set(LOCALES["en_US"].female)
            assert set(out["n"][::2]) & set(LOCALES["en_US"].male)

    def test_without_a_person_or_with_a_class_it_follows_the_value(self):
        rule = {"kind": "surrogate", "of": "doctors"}
        doctors = made(["Dr X", "Dr X", "Dr Y"], rule, ["ann", "bob", "ann"])
        assert doctors[0] == doctors[1]
        assert doctors == made(["Dr X", "Dr X", "Dr Y"], rule)


class TestDates:
    def test_types_and_times_stay(self):
        stamps = pa.array([datetime(2024, 3, 17, 8, 30), None], pa.timestamp("ns"))  # noqa: DTZ001
        frame = pa.table({"v": stamps, "p": ["a", None]})
        rules = {"person": {"column": "p"}, "columns": {"v": {"kind": "date-shift"}}}
        out = ht.tokenise(frame, rules, secret=SECRET, scope=SCOPE).frame["v"]
        assert out.type == stamps.type
        assert out[1].as_py() is None
        assert out[0].as_py().time() == datetime(2024, 3, 17, 8, 30).time()  # noqa: DTZ001
        assert out[0] != stamps[0]

    def test_a_form_of_its_own_stays(self):
        rule = {"kind": "date-shift", "format": "%d.%m.%Y"}
        (moved,) = made(["17.03.2024"], rule, ["a"])
        assert moved != "17.03.2024"
        assert datetime.strptime(moved, "%d.%m.%Y")  # noqa: DTZ007
        assert refused(["2024-03-17"], rule, ["a"]) == "tokens.bad-date"

    @pytest.mark.parametrize("day", ["0001-01-05", "9999-12-27"])
    def test_the_ends_of_the_calendar_are_refused_whatever_was_drawn(self, day):
        rule = {"kind": "date-shift", "max_days": 5}
        assert refused([day], rule, ["a"]) == "tokens.calendar"
        typed = pa.array([day]).cast(pa.date32())
        assert refused(typed, rule, pa.array(["a"])) == "tokens.calendar"
        near = pa.array(["1677-09-23"]).cast(pa.timestamp("ns"))
        assert refused(near, rule, pa.array(["a"])) == "tokens.calendar"

    def test_dates_become_as_coarse_as_asked(self):
        said = {
            "week": "2024-W01",
            "month": "2023-12",
            "quarter": "2023-Q4",
            "year": "2023",
            "decade": "2020s",
        }
        assert made(["2024-01-01"], {"kind": "date", "to": "week"}) == [said.pop("week")]
        for step, text in said.items():
            assert made(["2023-12-31", None], {"kind": "date", "to": step}) == [text, None]


class TestCoarse:
    def test_ages_above_89_are_one_band(self):
        assert made([0, 9, 10, 89, 90, 117, None], {"kind": "age"}) == [
            "0-9", "0-9", "10-19", "80-89", "90+", "90+", None,
        ]  # fmt: skip
        assert made(["5", "17", "18", "64", "65"], {"kind": "age", "bands": [0, 18, 65]}) == [
            "0-17", "0-17", "18-64", "18-64", "65-89",
        ]  # fmt: skip
        assert age_label(89, age_bounds(20, 90)) == "80-89"
        assert age_label(7, age_bounds(1, 90)) == "7"

    def test_births_are_counted_to_a_day(self):
        rule = {"kind": "age", "on": "2024-02-28", "width": 1}
        assert made(["2004-02-28", "2004-02-29"], rule) == ["20", "19"]
        assert refused(["2024-03-01"], rule) == "tokens.bad-age"
        for wrong in (-1, 151):
            assert refused([wrong], {"kind": "age"}) == "tokens.bad-age"
        assert refused(["Secret Name"], {"kind": "age"}) == "tokens.bad-age"

    def test_areas_with_too_few_people_become_zeros(self):
        sparse = ht.sparse_areas({"036": 20_000, "021": 20_001})
        assert sparse == {"036"}
        rule = {"kind": "zip", "sparse": sorted(sparse)}
        assert made(["02139-1234", "03601", None], rule) == ["021", "000", None]
        assert made([2139], rule) == ["021"]
        assert made(["SW1A 1AA"], {"kind": "zip", "digits": 4}) == ["SW1A"]

    def test_a_table_is_looked_up_and_what_it_lacks_is_refused(self):
        entries = {"123 Elm Street": "02138"}
        rule = {"kind": "lookup", "entries": entries}
        assert made(["123 Elm Street", None], rule) == ["02138", None]
        assert refused(["Secret Name"], rule) == "tokens.not-in-table"
        assert made(["Secret Name"], {**rule, "other": "?"}) == ["?"]

    def test_times_and_merchants_become_bands_and_categories_as_through_the_gate(self):
        (band,) = made(["2024-03-17T08:30:00"], {"kind": "time-band", "parts": "weekend"})
        assert "08" not in band
        assert refused(["x"], {"kind": "time-band", "colour": "red"}) == "tokenise.option"
        assert len(made(["5912", "5912"], {"kind": "merchant-category"})) == 2

    def test_places_become_cells_in_which_so_many_people_are(self):
        frame = {"p": ["a", "b", "c"], "lat": [52.5, 52.6, 52.4], "lon": [13.4, 13.3, 13.5]}
        rule = {"kind": "cell", "from": "lat", "longitude": "lon", "least": "3"}
        rules = {"columns": {"where": rule}, "others": "drop"}
        out = ht.tokenise(frame, rules, secret=SECRET, scope=SCOPE, person="p")
        assert len(set(out.frame["where"])) == 1
        assert "cell" in out.report[0].promise.statement
        with pytest.raises(CallerError) as told:
            ht.tokenise(frame, rules, secret=SECRET, scope=SCOPE)
        assert told.value.code in {"tokens.no-person", "tokenise.no-person"}

    def test_what_is_left_of_a_redacted_value_is_what_was_asked(self):
        rule = {"kind": "redact", "last": 4, "keep": "-"}
        assert made(["4111-1111-1111-1234", "1234", None], rule) == ["****-****-****-1234", "****", None]
        assert made(["a", None], {"kind": "constant", "text": "x"}) == ["x", "x"]


RULES = {"columns": {"v": {"kind": "token"}, "w": {"kind": "keep"}}}


class TestFrames:
    @pytest.mark.extra
    @pytest.mark.parametrize("kind", ["pandas", "polars"])
    def test_the_kind_of_frame_comes_back(self, kind):
        library = pytest.importorskip(kind)
        columns = {"v": ["a", None, "a"], "w": [1, 2, 3]}
        asked = {"secret": SECRET, "scope": SCOPE}
        out = ht.tokenise(library.DataFrame(columns), RULES, **asked).frame
        assert isinstance(out, library.DataFrame)
        assert out["v"][0] == ht.tokenise(columns, RULES, **asked).frame["v"][0]

    @pytest.mark.parametrize(
        ("rule", "code"),
        [
            ({"kind": "surrogate", "locale": "xx"}, "tokens.unknown-locale"),
            ({"kind": "surrogate", "what": "iban"}, "tokens.no-iban"),
            ({"kind": "fpe", "alphabet": "01", "keep": "1"}, "tokens.alphabet"),
            ({"kind": "random", "alphabet": "aa"}, "tokens.alphabet"),
            ({"kind": "age", "on": "today"}, "tokenise.option"),
        ],
    )
    def test_what_fits_no_data_is_refused_before_any_are_read(self, rule, code):
        for values in ([], ["Secret Name"]):
            assert refused(pa.array(values, pa.string()), rule) == code

    def test_columns_that_no_rule_names_do_not_leave(self):
        asked = {"secret": SECRET, "scope": SCOPE}
        with pytest.raises(CallerError) as told:
            ht.tokenise({"v": ["a"], "w": [1], "x": [2]}, RULES, **asked)
        assert told.value.code == "tokenise.unnamed"
        out = ht.tokenise({"v": ["a"], "w": [1], "x": [2]}, {**RULES, "others": "drop"}, **asked)
        assert list(out.frame) == ["v", "w"]
        with pytest.raises(CallerError) as told:
            ht.tokenise({"v": ["a"]}, RULES, **asked)
        assert told.value.code == "tokens.no-column"
        for wrong in (3, {"v": ["a"], "w": [1, 2]}):
            with pytest.raises(CallerError) as told:
                ht.tokenise(wrong, RULES, **asked)
            assert told.value.code == "tokens.no-frame"

    def test_chunks_and_dictionaries_are_read_through(self):
        chunked = pa.chunked_array([["a"], ["b", None]]).dictionary_encode()
        out = ht.tokenise(pa.table({"v": chunked, "w": [1, 2, 3]}), RULES, secret=SECRET, scope=SCOPE)
        plain = ht.tokenise({"v": ["a", "b", None], "w": [1, 2, 3]}, RULES, secret=SECRET, scope=SCOPE)
        assert out.frame["v"].to_pylist() == plain.frame["v"]

    def test_the_column_of_persons_can_be_named_in_the_call(self):
        rules = {"columns": {"v": {"kind": "reversible"}}}
        out = ht.tokenise({"v": ["a"], "p": ["ann"]}, rules, secret=SECRET, scope=SCOPE, person="p")
        assert out.frame == {"v": made(["a"], {"kind": "reversible"}, ["ann"])}

    def test_a_rules_file_is_read_and_a_wrong_call_says_what_belongs_there(self, tmp_path):
        path = tmp_path / "rules.toml"
        path.write_text('[columns.v]\nkind = "token"\n', encoding="utf-8")
        made = ht.tokenise({"v": ["a"]}, path, secret=SECRET, scope=SCOPE)
        assert made.label == "pseudonymised"
        assert made.report[0].kind == "token"
        (tmp_path / "areas.csv").write_text("value,label\na,north\n", encoding="utf-8")
        lookup = {"columns": {"v": {"kind": "lookup", "table": str(tmp_path / "areas.csv")}}}
        assert ht.tokenise({"v": ["a"]}, lookup, secret=SECRET, scope=SCOPE).frame["v"] == ["north"]
        path.write_text('[columns.v]\nkind = "lookup"\ntable = "areas.csv"\n', encoding="utf-8")
        assert ht.tokenise({"v": ["a"]}, str(path), secret=SECRET, scope=SCOPE).frame["v"] == ["north"]
        with pytest.raises(CallerError) as told:
            ht.tokenise({"v": ["a"]}, path, secret="plain", scope=SCOPE)
        assert told.value.code == "call.kind"
        with pytest.raises(CallerError) as told:
            ht.tokenise({"v": ["a"]}, tmp_path / "none.toml", secret=SECRET, scope=SCOPE)
        assert told.value.code == "file.missing"
