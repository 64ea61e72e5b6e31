"""Write the reference of commands into docs/cli.md from the program's own help."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "cli.md"
START, END = "<!-- commands: written by tools/write_cli.py -->\n", "<!-- end of commands -->\n"

sys.path.insert(0, str(ROOT / "src"))

from hedgerow.cli.main import cli  # noqa: E402 - the path must be known first


def commands(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    """List every command that does something, with its full name."""
    found: list[tuple[str, click.Command]] = []
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found += commands(command, f"{path} {name}")
        elif command is not None:
            found.append((f"{path} {name}", command))
    return found


def reference() -> str:
    """Render every command with its arguments and options."""
    return "\n".join(_command(name, command) for name, command in commands(cli, "hedgerow"))


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *(piece for piece in command.collect_usage_pieces(context))])
    lines = [
        f"### {name}",
        "",
        "```text",
        usage,
        "```",
        "",
        _help(command),
        "",
        "| option | what it does |",
        "|---|---|",
    ]
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if isinstance(param, click.Option) and record is not None and "--help" not in param.opts:
            cells = (f"`{record[0]}`", record[1])
            lines.append("| " + " | ".join(re.sub(r"([|<])", r"\\\1", cell) for cell in cells) + " |")
    return "\n".join([*lines, ""])


def _help(command: click.Command) -> str:
    told, _, example = (command.help or "").partition("\b\nExample:\n")
    return f"{told}```text\n{textwrap.dedent(example)}\n```" if example else told


def page(old: str) -> str:
    """Put the reference in its place on the page.

    Args:
        old: The page as it is.

    Returns:
        The page with the reference of today.
    """
    head, _, rest = old.partition(START)
    return head + START + "\n" + reference() + "\n" + END + rest.partition(END)[2]


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
