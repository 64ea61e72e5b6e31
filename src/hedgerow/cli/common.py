"""What the commands share: the common options, opening the workspace, showing results."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from hedgerow.model.errors import CallerError

F = TypeVar("F", bound=Callable[..., Any])
SPACE_VARIABLE, PASSPHRASE_VARIABLE = "HEDGEROW_SPACE", "HEDGEROW_PASSPHRASE"
_SHOW_AFTER_S = 1.0


def passphrase_option(command: F) -> F:
    """Add ``--passphrase-file``."""
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        help="File whose first line is the passphrase (else HEDGEROW_PASSPHRASE, else a prompt).",
    )(command)


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def out_options(help_text: str) -> Callable[[F], F]:
    """Add ``--out`` and ``--force``."""

    def add(command: F) -> F:
        command = click.option("--force", is_flag=True, help="Overwrite the output path.")(command)
        return click.option("--out", required=True, type=click.Path(path_type=Path), help=help_text)(command)

    return add


def yes_option(command: F) -> F:
    """Add ``--yes``."""
    return click.option("--yes", is_flag=True, help="Do it; without this only the plan is shown.")(command)


def purpose_option(command: F) -> F:
    """Add ``--purpose``."""
    return click.option("--purpose", help="Why; a declared purpose.")(command)


def request_id_option(command: F) -> F:
    """Add ``--request-id``."""
    return click.option("--request-id", help="Repeating the same id returns the same result at no cost.")(
        command
    )


def explain_option(command: F) -> F:
    """Add ``--explain``."""
    return click.option("--explain", is_flag=True, help="Print the decision without executing.")(command)


class Screen:
    """Where results and narration go.

    Args:
        as_json: Print results as JSON on standard output; nothing else goes there.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._started = time.monotonic()

    def result(self, value: Any, text: str) -> None:
        """Show a result: the value as JSON, or the text."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2) if self.as_json else text)

    def say(self, text: str) -> None:
        """Narrate on standard error."""
        click.echo(text, err=True)

    def progress(self, step: str) -> None:
        """Tell a step of long work, once it has lasted a second."""
        if time.monotonic() - self._started > _SHOW_AFTER_S:
            click.echo(f"  ... {step}", err=True)


def in_space(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command a session in the named workspace and a screen, and the common options.

    The command is called with ``session`` and ``screen`` first.
    """

    @click.option("--space", type=click.Path(path_type=Path), help="The workspace (else HEDGEROW_SPACE).")
    @click.option("--as", "principal", default="owner", help="The principal who acts (default: owner).")
    @passphrase_option
    @json_option
    @functools.wraps(command)
    def wrapped(
        *args: Any,
        space: Path | None,
        principal: str,
        passphrase_file: Path | None,
        as_json: bool,
        **kwargs: Any,
    ) -> Any:
        from hedgerow.app.space import open_space

        def ask(sealed: bool) -> str | None:  # noqa: FBT001 - the shape open_space calls
            return find_passphrase(passphrase_file, may_prompt=sealed)

        with open_space(space_path(space), passphrase=ask) as opened:
            screen = Screen(as_json=as_json)
            for warning in opened.opened.warnings:
                screen.say(f"Warning: {warning}")
            return command(opened.acting_as(principal), screen, *args, **kwargs)

    return wrapped


def space_path(space: Path | None) -> Path:
    """Find the named workspace.

    Raises:
        CallerError: ``space.not-named``.
    """
    named = space or os.environ.get(SPACE_VARIABLE)
    if not named:
        raise CallerError("space.not-named")
    return Path(named)


def find_passphrase(path: Path | None, *, confirm: bool = False, may_prompt: bool = True) -> str | None:
    """Take the passphrase from a file, the environment or a prompt, in this order.

    Args:
        path: A file whose first line it is.
        confirm: Ask twice, as for a new one.
        may_prompt: Whether asking makes sense.

    Returns:
        The passphrase, or none when there is none and nobody to ask.
    """
    if path is not None:
        try:
            return path.read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError):
            raise CallerError("file.missing", path=path) from None
    if PASSPHRASE_VARIABLE in os.environ:
        return os.environ[PASSPHRASE_VARIABLE]
    if not (may_prompt and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    asked = click.prompt(
        "Passphrase", hide_input=True, confirmation_prompt=confirm, default="", show_default=False, err=True
    )
    return str(asked) or None


def explained(screen: Screen, decision: Mapping[str, Any]) -> None:
    """Show a decision."""
    lines = ["Allowed." if decision["allowed"] else "Refused."]
    for reason in decision["reasons"]:
        lines.append(f"  {reason['text']} ({reason['code']})")
        if reason["next_step"]:
            lines.append(f"    Next: {reason['next_step']}")
    lines += [f"  Obligation: {told}" for told in decision.get("obligations", ())]
    plan = decision.get("plan") or {}
    lines += [f"  {name}: {_brief(value)}" for name, value in plan.items() if value not in (None, [], {})]
    screen.result(decision, "\n".join(lines))


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_brief(v)}" for k, v in value.items() if v is not None)
    if isinstance(value, (list, tuple)):
        return "; ".join(_brief(item) for item in value)
    return str(value)


def table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out an aligned text table; numbers to the right."""
    if not rows:
        return "(none)"
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(h), *(len(row[i]) for row in cells)) for i, h in enumerate(headings)]
    right = [all(isinstance(row[i], (int, float)) and not isinstance(row[i], bool) for row in rows)
             for i in range(len(headings))]  # fmt: skip
    lines = [
        "  ".join(h.rjust(w) if r else h.ljust(w) for h, w, r in zip(headings, widths, right, strict=True))
    ]
    lines.append("  ".join("-" * width for width in widths))
    lines += [
        "  ".join(
            c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)
