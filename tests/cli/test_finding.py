"""Proves that a person who writes from an address can be found, shown, exported and erased, and nothing more.

Every output of these commands is searched for values of people by the fixture that runs them.
"""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from hedgerow.app.space import open_space

FIND = ("subject", "find", "visits", "--column", "email")


@pytest.fixture
def mailed(town, patient):
    """Give the address that the patient writes from, written otherwise than it was collected."""
    table = town[0].tables["clinic_north_visits"]
    places = [i for i, ref in enumerate(table["patient_ref"].to_pylist()) if ref == patient]
    return next(v for i in places if (v := table["email"][i].as_py())).upper() + " \n"


@pytest.fixture
def indexed(hedgerow):
    hedgerow("dataset", "index", "visits", "--column", "email", "--kind", "email", "--as", "priya")
    return hedgerow


def test_found_shown_exported_and_erased(indexed, mailed, patient):
    found = indexed(*FIND, "--as", "priya", "--json", given=mailed).json
    (name,) = found["people"]
    shown = indexed("subject", "show", name, "--as", "priya", "--json").json
    assert "subject.find" in {act["action"] for act in shown["acts"]}
    assert shown["held"] == indexed("subject", "show", patient, "--as", "priya", "--json").json["held"]
    exported = indexed("subject", "export", name, "--as", "priya", may_show=True).json
    assert patient in str(exported["values"]["visits"])
    indexed.refused("subject", "erase", name, "--as", "priya", code=2, error="confirm.needed")
    assert (
        indexed("subject", "erase", name, "--as", "priya", "--yes", "--json").json["body"]["state"]
        == "logical"
    )
    indexed.refused("subject", "show", patient, code=3, error="subject.erased")
    indexed.refused("subject", "show", name, "--as", "priya", code=3, error="subject.erased")
    assert indexed(*FIND, "--as", "priya", "--json", given=mailed).json["people"] == []
    assert indexed("journal", "verify", "--json").json["verified"]


def test_what_a_search_gives_is_the_finders_alone_and_tells_nothing(indexed, mailed, patient):
    said = indexed(*FIND, "--as", "priya", given=mailed)
    name = said.out.split()[-3]
    with open_space(indexed.space, passphrase=lambda _: None) as space, space.opened.store.read() as reader:
        number = space.opened.spine.vault.find(reader, patient).number
    assert str(number) not in said.out + said.err
    assert patient not in said.out + said.err
    indexed.refused("subject", "show", name, code=2, error="search.handle-foreign")
    indexed.refused(
        "subject", "show", name[:-3] + "aaa", "--as", "priya", code=2, error="search.handle-foreign"
    )
    again = indexed(*FIND, "--as", "priya", given=mailed).out.split()[-3]
    assert again != name
    facts = indexed("journal", "show", "--last", "1", "--json").json[0]["facts"]
    assert facts == {
        "column": "email",
        "dataset": "visits",
        "hits": 1,
        "purpose": "data-subject-rights",
        "version": 1,
    }


def test_an_analyst_may_not_search_and_nobody_without_an_index(hedgerow, mailed):
    hedgerow.refused(*FIND, given=mailed, code=2, error="index.none")
    for who in ("ana", "otto", "sam"):
        hedgerow.refused(*FIND, "--as", who, given=mailed, code=3, error="policy.not-permitted")
        made = ("dataset", "index", "visits", "--column", "email", "--kind", "email", "--as", who)
        hedgerow.refused(*made, code=3, error="policy.not-permitted")


def test_guessing_ends_after_a_few_searches(indexed, mailed):
    for guess in range(20):
        assert indexed(*FIND, "--as", "priya", "--json", given=f"guess{guess}@x.org\n").json["people"] == []
    said = indexed.refused(*FIND, "--as", "priya", given=mailed, code=3, error="search.too-many")
    assert "@" not in said.err
    refused = indexed("journal", "show", "--last", "1", "--json").json[0]
    assert (refused["action"], refused["facts"]["reasons"]) == ("act.refuse", ["search.too-many"])
    assert len(indexed(*FIND, "--json", given=mailed).json["people"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("--column", "ward", "--kind", "email"), 3, "index.not-identifier"),
        (("--column", "diagnosis", "--kind", "national-id"), 3, "index.sensitive"),
        (("--column", "full_name", "--kind", "email"), 3, "index.other-kind"),
        (("--column", "phone", "--kind", "email"), 3, "index.other-kind"),
        (("--column", "nothing", "--kind", "email"), 2, "column.unknown"),
        (("--column", "email", "--kind", "email", "--country", "47"), 2, "index.form"),
        (("--column", "phone", "--kind", "phone", "--country", "no"), 2, "index.form"),
        (("--column", "email"), 2, "index.which"),
        (("--kind", "email"), 2, "index.which"),
        (("--column", "email", "--rotate"), 2, "index.none"),
        (("--column", "email", "--drop", "--yes"), 2, "index.none"),
    ],
)
def test_what_cannot_be_indexed_is_refused_with_the_reason(hedgerow, words, code, error):
    hedgerow.refused("dataset", "index", "visits", *words, code=code, error=error)
    assert hedgerow("dataset", "index", "visits", "--list", "--json").json == []


def test_made_listed_rotated_and_dropped(indexed, mailed):
    index = ("dataset", "index", "visits")
    (listed,) = indexed(*index, "--list", "--json").json
    assert (listed["column"], listed["state"], listed["normaliser"]) == ("email", "current", "email/1")
    (seen,) = indexed(*index, "--list", "--as", "ana", "--json").json
    assert seen["terms"] is None
    again = ("--column", "email", "--kind", "email")
    indexed.refused(*index, *again, code=2, error="index.exists")
    assert indexed(*index, "--column", "email", "--rotate", "--json").json["version"] == 2
    assert len(indexed(*FIND, "--json", given=mailed).json["people"]) == 1
    indexed.refused(*FIND, given="nobody\n", code=2, error="index.value")
    indexed.refused(*index, "--column", "email", "--drop", code=2, error="confirm.needed")
    indexed(*index, "--column", "email", "--drop", "--yes")
    indexed.refused(*FIND, given=mailed, code=2, error="index.none")
    indexed(*index, *again)
    indexed("dataset", "drop", "visits", "--yes")
    indexed.refused(*FIND, given=mailed, code=3, error="dataset.dropped")


KILLED = """
import os, signal, sys
import hedgerow as hr
from hedgerow.spine import indexes
indexes.BATCH_PEOPLE = 30
seen = []

def progress(done, total):
    seen.append(done)
    if len(seen) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

with hr.open(sys.argv[1]) as space:
    space.service.rotate_index("visits", "email", progress=progress)
"""


def test_a_rotation_that_is_killed_is_searched_beside_and_goes_on(indexed, mailed):
    run = [sys.executable, "-c", KILLED, str(indexed.space)]
    killed = subprocess.run(run, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    index = ("dataset", "index", "visits")
    states = {i["version"]: i["state"] for i in indexed(*index, "--list", "--json").json}
    assert states == {1: "current", 2: "building"}
    assert len(indexed(*FIND, "--json", given=mailed).json["people"]) == 1
    assert indexed(*index, "--column", "email", "--rotate", "--json").json["version"] == 2
    (left,) = indexed(*index, "--list", "--json").json
    assert (left["version"], left["state"]) == (2, "current")
    assert len(indexed(*FIND, "--json", given=mailed).json["people"]) == 1
