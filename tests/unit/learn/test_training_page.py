"""Each clause of the argument in docs/training.md names tests that exist."""

from __future__ import annotations

import re


def test_every_clause_names_tests_that_exist(repository):
    text = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    clauses = re.split(r"^\* \*\*(?=T\d)", text.partition("## Limits")[0], flags=re.MULTILINE)[1:]
    assert [clause.split(".")[0] for clause in clauses] == [f"T{n}" for n in range(1, 18)]
    for clause in clauses:
        named = re.findall(r"`(tests/\S+?)::(\w+)`", clause)
        assert named, clause
        for path, name in named:
            assert f"def {name}(" in (repository / path).read_text(encoding="utf-8"), (path, name)
