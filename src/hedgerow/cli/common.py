"""What the commands share: the common options, opening the workspace, the gate's explanation."""

from __future__ import annotations

import functools
import inspect
import os
import shlex
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hedgerow.cli.screen import Screen
from hedgerow.cli.visible import visible
from hedgerow.model.errors import CallerError, Refused

if TYPE_CHECKING:
    from hedgerow.app.places import Found
    from hedgerow.app.space import Session

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])
Act = str | Callable[[Mapping[str, Any]], str]
SPACE_VARIABLE, PASSPHRASE_VARIABLE = "HEDGEROW_SPACE", "HEDGEROW_PASSPHRASE"
NEW_PASSPHRASE_VARIABLE = "HEDGEROW_NEW_PASSPHRASE"  # noqa: S105 - its name, not its value
_PASSPHRASE_OPTIONS = ("--new-passphrase-file", "--passphrase-file")
_SHORT_LETTERS = 8
_OTHERS = 0o077


def passphrase_option(command: F) -> F:
    """Add ``--passphrase-file``."""
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"File whose first line is the passphrase or PIN (else {PASSPHRASE_VARIABLE}, else a prompt).",
    )(command)


def principal_option(command: F) -> F:
    """Take who acts."""
    return click.option(
        "--as",
        "principal",
        default="owner",
        metavar="PRINCIPAL",
        show_default=True,
        help="Who acts (`hedgerow principal list`).",
    )(command)


def space_option(command: F) -> F:
    """Add ``--space``."""
    told = f"Directory of the workspace, or postgresql://ROLE@HOST/DATABASE (else {SPACE_VARIABLE})."
    return click.option("--space", metavar="SPACE", help=told)(command)


def token_option(command: F) -> F:
    """Add ``--token``."""
    told = "Label of the PKCS#11 token; HEDGEROW_PKCS11_MODULE names its library."
    return click.option("--token", metavar="LABEL", help=told)(command)


def check_token_of(kind: str, token: str | None) -> None:
    """Refuse the label of a token where the keys shall be in a file.

    Raises:
        CallerError: ``keys.token-of-file``.
    """
    if token is not None and kind == "file":
        raise CallerError("keys.token-of-file")


def before_opening(check: Callable[[Found, Mapping[str, Any]], None]) -> Callable[[F], F]:
    """Have a command look at the workspace it found before any passphrase or PIN is used.

    Args:
        check: Told what was found, and the command's options; raises what speaks against going on.
    """

    def add(command: F) -> F:
        command.before_opening = check  # type: ignore[attr-defined]
        return command

    return add


def json_option(command: F) -> F:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the result, or the error, as JSON; nothing else."
    )(command)


def out_options(help_text: str, *, required: bool = True) -> Callable[[F], F]:
    """Add ``--out`` and ``--force``."""

    def add(command: F) -> F:
        command = click.option("--force", is_flag=True, help="Overwrite what --out names.")(command)
        kind = click.Path(path_type=Path)
        return click.option("--out", required=required, type=kind, metavar="PATH", help=help_text)(command)

    return add


def yes_option(command: F) -> F:
    """Add ``--yes``."""
    return click.option("--yes", is_flag=True, help="Do it; without this only the plan is shown.")(command)


def purpose_option(command: F) -> F:
    """Add ``--purpose``."""
    return click.option(
        "--purpose", metavar="NAME", help="Why: a declared purpose (`hedgerow purpose list`)."
    )(command)


def request_id_option(command: F) -> F:
    """Add ``--request-id``."""
    return click.option(
        "--request-id",
        metavar="ID",
        help="A name of your own for this request: repeating it returns the same result at no cost."
        "  [default: a new one]",
    )(command)


def explain_option(command: F) -> F:
    """Add ``--explain``."""
    told = "Only say what would be decided and why; nothing is done, and the exit code is 0 either way."
    return click.option("--explain", is_flag=True, help=told)(command)


def example(*lines: str) -> Callable[[F], F]:
    """Add an example to a command's help, line by line as it is typed."""

    def add(command: F) -> F:
        told = "\n".join(f"  {line}" for line in lines)
        command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n\b\nExample:\n{told}"
        return command

    return add


def in_space(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command a session in the named workspace, a screen and the common options.

    Args:
        command: Takes the session and the screen first.

    Returns:
        The command, with ``--space``, ``--as``, ``--passphrase-file`` and ``--json``.
    """

    @space_option
    @principal_option
    @passphrase_option
    @json_option
    @functools.wraps(command)
    def wrapped(
        space: str | None, principal: str, passphrase_file: Path | None, *, as_json: bool, **options: object
    ) -> R:
        from hedgerow.app.hardening import forbid_dumps
        from hedgerow.app.keyplaces import secret_name
        from hedgerow.app.places import find
        from hedgerow.app.space import open_space

        forbid_dumps()
        found, new_file = find(named_space(space)), options.get("new_passphrase_file")
        if hasattr(command, "before_opening"):
            command.before_opening(found, options)

        def ask(sealed: bool) -> str | None:  # noqa: FBT001 - the shape open_space calls
            return find_passphrase(passphrase_file, may_prompt=sealed, name=secret_name(found.directory))

        def ask_new(sealed: bool) -> str | None:  # noqa: FBT001 - as above
            return find_passphrase(
                new_file if isinstance(new_file, Path) else None, may_prompt=sealed,
                name=secret_name(found.directory, is_other=True), variable=NEW_PASSPHRASE_VARIABLE,
            )  # fmt: skip

        with (
            open_space(found, passphrase=ask, new_passphrase=ask_new) as opened,
            Screen(as_json=as_json) as screen,
        ):
            for warning in opened.opened.warnings:
                screen.say(f"Warning: {warning}")
            screen.progress("working")
            session = opened.acting_as(principal)
            try:
                return command(session, screen, **options)
            except Refused as error:
                raise session.service.with_near_purpose(error) from error

    return wrapped


def gated(act: Act, dataset: str | None = None) -> Callable[[Callable[..., R]], Callable[..., R | None]]:
    """Give a command what ``in_space`` gives, and ``--explain`` for the act it does.

    Args:
        act: The action policies speak of, or a function that tells it from the command's options.
        dataset: Name of the option or argument that names the data set acted on.

    Returns:
        A decorator; with ``--explain`` the gate's decision is printed and nothing is done.
    """

    def add(command: Callable[..., R]) -> Callable[..., R | None]:
        def wrapped(session: Session, screen: Screen, *, explain: bool, **options: object) -> R | None:
            if not explain:
                return command(session, screen, **options)
            action = act(options) if callable(act) else act
            named = options.get(dataset) if dataset else None
            screen.decision(session.service.explain_act(action, str(named) if named else None))
            return None

        functools.update_wrapper(wrapped, command)
        return explain_option(in_space(wrapped))

    return add


def warn_unreached(session: Session, screen: Screen) -> None:
    """Say which folders with backups do not know of the latest erasures yet."""
    others = session.service.of_another_line(session.service.unreached)
    for place in session.service.unreached:
        if place in others:
            screen.say(
                f"Warning: {place} belongs to the workspace that this one was restored from and was left "
                "alone: a restore of the backups there does not know of this."
            )
            continue
        screen.say(
            f"Warning: the list of erasures could not be written to {place}; mount its disk, or see "
            "`hedgerow backup list`."
        )


def named_space(space: str | None) -> str:
    """Find the name of the workspace: its directory, or the address of its database.

    Raises:
        CallerError: ``space.not-named``.
    """
    named = space or os.environ.get(SPACE_VARIABLE)
    if not named:
        raise CallerError("space.not-named")
    return named


def find_passphrase(
    path: Path | None,
    *,
    confirm: bool = False,
    may_prompt: bool = True,
    name: str = "Passphrase",
    variable: str = PASSPHRASE_VARIABLE,
) -> str | None:
    """Take the passphrase from a file, the environment or a prompt, in this order.

    Args:
        path: A file whose first line it is.
        confirm: Ask twice, as for a new one.
        may_prompt: Whether asking makes sense.
        name: What the prompt asks for.
        variable: The variable that may hold it.

    Returns:
        The passphrase, or none when there is none and nobody to ask.

    Raises:
        CallerError: ``file.missing``, or ``keys.passphrase-empty`` for a new one.
    """
    if path is not None:
        given = read_text(path).split("\n", 1)[0].rstrip("\r")
        _warn_of_readers(path)
    elif variable in os.environ:
        given = os.environ[variable]
    elif may_prompt and at_terminal():
        asked = click.prompt(
            name, hide_input=True, confirmation_prompt=confirm, default="", show_default=False, err=True
        )
        given = str(asked)
        if not (given or confirm):
            return None
    else:
        return None
    if confirm:
        _check_new(given, variable)
    return given


def at_terminal() -> bool:
    """Tell whether somebody is there to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _warn_of_readers(path: Path) -> None:
    with suppress(OSError):
        if stat.S_ISREG(path.stat().st_mode) and path.stat().st_mode & _OTHERS:
            told = f"Warning: other accounts can reach {path}; run `chmod 600 {shlex.quote(str(path))}`."
            click.echo(visible(told), err=True)


def _check_new(given: str, variable: str) -> None:
    """Refuse an empty new passphrase, naming what the command at hand takes; warn of a short one.

    Raises:
        CallerError: ``keys.passphrase-empty``.
    """
    if not given:
        context = click.get_current_context(silent=True)
        taken = {name for each in context.command.params for name in each.opts} if context else set()
        option = next((name for name in _PASSPHRASE_OPTIONS if name in taken), _PASSPHRASE_OPTIONS[-1])
        ways = f"Set {variable}, name a file with {option} FILE, or run in a terminal and type it"
        none = "; --no-passphrase does without one." if "--no-passphrase" in taken else "."
        raise CallerError("keys.passphrase-empty", ways=ways + none)
    if len(given) < _SHORT_LETTERS:
        told = f"Warning: this passphrase is shorter than {_SHORT_LETTERS} characters, so it can be guessed."
        click.echo(told, err=True)


def read_text(path: Path) -> str:
    """Read a small text file that an option names.

    Raises:
        CallerError: ``file.missing``.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise CallerError("file.missing", path=path) from None


def names(text: str | None) -> tuple[str, ...]:
    """Split ``A,B,C``; spaces around a name are no part of it."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
