"""``keys import-legacy``: take a table in whose columns an old system encrypted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, names, read_text
from hedgerow.cli.screen import Screen
from hedgerow.kernel.legacy.ciphers import READABLE
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session

KEY_VARIABLE = "HEDGEROW_LEGACY_KEY"
_NOT_ASKED = {
    "quarantine": None,
    "batch": None,
    "empty_broken": False,
    "explain": False,
    "yes": False,
    "derived_from": (),
}


@click.command(name="import-legacy")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--cipher",
    type=click.Choice(list(READABLE)),
    required=True,
    help="What the columns were encrypted with; CBC with the initialisation vector in front and PKCS7.",
)
@click.option(
    "--columns", required=True, metavar="A,B,C", help="The encrypted columns; the others are in plain."
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File with the old key: Fernet's text, else base64 or hexadecimal; a second line is the key of the"
    f" HMAC-SHA256 that ends each value, if there is one (else the variable {KEY_VARIABLE}).",
)
@click.option("--dataset", required=True, metavar="NAME", help="The data set, new or existing.")
@click.option("--subject-key", required=True, metavar="COL", help="The column that tells whose row it is.")
@click.option(
    "--purpose",
    "purposes",
    multiple=True,
    metavar="NAME",
    help="A declared purpose it may be used for (repeatable).",
)
@click.option(
    "--basis", "bases", multiple=True, metavar="BASIS", help="The lawful basis; as for `hedgerow collect`."
)
@click.option("--keep", metavar="A,B,C", help="Columns a purpose needs; all others are not collected.")
@click.option("--drop", metavar="A,B,C", help="Columns no purpose needs; all others are kept.")
@click.option(
    "--schema", type=click.Path(path_type=Path), metavar="FILE", help="TOML file, as for `hedgerow collect`."
)
@click.option(
    "--consents", type=click.Path(path_type=Path), metavar="FILE", help="CSV of choices, as for `collect`."
)
@click.option(
    "--again", is_flag=True, help="Take a file that was taken before once more; its rows then count twice."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done; write nothing.")
@gated("collect", "dataset")
@example(
    "hedgerow keys import-legacy old.csv --cipher fernet --key-file old.key --columns email,phone \\",
    "    --dataset visits --subject-key patient_ref --purpose care --basis contract --drop note",
)
def import_legacy(
    session: Session,
    screen: Screen,
    *,
    file: Path,
    cipher: str,
    columns: str,
    key_file: Path | None,
    **options: Any,  # noqa: ANN401 - those of a collection, checked there
) -> None:
    """Take FILE in, whose columns an old system encrypted.

    It is collected as `hedgerow collect` takes a plain file. Each value is opened in memory and sealed
    under its person's own key. Then every row is read back and compared. FILE and its key are left alone:
    what may be destroyed is told at the end. Old ciphers are read here and written nowhere.
    """
    from hedgerow.app.service.importing import ImportRequest
    from hedgerow.cli.commands.collect import _request
    from hedgerow.kernel.legacy.opening import read_legacy_key

    dry_run = options.pop("dry_run")
    key = read_legacy_key(cipher, _key(key_file))
    collect = _request({"file": file, **_NOT_ASKED, "dry_run": dry_run, **options})  # type: ignore[typeddict-item]
    wish = ImportRequest(collect, key, names(columns))
    plan = session.service.plan_import(wish, screen.progress)
    if not key.is_authentic:
        screen.say(
            "Warning: without an HMAC nobody can tell whether these values were changed; look at some."
        )
    if dry_run:
        screen.result(plan.as_json(), f"{_planned(plan, screen)}\n\nNothing was done.")
        return
    if not screen.as_json:
        screen.say(_planned(plan, screen))
    done: dict[str, Any] = session.service.collect_import(plan, wish, screen.progress)
    screen.result(done, _done(done, file))


def _key(path: Path | None) -> str:
    """Take the old key from its file or the environment; a command line is seen by others."""
    given = read_text(path) if path is not None else os.environ.get(KEY_VARIABLE)
    if given is None:
        raise CallerError("legacy.key-needed")
    return given


def _planned(plan: Any, screen: Screen) -> str:  # noqa: ANN401 - the plan of a collection
    from hedgerow.cli.collect_plan import planned

    return planned(plan, screen.width(narration=True))


def _done(done: dict[str, Any], path: Path) -> str:
    from hedgerow.cli.commands.collect import _taken
    from hedgerow.model.words import many

    lines = [_taken(done), f"{many(done['verified_rows'], 'row')} read back and compared: all equal."]
    if done["not_taken"]:
        named, verb = ", ".join(done["not_taken"]), "was" if len(done["not_taken"]) == 1 else "were"
        lines.append(f"{named} {verb} not taken: with {path} gone, nobody has that any more.")
    if done["may_be_destroyed"]:
        lines.append(
            f"Now destroy {path}, its other copies and the old key; whoever has both still reads everything."
        )
    else:
        lines.append(f"Keep {path} and its key until the rows that were set aside are taken in.")
    return "\n".join(lines)
