"""Turn conditions into closures over an access, with Cedar's meaning of every operator.

Values are text, integers, booleans, entities and frozen sets. Inside a set a boolean stands as a tuple
of one, because Python holds ``True`` and ``1`` for one member where Cedar holds them for two.

Source: Cedar policy language reference, "Operators" and "Authorization".
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

from hedgerow.model.policy import (
    ACTION_TYPE,
    PRINCIPAL_TYPE,
    ROLE_TYPE,
    Access,
    Attribute,
    Binary,
    Constant,
    ContextField,
    Entity,
    Expression,
    HasAttribute,
    HasContext,
    IsEmpty,
    IsType,
    Negation,
    Operation,
    SetOf,
    Variable,
)

Evaluate: TypeAlias = Callable[[Access], Any]
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


_ALWAYS_BOOLEAN = (HasContext, HasAttribute, Negation, IsEmpty, IsType, Binary)


class UndecidableError(Exception):
    """A condition has no value for this access: a fact is missing or of the wrong type."""


def compile_condition(expression: Expression, *, negated: bool) -> tuple[Callable[[Access], bool], ...]:
    """Turn one condition into closures to be asked in order until one says no.

    Args:
        expression: The condition.
        negated: Whether it stands under ``unless``.

    Returns:
        Functions of the access; each raises ``UndecidableError`` where Cedar reports an error.
    """
    if negated:
        return (_negation(_truth(expression)),)
    if isinstance(expression, Binary) and expression.operator == "&&":
        left = compile_condition(expression.left, negated=False)
        return (*left, *compile_condition(expression.right, negated=False))
    return (_truth(expression),)


def is_within(access: Access, entity: Entity, target: Entity) -> bool:
    """Tell whether an entity is another or below it: only the principal is below anything, its roles.

    Args:
        access: The access.
        entity: The entity asked about.
        target: What it may be, or be below.

    Returns:
        Cedar's ``entity in target``.
    """
    if entity == target:
        return True
    return target.type == ROLE_TYPE and target.id in access.roles and entity == _principal(access)


def _compiled(expression: Expression) -> Evaluate:
    match expression:
        case Constant(value):
            return lambda _: value
        case Variable(name):
            return _VARIABLES[name]
        case ContextField(name):
            return _context_field(name)
        case HasContext(name):
            return lambda access: name in access.context
    return _operation(expression)


def _operation(expression: Operation) -> Evaluate:
    match expression:
        case Attribute(inner):
            return _attribute(_compiled(inner))
        case HasAttribute(inner):
            return _asked_of_entity(_compiled(inner), None)
        case IsType(inner, entity_type):
            return _asked_of_entity(_compiled(inner), entity_type)
        case SetOf(members):
            return _set(tuple(_compiled(member) for member in members))
        case Negation(inner):
            return _negation(_truth(inner))
        case IsEmpty(inner):
            return _is_empty(_members(_compiled(inner)))
        case Binary(sign, left, right):
            return _binary(sign, left, right)
    condition, then, otherwise = expression.condition, expression.then, expression.otherwise
    return _choice(_truth(condition), _compiled(then), _compiled(otherwise))


def _principal(access: Access) -> Entity:
    return Entity(PRINCIPAL_TYPE, access.principal)


def _action(access: Access) -> Entity:
    return Entity(ACTION_TYPE, access.action)


def _resource(access: Access) -> Entity:
    return Entity(access.resource_type, access.resource)


_VARIABLES: dict[str, Evaluate] = {"principal": _principal, "action": _action, "resource": _resource}


def _context_field(name: str) -> Evaluate:
    def read(access: Access) -> object:
        try:
            return access.context[name]
        except KeyError:
            raise UndecidableError from None

    return read


def _attribute(inner: Evaluate) -> Evaluate:
    def read(access: Access) -> object:
        inner(access)
        raise UndecidableError

    return read


def _asked_of_entity(inner: Evaluate, entity_type: str | None) -> Evaluate:
    # Without a type the question is for an attribute, and no entity has one.
    def ask(access: Access) -> bool:
        value = inner(access)
        if type(value) is not Entity:
            raise UndecidableError
        return value.type == entity_type

    return ask


def _set(members: tuple[Evaluate, ...]) -> Evaluate:
    def build(access: Access) -> frozenset[object]:
        return frozenset([_as_member(member(access)) for member in members])

    return build


def _as_member(value: object) -> object:
    return (value,) if type(value) is bool else value


def _negation(inner: Callable[[Access], bool]) -> Evaluate:
    return lambda access: not inner(access)


def _is_empty(inner: Callable[[Access], frozenset[object]]) -> Evaluate:
    return lambda access: not inner(access)


def _choice(condition: Callable[[Access], bool], then: Evaluate, otherwise: Evaluate) -> Evaluate:
    return lambda access: then(access) if condition(access) else otherwise(access)


def _binary(sign: str, left: Expression, right: Expression) -> Evaluate:
    if sign in {"&&", "||"}:
        return _connective(sign, _truth(left), _truth(right))
    if sign in {"==", "!="}:
        return _equality(left, right, wanted=sign == "==")
    if sign in _ORDERS:
        return _order(_ORDERS[sign], _integer(_compiled(left)), _integer(_compiled(right)))
    if sign == "in":
        return _within(_compiled(left), _compiled(right))
    if sign == "contains":
        return _contains(_members(_compiled(left)), right)
    return _set_relation(sign, _members(_compiled(left)), _members(_compiled(right)))


def _connective(sign: str, left: Callable[[Access], bool], right: Callable[[Access], bool]) -> Evaluate:
    if sign == "&&":
        return lambda access: left(access) and right(access)
    return lambda access: left(access) or right(access)


def _equality(left: Expression, right: Expression, *, wanted: bool) -> Evaluate:
    if isinstance(right, Constant):
        return _equality_with(_compiled(left), right.value, wanted=wanted)
    first, second = _compiled(left), _compiled(right)

    def compare(access: Access) -> bool:
        a, b = first(access), second(access)
        return (type(a) is type(b) and a == b) is wanted

    return compare


def _equality_with(left: Evaluate, value: object, *, wanted: bool) -> Evaluate:
    kind = type(value)

    def compare(access: Access) -> bool:
        found = left(access)
        return (found == value and type(found) is kind) is wanted

    return compare


def _order(compare: Callable[[Any, Any], bool], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda access: compare(left(access), right(access))


def _contains(members: Callable[[Access], frozenset[object]], value: Expression) -> Evaluate:
    if isinstance(value, Constant):
        member = _as_member(value.value)
        return lambda access: member in members(access)
    sought = _compiled(value)
    return lambda access: _as_member(sought(access)) in members(access)


def _set_relation(
    sign: str,
    left: Callable[[Access], frozenset[object]],
    right: Callable[[Access], frozenset[object]],
) -> Evaluate:
    if sign == "containsAll":
        return lambda access: left(access) >= right(access)
    return lambda access: not left(access).isdisjoint(right(access))


def _within(left: Evaluate, right: Evaluate) -> Evaluate:
    def ask(access: Access) -> bool:
        entity, target = left(access), right(access)
        targets = target if type(target) is frozenset else (target,)
        if type(entity) is not Entity or any(type(t) is not Entity for t in targets):
            raise UndecidableError
        return any(is_within(access, entity, t) for t in targets)

    return ask


def _truth(expression: Expression) -> Callable[[Access], bool]:
    inner = _compiled(expression)
    if isinstance(expression, _ALWAYS_BOOLEAN):
        return inner

    def read(access: Access) -> bool:
        value = inner(access)
        if value is True or value is False:
            return value
        raise UndecidableError

    return read


def _integer(inner: Evaluate) -> Evaluate:
    def read(access: Access) -> int:
        value = inner(access)
        if type(value) is not int:
            raise UndecidableError
        return value

    return read


def _members(inner: Evaluate) -> Callable[[Access], frozenset[object]]:
    def read(access: Access) -> frozenset[object]:
        value = inner(access)
        if type(value) is not frozenset:
            raise UndecidableError
        return value

    return read
