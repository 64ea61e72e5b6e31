"""Which noisy vectors a query needs, each once, and how far one person moves each of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.conditions.catalog import Catalog
from hedgerow.kernel.noise import gaussian_half_width, gaussian_scale, half_width, l2_bound, laplace_scale
from hedgerow.model.errors import Refused
from hedgerow.model.plans import (
    BinCounts,
    CountPeople,
    CountRows,
    ExactAggregate,
    ExactAggregation,
    Predicate,
    SumSquares,
    SumValues,
)
from hedgerow.techniques.dp_query.declared import Declared
from hedgerow.techniques.dp_query.found import SHOWN_WITH_CHOICES
from hedgerow.techniques.dp_query.grid import SUM_MOST, digits_of
from hedgerow.techniques.dp_query.planned import (
    CountCell,
    MeanCell,
    Measurement,
    MeasurementKind,
    SumCell,
)
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell, candidates, planned_choice
from hedgerow.techniques.dp_query.spread import SpreadCell
from hedgerow.techniques.dp_query.units import check_statistic

_JOINT = Fraction(975, 1000)
_NOISE_MOST = 2**62


@dataclass(frozen=True, slots=True)
class _Draft:
    """A measurement before the cost is split."""

    kind: MeasurementKind
    column: str | None
    terms: tuple[tuple[int, int], ...]
    moved: tuple[int, int]
    digits: int
    unit: int = 1

    def with_noise(self, share: Price) -> Measurement:
        sensitivity, square = self.moved
        if share.epsilon is not None:
            scale, width = laplace_scale(sensitivity, share.epsilon), half_width
        else:
            scale, width = gaussian_scale(l2_bound(square), share.loss), gaussian_half_width
        if not scale * 50 < _NOISE_MOST:
            raise Refused("dp.too-noisy")
        return Measurement(
            self.kind,
            self.column,
            self.terms,
            sensitivity,
            share.epsilon,
            scale,
            self.digits,
            width(scale),
            width(scale, _JOINT),
            self.unit,
            share.rho,
            square,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What is computed exactly, the noisy vectors and private choices made of it, and what each costs."""

    aggregates: tuple[ExactAggregate, ...]
    histograms: tuple[BinCounts, ...]
    measurements: tuple[Measurement, ...]
    choices: tuple[Choice, ...]
    share: Price

    def aggregation(self, declared: Declared, where: Predicate | None) -> ExactAggregation:
        """State what the engine computes: these, of the rows that count."""
        return declared.bounding(
            ExactAggregation(declared.keys, self.aggregates, where, declared.max_rows, self.histograms)
        )


class Measuring:
    """Collects the noisy vectors of one query.

    Args:
        declared: Contribution bound and value bounds.
        catalog: The columns' types.
        averaged: Columns whose mean or spread is asked: their sum is rebuilt from the mean's parts.
    """

    def __init__(self, declared: Declared, catalog: Catalog, averaged: frozenset[str]) -> None:
        self._declared = declared
        self._catalog = catalog
        self._averaged = averaged
        self._aggregates: list[ExactAggregate] = []
        self._drafts: list[_Draft] = []
        self._histograms: list[BinCounts] = []
        self._choices: list[tuple[Fraction, BinCounts]] = []

    def count(self, column: str | None) -> CountCell:
        """Count rows, or rows where a column holds a value; one person moves it by the rows that count."""
        kind: MeasurementKind = "rows" if column is None else "values"
        exact = self._exact(CountRows(column))
        draft = _Draft(kind, column, ((exact, 1),), self._moved(1, is_count=True), 0)
        return CountCell(self._place(draft))

    def people(self) -> CountCell:
        """Count people, each once in a group; one person moves it by 1 in each group that rows count in."""
        check_statistic(self._declared.unit, "COUNT(DISTINCT person)")
        groups = self._declared.contribution.groups(self._declared.groups)
        moved = min(groups * self._declared.times, self._declared.groups or 2 * groups)
        draft = _Draft("people", None, ((self._exact(CountPeople()), 1),), (moved, moved), 0)
        return CountCell(self._place(draft))

    def sum(self, column: str) -> SumCell:
        """Add up a column; one person moves it by the rows that count times the larger bound."""
        if column in self._averaged:
            mean = self.mean(column)
            return SumCell(mean.measurement, mean.count, mean.midpoint)
        values = self._values(column)
        reach = max(1, *map(abs, values.step_bounds))
        terms = ((self._exact(values), 1),)
        return SumCell(self._place(_Draft("sum", column, terms, self._moved(reach), values.digits)))

    def mean(self, column: str) -> MeanCell:
        """Average a column: distances from the midpoint, moved by rows times half the range."""
        values = self._values(column)
        lower, upper = values.step_bounds
        midpoint = (lower + upper) // 2
        count = self.count(column)
        terms = ((self._exact(values), 1), (self._exact(CountRows(column)), -midpoint))
        moved = self._moved(max(1, upper - midpoint, midpoint - lower))
        draft = _Draft("centred sum", column, terms, moved, values.digits)
        return MeanCell(self._place(draft), count.measurement, midpoint, lower, upper)

    def quantile(self, column: str, quantile: Fraction) -> QuantileCell:
        """Choose a candidate near a quantile; quantiles of one column share its histogram."""
        clamp, kind = self._declared.clamps[column], self._catalog.type_of(column)
        bins = candidates(column, clamp, kind, self._declared.groups or SHOWN_WITH_CHOICES)
        if bins not in self._histograms:
            self._histograms.append(bins)
        asked = (quantile, bins)
        if asked not in self._choices:
            self._choices.append(asked)
        return QuantileCell(self._choices.index(asked))

    def spread(self, column: str, *, is_sample: bool, is_root: bool) -> SpreadCell:
        """Measure squares of the distances of a mean; one person moves them by rows times the largest."""
        mean, values = self.mean(column), self._values(column)
        distance = max(1, mean.upper - mean.midpoint, mean.midpoint - mean.lower)
        squares = SumSquares(values, mean.midpoint, -(-(distance**2) // (SUM_MOST - 1)))
        moved = self._moved(max(1, squares.most))
        terms = ((self._exact(squares), 1),)
        draft = _Draft("squared distances", column, terms, moved, 2 * values.digits, squares.unit)
        return SpreadCell(
            squares=self._place(draft),
            total=mean.measurement,
            count=mean.count,
            unit=squares.unit,
            lower=mean.lower,
            upper=mean.upper,
            digits=values.digits,
            is_sample=is_sample,
            is_root=is_root,
        )

    def measured(self, price: Price) -> Measured:
        """Split the cost in equal, exact shares and choose the noise.

        Args:
            price: What all measurements and choices cost together.

        Returns:
            What is computed exactly, and what is made of it.

        Raises:
            Refused: ``dp.too-noisy`` when the noise could pass 64 bits.
        """
        parts = len(self._drafts) + len(self._choices) + self._declared.finds_keys
        share = price.share(parts)
        rows = self._declared.contribution.rows(self._declared.groups) * self._declared.times
        choices = (
            planned_choice(quantile, bins, self._histograms.index(bins), rows, share.choice_epsilon)
            for quantile, bins in self._choices
        )
        return Measured(
            tuple(self._aggregates),
            tuple(self._histograms),
            tuple(draft.with_noise(share) for draft in self._drafts),
            tuple(choices),
            share,
        )

    def _moved(self, reach: int, *, is_count: bool = False) -> tuple[int, int]:
        """Tell how far one person moves a vector that a row moves by ``reach``: L1, and L2 squared."""
        groups, bounds = self._declared.groups, self._declared.contribution
        # Rows that go and rows that come in one and the same count make up for each other.
        reach *= 1 if is_count and groups == 1 else self._declared.times
        return bounds.rows(groups) * reach, bounds.square(groups) * reach**2

    def _values(self, column: str) -> SumValues:
        clamp = self._declared.clamps[column]
        return SumValues(column, clamp, digits_of(column, clamp, self._catalog.type_of(column)))

    def _exact(self, aggregate: ExactAggregate) -> int:
        if aggregate not in self._aggregates:
            self._aggregates.append(aggregate)
        return self._aggregates.index(aggregate)

    def _place(self, draft: _Draft) -> int:
        if draft not in self._drafts:
            self._drafts.append(draft)
        return self._drafts.index(draft)
