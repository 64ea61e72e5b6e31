"""Each clause of docs/sensitivity.md names tests, and each named test exists."""

from __future__ import annotations

import re


def test_every_clause_names_tests_that_exist(repository):
    text = (repository / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    clauses = re.split(r"^## ", text, flags=re.MULTILINE)[1:-1]
    joins = ["J1", "J2", "J3"]
    assert [clause.split(".")[0] for clause in clauses] == [
        f"C{n}" for n in range(1, len(clauses) - 2)
    ] + joins
    for clause in clauses:
        named = re.findall(r"`(tests/\S+?)::(\w+)`", clause)
        assert named, clause
        for path, name in named:
            assert f"def {name}(" in (repository / path).read_text(encoding="utf-8"), (path, name)
