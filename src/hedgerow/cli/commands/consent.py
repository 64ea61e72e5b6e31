"""``consent``: what people chose."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session

F = TypeVar("F", bound=Callable[..., object])


@click.group()
def consent() -> None:
    """Consents: a list of what people chose, to which lines are only added.

    REF is the person's id in the source, the value of the subject-key column at collection.
    """


def _choice_options(command: F) -> F:
    for option in (
        click.option(
            "--time",
            metavar="TIME",
            help="When the person chose, such as 2026-01-31T09:00:00Z; a day alone is its beginning for a "
            "grant and its end for a withdrawal.  [default: now]",
        ),
        click.option(
            "--channel", default="command line", show_default=True, help="Where the choice was made."
        ),
        click.option(
            "--notice",
            default="",
            metavar="VERSION",
            help="Version of the notice the person saw.  [default: none]",
        ),
        click.option("--purpose", required=True, metavar="NAME", help="For which purpose."),
        click.argument("ref"),
    ):
        command = option(command)
    return command


def _record(
    session: Session, ref: str, *, purpose: str, granted: bool, notice: str, channel: str, time: str | None
) -> dict[str, object]:
    made = session.service.choose(
        ref, purpose, granted=granted, notice=notice, channel=channel, time=time
    )  # fmt: skip
    return dict(made)


@consent.command()
@_choice_options
@gated("consent.grant")
@example("hedgerow consent grant R-001598 --purpose research --notice 2026-1 --channel desk")
def grant(
    session: Session, screen: Screen, ref: str, *, purpose: str, notice: str, channel: str, time: str | None
) -> None:
    """Record that the person REF consents to a purpose.

    REF is the person's id in the source, the value of the subject-key column at collection.
    """
    made = _record(
        session, ref, purpose=purpose, granted=True, notice=notice, channel=channel, time=time
    )  # fmt: skip
    screen.result(made, _told(made, "Consent", ""))


@consent.command()
@_choice_options
@gated("consent.withdraw")
@example("hedgerow consent withdraw R-001598 --purpose research --channel letter")
def withdraw(
    session: Session, screen: Screen, ref: str, *, purpose: str, notice: str, channel: str, time: str | None
) -> None:
    """Record that the person REF withdraws consent. It holds from the next use.

    REF is the person's id in the source, the value of the subject-key column at collection.
    """
    made = _record(
        session, ref, purpose=purpose, granted=False, notice=notice, channel=channel, time=time
    )  # fmt: skip
    screen.result(made, _told(made, "Withdrawal", " it holds from the next use;"))


def _told(made: dict[str, object], kind: str, effect: str) -> str:
    """Say what was recorded, and that it changes nothing where a later choice stands."""
    if not made["in_force"]:
        when = f" of {made['later']}" if made["later"] else ""
        effect = f" but a later {'no' if made['granted'] else 'yes'}{when} stands, and nothing changes;"
    return f"{kind} recorded for {made['purpose']};{effect} journal entry {made['entry']}."


@consent.command()
@click.argument("ref")
@gated("consent.show")
@example("hedgerow consent show R-001598")
def show(session: Session, screen: Screen, ref: str) -> None:
    """Show every choice of the person REF by time. The last of a purpose holds.

    REF is the person's id in the source, the value of the subject-key column at collection.
    """
    found = session.service.consents(ref)
    rows = [
        [
            c["time"], c["purpose"], "granted" if c["granted"] else "withdrawn", c["notice"], c["channel"],
            "yes" if c["in_force"] else "",
        ]
        for c in found
    ]  # fmt: skip
    screen.result(found, table(["time", "purpose", "choice", "notice", "channel", "holds"], rows))
