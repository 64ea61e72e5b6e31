"""Proves that a workspace printed in a notebook, log or traceback tells its id and nothing else."""

from __future__ import annotations

import re

import pytest

import hedgerow as hr

PASSPHRASE = "correct horse battery"
ID = r"w-[0-9a-f]{16}"


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    with hr.create(tmp_path_factory.mktemp("zebulon") / "space", passphrase=PASSPHRASE) as made:
        yield made


def test_a_space_names_its_id_only(space):
    assert re.fullmatch(rf"Space\({ID}\)", repr(space))


def test_a_session_names_the_id_and_neither_who_nor_why(space):
    session = space.acting_as("dr.quartermaine", purpose="divorce")
    assert re.fullmatch(rf"Session\({ID}\)", repr(session))


def test_the_id_is_the_one_the_journal_carries(space):
    origin = space.opened.spine.attestor.origin
    assert origin.endswith(repr(space).removeprefix("Space(").removesuffix(")"))


@pytest.mark.parametrize("write", [repr, str, "{}".format])
def test_no_way_to_print_shows_where_it_lies_or_what_seals_it(space, write):
    for printed in (write(space), write(space.acting_as("zoe")), write(space.subject("p1"))):
        assert "zebulon" not in printed
        assert PASSPHRASE not in printed
        assert " at 0x" not in printed
