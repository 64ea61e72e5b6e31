"""``report``: the HTML report of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import example, gated, out_options
from hedgerow.cli.screen import Screen

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@out_options("The HTML file to write.", required=False)
@gated("report.show")
@example("hedgerow report --out report.html")
def report(session: Session, screen: Screen, *, out: Path | None, force: bool) -> None:
    """Write a self-contained HTML report: what was refused, held, used, spent and released.

    It needs no network to be read. With --json and no --out the same is printed as data.
    """
    from hedgerow.app.outputs import check_out, write_out
    from hedgerow.app.report import render

    if out is None and not screen.as_json:
        raise click.UsageError("Missing --out (or --json for the same as data).")
    if out is not None:
        check_out(out, force=force)
    found = session.service.report()
    if out is not None:
        write_out(out, render(found).encode(), force=force)
        screen.result({**found, "out": str(out)}, f"Report written to {out}")
    else:
        screen.result(found, "")
