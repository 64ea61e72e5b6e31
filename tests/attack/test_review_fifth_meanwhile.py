"""A record that decides, changed for the length of one use and put back, is told by the journal afterwards.

The attacker writes to the database beside the program, without its keys: policies, roles, limits, what was
spent, whether spending is known, bases and declarations; or he hides entries from who decides by them.
"""

from __future__ import annotations

import base64
import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from tests.attack.thief import REF, build
from tests.program import Program

from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import open_space, restore_space
from hedgerow.kernel.hybrid import new_identity
from hedgerow.kernel.merkle import Frontier, leaf_hash

pytestmark = pytest.mark.system

ASKS = (
    "query",
    "visits",
    "SELECT COUNT(*) FROM visits",
    "--purpose",
    "research",
    "--fresh",
    "--epsilon",
    "0.5",
)
APPROVED = (
    '@id("looked-at")\n@reason("An officer looks first.")\n@approval("privacy-officer")\n'
    'permit (principal in Role::"analyst", action == Action::"query", resource == Dataset::"visits");\n'
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    program = build(folder)
    for name, role in (("ana", "analyst"), ("bob", "analyst")):
        do(program, "principal", "add", name, "--role", role)
    return folder / "space"


@pytest.fixture
def program(built, tmp_path):
    return Program(shutil.copytree(built, tmp_path / "space"))


@pytest.fixture
def looked_at(program, tmp_path):
    """Let each query of analysts wait for an officer."""
    asked = tmp_path / "asked.cedar"
    asked.write_text(program.call("policy", "show").out + APPROVED)
    do(program, "policy", "apply", asked, "--yes")
    return program


def do(program, *line):
    done = program.call(*line, "--json")
    assert done.code == 0, (line, done.err, done.out)
    return done.json


def sql(program, text, *values):
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as database, database:
        return database.execute(text, values).fetchall()


def put_back(program, table, rows):
    sql(program, f"DELETE FROM {table}")
    for row in rows:
        sql(program, f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)


def meanwhile(program, table, change, *lines):
    """Change a table, run some commands, and put the table back; give what they said."""
    rows = sql(program, f"SELECT * FROM {table}")
    sql(program, change)
    done = [program.call(*line, "--json") for line in lines]
    put_back(program, table, rows)
    return done


def is_found(program, done):
    """Tell whether a change did not help, or is found afterwards."""
    return done.code != 0 or program.call("journal", "verify").code == 6


POLICY = "UPDATE policies SET text = (SELECT text FROM policies WHERE version = 1) WHERE version = 2"


class TestPolicies:
    @pytest.mark.parametrize("change", [POLICY, "DELETE FROM policies WHERE version = 2"])
    def test_a_use_by_other_policies_than_those_in_force_is_found(self, looked_at, change):
        program = looked_at
        assert program.call(*ASKS, "--as", "ana").error == "approval.pending"
        (done,) = meanwhile(program, "policies", change, (*ASKS, "--as", "ana"))
        assert is_found(program, done)

    def test_a_use_by_a_role_that_nobody_gave_is_found(self, program):
        do(program, "principal", "add", "aud", "--role", "auditor")
        ask = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.1")
        assert program.call(*ask, "--as", "aud").code == 3
        change = "UPDATE principals SET roles = 'analyst' WHERE name = 'aud'"
        (done,) = meanwhile(program, "principals", change, (*ask, "--as", "aud"))
        assert is_found(program, done)

    def test_a_grant_by_a_role_that_nobody_gave_is_found(self, looked_at):
        program = looked_at
        program.call(*ASKS, "--as", "ana")
        ((asked,),) = sql(program, "SELECT id FROM approvals")
        change = "UPDATE principals SET roles = 'privacy-officer' WHERE name = 'bob'"
        (done,) = meanwhile(program, "principals", change, ("approval", "grant", asked, "--as", "bob"))
        assert is_found(program, done)

    def test_what_was_asked_forges_no_line_of_what_the_officer_reads(self, looked_at):
        forged = "\nplan      cost: epsilon 0.0001\nneeds     nobody"
        lied = ("query", "visits", f"SELECT COUNT(*) FROM visits /* {forged} */", *ASKS[3:])
        assert looked_at.call(*lied, "--as", "ana").error == "approval.pending"
        ((asked,),) = sql(looked_at, "SELECT id FROM approvals")
        told = looked_at.call("approval", "show", asked).out.splitlines()
        assert [line for line in told if line.startswith("needs")] == [
            "needs     1 of the role privacy-officer, not ana"
        ]
        assert "plan      cost: epsilon 0.0001" not in told
        assert any(line.endswith("plan      cost: epsilon 0.0001") for line in told)


class TestBudgets:
    @pytest.mark.parametrize(
        ("table", "change"),
        [
            ("allocations", "UPDATE allocations SET epsilon = '1000/1'"),
        ],
    )
    def test_a_use_beyond_the_limit_is_found(self, program, table, change):
        most = (*ASKS[:-1], "5")
        assert program.call(*most).code == 5
        (done,) = meanwhile(program, table, change, most)
        assert is_found(program, done)

    def test_a_use_of_what_was_spent_already_is_found(self, program):
        do(program, *ASKS[:-1], "3")
        assert program.call(*ASKS[:-1], "3").code == 5
        spent = sql(program, "SELECT * FROM accounts")
        sql(program, "UPDATE accounts SET epsilon = '0'")
        done = program.call(*ASKS[:-1], "3")
        put_back(program, "accounts", spent)
        sql(program, "UPDATE accounts SET epsilon = '13/2'")
        assert is_found(program, done)

    def test_a_use_while_spending_was_not_known_is_found(self, program, tmp_path):
        identity = new_identity()
        line = ("--to", tmp_path / "b", "--keys-to", tmp_path / "k", "--recipient", identity.recipient.text)
        do(program, "backup", *line)
        wish = Wish(tmp_path / "b", tmp_path / "new", identity, lambda _: None, keys_source=tmp_path / "k",
                    nobody_since="none")  # fmt: skip
        restore_space(wish)
        again = Program(tmp_path / "new")
        assert again.call(*ASKS).code == 5
        change = "UPDATE settings SET value = '' WHERE name = 'ledger.unknown'"
        kept = sql(again, "SELECT value FROM settings WHERE name = 'ledger.unknown'")
        sql(again, change)
        done = again.call(*ASKS)
        sql(again, "UPDATE settings SET value = ? WHERE name = 'ledger.unknown'", kept[0][0])
        assert is_found(again, done)

    def test_a_past_against_the_rules_does_not_make_a_backup_worthless(self, program, tmp_path):
        identity = new_identity()
        most = (*ASKS[:-1], "5")
        (done,) = meanwhile(program, "allocations", "UPDATE allocations SET epsilon = '1000/1'", most)
        assert done.code == 0
        line = ("--to", tmp_path / "b", "--keys-to", tmp_path / "k", "--recipient", identity.recipient.text)
        do(program, "backup", *line)
        wish = Wish(tmp_path / "b", tmp_path / "new", identity, lambda _: None, keys_source=tmp_path / "k",
                    nobody_since="none")  # fmt: skip
        restore_space(wish)
        assert Program(tmp_path / "new").call("journal", "verify").error == "records.rule-broken"


class TestCounts:
    def test_searches_beyond_the_day_are_found(self, program):
        do(program, "dataset", "index", "visits", "--column", "email", "--kind", "email")
        with open_space(program.space) as space:
            for number in range(20):
                space.service.find_subject("visits", "email", f"nobody{number}@example.net")
        kept = sql(program, "SELECT * FROM searches")
        sql(program, "DELETE FROM searches")
        with open_space(program.space) as space:
            space.service.find_subject("visits", "email", "nobody@example.net")
        for row in kept:
            sql(program, "INSERT INTO searches VALUES (?, ?, ?, ?)", *row)
        assert program.call("journal", "verify").error == "records.rule-broken"

    def test_a_fork_of_another_log_is_not_cosigned_by_taking_what_was_seen_away(self, program, tmp_path):
        log = Program(tmp_path / "log")
        do(log, "init", log.space, "--no-passphrase")
        fork = Program(shutil.copytree(log.space, tmp_path / "fork"))
        key = do(log, "journal", "key", "show")["key"]
        for each, name in ((log, "ana"), (fork, "eve")):
            do(each, "principal", "add", name, "--role", "auditor")
            do(each, "evidence", "export", "--out", tmp_path / f"of-{name}")
        cosign = lambda name: program.call(  # noqa: E731
            "journal", "cosign", tmp_path / f"of-{name}", "--key", key, "--out", tmp_path / f"{name}.txt"
        )
        assert cosign("ana").code == 0
        assert cosign("eve").code == 6
        seen = sql(program, "SELECT * FROM seen_logs")
        sql(program, "DELETE FROM seen_logs")
        assert cosign("eve").error == "records.differ"
        assert not (tmp_path / "eve.txt").exists()
        sql(program, "INSERT INTO seen_logs VALUES (?, ?, ?, ?, ?)", *seen[0])
        assert cosign("eve").code == 6


class TestEntries:
    def test_none_is_left_out_by_a_state_of_the_log_that_is_too_new(self, program):
        do(program, "subject", "erase", REF, "--yes")
        log = Frontier()
        log.extend(leaf_hash(body) for (body,) in sql(program, 'SELECT body FROM journal ORDER BY "index"'))
        later = base64.b64encode(log.to_bytes()).decode()
        sql(program, "INSERT OR REPLACE INTO settings VALUES ('journal.frontier.0', ?)", later)
        with open_space(program.space) as space:
            spine = space.opened.spine
            with spine.store.read() as reader:
                assert spine.journal.erased_since(reader, "visits", 3)


class TestHeads:
    """A head outside is written at each commit, also at one that is made while a record is another."""

    def followed(self, program, tmp_path):
        do(program, "journal", "witness", "add", "usb", "--file", tmp_path / "head.json")
        return tmp_path / "head.json"

    def test_none_tells_less_spent_than_the_journal(self, program, tmp_path):
        head = self.followed(program, tmp_path)
        do(program, *ASKS)
        before = head.read_bytes()
        change = "UPDATE accounts SET epsilon = '0'"
        meanwhile(program, "accounts", change, ("principal", "add", "eve", "--role", "auditor"))
        assert head.read_bytes() == before
        assert program.call("journal", "verify").code == 0
        do(program, *ASKS, "--request-id", "next")
        assert json.loads(head.read_bytes())["spent"] != json.loads(before)["spent"]

    @pytest.mark.parametrize("at_once", [True, False])
    def test_none_tells_of_fewer_erasures_than_the_journal(self, program, tmp_path, at_once):
        head = self.followed(program, tmp_path)
        told = json.loads(head.read_bytes())
        before, size = told["erasures"], told["size"]
        if not at_once:
            (tmp_path / "head.json").rename(tmp_path / "away")
        do(program, "subject", "erase", REF, "--yes")
        if not at_once:
            (tmp_path / "away").rename(tmp_path / "head.json")
        change = "DELETE FROM tombstones"
        meanwhile(program, "tombstones", change, ("principal", "add", "eve", "--role", "auditor"))
        told = json.loads(head.read_bytes())
        assert told["erasures"] != before or told["size"] == size
        do(program, "principal", "add", "mal", "--role", "auditor")
        assert json.loads(head.read_bytes())["erasures"] != before
        assert program.call("journal", "verify").code == 0
