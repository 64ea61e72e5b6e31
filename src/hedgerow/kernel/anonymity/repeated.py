"""Several releases of the same people, taken together: who can still not be told from whom.

An attacker who holds every release sorts people by the classes they are in, release by release (not being in
one is a class as well). People whom all releases sort alike form a *group*.

Theorem. Let the rows of two people of one group change places in every release they are in. Every class of
every release keeps its cell, its size and its values: the releases are the same, letter by letter. Any row of
the group may therefore be anybody's of the group, and any values one person of it has may be anybody's: the
releases together leave at least as many candidates for a row as the group has people, and as many for a value
as the group has different values.

So a further release is fit where every group it makes is as large, and has as many values, as each release
promised, or as the releases before it left. This covers differences (who is in one release and not in the
other is a group), intersections (a group is one of classes) and any number of releases at once.

Source: Xiao and Tao, "m-Invariance: Towards Privacy Preserving Re-publication of Dynamic Datasets", SIGMOD
2007, whose condition (the same set of values around a person in each release) is counted here beside it; it
needs rows that are made up for those who left, which a release of true rows has none of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Marks: TypeAlias = npt.NDArray[np.bool_]
ABSENT = MISSING = -1
_LEAST_VALUES = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A release as who is in which class with which values, a row each.

    Args:
        people: Whose row it is.
        classes: Its class, 0 or more.
        values: Attribute to the row's value as a number that stands for it in every release; -1 is missing.
        k: Least people of a class, as promised.
        l: Least values of a class, as promised; 2 where nothing was.
        counted: People of each class when it left; those erased since are no longer among ``people``.
    """

    people: Ints = field(repr=False)
    classes: Ints = field(repr=False)
    values: Mapping[str, Ints] = field(repr=False)
    k: int
    l: int = _LEAST_VALUES  # noqa: E741 - the field's own word, as k
    counted: Ints | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What releases leave together; counts for the privacy officer.

    Args:
        groups: How many groups they make.
        smallest: People in the smallest.
        fewest: Fewest values that one of them has in all its releases; none where none is released.
        changed: People around whom the set of values differs between releases (m-invariance asks for none).
        unfit_groups: Groups smaller than they may be.
        unfit: People in those.
        leave_out: People whom a further try should leave out of the newest release.
    """

    groups: int
    smallest: int
    fewest: int | None
    changed: int
    unfit_groups: int
    unfit: int
    leave_out: Ints = field(repr=False)

    @property
    def is_fit(self) -> bool:
        """Whether the newest release may leave."""
        return self.unfit_groups == 0


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A release by person: the class of each, and the values of each as one number."""

    labels: Ints
    bundles: Mapping[str, Ints]
    rows: Ints
    held: Held


def judge(earlier: Sequence[Held], new: Held) -> Verdict:
    """Judge a release beside those that left before.

    Args:
        earlier: What left; at least one release.
        new: What is to leave.

    Returns:
        The verdict. Where it is fit, no attacker who holds all releases and knows everybody's
        quasi-identifiers, and who is in which release, has fewer than k people for a row or l values for a
        person, unless the releases before left fewer.
    """
    people = np.unique(np.concatenate([new.people, *(each.people for each in earlier)]))
    every = [_sorted(people, each) for each in _small([*earlier, new])]
    groups, before = _joined(every), _joined(every[:-1])
    counts = np.bincount(groups)
    short = np.maximum(_too_few_people(every, groups, before, counts), _too_few_values(every, groups, before))
    erased = _erased(every, before)
    unfit = (short[groups] > 0) | (erased[before] > 0)
    return Verdict(
        len(counts),
        int(counts.min()),
        _fewest(every, groups),
        int(_changed(every).sum()),
        len(np.unique(groups[unfit])),
        int(unfit.sum()),
        people[_to_leave_out(every, groups, before, short, erased)],
    )


def _small(every: Sequence[Held]) -> list[Held]:
    """Number the values of each attribute from 0 on, alike in every release."""
    told: dict[str, Ints] = {
        name: np.unique(np.concatenate([each.values[name] for each in every if name in each.values]))
        for name in {name for each in every for name in each.values}
    }
    return [
        replace(each, values={name: np.where(values == MISSING, MISSING, np.searchsorted(told[name], values))
                              for name, values in each.values.items()})
        for each in every
    ]  # fmt: skip


def _distinct_pairs(first: Ints, second: Ints, many: int) -> tuple[Ints, Ints]:
    """List the different pairs of two columns, of which the second is from -many to below many."""
    keys = np.unique(first * (2 * many) + second + many)
    return keys // (2 * many), keys % (2 * many) - many


def _sorted(people: Ints, held: Held) -> _Sorted:
    rows = np.searchsorted(people, held.people)
    order = np.lexsort((held.classes, rows))
    rows, classes = rows[order], held.classes[order]
    times = np.bincount(rows, minlength=len(people))
    labels = np.full(len(people), ABSENT, dtype=np.int64)
    labels[rows] = classes
    known: dict[object, int] = {}
    beyond = int(classes.max(initial=0)) + 1
    ends = np.cumsum(times)
    several = np.flatnonzero(times > 1)
    for person in several:
        pattern = tuple(classes[ends[person] - times[person] : ends[person]].tolist())
        labels[person] = beyond + known.setdefault(pattern, len(known))
    bundles = {}
    for name, values in held.values.items():
        bundle = np.full(len(people), MISSING, dtype=np.int64)
        bundle[rows] = values[order]
        seen: dict[object, int] = {}
        for person in several:
            span = slice(ends[person] - times[person], ends[person])
            mine = sorted(zip(classes[span].tolist(), values[order][span].tolist(), strict=True))
            is_missing = all(value == MISSING for _, value in mine)
            # Below -1: a set of values is never taken for a single one.
            bundle[person] = MISSING if is_missing else -2 - seen.setdefault(tuple(mine), len(seen))
        bundles[name] = bundle
    return _Sorted(labels, bundles, rows, Held(people[rows], classes, _in_order(held.values, order), held.k,
                                               held.l, held.counted))  # fmt: skip


def _in_order(values: Mapping[str, Ints], order: Ints) -> dict[str, Ints]:
    return {name: each[order] for name, each in values.items()}


def _joined(every: Sequence[_Sorted]) -> Ints:
    """Number the groups of people whom all these releases sort alike."""
    groups = np.zeros(len(every[0].labels), dtype=np.int64)
    for each in every:
        shifted = each.labels + 1
        groups = np.unique(groups * (shifted.max() + 1) + shifted, return_inverse=True)[1].reshape(-1)
    return groups


def _distinct(groups: Ints, marks: Ints, of: Marks) -> Ints:
    """Count the different marks of each group, over some people."""
    many = int(np.abs(marks).max(initial=0)) + 1
    found, _ = _distinct_pairs(groups[of], marks[of], many)
    return np.bincount(found, minlength=int(groups.max()) + 1)


def _least(groups: Ints, bound: Ints) -> Ints:
    """Give each group the least bound of its people."""
    found = np.full(int(groups.max()) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(found, groups, bound)
    return found


def _was_there(every: Sequence[_Sorted]) -> Marks:
    there: Marks = np.any([each.labels != ABSENT for each in every], axis=0)
    return there


def _too_few_people(every: Sequence[_Sorted], groups: Ints, before: Ints, counts: Ints) -> Ints:
    """Count the people each group lacks: below what was promised and what stood before."""
    bound = np.full(len(groups), np.iinfo(np.int64).max, dtype=np.int64)
    for each in every:
        there = each.labels != ABSENT
        alike = np.bincount(each.labels[there], minlength=int(each.labels.max(initial=0)) + 1)
        bound[there] = np.minimum(bound[there], np.minimum(each.held.k, alike[each.labels[there]]))
    known = _was_there(every[:-1])
    bound[known] = np.minimum(bound[known], np.bincount(before)[before[known]])
    lacking: Ints = np.maximum(0, _least(groups, bound) - counts)
    return lacking


def _too_few_values(every: Sequence[_Sorted], groups: Ints, before: Ints) -> Ints:
    """Count the values each group lacks, of the attribute it lacks most of."""
    short = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    for place, each in enumerate(every):
        there = each.labels != ABSENT
        for marks in each.bundles.values():
            valued = there & (marks != MISSING)
            bound = np.full(len(groups), np.iinfo(np.int64).max, dtype=np.int64)
            alone = _distinct(np.where(there, each.labels, 0), marks, valued)
            bound[there] = np.minimum(each.held.l, alone[each.labels[there]])
            if place < len(every) - 1:
                stood = _distinct(before, marks, valued)
                bound[there] = np.minimum(bound[there], stood[before[there]])
            least, has = _least(groups, bound), _distinct(groups, marks, valued)
            touched = np.bincount(groups[there], minlength=len(short)) > 0
            short = np.where(touched, np.maximum(short, least - has), short)
    lacking: Ints = np.maximum(short, _too_few_common(every, groups, before))
    return lacking


def _common(every: Sequence[_Sorted], name: str, groups: Ints) -> tuple[Ints, Ints]:
    """Count the values of an attribute that a group has in all its releases, and those releases."""
    keys, times = [], np.zeros(int(groups.max()) + 1, dtype=np.int64)
    many = 1 + max(int(each.held.values[name].max(initial=0)) for each in every if name in each.bundles)
    for each in every:
        if name not in each.bundles:
            continue
        there = (each.labels != ABSENT) & (each.bundles[name] != MISSING)
        times += np.bincount(groups[there], minlength=len(times)) > 0
        values = each.held.values[name]
        of = values != MISSING
        keys.append(np.unique(groups[each.rows[of]] * many + values[of]))
    every_key, seen = np.unique(np.concatenate(keys), return_counts=True)
    found = every_key // many
    return np.bincount(found[seen == times[found]], minlength=len(times)), times


def _too_few_common(every: Sequence[_Sorted], groups: Ints, before: Ints) -> Ints:
    """Count the values each group lacks among those it has in every release: a value may change, or not."""
    short = np.zeros(int(groups.max()) + 1, dtype=np.int64)
    for name in sorted({name for each in every[:-1] for name in each.bundles} & set(every[-1].bundles)):
        bound = np.full(len(groups), np.iinfo(np.int64).max, dtype=np.int64)
        for each in every:
            if name in each.bundles:
                there = each.labels != ABSENT
                valued = there & (each.bundles[name] != MISSING)
                alone = _distinct(np.where(there, each.labels, 0), each.bundles[name], valued)
                bound[there] = np.minimum(bound[there], np.minimum(each.held.l, alone[each.labels[there]]))
        stood, released = _common(every[:-1], name, before)
        known = _was_there(every[:-1]) & (released[before] > 0)
        bound[known] = np.minimum(bound[known], stood[before[known]])
        has, times = _common(every, name, groups)
        short = np.where(times > 1, np.maximum(short, _least(groups, bound) - has), short)
    return short


def _erased(every: Sequence[_Sorted], before: Ints) -> Ints:
    """Count how many more of each earlier group must stay away, for somebody erased from it not to stand out.

    Whoever was erased is in none from now on, and is a group with those of the same earlier group who stay
    away. Which group that was is forgotten: it may be any whose every class somebody was erased from.
    """
    many = np.iinfo(np.int64).max
    bound = np.full(len(before), many, dtype=np.int64)
    is_whole = np.zeros(len(before), dtype=np.bool_)
    for each in every[:-1]:
        held = each.held
        pairs = _distinct_pairs(held.classes, each.rows, len(before))
        size = int(held.classes.max(initial=-1)) + 1
        inside = np.bincount(pairs[0], minlength=size)
        counted = inside if held.counted is None else held.counted
        is_whole[pairs[1][(counted[: len(inside)] <= inside)[pairs[0]]]] = True
        np.minimum.at(bound, pairs[1], np.minimum(held.k, counted)[pairs[0]])
    bound[is_whole | (bound == many)] = 1
    away = np.bincount(before[every[-1].labels == ABSENT], minlength=int(before.max()) + 1)
    lacking: Ints = np.minimum(_least(before, bound) - 1, np.bincount(before)) - away
    return np.maximum(0, lacking)


def _fewest(every: Sequence[_Sorted], groups: Ints) -> int | None:
    found = []
    for name in {name for each in every for name in each.bundles}:
        has, times = _common(every, name, groups)
        found += has[times > 0].tolist()
    return min(found, default=None)


def _changed(every: Sequence[_Sorted]) -> Marks:
    """Mark whom different sets of values stand around, of an attribute, in two releases."""
    people = len(every[0].labels)
    changed = np.zeros(people, dtype=np.bool_)
    for name in {name for each in every for name in each.bundles}:
        least, most = np.full(people, np.iinfo(np.int64).max), np.full(people, -1)
        known: dict[bytes, int] = {}
        for each in every:
            if name in each.bundles:
                sets = _sets_of_values(each.held.classes, each.held.values[name], known)
                np.minimum.at(least, each.rows, sets[each.held.classes])
                np.maximum.at(most, each.rows, sets[each.held.classes])
        changed |= least < most
    return changed


def _sets_of_values(classes: Ints, values: Ints, known: dict[bytes, int]) -> Ints:
    """Number the set of values of each class, alike in every release."""
    many = int(np.abs(values).max(initial=0)) + 1
    places, found = _distinct_pairs(classes, values, many)
    ends = np.cumsum(np.bincount(places))
    parts = np.split(found, ends[:-1])
    return np.array([known.setdefault(part.tobytes(), len(known)) for part in parts], dtype=np.int64)


def _to_leave_out(every: Sequence[_Sorted], groups: Ints, before: Ints, short: Ints, erased: Ints) -> Marks:
    """Choose whom to leave out: unfit groups that the newest release makes, and company for who left."""
    here = every[-1].labels != ABSENT
    out: Marks = here & (short[groups] > 0)
    counts = np.bincount(groups)
    for group in np.flatnonzero(short):
        members = np.flatnonzero(groups == group)
        if not here[members[0]]:
            around = np.flatnonzero(here & (before == before[members[0]]) & ~out)
            out[_company(every, around, groups, counts, int(short[group]))] = True
    for group in np.flatnonzero(erased):
        around = np.flatnonzero(here & (before == group))
        need = int(erased[group] - out[around].sum())
        if need > 0:
            out[_company(every, around[~out[around]], groups, counts, need)] = True
    return out


def _company(every: Sequence[_Sorted], around: Ints, groups: Ints, counts: Ints, need: int) -> Ints:
    """Pick people to stay away with those who left: of different values first, whole groups where small."""
    if not len(around):
        return around
    largest = groups[around[np.argmax(counts[groups[around]])]]
    pool = around[groups[around] == largest]
    bound = min(each.held.k for each in every)
    if len(pool) - need < bound:
        smallest = groups[around[np.argmin(counts[groups[around]])]]
        whole: Ints = around[groups[around] == smallest]
        return whole
    marks = next(iter(every[-1].bundles.values()), groups)[pool]
    order = np.argsort(marks, kind="stable")
    starts = np.r_[0, np.flatnonzero(np.diff(marks[order])) + 1]
    rank = np.arange(len(pool)) - np.repeat(starts, np.diff(np.r_[starts, len(pool)]))
    picked: Ints = pool[order[np.argsort(rank, kind="stable")[:need]]]
    return picked
