"""``dataset public``: tables about nobody, which queries may be joined with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def public() -> None:
    """Public tables: about nobody, such as wards and their regions; queries may be joined with them."""


@public.command()
@click.argument("name")
@click.option(
    "--from", "path", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help="A CSV, JSONL or Parquet file of at most 100,000 rows.",
)  # fmt: skip
@click.option("--why", required=True, metavar="TEXT", help="Why everybody may know what is in it.")
@gated("dataset.declare", "name")
@example('hedgerow dataset public add wards --from wards.csv --why "the hospital publishes its wards"')
def add(session: Session, screen: Screen, name: str, *, path: Path, why: str) -> None:
    """Declare the table NAME public. Only the owner may; nothing of it is protected any more.

    A private query may then be joined with it: `SELECT w.region, COUNT(*) FROM visits v JOIN wards w ON
    v.ward = w.code GROUP BY w.region`. Adding it again replaces what it holds. A file with a column that
    names people is refused.
    """
    made: dict[str, Any] = session.service.add_public(name, path, why)
    screen.result(
        made,
        f"{name} is public: {many(made['rows'], 'row')} of {', '.join(c['name'] for c in made['columns'])}; "
        f"version {made['version']}.",
    )


@public.command("list")
@gated("dataset.list")
@example("hedgerow dataset public list")
def list_(session: Session, screen: Screen) -> None:
    """List the public tables, who declared them so, and why."""
    found: list[dict[str, Any]] = session.service.public_tables()
    rows = [
        [
            p["name"],
            p["version"],
            p["rows"],
            ", ".join(c["name"] for c in p["columns"]),
            p["declared_by"],
            p["why"],
        ]
        for p in found
    ]
    screen.result(found, table(["public table", "version", "rows", "columns", "declared by", "why"], rows))


@public.command()
@click.argument("name")
@click.option("--why", required=True, metavar="TEXT", help="Why it is taken back.")
@yes_option
@gated("dataset.declare", "name")
@example('hedgerow dataset public drop wards --why "the wards were renamed" --yes')
def drop(session: Session, screen: Screen, name: str, *, why: str, yes: bool) -> None:
    """Take the public table NAME back.

    Answers that were given stay; asking for one of them again by its request id is refused then.
    """
    if not yes:
        screen.say(f"This takes the public table {name} back; no query is joined with it any more.")
        raise CallerError("confirm.needed")
    gone = session.service.drop_public(name, why)
    screen.result(gone, f"{name} is public no more; journal entry {gone['entry']}.")
