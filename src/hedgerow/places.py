"""Places and habits: cells by population, time bands, merchant categories, and trajectories of people."""

from __future__ import annotations

from hedgerow.kernel.places.grid import CellGrid
from hedgerow.kernel.places.merchants import merchant_hierarchy
from hedgerow.model.places import (
    CALENDAR,
    HABITS,
    CellRule,
    CellsTable,
    MerchantRule,
    MerchantsTable,
    PointRisk,
    TimeBands,
    TrajectoryRule,
    TrajectoryTable,
)
from hedgerow.techniques.places.library import (
    cell_hierarchy,
    cells,
    merchants,
    own_cells,
    point_risk,
    population_cells,
    time_bands,
    trajectories,
)

__all__ = [
    "CALENDAR",
    "HABITS",
    "CellGrid",
    "CellRule",
    "CellsTable",
    "MerchantRule",
    "MerchantsTable",
    "PointRisk",
    "TimeBands",
    "TrajectoryRule",
    "TrajectoryTable",
    "cell_hierarchy",
    "cells",
    "merchant_hierarchy",
    "merchants",
    "own_cells",
    "point_risk",
    "population_cells",
    "time_bands",
    "trajectories",
]
