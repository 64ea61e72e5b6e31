"""Proves that the governed technique plans without data and runs the code of the library way."""

from __future__ import annotations

import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.technique import KAnonymity

TABLE = pa.table(
    {"sex": ["f", "m"] * 6, "age": [20, 30, 40] * 4, "illness": ["flu", "gout", "none", "flu"] * 3}
)
ASKED = hra.release_parameters(quasi=["sex", "age"], sensitive=["illness"], k=2)


def test_a_plan_names_columns_cost_and_obligations():
    plan = KAnonymity().plan(ASKED, ["name", "sex", "age", "illness"])
    assert plan.columns == ("sex", "age", "illness")
    assert plan.cost == "non-private"
    assert plan.event("R1") == NonPrivateEvent("R1")
    assert any("never anonymous" in duty for duty in plan.obligations)


def test_a_run_equals_the_library_way_but_for_who_admitted_it():
    technique = KAnonymity()
    governed = technique.run(TABLE, technique.plan(ASKED, TABLE.column_names))
    library = hra.k_anonymous(TABLE, quasi=["sex", "age"], sensitive=["illness"], k=2)
    assert governed.table.equals(library.table)
    assert governed.risk == library.risk
    assert (governed.ungoverned, library.ungoverned) == (False, True)


def test_a_person_column_is_leased_and_does_not_leave():
    asked = hra.release_parameters(quasi=["sex"], sensitive=["illness"], k=2, person="number")
    leased = TABLE.drop_columns("age").append_column("number", [list(range(12))])
    plan = KAnonymity().plan(asked, leased.column_names)
    assert "number" in plan.columns
    assert "number" not in KAnonymity().run(leased, plan).table.column_names


def test_a_plan_refuses_a_column_that_is_not_there():
    with pytest.raises(CallerError) as caught:
        KAnonymity().plan(ASKED, ["sex", "age"])
    assert caught.value.code == "anonymity.unknown-column"
