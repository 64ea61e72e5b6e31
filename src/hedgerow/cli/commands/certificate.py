"""``evidence certificates`` and ``evidence certificate``: what was stated of erasures, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, facts, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@gated("evidence.export")
@example("hedgerow evidence certificates --as otto")
def certificates(session: Session, screen: Screen) -> None:
    """List the certificates of erasures.

    Each erasure has one at once (logical), and another when the epoch of its keys has ended (final). They
    name nobody: `hedgerow subject show REF` tells those of one person.
    """
    found: list[dict[str, Any]] = session.service.certificates()
    rows = [[c["certificate"], c["state"], c["erasure"], c["erased"], c["entry"]] for c in found]
    screen.result(found, table(["certificate", "state", "of the erasure", "erased", "entry"], rows))


@click.command()
@click.argument("name", metavar="ID")
@gated("evidence.export")
@example("hedgerow evidence certificate c-0123456789abcdef --as otto")
def certificate(session: Session, screen: Screen, name: str) -> None:
    """Show one certificate of erasure in words.

    What was done, what it rests on and what it does not cover. Its signature is checked first. With --json
    it is shown as it was signed.
    """
    found: dict[str, Any] = session.service.certificate(name)
    screen.result(found, facts(list(_told(found)), screen.width()))


def _told(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    body = found["body"]
    yield "certificate", f"{body['certificate']}, {body['state']}"
    yield "erased", str(body["erased"])
    if "erasure" in body:
        yield "of the erasure", str(body["erasure"])
        yield "keys now in", str(body["backend"])
        for epoch in body["epochs_destroyed"]:
            yield "keys destroyed", f"epoch {epoch['epoch']}, {epoch['destroyed']}"
        yield "assuming", str(body["assuming"])
        for each in body["not_covered"]:
            yield "not covered", str(each)
    else:
        yield "final", str(found["final"] or "not yet; `hedgerow keys epoch` makes it so")
        yield "data sets", ", ".join(body["datasets"]) or "none"
        releases = body["releases_that_may_hold_the_person"]
        yield "releases", f"that may hold the person: {', '.join(releases) or 'none'}"
        for each in body["done"]:
            yield "done", str(each)
        for each in body["not_final_yet"]:
            yield "not final", str(each)
        yield "remembered", f"that the person was erased, until {body['tombstone_until']}"
    yield "journal entry", str(body["journal_entry"])
    yield "signed by", str(found["fingerprint"])
