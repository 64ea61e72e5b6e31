"""Write expressions on columns as SQL: each value once, in layers of sub-queries, with no way to fail.

An expression that is used several times inside another would double the text at each level. So every value
gets a column of its own (``x0``), and what is made of it stands one layer further out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

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
    children,
    is_safe,
    reach,
)
from hedgerow.model.plans import predicate_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hedgerow.model.plans import Computed, KeyDomain, Predicate, SumValues

Piece: TypeAlias = "tuple[str, tuple[str | float, ...]]"
"""Text and its parameters, in the order of the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its column and the layer from which on it can be read."""

    column: str
    layer: int


class Layers:
    """Gathers the columns that expressions need, layer upon layer.

    Args:
        steps: Writes a column of the data set in fixed point.
        condition: Writes a condition.
    """

    def __init__(self, steps: Callable[[SumValues], Piece], condition: Callable[[Predicate], Piece]) -> None:
        self._steps = steps
        self._condition = condition
        self._known: dict[Expression, Place] = {}
        self._named: dict[str, int] = {}
        self._layers: list[list[Piece]] = []

    def compute(self, made: Computed, column: str) -> None:
        """Add a computed column.

        Args:
            made: What it is.
            column: The column it becomes.
        """
        place = self._place(made.expression, made.name)
        self._named[made.name] = self._put(place.layer, (f"{place.column} AS {column}", ()))

    def number(self, keys: Iterable[KeyDomain], group: str, factors: Iterable[int]) -> None:
        """Add the places of computed keys to the number of a row's group: -1 where one is missing.

        Args:
            keys: The keys, computed and others.
            group: The column of group numbers, to which other keys were added.
            factors: For each key, how far apart the numbers of its next places lie.
        """
        made = [
            (self._place(key.place, key.column), factor, len(key.values))
            for key, factor in zip(keys, factors, strict=True)
            if key.place is not None
        ]
        if not made:
            return
        known = " AND ".join(f"{at.column} BETWEEN 0 AND {count - 1}" for at, _, count in made)
        added = " + ".join(f"{at.column} * {factor}" for at, factor, _ in made)
        number = f"CASE WHEN {group} >= 0 AND {known} THEN CAST({group} AS BIGINT) + {added} ELSE -1 END"
        self._layers.append([(f"* REPLACE ({number} AS {group})", ())])

    def source(self) -> tuple[str, str, tuple[str | float, ...]]:
        """Write the layers.

        Returns:
            What stands before SELECT, what stands after FROM, and the parameters of the former.
        """
        written, parameters, below = [], [], "t"
        for number, pieces in enumerate(self._layers):
            texts = [text for text, _ in pieces]
            picked = ", ".join(texts if texts[0].startswith("* ") else ["*", *texts])
            # Nothing but our own words and integers is in this text.
            written.append(f"l{number} AS (SELECT {picked} FROM {below})")  # noqa: S608
            parameters += [one for _, held in pieces for one in held]
            below = f"l{number}"
        return (f"WITH {', '.join(written)} " if written else ""), below, tuple(parameters)

    def _put(self, layer: int, piece: Piece) -> int:
        """Write a column into a layer; give the layer from which on it can be read."""
        while len(self._layers) <= layer:
            self._layers.append([])
        self._layers[layer].append(piece)
        return layer + 1

    def _place(self, expression: Expression, name: str) -> Place:
        if not is_safe(expression):
            raise CallerError("engine.bounds", column=name, digits=0)
        return self._stand(expression)

    def _stand(self, expression: Expression) -> Place:
        if expression not in self._known:
            inner = [self._stand(child) for child in children(expression)]
            text, parameters, layer = self._written(expression, [place.column for place in inner])
            layer = max([layer, *(place.layer for place in inner)])
            column = f"x{len(self._known)}"
            cast = f"CAST({text} AS BIGINT) AS {column}"
            self._known[expression] = Place(column, self._put(layer, (cast, parameters)))
        return self._known[expression]

    def _written(self, expression: Expression, inner: list[str]) -> tuple[str, tuple[str | float, ...], int]:
        """Write one value over columns that stand already."""
        match expression:
            case Steps(values=values):
                text, parameters = self._steps(values)
                return text, parameters, self._named.get(values.column, 0)
            case Cases():
                return self._cases(expression, inner)
        return _plain(expression, inner), (), 0

    def _cases(self, expression: Cases, inner: list[str]) -> tuple[str, tuple[str | float, ...], int]:
        written = [self._condition(condition) for condition, _ in expression.branches]
        whens = [f"WHEN {text} THEN {value}" for (text, _), value in zip(written, inner, strict=False)]
        read = {name for condition, _ in expression.branches for name in predicate_columns(condition)}
        layer = max((self._named.get(name, 0) for name in read), default=0)
        text = f"CASE {' '.join(whens)} ELSE {inner[-1]} END" if whens else inner[-1]
        return text, tuple(one for _, held in written for one in held), layer


def _plain(expression: Expression, inner: list[str]) -> str:
    match expression:
        case Whole(value=value):
            return "NULL" if value is None else str(value)
        case Plus():
            return f"{inner[0]} + {inner[1]}"
        case Times():
            return f"{inner[0]} * {inner[1]}"
        case Floor(inner=of, divisor=divisor):
            return _floor(inner[0], reach(of), divisor)
        case Filled(constant=constant):
            return f"coalesce({inner[0]}, {constant})"
        case Extreme(is_greatest=is_greatest):
            # Both leave nulls out, and so would tell a bound where a value is missing.
            missing = " OR ".join(f"{one} IS NULL" for one in inner)
            found = f"{'greatest' if is_greatest else 'least'}({', '.join(inner)})"
            return f"CASE WHEN NOT ({missing}) THEN {found} END"
    return inner[0]


def _floor(value: str, ends: tuple[int, int] | None, divisor: int) -> str:
    """Divide and round down: SQL cuts toward zero, so values are moved above it first."""
    if ends is None:
        return "NULL"
    moved = max(0, -(ends[0] // divisor))
    return f"({value} + {moved * divisor}) // {divisor} - {moved}"
