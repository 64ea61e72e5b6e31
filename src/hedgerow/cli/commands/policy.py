"""``policy``: who may do what, as text under version control."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hedgerow.cli.common import example, gated, read_text, yes_option
from hedgerow.cli.screen import Screen, table
from hedgerow.model.errors import CallerError

if TYPE_CHECKING:
    from hedgerow.app.space import Session


# Versions are kept, but no command brings one back: the text itself does.
_BEFORE = "; what `hedgerow policy show` prints now, applied again, undoes it"


@click.group()
def policy() -> None:
    """Policies: who may do what, as text in the Cedar language, every version kept.

    Nothing is allowed that no policy permits, and a policy that forbids wins.
    """


@policy.command()
@click.option("--built-in", is_flag=True, help="Those that a new workspace of this version starts with.")
@gated("policy.show")
@example("hedgerow policy show > policies.cedar")
def show(session: Session, screen: Screen, *, built_in: bool) -> None:
    """Show the policies in force."""
    if built_in:
        found = session.service.built_in_policy()
        screen.result(found, f"// built into this version\n{found['text']}")
        return
    found = session.service.policy()
    screen.result(found, f"// version {found['version']}, applied by {found['applied_by']}\n{found['text']}")


@policy.command()
@gated("policy.show")
@example("hedgerow policy history")
def history(session: Session, screen: Screen) -> None:
    """List every version of the policies."""
    found = session.service.policy_history()
    rows = [[p["version"], p["applied_by"], p["time"]] for p in found]
    screen.result(found, table(["version", "applied by", "time"], rows))


@policy.command()
@click.option("--principal", "who", required=True, metavar="PRINCIPAL", help="Who would act.")
@click.option(
    "--action",
    required=True,
    metavar="ACTION",
    help="What, for example query or subject.erase; `hedgerow policy show` has them all.",
)
@click.option("--dataset", default="any", show_default=True, metavar="NAME", help="On which data set.")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Policies to try instead of those in force.",
)
@gated("policy.test")
@example("hedgerow policy test --principal ana --action query --dataset visits")
def test(session: Session, screen: Screen, *, who: str, action: str, dataset: str, path: Path | None) -> None:
    """Ask what the policies would say; nothing is done."""
    verdict: dict[str, Any] = session.service.test_policy(
        read_text(path) if path else None, who, action, dataset
    )
    said = verdict["permits"] if verdict["allowed"] else verdict["forbids"]
    word = "Allowed" if verdict["allowed"] else "Refused"
    needs = " and ".join(f"{need['people']} of the role {need['role']}" for need in verdict["needs"])
    told = f"\nIt needs approval by {needs}, not whoever asks." if needs and verdict["allowed"] else ""
    screen.result(verdict, f"{word} by {', '.join(said) or 'no policy at all'}.{told}{_notes(verdict)}")


def _notes(told: dict[str, Any]) -> str:
    return "".join(f"\nNote: {note}" for note in told["notes"])


@policy.command()
@click.argument("file", type=click.Path(path_type=Path))
@yes_option
@gated("policy.apply")
@example("hedgerow policy apply policies.cedar --yes")
def apply(session: Session, screen: Screen, file: Path, *, yes: bool) -> None:
    """Put the policies of FILE in force as a new version. Try them before with `policy test --file`."""
    text = read_text(file)
    if not yes:
        plan = session.service.plan_policy(text)
        if not plan["changed"]:
            _same(screen, {**plan, "version": plan["replaces_version"]})
            return
        told = "This replaces the policies in force for everybody, from the next decision on."
        screen.say(told + _differences(plan) + _notes(plan))
        raise CallerError("confirm.needed", effect="it would take effect at once", before=_BEFORE, plan=plan)
    made = session.service.apply_policy(text)
    if not made["changed"]:
        _same(screen, made)
        return
    screen.result(made, f"Version {made['version']} is in force.{_notes(made)}")


def _same(screen: Screen, told: dict[str, Any]) -> None:
    screen.result(told, f"The same as version {told['version']}, which is in force: nothing to do.")


def _differences(plan: dict[str, Any]) -> str:
    """Name the policies that come, go and change; which there are is not for everybody."""
    found = plan["policies"]
    if found is None:
        return ""
    lines = [f"\nPolicies {word}: {', '.join(ids)}." for word, ids in found.items() if ids]
    return "".join(lines) or "\nNo policy is added, removed or changed: only comments or layout."
