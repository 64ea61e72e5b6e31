"""``journal cosign`` and ``journal cosignature``: heads that a second party has seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, out_options
from hedgerow.cli.screen import Screen

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key", metavar="KEY",
    help="The log's public key, needed the first time; its owner reads it from `journal head --json`.",
)  # fmt: skip
@out_options("The file to write: the head with this workspace's lines.")
@gated("journal.cosign")
@example("hedgerow journal cosign evidence --key KEY --out cosigned.txt")
def cosign(session: Session, screen: Screen, path: Path, *, key: str | None, out: Path, force: bool) -> None:
    """Vouch for the head of another log.

    PATH is a checkpoint file, or the folder of an evidence bundle or of tiles. The newest head of each log
    is remembered. One that does not begin with all that was seen before is refused, so that nobody is shown
    two histories. Give the written file, and the keys, to the log's owner.
    """
    made: dict[str, Any] = session.service.cosign(path, out, key=key, force=force)
    before = "seen for the first time" if made["before"] is None else f"begins with the {made['before']} seen"
    keys = "\n".join(f"  {each[:100]}{'...' if len(each) > 100 else ''}" for each in made["keys"])  # noqa: PLR2004 - a line
    screen.result(
        made,
        f"Cosigned {made['origin']} at {made['size']} entries ({before}): {out}\n"
        f"Keys it can be checked with (whole with --json):\n{keys}",
    )


@click.group()
def cosignature() -> None:
    """Cosignatures: what witnesses vouch of this journal."""


@cosignature.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key", "keys", multiple=True, required=True, metavar="KEY",
    help="The witness's public key, a line .../witness+... that `journal cosign` and `journal key show` "
    "print on the witness's side (repeatable).",
)  # fmt: skip
@gated("journal.cosign")
@example("hedgerow journal cosignature add cosigned.txt --key KEY")
def add(session: Session, screen: Screen, path: Path, *, keys: tuple[str, ...]) -> None:
    """Keep the file PATH that a witness wrote. It travels in evidence bundles from then on."""
    made: dict[str, Any] = session.service.add_cosignature(path, keys)
    screen.result(made, f"Kept: {', '.join(made['witnesses'])} saw this journal at {made['size']} entries.")


@click.group()
def key() -> None:
    """Keys of the journal: those that others need, and a second one for the long run."""


@key.command("show")
@gated("journal.head")
@example("hedgerow journal key show")
def show_keys(session: Session, screen: Screen) -> None:
    """Show the public keys that others need, whole.

    The journal's own key is what a witness names at `journal cosign --key`. The witness keys are what the
    owner of another log names at `journal cosignature add --key` and `journal verify --witness`, once this
    workspace has cosigned that log.
    """
    found: dict[str, Any] = session.service.journal_keys()
    lines = [f"The journal's key, for its witnesses:\n{found['key']}\n{found['fingerprint']}"]
    if found["second_key"]:
        lines.append(f"Its second key, ML-DSA-44:\n{found['second_key']}")
    witness = "\n".join(found["witness_keys"]) or "none yet; `hedgerow journal cosign` makes them"
    lines.append(f"Keys this workspace cosigns other logs with:\n{witness}")
    screen.result(found, "\n\n".join(lines))


@key.command("add")
@click.argument("algorithm", type=click.Choice(["ml-dsa"]))
@gated("keys.change")
@example("hedgerow journal key add ml-dsa")
def add_key(session: Session, screen: Screen, *, algorithm: str) -> None:
    """Sign the heads that leave with a second algorithm too.

    Ed25519 can be forged by a large quantum computer, ML-DSA-44 by none known. From this entry on heads,
    bundles and tiles carry both; who knows the first key only reads past the second. It cannot be undone.
    """
    made: dict[str, Any] = session.service.add_second_key()
    screen.result(
        made, f"Heads are signed with {made['algorithm']} ({algorithm}) too, from entry {made['entry']} on."
    )
