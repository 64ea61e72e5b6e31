"""``report``: the HTML report of a workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import Screen, in_space

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The HTML file to write.")
@click.option("--force", is_flag=True, help="Overwrite the output path.")
@in_space
def report(session: Session, screen: Screen, *, out: Path | None, force: bool) -> None:
    """Write a self-contained HTML report: what was refused, held, used, spent and released."""
    from hedgerow.app.report import render
    from hedgerow.app.service.asking import check_out, write_out

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
