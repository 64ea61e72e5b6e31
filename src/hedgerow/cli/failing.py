"""How an error reaches a person: one line, the next step, the exit code; or the same as JSON."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Sequence

import click

from hedgerow.model.errors import Fault, HedgerowError

DEBUG_VARIABLE = "HEDGEROW_DEBUG"


def told(error: Exception, arguments: Sequence[str]) -> int:
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
    known = error if isinstance(error, HedgerowError) else Fault("unexpected", kind=type(error).__name__)
    if "--json" in arguments:
        click.echo(json.dumps(known.to_problem(), ensure_ascii=False))
    else:
        title = {"refused": "Refused", "caller": "Error", "fault": "Fault"}[known.row.root]
        click.echo(f"{title}: {known.message}\n  Next: {known.next_step}\n  ({known.code})", err=True)
    return known.row.exit
