"""Permission: who may act, what policies are asked, and how a denial is worded; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hedgerow.model.errors import CallerError, HedgerowError, Refused
from hedgerow.model.policy import ACTIONS, Access, ApprovalNeed, ContextValue
from hedgerow.model.records import Principal
from hedgerow.model.uses import Actor
from hedgerow.spine.facts import OWNER
from hedgerow.spine.policy import Decider

Objection: TypeAlias = tuple[str, Mapping[str, object]]
Context: TypeAlias = "dict[str, ContextValue]"
_NAMES = {"Workspace": "this", "Subject": "one"}


def objections_to_actor(
    actor: Actor, acting: Principal | None, authenticated: Principal | None
) -> Iterator[Objection]:
    """Say what speaks against who acts: unknown, disabled, or acting as another without right."""
    for name, found in ((actor.principal, authenticated), (actor.acting_as, acting)):
        if found is None:
            yield "principal.unknown", {"principal": name}
            return
        if found.disabled:
            yield "principal.disabled", {"principal": name}
    if actor.principal not in (actor.acting_as, OWNER):
        yield "principal.not-yours", {"principal": actor.acting_as}


def accesses(
    principal: str, roles: frozenset[str], action: str, dataset: str | None, context: Context
) -> Iterator[Access]:
    """List what policies are asked for one act: the action's own kind of thing and the data set.

    A policy that forbids a data set binds every act on it, also where the act is about a person.
    """
    kind = ACTIONS.get(action, "Dataset")
    if kind != "Dataset":
        yield Access(principal, roles, action, kind, _NAMES[kind], context)
    if kind == "Dataset" or dataset is not None:
        yield Access(principal, roles, action, "Dataset", dataset or "any", context)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policies say to one act.

    Args:
        objection: What speaks against it, or none.
        policies: The policies that spoke.
        needs: The approvals that those which permit it ask for.
    """

    objection: Objection | None
    policies: tuple[str, ...]
    needs: tuple[ApprovalNeed, ...] = ()


def rule(decider: Decider, asked: Iterator[Access]) -> Ruling:
    """Ask each access; any that is not allowed denies the whole, and what any asks for the whole needs."""
    spoke: list[str] = []
    needs: list[ApprovalNeed] = []
    for access in asked:
        verdict = decider.decide(access)
        if not verdict.allowed:
            return Ruling(denial(access, verdict.forbids), verdict.forbids)
        spoke += [name for name in verdict.permits if name not in spoke]
        needs += [need for need in verdict.needs if need not in needs]
    return Ruling(None, tuple(spoke), tuple(needs))


def denial(access: Access, forbids: tuple[str, ...]) -> Objection:
    """Word a policy's refusal: the policy that forbids, or that none permits."""
    names: dict[str, object] = {"principal": access.principal, "action": access.action}
    if forbids:
        return "policy.forbidden", {**names, "policies": ", ".join(forbids)}
    return "policy.not-permitted", {**names, "roles": ", ".join(sorted(access.roles)) or "no role"}


def as_error(objection: Objection) -> HedgerowError:
    """Turn an objection into the error that says it."""
    code, details = objection
    try:
        return Refused(code, **details)
    except KeyError:
        return CallerError(code, **details)
