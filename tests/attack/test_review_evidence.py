"""Whoever changes the database beside the journal is seen by the checks."""

from __future__ import annotations

import sqlite3

import pytest
from tests.attack.review_world import COUNT, code_of, filled

from hedgerow.app.space import open_space

ALL = '@id("a") permit(principal, action, resource);'
CHANGES = {
    "policies": (f"UPDATE policies SET text = '{ALL}'",),
    "allocations": ("UPDATE allocations SET epsilon = '1000000/1'",),
    "charges": (
        "UPDATE charges SET event = 'pure 1/1000000'",
        "UPDATE accounts SET epsilon = '1/1000000'",
    ),
    "declarations": ("UPDATE declarations SET body = replace(body, '\"max_rows\":1', '\"max_rows\":9')",),
    "principals": ("UPDATE principals SET roles = 'owner,privacy-officer' WHERE name = 'ana'",),
    "consents": ("UPDATE consent_states SET granted = 1",),
}


def test_what_nobody_changed_is_verified(tmp_path):
    with filled(tmp_path) as space:
        space.acting_as("ana").query("visits", COUNT, epsilon="8", purpose="research")
        assert code_of(space.service.verify) == "done"


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_beside_the_journal_is_found_by_verify(tmp_path, what):
    with filled(tmp_path) as space:
        space.service.choose("p0001", "research", granted=False, notice="", channel="")
        space.acting_as("ana").query("visits", COUNT, epsilon="8", purpose="research")
    database = sqlite3.connect(tmp_path / "space" / "hedgerow.db")
    with database:
        for change in CHANGES[what]:
            assert database.execute(change).rowcount > 0
    database.close()
    with open_space(tmp_path / "space") as space:
        assert code_of(space.service.verify) != "done"
