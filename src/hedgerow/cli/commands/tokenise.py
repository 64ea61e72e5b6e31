"""``tokenise``: rows that leave with tokens in place of values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import (
    example,
    explain_option,
    in_space,
    out_options,
    purpose_option,
    request_id_option,
)
from hedgerow.cli.screen import Screen
from hedgerow.model.words import Basis

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.command()
@click.argument("source", metavar="FILE|DATASET")
@click.option(
    "--rules",
    required=True,
    type=click.Path(path_type=Path),
    metavar="RULES",
    help="TOML file with a rule for each column: keep, drop, pseudonym, token, random, lookup, ...",
)
@purpose_option
@click.option(
    "--recipient",
    default="",
    metavar="NAME",
    help="To whom it goes; columns with the policy `deterministic` have the same tokens in each release to "
    "this recipient.",
)
@click.option("--dataset", metavar="NAME", help="Whose people FILE is about.  [default: of FILE's own name]")
@click.option(
    "--basis",
    type=click.Choice([basis.value for basis in Basis]),
    metavar="BASIS",
    help="The lawful basis of people in FILE who are not known yet: consent, contract, legal-obligation, "
    "vital-interest, public-task or legitimate-interest. They are enrolled, so that they can be erased.",
)
@request_id_option
@explain_option
@out_options("The CSV to write.")
@in_space
@example(
    "hedgerow tokenise patients.csv --rules rules.toml --purpose research \\",
    "    --basis public-task --out patients-tokens.csv",
)
def tokenise(  # noqa: PLR0913 - the options of the command
    session: Session,
    screen: Screen,
    *,
    source: str,
    rules: Path,
    purpose: str | None,
    recipient: str,
    dataset: str | None,
    basis: str | None,
    request_id: str | None,
    explain: bool,
    out: Path,
    force: bool,
) -> None:
    """Release the rows of a data set, or of a FILE about its people, with tokens in place of values.

    A rules file says for each column what becomes of it; a column that no rule names is refused. Only
    rows of people whose lawful basis covers the purpose leave: whoever withdrew, or was erased, is left
    out. Tokens are of this release alone, so that two releases cannot be joined by them. The result is
    pseudonymised, not anonymous.
    """
    from hedgerow.app.service.tokenising import TokenRequest

    asked = TokenRequest(source, rules, recipient, dataset, Basis(basis) if basis else None)
    if explain:
        screen.decision(session.service.explain_tokens(asked, purpose=purpose))
        return
    made = session.service.tokenise(
        asked, purpose=purpose, out=out, force=force, request_id=request_id, progress=screen.progress
    )
    screen.result(made, _shown(made))


def _shown(made: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    summary = made["summary"]
    lines = [f"Release {made['release']} of {made['dataset']} written to {made['out']} ({made['label']})."]
    if "rows" in summary:
        left_out = summary["rows_left_out"]
        beside = (
            f"; {many(left_out, 'row')} left out: nobody's, or of people whom no basis covers"
            if left_out
            else ""
        )
        lines.append(
            f"{many(summary['rows'], 'row')} of {many(summary['people'], 'person', 'people')}{beside}."
        )
        lines += [f"  {said}" for said in summary["statements"]]
    lines.append(f"  {summary['limits']}")
    if made["certificate"]:
        lines.append(
            f"Certificate: {made['certificate']}, signed, with a page to read; both hold exact counts."
        )
    receipt = made["receipt"]
    lines.append(f"Receipt: request {receipt['request_id']}, journal entry {receipt['entry']}")
    return "\n".join(lines)
