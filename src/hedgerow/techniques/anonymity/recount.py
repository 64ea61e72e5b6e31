"""Counts a finished table anew, by other code than the search's, and tells what it reaches of each model.

Classes are read off the released cells; nothing of the search, its codes or its groupings is used.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.hierarchies import canonical
from hedgerow.kernel.anonymity.populations import k_in_sample
from hedgerow.kernel.anonymity.uniqueness import unique_share
from hedgerow.model.anonymity import ANY_VALUE, Hierarchy, Reached, ReleaseParameters
from hedgerow.model.budget import show_exact
from hedgerow.model.criteria import (
    AverageRisk,
    BetaLikeness,
    DeltaPresence,
    DistinctL,
    EntropyL,
    KMap,
    Model,
    PopulationUniqueness,
    RecursiveL,
    TCloseness,
)
from hedgerow.model.errors import Fault
from hedgerow.model.words import many
from hedgerow.techniques.anonymity.columns import coded, texts

Cell: TypeAlias = tuple[Any, ...]
Classes: TypeAlias = Mapping[Cell, Counter[Any]]

_ROUNDING = 1e-9
_PLACES = 6


@dataclass(frozen=True)
class Finished:
    """A finished table with what it is counted against.

    Args:
        table: The rows that leave.
        raw: All rows as they were, with the sensitive columns.
        asked: What was asked.
        people: Person of each row of ``table``, -1 for unknown, or none.
        population: One row per person of the population, or none.
        ladders: Per quasi-identifier its hierarchy and the level released; needed with a population.
    """

    table: pa.Table = field(repr=False)
    raw: pa.Table = field(repr=False)
    asked: ReleaseParameters
    people: Sequence[int] | None = field(default=None, repr=False)
    population: pa.Table | None = field(default=None, repr=False)
    ladders: Mapping[str, tuple[Hierarchy, int]] = field(default_factory=dict, repr=False)

    @cached_property
    def cells(self) -> list[Cell]:
        """The released quasi-identifiers of each row."""
        return list(zip(*(self.table[name].to_pylist() for name in self.asked.quasi), strict=True))

    @cached_property
    def members(self) -> Mapping[Cell, int]:
        """People of each class, or rows where each is a person of its own."""
        if self.people is None:
            return Counter(self.cells)
        found: defaultdict[Cell, set[int]] = defaultdict(set)
        for cell, person in zip(self.cells, self.people, strict=True):
            found[cell] |= {person} if person >= 0 else set()
        return {cell: len(people) for cell, people in found.items()}

    @property
    def everybody(self) -> int:
        """People of the raw table."""
        if self.asked.person is None:
            return int(self.raw.num_rows)
        return len(coded(self.raw, self.asked.person).distinct)

    def classes(self, column: str) -> Classes:
        """The known values of a sensitive column in each class."""
        found: defaultdict[Cell, Counter[Any]] = defaultdict(Counter)
        grouped = self.table.group_by([*self.asked.quasi, column]).aggregate([([], "count_all")])
        for *cell, value, count in zip(*(each.to_pylist() for each in grouped.columns), strict=True):
            found[tuple(cell)].update({} if value is None else {value: count})
        return found

    def whole(self, column: str) -> Counter[Any]:
        """How often each value occurs over all rows, dropped ones among them."""
        grouped = coded(self.raw, column)
        counts = np.bincount(grouped.codes[grouped.codes >= 0], minlength=len(grouped.distinct))
        return Counter(dict(zip(grouped.distinct, counts.tolist(), strict=True)))

    def outside(self) -> Counter[Cell]:
        """People of the population by the class they would stand in."""
        columns: list[list[Any]] = []
        for name in self.asked.quasi:
            hierarchy, level = self.ladders[name]
            columns.append([_label(hierarchy, level, text) for text in texts(self.population, name)])
        return Counter(zip(*columns, strict=True))

    def as_text(self) -> dict[Cell, int]:
        """People of each class, its cells as text, so that they compare with the population's."""
        return {tuple(None if part is None else canonical(part) for part in cell): number
                for cell, number in self.members.items()}  # fmt: skip

    @property
    def population_size(self) -> int:
        """People of the population."""
        return int(self.population.num_rows) if self.population is not None else self.asked.population or 0


def _label(hierarchy: Hierarchy, level: int, text: str | None) -> str | None:
    if level == hierarchy.top:
        return ANY_VALUE
    if text is None or level == 0:
        return text
    return hierarchy.labels[level - 1][hierarchy.maps[level - 1][hierarchy.values.index(text)]]


def recounted(finished: Finished) -> tuple[Reached, ...]:
    """Count each model that was asked anew.

    Args:
        finished: The table.

    Returns:
        What it reaches of each.

    Raises:
        Fault: ``anonymity.recount`` where one does not hold.
    """
    return tuple(_of(finished, model) for model in finished.asked.models)


def _of(finished: Finished, model: Model) -> Reached:
    found = _COUNTS[type(model)](finished, model)
    if not found.holds:
        raise Fault("anonymity.recount")
    return Reached(str(model), found.figure, found.said)


@dataclass(frozen=True, slots=True)
class _Count:
    figure: str
    said: str
    holds: bool


_FAILED = _Count("none", "", holds=False)


def _distinct(finished: Finished, model: DistinctL) -> _Count:
    least = min(len(values) for values in finished.classes(model.column).values())
    said = f"{model.column}: at least {least} different values in each class"
    return _Count(str(least), said, least >= model.l)


def _entropy(finished: Finished, model: EntropyL) -> _Count:
    classes = finished.classes(model.column).values()
    if not all(classes):
        return _FAILED
    reached = min(math.exp(_nats(values)) for values in classes)
    shown = _down(reached)
    said = f"{model.column}: at least the entropy of {shown} equally frequent values in each class"
    return _Count(shown, said, reached >= float(model.l))


def _nats(values: Counter[Any]) -> float:
    rows = values.total()
    return -math.fsum(count / rows * math.log(count / rows) for count in values.values())


def _recursive(finished: Finished, model: RecursiveL) -> _Count:
    worst = Fraction(0)
    for values in finished.classes(model.column).values():
        ranked = sorted(values.values(), reverse=True)
        rest = sum(ranked[model.l - 1 :])
        if not rest:
            return _FAILED
        worst = max(worst, Fraction(ranked[0], rest))
    shown = show_exact(worst, _PLACES)
    said = (
        f"{model.column}: the most frequent value of a class has at most {shown} times the rows of those"
        f" from the {model.l}. place on"
    )
    return _Count(shown, said, worst < model.c)


def _closeness(finished: Finished, model: TCloseness) -> _Count:
    whole, hierarchy = finished.whole(model.column), dict(finished.asked.hierarchies).get(model.column)
    classes = finished.classes(model.column).values()
    if not all(classes):
        return _FAILED
    distance = _distance(model, whole, hierarchy)
    furthest = max(map(distance, classes))
    shown = _up(furthest)
    said = f"{model.column}: each class is within {shown} of all rows ({model.distance} distance)"
    return _Count(shown, said, furthest <= float(model.t) + _ROUNDING)


def _distance(
    model: TCloseness, whole: Counter[Any], hierarchy: Hierarchy | None
) -> Callable[[Counter[Any]], float]:
    if model.distance == "equal":
        return lambda values: _apart(values, whole)
    if model.distance == "hierarchical" and hierarchy is not None:
        return lambda values: _climbed(values, whole, hierarchy)
    place = {text: number for number, text in enumerate(hierarchy.values)} if hierarchy else None
    in_order = sorted(whole, key=lambda value: place[canonical(value)] if place else value)
    total = whole.total()

    def ordered(values: Counter[Any]) -> float:
        moved = running = 0.0
        for value in in_order[:-1]:
            running += values[value] / values.total() - whole[value] / total
            moved += abs(running)
        return moved / max(len(in_order) - 1, 1)

    return ordered


def _apart(values: Counter[Any], whole: Counter[Any]) -> float:
    rows, total = values.total(), whole.total()
    # Half of all differences, of values that the class lacks as well; the search adds the gains alone.
    return math.fsum(abs(values[value] / rows - count / total) for value, count in whole.items()) / 2


def _climbed(values: Counter[Any], whole: Counter[Any], hierarchy: Hierarchy) -> float:
    levels = range(hierarchy.top)
    steps = (_apart(_grouped(values, hierarchy, at), _grouped(whole, hierarchy, at)) for at in levels)
    return math.fsum(steps) / hierarchy.top


def _grouped(values: Counter[Any], hierarchy: Hierarchy, level: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for value, count in values.items():
        found[_label(hierarchy, level, canonical(value))] += count
    return found


def _likeness(finished: Finished, model: BetaLikeness) -> _Count:
    whole = finished.whole(model.column)
    total, most, holds = whole.total(), Fraction(0), True
    for values in finished.classes(model.column).values():
        holds &= bool(values)
        for value, count in values.items():
            gain = Fraction(count * total, values.total() * whole[value]) - 1
            most = max(most, gain)
            bound = -math.log(whole[value] / total)
            holds &= not model.is_enhanced or gain <= 0 or float(gain) <= bound
    shown = show_exact(most, _PLACES)
    said = f"{model.column}: no value's share in a class exceeds that in all rows by over {shown} times it"
    return _Count(shown, said, holds and most <= model.beta)


def _average(finished: Finished, model: AverageRisk) -> _Count:
    average = Fraction(len(finished.members), sum(finished.members.values()))
    shown = show_exact(average, _PLACES)
    return _Count(shown, f"average chance to pick a person's row: {shown}", average <= model.most)


def _uniqueness(finished: Finished, model: PopulationUniqueness) -> _Count:
    members = np.asarray(sorted(finished.members.values()), dtype=np.int64)
    share = unique_share(members[members > 0], finished.population_size, model.estimator)
    if math.isnan(share):
        return _FAILED
    shown = _up(share)
    said = f"estimated share of the population that is unique in it: {shown}"
    return _Count(shown, said, share <= float(model.most))


def _mapped(finished: Finished, model: KMap) -> _Count:
    if model.significance is None:
        around = finished.outside()
        least = min(around[cell] for cell in finished.as_text())
        said = f"each row looks like at least {many(least, 'person', 'people')} of the population"
        return _Count(str(least), said, least >= model.k)
    needed = k_in_sample(model.k, finished.everybody / finished.population_size, model.significance)
    least = min(finished.members.values())
    said = (
        f"at least {many(least, 'person', 'people')} in each class; by the estimate {needed} do for"
        f" {model.k} in a population of {finished.population_size}"
    )
    return _Count(str(least), said, least >= needed)


def _presence(finished: Finished, model: DeltaPresence) -> _Count:
    around, members = finished.outside(), finished.as_text()
    cells = set(chain(around, members)) if model.least else set(members)
    if not all(around[cell] for cell in cells):
        return _FAILED
    shares = [Fraction(members.get(cell, 0), around[cell]) for cell in cells]
    shown = f"{_down(float(min(shares)))} to {show_exact(max(shares), _PLACES)}"
    holds = model.least <= min(shares) and max(shares) <= model.most
    return _Count(shown, f"share of the people of a class who are in the table: {shown}", holds)


def _up(value: float) -> str:
    return show_exact(Fraction(max(value, 0.0)), _PLACES)


def _down(value: float) -> str:
    text = f"{math.floor(value * 10**_PLACES + _ROUNDING * 10**_PLACES) / 10**_PLACES:.{_PLACES}f}"
    return text.rstrip("0").rstrip(".")


_COUNTS: Mapping[type, Callable[[Finished, Any], _Count]] = {
    DistinctL: _distinct,
    EntropyL: _entropy,
    RecursiveL: _recursive,
    TCloseness: _closeness,
    BetaLikeness: _likeness,
    AverageRisk: _average,
    PopulationUniqueness: _uniqueness,
    KMap: _mapped,
    DeltaPresence: _presence,
}
