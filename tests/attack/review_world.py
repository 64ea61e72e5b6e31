"""A small workspace with one person per row, and one principal for each built-in role."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction

from hedgerow.app import workspace
from hedgerow.app.declaring import Asked
from hedgerow.app.service.collecting import CollectRequest
from hedgerow.app.service.releasing import ReleaseRequest
from hedgerow.app.space import open_space
from hedgerow.model.words import Basis

FAR = date(2099, 1, 1)
PEOPLE = {
    "ana": "analyst",
    "adm": "administrator",
    "po": "privacy-officer",
    "aud": "auditor",
    "app": "service",
}
KEPT = ("name", "email", "age", "zip", "diag")
CONSENT = {"research": Basis.CONSENT}
ASKED = ReleaseRequest("visits", ["age", "zip"], 5, ["diag"])
COUNT = "SELECT COUNT(*) AS n"


def row(number):
    return {
        "pid": f"p{number:04d}",
        "name": f"Given{number} Family{number}",
        "email": f"n{number}@example.org",
        "age": 20 + number % 60,
        "zip": f"{10000 + number % 7}",
        "diag": "ABCDE"[number % 5],
    }


def people(count, start=1):
    return [row(number) for number in range(start, start + count)]


def grants(rows, purpose="research", time="2024-01-01"):
    return "subject,purpose,time\n" + "".join(f"{r['pid']},{purpose},{time}\n" for r in rows)


def collect(session, folder, rows, *, dataset="visits", bases=None, consents=None, again=False):
    """Collect rows through a file, as a caller would."""
    place = len(list(folder.iterdir()))
    path = folder / f"rows{place}.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = None
    if consents is not None:
        told = folder / f"consents{place}.csv"
        told.write_text(consents)
    asked = CollectRequest(path, dataset, "pid", bases or CONSENT, keep=KEPT, consents=told, again=again)
    return session.service.collect(session.service.plan_collect(asked))


def empty(folder):
    """Make a workspace with purposes and principals and no data."""
    workspace.create(folder / "space", None)
    space = open_space(folder / "space")
    for purpose in ("research", "marketing"):
        space.service.add_purpose(purpose, "why", "owner", FAR)
    for name, role in PEOPLE.items():
        space.service.add_principal(name, [role])
    return space


def filled(folder, count=60, epsilon=8):
    """Make a workspace whose people all consented to research."""
    space = empty(folder)
    rows = people(count)
    collect(space, folder, rows, consents=grants(rows))
    space.service.declare("visits", Asked("person", 1, {"age": "0:120"}, {}))
    space.service.allocate("visits", "research", Fraction(epsilon))
    return space


def code_of(act):
    """Run an act and tell the code it was refused with, or "done"."""
    try:
        act()
    except Exception as error:  # noqa: BLE001 - any refusal is told by its code
        return getattr(error, "code", type(error).__name__)
    return "done"
