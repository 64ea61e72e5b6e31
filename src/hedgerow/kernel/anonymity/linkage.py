"""The linkage attack: somebody who knows quasi-identifiers looks for people in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hedgerow.kernel.anonymity.coding import Ints, combined_keys
from hedgerow.kernel.anonymity.risk import histogram
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy, LinkageResult

Texts = Sequence[str | None]


def containing_labels(hierarchy: Hierarchy | None, released: frozenset[str | None]) -> dict[str, str]:
    """Tell under which released label each value of the domain would stand.

    The level is the lowest at which every released label exists, as an attacker would infer it.

    Args:
        hierarchy: The column's hierarchy; none for a column released as collected.
        released: The distinct released texts.

    Returns:
        Label per value; values stand for themselves where there is no hierarchy.
    """
    labels = {text for text in released if text is not None}
    if hierarchy is None:
        return {text: text for text in labels}
    if labels <= set(hierarchy.values):
        return {value: value for value in hierarchy.values}
    for groups, names in zip(hierarchy.maps, hierarchy.labels, strict=True):
        if labels <= set(names):
            return {value: names[group] for value, group in zip(hierarchy.values, groups, strict=True)}
    return {}


def candidate_counts(
    known: Sequence[Texts], released: Sequence[Texts], hierarchies: Sequence[Hierarchy | None]
) -> Ints:
    """Count for each known person how many released rows fit what is known.

    Args:
        known: The attacker's columns as canonical text; a missing value fits only a missing one,
            or ``*``.
        released: The same columns of the table, generalised or raw.
        hierarchies: Hierarchy per column, or none.

    Returns:
        Number of fitting rows per person.
    """
    people, rows, sizes = [], [], []
    for mine, theirs, hierarchy in zip(known, released, hierarchies, strict=True):
        numbers: dict[str | None, int] = {text: place for place, text in enumerate(dict.fromkeys(theirs), 1)}
        labels = containing_labels(hierarchy, frozenset(numbers))
        people.append(_integers([_place(text, labels, numbers) for text in mine]))
        rows.append(_integers([numbers[text] for text in theirs]))
        sizes.append(len(numbers) + 1)
    keys = combined_keys([np.concatenate(pair) for pair in zip(people, rows, strict=True)], sizes)
    mine_keys, their_keys = keys[: len(people[0])], np.sort(keys[len(people[0]) :])
    fits = np.searchsorted(their_keys, mine_keys, "right") - np.searchsorted(their_keys, mine_keys, "left")
    return fits.astype(np.int64)


def linkage(counts: Ints) -> LinkageResult:
    """State how many people were singled out.

    Args:
        counts: Fitting rows per person.

    Returns:
        The result.
    """
    return LinkageResult(len(counts), histogram(counts))


def _place(text: str | None, labels: Mapping[str, str], numbers: Mapping[str | None, int]) -> int:
    """The number of the released label that contains a known value; 0 where none does."""
    if len(numbers) == 1 and ANY_VALUE in numbers:
        return numbers[ANY_VALUE]  # the top level contains whatever the attacker knows
    if text is None:
        return numbers.get(None, 0)
    return numbers.get(labels[text], 0) if text in labels else 0


def _integers(places: list[int]) -> Ints:
    return np.asarray(places, dtype=np.int64)
