"""Next steps as they are written in Python, where the table tells those of the command line."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise

# A command stays a command: what stands in backticks, and a line from `hedgerow` to its end.
_OPTION = re.compile(
    r"(`[^`]*`|\bhedgerow [a-z].*$)"
    r"|--([a-z][a-z0-9-]*)(?: (?=[0-9A-Z])([\w.\-]+\w|\w)|(?<=keep|drop) ([\w,.]*\w))?"
)

# Without a workspace there is no data set to show and no command to type.
WITHOUT_SPACE = {
    "anonymity.unreachable": "Lower k or l, ask less of the models, allow more suppression, name fewer "
    "quasi-identifiers, or allow coarser levels; hedgerow.anonymity.release_candidates tells what can be "
    "reached.",
    "budget.bad-delta": "Give a chance far below 1 over the number of people, such as '1e-6'.",
    "dp.bad-declaration": "Nothing was spent. Correct it: hedgerow.dp.declare({arguments})",
    "engine.failed": "Take the price off the budget by hand, as if the query had been answered; try again "
    "with fewer columns or groups, or with more memory.",
    "dp.unknown-column": "Nothing was spent. Write a column that the frame has, with its capitals.",
}


def arguments_of(command: str) -> str:
    """Write a command that declares as the arguments of ``hedgerow.dp.declare``.

    Args:
        command: Such as ``hedgerow dataset declare visits --bounds age=LOWER:UPPER``.
    """
    words = shlex.split(command)
    plain: list[str] = []
    columns: dict[str, list[str]] = {"bounds": [], "keys": []}
    for option, value in pairwise(words):
        name = option.removeprefix("--").replace("-", "_")
        if name in columns:
            column, _, wanted = value.rpartition("=")
            shown = f"({wanted.replace(':', ', ')})" if name == "bounds" else f"[{wanted.replace(',', ', ')}]"
            columns[name].append(f"{column!r}: {shown}")
        elif option.startswith("--") and name != "unit":
            plain.append(f"{name}={value}")
    listed = (f"{name}={{{', '.join(each)}}}" for name, each in columns.items() if each)
    return ", ".join([*plain, *listed]) or "unit='person'"


def worded(text: str) -> str:
    """Write options of the command line as arguments, apart from those of a command.

    Args:
        text: A message or next step, such as ``"Leave --tune out."``.
    """
    return _OPTION.sub(_argument, text)


def _argument(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    name = found[2].replace("-", "_")
    value = found[3] or found[4]
    return f"{name}={value}" if value else name
