"""Proves what is kept of people over any order of acts on a real workspace, with a crash at any step.

The acts: collect, append, collect again after an erasure, erase, rotate and end keys, make and rotate a blind
index, spend, back up, and restore any earlier backup with the newest list of erasures, an older one or none,
and with the newest head, an older one or none; with and without going on in what was restored.

The promises, by name: *reads back* - everybody in the model reads back exactly; *erased* - of nobody else is
anything left, here or in what was restored; *final* - after the end of an epoch no wrapped key ever captured
opens with any key in reach, those in the backups too; *budget* - what was spent stays spent, and where it is
not known nothing can be; *journal* - it verifies, and the records are what it tells; *remnants* - the
examination finds nothing; *restore* - it ends whole or leaves nothing; *index* - it finds exactly who holds a
value.
"""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.property.cutting import cut_anywhere
from tests.property.vault_base import forget_base
from tests.property.vault_broken import VARIANTS
from tests.property.vault_machine import SETTINGS, VaultMachine
from tests.property.vault_promises import Violation
from tests.property.vault_world import VaultWorld

from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import restore_space
from hedgerow.model.errors import HedgerowError


@pytest.fixture(autouse=True, scope="module")
def _cut():
    with cut_anywhere():
        yield
    forget_base()


@pytest.fixture
def world():
    made = VaultWorld()
    yield made
    made.close()


def test_every_promise_holds_over_any_order_of_acts_and_crashes():
    run_state_machine_as_test(
        VaultMachine, settings=settings(SETTINGS, max_examples=10, stateful_step_count=12)
    )


@pytest.mark.slow
def test_every_promise_holds_over_many_more_of_them():
    run_state_machine_as_test(
        VaultMachine, settings=settings(SETTINGS, max_examples=12, stateful_step_count=20)
    )


def test_positive_control_before_the_end_of_an_epoch_every_captured_key_opens(world):
    world.check()
    world.backup()
    world.erase("P-ann")
    world.check()
    world.rotate()
    world.check()
    assert world.opens(world.images) == set(world.images)
    captured = set(world.images)
    world.end_epoch()
    assert world.dead == captured
    world.check(is_thorough=True)


@pytest.mark.parametrize("ends", [False, True])
def test_a_change_that_goes_on_foresees_as_final_only_what_its_keys_make_final(world, ends):
    world.erase("P-bob")
    for steps in range(6, 60, 3):  # until it is cut off between its beginning and its end
        (world.end_epoch if ends else world.rotate)((steps, True))
        if world.is_moving(world.spine):
            break
    world.erase("P-ann")  # under a key that the change does not leave
    plan = world.service.plan_epoch(is_ending=True)
    done = world.service.change_epoch(is_ending=True)
    assert plan["goes_on"]
    assert len(done["final"]) == 1
    assert set(plan["becomes_final"]) == world.final_of(done["final"])
    world.end_epoch()
    world.check(is_thorough=True)


def test_a_restored_copy_takes_no_erasure_off_the_list_beside_the_backups(world):
    world.backup()
    world.erase("P-bob")
    world.check()
    world.erase("P-ann")
    world.check()
    world.restore(0, 0, 0, goes_on=False)  # by the older list: it knows of one, and the copy is opened
    world.check()
    listed = json.loads((world.place / "erasures.json").read_bytes())["erased"]
    assert len({each["lookup"] for each in listed}) == 2


@pytest.mark.parametrize("goes_on", [False, True])
def test_who_was_erased_and_collected_again_is_erased_again_by_a_restore(world, goes_on):
    world.erase("P-bob")
    world.backup()  # it holds the tombstone of the first erasure
    world.collect(["P-bob"], with_consent=True)
    world.erase("P-bob")
    world.check()
    world.restore(0, "newest", "newest", goes_on=goes_on)
    assert (world.line == 1) is goes_on
    world.check(is_thorough=True)


def lie_under(world):
    """Name the epochs that something lies under."""
    with world.read() as reader:
        return {epoch for epoch, held in world.spine.epochs.survey(reader).records.items() if held}


@pytest.mark.parametrize(("ends", "many"), [(True, 1), (False, 2)])
def test_a_backup_made_amid_a_change_of_keys_ends_with_the_keys_that_it_holds(world, ends, many):
    begin = lambda crash: world.attempt(lambda: world.service.change_epoch(is_ending=ends), crash)  # noqa: E731
    steps = iter(range(8, 60, 2))
    while not (world.is_moving(world.spine) and len(lie_under(world)) == many):
        begin((next(steps), True))
    world.backup()  # it is told, and the model asks for that
    world.check()
    (name,) = world.backups
    assert world.is_shown(name)
    world.restore(0, "newest", "newest", goes_on=False)
    kept = shutil.copytree(world.place / "keys", world.folder / "kept-keys")
    world._go_on(None)  # the change ends, and the old keys with it
    world.check()
    assert not world.is_shown(name)
    world.restore(0, "newest", "newest", goes_on=False)  # is refused, and the model says so
    world.backup()  # its key file takes the place of the one that the first lay under
    (world.place / "keys" / f"keys-{name}.sealed").write_bytes((kept / f"keys-{name}.sealed").read_bytes())
    assert not world.is_shown(name)
    wish = Wish(world.place, world.folder / "new", world.identity, lambda _: None, backup=name)
    with pytest.raises(HedgerowError) as caught:
        restore_space(wish, clock=world.clock)
    assert caught.value.code == "backup.keys-ended"


def walk(way, world):
    for _ in way(world):
        world.check()
    world.check()


@pytest.mark.parametrize("way", {way for way, _ in VARIANTS.values()}, ids=lambda way: way.__name__)
def test_the_ways_to_the_broken_rooms_are_sound_where_nothing_is_broken(way, world):
    walk(way, world)
    world.check(is_thorough=True)


@pytest.mark.parametrize(
    ("broken", "way", "promise"),
    [(broken, *told) for broken, told in VARIANTS.items()],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_broken_room_is_caught_by_the_promise_it_breaks(broken, way, promise, world, monkeypatch):
    broken(monkeypatch.setattr)
    with pytest.raises(Violation) as caught:
        walk(way, world)
    assert caught.value.promise == promise
