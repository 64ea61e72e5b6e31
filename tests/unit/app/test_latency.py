"""Proves that what a block comes to is given back at few moments only, however long it took."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow.app.latency import bucketed, parse_latency, release_at
from hedgerow.model.errors import CallerError, Refused

MS = 10**6


class FakeTimer:
    """A timer that only a test moves; its waits end a little early, as a system's may."""

    def __init__(self, early: int = 0) -> None:
        self.moment, self.early, self.waits = 123, early, []

    def now_ns(self) -> int:
        return self.moment

    def wait_ns(self, length: int) -> None:
        self.waits.append(length)
        self.moment += max(1, length - self.early)


@pytest.mark.parametrize(
    ("text", "length"),
    [("2s", 2000), ("2", 2000), ("500ms", 500), ("1m", 60_000), ("0.25 s", 250), (2, 2000), (0.5, 500)],
)
def test_a_bucket_is_read_exactly(text, length):
    assert parse_latency(text) == length * MS


@pytest.mark.parametrize(
    "text", ["", "s", "0", "0.5ms", "61m", "-1s", "nan", "inf", "1e3", "2 hours", "٢s", True, None]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CallerError) as caught:
        parse_latency(text)
    assert caught.value.code == "latency.malformed"


@given(taken=st.integers(0, 10**15), bucket=st.integers(MS, 3600 * 1000 * MS))
def test_the_moments_are_powers_of_two_of_the_bucket(taken, bucket):
    times = release_at(taken, bucket) / bucket
    assert times == int(times)
    assert int(times) & (int(times) - 1) == 0
    assert release_at(taken, bucket) >= taken
    assert times == 1 or release_at(taken, bucket) < 2 * taken


@pytest.mark.parametrize(("taken", "until"), [(0, 2000), (1, 2000), (2000, 2000), (2001, 4000), (4001, 8000)])
@pytest.mark.parametrize("early", [0, MS])
@pytest.mark.parametrize(
    "error", [None, Refused("purpose.unknown", purpose="x"), CallerError("dp.sql-malformed"), ValueError("x")]
)
def test_answers_refusals_and_faults_end_at_the_same_moments(taken, until, early, error):
    timer = FakeTimer(early)
    began = timer.moment

    def asked():
        with bucketed(2000 * MS, timer):
            timer.moment += taken * MS
            if error is not None:
                raise error

    if error is None:
        asked()
    else:
        with pytest.raises(type(error)):
            asked()
    assert timer.moment - began == until * MS


def test_without_a_bucket_nothing_waits_and_ctrl_c_is_not_held_back():
    timer = FakeTimer()
    with bucketed(None, timer):
        timer.moment += 1
    with pytest.raises(KeyboardInterrupt), bucketed(MS, timer):
        raise KeyboardInterrupt
    assert timer.waits == []
