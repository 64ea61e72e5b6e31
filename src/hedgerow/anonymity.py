"""k-anonymous tables, their risk, and the linkage attack they are to withstand."""

from __future__ import annotations

from hedgerow.kernel.anonymity.hierarchies import categories, codes, dates, from_rows, from_text, numbers
from hedgerow.model.anonymity import (
    ColumnGeneralisation,
    Hierarchy,
    KAnonymousTable,
    LinkageResult,
    ReleaseParameters,
    ReleasePlan,
    RiskSummary,
    SensitiveDiversity,
)
from hedgerow.techniques.anonymity.library import hierarchies_for, k_anonymous, linkage_attack
from hedgerow.techniques.anonymity.parameters import release_parameters

__all__ = [
    "ColumnGeneralisation",
    "Hierarchy",
    "KAnonymousTable",
    "LinkageResult",
    "ReleaseParameters",
    "ReleasePlan",
    "RiskSummary",
    "SensitiveDiversity",
    "categories",
    "codes",
    "dates",
    "from_rows",
    "from_text",
    "hierarchies_for",
    "k_anonymous",
    "linkage_attack",
    "numbers",
    "release_parameters",
]
