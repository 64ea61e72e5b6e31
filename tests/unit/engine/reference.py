"""An exact aggregation in plain Python, row by row: slow, short and independent of the engine."""

from __future__ import annotations

import itertools
import math
import operator
from bisect import bisect_right
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hedgerow.model.expressions import Cases, Expression, Extreme, Filled, Floor, Plus, Steps, Times, Whole
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    BinCounts,
    Compare,
    CountPeople,
    ExactAggregate,
    ExactAggregation,
    IsIn,
    IsNull,
    KeyDomain,
    Not,
    Predicate,
    SumSquares,
    SumValues,
)

_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def value_of(value: Any) -> Any:
    """A value that compares exactly, or none where the engine sees no value."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (bool, int, Decimal)):
        return Fraction(value)
    return value


def constant_for(value: Any, constant: Any) -> Any:
    """Read a constant beside a value of a column."""
    if isinstance(value, datetime):
        moment = datetime.fromisoformat(constant)
        return moment.replace(tzinfo=UTC) if value.tzinfo and not moment.tzinfo else moment
    if isinstance(value, date):
        return date.fromisoformat(constant)
    if isinstance(value, float):
        return float(Fraction(constant))
    return constant if isinstance(constant, str) else Fraction(constant)


def holds(row: dict[str, Any], part: Predicate) -> bool:
    match part:
        case Compare(op=op, column=column, literal=literal):
            value = value_of(row[column.name])
            if value is None or literal.value is None:
                return False
            return bool(_OPERATORS[op](value, constant_for(value, literal.value)))
        case IsIn(column=column, values=values):
            return any(holds(row, Compare("=", column, literal)) for literal in values)
        case IsNull(column=column):
            return value_of(row[column.name]) is None
        case Not(inner=inner):
            return not holds(row, inner)
        case AllOf(parts=parts):
            return all(holds(row, one) for one in parts)
        case AnyOf(parts=parts):
            return any(holds(row, one) for one in parts)


def steps(value: Any, part: SumValues) -> int:
    """One value in fixed point: clamped, scaled, rounded half to even."""
    value = value_of(value)
    if value is None:
        return 0
    low, high = (round(bound * 10**part.digits) for bound in (part.clamp.lower, part.clamp.upper))
    if isinstance(value, float):
        scaled = value * float(10**part.digits)
        return max(low, min(high, round(scaled) if math.isfinite(scaled) else (high if scaled > 0 else low)))
    clamped = max(part.clamp.lower, min(part.clamp.upper, value))
    return round(clamped * 10**part.digits)


def worth(row: dict[str, Any], expression: Expression) -> int | None:
    """What an expression is in one row; none where a value it needs is missing."""
    match expression:
        case Steps(values=values):
            value = row[values.column]
            return None if value_of(value) is None else steps(value, values)
        case Whole(value=value):
            return value
        case Plus(left=left, right=right):
            return _of_all(row, (left, right), sum)
        case Times(left=left, right=right):
            return _of_all(row, (left, right), math.prod)
        case Floor(inner=inner, divisor=divisor):
            return _of_all(row, (inner,), lambda values: math.floor(Fraction(values[0], divisor)))
        case Extreme(parts=parts, is_greatest=is_greatest):
            return _of_all(row, parts, max if is_greatest else min)
        case Filled(inner=inner, constant=constant):
            value = worth(row, inner)
            return constant if value is None else value
        case Cases(branches=branches, otherwise=otherwise):
            met = (value for condition, value in branches if holds(row, condition))
            return worth(row, next(met, otherwise))


def _of_all(row: dict[str, Any], parts: tuple[Expression, ...], combine: Any) -> int | None:
    values = [worth(row, part) for part in parts]
    return None if None in values else combine(values)


def with_computed(row: dict[str, Any], plan: ExactAggregation) -> dict[str, Any]:
    """A row with the columns a plan makes of it, exact."""
    row = dict(row)
    for made in plan.computed:
        value = worth(row, made.expression)
        row[made.name] = None if value is None else Decimal(value).scaleb(-made.digits)
    return row


def aggregate(rows: list[dict[str, Any]], plan: ExactAggregation) -> list[tuple[int, ...]]:
    """Rows carry their columns and ``_rank``; the people filter was applied before."""
    rows = [with_computed(row, plan) for row in rows]
    kept = [r for r in rows if r["_rank"] < plan.max_rows and (plan.where is None or holds(r, plan.where))]
    answer = []
    for group in itertools.product(*(key.values for key in plan.keys)):
        own = [
            row
            for row in kept
            if all(_has_key(row, key, value) for key, value in zip(plan.keys, group, strict=True))
        ]
        counts = [count for part in plan.histograms for count in _bins(own, part)]
        answer.append((*(_one(own, part) for part in plan.aggregates), *counts))
    return answer


def _bins(rows: list[dict[str, Any]], part: BinCounts) -> list[int]:
    """Each value goes to the nearest candidate multiple, half-way ones up; the ends are the bounds."""
    low, high = part.values.step_bounds
    multiples = [low - low % part.width]
    while multiples[-1] + part.width - (part.width // 2) <= high:
        multiples.append(multiples[-1] + part.width)
    values = [steps(r[part.column], part.values) for r in rows if value_of(r[part.column]) is not None]
    places = Counter(bisect_right(multiples, value + part.width // 2) - 1 for value in values)
    return [places[place] for place in range(len(multiples))]


def _has_key(row: dict[str, Any], key: KeyDomain, value: Any) -> bool:
    if key.place is None:
        return _is_key(row[key.column], value)
    return worth(row, key.place) == key.values.index(value)


def _is_key(value: Any, key: Any) -> bool:
    value = value_of(value)
    return value is not None and value == constant_for(value, key)


def _one(rows: list[dict[str, Any]], part: ExactAggregate) -> int:
    if isinstance(part, CountPeople):
        return len({row["_person"] for row in rows})
    if isinstance(part, SumSquares):
        held = [steps(r[part.column], part.values) for r in rows if value_of(r[part.column]) is not None]
        return sum(
            math.floor(Fraction((one - part.midpoint) ** 2, part.unit) + Fraction(1, 2)) for one in held
        )
    if isinstance(part, SumValues):
        return sum(steps(row[part.column], part) for row in rows)
    if part.column is None:
        return len(rows)
    return sum(value_of(row[part.column]) is not None for row in rows)
