"""Cedar policies decided by Cedar itself, through ``cedarpy``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import cedarpy

from hedgerow.adapters.policy.approval import approval_need
from hedgerow.adapters.policy.compiler import OutsideSubsetError, rules_from_cedar
from hedgerow.adapters.policy.statements import first_bad_line, statements
from hedgerow.kernel.policy import CompiledPolicies
from hedgerow.model.errors import CallerError
from hedgerow.model.policy import (
    ACTION_TYPE,
    PRINCIPAL_TYPE,
    ROLE_TYPE,
    Access,
    ContextValue,
    Entity,
    PolicyNote,
    Verdict,
    settle,
)

TEXT_LIMIT_BYTES = 1_048_576
ENGINE_ERROR = "policy-engine"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FAILED = re.compile(r"error while evaluating policy `(policy\d+)`:", re.ASCII)
_PROBLEM_LIMIT = 200


class CedarPolicies:
    """A set of Cedar policies that Cedar decides; made by ``parse``.

    Args:
        text: The policies, already known to be valid.
        policies: Cedar's own form of them, by the name Cedar gave each.
    """

    def __init__(self, text: str, policies: Mapping[str, dict[str, object]]) -> None:
        self.text = text
        self._set = cedarpy.PolicySet.from_str(text)
        self._policies = policies
        self._ids = {name: str(_annotations(policy)["id"]) for name, policy in policies.items()}
        self._needs = {
            self._ids[name]: need
            for name, policy in policies.items()
            if (need := approval_need(policy)) is not None
        }

    @classmethod
    def parse(cls, text: str) -> CedarPolicies:
        """Read policies from Cedar text.

        Args:
            text: Cedar policies, each with an ``@id`` of its own; at most 1 MiB.

        Returns:
            The policies.

        Raises:
            CallerError: ``policy.malformed``, ``policy.unnamed``, ``policy.twice``, ``policy.template``,
                ``policy.approval`` or ``policy.too-large``.
        """
        _check_size(text)
        try:
            content = json.loads(cedarpy.policies_to_json_str(text))
        except (ValueError, RecursionError) as problem:
            raise _malformed(text, problem) from None
        if content["templates"]:
            raise CallerError("policy.template")
        policies = content["staticPolicies"]
        _check_ids(text, policies)
        _check_approvals(text, policies)
        return cls(text, policies)

    def decide(self, access: Access) -> Verdict:
        """Decide an access by Cedar.

        Args:
            access: Who asks to do what to which thing.

        Returns:
            The verdict with the policies that made it; ``policy-engine`` among its errors when Cedar
            itself could not answer.

        Guarantee: deny wins; an error in deciding is a refusal.
        """
        try:
            result = cedarpy.is_authorized(_request(access), self._set, _entities(access))
        except Exception:  # noqa: BLE001 - whatever went wrong in deciding is a refusal
            return settle((), (), (ENGINE_ERROR,))
        reasons = tuple(self._ids[name] for name in result.diagnostics.reasons)
        errors = tuple(self._failed(message) for message in result.diagnostics.errors)
        if result.decision is cedarpy.Decision.Allow:
            return settle(reasons, (), errors, tuple(self._needs.items()))
        if result.decision is cedarpy.Decision.Deny:
            return settle((), reasons, errors)
        return settle((), (), (ENGINE_ERROR,))

    def compile(self) -> CompiledPolicies | OutsideSubsetError:
        """Compile the policies.

        Returns:
            The compiled policies, or what stands outside the subset that can be compiled.
        """
        try:
            rules = rules_from_cedar({self._ids[name]: policy for name, policy in self._policies.items()})
        except OutsideSubsetError as outside:
            return outside
        return CompiledPolicies(rules, self._needs)

    def notes(self) -> Mapping[str, PolicyNote]:
        """List the policies by id, each with its effect and ``@reason``."""
        return MappingProxyType(
            {
                self._ids[name]: PolicyNote(
                    self._ids[name],
                    "permit" if policy["effect"] == "permit" else "forbid",
                    str(_annotations(policy).get("reason") or ""),
                )
                for name, policy in self._policies.items()
            }
        )

    def named(self) -> tuple[tuple[int, Entity], ...]:
        """List the things that policies name, each with the line on which the policy starts.

        Returns:
            Also a type alone, as ``is`` has it: an entity without an id.
        """
        lines = _lines(self.text)
        return tuple(
            (lines[_place(name)], entity)
            for name, policy in self._policies.items()
            for entity in _named({part: policy[part] for part in policy if part != "annotations"})
        )

    def annotations(self) -> tuple[tuple[int, str], ...]:
        """List the names of annotations, each with the line on which its policy starts."""
        lines = _lines(self.text)
        return tuple(
            (lines[_place(policy)], name)
            for policy, content in self._policies.items()
            for name in _annotations(content)
        )

    def contents(self) -> Mapping[str, dict[str, object]]:
        """Give each policy in Cedar's JSON form, by its id."""
        return {self._ids[name]: policy for name, policy in self._policies.items()}

    def _failed(self, message: str) -> str:
        named = _FAILED.match(message)
        return ENGINE_ERROR if named is None else self._ids[named[1]]


def _named(node: object) -> Iterator[Entity]:
    """Find what a piece of Cedar's JSON form names: ``{"type": T, "id": I}`` and ``{"entity_type": T}``."""
    if isinstance(node, list):
        for part in node:
            yield from _named(part)
    if not isinstance(node, dict):
        return
    kind, id_ = node.get("type"), node.get("id")
    if isinstance(kind, str) and isinstance(id_, str):
        yield Entity(kind, id_)
        return
    if isinstance(tested := node.get("entity_type"), str):
        yield Entity(tested, "")
    for part in node.values():
        yield from _named(part)


def _check_size(text: str) -> None:
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise CallerError("policy.malformed", line=1, problem="it is not valid Unicode text") from None
    if length > TEXT_LIMIT_BYTES:
        raise CallerError("policy.too-large", limit_bytes=TEXT_LIMIT_BYTES)


def _malformed(text: str, problem: Exception) -> CallerError:
    line = first_bad_line(text, _parses)
    first = str(problem).partition("\n")[0][:_PROBLEM_LIMIT]
    return CallerError("policy.malformed", line=line, problem=first)


def _parses(statement: str) -> bool:
    try:
        cedarpy.PolicySet.from_str(statement)
    except ValueError:
        return False
    return True


def _annotations(policy: dict[str, object]) -> dict[str, object]:
    annotations = policy.get("annotations")
    return annotations if isinstance(annotations, dict) else {}


def _check_ids(text: str, policies: Mapping[str, dict[str, object]]) -> None:
    seen: set[str] = set()
    for name, policy in policies.items():
        id_ = _annotations(policy).get("id")
        if not isinstance(id_, str) or _ID.fullmatch(id_) is None:
            raise CallerError("policy.unnamed", line=_line_of(text, name))
        if id_ in seen:
            raise CallerError("policy.twice", id=id_)
        seen.add(id_)


def _check_approvals(text: str, policies: Mapping[str, dict[str, object]]) -> None:
    for name, policy in policies.items():
        try:
            approval_need(policy)
        except ValueError as problem:
            raise CallerError("policy.approval", line=_line_of(text, name), problem=str(problem)) from None


def _line_of(text: str, name: str) -> int:
    return _lines(text)[_place(name)]


def _lines(text: str) -> list[int]:
    return [line for line, _ in statements(text)]


def _place(name: str) -> int:
    # Cedar names policies policy0, policy1, ... in the order of the text.
    return int(name.removeprefix("policy"))


def _request(access: Access) -> dict[str, object]:
    return {
        "principal": {"type": PRINCIPAL_TYPE, "id": access.principal},
        "action": {"type": ACTION_TYPE, "id": access.action},
        "resource": {"type": access.resource_type, "id": access.resource},
        "context": {name: _plain(value) for name, value in access.context.items()},
    }


def _plain(value: ContextValue) -> str | bool | int | list[str]:
    return sorted(value) if isinstance(value, frozenset) else value


def _entities(access: Access) -> str:
    roles = [{"type": ROLE_TYPE, "id": role} for role in sorted(access.roles)]
    principal = {"uid": {"type": PRINCIPAL_TYPE, "id": access.principal}, "attrs": {}, "parents": roles}
    return json.dumps([principal])
