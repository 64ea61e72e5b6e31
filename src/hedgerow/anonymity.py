"""k-anonymous tables, their risk, and the linkage attack they are to withstand."""

from __future__ import annotations

from hedgerow.kernel.anonymity.builders import calendar, intervals, ordered, redaction, to_rows
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
from hedgerow.model.recoding import ClassifierUtility, LocallyRecodedTable, RecodedClass, Transformed, Utility
from hedgerow.techniques.anonymity.hierarchy_files import from_csv, to_csv
from hedgerow.techniques.anonymity.library import hierarchies_for, k_anonymous, linkage_attack
from hedgerow.techniques.anonymity.local import k_anonymous_locally
from hedgerow.techniques.anonymity.parameters import release_parameters
from hedgerow.techniques.anonymity.transforms import (
    bottom_coded,
    microaggregated,
    sampled,
    suppress_cells,
    top_coded,
)
from hedgerow.techniques.anonymity.utility import classifier_utility, utility

__all__ = [
    "ClassifierUtility",
    "ColumnGeneralisation",
    "Hierarchy",
    "KAnonymousTable",
    "LinkageResult",
    "LocallyRecodedTable",
    "RecodedClass",
    "ReleaseParameters",
    "ReleasePlan",
    "RiskSummary",
    "SensitiveDiversity",
    "Transformed",
    "Utility",
    "bottom_coded",
    "calendar",
    "categories",
    "classifier_utility",
    "codes",
    "dates",
    "from_csv",
    "from_rows",
    "from_text",
    "hierarchies_for",
    "intervals",
    "k_anonymous",
    "k_anonymous_locally",
    "linkage_attack",
    "microaggregated",
    "numbers",
    "ordered",
    "redaction",
    "release_parameters",
    "sampled",
    "suppress_cells",
    "to_csv",
    "to_rows",
    "top_coded",
    "utility",
]
