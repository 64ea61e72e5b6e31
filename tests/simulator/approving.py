"""What needs somebody else's word: asked for, decided, used, each paired with what the model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulator.model import CARE, demand

from hedgerow.model.records import Approval
from hedgerow.model.uses import Actor

ANA = Actor("owner", "ana")
ASKED = """
@id("asked") @reason("Somebody else looks first.") @approval("privacy-officer")
permit (principal == User::"ana", action == Action::"query", resource);
"""
LIFETIME = timedelta(days=7)


@dataclass
class Awaited:
    """What the model knows of one request for approval."""

    key: tuple
    until: datetime
    state: str = "pending"

    def at(self, now):
        return "expired" if self.state in ("pending", "granted") and now >= self.until else self.state


class Approving:
    """The part of the world in which one asks and another decides; ana may query only so."""

    def let_approve(self):
        """Add one who may query with approval only, and one who may approve."""
        for name in ("ana", "petra"):
            self.service.add_principal(name, ["privacy-officer"])
        self.policies += ASKED
        self.model.policy = self.service.apply_policy(self.policies)["version"]

    def ask(self, dataset, epsilon, request_id, crash=None):
        self.use(("asked", dataset, CARE, epsilon), request_id, crash)

    def _key(self, asked):
        _, dataset, _, epsilon = asked
        return dataset, epsilon, self.model.versions[dataset], self.model.policy

    def awaited(self, asked):
        """Name what the gate must answer to a use that all else admits, and the approval it must name."""
        name = self.model.latest.get(self._key(asked))
        known = self.model.awaited.get(name)
        state = known.at(self.clock.now()) if known is not None else None
        if state == "granted":
            return None, name
        if state == "denied" and self.clock.now() < known.until:
            return "approval.denied", name
        return "approval.pending", name if state == "pending" else None

    def follow_asked(self, asked, code, name, error=None):
        """Take over a request that was recorded, also by an act that was cut off."""
        with self.read() as reader:
            fresh = {each.id for each in reader.find(Approval)} - set(self.model.awaited)
        if code != "approval.pending" or name is not None:
            demand(not fresh, "h: approved", "a request was recorded that nobody made")
        for each in fresh:
            self.model.awaited[each] = Awaited(self._key(asked), self.clock.now() + LIFETIME)
            self.model.latest[self._key(asked)] = name = each
        if error is not None and code == "approval.pending":
            demand(error.details["approval"] == name, "h: approved", "another request was named")

    def follow_used(self, name):
        """Demand that an admitted use took its grant away."""
        with self.read() as reader:
            record = reader.get(Approval, name)
        demand(record.state == "used", "h: approved", "a grant was not used up")
        self.model.awaited[name].state = "used"

    def decide(self, place, who, *, granted, crash=None):
        names = list(self.model.awaited)
        if not names:
            return
        name = names[-1 - place % len(names)]
        before = self.model.awaited[name].at(self.clock.now() + timedelta(seconds=1))
        code = "approval.same-person" if who != "petra" else None
        if code is None and before == "expired":
            code = "approval.expired"
        elif code is None and before != "pending" and (granted or before != "granted"):
            code = "approval.decided"
        act = lambda: self.spine.approvals.decide(  # noqa: E731 - named for the call below
            Actor("owner", who), name, is_granted=granted, reason="because"
        )
        self.expect(code, "h: approved", act, crash)
        if code is not None:
            return
        after = "granted" if granted else "denied"
        with self.read() as reader:
            state = reader.get(Approval, name).state
        demand(state in ({before, after} if crash else {after}), "h: approved", f"it is {state}")
        self.model.awaited[name].state = state
