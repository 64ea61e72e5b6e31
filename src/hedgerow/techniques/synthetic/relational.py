"""A pair of synthetic tables: one row for each person, and the rows that belong to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.aggregation import pick_rows
from hedgerow.kernel.marginals import cells_of, count_cells, draw_from, draw_rows, error_scores
from hedgerow.kernel.marginals.choosing import CELLS_MOST
from hedgerow.kernel.marginals.conditional import conditional, nearest_counts
from hedgerow.kernel.marginals.counting import Attributes, Codes, Floats, Integers
from hedgerow.model.budget import PrivacyEvent, show_chance, show_exact
from hedgerow.model.contribution import Contribution
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.uses import ArrowTable, Grant, Json
from hedgerow.model.words import ColumnType, many
from hedgerow.techniques.synthetic.coding import coded, drawn_numbers, numbered_alike
from hedgerow.techniques.synthetic.columns import SyntheticColumn, column_of
from hedgerow.techniques.synthetic.making import Counter, Made, Progress, fitted, quiet
from hedgerow.techniques.synthetic.plan import ROWS_MOST, SyntheticPlan, Wish, plan_synthesis
from hedgerow.techniques.synthetic.spending import Spending

CHILDREN = "(children)"
CHILDREN_MOST = 255
_GIVEN_MOST = 2
_ALONE, _CHOOSING = Fraction(2, 10), Fraction(1, 10)


@dataclass(frozen=True)
class PairPlan:
    """A pair of tables, planned.

    Args:
        parents: The plan of the persons; its last column is how many children each has.
        children: What each child column may hold.
        max_children: Children of one person that count at most.
        loss: What the children cost; the parents cost as much.
        beside: The further data set that the children are of; none where one is split.
    """

    parents: SyntheticPlan
    children: tuple[SyntheticColumn, ...]
    max_children: int
    loss: Fraction
    beside: str = ""

    @property
    def spending(self) -> Spending:
        """What the loss is counted in, and the noise that goes with it."""
        return self.parents.spending

    @property
    def cost(self) -> PrivacyEvent:
        """All of it, exact, fixed before any data is opened."""
        return self.spending.event(self.parents.loss + self.loss)

    @property
    def shown_parents(self) -> tuple[SyntheticColumn, ...]:
        """The columns of the persons, without the count."""
        return self.parents.columns[:-1]

    @property
    def columns(self) -> tuple[SyntheticColumn, ...]:
        """The columns that a child row is judged by: its person's and its own."""
        return self.shown_parents + self.children

    @property
    def sizes(self) -> tuple[int, ...]:
        """Cells of those columns."""
        return tuple(column.cells for column in self.columns)

    @property
    def grant(self) -> Grant:
        """The columns of both, as rows; nothing leaves but what was made of noisy counts."""
        above, below = (
            frozenset(column.name for column in each) for each in (self.shown_parents, self.children)
        )
        if self.beside:
            return Grant(above, "rows", others=((self.beside, below),))
        return Grant(above | below, "rows")

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before anything is spent."""
        return {
            "technique": "pair of synthetic tables",
            "unit": "person",
            "contribution": Contribution(self.max_children).said("person"),
            "persons": self.parents.wish.rows,
            "columns": [column.told() for column in self.shown_parents],
            **({"children": self.beside} if self.beside else {}),
            "child_columns": [column.told() for column in self.children],
            "measurements": self._measurements(),
            "noise": self.spending.said,
            "cost": self._cost(),
            "label": self.label,
        }

    def _cost(self) -> str:
        told, wish = f"{self.spending.show(self.parents.loss + self.loss)} together", self.parents.wish
        if self.spending.is_pure:
            return f"{told}, with no delta"
        return f"{told} (epsilon {show_exact(wish.epsilon)} at delta {show_chance(wish.delta)})"

    def _measurements(self) -> list[Json]:
        sets = many(self.parents.rounds, "pair or triple", "pairs and triples")
        alone = many(len(self.parents.columns), "column")
        own = many(len(self.children), "column")
        of_persons = (
            f"of persons {alone} alone, how many rows each has among them, and {sets}, chosen in private"
        )
        return [of_persons, f"of their rows {own} alone, and each by one or two others, chosen in private"]

    @property
    def label(self) -> str:
        """What stands on both tables."""
        return f"synthetic, {self.parents.private} together; unit person"


@dataclass(frozen=True, slots=True)
class MadePair:
    """Two synthetic tables as numbers, and whose each child row is.

    Args:
        persons: The persons with their noisy marginals; the last column is how many children each was drawn.
        children: For each child column a number for each child row.
        owners: The person of each child row, from 0, in order.
        given: For each child column the columns it was drawn by.
    """

    persons: Made = field(repr=False)
    children: tuple[Integers, ...] = field(repr=False)
    owners: Integers = field(repr=False)
    given: tuple[tuple[str, ...], ...] = ()

    @property
    def parents(self) -> tuple[Integers, ...]:
        """For each shown column of the persons a number for each person."""
        return self.persons.numbers[:-1]


def plan_pair(
    parents: tuple[Wish, DatasetDeclaration, dict[str, ColumnType]],
    children: tuple[Wish, DatasetDeclaration, dict[str, ColumnType]],
    dataset: str,
    child_dataset: str = "",
) -> PairPlan:
    """Plan a pair of tables from declarations.

    Args:
        parents: What is wished for of the persons, what is declared of them, and the types of their columns.
        children: The same of the rows that belong to them; ``max_rows`` is how many of one person count.
        dataset: What to call it in a refusal.
        child_dataset: What to call that of the children; the same when not given.

    Raises:
        Refused: ``dp.undeclared``, ``synth.too-little``.
        CallerError: ``synth.*``, ``dp.unknown-column``, ``dp.bad-declaration``.
    """
    wish, declared, kinds = parents
    first = plan_synthesis(
        wish, replace(declared, max_rows=1, max_groups=None, max_rows_per_group=None), kinds, dataset
    )
    below = plan_synthesis(children[0], children[1], children[2], child_dataset or dataset)
    if below.max_rows > CHILDREN_MOST or below.max_rows * wish.rows > ROWS_MOST:
        raise CallerError("synth.too-many-children", most=CHILDREN_MOST, rows=f"{ROWS_MOST:,}")
    bounds = Clamp(Fraction(0), Fraction(below.max_rows))
    count = column_of(ColumnDeclaration(CHILDREN, bounds), ColumnType.INTEGER, below.max_rows + 1)
    both = replace(first, columns=(*first.columns, count), loss=first.loss / 2)
    return PairPlan(both, below.columns, below.max_rows, first.loss / 2)


def make_pair(
    parents: Codes, children: Codes, owners: npt.NDArray[np.int64], plan: PairPlan, progress: Progress = quiet
) -> MadePair:
    """Make a pair of tables from the codes of real ones.

    Args:
        parents: One row for each person.
        children: At most ``plan.max_children`` rows of each person.
        owners: The place in ``parents`` of each child row's person.
        plan: What is measured and what it costs.
        progress: Told each step.

    Returns:
        Both tables.

    Guarantee: all that is measured costs ``plan.cost`` for adding or removing a person with all rows in both
        tables: one row of the persons, and at most ``max_children`` child rows, which hold columns of that
        person alone.
    """
    counts = np.bincount(owners, minlength=len(parents))[: len(parents)]
    both = np.column_stack([parents, counts.astype(np.int32)])
    measured, model = fitted(Counter(both, plan.parents.sizes), plan.parents, progress)
    drawn = draw_rows(model.beliefs, len(plan.parents.columns), plan.parents.wish.rows)
    # No value of the count stands for no child.
    most = plan.max_children
    born = np.where(drawn[:, -1] > most, 0, drawn[:, -1]).astype(np.int64)
    of_whom = np.repeat(np.arange(len(drawn)), born)
    counter = Counter(np.column_stack([parents[owners], children]), plan.sizes)
    below, given = _children(counter, drawn[of_whom, :-1], plan, progress)
    named = tuple(tuple(plan.columns[place].name for place in each) for each in given)
    return MadePair(
        Made(tuple(drawn_numbers(drawn, plan.parents.columns)), tuple(measured), model.rows),
        tuple(drawn_numbers(below, plan.children)),
        of_whom,
        named,
    )


def _children(
    counter: Counter, drawn: Codes, plan: PairPlan, progress: Progress
) -> tuple[Codes, list[Attributes]]:
    """Draw the child columns one after the other, each by one or two that were drawn before."""
    width, ahead = len(plan.columns), len(plan.shown_parents)
    codes = np.zeros((len(drawn), width), dtype=np.int32)
    codes[:, :ahead] = drawn
    share = plan.loss / len(plan.children)
    chosen: list[Attributes] = []
    for place in range(ahead, width):
        progress(f"measuring child column {place - ahead + 1} of {width - ahead}")
        alone, rows = _alone(counter, place, plan, share * _ALONE)
        given = _given(counter, codes, place, alone * rows, plan, share * _CHOOSING)
        table = _measured(counter, given, place, alone, plan, share * (1 - _ALONE - _CHOOSING))
        shape = [plan.sizes[each] for each in given]
        states = np.ravel_multi_index(tuple(codes[:, each] for each in given), shape)
        codes[:, place] = draw_from(table, states)
        chosen.append(given)
    return codes[:, ahead:], chosen


def _noisy(counter: Counter, attributes: Attributes, plan: PairPlan, loss: Fraction) -> tuple[Floats, float]:
    exact = counter.exact(attributes)
    noisy = plan.spending.noisy(exact.ravel().tolist(), plan.max_children, loss)
    scale = plan.spending.deviation(plan.max_children, loss)
    return np.array(noisy, dtype=np.float64).reshape(exact.shape), scale


def _alone(counter: Counter, place: int, plan: PairPlan, loss: Fraction) -> tuple[Floats, float]:
    """Measure a column alone: its chances, and how many child rows there seem to be."""
    noisy, _ = _noisy(counter, (place,), plan, loss)
    counts = nearest_counts(noisy[None, :])[0]
    rows = float(counts.sum())
    return (counts / rows if rows > 0 else np.full(len(counts), 1 / len(counts))), max(rows, 1.0)


def _given(
    counter: Counter, codes: Codes, place: int, alone: Floats, plan: PairPlan, loss: Fraction
) -> Attributes:
    """Choose in private what to draw a column by: where taking it for unrelated is most wrong.

    What would be expected of an unrelated column comes from rows drawn so far, so it is public.
    """
    open_ = [
        each
        for size in range(1, _GIVEN_MOST + 1)
        for each in combinations(range(place), size)
        if size == 1 or cells_of(plan.sizes, (*each, place)) <= CELLS_MOST
    ]
    drawn = max(len(codes), 1)
    together = {
        (*each, place): count_cells(codes, plan.sizes, each)[..., None] / drawn * alone for each in open_
    }
    scores = error_scores(
        {each: counter.exact(each) for each in together},
        together,
        plan.sizes,
        dict.fromkeys(together, 1),
        plan.spending.deviation(plan.max_children, loss * (1 - _ALONE - _CHOOSING) / _CHOOSING),
        plan.spending.mean,
    )
    return open_[plan.spending.chosen(scores, plan.max_children, loss)]


def _measured(
    counter: Counter, given: Attributes, place: int, alone: Floats, plan: PairPlan, loss: Fraction
) -> Floats:
    noisy, scale = _noisy(counter, (*given, place), plan, loss)
    return conditional(noisy, alone, scale)


def pair_codes(
    upper: ArrowTable, lower: ArrowTable, person: str, plan: PairPlan
) -> tuple[Codes, Codes, npt.NDArray[np.int64]]:
    """Give the codes of one row for each person and of that person's bounded rows, and whose each is.

    Args:
        upper: A table with the columns of the persons.
        lower: A table with the columns of their rows; the same one to split it.
        person: The column of the person, in both.
        plan: What the columns may hold, and the bound.

    Returns:
        What :func:`make_pair` takes. Rows of persons that ``upper`` lacks are left out.
    """
    whose, theirs = numbered_alike(upper.column(person), lower.column(person))
    first = pick_rows(whose, 1)
    # The place of each person among the parents; one more for nobody.
    places = np.full(max(whose.max(initial=-1), theirs.max(initial=-1)) + 2, -1, dtype=np.int64)
    places[whose[first]] = np.arange(first.sum())
    owners = places[theirs]
    few = pick_rows(owners, plan.max_children)
    return coded(upper, plan.shown_parents)[first], coded(lower, plan.children)[few], owners[few]
