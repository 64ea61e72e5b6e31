"""``dataset index``: columns that people can be found by without opening anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session

_KINDS = ("email", "phone", "national-id")


def _act(options: Any) -> str:  # noqa: ANN401 - whatever click gives
    return "dataset.list" if options.get("is_list") else "dataset.index"


@click.command()
@click.argument("name")
@click.option("--column", metavar="COL", help="A direct identifier in the vault.")
@click.option("--kind", type=click.Choice(_KINDS), help="Make an index: what the column holds.")
@click.option("--country", default="", metavar="CODE", help="Country code of phone numbers without one.")
@click.option(
    "--scheme", default="", metavar="SCHEME",
    help="Scheme of national ids, such as uk-nhs: only those whose check digit holds are indexed.",
)  # fmt: skip
@click.option("--rotate", "is_rotate", is_flag=True, help="Build it anew under a new key.")
@click.option("--drop", "is_drop", is_flag=True, help="Take it away; wants --yes.")
@click.option("--list", "is_list", is_flag=True, help="List the indexes of NAME.")
@yes_option
@gated(_act, "name")
@example(
    "hedgerow dataset index visits --column email --kind email",
    "hedgerow dataset index visits --column phone --kind phone --country 47",
    "hedgerow dataset index visits --list",
    "hedgerow dataset index visits --column email --rotate",
    "hedgerow dataset index visits --column email --drop --yes",
)
def index(  # noqa: PLR0913 - an argument for each option
    session: Session, screen: Screen, name: str, *, column: str | None, kind: str | None, country: str,
    scheme: str, is_rotate: bool, is_drop: bool, is_list: bool, yes: bool,
) -> None:  # fmt: skip
    """Let people be found by e-mail, phone or national id.

    For each value a keyed term is kept, which tells nothing without the index key but which people have
    equal values. `hedgerow subject find` searches by it. Others work on while an index is built; if it is
    cut off, the same command goes on where it stopped. Columns with few different values are refused.
    """
    if sum((kind is not None, is_rotate, is_drop, is_list)) != 1 or (column is None and not is_list):
        raise CallerError("index.which")
    service, named = session.service, column or ""

    def told(seen: int, total: int) -> None:
        screen.progress(f"indexing people: {seen:,} of {total:,}")

    if is_list:
        found = service.indexes(name)
        rows = [[f["column"], f["version"], f["normaliser"], f["state"], f["terms"]] for f in found]
        screen.result(found, table(["column", "version", "form", "state", "terms"], rows))
    elif is_drop:
        _drop(session, screen, name, named, yes=yes)
    elif is_rotate:
        _made(screen, service.rotate_index(name, named, progress=told))
    else:
        _made(
            screen,
            service.make_index(
                name, named, str(kind), country=country.removeprefix("+"), scheme=scheme, progress=told
            ),
        )


def _drop(session: Session, screen: Screen, name: str, column: str, *, yes: bool) -> None:
    if not yes:
        screen.say(f"This takes the index of {column} in {name} away; nobody is found by it any more.")
        raise CallerError("confirm.needed")
    gone = session.service.drop_index(name, column)
    screen.result(gone, f"The index of {column} in {name} is gone; journal entry {gone['entry']}.")


def _made(screen: Screen, made: dict[str, Any]) -> None:
    screen.result(
        made,
        f"People of {made['dataset']} can be found by {made['column']} (version {made['version']}):\n"
        f"  hedgerow subject find {made['dataset']} --column {made['column']}",
    )
