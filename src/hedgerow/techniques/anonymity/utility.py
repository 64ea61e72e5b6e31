"""Utility measures of a finished table against its source, as library functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity import utility as measures
from hedgerow.kernel.anonymity.coding import Floats, Ints, LevelMaps, Tuples, distinct_tuples, level_maps
from hedgerow.kernel.anonymity.utility import Finished
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy, ReleaseParameters
from hedgerow.model.calls import WHOLE, door
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.recoding import ClassifierUtility, Utility
from hedgerow.techniques.anonymity.columns import built_hierarchy, coded, hierarchy_codes, texts
from hedgerow.techniques.anonymity.frames import arrow_of, frame_of
from hedgerow.techniques.anonymity.parameters import check_columns

QUERIES = 1000
_COLUMNS_ASKED = 2
_SELECTIVITY = 0.1
_MOST_INDICATORS = 64
_RANKED = 2


@door("anonymity.utility", {"seed": WHOLE, "queries": WHOLE})
def utility(
    release: Any,  # noqa: ANN401 - any table that narwhals knows
    source: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    quasi: Sequence[str],
    hierarchies: Mapping[str, Hierarchy] | None = None,
    queries: int = QUERIES,
    seed: int = 0,
) -> Utility:
    """Measure what a release is still good for.

    Args:
        release: The finished table, generalised by one level per column or by local recoding.
        source: The table it was made from.
        quasi: The quasi-identifiers, which both have.
        hierarchies: Hierarchies by which the release was made; those left out are built from the
            source's values, as a release does.
        queries: Random range counts to compare, at least 1.
        seed: Of these queries.

    Returns:
        The measures; they are exact facts about the source, for whoever may know those.

    Raises:
        CallerError: For no table, a column that either lacks, a released cell that is in no hierarchy
            or more released rows than the source has.
    """
    finished, names = _finished(release, source, quasi, hierarchies or {})
    if queries < 1:
        raise CallerError("utility.no-queries")
    errors = measures.query_errors(
        finished, queries=queries, columns_asked=_COLUMNS_ASKED, selectivity=_SELECTIVITY, seed=seed
    )
    return Utility(
        granularity=measures.granularity(finished),
        stretched_granularity=measures.stretched_granularity(finished),
        columns=tuple(zip(names, measures.column_granularity(finished), strict=True)),
        discernibility=measures.discernibility(finished),
        average_class_size=measures.average_class_size(finished),
        classes=len(finished.sizes),
        kl_divergence=measures.kl_divergence(finished),
        nonuniform_entropy=tuple(zip(names, measures.nonuniform_entropy(finished), strict=True)),
        query_error_median=float(np.quantile(errors, 0.5)),
        query_error_95=float(np.quantile(errors, 0.95)),
        queries=queries,
        suppressed_rows=finished.suppressed,
    )


def _finished(
    release: Any,  # noqa: ANN401 - any table
    source: Any,  # noqa: ANN401 - any table
    quasi: Sequence[str],
    given: Mapping[str, Hierarchy],
) -> tuple[Finished, tuple[str, ...]]:
    asked = ReleaseParameters(quasi=tuple(quasi), k=2)
    frames = [frame_of(table) for table in (release, source)]
    for frame in frames:
        check_columns(asked, frame.columns)
    released, raw = (arrow_of(frame) for frame in frames)
    if not asked.quasi:
        raise CallerError("anonymity.no-quasi")
    if raw.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    if released.num_rows > raw.num_rows:
        raise CallerError("utility.more-rows")
    codes: list[Ints] = []
    maps: list[LevelMaps] = []
    cells: list[Ints] = []
    for name in asked.quasi:
        column = coded(raw, name)
        hierarchy = given[name] if name in given else built_hierarchy(column)
        codes.append(hierarchy_codes(column, hierarchy))
        maps.append(level_maps(hierarchy, has_missing=column.has_missing))
        cells += _cells(released, name, hierarchy, maps[-1])
    combined = _combinations(cells, released.num_rows)
    levels = np.column_stack(combined.codes[::2])
    groups = np.column_stack(combined.codes[1::2])
    return Finished(distinct_tuples(codes), tuple(maps), levels, groups, combined.counts), asked.quasi


def _combinations(cells: list[Ints], rows: int) -> Tuples:
    if rows:
        return distinct_tuples(cells)
    empty = np.zeros(0, dtype=np.int64)
    return Tuples(tuple(empty for _ in cells), empty, empty)


def _cells(released: pa.Table, name: str, hierarchy: Hierarchy, maps: LevelMaps) -> list[Ints]:
    """Level and group of each released cell; a text of several levels is the coarsest, as ARX reads it."""
    known: dict[str | None, tuple[int, int]] = {
        label: (0, group) for group, label in enumerate(hierarchy.values)
    }
    for level, labels in enumerate(hierarchy.labels, 1):
        known |= {label: (level, group) for group, label in enumerate(labels)}
    known |= {ANY_VALUE: (hierarchy.top, 0)}
    if len(maps.groups[0]) > len(hierarchy.values):
        known[None] = (0, len(hierarchy.values))
    try:
        found = [known[text] for text in texts(released, name)]
    except KeyError:
        raise CallerError("utility.unknown-cell", column=name) from None
    pairs = np.asarray(found, dtype=np.int64).reshape(-1, 2)
    return [pairs[:, 0], pairs[:, 1]]


@door("anonymity.classifier_utility", {"seed": WHOLE})
def classifier_utility(
    release: Any,  # noqa: ANN401 - any table that narwhals knows
    source: Any,  # noqa: ANN401 - any table that narwhals knows
    held_out: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    quasi: Sequence[str],
    target: str,
    hierarchies: Mapping[str, Hierarchy] | None = None,
    seed: int = 0,
) -> ClassifierUtility:
    """Compare a classifier trained on a release with one trained on its source, on the same held-out rows.

    Both are logistic regressions on the quasi-identifiers. A cell is read as all values that it stands for in
    equal parts: by the share of each value, or in a domain of more than 64 values by the mean place of
    its values in the order of the hierarchy and how far they spread.

    Args:
        release: The finished table, with the target as it was collected.
        source: The table it was made from.
        held_out: Further rows as collected, none of them in the source.
        quasi: The quasi-identifiers, which all have.
        target: The column to foretell, no quasi-identifier.
        hierarchies: Hierarchies by which the release was made; those left out are built from the source and
            the held-out rows.
        seed: Of the training.

    Returns:
        Both accuracies and that of the most frequent class.

    Raises:
        CallerError: For columns or cells that do not fit, or a target of one value only.
        Fault: ``extra.missing`` without scikit-learn.

    Source:
        Iyengar (KDD 2002) and LeFevre, DeWitt and Ramakrishnan, Workload-aware anonymization (KDD
        2006) judge releases so.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise Fault("extra.missing", what="a classifier's accuracy", extra="ml") from None
    if target in quasi:
        raise CallerError("anonymity.repeated-column", column=target)
    asked = ReleaseParameters(quasi=tuple(quasi), k=2, sensitive=(target,))
    tables = [_read(table, asked) for table in (release, source, held_out)]
    features = _features(tables, asked.quasi, hierarchies or {})
    labels = [np.asarray([str(each) for each in texts(table, target)]) for table in tables]
    if min(len(np.unique(each)) for each in labels[:2]) < 2:  # noqa: PLR2004 - one class is no task
        raise CallerError("utility.one-class", column=target)
    scores = [
        float(
            LogisticRegression(max_iter=200, random_state=seed)
            .fit(features[place], labels[place])
            .score(features[2], labels[2])
        )
        for place in (0, 1)
    ]
    names, counts = np.unique(labels[1], return_counts=True)
    baseline = float((labels[2] == names[counts.argmax()]).mean())
    return ClassifierUtility(scores[0], scores[1], baseline, len(labels[2]))


def _read(table: Any, asked: ReleaseParameters) -> pa.Table:  # noqa: ANN401 - any table
    frame = frame_of(table)
    check_columns(asked, frame.columns)
    arrow = arrow_of(frame)
    if arrow.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    return arrow


def _features(
    tables: Sequence[pa.Table], quasi: Sequence[str], given: Mapping[str, Hierarchy]
) -> list[Floats]:
    """What each table's cells stand for, as numbers of one shape."""
    parts: list[list[Floats]] = [[] for _ in tables]
    for name in quasi:
        raw = pa.concat_tables([table.select([name]) for table in tables[1:]], promote_options="permissive")
        column = coded(raw, name)
        hierarchy = given[name] if name in given else built_hierarchy(column)
        hierarchy_codes(column, hierarchy)  # refuses values that it does not list
        maps = level_maps(hierarchy, has_missing=column.has_missing)
        for place, table in enumerate(tables):
            levels, groups = _cells(table, name, hierarchy, maps)
            parts[place].append(_shares(levels, groups, maps))
    return [np.hstack(each) for each in parts]


def _shares(levels: Ints, groups: Ints, maps: LevelMaps) -> Floats:
    """Each cell as the share of every value, or as place and spread where there are many."""
    domain = len(maps.groups[0])
    cells, cell_of = np.unique(np.column_stack((levels, groups)), axis=0, return_inverse=True)
    width = domain if domain <= _MOST_INDICATORS else _RANKED
    rows = np.zeros((len(cells), width))
    for place, (level, group) in enumerate(cells.tolist()):
        inside = np.flatnonzero(maps.groups[level] == group)
        if domain <= _MOST_INDICATORS:
            rows[place, inside] = 1 / len(inside)
        else:
            rows[place] = inside.mean() / domain, len(inside) / domain
    return np.asarray(rows[cell_of.ravel()], dtype=np.float64)
