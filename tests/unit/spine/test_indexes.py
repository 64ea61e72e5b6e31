"""Proves that an index is whole, follows its people, goes on where it was cut off, and refuses the narrow."""

from __future__ import annotations

import json

import pytest
from tests.simulator.adapters import Crash
from tests.simulator.people import MAIL, People

from hedgerow.app.service import Service
from hedgerow.model.errors import HedgerowError
from hedgerow.model.records import BlindIndex, BlindTerm, Certificate, Search
from hedgerow.model.uses import Actor
from hedgerow.spine import indexes as indexes_module
from hedgerow.spine.finding import MOST_FOUND, MOST_SEARCHES

EMAIL = (MAIL, "email")
MANY = [(f"p{n}", f"p{n}@x.org") for n in range(40)]


@pytest.fixture
def people(monkeypatch):
    monkeypatch.setattr(indexes_module, "BATCH_PEOPLE", 6)
    made = People()
    made.collect("club", MANY)
    return made


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


class TestBuilding:
    def test_people_there_before_and_after_are_found(self, people):
        people.service.make_index("club", *EMAIL)
        assert people.find("club", "P7@X.org") == {"p7"}
        people.collect("club", [("q", "Q@x.org"), ("p7", "second@x.org"), ("p8", "p7@x.org")])
        assert people.find("club", "q@x.org") == {"q"}
        assert people.find("club", "second@x.org") == {"p7"}
        assert people.find("club", "p7@x.org") == {"p7", "p8"}
        assert people.find("club", "nobody@x.org") == set()

    def test_no_value_stands_in_the_journal_or_the_records(self, people):
        people.service.make_index("club", *EMAIL)
        people.find("club", "p7@x.org")
        told = json.dumps([people.facts(a) for a in ("dataset.index", "dataset.index.built", "subject.find")])
        assert "p7" not in told
        assert "40" not in told
        assert "p7@x" not in repr(people.held(BlindTerm)) + repr(people.held(BlindIndex))

    def test_progress_is_told(self, people):
        told = []
        people.service.make_index("club", *EMAIL, progress=lambda seen, total: told.append((seen, total)))
        assert told[0] == (6, 40)
        assert told[-1] == (40, 40)

    @pytest.mark.parametrize("steps", range(0, 24, 2))
    @pytest.mark.parametrize("kill", [False, True])
    def test_cut_off_anywhere_it_goes_on(self, people, steps, kill):
        people.points.arm(steps, kill=kill)
        try:
            people.service.make_index("club", *EMAIL)
        except Crash:
            people.restart()
            people.collect("club", [("late", "late@x.org"), ("p3", "three@x.org")])
            if not any(i.state == "current" for i in people.held(BlindIndex)):
                people.service.make_index("club", *EMAIL)
        people.points.disarm()
        assert people.find("club", "p39@x.org") == {"p39"}
        late = {"late"} if people.sources > 1 else set()
        assert people.find("club", "late@x.org") == late
        assert len(people.terms()) == (40 if people.sources == 1 else 42)

    def test_while_the_first_is_built_nobody_is_found(self, people):
        people.points.arm(6, kill=True)
        with pytest.raises(Crash):
            people.service.make_index("club", *EMAIL)
        people.restart()
        assert code_of(lambda: people.find("club", "p7@x.org")) == "index.building"
        people.service.rotate_index("club", MAIL)
        assert people.find("club", "p7@x.org") == {"p7"}

    def test_an_index_made_between_reading_a_source_and_storing_it_gets_its_terms(self, people, monkeypatch):
        real = indexes_module.Indexes.learn

        def learn(self, dataset, held):
            learned = real(self, dataset, held)
            monkeypatch.undo()
            people.service.make_index("club", *EMAIL)
            return learned

        monkeypatch.setattr(indexes_module.Indexes, "learn", learn)
        people.collect("club", [("q", "q@x.org"), ("p7", "second@x.org")])
        assert people.find("club", "q@x.org") == {"q"}
        assert people.find("club", "second@x.org") == {"p7"}


class TestRotating:
    @pytest.mark.parametrize("steps", range(0, 26, 2))
    def test_searches_use_the_old_one_until_the_new_is_whole(self, people, steps):
        people.service.make_index("club", *EMAIL)
        before, old_secrets = people.terms(), people.secrets()
        people.points.arm(steps, kill=True)
        try:
            people.service.rotate_index("club", MAIL)
        except Crash:
            people.restart()
            assert people.find("club", "p7@x.org") == {"p7"}
            people.service.rotate_index("club", MAIL)
        people.points.disarm()
        assert people.find("club", "p7@x.org") == {"p7"}
        assert not before & people.terms()
        assert len(people.terms()) == len(people.held(BlindTerm)) == 40
        assert len(people.secrets()) == 1
        assert not old_secrets & people.secrets()

    def test_one_that_has_become_too_narrow_goes(self, people):
        people.service.make_index("club", *EMAIL)
        people.collect("club", [(f"n{n}", "none@x.org") for n in range(30)])
        assert code_of(lambda: people.service.rotate_index("club", MAIL)) == "index.low-entropy"
        assert (people.held(BlindIndex), people.held(BlindTerm), people.secrets()) == ([], [], set())


class TestRefusing:
    @pytest.mark.parametrize(
        ("address", "code"),
        [
            (lambda n: f"p{n // 4}@x.org", "index.low-entropy"),
            (lambda n: "none@x.org" if n % 3 else f"p{n}@x.org", "index.low-entropy"),
            (lambda n: f"p{n}@x.org" if n % 3 == 0 else "none", "index.unread"),
        ],
    )
    def test_nothing_is_kept_of_a_column_that_is_refused(self, people, address, code):
        people.collect("town", [(f"t{n}", address(n)) for n in range(60)])
        assert code_of(lambda: people.service.make_index("town", *EMAIL)) == code
        assert (people.held(BlindIndex), people.held(BlindTerm), people.secrets()) == ([], [], set())
        assert people.facts("dataset.index.refuse")[0]["reasons"] == [code]

    def test_a_value_that_many_share_names_nobody(self, people):
        people.service.make_index("club", *EMAIL)
        people.collect("club", [(f"p{n}", "all@x.org") for n in range(MOST_FOUND + 1)])
        assert code_of(lambda: people.find("club", "all@x.org")) == "search.shared"
        assert people.facts("subject.find")[-1]["hits"] == MOST_FOUND + 1


class TestSearching:
    def test_it_is_counted_for_a_day(self, people):
        people.service.make_index("club", *EMAIL)
        with people.inner.write() as tx:
            for n in range(MOST_SEARCHES - 1):
                tx.add([Search("owner", 10_000 + n, people.clock.now().isoformat() + "Z", True)])
        assert people.find("club", "p7@x.org") == {"p7"}
        assert code_of(lambda: people.find("club", "p7@x.org")) == "search.too-many"
        people.clock.advance(hours=25)
        assert people.find("club", "p7@x.org") == {"p7"}
        assert len(people.held(Search)) == 1

    def test_a_name_ends_and_is_the_finders_alone(self, people):
        people.service.make_index("club", *EMAIL)
        (name,) = people.service.find_subject("club", MAIL, "p7@x.org")["people"]
        people.service.add_principal("priya", ["privacy-officer"])
        other = Service(people.spine, Actor("owner", "priya"))
        assert code_of(lambda: other.show_subject(name)) == "search.handle-foreign"
        people.clock.advance(hours=25)
        assert code_of(lambda: people.service.show_subject(name)) == "search.handle-over"

    def test_a_source_id_may_look_like_a_name(self, people):
        people.collect("club", [("found-aaaa", "odd@x.org")])
        assert people.service.show_subject("found-aaaa")["held"]

    def test_choices_take_a_name_too(self, people):
        people.service.make_index("club", *EMAIL)
        (name,) = people.service.find_subject("club", MAIL, "p7@x.org")["people"]
        people.service.choose(name, "care", granted=False, notice="", channel="mail", time=None)
        assert people.service.consents("p7")[0]["granted"] is False


class TestErasing:
    def test_the_terms_go_with_the_person(self, people):
        people.service.make_index("club", *EMAIL)
        people.service.erase_subject("p7")
        assert people.find("club", "p7@x.org") == set()
        assert len(people.held(BlindTerm)) == 39

    def test_ending_the_epoch_gives_a_new_secret_to_each_index_the_erased_were_in(self, people):
        people.collect("town", MANY[20:])
        people.service.make_index("club", *EMAIL)
        people.service.make_index("town", *EMAIL)
        before = people.secrets()
        people.clock.advance(seconds=1)
        people.service.erase_subject("p7")
        people.clock.advance(seconds=1)
        people.service.change_epoch(is_ending=True)
        assert len(people.secrets() & before) == 1
        assert people.find("club", "p8@x.org") == {"p8"}
        (final,) = [json.loads(c.body)["body"] for c in people.held(Certificate) if "final" in c.kind]
        assert not [said for said in final["not_covered"] if "search terms" in said]

    def test_a_secret_that_stays_is_named_in_the_final_certificate(self, people):
        people.service.make_index("club", *EMAIL)
        people.clock.advance(seconds=1)
        people.service.erase_subject("p7")
        people.spine.epochs.move(Actor("owner", "owner"), is_ending=True)
        (final,) = [json.loads(c.body)["body"] for c in people.held(Certificate) if "final" in c.kind]
        assert [said for said in final["not_covered"] if "search terms" in said and "mail of club" in said]
