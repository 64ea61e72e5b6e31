"""Expressions on columns as whole-number arithmetic that no engine rounds and none can let overflow.

How large each value can become follows from the bounds of the columns: what could pass 64 bits is refused.
A value that another needs more than once is written once, in a layer of its own. Nothing divides but exactly:
what is left over is taken off first. Constants are integers, each in a type of 64 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from typing import NamedTuple, cast

from hedgerow.kernel.transpile.conditions import Scope, condition
from hedgerow.kernel.transpile.fixed import is_rounded, rounded, scaled
from hedgerow.kernel.transpile.known import Known
from hedgerow.model.errors import CallerError
from hedgerow.model.expressions import (
    Cases,
    Expression,
    Extreme,
    Filled,
    Floor,
    Plus,
    Steps,
    Times,
    Whole,
    is_safe,
    reach,
)
from hedgerow.model.plans import Computed, ExactAggregation, KeyDomain, predicate_columns

KNOWN = Known()
KNOWN.part(Computed, "name", "expression", "digits")
_MOST_DIGITS = 9
_APART = "\0"  # in no name of a column of a table


class Word(NamedTuple):
    """Words for a value, and the first layer whose columns they may stand among."""

    text: str
    layer: int


def with_places(plan: ExactAggregation) -> ExactAggregation:
    """Give each computed key a column with its place among the declared keys.

    Args:
        plan: What is computed.

    Returns:
        The same plan; each of its keys is a column, of the table or computed.
    """
    named = [(f"{key.column}{_APART}{at}", key) for at, key in enumerate(plan.keys)]
    places = (Computed(name, key.place) for name, key in named if key.place is not None)
    keys = (
        key if key.place is None else KeyDomain(name, tuple(range(len(key.values)))) for name, key in named
    )
    return replace(plan, keys=tuple(keys), computed=(*plan.computed, *places))


class Layers:
    """Columns made of others, layer upon layer, each value once.

    Args:
        scope: What the statement reads; it knows the computed columns.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._layers: list[list[str]] = []
        self._known: dict[str, Word] = {}
        self._since: dict[str, int] = {}

    def make(self, made: Computed) -> None:
        """Make a computed column.

        Args:
            made: Reads columns of the table and computed columns that were made before.

        Raises:
            CallerError: ``engine.bounds`` where a value could pass what 64 bits hold, and what else cannot be
                written.
        """
        if not 0 <= made.digits <= _MOST_DIGITS or not is_safe(made.expression):
            name = made.name.partition(_APART)[0]
            raise CallerError("engine.bounds", column=name, digits=made.digits)
        value = self.word(made.expression)
        self._put(value, self.scope.column(made.name)[0])
        self._since[made.name] = value.layer + 1

    def steps(self, first: str, carried: str) -> Iterator[tuple[str, str]]:
        """Write the layers.

        Args:
            first: The step they read.
            carried: The columns to carry on, in words.

        Yields:
            Name and words of each step; the last holds those columns alone.
        """
        # The planner of PostgreSQL would write each value again wherever it is used.
        fence = " OFFSET 0" if self.scope.words.dialect == "postgres" else ""
        # Nothing but our own words and integers is in this text.
        for at, layer in enumerate(self._layers):
            made = ", ".join(layer)
            yield f"layer{at}", f"SELECT {first}.*, {made} FROM {first}{fence}"  # noqa: S608
            first = f"layer{at}"
        yield "bounded", f"SELECT {carried} FROM {first}"  # noqa: S608

    def word(self, expression: Expression) -> Word:
        """Write an expression."""
        return cast("Word", KNOWN.function(expression)(self, expression))

    def once(self, value: Word) -> Word:
        """Write a value once, for whoever needs it more often."""
        if value.text not in self._known:
            name = f"e{len(self._known)}"
            self._put(value, name)
            self._known[value.text] = Word(name, value.layer + 1)
        return self._known[value.text]

    def since(self, *columns: str) -> int:
        """Tell the first layer that may read all of so many columns."""
        return max((self._since.get(name, 0) for name in columns), default=0)

    def _put(self, value: Word, name: str) -> None:
        while len(self._layers) <= value.layer:
            self._layers.append([])
        self._layers[value.layer].append(f"{value.text} AS {name}")


def _constant(value: int | None) -> str:
    return f"CAST({'NULL' if value is None else value} AS BIGINT)"


@KNOWN.compiles(Steps, "values")
def _steps(layers: Layers, part: Steps) -> Word:
    scope, values = layers.scope, part.values
    value = Word(scaled(scope, values, is_summed=False), layers.since(values.column))
    if is_rounded(scope, values):
        return value
    near = layers.once(value)
    floor = layers.once(Word(f"FLOOR({near.text})", near.layer))
    return Word(f"({rounded(scope, values, near.text, floor.text)})", floor.layer)


@KNOWN.compiles(Whole, "value")
def _whole(_layers: Layers, part: Whole) -> Word:
    return Word(_constant(part.value), 0)


@KNOWN.compiles(Plus, "left", "right")
def _plus(layers: Layers, part: Plus) -> Word:
    return _both(layers, part, "+")


@KNOWN.compiles(Times, "left", "right")
def _times(layers: Layers, part: Times) -> Word:
    return _both(layers, part, "*")


def _both(layers: Layers, part: Plus | Times, operator: str) -> Word:
    left, right = layers.word(part.left), layers.word(part.right)
    return Word(f"({left.text} {operator} {right.text})", max(left.layer, right.layer))


@KNOWN.compiles(Floor, "inner", "divisor")
def _floor(layers: Layers, part: Floor) -> Word:
    """Divide a value that was lifted above zero: there every engine's remainder is the same."""
    value, ends = layers.word(part.inner), reach(part.inner)
    if part.divisor == 1 or ends is None:
        return value
    lifts = max(0, -(ends[0] // part.divisor))
    by = _constant(part.divisor)
    above = layers.once(Word(f"({value.text} + {_constant(lifts * part.divisor)})", value.layer))
    whole = f"CAST(({above.text} - {above.text} % {by}) // {by} AS BIGINT)"
    return Word(f"({whole} - {_constant(lifts)})", above.layer)


@KNOWN.compiles(Extreme, "parts", "is_greatest")
def _extreme(layers: Layers, part: Extreme) -> Word:
    """Compare two by two: engines' own functions differ in what they do with null."""
    first, second = (">=", "<") if part.is_greatest else ("<=", ">")

    def of_two(left: Word, right: Word) -> Word:
        one, other = layers.once(left), layers.once(right)
        chosen = f"WHEN {one.text} {first} {other.text} THEN {one.text}"
        chosen += f" WHEN {one.text} {second} {other.text} THEN {other.text}"
        return Word(f"CASE {chosen} END", max(one.layer, other.layer))

    return reduce(of_two, (layers.word(each) for each in part.parts))


@KNOWN.compiles(Filled, "inner", "constant")
def _filled(layers: Layers, part: Filled) -> Word:
    value = layers.word(part.inner)
    return Word(f"COALESCE({value.text}, {_constant(part.constant)})", value.layer)


@KNOWN.compiles(Cases, "branches", "otherwise")
def _cases(layers: Layers, part: Cases) -> Word:
    other = layers.word(part.otherwise)
    if not part.branches:
        return other
    texts, layer = [], other.layer
    for met, branch in part.branches:
        value = layers.word(branch)
        layer = max(layer, value.layer, layers.since(*predicate_columns(met)))
        texts.append(f"WHEN {condition(layers.scope, met)} THEN {value.text}")
    return Word(f"CASE {' '.join(texts)} ELSE {other.text} END", layer)
