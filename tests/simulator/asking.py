"""What is asked of the workspace, and what the techniques and the shelf tell while they work on it."""

from __future__ import annotations

import hashlib

from tests.simulator.approving import ANA
from tests.simulator.model import Answer, Violation, demand
from tests.simulator.recording import SQL, WARDS, Counts, Rows

from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import Charge, JournalEntry, Request
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.spine.entries import parse_entry
from hedgerow.spine.ledger import read_event

OWNER = Actor("owner", "owner")
CRASHED = object()


class Asking:
    """The part of the world that uses data: every use paired with what the model says of it."""

    def request(self, asked, request_id):
        kind, dataset, purpose, epsilon = asked
        parameters = (
            {"release": "R-" + request_id} if kind == "rows" else {"sql": SQL.format(dataset=dataset)}
        )
        if epsilon is not None:
            parameters["epsilon"] = str(float(epsilon))
        actor = ANA if kind == "asked" else OWNER
        # Each use of the model draws its noise anew: it is about what that costs.
        request = UseRequest(actor, purpose, dataset, parameters, request_id, fresh=True)
        return request, Rows(self) if kind == "rows" else Counts(self)

    def use(self, asked, request_id, crash=None, meanwhile=None):
        """Ask something under an id that may be known."""
        request, technique = self.request(asked, request_id)
        known = self.model.answers.get(request_id)
        self.current = (request_id, asked) if known is None else None
        self.has_run, self.seen, self.meanwhile, self.noted = False, None, meanwhile, None
        act = lambda: self.spine.gate.use(request, technique)  # noqa: E731 - named for the two calls below
        try:
            if known is not None:
                self._repeat(asked, request_id, known, act, crash)
            else:
                self._first(asked, request_id, act, crash)
        finally:
            self.current = self.meanwhile = None

    def _repeat(self, asked, request_id, known, act, crash):
        today = self.clock.now().date()
        is_revoked = known.state == "done" and self.model.is_revoked(known)
        state = "withdrawn" if is_revoked else known.state
        code = self.model.refusal((*asked[:3], None), today)
        if code is None and known.asked != asked:
            code = "request.differs"
        told = {"done": None, "spent": "request.spent", "withdrawn": "request.withdrawn"}
        code = code or told[state]
        receipt = self.expect(code, "d: one release", act, crash)
        demand(not self.has_run, "d: one release", "a known id ran again")
        if is_revoked:
            self._follow_revoked(known, request_id)
        if code is None and receipt is not CRASHED:
            same = receipt.replayed and receipt.release.payload == known.payload
            demand(same, "d: one release", "a known id gave another answer")

    def _follow_revoked(self, known, request_id):
        with self.read() as reader:
            if reader.get(Request, request_id).state == "withdrawn":
                known.state, known.payload = "withdrawn", None

    def _first(self, asked, request_id, act, crash):
        model, kind = self.model, asked[0]
        code, approval = model.refusal(asked, self.clock.now().date()), None
        # The act itself comes a second later.
        self.clock.advance(seconds=1)
        if kind == "asked" and code is None:
            code, approval = self.awaited(asked)
        verb = self.meanwhile[0] if self.meanwhile is not None else None
        withdrawn = "request.withdrawn"
        failure = {"fail": "use.failed", "drop": withdrawn, "erase": withdrawn if kind == "rows" else None}
        try:
            outcome = self.attempt(act, crash)
        except HedgerowError as error:
            self.raise_noted()
            if kind == "asked":
                self.follow_asked(asked, code, approval, error)
            with self.read() as reader:
                opened = reader.get(Request, request_id)
            if opened is None:
                demand(error.code == code, "decision", f"{error.code} instead of {code}")
                demand(not self.has_run, "b: budget", "data was opened for a refused use")
                return
            demand(code is None, _rule_of(code), f"admitted in spite of {code}")
            demand(error.code == failure.get(verb), "f: lost", f"it failed with {error.code}")
            model.answers[request_id] = Answer("spent" if verb == "fail" else "withdrawn", asked)
            return
        self.raise_noted()
        overtook = verb == "drop" and self.has_run and outcome is not CRASHED
        demand(not overtook, "g: dropped", "a use gave something of a data set that was dropped meanwhile")
        if kind == "asked":
            self.follow_asked(asked, code, approval)
        self._settle(asked, request_id, outcome, code)
        if kind == "asked" and request_id in model.answers:
            self.follow_used(approval)

    def _settle(self, asked, request_id, outcome, code):
        model = self.model
        with self.read() as reader:
            record = reader.get(Request, request_id)
        if outcome is CRASHED and record is None:
            demand(not self.has_run, "b: budget", "data was opened without a reservation")
            return
        demand(code is None, _rule_of(code), f"admitted in spite of {code}")
        demand(record is not None, "d: one release", "a use left no request")
        if not self.has_run:
            self.admitted(request_id, asked)
        answer = model.answers.setdefault(request_id, Answer("spent", asked))
        if answer.state == "withdrawn":
            demand(outcome is CRASHED, "c: erased", "a release left with an erased person in it")
            return
        if outcome is CRASHED and record.state != "done":
            answer.state = "spent" if record.state == "spent" else "withdrawn"
            return
        demand(self.has_run, "d: one release", "an answer came from nowhere")
        release = outcome.release if outcome is not CRASHED else self.stored(record)
        answer.state, answer.payload = "done", release.payload
        answer.person_level = asked[0] == "rows"
        tags = release.payload.get("tags", [])
        erased = {tag for tag in tags if tag not in model.rows.get(asked[1], {})}
        demand(not erased, "c: erased", "a release left with an erased person in it")

    def stored(self, record):
        return self.spine.gate._requests.result(record)

    def admitted(self, request_id, asked):
        """Note that a use was admitted: from here on its cost is spent."""
        if asked[3] is not None:
            self.model.charge(request_id, asked[1], asked[2], asked[3])
        self.model.answers[request_id] = Answer("spent", asked, consent=self.model.order)

    # What techniques and the shelf tell on the way

    def note(self, act):
        """Keep a violation that is found inside the gate, which would catch it."""
        try:
            act()
        except Violation as violation:
            self.noted = self.noted or violation

    def raise_noted(self):
        if self.noted is not None:
            raise self.noted

    def on_open(self):
        if self.current is not None:
            self.note(self._check_reserved)

    def on_run(self):
        self.points.pass_by()
        if self.current is None:
            self.note(lambda: demand(False, "d: one release", "a known id ran again"))
            self.has_run = True
            return
        self.note(self._check_reserved)
        self.has_run = True
        self.admitted(*self.current)
        _, (_, dataset, purpose, _) = self.current
        self.expected = self.model.covered_tags(dataset, purpose)

    def on_seen(self, tags):
        if self.current is not None:
            self.note(lambda: demand(tags == self.expected, "a: basis", "the lease held other people's rows"))
            self._do_meanwhile()
        self.points.pass_by()

    def on_counted(self, exact):
        if self.current is not None:
            counts = {ward: sum(WARDS[tag % 2] == ward for tag in self.expected) for ward in WARDS}
            # The contribution bound leaves rows of one person out; none of these people has more.
            self.note(lambda: demand(exact == counts, "a: basis", "the lease counted other people"))
            self._do_meanwhile()
        self.points.pass_by()

    def _do_meanwhile(self):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is None:
            return
        current, (verb, ref) = self.current, meanwhile
        seen, self.current = (self.has_run, self.expected), None
        try:
            if verb == "fail":
                raise RuntimeError(ref)
            given = {"again": current, "drop": current[1][1]}.get(verb, ref)
            act = {"erase": self.erase, "withdraw": self._withdraw, "again": self._again, "drop": self.drop}
            self.note(lambda: act[verb](given))
        finally:
            self.current, (self.has_run, self.expected) = current, seen

    def _withdraw(self, ref):
        self.choose(ref, granted=False, late=False)

    def _again(self, current):
        request, technique = self.request(current[1], current[0])
        self.expect("request.spent", "d: one release", lambda: self.spine.gate.use(request, technique))

    def _check_reserved(self):
        request_id, (_, _, _, epsilon) = self.current
        with self.read() as reader:
            request = reader.get(Request, request_id)
            charges = reader.find(Charge, request=request_id)
            entries = [parse_entry(e.body) for e in reader.find(JournalEntry)]
        if epsilon is not None:
            held = [read_event(charge.event) for charge in charges]
            is_held = [isinstance(e, PureEvent) and e.epsilon == epsilon for e in held] == [True]
            demand(is_held, "b: budget", "data was opened before its cost was reserved")
        bound = hashlib.sha256(f'"{request_id}"'.encode()).hexdigest()[:32]
        intents = [e for e in entries if e["action"] == "use.intend" and e["facts"]["request"] == bound]
        demand(len(intents) == 1, "e: journal", "data was opened before the intent was journaled")
        demand(request is not None, "d: one release", "data was opened before the id was bound")


def _rule_of(code):
    """Name the invariant that an admitted use breaks which should have been refused so."""
    return "h: approved" if str(code).startswith("approval.") else "b: budget"
