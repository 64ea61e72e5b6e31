"""The leak drill: an attacker with the stolen disk is given one secret at a time, and people are counted.

The page of threats says for each secret how many people it exposes and what of them. The attacker here
does what he can with what he has, by himself, and the counts of what he got must be what the page says.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.attack.thief import REF, Thief, build
from tests.program import Program

from hedgerow.adapters.keys import file as key_file
from hedgerow.kernel.envelope import keyed_index, open_sealed, pseudonym
from hedgerow.kernel.merkle import sign_checkpoint
from hedgerow.model.canonical import canonical
from hedgerow.model.errors import HedgerowError
from hedgerow.model.keys import Binding, Scope

pytestmark = pytest.mark.system

PEOPLE = [f"P-{number:04d}" for number in range(40)] + [REF]
COLUMNS = ("people", "identifiers", "rows", "answers", "pseudonyms", "choices")


class Robber(Thief):
    """Has the disk, and of the keys only what is handed to him."""

    def __init__(self, directory, *, backend=None, subject_key=None, index_key=None):
        super().__init__(directory, has_keys=False)
        self.backend, self.subject_key, self.index_key = backend, subject_key, index_key

    def _try(self, wrapped, binding):
        return super()._try(wrapped, binding) if self.backend else []

    def subject_keys(self):
        return [self.subject_key] if self.subject_key else super().subject_keys()

    def haul(self):
        """Count what he gets, each by the people it is of, where it is of people."""
        guessed = self.guessed()
        fields, keys = self.identifiers(), self.subject_keys()
        scope = Scope("t", "p", "d", "r")
        chose = {row["number"] for row in self.rows("consent_events")}
        return {
            "people": len({*fields, *guessed}),
            "identifiers": len(fields),
            "rows": len(set(self._buckets())) if self.backend else 0,
            "answers": len(self._results()),
            "pseudonyms": len({pseudonym(key, scope) for key in keys}),
            "choices": len(chose & {*fields, *guessed}),
        }

    def identifiers(self):
        """Open every sealed field that any key opens: the people they are of."""
        found = {}
        for row in self.rows("sealed_fields"):
            name = canonical([row["dataset"], row["name"]]).decode()
            binding = Binding(self.tenant, "field", row["number"], name, 1)
            for text in self._opened(self.subject_keys(), row["sealed"], binding):
                found.setdefault(row["number"], []).append(text)
        return found

    def guessed(self):
        """Look up every source id he can think of; here he thinks of all."""
        if self.index_key is None:
            return {}
        known = {row["lookup"]: row["number"] for row in self.rows("subjects")}
        hashed = {keyed_index(self.index_key, ref): ref for ref in PEOPLE}
        return {known[lookup]: ref for lookup, ref in hashed.items() if lookup in known}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Make a workspace, copy its disk, end its epoch, and keep every secret of both times."""
    folder = tmp_path_factory.mktemp("drill")
    build(folder, None)
    shutil.copytree(folder / "space", folder / "before")
    old = key_file.open_(folder / "before" / "keys.json", None)
    assert Program(folder / "space").call("keys", "epoch", "--yes").code == 0
    keys = key_file.open_(folder / "space" / "keys.json", None)
    disk = folder / "space"
    tenant = Thief(disk, has_keys=False).tenant
    secrets = {
        row["name"]: keys.unwrap(row["wrapped"], Binding(tenant, "secret", row["name"], "", 1))
        for row in Thief(disk, has_keys=False).rows("secrets")
    }
    lookup = keyed_index(secrets["index-key"], REF)
    (marked,) = Thief(disk, has_keys=False).rows("subjects", lookup=lookup)
    subject = keys.unwrap(marked["wrapped"], Binding(tenant, "subject-key", marked["number"], "", 1))
    return SimpleNamespace(
        disk=disk, before=folder / "before", keys=keys, old=old, secrets=secrets, subject=subject
    )


def hauls(house):
    """Hand each secret over and let him work."""
    return {
        "no secret": Robber(house.disk).haul(),
        "the token mapping": Robber(house.disk, index_key=house.secrets["index-key"]).haul(),
        "one subject key": Robber(house.disk, subject_key=house.subject).haul(),
        "the epoch key in force": Robber(house.disk, backend=house.keys).haul(),
        "an epoch key that was ended": Robber(house.disk, backend=house.old).haul(),
        "an epoch key that was ended, with a disk of its time": Robber(
            house.before, backend=house.old
        ).haul(),
        "the journal key": Robber(house.disk).haul(),
    }


@pytest.fixture(scope="module")
def got(house):
    return hauls(house)


def documented(repository):
    """Read the table of the page: secret to column to word."""
    page = (repository / "docs/threat-model.md").read_text()
    section = page.split("## One secret leaks")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    head, body = rows[0], rows[2:]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in body}


def test_each_leak_exposes_whom_and_what_the_page_says(repository, got):
    full = got["the epoch key in force"]
    assert full["people"] == full["identifiers"] == full["pseudonyms"] == len(PEOPLE)
    assert min(full.values()) > 0
    assert got["no secret"] == dict.fromkeys(COLUMNS, 0)
    told = documented(repository)
    assert told.keys() == got.keys()
    for secret, haul in got.items():
        worded = {column: word(column, count, full[column]) for column, count in haul.items()}
        assert {column: told[secret][column] for column in COLUMNS} == worded, secret


def word(column, count, everything):
    """Say a count as the page does."""
    if column in ("rows", "answers"):
        return {0: "none", everything: "all"}[count]
    return {0: "nobody", 1: "one", everything: "everybody"}[count]


def test_one_subject_key_opens_that_person_alone(house):
    found = Robber(house.disk, subject_key=house.subject).identifiers()
    ((_, texts),) = found.items()
    assert any(REF in text for text in texts)


def test_the_mapping_tells_choices_and_no_field(house):
    robber = Robber(house.disk, index_key=house.secrets["index-key"])
    assert set(robber.guessed().values()) == set(PEOPLE)
    assert robber.identifiers() == {}


def test_the_journal_key_signs_what_never_was_and_opens_nothing(house):
    forged = Ed25519PrivateKey.from_private_bytes(house.secrets["journal-key"])
    note = sign_checkpoint("hedgerow/" + Robber(house.disk).tenant, 3, bytes(32), forged)
    assert note.startswith("hedgerow/")
    for row in Robber(house.disk).rows("sealed_fields"):
        name = canonical([row["dataset"], row["name"]]).decode()
        binding = Binding(Robber(house.disk).tenant, "field", row["number"], name, 1)
        with contextlib.suppress(HedgerowError):
            open_sealed(house.secrets["journal-key"], row["sealed"], binding)
            pytest.fail("a field opens with the journal key")
        break


def test_the_page_has_a_number_for_nothing_else(repository):
    words = {cell for row in documented(repository).values() for name, cell in row.items() if name in COLUMNS}
    assert words <= {"nobody", "none", "one", "everybody", "all"}
    assert re.search(r"journal key[^|]*\|.*forge", (repository / "docs/threat-model.md").read_text())
