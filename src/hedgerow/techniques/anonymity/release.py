"""From a raw Arrow table to a k-anonymous one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Ints, distinct_tuples, level_maps
from hedgerow.kernel.anonymity.grouping import Pairs, distinct_pairs
from hedgerow.kernel.anonymity.risk import summarise
from hedgerow.kernel.anonymity.search import Outcome, Problem, search
from hedgerow.model.anonymity import Hierarchy, KAnonymousTable, ReleaseParameters, RiskSummary
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity.columns import (
    Coded,
    built_hierarchy,
    coded,
    generalised,
    hierarchy_codes,
    plain,
)
from hedgerow.techniques.anonymity.parameters import check, check_columns


@dataclass(frozen=True, slots=True)
class _Quasi:
    column: Coded
    hierarchy: Hierarchy = field(repr=False)
    codes: Ints = field(repr=False)


def release(table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool) -> KAnonymousTable[pa.Table]:
    """Generalise and suppress until every class holds k rows, at the least loss.

    Args:
        table: The raw rows; columns that are not asked for are not read.
        asked: Columns, k and limits.
        ungoverned: Whether no gate admitted this.

    Returns:
        The listed columns of the rows that stay, in the table's column order, sorted by the
        released values.

    Raises:
        CallerError: For parameters, columns or hierarchies that do not fit the table.
        Refused: ``anonymity.unreachable``.
        Fault: ``anonymity.recount``: the finished table failed its independent recount.

    Guarantee:
        Each combination of released quasi-identifiers stands in at least ``k`` rows, of at least
        ``k`` people where ``person`` is given, with at least ``l`` distinct values of each
        sensitive attribute where ``l`` is given. Nothing else is guaranteed.
    """
    check(asked)
    check_columns(asked, table.column_names)
    _check_rows(table, asked)
    quasi = [_quasi(table, name, dict(asked.hierarchies).get(name)) for name in asked.quasi]
    sensitive = [coded(table, name) for name in asked.sensitive]
    people = None if asked.person is None else coded(table, asked.person).codes
    problem = _problem(asked, quasi, sensitive, people)
    found = search(problem)
    if found is None or not found.best.kept.any() or _keeps_nothing(found.best, problem):
        raise Refused("anonymity.unreachable", k=asked.k, l=asked.l or "none")
    rows = np.flatnonzero(found.best.kept[problem.tuples.of_row])
    released = _sorted(_released(table, asked, quasi, found.best, rows))
    attributes = [(item.name, item.codes) for item in sensitive]
    risk = summarise(problem, found.best, asked.quasi, attributes, people)
    _recount(released, asked, risk)
    levels = tuple(zip(asked.quasi, found.best.node, strict=True))
    return KAnonymousTable(released, risk, levels, ungoverned=ungoverned)


def _check_rows(table: pa.Table, asked: ReleaseParameters) -> None:
    if table.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    if table.num_rows < asked.k:
        raise CallerError("anonymity.k-above-rows", k=asked.k)


def _quasi(table: pa.Table, name: str, given: Hierarchy | None) -> _Quasi:
    column = coded(table, name)
    hierarchy = built_hierarchy(column) if given is None else given
    return _Quasi(column, hierarchy, hierarchy_codes(column, hierarchy))


def _problem(
    asked: ReleaseParameters, quasi: list[_Quasi], sensitive: list[Coded], people: Ints | None
) -> Problem:
    tuples = distinct_tuples([item.codes for item in quasi])
    pairs: list[Pairs] = []
    if people is not None:
        pairs.append(distinct_pairs(tuples.of_row, people))
    if asked.l is not None:
        pairs += [distinct_pairs(tuples.of_row, item.codes) for item in sensitive]
    least = [asked.k] * (people is not None) + [asked.l or 0] * (len(pairs) - (people is not None))
    return Problem(
        tuples=tuples,
        columns=tuple(level_maps(item.hierarchy, has_missing=item.column.has_missing) for item in quasi),
        k=asked.k,
        most_suppressed=int(asked.suppression_limit * tuples.rows),
        pairs=tuple(pairs),
        least=tuple(least),
        max_levels=_tops(asked, quasi),
    )


def _tops(asked: ReleaseParameters, quasi: list[_Quasi]) -> tuple[int, ...]:
    bounds = dict(asked.max_levels)
    for item in quasi:
        top = item.hierarchy.top
        if not 0 <= bounds.setdefault(item.column.name, top) <= top:
            raise CallerError("anonymity.level-out-of-range", column=item.column.name, top=top)
    return tuple(bounds[item.column.name] for item in quasi)


def _keeps_nothing(best: Outcome, problem: Problem) -> bool:
    """Whether every quasi-identifier became ``*``: such a table releases none of them."""
    return all(level == maps.top for level, maps in zip(best.node, problem.columns, strict=True))


def _released(
    table: pa.Table, asked: ReleaseParameters, quasi: list[_Quasi], best: Outcome, rows: Ints
) -> pa.Table:
    made = {
        item.column.name: generalised(item.column, item.hierarchy, item.codes, level, rows)
        for item, level in zip(quasi, best.node, strict=True)
    }
    for name in (*asked.sensitive, *asked.keep):
        made[name] = plain(table, name).take(pa.array(rows))
    # A table made anew: no index, no metadata and no dictionary of the source comes along.
    order = [name for name in table.column_names if name in made]
    return pa.table({name: made[name] for name in order})


def _sorted(released: pa.Table) -> pa.Table:
    """Sort by every released value.

    The order is then a function of what leaves and tells nothing of the order of the source, in
    which neighbours may be relatives or recent arrivals. A shuffle would hide it as well, but only
    as well as its randomness, and the same release could not be made twice.
    """
    keys = [(name, "ascending") for name in released.column_names]
    return released.take(pc.sort_indices(released, sort_keys=keys))


def _recount(released: pa.Table, asked: ReleaseParameters, risk: RiskSummary) -> None:
    """Count the finished table once more, by other code than the search's.

    People are no column of it: of them the summary's own count must agree.
    """
    wanted: list[tuple[list[str], str]] = [([], "count_all")]
    if asked.l is not None:
        wanted += [([name], "count_distinct") for name in asked.sensitive]
    counts = released.group_by(list(asked.quasi)).aggregate(wanted)
    fewest = [pc.min(counts[place]).as_py() for place in range(len(asked.quasi), counts.num_columns)]
    too_few_people = risk.fewest_people is not None and risk.fewest_people < asked.k
    if fewest[0] < asked.k or too_few_people or any(distinct < (asked.l or 0) for distinct in fewest[1:]):
        raise Fault("anonymity.recount")
