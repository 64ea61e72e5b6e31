"""Marginals of tables of codes: counted, chosen, fitted by a junction tree, and drawn from."""

from __future__ import annotations

from hedgerow.kernel.marginals.choosing import candidates, error_scores
from hedgerow.kernel.marginals.counting import cells_of, count_cells
from hedgerow.kernel.marginals.fitting import Fitted, Measurement, estimated_rows, fit, noise_share
from hedgerow.kernel.marginals.inference import Beliefs, propagate
from hedgerow.kernel.marginals.sampling import draw_below, draw_from, draw_rows
from hedgerow.kernel.marginals.tree import JunctionTree, junction_tree

__all__ = [
    "Beliefs",
    "Fitted",
    "JunctionTree",
    "Measurement",
    "candidates",
    "cells_of",
    "count_cells",
    "draw_below",
    "draw_from",
    "draw_rows",
    "error_scores",
    "estimated_rows",
    "fit",
    "junction_tree",
    "noise_share",
    "propagate",
]
