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
