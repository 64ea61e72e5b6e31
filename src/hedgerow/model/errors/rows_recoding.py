"""Errors of local recoding, transforms, hierarchy builders and utility measures."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "anonymity.test-of-no-sensitive",
        "A test is given for {column}, which is no sensitive column.",
        "Name the column as sensitive, or leave its test out.",
    ),
    caller(
        "hierarchy.outside-bounds",
        "Column {column} holds values outside the bounds declared for it.",
        "Declare bounds that hold all values, or cap the column first (top_coded, bottom_coded).",
    ),
    caller(
        "hierarchy.bad-bounds",
        "The bounds of column {column} are no range, or too wide to write out.",
        "Give a lower bound below the upper one, and the values where the range holds more than {limit}.",
    ),
    caller(
        "hierarchy.bad-widths",
        "The widths of column {column} do not fit into each other.",
        "Give widths above 0, finest first, each a whole multiple of the one before, such as 5, 10, 20.",
    ),
    caller(
        "hierarchy.bad-steps",
        "The calendar steps of column {column} are unknown, out of order or do not fit into each other.",
        "Give some of {known}, finest first; weeks do not go with months or quarters.",
    ),
    caller(
        "hierarchy.bad-redaction",
        "The redaction of column {column} is none that can be done.",
        "Give side and align as left or right, one mark such as * as character, and a stride of at least 1.",
    ),
    caller(
        "hierarchy.bad-fan-outs",
        "The fan-outs of column {column} are not whole numbers of at least 2.",
        "Give for each level how many groups it joins, such as 2, 3.",
    ),
    caller(
        "transform.bad-bound",
        "The bound for column {column} cannot be compared with its values.",
        "Give a finite number for a column of numbers, a date for dates, a point in time for timestamps; with"
        " keep_type one that the column's type can hold.",
    ),
    caller(
        "transform.no-numbers",
        "Column {column} holds values that are no finite numbers.",
        "Name columns of numbers, without infinities.",
    ),
    caller(
        "transform.missing-values",
        "Column {column} has missing values, which have no distance to others.",
        "Drop those rows, or fill them in, first.",
    ),
    caller(
        "transform.bad-statistic",
        "A group can show its mean or its median.",
        "Give statistic='mean' or statistic='median'.",
    ),
    caller(
        "transform.bad-weights",
        "The weights are not one number above 0 for each quasi-identifier.",
        "Give as many weights as quasi-identifiers, in their order, or none.",
    ),
    caller(
        "transform.bad-share",
        "The share of rows to keep is no number between 0 and 1.",
        "Give the share as a number such as 0.1.",
    ),
    caller(
        "transform.empty-sample",
        "That share of the rows is none.",
        "Give a larger share or a larger table.",
    ),
    caller(
        "transform.unknown",
        "That is no transform.",
        "Give one of {known}, such as --transform 'top(age)=90'.",
    ),
    caller(
        "transform.malformed",
        "The transform {transform} is not written like that.",
        "Write it {form}.",
    ),
    caller(
        "transform.repeated",
        "The transform {transform} is given a second time for the same rows or column.",
        "Give it once.",
    ),
    caller(
        "transform.bounds-crossed",
        "The bounds for column {column} leave nothing between them.",
        "Give bottom a bound below that of top, both numbers or both dates, such as --transform"
        " 'bottom(age)=18' --transform 'top(age)=90'.",
    ),
    caller(
        "transform.not-released",
        "The transform {transform} is about column {column}, which does not leave.",
        "Name the column in --quasi, --sensitive or --keep, or leave the transform out.",
    ),
    caller(
        "transform.column-type",
        "The transform {transform} cannot be done: column {column} is of type {type}.",
        "top and bottom take a number for a column of numbers, without a fraction where these have none, a"
        " date such as 2024-12-31 for dates, and a time such as 2024-12-31T12:00 for timestamps;"
        " microaggregate takes columns of numbers.",
    ),
    caller(
        "transform.mixed-columns",
        "The transform {transform} names quasi-identifiers together with other columns.",
        "Average quasi-identifiers in one transform and the others in another.",
    ),
    caller(
        "transform.averaged-model",
        "Column {column} is averaged in the rows that leave, and {model} is about its exact values.",
        "Leave the model out for this column, or release the column without averaging.",
    ),
    caller(
        "transform.too-few-people",
        "The rows are too few to average {columns} in groups of {k} people.",
        "Ask for smaller groups, at least of 2, or leave the transform out.",
    ),
    caller(
        "transform.population",
        "The transform {transform} changes a quasi-identifier, which the population's table has unchanged.",
        "Give the population by its size, or leave the transform out.",
    ),
    caller(
        "ladder.unknown",
        "That is no hierarchy of a column.",
        "Write COLUMN=FILE.csv, or COLUMN= and one of {known}, such as --hierarchy 'zip=redaction(right)'.",
    ),
    caller(
        "ladder.malformed",
        "The hierarchy {ladder} of column {column} is not written like that.",
        "Write it {form}.",
    ),
    caller(
        "ladder.repeated",
        "More than one hierarchy is given for column {column}.",
        "Give --hierarchy once for each column.",
    ),
    caller(
        "ladder.column-type",
        "The hierarchy {ladder} does not fit column {column}, which is of type {type}.",
        "intervals take numbers, calendar takes dates, timestamps or text that holds ISO dates; give"
        " another one, or leave it out to have one built.",
    ),
    caller(
        "ladder.cells",
        "A hierarchy is given for {column}, and --method cells strikes out cells instead of generalising.",
        "Leave the hierarchy out, or choose --method exact, local or auto.",
    ),
    caller(
        "utility.no-queries",
        "Fewer than one query was asked for.",
        "Give queries of at least 1, such as queries=1000.",
    ),
    caller(
        "utility.more-rows",
        "The release has more rows than its source.",
        "Give the release first and the table that it was made from second.",
    ),
    caller(
        "utility.unknown-cell",
        "Column {column} of the release holds cells that its hierarchy does not list.",
        "Give in hierarchies what the release was made with.",
    ),
    caller(
        "utility.one-class",
        "Column {column} has one value only: there is nothing to foretell.",
        "Name a target with at least two values.",
    ),
)
