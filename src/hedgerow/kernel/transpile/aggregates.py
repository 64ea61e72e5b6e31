"""One aggregate over the rows of a group: a new kind needs one function here."""

from __future__ import annotations

from typing import cast

from hedgerow.kernel.transpile.conditions import Scope
from hedgerow.kernel.transpile.known import Known
from hedgerow.kernel.transpile.writing import Dialect
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Clamp, CountPeople, CountRows, SumSquares, SumValues

KNOWN = Known()
KNOWN.part(Clamp, "lower", "upper")
# Its square, with half a unit more, stays within 64 bits.
_MOST_DISTANCE = 2**31
# Their sums of 64-bit integers have more than 64 bits by themselves.
_WIDENING: frozenset[Dialect] = frozenset({"duckdb", "postgres", "snowflake"})


def aggregate(scope: Scope, part: object) -> str:
    """Write an aggregate over the rows of a group.

    Args:
        scope: What the statement reads.
        part: The aggregate.

    Returns:
        Words whose value is a whole number, or null where it does not fit the engine's type.

    Raises:
        CallerError: ``engine.element`` for an aggregate that is not known, and ``engine.bounds``.
    """
    return cast("str", KNOWN.function(part)(scope, part))


@KNOWN.compiles(CountRows, "column")
def _count_rows(scope: Scope, part: CountRows) -> str:
    return "COUNT(*)" if part.column is None else f"COUNT({scope.column(part.column)[0]})"


@KNOWN.compiles(CountPeople)
def _count_people(_scope: Scope, _part: CountPeople) -> str:
    return "COUNT(DISTINCT p)"


@KNOWN.compiles(SumValues, "column", "clamp", "digits")
def _sum_values(scope: Scope, part: SumValues) -> str:
    return _sum(scope, scope.fixed(part))


@KNOWN.compiles(SumSquares, "values", "midpoint", "unit")
def _sum_squares(scope: Scope, part: SumSquares) -> str:
    if part.unit < 1 or part.distance > _MOST_DISTANCE:
        raise CallerError("engine.bounds", column=part.column, digits=part.values.digits)
    away = f"({scope.fixed(part.values)} - ({part.midpoint}))"
    square = f"{away} * {away} + {part.unit // 2}"
    # What is left over is taken off first: then no engine's way to divide rounds.
    return _sum(scope, f"({square} - ({square}) % {part.unit}) // {part.unit}" if part.unit > 1 else square)


def _sum(scope: Scope, value: str) -> str:
    """Add up so that no number of rows passes the type of the sum unseen."""
    if scope.words.dialect == "spark":
        # Null where it does not fit, and there or in a group without rows only; sums of its wide decimals
        # take twice as long, and so does a second aggregate that counts values.
        return f"TRY_SUM(COALESCE({value}, 0))"
    is_wide = scope.words.dialect in _WIDENING
    return f"COALESCE(SUM({value if is_wide else f'CAST({value} AS DECIMAL(38, 0))'}), 0)"
