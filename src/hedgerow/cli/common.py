"""What the commands share: the common options, opening the workspace, the gate's explanation."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hedgerow.cli.screen import Screen
from hedgerow.model.errors import CallerError, Refused

if TYPE_CHECKING:
    from hedgerow.app.space import Session

R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., object])
Act = str | Callable[[Mapping[str, Any]], str]
SPACE_VARIABLE, PASSPHRASE_VARIABLE = "HEDGEROW_SPACE", "HEDGEROW_PASSPHRASE"
NEW_PASSPHRASE_VARIABLE = "HEDGEROW_NEW_PASSPHRASE"  # noqa: S105 - its name, not its value


def passphrase_option(command: F) -> F:
    """Add ``--passphrase-file``."""
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"File whose first line is the passphrase or PIN (else {PASSPHRASE_VARIABLE}, else a prompt).",
    )(command)


def token_option(command: F) -> F:
    """Add ``--token``."""
    told = "Label of the PKCS#11 token; HEDGEROW_PKCS11_MODULE names its library."
    return click.option("--token", metavar="LABEL", help=told)(command)


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

    @click.option(
        "--space", type=click.Path(path_type=Path), metavar="DIR",
        help=f"Directory of the workspace (else the variable {SPACE_VARIABLE}).",
    )  # fmt: skip
    @click.option(
        "--as", "principal", default="owner", metavar="PRINCIPAL", show_default=True,
        help="Who acts (`hedgerow principal list`).",
    )  # fmt: skip
    @passphrase_option
    @json_option
    @functools.wraps(command)
    def wrapped(
        space: Path | None, principal: str, passphrase_file: Path | None, *, as_json: bool, **options: object
    ) -> R:
        from hedgerow.app.keyplaces import secret_name
        from hedgerow.app.space import open_space

        directory, new_file = space_path(space), options.get("new_passphrase_file")

        def ask(sealed: bool) -> str | None:  # noqa: FBT001 - the shape open_space calls
            return find_passphrase(passphrase_file, may_prompt=sealed, name=secret_name(directory))

        def ask_new(sealed: bool) -> str | None:  # noqa: FBT001 - as above
            return find_passphrase(
                new_file if isinstance(new_file, Path) else None, may_prompt=sealed,
                name=secret_name(directory, is_other=True), variable=NEW_PASSPHRASE_VARIABLE,
            )  # fmt: skip

        with (
            open_space(directory, passphrase=ask, new_passphrase=ask_new) as opened,
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


def space_path(space: Path | None) -> Path:
    """Find the named workspace.

    Raises:
        CallerError: ``space.not-named``.
    """
    named = space or os.environ.get(SPACE_VARIABLE)
    if not named:
        raise CallerError("space.not-named")
    return Path(named)


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
        CallerError: ``file.missing``.
    """
    if path is not None:
        return read_text(path).split("\n", 1)[0].rstrip("\r")
    if variable in os.environ:
        return os.environ[variable]
    if not (may_prompt and sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    asked = click.prompt(
        name, hide_input=True, confirmation_prompt=confirm, default="", show_default=False, err=True
    )
    return str(asked) or None


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
