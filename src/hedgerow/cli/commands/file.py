"""``file``: seal a file for other people, and open what was sealed for you."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hedgerow.cli.common import example, find_passphrase, json_option, out_options
from hedgerow.cli.screen import Screen
from hedgerow.model.errors import CallerError
from hedgerow.model.words import many

F = TypeVar("F", bound=Callable[..., object])
VARIABLE = "HEDGEROW_FILE_PASSPHRASE"


@click.group()
def file() -> None:
    """Files for other people: sealed so that only those you name can open them.

    Everybody makes an identity once, keeps it, and gives away its recipient: a long word that others seal
    for. It needs no workspace, and is safe against a quantum computer that reads a copy later.
    """


def file_passphrase_option(command: F) -> F:
    """Add ``--passphrase-file``, for a passphrase that is not the workspace's."""
    return click.option(
        "--passphrase-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help=f"File whose first line is the passphrase (else {VARIABLE}, else a prompt).",
    )(command)


@file.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="PATH", help="The new file.")
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Leave it unsealed, without asking; whoever reads it then opens every file sealed for you.",
)
@click.option(
    "--recipient-out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A new file for the recipient as well; it is printed either way.",
)
@file_passphrase_option
@json_option
@example("hedgerow file identity --out me.identity --recipient-out me.recipient")
def identity(
    *,
    out: Path,
    no_passphrase: bool,
    recipient_out: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make an identity, and print the recipient that others seal for.

    Keep the file and its passphrase: without them nothing sealed for you opens again. Give the recipient to
    whoever shall send you files, and compare the fingerprint with them by voice. `hedgerow file show` prints
    the recipient of an identity again.
    """
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.sealing import make_identity

    forbid_dumps()

    def ask() -> str | None:
        return None if no_passphrase else find_passphrase(passphrase_file, confirm=True, variable=VARIABLE)

    with Screen(as_json=as_json) as screen:
        made: dict[str, Any] = make_identity(out, ask, recipient_out=recipient_out)
        if not made["sealed"]:
            screen.say(
                f"Warning: no passphrase. Whoever reads {out} opens every file sealed for you; seal it with"
                f" {VARIABLE} or --passphrase-file FILE."
            )
        screen.say(f"Identity kept in {out}. Fingerprint: {made['fingerprint']}")
        screen.say("The recipient below is for those who send you files:")
        screen.result(made, made["recipient"])


@file.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY",
    help="Who may open it: a recipient's word, a file that holds one, or an RSA public key (repeatable).",
)
@click.option("--passphrase", "is_shared", is_flag=True, help="Seal with a passphrase that both sides know.")
@click.option("--cipher", metavar="NAME", help="AES-256-GCM, which is the default; others are refused.")
@file_passphrase_option
@out_options("Where the sealed file is written.")
@json_option
@example("hedgerow file seal report.pdf --recipient ana.recipient --out report.pdf.sealed")
def seal(
    path: Path,
    *,
    recipients: tuple[str, ...],
    is_shared: bool,
    cipher: str | None,
    passphrase_file: Path | None,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Seal FILE so that only the named recipients can open it.

    It proves nothing about the sender. Its length and the recipients' fingerprints are not hidden.
    """
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.sealing import Sealing, seal_file
    from hedgerow.kernel.legacy.ciphers import check_cipher

    forbid_dumps()
    check_cipher(cipher)

    def ask() -> str | None:
        return find_passphrase(passphrase_file, confirm=True, variable=VARIABLE)

    with Screen(as_json=as_json) as screen:
        wish = Sealing(path, out, recipients, ask if is_shared else None, force)
        screen.progress("sealing")
        done: dict[str, Any] = seal_file(wish, screen.progress)
        screen.result(done, _sealed(done))
        if not all(each["post_quantum"] for each in done["recipients"]):
            screen.say(
                "Warning: an RSA recipient is not safe against quantum computers, nor is then this file;"
                " ask them for one of `hedgerow file identity`."
            )


def _sealed(done: dict[str, Any]) -> str:
    lines = [f"{done['out']}: {many(done['bytes'], 'byte')} sealed. It opens for:"]
    lines += [f"  {each['kind']}  {each['fingerprint']}" for each in done["recipients"]]
    return "\n".join(lines)


@file.command(name="open")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--identity",
    "identity_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your identity (`hedgerow file identity`), or a private RSA key (PEM).",
)
@click.option("--passphrase", "is_shared", is_flag=True, help="Open with a passphrase that both sides know.")
@file_passphrase_option
@out_options("Where the content is written.")
@json_option
@example("hedgerow file open report.pdf.sealed --identity me.identity --out report.pdf")
def open_(
    path: Path,
    *,
    identity_file: Path | None,
    is_shared: bool,
    passphrase_file: Path | None,
    out: Path,
    force: bool,
    as_json: bool,
) -> None:
    """Open the sealed FILE.

    What was changed, cut or sealed for others is refused, and nothing is written then.
    """
    from hedgerow.app.hardening import forbid_dumps
    from hedgerow.app.sealing import Opening, open_file

    forbid_dumps()
    if (identity_file is None) is not is_shared:
        raise CallerError("sealed.no-opener")
    name = "Shared passphrase" if is_shared else "Passphrase of the identity"

    def ask() -> str | None:
        return find_passphrase(passphrase_file, name=name, variable=VARIABLE)

    with Screen(as_json=as_json) as screen:
        screen.progress("opening")
        done: dict[str, Any] = open_file(Opening(path, out, identity_file, ask, force), screen.progress)
        screen.result(done, f"{done['out']}: {many(done['bytes'], 'byte')}, as they were sealed.")


@file.command()
@click.argument("named", metavar="FILE")
@json_option
@example("hedgerow file show report.pdf.sealed", "hedgerow file show me.identity")
def show(named: str, *, as_json: bool) -> None:
    """Tell whom a sealed FILE is for, or the fingerprint of a key.

    FILE is a sealed file, an identity or a recipient. Nothing is opened; what a sealed file says of itself
    is proven only when it is opened. Of an identity the recipient alone goes to standard output, as
    `hedgerow file identity` prints it.
    """
    from hedgerow.app.sealing import describe_file

    found, screen = describe_file(named), Screen(as_json=as_json)
    if found["kind"] == "identity" and not as_json:
        screen.say(_shown(found))
        screen.result(found, str(found["recipient"]))
        return
    screen.result(found, _shown(found))


def _shown(found: dict[str, Any]) -> str:
    if found["kind"] != "sealed file":
        sealed = {True: ", sealed by a passphrase", False: ", not sealed", None: ""}[found.get("sealed")]
        quantum = "" if found["post_quantum"] else "; not safe against quantum computers"
        return f"{found['kind']} ({found['algorithm']}{sealed}{quantum})\n  {found['fingerprint']}"
    lines = [f"sealed file, as {found['label']}. It opens for:"]
    lines += [f"  {each['kind']}  {each['fingerprint'] or ''}".rstrip() for each in found["recipients"]]
    return "\n".join(lines)
