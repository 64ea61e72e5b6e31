"""Proves the check of repeated releases by brute force: an attacker goes through every world there could be.

Worlds are small. Everybody's quasi-identifiers, and who is in which release, are known to the attacker; only
values are not. A world is a value for each person with which every class of every release has the values that
left. Whatever ``judge`` lets through, the attacker must be left with as many values for each person, and as
many people for each row, as promised or as there were before.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.kernel.anonymity import repeated
from hedgerow.kernel.anonymity.repeated import Held, judge

PEOPLE, VALUES = 6, 3


def held(classes, values, k=2, least=2, counted=None):
    """Make a release: the class of each person, or none where the person is not in it."""
    people = [person for person, place in enumerate(classes) if place is not None]
    return Held(
        np.array(people, dtype=np.int64),
        np.array([classes[person] for person in people], dtype=np.int64),
        {"ill": np.array([values[person] for person in people], dtype=np.int64)},
        k,
        least,
        counted,
    )


def released(classes, values):
    """What everybody reads: the values of each class, in no order."""
    found = {}
    for person, place in enumerate(classes):
        if place is not None:
            found.setdefault(place, []).append(values[person])
    return {place: sorted(each) for place, each in found.items()}


def worlds(releases, values):
    """Every value of each person with which all releases are what they are."""
    told = [released(classes, values) for classes in releases]
    for world in product(range(VALUES), repeat=PEOPLE):
        if all(released(classes, world) == each for classes, each in zip(releases, told, strict=True)):
            yield world


def left(releases, values):
    """How many values, and how many people for a row, an attacker is left with, for each person."""
    every = list(worlds(releases, values))
    could_be = [{world[person] for world in every} for person in range(PEOPLE)]
    alike = []
    for person in range(PEOPLE):
        at = [classes[person] for classes in releases]
        # Who the person's row may be of: in the same class wherever the row is, and of its value in a world.
        alike.append(
            sum(
                values[person] in could_be[other]
                and all(
                    mine is None or classes[other] == mine for classes, mine in zip(releases, at, strict=True)
                )
                for other in range(PEOPLE)
            )
        )
    return [len(each) for each in could_be], alike


def fit_alone(classes, values, k):
    """Whether every class has k people: what a release by itself keeps."""
    return all(len(each) >= k for each in released(classes, values).values())


some = st.lists(st.sampled_from([0, 1, None]), min_size=PEOPLE, max_size=PEOPLE)
ills = st.lists(st.integers(0, VALUES - 1), min_size=PEOPLE, max_size=PEOPLE)


def check(releases, values, k=2):
    verdict = judge([held(each, values, k) for each in releases[:-1]], held(releases[-1], values, k))
    if verdict.is_fit:
        now = left(releases, values)
        before = left(releases[:-1], values)
        alone = left(releases[-1:], values)
        for person in range(PEOPLE):
            if any(classes[person] is not None for classes in releases):
                for measure in (0, 1):
                    single = [found[measure][person] for found in (before, alone)]
                    assert now[measure][person] >= min(2, *single), (releases, values, person, measure)
    return verdict.is_fit


@settings(max_examples=50, deadline=None)
@given(st.lists(some, min_size=2, max_size=3), ills)
def test_no_world_tells_more_of_what_was_let_through(releases, values):
    if all(fit_alone(each, values, 2) for each in releases):
        check(releases, values)


def test_every_pair_of_releases_of_a_few_values(monkeypatch):
    """Goes through all pairs of releases for some values; sees the check, taken away, let disclosures by."""
    alone = [each for each in product([0, 1, None], repeat=PEOPLE) if fit_alone(each, (0, 1, 0, 1, 2, 2), 2)]
    values = (0, 1, 0, 1, 2, 2)
    pairs = [(one, other) for one in alone[::31] for other in alone[::17]]
    fits = sum(check(list(pair), values) for pair in pairs)
    assert 0 < fits < len(pairs)
    none = np.zeros(1, dtype=np.int64)
    monkeypatch.setattr(repeated, "_too_few_values", lambda _, groups, __: np.resize(none, groups.max() + 1))
    monkeypatch.setattr(
        repeated, "_too_few_people", lambda _, groups, __, ___: np.resize(none, groups.max() + 1)
    )
    with pytest.raises(AssertionError):
        sum(check(list(pair), values) for pair in pairs)


def test_the_difference_of_two_releases_is_seen():
    """Who left is in one and not in the other: what the second lacks is theirs."""
    values = (0, 1, 2, 0, 1, 2)
    first, second = [0] * 6, [0, 0, 0, 0, 0, None]
    assert left([first, second], values)[0][5] == 1
    verdict = judge([held(first, values)], held(second, values))
    assert (verdict.is_fit, verdict.smallest, verdict.unfit) == (False, 1, 1)
    assert len(verdict.leave_out) == 1


def test_the_intersection_of_two_releases_is_seen():
    values = (0, 1, 1, 2, 0, 2)
    first, second = [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 2, 2]
    assert min(left([first, second], values)[0]) == 1
    assert not judge([held(first, values)], held(second, values)).is_fit


def test_coarser_classes_and_the_same_again_are_fit():
    values = (0, 1, 0, 1, 0, 2)
    first = [0, 0, 1, 1, 2, 2]
    for second in (first, [0, 0, 0, 0, 1, 1], [7, 7, 7, 7, 7, 7]):
        verdict = judge([held(first, values)], held(second, values))
        assert (verdict.is_fit, verdict.smallest, verdict.fewest) == (True, 2, 2)


def test_people_around_whom_the_values_changed_are_counted():
    values = (0, 1, 0, 1, 0, 2)
    assert judge([held([0] * 6, values)], held([0] * 6, values)).changed == 0
    assert judge([held([0, 0, 0, 0, 1, 1], values)], held([0] * 6, values)).changed == 6


def test_three_releases_tell_more_than_each_two():
    values = (0, 1, 0, 1, 0, 1, 0, 1)
    one, two, three = [0] * 4 + [1] * 4, [0, 0, 1, 1] * 2, [0, 1] * 4
    made = [held(each, values) for each in (one, two, three)]
    assert judge(made[:1], made[1]).is_fit
    assert not judge(made[:2], made[2]).is_fit


def test_a_value_that_changed_is_told_by_what_is_in_both():
    """Two of a class change their values; who takes nothing to change sees what is in both."""
    first, second = (0, 0, 1, 1), (1, 2, 1, 1)
    verdict = judge([held([0] * 4, first)], held([0] * 4, second))
    assert not verdict.is_fit
    assert judge([held([0] * 4, first)], held([0] * 4, first)).is_fit


def test_those_erased_are_not_told_by_who_is_left():
    """One of five was erased: the others may not leave again as they are, and may with company away."""
    values = (0, 1, 0, 1, 2, 2)
    first = [None, 0, 0, 0, 0, 0]
    before = held(first, values, counted=np.array([6]))
    again = judge([before], held(first, values))
    assert not again.is_fit
    assert len(again.leave_out) >= 1
    fewer = [None, None, None, 0, 0, 0]
    assert judge([before], held(fewer, values)).is_fit


def test_several_rows_of_a_person_count_together():
    """A person with rows in two classes is alike to those with rows in the same two."""
    people = np.array([0, 0, 1, 1, 2, 3], dtype=np.int64)
    classes = np.array([0, 1, 0, 1, 0, 1], dtype=np.int64)
    values = {"ill": np.array([0, 1, 1, 0, 0, 1], dtype=np.int64)}
    made = Held(people, classes, values, 2)
    verdict = judge([made], made)
    assert (verdict.is_fit, verdict.groups) == (True, 3)
    alone = Held(people[[0, 1, 4, 5]], classes[[0, 1, 4, 5]], {"ill": values["ill"][[0, 1, 4, 5]]}, 2)
    assert not judge([made], alone).is_fit


def test_too_few_people_are_seen_where_their_values_differ_or_none_is_released():
    values = (0, 1, 2, 0, 1, 2)
    first, second = held([0] * 6, values, k=3), held([0, 0, 0, 0, None, None], values, k=3)
    verdict = judge([first], second)
    assert (verdict.is_fit, verdict.smallest, verdict.unfit) == (False, 2, 2)
    bare = [replace(each, values={}) for each in (first, second)]
    verdict = judge(bare[:1], bare[1])
    assert (verdict.is_fit, verdict.fewest) == (False, None)
    assert judge(bare[:1], bare[0]).is_fit


def after(release, values, gone=0):
    """A release as it is remembered once one of its people is erased; as it was where they are not in it."""
    if release[gone] is None:
        return held(release, values)
    counted = np.bincount([place for place in release if place is not None])
    return held([None, *release[1:]], values, counted=counted)


def could_have(releases, values, person=0):
    """Which values a person may have, in a world of two values or three."""
    told = [released(classes, values) for classes in releases]
    every = product(range(max(values) + 1), repeat=len(values))
    return {
        world[person]
        for world in every
        if all(released(classes, world) == each for classes, each in zip(releases, told, strict=True))
    }


def test_company_for_whoever_was_erased_may_not_change():
    """Others stay away in the third release than in the second: what both lack is theirs who was erased."""
    values = [0, 0, 1, 0, 2, 1, 2, 0]
    first, second = [0] * 8, [None, None, None, 0, 0, 0, 0, 0]
    third = [None, 0, 0, None, None, 0, 0, 0]
    assert len(could_have([first, second], values)) == 2
    assert could_have([first, second, third], values) == {0}
    before = [after(first, values), held(second, values)]
    assert judge(before[:1], before[1]).is_fit
    verdict = judge(before, held(third, values))
    assert not verdict.is_fit
    assert set(verdict.leave_out.tolist()) & {1, 2}
    assert judge(before, before[1]).is_fit


def test_company_for_whoever_was_erased_is_of_all_the_classes_together():
    """Two releases cut people crosswise: company of either class is none of those who are in both."""
    values = [0, 1] * 8
    cell = [person // 4 for person in range(16)]
    one, other = [each // 2 for each in cell], [each % 2 for each in cell]
    assert judge([held(one, values)], held(other, values)).is_fit

    def without(classes, *away):
        return [None if person in (0, *away) else place for person, place in enumerate(classes)]

    crossed = [without(classes, 4, 5, 8, 9) for classes in (one, other)]
    assert could_have([one, other, *crossed], values) == {0}
    before = [after(each, values) for each in (one, other)]
    assert not judge(before, held(crossed[0], values)).is_fit
    kept = [without(classes, 1, 2, 3) for classes in (one, other)]
    assert could_have([one, other, *kept], values) == {0, 1}
    assert judge(before, held(kept[0], values)).is_fit
    assert judge([*before, held(kept[0], values)], held(kept[1], values)).is_fit


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 1), min_size=7, max_size=7),
    st.lists(st.lists(st.sampled_from([0, 0, None]), min_size=6, max_size=6), min_size=2, max_size=3),
)
def test_no_world_tells_more_of_whoever_was_erased(values, others):
    """One of seven is erased after the first release; each later one leaves only where it is let through."""
    left_before, told = [after([0] * 7, values)], [[0] * 7]
    for each in others:
        classes = [None, *each]
        if each.count(0) > 1 and judge(left_before, held(classes, values)).is_fit:
            left_before.append(held(classes, values))
            told.append(classes)
    promised = min(2, *(len({values[p] for p in range(7) if each[p] == 0}) for each in told))
    assert len(could_have(told, values)) >= promised
