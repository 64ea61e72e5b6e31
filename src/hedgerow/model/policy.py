"""Policy: who asks for what, the verdict, and policies as frozen values.

Cedar text is the source of truth. The part of Cedar that a compiled index answers is described here
as our own small expression language; a policy set that needs more is answered by Cedar itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal as OneOf
from typing import NamedTuple, Protocol, TypeAlias

from hedgerow.model.errors import CallerError

ContextValue: TypeAlias = "str | bool | int | frozenset[str]"
Effect = OneOf["permit", "forbid"]

PRINCIPAL_TYPE, ROLE_TYPE, ACTION_TYPE = "User", "Role", "Action"
NAME_LIMIT = 4096
_CONTEXT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_TYPE_NAME = re.compile(r"[A-Z][A-Za-z0-9]{0,63}", re.ASCII)
_NO_CONTEXT: Mapping[str, ContextValue] = MappingProxyType({})
_INTEGERS = range(-(2**63), 2**63)

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "principal.add": "Workspace",
        "principal.list": "Workspace",
        "purpose.add": "Workspace",
        "purpose.list": "Workspace",
        "policy.show": "Workspace",
        "policy.test": "Workspace",
        "policy.apply": "Workspace",
        "dataset.list": "Workspace",
        "budget.cap": "Workspace",
        "clock.accept": "Workspace",
        "journal.verify": "Workspace",
        "journal.head": "Workspace",
        "journal.witness": "Workspace",
        "journal.cosign": "Workspace",
        "evidence.export": "Workspace",
        "report.show": "Workspace",
        "quarantine.manage": "Workspace",
        "quarantine.list": "Workspace",
        "keys.status": "Workspace",
        "keys.change": "Workspace",
        "space.backup": "Workspace",
        "space.restore": "Workspace",
        "erasure.state": "Workspace",
        "budget.restate": "Workspace",
        "approval.list": "Workspace",
        "approval.decide": "Dataset",
        "collect": "Dataset",
        "dataset.declare": "Dataset",
        "dataset.drop": "Dataset",
        "dataset.index": "Dataset",
        "discover": "Dataset",
        "query": "Dataset",
        "train": "Dataset",
        "release": "Dataset",
        "release.risk": "Dataset",
        "synthesise": "Dataset",
        "budget.allocate": "Dataset",
        "budget.show": "Dataset",
        "subject.read": "Subject",
        "subject.show": "Subject",
        "subject.export": "Subject",
        "subject.erase": "Subject",
        "subject.find": "Subject",
        "token.reveal": "Subject",
        "consent.grant": "Subject",
        "consent.withdraw": "Subject",
        "consent.show": "Subject",
    }
)
"""Every action the gate knows, and the type of resource it acts on."""

APPROVED_APART = frozenset({"query", "train", "synthesise", "release", "subject.read", "subject.erase"})
"""The actions of which a policy may ask that somebody else approves each; the gate waits for that itself."""


class Entity(NamedTuple):
    """A named thing of a policy, for example ``Role`` ``analyst``."""

    type: str
    id: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks to do what to which thing.

    Args:
        principal: Name of the principal.
        roles: The roles the principal acts in.
        action: One of ``ACTIONS``.
        resource_type: ``"Workspace"``, ``"Dataset"`` or ``"Subject"``.
        resource: Name of the resource.
        context: Facts of the moment by name; integers fit in 64 bits.

    Raises:
        CallerError: ``policy.access`` when a field is of another form; the field is named, its value is not.
    """

    principal: str
    roles: frozenset[str]
    action: str
    resource_type: str
    resource: str
    context: Mapping[str, ContextValue]

    def __post_init__(self) -> None:
        """Check every field, so that the index and Cedar can read each access alike."""
        if not (_is_name(self.principal) and _is_name(self.action) and _is_name(self.resource)):
            raise CallerError("policy.access", field="principal, action or resource")
        if not _are_roles(self.roles):
            raise CallerError("policy.access", field="roles")
        if not _is_type_name(self.resource_type):
            raise CallerError("policy.access", field="resource_type")
        if not self.context:
            object.__setattr__(self, "context", _NO_CONTEXT)
            return
        if not all(map(_is_context_name, self.context)) or not all(
            map(_is_context_value, self.context.values())
        ):
            raise CallerError("policy.access", field="context")
        object.__setattr__(self, "context", MappingProxyType(dict(self.context)))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_LIMIT and (value.isascii() or _is_unicode(value))


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _are_roles(roles: object) -> bool:
    # Asked before the cache, which takes nothing that can change.
    return isinstance(roles, frozenset) and _are_names(roles)


@lru_cache(maxsize=1024)
def _are_names(names: frozenset[object]) -> bool:
    return all(_is_name(name) for name in names)


def _is_type_name(value: object) -> bool:
    return isinstance(value, str) and _TYPE_NAME.fullmatch(value) is not None


def _is_context_name(value: object) -> bool:
    return isinstance(value, str) and _CONTEXT_NAME.fullmatch(value) is not None


def _is_context_value(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or _is_unicode(value)
    if isinstance(value, int):
        return value in _INTEGERS
    return isinstance(value, frozenset) and all(isinstance(v, str) and _is_unicode(v) for v in value)


class ApprovalNeed(NamedTuple):
    """What a permit asks for besides: somebody else's approval.

    Args:
        role: The role whoever approves must hold.
        people: How many of them (1 or 2).
        days: For how many days a request and its grant stand.
    """

    role: str
    people: int = 1
    days: int = 7


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to an access, with the policies that made it.

    Args:
        allowed: Whether the access is allowed.
        permits: Ids of the policies that permit it; empty when a policy forbids it.
        forbids: Ids of the policies that forbid it.
        errors: Ids of the policies that could not be decided.
        needs: The approvals that any of the permits asks for.
    """

    allowed: bool
    permits: tuple[str, ...]
    forbids: tuple[str, ...]
    errors: tuple[str, ...]
    needs: tuple[ApprovalNeed, ...] = ()


@lru_cache(maxsize=4096)
def settle(
    permits: tuple[str, ...],
    forbids: tuple[str, ...],
    errors: tuple[str, ...],
    needs: tuple[tuple[str, ApprovalNeed], ...] = (),
) -> Verdict:
    """Combine what the policies say: the one place where it is done.

    Args:
        permits: Ids of the satisfied permits.
        forbids: Ids of the satisfied forbids.
        errors: Ids of the policies whose condition could not be decided.
        needs: The approvals that permits ask for, by the id of the permit.

    Returns:
        The verdict, its ids sorted.

    Guarantee: deny wins, no permit means no, and an error in deciding is a refusal; what is permitted
        needs every approval that any of its permits asks for, whatever the others say.
    """
    allowed = bool(permits) and not forbids and not errors
    shown = () if forbids else tuple(sorted(permits))
    asked = tuple(sorted({need for id_, need in needs if id_ in permits})) if allowed else ()
    return Verdict(allowed, shown, tuple(sorted(forbids)), tuple(sorted(errors)), asked)


@dataclass(frozen=True, slots=True)
class PolicyNote:
    """What a person sees of one policy: its id, effect and stated reason."""

    id: str
    effect: Effect
    reason: str


class PolicyDecider(Protocol):
    """Decides accesses by one fixed set of policies."""

    def decide(self, access: Access) -> Verdict:
        """Decide an access; never raises because of what a policy says."""

    def notes(self) -> Mapping[str, PolicyNote]:
        """List the policies by id."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal of a condition."""

    value: str | bool | int | Entity


@dataclass(frozen=True, slots=True)
class Variable:
    """The principal, action or resource of the access."""

    name: OneOf["principal", "action", "resource"]


@dataclass(frozen=True, slots=True)
class ContextField:
    """A fact of the context; missing is an error."""

    name: str


@dataclass(frozen=True, slots=True)
class HasContext:
    """Whether the context holds a fact."""

    name: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a value: always an error, for nothing but the context has any."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class HasAttribute:
    """Whether an entity has an attribute: never; an error for any other value."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class SetOf:
    """A set built from its members."""

    members: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """Not."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """Whether a set has no members."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class IsType:
    """Whether an entity is of a type."""

    inner: Expression
    entity_type: str


BinaryOperator = OneOf[
    "&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "containsAll", "containsAny"
]


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions, as in Cedar."""

    operator: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    """If, then, else; only the chosen branch is evaluated."""

    condition: Expression
    then: Expression
    otherwise: Expression


Operation: TypeAlias = "Attribute | HasAttribute | SetOf | Negation | IsEmpty | IsType | Binary | Choice"
Expression: TypeAlias = "Constant | Variable | ContextField | HasContext | Operation"


@dataclass(frozen=True, slots=True)
class Match:
    """What the head of a policy asks of its principal, action or resource; empty fields ask nothing."""

    entity_type: str | None = None
    equals: Entity | None = None
    within: tuple[Entity, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy of the compiled subset.

    Args:
        id: Its ``@id``.
        effect: Permit or forbid.
        principal: What it asks of the principal.
        action: What it asks of the action.
        resource: What it asks of the resource.
        conditions: Conditions in order, each with whether it stands under ``when`` (or ``unless``).
    """

    id: str
    effect: Effect
    principal: Match
    action: Match
    resource: Match
    conditions: tuple[tuple[bool, Expression], ...]
