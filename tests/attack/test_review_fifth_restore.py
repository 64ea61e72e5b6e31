"""What a restored workspace says does not count for more than it knows, and a drill touches nothing outside.

Whoever restores holds a backup with its secrets, and the lists, heads and folders that this workspace and
other restores of it ever wrote.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import pytest
from tests.attack.built import built, do, identity, program
from tests.attack.thief import REF, Thief, markers_in
from tests.program import Program

from hedgerow.app.backup.restoring import Wish
from hedgerow.app.space import restore_space
from hedgerow.model.errors import HedgerowError

pytestmark = pytest.mark.system
__all__ = ["built", "identity", "program"]

ASKS = ("query", "visits", "SELECT COUNT(*) FROM visits", "--purpose", "research", "--epsilon", "0.5")


def restored(identity, target, source, principal="owner", **more):
    done = restore_space(Wish(source, target, identity, lambda _: None, **more), principal)
    return Program(target), done


def code_of(act):
    with pytest.raises(HedgerowError) as caught:
        act()
    return caught.value.code


def backed_up(program, identity, folder, name="b"):
    line = (
        "--to",
        folder / name,
        "--keys-to",
        folder / f"{name}-keys",
        "--recipient",
        identity.recipient.text,
    )
    return do(program, "backup", *line)["backup"]


def follow(program, path):
    do(program, "journal", "witness", "add", path.stem, "--file", path)
    return path


def come_again(program, folder):
    """Collect somebody who was erased, by a choice made since."""
    again, chosen = folder / "again.csv", folder / "chosen.csv"
    again.write_text(f"ref,tag\n{REF},1\n")
    chosen.write_text(f"subject,purpose,time\n{REF},research,{datetime.now(UTC).isoformat()}\n")
    do(program, "collect", again, "--dataset", "late", "--subject-key", "ref", "--purpose", "research",
       "--basis", "consent", "--drop", "", "--consents", chosen)  # fmt: skip
    assert program.call("subject", "show", REF).code == 0


class TestHeads:
    def test_the_head_of_a_copy_that_knows_no_spending_opens_no_budget(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        keys = {"keys_source": tmp_path / "b-keys"}
        for number in range(3):
            do(program, *ASKS, "--request-id", f"later{number}")
        drill = shutil.copytree(tmp_path / "b", tmp_path / "drill")
        copy, done = restored(identity, tmp_path / "copy", drill, nobody_since="a drill", **keys)
        assert done["spending"] == "unknown"
        assert copy.call(*ASKS).code == 5
        head = follow(copy, tmp_path / "head.json")
        do(copy, "backup", "erasures", "--out", tmp_path / "list.json")
        again, done = restored(identity, tmp_path / "again", drill, head=head, nobody_since="a drill", **keys)
        assert done["spending"] == "unknown"
        assert again.call(*ASKS).code == 5
        assert again.call("journal", "verify").code == 0

    def test_lists_and_heads_of_a_copy_do_not_stand_for_the_original(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        keys = {"keys_source": tmp_path / "b-keys"}
        drill = shutil.copytree(tmp_path / "b", tmp_path / "drill")
        do(program, "subject", "erase", REF, "--yes")
        copy, _ = restored(identity, tmp_path / "copy", drill, nobody_since="a drill", **keys)
        head, listed = follow(copy, tmp_path / "head.json"), tmp_path / "list.json"
        do(copy, "backup", "erasures", "--out", listed)
        again = lambda: restored(  # noqa: E731
            identity, tmp_path / "again", drill, head=head, erasures=(listed,), **keys
        )
        assert code_of(again) == "restore.erasures-unknown"


class TestDrill:
    def test_whoever_may_not_restore_leaves_no_trace_outside(self, program, identity, tmp_path):
        head = follow(program, tmp_path / "head.json")
        do(program, "principal", "add", "ana", "--role", "analyst")
        backed_up(program, identity, tmp_path)
        before = head.read_bytes()
        drill = lambda: restored(  # noqa: E731
            identity, tmp_path / "copy", tmp_path / "b", "ana", keys_source=tmp_path / "b-keys",
            nobody_since="a drill",
        )  # fmt: skip
        assert code_of(drill).startswith("policy.")
        assert head.read_bytes() == before
        assert program.call(*ASKS).code == 0


class TestAdopting:
    def test_who_the_original_erased_is_erased_here_too(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        copy, _ = restored(
            identity,
            tmp_path / "copy",
            tmp_path / "b",
            keys_source=tmp_path / "b-keys",
            nobody_since="a drill",
        )
        assert copy.call("subject", "show", REF).code == 0
        do(program, "subject", "erase", REF, "--yes")
        adopts = ("--to", tmp_path / "b", "--keys-to", tmp_path / "b-keys", "--adopt")
        do(copy, "backup", "make", *adopts)
        assert copy.call("subject", "show", REF).error == "subject.erased"
        assert not markers_in(Thief(copy.space).everything())
        assert copy.call("journal", "verify").code == 0

    def test_whom_a_drill_erased_stays_in_the_original(self, program, identity, tmp_path):
        backed_up(program, identity, tmp_path)
        keys = {"keys_source": tmp_path / "b-keys"}
        drill, _ = restored(identity, tmp_path / "drill", tmp_path / "b", nobody_since="a drill", **keys)
        do(drill, "backup", "--to", tmp_path / "d", "--keys-to", tmp_path / "d-keys")
        do(drill, "subject", "erase", REF, "--yes")
        assert json.loads((tmp_path / "d" / "erasures.json").read_text())["erased"]
        do(program, "backup", "make", "--to", tmp_path / "d", "--keys-to", tmp_path / "d-keys", "--adopt")
        assert program.call("subject", "show", REF).code == 0

    def test_an_older_erasure_does_not_stand_for_a_later_one(self, program, identity, tmp_path):
        """Erased, collected anew, backed up, erased again by the original."""
        do(program, "subject", "erase", REF, "--yes")
        come_again(program, tmp_path)
        backed_up(program, identity, tmp_path)
        keys = {"keys_source": tmp_path / "b-keys"}
        copy, _ = restored(identity, tmp_path / "copy", tmp_path / "b", nobody_since="a drill", **keys)
        do(program, "subject", "erase", REF, "--yes")
        do(copy, "backup", "make", "--to", tmp_path / "b", "--keys-to", tmp_path / "b-keys", "--adopt")
        told = json.loads((tmp_path / "b" / "erasures.json").read_text())["erased"]
        assert len(told) == 2


class TestAgain:
    def test_who_was_erased_before_the_backup_and_again_after_it(self, program, identity, tmp_path):
        do(program, "subject", "erase", REF, "--yes")
        backed_up(program, identity, tmp_path)
        come_again(program, tmp_path)
        do(program, "subject", "erase", REF, "--yes")
        copy, done = restored(identity, tmp_path / "copy", tmp_path / "b", keys_source=tmp_path / "b-keys")
        assert done["later_erasures"] == 1
        assert copy.call("subject", "show", REF).error == "subject.erased"
        assert copy.call("journal", "verify").code == 0
