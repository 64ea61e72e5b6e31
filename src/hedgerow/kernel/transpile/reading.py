"""What an engine gave back for its statements, as the integers of each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from hedgerow.kernel.transpile.program import Transpiled


def integers_of(made: Transpiled, rows_of: Callable[[str], Iterable[Sequence[Any]]]) -> list[list[int]]:
    """Ask an engine the statements that count, and put what it gives together.

    Args:
        made: The statements; the table of kept rows stands, where there is one.
        rows_of: Runs one statement and gives its rows.

    Returns:
        For each combination of keys the aggregates in order and then each histogram, bin by bin; zeros for
        what no row tells of.

    Raises:
        Fault: ``dp.sum-overflow`` for a sum that did not fit the engine's type; ``dp.bad-aggregate`` for a
            group or a bin that there is not.
    """
    whole = [[0] * made.width for _ in range(made.groups)]
    if made.aggregates is not None:
        for group, *values in rows_of(made.aggregates):
            if None in values:
                raise Fault("dp.sum-overflow")
            _within(group, made.groups)
            whole[int(group)] = [int(value) for value in values]
    for part in made.histograms:
        cells = [[0] * part.bins for _ in range(made.groups)]
        for group, place, count in rows_of(part.sql):
            _within(group, made.groups)
            _within(place, part.bins)
            cells[int(group)][int(place)] = int(count)
        whole = [held + more for held, more in zip(whole, cells, strict=True)]
    return whole


def _within(place: Any, count: int) -> None:  # noqa: ANN401 - an integer, or a decimal that is one
    if place is None or place != int(place) or not 0 <= place < count:
        raise Fault("dp.bad-aggregate")
