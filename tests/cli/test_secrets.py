"""A column in which passwords stand is not collected, unless somebody states in writing what it is."""

from __future__ import annotations

LINES = "user,note,age\nu1,Sensitive data: user123 password=abc123,30\nu2,came by,41\n"


def test_passwords_are_no_data(hedgerow, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(LINES)
    take = (
        "collect", path, "--dataset", "notes", "--subject-key", "user", "--purpose", "care",
        "--basis", "public-task",
    )  # fmt: skip
    said = hedgerow.refused(*take, "--drop", "", code=3, error="collect.secret-found")
    assert "abc123" not in said.err
    hedgerow.refused("dataset", "show", "notes", code=2, error="dataset.unknown")
    hedgerow(*take, "--drop", "note")
    (tmp_path / "schema.toml").write_text('[roles]\nnote = "sensitive-attribute"\n')
    again = [word if word != "notes" else "stated" for word in take]
    hedgerow(*again, "--drop", "", "--schema", tmp_path / "schema.toml")
