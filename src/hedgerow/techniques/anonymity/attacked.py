"""The attacks on a release at the time it is made, where everybody who may be in it is: no control group."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.hierarchies import canonical
from hedgerow.kernel.attacks.sides import Side
from hedgerow.kernel.attacks.trying import FALSE_ALARM, World, attempts, joined, judged, one_each, parts
from hedgerow.kernel.attacks.words import row_of
from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters
from hedgerow.model.auditing import NEAREST
from hedgerow.model.uses import Json
from hedgerow.techniques.anonymity.columns import coded

MOST_ROWS = 2_000_000
"""Above so many rows nothing is tried: an audit of the finished file can draw from them."""


def attacks_on(rows: pa.Table, made: KAnonymousTable[pa.Table], asked: ReleaseParameters) -> list[Json]:
    """Attack a release with the people it was made of: singling out, linkability and inference.

    Args:
        rows: The rows it was made of.
        made: The release.
        asked: What was asked of it.

    Returns:
        A row for each attack, in counts and words; none of a table that is too large. Without a control
        group no risk is stated of what anybody might guess: the same against the release shuffled apart
        stands beside it.
    """
    if rows.num_rows > MOST_ROWS:
        return []
    names = (*asked.quasi, *asked.sensitive)
    first = _first_of_each(rows, asked.person)
    people = {name: _side(first, name) for name in names}
    cells = {name: _side(made.table, name) for name in names}
    columns = joined(people, cells, dict(asked.hierarchies))
    everyone = np.ones(first.num_rows, dtype=np.bool_)
    rng = np.random.default_rng(0)
    world = World(everyone, people, cells, columns, one_each(columns, asked.quasi, None), rng)
    tried = attempts(world, asked.quasi, asked.sensitive, parts(world, asked.quasi, asked.sensitive))
    # Rows of a generalised table are people's own: being near to them is no finding.
    outcomes = (judged(each, everyone, FALSE_ALARM) for each in tried if each.attack != NEAREST)
    return [row_of(each) for each in outcomes]


def _first_of_each(rows: pa.Table, person: str | None) -> pa.Table:
    if person is None:
        return rows
    _, first = np.unique(coded(rows, person).codes, return_index=True)
    return rows.take(pa.array(np.sort(first)))


def _side(table: pa.Table, name: str) -> Side:
    column = coded(table, name)
    texts = (*(canonical(value) for value in column.distinct), None)
    return Side(texts, np.where(column.codes < 0, len(column.distinct), column.codes))
