"""Proves that no schema that was given out ever changes, and that each is reached step by step.

A record that changes without the next schema fails here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import ClassVar

import pytest

from hedgerow.adapters.store import history, postgres_shape
from hedgerow.adapters.store.sqlite import statements_of
from hedgerow.model import records
from hedgerow.model.records import ALL_RECORDS, SCHEMA_VERSION, Record


@dataclass(frozen=True, slots=True)
class Late(Record):
    TABLE: ClassVar[str] = "late"
    KEY: ClassVar[tuple[str, ...]] = ("name",)
    INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("value",),)
    name: str
    value: int


def _with_more_settings(*, default=True):
    @dataclass(frozen=True, slots=True)
    class Setting(Record):
        TABLE: ClassVar[str] = "settings"
        KEY: ClassVar[tuple[str, ...]] = ("name",)
        INDEXES: ClassVar[tuple[tuple[str, ...], ...]] = (("kind",),)
        name: str
        value: str
        kind: str = "it's"
        number: int = 7
        is_told: bool = True
        sealed: bytes = b"\x00"
        note: str | None = None

    if default:
        return Setting

    @dataclass(frozen=True, slots=True)
    class Bare(Record):
        TABLE: ClassVar[str] = "settings"
        KEY: ClassVar[tuple[str, ...]] = ("name",)
        name: str
        value: str
        kind: str

    return Bare


def _newest_frozen():
    return max(n for n in range(SCHEMA_VERSION + 1) if n == 0 or history.frozen(n) is not None)


def _of(kinds):
    with closing(sqlite3.connect(":memory:")) as connection:
        for kind in kinds:
            for statement in statements_of(kind):
                connection.execute(statement)
        return history.structure(connection)


def test_every_schema_before_the_newest_is_written_out():
    assert _newest_frozen() >= max(1, SCHEMA_VERSION - 1)
    assert history.frozen(SCHEMA_VERSION + 1) is None


def test_the_records_are_those_of_the_newest_schema():
    # Fails when a record changed: count SCHEMA_VERSION up once the newest schema was written out.
    if _newest_frozen() == SCHEMA_VERSION:
        assert history.drafted(SCHEMA_VERSION + 1) == history.Step((), ())
    assert history.tables_of(SCHEMA_VERSION) == _of(ALL_RECORDS)


def _added(monkeypatch, kinds):
    """Tell what the step after the last schema written out does for some records and not for today's."""
    number = _newest_frozen() + 1
    before = history.drafted(number)
    monkeypatch.setattr(records, "ALL_RECORDS", kinds)
    after = history.drafted(number)
    return [
        [line for line in new if line not in old]
        for new, old in ((after.sqlite, before.sqlite), (after.postgres, before.postgres))
    ]


def test_a_record_that_changed_needs_another_schema(monkeypatch):
    assert _added(monkeypatch, (*ALL_RECORDS, Late))[0] == statements_of(Late)


@pytest.mark.parametrize("number", range(1, SCHEMA_VERSION + 1))
def test_both_databases_get_the_same_tables_in_a_step(number):
    step = history.step(number)
    ours = {line.split('"')[1] for line in step.sqlite if line.startswith("CREATE TABLE")}
    theirs = {line.split('"')[3] for line in step.postgres if line.startswith("CREATE TABLE")}
    assert theirs - {"tenants"} == ours
    for table in theirs:
        walls = [line for line in step.postgres if f'"{table}"' in line and "ROW LEVEL SECURITY" in line]
        assert len(walls) == 2


def test_a_new_table_comes_with_its_index_and_its_wall(monkeypatch):
    sqlite, postgres = _added(monkeypatch, (*ALL_RECORDS, Late))
    assert [line.split(" (")[0] for line in sqlite] == [
        'CREATE TABLE "late"', 'CREATE INDEX "late_value" ON "late"'
    ]  # fmt: skip
    assert postgres == list(postgres_shape.shape_of(Late).create())


def test_new_fields_get_their_defaults_and_indexes(monkeypatch):
    changed = _with_more_settings()
    kinds = tuple(changed if kind.TABLE == "settings" else kind for kind in ALL_RECORDS)
    sqlite, postgres = _added(monkeypatch, kinds)
    with closing(sqlite3.connect(":memory:")) as connection:
        for number in range(1, _newest_frozen() + 1):
            for statement in history.frozen(number).sqlite:
                connection.execute(statement)
        connection.execute("INSERT INTO settings VALUES ('a', 'b')")
        for statement in sqlite:
            connection.execute(statement)
        assert connection.execute("SELECT * FROM settings").fetchall() == [
            ("a", "b", "it's", 7, 1, b"\x00", None)
        ]
        assert history.structure(connection)["settings"] == _of([changed])["settings"]
    assert [line.split("ADD COLUMN ")[1] for line in postgres if "COLUMN" in line] == [
        "\"kind\" text COLLATE \"C\" NOT NULL DEFAULT 'it''s'",
        '"number" bigint NOT NULL DEFAULT 7',
        '"is_told" boolean NOT NULL DEFAULT true',
        "\"sealed\" bytea NOT NULL DEFAULT '\\x00'",
        '"note" text COLLATE "C"',
    ]


def test_a_new_field_without_a_default_is_refused(monkeypatch):
    changed = _with_more_settings(default=False)
    kinds = tuple(changed if kind.TABLE == "settings" else kind for kind in ALL_RECORDS)
    monkeypatch.setattr(records, "ALL_RECORDS", kinds)
    with pytest.raises(TypeError, match=r"settings\.kind"):
        history.drafted(_newest_frozen() + 1)
