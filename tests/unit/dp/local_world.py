"""What the tests of local privacy share: surveys, and the exact chances of every report."""

from __future__ import annotations

import json
import types
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

from hedgerow.kernel.local import client

SOURCE = Path(client.__file__).read_text(encoding="utf-8")
SIZES = {
    "randomised-response": {},
    "unary": {},
    "optimised-unary": {},
    "hadamard": {"blocks": 1},
    "count-mean-sketch": {"rows": 16, "buckets": 16, "seed": "5e" * 32},
}


def record(mechanism, epsilon="1", domain=("a", "b", "c"), **more):
    """Write a survey."""
    sizes = SIZES[mechanism] if mechanism == "count-mean-sketch" else SIZES[mechanism] | {"domain": [*domain]}
    common = {"format": client.SURVEY_FORMAT, "name": "asked", "mechanism": mechanism, "epsilon": epsilon}
    return common | {"reports": 1, "memoise": False} | sizes | more


def survey(mechanism, epsilon="1", domain=("a", "b", "c"), **more):
    """Make a survey."""
    return client.Survey(record(mechanism, epsilon, domain, **more))


class Branching:
    """A source that follows one path through all that could be drawn, and knows its exact chance."""

    def __init__(self, path):
        self.path, self.taken, self.chance_of = list(path), [], Fraction(1)

    def _next(self, options, chances):
        at = len(self.taken)
        chosen = self.path[at] if at < len(self.path) else 0
        self.taken.append((chosen, options))
        self.chance_of *= chances[chosen]
        return chosen

    def chance(self, part, whole):
        return bool(self._next(2, [1 - Fraction(part, whole), Fraction(part, whole)]))

    def below(self, bound):
        return self._next(bound, [Fraction(1, bound)] * bound)

    def chances(self, part, whole, count):
        return [self.chance(part, whole) for _ in range(count)]


def exact(asked, value, program=client):
    """Give the exact chance of every answer, by following every path once."""
    found, path = defaultdict(Fraction), []
    while True:
        source = Branching(path)
        answer = program.randomise(asked, value, source)
        found[json.dumps(answer)] += source.chance_of
        taken = source.taken
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return dict(found)
        path = [chosen for chosen, _ in taken[:-1]] + [taken[-1][0] + 1]


def exact_bits(asked, value):
    """Give the exact chance that each bit of an answer is 1, of answers too long to follow every path."""
    sent = []

    class Told(Branching):
        def below(self, bound):
            return 0

        def chance(self, part, whole):
            return Fraction(part, whole)

    program = changed(
        {'"1" if bit else "0" for bit in bits': '"0" for bit in bits if sent.append(bit) is None'}
    )
    program.sent = sent
    program.randomise(asked, value, Told([]))
    return sent


def changed(replacements):
    """Load the client with its text changed, as a mistake would change it."""
    text = SOURCE
    for old, new in replacements.items():
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    program = types.ModuleType("changed_client")
    exec(compile(text, "changed_client", "exec"), program.__dict__)  # noqa: S102 - the project's own text
    return program
