"""Single transforms of a table, each usable alone, each saying what it protects and what not.

A transform is no release: columns that it is not told of stay as they are, and the order of rows too.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Floats, distinct_tuples, level_maps
from hedgerow.kernel.anonymity.hierarchies import categories, exact_number
from hedgerow.kernel.anonymity.microaggregation import mdav_groups
from hedgerow.kernel.anonymity.recoding import recode
from hedgerow.kernel.anonymity.search import Problem
from hedgerow.model.anonymity import ReleaseParameters
from hedgerow.model.calls import CLASS_ROWS, TEXT, TRUTH, door
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.recoding import Transformed
from hedgerow.model.transforms import AVERAGED, CAPPED, DRAWN, Words
from hedgerow.techniques.anonymity.columns import Coded, coded, hierarchy_codes
from hedgerow.techniques.anonymity.frames import arrow_of, frame_of, native_of
from hedgerow.techniques.anonymity.parameters import Share, check, check_columns, exact_share

FrameT = TypeVar("FrameT")

Bound: TypeAlias = "int | float | Decimal | Fraction | dt.date"


_SUPPRESSED = Words(
    protects="Each combination of the quasi-identifiers, a missing value counted as one of its own, stands"
    " in at least {k} rows: who knows all of them of a person finds at least {k} rows.",
    leaves="Sensitive values that agree within such rows, other columns, and what the values left tell of"
    " those taken out. Values that are there are exact.",
)


@door("anonymity.suppress_cells", {"k": CLASS_ROWS})
def suppress_cells(
    table: FrameT,
    *,
    quasi: Sequence[str],
    k: int,
    weights: Sequence[float] | None = None,
) -> Transformed[FrameT]:
    """Turn single cells to missing until every combination of quasi-identifiers stands in k rows.

    Args:
        table: A pyarrow, pandas or Polars table.
        quasi: Quasi-identifiers; the other columns stay as they are.
        k: Least rows of a combination, at least 2.
        weights: What a cell of each quasi-identifier is worth, above 0; equal without it.

    Returns:
        The table, its columns of the types they had, and how many cells were turned to missing.

    Raises:
        CallerError: For parameters or columns that do not fit.
        Refused: ``anonymity.unreachable`` when only a table without any quasi-identifier would do.

    Guarantee:
        Each combination, a missing value counted as one of its own, stands in at least k rows. A cell goes
        only where the rows that it is joined with differ in it. The fewest possible cells are not
        guaranteed (finding them is NP-hard): rows are joined by local recoding, with every
        hierarchy as flat as value and missing.

    Source:
        Meyerson and Williams, On the complexity of optimal k-anonymity (PODS 2004), for the problem.
    """
    asked = ReleaseParameters(quasi=tuple(quasi), k=k)
    check(asked)
    frame = frame_of(table)
    check_columns(asked, frame.columns)
    arrow = arrow_of(frame)
    _check_weights(weights, len(asked.quasi))
    _check_rows(arrow, k)
    columns = [coded(arrow, name) for name in asked.quasi]
    hierarchies = [categories(sorted(column.distinct)) for column in columns]
    tuples = distinct_tuples([hierarchy_codes(*each) for each in zip(columns, hierarchies, strict=True)])
    maps = [
        level_maps(hierarchy, has_missing=column.has_missing)
        for column, hierarchy in zip(columns, hierarchies, strict=True)
    ]
    made = recode(Problem(tuples, tuple(maps), k, 0), weights=weights)
    if made is None or (made.levels == 1).all():
        raise Refused("anonymity.unreachable", k=k, l="none")
    hidden = made.levels[made.class_of_tuple][tuples.of_row] > 0
    changed = 0
    for place, column in enumerate(columns):
        mask = hidden[:, place] & (column.codes >= 0)
        changed += int(mask.sum())
        shown = pc.if_else(pa.array(mask), pa.scalar(None, column.array.type), column.array)
        arrow = _replaced(arrow, column.name, shown)
    _recount(arrow, asked.quasi, k)
    protects, leaves = (text.format(k=k) for text in _SUPPRESSED)
    return Transformed(native_of(arrow, frame), protects, leaves, changed)


@door("anonymity.top_coded", {"column": TEXT, "keep_type": TRUTH})
def top_coded(
    table: FrameT,
    *,
    column: str,
    bound: Bound,
    keep_type: bool = False,
) -> Transformed[FrameT]:
    """Replace the values from a bound on by the bound's label, such as ``>=90``.

    Args:
        table: A pyarrow, pandas or Polars table.
        column: A column of numbers or dates.
        bound: The bound, a number or date; compared exactly.
        keep_type: Write the bound itself in their place, so that the column keeps its type; it must hold it.

    Returns:
        The table, and how many cells were changed; missing values stay. Text but with ``keep_type``.

    Raises:
        CallerError: For a column or bound that does not fit.

    Guarantee:
        No two values from the bound on differ in the result.
    """
    return _capped(table, column, bound, ">=", lambda value, limit: value >= limit, keep_type=keep_type)


@door("anonymity.bottom_coded", {"column": TEXT, "keep_type": TRUTH})
def bottom_coded(
    table: FrameT,
    *,
    column: str,
    bound: Bound,
    keep_type: bool = False,
) -> Transformed[FrameT]:
    """Replace the values up to a bound by the bound's label, such as ``<=18``.

    Args:
        table: A pyarrow, pandas or Polars table.
        column: A column of numbers or dates.
        bound: The bound, a number or date; compared exactly.
        keep_type: Write the bound itself in their place, so that the column keeps its type; it must hold it.

    Returns:
        The table, and how many cells were changed; missing values stay. Text but with ``keep_type``.

    Raises:
        CallerError: For a column or bound that does not fit.

    Guarantee:
        No two values up to the bound differ in the result.
    """
    return _capped(table, column, bound, "<=", lambda value, limit: value <= limit, keep_type=keep_type)


@door("anonymity.microaggregated", {"k": CLASS_ROWS, "statistic": TEXT})
def microaggregated(
    table: FrameT, *, columns: Sequence[str], k: int, statistic: str = "mean"
) -> Transformed[FrameT]:
    """Replace numbers by the average of k like rows (MDAV), all columns named together.

    Args:
        table: A pyarrow, pandas or Polars table.
        columns: Columns of finite numbers without missing values; distances weigh them alike.
        k: Least rows in a group, at least 2.
        statistic: What a group shows, ``mean`` or ``median``, in each column.

    Returns:
        The table, these columns as floating-point numbers, and how many cells changed.

    Raises:
        CallerError: For columns or parameters that do not fit.

    Guarantee:
        Each combination of the columns stands in at least k rows. Groups have k to 2k - 1 rows. Averages are
        computed from exact values in floating point.

    Source:
        As ``hedgerow.kernel.anonymity.microaggregation.mdav_groups``.
    """
    asked = ReleaseParameters(quasi=tuple(columns), k=k)
    check(asked)
    if statistic not in ("mean", "median"):
        raise CallerError("transform.bad-statistic")
    frame = frame_of(table)
    check_columns(asked, frame.columns)
    arrow = arrow_of(frame)
    _check_rows(arrow, k)
    values = np.column_stack([_numbers(arrow, name) for name in asked.quasi])
    groups = mdav_groups(values, k)
    changed = 0
    for place, name in enumerate(asked.quasi):
        shown = _averages(values[:, place], groups, statistic)[groups]
        changed += int((shown != values[:, place]).sum())
        arrow = _replaced(arrow, name, pa.array(shown))
    _recount(arrow, asked.quasi, k)
    protects, leaves = (text.format(k=k, columns=", ".join(asked.quasi)) for text in AVERAGED)
    return Transformed(native_of(arrow, frame), protects, leaves, changed)


@door("anonymity.sampled", {})
def sampled(table: FrameT, *, share: Share) -> Transformed[FrameT]:
    """Keep a random share of the rows, drawn without replacement by the system's secure randomness.

    Args:
        table: A pyarrow, pandas or Polars table.
        share: Share of the rows, above 0 and at most 1; a float stands for the decimal it prints as.

    Returns:
        The rows drawn, in their order, and how many were left out: exactly ``share`` times the rows stay,
        rounded down.

    Raises:
        CallerError: ``transform.bad-share`` or ``transform.empty-sample``.

    Guarantee:
        Every set of that many rows is equally likely, and nobody can repeat or foresee the draw.
    """
    try:
        wanted = exact_share(share)
    except CallerError:
        raise CallerError("transform.bad-share") from None
    frame = frame_of(table)
    arrow = arrow_of(frame)
    rows = int(wanted * arrow.num_rows)
    if rows == 0:
        raise CallerError("transform.empty-sample")
    drawn = sorted(secrets.SystemRandom().sample(range(arrow.num_rows), rows))
    protects, leaves = DRAWN
    chance = Fraction(rows, arrow.num_rows)
    taken = _without_dictionaries(arrow.take(pa.array(drawn, pa.int64())))
    return Transformed(
        native_of(taken, frame), protects.format(share=f"{float(chance):.4g}"), leaves, arrow.num_rows - rows
    )


def _capped(
    table: FrameT,
    column: str,
    bound: Bound,
    sign: str,
    is_beyond: Callable[[Any, Any], bool],
    *,
    keep_type: bool,
) -> Transformed[FrameT]:
    frame = frame_of(table)
    check_columns(ReleaseParameters(quasi=(column,), k=2), frame.columns)
    arrow = arrow_of(frame)
    known = coded(arrow, column)
    limit = _comparable_to(known, bound)
    places = np.asarray([is_beyond(_exact(value), limit) for value in known.distinct] + [False])
    mask = pa.array(places[known.codes])
    shown = known.array if keep_type else known.array.cast(pa.string())
    label = _of_type(known, bound, limit) if keep_type else pa.scalar(f"{sign}{bound}", pa.string())
    capped = pc.if_else(mask, label, shown)
    changed = int(places[known.codes].sum())
    protects, leaves = (text.format(column=column) for text in CAPPED)
    return Transformed(native_of(_replaced(arrow, column, capped), frame), protects, leaves, changed)


def _exact(value: object) -> Any:  # noqa: ANN401 - a number or a date, which both compare
    if isinstance(value, dt.date):
        return value
    return value if value in (float("inf"), float("-inf")) else exact_number(value)


def _comparable_to(column: Coded, bound: Bound) -> Any:  # noqa: ANN401 - a number or a date
    """The bound as its column's values compare, refused where they cannot."""
    kind = column.array.type
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    try:
        if is_number and not isinstance(bound, bool | dt.date):
            return exact_number(bound)
        if isinstance(bound, dt.datetime):
            if pa.types.is_timestamp(kind) and (bound.tzinfo is None) == (kind.tz is None):
                return bound
        elif pa.types.is_date(kind) and isinstance(bound, dt.date):
            return bound
    except CallerError:
        pass
    raise CallerError("transform.bad-bound", column=column.name)


def _of_type(column: Coded, bound: Bound, limit: Any) -> pa.Scalar:  # noqa: ANN401 - as it compares
    """The bound as a value of its column's type, refused where that would be another value."""
    kind = column.array.type
    plain = float(limit) if pa.types.is_floating(kind) else bound
    if pa.types.is_integer(kind) and limit == int(limit):
        plain = int(limit)
    try:
        label = pa.scalar(plain, kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise CallerError("transform.bad-bound", column=column.name) from None
    if _exact(label.as_py()) != limit:
        raise CallerError("transform.bad-bound", column=column.name)
    return label


def _numbers(arrow: pa.Table, name: str) -> Floats:
    array = coded(arrow, name).array
    kind = array.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise CallerError("transform.no-numbers", column=name)
    if array.null_count:
        raise CallerError("transform.missing-values", column=name)
    values = np.asarray(array.cast(pa.float64(), safe=False))
    if not np.isfinite(values).all():
        raise CallerError("transform.no-numbers", column=name)
    return values


def _averages(values: Floats, groups: Any, statistic: str) -> Floats:  # noqa: ANN401 - an array
    order = np.lexsort((values, groups))  # in order, since sums in another order are rounded otherwise
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    sizes = np.diff(starts, append=len(values))
    ordered = values[order]
    if statistic == "mean":
        return np.asarray(np.add.reduceat(ordered, starts) / sizes, dtype=np.float64)
    return np.asarray((ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2)


def _check_rows(arrow: pa.Table, k: int) -> None:
    if arrow.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    if arrow.num_rows < k:
        raise CallerError("anonymity.k-above-rows", k=k)


def _check_weights(weights: Sequence[float] | None, columns: int) -> None:
    if weights is not None and (
        len(weights) != columns or not all(0 < one < float("inf") for one in weights)
    ):
        raise CallerError("transform.bad-weights")


def _replaced(arrow: pa.Table, name: str, array: pa.Array) -> pa.Table:
    # Neither the schema's metadata nor a dictionary of the source comes along.
    made = arrow.set_column(arrow.column_names.index(name), pa.field(name, array.type), array)
    return made.replace_schema_metadata(None)


def _without_dictionaries(arrow: pa.Table) -> pa.Table:
    """Write dictionaries out: they hold the values of rows that were left out."""
    for name in arrow.column_names:
        kind = arrow.schema.field(name).type
        if pa.types.is_dictionary(kind):
            arrow = _replaced(arrow, name, arrow[name].cast(kind.value_type))
    return arrow.replace_schema_metadata(None)


def _recount(arrow: pa.Table, columns: Sequence[str], k: int) -> None:
    counts = arrow.group_by(list(columns)).aggregate([([], "count_all")])
    if pc.min(counts["count_all"]).as_py() < k:
        raise Fault("anonymity.recount")
