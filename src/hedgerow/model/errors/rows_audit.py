"""Errors of auditing a finished release."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "audit.no-table",
        "The {table} is no Arrow, pandas or Polars table.",
        "Give a pyarrow.Table, a pandas.DataFrame, a polars.DataFrame or a dict of columns.",
    ),
    caller("audit.empty", "The {table} has no rows.", "Give a table with at least one row."),
    caller(
        "audit.unknown-column",
        "The {table} has no column {column}.",
        "Check the spelling. The original needs each column that an attacker knows, under the name that it"
        " has in the release: join what an outsider has, such as a postal code to an address.",
    ),
    caller(
        "audit.ambiguous-column",
        "The {table} has more than one column {column}.",
        "Rename the columns so that each name stands once.",
    ),
    caller(
        "audit.column-type",
        "Column {column} is of type {type}, which an audit cannot read.",
        "Turn it into text, numbers, booleans, dates or timestamps first.",
    ),
    caller(
        "audit.no-quasi",
        "No quasi-identifier is named.",
        "Name the columns that an attacker could know of people, such as --quasi age,zip,sex.",
    ),
    caller(
        "audit.repeated-column",
        "Column {column} is listed more than once.",
        "List each column once; a sensitive column is no quasi-identifier.",
    ),
    caller(
        "audit.hierarchy-for-no-quasi",
        "A hierarchy is given for {column}, which is no quasi-identifier.",
        "Name the column as quasi-identifier or leave the hierarchy out.",
    ),
    caller(
        "audit.two-controls",
        "A control table and a control share are given; one of them is the control group.",
        "Leave --control or --control-share out.",
    ),
    caller(
        "audit.bad-share",
        "{name} is no number between 0 and 1.",
        "Give a share such as 0.2, above 0 and at most 1; of a control share less than 1.",
    ),
    caller(
        "audit.control-too-small",
        "The control share leaves the control group or the source without a row.",
        "Give a larger table, or a share such as 0.2.",
    ),
    caller(
        "audit.two-populations",
        "A population table and a population size are given; one of them is the population.",
        "Leave --population or --population-size out.",
    ),
    caller(
        "audit.population-too-small",
        "The population has {size} people, fewer than the release has rows ({rows}).",
        "Give how many people the rows were drawn from, the released ones included.",
    ),
    caller(
        "audit.bad-seed",
        "The seed is no whole number of at least 0.",
        "Give a whole number, such as --seed 7.",
    ),
    caller(
        "audit.bad-limit",
        "The risk to fail on is no number from 0 to 1.",
        "Give the highest risk allowed, such as --fail-on 0.2.",
    ),
    caller(
        "audit.broken-rows",
        "{path} has {rows} rows that cannot be read as the table says, the first on line {line}.",
        "Mend or remove them: an audit that leaves rows out would not see those people.",
    ),
    caller(
        "audit.bad-link",
        "The two sets of columns to link share a column, or one of them is empty.",
        "Give two sets of columns without one in common, such as (['age', 'zip'], ['sex']).",
    ),
)
