"""The independent model: what the workspace must hold and answer, kept in plain dictionaries."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

RESEARCH, CARE = "research", "care"
UNTIL = {RESEARCH: date(2026, 3, 20), CARE: date(2027, 3, 1)}
NEEDS_CONSENT = {RESEARCH: True, CARE: False}
OWN_LIMIT, POPULATION_LIMIT = Fraction(2), Fraction(3)
ALL = "*"


class Violation(AssertionError):
    """An invariant does not hold; its name says which."""

    def __init__(self, invariant, detail):
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


def demand(holds, invariant, detail):
    if not holds:
        raise Violation(invariant, detail)


@dataclass
class Answer:
    """What a request id answers: ``spent``, ``done`` with a payload, or ``withdrawn``."""

    state: str
    asked: tuple
    payload: object = None
    person_level: bool = False
    consent: int = 0  # how many choices were known when its lease was opened


@dataclass
class Model:
    """Everything that was acknowledged so far."""

    rows: dict = field(default_factory=dict)  # data set -> {tag: ref}; none for one that was dropped
    versions: dict = field(default_factory=dict)  # data set, dropped or not -> version
    names: dict = field(default_factory=dict)  # ref -> what names the person
    erased: set = field(default_factory=set)
    choices: dict = field(default_factory=dict)  # (ref, purpose) -> [(time, order, granted)]
    spent: dict = field(default_factory=dict)  # account -> epsilon
    squares: dict = field(default_factory=dict)  # account -> sum of squared epsilons, each of one vector
    limits: dict = field(default_factory=dict)
    deltas: dict = field(default_factory=dict)  # account -> delta of its limit, where it has one
    answers: dict = field(default_factory=dict)  # request id -> Answer
    charges: dict = field(default_factory=dict)  # request id -> epsilon
    awaited: dict = field(default_factory=dict)  # approval id -> Awaited
    latest: dict = field(default_factory=dict)  # what exactly was asked -> approval id
    policy: int = 1
    is_forbidden: bool = False
    order: int = 0

    def copy(self):
        return copy.deepcopy(self)

    def members(self, dataset):
        return set(self.rows.get(dataset, {}).values())

    def has_basis(self, ref, purpose):
        if not NEEDS_CONSENT[purpose]:
            return True
        made = self.choices.get((ref, purpose), [])
        return bool(made) and max(made)[2]

    def covered_tags(self, dataset, purpose):
        rows = self.rows.get(dataset, {})
        return sorted(tag for tag, ref in rows.items() if self.has_basis(ref, purpose))

    def choose(self, ref, purpose, time, *, granted):
        # The same choice told twice is one choice.
        made = self.choices.setdefault((ref, purpose), [])
        if (time, granted) not in {(t, g) for t, _, g in made}:
            self.order += 1
            made.append((time, self.order, granted))

    def is_revoked(self, answer):
        """Tell whether somebody in the data set withdrew after the lease of an answer with rows."""
        _, dataset, purpose, _ = answer.asked
        later = (
            ref
            for (ref, chosen), made in self.choices.items()
            for _, order, granted in made
            if chosen == purpose and not granted and order > answer.consent
        )
        return answer.person_level and not self.members(dataset).isdisjoint(later)

    def forget(self, ref):
        """Take a person out of everything."""
        for dataset in self.rows:
            if ref in self.members(dataset):
                self.rows[dataset] = {tag: r for tag, r in self.rows[dataset].items() if r != ref}
                self.versions[dataset] += 1
                for answer in self.answers.values():
                    if answer.person_level and answer.state == "done" and answer.asked[1] == dataset:
                        answer.state, answer.payload = "withdrawn", None
        self.choices = {key: made for key, made in self.choices.items() if key[0] != ref}
        self.erased.add(ref)

    def drop(self, dataset):
        """Take a data set out; its people, choices and what was spent stay."""
        del self.rows[dataset]
        self.versions[dataset] += 1
        for answer in self.answers.values():
            if answer.person_level and answer.state == "done" and answer.asked[1] == dataset:
                answer.state, answer.payload = "withdrawn", None

    def account(self, dataset, purpose):
        return self.spent.get((dataset, purpose), Fraction(0))

    def fits(self, dataset, purpose, epsilon):
        own, everyone = (dataset, purpose), (ALL, ALL)
        return own in self.limits and self.within(own, epsilon) and self.within(everyone, epsilon)

    def within(self, account, epsilon):
        """Tell whether one more use fits a limit: by the sum, or with a delta by zCDP (in floats here)."""
        limit, delta = self.limits[account], self.deltas.get(account, 0)
        if self.spent.get(account, 0) + epsilon <= limit:
            return True
        rho = float(self.squares.get(account, 0) + epsilon**2) / 2
        return bool(delta) and rho + 2 * math.sqrt(rho * math.log(1 / delta)) <= limit

    def charge(self, request_id, dataset, purpose, epsilon):
        self.charges[request_id] = epsilon
        for account in ((dataset, purpose), (ALL, ALL)):
            self.spent[account] = self.spent.get(account, Fraction(0)) + epsilon
            self.squares[account] = self.squares.get(account, Fraction(0)) + epsilon**2

    def refusal(self, asked, today):
        """Name what the gate must answer to a new use, or none when it must admit it."""
        _, dataset, purpose, epsilon = asked
        if self.is_forbidden:
            return "policy.forbidden"
        if today > UNTIL[purpose]:
            return "purpose.ended"
        if dataset not in self.rows:
            return "dataset.dropped"
        if epsilon is not None and not self.fits(dataset, purpose, epsilon):
            own = (dataset, purpose)
            if own not in self.limits:
                return "budget.unallocated"
            return "budget.population-exhausted" if self.within(own, epsilon) else "budget.exhausted"
        return None
