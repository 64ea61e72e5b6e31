"""``discover``: find personal data in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hedgerow.cli.common import example, json_option
from hedgerow.cli.screen import Screen, table


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice(["direct-identifier"]),
    help="End with exit code 9 when such a column is found.",
)
@json_option
@example("hedgerow discover visits.csv", "hedgerow discover exports/ --fail-on direct-identifier")
def discover(path: Path, *, fail_on: str | None, as_json: bool) -> int:
    """Find personal data in the columns of PATH, a CSV, JSONL or Parquet file or a directory of them.

    Needs no workspace and writes nothing. Sample values are masked. A direct identifier points at one
    person alone, quasi-identifiers do so together, a sensitive attribute is what must stay unknown.
    """
    from hedgerow.app.service.collecting import discover as found_in

    found: dict[str, Any] = found_in(path)
    screen = Screen(as_json=as_json)
    screen.result(found, "\n\n".join(_shown(file) for file in found["files"]))
    roles = {column["role"] for file in found["files"] for column in file.get("columns", ())}
    return 9 if fail_on in roles else 0


def _shown(file: dict[str, Any]) -> str:
    from hedgerow.model.words import many

    if "error" in file:
        return f"{file['file']}: {file['error']}\n  Next: {file['next_step']}"
    rows = [
        [c["column"], c["role"], c["category"], f"{c['confidence']:.2f}", "yes" if c["needs_review"] else "",
         " ".join(c["evidence"][:2])]
        for c in file["columns"]
    ]  # fmt: skip
    told = f"{file['file']}: {many(file['rows'], 'row')} ({file['format']}{_delimiter(file)})"
    broken = (
        f"\n{many(len(file['broken']), 'broken row')}, first on line {file['broken'][0]['line']}"
        if file["broken"]
        else ""
    )
    return (
        told + broken + "\n" + table(["column", "role", "category", "confidence", "review", "masked"], rows)
    )


def _delimiter(file: dict[str, Any]) -> str:
    shown = {"\t": "tab"}.get(file["delimiter"], file["delimiter"])
    return f", delimiter {shown}" if shown else ""
