"""``release``: a de-identified table leaves."""

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
    from hedgerow.app.service.releasing import ReleaseRequest
    from hedgerow.app.space import Session


class Options(TypedDict):
    """The options of ``release``."""

    purpose: str | None
    quasi: str
    sensitive: str
    keep: str
    k: int
    l_: int | None
    suppress: str
    hierarchies: Path | None
    request_id: str | None
    explain: bool
    out: Path
    force: bool


@click.command()
@click.argument("dataset")
@purpose_option
@click.option(
    "--quasi",
    required=True,
    metavar="A,B,C",
    help="Quasi-identifiers: columns that together could point at a person; they are made coarser.",
)
@click.option(
    "--sensitive",
    default="",
    metavar="A,B",
    help="Sensitive attributes: columns nobody may tie to a person; released as they are.",
)
@click.option(
    "--keep", default="", metavar="A,B", help="Further columns, on your word that they identify nobody."
)
@click.option(
    "--k",
    required=True,
    type=int,
    metavar="K",
    help="Least rows, and people, that must look the same in the quasi-identifiers; for example 5.",
)
@click.option(
    "--l",
    "l_",
    type=int,
    metavar="L",
    help="Least different values of each sensitive attribute among rows that look the same.  [default: any]",
)
@click.option(
    "--suppress", default="0.05", show_default=True, metavar="SHARE",
    help="Largest share of rows that may be dropped, 0 to 1.",
)  # fmt: skip
@click.option(
    "--hierarchies", type=click.Path(path_type=Path), metavar="DIR",
    help="Directory of files COLUMN.csv or NAME_COLUMN.csv that say how to make values coarser, a line for "
    "each (value;level1;...;*); what has no file is worked out.",
)  # fmt: skip
@request_id_option
@explain_option
@out_options("The CSV to write.")
@in_space
@example(
    "hedgerow release visits --purpose research --quasi age,zip,sex \\",
    "    --sensitive diagnosis --k 5 --out visits-k5.csv",
)
def release(session: Session, screen: Screen, dataset: str, **options: Unpack[Options]) -> None:
    """Release a k-anonymous table of DATASET.

    In it each row looks like at least k - 1 others: quasi-identifiers are made coarser (ages become
    ranges) and a few rows are dropped, at the least loss that reaches k. Only people whose lawful basis
    covers the purpose are in it. What cannot be reached is refused and leaves no file. The result is
    de-identified, not anonymous.
    """
    asked = _asked(dataset, options)
    if options["explain"]:
        screen.decision(session.service.explain_release(asked, purpose=options["purpose"]))
        return
    made = session.service.release(
        asked, purpose=options["purpose"], out=options["out"], force=options["force"],
        request_id=options["request_id"],
    )  # fmt: skip
    screen.result(made, _shown(made))


def _asked(dataset: str, options: Options) -> ReleaseRequest:
    from hedgerow.app.hierarchies import hierarchy_files, read_hierarchies
    from hedgerow.app.service.releasing import ReleaseRequest

    quasi, folder = names(options["quasi"]), options["hierarchies"]
    return ReleaseRequest(
        dataset,
        quasi,
        options["k"],
        names(options["sensitive"]),
        names(options["keep"]),
        options["l_"],
        options["suppress"],
        read_hierarchies(folder, quasi) if folder else {},
        {column: path.name for column, path in hierarchy_files(folder, quasi).items()} if folder else {},
    )


def _shown(made: dict[str, Any]) -> str:
    from hedgerow.model.words import many, percent

    risk = made["summary"]
    receipt = f"Receipt: request {made['receipt']['request_id']}, journal entry {made['receipt']['entry']}"
    if not risk:
        return (
            f"Release {made['release']} written to {made['out']}.\n"
            f"Its risk and its certificate are for whoever may see exact risk.\n{receipt}"
        )
    levels = ", ".join(f"{column} level {level}" for column, level in risk["levels"].items())
    statements = "\n".join(f"  {said}" for said in risk["statements"])
    return (
        f"Release {made['release']} written to {made['out']} ({risk['label']}).\n"
        f"k = {risk['k']}: {many(risk['classes'], 'class', 'classes')}, the smallest of "
        f"{many(risk['smallest_class'], 'row')}; "
        f"{percent(risk['suppressed_share'])} of the rows dropped.\n"
        f"Generalised: {levels}\n{statements}\n"
        f"Certificate: {made['certificate']}, signed, with a page to read; both hold exact counts.\n"
        f"{receipt}"
    )
