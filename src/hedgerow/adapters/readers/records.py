"""Split a block of CSV bytes into records, knowing where each one starts.

Two ways with one meaning. The fast way trusts quote parity: a newline after an even number of
quotes ends a record. It is taken only when every quote stands where RFC 4180 lets one stand. Any
other block goes the slow way, record by record, which names the broken line and starts again on
the next one.

Source: RFC 4180, section 2. Wider than it in one point: a quote inside a field that does not
start with one is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_RECORD_BYTES = 1024 * 1024
QUOTE, NEWLINE, RETURN = 34, 10, 13
GOOD, BAD_QUOTES, BARE_RETURN = 0, 1, 2

Offsets = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Split:
    """The records of one block, in order.

    Args:
        starts: Offset of each record's first byte.
        ends: Offset after each record's last byte, its line end left out.
        fields: Fields in each record; 0 for an empty line.
        fault: ``GOOD``, ``BAD_QUOTES`` or ``BARE_RETURN`` for each record.
        newlines: Offset of every newline, inside quotes too.
        consumed: Bytes used up; what follows belongs to the next block.
    """

    starts: Offsets
    ends: Offsets
    fields: Offsets
    fault: npt.NDArray[np.int8]
    newlines: Offsets
    consumed: int


def split_block(block: bytes, delimiter: str, *, final: bool) -> Split:
    """Split a block into records.

    Args:
        block: Bytes that start at a record.
        delimiter: One ASCII character.
        final: Whether the file ends with this block.

    Returns:
        The records that are complete in the block.
    """
    octets = np.frombuffer(block, dtype=np.uint8)
    return _split_fast(octets, ord(delimiter), final=final) or _split_slow(
        block, octets, delimiter, final=final
    )


def _positions(octets: Octets, code: int) -> Offsets:
    return np.flatnonzero(octets == code).astype(np.int64, copy=False)


def _split_fast(octets: Octets, delimiter: int, *, final: bool) -> Split | None:
    quotes = _positions(octets, QUOTE)
    newlines = _positions(octets, NEWLINE)
    breaks = _outside(newlines, quotes)
    cut = len(octets) if final else (int(breaks[-1]) + 1 if breaks.size else 0)
    quotes = quotes[: int(np.searchsorted(quotes, cut))]
    if len(octets) - cut > MAX_RECORD_BYTES or not _well_placed(octets, quotes, delimiter):
        return None
    starts = np.concatenate([np.zeros(1, np.int64), breaks + 1])
    starts = starts[starts < cut]
    stops = breaks if len(breaks) == len(starts) else np.append(breaks, cut)
    if starts.size and int((stops - starts).max()) > MAX_RECORD_BYTES:
        return None
    ends = stops - ((stops > starts) & (octets[np.maximum(stops - 1, 0)] == RETURN))
    delimiters = _outside(_positions(octets[:cut], delimiter), quotes)
    fields = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
    fields[ends == starts] = 0
    if _has_bare_return(octets, cut, quotes, ends):
        return None
    return Split(starts, ends, fields, np.zeros(len(starts), np.int8), newlines, cut)


def _outside(positions: Offsets, quotes: Offsets) -> Offsets:
    """Keep the positions that have an even number of quotes before them."""
    if not quotes.size:
        return positions
    return np.asarray(positions[np.searchsorted(quotes, positions) % 2 == 0])


def _well_placed(octets: Octets, quotes: Offsets, delimiter: int) -> bool:
    """Tell whether every quote opens a field, closes one, or is one of a doubled pair."""
    if quotes.size % 2:
        return False
    if not quotes.size:
        return True
    edge = np.array([NEWLINE], dtype=np.uint8)
    padded = np.concatenate([edge, octets, edge])
    before, after = padded[quotes[0::2]], padded[quotes[1::2] + 2]
    opens = (before == delimiter) | (before == NEWLINE) | (before == QUOTE)
    closes = (after == delimiter) | (after == NEWLINE) | (after == RETURN) | (after == QUOTE)
    return bool(opens.all() and closes.all())


def _has_bare_return(octets: Octets, cut: int, quotes: Offsets, ends: Offsets) -> bool:
    returns = _outside(_positions(octets[:cut], RETURN), quotes)
    return bool(returns.size) and not bool(np.isin(returns, ends).all())


def _split_slow(block: bytes, octets: Octets, delimiter: str, *, final: bool) -> Split:
    record, field = _patterns(delimiter)
    starts, ends, fields, fault = [], [], [], []
    at, size = 0, len(block)
    while at < size:
        found = record.match(block, at)
        stop = found.end() if found else _line_end(block, at)
        open_ended = stop >= size or (found is None and size - at <= 2 * MAX_RECORD_BYTES)
        if not final and open_ended and size - at <= 2 * MAX_RECORD_BYTES:
            break
        text_end = found.end(1) if found else stop - (block[stop - 1 : stop] == b"\r")
        starts.append(at)
        ends.append(text_end)
        fields.append(_count(field, block, at, text_end) if found else 1)
        fault.append(GOOD if found else _why(block, at, text_end))
        at = stop + 1 if not found or block[stop - 1 : stop] != b"\n" else stop
    return Split(
        np.array(starts, np.int64),
        np.array(ends, np.int64),
        np.array(fields, np.int64),
        np.array(fault, np.int8),
        _positions(octets, NEWLINE),
        min(at, size),
    )


def _why(block: bytes, start: int, end: int) -> int:
    return BAD_QUOTES if block.count(b'"', start, end) else BARE_RETURN


def _line_end(block: bytes, at: int) -> int:
    found = block.find(b"\n", at)
    return len(block) if found < 0 else found


def _count(field: re.Pattern[bytes], block: bytes, start: int, end: int) -> int:
    if start == end:
        return 0
    return sum(1 for _ in field.finditer(block, start, end)) if start < end else 0


def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Build the grammar of a record and of a field with its delimiter or end."""
    mark = re.escape(delimiter).encode()
    quoted = rb'"(?:[^"]|""){0,%d}+"' % MAX_RECORD_BYTES
    field = rb'(?:%s|[^"\r\n%s][^\r\n%s]*+|)' % (quoted, mark, mark)
    record = rb"(%s(?:%s%s)*+)\r?(?:\n|\Z)" % (field, mark, field)
    one = rb"%s%s|(?:%s|[^\"\r\n%s][^\r\n%s]*+)\Z|(?<=%s)\Z" % (field, mark, quoted, mark, mark, mark)
    return re.compile(record), re.compile(one)
