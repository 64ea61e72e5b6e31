"""Tell the names of columns from a first row of values that stands where names should."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from hedgerow.techniques.discover.column_names import read_name

if TYPE_CHECKING:
    import pyarrow as pa

_LOOKED_AT = 1_000
_WRITTEN_AS_NAME = re.compile(r"[A-Za-z]+(_[A-Za-z0-9]+)+|[a-z]+([A-Z][a-z]+)+")
_PLAIN = frozenset(
    [
        "name",
        "pid",
        "uid",
        "key",
        "date",
        "time",
        "value",
        "amount",
        "total",
        "count",
        "score",
        "notes",
        "comment",
        "code",
    ]
)


def look_like_names(table: pa.Table) -> bool:
    """Tell whether the headings of a table are probably names, not a row of its values.

    Args:
        table: The table; the first 1,000 rows are looked at.

    Returns:
        Whether nothing speaks for values: no heading stands in its own column or has the form of its
        values with their digits; and most are words that columns are called by, or none has the form
        of several words as its values have. A single word that nobody knows passes for a name.
    """
    rows = table.slice(0, _LOOKED_AT)
    texts = [(name, _values(rows.column(place))) for place, name in enumerate(rows.column_names)]
    if any(name.casefold() in values or _has_form(name, values, "9") for name, values in texts):
        return False
    most_are_known = 2 * sum(_is_known(name) for name, _ in texts) > len(texts)
    return most_are_known or not any(_has_form(name, values, " ") for name, values in texts)


def _is_known(name: str) -> bool:
    hint = read_name(name)
    says = hint.category or hint.is_reference or hint.of_person or hint.of_event
    is_word = name.casefold() in _PLAIN or _WRITTEN_AS_NAME.fullmatch(name) is not None
    return not name[:1].isdigit() and (bool(says) or is_word)


def _values(column: pa.ChunkedArray) -> set[str]:
    import pyarrow as pa

    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        return set()
    return {value.strip().casefold() for value in column.to_pylist() if value}


def _has_form(name: str, values: set[str], sign: str) -> bool:
    """Tell whether most values have the form of the name, which holds a sign: a digit (9) or a space."""
    form = _form(name)
    return sign in form and bool(values) and 2 * sum(_form(value) == form for value in values) > len(values)


def _form(text: str) -> str:
    """Write digits as 9 and letters as a, each run once."""
    signs = ("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in text.casefold())
    return "".join(sign for sign, _ in groupby(signs))
