"""Errors of synthetic tables."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

_NOTHING = "Nothing was spent. "

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "synth.no-columns",
        "No column is named that the synthetic table shall have.",
        _NOTHING + "Name them with --columns A,B,C, or columns=['A', 'B', 'C'].",
    ),
    caller(
        "synth.too-many-columns",
        "A synthetic table has at most {most} columns.",
        _NOTHING + "Name those that are needed together; the fewer there are, the better each is.",
    ),
    caller(
        "synth.bad-column",
        "The column {column} cannot be made: {problem}.",
        _NOTHING + "Leave it out of the columns, or have its keys or bounds declared anew.",
    ),
    caller(
        "synth.bad-number",
        "{option} is no whole number between {least} and {most}.",
        _NOTHING + "Give one; how many rows the table shall have is yours to choose.",
    ),
    refused(
        "synth.too-little",
        "An epsilon of {epsilon} at a delta of {delta} leaves nothing to measure with.",
        _NOTHING + "Give an epsilon such as 1, and a delta such as 1e-9.",
    ),
    caller(
        "synth.too-many-children",
        "A pair of tables holds at most {most} rows of one person, and {rows} rows in all.",
        _NOTHING + "Declare fewer rows of one person, or ask for fewer persons.",
    ),
    caller(
        "synth.bad-pair",
        "A pair of tables has each column in one of the two, needs a file for each, and is not compared.",
        _NOTHING
        + "Name --child-columns and --children-out together, each column once, without --check-epsilon; "
        "--children with them.",
    ),
    caller(
        "synth.other-people",
        "The column {column} names persons by values of different types in the two tables.",
        _NOTHING + "Give it the same type in both, as text or as whole numbers.",
    ),
    caller(
        "synth.bad-out",
        "{out} ends neither with .csv nor with .parquet.",
        _NOTHING + "Name a file that ends with one of them.",
    ),
    caller(
        "synth.bad-report",
        "{out} ends neither with .html nor with .json.",
        _NOTHING + "Name a file that ends with one of them.",
    ),
)
