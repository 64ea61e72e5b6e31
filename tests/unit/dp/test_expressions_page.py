"""Each clause of docs/expressions.md names tests, and each named test exists."""

from __future__ import annotations

import re


def test_every_clause_names_tests_that_exist(repository):
    text = (repository / "docs" / "expressions.md").read_text(encoding="utf-8")
    clauses = [clause for clause in re.split(r"^## ", text, flags=re.MULTILINE) if re.match(r"E\d", clause)]
    assert [clause.split(".")[0] for clause in clauses] == [f"E{n}" for n in range(1, len(clauses) + 1)]
    assert len(clauses) >= 6
    for clause in clauses:
        named = re.findall(r"`(tests/\S+?)::(\w+)`", clause)
        assert named, clause
        for path, name in named:
            assert f"def {name}(" in (repository / path).read_text(encoding="utf-8"), (path, name)
