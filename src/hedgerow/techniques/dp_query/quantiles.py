"""Quantiles: public candidates made of declarations, one private choice among them for each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hedgerow.kernel.noise import choice_scale, choose, quantile_scores, score_gap, score_reach
from hedgerow.model.errors import Refused
from hedgerow.model.plans import BinCounts, Clamp, SumValues
from hedgerow.model.uses import Json
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.grid import GRID_MOST, digits_of

MECHANISM = "permute and flip on exact whole-number scores (OpenDP)"
_CANDIDATES_MOST = 1001
_CANDIDATES_LEAST = 21
_CELLS_MOST = 1_000_000
_STEPS_WANTED = 1_000
_SCALE_MOST = 2**62


@dataclass(frozen=True, slots=True)
class Choice:
    """A private choice for each group: a candidate near a quantile.

    Args:
        quantile: Which one, above 0 and below 1.
        bins: The candidates.
        histogram: Index into the aggregation's histograms.
        sensitivity: The most one person changes any one score, in the sum over all groups.
        epsilon: Its share of the cost, exact.
        scale: Scale of the choice, in scores.
        rank_error: Rows the chosen rank is off at most in 95 of 100 answers.
    """

    quantile: Fraction
    bins: BinCounts
    histogram: int
    sensitivity: int
    epsilon: Fraction
    scale: float
    rank_error: int

    @property
    def spacing(self) -> Decimal:
        """How far apart the candidates are."""
        spacing = Decimal(self.bins.width).scaleb(-self.bins.values.digits).normalize()
        return spacing.quantize(Decimal(1)) if spacing == spacing.to_integral_value() else spacing

    @property
    def rows_wanted(self) -> int:
        """From how many rows with a value on the chosen candidate lies among them in 95 of 100 answers."""
        least = min(self.quantile, 1 - self.quantile)
        return -(-self.rank_error * least.denominator // least.numerator) + 1

    def made(self, counts: Sequence[int]) -> int:
        """Choose for one group.

        Args:
            counts: Its histogram.

        Returns:
            The chosen candidate, in steps.
        """
        scores = quantile_scores(counts, self.quantile)
        return self.bins.candidate(choose(scores, self.sensitivity, self.epsilon, self.scale))

    def describe(self, epsilon: str) -> dict[str, Json]:
        """Explain the choice as plain values.

        Args:
            epsilon: Its share as text.
        """
        return {
            "what": f"{quantile_text(self.quantile)} quantile of {self.bins.column}",
            "candidates": self.bins.bins,
            "apart": format(self.spacing, "f"),
            "sensitivity_score": self.sensitivity,
            "scale_score": format(self.scale, ".12g"),
            "epsilon": epsilon,
            "rank_error_95": self.rank_error,
        }


@dataclass(frozen=True, slots=True)
class QuantileCell:
    """An output that shows a chosen candidate."""

    choice: int


def planned_choice(
    quantile: Fraction, bins: BinCounts, place: int, max_rows: int, epsilon: Fraction
) -> Choice:
    """Choose the scale, and tell the error to expect before any data.

    Args:
        quantile: Which one.
        bins: The candidates.
        place: Their index among the histograms.
        max_rows: Rows of one person that count at most, over all groups together.
        epsilon: The share of the cost.

    Returns:
        The choice.

    Raises:
        Refused: ``dp.too-noisy`` when the scale passes 62 bits.
    """
    sensitivity = max_rows * score_reach(quantile)
    scale = choice_scale(sensitivity, epsilon)
    if not scale < _SCALE_MOST:
        raise Refused("dp.too-noisy")
    off = -(-score_gap(bins.bins, scale) // quantile.denominator)
    return Choice(quantile, bins, place, sensitivity, epsilon, scale, off)


def candidates(column: str, clamp: Clamp, kind: ColumnType, groups: int) -> BinCounts:
    """Choose the candidates of a column from its bounds, its type and the number of groups alone.

    Args:
        column: Its name.
        clamp: Its declared bounds.
        kind: Whole numbers have whole candidates, every one where the bounds are narrow.
        groups: Combinations of declared keys; with very many there are fewer candidates.

    Returns:
        About 1,000 of them at most, 1, 2 or 5 times a power of ten apart.

    Raises:
        Refused: ``dp.too-wide``, or ``dp.too-many-groups`` where too few candidates would be left.
    """
    most = min(_CANDIDATES_MOST, _CELLS_MOST // max(1, groups))
    if most < _CANDIDATES_LEAST:
        least = f"{_CELLS_MOST // _CANDIDATES_LEAST:,}"
        raise Refused("dp.too-many-groups", groups=f"{groups:,}", most=least)
    values = SumValues(column, clamp, digits_of(column, clamp, kind, _STEPS_WANTED, GRID_MOST))
    power = 1
    while True:
        for width in (power, 2 * power, 5 * power):
            if BinCounts(values, width).bins <= most:
                return BinCounts(values, width)
        power *= 10


def quantile_text(quantile: Fraction) -> str:
    """Write a quantile as a decimal; it has at most four digits."""
    return format(Decimal(int(quantile * 10_000)).scaleb(-4).normalize(), "f")


def title(kind: str, quantile: Fraction, source: str) -> str:
    """Name a quantile in words: a median by its own name."""
    name = "median" if kind == "median" else f"{quantile_text(quantile)} quantile"
    return f"the {name} of {source}"


def note(kind: str, choice: Choice) -> str:
    """Say what a quantile is made of and when it tells nothing.

    Args:
        kind: What was asked: ``median``, ``quantile``, ``min`` or ``max``.
        choice: What was planned.
    """
    bins, source = choice.bins, choice.bins.column
    digits = bins.values.digits
    first, last = (Decimal(bins.candidate(place)).scaleb(-digits) for place in (0, bins.bins - 1))
    named = title(kind, choice.quantile, source)
    told = (
        f"{named[0].upper()}{named[1:]} is chosen among {bins.bins:,} values from "
        f"{first:f} to {last:f}, {choice.spacing:f} apart; where fewer than {choice.rows_wanted:,} rows "
        "hold a value it may lie beyond all of them."
    )
    if kind in ("min", "max"):
        told += f" It stands for {kind.upper()}({source}), which is one person's value and never told."
    return told
