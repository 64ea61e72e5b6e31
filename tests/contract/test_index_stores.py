"""The blind index is whole, rotated and rid of the erased on the database server as it is in memory."""

from __future__ import annotations

import pytest
from tests.simulator.people import MAIL, People

from hedgerow.model.records import BlindTerm

pytestmark = pytest.mark.extra
ROWS = [(f"p{n}", f"p{n}@x.org") for n in range(30)]


@pytest.fixture
def people(postgres_store, tenant):
    yield People(tenant, store=postgres_store)
    postgres_store.close()


def test_found_rotated_erased_and_dropped_on_a_server(people):
    people.collect("club", ROWS)
    people.service.make_index("club", MAIL, "email")
    people.collect("club", [("q", "Q@x.org"), ("p7", "second@x.org")])
    assert people.find("club", "second@X.org") == {"p7"}
    before = people.terms()
    people.service.rotate_index("club", MAIL)
    assert not before & people.terms()
    assert people.find("club", "q@x.org") == {"q"}
    people.service.erase_subject("p7")
    assert people.find("club", "p7@x.org") == set()
    assert len(people.held(BlindTerm)) == 30
    people.service.drop("club")
    assert (people.held(BlindTerm), people.secrets()) == ([], set())
