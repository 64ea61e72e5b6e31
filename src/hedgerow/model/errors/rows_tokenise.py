"""Errors of tokenising a file or a data set by a rules file, and of revealing tokens."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "tokenise.not-toml",
        "The rules file is not TOML.",
        'Mend it: `[columns.NAME]`, then `kind = "drop"` or another kind, a table per column; see '
        "docs/tokens.md.",
    ),
    caller(
        "tokenise.rules",
        "The rules cannot be used: {problem}.",
        "Mend the rules file; nothing was read. docs/tokens.md shows one.",
    ),
    caller(
        "tokenise.unknown-kind",
        "Column {column}: no such kind of rule. {hint}",
        "Kinds: {kinds}.",
    ),
    caller(
        "tokenise.option",
        "Column {column}, option {option}: {problem}.",
        "Mend the rules file; docs/tokens.md lists the options of each kind.",
    ),
    caller(
        "tokenise.whose",
        "The rules do not say whose row each is.",
        'Add `[person]` with `column = "NAME"`: the column of the file that names the person. Without a '
        "workspace, `hedgerow.tokens` takes rows of nobody.",
    ),
    caller(
        "tokenise.other-person",
        "The rules name {column} as the column of persons; here {subject} tells them apart.",
        "Name {subject} under [person], or leave [person] out: a data set knows whose its rows are.",
    ),
    caller(
        "tokenise.no-column",
        "The rules read the column {column}, which is not there, or twice.",
        "Mend the rules file: names of columns are as in the heading of the file, or as `hedgerow dataset "
        "show` lists them.",
    ),
    caller(
        "tokenise.unnamed",
        "No rule names these columns: {columns}. Nothing leaves unless a rule says how.",
        'Add `[columns.{first}]` with `kind = "drop"` or another kind, and so for each; or `others = "drop"` '
        "at the top of the rules file.",
    ),
    caller(
        "tokenise.habit",
        "Column {column}: a {kind} is no matter of one column.",
        "Make paths with `hedgerow places` or `hedgerow.places`, which look at all places of a person; here "
        "take cell, time-band, merchant-category or a lookup.",
    ),
    caller(
        "tokenise.no-recipient",
        "Column {column} is deterministic, which is for one recipient, and none is named.",
        "Name it with --recipient NAME: releases to that recipient can then be joined by them. Or take "
        '`policy = "document-randomised"`.',
    ),
    caller(
        "tokenise.table",
        "Column {column}: the table {path} cannot be used: {problem}.",
        "Write a CSV with a heading and, a line each, a value and its label; paths are from the folder of "
        "the rules file.",
    ),
    caller(
        "tokenise.no-name",
        "The data set of the people in {path} cannot be named after the file.",
        "Name it with --dataset NAME: lower-case letters, digits, - and _.",
    ),
    caller(
        "tokenise.no-basis",
        "People in this file are not in the data set {dataset}, and no lawful basis was given for them.",
        "Say by which right they are processed, with --basis BASIS (contract, public-task, ...): "
        "they are then enrolled in {dataset}, so that they can object and be erased. Or name the data set "
        "that holds them with --dataset NAME.",
    ),
    caller(
        "tokenise.broken",
        "{path} has {count} lines that cannot be read, the first is line {line}.",
        "Mend the file; nothing left.",
    ),
    refused(
        "tokenise.identifies",
        "Column {column} would leave as it is, and holds what names people, or passwords or keys.",
        "Give it another kind of rule. If you know better than its name and form tell, write `i_know = true` "
        "in its rule.",
    ),
    refused(
        "tokenise.nobody",
        "There is nobody whose row may leave for this purpose.",
        "See `hedgerow dataset show` for the bases it serves, and `hedgerow consent show` for choices; "
        "nothing was written.",
    ),
    caller(
        "reveal.no-tokens",
        "Release {release} was not made by `hedgerow tokenise`: it has no tokens.",
        "`hedgerow released list` shows by which technique each release was made.",
    ),
    caller(
        "reveal.tokens",
        "Give each token once, and {most} at most.",
        "Ask for those alone that the reason is about; another question needs another approval.",
    ),
    caller(
        "reveal.reason",
        "The reason is missing, or longer than {most} printable characters.",
        "Say with --reason TEXT why exactly these tokens; whoever approves reads it.",
    ),
)
