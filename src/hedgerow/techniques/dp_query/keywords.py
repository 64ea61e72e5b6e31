"""Columns whose names are words of SQL, such as ``Alter``: they may be written as they are."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import Tokenizer, TokenType
from sqlglot.errors import SqlglotError

# Words of the SELECTs that are answered here; a column of such a name needs its double quotes.
_OUR_WORDS = frozenset(
    [
        "select",
        "from",
        "where",
        "group",
        "by",
        "order",
        "limit",
        "and",
        "or",
        "not",
        "in",
        "is",
        "null",
        "between",
        "as",
        "asc",
        "desc",
        "true",
        "false",
        "nulls",
        "first",
        "last",
        "count",
        "sum",
        "avg",
        "on",
        "join",
        "inner",
        "left",
        "outer",
        "using",
        "median",
        "quantile",
        "percentile_cont",
        "percentile_disc",
        "within",
        "distinct",
        "min",
        "max",
    ]
)
_NOT_WORDS = frozenset({TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING})


def with_quoted_columns(sql: str, columns: Collection[str]) -> str | None:
    """Put columns that are named like a word of SQL in double quotes.

    Args:
        sql: A query that could not be read as it stands.
        columns: The exact names of the columns.

    Returns:
        The query with them quoted; none when there is nothing to quote.
    """
    named = {column.casefold(): column for column in columns if column.casefold() not in _OUR_WORDS}
    try:
        tokens = Tokenizer().tokenize(sql)
    except SqlglotError:
        return None
    found = [t for t in tokens if t.token_type not in _NOT_WORDS and t.text.casefold() in named]
    for token in reversed(found):
        quoted = named[token.text.casefold()].replace('"', '""')
        sql = f'{sql[: token.start]}"{quoted}"{sql[token.end + 1 :]}'
    return sql if found else None
