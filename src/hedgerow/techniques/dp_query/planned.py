"""The plan of a private query: what is computed, how much noise, at what cost; all before data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal as OneOf
from typing import TypeAlias

from hedgerow.kernel.accounting import times
from hedgerow.kernel.noise import gaussian_half_width, half_width, l2_bound
from hedgerow.model.answers import AnswerColumn
from hedgerow.model.budget import PrivacyEvent, show_chance, show_exact
from hedgerow.model.contribution import Contribution, UnitBound
from hedgerow.model.expressions import leaves_of
from hedgerow.model.gathering import Gathered
from hedgerow.model.plans import Clamp, Combination, ExactAggregation, KeyDomain, SumValues
from hedgerow.model.uses import Grant, Json
from hedgerow.techniques.dp_query.found import Selection
from hedgerow.techniques.dp_query.having import Kept
from hedgerow.techniques.dp_query.price import Cost, Price
from hedgerow.techniques.dp_query.quantiles import MECHANISM as CHOICE
from hedgerow.techniques.dp_query.quantiles import Choice, QuantileCell
from hedgerow.techniques.dp_query.spread import EACH_OF_THREE, SpreadCell, expected_width

MeasurementKind = OneOf["rows", "values", "sum", "centred sum", "squared distances", "people"]
_NOISE = "discrete Laplace on exact integers (OpenDP)"
_GAUSSIAN = "discrete Gaussian on exact integers (OpenDP)"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One noisy vector: a whole number for each group.

    Args:
        kind: Rows, rows with a value, sum of values, sum of distances from the midpoint or of their
            squares, or people.
        column: The column, or none for rows.
        terms: The exact aggregates it adds up, as (index into the aggregation, factor).
        sensitivity: The most one person changes the vector, in L1, in steps.
        epsilon: Its share of the cost, exact; none where the noise is Gaussian.
        scale: Scale of the noise in steps.
        digits: A step is ``unit * 10**-digits``.
        half_width: Steps the noise stays within in 95 of 100 answers.
        half_width_joint: The same for 97.5, so that two measurements hold jointly in 95.
        unit: See ``digits``.
        rho: Its share of the cost where the noise is Gaussian.
        square: The most one person changes the vector, in L2, steps, squared.
    """

    kind: MeasurementKind
    column: str | None
    terms: tuple[tuple[int, int], ...]
    sensitivity: int
    epsilon: Fraction | None
    scale: float
    digits: int
    half_width: int
    half_width_joint: int
    unit: int = 1
    rho: Fraction | None = None
    square: int = 0

    @property
    def title(self) -> str:
        """What it measures, in words."""
        return self.kind if self.column is None else f"{self.kind} of {self.column}"

    def within(self, confidence: Fraction) -> int:
        """Tell how many steps the noise stays within with a given confidence."""
        width = half_width if self.rho is None else gaussian_half_width
        return width(self.scale, confidence)


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
        bounds: How much of one person counts; none where only rows are bounded.
        selection: How keys are found; none where all are declared.
        tested: Outputs that only HAVING looks at.
        having: Which noisy rows are shown, by places among the outputs and then the tested ones.
        loss: What one unit loses, where budgets are of people and the unit is another; ``cost`` is what a
            person loses then.
        engine: What computes the aggregation; the workspace's own where empty.
    """

    dataset: str
    unit: str
    aggregation: ExactAggregation
    measurements: tuple[Measurement, ...]
    outputs: tuple[PlannedOutput, ...]
    order_by: tuple[tuple[int, bool], ...]
    limit: int | None
    cost: Cost
    choices: tuple[Choice, ...] = ()
    bounds: Contribution | None = None
    selection: Selection | None = None
    tested: tuple[PlannedOutput, ...] = ()
    having: Kept | None = None
    loss: Cost | None = None
    engine: str = ""

    def by_people(self, bound: UnitBound) -> QueryPlan:
        """Count the rows of a unit that may count, and charge people with what it costs a person.

        Guarantee: the rows that count change by at most ``bound.moved`` with one unit, for which the noise
            is, and by at most ``bound.of_person`` with one person; every loss here grows with that number.
        """
        counted = replace(self.aggregation, of_unit=bound)
        return replace(self, aggregation=counted, cost=times(self.cost, bound.times), loss=self.cost)

    @property
    def per_unit(self) -> tuple[str, PrivacyEvent] | None:
        """The unit and what one of it loses; none for the person."""
        return None if self.loss is None else (self.unit, self.loss)

    @property
    def said(self) -> str:
        """Say how much of one unit counts."""
        bound = self.aggregation.of_unit
        return self.contribution.said(self.unit) if bound is None else bound.said

    @property
    def mechanism(self) -> str:
        """What draws the noise and makes the choices."""
        noise = _GAUSSIAN if self.price.rho is not None else _NOISE
        has_noise = self.measurements or self.selection is not None
        threshold = "" if self.selection is None else "keys by a threshold on noisy counts of people"
        used = (noise if has_noise else "", CHOICE if self.choices else "", threshold)
        return "; ".join(filter(None, used))

    @property
    def columns(self) -> frozenset[str]:
        """Every data column the plan reads."""
        return self.aggregation.columns

    @property
    def grant(self) -> Grant:
        """What the lease opens: exact bounded aggregates of these columns, no rows."""
        source = self.aggregation.source
        public = {one.table.name: one.table.digest for one in source.lookups}
        others = tuple((one.name, one.read) for one in source.beside)
        return Grant(
            self.columns,
            "aggregate",
            public=tuple(sorted(public.items())),
            others=others,
            engine=self.engine,
        )

    @property
    def max_rows(self) -> int:
        """Rows of one person that count at most."""
        return self.aggregation.max_rows

    @property
    def price(self) -> Price:
        """What the whole answer costs its unit."""
        return Price.told(self.loss or self.cost)

    @property
    def charged(self) -> Price | None:
        """What people are charged, where the unit is another than the person."""
        return None if self.loss is None else Price.told(self.cost)

    def selecting(self, found: Sequence[tuple[Combination, int]]) -> QueryPlan:
        """Choose the keys that are shown, once; whatever is measured then is of these.

        Args:
            found: What the engine found; see :meth:`Selection.kept`.

        Returns:
            The same plan with its keys; as it is where all keys are declared.
        """
        if self.selection is None:
            return self
        kept = self.selection.kept(found)
        keys = tuple(
            KeyDomain(key.column, tuple({(type(k), k): k for k in (one[place] for one in kept)}.values()))
            for place, key in enumerate(self.aggregation.keys)
        )
        return replace(self, aggregation=replace(self.aggregation, keys=keys, selected=kept))

    @property
    def contribution(self) -> Contribution:
        """How much of one person counts."""
        return self.bounds or Contribution(self.max_rows)

    @property
    def groups(self) -> int:
        """How many rows the answer has before HAVING and LIMIT; 0 while keys are not found."""
        return self.aggregation.groups

    @property
    def clamps(self) -> dict[str, Clamp]:
        """Value bounds of each column whose values matter."""
        gathering = self.aggregation.gathering
        inside = {} if gathering is None else clamps_of(gathering.rows)
        return inside | clamps_of(self.aggregation)

    @property
    def obligations(self) -> tuple[str, ...]:
        """Conditions the run keeps, in words."""
        bounds = (
            f"values of {column} are clamped to {decimal_text(clamp.lower)}:{decimal_text(clamp.upper)}"
            for column, clamp in self.clamps.items()
        )
        keys = dict.fromkeys(self._said_of_key(key) for key in self.aggregation.keys)
        return (*self.said_of_rows, *bounds, *keys)

    @property
    def said_of_rows(self) -> tuple[str, ...]:
        """How much of one person counts, in words, and what its rows are joined with and gathered into."""
        joins, gathering = [one.words for one in self.aggregation.joins], self.aggregation.gathering
        if gathering is None:
            return (self.said, *joins)
        rows = gathering.rows
        inside = Contribution(rows.max_rows, rows.max_groups, rows.max_rows_per_group)
        return (inside.said(self.unit), *joins, gathering.words)

    def _said_of_key(self, key: KeyDomain) -> str:
        if key.place is not None:
            return "groups of an expression are those that its constants and bounds allow"
        if not key.values:
            return f"groups of {key.column} are found in the data"
        gathering = self.aggregation.gathering
        if gathering is not None and any(one.name == key.column for one in gathering.columns):
            return f"groups of {key.column} are all that its bounds allow"
        gained = {name for one in self.aggregation.source.lookups for name, _ in one.adds}
        known = "those of its public table" if key.column in gained else "its declared keys"
        return f"groups of {key.column} are {known}"

    def describe(self) -> dict[str, Json]:
        """Explain the plan as plain values: cost, noise and the error to expect.

        Returns:
            ``unit``, ``max_rows``, ``groups``, ``columns``, ``epsilon`` or ``rho``, ``split``,
            ``mechanism``, ``measurements``, ``outputs`` and ``obligations``.
        """
        selections = [] if self.selection is None else [self.selection]
        many = len(self.measurements) + len(self.choices) + len(selections)
        price, share = self.price, self.price.share(many)
        return {
            "technique": "dp_query",
            "dataset": self.dataset,
            "unit": self.unit,
            "max_rows": self.aggregation.of_unit.rows if self.aggregation.of_unit else self.max_rows,
            "groups": "found in the data" if selections else self.groups,
            **self._joins(),
            **self._gathering(),
            "columns": sorted(self.columns),
            price.name: price.text,
            **({} if price.delta is None else {"delta": show_chance(price.delta)}),
            **({} if self.charged is None else {"person_cost": f"{self.charged.name} {self.charged.text}"}),
            "split": f"equal shares: {many} x {share.text}",
            "mechanism": self.mechanism,
            **({"engine": self.engine} if self.engine else {}),
            "measurements": [
                *(selection.describe() for selection in selections),
                *(_measured(m) for m in self.measurements),
                *(choice.describe(show_exact(choice.epsilon, 12)) for choice in self.choices),
            ],
            "outputs": [self._expected(output) for output in (*self.outputs, *self.tested)],
            "obligations": list(self.obligations),
        }

    def _joins(self) -> dict[str, Json]:
        """Tell which tables are joined, where any is."""
        joins: list[Json] = [
            {"table": one.name, "rows_of_one": one.max_rows} for one in self.aggregation.source.beside
        ]
        joins += [
            {"table": one.table.name, "digest": one.table.digest, "rows_of_one": one.multiplicity}
            for one in self.aggregation.source.lookups
        ]
        return {"joins": joins} if joins else {}

    def _gathering(self) -> dict[str, Json]:
        """Tell what rows of a person are gathered into, where they are."""
        gathering = self.aggregation.gathering
        if gathering is None:
            return {}
        return {
            "gathered": {
                "rows_of_one": gathering.most,
                "of_rows": gathering.each,
                "bounds": {one.name: _reach(one, gathering.each) for one in gathering.columns},
            }
        }

    def _expected(self, output: PlannedOutput) -> dict[str, Json]:
        told: dict[str, Json] = {"name": output.column.name, "kind": output.column.kind}
        if output in self.tested:
            told["shown"] = False
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
            self.measurements[place].within(EACH_OF_THREE) for place in (cell.count, cell.total, cell.squares)
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


def clamps_of(aggregation: ExactAggregation) -> dict[str, Clamp]:
    """Tell the value bounds of the columns of an aggregation that are not worked out by it.

    Args:
        aggregation: What is computed of some rows.
    """
    made = {one.name for one in aggregation.computed}
    clamped = [a for a in aggregation.aggregates if isinstance(a, SumValues)]
    clamped += [one.values for one in aggregation.histograms]
    clamped += [leaf for one in aggregation.computed for leaf in leaves_of(one.expression)]
    places = [key.place for key in aggregation.keys if key.place is not None]
    clamped += [leaf for place in places for leaf in leaves_of(place)]
    return {values.column: values.clamp for values in clamped if values.column not in made}


def _reach(one: Gathered, rows: int) -> str:
    low, high = (decimal_text(Fraction(end, 10**one.digits)) for end in one.step_bounds(rows))
    return f"{low}:{high}"


def _by_size(widths: dict[int, Decimal | None]) -> dict[str, Json]:
    return {f"group of {n} values": "no use" if w is None else format(w, "f") for n, w in widths.items()}


def _measured(measurement: Measurement) -> dict[str, Json]:
    step = Decimal(measurement.unit).scaleb(-measurement.digits)
    return {
        "what": measurement.title,
        "step": format(step, "f"),
        **_moved(measurement),
        "scale_steps": format(measurement.scale, ".12g"),
        **_paid(measurement),
        "half_width_95": format(step * measurement.half_width, "f"),
    }


def _moved(measurement: Measurement) -> dict[str, Json]:
    """Say how far one person moves it: in L2 for Gaussian noise, and in L1 for Laplace noise."""
    if measurement.rho is None:
        return {"sensitivity_steps": measurement.sensitivity}
    return {"sensitivity_l2_steps": show_exact(l2_bound(measurement.square), 6)}


def _paid(measurement: Measurement) -> dict[str, Json]:
    price = Price(measurement.epsilon, measurement.rho)
    return {price.name: price.text}


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
