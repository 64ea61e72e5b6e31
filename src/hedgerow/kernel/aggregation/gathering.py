"""Gathers the counted rows of each person into one, or into one for each group, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hedgerow.kernel.aggregation.computed import Held, decimals
from hedgerow.model.errors import Fault
from hedgerow.model.plans import KeyDomain

if TYPE_CHECKING:
    from hedgerow.model.gathering import Gathered, Gathering

Ints = npt.NDArray[np.int64]
_FARTHEST = 2**62


def gather(gathering: Gathering, people: Ints, groups: Ints, values: Sequence[Held]) -> tuple[pa.Table, Ints]:
    """Gather rows.

    Args:
        gathering: What is made of them.
        people: Whom each row that counts is about, as any number.
        groups: The group of each, by its place in the product of the keys.
        values: For each aggregate of ``gathering.rows`` the steps of each row and whether it holds a value;
            of a count the steps do not matter.

    Returns:
        The gathered rows and whom each is about; rows of a person stand together.

    Raises:
        Fault: ``dp.sum-overflow`` when more rows fall together than the plan allows for.

    Guarantee: a gathered row hangs on the rows of its own person alone, and a person has as many as there are
        groups with a row of theirs.
    """
    order = np.lexsort((groups, people))
    whom, group = people[order], groups[order]
    is_first = np.ones(len(order), dtype=np.bool_)
    is_first[1:] = (whom[1:] != whom[:-1]) | (group[1:] != group[:-1])
    firsts = np.flatnonzero(is_first)
    together = np.diff(np.append(firsts, len(order)))
    is_more = len(together) and int(together.max()) > gathering.each
    if is_more or not all(one.is_safe(gathering.each) for one in gathering.columns):
        raise Fault("dp.sum-overflow")
    known = dict(zip(gathering.rows.aggregates, values, strict=True))
    columns = {name: _key(gathering.rows.keys, place, group[firsts]) for name, place in gathering.keys}
    for one in gathering.columns:
        found, has_value = known[one.of]
        held = _column(one, found[order], has_value[order], firsts)
        columns[one.name] = decimals(held, one.digits)
    # A table without columns has no rows, and a person counts even where nothing else is asked.
    return pa.table(columns or {"": pa.nulls(len(firsts))}), whom[firsts]


def _key(keys: Sequence[KeyDomain], place: int, groups: Ints) -> pa.Array:
    """Give the values of one key of groups."""
    after = int(np.prod([len(key.values) for key in keys[place + 1 :]], dtype=np.int64))
    values = pa.array(keys[place].values)
    return values.take(pa.array(groups // after % len(keys[place].values)))


def _column(one: Gathered, found: Ints, has_value: npt.NDArray[np.bool_], firsts: Ints) -> Held:
    """Work out one column of each gathered row."""
    if not len(firsts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    counts = np.add.reduceat(has_value.astype(np.int64), firsts)
    if one.kind == "count":
        return counts, np.ones(len(counts), dtype=np.bool_)
    is_there = counts > 0
    match one.kind:
        case "least":
            ends = np.minimum.reduceat(np.where(has_value, found, _FARTHEST), firsts)
        case "greatest":
            ends = np.maximum.reduceat(np.where(has_value, found, -_FARTHEST), firsts)
        case _:
            ends = np.add.reduceat(np.where(has_value, found, 0), firsts)
    if one.kind == "mean":
        many = np.maximum(counts, 1)
        ends = (2 * ends * one.finer + many) // (2 * many)
    return np.where(is_there, ends, 0), is_there
