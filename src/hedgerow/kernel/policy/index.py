"""An index from (roles, action, resource type) to the few policies that can still matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hedgerow.kernel.policy.expressions import UndecidableError, compile_condition, is_within
from hedgerow.model.policy import (
    ACTION_TYPE,
    PRINCIPAL_TYPE,
    ROLE_TYPE,
    Access,
    ApprovalNeed,
    Entity,
    Match,
    Rule,
    Verdict,
    settle,
)

Test: TypeAlias = Callable[[Access], bool]
_Needs: TypeAlias = tuple[tuple[str, ApprovalNeed], ...]
_PLANS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A policy whose head fits, and what is still to be asked of each access."""

    id: str
    is_permit: bool
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The candidates of one index entry; the verdict itself where nothing is left to ask."""

    candidates: tuple[_Candidate, ...]
    verdict: Verdict | None


class CompiledPolicies:
    """Decides accesses without Cedar, as Cedar would.

    Args:
        rules: The policies; their ids are unique.
        needs: The approvals that permits ask for, by the id of the permit.
    """

    def __init__(self, rules: tuple[Rule, ...], needs: Mapping[str, ApprovalNeed] | None = None) -> None:
        self._needs = tuple((needs or {}).items())
        self._rules = tuple((rule, _tests(rule)) for rule in sorted(rules, key=lambda rule: rule.id))
        self._plans: dict[tuple[frozenset[str], str, str], _Plan] = {}

    def decide(self, access: Access) -> Verdict:
        """Decide an access.

        Args:
            access: Who asks to do what to which thing.

        Returns:
            The verdict with the policies that made it.

        Guarantee: deny wins; an error in deciding is a refusal; equal to Cedar's answer on the same policies.
        """
        key = (access.roles, access.action, access.resource_type)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._planned(key)
        return _run(plan.candidates, access, self._needs) if plan.verdict is None else plan.verdict

    def _planned(self, key: tuple[frozenset[str], str, str]) -> _Plan:
        candidates = tuple(
            _Candidate(rule.id, rule.effect == "permit", (*residual, *conditions))
            for rule, conditions in self._rules
            if (residual := _residual(rule, *key)) is not None
        )
        fixed = not any(candidate.tests for candidate in candidates)
        plan = _Plan(candidates, _fixed_verdict(candidates, self._needs) if fixed else None)
        # Callers choose actions: a bound keeps a stranger from filling the memory.
        if len(self._plans) < _PLANS_KEPT:
            self._plans[key] = plan
        return plan


def _tests(rule: Rule) -> tuple[Test, ...]:
    return tuple(test for when, body in rule.conditions for test in compile_condition(body, negated=not when))


def _fixed_verdict(candidates: tuple[_Candidate, ...], needs: _Needs) -> Verdict:
    permits = tuple(candidate.id for candidate in candidates if candidate.is_permit)
    return settle(permits, tuple(c.id for c in candidates if not c.is_permit), (), needs)


def _run(candidates: tuple[_Candidate, ...], access: Access, needs: _Needs) -> Verdict:
    permits: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    for candidate in candidates:
        try:
            for test in candidate.tests:
                if not test(access):
                    break
            else:
                if candidate.is_permit:
                    permits = (*permits, candidate.id)
                else:
                    forbids = (*forbids, candidate.id)
        except UndecidableError:
            errors = (*errors, candidate.id)
    return settle(permits, forbids, errors, needs)


_Fit: TypeAlias = "Test | Literal[True] | None"


def _residual(rule: Rule, roles: frozenset[str], action: str, resource_type: str) -> tuple[Test, ...] | None:
    """Tell what the head of a policy still asks once the index key is known; none when it cannot fit."""
    fits = (
        _principal_fit(rule.principal, roles),
        _action_fit(rule.action, Entity(ACTION_TYPE, action)),
        _resource_fit(rule.resource, resource_type),
    )
    if any(fit is None for fit in fits):
        return None
    return tuple(fit for fit in fits if fit is not None and fit is not True)


def _principal_fit(match: Match, roles: frozenset[str]) -> _Fit:
    if match.entity_type not in {None, PRINCIPAL_TYPE}:
        return None
    if match.equals is not None:
        return _named(match.equals) if match.equals.type == PRINCIPAL_TYPE else None
    if match.within is None:
        return True
    if any(target.type == ROLE_TYPE and target.id in roles for target in match.within):
        return True
    named = frozenset(target.id for target in match.within if target.type == PRINCIPAL_TYPE)
    return (lambda access: access.principal in named) if named else None


def _named(entity: Entity) -> Test:
    return lambda access: access.principal == entity.id


def _action_fit(match: Match, action: Entity) -> _Fit:
    if match.entity_type not in {None, ACTION_TYPE}:
        return None
    if match.equals is not None:
        return True if match.equals == action else None
    return True if match.within is None or action in match.within else None


def _resource_fit(match: Match, resource_type: str) -> _Fit:
    if match.entity_type not in {None, resource_type}:
        return None
    equals, within = match.equals, match.within
    if equals is not None:
        if equals.type != resource_type:
            return None
        return lambda access: access.resource == equals.id
    if within is None:
        return True
    return lambda access: any(
        is_within(access, Entity(access.resource_type, access.resource), target) for target in within
    )
