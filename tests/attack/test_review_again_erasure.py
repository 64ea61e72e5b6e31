"""Whoever came back can be erased again, and what is said of an erased person is whole."""

from __future__ import annotations

from dataclasses import replace

from tests.attack.review_world import ASKED, CONSENT, code_of, collect, empty, filled, people

from hedgerow.app.declaring import Schema
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.model.records import Tombstone
from hedgerow.model.words import Basis, ColumnType
from hedgerow.spine.intake import Intake


def test_who_came_back_after_the_tombstone_ended_can_be_erased(tmp_path):
    with filled(tmp_path, 5) as space:
        space.service.erase_subject("p0001")
        with space.opened.store.write() as tx:
            (stone,) = tx.find(Tombstone)
            tx.put(replace(stone, erased="2020-01-01T00:00:00.000Z", until="2023-01-01"))
        collect(space, tmp_path, people(2))
        assert code_of(lambda: space.service.erase_subject("p0001")) == "done"


def test_an_intake_under_way_brings_back_nobody_who_is_erased_meanwhile(tmp_path, monkeypatch):
    write, met = Intake._write, []

    def late(self, *given, **named):
        if not met:
            met.append(True)
            collect(space, tmp_path, people(1, 800), dataset="first")
            space.service.erase_subject("p0800")
        return write(self, *given, **named)

    with filled(tmp_path, 5) as space:
        monkeypatch.setattr(Intake, "_write", late)
        code_of(lambda: collect(space, tmp_path, people(2, 800), dataset="second"))
        assert code_of(lambda: space.service.show_subject("p0800")) == "subject.erased"


def test_an_objection_to_a_use_that_needs_no_consent_hides_no_release(tmp_path):
    with empty(tmp_path) as space:
        collect(space, tmp_path, people(60), bases={"research": Basis("legitimate-interest")})
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        asked = replace(ASKED, k=2, suppression_limit="1")
        made = space.service.release(asked, purpose="research", out=tmp_path / "a.csv", force=False)
        assert space.service.show_subject("p0001")["releases"] == [made["release"]]
        assert space.service.plan_erasure("p0001")["releases"] == [made["release"]]


def test_rows_in_quarantine_that_write_a_number_otherwise_go_with_the_person(tmp_path):
    rows = "".join(f"{number},{20 + number},A\n" for number in range(1, 30))
    path = tmp_path / "numbers.csv"
    path.write_text("pid,age,diag\n" + rows + "0005,bad,B\n+7,bad,B\n")
    types = {"pid": ColumnType.INTEGER, "age": ColumnType.INTEGER}
    request = CollectRequest(path, "visits", "pid", CONSENT, keep=("age", "diag"), schema=Schema(types=types))
    with empty(tmp_path) as space:
        space.service.collect(space.service.plan_collect(request))
        for ref in ("5", "7"):
            space.service.erase_subject(ref)
        assert space.service.quarantine_list() == []
