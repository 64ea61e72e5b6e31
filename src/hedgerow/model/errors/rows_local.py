"""Errors of surveys with local privacy."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "local.bad-survey",
        "The survey cannot be used: {problem}.",
        "Make one with `hedgerow local survey --name NAME --epsilon 1 --values FILE --out PATH`; FILE has "
        "one value a line, two at least.",
    ),
    caller(
        "local.bad-value",
        "Line {line} holds no value of the survey: {problem}.",
        "Nothing was reported. Mend the line, or make the survey with --other VALUE, which then "
        "stands for every value not named.",
    ),
    caller(
        "local.bad-values",
        "The values in {path} cannot be used: {problem}.",
        "Write one value a line, in UTF-8, none of them twice.",
    ),
    refused(
        "local.used-up",
        "This person gave the {reports} reports that the survey allows; each more would tell more.",
        "Nothing was reported. A new question needs a new survey, and adds its own epsilon to what was told.",
    ),
    caller(
        "local.state",
        "No report can be counted: {problem}.",
        "Mend the file that --state names, or name a new one for a person who reported nothing yet.",
    ),
    caller(
        "local.other-survey",
        "None of the reports belongs to this survey; {count} belong to another.",
        "Name the survey they were made for: a report carries the hash of its survey.",
    ),
    caller(
        "local.too-few",
        "Only {count} of the reports can be used; an estimate needs two at least, in two rows of a sketch.",
        "Collect more; `hedgerow local show SURVEY --people N` tells how many make a useful answer.",
    ),
    caller(
        "local.no-candidates",
        "A sketch answers only for values that are named beforehand.",
        "Name them with --candidates FILE, one a line.",
    ),
    caller(
        "local.unknown-candidate",
        "A candidate is none of the survey's values.",
        "Leave --candidates out, which shows all of them; `hedgerow local show SURVEY --json` lists them.",
    ),
    caller(
        "local.bad-number",
        "{option} is not a number {range}.",
        "Give one such as {such}.",
    ),
    refused(
        "local.no-amplification",
        "No gain by shuffling is known for {people} people; the theorem needs {least} at this "
        "epsilon and delta.",
        "Count on the epsilon of one report, or take a smaller epsilon, a larger delta or more people.",
    ),
    refused(
        "local.no-amplification-kept",
        "No gain by shuffling is known where answers are kept: one given again tells that it is one person.",
        "Leave --delta out, or make the survey without --memoise.",
    ),
)
