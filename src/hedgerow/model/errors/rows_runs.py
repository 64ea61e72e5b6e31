"""Errors of runs that go on over time: threshold watches and running counts."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, fault, refused

_ANEW = "What was paid stays spent. Open another: `hedgerow {kind} open --help`."

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "run.unknown",
        "There is no such run.",
        "List them: `hedgerow watch list`, `hedgerow running list`.",
    ),
    caller(
        "run.exists",
        "There is a run {run} already.",
        "Choose another name, or show that one: `hedgerow {kind} show {run}`.",
    ),
    caller(
        "run.other-kind",
        "{run} is a run of another kind.",
        "List them: `hedgerow watch list`, `hedgerow running list`.",
    ),
    caller(
        "run.bad-number",
        "{option} must be {what}.",
        "Give such a number.",
    ),
    refused(
        "run.not-single",
        "A run takes one COUNT or SUM, without groups; this is something else.",
        "Nothing was spent. Use `hedgerow query`, or one number: SELECT COUNT(*) FROM {dataset} WHERE ...",
    ),
    refused(
        "run.not-by-rows",
        "A running count adds up rows, each once; people may come again with later rows.",
        "Use COUNT(*) or SUM(column), and `hedgerow query` for COUNT(DISTINCT person).",
    ),
    refused(
        "run.too-sensitive",
        "One person may move this number by {found}; {run} was opened for {stated} at most.",
        "Ask a number that one person moves less, or open a watch for this statistic with --of.",
    ),
    refused(
        "run.other-steps",
        "This number is counted in other steps than {run} was opened for.",
        "Open a watch for this statistic with --of.",
    ),
    refused(
        "run.over",
        "{run} is over: {why}.",
        _ANEW,
    ),
    refused(
        "run.bounds-changed",
        "The bounds of {dataset} were declared anew after {run} was opened; it rests on the earlier ones.",
        _ANEW,
    ),
    refused(
        "run.other-sources",
        "Rows made from another data set were taken into {dataset} after {run} was opened, which was not "
        "charged to that one.",
        _ANEW,
    ),
    refused(
        "run.restored",
        "{run} was opened before this workspace was restored from a backup: what it told since is not known.",
        _ANEW,
    ),
    refused(
        "run.moved",
        "Another step of the run was taken at the same time; nothing was told by this one.",
        "Repeat the command.",
    ),
    fault(
        "run.rolled-back",
        "The state of a run is not the one the journal told last.",
        "An older record was put back, or one was changed. See what differs: hedgerow journal verify",
        exit_code=6,
    ),
)
