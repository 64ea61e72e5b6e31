"""Proves that every reason is a full sentence, whatever the journal keeps of it."""

from __future__ import annotations

import re

import pytest

from hedgerow.app.report.reasons import meaning
from hedgerow.model.errors import TABLE

KNOWN = {"dataset": "visits", "purpose": "research", "principal": "ana", "action": "query"}
NOTHING = dict.fromkeys((*KNOWN, "column", "path"))
VAGUE = ("A rule of this workspace stood against it.", "Something inside failed, so nothing was given out.")
# The families whose refusals and failures the gate writes to the journal.
AT_THE_GATE = (
    "dp.",
    "use.",
    "column.",
    "policy.",
    "budget.",
    "basis.missing",
    "release.",
    "engine.failed",
    "train.",
    "synth.",
)


def is_sentence(said, code):
    ends = said.endswith((".", ")")) or said == TABLE[code].message
    return ends and len(said.split()) > 2 and not re.search(r"[{}…]|\bNone\b", said)


@pytest.mark.parametrize("known", [KNOWN, NOTHING, {}], ids=["names", "nothing", "empty"])
def test_every_reason_is_a_full_sentence(known):
    assert [code for code in TABLE if not is_sentence(meaning(code, known), code)] == []


def test_what_the_gate_refuses_has_words_of_its_own_without_any_detail():
    """A malformed call is told to its caller alone; what only the library says is in no journal."""
    journaled = [c for c, row in TABLE.items() if c.startswith(AT_THE_GATE) and row.root != "caller"]
    library = {c for c in journaled if c.endswith("-frame")} | {"dp.budget-exhausted"}
    assert [code for code in journaled if code not in library and meaning(code, {}) in VAGUE] == []


def test_known_details_are_named():
    assert (
        meaning("basis.missing", KNOWN) == "The data set visits has no lawful basis for the purpose research."
    )
    assert (
        meaning("policy.not-permitted", {**KNOWN, "roles": "analyst"})
        == "No policy lets ana (analyst) do query."
    )
    assert meaning("policy.not-permitted", KNOWN) == "No policy permits it."
    assert meaning("purpose.unknown", {**KNOWN, "purpose": None}) == "No purpose of that name is declared."


def test_a_code_of_another_version_says_so():
    assert meaning("later.reason", KNOWN) == "The reason has no words in this version; its code names it."
