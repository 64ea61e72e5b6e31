"""A database writer without keys makes no list of erasures lack a line, and no final certificate hide a copy.

The writer changes the records of erasures, backups and escrows beside the program; lists, certificates and
what is destroyed go by the verified journal, and the audit names the kind that differs. A restore believes a
signed head before any statement, and before the list of a workspace that went another way.
"""

from __future__ import annotations

import json
import shutil

import pytest
from tests.attack.built import built, do, identity, program, sql
from tests.attack.thief import REF, Thief, markers_in
from tests.program import Program

from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import restore_space
from hedgerow.model.errors import HedgerowError

pytestmark = pytest.mark.system
__all__ = ["built", "identity", "program"]


def restored(identity, target, source, **more):
    return restore_space(Wish(source, target, identity, lambda _: None, **more))


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def backed_up(program, identity, tmp_path):
    """Follow the head outside and make a backup; the key set lies apart."""
    do(program, "journal", "witness", "add", "usb", "--file", tmp_path / "head.json")
    line = ("--to", tmp_path / "b", "--keys-to", tmp_path / "k", "--recipient", identity.recipient.text)
    return do(program, "backup", *line)["backup"]


def differs(program):
    verified = program.call("journal", "verify")
    assert (verified.code, verified.error) == (6, "records.differ"), verified.err
    return verified.err


def differs_after(program, change):
    sql(program, change)
    return differs(program)


def final(program, tmp_path, done):
    do(program, "evidence", "export", "--out", tmp_path / "evidence")
    folder = tmp_path / "evidence" / "documents" / "certificates"
    bodies = [json.loads((folder / f"{name}.json").read_text())["body"] for name in done["final"]]
    return " ".join(text for body in bodies for text in body["not_covered"])


class TestLists:
    @pytest.mark.parametrize(
        "change",
        [
            "DELETE FROM tombstones; DELETE FROM forgotten",
            "DELETE FROM forgotten WHERE dataset = 'accounts'",
            "UPDATE tombstones SET lookup = zeroblob(32)",
            "UPDATE forgotten SET until = '2020-01-01'",
        ],
    )
    def test_none_is_signed_that_is_not_what_the_journal_tells(self, program, tmp_path, change):
        do(program, "subject", "erase", REF, "--yes")
        do(program, "dataset", "drop", "accounts", "--yes")
        do(program, "backup", "erasures", "--out", tmp_path / "whole.json")
        assert len(json.loads((tmp_path / "whole.json").read_text())["erased"]) == 2
        for each in change.split(";"):
            sql(program, each)
        told = program.call("backup", "erasures", "--out", tmp_path / "list.json")
        assert (told.code, told.error) == (6, "records.differ")
        assert not (tmp_path / "list.json").exists()
        differs(program)

    def test_a_tombstone_taken_away_while_a_list_is_signed_brings_nobody_back(
        self, program, identity, tmp_path
    ):
        backed_up(program, identity, tmp_path)
        do(program, "subject", "erase", REF, "--yes")
        kept = {table: sql(program, f"SELECT * FROM {table}") for table in ("tombstones", "forgotten")}
        for table in kept:
            sql(program, f"DELETE FROM {table}")
        assert program.call("backup", "erasures").error == "records.differ"
        assert program.call("subject", "show", "P-0001").code == 0
        for table, rows in kept.items():
            for row in rows:
                sql(program, f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", *row)
        head, target = tmp_path / "head.json", tmp_path / "new"
        done = restored(identity, target, tmp_path / "b", keys_source=tmp_path / "k", head=head)
        assert done["repeated"] == 1
        assert not markers_in(Thief(target).everything())

    def test_the_journal_changed_meanwhile_is_found_before_anything_is_signed(self, program, tmp_path):
        do(program, "subject", "erase", REF, "--yes")
        sql(program, "DELETE FROM tombstones")
        sql(program, "DELETE FROM forgotten")
        sql(program, """UPDATE journal SET body = CAST(REPLACE(CAST(body AS TEXT), '"subject.erase"',
            '"subject.bless"') AS BLOB)""")  # fmt: skip
        assert program.call("backup", "erasures", "--out", tmp_path / "l").error == "journal.altered"

    def test_who_came_and_was_erased_after_the_backup_is_known_as_erased(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        (tmp_path / "new.csv").write_text("ref,tag\nP-NEW,1\n")
        do(program, "collect", tmp_path / "new.csv", "--dataset", "late", "--subject-key", "ref", "--purpose",
           "research", "--basis", "contract", "--drop", "")  # fmt: skip
        do(program, "subject", "erase", "P-NEW", "--yes")
        for target in ("one", "two"):
            done = restored(identity, tmp_path / target, tmp_path / "b", keys_source=tmp_path / "k")
            assert (done["later_erasures"], done["repeated"]) == (1, 0)
        again = Program(tmp_path / "one")
        assert again.call("subject", "show", "P-NEW").error == "subject.erased"
        assert again.call("journal", "verify").code == 0
        assert differs_after(again, "UPDATE forgotten SET lookup = zeroblob(32)")

    def test_no_statement_outweighs_the_head(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        more = {"keys_source": tmp_path / "k", "head": tmp_path / "head.json", "nobody_since": "nobody was"}
        old = (tmp_path / "b" / "erasures.json").read_bytes()
        shutil.copy(tmp_path / "head.json", tmp_path / "before.json")
        do(program, "subject", "erase", REF, "--yes")
        (tmp_path / "b" / "erasures.json").write_bytes(old)
        stated = lambda: restored(identity, tmp_path / "new", tmp_path / "b", **more)  # noqa: E731
        assert code_of(stated) == "restore.head-tells-more"
        # Where the head bears it out, it is taken.
        more["head"] = tmp_path / "before.json"
        restored(identity, tmp_path / "new", tmp_path / "b", **more)

    def test_the_list_of_a_sibling_is_not_that_of_the_head(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        drill = shutil.copytree(tmp_path / "b", tmp_path / "drill")
        keys = {"keys_source": tmp_path / "k"}
        restored(identity, tmp_path / "sibling", drill, nobody_since="a drill", **keys)
        sibling = Program(tmp_path / "sibling")
        sql(sibling, "UPDATE backups SET place = '/nowhere', keys_place = '/nowhere'")
        do(sibling, "subject", "erase", "P-0007", "--yes")
        do(sibling, "backup", "erasures", "--out", tmp_path / "theirs.json")
        do(program, "subject", "erase", REF, "--yes")
        size = json.loads((tmp_path / "head.json").read_text())["size"]
        assert json.loads((tmp_path / "theirs.json").read_text())["size"] >= size  # or it proves nothing
        more = {**keys, "head": tmp_path / "head.json"}
        target = tmp_path / "new"
        theirs = lambda: restored(  # noqa: E731
            identity, target, drill, erasures=(tmp_path / "theirs.json",), **more
        )
        assert code_of(theirs) == "restore.erasures-unknown"
        # A list that reaches beyond the head is enough.
        shutil.copy(tmp_path / "head.json", tmp_path / "before.json")
        do(program, "subject", "erase", "P-0009", "--yes")
        before = {**keys, "head": tmp_path / "before.json"}
        assert restored(identity, target, tmp_path / "b", **before)["repeated"] == 2


class TestCopies:
    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE backups SET keys_gone = '2026-11-20T00:00:00.000Z'",
            "UPDATE backups SET keys_until = '2000-01-01'",
            "UPDATE backups SET keys_place = '/nowhere'",
            "UPDATE backups SET backend = 'token', epochs = ''",
            "DELETE FROM backups",
        ],
    )
    def test_no_record_hides_a_key_set_or_ends_it_early(self, program, identity, tmp_path, change):
        name = backed_up(program, identity, tmp_path)
        sql(program, change)
        assert "backups" in differs(program)
        assert (tmp_path / "k" / f"keys-{name}.sealed").exists()
        do(program, "subject", "erase", REF, "--yes")
        told = final(program, tmp_path, do(program, "keys", "epoch", "--yes"))
        is_there = (tmp_path / "k" / f"keys-{name}.sealed").exists()
        assert is_there == (name in told)

    def test_what_the_erasure_leaves_unchanged_is_told_where_the_key_set_lies(
        self, program, identity, tmp_path
    ):
        backed_up(program, identity, tmp_path)
        sql(program, "UPDATE backups SET keys_gone = '2026-11-20T00:00:00.000Z'")
        do(program, "subject", "erase", REF, "--yes")
        assert len(json.loads((tmp_path / "b" / "erasures.json").read_text())["erased"]) == 1

    def test_no_record_hides_an_escrow(self, program, identity, tmp_path):
        (tmp_path / "officer").write_text(identity.recipient.text)
        do(program, "keys", "escrow", "--recipient", tmp_path / "officer", "--out", tmp_path / "e", "--yes")
        do(program, "subject", "erase", REF, "--yes")
        sql(program, "DELETE FROM settings WHERE name = 'keys.escrows'")
        assert "an escrow" in final(program, tmp_path, do(program, "keys", "epoch", "--yes"))
