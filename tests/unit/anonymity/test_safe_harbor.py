"""Proves that Safe Harbor finds each of the eighteen identifiers and leaves only what the rule allows.

Source: 45 CFR 164.514(b)(2)(i)(A) to (R).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hedgerow.anonymity as hra
from hedgerow.model.errors import CallerError
from hedgerow.model.safe_harbor import IDENTIFIERS

AREAS = {"021": 500_000, "036": 12_000}
BY_NAME = {
    "A": "full_name",
    "B": "street",
    "C": "ageYears",
    "D": "phone",
    "E": "fax_number",
    "F": "email",
    "G": "SSN",
    "H": "mrn",
    "I": "insurance_no",
    "J": "bank_account",
    "K": "driving_license",
    "L": "licence_plate",
    "M": "device_serial",
    "N": "website",
    "O": "ip_address",
    "P": "fingerprint",
    "Q": "photo",
    "R": "patient_id",
}


def only(column, values, **known):
    made = hra.safe_harbor(pa.table({column: values}), **known)
    left = made.table[column].to_pylist() if column in made.table.column_names else None
    return left, made.findings


@pytest.mark.parametrize("letter", IDENTIFIERS)
def test_each_identifier_is_told_by_a_name(letter):
    name = {"L": "vehicle_plate"}.get(letter, BY_NAME[letter])
    left, (finding,) = only(name, ["a", "a", "b"])
    assert (finding.column, finding.letter, finding.identifier) == (name, letter, IDENTIFIERS[letter])
    assert left is None or letter == "C"


@pytest.mark.parametrize(
    ("category", "letter"),
    [("person-name", "A"), ("city", "B"), ("national-id", "G"), ("iban", "J"), ("free-text", "R")],
)
def test_a_category_tells_where_a_name_does_not(category, letter):
    left, (finding,) = only("x", ["a", "a"], columns={"x": category})
    assert (left, finding.letter, finding.treatment) == (None, letter, "dropped")


def test_dates_become_years_whatever_the_column_is_called():
    days = [dt.date(2024, 3, 17), None]
    for name in ("admission_date", "x"):
        left, (finding,) = only(name, days)
        assert (left, finding.treatment) == (["2024", None], "year")
    assert only("x", ["2024-03-17", "17.3.2023", "3/17/2022"])[0] == ["2024", "2023", "2022"]
    assert only("year_of_visit", [2024, 2023]) == ([2024, 2023], ())


def test_years_of_birth_that_tell_an_age_over_89_are_one_category():
    born = [dt.date(1930, 5, 1), dt.date(1934, 5, 1), dt.date(1935, 12, 31), dt.date(1980, 1, 1)]
    left, _ = only("date_of_birth", born, as_of=2024)
    assert left == ["1934 or earlier", "1934 or earlier", "1935", "1980"]
    assert only("date_of_birth", born)[0] is None
    assert only("birth_year", [1930, 1980], as_of=2024)[0] == ["1934 or earlier", "1980"]


def test_ages_over_89_are_one_category_and_others_stay():
    assert only("age", [34, 89, None]) == ([34, 89, None], ())
    assert only("age", [34, 90, 104])[0] == ["34", "90 or older", "90 or older"]
    assert only("age", ["80-89", "85-94"])[0] == ["80-89", "90 or older"]
    assert only("stage", ["I", "II"]) == (["I", "II"], ())


def test_three_digits_of_a_zip_code_stay_for_large_areas_alone():
    codes = ["02139", "03601", "99999", "021", "K1A 0B1", None]
    assert only("zip", codes, areas=AREAS)[0] == ["021", "000", "000", "021", "000", None]
    assert only("zip", [2139, 3601], areas=AREAS)[0] == ["021", "000"]
    assert only("zip", codes, small_areas={"036"})[0] == ["021", "000", "999", "021", "000", None]
    left, (finding,) = only("zip", codes)
    assert (left, finding.treatment) == (None, "dropped")


def test_exactly_twenty_thousand_people_are_too_few():
    assert only("zip", ["02139"], areas={"021": 20_000})[0] == ["000"]
    assert only("zip", ["02139"], areas={"021": 20_001})[0] == ["021"]


def test_what_tells_nearly_every_row_apart_goes_and_measurements_stay():
    codes = [f"q{place}" for place in range(30)]
    left, (finding,) = only("ref", codes)
    assert (left, finding.letter) == (None, "R")
    assert only("ref", codes, columns={"ref": "other"}) == (codes, ())
    assert only("glucose", [place + 0.5 for place in range(30)])[1] == ()
    assert only("scan", [[1.0], [2.0]])[0] is None


def test_states_stay_and_drug_names_are_nobodys():
    table = pa.table({"state": ["Ohio", "Utah"], "drug_name": ["a", "b"], "sex": ["f", "m"]})
    made = hra.safe_harbor(table)
    assert (made.held, made.kept, made.table) == (True, ("state", "drug_name", "sex"), table)
    assert only("region", ["Ohio"], columns={"region": "state"})[1] == ()


def test_a_wrong_column_is_refused():
    with pytest.raises(CallerError) as caught:
        hra.safe_harbor(pa.table({"x": [1]}), columns={"y": "age"})
    assert caught.value.code == "anonymity.unknown-column"


CELLS = {
    "full_name": st.sampled_from(["Ada", "Bo"]),
    "age": st.one_of(st.none(), st.integers(0, 110)),
    "zip": st.one_of(st.none(), st.sampled_from(["02139", "03601", "021", "000", "x"])),
    "visit_date": st.one_of(st.none(), st.dates(dt.date(1990, 1, 1), dt.date(2024, 1, 1))),
    "dob": st.dates(dt.date(1900, 1, 1), dt.date(2024, 1, 1)),
    "diagnosis": st.sampled_from(["flu", "gout"]),
}


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=6))
def test_removing_again_finds_nothing(rows):
    table = pa.table({name: [row[name] for row in rows] for name in CELLS})
    once = hra.safe_harbor(table, areas=AREAS, as_of=2024)
    again = hra.safe_harbor(once.table, areas=AREAS, as_of=2024)
    assert again.held
    assert again.table.equals(once.table)
    assert "full_name" not in once.table.column_names


_DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=place) for place in range(40)]
_CODES = [f"X{place:05}" for place in range(40)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(_CODES).dictionary_encode(),
        pa.array(_CODES).cast(pa.string_view()),
        pc.run_end_encode(pa.array(_CODES)),
        pa.array([float(700_000 + place) for place in range(39)] + [None]),
        pa.array([Decimal(700_000 + place) for place in range(40)]),
    ],
    ids=["dictionary", "view", "runs", "numbers with a gap", "decimals"],
)
def test_a_code_is_found_however_it_is_encoded(column):
    """A category of a data frame, or whole numbers that a missing one made others, are codes as well."""
    found = hra.safe_harbor(pa.table({"what": column, "sex": ["f"] * 40}))
    assert found.table.column_names == ["sex"]


@pytest.mark.parametrize(
    "written",
    ["%Y-%m-%d", "%m/%d/%y", "%d.%m.%Y", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%B %d, %Y", "%d-%b-%y", "%m/%Y"],
)
@pytest.mark.parametrize("kind", ["text", "dictionary"])
def test_a_date_is_found_however_it_is_written(written, kind):
    texts = pa.array([day.strftime(written) for day in _DAYS[:6]] * 6)
    column = texts.dictionary_encode() if kind == "dictionary" else texts
    left = hra.safe_harbor(pa.table({"what": column})).table["what"].to_pylist()
    assert set(left) <= {"2020", None}
    numbers = pa.array([int(day.strftime("%Y%m%d")) for day in _DAYS[:6]] * 6)
    assert set(hra.safe_harbor(pa.table({"what": numbers})).table["what"].to_pylist()) == {"2020"}


def test_what_stands_among_dates_and_is_none_does_not_leave():
    texts = ["2020-01-01"] * 8 + ["record 4711", "55512345"]
    assert hra.safe_harbor(pa.table({"what": texts})).table["what"].to_pylist() == ["2020"] * 8 + [None, None]
