"""A workspace built once for a file of attacks, driven by its program and changed beside it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing

import pytest
from tests.attack.thief import build
from tests.program import Program

from hedgerow.kernel.hybrid import new_identity


@pytest.fixture(scope="module")
def identity():
    return new_identity()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build(folder)
    return folder / "space"


@pytest.fixture
def program(built, tmp_path):
    return Program(shutil.copytree(built, tmp_path / "space"))


def do(program, *line):
    done = program.call(*line, "--json")
    assert done.code == 0, (line, done.err, done.out)
    return done.json


def sql(program, text, *values):
    with closing(sqlite3.connect(program.space / "hedgerow.db")) as database, database:
        return database.execute(text, values).fetchall()
