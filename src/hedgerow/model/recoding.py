"""The words of locally recoded tables, of transforms and of what a release is still good for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hedgerow.model.anonymity import RELEASE_LABEL, Reached, RiskSummary
from hedgerow.model.measures import Measures

TableT = TypeVar("TableT")


@dataclass(frozen=True, slots=True)
class RecodedClass:
    """One class of a locally recoded table.

    Args:
        rows: Rows in it.
        levels: Level of each quasi-identifier; 0 is as collected.
        labels: What the released cells read, missing where the class's values are.
    """

    rows: int
    levels: tuple[int, ...]
    labels: tuple[str | None, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LocallyRecodedTable(Generic[TableT]):
    """A de-identified table in which each class has levels of its own.

    Args:
        table: The released rows, of the kind the caller gave, sorted by what they read.
        risk: The exact risk summary; the level of a column is the coarsest that any class has.
        classes: The classes, in the order in which they first stand in the table.
        row_classes: Class of each released row, as a place in ``classes``.
        label: ``"de-identified"``, never "anonymous".
        ungoverned: True when no gate admitted it and no ledger knows of it.
        reached: What it reaches of each model asked, in that order.
        measures: What it reaches of every model, its rows compared with each other; for the officer.
        people: Whose row each is, in the table's order; for the gate alone.
    """

    table: TableT = field(repr=False)
    risk: RiskSummary = field(repr=False)
    classes: tuple[RecodedClass, ...] = field(repr=False)
    row_classes: tuple[int, ...] = field(repr=False)
    label: str = RELEASE_LABEL
    ungoverned: bool = True
    reached: tuple[Reached, ...] = field(default=(), repr=False)
    measures: Measures | None = field(default=None, repr=False)
    people: object = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Transformed(Generic[TableT]):
    """A table after one transform, with what that protects and what not.

    Args:
        table: The table, of the kind the caller gave.
        protects: What the transform protects, in plain words.
        leaves: What it does not protect.
        changed: Cells that it changed, or rows that it left out; for whoever may know exact counts.
    """

    table: TableT = field(repr=False)
    protects: str
    leaves: str
    changed: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Utility:
    """What a release is still good for, against its source.

    Args:
        granularity: Detail kept by the cells, 0 to 1, averaged over columns.
        stretched_granularity: The same as ARX prints it: shares of the domains are averaged first.
        columns: Pairs of column and its granularity.
        discernibility: Sum over rows of the rows each looks like; less is better.
        average_class_size: Rows in a class, on average.
        classes: Number of classes.
        kl_divergence: Bits between the source's joint distribution and the one the release lets be read.
        nonuniform_entropy: Pairs of column and what it still tells of its values, 0 to 1.
        query_error_median: Median relative error of random range counts.
        query_error_95: Relative error that 95 of 100 such counts stay within.
        queries: How many were asked.
        suppressed_rows: Rows that did not leave.
    """

    granularity: float
    stretched_granularity: float
    columns: tuple[tuple[str, float], ...]
    discernibility: int
    average_class_size: float
    classes: int
    kl_divergence: float
    nonuniform_entropy: tuple[tuple[str, float], ...]
    query_error_median: float
    query_error_95: float
    queries: int
    suppressed_rows: int


@dataclass(frozen=True, slots=True)
class ClassifierUtility:
    """How well a classifier does that was trained on a release.

    Args:
        released: Accuracy on the held-out rows, trained on the release.
        original: Accuracy on the same rows, trained on the source.
        baseline: Accuracy of always saying the source's most frequent class.
        held_out_rows: Rows it was tried on.
    """

    released: float
    original: float
    baseline: float
    held_out_rows: int

    @property
    def relative(self) -> float:
        """Share of the accuracy above the baseline that the release keeps; 1 where there is none to keep."""
        above = self.original - self.baseline
        return (self.released - self.baseline) / above if above > 0 else 1.0
