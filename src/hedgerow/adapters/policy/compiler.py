"""From Cedar's JSON form to the subset that can be compiled; what is outside is named, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from hedgerow.model.policy import (
    Attribute,
    Binary,
    BinaryOperator,
    Choice,
    Constant,
    ContextField,
    Effect,
    Entity,
    Expression,
    HasAttribute,
    HasContext,
    IsEmpty,
    IsType,
    Match,
    Negation,
    Rule,
    SetOf,
    Variable,
)

_DEPTH_LIMIT = 60
_BINARY = frozenset(
    {"&&", "||", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "containsAll", "containsAny"}
)
_FIELDS = {"effect", "principal", "action", "resource", "conditions", "annotations"}


class OutsideSubsetError(Exception):
    """A policy uses something that is not compiled.

    Args:
        policy: Its id.
        what: What it uses.
    """

    def __init__(self, policy: str, what: str) -> None:
        super().__init__(f"{policy} uses {what}")
        self.policy = policy
        self.what = what


class _OutsideError(Exception):
    pass


def rules_from_cedar(policies: Mapping[str, dict[str, object]]) -> tuple[Rule, ...]:
    """Read the compiled subset from Cedar's JSON form.

    Args:
        policies: Policies in the JSON form of Cedar, by id.

    Returns:
        One rule for each policy.

    Raises:
        OutsideSubsetError: A policy uses something outside the subset.

    Source: Cedar documentation, "JSON policy format".
    """
    return tuple(_rule(id_, policy) for id_, policy in policies.items())


def _rule(id_: str, policy: dict[str, Any]) -> Rule:
    try:
        return Rule(
            id_,
            _effect(policy),
            _match(policy["principal"]),
            _match(policy["action"]),
            _match(policy["resource"]),
            tuple(_condition(condition) for condition in policy["conditions"]),
        )
    except _OutsideError as outside:
        raise OutsideSubsetError(id_, str(outside)) from None
    except (KeyError, TypeError, AttributeError, ValueError):
        raise OutsideSubsetError(id_, "an unknown form") from None


def _effect(policy: dict[str, Any]) -> Effect:
    if not set(policy) <= _FIELDS or policy["effect"] not in {"permit", "forbid"}:
        raise _OutsideError("an unknown field")
    return cast("Effect", policy["effect"])


def _match(head: dict[str, Any]) -> Match:
    match head:
        case {"op": "All", **rest} if not rest:
            return Match()
        case {"op": "==", "entity": entity, **rest} if not rest:
            return Match(equals=_entity(entity))
        case {"op": "in", "entity": entity, **rest} if not rest:
            return Match(within=(_entity(entity),))
        case {"op": "in", "entities": entities, **rest} if not rest:
            return Match(within=tuple(_entity(entity) for entity in entities))
        case {"op": "is", "entity_type": str(type_), "in": {"entity": entity}, **rest} if not rest:
            return Match(entity_type=type_, within=(_entity(entity),))
        case {"op": "is", "entity_type": str(type_), **rest} if not rest:
            return Match(entity_type=type_)
    raise _OutsideError("an unknown head")


def _entity(value: dict[str, Any]) -> Entity:
    if set(value) != {"type", "id"} or not isinstance(value["type"], str) or not isinstance(value["id"], str):
        raise _OutsideError("an unknown entity form")
    return Entity(value["type"], value["id"])


def _condition(condition: dict[str, Any]) -> tuple[bool, Expression]:
    if set(condition) != {"kind", "body"} or condition["kind"] not in {"when", "unless"}:
        raise _OutsideError("an unknown condition")
    return condition["kind"] == "when", _expression(condition["body"], 0)


def _expression(node: dict[str, Any], depth: int) -> Expression:
    if depth > _DEPTH_LIMIT:
        raise _OutsideError("a condition nested too deeply")
    if len(node) != 1:
        raise _OutsideError("an unknown expression")
    ((operator, content),) = node.items()
    if operator in _BINARY:
        left, right = _parts(content, ("left", "right"), depth)
        return Binary(cast("BinaryOperator", operator), left, right)
    if operator in {"Value", "Var"}:
        return _leaf(operator, content)
    return _operation(operator, content, depth)


def _leaf(operator: str, content: Any) -> Expression:  # noqa: ANN401 - JSON of any shape
    if operator == "Value":
        return Constant(_constant(content))
    if content not in {"principal", "action", "resource"}:
        raise _OutsideError(f"{content} as a value")
    return Variable(content)


def _operation(operator: str, content: Any, depth: int) -> Expression:  # noqa: ANN401 - JSON of any shape
    match operator:
        case "Set":
            return SetOf(tuple(_expression(member, depth + 1) for member in content))
        case "." | "has":
            return _attribute(operator, content, depth)
        case "!":
            return Negation(*_parts(content, ("arg",), depth))
        case "isEmpty":
            return IsEmpty(*_parts(content, ("arg",), depth))
        case "is":
            return _is(content, depth)
        case "if-then-else":
            return Choice(*_parts(content, ("if", "then", "else"), depth))
    raise _OutsideError(operator)


def _parts(content: dict[str, Any], names: tuple[str, ...], depth: int) -> list[Expression]:
    if set(content) != set(names):
        raise _OutsideError("an unknown operand")
    return [_expression(content[name], depth + 1) for name in names]


def _constant(value: object) -> str | bool | int | Entity:
    if isinstance(value, str | bool | int):
        return value
    if isinstance(value, dict) and set(value) == {"__entity"}:
        return _entity(value["__entity"])
    raise _OutsideError("an unknown literal")


def _attribute(operator: str, content: dict[str, Any], depth: int) -> Expression:
    if set(content) != {"left", "attr"} or not isinstance(content["attr"], str):
        raise _OutsideError("an unknown attribute")
    is_read = operator == "."
    if content["left"] == {"Var": "context"}:
        return ContextField(content["attr"]) if is_read else HasContext(content["attr"])
    inner = _expression(content["left"], depth + 1)
    return Attribute(inner) if is_read else HasAttribute(inner)


def _is(content: dict[str, Any], depth: int) -> Expression:
    if set(content) - {"in"} != {"left", "entity_type"} or not isinstance(content["entity_type"], str):
        raise _OutsideError("an unknown type test")
    left = _expression(content["left"], depth + 1)
    is_type = IsType(left, content["entity_type"])
    if "in" not in content:
        return is_type
    return Binary("&&", is_type, Binary("in", left, _expression(content["in"], depth + 1)))
