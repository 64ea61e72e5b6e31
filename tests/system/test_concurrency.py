"""Several processes work on one workspace at once, and nothing that was promised to any of them is lost.

So it is on a file of SQLite and in a database of PostgreSQL.

Each process takes turns as fast as it can for a bounded number of acts. Afterwards the workspace is judged:
every collected row is there, each printed answer was charged and no more than the budget was spent, erased
people are gone and withdrawn ones in no later lease, and the journal verifies.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from fractions import Fraction
from types import SimpleNamespace

import pytest
from tests import postgres
from tests.program import Program

import hedgerow as hr
from hedgerow.model.engine import PeopleFilter
from hedgerow.model.words import Basis

pytestmark = [pytest.mark.system, pytest.mark.slow]

PEOPLE, BATCHES, EACH = 60, 4, 5
EPSILON, BUDGET = Fraction("0.25"), Fraction(2)
SQL = "SELECT COUNT(*) FROM visits"
GONE = [f"base-{i:03d}" for i in range(6)]
WITHDRAWN = [f"base-{i:03d}" for i in range(10, 16)]
GRANTED = [f"base-{i:03d}" for i in range(20, 26)]

WORKER = """
import json, sys, time
from pathlib import Path
import hedgerow as hr
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.model.words import Basis

space, role, start = sys.argv[1], sys.argv[2], float(sys.argv[3])
acts = json.loads(sys.argv[4])
opened = hr.open(space)
analyst, service = opened.acting_as("ana", purpose="research"), opened.service


def act(kind, what):
    if kind == "query":
        asked = "SELECT COUNT(*) FROM visits"
        told = analyst.query("visits", asked, epsilon="0.25", request_id=what, fresh=True)
        return told["rows"][0][0]
    if kind == "collect":
        request = CollectRequest(Path(what), "visits", "ref", {"research": Basis.CONSENT}, drop=(),
                                 consents=Path(what + ".consents"))
        return service.collect(service.plan_collect(request))["rows"]
    if kind == "erase":
        return service.erase_subject(what)["body"]["certificate"]
    service.choose(what, "research", granted=kind == "grant", notice="", channel="test")
    return "chosen"


time.sleep(max(0, start - time.time()))
for kind, what in acts:
    for turn in range(40):
        try:
            told = act(kind, what)
        except hr.HedgerowError as error:
            told = None
            print(json.dumps([kind, what, "error", error.code]), flush=True)
            if error.code in ("table.changed", "store.busy"):
                time.sleep(0.02 * (turn + 1))
                continue
        break
    if told is not None:
        print(json.dumps([kind, what, "done", told]), flush=True)
"""


def write_people(path, refs):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [("ref", "full_name", "age"), *((ref, f"Name of {ref}", 30) for ref in refs)]
        )
    with path.with_name(path.name + ".consents").open("w", newline="") as stream:
        given = ((ref, "research", "2025-01-01T00:00:00Z") for ref in refs if ref not in GRANTED)
        csv.writer(stream).writerows([("subject", "purpose", "time"), *given])


def _sqlite(_, folder):
    return folder / "space", (folder / "space",)


def _postgres(request, folder):
    """Set a database up."""
    from hedgerow.adapters.store.postgres import PostgresStore

    server = request.getfixturevalue("postgres_server")
    database = postgres.Database(server, server.new_database(postgres.OWNER))
    PostgresStore.set_up(database.owner, postgres.APPLICATION)
    return database.application, (database.application, "--files", folder / "space")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_sqlite, id="sqlite"),
        pytest.param(_postgres, id="postgres", marks=pytest.mark.extra),
    ],
)
def worked(request, tmp_path_factory):
    """Let seven processes work at once and gather what each was told."""
    folder = tmp_path_factory.mktemp("together")
    base = [f"base-{i:03d}" for i in range(PEOPLE)]
    batches = [[f"batch{b}-{i:03d}" for i in range(EACH)] + [base[40 + b]] for b in range(BATCHES)]
    write_people(folder / "base.csv", base)
    for number, refs in enumerate(batches):
        write_people(folder / f"{number}.csv", refs)
    where, made_by = request.param(request, folder)
    program = Program(where)
    for line in (
        ("init", *made_by, "--no-passphrase"),
        ("principal", "add", "ana", "--role", "analyst"),
        ("purpose", "add", "research", "--why", "health", "--owner", "owner", "--until", "2099-01-01"),
        ("collect", folder / "base.csv", "--dataset", "visits", "--subject-key", "ref", "--drop", "",
         "--purpose", "research", "--basis", "consent", "--consents", folder / "base.csv.consents"),
        ("dataset", "declare", "visits", "--max-rows", "3"),
        ("budget", "allocate", "visits", "--epsilon", str(BUDGET), "--purpose", "research"),
    ):  # fmt: skip
        assert program.call(*line).code == 0, line
    plans = [
        *([("query", f"ask-{who}-{i}") for i in range(5)] for who in range(3)),
        [("collect", str(folder / f"{number}.csv")) for number in range(BATCHES)],
        [("erase", ref) for ref in GONE],
        [("withdraw", ref) for ref in WITHDRAWN],
        [("grant", ref) for ref in GRANTED],
    ]
    return SimpleNamespace(
        folder=folder, program=program, base=base, batches=batches, told=together(program, plans)
    )


def together(program, plans):
    start = str(time.time() + 2)
    command = [sys.executable, "-c", WORKER, str(program.space), "worker", start]
    running = [
        subprocess.Popen([*command, json.dumps(plan)], env=program.surroundings(), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
        for plan in plans
    ]  # fmt: skip
    told = []
    for process in running:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
        told += [tuple(json.loads(line)) for line in out.splitlines()]
    return told


def done(worked, kind):
    return {what: value for did, what, state, value in worked.told if did == kind and state == "done"}


def errors(worked):
    return {(kind, value) for kind, _, state, value in worked.told if state == "error"}


def test_only_what_must_be_refused_was_refused(worked):
    allowed = {("collect", "table.changed"), ("erase", "table.changed"), ("query", "budget.exhausted")}
    assert errors(worked) <= allowed
    assert set(done(worked, "erase")) == set(GONE)
    assert set(done(worked, "withdraw")) == set(WITHDRAWN)
    assert set(done(worked, "grant")) == set(GRANTED)
    assert sum(done(worked, "collect").values()) == sum(map(len, worked.batches))


def test_the_budget_is_never_exceeded_and_each_printed_answer_was_charged(worked):
    answers = done(worked, "query")
    assert len(answers) == BUDGET / EPSILON
    shown = next(
        b for b in worked.program.call("budget", "show", "visits", "--json").json if b["dataset"] == "visits"
    )
    assert Fraction(shown["spent"]) == EPSILON * len(answers) == BUDGET
    with hr.open(worked.program.space) as space:
        for request, answer in answers.items():
            again = space.acting_as("ana", purpose="research").query(
                "visits", SQL, epsilon="0.25", request_id=request, fresh=True
            )
            assert (again["rows"][0][0], again["receipt"]["replayed"]) == (answer, True)


def refs_of(worked):
    return [*worked.base, *(ref for batch in worked.batches for ref in batch)]


def leased(worked):
    """Choose the people a lease opened now may hold, and count the rows it has of each."""
    with hr.open(worked.program.space) as space, space.opened.store.read() as reader:
        spine = space.opened.spine
        version = spine.catalog.require_dataset(reader, "visits").version
        people = spine.consents.covered(reader, "visits", version, "research", Basis.CONSENT)
        files = spine.tables.files(reader, "visits")
        rows = spine.tables.engine.row_counts(files, PeopleFilter.of_sorted(people))
        lookups = {spine.vault.lookup(ref): ref for ref in refs_of(worked)}
        known = spine.vault.known(reader, list(lookups))
        return {lookups[lookup]: rows.get(subject.number, 0) for lookup, subject in known.items()}


def test_later_leases_hold_every_collected_row_and_nobody_erased_or_withdrawn(worked):
    held = leased(worked)
    expected = dict.fromkeys(WITHDRAWN, 0)
    for ref in set(refs_of(worked)) - set(GONE) - set(WITHDRAWN):
        expected[ref] = refs_of(worked).count(ref)
    assert held == expected
    assert sum(held.values()) == PEOPLE - len(GONE) - len(WITHDRAWN) + sum(map(len, worked.batches))


def test_the_journal_verifies_and_tells_every_act_once(worked):
    assert worked.program.call("journal", "verify").code == 0
    entries = worked.program.call("journal", "show", "--last", "999", "--json").json
    told = [entry["action"] for entry in entries]
    assert told.count("subject.erase") == len(GONE)
    assert told.count("consent.withdraw") == len(WITHDRAWN)
    assert told.count("consent.grant") == len(GRANTED)
    assert told.count("collect") == 1 + BATCHES
    assert told.count("use.done") == BUDGET / EPSILON
    assert sorted(entry["index"] for entry in entries) == list(range(len(entries)))


def test_nothing_is_left_over_beside_the_manifest(worked):
    with hr.open(worked.program.space) as space:
        assert space.opened.spine.tables.missing(space.opened.store) == 0
        named = {file.name for file in _files(space)}
    kept = {p.name for p in (worked.folder / "space" / "tables").iterdir() if not p.name.startswith(".")}
    assert kept == named


def _files(space):
    with space.opened.store.read() as reader:
        return space.opened.spine.tables.files(reader, "visits")
