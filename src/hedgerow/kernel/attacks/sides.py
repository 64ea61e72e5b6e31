"""Columns of two tables as codes and texts, joined by which released cells contain which values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats, Ints
from hedgerow.kernel.attacks.containment import between, containing, number
from hedgerow.kernel.attacks.fitting import Column
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy

Texts = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One column of one or several tables: distinct texts, and which of them each row has.

    Args:
        texts: Distinct canonical texts; a missing value is none.
        codes: Place of each row's text.
    """

    texts: Texts = field(repr=False)
    codes: Ints = field(repr=False)

    @property
    def numbers(self) -> Floats:
        """Each row's value as a number or day, not a number where it is neither."""
        return np.asarray([number(text) for text in self.texts], dtype=np.float64)[self.codes]

    @property
    def empty(self) -> Flags:
        """Which texts say nothing."""
        return np.asarray([text is None or text == ANY_VALUE for text in self.texts], dtype=np.bool_)


def column(people: Side, rows: Side, hierarchy: Hierarchy | None) -> Column:
    """Join both sides of a column by containment.

    Args:
        people: Values as collected.
        rows: Cells as released.
        hierarchy: How the release may have been generalised.

    Returns:
        The column as attacks read it.
    """
    # Only what occurs: the unused place of a missing value would fit, or contain, everything.
    used = np.unique(rows.codes)
    compact = np.searchsorted(used, rows.codes)
    labels = [rows.texts[place] for place in used.tolist()]
    inside = containing(people.texts, labels, hierarchy)
    return Column(people.codes, compact, inside, len(people.texts), len(labels))


def empty_labels(rows: Side) -> Flags:
    """Tell which labels of :func:`column` say nothing."""
    return rows.empty[np.unique(rows.codes)]


def is_plain(people: Side, rows: Side) -> bool:
    """Tell whether every released cell is a single value, or missing."""
    known = set(people.texts)
    used = (rows.texts[place] for place in np.unique(rows.codes).tolist())
    return all(text is None or text in known or _is_single(text) for text in used)


def _is_single(text: str) -> bool:
    return between(text) is None and not text.startswith("{") and not text.endswith(ANY_VALUE)
