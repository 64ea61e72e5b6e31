"""The meaning of an exact aggregation, column by column on Arrow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from functools import reduce
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.aggregation.binning import bins_of
from hedgerow.kernel.aggregation.bounding import within_groups
from hedgerow.kernel.aggregation.computed import DIGITS, Evaluator, decimals
from hedgerow.kernel.aggregation.gathering import gather
from hedgerow.kernel.aggregation.joining import Joining
from hedgerow.model.errors import Fault
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    Compare,
    Comparison,
    CountPeople,
    CountRows,
    ExactAggregate,
    ExactAggregation,
    Histogram,
    IsIn,
    IsNull,
    KeyDomain,
    Literal,
    Not,
    Predicate,
    SumSquares,
    SumValues,
)

if TYPE_CHECKING:
    from hedgerow.model.gathering import Gathering

Mask = npt.NDArray[np.bool_]
_SUM_MOST = 2**62
_DISTANCE_MOST = 2**31
_INT_MOST = 2**63 - 1
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}

_COMPARE: dict[Comparison, Callable[[Any, Any], Any]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def aggregate(
    table: pa.Table,
    ranks: npt.NDArray[np.int64],
    spec: ExactAggregation,
    people: npt.NDArray[np.int64] | None = None,
) -> list[list[int]]:
    """Compute exact bounded aggregates.

    Args:
        table: The rows, with every column the aggregation reads.
        ranks: Rank of each row among its person's rows, from 0.
        spec: What to compute.
        people: Number of the person of each row; needed where people are counted or groups bounded.

    Returns:
        For each combination of keys, in the order of their product with the first key column
        slowest, the aggregates in order and then each histogram, bin by bin.

    Raises:
        Fault: ``dp.sum-overflow`` when a sum could pass 64 bits; ``dp.bad-aggregate`` when people are to be
            counted, or groups bounded, and it is not said who they are, or for a bound on another unit:
            what counts of it is told in ranks, see :func:`hedgerow.kernel.aggregation.rank_units`.

    Guarantee: one person moves the counts by at most ``max_rows`` in L1, over all bins of a histogram
        too, and the sums by at most ``max_rows`` times the larger step bound, each times the multiplicities
        of the lookups; each in ``max_groups`` groups at most, and in each group by ``max_rows_per_group`` at
        most.
    """
    if spec.of_unit is not None:
        raise Fault("dp.bad-aggregate")
    if spec.gathering is not None:
        table, people = _gathered(table, ranks, spec.gathering, people)
        ranks = np.zeros(table.num_rows, dtype=np.int64)
    table, people, codes, counted = _counted(table, ranks, spec, people)
    groups = spec.groups
    columns = [
        _people(people, codes, counted, groups)
        if isinstance(one, CountPeople)
        else _one(table, one, codes, counted, groups)
        for one in spec.aggregates
    ]
    for one in spec.histograms:
        columns += list(_bins(table, one, codes, counted, groups).T)
    return [[int(column[group]) for column in columns] for group in range(groups)]


def _counted(
    table: pa.Table,
    ranks: npt.NDArray[np.int64],
    spec: ExactAggregation,
    people: npt.NDArray[np.int64] | None,
) -> tuple[pa.Table, npt.NDArray[np.int64] | None, npt.NDArray[np.int64], Mask]:
    """Join rows, work out what is computed of them, and tell the group of each and whether it counts."""
    if spec.lookups:
        table, ranks, people = _joined(table, ranks, spec, people)
    for made in spec.computed:
        values = decimals(_evaluator(table).value(made.expression), made.digits)
        table = table.append_column(made.name, values)
    codes = _selected(_group_codes(table, spec.keys), spec)
    counted = (codes >= 0) & (ranks < spec.max_rows)
    if spec.where is not None:
        counted &= _holds(table, spec.where)
    if spec.bounds_groups:
        counted[counted] = _within(people, codes, ranks, counted, spec)
    return table, people, codes, counted


def _gathered(
    table: pa.Table,
    ranks: npt.NDArray[np.int64],
    gathering: Gathering,
    people: npt.NDArray[np.int64] | None,
) -> tuple[pa.Table, npt.NDArray[np.int64]]:
    """Gather the rows of each person that count."""
    table, people, codes, counted = _counted(table, ranks, gathering.rows, people)
    if people is None:
        raise Fault("dp.bad-aggregate")
    values = [_held(table, one, counted) for one in gathering.rows.aggregates]
    return gather(gathering, people[counted], codes[counted], values)


def _held(table: pa.Table, one: ExactAggregate, counted: Mask) -> tuple[npt.NDArray[np.int64], Mask]:
    """Read what one aggregate is made of, of the rows that count."""
    match one:
        case SumValues():
            steps, has_value = _steps(table.column(one.column), one)
            return steps[counted], has_value[counted]
        case CountRows(column=str() as column):
            has_value = _has_value(table.column(column))[counted]
            return has_value.astype(np.int64), has_value
        case CountRows():
            ones = np.ones(int(counted.sum()), dtype=np.int64)
            return ones, ones.astype(np.bool_)
    raise Fault("dp.bad-aggregate")


def _joined(
    table: pa.Table,
    ranks: npt.NDArray[np.int64],
    spec: ExactAggregation,
    people: npt.NDArray[np.int64] | None,
) -> tuple[pa.Table, npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
    """Join the rows that may count; each joined row keeps the rank and the person of its own row."""
    bounded = np.flatnonzero(ranks < spec.max_rows)
    joined, places = Joining(spec.lookups)(table.select(sorted(spec.columns)).take(pa.array(bounded)))
    places = bounded[places]
    return joined, ranks[places], None if people is None else people[places]


def _within(
    people: npt.NDArray[np.int64] | None,
    codes: npt.NDArray[np.int64],
    ranks: npt.NDArray[np.int64],
    counted: Mask,
    spec: ExactAggregation,
) -> Mask:
    """Bound each person's rows over groups, of those that would count."""
    if people is None:
        raise Fault("dp.bad-aggregate")
    rows = people[counted], codes[counted], ranks[counted]
    return within_groups(*rows, spec.max_groups, spec.max_rows_per_group)


def _group_codes(table: pa.Table, keys: tuple[KeyDomain, ...]) -> npt.NDArray[np.int64]:
    """Number each row's group; -1 where a key is missing or not declared."""
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for key in keys:
        own = _places(table, key)
        codes = np.where((codes >= 0) & (own >= 0), codes * len(key.values) + own, -1)
    return codes


def _places(table: pa.Table, key: KeyDomain) -> npt.NDArray[np.int64]:
    if key.place is not None:
        found, has_value = _evaluator(table).value(key.place)
        return np.where(has_value & (found >= 0) & (found < len(key.values)), found, -1)
    column = _plain(table.column(key.column))
    values = [_scalar(Literal(value), column.type).as_py() for value in key.values]
    place = pc.index_in(column, value_set=pa.array(values, type=column.type))
    known: npt.NDArray[np.int64] = pc.fill_null(place.cast(pa.int64()), -1).to_numpy()
    return known


def _evaluator(table: pa.Table) -> Evaluator:
    return Evaluator(
        table.num_rows,
        lambda values: _steps(table.column(values.column), values),
        lambda condition: _holds(table, condition),
    )


def _selected(codes: npt.NDArray[np.int64], spec: ExactAggregation) -> npt.NDArray[np.int64]:
    """Number groups by their place among the selected combinations; -1 where not selected."""
    if spec.selected is None:
        return codes
    places = [{_typed(value): place for place, value in enumerate(key.values)} for key in spec.keys]
    number = {}
    for place, combination in enumerate(spec.selected):
        code = 0
        for key, known, value in zip(spec.keys, places, combination, strict=True):
            code = code * len(key.values) + known[_typed(value)]
        number[code] = place
    return np.array([number.get(code, -1) for code in codes.tolist()], dtype=np.int64)


def _typed(value: str | int | bool) -> tuple[type, str | int | bool]:  # noqa: FBT001 - a key
    """Tell 1 from true, which are equal."""
    return type(value), value


def _people(
    people: npt.NDArray[np.int64] | None, codes: npt.NDArray[np.int64], counted: Mask, groups: int
) -> npt.NDArray[np.int64]:
    """Count each person once in each group."""
    if people is None:
        raise Fault("dp.bad-aggregate")
    pairs = np.unique(np.stack([codes[counted], people[counted]]), axis=1)
    return np.bincount(pairs[0], minlength=groups)


def _one(
    table: pa.Table,
    one: CountRows | SumValues | SumSquares,
    codes: npt.NDArray[np.int64],
    counted: Mask,
    groups: int,
) -> npt.NDArray[np.int64]:
    totals = np.zeros(groups, dtype=np.int64)
    match one:
        case CountRows(column=None):
            np.add.at(totals, codes[counted], 1)
        case CountRows(column=str() as column):
            np.add.at(totals, codes[counted & _has_value(table.column(column))], 1)
        case SumValues():
            steps, has_value = _steps(table.column(one.column), one)
            if max(map(abs, one.step_bounds)) * int(counted.sum()) > _SUM_MOST:
                raise Fault("dp.sum-overflow")
            kept = counted & has_value
            np.add.at(totals, codes[kept], steps[kept])
        case SumSquares():
            steps, has_value = _steps(table.column(one.column), one.values)
            if one.most * max(1, int(counted.sum())) > _SUM_MOST or one.distance > _DISTANCE_MOST:
                raise Fault("dp.sum-overflow")
            kept = counted & has_value
            squares = ((steps[kept] - one.midpoint) ** 2 + one.unit // 2) // one.unit
            np.add.at(totals, codes[kept], squares)
    return totals


def _bins(
    table: pa.Table, one: Histogram, codes: npt.NDArray[np.int64], counted: Mask, groups: int
) -> npt.NDArray[np.int64]:
    """Count the rows nearest to each candidate, one line for each group."""
    totals = np.zeros((groups, one.bins), dtype=np.int64)
    steps, has_value = _steps(table.column(one.column), one.values)
    kept = counted & has_value
    np.add.at(totals, (codes[kept], bins_of(one, steps[kept])), 1)
    return totals


def _steps(column: pa.ChunkedArray, one: SumValues) -> tuple[npt.NDArray[np.int64], Mask]:
    """Scale, clamp and round to the grid, ties to even."""
    values, has_value = _numbers(column)
    lower, upper = one.clamp.lower, one.clamp.upper
    factor, ones = 10**one.digits, _ones(column)
    if values.dtype == np.int64 and factor >= ones:
        steps = np.clip(values, floor(lower * ones), ceil(upper * ones)) * (factor // ones)
    elif values.dtype == np.int64:
        lowest, highest = (bound * (ones // factor) for bound in one.step_bounds)
        steps = _divided(np.clip(values, lowest, highest), ones // factor)
    else:
        with np.errstate(over="ignore"):
            steps = np.rint(np.clip(values * float(factor), *one.step_bounds)).astype(np.int64)
    return np.clip(steps, *one.step_bounds), has_value


def _divided(values: npt.NDArray[np.int64], divisor: int) -> npt.NDArray[np.int64]:
    """Divide by a power of ten and round half to even."""
    quotient, rest = np.divmod(values, divisor)
    half = divisor // 2
    rounded: npt.NDArray[np.int64] = quotient + ((rest > half) | ((rest == half) & (quotient % 2 != 0)))
    return rounded


def _ones(column: pa.ChunkedArray) -> int:
    """How many of the whole numbers that ``_numbers`` reads make one."""
    return 10**column.type.scale if _is_exact(column.type) else 1


def _is_exact(kind: pa.DataType) -> bool:
    """Whether decimals are read as whole numbers of their last digit."""
    return bool(pa.types.is_decimal128(kind) and kind.precision <= DIGITS and kind.scale >= 0)


def _numbers(column: pa.ChunkedArray) -> tuple[npt.NDArray[Any], Mask]:
    """Read numbers as int64 or float64, with where there is one; NaN and infinities are none."""
    has_value = _has_value(column)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_integer(column.type):
        if column.type == pa.uint64():
            column = pc.min_element_wise(column, pa.scalar(_INT_MOST, pa.uint64()), skip_nulls=False)
        return pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), has_value
    if _is_exact(column.type):
        found = [
            np.frombuffer(one.buffers()[1], "<i8")[::2][one.offset :][: len(one)] for one in column.chunks
        ]
        whole = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        return np.where(has_value, whole, 0), has_value
    values = pc.fill_null(column.cast(pa.float64(), safe=False), 0.0).to_numpy()
    return np.where(has_value, values, 0.0), has_value


def _has_value(column: pa.ChunkedArray) -> Mask:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    mask: Mask = pc.is_valid(column).to_numpy()
    if pa.types.is_floating(column.type):
        mask = mask & pc.fill_null(pc.is_finite(column), fill_value=False).to_numpy()
    return mask


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Undo encodings that do not change meaning."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column


def holds(table: pa.Table, predicate: Predicate | None) -> Mask:
    """Tell which rows meet a condition; all of them where there is none."""
    return np.ones(table.num_rows, dtype=np.bool_) if predicate is None else _holds(table, predicate)


def _holds(table: pa.Table, predicate: Predicate) -> Mask:
    match predicate:
        case AllOf(parts=parts):
            return reduce(np.logical_and, (_holds(table, part) for part in parts))
        case AnyOf(parts=parts):
            return reduce(np.logical_or, (_holds(table, part) for part in parts))
        case Not(inner=inner):
            return ~_holds(table, inner)
        case IsNull(column=column):
            return ~_has_value(table.column(column.name))
        case Compare():
            return _compared(table.column(predicate.column.name), predicate.op, predicate.literal)
        case IsIn(column=column, values=values):
            each = (_compared(table.column(column.name), "=", value) for value in values)
            return reduce(np.logical_or, each)


def _compared(column: pa.ChunkedArray, op: Comparison, literal: Literal) -> Mask:
    """Compare with a constant; where there is no value the answer is no."""
    column = _plain(column)
    has_value = _has_value(column)
    if isinstance(literal.value, int | Fraction) and not isinstance(literal.value, bool):
        values, _ = _numbers(column)
        if values.dtype == np.int64:
            return _compared_whole(values, op, Fraction(literal.value) * _ones(column)) & has_value
        mask: Mask = _COMPARE[op](values, float(literal.value))
        return mask & has_value
    if isinstance(literal.value, str) and pa.types.is_timestamp(column.type):
        ticks = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
        return _compared_whole(ticks, op, _tick(literal.value, column.type)) & has_value
    matched = _ARROW[op](column, _scalar(literal, column.type))
    hit: Mask = pc.fill_null(matched, fill_value=False).to_numpy() & has_value
    return hit


def _compared_whole(values: npt.NDArray[np.int64], op: Comparison, point: Fraction) -> Mask:
    """Compare with an exact constant: between two whole numbers, below means at or below the lower."""
    bound = floor(point)
    if bound != point:
        if op in ("=", "!="):
            return np.full(len(values), op == "!=")
        op = "<=" if op in ("<", "<=") else ">"
    mask: Mask = _COMPARE[op](values, bound)
    return mask


_ARROW: dict[Comparison, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def _tick(text: str, kind: pa.DataType) -> Fraction:
    """Read a time in the unit of a column, which may lie between two or beyond all that it counts."""
    micros = pa.scalar(datetime.fromisoformat(text), pa.timestamp("us", kind.tz)).cast(pa.int64()).as_py()
    return Fraction(micros * _TICKS[kind.unit], 10**6)


def _scalar(literal: Literal, kind: pa.DataType) -> pa.Scalar:
    value = literal.value
    if isinstance(value, str) and pa.types.is_date(kind):
        return pa.scalar(date.fromisoformat(value), kind)
    if isinstance(value, str) and pa.types.is_timestamp(kind):
        return pa.scalar(datetime.fromisoformat(value), pa.timestamp("us", kind.tz)).cast(kind, safe=False)
    return pa.scalar(value, kind)
