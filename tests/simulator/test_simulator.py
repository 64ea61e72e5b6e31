"""Proves the spine over any order of acts: basis, budget, erasure, one release, journal, nothing lost."""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from tests.simulator.machine import SETTINGS, Simulation
from hypothesis import settings


def test_every_invariant_holds_over_any_order_of_acts_and_crashes():
    run_state_machine_as_test(Simulation, settings=settings(SETTINGS, max_examples=40, stateful_step_count=25))
