"""What is told on first use can be followed: it is in words of the query, with lines that work."""

from __future__ import annotations

import pyarrow as pa
import pytest

import hedgerow as hr
from hedgerow.model.errors import CallerError, Refused


@pytest.mark.parametrize(
    ("element", "said"),
    [
        ("ExactAggregation.beside", "a join of two data sets"),
        ("ExactAggregation.gathered", "rows gathered by person"),
        ("discover_keys", "keys found in the data"),
        ("ExactAggregation.max_groups", "max-groups"),
        ("CaseWhen", "case when"),
    ],
)
def test_what_another_engine_cannot_do_is_said_in_words_of_the_query(element, said):
    error = CallerError("engine.element", element=element)
    assert error.message.startswith(f"The query rests on {said}, which")


def test_a_table_that_is_not_public_may_be_a_data_set_of_the_same_people():
    step = Refused("dp.not-public", table="courses").next_step
    assert "JOIN courses USING (person)" in step
    assert "hedgerow dataset public add courses" in step


@pytest.mark.parametrize(("many", "is_said"), [(40, True), (4000, False)])
def test_keys_that_were_sought_and_not_found_say_what_would_help(many, is_said):
    people = pa.table({"who": range(many), "ward": ["A", "B"] * (many // 2)})
    answer, _ = hr.dp.query(
        people, "SELECT ward, COUNT(*) GROUP BY ward", person="who", declaration=hr.dp.declare(max_rows=1),
        epsilon="1", discover_keys="1e-8", budget=hr.dp.Budget.of("2", "1e-5", own="5e-6"),
    )  # fmt: skip
    # 40 people lie so far below the threshold, and 4,000 so far above, that no noise bridges it.
    assert (answer.rows == ()) is is_said
    assert any(said.startswith("No combination reached it") for said in answer.notes) is is_said
