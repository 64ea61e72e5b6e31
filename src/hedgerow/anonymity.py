"""k-anonymous tables, their risk, and the linkage attack they are to withstand."""

from __future__ import annotations

from hedgerow.kernel.anonymity.builders import calendar, intervals, ordered, redaction, to_rows
from hedgerow.kernel.anonymity.candidates import ReleaseCandidate
from hedgerow.kernel.anonymity.hierarchies import categories, codes, dates, from_rows, from_text, numbers
from hedgerow.model.anonymity import (
    ColumnGeneralisation,
    Hierarchy,
    KAnonymousTable,
    LinkageResult,
    Reached,
    ReleaseParameters,
    ReleasePlan,
    RiskSummary,
    SensitiveDiversity,
)
from hedgerow.model.criteria import Model, parse_model
from hedgerow.model.measures import Measures, SensitiveMeasures, TableMeasures
from hedgerow.model.recoding import ClassifierUtility, LocallyRecodedTable, RecodedClass, Transformed, Utility
from hedgerow.model.safe_harbor import HarborFinding, SafeHarbor
from hedgerow.techniques.anonymity.batches import ReleasedBatches, k_anonymise_batches
from hedgerow.techniques.anonymity.estimator import KAnonymizer
from hedgerow.techniques.anonymity.hierarchy_files import from_csv, to_csv
from hedgerow.techniques.anonymity.library import hierarchies_for, k_anonymous, linkage_attack
from hedgerow.techniques.anonymity.local import k_anonymous_locally
from hedgerow.techniques.anonymity.measuring import measure
from hedgerow.techniques.anonymity.parameters import release_parameters
from hedgerow.techniques.anonymity.safe_harbor import safe_harbor
from hedgerow.techniques.anonymity.simple import KAnonymised, k_anonymise, release_candidates
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
    "HarborFinding",
    "Hierarchy",
    "KAnonymised",
    "KAnonymizer",
    "KAnonymousTable",
    "LinkageResult",
    "LocallyRecodedTable",
    "Measures",
    "Model",
    "Reached",
    "RecodedClass",
    "ReleaseCandidate",
    "ReleaseParameters",
    "ReleasePlan",
    "ReleasedBatches",
    "RiskSummary",
    "SafeHarbor",
    "SensitiveDiversity",
    "SensitiveMeasures",
    "TableMeasures",
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
    "k_anonymise",
    "k_anonymise_batches",
    "k_anonymous",
    "k_anonymous_locally",
    "linkage_attack",
    "measure",
    "microaggregated",
    "numbers",
    "ordered",
    "parse_model",
    "redaction",
    "release_candidates",
    "release_parameters",
    "safe_harbor",
    "sampled",
    "suppress_cells",
    "to_csv",
    "to_rows",
    "top_coded",
    "utility",
]
