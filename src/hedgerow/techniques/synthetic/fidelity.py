"""How close a synthetic table is, judged by the noisy measurements it was made of; this costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hedgerow.kernel.marginals import Measurement, count_cells, noise_share
from hedgerow.kernel.marginals.counting import Attributes, Codes, Floats, Integers
from hedgerow.model.budget import show_exact
from hedgerow.model.uses import Json
from hedgerow.techniques.synthetic.columns import SyntheticColumn
from hedgerow.techniques.synthetic.making import Made
from hedgerow.techniques.synthetic.plan import SyntheticPlan

LIMITS = (
    (
        "Everything here is worked out from noisy counts; but for a comparison that was paid for, no real "
        "row was looked at for it."
    ),
    (
        "Columns that were not measured together are taken to be unrelated but for what they share with "
        "columns that were: the table may miss what the real rows show of them."
    ),
    (
        "A distance within what noise alone explains says that the table follows the measurements, not that "
        "they are exact."
    ),
    "Rare combinations drown in the noise. The number of rows is no fact: it was chosen by whoever asked.",
    (
        "Nobody's row is in the table; one that looks like somebody's does so by chance. The table is "
        "private at the epsilon it states, which makes what it teaches of groups no more harmless, nor the "
        "table anonymous in the words of a law."
    ),
)
_PLACES = 4


def codes_of(numbers: Sequence[Integers], columns: Sequence[SyntheticColumn]) -> Codes:
    """Turn a synthetic table's numbers back into the codes of their cells."""
    found = np.empty((len(numbers[0]), len(columns)), dtype=np.int32)
    for place, (each, column) in enumerate(zip(numbers, columns, strict=True)):
        if column.grid is None:
            found[:, place] = np.where(each < 0, column.nothing, each)
            continue
        bounds = np.array(column.grid.starts()[1:-1], dtype=np.int64)
        bins = np.searchsorted(bounds, each, side="right")
        found[:, place] = np.where(each < column.grid.lower, column.nothing, bins)
    return found


def fidelity_of(made: Made, plan: SyntheticPlan) -> dict[str, Json]:
    """Compare a synthetic table with the noisy measurements.

    Args:
        made: The table and the measurements.
        plan: What was planned.

    Returns:
        ``measured``: for each measurement its columns, the share of rows that would have to change cells
        (``distance``) and how much of that noise alone explains (``noise``); ``columns``: each column's
        shares by cell, measured and synthetic; ``compared`` where it was paid for; ``limits``.

    Guarantee: only noisy counts and the synthetic rows are read.
    """
    codes = codes_of(made.numbers, plan.columns)
    told: dict[str, Json] = {
        "label": plan.label,
        "noise": plan.spending.said,
        "rows": plan.wish.rows,
        "measured": [_measured(each, codes, made, plan) for each in made.measurements],
        "columns": [_column(place, codes, made, plan) for place in range(len(plan.columns))],
        "limits": list(LIMITS),
    }
    if made.compared:
        told["compared"] = _compared(made, plan)
    return told


def _measured(each: Measurement, codes: Codes, made: Made, plan: SyntheticPlan) -> dict[str, Json]:
    off = np.abs(each.counts - _scaled(each.attributes, codes, made, plan)).sum()
    noise = noise_share(each.attributes, plan.sizes, each.scale, plan.spending.mean)
    loss = plan.loss_alone if len(each.attributes) == 1 else plan.loss_together
    return {
        "columns": [plan.columns[place].name for place in each.attributes],
        "cells": int(each.counts.size),
        "half_width_95": show_exact(plan.spending.half_width(plan.max_rows, loss), 1),
        "distance": _share(float(off) / 2, made.rows),
        "noise": _share(noise / 2, made.rows),
    }


def _column(place: int, codes: Codes, made: Made, plan: SyntheticPlan) -> dict[str, Json]:
    column, alone = plan.columns[place], made.measurements[place]
    half = plan.spending.half_width(plan.max_rows, plan.loss_alone)
    synthetic = count_cells(codes, plan.sizes, (place,))
    return {
        "name": column.name,
        "plus_minus": _share(float(half), made.rows),
        "cells": [
            {
                "cell": column.label(code),
                "measured": _share(max(0.0, float(alone.counts[code])), made.rows),
                "synthetic": _share(float(synthetic[code]), plan.wish.rows),
            }
            for code in range(column.cells)
        ],
    }


def _compared(made: Made, plan: SyntheticPlan) -> dict[str, Json]:
    half = plan.spending.half_width(plan.check_reach, plan.check_loss)
    shares = [max(0, off) / 2 for _, off in made.compared]
    return {
        "plus_minus": _share(float(half) / 2, made.rows),
        "mean": _share(sum(shares) / len(shares), made.rows),
        "pairs": [
            {
                "columns": [plan.columns[place].name for place in pair],
                "distance": _share(share, made.rows),
            }
            for (pair, _), share in zip(made.compared, shares, strict=True)
        ],
    }


def _scaled(attributes: Attributes, codes: Codes, made: Made, plan: SyntheticPlan) -> Floats:
    counts = count_cells(codes, plan.sizes, attributes).astype(np.float64)
    scaled: Floats = counts * (made.rows / plan.wish.rows)
    return scaled


def _share(count: float, rows: float) -> str:
    return show_exact(round(Fraction(count / rows), _PLACES), _PLACES)
