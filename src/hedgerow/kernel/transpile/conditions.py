"""Conditions on a row: each is true or false, never null, on every engine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import cast

from hedgerow.kernel.transpile.known import Known
from hedgerow.kernel.transpile.points import Point, constant, point_of
from hedgerow.kernel.transpile.source import Source, SourceColumn
from hedgerow.kernel.transpile.writing import Words
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import AllOf, AnyOf, Column, Compare, IsIn, IsNull, Literal, Not, SumValues

KNOWN = Known()
KNOWN.part(Column, "name")
KNOWN.part(Literal, "value")
_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(slots=True)
class Scope:
    """What a statement reads.

    Args:
        words: The statement.
        source: The table.
        names: The columns that are read, in the order of their numbers.
        steps: The values in fixed point it computes, in the order of their numbers.
    """

    words: Words
    source: Source
    names: tuple[str, ...]
    steps: list[SumValues] = field(default_factory=list)

    def column(self, name: str) -> tuple[str, SourceColumn]:
        """Give the word for a column, which is null where there is no value, and what it holds."""
        if name not in self.names:
            raise CallerError("engine.column-unknown", column=name)
        return f"c{self.names.index(name)}", self.source.columns[name]

    def fixed(self, part: SumValues) -> str:
        """Give the word for a value in steps, null where there is none."""
        if part not in self.steps:
            self.steps.append(part)
        return f"s{self.steps.index(part)}"


def condition(scope: Scope, part: object) -> str:
    """Write a predicate.

    Args:
        scope: What the statement reads.
        part: The predicate.

    Returns:
        Words that are true or false for every row.

    Raises:
        CallerError: ``engine.element`` for a predicate that is not known, and ``engine.literal-type``.
    """
    return cast("str", KNOWN.function(part)(scope, part))


@KNOWN.compiles(AllOf, "parts")
def _all_of(scope: Scope, part: AllOf) -> str:
    return "(" + (" AND ".join(condition(scope, one) for one in part.parts) or "TRUE") + ")"


@KNOWN.compiles(AnyOf, "parts")
def _any_of(scope: Scope, part: AnyOf) -> str:
    return "(" + (" OR ".join(condition(scope, one) for one in part.parts) or "FALSE") + ")"


@KNOWN.compiles(Not, "inner")
def _not(scope: Scope, part: Not) -> str:
    return f"(NOT {condition(scope, part.inner)})"


@KNOWN.compiles(IsNull, "column")
def _is_null(scope: Scope, part: IsNull) -> str:
    return f"({scope.column(part.column.name)[0]} IS NULL)"


@KNOWN.compiles(Compare, "op", "column", "literal")
def _compare(scope: Scope, part: Compare) -> str:
    word, column = scope.column(part.column.name)
    point = point_of(column, part.literal.value, part.column.name)
    if isinstance(point, Fraction):
        return _whole_compare(scope, word, column, part.op, point)
    if point is None:
        return "FALSE"
    if isinstance(point, float) and math.isinf(point):
        return _holds(word) if part.op in ("!=", *(("<", "<=") if point > 0 else (">", ">="))) else "FALSE"
    return f"({_holds(word)} AND {word} {_OPERATORS[part.op]} {constant(scope.words, column, point)})"


def _whole_compare(scope: Scope, word: str, column: SourceColumn, op: str, point: Fraction) -> str:
    floor = point.numerator // point.denominator
    if point.denominator != 1:
        # Between two steps: below it and up to it mean up to the floor; above likewise.
        if op in {"=", "!="}:
            return "FALSE" if op == "=" else _holds(word)
        op = "<=" if op in {"<", "<="} else ">"
    if not column.least <= floor <= column.most:
        is_above = floor > column.most
        is_true = op == "!=" or (op in {"<", "<="} if is_above else op in {">", ">="})
        return _holds(word) if is_true else "FALSE"
    return f"({_holds(word)} AND {word} {_OPERATORS[op]} {constant(scope.words, column, Fraction(floor))})"


@KNOWN.compiles(IsIn, "column", "values")
def _is_in(scope: Scope, part: IsIn) -> str:
    word, column = scope.column(part.column.name)
    held = held_by(column, [value.value for value in part.values], part.column.name)
    written = [constant(scope.words, column, point) for point in held if point is not None]
    return f"({_holds(word)} AND {word} IN ({', '.join(written)}))" if written else "FALSE"


def held_by(column: SourceColumn, values: Sequence[object], name: str) -> list[Point]:
    """Read constants that a column may equal; none where it can hold no such value."""
    return [_held(column, point_of(column, value, name)) for value in values]  # type: ignore[arg-type]


def _held(column: SourceColumn, point: Point) -> Point:
    if isinstance(point, Fraction):
        return point if point.denominator == 1 and column.least <= point <= column.most else None
    return None if isinstance(point, float) and math.isinf(point) else point


def _holds(word: str) -> str:
    return f"{word} IS NOT NULL"
