"""``demo``: the walk through Riverside."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from hedgerow.cli.common import example, json_option
from hedgerow.cli.screen import Screen


@click.command()
@click.argument("directory", type=click.Path(path_type=Path), default=Path("riverside"))
@json_option
@example("hedgerow demo", "hedgerow demo trial")
def demo(directory: Path, *, as_json: bool) -> None:
    """Walk through a generated town, from raw tables to protected use with evidence.

    Everything goes into DIRECTORY (default: riverside; a number is added when it exists): the town's
    files, a workspace to try, the released table, the evidence and an HTML report.
    """
    from hedgerow.app.demo.walk import run_demo

    screen = Screen(as_json=as_json)
    told = run_demo(directory, screen.say if as_json else click.echo, program=_program())
    commands = "\n".join(f"  {command}" for command in told["commands"])  # type: ignore[union-attr]
    screen.result(
        told,
        f"\nThe report: {told['report']}\n\nTry the workspace it left:\n{commands}",
    )


def _program() -> str:
    """Name the program so that the suggested commands work as they stand."""
    return "hedgerow" if shutil.which("hedgerow") or not Path(sys.argv[0]).is_file() else sys.argv[0]
