"""``journal`` and ``evidence``: what anyone can check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.commands.certificate import certificate, certificates
from hedgerow.cli.commands.cosign import cosign, cosignature, key
from hedgerow.cli.commands.witness import witness
from hedgerow.cli.common import example, gated, out_options
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def journal() -> None:
    """The journal: a signed log of every use, refusal and change.

    Each entry is bound to all before it (a Merkle tree), so that none can be changed, dropped or moved
    unseen. The head is its signed state: how many entries there are, and one hash over them all.
    """


journal.add_command(witness)
journal.add_command(cosign)
journal.add_command(cosignature)
journal.add_command(key)


@journal.command()
@gated("journal.head")
@example("hedgerow journal head --json > head.json")
def head(session: Session, screen: Screen) -> None:
    """Show the signed head. Keep its JSON outside this machine for `verify --against`."""
    from hedgerow.model.words import many

    found: dict[str, Any] = session.service.head()
    size = many(found["size"], "entry", "entries")
    screen.result(found, f"{size}, root {found['root']}\nkey {found['fingerprint']}\n\n{found['checkpoint']}")


@journal.command()
@click.option(
    "--last", type=click.IntRange(min=1), default=20, show_default=True, metavar="N",
    help="How many of the newest entries to show.",
)  # fmt: skip
@gated("journal.head")
@example("hedgerow journal show --last 50")
def show(session: Session, screen: Screen, *, last: int) -> None:
    """Show the newest entries, the newest last.

    use.intend is written before data is opened, use.done or use.fail after it; use.stored is an
    answer that was paid for before; use.refuse and act.refuse are refusals.
    """
    found: list[dict[str, Any]] = session.service.entries(last)
    rows = [[e["index"], e["time"], e["actor"]["as"], e["action"], _about(e)] for e in found]
    shown = table(["entry", "time", "as", "what", "about"], rows)
    newest: dict[str, Any] = session.service.head()
    screen.result(found, shown + _older(newest["size"], last))


def _older(size: int, last: int) -> str:
    from hedgerow.model.words import many

    if size <= last:
        return ""
    older = many(size - last, "older entry is", "older entries are")
    return f"\n{older} not shown; `hedgerow journal show --last {size}` shows all."


def _about(entry: dict[str, Any]) -> str:
    """Say in a few words what an entry is about; an outcome is about what its use was opened for."""
    facts = {**entry.get("use", {}), **entry["facts"]}
    shown = [_WHOLE.get(str(facts[name]), str(facts[name])) for name in _TOLD if facts.get(name)]
    opened = [f"(opened by entry {facts['intent']})"] if "intent" in facts else []
    version = [f"version {facts['version']}"] if "version" in facts else []
    return " ".join([*dict.fromkeys(shown), *version, *facts.get("reasons", ()), *opened])


_TOLD = ("dataset", "purpose", "technique", "principal", "action", "certificate", "batch", "code")
_WHOLE = {"*": "(population)"}


@journal.command()
@click.option(
    "--against", type=click.Path(path_type=Path), metavar="HEAD_FILE",
    help="A head file or receipt saved earlier; finds a truncated, forked or re-signed log.",
)  # fmt: skip
@click.option(
    "--witness", "keys", multiple=True, metavar="KEY",
    help="The public key of a witness that must have cosigned this journal: the line .../witness+... that "
    "`journal key show` prints on the witness's side (repeatable).",
)  # fmt: skip
@gated("journal.verify")
@example("hedgerow journal verify --against head.json")
def verify(session: Session, screen: Screen, *, against: Path | None, keys: tuple[str, ...]) -> None:
    """Check every entry and the signed head. Ledger and journal must tell the same charges."""
    from hedgerow.model.words import many

    found: dict[str, Any] = session.service.verify(against, keys)
    size = many(found["size"], "entry", "entries")
    beside = f"\nAgainst the saved head: {found['against']}." if against else ""
    for seen in found["cosigned"]:
        beside += f"\nCosigned at {seen['size']} entries by {seen['witness']}, {seen['time']}."
    screen.result(
        found,
        f"Verified: {size} under root {found['root']}\nkey {found['fingerprint']}{beside}",
    )


@journal.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR",
    help="The folder: new, empty, or written by this command before.",
)  # fmt: skip
@gated("evidence.export")
@example("hedgerow journal tiles --out /srv/journal --as otto")
def tiles(session: Session, screen: Screen, *, out: Path) -> None:
    """Write the journal as static files (C2SP tlog-tiles).

    What is there already grows by what is new. A web server gives the files out as they are: whoever
    fetches a few of them proves that an entry is in the journal, or that the journal of today begins with
    that of yesterday. They can be made anew at any time.
    """
    from hedgerow.model.words import many

    made: dict[str, Any] = session.service.tiles(out, screen.progress)
    left = f"\n{many(made['left_out'], 'bundle')} left out: an entry is too long." if made["left_out"] else ""
    screen.result(
        made,
        f"{many(made['entries'], 'entry', 'entries')} at {out}, {made['new']:,} of them new, "
        f"{many(made['files'], 'file')} written.{left}",
    )


@click.group()
def evidence() -> None:
    """Evidence: bundles that anyone can check offline, and the certificates of erasures in words."""


evidence.add_command(certificates)
evidence.add_command(certificate)


@evidence.command()
@out_options("The directory to make.")
@gated("evidence.export")
@example("hedgerow evidence export --out evidence --as otto")
def export(session: Session, screen: Screen, *, out: Path, force: bool) -> None:
    """Write journal, certificates and a verifier into a directory.

    Whoever gets it checks it without Hedgerow and without this workspace. The certificates are those of
    erased people.
    """
    from hedgerow.model.words import many

    made: dict[str, Any] = session.service.export(out, force=force)
    screen.result(
        made,
        f"{many(made['entries'], 'entry', 'entries')} in {many(made['files'], 'file')} at {made['out']}.\n"
        f"Anyone checks it with:\n  {made['check']}",
    )
