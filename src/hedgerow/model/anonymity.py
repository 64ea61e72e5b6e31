"""The words of k-anonymous releases: hierarchies, parameters, plans and results as frozen values.

Values of people can stand inside some of these types (a hierarchy's observed values, a released
table); such fields are kept out of ``repr``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Generic, TypeAlias, TypeVar
from typing import Literal as OneOf

from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.criteria import Model
from hedgerow.model.measures import Measures
from hedgerow.model.words import many

ANY_VALUE: Final = "*"
"""What a value becomes at the top of every hierarchy."""

RELEASE_LABEL: Final = "de-identified"
"""The label of every k-anonymous table; it is never called anonymous."""

LIMIT_STATEMENT: Final = (
    "k-anonymous is not anonymous: each released row looks like at least k-1 others on the listed"
    " quasi-identifiers and on nothing else. Somebody who knows another column, holds a second"
    " release of the same people, or meets a class whose sensitive values agree can still learn"
    " about a person. Treat this table as personal data that was de-identified."
)

_POPULATION_STATEMENT: Final = (
    "Journalist and marketer risk: no population was given, so they are stated as high as"
    " the prosecutor's maximum and average."
)

TableT = TypeVar("TableT")

Method: TypeAlias = OneOf["exact", "local", "auto", "cells"]

METHODS: Final[tuple[Method, ...]] = ("exact", "local", "auto", "cells")
"""How a table may be made k-anonymous."""

LossMean: TypeAlias = OneOf["arithmetic", "geometric"]
"""How the losses of columns are joined to one."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """How the values of one column become coarser, level by level, up to ``*``.

    Level 0 is the value itself. ``maps[i][c]`` is the group of value ``c`` at level ``i + 1`` and
    ``labels[i][g]`` is the text released for group ``g`` there. Each level joins groups of the
    level below, and the last level is the single group ``*``.

    Args:
        values: Every value of the domain as canonical text, each once.
        maps: One tuple per level above 0, as long as ``values``.
        labels: One tuple per level above 0: the text of each group.
    """

    values: tuple[str, ...] = field(repr=False)
    maps: tuple[tuple[int, ...], ...] = field(repr=False)
    labels: tuple[tuple[str, ...], ...] = field(repr=False)

    @property
    def top(self) -> int:
        """The highest level, where every value is ``*``."""
        return len(self.maps)


@dataclass(frozen=True, slots=True)
class ReleaseParameters:
    """What the caller asks of a k-anonymous release; every number is exact.

    Args:
        quasi: Quasi-identifiers, generalised together.
        k: Least number of rows in a class, at least 2.
        sensitive: Sensitive attributes, released as they are.
        keep: Other columns released as they are, on the caller's word that they identify nobody.
        suppression_limit: Largest share of rows that may be dropped, 0 to 1.
        l: Least number of distinct values of every sensitive attribute in a class, or none.
        hierarchies: Pairs of column and hierarchy; columns not named get a built one.
        max_levels: Pairs of column and the coarsest level allowed.
        person: Column that tells whose row it is, where a person may have several: a class then
            holds at least ``k`` different people. It is never released.
        models: What must hold besides k, each of which names the sensitive column that it is about.
        population: People of the population that the table is drawn from, or none where unknown.
        method: ``exact``: one level per column, the least loss of all; ``local``: levels of its own
            for each class; ``auto``: whichever keeps more detail, with the reason; ``cells``: single
            cells become ``*`` and nothing is generalised.
        weights: Pairs of quasi-identifier and what it counts in the loss; those not named count 1.
        mean: How the losses of columns are joined: their arithmetic mean, or less 1 the geometric
            mean of each plus 1.
        most_checks: Combinations of levels counted at most; none goes on until the optimum is proven.
    """

    quasi: tuple[str, ...]
    k: int
    sensitive: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    suppression_limit: Fraction = Fraction(1, 20)
    l: int | None = None  # noqa: E741 - the field's own word, as k
    hierarchies: tuple[tuple[str, Hierarchy], ...] = ()
    max_levels: tuple[tuple[str, int], ...] = ()
    person: str | None = None
    models: tuple[Model, ...] = ()
    population: int | None = None
    method: Method = "exact"
    weights: tuple[tuple[str, Fraction], ...] = ()
    mean: LossMean = "arithmetic"
    most_checks: int | None = None

    @property
    def released(self) -> tuple[str, ...]:
        """The columns that leave."""
        return (*self.quasi, *self.sensitive, *self.keep)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self.released, *(() if self.person is None else (self.person,)))


@dataclass(frozen=True, slots=True)
class ReleasePlan:
    """What a governed release will do, decided before any data is opened.

    Args:
        columns: The only columns to be leased.
        parameters: What to do with them.
        obligations: Conditions the release carries, in plain words.
        cost: ``"non-private"``: no differential privacy, so every later epsilon reads apart from it.
    """

    columns: tuple[str, ...]
    parameters: ReleaseParameters
    obligations: tuple[str, ...]
    cost: OneOf["non-private"] = "non-private"

    def event(self, release: str) -> NonPrivateEvent:
        """Name the privacy event to enter in the ledger.

        Args:
            release: Id of the release.

        Returns:
            The non-private event of that release.
        """
        return NonPrivateEvent(release)


@dataclass(frozen=True, slots=True)
class ColumnGeneralisation:
    """How far one quasi-identifier was generalised.

    Args:
        column: The column.
        level: The level released; 0 is as collected.
        top: The highest level of its hierarchy.
        granularity: Detail left over the released rows: 1 as collected, 0 when all are ``*``.
    """

    column: str
    level: int
    top: int
    granularity: float


@dataclass(frozen=True, slots=True)
class SensitiveDiversity:
    """What classes give away about one sensitive attribute.

    Args:
        column: The attribute.
        distinct: Its distinct l: the fewest distinct values of any class; missing values count none.
        homogeneous_classes: Classes whose rows agree on one value: being in it discloses the value.
        homogeneous_rows: Rows inside such classes.
    """

    column: str
    distinct: int
    homogeneous_classes: int
    homogeneous_rows: int


@dataclass(frozen=True, slots=True)
class Reached:
    """What a finished table reaches of one privacy model that was asked, counted anew on it.

    Args:
        model: Text form of the model, as it was asked.
        figure: What was reached, rounded so that it never looks better than it is.
        said: The same in plain words.
    """

    model: str
    figure: str
    said: str


@dataclass(frozen=True, slots=True)
class RiskSummary:
    """The exact risk of a release; for the privacy officer, not for analysts.

    Args:
        k: The k asked for.
        rows: Rows before suppression.
        released_rows: Rows that leave.
        suppressed_rows: Rows dropped.
        class_sizes: Pairs of class size and number of such classes, ascending.
        columns: Level and granularity per quasi-identifier.
        sensitive: Diversity per sensitive attribute.
        loss: Information lost, 0 (none) to 1 (all); where ``is_optimal``, the least that the constraints
            allow with one level per column.
        fewest_people: Fewest distinct people of any class; none when each row was taken to be a
            person of its own.
        is_optimal: Whether it is proven that no other choice of levels loses less.
        loss_bound: What any choice of levels loses at least, as far as it was proven.
    """

    k: int
    rows: int
    released_rows: int
    suppressed_rows: int
    class_sizes: tuple[tuple[int, int], ...]
    columns: tuple[ColumnGeneralisation, ...]
    sensitive: tuple[SensitiveDiversity, ...]
    loss: float
    fewest_people: int | None = None
    is_optimal: bool = True
    loss_bound: float = 0.0

    @property
    def classes(self) -> int:
        """Number of equivalence classes released."""
        return sum(count for _, count in self.class_sizes)

    @property
    def smallest_class(self) -> int:
        """Rows in the smallest class released."""
        return self.class_sizes[0][0]

    @property
    def suppressed_share(self) -> Fraction:
        """Share of the rows that was dropped."""
        return Fraction(self.suppressed_rows, self.rows)

    @property
    def prosecutor_max(self) -> Fraction:
        """Highest chance to pick the row of a person known to be in the table."""
        people = self.smallest_class if self.fewest_people is None else self.fewest_people
        return Fraction(1, min(self.smallest_class, people))

    @property
    def prosecutor_average(self) -> Fraction:
        """That chance, averaged over the released rows."""
        return Fraction(self.classes, self.released_rows)

    @property
    def journalist_max(self) -> Fraction:
        """Highest chance where membership is not known: no population was given, so the prosecutor's."""
        return self.prosecutor_max

    @property
    def marketer(self) -> Fraction:
        """Expected share of rows matched rightly by linking all: no population was given, so the average."""
        return self.prosecutor_average

    @property
    def statements(self) -> tuple[str, ...]:
        """The risk in plain words, limits first."""
        return (
            LIMIT_STATEMENT,
            f"Prosecutor risk: at most 1 in {self.prosecutor_max.denominator} for any released row.",
            "Each row was taken to be a person of its own."
            if self.fewest_people is None
            else f"Every class holds rows of at least {self.fewest_people} different people.",
            _POPULATION_STATEMENT,
            *(_diversity_statement(item) for item in self.sensitive),
        )


def _diversity_statement(item: SensitiveDiversity) -> str:
    if item.homogeneous_classes:
        return (
            f"{item.column}: {many(item.homogeneous_classes, 'class', 'classes')}"
            f" ({many(item.homogeneous_rows, 'row')}) of one value: knowing that a person is in such a"
            " class discloses it."
        )
    return f"{item.column}: every class holds at least {many(item.distinct, 'distinct value')}."


@dataclass(frozen=True, slots=True)
class KAnonymousTable(Generic[TableT]):
    """A de-identified table with its risk.

    Args:
        table: The released rows, of the kind the caller gave.
        risk: The exact risk summary.
        levels: Pairs of quasi-identifier and released level.
        label: ``"de-identified"``, never "anonymous".
        ungoverned: True when no gate admitted it and no ledger knows of it.
        reached: What it reaches of each model asked, in that order.
        measures: What it reaches of every model, its rows compared with each other; for the officer.
        method: ``exact`` or ``local``.
        reason: Why that method, where the choice was left to the data.
        people: Whose row each is, in the table's order; for the gate alone.
    """

    table: TableT = field(repr=False)
    risk: RiskSummary = field(repr=False)
    levels: tuple[tuple[str, int], ...]
    label: str = RELEASE_LABEL
    ungoverned: bool = True
    reached: tuple[Reached, ...] = field(default=(), repr=False)
    measures: Measures | None = field(default=None, repr=False)
    method: Method = "exact"
    reason: str = field(default="", repr=False)
    people: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LinkageResult:
    """How well somebody who knows quasi-identifiers finds people in a table.

    Args:
        identities: People the attacker knows.
        candidate_sizes: Pairs of candidate-set size and number of people, ascending; size 0
            means that nobody in the table fits.
    """

    identities: int
    candidate_sizes: tuple[tuple[int, int], ...]

    @property
    def singled_out(self) -> int:
        """People who fit exactly one row."""
        return dict(self.candidate_sizes).get(1, 0)

    @property
    def unmatched(self) -> int:
        """People who fit no row."""
        return dict(self.candidate_sizes).get(0, 0)

    @property
    def smallest_candidate_set(self) -> int:
        """Rows in the smallest candidate set that is not empty; 0 when all are empty."""
        return min((size for size, _ in self.candidate_sizes if size), default=0)
