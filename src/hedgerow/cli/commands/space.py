"""``init`` and ``doctor``: the workspace itself."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hedgerow.cli.common import (
    SPACE_VARIABLE,
    check_token_of,
    example,
    find_passphrase,
    in_space,
    json_option,
    passphrase_option,
    space_option,
    token_option,
    yes_option,
)
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.argument("where", metavar="DIRECTORY|URL", required=False)
@space_option
@click.option(
    "--files",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With a URL: where the key file and the table files shall lie (new or empty); every machine that "
    "uses the workspace must reach it.",
)
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Leave the key file unsealed, without asking; whoever reads it then reads everything.",
)
@click.option(
    "--keys",
    "kind",
    type=click.Choice(["file", "pkcs11"]),
    default="file",
    show_default=True,
    help="Where the master keys are kept: in keys.json, or in a PKCS#11 token (HSM).",
)
@token_option
@passphrase_option
@json_option
@example(
    "hedgerow init mine",
    "export HEDGEROW_SPACE=$PWD/mine",
    "hedgerow init postgresql://app@db.example/hedgerow --files /srv/hedgerow",
)
def init(
    where: str | None,
    *,
    space: str | None,
    files: Path | None,
    no_passphrase: bool,
    kind: Literal["file", "pkcs11"],
    token: str | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make a workspace in DIRECTORY (new or empty), or in the PostgreSQL database at URL.

    A workspace holds the encrypted data, the journal and the keys. The keys lie in keys.json, sealed by a
    passphrase from --passphrase-file, the variable HEDGEROW_PASSPHRASE or a prompt. With --keys pkcs11 they
    are made in the token that --token names and never leave it; its PIN is given as a passphrase would be.

    A database is set up once beforehand, by its owner, with `hedgerow upgrade`. A URL holds no password:
    PGPASSFILE, PGPASSWORD or a service file of PostgreSQL does.
    """
    from hedgerow.app import workspace
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.keyplaces import Place
    from hedgerow.app.space import open_space

    forbid_dumps()
    screen, in_token = Screen(as_json=as_json), kind == "pkcs11"
    directory, database = _place(where, space, files)
    check_token_of(kind, token)
    workspace.check_free(directory.resolve(), is_files=database is not None)
    name = "PIN of the token" if in_token else "Passphrase"
    passphrase = None if no_passphrase else find_passphrase(passphrase_file, confirm=not in_token, name=name)
    made_at = workspace.create(
        directory, passphrase, keys=Place(kind, token, lambda: passphrase), database=database
    )
    with open_space(made_at, passphrase=passphrase) as opened:
        made = {
            "space": str(directory) if database is None else made_at,
            "backend": kind,
            "sealed": passphrase is not None,
            "fingerprint": opened.opened.spine.attestor.fingerprint,
            "principal": "owner",
            "population_epsilon": opened.service.budgets()[0]["limit"],
        }
    if database is not None:
        made["files"] = str(directory.resolve())
    screen.result(made, _told(directory, made, sealed=passphrase is not None, in_token=in_token))


def _place(where: str | None, space: str | None, files: Path | None) -> tuple[Path, str | None]:
    """Tell the directory of a new workspace and the address of its database."""
    from hedgerow.app.places import is_address

    named = where or space or (os.environ.get(SPACE_VARIABLE) if files else None)
    if not named:
        raise click.UsageError("Missing argument 'DIRECTORY' (or the URL of a database, with --files).")
    if where and space:
        raise click.UsageError("The workspace is named twice: leave --space out.")
    if not is_address(named):
        if files is not None:
            raise CallerError("space.files-of-no-database")
        return Path(named), None
    if files is None:
        raise CallerError("space.files-needed")
    return files, named


def _told(directory: Path, made: dict[str, object], *, sealed: bool, in_token: bool) -> str:
    place, rest = str(directory), f"the rest of {directory} (the sealed data)"
    exported = str(directory.resolve())
    if "files" in made:
        place = exported = str(made["space"])
        rest += ", and the database"
    keys, what = directory / "keys.json", "the keys"
    if in_token:
        keys, what = directory / "token.json", "which keys in the token are this workspace's"
    lost = "token" if in_token else "passphrase"
    protection = "sealed by the passphrase" if sealed else "not sealed"
    kept = "in the token, which never lets them out" if in_token else f"in keys.json, {protection}"
    warning = (
        f"A lost {lost} cannot be recovered: without it everything in {directory} is unreadable for good."
        if sealed
        else f"WARNING: no passphrase. Whoever can read {keys} can read everything. Make a sealed workspace "
        "with HEDGEROW_PASSPHRASE or --passphrase-file."
    )
    return f"""Workspace made at {place}.
The master keys are {kept}.

Trust fingerprint of its journal:
  {made["fingerprint"]}
Write it down outside this machine: it proves later that evidence came from here.

Back it up with `hedgerow backup --to DIR`, which puts the keys apart from the sealed data.
A copy by hand needs both, kept apart from each other: {keys} ({what}) and {rest}.
{warning}
You act as "owner". The people in it may be asked at most epsilon {made["population_epsilon"]} in all;
the privacy officer changes that with `hedgerow budget allocate --population --epsilon E`.

Next:
  export {SPACE_VARIABLE}={shlex.quote(exported)}
  hedgerow doctor
  hedgerow purpose add research --why "..." --owner owner --until 2030-12-31
  hedgerow collect FILE --dataset NAME --subject-key COL --purpose research --basis consent \\
    --keep COL,COL"""


@click.command()
@click.option(
    "--accept-clock",
    is_flag=True,
    help="Go by this machine's clock though it is far from the newest journal entry; wants --yes.",
)
@yes_option
@in_space
@example("hedgerow doctor", "hedgerow doctor --accept-clock --yes")
def doctor(session: Session, screen: Screen, *, accept_clock: bool, yes: bool) -> int:
    """Check the workspace and say what to mend.

    Keys, permissions, disk, clock, schema, key epochs, what interrupted work left, journal and every table
    file, of which each page is read: that takes a while where they are large.

    Uses stop while the clock is more than a day behind the newest journal entry, or half a year ahead of it.
    Where it is the entry that is wrong, --accept-clock goes by the clock from now on; the journal keeps that.

    Exit code 9 when something needs mending.
    """
    if accept_clock:
        return _accept(session, screen, yes=yes)
    checks = session.service.examine(session.directory, screen.progress)
    rows = [[c["check"], "ok" if c["ok"] else "MEND", c["told"]] for c in checks]
    lines = [f"  {c['check']}: {c['next']}" for c in checks if not c["ok"]]
    told = table(["check", "state", "what"], rows)
    screen.result(checks, "\n".join([told, "", "To mend:", *lines]) if lines else told)
    return 0 if not lines else 9


def _accept(session: Session, screen: Screen, *, yes: bool) -> int:
    if not yes:
        plan = session.service.plan_clock()
        screen.say(
            f"The newest journal entry is of {plan['newest']}; this machine's clock says {plan['now']}."
        )
        screen.say(
            "Going by it: consents, purposes and dates are judged by this clock, and what is over then goes."
        )
        raise CallerError("confirm.needed")
    done = session.service.accept_clock()
    screen.result(done, f"Going by this machine's clock, {done['now']}; journal entry {done['entry']}.")
    return 0
