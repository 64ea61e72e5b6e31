"""Proves that the method is as asked, that the choice says why, and that models hold by either."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace

import pyarrow as pa
import pytest

from hedgerow.kernel.anonymity.hierarchies import from_rows
from hedgerow.model.errors import CallerError, Refused
from hedgerow.techniques.anonymity.choosing import detail_of, released
from hedgerow.techniques.anonymity.parameters import release_parameters

QUASI = ("age", "zip")
COLOURS = from_rows([("red", "warm", "*"), ("blue", "cold", "*"), ("green", "cold", "*")])


def people(rows=120):
    draw = random.Random(11)
    return pa.table(
        {
            "age": [draw.randrange(20, 90) for _ in range(rows)],
            "zip": [f"{draw.randrange(100, 140)}" for _ in range(rows)],
            "colour": [draw.choice(["red", "red", "blue", "green"]) for _ in range(rows)],
        }
    )


def made(method, table=None, population=None, **more):
    asked = {"quasi": QUASI, "sensitive": ["colour"], "k": 4, "suppression_limit": 0} | more
    parameters = replace(release_parameters(**asked), method=method)
    return parameters, released(
        people() if table is None else table, parameters, ungoverned=True, population=population
    )


def classes(table):
    found = defaultdict(Counter)
    for row in table.to_pylist():
        found[tuple(row[name] for name in QUASI)][row["colour"]] += 1
    return found.values()


@pytest.mark.parametrize("method", ["exact", "local", "auto"])
def test_models_hold_by_every_method(method):
    models = ["recursive-l(colour)=3,2", "t(colour)=0.4,hierarchical", "distinct-l(colour)=2"]
    _, done = made(method, models=models, hierarchies={"colour": COLOURS})
    for values in classes(done.table):
        ranked = sorted(values.values(), reverse=True)
        assert values.total() >= 4
        assert ranked[0] < 3 * sum(ranked[1:])
        assert len(values) >= 2
    assert [each.model for each in done.reached] == models
    assert done.method == ("exact" if method == "exact" else "local")


def test_what_keeps_clearly_more_is_chosen_and_says_by_how_much():
    asked, exact = made("exact")
    _, local = made("local")
    _, auto = made("auto")
    assert detail_of(local.risk, asked) >= detail_of(exact.risk, asked) + 0.05
    assert (auto.method, auto.table) == ("local", local.table)
    assert "% of the detail" in auto.reason
    assert exact.reason == local.reason == ""


def test_one_level_per_column_is_kept_where_it_loses_little():
    table = pa.table({"age": [30, 40] * 10, "zip": ["100", "101"] * 10, "colour": ["red", "blue"] * 10})
    _, auto = made("auto", table)
    assert auto.method == "exact"
    assert auto.reason.startswith("one level per column, which keeps 100%")


def test_a_model_of_a_population_is_met_by_one_level_per_column():
    everybody, models = people(400), ["k-map=8"]
    table = everybody.slice(0, 120)
    _, auto = made("auto", table, population=everybody, models=models)
    assert (auto.method, "k-map=8" in auto.reason) == ("exact", True)
    with pytest.raises(CallerError) as caught:
        made("local", table, population=everybody, models=models)
    assert caught.value.code == "anonymity.method-model"


def test_an_average_risk_is_met_by_every_method():
    for method in ("exact", "local", "auto"):
        _, done = made(method, models=["average-risk=0.1"])
        assert float(done.reached[0].figure) <= 0.1


def test_what_no_method_meets_is_refused():
    for method in ("exact", "local", "auto"):
        with pytest.raises(Refused) as caught:
            made(method, models=["distinct-l(colour)=4"])
        assert caught.value.code == "anonymity.unreachable"
