"""Proves that Riverside is repeatable, consistent across its tables, fictional and fully labelled."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.app.demo.town import Town, attacker_view, generate, write
from hedgerow.app.demo.town.checkdigits import card_number
from hedgerow.kernel.checksums import with_iban_check, with_luhn, with_mod11_10
from hedgerow.model.words import ColumnRole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLINICS = ("clinic_north_visits", "clinic_south_visits", "clinic_river_visits")
COLUMNS = {
    **dict.fromkeys(
        CLINICS,
        "visit_id patient_ref full_name email phone birth_date sex zip ward age diagnosis systolic hba1c "
        "visit_date",
    ),
    "bank_accounts": "account_ref full_name iban address zip salary balance",
    "bank_transactions": "transaction_id account_ref card_number merchant merchant_code amount timestamp",
    "credit_agency_scores": "consumer_ref national_id score defaults",
    "shop_purchases": "purchase_id loyalty_card member_ref item category amount timestamp",
    "building_residents": "flat resident_ref full_name phone entry_method",
}
IDENTIFIERS = {
    "patient_ref", "full_name", "email", "phone", "account_ref", "iban", "address", "card_number",
    "consumer_ref", "national_id", "loyalty_card", "member_ref", "resident_ref",
}  # fmt: skip


@pytest.fixture(scope="module")
def town() -> Town:
    return generate()


def _everything(town: Town) -> Iterator[tuple[str, pa.Table]]:
    yield from town.tables.items()
    yield "residents", town.residents
    yield "consents", town.consents
    yield "club", attacker_view(town)


def _digest(town: Town) -> str:
    digest = hashlib.sha256(repr(sorted(town.hierarchies.items())).encode())
    for name, table in _everything(town):
        digest.update(name.encode() + repr(table.schema).encode())
        digest.update(repr(table.to_pydict()).encode())
    return digest.hexdigest()


def _numbers(town: Town, table: str, column: str) -> np.ndarray:
    return np.asarray(town.tables[table][column].to_numpy(), dtype=float)


# --- repeatable ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_town() -> None:
    assert _digest(generate(7, 150)) == _digest(generate(7, 150))


def test_another_seed_gives_another_town() -> None:
    assert _digest(generate(7, 150)) != _digest(generate(8, 150))


def test_every_table_depends_on_the_seed() -> None:
    one, two = (dict(_everything(generate(seed, 150))) for seed in (7, 8))
    assert [name for name in one if one[name].equals(two[name])] == []


def test_another_process_with_another_hash_seed_gives_the_same_town() -> None:
    code = (
        "import hashlib;from hedgerow.app.demo.town import generate;t=generate(7,60);"
        "print(hashlib.sha256(repr([(n,x.to_pydict()) for n,x in t.tables.items()]).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": hash_seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1


# --- shape and truth ----------------------------------------------------------------------------


def test_tables_have_their_columns_in_order(town: Town) -> None:
    assert {name: " ".join(table.column_names) for name, table in town.tables.items()} == COLUMNS


def test_truth_labels_every_column_of_every_table_and_nothing_else(town: Town) -> None:
    assert set(town.truth) == set(town.tables)
    for name, table in town.tables.items():
        assert list(town.truth[name]) == table.column_names
        assert all(isinstance(role, ColumnRole) for role in town.truth[name].values())


def test_truth_names_exactly_the_direct_identifiers(town: Town) -> None:
    for columns in town.truth.values():
        named = {column for column, role in columns.items() if role is ColumnRole.DIRECT_IDENTIFIER}
        assert named == IDENTIFIERS & set(columns)


def test_row_ids_are_distinct(town: Town) -> None:
    for name, columns in town.truth.items():
        for column, role in columns.items():
            if role is ColumnRole.ROW_ID:
                values = town.tables[name][column]
                assert len(values.unique()) == len(values)


def test_measures_are_numbers(town: Town) -> None:
    for name, columns in town.truth.items():
        for column, role in columns.items():
            if role is ColumnRole.MEASURE:
                kind = town.tables[name][column].type
                assert pa.types.is_integer(kind) or pa.types.is_floating(kind)


def test_sizes(town: Town) -> None:
    rows = {name: table.num_rows for name, table in town.tables.items()}
    assert town.residents.num_rows == 2000
    assert sum(rows[name] for name in CLINICS) >= 4000
    assert min(rows[name] for name in CLINICS) >= 500
    assert rows["bank_accounts"] == 1400
    assert rows["bank_transactions"] > 7000
    assert rows["credit_agency_scores"] == 1600
    assert rows["shop_purchases"] > 6000
    assert rows["building_residents"] == 720
    assert len(town.tables["building_residents"]["flat"].unique()) == 520


def test_nothing_is_missing(town: Town) -> None:
    for _, table in _everything(town):
        assert sum(column.null_count for column in table.columns) == 0
        for column in table.columns:
            if pa.types.is_string(column.type):
                assert "" not in column.to_pylist()


@pytest.mark.parametrize("people", [0, -3, 1_000_000, True, 2.5])
def test_a_town_that_cannot_be_is_refused(people: int) -> None:
    with pytest.raises(ValueError, match="people is"):
        generate(1, people)


@pytest.mark.parametrize("seed", [-1, True])
def test_a_seed_that_cannot_be_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed is"):
        generate(seed, 5)


@pytest.mark.parametrize("people", [1, 2, 9])
def test_a_hamlet_still_has_every_table(people: int) -> None:
    town = generate(3, people)
    assert set(town.tables) == set(COLUMNS)
    assert attacker_view(town).num_rows == people


def test_values_are_never_shown_by_repr(town: Town) -> None:
    assert repr(town) == f"Town(seed=20260, people=2000, tables={len(COLUMNS)})"


def test_the_mappings_cannot_be_changed(town: Town) -> None:
    with pytest.raises(TypeError):
        town.tables["x"] = town.consents  # type: ignore[index]
    with pytest.raises(TypeError):
        town.truth["shop_purchases"]["item"] = ColumnRole.MEASURE  # type: ignore[index]


# --- one person is one person everywhere --------------------------------------------------------


def test_every_subject_key_names_a_resident(town: Town) -> None:
    known = set(town.residents["resident_ref"].to_pylist())
    assert all(re.fullmatch(r"R-\d{6}", ref) for ref in known)
    assert set(town.subject_keys) == set(town.tables)
    for name, key in town.subject_keys.items():
        assert town.truth[name][key] is ColumnRole.DIRECT_IDENTIFIER
        assert set(town.tables[name][key].to_pylist()) <= known


def test_a_person_carries_the_same_facts_into_every_table(town: Town) -> None:
    residents = {row["resident_ref"]: row for row in town.residents.to_pylist()}
    shared = {"full_name", "email", "phone", "birth_date", "sex", "zip", "age", "address"}
    for name, key in town.subject_keys.items():
        columns = sorted(shared & set(town.tables[name].column_names))
        for row in town.tables[name].select([key, *columns]).to_pylist():
            assert all(row[column] == residents[row[key]][column] for column in columns)


def test_every_resident_visits_the_home_clinic_and_no_one_more_than_six_times(town: Town) -> None:
    seen: dict[str, set[str]] = {}
    for name in CLINICS:
        counts = Counter(town.tables[name]["patient_ref"].to_pylist())
        assert max(counts.values()) <= 6
        seen[name] = set(counts)
    for ref, clinic in zip(
        town.residents["resident_ref"].to_pylist(), town.residents["home_clinic"].to_pylist(), strict=True
    ):
        assert ref in seen[f"clinic_{clinic}_visits"]
    assert seen[CLINICS[0]] & seen[CLINICS[1]]


def test_transactions_belong_to_an_account_and_each_account_has_one_card(town: Town) -> None:
    accounts = town.tables["bank_accounts"]["account_ref"].to_pylist()
    pairs = set(
        zip(
            *town.tables["bank_transactions"].select(["account_ref", "card_number"]).to_pydict().values(),
            strict=True,
        )
    )
    assert len(accounts) == len(set(accounts)) == len(pairs) == len({card for _, card in pairs})
    assert {ref for ref, _ in pairs} == set(accounts)


def test_numbers_that_name_a_person_name_one_person(town: Town) -> None:
    for table, column in (
        ("bank_accounts", "iban"),
        ("credit_agency_scores", "national_id"),
        ("residents", "email"),
        ("residents", "phone"),
        ("building_residents", "resident_ref"),
    ):
        source = town.residents if table == "residents" else town.tables[table]
        assert len(source[column].unique()) == source.num_rows
    cards = town.tables["shop_purchases"].select(["loyalty_card", "member_ref"]).to_pylist()
    pairs = {tuple(row.values()) for row in cards}
    assert len({card for card, _ in pairs}) == len({ref for _, ref in pairs}) == len(pairs)


def test_ages_are_those_of_the_birth_dates_on_the_register_day(town: Town) -> None:
    today = date(2026, 1, 1)
    for born, age in zip(*town.residents.select(["birth_date", "age"]).to_pydict().values(), strict=True):
        assert age == today.year - born.year - ((today.month, today.day) < (born.month, born.day))


# --- valid, and fictional -----------------------------------------------------------------------


def test_every_iban_is_valid_and_of_the_fictional_bank(town: Town) -> None:
    for value in town.tables["bank_accounts"]["iban"].to_pylist():
        assert re.fullmatch(r"GB\d{2}RVRX000000\d{8}", value)
        turned = value[4:] + value[:4]
        assert int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _luhn_sum(digits: str) -> int:
    doubled = {digit: sum(map(int, str(2 * digit))) for digit in range(10)}
    return sum(doubled[int(x)] if place % 2 else int(x) for place, x in enumerate(reversed(digits)))


def test_every_card_is_luhn_valid_in_the_test_range(town: Town) -> None:
    for value in town.tables["bank_transactions"]["card_number"].to_pylist():
        assert re.fullmatch(r"400000\d{10}", value)
        assert _luhn_sum(value) % 10 == 0


def test_every_loyalty_card_is_luhn_valid(town: Town) -> None:
    for value in town.tables["shop_purchases"]["loyalty_card"].to_pylist():
        assert re.fullmatch(r"RC-\d{10}", value)
        assert _luhn_sum(value[3:]) % 10 == 0


def test_every_national_number_has_a_valid_check_digit(town: Town) -> None:
    for value in town.tables["credit_agency_scores"]["national_id"].to_pylist():
        assert re.fullmatch(r"RN-\d{10}-\d", value)
        *body, check = (int(x) for x in value if x.isdigit())
        product = 10
        for digit in body:
            total = (digit + product) % 10 or 10
            product = 2 * total % 11
        assert (product + check) % 10 == 1


def test_published_check_digits() -> None:
    """Source: the IBAN, Luhn, OIB and German tax number examples of their Wikipedia articles."""
    assert with_iban_check("GB", "WEST12345698765432") == "GB82WEST12345698765432"
    assert with_luhn("7992739871") == "79927398713"
    assert with_mod11_10("6943515153") == "69435151530"
    assert with_mod11_10("8609574271") == "86095742719"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**9 - 1))
def test_any_card_serial_gives_a_valid_card(serial: int) -> None:
    assert len(card_number(serial)) == 16
    assert _luhn_sum(card_number(serial)) % 10 == 0


def test_no_address_or_number_reaches_a_real_person(town: Town) -> None:
    for _, table in _everything(town):
        for name in table.column_names:
            if not pa.types.is_string(table[name].type):
                continue
            values = table[name].unique().to_pylist()
            if name == "phone":
                assert all(re.fullmatch(r"\+1-[2-9]\d\d-555-01\d\d", value) for value in values)
                assert not any(value[4:6] == "11" for value in values)
            elif name == "email":
                assert all(re.fullmatch(r"[a-z]+\.[a-z]+\d*@example\.org", value) for value in values)
            else:
                assert not any("@" in value for value in values)


# --- realistic enough to learn from, risky enough to protect ------------------------------------


@pytest.mark.parametrize("clinic", CLINICS)
def test_blood_pressure_rises_with_age_and_sugar_with_diabetes(town: Town, clinic: str) -> None:
    age, systolic, sugar = (_numbers(town, clinic, name) for name in ("age", "systolic", "hba1c"))
    diabetic = np.array([value.startswith("E11") for value in town.tables[clinic]["diagnosis"].to_pylist()])
    assert np.corrcoef(age, systolic)[0, 1] > 0.4
    assert sugar[diabetic].mean() > sugar[~diabetic].mean() + 1
    assert age[diabetic].mean() > age.mean()


@pytest.mark.parametrize("clinic", CLINICS)
def test_measures_stay_in_their_bounds(town: Town, clinic: str) -> None:
    for column, low, high in (("age", 18, 101), ("systolic", 80, 220), ("hba1c", 4, 14)):
        values = _numbers(town, clinic, column)
        assert low <= values.min() <= values.max() <= high
    assert set(town.tables[clinic]["ward"].to_pylist()) == {"A", "B", "C"}


@pytest.mark.parametrize("clinic", CLINICS)
def test_pregnancy_finds_nobody_who_cannot_carry(town: Town, clinic: str) -> None:
    rows = [row for row in town.tables[clinic].to_pylist() if row["diagnosis"].startswith("O26")]
    assert rows
    assert all(row["sex"] != "M" and row["age"] < 50 for row in rows)


def test_the_richer_score_better(town: Town) -> None:
    salary = dict(
        zip(*town.tables["bank_accounts"].select(["account_ref", "salary"]).to_pydict().values(), strict=True)
    )
    rows = town.tables["credit_agency_scores"].to_pylist()
    pairs = [(salary[row["consumer_ref"]], row["score"]) for row in rows if row["consumer_ref"] in salary]
    assert 900 < len(pairs) < 1400
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.3
    assert all(300 <= row["score"] <= 850 and row["defaults"] >= 0 for row in rows)


def test_raw_residents_are_easy_to_single_out(town: Town) -> None:
    assert len(town.residents["zip"].unique()) == 40
    quasi = Counter(zip(*town.residents.select(["age", "zip", "sex"]).to_pydict().values(), strict=True))
    assert sum(1 for count in quasi.values() if count == 1) > 0.3 * town.residents.num_rows
    assert town.residents["age"].to_pylist().count(101) == 3


def test_the_outsider_holds_four_columns_and_finds_people_in_the_raw_table(town: Town) -> None:
    club = attacker_view(town)
    assert club.column_names == ["full_name", "age", "zip", "sex"]
    assert club.num_rows == 200
    assert club["age"].to_pylist().count(101) == 3
    assert club.equals(attacker_view(town))
    raw: dict[tuple[object, ...], set[str]] = {}
    for row in town.tables["clinic_north_visits"].to_pylist():
        raw.setdefault((row["age"], row["zip"], row["sex"]), set()).add(row["full_name"])
    hits = sum(
        raw.get((row["age"], row["zip"], row["sex"])) == {row["full_name"]} for row in club.to_pylist()
    )
    assert hits > 20


# --- consent and hierarchies --------------------------------------------------------------------


def test_about_85_percent_consent_to_research_before_their_first_visit(town: Town) -> None:
    assert town.consents.column_names == ["subject", "purpose", "notice_version", "time", "channel"]
    subjects = town.consents["subject"].to_pylist()
    assert len(subjects) == len(set(subjects)) == 1700
    assert set(subjects) < set(town.residents["resident_ref"].to_pylist())
    assert set(town.consents["purpose"].to_pylist()) == {"research"}
    assert max(town.consents["time"].to_pylist()).year < 2024


def test_hierarchies_cover_every_value_and_nest(town: Town) -> None:
    assert set(town.hierarchies) == {"age", "sex", "zip"}
    for column, rows in town.hierarchies.items():
        values = {str(value) for value in town.residents[column].unique().to_pylist()}
        assert values <= {row[0] for row in rows}
        assert len({row[0] for row in rows}) == len(rows)
        assert len({len(row) for row in rows}) == 1
        assert {row[-1] for row in rows} == {"*"}
        for lower, upper in pairwise(range(len(rows[0]))):
            assert len({(row[lower], row[upper]) for row in rows}) == len({row[lower] for row in rows})


# --- files --------------------------------------------------------------------------------------


def test_written_files_hold_the_tables(town: Town, tmp_path: Path) -> None:
    paths = write(town, tmp_path / "riverside")
    kinds = Counter(paths[name].suffix for name in town.tables)
    assert kinds == {".csv": 6, ".jsonl": 1, ".parquet": 1}
    assert pq.read_table(paths["bank_transactions"]).equals(town.tables["bank_transactions"])
    lines = [json.loads(line) for line in paths["shop_purchases"].read_text("utf-8").splitlines()]
    expected = town.tables["shop_purchases"].to_pylist()
    assert lines == [{**row, "timestamp": row["timestamp"].isoformat()} for row in expected]
    for name, table in town.tables.items():
        if paths[name].suffix == ".csv":
            mark = ";" if name == "bank_accounts" else ","
            options = pacsv.ConvertOptions(column_types=table.schema)
            read = pacsv.read_csv(paths[name], None, pacsv.ParseOptions(delimiter=mark), options)
            assert read.equals(table)


def test_written_hierarchies_and_consents(town: Town, tmp_path: Path) -> None:
    paths = write(town, tmp_path)
    assert len(pacsv.read_csv(paths["consents"])) == 1700
    assert len(pacsv.read_csv(paths["club_list"])) == 200
    for column, rows in town.hierarchies.items():
        with (paths["hierarchies"] / f"riverside_hierarchy_{column}.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            assert tuple(map(tuple, csv.reader(file, delimiter=";"))) == rows
    tables = {paths[name] for name in town.tables}
    assert {path for path in tmp_path.iterdir() if path.is_file()} == tables


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    town = generate(5, 40)
    one, two = write(town, tmp_path / "one"), write(town, tmp_path / "two")
    for name in one:
        if one[name].is_file():
            assert one[name].read_bytes() == two[name].read_bytes()
