"""The made-up tables and workspaces that the benches share; everything is seeded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from frame import SEED, Spent, Stopwatch, say

if TYPE_CHECKING:
    from hedgerow.app.space import Space

WARDS = tuple(f"ward-{number:02d}" for number in range(100))
DAY = np.timedelta64(1, "D")
QUERY = "SELECT ward, COUNT(*), SUM(cost), AVG(cost) FROM visits GROUP BY ward"


def _texts(*parts: object) -> np.ndarray:
    whole = np.asarray("")
    for part in parts:
        whole = np.char.add(whole, np.asarray(part).astype(str))
    return whole


def visits(rows: int, people: int) -> pa.Table:
    """Make visits of 12 columns: an id, three more direct identifiers, quasi-identifiers, measures."""
    draw = np.random.default_rng(SEED)

    def of_person(values: np.ndarray) -> pa.Array:
        return pa.array(values).take(who)

    def number(low: int, high: int, many: int) -> np.ndarray:
        return draw.integers(low, high, many)

    def pick(words: Sequence[str], many: int) -> np.ndarray:
        return np.array(words)[number(0, len(words), many)]

    who = pa.array(number(0, people, rows))
    ids = np.arange(people)
    given = pick(("Emma", "Liam", "Sofia", "Noah", "Mia", "Omar", "Ada", "Ivo"), people)
    family = _texts(
        pick(("Al", "Bren", "Cor", "Dun", "El"), people), pick(("berg", "ford", "holm", "ley"), people)
    )
    return pa.table(
        {
            "patient_ref": of_person(_texts("P-", ids + 10_000_000)),
            "full_name": of_person(_texts(given, " ", family)),
            "email": of_person(_texts(np.char.lower(given), ".", np.char.lower(family), ids, "@example.org")),
            "phone": of_person(_texts("+1-", number(200, 999, people), "-555-", number(1000, 9999, people))),
            "birth_date": of_person(np.datetime64("1930-01-01") + number(0, 28_000, people) * DAY),
            "sex": of_person(pick(("F", "M"), people)),
            "zip": of_person(_texts(number(10_000, 10_400, people))),
            "ward": pick(WARDS, rows),
            "admitted": pa.array(np.datetime64("2024-01-01") + number(0, 700, rows) * DAY),
            "diagnosis": pick(("A01", "B20", "C34", "E11", "F32", "I10", "J45", "M54"), rows),
            "cost": np.round(draw.gamma(2, 200, rows), 2),
            "stay_days": number(0, 30, rows),
        }
    )


def write_visits(folder: Path, rows: int, people: int) -> None:
    """Write ``visits.csv`` and ``consents.csv``, in which 90 of 100 people consent to research."""
    pa_csv.write_csv(visits(rows, people), folder / "visits.csv")
    agreeing = np.sort(np.random.default_rng(SEED).permutation(people)[: people * 9 // 10])
    choices = {
        "subject": _texts("P-", agreeing + 10_000_000),
        "purpose": np.full(len(agreeing), "research"),
        "time": np.full(len(agreeing), "2025-01-01T00:00:00Z"),
        "notice_version": np.full(len(agreeing), "v1"),
        "channel": np.full(len(agreeing), "web"),
    }
    pa_csv.write_csv(pa.table(choices), folder / "consents.csv")


def opened(space: Path, *, create: bool = False) -> Space:
    """Open a workspace as its owner; make it first, with a purpose, when told to."""
    import hedgerow as hr
    from hedgerow.app import workspace

    if create:
        workspace.create(space, None)
    found = hr.open(space)
    if create:
        found.service.add_principal("analyst1", ["analyst"])
        found.service.add_purpose("research", "learn", "owner", date(2099, 12, 31))
    return found


def collect(folder: Path) -> Spent:
    """Make ``folder/space`` and take ``visits.csv`` into it, by the very calls of the command."""
    from hedgerow.app.service.collecting import CollectRequest
    from hedgerow.model.words import Basis

    with opened(folder / "space", create=True) as space:
        request = CollectRequest(
            folder / "visits.csv", "visits", "patient_ref", {"research": Basis.CONSENT}, drop=(),
            consents=folder / "consents.csv",
        )  # fmt: skip
        steps = Steps()
        watch = Stopwatch()
        plan = space.service.plan_collect(request, steps)
        space.service.collect(plan, steps)
        spent = watch.stop()
        steps("")
    return spent


class Steps:
    """Tells how long each step took."""

    def __init__(self) -> None:
        self._name, self._watch = "", Stopwatch()

    def __call__(self, name: str) -> None:
        if self._name:
            say(f"    {self._name}: {self._watch.stop()}")
        self._name, self._watch = name, Stopwatch()


def declare(space: Space, dataset: str, *, max_rows: int) -> None:
    """Declare what a query needs and give it a budget that lasts."""
    from hedgerow.app.declaring import Asked

    bounds = {"cost": "0:5000"} if dataset == "visits" else {"cost": "0:5000", "age": "0:120"}
    space.service.declare(dataset, Asked(max_rows=max_rows, bounds=bounds, keys={"ward": WARDS}))
    space.service.allocate(dataset, "research", Fraction(1000))
    space.service.allocate(None, None, Fraction(10_000))


def add_past_intake(
    space: Space, dataset: str, table: pa.Table, who: np.ndarray, agreeing: np.ndarray
) -> None:
    """Add a data set of people without names, as intake would leave it but without its time.

    Args:
        space: The workspace.
        dataset: A new name.
        table: The open columns, of types text, integer and decimal.
        who: Internal number of the person of each row.
        agreeing: Internal numbers of those who consent to research.
    """
    from hedgerow.model.records import ConsentState, Dataset, DatasetColumn, Member, Setting
    from hedgerow.model.words import Basis

    spine, people = space.opened.spine, np.unique(who).tolist()
    ranks = spine.tables.engine.ranks_for(who, {})
    count = spine.tables.engine.bucket_count_for(len(who))
    kinds = {"string": "text", "int64": "integer", "double": "decimal"}
    with spine.tables.writing():
        files = spine.tables.write(dataset, 1, table, who, ranks, count)
        with spine.store.write() as tx:
            tx.put(Dataset(dataset, 0, "id", "2025-01-01T00:00:00.000Z"))
            tx.add(
                DatasetColumn(
                    dataset, at, field.name, kinds[str(field.type)], "other", "other", in_vault=False
                )
                for at, field in enumerate(table.schema)
            )
            spine.catalog.allow(tx, dataset, {"research": Basis.CONSENT})
            tx.add(Member(dataset, number, 1) for number in people)
            version = spine.consents.version(tx)
            chosen = enumerate(np.sort(agreeing).tolist(), version + 1)
            tx.add(ConsentState("research", number, granted=True, version=at) for at, number in chosen)
            tx.put(Setting("consent.version", str(version + len(agreeing))))
            spine.tables.swap(tx, dataset, 1, (), files)
            spine.tables.bump(tx, dataset, 1, rows=len(who), people=len(people))
