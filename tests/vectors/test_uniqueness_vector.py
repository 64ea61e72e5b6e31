"""Proves the estimate of unique people on a public table against a recorded search.

Source: ARX 3.9.2 on UCI Adult with nine quasi-identifiers, population uniqueness of at most 1% by the rule of
Dankar and others in its population of the USA (317,238,626 people), at most 5% of the rows dropped: recorded.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pyarrow as pa
from pyarrow import csv

from hedgerow.kernel.anonymity.grouping import Grouping
from hedgerow.kernel.anonymity.populations import FewUnique

USA = 317_238_626


def test_as_many_rows_of_adult_are_dropped_as_recorded(shared_data):
    adult = csv.read_csv(shared_data / "adult" / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))
    ages = (shared_data / "adult" / "adult_hierarchy_age.csv").read_text(encoding="utf-8").split()
    bands = {line.split(";")[0]: line.split(";")[2] for line in ages}
    coarser = adult.set_column(1, "age", pa.array([bands[str(age)] for age in adult["age"].to_pylist()]))
    sizes = coarser.group_by(coarser.column_names).aggregate([([], "count_all")])["count_all"].to_numpy()
    classes = Grouping(np.arange(len(sizes)), sizes)
    kept = FewUnique(Fraction(1, 100), USA).kept(classes, sizes > 0)
    assert (int(sizes[~kept].sum()), int(kept.sum())) == (272, 10_795)
