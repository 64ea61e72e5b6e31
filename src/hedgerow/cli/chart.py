"""Small charts of text: a bar for each figure, as long as it is large."""

from __future__ import annotations

from collections.abc import Sequence

_LONGEST = 40


def bars(rows: Sequence[tuple[str, str | None]]) -> str:
    """Draw figures as bars.

    Args:
        rows: A label and a figure of at least 0 as decimal text, or none for no figure.

    Returns:
        A line each: label, bar, figure. The longest bar is the largest figure's; none is shorter than a mark.
    """
    wide = max((len(label) for label, _ in rows), default=0)
    most = max((float(figure) for _, figure in rows if figure is not None), default=0.0)
    return "\n".join(f"  {label.rjust(wide)}  {_bar(figure, most)}" for label, figure in rows)


def _bar(figure: str | None, most: float) -> str:
    if figure is None:
        return "(of no use)"
    length = round(_LONGEST * float(figure) / most) if most else 0
    return f"{'#' * max(1, length)} {figure}"
