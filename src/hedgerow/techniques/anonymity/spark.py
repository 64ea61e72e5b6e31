"""k-anonymity of a Spark DataFrame: Spark counts, the levels are chosen here, Spark applies them.

Nothing of pyspark is imported: all that is used hangs on the data frame that a caller gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from hedgerow.model.anonymity import ReleaseParameters
from hedgerow.model.errors import Fault
from hedgerow.techniques.anonymity.counted import Chosen, Counts, chosen, counted_columns, listed, plainly

Frame: TypeAlias = Any
"""A DataFrame of PySpark."""

_FEW = 100_000


def released_by_spark(frame: Frame, asked: ReleaseParameters) -> tuple[Frame, Chosen, tuple[str, ...]]:
    """Make a Spark DataFrame k-anonymous at the least loss.

    Args:
        frame: The raw rows; columns that are not asked for are not read.
        asked: Columns, k, models and limits.

    Returns:
        The DataFrame that leaves, sorted by its values; what was chosen; the columns left out.

    Raises:
        CallerError: For parameters, columns or hierarchies that do not fit; ``anonymity.rows-changed``.
        Refused: ``anonymity.unreachable``.
        Fault: ``extra.missing`` for a Spark older than 4, ``engine.failed`` with the kind of failure, and
            ``anonymity.recount``.

    Guarantee: as ``release``, of the rows as they stood when they were counted once more. Spark computes
        the DataFrame anew each time it is used: a class that was not chosen never comes out, but rows that
        change meanwhile change the classes.

    Cost: each distinct combination of quasi-identifiers and of the sensitive attributes that models read,
        with its count, comes to the driver; no row does.
    """
    if not hasattr(frame, "toArrow"):
        raise Fault("extra.missing", what="A DataFrame of Spark", extra="spark")
    with _told():
        schema = frame.limit(0).toArrow().schema
    names = listed(asked, schema)
    ids = {name: f"c{schema.names.index(name)}" for name in names}
    rows = _plain(frame, list(ids.values()))
    counted = counted_columns(asked)
    made = chosen(_counts(rows, counted, ids), asked)
    with _told():
        finished = _applied(rows, made, ids)
    made.recount(_counts(finished, counted, ids))
    left_out = tuple(name for name in schema.names if name not in names)
    return finished.orderBy(*ids.values()).toDF(*names), made, left_out


def _plain(frame: Frame, ids: Sequence[str]) -> Frame:
    """Name columns by their place, whatever their names hold, and make NaN missing."""
    numbered = frame.toDF(*(f"c{place}" for place in range(len(frame.columns))))
    kinds = dict(numbered.dtypes)
    return numbered.selectExpr(
        *(f"if(isnan({each}), NULL, {each}) AS {each}" if kinds[each] in ("float", "double") else each
          for each in ids)
    )  # fmt: skip


def _counts(frame: Frame, names: Sequence[str], ids: dict[str, str]) -> Counts:
    with _told():
        found = frame.groupBy(*(ids[name] for name in names)).count().toArrow()
    rows = found.column(len(names)).to_numpy().astype(np.int64)
    return Counts(plainly(found.select(range(len(names))).rename_columns(list(names)), names), rows)


def _applied(rows: Frame, made: Chosen, ids: dict[str, str]) -> Frame:
    """Put labels in the place of values, and leave the classes that were chosen and no other."""
    session, labelled = rows.sparkSession, rows
    shown = {each: each for each in ids.values()}
    quasi = [ids[name] for name in made.levels]
    for place, (each, level) in enumerate(zip(quasi, made.levels.values(), strict=True)):
        if level == made.source.quasi[place].hierarchy.top:
            shown[each] = f"'*' AS {each}"
        elif level:
            labels = made.label(place).rename_columns(["value", f"label_{each}"])
            known = session.createDataFrame(labels).hint("broadcast")
            labelled = labelled.join(known, labelled[each].eqNullSafe(known["value"]), "inner").drop("value")
            shown[each] = f"label_{each} AS {each}"
    released = labelled.selectExpr(*shown.values())
    classes = session.createDataFrame(made.classes.rename_columns([f"k{each}" for each in quasi]))
    if made.classes.num_rows <= _FEW:
        classes = classes.hint("broadcast")
    alike = released[quasi[0]].eqNullSafe(classes[f"k{quasi[0]}"])
    for each in quasi[1:]:
        alike &= released[each].eqNullSafe(classes[f"k{each}"])
    return released.join(classes, alike, "left_semi")


@contextmanager
def _told() -> Iterator[None]:
    """Tell of a failure in Spark its kind alone: its message may hold values."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - of whatever kind
        raise Fault("engine.failed", reason=type(error).__name__) from None
