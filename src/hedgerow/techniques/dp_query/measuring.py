"""Which noisy vectors a query needs, each once, and how far one person moves each of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.noise import half_width, laplace_scale
from hedgerow.model.errors import Refused
from hedgerow.model.plans import Clamp, CountRows, ExactAggregate, SumValues
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import Declared
from hedgerow.techniques.dp_query.planned import (
    CountCell,
    MeanCell,
    Measurement,
    MeasurementKind,
    SumCell,
)
from hedgerow.techniques.dp_query.resolve import Catalog, shown

# No data set of more rows is planned for; with it, exact sums stay below 2**62 and so within 64
# bits. The engine checks the real sum and fails rather than wrap around.
ROWS_BOUND = 2**32
_STEP_MOST = 2**62 // ROWS_BOUND
_STEPS_WANTED = 10_000
_DIGITS_MOST = 9
_JOINT = Fraction(975, 1000)
_NOISE_MOST = 2**62


def digits_of(column: str, clamp: Clamp, kind: ColumnType) -> int:
    """Choose the fixed-point grid of a column from its bounds and type alone.

    Args:
        column: Its name, for the refusal.
        clamp: Its declared bounds.
        kind: Whole numbers stay whole; decimals get at least 10,000 steps between the bounds
            and the digits the bounds are written with, as far as 64 bits allow.

    Returns:
        Decimal digits, 0 or more.

    Raises:
        Refused: ``dp.too-wide`` when even whole steps could pass 64 bits.
    """
    wanted = 0
    while kind is ColumnType.DECIMAL and wanted < _DIGITS_MOST and not _is_fine(clamp, wanted):
        wanted += 1
    for digits in range(wanted, -1, -1):
        if max(map(abs, SumValues(column, clamp, digits).step_bounds)) <= _STEP_MOST:
            return digits
    raise Refused("dp.too-wide", column=shown(column), most=f"{_STEP_MOST:,}")


def _is_fine(clamp: Clamp, digits: int) -> bool:
    step = Fraction(1, 10**digits)
    is_exact = (clamp.lower / step).denominator == 1 and (clamp.upper / step).denominator == 1
    return is_exact and clamp.upper - clamp.lower >= _STEPS_WANTED * step


@dataclass(frozen=True, slots=True)
class _Draft:
    """A measurement before the cost is split."""

    kind: MeasurementKind
    column: str | None
    terms: tuple[tuple[int, int], ...]
    sensitivity: int
    digits: int

    def with_noise(self, epsilon: Fraction) -> Measurement:
        scale = laplace_scale(self.sensitivity, epsilon)
        if not scale * 50 < _NOISE_MOST:
            raise Refused("dp.too-noisy")
        return Measurement(
            self.kind,
            self.column,
            self.terms,
            self.sensitivity,
            epsilon,
            scale,
            self.digits,
            half_width(scale),
            half_width(scale, _JOINT),
        )


class Measuring:
    """Collects the noisy vectors of one query.

    Args:
        declared: Contribution bound and value bounds.
        catalog: The columns' types.
        averaged: Columns whose mean is asked: their sum is rebuilt from the mean's parts.
    """

    def __init__(self, declared: Declared, catalog: Catalog, averaged: frozenset[str]) -> None:
        self._declared = declared
        self._catalog = catalog
        self._averaged = averaged
        self._aggregates: list[ExactAggregate] = []
        self._drafts: list[_Draft] = []

    def count(self, column: str | None) -> CountCell:
        """Count rows, or rows where a column holds a value; one person moves it by max_rows."""
        kind: MeasurementKind = "rows" if column is None else "values"
        exact = self._exact(CountRows(column))
        draft = _Draft(kind, column, ((exact, 1),), self._declared.max_rows, 0)
        return CountCell(self._place(draft))

    def sum(self, column: str) -> SumCell:
        """Add up a column; one person moves it by max_rows times the larger bound."""
        if column in self._averaged:
            mean = self.mean(column)
            return SumCell(mean.measurement, mean.count, mean.midpoint)
        values = self._values(column)
        reach = max(1, *map(abs, values.step_bounds))
        terms = ((self._exact(values), 1),)
        sensitivity = self._declared.max_rows * reach
        return SumCell(self._place(_Draft("sum", column, terms, sensitivity, values.digits)))

    def mean(self, column: str) -> MeanCell:
        """Average a column: distances from the midpoint, moved by max_rows times half the range."""
        values = self._values(column)
        lower, upper = values.step_bounds
        midpoint = (lower + upper) // 2
        count = self.count(column)
        terms = ((self._exact(values), 1), (self._exact(CountRows(column)), -midpoint))
        sensitivity = self._declared.max_rows * max(1, upper - midpoint, midpoint - lower)
        draft = _Draft("centred sum", column, terms, sensitivity, values.digits)
        return MeanCell(self._place(draft), count.measurement, midpoint, lower, upper)

    def measurements(self, epsilon: Fraction) -> tuple[tuple[ExactAggregate, ...], tuple[Measurement, ...]]:
        """Split the cost in equal, exact shares and choose the noise.

        Args:
            epsilon: What all measurements cost together.

        Returns:
            The exact aggregates to compute and the measurements made of them.

        Raises:
            Refused: ``dp.too-noisy`` when the noise could pass 64 bits.
        """
        share = epsilon / len(self._drafts)
        return tuple(self._aggregates), tuple(draft.with_noise(share) for draft in self._drafts)

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
