"""Singling out, linkability and inference, tried on people who were in the source and on people who were not.

Each attack says of every person it is given whether it was right. It never learns who was in the source;
that is what the two rates are compared for afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints, distinct_tuples
from hedgerow.kernel.attacks.fitting import Column, Fitting, fitting, is_in, spread

LINE_UP = 20
"""How many parts the attacker of linkability chooses from, one of which is right."""

_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Tried:
    """What an attack achieved.

    Args:
        right: Whether it was right, per person.
        shuffled: The same against the release with what belongs together shuffled apart.
    """

    right: Flags = field(repr=False)
    shuffled: Flags = field(repr=False)


def rare(columns: Sequence[Column]) -> Flags:
    """Tell who stands out: nobody else among these people has the same values.

    Args:
        columns: The columns that are looked at, at least one.

    Returns:
        One flag per person. Those in the source and those not are looked at together, so that a release
        that knows nothing of who was in it cannot tell the two apart among the rare either.
    """
    kinds = distinct_tuples([column.people for column in columns])
    return np.asarray(kinds.counts[kinds.of_row] == 1, dtype=np.bool_)


def of(columns: Sequence[Column], people: Ints) -> list[Column]:
    """Take some of the people."""
    return [replace(column, people=column.people[people]) for column in columns]


def single_out(columns: Sequence[Column], rng: np.random.Generator) -> Tried:
    """Try to isolate one row for each person: right where exactly one row fits best.

    Of the rows that fit all that is known, those with fewest cells that say nothing fit best.

    Args:
        columns: What the attacker knows, of the people attacked.
        rng: Shuffles the cells of each column for the baseline.

    Returns:
        What was achieved.

    Source:
        Article 29 Working Party, opinion 05/2014 (WP216), 2.2: singling out.
    """
    rows = len(columns[0].rows)
    apart = [column.shuffled(rng.permutation(rows)) for column in columns]
    return Tried(_alone(columns), _alone(apart))


def _alone(columns: Sequence[Column]) -> Flags:
    return np.asarray(fitting(columns).best().candidates() == 1, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Inferred:
    """What an attack of inference achieved.

    Args:
        tried: Whether the guess was right.
        agreed: Whether at least one row fits the person and all that fit agree on the value.
    """

    tried: Tried
    agreed: Flags = field(repr=False)


def infer(known: Sequence[Column], secret: Column, empty: Flags, rng: np.random.Generator) -> Inferred:
    """Guess a value that is not known from the rows that fit best: the most frequent, ties by chance.

    Args:
        known: What the attacker knows, of the people attacked.
        secret: What is guessed.
        empty: Labels of the secret that say nothing (missing, ``*``): nobody guesses those.
        rng: Breaks ties, and shuffles the secret for the baseline.

    Returns:
        What was achieved; where no row fits, the guess is the most frequent value of the whole release.

    Source:
        Article 29 Working Party, opinion 05/2014 (WP216), 2.2: inference.
    """
    found = fitting(known).best()
    right, agreed = _guessed(found, secret, empty, rng)
    mixed, _ = _guessed(found, secret.shuffled(rng.permutation(len(secret.rows))), empty, rng)
    return Inferred(Tried(right, mixed), agreed)


def link(first: Sequence[Column], second: Sequence[Column], rng: np.random.Generator) -> Tried:
    """Say which second part belongs to a person whose first part is known, by way of the release.

    For each person the attacker is shown a line-up of second parts: the person's own and those of others
    drawn from the same people. The one that most rows carry together with the first part is chosen, ties
    and ignorance by chance.

    Args:
        first: What the attacker knows of each person.
        second: What the line-up shows; no column of ``first``.
        rng: Draws the line-ups, breaks ties, and shuffles the parts apart for the baseline.

    Returns:
        What was achieved.

    Source:
        Article 29 Working Party, opinion 05/2014 (WP216), 2.2: linkability.
    """
    one, two = fitting(first).best(), fitting(second).best()
    shown = _line_up(two.kind, rng)
    order = rng.permutation(len(two.row_class))
    right = _linked(one, two, two.row_class, shown, rng)
    return Tried(right, _linked(one, two, two.row_class[order], shown, rng))


def _line_up(kinds: Ints, rng: np.random.Generator) -> Ints:
    """One row a person: the own part first, then parts of others; a part equal to the own is not shown."""
    drawn = kinds[rng.integers(0, len(kinds), size=(len(kinds), LINE_UP - 1))]
    drawn = np.where(drawn == kinds[:, None], _NOWHERE, drawn)
    return np.concatenate([kinds[:, None], drawn], axis=1)


def _linked(one: Fitting, two: Fitting, second_of_row: Ints, shown: Ints, rng: np.random.Generator) -> Flags:
    """Choose from each line-up by the rows that carry both parts."""
    width = len(two.counts)
    # Rows by the two classes they are in, then by kind of first part and second class.
    cells, weights = np.unique(one.row_class * width + second_of_row, return_counts=True)
    starts = np.searchsorted(cells, np.arange(len(one.counts) + 1, dtype=np.int64) * width)
    kinds, classes = one.pairs
    sizes = np.diff(starts)[classes]
    places = spread(starts[classes], sizes)
    keys, owner = np.unique(np.repeat(kinds, sizes) * width + cells[places] % width, return_inverse=True)
    together = np.bincount(owner, weights=weights[places], minlength=len(keys)).astype(np.float64)
    return _chosen(one.kind, _scores(one.kind, two, shown, keys, together, width), shown, rng)


def _scores(kind: Ints, two: Fitting, shown: Ints, keys: Ints, together: Floats, width: int) -> Floats:
    """Rows that carry a person's first part and each shown part."""
    order = np.argsort(two.pairs[0], kind="stable")
    of_kind, classes = two.pairs[0][order], two.pairs[1][order]
    first = np.searchsorted(of_kind, np.arange(two.kinds + 1, dtype=np.int64))
    flat = shown.ravel()
    sizes = np.where(flat == _NOWHERE, 0, np.diff(first)[flat])
    owner = np.repeat(np.arange(len(flat), dtype=np.int64), sizes)
    sought = kind[owner // shown.shape[1]] * width + classes[spread(first[flat], sizes)]
    is_there = is_in(sought, keys)
    hits = together[np.searchsorted(keys, sought[is_there])]
    found = np.bincount(owner[is_there], weights=hits, minlength=len(flat))
    return np.asarray(found.reshape(shown.shape), dtype=np.float64)


def _chosen(kind: Ints, scores: Floats, shown: Ints, rng: np.random.Generator) -> Flags:
    ties = rng.random(scores.shape)
    ties[shown == _NOWHERE] = -1.0
    best = np.where(scores == scores.max(axis=1, keepdims=True), ties, -1.0)
    return np.asarray(best.argmax(axis=1) == np.zeros(len(kind), dtype=np.int64), dtype=np.bool_)


def _guessed(found: Fitting, secret: Column, empty: Flags, rng: np.random.Generator) -> tuple[Flags, Flags]:
    """Guess for each person; tell who was guessed rightly and for whom all fitting rows agreed."""
    says = ~empty[secret.rows]
    usual = np.bincount(secret.rows[says], minlength=secret.labels)
    guess = np.full(found.kinds, int(usual.argmax()), dtype=np.int64)
    agreed = np.zeros(found.kinds, dtype=np.bool_)
    kinds, labels, votes = _votes(found, secret, says)
    if len(kinds):
        order = np.lexsort((rng.random(len(kinds)), votes, kinds))
        last = np.flatnonzero(np.append(np.diff(kinds[order]) > 0, True))
        guess[kinds[order][last]] = labels[order][last]
        lengths = np.bincount(kinds, minlength=found.kinds)
        agreed = lengths == 1
    inside = np.sort(secret.inside[0] * secret.labels + secret.inside[1])
    right = is_in(secret.people * secret.labels + guess[found.kind], inside)
    return right, np.asarray(agreed[found.kind], dtype=np.bool_)


def _votes(found: Fitting, secret: Column, says: Flags) -> tuple[Ints, Ints, Floats]:
    """Per kind of person and label of the secret: how many fitting rows carry it."""
    labels = secret.labels
    cells, weights = np.unique(found.row_class[says] * labels + secret.rows[says], return_counts=True)
    starts = np.searchsorted(cells, np.arange(len(found.counts) + 1, dtype=np.int64) * labels)
    kinds, classes = found.pairs
    sizes = np.diff(starts)[classes]
    places = spread(starts[classes], sizes)
    keys, owner = np.unique(np.repeat(kinds, sizes) * labels + cells[places] % labels, return_inverse=True)
    votes = np.bincount(owner, weights=weights[places], minlength=len(keys)).astype(np.float64)
    return keys // labels, keys % labels, votes
