"""The privacy models that were asked, as tests of the classes of one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.coding import Ints, Tuples
from hedgerow.kernel.anonymity.criteria import ClassCriterion, DistinctValues, TableCriterion
from hedgerow.kernel.anonymity.grouping import Pairs, distinct_pairs
from hedgerow.kernel.anonymity.populations import (
    FewUnique,
    KMapped,
    LeastMembers,
    MeanRisk,
    NobodyAbsent,
    Present,
    k_in_sample,
)
from hedgerow.kernel.anonymity.sensitive import Closeness, EntropyValues, Likeness, RecursiveValues
from hedgerow.model.anonymity import ReleaseParameters
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
    SensitiveModel,
    TCloseness,
)
from hedgerow.model.errors import CallerError
from hedgerow.techniques.anonymity.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class Tests:
    """What the search asks of each class and of the whole table.

    Args:
        pairs: Values of each distinct tuple, per column that a test reads.
        tallies: Further counts of each distinct tuple.
        criteria: Tests of each class.
        table_criteria: Tests of the whole table.
    """

    pairs: tuple[Pairs, ...] = field(default=(), repr=False)
    tallies: tuple[Ints, ...] = field(default=(), repr=False)
    criteria: tuple[ClassCriterion, ...] = ()
    table_criteria: tuple[TableCriterion, ...] = ()


def tests_of(
    asked: ReleaseParameters,
    tuples: Tuples,
    sensitive: Mapping[str, Sensitive],
    people: Ints | None,
    population: Ints | None,
    weights: Ints | None,
) -> Tests:
    """Turn what is asked into tests.

    Args:
        asked: Columns, k and models.
        tuples: The table's distinct tuples, those of a population among them.
        sensitive: The sensitive columns.
        people: Person of each row, or none.
        population: People of the population per distinct tuple, or none.
        weights: Rows that each row of the table stands for; one each without it.

    Returns:
        The tests.

    Raises:
        CallerError: ``anonymity.model-*`` for a model that the columns or the population do not fit.
    """
    return _Builder(asked, tuples, sensitive, people, population, weights).built()


def check_local(asked: ReleaseParameters) -> None:
    """Refuse models of a population's table, which classes with levels of their own are not tried against.

    Args:
        asked: The parameters.

    Raises:
        CallerError: ``anonymity.method-model``.
    """
    for model in asked.models:
        if is_of_population(model):
            raise CallerError("anonymity.method-model", model=str(model))


def is_of_population(model: Model) -> bool:
    """Tell whether a model needs a table of the population."""
    return isinstance(model, DeltaPresence) or (isinstance(model, KMap) and model.significance is None)


def population_size(asked: ReleaseParameters, population: Ints | None) -> int | None:
    """Tell how many people the population has.

    Args:
        asked: Its size, where given.
        population: People per distinct tuple, or none.

    Returns:
        Their number, none where unknown.
    """
    return asked.population if population is None else int(population.sum())


class _Builder:
    def __init__(
        self,
        asked: ReleaseParameters,
        tuples: Tuples,
        sensitive: Mapping[str, Sensitive],
        people: Ints | None,
        population: Ints | None,
        weights: Ints | None,
    ) -> None:
        self.asked, self.tuples, self.sensitive = asked, tuples, sensitive
        self.people, self.population, self.weights = people, population, weights
        self.pairs: list[Pairs] = []
        self.places: dict[str, int] = {}
        self.criteria: list[ClassCriterion] = []
        self.table_criteria: list[TableCriterion] = []

    def built(self) -> Tests:
        """Add each test in turn; distinct people first, since that is told by place 0."""
        if self.people is not None:
            self.pairs.append(distinct_pairs(self.tuples.of_row, self.people))
            self.criteria.append(DistinctValues(0, self.asked.k))
        if self.asked.l is not None:
            for name in self.asked.sensitive:
                self.criteria.append(DistinctValues(self.place(name), self.asked.l))
        for model in self.asked.models:
            if isinstance(model, DistinctL | EntropyL | RecursiveL | TCloseness | BetaLikeness):
                self.criteria.append(self.of_values(model))
            else:
                self.of_table(model)
        tallies = () if self.population is None else (self.population,)
        return Tests(tuple(self.pairs), tallies, tuple(self.criteria), tuple(self.table_criteria))

    def place(self, name: str) -> int:
        """The place of a sensitive column among the pairs."""
        if name not in self.places:
            self.places[name] = len(self.pairs)
            self.pairs.append(distinct_pairs(self.tuples.of_row, self.sensitive[name].codes, self.weights))
        return self.places[name]

    @property
    def member(self) -> int | None:
        """The place of the person among the pairs."""
        return None if self.people is None else 0

    def of_values(self, model: SensitiveModel) -> ClassCriterion:
        """The test of a model about a sensitive column."""
        column, place = self.sensitive[model.column], self.place(model.column)
        match model:
            case DistinctL():
                return DistinctValues(place, model.l)
            case EntropyL():
                return EntropyValues(place, model.l)
            case RecursiveL():
                return RecursiveValues(place, model.c, model.l)
            case BetaLikeness():
                return Likeness(place, model.beta, column.reference, model.is_enhanced)
            case TCloseness():
                if model.distance == "hierarchical" and column.hierarchy is None:
                    raise CallerError("anonymity.model-hierarchy", model=str(model))
                if model.distance == "ordered" and not column.is_ordered:
                    raise CallerError("anonymity.model-order", model=str(model))
                return Closeness(place, model.t, column.reference, model.distance, column.levels)

    def of_table(self, model: Model) -> None:
        """Add the tests of a model about the table."""
        match model:
            case AverageRisk():
                self.table_criteria.append(MeanRisk(model.most, self.member))
            case PopulationUniqueness():
                size = self.size(model, "the size of the population")
                self.table_criteria.append(FewUnique(model.most, size, model.estimator, self.member))
            case DeltaPresence():
                self.needs_table(model)
                self.criteria.append(Present(0, model.least, model.most, self.member))
                if model.least:
                    self.table_criteria.append(NobodyAbsent(0))
            case KMap(significance=None):
                self.needs_table(model)
                self.criteria.append(KMapped(0, model.k))
            case KMap():
                size = self.size(model, "the size of the population")
                least = k_in_sample(model.k, self.everybody() / size, model.significance or Fraction(0))
                self.criteria.append(LeastMembers(least, self.member))

    def needs_table(self, model: Model) -> None:
        """Refuse a model that a size does not do for."""
        if self.population is None:
            raise CallerError(
                "anonymity.model-population", model=str(model), needs="a table of the population"
            )

    def size(self, model: Model, needs: str) -> int:
        """The size of the population, of which the table is a part."""
        size = population_size(self.asked, self.population)
        if size is None:
            raise CallerError("anonymity.model-population", model=str(model), needs=needs)
        if size < self.everybody():
            raise CallerError("anonymity.population-short")
        return size

    def everybody(self) -> int:
        """People of the table."""
        if self.people is None:
            return self.tuples.rows
        return len(np.unique(self.people[self.people >= 0]))
