"""Proves that a record put back as it was is noticed, whatever kind it is of, or does no harm.

A workspace lives through every act there is. Then each record of each kind is put back, beside the
program, as it was in each earlier state: an older image, one that was removed, one that was not written
yet, and the whole table. ``journal verify`` must notice each. What it cannot notice stands in the list
here, with the reason on the page of threats. A kind of record that is new fails here until the story
holds it.
"""

from __future__ import annotations

import pytest
from tests.attack.rolling import NEVER, OLDER, cells, noticed, story

from hedgerow.model.records import ALL_RECORDS, Setting

# What goes unnoticed without a head kept outside: kind and way, and the words of it in docs/threat-model.md.
UNNOTICED = {
    ("sealed_fields", OLDER): "An older value of a sealed identifier",
    ("commitments", NEVER): "The opening of an entry about a person",
    ("commitments", "the whole table"): "The opening of an entry about a person",
    ("blind_terms", NEVER): "A term of a search index",
    ("blind_terms", "the whole table"): "A term of a search index",
    ("secrets", NEVER): "The key that cosigns heads of other journals",
    ("settings", NEVER): "The note of a change of keys that ended",
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    return story(tmp_path_factory.mktemp("outside"))


def test_what_nobody_put_back_is_verified(lived):
    world, states = lived
    assert noticed(world, Setting, states[-1]["settings"]) is None


@pytest.mark.parametrize("kind", ALL_RECORDS, ids=lambda kind: kind.TABLE)
def test_a_record_put_back_is_noticed(lived, kind):
    world, states = lived
    found = [(way, noticed(world, kind, table)) for way, table in cells(kind, states)]
    assert found, "the story never changes a record of this kind"
    missed = {(kind.TABLE, way) for way, code in found if code is None}
    assert missed == {each for each in UNNOTICED if each[0] == kind.TABLE}


def test_what_goes_unnoticed_stands_on_the_page_of_threats(repository):
    page = (repository / "docs/threat-model.md").read_text()
    assert [words for words in set(UNNOTICED.values()) if words not in page] == []
