"""Proves that every column of every Riverside table is judged as its generator says, from CSV too."""

from __future__ import annotations

import pyarrow.csv as pa_csv
import pytest

from hedgerow.adapters.readers import open_table
from hedgerow.app.demo.town.generate import generate
from hedgerow.discover import classify
from hedgerow.model.words import ColumnRole


def roles(table, **options):
    return {finding.column: finding.role for finding in classify(table, **options)}


@pytest.fixture(scope="module", params=[(20_260, 400), (3, 90)])
def town(request):
    seed, people = request.param
    return generate(seed=seed, people=people)


@pytest.fixture(scope="module")
def findings(town):
    """Give what is found in each table, looked for once."""
    return {name: tuple(classify(table)) for name, table in town.tables.items()}


def test_roles_are_those_of_the_generator(town, findings):
    for name, table in town.tables.items():
        assert {each.column: each.role for each in findings[name]} == dict(town.truth[name]), name
        assert roles(table, subject_key=town.subject_keys[name]) == dict(town.truth[name]), name


def test_roles_hold_after_a_round_through_csv(town, tmp_path):
    for name, table in town.tables.items():
        path = tmp_path / f"{name}.csv"
        pa_csv.write_csv(table, path)
        source = open_table(path)
        assert source.broken == ()
        assert roles(source.table) == dict(town.truth[name]), name


def test_no_evidence_shows_a_value(town, findings):
    for name, table in town.tables.items():
        for finding in findings[name]:
            values = {str(value) for value in table.column(finding.column).to_pylist()}
            shown = {mask for mask in finding.evidence if len(mask) > 3}
            assert values.isdisjoint(shown), finding.column


def test_adult_is_quasi_identifiers_and_one_sensitive_attribute(shared_data):
    found = roles(open_table(shared_data / "adult" / "adult.csv").table)
    assert found.pop("salary-class") is ColumnRole.SENSITIVE
    assert set(found.values()) == {ColumnRole.QUASI_IDENTIFIER}
    assert len(found) == 8
