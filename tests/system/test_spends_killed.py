"""Many spend at once and are killed at random: nothing is overspent, nothing unlogged, each answer charged.

Four processes ask counts, sums, means and quantiles, charged as pure, as zCDP and with a chance of their own,
for two purposes of one data set and of two joined, until the budgets end; one after the other is ended by
SIGKILL at a random time, and its successor goes on with the id that was in the air. What they were told
is then held against the ledger, the journal and the audit. So it is on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from tests import postgres
from tests.system import spenders

import hedgerow as hr
from hedgerow.app.declaring import Asked
from hedgerow.kernel.accounting import admits, compose
from hedgerow.model.budget import Limit, PureEvent, show_exact
from hedgerow.model.records import Charge, JournalEntry, Request
from hedgerow.spine.balance import POPULATION, limit_of
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.ledger import read_event
from hedgerow.spine.requests import id_hash

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="it forks"),
]
# The thousand takes half a minute: `HEDGEROW_SPENDS=1000 make test T=tests/system/test_spends_killed.py`.
IDS = int(os.environ.get("HEDGEROW_SPENDS", "120"))
# Each is spent before all ids have asked.
LIMITS = {
    ("visits", "research"): Limit(Fraction(IDS, 150), Fraction(1, 10**6)),
    ("visits", "care"): Limit(Fraction(IDS, 120)),
    # Of two data sets the second ends first: a use of both is charged to neither then.
    ("labs", "research"): Limit(Fraction(IDS, 1200), Fraction(1, 10**6)),
    ("labs", "care"): Limit(Fraction(IDS, 1200)),
    POPULATION: Limit(Fraction(IDS, 80), Fraction(1, 10**6)),
}


def _sqlite(_, folder):
    return str(folder / "space"), {}


def _postgres(request, folder):
    from hedgerow.adapters.store.postgres import PostgresStore

    server = request.getfixturevalue("postgres_server")
    database = postgres.Database(server, server.new_database(postgres.OWNER))
    PostgresStore.set_up(database.owner, postgres.APPLICATION)
    return database.application, {"files": folder / "space"}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(_sqlite, id="sqlite"),
        pytest.param(_postgres, id="postgres", marks=pytest.mark.extra),
    ],
)
def spent(request, tmp_path_factory):
    where, how = request.param(request, tmp_path_factory.mktemp("spent"))
    with hr.create(where, **how) as made:
        service = made.service
        service.add_principal("ana", ["analyst"])
        for purpose in spenders.PURPOSES:
            service.add_purpose(purpose, "health", "owner", date(2099, 1, 1))
        rows = [{"ref": f"p{n}", "ward": "AB"[n % 2], "age": 20 + n} for n in range(40)]
        made.collect(rows, dataset="visits", subject_key="ref", keep=["ward", "age"],
                     purposes=dict.fromkeys(spenders.PURPOSES, "public-task"))  # fmt: skip
        service.declare("visits", Asked(max_rows=1, bounds={"age": "0:120"}, keys={"ward": ["A", "B"]}))
        made.collect([{"ref": f"p{n}", "value": n} for n in range(0, 40, 2)], dataset="labs",
                     subject_key="ref", keep=["value"],
                     purposes=dict.fromkeys(spenders.PURPOSES, "public-task"))  # fmt: skip
        service.declare("labs", Asked(max_rows=1))
        for (dataset, purpose), limit in LIMITS.items():
            named = (None, None) if (dataset, purpose) == POPULATION else (dataset, purpose)
            service.allocate(*named, limit.epsilon, limit.delta)
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(
        [sys.executable, spenders.__file__, where, str(IDS), "7"],
        cwd=root, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return where, json.loads(ran.stdout.splitlines()[-1])


def told(spent, state):
    return [(name, what) for kind, name, *what in spent[1]["lines"] if kind == state]


def read(spent, look):
    with hr.open(spent[0]) as space, space.opened.store.read() as reader:
        return look(space, reader)


def test_it_was_killed_often_and_went_on(spent):
    assert spent[1]["killed"] > IDS / 100
    refused = Counter(code for _, (code,) in told(spent, "refused"))
    assert refused.keys() <= {
        "budget.exhausted",
        "budget.no-delta",
        "budget.population-exhausted",
        "request.spent",
    }
    assert len(told(spent, "answered")) > IDS / 4
    assert refused["budget.exhausted"] > 0


def test_no_account_is_beyond_its_limit(spent):
    charges = read(spent, lambda _, reader: reader.find(Charge))
    for where, limit in LIMITS.items():
        # A use of two data sets debits the population once.
        mine = [
            c for c in charges if where == (c.dataset, c.purpose) or (where == POPULATION and not c.shared)
        ]
        events = [read_event(c.event) for c in mine]
        # The last of them still fitted: the filter admits what was spent without it, and it.
        assert admits(limit_of(limit.epsilon, limit.delta), compose(events[:-1]), events[-1]), where
        standing = read(
            spent, lambda space, reader, at=where: space.opened.spine.ledger.standing(reader, *at)
        )
        assert standing.spent == compose(events)


def test_each_answer_that_was_told_was_charged_once_and_by_what_it_cost(spent):
    every = read(spent, lambda _, reader: reader.find(Charge))
    charges = {c.request: c for c in every if not c.shared}
    second = {c.request: c for c in every if c.shared}
    assert len(charges) + len(second) == len(every)
    both = {name for name in charges if "labs" in spenders.wish_of(name)["sql"]}
    assert second.keys() == both
    assert both
    for name in both:
        same = charges[name].event, charges[name].purpose, charges[name].entry, "labs"
        assert (second[name].event, second[name].purpose, second[name].entry, second[name].dataset) == same
    for name, _ in told(spent, "answered"):
        wish = spenders.wish_of(name)
        event = PureEvent(Fraction(wish["epsilon"]))
        made = spenders.KINDS[wish["kind"]]
        charged = read_event(charges[name].event)
        if made is None:
            assert (charged.epsilon, charges[name].purpose) == (event.epsilon, wish["purpose"])
        else:
            assert type(charged) is type(made(event)), show_exact(event.epsilon)


def test_nothing_is_spent_that_the_journal_does_not_tell_and_the_audit_agrees(spent):
    def look(space, reader):
        entries = [parse_entry(entry.body) for entry in reader.find(JournalEntry)]
        intents = {e["facts"]["request"]: e["index"] for e in entries if e["action"] == "use.intend"}
        charged = {id_hash(c.request): c.entry for c in reader.find(Charge)}
        assert charged == intents
        assert {id_hash(r.id) for r in reader.find(Request)} == intents.keys()

    read(spent, look)
    with hr.open(spent[0]) as space:
        space.service.verify()


def test_an_id_that_was_cut_off_is_spent_or_answers_what_it_drew(spent):
    """No id has two answers: whoever went on with it was told that it is spent, or the answer in store."""
    answers, twice = {}, Counter()
    for name, (rows,) in told(spent, "answered"):
        twice[name] += name in answers
        assert answers.setdefault(name, rows) == rows
    begun = Counter(name for name, _ in told(spent, "begun"))
    assert max(begun.values()) > 1
    states = read(spent, lambda _, reader: {r.id: r.state for r in reader.find(Request)})
    assert all(states[name] == "done" for name in answers)
    for name, (code,) in told(spent, "refused"):
        assert states.get(name) == ("spent" if code == "request.spent" else None), code
