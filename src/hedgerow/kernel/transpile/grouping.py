"""Bounds on the groups of one person, decided for each person alone by windows over that person's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

MEETING, KEPT = "meeting", "kept"


def within_groups(
    carried: str, keys: Sequence[str], max_groups: int | None, max_rows_per_group: int | None
) -> Iterator[tuple[str, str]]:
    """Write the steps that keep a person's rows within bounds over groups.

    Args:
        carried: The columns to carry on, in words; with them the step ``meeting`` has ``p``, whom a row is
            about, and ``k``, its rank. It holds only rows that count so far.
        keys: The key of each grouping column, in words; none is null.
        max_groups: Of the groups a person's rows lie in, so many drawn at random count; none means all.
        max_rows_per_group: Of a person's rows in one group those of the lowest ranks count; none means all.

    Yields:
        Name and words of each step; the last is ``kept``.

    Guarantee: as ``kernel.aggregation.within_groups``: whether a row counts depends on its person's rows and
        on randomness alone. A group's number is that drawn for its row of the lowest rank, so that large
        groups are not preferred; of two groups with one number the keys decide, so never too many count.
    """
    # Nothing but our own words and integers is in this text.
    group = ", ".join(["p", *keys])
    numbers = {
        f"ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY k) - 1 AS j": max_rows_per_group,
        "RANDOM() AS q": max_groups,
    }
    shown = [words for words, most in numbers.items() if most is not None]
    yield "numbered", f"SELECT {', '.join([carried, 'k', *shown])} FROM {MEETING}"  # noqa: S608
    below = [] if max_rows_per_group is None else [f"j < {max_rows_per_group}"]
    if max_groups is None:
        yield KEPT, f"SELECT {carried} FROM numbered WHERE {' AND '.join(below)}"  # noqa: S608
        return
    held = ", ".join([carried, *(["j"] if below else [])])
    number = f"FIRST_VALUE(q) OVER (PARTITION BY {group} ORDER BY k) AS m"
    yield "headed", f"SELECT {held}, {number} FROM numbered"  # noqa: S608
    order = ", ".join(["m", *keys])
    place = f"DENSE_RANK() OVER (PARTITION BY p ORDER BY {order}) - 1 AS d"
    yield "drawn", f"SELECT {held}, {place} FROM headed"  # noqa: S608
    yield KEPT, f"SELECT {carried} FROM drawn WHERE {' AND '.join([f'd < {max_groups}', *below])}"  # noqa: S608
