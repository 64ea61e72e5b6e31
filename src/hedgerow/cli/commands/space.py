"""``init`` and ``doctor``: the workspace itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from hedgerow.cli.common import (
    SPACE_VARIABLE,
    example,
    find_passphrase,
    in_space,
    json_option,
    passphrase_option,
    token_option,
)
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
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
@example("hedgerow init mine", "export HEDGEROW_SPACE=$PWD/mine")
def init(
    directory: Path,
    *,
    no_passphrase: bool,
    kind: Literal["file", "pkcs11"],
    token: str | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make a workspace in DIRECTORY (new or empty).

    A workspace holds the encrypted data, the journal and the keys. The keys lie in keys.json, sealed by a
    passphrase from --passphrase-file, the variable HEDGEROW_PASSPHRASE or a prompt. With --keys pkcs11 they
    are made in the token that --token names and never leave it; its PIN is given as a passphrase would be.
    """
    from hedgerow.app import workspace
    from hedgerow.app.keyplaces import Place
    from hedgerow.app.space import open_space

    screen, in_token = Screen(as_json=as_json), kind == "pkcs11"
    name = "PIN of the token" if in_token else "Passphrase"
    passphrase = None if no_passphrase else find_passphrase(passphrase_file, confirm=not in_token, name=name)
    workspace.create(directory, passphrase, keys=Place(kind, token, lambda: passphrase))
    with open_space(directory, passphrase=passphrase) as space:
        made = {
            "space": str(directory),
            "sealed": passphrase is not None,
            "fingerprint": space.opened.spine.attestor.fingerprint,
            "principal": "owner",
            "population_epsilon": space.service.budgets()[0]["limit"],
        }
    screen.result(made, _told(directory, made, sealed=passphrase is not None, in_token=in_token))


def _told(directory: Path, made: dict[str, object], *, sealed: bool, in_token: bool) -> str:
    keys, what = directory / "keys.json", "the keys"
    if in_token:
        keys, what = directory / "token.json", "which keys in the token are this workspace's"
    lost = "token" if in_token else "passphrase"
    warning = (
        f"A lost {lost} cannot be recovered: without it everything in {directory} is unreadable for good."
        if sealed
        else f"WARNING: no passphrase. Whoever can read {keys} can read everything. Make a sealed workspace "
        "with HEDGEROW_PASSPHRASE or --passphrase-file."
    )
    return f"""Workspace made at {directory}.

Trust fingerprint of its journal:
  {made["fingerprint"]}
Write it down outside this machine: it proves later that evidence came from here.

Back up, apart from each other: {keys} ({what}) and the rest of {directory} (the sealed data).
{warning}
You act as "owner". The people in it may be asked at most epsilon {made["population_epsilon"]} in all;
the privacy officer changes that with `hedgerow budget allocate --population --epsilon E`.

Next:
  export {SPACE_VARIABLE}={shlex.quote(str(directory.resolve()))}
  hedgerow doctor
  hedgerow purpose add research --why "..." --owner owner --until 2030-12-31
  hedgerow collect FILE --dataset NAME --subject-key COL --purpose research --basis consent \\
    --keep COL,COL"""


@click.command()
@in_space
@example("hedgerow doctor")
def doctor(session: Session, screen: Screen) -> int:
    """Check keys, permissions, disk, journal and every table file, and say what to mend.

    Every page of the table files is read and checked, which takes a while where they are large.

    Exit code 9 when something needs mending.
    """
    checks = session.service.examine(session.directory, screen.progress)
    rows = [[c["check"], "ok" if c["ok"] else "MEND", c["told"]] for c in checks]
    screen.result(checks, table(["check", "state", "what"], rows))
    return 0 if all(c["ok"] for c in checks) else 9
