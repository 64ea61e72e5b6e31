"""The entry point: every sub-command is loaded only when it is named."""

from __future__ import annotations

import importlib
import os
import sys

import click

from hedgerow import __version__

_COMMANDS = "hedgerow.cli.commands."
# name: (module, attribute, one line of help); told here so that --help loads nothing.
EVERYDAY = {
    "init": ("space", "init", "Make a workspace."),
    "demo": ("demo", "demo", "Walk through a generated town in under a minute."),
    "collect": ("collect", "collect", "Take a table in, with purpose and lawful basis."),
    "discover": ("discover", "discover", "Find personal data in a file or directory."),
    "query": ("query", "query", "Ask a question; the answer has noise that hides each person."),
    "train": ("train", "train", "Train a private model; each person is hidden in it."),
    "predict": ("train", "predict", "Predict for rows of your own by a model file."),
    "release": ("release", "release", "Release a table in which each row looks like k - 1 others."),
    "places": ("places", "places", "Release who was where, so that no four points single anyone out."),
    "synthesise": ("synthesise", "synthesise", "Make a private table of people who do not exist."),
    "tokenise": ("tokenise", "tokenise", "Release rows with tokens in place of values, by a rules file."),
    "report": ("report", "report", "Write a self-contained HTML report."),
    "backup": ("backup", "backup", "Back up, with the keys apart; list, prune."),
    "restore": ("backup", "restore", "Make a workspace of a backup; nobody erased comes back."),
    "upgrade": ("upgrade", "upgrade", "Bring a workspace forward, or set up a database for workspaces."),
    "doctor": ("space", "doctor", "Check the workspace and say what to mend."),
}
NOUNS = {
    "approval": ("approval", "approval", "What another must grant: list, show, grant, deny."),
    "audit": (
        "audit",
        "audit",
        "What a finished table gives away: release, safe-harbor.",
    ),
    "budget": ("budget", "budget", "Privacy budgets: allocate, show, forecast, reaccount, restate."),
    "consent": ("consent", "consent", "What people chose: grant, withdraw, show."),
    "dataset": ("dataset", "dataset", "Data sets: list, show, declare, index, drop."),
    "evidence": ("journal", "evidence", "Evidence anyone can check: export."),
    "file": ("file", "file", "Files for other people: identity, seal, open, show."),
    "journal": (
        "journal",
        "journal",
        "The signed log of every use: head, show, verify, tiles, cosign, witness.",
    ),
    "keys": ("keys", "keys", "Master keys: status, rotate, epoch, move, passphrase, escrow, import-legacy."),
    "local": ("local", "local", "Surveys answered in private: survey, show, encode, decode, client."),
    "policy": ("policy", "policy", "Who may do what: show, test, apply, history."),
    "principal": ("principal", "principal", "Who may act: add, list."),
    "purpose": ("purpose", "purpose", "Why data is used: add, list."),
    "released": ("released", "released", "Tables that left: list, show, verify, retire."),
    "running": ("runs", "running", "Totals as rows arrive, paid once: open, advance, show, list, close."),
    "subject": ("subject", "subject", "A person's rights: find, show, export, erase."),
    "token": ("token", "token", "Tokens of a release: reveal whose they are, with four eyes."),
    "watch": ("runs", "watch", "Which numbers pass a threshold, paid once: open, ask, show, list, close."),
}
ALL = EVERYDAY | NOUNS
_FALLBACK_WIDTH, _LEAST_WIDTH, _MOST_WIDTH = 80, 50, 100


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the shape of click
        """List the names."""
        return list(ALL)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load one command."""
        if cmd_name not in ALL:
            return None
        module, attribute, _ = ALL[cmd_name]
        loaded = getattr(importlib.import_module(_COMMANDS + module), attribute)
        return loaded if isinstance(loaded, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the two lists from the table, loading nothing."""
        for title, commands in (("Everyday", EVERYDAY), ("By noun", NOUNS)):
            with formatter.section(title):
                formatter.write_dl([(name, told) for name, (_, _, told) in commands.items()])


def _width() -> int:
    """Measure the terminal as Click would, without the package it loads for that."""
    try:
        columns = int(os.environ.get("COLUMNS", "")) or _FALLBACK_WIDTH
    except ValueError:
        try:
            columns = os.get_terminal_size().columns
        except OSError:
            columns = _FALLBACK_WIDTH
    return max(min(columns, _MOST_WIDTH), _LEAST_WIDTH)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "terminal_width": _width()}
)
@click.version_option(__version__, message="hedgerow %(version)s")
def cli() -> None:
    """Use people's personal data through one gate, with evidence of each use.

    Start with `hedgerow demo`. For data of your own: `hedgerow init DIR`, `hedgerow purpose add`,
    `hedgerow collect FILE`, `hedgerow query`. Name the workspace with --space DIR or the variable
    HEDGEROW_SPACE. `hedgerow COMMAND --help` tells each command's options, with an example.

    \b
    Words:
      workspace     a directory (or a database) with the encrypted data, its keys and the journal
      principal     who acts: a person or a program, with roles
      purpose       why data is used; declared beforehand, with an owner and an end
      lawful basis  why the law allows it: consent, contract, ...
      epsilon       what an answer may tell of one person; a budget limits the sum
      release       a table that leaves, made so that each row looks like others
      journal       the signed log of every use, refusal and change
    """  # noqa: D301 - the mark that makes Click keep the lines


def _check_text(arguments: list[str]) -> None:
    """Refuse arguments that are no valid text, before anything handles or stores them."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise click.UsageError("An argument is not valid UTF-8 text.") from None


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code of the outcome.

    Args:
        arguments: The command line; that of the process when not given.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _check_text(given)
        result = cli.main(args=given, prog_name="hedgerow", standalone_mode=False)
        code = result if isinstance(result, int) else 0
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except BrokenPipeError:
        # Whoever read the result has gone, which is no fault; Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except SystemExit:
        # Click ends so for the same reason, and only for it; it has quieted the stream.
        code = 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last place: anything becomes one line
        from hedgerow.cli.failing import told

        code = told(error, arguments if arguments is not None else sys.argv[1:])
        if getattr(error, "code", "") == "out.stdout" and sys.stdout is not None:
            # What could not be written is still waiting; Python would try once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
