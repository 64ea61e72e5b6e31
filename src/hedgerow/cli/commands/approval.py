"""``approval``: what one asked for and another must grant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.commands.budget import restated_table
from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, facts, fitted

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_NEXT = {
    "pending": "Another must grant it too: {needs}.",
    "granted": "{asker} can now repeat the command that asked for it, once, until {until}.",
    "denied": "{asker} is told so, with the reason.",
}


@click.group()
def approval() -> None:
    """Approvals: what one person asked for and another must grant before it is done.

    A policy says which uses need it (@approval on a permit); some acts always do. Whoever asks gets exit
    code 8 and an id, and repeats the same command once it was granted. A grant holds for exactly what was
    asked, once, and for some days.
    """


@approval.command("list")
@click.option("--all", "is_all", is_flag=True, help="Also those that were used, denied or expired.")
@gated("approval.list")
@example("hedgerow approval list --as petra")
def list_(session: Session, screen: Screen, *, is_all: bool) -> None:
    """List what waits for approval, and grants not used yet.

    Officers and auditors see everybody's, anyone else what they asked for themselves.
    """
    found: list[dict[str, Any]] = session.service.approvals(is_all=is_all)
    headings = ["approval", "act", "data set", "purpose", "asked by", "state", "until"]
    rows = [
        [a["id"], a["act"], a["dataset"], a["purpose"], a["requested_by"], a["state"], a["expires"]]
        for a in found
    ]
    screen.result(found, fitted(headings, rows, screen.width(), ["purpose", "until", "data set"]))


@approval.command()
@click.argument("approval_id", metavar="ID")
@gated("approval.list")
@example("hedgerow approval show A-0123456789ab --as petra")
def show(session: Session, screen: Screen, approval_id: str) -> None:
    """Show exactly what was asked for, by whom, and who decided."""
    found: dict[str, Any] = session.service.approval(approval_id)
    told = facts(list(_told(found)), screen.width())
    accounts = found["asked"].get("accounts")
    screen.result(found, f"{told}\n\n{restated_table(accounts)}" if accounts else told)


def _told(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "approval", f"{found['id']}, {found['state']}"
    yield "act", str(found["act"])
    for label in ("dataset", "purpose"):
        if found[label]:
            yield ("data set" if label == "dataset" else label), str(found[label])
    yield "asked by", f"{found['requested_by']}, {found['requested']}"
    yield "needs", _needs(found)
    yield "until", str(found["expires"])
    for vote in found["votes"]:
        yield "decided by", f"{vote['by']}, {vote['time']}"
    if found["reason"]:
        yield "reason", str(found["reason"])
    for label in ("words", "asked"):
        for name, value in found[label].items():
            if value not in (None, [], {}, "") and name != "accounts":
                yield ("asked" if label == "words" else "plan"), f"{name}: {_brief(value)}"


def _brief(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_brief(each)}" for name, each in value.items() if each is not None)
    if isinstance(value, (list, tuple)):
        return "; ".join(_brief(each) for each in value)
    # A line of the requester's must not pass for one of ours.
    return str(value).replace("\n", "\n          | ")


def _needs(found: Mapping[str, Any]) -> str:
    return " and ".join(
        f"{need['people']} of the role {need['role']}, not {found['requested_by']}" for need in found["needs"]
    )


@approval.command()
@click.argument("approval_id", metavar="ID")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the approval.")
@gated("approval.decide")
@example("hedgerow approval grant A-0123456789ab --as petra")
def grant(session: Session, screen: Screen, approval_id: str, *, reason: str) -> None:
    """Grant a request; never one's own.

    It lets through exactly what `hedgerow approval show ID` shows, once. Until it was used, `hedgerow
    approval deny` takes it back.
    """
    _decide(session, screen, approval_id, reason, is_granted=True)


@approval.command()
@click.argument("approval_id", metavar="ID")
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why; whoever asked reads it. At most 200 characters."
)
@gated("approval.decide")
@example('hedgerow approval deny A-0123456789ab --reason "Too few people." --as petra')
def deny(session: Session, screen: Screen, approval_id: str, *, reason: str) -> None:
    """Deny a request, also one that was granted and not used yet."""
    _decide(session, screen, approval_id, reason, is_granted=False)


def _decide(session: Session, screen: Screen, name: str, reason: str, *, is_granted: bool) -> None:
    found: dict[str, Any] = session.service.decide(name, is_granted=is_granted, reason=reason)
    state = str(found["state"])
    then = _NEXT[state].format(needs=_needs(found), asker=found["requested_by"], until=found["expires"])
    word = "granted, and waits on" if is_granted and state == "pending" else state
    screen.result(found, f"{found['id']} is {word}. {then}\nJournal entry {found['entry']}.")
