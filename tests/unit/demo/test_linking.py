"""Proves the demo's linkage attack: names come back by what pseudonyms leave in place, and not by classes."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest

from hedgerow.app.demo.linking import KNOWN, link_pseudonyms, link_release, pseudonymised
from hedgerow.app.demo.town import attacker_view, generate

CLINICS = ("clinic_north_visits", "clinic_south_visits", "clinic_river_visits")


@pytest.fixture(scope="module")
def town():
    return generate(people=400)


def test_pseudonyms_keep_visits_together_and_tell_no_reference(town):
    table = pseudonymised(town, CLINICS)
    visits = pa.concat_tables([town.tables[name].select(["patient_ref"]) for name in CLINICS])
    of = Counter(zip(visits["patient_ref"].to_pylist(), table["pseudonym"].to_pylist(), strict=True))
    assert len(of) == len({ref for ref, _ in of}) == len({pseudonym for _, pseudonym in of})
    assert table.column_names == ["pseudonym", *KNOWN, "diagnosis"]
    assert not set(visits["patient_ref"].to_pylist()) & set(table["pseudonym"].to_pylist())


def test_names_come_back_by_age_zip_and_sex(town):
    found = link_pseudonyms(town, CLINICS)
    assert 0 < found.right <= found.found <= found.listed == len(attacker_view(town))
    assert found.fewest == 1
    assert found.rows >= 1


def test_classes_give_nobody_back(town):
    table = pseudonymised(town, CLINICS)
    stars = pa.table({"age": ["*"] * len(table), "zip": ["*"] * len(table), "sex": table["sex"]})
    found = link_release(town, stars, {})
    assert (found.found, found.right) == (0, None)
    assert found.fewest > 5
