"""``discover``: find personal data in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hedgerow.cli.common import json_option
from hedgerow.cli.screen import Screen, table


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--fail-on", type=click.Choice(["direct-identifier"]), help="Exit 9 when one is found.")
@json_option
def discover(path: Path, *, fail_on: str | None, as_json: bool) -> int:
    """Find personal data in the columns of PATH, a CSV, JSONL or Parquet file or a directory of them.

    Needs no workspace and writes nothing. Samples are masked.
    """
    from hedgerow.app.service.collecting import discover as found_in

    found: dict[str, Any] = found_in(path)
    screen = Screen(as_json=as_json)
    screen.result(found, "\n\n".join(_shown(file) for file in found["files"]))
    roles = {column["role"] for file in found["files"] for column in file.get("columns", ())}
    return 9 if fail_on in roles else 0


def _shown(file: dict[str, Any]) -> str:
    if "error" in file:
        return f"{file['file']}: {file['error']}\n  Next: {file['next_step']}"
    rows = [
        [c["column"], c["role"], c["category"], f"{c['confidence']:.2f}", "yes" if c["needs_review"] else "",
         " ".join(c["evidence"][:2])]
        for c in file["columns"]
    ]  # fmt: skip
    told = f"{file['file']}: {file['rows']} rows ({file['format']}{_delimiter(file)})"
    broken = (
        f"\n{len(file['broken'])} broken rows, first on line {file['broken'][0]['line']}"
        if file["broken"]
        else ""
    )
    return (
        told + broken + "\n" + table(["column", "role", "category", "confidence", "review", "masked"], rows)
    )


def _delimiter(file: dict[str, Any]) -> str:
    shown = {"\t": "tab"}.get(file["delimiter"], file["delimiter"])
    return f", delimiter {shown}" if shown else ""
