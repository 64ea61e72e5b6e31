"""Compile an exact aggregation to DuckDB SQL over lowered columns.

The text of a statement is made of our own words, column numbers (``c0``) and integers. Whatever
a caller wrote (names, text, decimals) stays outside: names become numbers, constants parameters.
Every function used is total: no value a column can hold makes the statement fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from hedgerow.adapters.engines.computing import Layers, Piece
from hedgerow.adapters.engines.lowering import Kind, Lowered, Point, point_of
from hedgerow.model.errors import CallerError
from hedgerow.model.expressions import MOST
from hedgerow.model.plans import (
    AllOf,
    AnyOf,
    Compare,
    CountPeople,
    CountRows,
    IsIn,
    IsNull,
    Not,
    SumSquares,
    SumValues,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hedgerow.model.plans import ExactAggregate, ExactAggregation, KeyDomain, Predicate

Parameter: TypeAlias = "str | float"
T = TypeVar("T")

GROUP = "k"
"""The column of group numbers: negative for rows that must not count."""
WHOM = "p"
"""The column of people, where a plan counts them or bounds their groups."""
RANKED = "r"
"""The column of ranks, where a plan bounds groups."""
PLACE = "n"
"""The place of a row among those of one shape, where a plan bounds groups."""
_BOUNDED = f"{WHOM}, CAST({GROUP} AS BIGINT) AS g, CAST({RANKED} AS BIGINT) AS r, {PLACE}"
_MOST_DIGITS = 18
_MOST_STEPS = 2**53
# Its square, with half a unit more, stays within 64 bits.
_MOST_DISTANCE = 2**31
_OPERATORS = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


@dataclass(frozen=True, slots=True)
class Statement:
    """A SELECT over the registered table ``t`` with its parameters in order."""

    sql: str
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """What one file's rows are put through.

    Args:
        rows: Gives ``(group, integer, ...)``; none when the plan has no aggregates.
        values: For each histogram, gives the group and the value in steps of each row that counts, null
            where it holds none.
        pairs: Gives the group and the person of each row that counts; none when nobody is counted.
        bounded: Gives person, group, rank and place of each row that counts so far; none when groups are not
            bounded.
        gathered: Gives person and group of each row that counts, and for each aggregate a whole number and
            whether there is one; none where rows stay as they are.
    """

    rows: Statement | None
    values: tuple[Statement, ...]
    pairs: Statement | None
    bounded: Statement | None
    gathered: Statement | None = None


def compile_program(plan: ExactAggregation, columns: Mapping[str, tuple[int, Lowered]]) -> Program:
    """Compile every statement of a plan for one lowered schema.

    Args:
        plan: The plan; its keys are already numbers in the group column.
        columns: For each column read, its number and what it became.

    Returns:
        The statements.

    Raises:
        CallerError: As :func:`compile_aggregation`.
    """
    rows = compile_aggregation(plan, columns) if plan.aggregates else None
    values = tuple(_compile_values(plan, one.values, columns) for one in plan.histograms)
    group = f"CAST({GROUP} AS BIGINT) AS g"
    pairs = _compile_picked(f"{group}, {WHOM}", plan, columns) if plan.counts_people else None
    bounded = _compile_picked(_BOUNDED, plan, columns) if plan.bounds_groups else None
    return Program(rows, values, pairs, bounded)


def compile_gathering(plan: ExactAggregation, columns: Mapping[str, tuple[int, Lowered]]) -> Program:
    """Compile what the rows of each person are gathered from, for one lowered schema.

    Args:
        plan: Which rows count, their groups, and what is read of each; its keys are already numbers.
        columns: For each column read, its number and what it became.

    Returns:
        The statements.

    Raises:
        CallerError: As :func:`compile_aggregation`.
    """
    compiler = _Compiler(columns).computing(plan)
    read = [f"CAST({one} AS BIGINT) AS x{at}" for at, one in enumerate(compiler.parts(plan.aggregates))]
    gathered = compiler.statement(", ".join([WHOM, f"CAST({GROUP} AS BIGINT) AS g", *read]), plan)
    bounded = _compile_picked(_BOUNDED, plan, columns) if plan.bounds_groups else None
    return Program(None, (), None, bounded, gathered)


def compile_aggregation(plan: ExactAggregation, columns: Mapping[str, tuple[int, Lowered]]) -> Statement:
    """Compile a plan for one lowered schema.

    Args:
        plan: The plan; its keys are already numbers in the group column.
        columns: For each column read, its number and what it became.

    Returns:
        A statement whose rows are ``(group, integer, ...)``, groups that have no row absent.

    Raises:
        CallerError: ``engine.not-a-number``, ``engine.bounds``, ``engine.literal-type`` or
            ``engine.column-type``.
    """
    compiler = _Compiler(columns).computing(plan)
    picked = ", ".join([GROUP, *(compiler.aggregate(part) for part in plan.aggregates)])
    return compiler.statement(picked, plan, f" GROUP BY {GROUP}")


def _compile_values(
    plan: ExactAggregation, part: SumValues, columns: Mapping[str, tuple[int, Lowered]]
) -> Statement:
    compiler = _Compiler(columns).computing(plan)
    picked = f"CAST({GROUP} AS BIGINT) AS g, CAST({compiler.steps(part)} AS BIGINT) AS s"
    return compiler.statement(picked, plan)


def _compile_picked(
    picked: str, plan: ExactAggregation, columns: Mapping[str, tuple[int, Lowered]]
) -> Statement:
    return _Compiler(columns).computing(plan).statement(picked, plan)


def compile_places(where: Predicate, columns: Mapping[str, tuple[int, Lowered]]) -> Statement:
    """Compile a condition for one lowered schema.

    Args:
        where: The condition.
        columns: For each column read, its number and what it became.

    Returns:
        A statement that gives the place of each row that may count and meets it.

    Raises:
        CallerError: As :func:`compile_aggregation`.
    """
    compiler = _Compiler(columns)
    # Nothing but our own words is in this text.
    sql = f"SELECT {PLACE} FROM t WHERE {GROUP} >= 0 AND {compiler.predicate(where)}"  # noqa: S608
    return Statement(sql, tuple(compiler.parameters))


class _Compiler:
    """Writes expressions and gathers their parameters in the order of the text."""

    def __init__(self, columns: Mapping[str, tuple[int, Lowered]]) -> None:
        self._columns = dict(columns)
        self._before, self._from = "", "t"
        self.parameters: list[Parameter] = []

    def computing(self, plan: ExactAggregation) -> Self:
        """Put the computed columns and keys of a plan beside the columns of the table."""
        layers = Layers(self._apart(self.steps), self._apart(self.predicate))
        for made in plan.computed:
            if made.name in self._columns:
                raise CallerError("engine.column-twice", column=made.name)
            at = len(self._columns)
            layers.compute(made, f"c{at}")
            self._columns[made.name] = at, Lowered(Kind.WHOLE, steps=10**made.digits, low=-MOST, high=MOST)
        layers.number(plan.keys, GROUP, _factors(plan.keys))
        self._before, self._from, parameters = layers.source()
        self.parameters += parameters
        return self

    def _apart(self, write: Callable[[T], str]) -> Callable[[T], Piece]:
        """Write with parameters kept apart from those of the statement."""

        def apart(part: T) -> Piece:
            start = len(self.parameters)
            text = write(part)
            own, self.parameters[start:] = tuple(self.parameters[start:]), []
            return text, own

        return apart

    def statement(self, picked: str, plan: ExactAggregation, after: str = "") -> Statement:
        """Pick something of the rows that count; what is picked has no parameters."""
        # Nothing but our own words and integers is in this text.
        sql = f"{self._before}SELECT {picked} FROM {self._from} WHERE {self.counted(plan)}{after}"  # noqa: S608
        return Statement(sql, tuple(self.parameters))

    def aggregate(self, part: ExactAggregate) -> str:
        if isinstance(part, CountPeople):
            return "0"  # pieces that share a person are counted together, from the pairs
        if isinstance(part, CountRows):
            return self._count(part.column)
        if isinstance(part, SumSquares):
            return self._squares(part)
        return f"sum({self.steps(part)})"

    def parts(self, aggregates: Sequence[ExactAggregate]) -> list[str]:
        """What rows are gathered from: for each aggregate a whole number and 1, or 0 and 0 where none is."""
        written = []
        for part in aggregates:
            if isinstance(part, SumValues):
                steps = self.steps(part)
                written += [f"coalesce({steps}, 0)", f"({steps}) IS NOT NULL"]
            else:
                held = "TRUE" if part.column is None else self._holds(part.column)
                written += [held, held]
        return written

    def _squares(self, part: SumSquares) -> str:
        if part.unit < 1 or part.distance > _MOST_DISTANCE:
            raise CallerError("engine.bounds", column=part.column, digits=part.values.digits)
        away = f"(CAST({self.steps(part.values)} AS BIGINT) - ({part.midpoint}))"
        return f"sum(({away} * {away} + {part.unit // 2}) // {part.unit})"

    def counted(self, plan: ExactAggregation) -> str:
        """Whether a row counts."""
        return f"{GROUP} >= 0" + ("" if plan.where is None else f" AND {self.predicate(plan.where)}")

    def steps(self, part: SumValues) -> str:
        """A value in fixed point, clamped; null where there is none."""
        number, lowered = self._columns[part.column]
        low, high = _bounds(part)
        if lowered.kind is Kind.EMPTY:
            return "CAST(NULL AS BIGINT)"
        if lowered.kind is Kind.REAL:
            return _real_steps(f"c{number}", part.digits, low, high)
        if lowered.is_number:
            return f"({_whole_steps(_whole(number, lowered), lowered, part.digits, low, high)})"
        raise CallerError("engine.not-a-number", column=part.column)

    def _count(self, name: str | None) -> str:
        if name is None:
            return "count(*)"
        number, lowered = self._columns[name]
        if lowered.kind in {Kind.REAL, Kind.EMPTY}:
            return f"count(*) FILTER ({self._holds(name)})"
        return f"count(c{number})"

    def predicate(self, part: Predicate) -> str:
        match part:
            case Compare(op=op, column=column, literal=literal):
                return self._compare(column.name, op, literal.value)
            case IsIn(column=column, values=values):
                return self._is_in(column.name, [value.value for value in values])
            case IsNull(column=column):
                return f"(NOT {self._holds(column.name)})"
            case Not(inner=inner):
                return f"(NOT {self.predicate(inner)})"
            case AllOf(parts=parts):
                return "(" + (" AND ".join(self.predicate(one) for one in parts) or "TRUE") + ")"
            case AnyOf(parts=parts):
                return "(" + (" OR ".join(self.predicate(one) for one in parts) or "FALSE") + ")"

    def _holds(self, name: str) -> str:
        """Whether a column holds a value: never null itself, and false for NaN and infinities."""
        number, lowered = self._columns[name]
        if lowered.kind is Kind.EMPTY:
            return "FALSE"
        if lowered.kind is Kind.REAL:
            return f"coalesce(isfinite(c{number}), FALSE)"
        return f"(c{number} IS NOT NULL)"

    def _compare(self, name: str, op: str, value: object) -> str:
        number, lowered = self._columns[name]
        point = point_of(lowered, value, name)  # type: ignore[arg-type]
        if point is None:
            return "FALSE"
        if isinstance(point, Fraction):
            return self._whole_compare(name, op, point)
        return f"({self._holds(name)} AND c{number} {_OPERATORS[op]} {self._constant(point)})"

    def _whole_compare(self, name: str, op: str, point: Fraction) -> str:
        number, lowered = self._columns[name]
        floor = point.numerator // point.denominator
        if point.denominator != 1:
            # Between two steps: v < p and v <= p both mean v <= floor(p); above likewise.
            if op in {"=", "!="}:
                return "FALSE" if op == "=" else self._holds(name)
            op = "<=" if op in {"<", "<="} else ">"
        if not lowered.low <= floor <= lowered.high:
            is_above = floor > lowered.high
            is_true = op == "!=" or (op in {"<", "<="} if is_above else op in {">", ">="})
            return self._holds(name) if is_true else "FALSE"
        bound = _integer(floor, lowered)
        return f"({self._holds(name)} AND {_whole(number, lowered)} {_OPERATORS[op]} {bound})"

    def _is_in(self, name: str, values: list[object]) -> str:
        number, lowered = self._columns[name]
        points = [point_of(lowered, value, name) for value in values]  # type: ignore[arg-type]
        constants = [self._member(lowered, point) for point in points if _fits(lowered, point)]
        if not constants:
            return "FALSE"
        left = _whole(number, lowered) if lowered.kind is Kind.WHOLE else f"c{number}"
        return f"({self._holds(name)} AND {left} IN ({', '.join(constants)}))"

    def _member(self, lowered: Lowered, point: Point) -> str:
        if isinstance(point, Fraction):
            return _integer(point.numerator, lowered)
        return self._constant(point)

    def _constant(self, point: Point) -> str:
        if isinstance(point, float):
            self.parameters.append(point)
            return "CAST(? AS DOUBLE)"
        self.parameters.append(str(point))
        return "CAST(? AS VARCHAR)"


def _factors(keys: Sequence[KeyDomain]) -> list[int]:
    """Tell for each key how far apart the group numbers of its next places lie; the last is fastest."""
    factors = [1]
    for key in reversed(keys[1:]):
        factors.append(factors[-1] * len(key.values))
    return factors[::-1] if keys else []


def _fits(lowered: Lowered, point: Point) -> bool:
    if isinstance(point, Fraction):
        return point.denominator == 1 and lowered.low <= point <= lowered.high
    return point is not None


def _sql_type(lowered: Lowered) -> str:
    return "HUGEINT" if lowered.is_wide else "BIGINT"


def _whole(number: int, lowered: Lowered) -> str:
    # A wide decimal past its own digits would fail a plain cast.
    return f"{'TRY_CAST' if lowered.is_wide else 'CAST'}(c{number} AS {_sql_type(lowered)})"


def _integer(value: int, lowered: Lowered) -> str:
    return f"CAST({value} AS {_sql_type(lowered)})"


def _bounds(part: SumValues) -> tuple[int, int]:
    """Turn clamping bounds into steps; small enough for doubles and 64 bits to hold each exactly."""
    clamp, digits = part.clamp, part.digits
    if 0 <= digits <= _MOST_DIGITS and clamp.lower <= clamp.upper:
        # Python rounds half to even, exactly.
        low, high = (round(Fraction(bound) * 10**digits) for bound in (clamp.lower, clamp.upper))
        if low >= -_MOST_STEPS and high <= _MOST_STEPS:
            return low, high
    raise CallerError("engine.bounds", column=part.column, digits=digits)


def _clamped(expression: str, low: str, high: str) -> str:
    """Clamp and keep null: ``greatest`` and ``least`` would turn a null into a bound."""
    below, above = f"WHEN {expression} < {low} THEN {low}", f"WHEN {expression} > {high} THEN {high}"
    return f"CASE {below} {above} ELSE {expression} END"


def _real_steps(column: str, digits: int, low: int, high: int) -> str:
    scaled = f"{column} * CAST({10**digits} AS DOUBLE)"
    inside = f"least(CAST({high} AS DOUBLE), greatest(CAST({low} AS DOUBLE), {scaled}))"
    # This cast rounds half to even; a test holds it to that.
    return f"CASE WHEN isfinite({column}) THEN CAST({inside} AS BIGINT) END"


def _whole_steps(value: str, lowered: Lowered, digits: int, low: int, high: int) -> str:
    """Scale an integer column: clamping first keeps each product and quotient inside its type."""
    ones = 10**digits
    if ones == lowered.steps:
        return _clamped(value, _integer(low, lowered), _integer(high, lowered))
    if ones > lowered.steps:
        factor = ones // lowered.steps
        # The outer clamp makes up for the inner one, whose bounds fall between two steps.
        inner = _clamped(value, _integer(low // factor, lowered), _integer(-(-high // factor), lowered))
        return _clamped(f"(({inner}) * {factor})", str(low), str(high))
    divisor = lowered.steps // ones
    return _clamp_and_divide(value, lowered, divisor, low, high)


def _clamp_and_divide(value: str, lowered: Lowered, divisor: int, low: int, high: int) -> str:
    """Clamp in the column's own steps, then divide; bounds past the type decide every row."""
    if low * divisor > lowered.high:
        return f"CASE WHEN {value} IS NOT NULL THEN {low} END"
    if high * divisor < lowered.low:
        return f"CASE WHEN {value} IS NOT NULL THEN {high} END"
    least, most = max(lowered.low, low * divisor), min(lowered.high, high * divisor)
    return _divided(f"({_clamped(value, _integer(least, lowered), _integer(most, lowered))})", divisor)


def _divided(value: str, divisor: int) -> str:
    """Divide by a power of ten and round half to even; SQL division cuts toward zero."""
    half = divisor // 2
    quotient, rest = f"({value} // {divisor})", f"({value} % {divisor})"
    away = f"abs({rest}) > {half} OR (abs({rest}) = {half} AND {quotient} % 2 <> 0)"
    return f"{quotient} + CASE WHEN {away} THEN sign({value}) ELSE 0 END"
