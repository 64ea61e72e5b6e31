"""From a raw Arrow table to a k-anonymous one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Ints, combined_keys
from hedgerow.kernel.anonymity.risk import summarise
from hedgerow.kernel.anonymity.search import Found, Outcome, Problem, search
from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters, RiskSummary
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity.columns import generalised, plain
from hedgerow.techniques.anonymity.measuring import measured_with_people
from hedgerow.techniques.anonymity.parameters import check, check_columns
from hedgerow.techniques.anonymity.recount import Finished, recounted
from hedgerow.techniques.anonymity.source import Quasi, Source, source_of


def release(
    table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool, population: pa.Table | None = None
) -> KAnonymousTable[pa.Table]:
    """Generalise and suppress until every class holds k rows and every model holds, at the least loss.

    Args:
        table: The raw rows; columns that are not asked for are not read.
        asked: Columns, k, models and limits.
        ungoverned: Whether no gate admitted this.
        population: One row per person of the population, those of the table among them, with the
            quasi-identifiers; or none.

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
        sensitive attribute where ``l`` is given, and every model of ``models`` holds, each as its
        words in ``hedgerow.model.criteria`` say. Nothing else is guaranteed.
    """
    check(asked, has_population=population is not None)
    check_columns(asked, table.column_names)
    source = source_of(table, asked, population)
    problem = source.problem
    found = searched(source)
    rows = np.flatnonzero(found.best.kept[problem.tuples.of_row])
    unsorted = _released(table, asked, source.quasi, found.best, rows)
    attributes = [(item.name, item.codes) for item in source.sensitive]
    summary = summarise(problem, found.best, asked.quasi, attributes, source.people)
    risk = replace(summary, is_optimal=found.is_optimal, loss_bound=found.bound)
    order = order_by_value(unsorted)
    released = unsorted.take(order)
    _recount(released, asked, risk)
    reached = recounted(_finished(source, unsorted, found.best.node, rows, population))
    levels = tuple(zip(asked.quasi, found.best.node, strict=True))
    whose = None if source.people is None else source.people[rows]
    people = None if asked.person is None else table[asked.person].take(pa.array(rows[order.to_numpy()]))
    return KAnonymousTable(
        released,
        risk,
        levels,
        ungoverned=ungoverned,
        reached=reached,
        measures=measured_with_people(unsorted, asked, whose),
        people=people,
    )


def searched(source: Source) -> Found:
    """Find the levels that lose least.

    Args:
        source: The table as the search takes it.

    Returns:
        The best node, which keeps some rows and some detail.

    Raises:
        Refused: ``anonymity.unreachable``.
        CallerError: ``anonymity.search-cut-short``.
    """
    asked = source.asked
    found = search(source.problem, most_checks=asked.most_checks)
    if found is None or not found.best.kept.any() or _keeps_nothing(found.best, source.problem):
        if found is not None and not found.is_optimal:
            raise CallerError("anonymity.search-cut-short", checks=found.checked)
        raise Refused("anonymity.unreachable", k=asked.k, l=asked.l or "none")
    return found


def _finished(
    source: Source, unsorted: pa.Table, node: Sequence[int], rows: Ints, population: pa.Table | None
) -> Finished:
    """The finished table with what it is recounted against; people stand beside their rows, in no column."""
    people = None if source.people is None else source.people[rows].tolist()
    ladders = {
        each.column.name: (each.hierarchy, level) for each, level in zip(source.quasi, node, strict=True)
    }
    return Finished(unsorted, source.table, source.asked, people, population, ladders)


def _keeps_nothing(best: Outcome, problem: Problem) -> bool:
    """Whether every quasi-identifier became ``*``: such a table releases none of them."""
    return all(level == maps.top for level, maps in zip(best.node, problem.columns, strict=True))


def _released(
    table: pa.Table, asked: ReleaseParameters, quasi: tuple[Quasi, ...], best: Outcome, rows: Ints
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


def order_by_value(released: pa.Table) -> pa.Array:
    """Tell the order by every released value.

    The order is then a function of what leaves and tells nothing of the order of the source, in
    which neighbours may be relatives or recent arrivals. A shuffle would hide it as well, but only
    as well as its randomness, and the same release could not be made twice.

    Args:
        released: The rows.

    Returns:
        The place of each row of the ordered table.
    """
    ranked = [_ranks(column) for column in released.columns]
    keys = combined_keys(ranked, [int(ranks.max(initial=0)) + 1 for ranks in ranked])
    return pa.array(np.argsort(keys, kind="stable"))


def _ranks(column: pa.ChunkedArray) -> Ints:
    """Number the values of a column in their order, missing ones last."""
    encoded = column.combine_chunks().dictionary_encode()
    ranks = np.empty(len(encoded.dictionary) + 1, dtype=np.int64)
    ranks[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(encoded.dictionary))
    ranks[-1] = len(encoded.dictionary)
    return np.asarray(ranks[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)])


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
