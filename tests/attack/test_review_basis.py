"""Nobody gets round purpose, lawful basis and consent by another door than the one that is guarded."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from tests.attack.review_world import code_of, collect, empty, filled, grants, people

from hedgerow.model.records import Purpose
from hedgerow.model.words import Basis


def later(_):
    """Tell a moment after all that was done before, and not in the future."""
    time.sleep(0.01)
    return datetime.now(UTC).isoformat()


def test_the_purpose_of_rights_opens_nothing_for_an_application(tmp_path):
    with filled(tmp_path) as space:
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        person = space.acting_as("app").subject("p0001")
        assert (
            code_of(lambda: person.read(["name"], purpose="research", dataset="visits")) == "basis.withdrawn"
        )
        named = code_of(lambda: person.read(["name"], purpose="data-subject-rights", dataset="visits"))
        assert named != "done"


def test_a_query_for_the_purpose_of_rights_is_refused_before_it_is_charged(tmp_path):
    with filled(tmp_path) as space:
        told = code_of(lambda: space.service.allocate("visits", "data-subject-rights", Fraction(1)))
        assert told == "purpose.rights-only"
        code_of(
            lambda: space.acting_as("ana").query(
                "visits", "SELECT COUNT(*) AS n", epsilon="1", purpose="data-subject-rights"
            )
        )
        assert {told["spent"] for told in space.service.budgets()} == {"0"}


def test_a_later_collection_gives_earlier_people_no_new_purpose(tmp_path):
    with filled(tmp_path) as space:
        bases = {"marketing": Basis("legitimate-interest")}
        code_of(lambda: collect(space.acting_as("adm"), tmp_path, people(1, 9000), bases=bases))
        person = space.acting_as("app").subject("p0001")
        assert code_of(lambda: person.read(["name"], purpose="marketing", dataset="visits")) != "done"


def test_who_may_not_grant_consent_cannot_slip_it_in_with_a_collection(tmp_path):
    with empty(tmp_path) as space:
        collect(space, tmp_path, people(5))
        adm = space.acting_as("adm")
        direct = code_of(lambda: adm.service.choose("p0001", "research", granted=True, notice="", channel=""))
        assert direct == "policy.not-permitted"
        planted = grants(people(5))
        code_of(lambda: collect(adm, tmp_path, people(1, 9000), dataset="tiny", consents=planted))
        assert space.service.consents("p0001") == []


@pytest.mark.parametrize("header", [" granted", "Granted", "consent"])
def test_a_withdrawal_under_another_heading_is_no_grant(tmp_path, header):
    with empty(tmp_path) as space:
        consents = f"subject,purpose,time,{header}\np0001,research,2024-01-01,false\n"
        code_of(lambda: collect(space, tmp_path, people(2), consents=consents))
        held = code_of(lambda: space.service.consents("p0001"))
        assert held == "subject.unknown" or not any(c["granted"] for c in space.service.consents("p0001"))


def test_an_empty_cell_under_granted_is_no_grant(tmp_path):
    with empty(tmp_path) as space:
        consents = "subject,purpose,time,granted\np0001,research,2024-01-01\n"
        code_of(lambda: collect(space, tmp_path, people(2), consents=consents))
        held = code_of(lambda: space.service.consents("p0001"))
        assert held == "subject.unknown" or not any(c["granted"] for c in space.service.consents("p0001"))


def test_a_consent_withdrawn_again_brings_no_erased_person_back(tmp_path):
    with filled(tmp_path) as space:
        space.service.erase_subject("p0001")
        told = f"p0001,research,{later(1)},true\np0001,research,{later(2)},false\n"
        consents = "subject,purpose,time,granted\n" + told
        assert collect(space, tmp_path, people(2), consents=consents)["left_out_as_erased"] == 1


def test_a_consent_to_another_purpose_brings_no_erased_person_back(tmp_path):
    with filled(tmp_path) as space:
        space.service.erase_subject("p0001")
        consents = grants(people(1), "marketing", later(1))
        assert collect(space, tmp_path, people(2), consents=consents)["left_out_as_erased"] == 1


def test_consent_can_be_withdrawn_after_the_purpose_ended(tmp_path):
    with filled(tmp_path) as space:
        with space.opened.store.write() as tx:
            tx.put(Purpose("research", "why", "owner", "2020-01-01", "2019-01-01T00:00:00.000Z"))
        choice = code_of(
            lambda: space.service.choose("p0001", "research", granted=False, notice="", channel="")
        )
        assert choice == "done"


def test_rows_set_aside_are_not_taken_in_after_the_purpose_ended(tmp_path):
    with empty(tmp_path) as space:
        rows = people(40)
        rows[0]["age"] = "unknown"
        collect(space, tmp_path, rows)
        with space.opened.store.write() as tx:
            tx.put(Purpose("research", "why", "owner", "2020-01-01", "2019-01-01T00:00:00.000Z"))
        batch = space.service.quarantine_list()[0]["batch"]
        assert code_of(lambda: space.service.quarantine_retry(batch, empty_broken=True)) == "purpose.ended"
