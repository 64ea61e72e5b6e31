"""Proves that the client counts reports before it gives them, keeps answers, and never starts anew."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.dp.local_world import changed, survey

from hedgerow.kernel.local.client import Client, Refusal

MANY = [f"v{number}" for number in range(256)]


def refused(call, *arguments):
    """Give the kind of a refusal that must come."""
    with pytest.raises(Refusal) as raised:
        call(*arguments)
    return raised.value.kind


def test_no_more_reports_than_the_survey_allows(tmp_path):
    state = tmp_path / "state.json"
    asked = survey("randomised-response", reports=2)
    for _ in range(2):
        Client(asked, state).report("a")
    assert refused(Client(asked, state).report, "a") == "used-up"
    assert refused(Client(asked, state).report, "b") == "used-up"
    Client(survey("randomised-response", "2"), state).report("a")
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_value_that_is_refused_costs_no_report(tmp_path):
    asked = survey("randomised-response")
    assert refused(Client(asked, tmp_path / "state.json").report, "z") == "value"
    assert Client(asked, tmp_path / "state.json").report("a")


def test_a_kept_answer_is_given_again_and_costs_nothing(tmp_path):
    asked = survey("optimised-unary", domain=MANY, reports=2, memoise=True)
    person = Client(asked, tmp_path / "state.json")
    first = person.report("v1")
    assert [person.report("v1") for _ in range(5)] == [first] * 5
    second = person.report("v2")
    assert second != first
    assert person.report("v1") == first
    assert refused(person.report, "v3") == "used-up"
    assert '"v1"' not in (tmp_path / "state.json").read_text()
    assert Client(asked, tmp_path / "another.json").report("v1") != first


def test_values_that_are_randomised_alike_share_a_kept_answer(tmp_path):
    person = Client(survey("optimised-unary", domain=MANY, memoise=True, other="v0"), tmp_path / "state.json")
    first = person.report("never named")
    assert person.report("nor this") == person.report("v0") == first


def test_many_at_once_give_no_more_than_the_survey_allows(tmp_path):
    asked = survey("randomised-response", reports=5)

    def tries(_):
        try:
            return bool(Client(asked, tmp_path / "state.json").report("a"))
        except Refusal:
            return False

    with ThreadPoolExecutor(8) as pool:
        given = 0
        for _ in range(20):
            given += sum(pool.map(tries, range(8)))
    assert given == 5
    assert json.loads((tmp_path / "state.json").read_text())["surveys"][asked.id]["used"] == 5


def test_kept_answers_need_somewhere_to_be_kept():
    assert refused(Client(survey("randomised-response", memoise=True)).report, "a") == "state"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": "hedgerow/local-state/v1", "salt": "", "surveys": {"x": {"used": -1}}}',
        '{"format": "hedgerow/local-state/v1", "salt": "", "surveys": []}',
    ],
)
def test_a_state_that_cannot_be_read_is_not_begun_anew(tmp_path, text):
    state = tmp_path / "state.json"
    state.write_text(text)
    assert refused(Client(survey("randomised-response"), state).report, "a") == "state"
    assert state.read_text() == text


def test_two_at_once_are_one_after_the_other(tmp_path):
    state = tmp_path / "state.json"
    (tmp_path / "state.json.lock").touch()
    assert refused(Client(survey("randomised-response"), state).report, "a") == "state"
    assert not state.exists()


def test_a_report_that_could_not_be_counted_is_not_given(tmp_path):
    state = tmp_path / "gone" / "state.json"
    assert refused(Client(survey("randomised-response"), state).report, "a") == "state"


def test_the_lock_goes_whatever_happened(tmp_path):
    state = tmp_path / "state.json"
    asked = survey("randomised-response")
    Client(asked, state).report("a")
    assert refused(Client(asked, state).report, "a") == "used-up"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json"]


def test_the_report_is_counted_before_it_is_drawn_into_the_world(tmp_path):
    """Where writing fails, no report leaves: a client that gave it first would give it again."""
    program = changed({"        _write_state(path, state)\n        return answer": "        return answer"})
    state = tmp_path / "state.json"
    careless = program.Client(program.Survey(json.loads(json.dumps(RECORD))), state)
    careless.report("a")
    assert careless.report("a"), "the mistake lets a second report through, which the tests above would see"


RECORD = {
    "format": "hedgerow/local-survey/v1", "name": "asked", "mechanism": "randomised-response", "epsilon": "1",
    "reports": 1, "memoise": False, "domain": ["a", "b"],
}  # fmt: skip
