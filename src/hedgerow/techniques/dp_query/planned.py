"""The plan of a private query: what is computed, how much noise, at what cost; all before data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

from hedgerow.kernel.noise import half_width
from hedgerow.model.answers import AnswerColumn
from hedgerow.model.budget import PureEvent, show_exact
from hedgerow.model.plans import Clamp, ExactAggregation, SumValues
from hedgerow.model.uses import Grant, Json
from hedgerow.model.words import contribution
from hedgerow.techniques.dp_query.quantiles import MECHANISM as CHOICE
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell
from hedgerow.techniques.dp_query.spread import EACH_OF_THREE, SpreadCell, expected_width

MeasurementKind = OneOf["rows", "values", "sum", "centred sum", "squared distances", "people"]
_NOISE = "discrete Laplace on exact integers (OpenDP)"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One noisy vector: a whole number for each group.

    Args:
        kind: Rows, rows with a value, sum of values, sum of distances from the midpoint or of their
            squares, or people.
        column: The column, or none for rows.
        terms: The exact aggregates it adds up, as (index into the aggregation, factor).
        sensitivity: The most one person changes the vector, in L1, in steps.
        epsilon: Its share of the cost, exact.
        scale: Scale of the noise in steps.
        digits: A step is ``unit * 10**-digits``.
        half_width: Steps the noise stays within in 95 of 100 answers.
        half_width_joint: The same for 97.5, so that two measurements hold jointly in 95.
        unit: See ``digits``.
    """

    kind: MeasurementKind
    column: str | None
    terms: tuple[tuple[int, int], ...]
    sensitivity: int
    epsilon: Fraction
    scale: float
    digits: int
    half_width: int
    half_width_joint: int
    unit: int = 1

    @property
    def title(self) -> str:
        """What it measures, in words."""
        return self.kind if self.column is None else f"{self.kind} of {self.column}"


@dataclass(frozen=True, slots=True)
class KeyCell:
    """An output that shows a key, by its place among the grouping columns."""

    place: int


@dataclass(frozen=True, slots=True)
class CountCell:
    """An output that shows a noisy count."""

    measurement: int


@dataclass(frozen=True, slots=True)
class SumCell:
    """An output that shows a noisy sum: measured, or rebuilt from a mean's parts at no cost.

    Args:
        measurement: A sum, or a centred sum when ``count`` is given.
        count: The noisy count of values the midpoint is multiplied with.
        midpoint: In steps.
    """

    measurement: int
    count: int | None = None
    midpoint: int = 0


@dataclass(frozen=True, slots=True)
class MeanCell:
    """An output that shows midpoint + noisy centred sum / noisy count, kept within bounds.

    Args:
        measurement: The centred sum.
        count: The noisy count of values.
        midpoint: In steps.
        lower: Least mean, in steps.
        upper: Greatest mean, in steps.
    """

    measurement: int
    count: int
    midpoint: int
    lower: int
    upper: int


OutputCell: TypeAlias = "KeyCell | CountCell | SumCell | MeanCell | QuantileCell | SpreadCell"


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output column and where its cells come from."""

    column: AnswerColumn
    cell: OutputCell


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """Everything a query will do, decided without data.

    Args:
        dataset: Name of the data set.
        unit: The privacy unit.
        aggregation: What the engine computes exactly.
        measurements: The noisy vectors.
        outputs: The result's columns.
        order_by: Sorting of the noisy rows as (output index, whether descending).
        limit: Noisy rows shown; none means all.
        cost: The worst-case privacy loss of the whole answer.
        choices: The private choices.
    """

    dataset: str
    unit: str
    aggregation: ExactAggregation
    measurements: tuple[Measurement, ...]
    outputs: tuple[PlannedOutput, ...]
    order_by: tuple[tuple[int, bool], ...]
    limit: int | None
    cost: PureEvent
    choices: tuple[Choice, ...] = ()

    @property
    def mechanism(self) -> str:
        """What draws the noise and makes the choices."""
        used = (_NOISE if self.measurements else "", CHOICE if self.choices else "")
        return "; ".join(filter(None, used))

    @property
    def columns(self) -> frozenset[str]:
        """Every data column the plan reads."""
        return self.aggregation.columns

    @property
    def grant(self) -> Grant:
        """What the lease opens: exact bounded aggregates of these columns, no rows."""
        return Grant(self.columns, "aggregate")

    @property
    def max_rows(self) -> int:
        """Rows of one person that count at most."""
        return self.aggregation.max_rows

    @property
    def groups(self) -> int:
        """How many rows the answer has before LIMIT."""
        total = 1
        for key in self.aggregation.keys:
            total *= len(key.values)
        return total

    @property
    def clamps(self) -> dict[str, Clamp]:
        """Value bounds of each column whose values matter."""
        clamped = [a for a in self.aggregation.aggregates if isinstance(a, SumValues)]
        clamped += [one.values for one in self.aggregation.histograms]
        return {values.column: values.clamp for values in clamped}

    @property
    def obligations(self) -> tuple[str, ...]:
        """Conditions the run keeps, in words."""
        bounds = (
            f"values of {column} are clamped to {decimal_text(clamp.lower)}:{decimal_text(clamp.upper)}"
            for column, clamp in self.clamps.items()
        )
        keys = tuple(f"groups of {key.column} are its declared keys" for key in self.aggregation.keys)
        return (contribution(self.max_rows, self.unit), *bounds, *keys)

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values: cost, noise and the error to expect.

        Returns:
            ``unit``, ``max_rows``, ``groups``, ``columns``, ``epsilon``, ``split``,
            ``mechanism``, ``measurements``, ``outputs`` and ``obligations``.
        """
        many = len(self.measurements) + len(self.choices)
        share = show_exact(self.cost.epsilon / many, 12)
        return {
            "technique": "dp_query",
            "dataset": self.dataset,
            "unit": self.unit,
            "max_rows": self.max_rows,
            "groups": self.groups,
            "columns": sorted(self.columns),
            "epsilon": show_exact(self.cost.epsilon, 12),
            "split": f"equal shares: {many} x {share}",
            "mechanism": self.mechanism,
            "measurements": [
                *(_measured(m) for m in self.measurements),
                *(choice.describe(share) for choice in self.choices),
            ],
            "outputs": [self._expected(output) for output in self.outputs],
            "obligations": list(self.obligations),
        }

    def _expected(self, output: PlannedOutput) -> dict[str, Json]:
        told: dict[str, Json] = {"name": output.column.name, "kind": output.column.kind}
        if isinstance(output.cell, MeanCell):
            widths = {n: self.mean_half_width(output.cell, n) for n in (100, 1_000, 10_000)}
            told["expected_error_95"] = _by_size(widths)
        elif isinstance(output.cell, SpreadCell):
            three = self.spread_widths(output.cell)
            widths = {n: expected_width(output.cell, n, *three) for n in (100, 1_000, 10_000)}
            told["expected_error_95"] = _by_size(widths)
        elif isinstance(output.cell, QuantileCell):
            told["expected_error_95"] = f"{self.choices[output.cell.choice].rank_error} rows in rank"
        elif not isinstance(output.cell, KeyCell):
            told["expected_error_95"] = format(self.half_width(output.cell), "f")
        return told

    def spread_widths(self, cell: SpreadCell) -> tuple[int, int, int]:
        """Tell how far count, centred sum and squares of a spread may be off together in 95 of 100."""
        count, total, squares = (
            half_width(self.measurements[place].scale, EACH_OF_THREE)
            for place in (cell.count, cell.total, cell.squares)
        )
        return count, total, squares

    def half_width(self, cell: CountCell | SumCell) -> Decimal:
        """How far the noise may carry a count or a sum in 95 of 100 answers."""
        measured = self.measurements[cell.measurement]
        if isinstance(cell, SumCell) and cell.count is not None:
            counted = self.measurements[cell.count].half_width_joint
            steps = measured.half_width_joint + abs(cell.midpoint) * counted
        else:
            steps = measured.half_width
        return Decimal(steps).scaleb(-measured.digits)

    def mean_half_width(self, cell: MeanCell, values: int) -> Decimal | None:
        """Estimate how wrong a mean may be in a group of so many values; none for no use."""
        total, count = self.measurements[cell.measurement], self.measurements[cell.count]
        certain = values - count.half_width_joint
        if certain < 1:
            return None
        half_range = Fraction(cell.upper - cell.lower, 2)
        steps = (total.half_width_joint + half_range * count.half_width_joint) / certain
        steps = min(steps, Fraction(cell.upper - cell.lower))
        return rounded_up(steps / 10**total.digits, total.digits + 3)


def _by_size(widths: dict[int, Decimal | None]) -> dict[str, Json]:
    return {f"group of {n} values": "no use" if w is None else format(w, "f") for n, w in widths.items()}


def _measured(measurement: Measurement) -> dict[str, Json]:
    step = Decimal(measurement.unit).scaleb(-measurement.digits)
    return {
        "what": measurement.title,
        "step": format(step, "f"),
        "sensitivity_steps": measurement.sensitivity,
        "scale_steps": format(measurement.scale, ".12g"),
        "epsilon": show_exact(measurement.epsilon, 12),
        "half_width_95": format(step * measurement.half_width, "f"),
    }


def rounded_up(value: Fraction, places: int) -> Decimal:
    """Round a half-width up to so many decimal places."""
    scaled = value * 10**places
    return Decimal(-((-scaled.numerator) // scaled.denominator)).scaleb(-places)


def decimal_text(value: Fraction) -> str:
    """Write an exact bound as a decimal, or as a fraction when it is none."""
    tens = value.denominator
    for prime in (2, 5):
        while tens % prime == 0:
            tens //= prime
    if tens != 1:
        return f"{value.numerator}/{value.denominator}"
    places = len(str(value.denominator)) * 4
    text = format(Decimal(int(value * 10**places)).scaleb(-places), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
