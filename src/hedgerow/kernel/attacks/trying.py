"""The attacks of an audit, tried on both groups and judged by exact chances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Ints, distinct_tuples
from hedgerow.kernel.attacks.attacking import Tried, infer, link, of, rare, single_out
from hedgerow.kernel.attacks.chances import detectable, excess, exchanged_chance
from hedgerow.kernel.attacks.fitting import Column
from hedgerow.kernel.attacks.nearest import Axis, categories, come_near, numbers
from hedgerow.kernel.attacks.sides import Side, column, empty_labels, is_plain
from hedgerow.model.auditing import (
    EVERYONE,
    INFERENCE,
    LINKABILITY,
    NEAREST,
    SINGLING_OUT,
    STANDING_OUT,
    AttackOutcome,
)

ERROR = 0.05
"""The chance that an interval does not hold."""

FALSE_ALARM = 0.01
"""The chance that any attack of an audit shows a risk where the release knows nobody."""

MOST_PEOPLE = 10_000
"""People of each group that an attack is tried on at most, drawn by chance."""

UNREAD_ALLOWED = 0.05
"""Where more of the rows have a cell that contains nobody's value, attacks on the column are blind."""

MOST_NEAREST = 1_000
"""The same for the distances to the nearest record."""


@dataclass(frozen=True, slots=True)
class World:
    """Both groups and the release, column by column.

    Args:
        is_member: Whether a person is in the source, per person; those of the source first.
        people: The people's values by column.
        rows: The released cells by column.
        columns: Both joined by containment.
        alone: The quasi-identifiers with one row for each pseudonym, where rows have such; else as they are.
        rng: All random choices.
    """

    is_member: Flags = field(repr=False)
    people: Mapping[str, Side] = field(repr=False)
    rows: Mapping[str, Side] = field(repr=False)
    columns: Mapping[str, Column] = field(repr=False)
    alone: Mapping[str, Column] = field(repr=False)
    rng: np.random.Generator = field(repr=False)

    def known(self, names: Sequence[str]) -> list[Column]:
        """The named columns."""
        return [self.columns[name] for name in names]

    def drawn(self, people: Ints, most: int) -> Ints:
        """Draw at most so many of each group."""
        sides = (people[self.is_member[people]], people[~self.is_member[people]])
        return np.concatenate(
            [
                side if len(side) <= most else np.sort(self.rng.choice(side, most, replace=False))
                for side in sides
            ]
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attack before it is judged.

    Args:
        attack: Its name.
        knows: Columns the attacker knows.
        guesses: Columns it says something about.
        people: Whom it was tried on, in words.
        places: Who they are.
        tried: What it achieved.
        agreed: For inference, whether all fitting rows carry one value.
    """

    attack: str
    knows: tuple[str, ...]
    guesses: tuple[str, ...]
    people: str
    places: Ints = field(repr=False)
    tried: Tried = field(repr=False)
    agreed: Flags | None = field(default=None, repr=False)


def joined(
    people: Mapping[str, Side], rows: Mapping[str, Side], hierarchies: Mapping[str, object]
) -> dict[str, Column]:
    """Join the sides of each column."""
    return {name: column(people[name], rows[name], hierarchies.get(name)) for name in people}  # type: ignore[arg-type]


def one_each(
    columns: Mapping[str, Column], quasi: Sequence[str], pseudonym: Side | None
) -> dict[str, Column]:
    """Keep one row of each pseudonym, and one more for each other way that its quasi-identifiers read.

    Args:
        columns: All columns.
        quasi: The quasi-identifiers.
        pseudonym: Which rows belong together; none where that is not known.

    Returns:
        The quasi-identifiers.
    """
    if pseudonym is None:
        return {name: columns[name] for name in quasi}
    kinds = distinct_tuples([pseudonym.codes, *(columns[name].rows for name in quasi)])
    _, first = np.unique(kinds.of_row, return_index=True)
    return {name: replace(columns[name], rows=columns[name].rows[first]) for name in quasi}


def parts(
    world: World, quasi: Sequence[str], sensitive: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Divide the columns between two outside sources, those with most values to the first.

    Args:
        world: The tables.
        quasi: The quasi-identifiers; the first source gets the greater half.
        sensitive: What the second source has besides.

    Returns:
        Both sets; the second is empty where there is nothing to link.
    """
    ordered = sorted(quasi, key=lambda name: (-len(np.unique(world.people[name].codes)), name))
    half = (len(ordered) + 1) // 2
    return tuple(ordered[:half]), (*ordered[half:], *sensitive)


def attempts(
    world: World,
    quasi: Sequence[str],
    sensitive: Sequence[str],
    link_parts: tuple[tuple[str, ...], tuple[str, ...]],
) -> list[Attempt]:
    """Try every attack that there is something to attack for.

    Args:
        world: The tables.
        quasi: What the attacker knows.
        sensitive: What must stay unknown.
        link_parts: The two sets of columns to link; the second may be empty.

    Returns:
        What was tried.
    """
    everyone = np.arange(len(world.is_member), dtype=np.int64)
    known = world.known(quasi)
    outstanding = np.flatnonzero(rare(known))
    made = []
    if world.is_member[outstanding].any():
        made.append(_single(world, tuple(quasi), outstanding))
    if link_parts[1]:
        made.append(_link(world, *link_parts))
    for name in sensitive:
        for said, people in ((EVERYONE, everyone), (STANDING_OUT, outstanding)):
            if world.is_member[people].any():
                made.append(_infer(world, tuple(quasi), name, said, people))
    names = (*quasi, *sensitive)
    if all(is_plain(world.people[name], world.rows[name]) for name in names):
        made.append(_nearest(world, names))
    return made


def unread(world: World, *, is_synthetic: bool) -> tuple[str, ...]:
    """Name the columns whose released cells mostly cannot be read as anything that was collected.

    Args:
        world: The tables.
        is_synthetic: Whether the released rows are nobody's.

    Returns:
        The columns; of a synthetic table none of single numbers, which may be nobody's.
    """
    return tuple(
        name
        for name, each in world.columns.items()
        if each.unread() > UNREAD_ALLOWED
        and not (is_synthetic and _are_numbers(world.people[name], world.rows[name]))
    )


def _are_numbers(people: Side, rows: Side) -> bool:
    sides = (side.numbers[~side.empty[side.codes]] for side in (people, rows))
    return all(len(numbers) and np.isfinite(numbers).all() for numbers in sides)


def judged(attempt: Attempt, is_member: Flags, level: float, *, blind: Sequence[str] = ()) -> AttackOutcome:
    """Compare both groups.

    Args:
        attempt: What was tried.
        is_member: Whether each person of the world was in the source.
        level: Up to which chance an excess is not put down to chance.
        blind: Columns that cannot be read: an attack that goes by one of them has no power.

    Returns:
        The outcome.
    """
    is_blind = not set(blind).isdisjoint((*attempt.knows, *attempt.guesses))
    inside = is_member[attempt.places]
    right, shuffled = attempt.tried.right, attempt.tried.shuffled
    members, hits = int(inside.sum()), int(right[inside].sum())
    controls, base = int((~inside).sum()), int(right[~inside].sum())
    low, high = excess(hits, members, base, controls, ERROR)
    return AttackOutcome(
        attack=attempt.attack,
        knows=attempt.knows,
        guesses=attempt.guesses,
        people=attempt.people,
        members=members,
        right=hits,
        controls=controls,
        control_right=base,
        shuffled_right=int(shuffled[inside].sum()),
        chance=exchanged_chance(hits, members, base, controls) if controls else None,
        level=level,
        low=low,
        high=high,
        detectable=None if is_blind else detectable(members, base, controls, level),
        agreed=None if attempt.agreed is None else int(attempt.agreed[inside].sum()),
    )


def _single(world: World, quasi: tuple[str, ...], outstanding: Ints) -> Attempt:
    places = world.drawn(outstanding, MOST_PEOPLE)
    tried = single_out(of([world.alone[name] for name in quasi], places), world.rng)
    return Attempt(SINGLING_OUT, quasi, (), STANDING_OUT, places, tried)


def _link(world: World, first: tuple[str, ...], second: tuple[str, ...]) -> Attempt:
    said, people = _standing_out(world, first)
    places = world.drawn(people, MOST_PEOPLE)
    tried = link(of(world.known(first), places), of(world.known(second), places), world.rng)
    return Attempt(LINKABILITY, first, second, said, places, tried)


def _infer(world: World, quasi: tuple[str, ...], secret: str, said: str, people: Ints) -> Attempt:
    places = world.drawn(people, MOST_PEOPLE)
    (guessed,) = of(world.known((secret,)), places)
    found = infer(of(world.known(quasi), places), guessed, empty_labels(world.rows[secret]), world.rng)
    return Attempt(INFERENCE, quasi, (secret,), said, places, found.tried, found.agreed)


def _nearest(world: World, names: tuple[str, ...]) -> Attempt:
    said, people = _standing_out(world, names)
    places = world.drawn(people, MOST_NEAREST)
    axes = [_axis(world.people[name], world.rows[name], places) for name in names]
    return Attempt(NEAREST, names, (), said, places, come_near(axes, world.rng))


def _standing_out(world: World, names: Sequence[str]) -> tuple[str, Ints]:
    """Those whose values nobody shares, or everyone where nobody of the source is such a one."""
    people = np.flatnonzero(rare(world.known(names)))
    if world.is_member[people].any():
        return STANDING_OUT, people
    return EVERYONE, np.arange(len(world.is_member), dtype=np.int64)


def _axis(people: Side, rows: Side, places: Ints) -> Axis:
    mine, theirs = people.numbers, rows.numbers
    if np.isfinite(mine).any() and np.isfinite(theirs).any():
        return numbers(mine[places], theirs)
    numbered = {text: place for place, text in enumerate(people.texts)}
    codes = np.asarray([numbered.get(text, len(numbered) + place) for place, text in enumerate(rows.texts)])
    return categories(people.codes[places], codes[rows.codes])
