"""Proves the spine over any order of acts, with a crash at any step of any of them.

The invariants: (a) a lease holds exactly the people with a basis at that moment; (b) the accounts are the
sum of what was admitted, reserved before data is opened, never returned; (c) nothing of an erased person
can be read; (d) a request id answers one thing for ever; (e) each charge and use is journaled before data
is opened, and the journal verifies; (f) what was acknowledged is there after a crash; (g) nothing of a data
set that was dropped is held or used, and collected again it goes on from its version; (h) a use that needs
approval happens only with a grant for exactly that, by somebody else, in time, and each grant once; and each
decision rests on what is in force.

A workspace put back from an older copy keeps all of them for what the copy holds. What was spent, answered
or erased after the copy was made is not known there any more. Only a head kept outside shows it, and it does.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.simulator.broken import FOCUS, VARIANTS
from tests.simulator.machine import RULES, SETTINGS, Simulation, narrowed
from tests.simulator.model import Violation


@pytest.mark.slow
def test_every_invariant_holds_over_any_order_of_acts_and_crashes(capsys):
    run_state_machine_as_test(
        Simulation, settings=settings(SETTINGS, max_examples=24, stateful_step_count=25)
    )
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("broken", "invariant"), VARIANTS.items(), ids=lambda each: getattr(each, "__name__", "")
)
def test_a_broken_room_is_caught_by_the_invariant_it_breaks(broken, invariant, monkeypatch, capsys):
    broken(monkeypatch.setattr)
    with pytest.raises(Violation) as caught:
        run_state_machine_as_test(
            narrowed(FOCUS.get(broken, RULES)),
            settings=settings(SETTINGS, max_examples=60, stateful_step_count=25),
        )
    assert caught.value.invariant == invariant
    assert capsys.readouterr() == ("", "")
