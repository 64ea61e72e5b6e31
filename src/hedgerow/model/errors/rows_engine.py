"""Errors of the table engine and of the files it reads."""

from __future__ import annotations

import re

from hedgerow.model.errors.base import ErrorRow, caller, fault

_RESTORE = "Run `hedgerow doctor`; when it confirms the damage, restore the workspace from a backup."


# Parts of a plan whose name says nothing to whoever wrote the query.
_SAID = {
    "beside": "a join of two data sets",
    "discover_keys": "keys found in the data",
    "gathered": "rows gathered by person",
    "joins": "a join with a public table",
    "of_unit": "another unit than the person",
    "unit": "another unit than the person",
}


def _in_words(element: str) -> str:
    """Say the name of a part of a plan, such as ``ExactAggregation.max_groups``, in words."""
    name = element.rpartition(".")[2]
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return _SAID.get(name, parted.lower().replace("_", "-"))


ROWS: tuple[ErrorRow, ...] = (
    caller(
        "engine.column-not-granted",
        "Column {column} was not granted to this use.",
        "Ask for a use that names the column, or leave the column out.",
    ),
    caller(
        "engine.column-unknown",
        "Column {column} is not in this data set.",
        "Look up the columns with `hedgerow dataset show`.",
    ),
    caller(
        "engine.column-reserved",
        "The column name {column} is kept for the engine.",
        "Rename the column.",
    ),
    caller(
        "engine.column-twice",
        "Column {column} stands in the table twice.",
        "Rename or drop one of the two columns.",
    ),
    caller(
        "engine.column-type",
        "Column {column} holds a type that can be counted but not compared, grouped or summed.",
        "Store the column as text, a number, a truth value, a date or a timestamp.",
    ),
    caller(
        "engine.not-a-number",
        "Column {column} holds no numbers, so it has no sum.",
        "Sum a column of numbers, or count the rows instead.",
    ),
    caller(
        "engine.literal-type",
        "The constant beside column {column} does not fit the type of the column.",
        "Write text in quotes, numbers without, dates as 'YYYY-MM-DD'.",
    ),
    caller(
        "engine.bounds",
        "The bounds of column {column} cannot be summed in fixed point with {digits} digits.",
        "Keep lower <= upper, digits between 0 and 18, and each bound times 10^digits below 2^53.",
    ),
    caller(
        "engine.key-twice",
        "A key of column {column} is declared twice.",
        "Declare each key once with `hedgerow dataset declare --keys`.",
    ),
    caller(
        "engine.groups",
        "The declared keys make {groups} groups; the engine answers at most {most}.",
        "Group by fewer columns or declare fewer keys.",
    ),
    caller(
        "engine.dialect",
        "No SQL is written for that engine.",
        "Name one of {dialects}.",
    ),
    caller(
        "engine.element",
        "The query rests on {said}, which is not known to the compiler for other engines.",
        "Ask or declare without it for that engine, or ask in the workspace.",
        derived=lambda told: {"said": _in_words(str(told["element"]))},
    ),
    caller(
        "engine.name",
        "A table or column has a name that the engine cannot hold or would read more into.",
        "Give it a name of printable characters there.",
    ),
    caller(
        "engine.text",
        "A key or a constant holds a character of number 0, which not every engine can hold.",
        "Leave it out of the declared keys and of the query.",
    ),
    caller(
        "engine.unknown",
        "No engine of that name computes for this workspace.",
        "Name one of {engines}, or leave --engine out: the workspace computes itself then.",
    ),
    caller(
        "engine.spark-setting",
        "The variable {name} does not hold a setting that is taken.",
        "HEDGEROW_SPARK_MASTER is local[*] or local[N] with a number of threads; HEDGEROW_SPARK_MEMORY is a "
        "size such as 2g or 900m.",
    ),
    fault(
        "engine.no-java",
        "Spark needs a Java of version {least} or newer, and none was found.",
        "Install one (on Debian: `apt-get install openjdk-17-jre-headless`), let JAVA_HOME name it, or leave "
        "--engine out.",
        exit_code=7,
        status=409,
    ),
    caller(
        "engine.people-order",
        "The numbers of the allowed people are not strictly increasing 64-bit integers.",
        "Build the filter with PeopleFilter.of.",
    ),
    caller(
        "engine.shape",
        "Rows, people and ranks do not match: {reason}.",
        "Give each row one person number and one rank of at least zero; cut into a power of two of buckets.",
    ),
    fault(
        "engine.key-length",
        "A bucket key is not 32 bytes long.",
        "Check the key backend with `hedgerow doctor`.",
    ),
    fault(
        "engine.failed",
        "The query engine could not finish the work ({reason}).",
        "Try again with fewer columns or groups; free memory; then run `hedgerow doctor`.",
    ),
    fault(
        "integrity.bucket-unreadable",
        "A table file of bucket {bucket} is damaged, moved, or sealed under another key.",
        _RESTORE,
        exit_code=6,
    ),
    fault(
        "integrity.bucket-missing",
        "A table file that the manifest names is missing.",
        _RESTORE,
        exit_code=6,
    ),
    fault(
        "shelf.unwritable",
        "The folder of table files cannot be used ({reason}).",
        "Check free space and permissions of the workspace, then repeat the command.",
    ),
    fault(
        "shelf.name",
        "A table file has a name that no shelf gave.",
        _RESTORE,
        exit_code=6,
    ),
)
