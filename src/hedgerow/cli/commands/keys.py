"""``keys``: the master keys of the workspace, their epochs, and how erasures become final."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_SHOWN_DIGITS = 12


@click.group()
def keys() -> None:
    """Master keys: every other key of the workspace is wrapped under one.

    An epoch is the time of one master key. Moving everything to a new epoch and destroying the old one
    makes erasures final: no copy of the database made before opens any more, whoever has it.
    """


@keys.command()
@gated("keys.status")
@example("hedgerow keys status")
def status(session: Session, screen: Screen) -> None:
    """Show the epochs and what lies under each.

    Also their age, erasures that are not final, and the algorithms in use.
    """
    found: dict[str, Any] = session.service.keys()
    screen.result(found, _shown(found))


def _shown(found: dict[str, Any]) -> str:
    backend = found["backend"]
    sealed = "sealed by a passphrase" if backend["sealed"] else "not sealed"
    epochs = [
        [e["epoch"][:_SHOWN_DIGITS], e["state"], e["created"], e["age_days"], _held(e)]
        for e in found["epochs"]
    ]
    algorithms = [[a["algorithm"], a["use"], a["post_quantum"]] for a in found["algorithms"]]
    lines = [
        f"Keys are kept in: {backend['backend']}, {sealed}.",
        table(["epoch", "state", "made", "days", "keys and secrets under it"], epochs),
    ]
    if found["unfinished"] is not None:
        verb = "epoch" if found["unfinished"]["destroys"] else "rotate"
        lines.append(f"A change was cut off; it goes on with `hedgerow keys {verb} --yes`.")
    waiting = len(found["erasures_not_final"])
    if waiting:
        erasures = many(waiting, "erasure is", "erasures are")
        lines.append(f"{erasures} logical only; `hedgerow keys epoch` makes that final.")
    lines.append(table(["algorithm", "what it does here", "against quantum computers"], algorithms))
    return "\n\n".join(lines)


def _held(epoch: dict[str, Any]) -> str:
    if epoch["destroyed"]:
        return f"destroyed {epoch['destroyed']}"
    return ", ".join(f"{count:,} {name}" for name, count in sorted(epoch["records"].items())) or "nothing"


@keys.command()
@yes_option
@gated("keys.change")
@example("hedgerow keys rotate", "hedgerow keys rotate --yes")
def rotate(session: Session, screen: Screen, *, yes: bool) -> None:
    """Move every key to a new master key; the old one stays held.

    Others work meanwhile. If it is cut off, the same command goes on where it stopped.
    """
    _change(session, screen, yes=yes, is_ending=False)


@keys.command()
@yes_option
@gated("keys.change")
@example("hedgerow keys epoch", "hedgerow keys epoch --yes")
def epoch(session: Session, screen: Screen, *, yes: bool) -> None:
    """End the epoch: destroy the old master keys for good.

    Every key is first moved to a new master key. Erasures before it become final, each with a
    certificate. Backups of the key file made before keep the old key: destroy them too. If it is cut
    off, the same command goes on where it stopped.
    """
    _change(session, screen, yes=yes, is_ending=True)


def _change(session: Session, screen: Screen, *, yes: bool, is_ending: bool) -> None:
    plan: dict[str, Any] = session.service.plan_epoch(is_ending=is_ending)
    if not yes:
        screen.say(_planned(plan))
        raise CallerError("confirm.needed")

    def told(seen: int, total: int) -> None:
        screen.progress(f"wrapping keys again: {seen:,} of {total:,}")

    done: dict[str, Any] = session.service.change_epoch(is_ending=is_ending, progress=told)
    screen.result(done, _done(done))


def _planned(plan: dict[str, Any]) -> str:
    begin = (
        "This goes on with a change that was cut off" if plan["goes_on"] else "This makes a new master key"
    )
    lines = [f"{begin} and wraps {many(plan['records'], 'key or secret', 'keys and secrets')} under it."]
    if plan["destroys"]:
        named = ", ".join(each[:_SHOWN_DIGITS] for each in plan["destroys"])
        lines.append(f"Then it destroys for good: {named}.")
        lines.append("Backups of the database and key file made before will not open with what is left.")
    if plan["becomes_final"]:
        lines.append(f"Erasures that become final: {', '.join(plan['becomes_final'])}.")
    return "\n".join(lines)


def _done(done: dict[str, Any]) -> str:
    moved = many(done["moved"], "key or secret", "keys and secrets")
    lines = [f"Epoch {done['epoch'][:_SHOWN_DIGITS]} is current; {moved} moved to it."]
    if done["destroyed"]:
        named = ", ".join(each[:_SHOWN_DIGITS] for each in done["destroyed"])
        lines.append(f"Destroyed for good: {named}. Destroy copies of the key file made before, too.")
    if done["final"]:
        lines.append(f"Certificates of final erasure: {', '.join(done['final'])}.")
    return "\n".join(lines)
