"""Where results and narration go: results on standard output, all else on standard error."""

from __future__ import annotations

import shutil
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import click

from hedgerow.cli.visible import visible, visible_json
from hedgerow.model.errors import Fault

if TYPE_CHECKING:
    from rich.status import Status

_SHOW_AFTER_S = 1.0
# Longer lines of prose are hard to follow.
_WIDEST_PROSE = 100
_APPROVAL = {
    "not asked for": "nobody has asked for it yet; the command without --explain asks",
    "pending": "{id} waits for a decision",
    "granted": "{id} is granted; the command without --explain uses it up",
    "denied": "{id} was denied",
}


class Screen:
    """Shows what a command did.

    Args:
        as_json: Print results as JSON on standard output; nothing else goes there, and long work
            shows no progress.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._lock = threading.Lock()
        self._step = ""
        self._timer: threading.Timer | None = None
        self._line: Status | None = None
        self._is_late = False

    def __enter__(self) -> Self:
        """Show things in a ``with`` block; at its end no progress line is left."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the progress line away."""
        self._settle()

    def result(self, value: object, text: str) -> None:
        """Show a result: the value as JSON, or the text."""
        self._settle()
        if sys.stdout is None:
            raise Fault("out.stdout", reason="it is closed")
        try:
            click.echo(visible_json(value) if self.as_json else visible(text))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Fault("out.stdout", reason=error.strerror) from None

    def width(self, *, narration: bool = False) -> int | None:
        """Tell the columns of the terminal that results, or narration, go to; none when it is no terminal."""
        stream = sys.stderr if narration else sys.stdout
        return shutil.get_terminal_size().columns if stream.isatty() else None

    def say(self, text: str) -> None:
        """Narrate on standard error."""
        click.echo(visible(text), err=True)

    def decision(self, decision: Mapping[str, Any], more: str = "", forecast: str = "") -> None:
        """Show a decision of the gate.

        Args:
            decision: ``allowed``, ``reasons``, ``obligations`` and ``plan``.
            more: Text to show below, in place of the plan.
            forecast: What would be left of the budget, in words.
        """
        approval = decision.get("approval")
        waits = approval is not None and approval["state"] != "granted"
        said = "Allowed once approved." if waits else "Allowed."
        lines = [said if decision["allowed"] else "Refused."]
        for reason in decision["reasons"]:
            lines.append(f"  {reason['text']} ({reason['code']})")
            if reason["next_step"]:
                lines.append(f"    Next: {reason['next_step']}")
        lines += [f"  Obligation: {told}" for told in decision.get("obligations", ())]
        if approval is not None:
            state = _APPROVAL.get(approval["state"], "{id} is {state}: ask again")
            lines.append(f"  Approval: {state.format_map(approval)}")
        plan = {} if more else decision.get("plan") or {}
        lines += [f"  {name}: {_brief(value)}" for name, value in plan.items() if value not in (None, [], {})]
        lines += [f"  budget: {forecast}"] if forecast else []
        lines.append("Nothing was done.")
        self.result(decision, "\n".join(lines) + (f"\n\n{more}" if more else ""))

    def progress(self, step: str) -> None:
        """Tell a step of long work; it is shown once the work has lasted a second.

        On a terminal it is one line that changes; elsewhere each step is a line of its own.
        """
        if self.as_json:
            return
        with self._lock:
            self._step = step
            if self._timer is None:
                self._timer = threading.Timer(_SHOW_AFTER_S, self._show_late)
                self._timer.daemon = True
                self._timer.start()
            elif self._line is not None:
                self._line.update(step)
            elif self._is_late:
                click.echo(f"  ... {step}", err=True)

    def _show_late(self) -> None:
        """Show the step that is running after a second."""
        with self._lock:
            if self._timer is None:
                return
            self._is_late = True
            if not sys.stderr.isatty():
                click.echo(f"  ... {self._step}", err=True)
                return
            from rich.console import Console

            self._line = Console(stderr=True).status(self._step)
            self._line.start()

    def _settle(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._line is not None:
                self._line.stop()
            self._timer, self._line, self._is_late = None, None, False


def _brief(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_brief(v)}" for k, v in value.items() if v is not None)
    if isinstance(value, (list, tuple)):
        return "; ".join(_brief(item) for item in value)
    return str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out an aligned text table; numbers to the right."""
    if not rows:
        return "(none)"
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(h), *(len(row[i]) for row in cells)) for i, h in enumerate(headings)]
    right = [all(_is_number(row[i]) for row in rows) for i in range(len(headings))]
    lines = [_aligned(headings, widths, right), "  ".join("-" * width for width in widths)]
    return "\n".join([*lines, *(_aligned(row, widths, right) for row in cells)])


def fitted(
    headings: Sequence[str], rows: Sequence[Sequence[object]], width: int | None, spare: Sequence[str]
) -> str:
    """Lay out a table; where the width does not hold it, the spare columns go, one after the other.

    Args:
        headings: The columns.
        rows: Their cells.
        width: Columns of the terminal, or none for no limit.
        spare: Headings that may go, the first to go first.
    """
    shown = table(headings, rows)
    if width is None or not spare or max(map(len, shown.splitlines())) <= width:
        return shown
    kept = [place for place, heading in enumerate(headings) if heading != spare[0]]
    narrower = [[row[place] for place in kept] for row in rows]
    return fitted([headings[place] for place in kept], narrower, width, spare[1:])


def facts(pairs: Sequence[tuple[str, str]], width: int | None) -> str:
    """Lay out sentences under labels; a label that repeats is shown once, long text wraps under itself.

    Args:
        pairs: Label and text.
        width: Columns of the terminal, or none to break no line.
    """
    indent = max((len(label) for label, _ in pairs), default=0) + 2
    lines, last = [], None
    for label, text in pairs:
        first = ("" if label == last else label).ljust(indent)
        last = label
        if width is None:
            lines.append((first + text).rstrip())
            continue
        lines += textwrap.wrap(
            text,
            min(width, _WIDEST_PROSE),
            initial_indent=first,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    shown = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
    return "  ".join(shown).rstrip()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    # A value of a file may hold control characters; none reaches the terminal.
    return "".join(c if c.isprintable() else "?" for c in str(value))
