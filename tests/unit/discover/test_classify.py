"""Proves what is found with and without a helpful name; measures and row ids are never called identifiers."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.discover import classify, columns, findings_as_json
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnRole

ROWS = 120
DIRECT = ColumnRole.DIRECT_IDENTIFIER
rng = random.Random(7)


def luhn(body):
    total = sum(
        int(d) * 2 - 9 * (int(d) > 4) if at % 2 == 0 else int(d) for at, d in enumerate(reversed(body))
    )
    return body + str(-total % 10)


def nhs():
    while True:
        body = [rng.randrange(10) for _ in range(9)]
        check = (11 - sum(d * w for d, w in zip(body, range(10, 1, -1), strict=True)) % 11) % 11
        if check < 10:
            return "".join(map(str, [*body, check]))


def resident_id():
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    born = f"{rng.randint(1940, 2005)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    body = f"1101{rng.randint(10, 99)}{born}{rng.randrange(1000):03}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def iban():
    body = f"RVRX{rng.randrange(10**14):014}"
    number = int("".join(str(int(mark, 36)) for mark in body + "GB00"))
    return f"GB{98 - number % 97:02}{body}"


def digits(size):
    return str(rng.randrange(1, 10)) + "".join(str(rng.randrange(10)) for _ in range(size - 1))


def many(make, rows=ROWS):
    return [make() for _ in range(rows)]


def find(values, name="c1", **options):
    column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return classify(pa.table({name: column}), **options)[0]


BY_VALUE = {
    "email": lambda: f"user{digits(5)}@mail{rng.randrange(9)}.example.org",
    "phone": lambda: f"+44 20 7946 {rng.randrange(10_000):04}",
    "iban": iban,
    "card": lambda: luhn("4" + digits(14)),
    "national-id": lambda: f"{rng.randint(100, 600)}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}",
    "ip-address": lambda: ".".join(str(rng.randrange(256)) for _ in range(4)),
    "mac-address": lambda: ":".join(f"{rng.randrange(256):02x}" for _ in range(6)),
    "address": lambda: f"{rng.randrange(1, 300)} Old {rng.choice(['Mill', 'Oak', 'Bay'])} Road",
    "person-name": lambda: (
        f"{rng.choice(['Emma', 'John', 'Ali'])} B{rng.choice('aeiou')}{rng.choice('rlnst')}dek"
    ),
}


@pytest.mark.parametrize("category", BY_VALUE)
def test_direct_identifiers_are_found_by_value_alone(category):
    values = many(BY_VALUE[category])
    finding = find(values)
    assert (finding.category, finding.role) == (category, DIRECT)


@pytest.mark.parametrize("make", [nhs, resident_id])
def test_national_ids_are_found_by_check_digits(make):
    assert find(many(make)).category == "national-id"


def test_full_width_digits_and_text_are_normalised():
    wide = str.maketrans("0123456789X", "".join(chr(0xFF10 + at) for at in range(10)) + chr(0xFF38))
    assert find([value.translate(wide) for value in many(resident_id)]).category == "national-id"


def test_a_card_column_read_as_integers_is_a_card():
    assert find([int(luhn("4" + digits(14))) for _ in range(ROWS)]).category == "card"


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("customerEmail", "email"),
        ("patient_ref", "person-id"),
        ("PatientID", "person-id"),
        ("customer no", "person-id"),
        ("last_name", "person-name"),
        ("name", "person-name"),
        ("passportNumber", "passport"),
        ("姓名", "person-name"),
        ("身份证号", "national-id"),
        ("loyalty_card", "membership"),
        ("iban", "iban"),
    ],
)
def test_direct_identifiers_are_found_by_name_when_values_say_nothing(name, category):
    words = [f"Xq{chr(97 + at % 26)}{chr(97 + at // 26)}zed" for at in range(ROWS)]
    assert (find(words, name).category, find(words, name).role) == (category, DIRECT)


MEASURES = {
    "amount": [round(rng.gammavariate(2, 50), 2) for _ in range(ROWS)],
    "balance": [rng.randrange(10**9, 10**10) for _ in range(ROWS)],
    "systolic": [rng.randrange(90, 180) for _ in range(ROWS)],
    "score": [rng.randrange(300, 850) for _ in range(ROWS)],
    "phone_calls": [rng.randrange(30) for _ in range(ROWS)],
    "email_count": [rng.randrange(30) for _ in range(ROWS)],
    "number_of_patients": [rng.randrange(300) for _ in range(ROWS)],
    "c1": [rng.randrange(10**9, 10**10) for _ in range(ROWS)],
    "c2": [rng.randrange(10**15, 10**16) for _ in range(ROWS)],
    "c3": [str(rng.random() * 100) for _ in range(ROWS)],
    "passport_total": [rng.randrange(10**6, 10**7) for _ in range(ROWS)],
    "duration_days": [rng.randrange(365) for _ in range(ROWS)],
    "weight": [float(rng.randrange(40, 120)) for _ in range(ROWS)],
}


@pytest.mark.parametrize("name", MEASURES)
def test_measures_are_no_identifiers(name):
    assert find(MEASURES[name], name).role is ColumnRole.MEASURE


ROW_IDS = {
    "id": list(range(1, ROWS + 1)),
    "visit_id": [f"VN-{at:06}" for at in range(ROWS)],
    "transaction_id": rng.sample(range(10**9, 10**10), ROWS),
    "order_number": [f"555-{at:03}-{rng.randrange(10_000):04}" for at in range(ROWS)],
    "row": list(range(ROWS)),
    "c1": list(range(1_000_000, 1_000_000 + ROWS)),
    "c2": [f"P-{at:07}" for at in range(ROWS)],
    "event_uuid": [
        f"{rng.randrange(16**8):08x}-0000-4000-8000-{rng.randrange(16**12):012x}" for _ in range(ROWS)
    ],
}


@pytest.mark.parametrize("name", set(ROW_IDS) - {"row"})
def test_row_ids_are_no_identifiers(name):
    assert find(ROW_IDS[name], name).role is ColumnRole.ROW_ID


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email_verified", [True, False]),
        ("phone_type", ["home", "work"]),
        ("card_type", ["visa", "amex"]),
        ("ward", ["A", "B"]),
        ("entry_method", ["face", "card"]),
        ("merchant", ["Kiln Coffee", "Quay Bistro"]),
        ("merchant_code", [5411, 4111]),
    ],
)
def test_what_speaks_about_a_thing_is_no_identifier(name, values):
    assert find(values * 60, name).role is ColumnRole.OTHER


SENSITIVE = {
    "diagnosis": ["E11 type 2 diabetes", "I10 hypertension"],
    "religion": ["none", "Christian"],
    "hiv_positive": [True, False],
    "monthly_income": [1000.5, 2000.25],
    "password": ["hunter2xyz", "correcthorse"],
}


@pytest.mark.parametrize("name", SENSITIVE)
def test_sensitive_attributes_are_found_by_name(name):
    assert find(SENSITIVE[name] * 60, name).role is ColumnRole.SENSITIVE


def test_sensitive_attributes_are_found_by_value():
    icd = [f"{rng.choice('ABCEFGJK')}{rng.randrange(100):02}.{rng.randrange(10)}" for _ in range(30)] * 6
    notes = [f"She came on day {digits(2)} with a {digits(3)} and left" for _ in range(ROWS)]
    keys = [f"sk_live_{digits(24)}" for _ in range(ROWS)]
    assert find(icd).category == "diagnosis"
    assert find(notes).category == "free-text"
    assert find(notes).needs_review
    assert find(keys).category == "secret"


def test_quasi_identifiers():
    days = [dt.date(1950, 1, 1) + dt.timedelta(days=at * 77) for at in range(ROWS)]
    cases = {
        "dob": (days, "date-of-birth"),
        "visit_date": (days, "event-time"),
        "zip": ([90000 + at for at in range(ROWS)], "zip"),
        "c1": ([f"{at:05}" for at in rng.sample(range(10**5), ROWS)], "zip"),
        "age": ([at % 90 for at in range(ROWS)], "age"),
        "sex": (["F", "M"] * 60, "sex"),
        "latitude": ([48.1 + at / 1000 for at in range(ROWS)], "coordinates"),
        "flat": ([f"F{at % 9:02}-{at:02}" for at in range(ROWS)], "dwelling"),
    }
    for name, (values, category) in cases.items():
        finding = find(values, name)
        assert (finding.category, finding.role) == (category, ColumnRole.QUASI_IDENTIFIER), name


def test_templates_are_found_by_their_length():
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.random.default_rng(1).random(128 * 9)), 128)
    assert find(vectors, "face_embedding").category == "face-template"
    assert find(vectors, "c1").category == "embedding"
    assert find(pa.array([[0.5] * 3] * 9), "c1").category == "nested"
    assert find(["[" + ",".join(["0.5"] * 128) + "]"] * 9, "face").category == "face-template"


def test_the_subject_key_is_direct_whatever_it_is():
    finding = find(list(range(ROWS)), "c1", subject_key="c1")
    assert (finding.category, finding.role, finding.confidence) == ("person-id", DIRECT, 0.99)


def test_mixed_emails_are_not_missed():
    values = [f"nick{digits(6)}" for _ in range(110)] + [f"a{at}@example.org" for at in range(10)]
    assert find(values, "contact").role is DIRECT


def test_empty_columns_and_tables():
    assert find(pa.array([None, None], pa.string()), "email").role is DIRECT
    assert find(pa.array([None, None], pa.string())).category == "empty"
    assert find(pa.array([], pa.int64())).category == "empty"
    with pytest.raises(CallerError) as caught:
        classify(pa.table({}))
    assert caught.value.code == "discover.no-columns"
    with pytest.raises(CallerError) as caught:
        classify(pa.table({"a": [1]}), subject_key="b")
    assert caught.value.code == "discover.unknown-subject-key"


def test_large_tables_are_looked_at_evenly_and_always_the_same(monkeypatch):
    monkeypatch.setattr("hedgerow.techniques.discover.profile.MAX_ROWS", 50)
    table = pa.table({"c1": many(BY_VALUE["email"], 500), "c2": list(range(500))})
    first = classify(table)
    assert [finding.category for finding in first] == ["email", "row-id"]
    assert classify(table) == first


def test_any_frame_and_json():
    table = pa.table({"email": many(BY_VALUE["email"])})
    assert columns(table) == classify(table)
    with pytest.raises(CallerError) as caught:
        columns([1, 2])
    assert caught.value.code == "discover.not-a-frame"
    row = findings_as_json(classify(table, name="t"))[0]
    assert row["role"] == "direct-identifier"
    assert row["needs_review"] is False
    assert row["evidence"][0].startswith("u***@m***")
