"""The estimators pass scikit-learn's own checks but for those that privacy rules out; each says why."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
from tests.unit.learn.people import (
    boosted_numbers,
    boosting,
    clusters,
    components,
    linear,
    logistic,
    network,
    rows,
    single,
    single_number,
)

from hedgerow.learn import Budget

pytestmark = pytest.mark.extra

NEVER_ALIKE = "fits twice and compares: noise is never seeded, so no two fits are alike"
A_COLUMN = "wants a warning for y of shape (n, 1), which is taken as it is"
OWN_CLASSES = "brings classes of its own: classes are declared and never read from the data"
OBJECTS = "wants a TypeError for objects in X; they are refused as a ValueError"
CLASSIFIER = {
    "check_fit_idempotent": NEVER_ALIKE,
    "check_classifier_data_not_an_array": NEVER_ALIKE,
    "check_supervised_y_2d": A_COLUMN,
    "check_dtype_object": OWN_CLASSES,
    "check_classifiers_classes": OWN_CLASSES,
    "check_classifiers_train": OWN_CLASSES,
    "check_decision_proba_consistency": OWN_CLASSES,
    "check_classifiers_regression_target": "wants to be told that y is continuous: only that a class is not "
    "declared is told",
}
REGRESSOR = {
    "check_fit_idempotent": NEVER_ALIKE,
    "check_regressor_data_not_an_array": NEVER_ALIKE,
    "check_regressors_int": NEVER_ALIKE,
    "check_supervised_y_2d": A_COLUMN,
    "check_dtype_object": OBJECTS,
}
NO_LABELS = "wants labels_: which cluster a row of the data fell into is not private"
CLUSTERS = {
    "check_fit_idempotent": NEVER_ALIKE,
    "check_clustering": NO_LABELS,
    "check_dtype_object": OBJECTS,
}
COMPONENTS = {"check_fit_idempotent": NEVER_ALIKE, "check_dtype_object": OBJECTS}
SETTINGS = {"epsilon": "3000", "budget": Budget.of("10000", "1e-2"), "bounds": (-4, 4)}


@pytest.mark.parametrize(
    ("model", "excused"),
    [
        (logistic(**(SETTINGS | {"classes": [0, 1, 2], "n_public": 100, "steps": 8})), CLASSIFIER),
        (linear(**(SETTINGS | {"y_bounds": (-4, 4)})), REGRESSOR),
        (boosting(**(SETTINGS | {"classes": [0, 1, 2], "cycles": 2})), CLASSIFIER),
        (single(**(SETTINGS | {"classes": [0, 1, 2], "depth": 2})), CLASSIFIER),
        (single_number(**(SETTINGS | {"y_bounds": (-4, 4)})), REGRESSOR),
        (network(**(SETTINGS | {"classes": [0, 1, 2], "n_public": 100, "steps": 8})), CLASSIFIER),
        (clusters(**SETTINGS), CLUSTERS),
        (components(**(SETTINGS | {"n_components": 1})), COMPONENTS),
        (boosted_numbers(**(SETTINGS | {"y_bounds": (-4, 4), "cycles": 2})), REGRESSOR),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_scikit_learn_checks_holds_but_for_what_is_excused(model, excused):
    checks = pytest.importorskip("sklearn.utils.estimator_checks")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = checks.check_estimator(model, on_fail=None, on_skip=None)
    failed = {
        each["check_name"]: str(each["exception"])[:200] for each in results if each["status"] == "failed"
    }
    assert {name: told for name, told in failed.items() if name not in excused} == {}
    assert sum(each["status"] == "passed" for each in results) >= 35


def test_a_classifier_stands_in_a_pipeline_and_is_cloned():
    sklearn = pytest.importorskip("sklearn")
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    features, y = rows()
    line = make_pipeline(FunctionTransformer(), sklearn.clone(logistic()))
    assert line.fit(features, y).score(features, y) > 0.5
    assert sklearn.base.is_classifier(logistic())
    assert sklearn.base.is_regressor(linear())


# Packages elsewhere bring a folder of this name along.
LOADED = """
import sys, types
sys.modules["tests"] = types.ModuleType("tests")
sys.modules["tests"].__path__ = ["tests"]
from tests.unit.learn.people import linear, logistic, rows
X, y = rows(50)
logistic(steps=2).fit(X, y).predict(X)
linear().fit(X, y).predict(X)
print(*sorted({"pandas", "polars", "sklearn", "scipy", "torch", "dp_accounting"} & set(sys.modules)))
"""


def test_training_loads_no_package_of_an_extra(repository):
    pytest.importorskip("sklearn")
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=repository, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []
