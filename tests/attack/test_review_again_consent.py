"""A withdrawal holds at once, a collection gives nobody an unnamed purpose, no choice slips in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.attack.review_world import KEPT, code_of, collect, empty, filled, grants, people

from hedgerow.app.space import open_space
from hedgerow.model.words import Basis

INTEREST = Basis("legitimate-interest")


class MovedClock:
    """The real time, moved by some seconds."""

    def __init__(self):
        self.seconds = 0

    def now(self):
        return datetime.now(UTC) + timedelta(seconds=self.seconds)


def ahead(seconds):
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def use(space, ref="p0001", purpose="research"):
    person = space.acting_as("app").subject(ref)
    return code_of(lambda: person.read(["name"], purpose=purpose, dataset="visits"))


def choose(space, *, granted, time=None):
    space.service.choose("p0001", "research", granted=granted, notice="", channel="", time=time)


def test_a_withdrawal_holds_after_a_grant_from_a_clock_that_runs_ahead(tmp_path):
    with filled(tmp_path, 5) as space:
        code_of(lambda: choose(space, granted=True, time=ahead(240)))
        choose(space, granted=False)
        assert use(space) == "basis.withdrawn"


def test_a_withdrawal_holds_after_the_clock_was_set_back(tmp_path):
    filled(tmp_path, 5).close()
    clock = MovedClock()
    with open_space(tmp_path / "space", clock=clock) as space:
        choose(space, granted=True)
        clock.seconds = -60
        choose(space, granted=False)
        assert use(space) == "basis.withdrawn"


def test_a_grant_from_before_an_erasure_brings_nobody_back_by_its_future_time(tmp_path):
    with filled(tmp_path, 5) as space:
        before = grants(people(1), time=ahead(240))
        space.service.erase_subject("p0001")
        code_of(lambda: collect(space, tmp_path, people(2), consents=before))
        assert code_of(lambda: space.service.show_subject("p0001")) == "subject.erased"


def test_of_two_choices_of_one_moment_the_refusal_counts(tmp_path):
    with empty(tmp_path) as space:
        told = "p0001,research,2025-01-01,false\np0001,research,2025-01-01,true\n"
        collect(space, tmp_path, people(2), consents="subject,purpose,time,granted\n" + told)
        assert use(space) == "basis.withdrawn"


def test_people_collected_for_one_purpose_are_not_used_for_another_of_the_data_set(tmp_path):
    with empty(tmp_path) as space:
        bases = {"research": Basis.CONSENT, "marketing": INTEREST}
        collect(space, tmp_path, people(3), bases=bases)
        code_of(lambda: collect(space, tmp_path, people(3, 100), bases={"research": Basis.CONSENT}))
        assert use(space, "p0100", "marketing") != "done"


@pytest.mark.parametrize("heading", ["Granted", " granted", "consent"])
def test_rows_that_refuse_under_another_heading_are_no_grant(tmp_path, heading):
    with empty(tmp_path) as space:
        told = {"subject": "p0001", "purpose": "research", "time": "2024-01-01", heading: "false"}
        code_of(
            lambda: space.collect(
                people(3), dataset="visits", subject_key="pid", purposes={"research": "consent"},
                keep=KEPT, consents=[told],
            )
        )  # fmt: skip
        assert use(space) != "done"


@pytest.mark.parametrize(
    "odd", [{"granted": True}, {"subject": 5}, {"time": datetime(2024, 1, 1, tzinfo=UTC)}]
)
def test_choices_of_another_type_are_taken_or_refused_in_words(tmp_path, odd):
    with empty(tmp_path) as space:
        told = {"subject": "p0001", "purpose": "research", "time": "2024-01-01", **odd}
        code = code_of(
            lambda: space.collect(
                people(3), dataset="visits", subject_key="pid", purposes={"research": "consent"},
                keep=KEPT, consents=[told],
            )
        )  # fmt: skip
        assert code != "AttributeError"
