"""``@approval`` on a permit: what it permits waits for somebody else's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hedgerow.model.policy import ACTION_TYPE, APPROVED_APART, ApprovalNeed
from hedgerow.model.words import Role

_WHOLE: Mapping[str, range] = {"approvers": range(1, 3), "approval_days": range(1, 91)}
_NAMES = ("approval", *_WHOLE)
ANNOTATIONS = frozenset({"id", "reason", *_NAMES})
"""Every annotation that says something here; any other would say nothing, whatever its name promises."""
_FEWEST = {"approvers": 1, "approval_days": 7}


def approval_need(policy: Mapping[str, Any]) -> ApprovalNeed | None:
    """Read what a policy's annotations ask for.

    Args:
        policy: A policy in Cedar's JSON form.

    Returns:
        ``@approval("ROLE")`` with ``@approvers("1")`` or ``("2")`` and ``@approval_days("1")`` to
        ``("90")``; none without ``@approval``.

    Raises:
        ValueError: Saying what is wrong with them.
    """
    annotations = policy.get("annotations") or {}
    if not any(name in annotations for name in _NAMES):
        return None
    role = annotations.get("approval")
    if role not in set(Role):
        raise ValueError(f"@approval names a role: {', '.join(Role)}")
    if policy["effect"] != "permit":
        raise ValueError("@approval stands on a permit only")
    if not _actions(policy["action"]) <= APPROVED_APART:
        raise ValueError(
            f"a permit with @approval names its actions, each one of {', '.join(sorted(APPROVED_APART))}"
        )
    return ApprovalNeed(str(role), *(_whole(annotations, name) for name in _WHOLE))


def _whole(annotations: Mapping[str, Any], name: str) -> int:
    allowed = _WHOLE[name]
    text = annotations.get(name, str(_FEWEST[name]))
    if text not in {str(number) for number in allowed}:
        raise ValueError(f'@{name} is a number from "{allowed[0]}" to "{allowed[-1]}"')
    return int(text)


def _actions(head: Mapping[str, Any]) -> frozenset[str]:
    """List the actions a policy's head names; one that is no action of ours where it names none."""
    named = [head["entity"]] if "entity" in head else head.get("entities") or [{}]
    return frozenset(each["id"] if each.get("type") == ACTION_TYPE else "" for each in named)
