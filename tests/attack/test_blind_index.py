"""What a thief makes of a blind index: nothing without its key, a dictionary with it, nothing after rotation.

The store is SQLite, so that files can be searched for the very bytes of terms.
"""

from __future__ import annotations

import hmac
import os

import pytest
from tests.simulator.people import MAIL, People

from hedgerow.adapters.store.sqlite import SqliteStore
from hedgerow.kernel.blindindex import terms
from hedgerow.kernel.envelope import keyed_index
from hedgerow.model.records import BlindTerm

ROWS = [(f"p{n}", f"p{n}@x.org") for n in range(30)]
# The thief guesses addresses; half of them are right.
DICTIONARY = [f"p{n}@x.org" for n in range(15, 45)]


@pytest.fixture
def people(tmp_path):
    made = People(store=SqliteStore(tmp_path / "hedgerow.db", create=True))
    made.collect("club", ROWS)
    made.service.make_index("club", MAIL, "email")
    yield made
    made.inner.close()


def files(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


def hits(key, held):
    return {term for term in terms(key, DICTIONARY) if term in held}


def test_without_the_key_no_guess_matches_and_no_value_is_there(people, tmp_path):
    held = {term for term, _ in people.terms()}
    assert len(held) == 30
    assert not any(hits(os.urandom(32), held) for _ in range(20))
    plain = [guess.encode() for guess in DICTIONARY]
    for made in (
        [hmac.digest(b"", g, "sha256") for g in plain],
        [keyed_index(bytes(32), g) for g in DICTIONARY],
    ):
        assert not {each[:16] for each in made} & held
    found = files(tmp_path)
    assert not [guess for guess in plain if guess in found]
    assert not [guess for guess in plain if guess.upper() in found]


def test_with_the_key_a_dictionary_tells_who_is_there_until_it_is_rotated(people):
    stolen = people.index_secret()
    assert len(hits(stolen, {term for term, _ in people.terms()})) == 15
    people.service.rotate_index("club", MAIL)
    assert not hits(stolen, {term for term, _ in people.terms()})
    # The new key, for comparison, tells again.
    assert len(hits(people.index_secret(), {term for term, _ in people.terms()})) == 15


def test_the_key_of_one_column_tells_nothing_of_another(people):
    people.service.make_index("club", "other", "email")
    assert not hits(people.index_secret(MAIL), {term for term, _ in people.terms("other")})


def test_the_terms_of_the_erased_and_of_a_replaced_version_are_in_no_file(people, tmp_path):
    people.inner.scrub()
    (gone,) = terms(people.index_secret(), ["p7@x.org"])
    (stays,) = terms(people.index_secret(), ["p8@x.org"])
    assert gone in files(tmp_path), "the search would find nothing"
    people.service.erase_subject("p7")
    assert gone not in files(tmp_path)
    assert stays in files(tmp_path)
    people.service.rotate_index("club", MAIL)
    assert stays not in files(tmp_path)
    kept = [t.term for t in people.held(BlindTerm)]
    assert len(kept) == 29
    people.service.drop_index("club", MAIL)
    found = files(tmp_path)
    assert not [term for term in kept if term in found]
