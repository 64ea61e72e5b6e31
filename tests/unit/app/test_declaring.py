"""Declarations, schema files and hierarchy folders are read exactly, or refused with what is wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hedgerow.app.declaring import Asked, Schema, parse_bounds, parse_keys, parse_pair, read_schema
from hedgerow.app.hierarchies import read_hierarchies
from hedgerow.model.errors import CallerError
from hedgerow.model.words import ColumnRole, ColumnType

TYPES = {
    "age": ColumnType.INTEGER,
    "ward": ColumnType.TEXT,
    "weight": ColumnType.DECIMAL,
    "ok": ColumnType.BOOLEAN,
}


def refused(code, call, *arguments):
    with pytest.raises(CallerError) as caught:
        call(*arguments)
    assert caught.value.code == code


class TestOptions:
    def test_bounds_are_exact(self):
        assert parse_bounds("0.1:1e2").lower == Fraction(1, 10)
        assert parse_bounds("-5:-5").upper == -5

    @pytest.mark.parametrize("text", ["", "1", "1:", ":1", "a:b", "0:inf", "nan:1", "1:2:3"])
    def test_what_is_no_pair_of_numbers_is_refused(self, text):
        refused("declare.malformed", parse_bounds, text)

    def test_bounds_in_the_wrong_order_are_refused(self):
        refused("declare.bounds-order", parse_bounds, "2:1")

    def test_a_pair_is_split_at_the_first_sign(self):
        assert parse_pair("a=b=c", "--keys") == ("a", "b=c")
        for text in ("a", "=b", "a="):
            refused("declare.malformed", parse_pair, text, "--keys")

    def test_keys_are_a_list_or_the_lines_of_a_file(self, tmp_path):
        (tmp_path / "keys").write_text("A\n\nB, and C\n")
        assert parse_keys("A,B") == ("A", "B")
        assert parse_keys(f"@{tmp_path / 'keys'}") == ("A", "B, and C")
        refused("declare.key-file", parse_keys, "@/nowhere/x")


class TestTypes:
    def test_keys_take_the_type_of_their_column(self):
        declared = Asked(max_rows=3, keys={"age": ["1", "2", "1"], "ok": ["true", "false"]}).typed(TYPES, "d")
        assert {c.column: c.keys for c in declared.columns} == {"age": (1, 2), "ok": (True, False)}

    @pytest.mark.parametrize(
        ("asked", "code"),
        [
            (Asked(unit="household"), "declare.unit"),
            (Asked(max_rows=0), "declare.max-rows"),
            (Asked(max_rows=1_000_001), "declare.max-rows"),
            (Asked(keys={"age": ["old"]}), "declare.key-type"),
            (Asked(keys={"ok": ["yes"]}), "declare.key-type"),
            (Asked(keys={"weight": ["1.5"]}), "declare.key-type"),
            (Asked(bounds={"ward": "0:1"}), "declare.bounds-type"),
            (Asked(bounds={"gone": "0:1"}), "column.unknown"),
        ],
    )
    def test_what_does_not_fit_a_column_is_refused(self, asked, code):
        refused(code, asked.typed, TYPES, "d")


class TestSchemaFile:
    def test_all_of_it_is_read(self, tmp_path):
        file, keys = tmp_path / "s.toml", tmp_path / "keys"
        keys.write_text("A\nB\n")
        file.write_text(
            'keep = ["age"]\nunit = "person"\nmax_rows = 5\n'
            '[types]\nage = "integer"\n[roles]\nage = "measure"\n[bounds]\nage = [0, 120.5]\nweight = "1:2"\n'
            f'[keys]\nward = "@{keys}"\nok = [true, false]\nage = [1, 2]\n'
        )
        assert read_schema(file) == Schema(
            ("age",),
            None,
            {"age": ColumnType.INTEGER},
            {"age": ColumnRole.MEASURE},
            Asked(
                "person",
                5,
                {"age": "0:120.5", "weight": "1:2"},
                {"ward": ("A", "B"), "ok": ("true", "false"), "age": ("1", "2")},
            ),
        )

    def test_an_empty_file_states_nothing(self, tmp_path):
        (tmp_path / "s.toml").write_text("")
        assert read_schema(tmp_path / "s.toml") == Schema()

    @pytest.mark.parametrize(
        "text",
        [
            "max_rows = true",
            "max_rows = 1.5",
            "keep = 5",
            "drop = 'a'",
            "[bounds]\na = [1]",
            "[bounds]\na = 1",
            "[keys]\na = 1",
            "types = 3",
            "[roles]\na = 'king'",
        ],
    )
    def test_what_does_not_fit_is_refused(self, tmp_path, text):
        (tmp_path / "s.toml").write_text(text)
        refused("schema.malformed", read_schema, tmp_path / "s.toml")


class TestHierarchyFolder:
    def test_each_column_takes_its_own_file(self, tmp_path):
        (tmp_path / "adult_hierarchy_age.csv").write_text("1;1-5;*\n\n2;1-5;*\n")
        (tmp_path / "age.csv").write_text("1;*\n")
        (tmp_path / "wage.csv").write_text("9;*\n")
        assert read_hierarchies(tmp_path, ["age", "sex"]) == {"age": [["1", "*"]]}
        (tmp_path / "age.csv").unlink()
        assert read_hierarchies(tmp_path, ["age"]) == {"age": [["1", "1-5", "*"], ["2", "1-5", "*"]]}

    def test_a_folder_that_helps_nothing_is_refused(self, tmp_path):
        refused("hierarchies.no-directory", read_hierarchies, tmp_path / "none", ["age"])
        refused("hierarchies.none-fits", read_hierarchies, tmp_path, ["age"])
        (tmp_path / "age.csv").write_bytes(b"\xff;\n")
        refused("hierarchies.unreadable", read_hierarchies, tmp_path, ["age"])
