"""Who may not know of a person learns nothing of one from refusals, versions, numbers or summaries."""

from __future__ import annotations

import pytest
from tests.attack.review_world import ASKED, COUNT, code_of, filled


@pytest.mark.parametrize("who", ["ana", "nobody"])
@pytest.mark.parametrize("act", ["export", "read"])
def test_a_refusal_does_not_tell_whether_a_person_is_held(tmp_path, who, act):
    with filled(tmp_path) as space:
        space.service.erase_subject("p0002")
        session = space.acting_as(who, purpose="research")

        def answer(ref):
            person = session.subject(ref)
            if act == "export":
                return code_of(person.export)
            return code_of(lambda: person.read(["name"], dataset="visits"))

        assert answer("p0001") == answer("p0002") == answer("never-held")


def test_an_explanation_does_not_count_the_choices_people_made(tmp_path):
    with filled(tmp_path) as space:
        ana = space.acting_as("ana", purpose="research")
        before = ana.explain("visits", COUNT, epsilon="0.1")
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        assert ana.explain("visits", COUNT, epsilon="0.1") == before


def test_the_version_an_analyst_sees_does_not_tell_of_an_erasure(tmp_path):
    with filled(tmp_path) as space:
        ana = space.acting_as("ana")
        before = ana.service.datasets(), ana.service.dataset("visits")
        space.service.erase_subject("p0001")
        assert (ana.service.datasets(), ana.service.dataset("visits")) == before


def test_exact_risk_needs_the_right_to_see_it(tmp_path):
    with filled(tmp_path, 200) as space:
        made = space.acting_as("po").service.release(
            ASKED, purpose="research", out=tmp_path / "a.csv", force=False
        )
        aud = space.acting_as("aud").service
        assert code_of(lambda: aud.release_shown(made["release"])) == "policy.not-permitted"
        told = str([aud.releases(), aud.report()["releases"]])
        assert "class_sizes" not in told
        assert "smallest_class" not in told


def test_a_request_id_of_somebody_else_is_refused_in_the_journal(tmp_path):
    with filled(tmp_path) as space:
        ana = space.acting_as("ana", purpose="research")
        ana.query("visits", COUNT, epsilon="0.1", request_id="month-end")
        size = len(space.service.entries(1000))
        stranger = space.acting_as("nobody", purpose="research")
        told = code_of(lambda: stranger.query("visits", COUNT, epsilon="0.1", request_id="month-end"))
        assert told == "principal.unknown"
        assert len(space.service.entries(1000)) == size + 1


def test_one_persons_withdrawals_do_not_shut_out_an_application(tmp_path):
    with filled(tmp_path) as space:
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        app = space.acting_as("app", purpose="research")
        for _ in range(21):
            code_of(lambda: app.subject("p0001").read(["name"], dataset="visits"))
        assert code_of(lambda: app.subject("p0002").read(["name"], dataset="visits")) == "done"
