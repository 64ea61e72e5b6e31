"""``journal witness``: where the head is kept outside the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def witness() -> None:
    """Witnesses: files outside the workspace that hold the newest head and all that was spent.

    Whoever puts an older copy of the workspace back would spend its budgets twice. A witness knows better:
    a workspace that is older than a witness spends nothing. Keep one on another disk, best on another
    machine.
    """


@witness.command()
@click.argument("name")
@click.option(
    "--file", "path", type=click.Path(path_type=Path), required=True, metavar="PATH",
    help="The file to keep the head in; its folder must exist, outside the workspace.",
)  # fmt: skip
@click.option("--required", is_flag=True, help="Let no answer leave before this file holds the newest head.")
@gated("journal.witness")
@example("hedgerow journal witness add usb --file /media/usb/hedgerow-head.json --required")
def add(session: Session, screen: Screen, name: str, *, path: Path, required: bool) -> None:
    """Keep the head in a file from now on, under the name NAME.

    It is written at once and after each entry. The file is signed and holds no data: how many entries the
    journal has, one hash over them, and what was spent for each data set and purpose.
    """
    made: dict[str, Any] = session.service.add_witness(name, path, session.directory, required=required)
    rule = "no answer leaves without it" if required else "answers leave without it too"
    screen.result(made, f"Witness {name}: {_state(made)} at {made['place']}; {rule}.")


@witness.command("list")
@gated("journal.head")
@example("hedgerow journal witness list")
def list_(session: Session, screen: Screen) -> None:
    """List the witnesses: what each holds, and its lag."""
    found: list[dict[str, Any]] = session.service.witnesses()
    headings = ["witness", "required", "state", "entries", "behind", "written", "file"]
    rows = [[w["name"], "yes" if w["required"] else "no", w["state"], _or_dash(w["size"]),
             _or_dash(w["lag"]), _or_dash(w["time"]), w["place"]] for w in found]  # fmt: skip
    wrong = [f"{w['problem']}\n  Next: {w['next_step']}" for w in found if w["problem"]]
    screen.result(found, "\n".join([table(headings, rows), *wrong]))


@witness.command()
@click.argument("name")
@gated("journal.witness")
@example("hedgerow journal witness remove usb")
def remove(session: Session, screen: Screen, name: str) -> None:
    """Follow the witness NAME no longer. Its file stays as it is."""
    gone: dict[str, Any] = session.service.remove_witness(name)
    screen.result(gone, f"Witness {name} is not written any more; its file stays: {gone['place']}")


def _state(witness: dict[str, Any]) -> str:
    return str(witness["problem"] or f"holds {witness['size']} entries")


def _or_dash(value: object) -> object:
    return "-" if value is None else value
