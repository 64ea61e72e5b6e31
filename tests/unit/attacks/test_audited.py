"""Proves what an audit says of tables done by hand: the three patients first of all, and every refusal."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.audit import audit_release
from hedgerow.model.auditing import NOT_SHOWN, PERSONAL, PSEUDONYMISED
from hedgerow.model.errors import CallerError

PATIENTS = {
    "Name": ["John Smith", "Mary Jones", "Robert Brown"],
    "Address": ["123 Elm Street", "456 Oak Avenue", "789 Pine Road"],
    "Zip Code": ["02139", "02141", "02142"],  # what an address book adds
    "Test Result": ["Positive", "Negative", "Positive"],
}
RELEASED = {
    "Patient_ID": ["7f3a", "c09e", "41bd"],
    "Zip Code": ["02139", "02141", "02142"],
    "Test Result": ["Positive", "Negative", "Positive"],
}


def audited(original=PATIENTS, released=RELEASED, **more):
    asked = {"quasi": ["Zip Code"], "sensitive": ["Test Result"]} | more
    return audit_release(original, released, **asked)


def test_three_unique_zips_are_three_people_with_an_address_book():
    audit = audited()
    assert audit.reidentification.prosecutor_max == audit.reidentification.prosecutor_average == 1
    assert audit.reidentification.uniques == audit.reidentification.rows_at_risk == 3
    assert (audit.candidates.singled_out, audit.candidates.people) == (3, 3)
    assert audit.risk == 1
    singled = audit.attacks[0]
    assert (singled.attack, singled.right, singled.members, singled.risk) == ("singling out", 3, 3, 1)
    assert audit.legal_class == PSEUDONYMISED
    said = " ".join(audit.statements)
    assert "3 fit exactly one released row in Zip Code" in said
    assert "3 classes of fewer than 5 rows (3 rows); 3 rows alone in a class" in said
    assert not any(word in said.lower() for word in ("is safe", "is anonymous", "are anonymous"))
    assert any("control group" in need for need in audit.needed)


def test_no_value_of_a_person_stands_in_an_audit():
    audit = audited()
    shown = json.dumps(audit.as_json()) + repr(audit)
    every = [text for table in (PATIENTS, RELEASED) for cells in table.values() for text in cells]
    assert [text for text in every if text in shown] == []


def test_zips_joined_to_an_area_single_nobody_out():
    audit = audited(released=RELEASED | {"Zip Code": ["021**"] * 3})
    assert audit.candidates.singled_out == 0
    assert audit.candidates.fewest == 3
    assert audit.reidentification.prosecutor_max == Fraction(1, 3)
    assert audit.attacks[0].risk == 0


def test_a_name_left_in_makes_it_personal_data():
    audit = audited(released=RELEASED | {"Name": PATIENTS["Name"]})
    assert audit.identifying == ("Name",)
    assert audit.legal_class == PERSONAL
    assert "column Name points at one row each" in audit.findings(Fraction(1))


def test_findings_count_risk_and_the_lack_of_power():
    audit = audited()
    assert any("prosecutor" in found for found in audit.findings(Fraction(99, 100)))
    assert any("has a risk of 100.0%" in found for found in audit.findings(Fraction(99, 100)))
    blind = audited(PATIENTS, RELEASED | {"Zip Code": ["*"] * 3}, synthetic=True)
    assert blind.attack_risk >= 0
    assert any("could not have seen" in found for found in blind.findings(Fraction(1, 100)))


def many_people(first, secret):
    draw = np.random.default_rng(first)
    return {
        "age": draw.integers(20, 60, 4000).astype(str),
        "sex": draw.choice(["f", "m"], 4000),
        "ill": draw.choice([f"code {n}" for n in range(secret)], 4000),
    }


def test_a_table_that_tells_nothing_is_not_shown_to_be_personal_and_no_more_than_that():
    original, control = many_people(1, 50), many_people(2, 50)
    released = {"age": ["20-59"] * 4000, "sex": ["*"] * 4000, "ill": sorted(original["ill"])}
    audit = audit_release(original, released, quasi=["age", "sex"], sensitive=["ill"], control=control)
    assert audit.attack_risk == 0
    assert audit.detectable <= 0.05
    assert (audit.legal_class, audit.needed) == (NOT_SHOWN, ())
    assert audit.findings(Fraction(1, 20)) == ()
    assert "for people to decide" in NOT_SHOWN


def test_where_nearly_all_are_alike_power_is_lacking_and_it_stays_pseudonymised():
    original, control = many_people(1, 1), many_people(2, 1)
    released = {"age": ["20-59"] * 4000, "sex": ["*"] * 4000, "ill": original["ill"]}
    audit = audit_release(original, released, quasi=["age", "sex"], sensitive=["ill"], control=control)
    assert audit.attack_risk == 0
    assert any("more people" in need for need in audit.needed)
    assert audit.legal_class == PSEUDONYMISED


def test_the_last_rows_can_be_the_control_group():
    original = {"age": [str(n) for n in range(100)]}
    audit = audit_release(original, {"age": original["age"][:80]}, quasi=["age"], control_share="0.2")
    assert (audit.original_rows, audit.control_rows) == (80, 20)
    assert (audit.attacks[0].right, audit.attacks[0].control_right) == (80, 0)
    assert audit.attacks[0].risk == 1
    assert audit.attacks[0].chance < 1e-15


def test_a_population_lowers_the_journalist_only():
    people = {"age": [str(n % 50) for n in range(500)]}
    released = {"age": [str(n) for n in range(50)]}
    given = audit_release(released, released, quasi=["age"], population=people).reidentification
    sized = audit_release(released, released, quasi=["age"], population_size=500).reidentification
    assert given.prosecutor_max == sized.prosecutor_max == 1
    assert given.journalist_max == pytest.approx(0.1)
    assert sized.journalist_max == pytest.approx(0.1 / 0.9 * 2.302585, rel=1e-5)
    assert "simple random sample" in sized.basis
    # All alone in the sample: no model tells how many are in the population.
    assert given.unique_share is sized.unique_share is None


def test_several_rows_of_a_person_are_one_person():
    people = {"who": [f"r{n // 3}" for n in range(90)], "age": [str(n // 3) for n in range(90)]}
    shown = {"token": [f"t{n // 3}" for n in range(90)], "age": people["age"]}
    apart = audit_release(people, shown, quasi=["age"])
    assert apart.candidates.singled_out == 0
    assert apart.reidentification.smallest_class == 3
    joined = audit_release(people, shown, quasi=["age"], person="who", pseudonym="token")
    assert (joined.original_rows, joined.released_rows, joined.candidates.singled_out) == (30, 90, 30)
    assert (joined.reidentification.rows, joined.reidentification.prosecutor_max) == (30, 1)
    assert joined.attacks[0].right == 30
    assert joined.others == ()
    assert "each who of the original, each token of the release" in " ".join(joined.statements)
    kept = audit_release(people, people, quasi=["age"], person="who", pseudonym="who")
    assert kept.identifying == ("who",)


def test_numbers_far_out_are_counted_and_not_named():
    pay = [*range(100, 150), 99_999, 88_888]
    table = {"age": ["*"] * 52, "pay": pay}
    audit = audit_release(
        {"age": [str(n) for n in range(52)], "pay": pay}, table, quasi=["age"], sensitive=["pay"]
    )
    assert (audit.outlier_rows, audit.outlier_columns) == (2, 1)
    assert any("2 rows lie more than 6 median absolute deviations" in said for said in audit.statements)
    assert "99999" not in json.dumps(audit.as_json()).replace(",", "")


def test_the_same_seed_gives_the_same_audit():
    assert audited(seed=5) == audited(seed=5)


@pytest.mark.extra
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_any_table_is_taken(kind):
    table, library = pa.table(RELEASED), pytest.importorskip(kind)
    table = table.to_pandas() if kind == "pandas" else library.from_arrow(table)
    assert audited(released=table) == audited()


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"quasi": []}, "audit.no-quasi"),
        ({"sensitive": ["Zip Code"]}, "audit.repeated-column"),
        ({"quasi": ["zip"]}, "audit.unknown-column"),
        ({"quasi": ["Address"]}, "audit.unknown-column"),
        ({"released": "file"}, "audit.no-table"),
        ({"released": {"Zip Code": [], "Test Result": []}}, "audit.empty"),
        ({"released": {"Zip Code": ["1"], "Test Result": [["a"]]}}, "audit.column-type"),
        ({"hierarchies": {"Test Result": [["Positive", "*"]]}}, "audit.hierarchy-for-no-quasi"),
        ({"control": PATIENTS, "control_share": 0.5}, "audit.two-controls"),
        ({"control_share": 0.1}, "audit.control-too-small"),
        ({"control_share": "many"}, "audit.bad-share"),
        ({"at_risk": 0}, "audit.bad-share"),
        ({"population": PATIENTS, "population_size": 9}, "audit.two-populations"),
        ({"population_size": 2}, "audit.population-too-small"),
        ({"seed": -1}, "audit.bad-seed"),
        ({"link": (["Zip Code"], ["Zip Code"])}, "audit.bad-link"),
        ({"link": (["Zip Code"], [])}, "audit.bad-link"),
        ({"person": "who"}, "audit.unknown-column"),
        ({"pseudonym": "Name"}, "audit.unknown-column"),
    ],
)
def test_what_does_not_fit_is_refused(more, code):
    with pytest.raises(CallerError) as caught:
        audited(**more)
    assert caught.value.code == code


def test_a_column_that_stands_twice_is_refused():
    table = pa.Table.from_arrays([pa.array(["1"])] * 2, ["Zip Code", "Zip Code"])
    with pytest.raises(CallerError) as caught:
        audited(released=table)
    assert caught.value.code == "audit.ambiguous-column"


def _agreeing(many, seed):
    """People of two decades; all of a decade have one illness."""
    rng = np.random.default_rng(seed)
    ages = rng.integers(20, 40, many)
    return {"age": ages.tolist(), "ill": ["flu" if age < 30 else "cough" for age in ages.tolist()]}


@pytest.mark.parametrize(
    "written", [str, str.upper, lambda ill: ill + " ", lambda ill: {"flu": 1}.get(ill, 2)]
)
def test_a_column_that_is_written_otherwise_is_no_proof_that_nothing_is_told(written):
    """Classes of hundreds who agree: an attack that cannot read the values has seen nothing, and says so."""
    people, others = _agreeing(600, 1), _agreeing(600, 2)
    others["ill"] = np.random.default_rng(3).permutation(others["ill"]).tolist()
    released = {
        "age": ["20-29" if age < 30 else "30-39" for age in people["age"]],
        "ill": [written(ill) for ill in people["ill"]],
    }
    audit = audited(people, released, quasi=["age"], sensitive=["ill"], control=others)
    assert audit.legal_class == PSEUDONYMISED
    assert audit.findings(Fraction(1, 5))
    assert audit.unread == (() if written is str else ("ill",))
    assert any("ill is written" in said for said in audit.statements) == bool(audit.unread)


def test_numbers_on_another_scale_are_not_read_either():
    people, others = _agreeing(600, 1), _agreeing(600, 2)
    for table in (people, others):
        table["ill"] = [1000 if ill == "flu" else 2000 for ill in table["ill"]]
    released = {"age": people["age"], "ill": [ill // 1000 for ill in people["ill"]]}
    assert audited(people, released, quasi=["age"], sensitive=["ill"], control=others).unread == ("ill",)


def test_new_numbers_of_a_synthetic_table_are_not_taken_for_another_way_to_write_them():
    people, others = _agreeing(300, 1), _agreeing(300, 2)
    made = {"age": [age + 0.25 for age in people["age"]], "ill": people["ill"]}
    audit = audited(people, made, quasi=["age"], sensitive=["ill"], control=others, synthetic=True)
    assert audit.unread == ()
