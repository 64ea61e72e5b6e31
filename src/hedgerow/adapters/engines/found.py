"""The keys that rows of sealed files hold, with the people of each, on the fly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from hedgerow.adapters.engines.compiling import GROUP, PLACE, compile_places
from hedgerow.adapters.engines.lowering import lower_column, lowering_of
from hedgerow.kernel.aggregation import count_people, plain_keys
from hedgerow.model.engine import PERSON, RANK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedgerow.adapters.engines.duck import DuckPool
    from hedgerow.adapters.engines.people import Mask, Numbers
    from hedgerow.model.plans import KeySearch


def rows_of(
    duck: DuckPool, rows: pa.Table, physical: Mapping[str, str], counts: Mask, search: KeySearch
) -> tuple[list[pa.Array], Numbers, Numbers]:
    """Keep the rows of one file that count.

    Args:
        duck: Decides the condition.
        rows: What was read of the file, with person and rank.
        physical: The column of the file for each column searched.
        counts: Which rows may count at all.
        search: What is counted.

    Returns:
        The keys of each such row, its person and its rank.
    """
    places = np.flatnonzero(counts)
    if search.where is not None:
        names = sorted(search.named)
        lowered = {name: lower_column(rows[physical[name]]) for name in names}
        known = {name: (at, lowering_of(rows[physical[name]].type)) for at, name in enumerate(names)}
        group = pa.array(np.where(counts, 0, -1).astype(np.int8))
        given = {GROUP: group, PLACE: pa.array(np.arange(rows.num_rows))}
        statement = compile_places(search.where, known)
        whole = pa.table(given | {f"c{at}": lowered[name] for at, name in enumerate(names)})
        (places,) = duck.arrays(whole, statement.sql, statement.parameters)
    kept = rows.take(pa.array(places))
    columns = [plain_keys(kept[physical[name]], name) for name in search.columns]
    return columns, kept[PERSON].to_numpy(), kept[RANK].to_numpy().astype(np.int64)


def people_of_files(parts: Sequence[tuple[list[pa.Array], Numbers, Numbers]], search: KeySearch) -> pa.Table:
    """Count the people of each combination over files that hold all rows of their people.

    Args:
        parts: What :func:`rows_of` gave of each file; at least one.
        search: What is counted.

    Returns:
        As ``count_people``.
    """
    columns = [pa.concat_arrays(same) for same in zip(*(keys for keys, _, _ in parts), strict=True)]
    people, ranks = (np.concatenate([part[at] for part in parts]) for at in (1, 2))
    return count_people(columns, people, ranks, search.max_groups)
