"""Each clause of docs/sensitivity.md names tests, and each named test exists."""

from __future__ import annotations

import re


def test_every_clause_names_tests_that_exist(repository):
    text = (repository / "docs" / "sensitivity.md").read_text(encoding="utf-8")
    clauses = re.split(r"^## ", text, flags=re.MULTILINE)[1:-1]
    names = [clause.split(".")[0] for clause in clauses]
    letters = [name[0] for name in names]
    counted = [
        f"{letter}{n}" for letter in dict.fromkeys(letters) for n in range(1, letters.count(letter) + 1)
    ]
    assert names == counted
    assert [*dict.fromkeys(letters)] == ["C", "J", "R", "S"]
    for clause in clauses:
        named = re.findall(r"`(tests/[^\s:]+)::(?:\w+::)?(\w+)`", clause)
        assert named, clause
        for path, name in named:
            assert f"def {name}(" in (repository / path).read_text(encoding="utf-8"), (path, name)
