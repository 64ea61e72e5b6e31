"""What a private query gives back: rows, how wrong they may be, and a sentence that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias
from typing import Literal as OneOf

from hedgerow.model.budget import show_exact, show_left

Cell: TypeAlias = "str | int | Decimal | bool | None"
Function = OneOf[
    "count",
    "sum",
    "mean",
    "median",
    "quantile",
    "min",
    "max",
    "variance",
    "variance_pop",
    "stddev",
    "stddev_pop",
    "people",
]
OutputKind = OneOf["key", Function]

UNGOVERNED = "ungoverned: not in any ledger"
GOVERNED = "governed: debited in the ledger"


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """One column of an answer.

    Args:
        name: The name asked for.
        kind: A declared key, or which statistic it is.
        source: The column of the data set it was computed from; none for counts of rows and people.
        quantile: Which quantile it is, as decimal text; none for other statistics.
        rank_error_95: Of a quantile: how many rows its rank is off at most in 95 of 100 answers.
    """

    name: str
    kind: OutputKind
    source: str | None = None
    quantile: str | None = None
    rank_error_95: int | None = None

    def to_dict(self) -> dict[str, str | int | None]:
        """Render as plain values; what is told of quantiles only stands with them."""
        told: dict[str, str | int | None] = {"name": self.name, "kind": self.kind, "source": self.source}
        if self.quantile is not None:
            told |= {"quantile": self.quantile, "rank_error_95": self.rank_error_95}
        return told


@dataclass(frozen=True, slots=True)
class Answer:
    """A differentially private answer with its uncertainty.

    Args:
        columns: What each cell of a row is, in the order asked.
        rows: One row for each combination of declared keys, whether or not anyone is in it.
            Counts are whole numbers and may be below zero: cutting them would bias sums of
            counts. A mean or a spread is none where the noisy count is too small to
            divide by.
        half_widths: For each cell, how far the noise may carry it in 95 of 100 answers; none
            for keys, for cells without a value and for quantiles, whose error is one of rank: see
            :class:`AnswerColumn`.
        mechanism: What drew the noise.
        epsilon: What the answer cost, exact; none where its noise is Gaussian.
        unit: What the guarantee protects, for example ``"person"``.
        sentence: How wrong the answer may be, in words.
        notes: What else the reader must know, one sentence each.
        standing: Whether a ledger holds the cost.
        rho: What the answer cost in zero-concentrated loss, exact, where its noise is Gaussian.
        delta: The chance that keys found in the data told more; none where all keys were declared.
        charged: What people were charged, in words, where the unit is another than the person.
    """

    columns: tuple[AnswerColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    half_widths: tuple[tuple[Decimal | None, ...], ...]
    mechanism: str
    epsilon: Fraction | None
    unit: str
    sentence: str
    notes: tuple[str, ...] = ()
    standing: str = GOVERNED
    rho: Fraction | None = None
    delta: Fraction | None = None
    charged: str = ""

    def with_left(self, left: Fraction, total: Fraction) -> Answer:
        """Say in the sentence what is left of the budget.

        Args:
            left: Epsilon left, exact; shown rounded down.
            total: Epsilon of the whole budget, exact.

        Returns:
            The same answer with the longer sentence.
        """
        told = f"{self.sentence.rstrip('.')}; {show_left(left)} of {show_exact(total)} epsilon left."
        return replace(self, sentence=told)

    def to_dict(self) -> dict[str, Any]:
        """Render as canonical plain values: decimals as text, no floats.

        Returns:
            ``columns``, ``rows``, ``half_widths_95``, ``mechanism``, ``epsilon`` (numerator over
            denominator) and ``epsilon_shown``, or ``rho`` and ``rho_shown``; ``delta`` where keys were
            found; ``unit``, ``sentence``,
            ``notes`` and ``standing``; what :meth:`from_dict` takes back.
        """
        return {
            "columns": [column.to_dict() for column in self.columns],
            "rows": [[_plain(cell) for cell in row] for row in self.rows],
            "half_widths_95": [[_plain(cell) for cell in row] for row in self.half_widths],
            "mechanism": self.mechanism,
            **_cost("epsilon", self.epsilon),
            **_cost("rho", self.rho),
            **({} if self.delta is None else {"delta": f"{self.delta.numerator}/{self.delta.denominator}"}),
            "unit": self.unit,
            **({"person_cost": self.charged} if self.charged else {}),
            "sentence": self.sentence,
            "notes": list(self.notes),
            "standing": self.standing,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Answer:
        """Read back what :meth:`to_dict` wrote.

        Args:
            kept: The plain values.

        Returns:
            The same answer.
        """
        columns = tuple(AnswerColumn(**column) for column in kept["columns"])
        return cls(
            columns=columns,
            rows=tuple(_cells(row, columns) for row in kept["rows"]),
            half_widths=tuple(
                tuple(None if cell is None else Decimal(cell) for cell in row)
                for row in kept["half_widths_95"]
            ),
            mechanism=kept["mechanism"],
            epsilon=Fraction(kept["epsilon"]) if "epsilon" in kept else None,
            rho=Fraction(kept["rho"]) if "rho" in kept else None,
            delta=Fraction(kept["delta"]) if "delta" in kept else None,
            unit=kept["unit"],
            sentence=kept["sentence"],
            notes=tuple(kept["notes"]),
            standing=kept["standing"],
            charged=kept.get("person_cost", ""),
        )

    def records(self) -> list[dict[str, str | int | float | bool | None]]:
        """List the rows by column name with decimals as floats, for data frames and charts."""
        names = [column.name for column in self.columns]
        plain = [[float(c) if isinstance(c, Decimal) else c for c in row] for row in self.rows]
        return [dict(zip(names, row, strict=True)) for row in plain]


def _cost(name: str, loss: Fraction | None) -> dict[str, str]:
    if loss is None:
        return {}
    return {name: f"{loss.numerator}/{loss.denominator}", f"{name}_shown": show_exact(loss, 12)}


def _plain(cell: Cell) -> str | int | bool | None:
    return format(cell, "f") if isinstance(cell, Decimal) else cell


def _cells(row: Sequence[str | int | bool | None], columns: tuple[AnswerColumn, ...]) -> tuple[Cell, ...]:
    return tuple(
        Decimal(cell) if isinstance(cell, str) and column.kind != "key" else cell
        for cell, column in zip(row, columns, strict=True)
    )
