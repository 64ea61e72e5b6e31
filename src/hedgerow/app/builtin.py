"""The policies a new workspace starts with, and what others leave out beside them."""

from __future__ import annotations

from importlib import resources

from hedgerow.model.policy import ACTIONS


def default_policies() -> str:
    """Read the policies a new workspace starts with."""
    return resources.files("hedgerow.app").joinpath("policies/default.cedar").read_text(encoding="utf-8")


def unspoken(text: str) -> list[str]:
    """List the actions that the built-in policies name and the given text does not.

    Args:
        text: Policies in force, perhaps written for an older version.
    """
    known = default_policies()
    named = {action: f'Action::"{action}"' for action in ACTIONS}
    return sorted(action for action, told in named.items() if told in known and told not in text)
