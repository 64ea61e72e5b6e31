"""Proves that Spark as the engine of a workspace changes nothing that the gate, the ledger or the journal do.

Spark sees rows of people with consent alone, under numbers, of the granted columns and of ranks that may
count. Its integers are those of the workspace's own engine. A question is the same one whichever engine is
named. What fails there is paid for, tells its kind alone, and leaves nothing behind.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from copy import copy, deepcopy
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.attack.rolling import founded
from tests.attack.test_same_question import ASKED, audit, charges, found
from tests.simulator.adapters import copied_shelf, copied_store
from tests.simulator.model import RESEARCH
from tests.unit.transpile import drawn
from tests.unit.transpile.test_engines import ROWS
from tests.unit.transpile.test_expressions import GROUPED
from tests.unit.transpile.test_lookups import FULL

from hedgerow.adapters.engines import DuckEngine, spark_process, spark_worker
from hedgerow.adapters.engines.spark import SparkEngine, handed
from hedgerow.adapters.engines.spark_process import SparkProcess
from hedgerow.adapters.files.memory import MemoryShelf
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.plans import (
    AnyOf,
    BinCounts,
    Clamp,
    Column,
    Compare,
    CountPeople,
    CountRows,
    ExactAggregation,
    KeyDomain,
    Literal,
    SumValues,
)
from hedgerow.model.records import JournalEntry
from hedgerow.spine.entries import parse_entry

SECRET = "Zebulon 1234"


class Handed:
    """Runs statements in a Spark, or fails, and keeps what was handed over."""

    def __init__(self, session=None):
        self.session, self.tables = session, []

    def __call__(self, table, statements, tables):
        self.tables.append(table)
        if self.session is None:
            raise Fault("engine.failed", reason="Py4JJavaError")
        self.session.createDataFrame(table).createOrReplaceTempView("rows")
        for name, sql in tables.items():
            self.session.sql(sql).localCheckpoint(eager=True).createOrReplaceTempView(name)
        try:
            return [[list(row) for row in self.session.sql(sql).collect()] for sql in statements]
        finally:
            for name in ("rows", *tables):
                self.session.catalog.dropTempView(name)


@pytest.fixture(scope="module")
def lived():
    made = founded()
    made.collect("visits", ["ann", "bob", "cem", "dan"], with_consent=True)
    made.collect("visits", ["ann", "bob"], with_consent=True)
    return made


@pytest.fixture
def world(lived, monkeypatch):
    made = copy(lived)
    made.inner_store, made.inner_shelf = copied_store(lived.inner_store), copied_shelf(lived.inner_shelf)
    made.clock, made.model = deepcopy(lived.clock), deepcopy(lived.model)
    made.restart()
    return made


def on_spark(world, run):
    engine = SparkEngine(world.inner_shelf, None, run)
    world.spine.tables.compute_by("spark", engine)
    return engine


def ask(world, name, sql=ASKED, *, engine="spark", purpose=RESEARCH, **more):
    return world.service.query(
        "visits", sql, purpose=purpose, epsilon="0.01", request_id=name, engine=engine, **more
    )


def numbers_of(world, *people):
    with world.read() as reader:
        return {world.spine.vault.find(reader, name).number for name in people}


def told_of(world, action):
    with world.read() as reader:
        entries = [parse_entry(each.body) for each in reader.find(JournalEntry)]
    return [each["facts"] for each in entries if each["action"] == action]


class TestGoverned:
    @pytest.mark.extra
    def test_who_did_not_consent_is_never_handed_to_spark(self, world, spark_session):
        run = Handed(spark_session)
        on_spark(world, run)
        ask(world, "before")
        world.choose("bob", granted=False, late=False)
        ask(world, "after")
        before, after = run.tables
        gone = set(before["_person"].to_pylist()) - set(after["_person"].to_pylist())
        assert gone == numbers_of(world, "bob")
        assert set(before.column_names) == {"ward", "_person", "_rank"}
        assert set(after["_person"].to_pylist()) == numbers_of(world, "ann", "cem", "dan")
        plan = world.service.explain_query("visits", ASKED, purpose=RESEARCH, epsilon="1", engine="spark")[
            "plan"
        ]
        assert plan["engine"] == "spark"
        assert max(after["_rank"].to_pylist()) < plan["max_rows"]
        assert audit(world) is None

    @pytest.mark.extra
    def test_the_same_question_is_one_whichever_engine_answered_it(self, world, spark_session):
        run = Handed(spark_session)
        on_spark(world, run)
        first, paid = ask(world, "first"), charges(world)
        for engine in ("spark", "duckdb", None):
            again = ask(world, f"again {engine}", engine=engine)
            assert (again["rows"], again["receipt"]["from"]) == (first["rows"], "stored")
        assert ask(world, "first", engine=None)["receipt"]["from"] == "request"
        assert (charges(world), len(run.tables)) == (paid, 1)
        assert [each.get("engine") for each in told_of(world, "use.intend")] == ["spark"]
        assert not any("engine" in each for each in told_of(world, "use.stored"))
        assert audit(world) is None

    def test_a_failure_there_is_paid_for_and_tells_nothing(self, world):
        on_spark(world, Handed())
        before = charges(world)
        world.service.add_principal("ana", ["analyst"])
        with pytest.raises((Fault, Refused)) as caught:
            ask(world, "first")
        assert caught.value.code in ("engine.failed", "use.not-releasable")
        assert charges(world) == before + 1
        assert [each["code"] for each in told_of(world, "use.fail")] == ["engine.failed"]

    def test_what_cannot_be_done_there_is_refused_before_anything_is_spent(self, world):
        run = Handed()
        on_spark(world, run)
        before = charges(world)
        assert found(lambda: ask(world, "a", engine="oracle")) == "engine.unknown"
        tags = "SELECT tag, COUNT(*) FROM visits GROUP BY tag"
        assert found(lambda: ask(world, "b", tags, discover_keys="1e-8")) == "engine.element"
        assert charges(world) == before
        assert run.tables == []

    def test_a_missing_package_or_java_is_told_with_what_to_do(self, world, monkeypatch, tmp_path):
        before = charges(world)
        world.spine.tables.compute_by("spark", SparkEngine(world.inner_shelf, tmp_path / "scratch"))
        monkeypatch.setattr(spark_process.importlib.util, "find_spec", lambda _: None)
        with pytest.raises(Fault) as caught:
            ask(world, "a")
        assert caught.value.code == "extra.missing"
        assert "hedgerow[spark]" in caught.value.next_step
        monkeypatch.setattr(spark_process.importlib.util, "find_spec", lambda _: True)
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(Fault) as caught:
            ask(world, "a")
        assert caught.value.code == "engine.no-java"
        monkeypatch.setenv("HEDGEROW_SPARK_MASTER", "spark://elsewhere:7077")
        assert found(lambda: ask(world, "a")) == "engine.spark-setting"
        assert charges(world) == before
        assert list(tmp_path.iterdir()) == []


@pytest.mark.extra
def test_its_integers_are_those_of_the_workspaces_own_engine(spark_session):
    whole = drawn.arrow_of(ROWS)
    people = np.array([hash_of(each) for each in whole[drawn.PERSON].to_pylist()], dtype=np.int64)
    ranks = whole[drawn.RANK].to_numpy().astype(np.int32)
    shelf = MemoryShelf()
    rows = whole.drop_columns([drawn.PERSON, drawn.RANK])
    files = DuckEngine(shelf).write(rows, people, ranks, 2, lambda: os.urandom(32), b"here")
    sums = tuple(
        SumValues(name, Clamp(Fraction(-3), Fraction(40)), digits)
        for name, digits in (("n", 0), ("real", 2), ("cents", 1), ("is it", 0))
    )
    where = AnyOf((
        Compare(">=", Column("day"), Literal("1970-01-01")),
        Compare("<", Column("a.b"), Literal("2024-02-29T12:00:00.000001")),
        Compare("=", Column("fine"), Literal(Fraction(1, 2))),
    ))  # fmt: skip
    keys = (KeyDomain('we"ird ünï', drawn.TEXTS),)
    plan = ExactAggregation(keys, (CountRows(), CountPeople(), *sums), where, 2, (BinCounts(sums[1], 50),))
    allowed = PeopleFilter.of({int(each) for each in people} - {hash_of("o'h")})
    run, names = Handed(spark_session), tuple(rows.column_names)
    there = SparkEngine(shelf, None, run)
    for asked in (plan, replace(FULL, keys=(*FULL.keys, GROUPED.keys[0]))):
        own = DuckEngine(shelf).scan(files, names, allowed).aggregate(asked)
        assert any(map(any, own))
        assert there.scan(files, names, allowed).aggregate(asked) == own
    assert hash_of("o'h") not in run.tables[0]["_person"].to_pylist()
    nobody = SparkEngine(shelf, None, run).scan(files, tuple(rows.column_names), PeopleFilter.of([]))
    assert nobody.aggregate(replace(plan, where=None)) == [(0,) * plan.width] * plan.groups


def hash_of(person):
    return len(drawn.PEOPLE) if person is None else drawn.PEOPLE.index(person)


def test_what_spark_does_not_hold_exactly_is_refused():
    kept = {"_person": pa.array([1]), "_rank": pa.array([0], pa.int32())}
    with pytest.raises(Fault) as caught:
        handed(pa.table({"t": pa.array([1_001], pa.timestamp("ns"))} | kept))
    assert caught.value.code == "engine.failed"
    with pytest.raises(CallerError) as caught:
        handed(pa.table({"t": pa.array([[1]])} | kept))
    assert caught.value.code == "engine.column-type"
    whole, columns = handed(pa.table({"t": pa.array([2**64 - 1], pa.uint64())} | kept))
    assert columns["t"].most >= whole["t"][0].as_py() == 2**64 - 1


# A stand-in for pyspark that writes what it is given wherever it can, and then fails quoting it.
FAKE = """
import pathlib, sys
class _Builder:
    def config(self, name, value): return self
    def getOrCreate(self): return self
    def createDataFrame(self, table):
        text = str(table.to_pylist())
        for place in ("spill", "local/block"):
            pathlib.Path(place).parent.mkdir(exist_ok=True)
            pathlib.Path(place).write_text(text)
        print(text, flush=True); print(text, file=sys.stderr, flush=True)
        raise ValueError(text)
class SparkSession:
    builder = _Builder()
"""


def test_a_failure_leaves_nothing_behind_and_quotes_nothing(tmp_path, monkeypatch, capfd):
    package = tmp_path / "fake" / "pyspark"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sql.py").write_text(FAKE)
    monkeypatch.setattr(sys, "path", [str(package.parent), *sys.path])
    monkeypatch.setattr(SparkProcess, "check", lambda _: None)
    scratch = tmp_path / "scratch"
    with pytest.raises(Fault) as caught:
        SparkProcess(scratch).answers(pa.table({"who": [SECRET]}), ["SELECT 1"])
    assert (caught.value.code, caught.value.details["reason"]) == ("engine.failed", "ValueError")
    assert SECRET not in f"{caught.value!r}{caught.value}" + "".join(capfd.readouterr())
    assert not scratch.exists()


# A stand-in that starts a child, as pyspark starts a Java, tells of both, and computes for ever.
ENDLESS = """
import os, pathlib, subprocess, time
class SparkSession:
    class builder:
        config = classmethod(lambda cls, name, value: cls)
        @classmethod
        def getOrCreate(cls):
            child = subprocess.Popen(["sleep", "600"])
            pathlib.Path("ids.new").write_text(f"{os.getpid()} {child.pid}")
            os.rename("ids.new", "ids")
            time.sleep(600)
"""
CALLER = """
import pathlib, sys
import pyarrow as pa
from hedgerow.adapters.engines.spark_process import SparkProcess
SparkProcess.check = lambda _: None
SparkProcess(pathlib.Path(sys.argv[1])).answers(pa.table({"who": ["x"]}), ["SELECT 1"])
"""


def test_a_caller_that_is_killed_leaves_no_process_with_rows_in_it(tmp_path):
    package = tmp_path / "fake" / "pyspark"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sql.py").write_text(ENDLESS)
    path = os.pathsep.join([str(package.parent), *(each for each in sys.path if each)])
    scratch = tmp_path / "scratch"
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(scratch)], env={**os.environ, "PYTHONPATH": path}
    )
    try:
        until(lambda: [*scratch.glob("spark-*/ids")] or caller.poll() is not None)
        [told] = scratch.glob("spark-*/ids")
        ids = [int(each) for each in told.read_text().split()]
        assert all(map(is_running, ids))
    finally:
        caller.kill()
        caller.wait()
    try:
        until(lambda: not any(map(is_running, ids)))
        assert not any(map(is_running, ids))
    finally:
        for each in filter(is_running, ids):
            os.kill(each, signal.SIGKILL)


def until(holds):
    """Wait until something holds, half a minute at most."""
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)


def is_running(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_what_an_interrupted_call_left_goes_with_the_next_and_one_in_use_stays(tmp_path):
    left, used = (tmp_path / f"spark-{each}" for each in "ab")
    for folder in (left, used):
        folder.mkdir()
        (folder / "lock").touch()
    with (used / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with SparkProcess(tmp_path)._private() as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert sorted(tmp_path.iterdir()) == sorted([own, used])
    assert list(tmp_path.iterdir()) == [used]


@pytest.mark.extra
@pytest.mark.slow
def test_a_spark_of_its_own_is_closed_off_and_gone_at_the_end(tmp_path, monkeypatch):
    process = SparkProcess(tmp_path / "scratch")
    monkeypatch.setenv("HEDGEROW_SPARK_MASTER", "local[1]")
    monkeypatch.setenv("HEDGEROW_SPARK_MEMORY", "512m")
    monkeypatch.setenv("SPARK_CONF_DIR", "/nowhere")  # nothing of it is handed on
    try:
        process.check()
    except Fault as missing:
        pytest.skip(missing.code)
    table = pa.table({"_person": [1, 1, 2], "v": [1, 2, 2**40]})
    shown = [
        "spark.io.encryption.enabled", "spark.authenticate", "spark.ui.enabled", "spark.eventLog.enabled",
        "spark.log.level", "spark.driver.bindAddress", "spark.sql.caseSensitive",
    ]  # fmt: skip
    asked = ["SELECT SUM(v), COUNT(DISTINCT _person) FROM rows", *(f"SET {each}" for each in shown)]
    [[total, people]], *settings = process.answers(table, asked)
    assert (total, people) == (2**40 + 3, 2)
    assert {name: value for [[name, value]] in settings} == {
        name: spark_worker.SETTINGS[name] for name in shown
    }
    assert json.dumps(settings)
    assert list(tmp_path.iterdir()) == []
