"""Every record of a kind as rows, a page at a time, so that many of them are never held at once."""

from __future__ import annotations

from collections.abc import Iterator

from hedgerow.model.ports import Reader
from hedgerow.model.records import Record

PAGE_ROWS = 20_000


def rows_of_all(reader: Reader, kind: type[Record], names: tuple[str, ...]) -> Iterator[tuple[object, ...]]:
    """Read fields of every record of a kind, in key order.

    Args:
        reader: A view.
        kind: The kind.
        names: Two fields or more; those of the key come first, in its order.

    Raises:
        ValueError: When the key does not come first.
    """
    width = len(kind.KEY)
    if names[:width] != kind.KEY:
        raise ValueError("the fields of the key come first")
    after: tuple[object, ...] | None = None
    while page := reader.rows_page(kind, names, after, PAGE_ROWS):
        yield from page
        after = page[-1][:width]
