"""Proves that a wrong PIN, a token that is absent and one that lost the key each end in one clear error.

Nothing changes by it, and once the token is there again with the right PIN everything goes on.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from tests.program import Program

pytestmark = [pytest.mark.extra, pytest.mark.system]

LINES = (
    ("purpose", "add", "research", "--why", "health", "--owner", "owner", "--until", "2099-01-01"),
    ("keys", "rotate", "--yes"),
)


@pytest.fixture(scope="module")
def space(the_token, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lost")
    made = Program(folder / "space", the_token.pin, the_token.environment)
    made.do("init", made.space, "--keys", "pkcs11", "--token", the_token.label)
    (folder / "empty").mkdir()
    (folder / "empty.conf").write_text(
        f"directories.tokendir = {folder / 'empty'}\nobjectstore.backend = file\n"
    )
    return made


def held(program):
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as connection:
        return list(connection.iterdump()), (program.space / "token.json").read_bytes()


@pytest.mark.parametrize(
    ("pin", "around", "error", "code"),
    [
        ("0000-wrong", {}, "keys.pin-wrong", 4),
        (None, {}, "keys.pin-needed", 4),
        ("right", {"SOFTHSM2_CONF": "empty.conf"}, "keys.token-absent", 2),
        ("right", {"HEDGEROW_PKCS11_MODULE": "/nowhere/lib.so"}, "keys.module-unusable", 2),
    ],
    ids=["wrong PIN", "no PIN", "absent token", "no library"],
)
def test_one_clear_error_and_nothing_changed(space, pin, around, error, code):
    placed = {name: str(space.space.parent / value) for name, value in around.items()}
    without = Program(space.space, space.passphrase if pin == "right" else pin, space.environment | placed)
    before = held(space)
    for line in LINES:
        done = without.type(*line)
        assert (done.error, done.code, done.out) == (error, code, ""), done.err
        assert "Next:" in done.err
        assert str(pin) not in done.err
    assert held(space) == before


def test_afterwards_everything_goes_on(space):
    for line in (*LINES, ("journal", "verify"), ("doctor",)):
        space.do(*line)
