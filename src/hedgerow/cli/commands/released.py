"""``released``: the tables that left, their certificates, and which were withdrawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, json_option, out_options, yes_option
from hedgerow.cli.released_figures import figures
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session


@click.group()
def released() -> None:
    """Releases: the tables that left the workspace, with their risk."""


@released.command("list")
@gated("report.show")
@example("hedgerow released list")
def list_(session: Session, screen: Screen) -> None:
    """List the tables that left."""
    found: list[dict[str, Any]] = session.service.releases()
    rows = [
        [
            r["id"], r["dataset"], r["purpose"], r["technique"], r["by"], r["time"],
            r["retired"]["time"] if r["retired"] else "",
        ]
        for r in found
    ]  # fmt: skip
    heads = ["release", "data set", "purpose", "technique", "by", "time", "withdrawn"]
    screen.result(found, table(heads, rows))


@released.command()
@click.argument("release_id", metavar="RELEASE")
@click.option("--certificate", is_flag=True, help="Print its signed certificate instead, as JSON.")
@out_options(
    "Write the page of its certificate (HTML); it says where the release was withdrawn.", required=False
)
@gated("release.risk")
@example("hedgerow released show R-0a1b2c3d4e5f")
def show(
    session: Session, screen: Screen, release_id: str, *, out: Path | None, certificate: bool, force: bool
) -> None:
    """Show one release with its risk.

    The risk is how likely a row of the table is tied to the person it is about.
    """
    found: dict[str, Any] = session.service.release_shown(release_id)
    if out is not None:
        session.service.write_certificate_page(release_id, out, force=force)
        screen.say(f"Its certificate is written to {out}.")
    if certificate:
        signed = session.service.release_certificate(release_id)
        screen.result(signed, json.dumps(signed, indent=1, ensure_ascii=False))
        return
    gone = found["retired"]
    told = f"\nWithdrawn {gone['time'][:10]} by {gone['by']}: {gone['reason']}" if gone else ""
    head = f"{found['id']} of {found['dataset']} for {found['purpose']}, {found['time']}{told}"
    screen.result(found, f"{head}\n{figures(found['summary'])}")


@released.command()
@click.argument("release_id", metavar="RELEASE")
@click.option("--reason", required=True, metavar="TEXT", help="Why; kept, and shown with the release.")
@yes_option
@gated("release")
@example("hedgerow released retire R-0a1b2c3d4e5f --reason 'a column too many' --yes")
def retire(session: Session, screen: Screen, release_id: str, *, reason: str, yes: bool) -> None:
    """Mark RELEASE withdrawn: nobody should use it any more.

    What left is not called back, and counts on when further releases are checked. Tell those who have it.
    """
    if not yes:
        screen.say(f"Plan  mark {release_id} withdrawn, for good; what left stays where it is.")
        raise CallerError("confirm.needed")
    found = session.service.retire_release(release_id, reason)
    screen.result(found, f"{release_id} is withdrawn. Tell those who have the file: it is not called back.")


@released.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--certificate", type=click.Path(path_type=Path), metavar="FILE",
    help="Its certificate.  [default: FILE.certificate.json]",
)  # fmt: skip
@click.option(
    "--key", metavar="FINGERPRINT",
    help="Fingerprint of the key that must have signed: whoever released it tells it (`hedgerow journal "
    "head`). Without it only that the two fit together is checked.",
)  # fmt: skip
@json_option
@example("hedgerow released verify visits-k5.csv --key SHA256:...")
def verify(path: Path, *, certificate: Path | None, key: str | None, as_json: bool) -> None:
    """Check a released FILE against its certificate, offline.

    No workspace is needed, nor any key but the fingerprint of the one that must have signed.

    Exit code 6 says that they do not fit: the file or the certificate was changed, or is another's, or was
    signed by another key. Whether the release was withdrawn since is not in a file: ask whoever released it.
    """
    from hedgerow.app.released import verify_release

    with Screen(as_json=as_json) as screen:
        found = verify_release(path, certificate, key)
        screen.result(found, _verified(found))


def _verified(found: dict[str, Any]) -> str:
    # A certificate is another's words: none may look like a line of ours.
    found = {name: _one_line(told) for name, told in found.items()}
    proven = (
        f"signed by the key you named, {found['fingerprint']}"
        if found["key_checked"]
        else f"signed by {found['fingerprint']}; whose key that is was not checked: give --key FINGERPRINT"
    )
    said = "\n".join(f"  {line}" for line in (*found["legal_words"], *found["limits"]))
    return (
        f"{found['file']} is release {found['release']} of {found['dataset']} for {found['purpose']}, "
        f"{found['released']}, as certified.\n"
        f"Certificate {found['certificate']}: {proven}.\n"
        f"In law: {found['legal_class']}.\n{said}\n"
        "  Whether it was withdrawn since is not in a file: ask whoever released it."
    )


def _one_line(told: Any) -> Any:  # noqa: ANN401 - a text, a list of texts or a truth value
    if isinstance(told, list):
        return [_one_line(each) for each in told]
    return told.replace("\n", "[U+000A]") if isinstance(told, str) else told
