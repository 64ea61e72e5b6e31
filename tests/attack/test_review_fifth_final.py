"""A database writer without keys makes no certificate of final erasure say less than it must."""

from __future__ import annotations

import json
import os

import pytest
from tests.attack.built import built, do, identity, program, sql
from tests.attack.thief import REF

pytestmark = pytest.mark.system
__all__ = ["built", "identity", "program"]


def final(program, tmp_path, done):
    do(program, "evidence", "export", "--out", tmp_path / "evidence")
    folder = tmp_path / "evidence" / "documents" / "certificates"
    return [json.loads((folder / f"{name}.json").read_text())["body"] for name in done["final"]]


def test_no_certificate_of_erasure_that_was_changed_hides_an_escrow(program, identity, tmp_path):
    (tmp_path / "officer").write_text(identity.recipient.text)
    do(program, "keys", "escrow", "--recipient", tmp_path / "officer", "--out", tmp_path / "e", "--yes")
    do(program, "subject", "erase", REF, "--yes")
    ((name, body),) = sql(program, "SELECT id, body FROM certificates WHERE kind = 'erasure-certificate'")
    changed = json.loads(body)
    changed["body"]["epochs"] = []
    sql(program, "UPDATE certificates SET body = ? WHERE id = ?", json.dumps(changed), name)
    done = program.call("keys", "epoch", "--yes", "--json")
    sql(program, "UPDATE certificates SET body = ? WHERE id = ?", body, name)
    if done.code == 0:
        for told in final(program, tmp_path, done.json):
            assert "an escrow" in " ".join(told["not_covered"])
            assert told["epochs_destroyed"]
    else:
        assert done.code == 6
    assert program.call("journal", "verify").code == 0


@pytest.mark.parametrize("way", ["linked"])
def test_a_key_set_that_is_left_under_another_name_is_not_called_destroyed(program, identity, tmp_path, way):
    line = ("--to", tmp_path / "b", "--keys-to", tmp_path / "k", "--recipient", identity.recipient.text)
    name = do(program, "backup", *line)["backup"]
    there = tmp_path / "k" / f"keys-{name}.sealed"
    os.link(there, tmp_path / "k" / "other")
    do(program, "subject", "erase", REF, "--yes")
    (told,) = final(program, tmp_path, do(program, "keys", "epoch", "--yes"))
    left = (tmp_path / "k" / "other").read_bytes().strip(b"\0")
    assert not left or name in " ".join(told["not_covered"])


def test_no_day_in_the_records_keeps_an_index_from_being_renewed(program, tmp_path):
    do(program, "dataset", "index", "visits", "--column", "email", "--kind", "email")
    do(program, "subject", "erase", REF, "--yes")
    sql(program, "UPDATE blind_indexes SET created = '2999-01-01T00:00:00.000Z'")
    (told,) = final(program, tmp_path, do(program, "keys", "epoch", "--yes"))
    ((version,),) = sql(program, "SELECT version FROM blind_indexes WHERE state = 'current'")
    assert version == 2 or "index" in " ".join(told["not_covered"])
    assert version == 2
