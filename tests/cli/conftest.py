"""One small town and one workspace made of it, copied for each test."""

from __future__ import annotations

import shutil
from datetime import date
from fractions import Fraction

import pytest
from tests.cli.program import Warm, Watched

from hedgerow.app import workspace
from hedgerow.app.declaring import Asked
from hedgerow.app.demo.town import generate, write
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.app.space import open_space
from hedgerow.model.words import Basis

PEOPLE = (("ana", "analyst"), ("priya", "privacy-officer"), ("otto", "auditor"), ("sam", "service"))


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    for name in ("HEDGEROW_SPACE", "HEDGEROW_FILES", "HEDGEROW_PASSPHRASE", "HEDGEROW_DEBUG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def town(tmp_path_factory):
    """Give the town and its files."""
    made = generate(people=200)
    return made, write(made, tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def secrets(town):
    """Give every name, address and number of the patients: no output may hold one."""
    table = town[0].tables["clinic_north_visits"]
    found = {str(v) for name in ("full_name", "email", "phone") for v in table[name].to_pylist() if v}
    return frozenset(found)


@pytest.fixture(scope="session")
def base(town, tmp_path_factory):
    """Make the workspace that tests copy."""
    directory = tmp_path_factory.mktemp("base") / "space"
    workspace.create(directory, None)
    with open_space(directory, passphrase=lambda _: None) as space:
        service = space.service
        for name, role in PEOPLE:
            service.add_principal(name, [role])
        for purpose in ("research", "marketing", "care"):
            service.add_purpose(purpose, "help people", "priya", date(2099, 1, 1))
        request = CollectRequest(
            town[1]["clinic_north_visits"],
            "visits",
            "patient_ref",
            {"research": Basis.CONSENT, "care": Basis.PUBLIC_TASK},
            drop=("visit_id", "birth_date", "visit_date"),
            consents=town[1]["consents"],
        )
        service.collect(service.plan_collect(request))
        declared = Asked(max_rows=6, bounds={"systolic": "80:220"}, keys={"ward": ["A", "B", "C"]})
        service.declare("visits", declared)
        service.allocate("visits", "research", Fraction(2))
    return directory


@pytest.fixture
def space(base, tmp_path):
    """Give a copy of the workspace."""
    return shutil.copytree(base, tmp_path / "space")


@pytest.fixture(scope="session")
def warm():
    """Give the process that runs command lines quickly."""
    made = Warm()
    yield made
    made.close()


@pytest.fixture
def hedgerow(space, secrets, warm):
    """Give the program in a copy of the workspace."""
    return Watched(space, secrets=secrets, warm=warm)


@pytest.fixture
def nowhere(secrets, warm):
    """Give the program without a workspace."""
    return Watched(secrets=secrets, warm=warm)


@pytest.fixture
def patient(town):
    """Name a patient who said yes to research."""
    yes = set(town[0].consents["subject"].to_pylist())
    return min(yes & set(town[0].tables["clinic_north_visits"]["patient_ref"].to_pylist()))
