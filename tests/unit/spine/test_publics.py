"""Proves that a use is joined only with what was public when it was made, and an approval holds for it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from tests.simulator.recording import Rows, RowsPlan
from tests.simulator.world import OWNER, World

from hedgerow.model.budget import PureEvent
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.joins import PublicColumn, PublicTable
from hedgerow.model.records import PublicContent
from hedgerow.model.uses import Grant, Release, UseRequest
from hedgerow.model.words import ColumnType
from hedgerow.spine.awaiting import asked_of
from hedgerow.spine.gate import new_request_id
from hedgerow.spine.publics import BYTES_MOST, Publics, public_facts, publish, read_public

WARDS = PublicTable(
    "wards",
    (
        PublicColumn("code", ColumnType.TEXT, ("A", 'quo"ted, [x]', None)),
        PublicColumn("price", ColumnType.DECIMAL, (Fraction(1, 3), None, Fraction(-5, 2))),
        PublicColumn("beds", ColumnType.INTEGER, (2**62, -1, None)),
        PublicColumn("open", ColumnType.BOOLEAN, (True, False, None)),
        PublicColumn("since", ColumnType.DATE, ("2020-02-29", None, "0001-01-01")),
    ),
)


@pytest.fixture
def world():
    made = World()
    made.collect("visits", ["ann", "bob"])
    return made


def _published(world, table=WARDS):
    with world.store.write() as tx:
        record = publish(tx, table, "known to all", "owner", "2026-01-01T00:00:00Z")
        world.spine.journal.append(tx, "public.add", OWNER, public_facts(record))
    return record


class Joined(Rows):
    """A use that says which public tables it is joined with."""

    name, action = "joined", "release"

    def __init__(self, public):
        self.public = public

    def plan(self, request, dataset):
        return RowsPlan(Grant(frozenset({"tag"}), "rows", public=self.public), None)

    def run(self, lease, plan):
        return Release({"told": len(lease.rows())}, "none", kept=False)


def _use(world, public):
    request = UseRequest(OWNER, "care", "visits", {}, new_request_id())
    return world.spine.gate.use(request, Joined(public))


def test_what_is_kept_is_what_was_declared(world):
    record = _published(world)
    with world.read() as reader:
        found = Publics(reader)["wards"]
        assert list(Publics(reader)) == ["wards"]
    assert replace(found, digest="") == WARDS
    assert found.digest == read_public(record).digest != ""


def test_a_use_joined_with_what_was_declared_is_verified(world):
    record = _published(world)
    _use(world, (("wards", read_public(record).digest),))
    world.service.verify()


@pytest.mark.parametrize("public", [(("wards", "another digest"),), (("towns", "any"),), (("wards", ""),)])
def test_a_use_joined_with_anything_else_is_noticed(world, public):
    _published(world)
    _use(world, public)
    with pytest.raises(Fault) as caught:
        world.service.verify()
    assert caught.value.code == "records.rule-broken"


def test_a_use_joined_with_what_is_public_no_more_is_noticed(world):
    digest = read_public(_published(world)).digest
    world.service.drop_public("wards", "over")
    _use(world, (("wards", digest),))
    with pytest.raises(Fault) as caught:
        world.service.verify()
    assert caught.value.code == "records.rule-broken"


def test_an_approval_holds_for_one_content_alone(world):
    request = UseRequest(OWNER, "care", "visits", {}, "r-1")
    bound = []
    for digest in ("one", "other"):
        technique = Joined((("wards", digest),))
        decision = world.spine.gate.explain(request, technique)
        plan = RowsPlan(Grant(frozenset({"tag"}), "rows", public=technique.public), PureEvent(Fraction(1)))
        bound.append(asked_of(request, technique, decision, plan, ()).bound)
    assert bound[0] != bound[1]


def test_a_table_past_the_limit_is_refused(world):
    large = PublicTable("wards", (PublicColumn("code", ColumnType.TEXT, ("x" * BYTES_MOST,)),))
    with world.store.write() as tx, pytest.raises(CallerError) as caught:
        publish(tx, large, "known", "owner", "2026-01-01T00:00:00Z")
    assert caught.value.code == "public.too-large"


def test_a_content_that_inflates_without_end_is_not_read_to_the_end():
    import zlib

    record = PublicContent("wards", 1, "known", "owner", "2026-01-01T00:00:00Z", zlib.compress(b" " * 10**7))
    with pytest.raises(Fault):
        read_public(record)
