"""``backup`` and ``restore``: against loss, without bringing anybody back who was erased."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import (
    example,
    find_passphrase,
    gated,
    json_option,
    named_space,
    out_options,
    passphrase_option,
    space_option,
    warn_unreached,
    yes_option,
)
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.space import Session
    from hedgerow.kernel.hybrid import Opener

IDENTITY_PASSPHRASE_VARIABLE = "HEDGEROW_IDENTITY_PASSPHRASE"  # noqa: S105 - its name, not its value


class _Short(click.Group):
    """A group whose first command may be left out: ``backup --to DIR`` is ``backup make --to DIR``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in where an option comes first."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = ["make", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Short)
def backup() -> None:
    """Backups: make one, list them, destroy key sets in time.

    `hedgerow backup --to DIR` is short for `hedgerow backup make --to DIR`. A backup has a data set, kept as
    long as you like, and a key set, kept briefly: without it nothing of the data set opens.
    """


@backup.command()
@click.option(
    "--to",
    "place",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the data set: new, empty, or with backups of this workspace.",
)
@click.option(
    "--keys-to",
    "keys_place",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the key set, best on another disk.  [default: keys in the folder of --to]",
)
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY",
    help="Who can open it: a recipient's text or the file that holds it; several may be named."
    "  [default: those of the last backup]",
)
@click.option(
    "--keep-keys",
    "keep_days",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="How long the key set is kept; it is destroyed then, and by `hedgerow keys epoch`.",
)
@click.option(
    "--adopt",
    "adopts",
    is_flag=True,
    help="Take over folders of the workspace that this one was restored from; that one is gone for good.",
)
@gated("space.backup")
@example(
    "hedgerow backup make --to /mnt/backup --recipient recipient.txt", "hedgerow backup make --to /mnt/backup"
)
def make(
    session: Session,
    screen: Screen,
    *,
    place: Path,
    keys_place: Path | None,
    recipients: tuple[str, ...],
    keep_days: int,
    adopts: bool,
) -> None:
    """Make a backup while others work on.

    Table files that are there already are not copied again. It is whole once its manifest stands, which is
    written last.
    """
    done: dict[str, Any] = session.service.backup(
        session.directory, place, keys_place, recipients=[_recipient(text) for text in recipients],
        keep_days=keep_days, adopts=adopts, progress=screen.progress,
    )  # fmt: skip
    warn_unreached(session, screen)
    text = (
        f"Backup {done['backup']}: {many(done['entries'], 'journal entry', 'journal entries')}, "
        f"{many(done['files_new'], 'table file')} copied, {done['files_kept']} there already, "
        f"{done['bytes'] // 1000:,} kB.\n"
        f"Data set: {done['place']}\nKey set, until {done['keys_until']}: {done['keys_place']}\n"
        f"Sealed for: {', '.join(done['recipients'])}"
    )
    if done["pruned"]:
        text += f"\nKey sets destroyed, their time was over: {', '.join(done['pruned'])}"
    if done["ends_with_change"]:
        text += (
            "\nA change of the master key was cut off or is under way. Where `hedgerow keys epoch` ends it, "
            "this key set goes with it: then make another backup."
        )
    screen.result(done, text)


def _recipient(text: str) -> str:
    from hedgerow.app.sealing import recipient_text

    return recipient_text(text)


@backup.command("list")
@gated("space.backup")
@example("hedgerow backup list")
def list_(session: Session, screen: Screen) -> None:
    """List the backups made, and whether their parts are there."""
    found: list[dict[str, Any]] = session.service.backups()
    rows = [[b["backup"], b["made"], b["data"], b["keys"], b["keys_until"], b["place"]] for b in found]
    screen.result(found, table(["backup", "made", "data set", "key set", "keys until", "folder"], rows))


@backup.command()
@click.option("--all", "everything", is_flag=True, help="Destroy every key set, also those in time.")
@yes_option
@gated("space.backup")
@example("hedgerow backup prune --yes", "hedgerow backup prune --all --yes")
def prune(session: Session, screen: Screen, *, everything: bool, yes: bool) -> None:
    """Destroy the key sets whose time or epoch is over.

    The first also happens whenever the workspace is opened, as far as the folders are in reach.
    """
    if not yes:
        which = "every key set" if everything else "the key sets whose time or epoch is over"
        screen.say(f"This destroys {which}; what they open cannot be restored any more.")
        raise CallerError("confirm.needed")
    done: dict[str, Any] = session.service.prune(everything=everything)
    text = f"Destroyed: {', '.join(done['destroyed']) or 'none'}."
    if done["out_of_reach"]:
        text += f"\nOut of reach, mount their disk: {', '.join(done['out_of_reach'])}."
    if done["of_another_line"]:
        text += (
            "\nLeft alone, they belong to the workspace that this one was restored from: "
            f"{', '.join(done['of_another_line'])}."
        )
    screen.result(done, text)


@backup.command()
@out_options("A file to write the list to as well.", required=False)
@gated("space.backup")
@example("hedgerow backup erasures", "hedgerow backup erasures --out erasures.json")
def erasures(session: Session, screen: Screen, *, out: Path | None, force: bool) -> None:
    """Write the list of erasures into every folder with backups.

    A restore repeats what is on it. It holds keyed hashes only, and is written by itself at every erasure and
    backup; write it daily too, and a restore knows that nobody was erased since.
    """
    done: dict[str, Any] = session.service.tell_erasures(out, force=force)
    text = f"The list tells {many(done['erasures'], 'erasure')}."
    if done["not_told"]:
        text += f"\nNot told, see `hedgerow backup list`, or mount their disk: {', '.join(done['not_told'])}."
    screen.result(done, text)


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@space_option
@click.option(
    "--files",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where --space is a database: the directory for keys and table files (new or empty).",
)
@click.option(
    "--identity",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Identity file of someone the backup is sealed for.",
)
@click.option(
    "--identity-passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"File whose first line is its passphrase (else {IDENTITY_PASSPHRASE_VARIABLE}, else a prompt).",
)
@click.option(
    "--keys-from",
    "keys_source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the key set.  [default: keys in FROM]",
)
@click.option("--backup", "name", metavar="NAME", help="Which backup of the folder.  [default: the newest]")
@click.option(
    "--erasures",
    "lists",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A list of erasures newer than that in FROM; several may be named.",
)
@click.option(
    "--nobody-erased-since",
    "nobody_since",
    metavar="WHY",
    help="A privacy officer states that nobody was erased after what the lists know.",
)
@click.option(
    "--head",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The head kept outside (a witness file): what was spent after the backup is charged.",
)
@click.option("--trust", metavar="FINGERPRINT", help="Restore only what this key signed (`init` printed it).")
@click.option("--verify", is_flag=True, help="Open every page and every sealed field with the keys restored.")
@click.option(
    "--as",
    "principal",
    default="owner",
    metavar="PRINCIPAL",
    show_default=True,
    help="Who acts (`hedgerow principal list`).",
)
@passphrase_option
@json_option
@example(
    "hedgerow restore /mnt/backup --space mine --identity identity.json --verify",
    "hedgerow restore /mnt/backup --space mine --identity identity.json --verify --head head.json",
)
def restore(  # noqa: PLR0913 - one option each
    source: Path,
    *,
    space: str | None,
    files: Path | None,
    identity: Path,
    identity_passphrase_file: Path | None,
    keys_source: Path | None,
    name: str | None,
    lists: tuple[Path, ...],
    nobody_since: str | None,
    head: Path | None,
    trust: str | None,
    verify: bool,
    principal: str,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Restore the newest backup in FROM into a new workspace.

    Journal and ledger are checked, and erasures of after the backup are repeated, before the workspace gets
    its name. Without --head every budget counts as spent until an officer states what was
    (`hedgerow budget restate`).
    """
    from hedgerow.app.backup.restoring import Wish
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.space import restore_space

    forbid_dumps()
    target, database = _target(named_space(space), files)
    with Screen(as_json=as_json) as screen:
        screen.progress("restoring")
        wish = Wish(
            source, target, _identity(identity, identity_passphrase_file),
            lambda sealed: find_passphrase(passphrase_file, may_prompt=sealed), keys_source, name, lists,
            nobody_since, head, trust, is_thorough=verify, database=database,
        )  # fmt: skip
        done = restore_space(wish, principal, progress=screen.progress)
        screen.result({**_places(target, database), **done}, _restored(_named(target, database), done))


def _places(target: Path, database: str | None) -> dict[str, str]:
    """Name the workspace as `init` does: by its directory, or by its address and that of its files."""
    from hedgerow.app.places import marked

    if database is None:
        return {"space": str(target)}
    return {"space": f"{database}#{marked(target)}", "files": str(target.resolve())}


def _named(target: Path, database: str | None) -> str:
    places = _places(target, database)
    return places["space"] + (f" with its files in {places['files']}," if "files" in places else "")


def _target(space: str, files: Path | None) -> tuple[Path, str | None]:
    """Tell the directory of the workspace to be, and the address of its database."""
    from hedgerow.app.places import is_address

    if not is_address(space):
        if files is not None:
            raise CallerError("space.files-of-no-database")
        return Path(space), None
    if files is None:
        raise CallerError("space.files-needed")
    return files, space


def _identity(path: Path, passphrase_file: Path | None) -> Opener:
    from hedgerow.app.sealing import read_opener

    def passphrase() -> str:
        found = find_passphrase(
            passphrase_file, name="Passphrase of the identity", variable=IDENTITY_PASSPHRASE_VARIABLE
        )
        if found is None:
            raise CallerError("restore.identity-sealed")
        return found

    return read_opener(path, passphrase)


def _restored(target: str, done: dict[str, Any]) -> str:
    rows = [[c["check"], "ok" if c["ok"] else "BAD", c["told"]] for c in done["checks"]]
    told = (
        f"Restored {target} from backup {done['backup']} of {done['made']}. Erasures are known until "
        f"{done['erasures_known_until']}; {many(done['repeated'], 'was', 'were')} repeated here."
    )
    charged = many(len(done["charged"]), "charge")
    head = done["head"] or {}
    spending = (
        f"Spending after the backup: {charged} replayed from the head kept outside, of {head.get('time')} "
        f"with {head.get('entries')} entries."
    )
    if done["head_is_old"]:
        spending += (
            " WARNING: a list of erasures was written later than that. What was spent in between is not "
            "charged: destroy this workspace and restore again with the newest head, or without one."
        )
    if done["spending"] == "unknown":
        spending = (
            "Nobody knows what was spent after the backup: every budget counts as spent until two privacy "
            "officers state it: `hedgerow budget restate --spent DATASET:PURPOSE=E --as OFFICER`."
        )
    lost = "Choices, collections and other acts of after the backup are lost; collect them again."
    if done["witnesses_left"]:
        names = ", ".join(done["witnesses_left"])
        lost += f" No witness holds its head any more (before: {names}): `hedgerow journal witness add`."
    if done["cosigns_anew"]:
        lost += (
            " It does not know what it cosigned since, and cosigns other logs by new keys from now on: tell "
            "whoever relied on the old ones (`hedgerow journal cosign` shows the new)."
        )
    return "\n\n".join([table(["check", "state", "what"], rows), told, spending, lost])
