"""``consent``: what people chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hedgerow.cli.common import Screen, in_space, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from hedgerow.app.space import Session


@click.group()
def consent() -> None:
    """Consents: an append-only ledger."""


def _choice(name: str, told: str, help_text: str, *, granted: bool) -> Callable[..., None]:
    @consent.command(name, help=help_text)
    @click.argument("ref")
    @click.option("--purpose", required=True, help="For which purpose.")
    @click.option("--notice", default="", help="Version of the notice the person saw.")
    @click.option("--channel", default="command line", show_default=True, help="Where the choice was made.")
    @click.option("--time", help="When, ISO 8601 (default: now).")
    @in_space
    def command(session: Session, screen: Screen, ref: str, **options: str) -> None:
        made = session.service.choose(
            ref, options["purpose"], granted=granted, notice=options["notice"],
            channel=options["channel"], time=options["time"],
        )  # fmt: skip
        screen.result(made, f"{told} for {made['purpose']}; journal entry {made['entry']}.")

    return command


grant = _choice(
    "grant", "Consent recorded", "Record that the person REF consents to a purpose.", granted=True
)
withdraw = _choice(
    "withdraw",
    "Withdrawal recorded; it holds from the next use",
    "Record that REF withdraws consent.",
    granted=False,
)


@consent.command()
@click.argument("ref")
@in_space
def show(session: Session, screen: Screen, ref: str) -> None:
    """Show every choice of the person REF."""
    found = session.service.consents(ref)
    rows = [
        [c["time"], c["purpose"], "granted" if c["granted"] else "withdrawn", c["notice"], c["channel"]]
        for c in found
    ]
    screen.result(found, table(["time", "purpose", "choice", "notice", "channel"], rows))
