"""Proves the exact optimum on a public table of 30,162 people against published search results.

Source: the optima, losses and class counts are those of ARX 3.9.2 for UCI Adult with its nine
hierarchies, k = 5, its Loss metric (factor 0.5; arithmetic mean over nine columns, its default,
geometric, over eight) and the same suppression limits.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

import hedgerow.anonymity as hra
from hedgerow.kernel.anonymity.coding import distinct_tuples, level_maps
from hedgerow.kernel.anonymity.distances import reference_of
from hedgerow.kernel.anonymity.grouping import distinct_pairs
from hedgerow.kernel.anonymity.populations import MeanRisk
from hedgerow.kernel.anonymity.search import Problem, evaluate, search
from hedgerow.kernel.anonymity.sensitive import Closeness, EntropyValues
from hedgerow.techniques.anonymity.columns import coded, hierarchy_codes

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def adult(shared_data) -> pa.Table:
    return csv.read_csv(shared_data / "adult" / "adult.csv", parse_options=csv.ParseOptions(delimiter=";"))


@pytest.fixture(scope="module")
def ladders(shared_data, adult) -> dict[str, hra.Hierarchy]:
    folder = shared_data / "adult"
    return {
        name: hra.from_text((folder / f"adult_hierarchy_{name}.csv").read_text(encoding="utf-8"))
        for name in adult.column_names
    }


def recount(table: pa.Table, quasi) -> Counter:
    return Counter(zip(*(table[name].to_pylist() for name in quasi), strict=True))


@pytest.mark.parametrize(
    ("limit", "levels", "loss", "suppressed", "classes"),
    [
        (0, (0, 4, 1, 1, 3, 2, 2, 1, 0), 0.635544, 0, 24),
        (0.05, (0, 3, 0, 0, 2, 1, 1, 2, 0), 0.269635, 1346, 397),
        (1, (0, 3, 0, 0, 2, 1, 1, 1, 0), 0.227700, 2553, 602),
    ],
)
def test_k_5_over_nine_quasi_identifiers(adult, ladders, limit, levels, loss, suppressed, classes):
    quasi = adult.column_names
    made = hra.k_anonymous(adult, quasi=quasi, k=5, suppression_limit=limit, hierarchies=ladders)
    assert tuple(level for _, level in made.levels) == levels
    assert made.risk.loss == pytest.approx(loss, abs=5e-7)
    assert made.risk.suppressed_rows == suppressed
    sizes = recount(made.table, quasi)
    assert min(sizes.values()) >= 5
    assert len(sizes) == made.risk.classes == classes
    assert sum(sizes.values()) == 30_162 - suppressed


@pytest.mark.parametrize(
    ("limit", "levels", "suppressed", "classes"),
    [(0, None, 0, 26), (0.05, (0, 3, 0, 0, 2, 1, 1, 0), 1400, 387)],
)
def test_k_5_with_three_distinct_occupations(adult, ladders, limit, levels, suppressed, classes):
    quasi = [name for name in adult.column_names if name != "occupation"]
    made = hra.k_anonymous(
        adult,
        quasi=quasi,
        sensitive=["occupation"],
        k=5,
        l=3,
        suppression_limit=limit,
        hierarchies={name: ladders[name] for name in quasi},
    )
    assert levels is None or tuple(level for _, level in made.levels) == levels
    assert (made.risk.suppressed_rows, made.risk.classes) == (suppressed, classes)
    seen: dict[tuple, set] = {}
    for key, value in zip(
        zip(*(made.table[name].to_pylist() for name in quasi), strict=True),
        made.table["occupation"].to_pylist(),
        strict=True,
    ):
        seen.setdefault(key, set()).add(value)
    assert min(map(len, seen.values())) >= 3


@pytest.mark.parametrize(
    ("column", "model", "levels", "suppressed", "classes"),
    [
        ("occupation", "distinct-l(occupation)=3", (0, 3, 0, 0, 2, 1, 1, 0), 1400, 387),
        ("occupation", "entropy-l(occupation)=3", (0, 3, 0, 1, 2, 1, 1, 0), 1180, 261),
        ("occupation", "recursive-l(occupation)=4,3", (0, 2, 0, 1, 2, 1, 1, 0), 1408, 378),
        ("occupation", "t(occupation)=0.2,equal", (1, 4, 1, 1, 3, 1, 2, 1), 235, 6),
        ("salary-class", "distinct-l(salary-class)=2", (0, 4, 0, 2, 1, 1, 0, 1), 1389, 268),
    ],
)
def test_models_with_k_5_where_columns_are_joined_by_the_geometric_mean(
    adult, ladders, column, model, levels, suppressed, classes
):
    # The published runs over eight columns used the default mean, which is the geometric one.
    quasi = [name for name in adult.column_names if name != column]
    made = hra.k_anonymise(
        adult,
        quasi=quasi,
        sensitive=[column],
        k=5,
        models=[model],
        mean="geometric",
        hierarchies={name: ladders[name] for name in quasi},
    )
    assert tuple(made.levels.values()) == levels
    assert (made.suppressed_rows, made.classes) == (suppressed, classes)
    assert made.is_optimal


@pytest.mark.parametrize(("limit", "suppressed", "classes"), [(0, 0, 30), (0.05, 1458, 399)])
def test_k_5_over_eight_quasi_identifiers(adult, ladders, limit, suppressed, classes):
    made = hra.k_anonymise(
        adult,
        quasi=adult.column_names[:-1],
        k=5,
        suppression=limit,
        mean="geometric",
        hierarchies={name: ladders[name] for name in adult.column_names[:-1]},
    )
    assert (made.suppressed_rows, made.classes) == (suppressed, classes)


def test_an_average_risk_of_a_fifth_without_k(adult, ladders):
    names = adult.column_names[:-1]
    codes = [hierarchy_codes(coded(adult, name), ladders[name]) for name in names]
    asked = Problem(
        distinct_tuples(codes),
        tuple(level_maps(ladders[name], has_missing=False) for name in names),
        k=1,
        most_suppressed=adult.num_rows // 20,
        table_criteria=(MeanRisk(Fraction(1, 5)),),
    )
    found = search(asked)
    assert (found.best.node, found.best.suppressed) == ((0, 3, 0, 0, 1, 0, 0, 0), 150)
    assert len(set(found.best.class_of_tuple[found.best.kept].tolist())) == 6002


@pytest.mark.parametrize("mean", ["arithmetic", "geometric"])
@pytest.mark.parametrize("share", [0, 0.05, 1])
def test_no_node_over_four_columns_loses_less(adult, ladders, mean, share):
    names = ["age", "education", "marital-status", "native-country"]
    codes = [hierarchy_codes(coded(adult, name), ladders[name]) for name in names]
    occupation = coded(adult, "occupation").codes
    tuples = distinct_tuples(codes)
    for criteria in (
        (),
        (Closeness(0, Fraction(1, 4), reference_of(occupation)),),
        (EntropyValues(0, Fraction(4)),),
    ):
        asked = Problem(
            tuples,
            tuple(level_maps(ladders[name], has_missing=False) for name in names),
            k=20,
            most_suppressed=int(share * adult.num_rows),
            pairs=(distinct_pairs(tuples.of_row, occupation),),
            criteria=criteria,
            mean=mean,
        )
        every = [evaluate(asked, node) for node in np.ndindex(asked.shape)]
        least = min(one.loss for one in every if one.suppressed <= asked.most_suppressed)
        found = search(asked)
        assert found.is_optimal
        assert found.best.loss == pytest.approx(least, abs=1e-12)


def test_linking_finds_thousands_in_the_raw_table_and_nobody_in_the_release(adult, ladders):
    quasi = adult.column_names
    made = hra.k_anonymous(adult, quasi=quasi, k=5, hierarchies=ladders)
    raw = hra.linkage_attack(adult, adult, quasi=quasi)
    attacked = hra.linkage_attack(adult, made.table, quasi=quasi, hierarchies=ladders)
    assert raw.singled_out > 10_000
    assert attacked.singled_out == 0
    assert attacked.smallest_candidate_set >= 5
