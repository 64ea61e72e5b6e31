"""Proves that nothing slips by in what names people, in orders of rows, in lengths or by guesses.

The attacks: an officer alone with a file of guesses; one token in two columns; an identifying column left by
a rule that should make it coarser; a number in a rule that fills the memory; a record of the map told by its
size; identifiers alike but for a number; a true name whose accents are written apart; places and rows that
leave in the order in which they were given; people enrolled by rules that nothing can leave by.
"""

from __future__ import annotations

import csv
import os
import secrets
import unicodedata
from datetime import date

import pyarrow as pa
import pytest
from tests.attack.rolling import founded
from tests.simulator.asking import OWNER
from tests.simulator.model import CARE

import hedgerow.tokens as ht
from hedgerow.app.service import Service
from hedgerow.app.service.tokenising import TokenRequest
from hedgerow.kernel.tokens.enumerable import domain_of
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.keys import Scope
from hedgerow.model.records import Subject, VaultToken
from hedgerow.model.tokens import Habit
from hedgerow.model.uses import Actor
from hedgerow.model.words import Basis
from hedgerow.places import trajectories
from hedgerow.techniques.tokens.habits import check_habit

PRIYA, PAUL = Actor("owner", "priya"), Actor("owner", "paul")
REFS = ("ann", "bob", "cem")
FILE = "id,email,n\nann,ann.smith@example.org,1\nbob,bob.jones@example.com,2\ncem,cem.brown@example.net,3\n"
FOLLOWED = 'kind = "pseudonym"\nfrom = "id"\npolicy = "deterministic"\n'


class Town:
    """A workspace with a data set of three people, and two officers."""

    def __init__(self, folder):
        self.folder, self.many = folder, 0
        self.world = founded()
        self.world.collect("visits", REFS, with_consent=True)
        for name in ("priya", "paul"):
            self.world.service.add_principal(name, ["privacy-officer"])

    def tokenise(self, columns, source=FILE, recipient="lab"):
        """Let rows leave, of a file or of the data set; gives them and the release."""
        self.many += 1
        rules, out, file = (self.folder / f"{self.many}.{end}" for end in ("toml", "out", "csv"))
        person = "" if source == "visits" else 'person = {column = "id"}\n'
        rules.write_text(f'others = "drop"\n{person}{columns}')
        file.write_text(source)
        named = ("visits", None) if source == "visits" else (str(file), "visits")
        asked = TokenRequest(named[0], rules, recipient, named[1])
        made = Service(self.world.spine, PRIYA).tokenise(asked, purpose=CARE, out=out, force=False)
        with out.open(newline="") as stream:
            return list(csv.DictReader(stream)), made["release"]

    def reveal(self, release, tokens):
        """Ask with four eyes whose tokens are."""
        officer = Service(self.world.spine, PRIYA)
        with pytest.raises(Refused) as caught:
            officer.reveal_tokens(release, tokens, purpose=CARE, reason="why")
        self.world.spine.approvals.decide(PAUL, caught.value.details["approval"], is_granted=True)
        return officer.reveal_tokens(release, tokens, purpose=CARE, reason="why")["tokens"]


@pytest.fixture
def town(tmp_path):
    """Make the workspace."""
    return Town(tmp_path)


def test_a_file_of_guesses_does_not_tell_whose_the_tokens_of_a_data_set_are(town):
    rows, release = town.tokenise(f"[columns.Who]\n{FOLLOWED}", "visits")
    again, _ = town.tokenise(f"[columns.Who]\n{FOLLOWED}", "visits")
    guessed, of_file = town.tokenise(f'[columns.Who]\n{FOLLOWED}[columns.n]\nkind = "keep"')
    assert {row["Who"] for row in rows} == {row["Who"] for row in again}
    assert not {row["Who"] for row in rows} & {row["Who"] for row in guessed}
    assert town.tokenise(f"[columns.Who]\n{FOLLOWED}")[0] == [{"Who": row["Who"]} for row in guessed]
    # With four eyes both can still be told.
    told = town.reveal(release, [rows[0]["Who"]]) + town.reveal(of_file, [guessed[0]["Who"]])
    assert told[1]["people"] == [["ann"]]
    assert told[0]["people"][0][0] in REFS


def test_no_token_stands_in_two_columns_of_a_release(town):
    short = 'kind = "random"\nlength = 1\nalphabet = "abcdefghijkl"\n'
    for _ in range(3):  # three drawn of twelve, then three more: apart by luck with 0.38 each
        rows, release = town.tokenise(f"[columns.id]\n{short}[columns.email]\n{short}")
        assert len({row["id"] for row in rows} | {row["email"] for row in rows}) == 6
    told = town.reveal(release, [row[name] for name in ("id", "email") for row in rows])
    assert [each["column"] for each in told] == ["id"] * 3 + ["email"] * 3
    assert [each["people"] for each in told] == [[[ref]] for ref in REFS] * 2


def test_the_size_of_a_record_of_the_map_tells_no_value(town):
    town.tokenise('[columns.email]\nkind = "random"', "id,email\nann,x\nbob,positive for all of it\n")
    with town.world.read() as reader:
        assert len({len(each.sealed) for each in reader.find(VaultToken)}) == 1


@pytest.mark.parametrize(
    "rule",
    [
        '[columns.email]\nkind = "zip"\ndigits = 12',
        '[columns.x]\nkind = "zip"\ndigits = 5\nfrom = "id"',
        '[columns.email]\nkind = "redact"\nkeep = "abcdefghijklmnopqrstuvwxyz"',
        '[columns.x]\nkind = "lookup"\nfrom = "id"\nentries = {ann = "Ann"}\nother = "x"',
    ],
)
def test_what_names_people_is_not_left_by_a_rule_that_changes_nothing(town, rule):
    with pytest.raises(Refused) as caught:
        town.tokenise(rule)
    assert caught.value.code == "tokenise.identifies"


def test_what_names_people_may_leave_in_part(town):
    rows, _ = town.tokenise(
        '[columns.email]\nkind = "redact"\nlast = 3\n[columns.x]\nkind = "zip"\nfrom = "n"'
    )
    assert [row["email"][-4:] for row in rows] == ["*org", "*com", "*net"]


@pytest.mark.parametrize("option", ["least", "strays", "finest_m"])
@pytest.mark.parametrize("text", ["1e99999999", "-1e99999999", "1/0", "9" * 70, "1e99999999/1"])
def test_a_number_that_would_fill_the_memory_is_refused_at_once(option, text):
    with pytest.raises(CallerError) as caught:
        check_habit(Habit("c", "north", "cell", (("longitude", "east"), (option, text))))
    assert caught.value.code == "tokenise.option"


def test_identifiers_that_are_alike_but_for_a_number_are_no_random_ones():
    alike = [f"abcdef0123456789abcdef{1_000_000_000 + at * 7919:010d}" for at in range(40)]
    assert domain_of(alike) == (16**6, "texts that differ in 6 hexadecimal digits")
    assert domain_of([*alike, secrets.token_hex(20)]) == domain_of(alike)
    assert domain_of([secrets.token_hex(16), secrets.token_hex(16)]) is None  # wrongly: once in 10**7
    assert domain_of([secrets.token_hex(16)]) is None


def test_a_surrogate_is_not_the_true_name_with_its_accents_written_apart():
    people = [str(at) for at in range(600)]
    for true in ("Hélène Bruyère", unicodedata.normalize("NFD", "Hélène Bruyère"), "HELENE BRUYERE"):
        made = ht.tokenise(
            {"n": [true] * len(people), "id": people},
            {
                "person": {"column": "id"},
                "others": "drop",
                "columns": {"n": {"kind": "surrogate", "locale": "fr_FR"}},
            },
            secret=bytes(32),
            scope=Scope("t", "p", "d", "R-1"),
        ).frame["n"]
        assert not [name for name in made if "Hélène" in name or "Bruyère" in name]


def test_places_do_not_leave_in_the_order_in_which_the_rows_name_them():
    places = ("zoo", "mill", "abbey")
    for first in places:
        rows = sorted(
            ((f"p{at}", place) for at in range(6) for place in places), key=lambda row: row[1] != first
        )
        people, where = zip(*rows, strict=True)
        table = pa.table({"person": people, "place": where, "time": [date(2024, 1, 1)] * len(rows)})
        made = trajectories(table, person="person", place="place", time="time", k=3).table
        assert made["place"].to_pylist() == sorted(places) * 6


def test_an_empty_cell_alone_in_its_row_is_a_row(town):
    rows, _ = town.tokenise('[columns.x]\nkind = "constant"\nfrom = "id"')
    assert rows == [{"x": ""}] * 3


def test_two_releases_of_a_data_set_are_not_joined_by_the_order_of_their_rows(town):
    town.world.collect("visits", [f"p{at}" for at in range(40)], with_consent=True)
    rules = '[columns.tag]\nkind = "keep"'
    one, other = ([row["tag"] for row in town.tokenise(rules, "visits")[0]] for _ in range(2))
    assert sorted(one) == sorted(other)
    assert one != other  # alike by luck once in 43!


def test_a_file_is_shuffled_where_its_rules_say_so(town):
    many = "id,n\n" + "".join(f"ann,{at}\n" for at in range(40))
    rows, _ = town.tokenise('[columns.n]\nkind = "keep"', many)
    assert [row["n"] for row in rows] == [str(at) for at in range(40)]
    rules = ht.parse({"order": "shuffle", "columns": {"n": {"kind": "keep"}}})
    frame = {"n": list(range(40))}
    made = ht.tokenise(frame, rules, secret=bytes(32), scope=Scope("t", "p", "d", "R-1")).frame["n"]
    assert made != frame["n"]
    assert sorted(made) == frame["n"]


def test_areas_with_too_few_people_are_found_however_they_are_written():
    rules = {"columns": {"z": {"kind": "zip", "digits": 4, "sparse": ["sw1", "036-"]}}}
    codes = {"z": ["SW1A 2AA", "sw1a-2aa", "03601", "03701"]}
    made = ht.tokenise(codes, rules, secret=bytes(32), scope=Scope("t", "p", "d", "R-1")).frame["z"]
    assert made == ["0000", "0000", "0000", "0370"]


def test_a_table_that_has_no_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "r.toml").write_text('[columns.a]\nkind = "lookup"\ntable = "pipe"')
    with pytest.raises(CallerError) as caught:
        ht.tokenise({"a": ["x"]}, tmp_path / "r.toml", secret=bytes(32), scope=Scope("t", "p", "d", "R"))
    assert caught.value.code == "tokenise.table"
    with pytest.raises(CallerError) as caught:
        ht.tokenise({"a": ["x"]}, tmp_path / "pipe", secret=bytes(32), scope=Scope("t", "p", "d", "R"))
    assert caught.value.code == "file.missing"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ('kind = "token"\npolicy = "deterministic"', "tokenise.no-recipient"),
        ('kind = "surrogate"\nlocale = "xx"', "tokens.unknown-locale"),
        ('kind = "trajectory"', "tokenise.habit"),
        ('kind = "pseudonym"', "tokenise.option"),
    ],
)
def test_nobody_is_enrolled_by_rules_that_nothing_can_leave_by(town, rule, code):
    town.folder.joinpath("new.csv").write_text("id,n\ndan,1\n")
    town.folder.joinpath("r.toml").write_text(f'person = {{column = "id"}}\n[columns.n]\n{rule}')
    asked = TokenRequest(str(town.folder / "new.csv"), town.folder / "r.toml", basis=Basis.PUBLIC_TASK)
    with pytest.raises(CallerError) as caught:
        Service(town.world.spine, OWNER).tokenise(asked, purpose=CARE, out=town.folder / "o", force=False)
    assert caught.value.code == code
    with town.world.read() as reader:
        assert reader.count(Subject) == len(REFS)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f'[columns.n]\nkind = "age"\ntop = {"9" * 5000}', "tokenise.not-toml"),
        ('[columns.n]\nkind = "lookup"\ntable = "a\\u0000b"', "tokenise.table"),
    ],
)
def test_a_crafted_rules_file_is_refused_in_words(tmp_path, text, code):
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(CallerError) as caught:
        ht.tokenise({"n": ["1"]}, tmp_path / "r.toml", secret=bytes(32), scope=Scope("t", "p", "d", "R"))
    assert caught.value.code == code
