"""``audit safe-harbor``: a file held against the identifiers of 45 CFR 164.514(b)(2)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import click

from hedgerow.cli.common import example, json_option, names, out_options
from hedgerow.cli.screen import Screen, table

if TYPE_CHECKING:
    from hedgerow.model.safe_harbor import SafeHarbor

_PATH = click.Path(path_type=Path)
_FINDINGS = 9


class Options(TypedDict):
    """The options of ``audit safe-harbor``."""

    column: tuple[str, ...]
    areas: Path | None
    small_areas: str | None
    as_of: int | None
    out: Path | None
    force: bool
    fail_on_findings: bool


@click.command("safe-harbor")
@click.argument("file", type=_PATH)
@click.option(
    "--column", multiple=True, metavar="COLUMN=CATEGORY",
    help="What a column holds, in place of what is found: a category as discover names it, other for none of "
    "the identifiers, state for States and larger places.",
)  # fmt: skip
@click.option(
    "--areas", type=_PATH, metavar="FILE",
    help="A CSV of the first three digits of zip codes and how many people live there.",
)  # fmt: skip
@click.option(
    "--small-areas", metavar="A,B", help="Instead, the three digits of areas of at most 20,000 people."
)
@click.option("--as-of", type=int, metavar="YEAR", help="The year the table leaves, by which ages are told.")
@out_options("The CSV to write, without the identifiers; nothing is written without it.", required=False)
@click.option("--fail-on-findings", is_flag=True, help="End with exit code 9 when an identifier is found.")
@json_option
@example(
    "hedgerow audit safe-harbor visits.csv",
    "hedgerow audit safe-harbor visits.csv --small-areas 036,059 --as-of 2026 --out visits-clean.csv",
)
def safe_harbor(file: Path, *, as_json: bool, **options: Unpack[Options]) -> int:
    """Hold FILE against the Safe Harbor rule, 45 CFR 164.514(b)(2).

    The rule names eighteen identifiers. Columns are told by what is found in them, by their names and by
    their values; free text is dropped and not read. Needs no workspace and shows no value. What the rule
    asks besides, that nobody who releases it knows how it could identify a person, no program can tell.
    """
    from hedgerow.app.harbor import HarborRequest, hold_against_safe_harbor

    small = options["small_areas"]
    made = hold_against_safe_harbor(
        HarborRequest(
            file, _columns(options["column"]), options["areas"], None if small is None else names(small),
            options["as_of"], options["out"], force=options["force"],
        )
    )  # fmt: skip
    Screen(as_json=as_json).result(_plain(made, options["out"]), _shown(made, options["out"]))
    return _FINDINGS if options["fail_on_findings"] and made.findings else 0


def _columns(given: tuple[str, ...]) -> dict[str, str]:
    from hedgerow.model.errors import CallerError

    known: dict[str, str] = {}
    for text in given:
        column, sign, category = text.rpartition("=")
        if not sign or not column:
            raise CallerError("harbor.bad-column", text=text)
        known[column] = category.strip()
    return known


def _plain(made: SafeHarbor[Any], out: Path | None) -> dict[str, Any]:
    return {
        "findings": [
            {
                "column": each.column, "letter": each.letter, "identifier": each.identifier,
                "treatment": each.treatment, "reason": each.reason,
            }
            for each in made.findings
        ],
        "kept": list(made.kept),
        "statements": list(made.statements),
        "out": None if out is None else str(out),
    }  # fmt: skip


def _shown(made: SafeHarbor[Any], out: Path | None) -> str:
    from hedgerow.model.words import many

    rows = [
        [each.column, f"({each.letter}) {each.identifier}", each.treatment, each.reason]
        for each in made.findings
    ]
    lines = [table(["column", "identifier", "left", "why"], rows)] if rows else []
    lines += [
        f"{many(len(rows), 'column')} with an identifier; kept as they are: {', '.join(made.kept) or 'none'}"
    ]
    lines += [f"  {said}" for said in made.statements]
    return "\n".join([*lines, *([] if out is None else [f"Written without them to {out}."])])
