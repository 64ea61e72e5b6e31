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
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.app.service.releasing import ReleaseRequest
    from hedgerow.app.space import Session


class Options(TypedDict):
    """The options of ``release``."""

    purpose: str | None
    quasi: str
    sensitive: str
    keep: str
    k: int | None
    l_: int | None
    suppress: str
    hierarchies: Path | None
    model: tuple[str, ...]
    population: str | None
    weight: tuple[str, ...]
    method: str
    where: str | None
    transform: tuple[str, ...]
    hierarchy: tuple[str, ...]
    candidates: bool
    request_id: str | None
    explain: bool
    out: Path | None
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
    type=int,
    metavar="K",
    help="Least rows, and people, that must look the same in the quasi-identifiers; for example 5. Needed "
    "but for --candidates.",
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
@click.option(
    "--model", multiple=True, metavar="MODEL",
    help="What must hold besides k, any number of times, such as 'entropy-l(diagnosis)=3', "
    "'t(diagnosis)=0.2,ordered', 'beta(diagnosis)=2,enhanced', 'k-map=5', 'average-risk=0.2'; what "
    "cannot be met is refused.",
)  # fmt: skip
@click.option(
    "--population", metavar="FILE|PEOPLE",
    help="The population that the people are a part of, for the models that need it: a CSV with everybody's "
    "quasi-identifiers, a number of people, or a region such as usa.",
)  # fmt: skip
@click.option(
    "--weight", multiple=True, metavar="COLUMN=W",
    help="What detail of a quasi-identifier is worth, any number of times: 2 counts its loss twice, 0 not.  "
    "[default: 1]",
)  # fmt: skip
@click.option(
    "--method", type=click.Choice(["exact", "local", "auto", "cells"]), default="exact", show_default=True,
    help="exact: one level per column, at the least loss there is; local: levels of its own for each class, "
    "which keeps more; auto: whichever serves better, and why; cells: single cells become * and nothing else "
    "is made coarser.",
)  # fmt: skip
@click.option(
    "--transform", multiple=True, metavar="TRANSFORM",
    help="What is done to the rows besides, any number of times, in this order: 'top(age)=90', "
    "'bottom(age)=18', 'microaggregate(income)=5', 'sample=0.5'.",
)  # fmt: skip
@click.option(
    "--hierarchy", multiple=True, metavar="COLUMN=HOW",
    help="How a column's values become coarser, any number of times: 'age=intervals(0,110;5,10,20,40)', "
    "'visit_date=calendar(month,year)', 'zip=redaction(right)', "
    "'education=order(school,college,bachelor,master;2,2)' or age=FILE.csv; it goes before --hierarchies.",
)  # fmt: skip
@click.option(
    "--where", metavar="CONDITION",
    help="Only people all of whose rows meet it, such as \"age >= 18 AND ward = 'A'\": columns and "
    "constants, as in a query. It stands in the certificate; a sensitive column picks no rows.",
)  # fmt: skip
@click.option(
    "--candidates", is_flag=True,
    help="Make nothing: tell what releases of several k and limits would lose and risk, to choose from.  "
    "Needs the right to see exact risk.",
)  # fmt: skip
@request_id_option
@explain_option
@out_options("The CSV to write; needed but for --candidates and --explain.", required=False)
@in_space
@example(
    "hedgerow release visits --purpose research --quasi age,zip,sex \\",
    "    --sensitive diagnosis --k 5 --out visits-k5.csv",
    "hedgerow release visits --purpose research --quasi age,zip --sensitive diagnosis --k 5 \\",
    "    --model 'entropy-l(diagnosis)=2' --model 't(diagnosis)=0.5' --out visits-l2.csv",
    "hedgerow release visits --purpose research --quasi age,zip --sensitive diagnosis --k 5 \\",
    "    --hierarchy 'age=intervals(0,110;5,10,20,40)' --transform 'top(age)=90' --out visits-top.csv",
)
def release(session: Session, screen: Screen, dataset: str, **options: Unpack[Options]) -> None:
    """Release a k-anonymous table of DATASET.

    In it each row looks like at least k - 1 others: quasi-identifiers are made coarser (ages become
    ranges) and a few rows are dropped, at the least loss that reaches k. Only people whose lawful basis
    covers the purpose are in it. What cannot be reached is refused and leaves no file. The result is
    de-identified, not anonymous.
    """
    if options["k"] is None and not options["candidates"]:
        raise click.UsageError("--k is missing.")
    if options["candidates"] and options["out"] is not None:
        raise click.UsageError("--candidates writes nothing: leave --out away.")
    asked = _asked(dataset, options)
    if options["explain"]:
        screen.decision(session.service.explain_release(asked, purpose=options["purpose"]))
        return
    if options["candidates"]:
        curve = session.service.release_candidates(asked, purpose=options["purpose"])
        screen.result(curve, _curve(curve["candidates"]))
        return
    if options["out"] is None:
        raise click.UsageError("--out is missing.")
    made = session.service.release(
        asked, purpose=options["purpose"], out=options["out"], force=options["force"],
        request_id=options["request_id"],
    )  # fmt: skip
    screen.result(made, _shown(made))


def _asked(dataset: str, options: Options) -> ReleaseRequest:
    from hedgerow.app.hierarchies import chosen_hierarchies, hierarchy_files, read_hierarchies
    from hedgerow.app.populations import read_population
    from hedgerow.app.service.releasing import ReleaseRequest
    from hedgerow.model.criteria import TCloseness, parse_models
    from hedgerow.model.transforms import parse_transforms

    models, folder = parse_models(options["model"]), options["hierarchies"]
    quasi = names(options["quasi"])
    climbing = {each.column for each in models if isinstance(each, TCloseness)}
    columns = (*quasi, *(name for name in names(options["sensitive"]) if name in climbing))
    given = options["population"]
    chosen = chosen_hierarchies(options["hierarchy"])
    return ReleaseRequest(
        dataset,
        quasi,
        2 if options["k"] is None else options["k"],  # --candidates tries several, and reads none
        names(options["sensitive"]),
        names(options["keep"]),
        options["l_"],
        options["suppress"],
        {**(read_hierarchies(folder, columns) if folder else {}), **chosen.rows},
        {**(_named(hierarchy_files(folder, columns)) if folder else {}), **chosen.files},
        tuple(map(str, models)),
        None if given is None else read_population(given, quasi),
        _weights(options["weight"]),
        options["method"],
        options["where"],
        tuple(map(str, parse_transforms(options["transform"]))),
        chosen.choices,
    )


def _named(files: dict[str, Path]) -> dict[str, str]:
    return {column: path.name for column, path in files.items()}


def _weights(given: tuple[str, ...]) -> dict[str, str]:
    from hedgerow.model.errors import CallerError

    weights: dict[str, str] = {}
    for text in given:
        column, sign, number = text.rpartition("=")
        if not sign or not column or column in weights:
            raise CallerError("anonymity.bad-weight", column=column or text)
        weights[column] = number.strip()
    return weights


def _curve(found: Any) -> str:  # noqa: ANN401 - a list as it came out of JSON
    levels = found[0]["levels"] if found else {}
    heads = ["k", "at most dropped", "dropped", "classes", "highest risk", "average risk", "loss", *levels]
    rows = [
        [
            each["k"], each["suppression_limit"], each["suppressed_share"], each["classes"], each["max_risk"],
            each["average_risk"], each["loss"],
            *(level.replace(" of ", "/") for level in each["levels"].values()),
        ]
        for each in found
    ]  # fmt: skip
    return table(heads, rows) + (
        "\nUnder each quasi-identifier stands its level: 0 is as collected."
        "\nNothing left. The loss is 0 for nothing lost and 1 for all."
    )


def _shown(made: dict[str, Any]) -> str:
    from hedgerow.cli.released_figures import classes, generalised

    risk = made["summary"]
    receipt = f"Receipt: request {made['receipt']['request_id']}, journal entry {made['receipt']['entry']}"
    if not risk:
        return (
            f"Release {made['release']} written to {made['out']}.\n"
            f"Its risk and its certificate are for whoever may see exact risk.\n{receipt}"
        )
    lines = [classes(risk), *generalised(risk), *(f"  {said}" for said in risk["statements"])]
    return (
        f"Release {made['release']} written to {made['out']} ({risk['label']}).\n"
        + "\n".join(lines)
        + f"\nCertificate: {made['certificate']}, signed, with a page to read; both hold exact counts.\n"
        f"{receipt}"
    )
