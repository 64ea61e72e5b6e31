"""Proves that a CSV file is read exactly: types over all values, true line numbers, broken rows set aside."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from hedgerow.adapters.readers import csv_text, open_table
from hedgerow.adapters.readers import records as splitting
from hedgerow.adapters.readers.opening import OpenFile
from hedgerow.model.words import ColumnType


@pytest.fixture
def read(tmp_path):
    def run(content, name="table.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_table(path, **options)

    return run


def types(source):
    return {column.name: column.type.value for column in source.columns}


def test_types_are_inferred_and_values_exact(read):
    source = read(
        "n,d,b,day,at,text,zip\n"
        "1,0.10,true,2024-02-29,2024-01-01T10:00:00,x,01234\n"
        "-9223372036854775808,12.345,FALSE,2023/12/31,2024-01-01 10:00:00.5,y,90210\n"
    )
    assert types(source) == {
        "n": "integer",
        "d": "decimal",
        "b": "boolean",
        "day": "date",
        "at": "timestamp",
        "text": "text",
        "zip": "text",
    }
    first, second = source.table.to_pylist()
    assert first["d"] == Decimal("0.100")
    assert second["n"] == -(2**63)
    assert second["day"] == date(2023, 12, 31)
    assert second["at"] == datetime(2024, 1, 1, 10, 0, 0, 500_000)  # noqa: DTZ001 - the file has no zone
    assert first["zip"] == "01234"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_sniffed_among_values_that_hold_others(read, delimiter):
    source = read(delimiter.join(["a", "b"]) + "\n" + delimiter.join(['"1,5;2|3\t4"', "x"]) + "\n")
    assert source.delimiter == delimiter
    assert source.table.to_pylist() == [{"a": "1,5;2|3\t4", "b": "x"}]


def test_adult_is_read_right(shared_data):
    source = open_table(shared_data / "adult" / "adult.csv")
    assert source.delimiter == ";"
    assert source.row_count == 30_162
    assert len(source.columns) == 9
    assert types(source)["age"] == "integer"
    assert source.broken == ()
    assert int(source.line[-1]) == 30_163


def test_lines_are_physical_through_quotes_blanks_and_windows_ends(read):
    source = read(b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n')
    assert [column.name for column in source.columns] == ["a", "b"]
    assert source.line.tolist() == [2, 5]
    assert source.table.column("b").to_pylist() == ["x\r\ny", "z"]


def test_broken_rows_are_set_aside_with_line_reason_and_bytes(read):
    good = "".join(f"{number},2024-01-01\n" for number in range(40))
    source = read(b"age,day\n" + good.encode() + b"7\n8,9,10\n\xff,2024-01-01\nx,2024-13-01\n5,2024-02-30\n")
    assert [(row.line, row.raw) for row in source.broken] == [
        (42, b"7"),
        (43, b"8,9,10"),
        (44, b"\xff,2024-01-01"),
        (45, b"x,2024-13-01"),
        (46, b"5,2024-02-30"),
    ]
    reasons = [row.reason for row in source.broken]
    assert reasons[0] == "expected 2 columns, found 1"
    assert reasons[1] == "expected 2 columns, found 3"
    assert reasons[2] == "not UTF-8 text"
    assert reasons[3].startswith("column age: expected a whole number")
    assert "column day" in reasons[3]
    assert reasons[4].startswith("column day: expected a date")
    assert source.row_count == 40
    assert len(source.line) == 40


def test_no_reason_or_representation_holds_a_value(read):
    secret = "Wilhelmina"
    source = read("age,name\n" + "1,x\n" * 40 + f"{secret},{secret}\n")
    assert len(source.broken) == 1
    assert secret not in repr(source)
    assert secret not in repr(source.broken[0])
    assert secret not in source.broken[0].reason


def test_a_byte_order_mark_moves_no_line_and_no_byte(read):
    source = read(b"\xef\xbb\xbfn,t\n" + b"1,a\n" * 40 + b"x,b\n")
    assert [(row.line, row.raw) for row in source.broken] == [(42, b"x,b")]


def test_an_unclosed_quote_costs_one_line_not_the_file(read):
    source = read('a,b\n1,"open\n2,x\n3,y\n4,5" pipe\n"5"x,y\n')
    assert source.table.column("b").to_pylist() == ["x", "y", '5" pipe']
    assert [(row.line, "quote" in row.reason) for row in source.broken] == [(2, True), (6, True)]


def test_a_nul_byte_and_a_bare_carriage_return_are_broken_rows(read):
    source = read(b"a,b\n1,x\n2,y\0y\n3,z\rz\n4,w\n")
    assert source.table.column("a").to_pylist() == [1, 4]
    assert [row.line for row in source.broken] == [3, 4]


def test_empty_cells_are_null_and_not_numbers_are_broken(read):
    source = read("v,t\n" + "1.5,a\n" * 60 + ",\nNaN,b\ninf,b\n1e-3,c\n")
    assert source.table.column("v").to_pylist()[-2:] == [None, Decimal("0.001")]
    assert source.table.column("t").null_count == 1
    assert [row.line for row in source.broken] == [63, 64]


def test_a_number_beyond_64_bits_is_broken(read):
    source = read("n\n" + "5\n" * 40 + "9223372036854775807\n9223372036854775808\n-9223372036854775809\n")
    assert source.table.column("n").to_pylist()[-1] == 2**63 - 1
    assert [row.line for row in source.broken] == [43, 44]


def test_a_few_fractions_make_a_decimal_column_and_a_stray_one_is_broken(read):
    assert types(read("n\n" + "5\n" * 95 + "1.5\n" * 5)) == {"n": "decimal"}
    stray = read("n\n" + "5\n" * 400 + "1.5\n")
    assert types(stray) == {"n": "integer"}
    assert [row.line for row in stray.broken] == [402]


def test_given_types_win(read):
    source = read("zip,n\n90210,1\n90211,x\n", types={"zip": ColumnType.TEXT, "n": ColumnType.INTEGER})
    assert types(source) == {"zip": "text", "n": "integer"}
    assert [row.line for row in source.broken] == [3]


def test_zones_do_not_mix(read):
    source = read("at\n" + "2024-01-01T10:00:00+02:00\n" * 40 + "2024-01-01T10:00:00\n")
    assert source.table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert source.table.column("at").to_pylist()[0].hour == 8
    assert [row.line for row in source.broken] == [42]


def test_the_hash_is_of_the_file(read, tmp_path):
    source = read("a,b\n1,2\n", name="people.csv")
    assert source.content_hash == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert source.name == "people"


@pytest.mark.parametrize("name", ["a*b.csv", "a[1].csv", "a?b.csv", 'it\'s "x".csv', "$(x); --.csv"])
def test_a_name_with_wildcards_is_that_file(read, tmp_path, name):
    (tmp_path / "ab.csv").write_text("other\n1\n")
    assert types(read("mine\n1\n", name=name)) == {"mine": "integer"}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "ab.csv"])


def test_records_across_blocks_keep_lines_and_bytes(read, monkeypatch):
    rows = "".join(f'{number},"line\n{number}"\n' for number in range(300))
    whole = OpenFile.blocks
    monkeypatch.setattr(OpenFile, "blocks", lambda self: whole(self, 50))
    source = read("n,t\n" + rows + "x,y\n")
    assert source.table.column("n").to_pylist() == list(range(300))
    assert source.line.tolist() == list(range(2, 602, 2))
    assert [(row.line, row.raw) for row in source.broken] == [(602, b"x,y")]


def test_the_parity_rule_alone_would_misread_a_stray_quote():
    block = b'a,b\n1,5" pipe\n2,6" pipe\n'
    assert splitting._split_fast(*_octets(block), final=True) is None
    assert splitting.split_block(block, ",", final=True).starts.tolist() == [0, 4, 14]


def _octets(block):
    return np.frombuffer(block, np.uint8), ord(",")


@pytest.mark.parametrize("all_good", [True, False])
def test_the_reader_of_arrow_is_lent_no_memory_of_python(all_good):
    """A thread that gave it back while the interpreter ends would abort the process."""
    block = bytearray(b"1,2\n3,4\n")
    split = csv_text.split_block(bytes(block), ",", final=True)
    text = csv_text._good_bytes(block, split, np.array([0, 1]), all_good=all_good)
    block.clear()
    assert text.to_pybytes().strip() == b"1,2\n3,4"
