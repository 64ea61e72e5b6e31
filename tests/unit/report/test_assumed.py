"""Proves that people are shown by invented names that say so, that stay, and that end with the key."""

from __future__ import annotations

import pytest
from tests.attack.rolling import founded
from tests.simulator.asking import OWNER

from hedgerow.app.report.assumed import MARK, assumed_name
from hedgerow.app.service import Service
from hedgerow.model.errors import Refused
from hedgerow.model.uses import Actor


def test_a_person_is_shown_by_one_invented_name_that_says_so():
    world = founded()
    world.collect("visits", ["ann", "bob"], with_consent=True)
    names = {ref: world.service.assumed_name(ref) for ref in ("ann", "bob")}
    for ref, name in names.items():
        assert name.endswith(f" ({MARK})")
        assert ref not in name.lower()
        assert world.service.show_subject(ref)["assumed_name"] == name == world.service.assumed_name(ref)
    assert len(set(names.values())) == 2
    world.restart()
    assert world.service.assumed_name("ann") == names["ann"]


def test_the_name_ends_with_the_person_s_key():
    world = founded()
    world.collect("visits", ["ann", "bob"], with_consent=True)
    world.service.erase_subject("ann")
    with pytest.raises(Refused) as caught:
        world.service.assumed_name("ann")
    assert caught.value.code == "subject.erased"


def test_who_may_not_look_into_a_person_gets_no_name_either():
    world = founded()
    world.collect("visits", ["ann"], with_consent=True)
    world.service.add_principal("ana", ["analyst"])
    with pytest.raises(Refused):
        Service(world.spine, Actor(OWNER.principal, "ana")).assumed_name("ann")


def test_names_are_of_the_country_asked_for():
    secret = bytes(range(32))
    assert len({assumed_name(secret, locale) for locale in ("en_US", "de_DE", "fr_FR")}) == 3
