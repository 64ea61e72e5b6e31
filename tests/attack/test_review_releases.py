"""What is given out rests on the choices in force when it is given, and the record says so."""

from __future__ import annotations

from tests.attack.review_world import ASKED, COUNT, code_of, filled

from hedgerow.spine.lease import Leases


def test_a_release_given_again_holds_nobody_who_withdrew(tmp_path):
    with filled(tmp_path, 200) as space:
        service = space.acting_as("po").service
        service.release(ASKED, purpose="research", out=tmp_path / "a.csv", force=False, request_id="x")
        for number in range(1, 151):
            space.service.choose(f"p{number:04d}", "research", granted=False, notice="", channel="")
        again = code_of(
            lambda: service.release(
                ASKED, purpose="research", out=tmp_path / "b.csv", force=False, request_id="x"
            )
        )
        assert again == "request.withdrawn"
        assert not (tmp_path / "b.csv").exists()


def test_a_person_who_came_in_while_a_lease_was_opened_sees_the_use(tmp_path, monkeypatch):
    with filled(tmp_path) as space:
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        opened = Leases.open

        def late(self, facts, plan):
            space.service.choose("p0001", "research", granted=True, notice="", channel="")
            return opened(self, facts, plan)

        monkeypatch.setattr(Leases, "open", late)
        space.acting_as("ana").query("visits", COUNT, epsilon="0.5", purpose="research")
        assert len(space.service.show_subject("p0001")["uses"]) == 1
