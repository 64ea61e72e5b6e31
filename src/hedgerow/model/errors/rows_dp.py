"""Errors of private queries, budgets and noise."""

from __future__ import annotations

import shlex

from hedgerow.model.errors.base import Details, ErrorRow, caller, fault, refused
from hedgerow.model.errors.in_python import arguments_of
from hedgerow.model.roles import roles_for

_ALLOWED = (
    "Ask SELECT with COUNT(*), or COUNT, SUM, AVG, MEDIAN, QUANTILE, MIN, MAX, VARIANCE or STDDEV of a "
    "column or an expression, conditions that compare those with constants in WHERE, GROUP BY of columns "
    "with declared keys or of buckets such as WIDTH_BUCKET(age, 0, 100, 10), and HAVING of statistics."
)


def _declared_by(told: Details) -> Details:
    """Name who may declare, and the command."""
    plain = f"hedgerow dataset declare {shlex.quote(str(told['dataset']))} --unit person --max-rows N"
    return {"permitted": roles_for("dataset.declare"), "declares": told.get("command") or plain}


def _told_apart(told: Details) -> Details:
    """Say how columns of one name are told apart: by their tables, by names of their own, or by capitals."""
    column = told["column"]
    if told.get("by") == "table":
        return {
            "blind": "",
            "advice": f"Write its table, or the short name of that, before it: TABLE.{column}",
        }
    if told.get("by") == "alias":
        return {"blind": "", "advice": f"Give it another name in the sub-query: {column} AS OTHER"}
    if told.get("by") == "frame":
        return {
            "blind": " in the frame",
            "advice": "Nothing was spent. Rename one before the frame is passed.",
        }
    advice = f'Write the exact name in double quotes, as in "{column}".'
    return {"blind": " when case is ignored", "advice": advice}


ROWS: tuple[ErrorRow, ...] = (
    caller(
        "budget.not-a-number",
        "{option} is not a finite positive number between 1e-12 and 1,000,000.",
        "Give a decimal such as {such}.",
        derived=lambda told: {"such": "0.01" if str(told["option"]).endswith("rho") else "0.5"},
    ),
    caller(
        "budget.bad-limit",
        "A budget needs an epsilon of at least 0 and a delta from 0 to below 1.",
        "Give an epsilon such as 4 and a delta of 0 or one far below 1 over the number of people.",
    ),
    caller(
        "budget.bad-delta",
        "{option} is no decimal of at least 1e-12 and below 1.",
        "Give a chance far below 1 over the number of people, such as 1e-6.",
    ),
    caller(
        "budget.delta-large",
        "A limit with a delta above 0.01 protects nobody: so many people may lose more than epsilon.",
        "Give a chance far below 1 over the number of people, such as 1e-6, or leave --delta out.",
    ),
    refused(
        "dp.budget-exhausted",
        "The query costs {cost}, and epsilon {left} of {total} is left.",
        "Ask for less: at most an epsilon of {left}.",
        exit_code=5,
        status=429,
    ),
    caller(
        "dp.one-price",
        "A query costs either an epsilon or, with Gaussian noise, a rho.",
        "Give one of the two, such as --epsilon 0.5 or --rho 0.01.",
    ),
    refused(
        "dp.budget-no-delta",
        "Gaussian noise has no epsilon but at a delta, and this budget has none.",
        "Open the budget with a delta, such as Budget.of(4, '1e-6'), or ask with epsilon instead of rho.",
        exit_code=5,
        status=429,
    ),
    refused(
        "dp.budget-no-own-delta",
        "Keys found in the data take a delta of {delta}, which the budget has not kept for such uses.",
        "Open the budget with a part of its delta kept for them, such as Budget.of(4, '1e-6', own='5e-7'), "
        "or declare the keys.",
        exit_code=5,
        status=429,
    ),
    refused(
        "dp.budget-other-unit",
        "The budget is of the privacy unit {own}, and what it would pay for protects the unit {unit}: "
        "they never add up.",
        "Open a budget of its own: Budget.of(1, unit='{unit}').",
    ),
    caller(
        "dp.unit-column",
        "There is no unit {unit} by this column.",
        "Declare unit='household' with a unit_column of text or whole numbers, or unit='person-day' with one "
        "of dates or times; unit='person' needs none.",
    ),
    refused(
        "dp.unit-people",
        "{what} are of people, and the privacy unit is {unit}.",
        "Count rows of one data set, over declared keys, or keep the unit person.",
    ),
    caller(
        "dp.unit-unknown",
        "There is no privacy unit {unit}.",
        "Name person, household or person-day.",
    ),
    refused(
        "dp.unit-undeclared",
        "{dataset} cannot be asked by {unit}: what names one, or how much of one counts, is not declared.",
        "Ask its owner to declare it: `{command}`.",
    ),
    caller(
        "budget.no-group",
        "Of this loss it is not known what it comes to for several units.",
        "Ask for pure or zero-concentrated noise, without keys found in the data.",
    ),
    refused(
        "dp.unit-in-workspace",
        "{dataset} is declared by the unit {unit}, and the budgets of a workspace are of people.",
        "Declare it by person: `hedgerow dataset declare {dataset} --unit person`.",
    ),
    caller(
        "latency.malformed",
        "The latency is no time from 1 millisecond to 1 hour.",
        "Give one such as 2s or 500ms.",
    ),
    caller(
        "dp.bad-run",
        "A run over time is malformed: its numbers must be whole and positive, its limits kept.",
        "Give a sensitivity or contribution of 1 or more, an epsilon above 0, or a state as it was written.",
    ),
    caller(
        "dp.run-over",
        "The run is over: it has said all that it was opened for.",
        "Open another one; it costs anew.",
    ),
    caller(
        "dp.bad-rank",
        "{column} can give no order of each person's rows here.",
        "Name a column of a Spark DataFrame, or leave rank= out: then an order is drawn.",
    ),
    caller(
        "dp.sql-malformed",
        "The query is not a SELECT that can be read.",
        "Begin with SELECT, put text in single quotes, and names with spaces or signs in double quotes. "
        + _ALLOWED,
    ),
    caller(
        "dp.question-malformed",
        "The query that was built is none that can be read.",
        "Build it with hedgerow.dp: dp.table(...).group_by('ward').agg(n=dp.count()); constants "
        "are text, finite numbers, True and False.",
    ),
    caller(
        "dp.question-truth",
        "A condition on a table was used with and, or, not, if or a chained comparison.",
        "Join conditions by &, | and ~, each in parentheses: (col('age') > 20) & (col('age') < 30)",
    ),
    caller(
        "dp.sql-dataset",
        "The query names another data set than {dataset}.",
        "Write FROM {dataset}, or leave FROM out.",
    ),
    refused(
        "dp.sql-unsupported",
        "The query uses {part}, which is not answered privately here.",
        "{advice}",
    ),
    refused(
        "dp.sql-no-aggregate",
        "The query asks for no statistic; the declared keys are known without it.",
        "Add COUNT(*), or COUNT, SUM, AVG, MEDIAN, QUANTILE, MIN, MAX, VARIANCE or STDDEV of a column.",
    ),
    refused(
        "dp.sql-raw-column",
        "The query shows the column {column} without grouping by it: that would show single rows.",
        "Add it to GROUP BY, or ask for a statistic of it.",
    ),
    refused(
        "dp.sql-unlabelled",
        "The query groups by {column} without showing it: nobody could tell whose row is whose.",
        "Nothing was spent. Begin with SELECT {column}, and go on as before; that costs nothing more.",
    ),
    caller(
        "dp.sql-name-twice",
        "Two outputs are called {column}.",
        "Give each output its own name with AS.",
    ),
    caller(
        "dp.sql-order",
        "ORDER BY names {column}, which is no output of the query.",
        "Add it after SELECT, or sort by the name, alias, position or statistic of an output.",
    ),
    caller(
        "dp.unknown-column",
        "The data set has no column {column}.",
        "See the columns: hedgerow dataset show {dataset}",
    ),
    caller(
        "dp.ambiguous-column",
        "More than one column is called {column}{blind}.",
        "{advice}",
        derived=_told_apart,
    ),
    refused(
        "dp.hidden-column",
        "The column {column} says who a person is and takes no part in queries.",
        "Leave it out; people are counted as the privacy unit without it.",
    ),
    caller(
        "dp.sql-type",
        "The column {column} holds {kind} and cannot be used with {use}.",
        "{advice}",
    ),
    refused(
        "dp.not-public",
        "The table {table} is not declared public, so a join with it has no bound.",
        "If it is a data set of the same people, write JOIN {table} USING (person). If it is about nobody: "
        "hedgerow dataset public add {table} --from FILE.csv --why REASON",
    ),
    refused(
        "dp.join-person",
        "The join on the person names {table}, which is no data set here.",
        "List data sets with `hedgerow dataset list`; their names are told apart by letter case.",
    ),
    refused(
        "dp.join-person-frame",
        "The join on the person names {table}, which is no frame of the call.",
        "Pass both: hedgerow.dp.query({{'FIRST': FRAME, '{table}': FRAME}}, sql, ...).",
    ),
    refused(
        "dp.two-people",
        "A row about two people would have to be charged to both, and is answered for nobody.",
        "Name the one column that says whom each row is about, and leave the other column out.",
    ),
    caller(
        "dp.frames-undeclared",
        "Several frames need a declaration for each, by the same names.",
        "Pass declaration={{'NAME': hedgerow.dp.declare(...), ...}}.",
    ),
    refused(
        "dp.not-public-frame",
        "The table {table} is not declared public, so a join with it has no bound.",
        "If it is about nobody, pass public={{'{table}': FRAME}}.",
    ),
    caller(
        "dp.public-table",
        "{table} cannot be a public table: {problem}.",
        "A public table holds what everybody may know, such as wards and their regions.",
    ),
    caller(
        "dp.join-types",
        "The join compares {column}, which holds {kind}, with {other}, which holds {their_kind}.",
        "Join text, whole numbers, true or false, or dates with a column of the same kind.",
    ),
    refused(
        "dp.join-multiplies",
        "The joins make up to {times} rows of one person or row, and {most} is the most that is answered.",
        "Join on columns that name each row of the public table once, or declare fewer rows per person.",
    ),
    refused(
        "dp.undeclared",
        "The owner has not declared {missing} of {dataset}, so the privacy loss has no bound.",
        "Ask somebody with the role {permitted}, who declares it by `{declares}`.",
        derived=_declared_by,
    ),
    refused(
        "dp.undeclared-frame",
        "The declaration lacks {missing}, so the privacy loss has no bound.",
        "Nothing was spent. Declare it from knowledge outside the data, beside what was passed: "
        "hedgerow.dp.declare({arguments})",
        derived=lambda told: {"arguments": arguments_of(str(told.get("command", "")))},
    ),
    refused(
        "dp.undeclared-key",
        "WHERE asks for a value of {column} that is not among its declared keys.",
        "Nothing was spent. Capitals and spaces count; see the declared keys: "
        "hedgerow dataset show {dataset}",
    ),
    refused(
        "dp.undeclared-key-frame",
        "WHERE asks for a value of {column} that is not among its declared keys.",
        "Nothing was spent. Capitals and spaces count; see what was passed as "
        "hedgerow.dp.declare(keys={{'COLUMN': [VALUE, ...]}}).",
    ),
    refused(
        "dp.out-of-bounds",
        "WHERE asks only for values of {column} outside its declared bounds.",
        "Nothing was spent. See the declared bounds: hedgerow dataset show {dataset}",
    ),
    refused(
        "dp.out-of-bounds-frame",
        "WHERE asks only for values of {column} outside its declared bounds.",
        "Nothing was spent. See what was passed as hedgerow.dp.declare(bounds={{'COLUMN': (LOWER, UPPER)}}).",
    ),
    caller(
        "dp.bad-declaration",
        "What is declared of {dataset} does not fit: {problem}.",
        "Declare it anew: {command}",
    ),
    refused(
        "dp.too-many-groups",
        "The declared keys make {groups} groups; at most {most} are answered at once.",
        "Group by fewer columns, or declare fewer keys.",
    ),
    refused(
        "dp.too-wide",
        "Sums of {column} within its bounds could pass 64 bits.",
        "Declare bounds within {most} of zero.",
    ),
    refused(
        "dp.too-noisy",
        "The noise this epsilon or rho asks for would pass 64 bits.",
        "Ask with a larger epsilon or rho, or declare narrower bounds.",
    ),
    caller(
        "dp.curve-points",
        "A curve is drawn over 1 to {most} epsilons.",
        "Give fewer, such as 0.1, 0.5, 1 and 2, or leave them out.",
    ),
    caller(
        "dp.not-a-frame",
        "What was given is no data frame that can be read.",
        "Give an Arrow table, a Polars or a pandas data frame with a column per name.",
    ),
    fault(
        "dp.bad-aggregate",
        "The engine gave back aggregates that do not fit the plan; nothing was released.",
        "Run hedgerow doctor and report the engine's version.",
    ),
    fault(
        "dp.sum-overflow",
        "An exact sum would pass 64 bits; nothing was released.",
        "Declare narrower bounds.",
    ),
    fault(
        "noise.too-weak",
        "The noise library reports a larger privacy loss than was reserved; nothing was released.",
        "Report the version of the opendp package.",
    ),
    fault(
        "noise.overflow",
        "An exact aggregate does not fit 64 bits; nothing was released.",
        "Declare narrower bounds.",
    ),
)
