"""How an error reaches a person: one line, the next step, the exit code; or the same as JSON."""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Sequence

import click

from hedgerow.cli.visible import visible, visible_json
from hedgerow.model.errors import CallerError, Fault, HedgerowError

DEBUG_VARIABLE = "HEDGEROW_DEBUG"
# What people type for a command of another name.
_MEANT = {"destroy": ("epoch", "drop", "erase")}
_NEAR = 0.7
_TITLES = {"refused": "Refused", "caller": "Error", "fault": "Fault"}


def told(error: BaseException, arguments: Sequence[str]) -> int:
    """Show an error on standard error, or with ``--json`` as a problem on standard output.

    Args:
        error: What was raised.
        arguments: The command line, to see whether JSON was asked for.

    Returns:
        The exit code.
    """
    if os.environ.get(DEBUG_VARIABLE):
        # Only for whoever asks: a traceback may quote paths and names.
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    known = _known(error, arguments)
    if "--json" in arguments and known.code != "out.stdout":
        click.echo(visible_json(known.to_problem()))
    else:
        title = _TITLES[known.row.root]
        told = f"{title}: {known.message}\n  Next: {known.next_step}\n  ({known.code})"
        click.echo(visible(told), err=True)
    return known.row.exit


def _known(error: BaseException, arguments: Sequence[str]) -> HedgerowError:
    if isinstance(error, HedgerowError):
        return error
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return CallerError("interrupted")
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else _command(arguments)
        return CallerError("usage.malformed", problem=_problem(error), command=command)
    return Fault("unexpected", kind=type(error).__name__)


def _command(arguments: Sequence[str]) -> str:
    """Name the command that a line is of; for what Click refuses before it says which."""
    from hedgerow.cli.main import cli

    here: click.Command | None = cli
    path = ["hedgerow"]
    for word in arguments:
        here = here.get_command(click.Context(here), word) if isinstance(here, click.Group) else None
        if here is None:
            break
        path.append(word)
    return " ".join(path)


def _problem(error: click.UsageError) -> str:
    """Word what is wrong with the command line without repeating what stood in it."""
    if isinstance(error, click.NoSuchOption):
        meant = f" Did you mean {' or '.join(error.possibilities)}?" if error.possibilities else ""
        return f"There is no option {error.option_name}.{meant}"
    if isinstance(error, click.MissingParameter):
        return f"{_name(error)} is missing."
    if isinstance(error, click.BadParameter):
        return f"{_name(error)} takes {_wanted(error.param)}."
    if isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message:
        return f"{error.option_name} needs a value."
    if error.message.startswith("No such command"):
        return _no_command(error)
    if "unexpected extra argument" in error.message:
        return "There is an argument too many; put quotes around text with spaces."
    return error.message if error.message.endswith(".") else error.message + "."


def _no_command(error: click.UsageError) -> str:
    if error.ctx is None or not isinstance(error.ctx.command, click.Group):
        return "There is no such command."
    known = error.ctx.command.list_commands(error.ctx)
    tried = [*error.message.split("'"), "", ""][1]
    near = [name for name in _MEANT.get(tried, ()) if name in known]
    near = near or _inside(error.ctx.command, error.ctx, tried)
    near = near or difflib.get_close_matches(tried, known, n=2, cutoff=_NEAR)
    if near:
        return f"There is no such command; did you mean {' or '.join(near)}?"
    return f"There is no such command; there are {', '.join(known)}."


def _inside(group: click.Group, context: click.Context, tried: str) -> list[str]:
    """Find a command of this name inside the nouns of a group."""
    inner = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [
        f"{name} {tried}"
        for name, command in inner
        if isinstance(command, click.Group) and tried in command.list_commands(context)
    ]


def _name(error: click.BadParameter) -> str:
    if error.param is None:
        return "A parameter"
    if isinstance(error.param, click.Argument):
        return str(error.param.human_readable_name)
    return str(max(error.param.opts, key=len))


def _wanted(param: click.Parameter | None) -> str:
    kind = param.type if param is not None else None
    if isinstance(kind, click.Choice):
        return "one of " + ", ".join(str(choice) for choice in kind.choices)
    if isinstance(kind, click.DateTime):
        return "a day as YYYY-MM-DD"
    if isinstance(kind, click.IntRange):
        return f"a whole number from {kind.min} on"
    return "a whole number" if kind is click.INT else "another kind of value"
