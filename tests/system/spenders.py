"""Processes that spend at once and are killed at random: each says what it asks, and what it was told.

``python tests/system/spenders.py SPACE IDS SEED``: the imports are made once, and every process is
forked from them; none has a thread or an open store before. A killed process is followed by another that goes
on with the id that was in the air.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from fractions import Fraction

import duckdb  # noqa: F401 - loaded once, before anything is forked
import numpy as np  # noqa: F401
import opendp.prelude  # noqa: F401
import pyarrow.parquet  # noqa: F401
import sqlglot  # noqa: F401

import hedgerow as hr
import hedgerow.adapters.engines
import hedgerow.app.service
import hedgerow.app.wiring
import hedgerow.techniques.dp_query.plan
import hedgerow.techniques.dp_query.run
from hedgerow.app.space import open_space
from hedgerow.model.budget import ApproximateEvent, ZcdpEvent
from hedgerow.model.uses import UseRequest
from hedgerow.techniques.dp_query.technique import DpQuery

AT_ONCE, EACH = 4, 60
# So many lines are told between two kills, on average; then it is a matter of milliseconds.
BETWEEN, LATER_S = 24, 0.02
WARDS = ("A", "B")
PURPOSES = ("research", "care")
ASKED = (
    "SELECT COUNT(*) FROM visits",
    "SELECT ward, COUNT(*) FROM visits GROUP BY ward",
    "SELECT SUM(age) FROM visits WHERE ward = 'A'",
    "SELECT MEDIAN(age) FROM visits",
    "SELECT AVG(age), COUNT(DISTINCT person) FROM visits",
    "SELECT ward, COUNT(*) FROM visits v JOIN labs USING (person) GROUP BY ward",
)
CENT = Fraction(1, 100)


@dataclass(frozen=True)
class Charged:
    """A plan with a cost of another kind."""

    plan: object
    cost: object

    @property
    def grant(self):
        return self.plan.grant

    def describe(self):
        return self.plan.describe()


class Otherwise(DpQuery):
    """A query that is charged by another kind of event, as a threshold or Gaussian noise would be."""

    def __init__(self, event):
        self.event = event

    def plan(self, request, dataset):
        made = super().plan(request, dataset)
        return Charged(made, made.cost if self.event is None else self.event(made.cost))

    def run(self, lease, plan):
        return super().run(lease, plan.plan)


KINDS = {
    "pure": None,
    "zcdp": lambda cost: ZcdpEvent(cost.epsilon**2 / 2),
    "chance": lambda cost: ApproximateEvent(cost, Fraction(1, 10**9)),
}


def wish_of(name):
    """Choose what an id asks: the same in every process."""
    chance = random.Random(name)
    return {
        "request": name,
        "purpose": chance.choice(PURPOSES),
        "sql": chance.choice(ASKED),
        "epsilon": chance.choice(("0.01", "0.02", "0.03")),
        "kind": chance.choice(("pure", "pure", "zcdp", "chance")),
    }


def spend(space, name):
    wish = wish_of(name)
    parameters = {"sql": wish["sql"], "epsilon": wish["epsilon"]}
    actor = space.acting_as("ana").service.actor
    others = ("labs",) if "labs" in wish["sql"] else ()
    request = UseRequest(actor, wish["purpose"], "visits", parameters, name, fresh=True, others=others)
    return space.opened.spine.gate.use(request, Otherwise(KINDS[wish["kind"]]))


def child(where, names, told):
    """Ask one id after the other; lines are short enough to be written whole or not at all."""
    with open_space(where) as space:
        for name in names:
            os.write(told, f"{json.dumps(['begun', name])}\n".encode())
            try:
                line = ["answered", name, spend(space, name).release.payload["rows"]]
            except hr.HedgerowError as error:
                line = ["refused", name, error.code]
            os.write(told, f"{json.dumps(line)}\n".encode())


class Fleet:
    """Keeps so many processes at work, and kills one of them now and then."""

    def __init__(self, where, wanted, seed):
        self.where, self.wanted, self.chance = where, wanted, random.Random(seed)
        self.told_to, self.tells = os.pipe()
        self.waiting = [f"ask-{number}" for number in range(wanted)]
        self.running = {}
        self.lines, self.pending, self.killed = [], b"", 0

    def work(self):
        while self.waiting or self.running:
            until = len(self.lines) + 1 + self.chance.expovariate(1 / BETWEEN)
            while len(self.lines) < until and (self.waiting or self.running):
                while self.waiting and len(self.running) < AT_ONCE:
                    self._start()
                self._read(0.02)
                self._reap()
            time.sleep(self.chance.uniform(0, LATER_S))
            self._kill()
        self._read(0)

    def _start(self):
        names, self.waiting = self.waiting[:EACH], self.waiting[EACH:]
        process = os.fork()
        if process == 0:
            code = 1
            try:
                child(self.where, names, self.tells)
                code = 0
            except BaseException:  # noqa: BLE001 - the process ends here
                traceback.print_exc()
            finally:
                os._exit(code)
        self.running[process] = names

    def _read(self, patience):
        ready, _, _ = select.select([self.told_to], [], [], patience)
        if ready:
            self.pending += os.read(self.told_to, 1 << 16)
            *whole, self.pending = self.pending.split(b"\n")
            self.lines += [json.loads(line) for line in whole]

    def _reap(self):
        for process in list(self.running):
            found, status = os.waitpid(process, os.WNOHANG)
            if found and status:
                sys.exit("a process ended by itself")
            if found:
                self._ended(process)

    def _kill(self):
        if self.running:
            process = self.chance.choice(sorted(self.running))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            self.killed += 1
            self._ended(process)

    def _ended(self, process):
        """Let another process go on with what this one did not end."""
        self._read(0)
        ended = {name for state, name, *_ in self.lines if state != "begun"}
        self.waiting = [name for name in self.running.pop(process) if name not in ended] + self.waiting


def main():
    where, wanted, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    fleet = Fleet(where, wanted, seed)
    fleet.work()
    sys.stdout.write(json.dumps({"killed": fleet.killed, "lines": fleet.lines}) + "\n")


if __name__ == "__main__":
    main()
