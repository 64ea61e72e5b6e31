"""Text that a person reads as a number or a date and a table does not: told, never converted."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.techniques.discover.by_value import MOST
from hedgerow.techniques.discover.profile import SAMPLE_VALUES, spread_over

COMMA_NUMBER = "number-with-comma"
_LOOKED_AT = 20_000
# A comma before the fraction (points, spaces, apostrophes part thousands), or commas that part thousands.
_NUMBER = (
    r"^[-+]?([0-9]+|[0-9]{1,3}([., '\x{00A0}\x{202F}][0-9]{3})+)(,[0-9]+)?$"
    r"|^[-+]?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+$"
)
_DATES = {
    "date-with-points": r"^[0-9]{1,2}[.][0-9]{1,2}[.]([0-9]{4}|[0-9]{2})([ T].*)?$",
    "date-with-slashes": r"^[0-9]{1,2}/[0-9]{1,2}/([0-9]{4}|[0-9]{2})([ T].*)?$",
    "date-with-dashes": r"^[0-9]{1,2}-[0-9]{1,2}-([0-9]{4}|[0-9]{2})([ T].*)?$",
    "date-with-year-first": r"^[0-9]{4}[.][0-9]{1,2}[.][0-9]{1,2}([ T].*)?$",
}


def unread_form(column: pa.ChunkedArray) -> str | None:
    """Name the form of a text column whose values look like numbers or dates that are not read as such.

    Args:
        column: Any Arrow column.

    Returns:
        ``"number-with-comma"`` (such as 7,5) when at least 80% of an even sample of 1,000 filled cells have
        the form; when as many are dates that are not ISO, how most of them are written:
        ``"date-with-points"`` (such as 31.01.2026), ``"date-with-slashes"``, ``"date-with-dashes"`` or
        ``"date-with-year-first"`` (such as 2026.01.31); else none.
    """
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    sample = _sample(column)
    if not len(sample):
        return None
    shares = {form: _share(sample, pattern) for form, pattern in _DATES.items()}
    if sum(shares.values()) >= MOST:
        return max(shares, key=lambda form: shares[form])
    # Without a comma they are whole numbers that stay text for their leading zeros.
    if _share(sample, _NUMBER) >= MOST and pc.any(pc.match_substring(sample, ",")).as_py():
        return COMMA_NUMBER
    return None


def _sample(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if len(column) > _LOOKED_AT:
        column = column.take(spread_over(len(column), _LOOKED_AT))
    text = pc.utf8_trim_whitespace(column.drop_null())
    text = text.filter(pc.not_equal(text, ""))
    return text.take(spread_over(len(text), SAMPLE_VALUES))


def _share(sample: pa.ChunkedArray, pattern: str) -> float:
    return float(np.mean(pc.match_substring_regex(sample, pattern).to_numpy()))
