"""``keys``: the master keys of the workspace, their epochs, and how erasures become final."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from hedgerow.cli.commands.escrow import escrow, escrow_restore
from hedgerow.cli.commands.legacy import import_legacy
from hedgerow.cli.common import (
    NEW_PASSPHRASE_VARIABLE,
    before_opening,
    check_token_of,
    example,
    find_passphrase,
    gated,
    token_option,
    yes_option,
)
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.places import Found
    from hedgerow.app.space import Session

_SHOWN_DIGITS = 12


@click.group()
def keys() -> None:
    """Master keys: every other key of the workspace is wrapped under one.

    An epoch is the time of one master key. Moving everything to a new epoch and destroying the old one
    makes erasures final: no copy of the database made before opens any more, whoever has it.
    """


keys.add_command(import_legacy)
keys.add_command(escrow)
keys.add_command(escrow_restore)


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
    epochs = [
        [e["epoch"][:_SHOWN_DIGITS], e["state"], e["created"], e["age_days"], _held(e)]
        for e in found["epochs"]
    ]
    algorithms = [[a["algorithm"], a["use"], a["post_quantum"]] for a in found["algorithms"]]
    lines = [
        f"Keys are kept in: {backend['backend']}, {backend['protection']}.",
        table(["epoch", "state", "made", "days", "keys and secrets under it"], epochs),
    ]
    if found["unfinished"] is not None:
        verb = "epoch" if found["unfinished"]["destroys"] else "rotate"
        if "leaving" in backend:
            verb = f"move --to {backend['backend']}"
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
    certificate. The key sets of backups made before are destroyed with it, as far as their folders are in
    reach: make a backup at once, there is none to restore from until then. Copies of the key file made
    otherwise keep the old key: destroy them too. If it is cut off, the same command goes on where it stopped.
    """
    _change(session, screen, yes=yes, is_ending=True)


@keys.command()
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"File whose first line is the new passphrase (else {NEW_PASSPHRASE_VARIABLE}, else a prompt).",
)
@gated("keys.change")
@example("hedgerow keys passphrase")
def passphrase(session: Session, screen: Screen, *, new_passphrase_file: Path | None) -> None:
    """Change the passphrase of the key file, or seal one that has none.

    Asks for the old one, then twice for the new one. It takes effect at once and wraps nothing anew. Copies
    of the key file made before still open with the old passphrase: `hedgerow keys epoch` is the remedy.
    Where the keys are in a token, its PIN is changed with the token's own program.
    """
    done: dict[str, Any] = session.service.change_passphrase(
        lambda: find_passphrase(
            new_passphrase_file, confirm=True, name="New passphrase", variable=NEW_PASSPHRASE_VARIABLE
        )
    )
    word = "is sealed under the new passphrase" if done["was_sealed"] else "is sealed now"
    screen.result(done, f"The key file {word} (journal entry {done['entry']}).\n{done['copies']}")


def _check_unmoved(found: Found, options: Mapping[str, Any]) -> None:
    """Refuse a move that was made already, before the secret of the old place goes to the new one."""
    from hedgerow.app.keyplaces import check_unmoved

    try:
        check_token_of(options["kind"], options["token"])
        if not options["explain"]:
            check_unmoved(found.directory, found.store, options["kind"])
    except BaseException:
        found.store.close()
        raise


@keys.command()
@click.option(
    "--to",
    "kind",
    type=click.Choice(["file", "pkcs11"]),
    required=True,
    help="Where the keys shall be kept: in keys.json, or in a PKCS#11 token (HSM).",
)
@token_option
@click.option(
    "--new-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File whose first line is the passphrase of the new key file, or the PIN of the token"
    f" (else {NEW_PASSPHRASE_VARIABLE}, else a prompt).",
)
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Leave the new key file unsealed; whoever reads it reads everything.",
)
@yes_option
@gated("keys.change")
@before_opening(_check_unmoved)
@example("hedgerow keys move --to pkcs11 --token hedgerow", "hedgerow keys move --to file --yes")
def move(
    session: Session,
    screen: Screen,
    *,
    kind: Literal["file", "pkcs11"],
    token: str | None,
    new_passphrase_file: Path | None,
    no_passphrase: bool,
    yes: bool,
) -> None:
    """Move the master keys into a token (HSM), or back into a file.

    Everything is wrapped under a new master key there, and the old ones are destroyed for good: the key
    file is wiped, or the keys in the token are deleted. If it is cut off, the same command goes on where it
    stopped; until then every command needs both secrets, that of the new place in HEDGEROW_NEW_PASSPHRASE
    or a prompt.
    """
    from hedgerow.app.keyplaces import Place

    def secret() -> str | None:
        to_file = kind == "file"
        if to_file and no_passphrase:
            return None
        name = "New passphrase" if to_file else "PIN of the token"
        found = find_passphrase(
            new_passphrase_file, confirm=to_file, name=name, variable=NEW_PASSPHRASE_VARIABLE
        )
        if found is None and to_file:
            raise CallerError("keys.new-passphrase-needed")
        if found is None:
            raise CallerError("keys.new-pin-needed", token=token)
        return found

    place = Place(kind, token, secret)
    plan: dict[str, Any] = session.service.plan_move(place)
    if not yes:
        screen.say(_moving(plan))
        raise CallerError("confirm.needed", plan=plan)
    done: dict[str, Any] = session.service.move_keys(
        place, session.directory, progress=lambda seen, total: _told(screen, seen, total)
    )
    screen.result(done, _done(done))


def _moving(plan: dict[str, Any]) -> str:
    there = f"the token {plan['token']}" if plan["token"] else "the token"
    goal = there if plan["to"] == "pkcs11" else "keys.json"
    end = "deleted in the token" if plan["from"] == "pkcs11" else "wiped with keys.json"
    return f"The master keys move to {goal}; the old ones are {end}.\n{_planned(plan)}"


def _told(screen: Screen, seen: int, total: int) -> None:
    screen.progress(f"wrapping keys again: {seen:,} of {total:,}")


def _change(session: Session, screen: Screen, *, yes: bool, is_ending: bool) -> None:
    plan: dict[str, Any] = session.service.plan_epoch(is_ending=is_ending)
    if not yes:
        screen.say(_planned(plan))
        effect = {} if plan["destroys"] else {"effect": "the older master keys would stay held"}
        raise CallerError("confirm.needed", plan=plan, **effect)
    done: dict[str, Any] = session.service.change_epoch(
        is_ending=is_ending, progress=lambda seen, total: _told(screen, seen, total)
    )
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
        lines += _backups(plan["backups"], "It destroys")
    if plan["becomes_final"]:
        lines.append(f"Erasures that become final: {', '.join(plan['becomes_final'])}.")
    return "\n".join(lines)


def _backups(found: dict[str, Any] | None, begin: str) -> list[str]:
    """Say which key sets of backups go with the keys, and that nothing can be restored until the next."""
    if not found or not (found["key_sets"] or found["out_of_reach"] or found["of_another_line"]):
        return []
    lines = []
    if found["key_sets"]:
        sets = many(len(found["key_sets"]), "backup key set")
        lines.append(f"{begin} {sets} in {', '.join(found['folders'])}.")
    if found["out_of_reach"]:
        places = ", ".join(found["out_of_reach"])
        lines.append(
            f"Key sets out of reach are left in {places}: mount it and run `hedgerow backup prune --yes`."
        )
    if found["of_another_line"]:
        places = ", ".join(found["of_another_line"])
        lines.append(f"Key sets in {places} stay: they belong to what this workspace was restored from.")
    if not found["left"] and found["of_another_line"]:
        lines.append(
            "From then on there is no backup of its own to restore until `hedgerow backup` has made one."
        )
    elif not found["left"]:
        lines.append("From then on no backup can be restored until `hedgerow backup` has made a new one.")
    return lines


def _done(done: dict[str, Any]) -> str:
    moved = many(done["moved"], "key or secret", "keys and secrets")
    lines = [f"Epoch {done['epoch'][:_SHOWN_DIGITS]} is current; {moved} moved to it."]
    if done["destroyed"]:
        named = ", ".join(each[:_SHOWN_DIGITS] for each in done["destroyed"])
        copies = "the token's own storage" if done["left"] == "pkcs11" else "the key file"
        lines.append(f"Destroyed for good: {named}. Destroy copies of {copies} made before, too.")
        lines += _backups(done["backups"], "With them went")
    if "to" in done:
        secret = "the token's PIN" if done["to"] == "pkcs11" else "the new passphrase"
        lines.append(f"From now on {secret} is asked for.")
    if done["final"]:
        lines.append(f"Certificates of final erasure: {', '.join(done['final'])}.")
    return "\n".join(lines)
