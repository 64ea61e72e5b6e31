"""What a finished table reaches under each privacy model, as a library function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from hedgerow.kernel.anonymity.coding import Ints, combined_keys
from hedgerow.kernel.anonymity.grouping import distinct_pairs
from hedgerow.kernel.anonymity.measures import sensitive_measures, table_measures
from hedgerow.model.anonymity import Hierarchy, ReleaseParameters
from hedgerow.model.calls import door
from hedgerow.model.errors import CallerError
from hedgerow.model.measures import Measures
from hedgerow.techniques.anonymity.columns import coded
from hedgerow.techniques.anonymity.frames import arrow_of_columns
from hedgerow.techniques.anonymity.parameters import check_columns
from hedgerow.techniques.anonymity.sensitive import sensitive_column


@door("anonymity.measure", {})
def measure(
    table: Any,  # noqa: ANN401 - any table that narwhals knows
    *,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    hierarchies: Mapping[str, Hierarchy] | None = None,
    person: str | None = None,
) -> Measures:
    """State what a finished table reaches under each privacy model.

    Rows are compared with the distribution of the table given, as somebody sees it who holds nothing else.

    Args:
        table: A pyarrow, pandas or Polars table, or a dict of columns, raw or de-identified.
        quasi: Quasi-identifiers; a missing value is a value of its own.
        sensitive: Sensitive columns, each measured alone; missing values take no part.
        hierarchies: Hierarchy per sensitive column, for the hierarchical distance; it lists the
            values in their order.
        person: Column that tells whose row it is, where a person may have several.

    Returns:
        The figures; counts and shares of counts exact, others floating.

    Raises:
        CallerError: For no table, an empty one, or a column that it lacks or cannot be measured.

    Source:
        As each field of ``SensitiveMeasures`` says.
    """
    return measured(_arrow(table), quasi=quasi, sensitive=sensitive, hierarchies=hierarchies, person=person)


def measured(
    arrow: pa.Table,
    *,
    quasi: Sequence[str],
    sensitive: Sequence[str] = (),
    hierarchies: Mapping[str, Hierarchy] | None = None,
    person: str | None = None,
) -> Measures:
    """Measure an Arrow table.

    Args:
        arrow: The table.
        quasi: As ``measure``.
        sensitive: As ``measure``.
        hierarchies: As ``measure``.
        person: As ``measure``.

    Returns:
        The figures.

    Raises:
        CallerError: As ``measure``.
    """
    names = ReleaseParameters(tuple(quasi), 2, tuple(sensitive), person=person)
    if not quasi:
        raise CallerError("anonymity.no-quasi")
    check_columns(names, arrow.column_names)
    if arrow.num_rows == 0:
        raise CallerError("anonymity.empty-table")
    classes, number = _classes(arrow, names.quasi)
    sizes = np.bincount(classes, minlength=number).astype(np.int64)
    members = None
    if person is not None:
        members = distinct_pairs(classes, coded(arrow, person).codes).distinct(number)
    known = hierarchies or {}
    columns = [sensitive_column(arrow, name, known.get(name)) for name in names.sensitive]
    return Measures(
        table_measures(sizes, members),
        tuple(
            sensitive_measures(
                each.name,
                classes,
                each.codes,
                number,
                is_ordered=each.is_ordered,
                levels=each.levels,
                reference=each.reference,
            )
            for each in columns
        ),
    )


def measured_with_people(released: pa.Table, asked: ReleaseParameters, people: Ints | None) -> Measures:
    """Measure a released table, its people counted beside their rows.

    Args:
        released: The rows that leave.
        asked: Columns and hierarchies.
        people: Person of each row, -1 for unknown, or none.

    Returns:
        The figures.
    """
    counted, person = released, None
    if people is not None:
        person = "".join(released.column_names) + "+"  # a name that no column has
        counted = released.append_column(person, pa.array(people, mask=people < 0))
    ladders = {name: ladder for name, ladder in asked.hierarchies if name in asked.sensitive}
    return measured(counted, quasi=asked.quasi, sensitive=asked.sensitive, hierarchies=ladders, person=person)


def _arrow(table: Any) -> pa.Table:  # noqa: ANN401 - any table
    if isinstance(table, Mapping):
        return arrow_of_columns(table)
    try:
        return nw.from_native(table, eager_only=True).to_arrow()
    except TypeError:
        raise CallerError("anonymity.no-table") from None


def _classes(table: pa.Table, quasi: Sequence[str]) -> tuple[Ints, int]:
    """Number the combinations of quasi-identifiers."""
    codes = [coded(table, name).codes + 1 for name in quasi]
    keys = combined_keys(codes, [int(column.max()) + 1 for column in codes])
    space = int(keys.max()) + 1
    if space <= 4 * len(keys) + 1024:
        used = np.bincount(keys, minlength=space) > 0
        return (np.cumsum(used) - 1)[keys], int(used.sum())
    found, classes = np.unique(keys, return_inverse=True)
    return classes.astype(np.int64), len(found)
