"""One level per column, or levels of its own for each class: as asked, or whichever is better, and why."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pyarrow as pa

from hedgerow.kernel.anonymity.hierarchies import categories
from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters, RiskSummary
from hedgerow.model.errors import Refused
from hedgerow.model.words import percent
from hedgerow.techniques.anonymity.columns import coded
from hedgerow.techniques.anonymity.local import locally_recoded
from hedgerow.techniques.anonymity.models import check_local, is_of_population
from hedgerow.techniques.anonymity.release import release

ENOUGH = 0.9
"""One level per column that keeps so much of the detail is taken as it is: cells of a column then compare."""

WORTH = 0.05
"""How much more of the detail levels of their own must keep to be worth cells that do not compare."""


def released(
    table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool, population: pa.Table | None = None
) -> KAnonymousTable[pa.Table]:
    """Make a release by the method that is asked for.

    Args:
        table: The raw rows; columns that are not asked for are not read.
        asked: Columns, k, models, limits and the method.
        ungoverned: Whether no gate admitted this.
        population: One row per person of the population, or none.

    Returns:
        The table with its method and, of ``auto``, the reason of the choice; with ``local`` the
        level of a column is the coarsest of any class.

    Raises:
        CallerError: ``anonymity.method-model``; and as ``release``.
        Refused: As ``release``.
        Fault: As ``release``.
    """
    if asked.method == "local":
        return _local(table, asked, ungoverned=ungoverned)
    if asked.method == "cells":
        return _of_cells(table, asked, ungoverned=ungoverned)
    if asked.method == "auto":
        return _better(table, asked, ungoverned=ungoverned, population=population)
    return release(table, asked, ungoverned=ungoverned, population=population)


def detail_of(risk: RiskSummary, asked: ReleaseParameters) -> float:
    """Tell how much of the detail of all rows is left, as columns are weighed.

    Args:
        risk: Of the release.
        asked: What columns weigh.

    Returns:
        From 0 to 1: a dropped row keeps none.
    """
    weights = {name: float(weight) for name, weight in asked.weights}
    kept = sum(weights.get(each.column, 1) * each.granularity for each in risk.columns)
    whole = sum(weights.get(each.column, 1) for each in risk.columns)
    return kept / whole * risk.released_rows / risk.rows


def _local(table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool) -> KAnonymousTable[pa.Table]:
    check_local(asked)
    made = locally_recoded(table, asked, ungoverned=ungoverned)
    levels = tuple((each.column, each.level) for each in made.risk.columns)
    return KAnonymousTable(
        made.table,
        made.risk,
        levels,
        ungoverned=ungoverned,
        reached=made.reached,
        measures=made.measures,
        people=made.people,
        method="local",
    )


def _of_cells(table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool) -> KAnonymousTable[pa.Table]:
    """Strike out single cells: local recoding in which a value has nothing above it but ``*``."""
    flat = tuple((name, categories(sorted(coded(table, name).distinct))) for name in asked.quasi)
    others = tuple(pair for pair in asked.hierarchies if pair[0] not in asked.quasi)
    made = _local(table, replace(asked, hierarchies=(*others, *flat)), ungoverned=ungoverned)
    return replace(made, method="cells")


def _better(
    table: pa.Table, asked: ReleaseParameters, *, ungoverned: bool, population: pa.Table | None
) -> KAnonymousTable[pa.Table]:
    whole = next((model for model in asked.models if is_of_population(model)), None)
    if whole is not None:
        exact = release(table, asked, ungoverned=ungoverned, population=population)
        return replace(exact, reason=f"one level per column, since {whole} needs the table of a population")
    try:
        exact = release(table, asked, ungoverned=ungoverned, population=population)
    except Refused:
        local = _local(table, asked, ungoverned=ungoverned)
        return replace(local, reason="levels of their own for each class: one per column meets it nowhere")
    kept = detail_of(exact.risk, asked)
    if kept >= ENOUGH:
        said = f"one level per column, which keeps {_share(kept)} of the detail"
        return replace(exact, reason=said)
    try:
        local = _local(table, asked, ungoverned=ungoverned)
    except Refused:
        return replace(exact, reason="one level per column: levels of their own meet it nowhere")
    more = detail_of(local.risk, asked)
    if more < kept + WORTH:
        said = f"one level per column keeps {_share(kept)} of the detail, levels of their own {_share(more)}"
        return replace(exact, reason=f"{said}: not worth cells that do not compare")
    said = f"levels of their own for each class keep {_share(more)} of the detail, one level per column"
    return replace(local, reason=f"{said} {_share(kept)}")


def _share(value: float) -> str:
    return percent(round(Fraction(value), 4))
