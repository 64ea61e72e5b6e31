"""``token``: tokens of a release, and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, purpose_option
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def token() -> None:
    """Tokens of a release: whose they are, for who may know."""


@token.command()
@click.argument("release", metavar="RELEASE")
@click.argument("tokens", metavar="TOKEN...", nargs=-1, required=True)
@purpose_option
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why exactly these tokens; whoever approves reads it."
)
@gated("token.reveal")
@example(
    "hedgerow token reveal R-0a1b2c3d4e5f q7d2kfwm5xzt3ya4hbnceo6gru \\",
    '    --purpose care --reason "the laboratory reported a positive test" --as priya',
)
def reveal(
    session: Session,
    screen: Screen,
    release: str,
    *,
    tokens: tuple[str, ...],
    purpose: str | None,
    reason: str,
) -> None:
    """Tell whose TOKENs of a RELEASE are.

    Another privacy officer must grant exactly this first: the same tokens, purpose and reason. It is used
    up and journaled before anything is opened, and each person named can see it. Of somebody who was
    erased, or whom no basis covers for the purpose, nothing is told, as of a token that never was.
    """
    found: dict[str, Any] = session.service.reveal_tokens(release, tokens, purpose=purpose, reason=reason)
    rows = [
        [each["token"], each["column"] or "", _people(each), each["value"] or ""] for each in found["tokens"]
    ]
    notes = sorted({f"(nothing): {each['told']}." for each in found["tokens"] if each["told"]})
    text = table(["token", "column", "person", "value"], rows)
    screen.result(found, "\n".join([text, *notes, f"Journal entry {found['entry']}"]))


def _people(told: dict[str, Any]) -> str:
    return "; ".join(", ".join(refs) for refs in told["people"]) or "(nothing)"
