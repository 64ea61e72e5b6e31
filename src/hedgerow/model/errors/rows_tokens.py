"""Errors of tokens: of the primitives and of ``hedgerow.tokens``."""

from __future__ import annotations

from hedgerow.model.errors.base import ErrorRow, caller, refused

ROWS: tuple[ErrorRow, ...] = (
    caller(
        "tokens.alphabet",
        "An alphabet is none: it has 2 to {most} different characters.",
        "Give each character once, such as 0123456789.",
    ),
    caller(
        "tokens.bad-age",
        "The column {column} holds values that are no ages of 0 to {most} years.",
        "Give whole years, or dates of birth with the day to count to (on=).",
    ),
    caller(
        "tokens.bad-date",
        "The column {column} holds values that are no dates in the format given.",
        "Give dates, timestamps or ISO 8601 text (2024-03-17), or name the format.",
    ),
    caller(
        "tokens.bad-map",
        "This is no vault map, or it was changed.",
        "Give what VaultMap.to_bytes wrote.",
    ),
    caller(
        "tokens.calendar",
        "The column {column} holds dates within {days} days of the ends of the calendar (years 1 to 9999).",
        "Mend those dates, or make max_days smaller; nothing was shifted.",
    ),
    caller(
        "tokens.collisions",
        "Tokens of {length} characters are too short: two values share one with a likelihood above 2**-32.",
        "Give length={least} or more.",
    ),
    caller(
        "tokens.column-type",
        "The column {column} has the type {type}, which has no single text for a value.",
        "Give text, whole numbers, decimals, booleans, dates or timestamps.",
    ),
    caller(
        "tokens.domain-small",
        "Numbers of {length} numerals in radix {radix} are too few to be encrypted in their format.",
        "Encrypt values of at least {least} numerals, or use random or keyed tokens for this column.",
    ),
    refused(
        "tokens.enumerable",
        "A plain hash of {column} is no protection: {domain} values ({described}) at {rate} hashes a second "
        "({how}) are tried in {duration} on one core.",
        'Use a keyed token instead: kind = "token".',
        status=422,
    ),
    caller(
        "tokens.length",
        "A keyed token has {least} to {most} characters.",
        "Give a length in that range; 26 holds 130 bits.",
    ),
    caller(
        "tokens.no-column",
        "The frame has no column {column}.",
        "Name a column of the frame.",
    ),
    caller(
        "tokens.no-frame",
        "This is no Arrow, pandas or Polars table and no dict of columns.",
        "Give a pyarrow.Table, a pandas.DataFrame, a polars.DataFrame or a dict of lists of one length.",
    ),
    caller(
        "tokens.no-iban",
        "There are no account numbers (IBAN) in the locale {locale}.",
        "Locales that have them: {known}.",
    ),
    caller(
        "tokens.no-key",
        "There is no key for some of the people in the column of persons.",
        "Give a key for each, or leave out the rows of those whose keys were destroyed.",
    ),
    caller(
        "tokens.no-person",
        "The rule of column {column} is made of something of the person, and no column of persons is given.",
        "Name it: person='COLUMN'.",
    ),
    caller(
        "tokens.no-room",
        "There are too few tokens of {length} characters over {symbols} symbols; half at most are drawn.",
        "Give a greater length.",
    ),
    caller(
        "tokens.not-opened",
        "A token does not open: it is another person's, of another scope or column class, or was changed.",
        "Open it with the person, scope and column class that it was made for.",
    ),
    caller(
        "tokens.not-in-table",
        "The column {column} holds values that the table does not list.",
        'Add them to the table, or give the label of all others (other = "...").',
    ),
    refused(
        "tokens.nothing-left",
        "No surrogate differs from the true values: {attempts} draws each were one.",
        "Mend the column, which holds many values in one row, or use random tokens.",
        status=422,
    ),
    caller(
        "tokens.person-missing",
        "The column of persons is empty in rows where column {column} has a value.",
        "Say whose each row is, or leave those rows out.",
    ),
    caller(
        "tokens.secret",
        "A secret that tokens are made with has fewer than 32 bytes.",
        "Give 32 random bytes, as secrets.token_bytes(32) gives them, and keep them apart from the data.",
    ),
    caller(
        "tokens.symbol",
        "The column {column} holds values with characters that are not in the alphabet.",
        'Name an alphabet that has them, or keep them in place (keep = "- ").',
    ),
    caller(
        "tokens.too-long",
        "A value has more than {most} numerals.",
        "Use keyed or reversible tokens for this column.",
    ),
    caller(
        "tokens.unknown-domain",
        "A column is said to hold what is not known.",
        "Say one of {known}, or leave the column out of holds.",
    ),
    caller(
        "tokens.unknown-locale",
        "There are no surrogates for this locale.",
        "Locales there are: {known}.",
    ),
    caller(
        "tokens.unknown-surrogate",
        "There are no surrogates of this kind.",
        "Kinds there are: {known}.",
    ),
)
