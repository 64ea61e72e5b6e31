"""Write docs/errors.md from the table of errors, so that the page cannot differ from the program."""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "errors.md"

sys.path.insert(0, str(ROOT / "src"))

from hedgerow.model import errors  # noqa: E402 - the path must be known first

_HEAD = """# Errors

Every error has a stable code, one line that says what is the matter, and the next step. On the command
line both are on standard error; with `--json` the same is one problem object (RFC 9457) on standard
output. `tools/write_errors.py` writes this page from the program's own table.

| Whose turn | What it means | Exit codes |
|---|---|---|
| Refused | A policy, a purpose, a lawful basis, a budget or a bound says no. A normal outcome; most are \
journaled and stand in the report. | 3; 5 when a budget is exhausted |
| Error | The call cannot be understood or does not fit what is there. Nothing was done. | 2; 4 without the \
right passphrase; 130 when interrupted |
| Fault | The workspace, its files or the machine failed. | 1; 6 when something was damaged or altered |

Exit code 0 is success, 9 is findings (`discover --fail-on`, `doctor`). Words in *italics* stand for names you
gave. No error holds a value of a person.
"""
_WHOSE = {"refused": "Refused", "caller": "Error", "fault": "Fault"}

# What the line alone does not tell.
_MEANINGS = {
    "anonymity.unreachable": "The search tried every level of the hierarchies; no file was written and the "
    "release was not recorded as one.",
    "anonymity.recount": "The table is counted a second time by other code before it leaves.",
    "basis.missing": "Data may serve only the purposes it was collected for, each on its own lawful basis.",
    "basis.withdrawn": "The person withdrew consent, never gave it, or the purpose has no basis for "
    "this person.",
    "budget.exhausted": "Each answer costs some of the budget; what was spent never comes back.",
    "budget.population-exhausted": "Every data set of a workspace also spends from one cap for all "
    "its people.",
    "budget.unallocated": "Without an allocation nothing may be asked; there is no default budget.",
    "collect.not-minimal": "Only what a purpose needs is collected, so each kept column has to be named.",
    "collect.taken-before": "The content of the file is known by its hash, whatever its name is now.",
    "confirm.needed": "The command showed its plan and did nothing.",
    "dp.undeclared": "A private answer needs to know, before it looks, how much one person can change it.",
    "envelope.unreadable": "Every sealed value names what it belongs to; moved or altered it does not open.",
    "interrupted": "Writes are whole or not at all. A query that was interrupted after its cost was reserved "
    "stays paid: its request id then answers `request.spent`.",
    "journal.altered": "The number is the first entry that differs; those before it are as they were signed.",
    "journal.forked": "The log went another way after the head was saved: history was rewritten and "
    "signed anew.",
    "journal.other-log": "The head file comes from another workspace.",
    "journal.resigned": "Entries may be the same, but another key signed them.",
    "journal.truncated": "The newest entries are missing.",
    "keys.passphrase-unused": "A sealed key file may have been replaced by an unsealed one.",
    "keys.wrong-passphrase": "Nothing tells how near the passphrase was, and nobody can recover it.",
    "ledger.differs": "Totals were changed apart from the charges they add up.",
    "ledger.not-journaled": "Each charge must be told by one entry of the journal, and the other way round.",
    "policy.not-permitted": "What no policy permits is not allowed; the refusal is in the journal.",
    "purpose.ended": "Each purpose ends on the day its owner stated; after it the gate refuses.",
    "request.differs": "An id is bound to principal, purpose, data set, text and parameters of its "
    "first use.",
    "request.spent": "The first use stopped after its cost was reserved; a second draw would cost "
    "the people twice.",
    "request.withdrawn": "Results that hold rows of people go when one of the people is erased.",
    "subject.erased": "The person's key was destroyed. Only a keyed hash of the reference remains, "
    "with an end date.",
    "unexpected": "A defect of the program; what had begun was undone or stays reserved.",
    "use.failed": "What was reserved stays spent, because data may have been read.",
}


def page() -> str:
    """Render the whole page."""
    names = sorted(
        each.name for each in pkgutil.iter_modules(errors.__path__) if each.name.startswith("rows_")
    )
    rooms = [importlib.import_module(f"{errors.__name__}.{name}") for name in names]
    return "\n".join([_HEAD, *(_section(room.__doc__ or "", room.ROWS) for room in rooms)])


def _section(told: str, rows: tuple[errors.ErrorRow, ...]) -> str:
    title = told.split("\n", 1)[0].removeprefix("Errors of ").rstrip(".")
    return f"## {title[0].upper()}{title[1:]}\n\n" + "\n".join(_entry(row) for row in rows)


def _entry(row: errors.ErrorRow) -> str:
    anchor = row.anchor.partition("#")[2]
    lines = [
        f'<a id="{anchor}"></a>',
        f"**`{row.code}`** ({_WHOSE[row.root]}, exit {row.exit}, HTTP {row.status})",
        "",
        f"> {_plain(row.message)}",
        "",
    ]
    if row.code in _MEANINGS:
        lines += [_MEANINGS[row.code], ""]
    return "\n".join([*lines, f"Next: {_plain(row.next_step)}", ""])


def _plain(template: str) -> str:
    """Show the fields of a template as words, and text as text."""
    pieces = re.split(r"(`[^`]*`)", template)
    shown = "".join(_code(piece) if piece.startswith("`") else _marked(piece) for piece in pieces)
    return shown.replace("{{", "{").replace("}}", "}")


def _code(text: str) -> str:
    return re.sub(r"(?<!\{)\{(\w+)\}(?!\})", lambda field: field[1].upper(), text)


def _marked(text: str) -> str:
    fields = re.sub(r"(?<!\{)\{(\w+)\}(?!\})", r"\0\1\0", text)
    return re.sub(r"([*_<])", r"\\\1", fields).replace("\0", "*")


def main() -> None:
    """Write the page."""
    unknown = set(_MEANINGS) - set(errors.TABLE)
    if unknown:
        sys.exit(f"no such error: {min(unknown)}")
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
