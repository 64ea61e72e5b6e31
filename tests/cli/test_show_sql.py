"""Proves that the exact part of a query is shown as SQL of another engine, and that nothing is spent."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlglot import parse

QUESTION = (
    "SELECT ward, COUNT(*), AVG(systolic), MEDIAN(systolic) FROM visits WHERE systolic > 100 GROUP BY ward"
)
SAID = ("query", "visits", QUESTION, "--purpose", "research", "--as", "ana", "--epsilon", "0.5", "--show-sql")


def everything(space):
    with closing(sqlite3.connect(space / "hedgerow.db")) as database:
        return list(database.iterdump())


@pytest.mark.parametrize("engine", ["duckdb", "bigquery"])
def test_the_statements_parse_and_the_warning_comes_first(space, hedgerow, engine):
    before = everything(space)
    shown = hedgerow(*SAID, engine).out
    assert shown.startswith("-- What these statements return is exact and not private")
    assert "must never leave" in shown
    assert len([one for one in parse(shown, read=engine) if one is not None]) == 3
    assert everything(space) == before


def test_an_engine_that_is_not_known_is_a_malformed_call(hedgerow):
    assert (
        "Name one of duckdb, spark, bigquery, snowflake, postgres." in hedgerow(*SAID, "oracle", code=2).err
    )


def test_what_the_gate_refuses_is_not_shown(hedgerow):
    refused = hedgerow(*SAID[:4], "marketing", *SAID[5:], "duckdb", code=3)
    assert refused.out == ""


def test_a_public_table_stands_in_the_statement_and_what_is_not_written_is_named(hedgerow, tmp_path):
    (tmp_path / "wards.csv").write_text("ward,part\nA,north\nB,south\n")
    hedgerow("dataset", "public", "add", "wards", "--from", tmp_path / "wards.csv", "--why", "a list")
    joined = "SELECT part, COUNT(*) FROM visits JOIN wards USING (ward) GROUP BY part"
    shown = hedgerow("query", "visits", joined, *SAID[3:], "postgres").out
    assert "CAST('north' AS TEXT)" in shown
    grouped = "SELECT WIDTH_BUCKET(systolic, 90, 180, 3) AS b, SUM(systolic * 2) FROM visits GROUP BY b"
    shown = hedgerow("query", "visits", grouped, *SAID[3:], "snowflake").out
    assert [one.key for one in parse(shown, read="snowflake") if one is not None] == ["select"]
    often = "SELECT AVG(n) FROM (SELECT person, COUNT(*) AS n FROM visits GROUP BY person)"
    refused = hedgerow("query", "visits", often, *SAID[3:], "duckdb", code=2).err
    assert "gathering" in refused
    assert "(engine.element)" in refused
