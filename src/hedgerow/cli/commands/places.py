"""``places``: who was where and when, released so that no few points single anyone out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import (
    example,
    explain_option,
    in_space,
    names,
    out_options,
    purpose_option,
    request_id_option,
)
from hedgerow.cli.screen import Screen

if TYPE_CHECKING:
    from hedgerow.app.service.travelling import TrajectoryRequest
    from hedgerow.app.space import Session


class Options(TypedDict):
    """The options of ``places``."""

    purpose: str | None
    place: str
    time: str
    k: int
    known: int
    dropped: str
    finest_m: str
    habits: bool
    zone: str | None
    hierarchies: Path | None
    request_id: str | None
    explain: bool
    out: Path
    force: bool


@click.command()
@click.argument("dataset")
@purpose_option
@click.option(
    "--place", required=True, metavar="A[,B]",
    help="Column of places, or those of latitude and longitude in degrees.",
)  # fmt: skip
@click.option("--time", required=True, metavar="T", help="Column of times or dates.")
@click.option(
    "--k", required=True, type=int, metavar="K",
    help="Least people whom any known points fit; for example 5.",
)  # fmt: skip
@click.option(
    "--known", type=int, default=4, show_default=True, metavar="N",
    help="Points that somebody may know of a person, 1 to 4.",
)  # fmt: skip
@click.option(
    "--dropped", default="0.1", show_default=True, metavar="SHARE",
    help="Largest share of rows that may be dropped, 0 to 1.",
)  # fmt: skip
@click.option(
    "--finest-m", default="250", show_default=True, metavar="METRES",
    help="Edge of the finest cells that coordinates become.",
)  # fmt: skip
@click.option("--habits", is_flag=True, help="Keep weekdays and times of day, and no dates.")
@click.option("--zone", metavar="ZONE", help="Time zone people live by, for times that carry a zone.")
@click.option(
    "--hierarchies", type=click.Path(path_type=Path), metavar="DIR",
    help="Directory of a file PLACE.csv that says how to make places coarser, a line for each "
    "(value;level1;...;*); without it a place is told or *.",
)  # fmt: skip
@request_id_option
@explain_option
@out_options("The CSV to write.")
@in_space
@example(
    "hedgerow places visits --purpose research --place ward --time seen \\",
    "    --k 5 --out paths.csv",
)
def places(session: Session, screen: Screen, dataset: str, **options: Unpack[Options]) -> None:
    """Release who of DATASET was where and when.

    Places and times are made coarser, and a few rows are dropped, until any points that somebody may know
    of a person fit at least k people: counted, not estimated. Persons are numbered at random, and each
    point of theirs stands once. What cannot be reached is refused and leaves no file. The result is
    pseudonymised, not anonymous.
    """
    asked = _asked(dataset, options)
    if options["explain"]:
        screen.decision(session.service.explain_trajectories(asked, purpose=options["purpose"]))
        return
    made = session.service.trajectories(
        asked, purpose=options["purpose"], out=options["out"], force=options["force"],
        request_id=options["request_id"],
    )  # fmt: skip
    screen.result(made, _shown(made))


def _asked(dataset: str, options: Options) -> TrajectoryRequest:
    from hedgerow.app.hierarchies import hierarchy_files, read_hierarchies
    from hedgerow.app.service.travelling import TrajectoryRequest

    place, folder = names(options["place"]), options["hierarchies"]
    read = read_hierarchies(folder, place) if folder else {}
    files = hierarchy_files(folder, place) if folder else {}
    return TrajectoryRequest(
        dataset,
        place,
        options["time"],
        options["k"],
        options["known"],
        options["dropped"],
        options["finest_m"],
        "habits" if options["habits"] else "calendar",
        options["zone"],
        read.get(place[0]) if place else None,
        files[place[0]].name if place and place[0] in files else "",
    )


def _shown(made: dict[str, Any]) -> str:
    from hedgerow.model.words import many, percent

    told = made["summary"]
    receipt = f"Receipt: request {made['receipt']['request_id']}, journal entry {made['receipt']['entry']}"
    if not told:
        return (
            f"Release {made['release']} written to {made['out']}.\n"
            f"Its risk and its certificate are for whoever may see exact risk.\n{receipt}"
        )
    statements = "\n".join(f"  {said}" for said in told["statements"])
    return (
        f"Release {made['release']} written to {made['out']} ({told['label']}).\n"
        f"k = {told['k']} for {many(told['known_points'], 'known point')}: {many(told['rows'], 'row')} of "
        f"{many(told['people'], 'person', 'people')}; {percent(told['dropped_share'])} of the rows dropped.\n"
        f"{statements}\n"
        f"Certificate: {made['certificate']}, signed, with a page to read; both hold exact counts.\n{receipt}"
    )
