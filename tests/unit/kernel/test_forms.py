"""Proves that writings of one value come into one form, and that what is no such value has none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.blindindex import KINDS, SCHEMES, form_named, is_too_narrow, new_form, term_key, terms

ADDRESS = "anna.berg+news@example.org"


def one(kind, value, **more):
    return new_form(kind, **more).normalise([value])[0]


@pytest.mark.parametrize(
    "written",
    [
        " Anna.Berg+News@EXAMPLE.org\t",
        "anna.berg+news@example.org.",
        "\uff41nna.berg+news@example.org",  # a full-width letter
        "anna\uff0eberg+news@exam\u1d56le.org",
    ],
)
def test_addresses_written_otherwise_are_one(written):
    assert one("email", written) == ADDRESS


def test_names_of_hosts_in_ascii_and_unicode_are_one():
    assert one("email", "a@xn--mnchen-3ya.de") == one("email", "a@MÜNCHEN.de") == "a@münchen.de"


@pytest.mark.parametrize("other", ["annaberg+news@example.org", "anna.berg@example.org"])
def test_dots_and_tags_are_not_folded(other):
    assert one("email", other) == other != ADDRESS


@pytest.mark.parametrize(
    "no", ["", "@x.org", "a@", "a@b@c.org", "a b@x.org", "a@x..org", "a" * 300 + "@x.org"]
)
def test_what_is_no_address_has_no_form(no):
    assert one("email", no) is None


@pytest.mark.parametrize(
    ("written", "country", "form"),
    [
        ("+47 22 22 55 55", "", "+4722225555"),
        ("0047 22-22-55-55", "", "+4722225555"),
        ("22225555", "47", "+4722225555"),
        ("+44 (0)20 7946 0018", "", "+442079460018"),
        ("(020) 7946 0018", "44", "+442079460018"),
        ("06 1234567", "36", "+361234567"),
        ("06 6982 1234", "39", "+390669821234"),  # the leading 0 belongs to the number
        ("(202) 555-0175", "1", "+12025550175"),
        ("1-202-555-0175", "1", "+12025550175"),
        ("011 47 22 22 55 55", "1", "+4722225555"),
        ("8 (495) 123-45-67", "7", "+74951234567"),
        ("\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "962", "+9621234567"),  # Arabic digits
        ("+1 202 555 0175", "47", "+12025550175"),
    ],
)
def test_numbers_come_into_e164(written, country, form):
    assert one("phone", written, country=country) == form


@pytest.mark.parametrize(
    ("no", "country"),
    [("22225555", ""), ("+0722225555", ""), ("555-CALL-NOW", "1"), ("+47 22", ""), ("22225555 ext 3", "47"),
     ("1" * 16, "47"), ("", "47"), ("++4722225555", "")],
)  # fmt: skip
def test_what_is_no_number_has_no_form(no, country):
    assert one("phone", no, country=country) is None


# Published examples of each scheme, or made by its published rule; wrong ones differ in a digit.
@pytest.mark.parametrize(
    ("scheme", "right", "wrong"),
    [
        ("uk-nhs", "943 476 5919", "943 476 5918"),
        ("nl-bsn", "1112.22.333", "111222334"),
        ("pl-pesel", "44051401359", "44051401358"),
        ("br-cpf", "529.982.247-25", "529.982.247-24"),
        ("cn-resident-id", "11010519491231002x", "110105194912310021"),
        ("us-ssn", "219-09-9999", "666-09-9999"),
        ("in-aadhaar", "2341 2341 2346", "2341 2341 2347"),
    ],
)
def test_the_check_digit_of_a_known_scheme_must_hold(scheme, right, wrong):
    bare = "".join(c for c in right if c.isalnum()).upper()
    assert new_form("national-id", scheme=scheme).normalise([right, wrong, "12"]) == [bare, None, None]
    assert one("national-id", right) == bare


def test_ids_of_no_named_scheme_need_digits():
    assert one("national-id", "ab 12-34.56 c") == "AB123456C"
    assert one("national-id", "berg-anna") is None


@pytest.mark.parametrize(
    "asked",
    [("email", "47", ""), ("phone", "0", ""), ("phone", "", "uk-nhs"), ("national-id", "", "x"), ("name",)],
)
def test_only_forms_there_are_can_be_named(asked):
    with pytest.raises(ValueError, match="form"):
        new_form(*asked)
    with pytest.raises(ValueError, match="form"):
        form_named("email/9")


ALL = [new_form("email"), new_form("phone", "47"), new_form("national-id"),
       *(new_form("national-id", scheme=scheme) for scheme in SCHEMES)]  # fmt: skip
TEXT = st.one_of(st.text(max_size=30), st.from_regex(r"[0-9+() -]{5,20}", fullmatch=True), st.emails())


@given(value=TEXT, form=st.sampled_from(ALL))
@settings(max_examples=50, deadline=None)
def test_a_form_is_its_own_form_and_its_name_says_it(value, form):
    assert form_named(form.name) == form
    assert form.kind in KINDS
    (normal,) = form.normalise([value])
    if normal is not None:
        assert form.normalise([normal, f" {normal}\n"]) == [normal, normal]


class TestTerms:
    KEY = bytes(range(32))

    def test_each_of_what_an_index_is_bound_to_gives_unrelated_terms(self):
        bound = ("tenant", "people", "email", "email/1", 1)
        others = [(*bound[:i], 2 if i == 4 else "other", *bound[i + 1 :]) for i in range(5)]
        made = {terms(term_key(self.KEY, *each), ["a@x.org"])[0] for each in (bound, *others)}
        assert len(made) == 6
        assert {len(term) for term in made} == {16}

    def test_equal_values_have_equal_terms_in_one_index(self):
        first, second, other = terms(self.KEY, ["a@x.org", "a@x.org", "b@x.org"])
        assert first == second != other


class TestNarrow:
    @pytest.mark.parametrize(
        ("held", "narrow"),
        [
            ([*range(1000)], False),
            ([n // 2 for n in range(1000)], True),  # two to each
            ([*range(1000), *[0] * 8], False),  # a family
            ([*range(1000), *[0] * 20], True),  # an address that stands for none
            ([0] * 19, False),  # too few to tell
            ([0] * 20, True),
            ([n // 2 for n in range(20_000)], False),  # ten thousand different ones
            ([], False),
        ],
    )
    def test_few_values_or_one_that_many_share(self, held, narrow):
        assert is_too_narrow(str(each).encode() for each in held) is narrow
