"""What a finished table reaches under each privacy model, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction

from hedgerow.model.budget import show_exact
from hedgerow.model.uses import Json


@dataclass(frozen=True, slots=True)
class TableMeasures:
    """What the classes of a table reach, whatever its sensitive columns.

    Args:
        rows: Rows of the table.
        classes: Groups of rows equal on the quasi-identifiers.
        k: Fewest rows (people, where a person may have several rows) of any class.
        average_risk: Average chance to pick the row of a person known to be in the table.
        unique_rows: Rows of people who are alone in their class.
    """

    rows: int
    classes: int
    k: int
    average_risk: Fraction
    unique_rows: int


@dataclass(frozen=True, slots=True)
class SensitiveMeasures:
    """What the classes of a table tell about one sensitive column; missing values take no part.

    Args:
        column: The column.
        distinct_l: Fewest different values of any class.
        entropy_l: Least exponential of the entropy of any class; 0 where a class has no known value.
        recursive_c: For recursive (c, l)-diversity at l = ``distinct_l``: what c has to exceed; none
            where ``distinct_l`` is at most 1.
        t_equal: Largest earth mover's distance of a class to all rows, values equally far apart.
        t_ordered: The same with values as far apart as their ranks; none for values without an order.
        t_hierarchical: The same by the column's hierarchy; none where none was given.
        beta_basic: Largest relative gain of a value's share in a class over its share in all rows.
        beta_enhanced: That gain, but at most -ln of the rarest value's share.
        is_within_logarithm: Whether no value of share p gains more than -ln p, without which no beta
            makes the table enhanced beta-like.
        delta_disclosure: Largest absolute logarithm of share in a class over share in all rows, of
            values that the class has.
        alpha: Largest share of one value in a class.

    Source:
        The definitions of Machanavajjhala and others (TKDD 2007), Li and others (ICDE 2007), Cao and Karras
        (VLDB 2012), Brickell and Shmatikov (KDD 2008) and Wong and others (KDD 2006).
    """

    column: str
    distinct_l: int
    entropy_l: float
    recursive_c: Fraction | None
    t_equal: float
    t_ordered: float | None
    t_hierarchical: float | None
    beta_basic: float
    beta_enhanced: float
    is_within_logarithm: bool
    delta_disclosure: float
    alpha: float

    def to_dict(self) -> dict[str, Json]:
        """Write counts as numbers and the rest as text: exact figures rounded up, others to the nearest."""
        return _plain(asdict(self))


@dataclass(frozen=True, slots=True)
class Measures:
    """What a finished table reaches under each privacy model.

    Args:
        table: Of its classes.
        sensitive: Of each sensitive column.
    """

    table: TableMeasures
    sensitive: tuple[SensitiveMeasures, ...]

    @property
    def k(self) -> int:
        """Fewest rows or people of any class."""
        return self.table.k

    def of(self, column: str) -> SensitiveMeasures:
        """Take the figures of one sensitive column.

        Args:
            column: The column.

        Returns:
            Its figures.

        Raises:
            KeyError: When it was not measured.
        """
        return {each.column: each for each in self.sensitive}[column]

    def to_dict(self) -> dict[str, Json]:
        """Write counts as numbers and the rest as text: exact figures rounded up, others to the nearest."""
        return {**_plain(asdict(self.table)), "sensitive": [each.to_dict() for each in self.sensitive]}


def _plain(figures: Mapping[str, Fraction | float | int | str | None]) -> dict[str, Json]:
    return {name: _written(figure) for name, figure in figures.items()}


def _written(figure: Fraction | float | str | None) -> Json:
    if isinstance(figure, Fraction):
        return show_exact(figure)
    return f"{figure:.6g}" if isinstance(figure, float) else figure
