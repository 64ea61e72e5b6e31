"""``journal`` and ``evidence``: what anyone can check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import gated, out_options
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def journal() -> None:
    """The journal: a signed Merkle log of every use, refusal and change."""


@journal.command()
@gated("journal.head")
def head(session: Session, screen: Screen) -> None:
    """Show the signed head. Keep its JSON outside this machine for `verify --against`."""
    found = session.service.head()
    screen.result(
        found,
        f"{found['size']} entries, root {found['root']}\nkey {found['fingerprint']}\n\n{found['checkpoint']}",
    )


@journal.command()
@click.option("--last", default=20, show_default=True, metavar="N", help="How many entries.")
@gated("journal.head")
def show(session: Session, screen: Screen, *, last: int) -> None:
    """Show the newest entries."""
    found: list[dict[str, Any]] = session.service.entries(last)
    rows = [[e["index"], e["time"], e["actor"]["as"], e["action"], _about(e["facts"])] for e in found]
    screen.result(found, table(["entry", "time", "as", "what", "about"], rows))


def _about(facts: dict[str, Any]) -> str:
    shown = [
        str(facts[name])
        for name in ("dataset", "purpose", "technique", "principal", "action")
        if facts.get(name)
    ]
    return " ".join([*shown, *facts.get("reasons", ())])


@journal.command()
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="HEAD_FILE",
    help="A head file or receipt saved earlier; finds a truncated, forked or re-signed log.",
)  # fmt: skip
@gated("journal.verify")
def verify(session: Session, screen: Screen, *, against: Path | None) -> None:
    """Check every entry and the signed head. Ledger and journal must tell the same charges."""
    found = session.service.verify(against)
    beside = f"\nAgainst the saved head: {found['against']}." if against else ""
    screen.result(
        found,
        f"Verified: {found['size']} entries under root {found['root']}\nkey {found['fingerprint']}{beside}",
    )


@click.group()
def evidence() -> None:
    """Evidence bundles that anyone can check offline."""


@evidence.command()
@out_options("The directory to write.")
@gated("evidence.export")
def export(session: Session, screen: Screen, *, out: Path, force: bool) -> None:
    """Write the journal, certificates and a verifier into a directory."""
    made = session.service.export(out, force=force)
    screen.result(
        made,
        f"{made['entries']} entries in {made['files']} files at {made['out']}.\n"
        f"Anyone checks it with:\n  {made['check']}",
    )
