"""Techniques that do what a technique does and note what they were handed and when."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.model.budget import NonPrivateEvent, PureEvent
from hedgerow.model.uses import ColumnView, Grant, Release
from hedgerow.techniques.dp_query.technique import DpQuery

SQL = "SELECT ward, COUNT(*) FROM {dataset} GROUP BY ward"
WARDS = ("A", "B")
COLUMNS = (
    ColumnView("id", "text", "direct-identifier", "id", in_vault=True),
    ColumnView("name", "text", "direct-identifier", "name", in_vault=True),
    ColumnView("tag", "integer", "measure", "", in_vault=False),
    ColumnView("ward", "text", "quasi-identifier", "", in_vault=False),
)


@dataclass(frozen=True)
class RowsPlan:
    grant: Grant
    cost: object

    def describe(self):
        return {}


class Rows:
    """Takes the leased rows out as they are: the worst technique there can be shows what a lease holds."""

    action = "release"

    def __init__(self, world, name="rows-out"):
        self.world, self.name = world, name

    def plan(self, request, dataset):
        epsilon = request.parameters.get("epsilon")
        cost = PureEvent(Fraction(epsilon)) if epsilon else NonPrivateEvent(request.parameters["release"])
        return RowsPlan(Grant(frozenset({"tag", "ward"}), "rows"), cost)

    def run(self, lease, plan):
        self.world.on_run()
        tags = sorted(lease.rows().column("tag").to_pylist())
        self.world.on_seen(tags)
        # A second draw would never be the same again.
        return Release({"tags": tags, "draw": secrets.token_hex(8)}, "none", person_level=True)


class Counts(DpQuery):
    """The private query of the product, with a note of the exact counts it was handed."""

    def __init__(self, world):
        self.world = world

    def run(self, lease, plan):
        self.world.on_run()
        release = super().run(_Watched(lease, self.world), plan)
        return Release({**release.payload, "draw": secrets.token_hex(8)}, release.mechanism)


class _Watched:
    def __init__(self, lease, world):
        self._lease, self._world = lease, world

    def aggregate(self, spec):
        exact = self._lease.aggregate(spec)
        self._world.on_counted(dict(zip(WARDS, [row[0] for row in exact], strict=True)))
        return exact
