"""Proves that a private answer and its refusals are given back only at the end of a bucket of time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.app.test_latency import FakeTimer

from hedgerow.app.space import open_space
from hedgerow.model.errors import CallerError, HedgerowError

QUESTION = "SELECT ward, COUNT(*) FROM visits GROUP BY ward"


@pytest.fixture
def ana(space):
    with open_space(space, passphrase=lambda _: None) as made:
        session = made.acting_as("ana", purpose="research")
        session.service.spine = replace(session.service.spine, timer=FakeTimer())
        yield session


def waited(session):
    waits = session.service.spine.timer.waits
    return waits[-1] if waits else 0


def test_answers_replays_and_refusals_are_held_for_the_bucket(ana):
    answer = ana.query("visits", QUESTION, epsilon="0.1", request_id="r1", latency_s="2s")
    assert len(answer["rows"]) == 3
    assert waited(ana) == 2 * 10**9
    ana.query("visits", QUESTION, epsilon="0.1", request_id="r1", latency_s="3s")
    assert waited(ana) == 3 * 10**9
    for epsilon, sql, length in (("1000", QUESTION, 4), ("0.1", "SELECT SUM(ward) FROM visits", 5)):
        with pytest.raises(HedgerowError):
            ana.query("visits", sql, epsilon=epsilon, latency_s=f"{length}s")
        assert waited(ana) == length * 10**9


def test_without_it_nothing_is_held_and_a_bad_one_costs_nothing(ana):
    ana.query("visits", QUESTION, epsilon="0.1")
    with pytest.raises(CallerError):
        ana.query("visits", QUESTION, epsilon="0.1", latency_s="soon")
    assert waited(ana) == 0


def test_the_command_takes_it(hedgerow):
    said = ("query", "visits", QUESTION, "--purpose", "research", "--as", "ana", "--epsilon", "0.1")
    assert "Receipt" in hedgerow(*said, "--latency", "1ms").out
    assert "Give one such as 2s or 500ms." in hedgerow(*said, "--latency", "soon", code=2).err
