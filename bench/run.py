"""Measure everything and print one table.

Run ``make bench``, or ``python bench/run.py [--quick] [--json FILE] [NAME...]``. Each bench runs in a process
of its own, and what a peer does is measured in the same run. Progress goes to standard error; nothing is
left behind.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import traceback
from pathlib import Path

from frame import Row, Sizes, Stopwatch, apart, as_json, load, say, table

BENCHES = (
    "startup", "gate", "collect", "query", "anonymity", "audit", "tokens", "places", "discover", "journal",
    "keys", "finding", "local", "accounting", "train", "synthetic", "spark",
)  # fmt: skip
# What is measured with a bench, in a file of its own.
MORE = {"keys": ("keys_postgres",), "anonymity": ("recoding", "measures")}


def measured(name: str, sizes: Sizes) -> list[Row]:
    """Run one bench; one that fails is a missed target and does not take the others with it."""
    try:
        return list(importlib.import_module(f"{name}_bench").rows(sizes))
    except Exception as error:  # noqa: BLE001 - whatever it was, the table says so
        traceback.print_exc()
        return [Row(name, f"failed: {type(error).__name__}, see standard error", target="runs", is_met=False)]


def main() -> int:
    """Run what was asked for.

    Returns:
        1 when a target was missed, else 0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHES, []], metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--quick", action="store_true", help="a tenth of every size")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    sizes, rows, watch = Sizes(options.quick), [], Stopwatch()
    for name in options.names or BENCHES:
        say(f"{name} ({load()})")
        for part in (name, *MORE.get(name, ())):
            rows += apart(measured, part, sizes)
    whole = watch.stop().wall_s
    print(table(rows))
    size = "a tenth of every size" if options.quick else "full size"
    print(
        f"\n{size}; {whole:.0f} s in all; {load()}; Python {platform.python_version()}, {platform.machine()}"
    )
    if options.json:
        options.json.write_text(
            json.dumps({"quick": options.quick, "rows": [as_json(r) for r in rows]}, indent=1)
        )
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
