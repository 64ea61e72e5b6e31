"""``dataset``: what there is and what was declared of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def dataset() -> None:
    """Data sets: what there is, and what their owner declared of them."""


@dataset.command("list")
@gated("dataset.list")
def list_(session: Session, screen: Screen) -> None:
    """List the data sets and their purposes."""
    found = session.service.datasets()
    rows = [[d["name"], d["version"], d["purposes"]] for d in found]
    screen.result(found, table(["data set", "version", "purposes"], rows))


@dataset.command()
@click.argument("name")
@gated("dataset.list")
def show(session: Session, screen: Screen, name: str) -> None:
    """Show the columns, bases and declaration of NAME. Never a value or a count."""
    found: dict[str, Any] = session.service.dataset(name)
    declared = found["declaration"]["columns"]
    rows = [
        [c["name"], "vault" if c["in_vault"] else "table", c["type"], c["role"], c["category"],
         *_declared(declared.get(c["name"]))]
        for c in found["columns"]
    ]  # fmt: skip
    bases = ", ".join(f"{purpose} ({basis})" for purpose, basis in found["bases"].items())
    told = f"{name}, version {found['version']}; subject key {found['subject_key']}; purposes: {bases}"
    limit = found["declaration"]["max_rows"]
    bound = (
        f"at most {limit} rows of one {found['declaration']['unit']} count"
        if limit
        else "nothing declared yet"
    )
    headings = ["column", "in", "type", "role", "category", "bounds", "keys"]
    screen.result(found, f"{told}\n{bound}\n{table(headings, rows)}")


def _declared(entry: dict[str, Any] | None) -> list[str]:
    bounds, keys = (entry or {}).get("bounds"), (entry or {}).get("keys")
    return [":".join(bounds) if bounds else "", ",".join(str(key) for key in keys) if keys else ""]


@dataset.command()
@click.argument("name")
@click.option("--unit", default="person", show_default=True, help="The privacy unit.")
@click.option("--max-rows", type=int, metavar="N", help="Rows of one person that count at most.")
@click.option(
    "--bounds", multiple=True, metavar="COL=LOWER:UPPER", help="Values are clamped to these (repeatable)."
)
@click.option(
    "--keys", multiple=True, metavar="COL=A,B,C",
    help="The groups there are; COL=@FILE reads one key a line (repeatable).",
)  # fmt: skip
@gated("dataset.declare", "name")
@example("hedgerow dataset declare visits --max-rows 5 --bounds age=0:120 --keys ward=A,B,C")
def declare(
    session: Session, screen: Screen, name: str, *, unit: str, max_rows: int | None,
    bounds: tuple[str, ...], keys: tuple[str, ...],
) -> None:  # fmt: skip
    """Declare bounds and keys of NAME. Only the owner may, and never from its values.

    A private query needs --max-rows, the bounds of each column it sums, and the keys of each column it
    groups by. What was declared before and is not named stays.
    """
    from hedgerow.app.declaring import Asked, parse_keys, parse_pair
    from hedgerow.model.errors import CallerError

    asked = Asked(
        unit,
        max_rows,
        dict(parse_pair(text, "--bounds") for text in bounds),
        {column: parse_keys(rest) for column, rest in (parse_pair(text, "--keys") for text in keys)},
    )
    if asked.is_empty:
        raise CallerError("declare.nothing")
    made = session.service.declare(name, asked)
    screen.result(made, f"Declared; version {made['version']} of the declaration of {name} is in force.")
