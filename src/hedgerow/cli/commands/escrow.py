"""``keys escrow`` and ``keys escrow-restore``: the master keys sealed for an officer, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.commands.file import VARIABLE, file_passphrase_option
from hedgerow.cli.common import (
    NEW_PASSPHRASE_VARIABLE,
    example,
    find_passphrase,
    gated,
    json_option,
    out_options,
    principal_option,
    space_option,
    yes_option,
)
from hedgerow.cli.screen import Screen
from hedgerow.model.errors import CallerError, HedgerowError

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_SHOWN_DIGITS = 12


@click.command()
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY",
    help="Who can bring the keys back: a recipient of `hedgerow file identity`, or its file (repeatable).",
)
@out_options("Where the escrow is written.")
@yes_option
@gated("keys.change")
@example("hedgerow keys escrow --recipient officer.recipient --out keys.escrow --yes")
def escrow(
    session: Session, screen: Screen, *, recipients: tuple[str, ...], out: Path, force: bool, yes: bool
) -> None:
    """Seal a copy of the master keys for an officer.

    For the day the key file or its passphrase is lost. Whoever opens it reads everything. It is in the
    journal, and certificates of final erasure name it. Keys in a token never leave it. Make a new escrow
    after each change of epoch, and destroy the old one.
    """
    from hedgerow.app.sealing import read_recipients

    known = read_recipients(recipients)
    plan: dict[str, Any] = session.service.plan_escrow(known)
    if not yes:
        epochs = ", ".join(each[:_SHOWN_DIGITS] for each in plan["epochs"])
        screen.say(f"The master keys of {epochs} leave, sealed for:")
        screen.say("\n".join(f"  {each}" for each in plan["recipients"]))
        raise CallerError("confirm.needed", plan=plan)
    done: dict[str, Any] = session.service.escrow(known, out, force=force)
    told = f"{done['out']}: the master keys, sealed for {', '.join(done['recipients'])}. Keep it elsewhere."
    screen.result(done, told)


@click.command(name="escrow-restore")
@click.argument("escrow_file", metavar="ESCROW", type=click.Path(path_type=Path))
@click.option(
    "--identity",
    "identity_file",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The identity of one of its recipients.",
)
@file_passphrase_option
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"File whose first line is the new passphrase (else {NEW_PASSPHRASE_VARIABLE}, else a prompt).",
)
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Leave the new key file unsealed; whoever reads it reads everything.",
)
@space_option
@principal_option
@json_option
@example("hedgerow keys escrow-restore keys.escrow --identity officer.identity")
def escrow_restore(
    escrow_file: Path,
    *,
    identity_file: Path,
    passphrase_file: Path | None,
    new_passphrase_file: Path | None,
    no_passphrase: bool,
    space: str | None,
    principal: str,
    as_json: bool,
) -> None:
    """Bring lost master keys back from an escrow.

    It wants the key file to be gone. Keys that were destroyed since the escrow was made do not come back.
    It is in the journal.
    """
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.sealing import read_opener
    from hedgerow.app.service.escrowing import restore_keys
    from hedgerow.app.space import open_space
    from hedgerow.cli.common import named_space

    forbid_dumps()
    where, asked = named_space(space), []

    def opening() -> str | None:
        return find_passphrase(passphrase_file, name="Passphrase of the identity", variable=VARIABLE)

    def sealing() -> str | None:
        if no_passphrase:
            return None
        given = find_passphrase(
            new_passphrase_file, confirm=True, name="New passphrase", variable=NEW_PASSPHRASE_VARIABLE
        )
        if given is None:
            raise CallerError("keys.new-passphrase-needed")
        asked.append(given)
        return given

    with Screen(as_json=as_json) as screen:
        path = restore_keys(where, escrow_file, read_opener(identity_file, opening), sealing)
        try:
            with open_space(where, passphrase=lambda _: asked[0] if asked else None) as opened:
                entry = opened.acting_as(principal).service.note_restored()
        except HedgerowError:
            # Who may not change the keys has not brought them back either.
            path.unlink(missing_ok=True)
            raise
        told = "The master keys are back. The escrow holds them too: run `hedgerow keys epoch --yes`."
        screen.result({"keys": str(path), "entry": entry}, told)
