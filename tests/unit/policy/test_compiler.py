"""The compiler never guesses: any form of Cedar's JSON it does not know leaves the whole set to Cedar."""

import copy
import json

import cedarpy
import pytest

from hedgerow.adapters.policy import CedarPolicies
from hedgerow.adapters.policy.cedar import ENGINE_ERROR
from hedgerow.adapters.policy.compiler import OutsideSubsetError, rules_from_cedar
from hedgerow.adapters.policy.statements import first_bad_line
from hedgerow.model.policy import Access

TEXT = (
    'permit (principal == User::"ann", action, resource is Dataset in Workspace::"w")'
    ' when { context has a && context.a == User::"x" && principal is User && resource has n };'
)
POLICY = json.loads(cedarpy.policies_to_json_str(TEXT))["staticPolicies"]["policy0"]


def body(expression) -> dict:
    return {**POLICY, "conditions": [{"kind": "when", "body": expression}]}


def test_the_known_form_compiles():
    (rule,) = rules_from_cedar({"a": POLICY})
    assert (rule.id, rule.effect, len(rule.conditions)) == ("a", "permit", 1)


@pytest.mark.parametrize(
    "policy",
    [
        {**POLICY, "more": 1},
        {**POLICY, "effect": "maybe"},
        {name: value for name, value in POLICY.items() if name != "resource"},
        {**POLICY, "principal": {"op": "like"}},
        {**POLICY, "principal": {"op": "==", "slot": "?principal"}},
        {**POLICY, "principal": {"op": "All", "more": 1}},
        {**POLICY, "action": {"op": "in", "entities": [{"type": "Action"}]}},
        {**POLICY, "resource": {"op": "is", "entity_type": 1}},
        {**POLICY, "resource": {"op": "==", "entity": {"type": "A", "id": 1}}},
        {**POLICY, "conditions": [{"kind": "maybe", "body": {"Value": True}}]},
        {**POLICY, "conditions": [{"kind": "when", "body": {"Value": True}, "more": 1}]},
        {**POLICY, "conditions": 1},
        body({"Value": 1.5}),
        body({"Value": None}),
        body({"Value": {"__extn": {"fn": "ip", "arg": "x"}}}),
        body({"Var": "context"}),
        body({"Var": "other"}),
        body({"Slot": "?principal"}),
        body({}),
        body({"!": {"arg": {"Value": True}}, "more": 1}),
        body({"!": {"arg": {"Value": True}, "more": 1}}),
        body({"==": {"left": {"Value": 1}}}),
        body({".": {"left": {"Var": "context"}, "attr": 1}}),
        body({".": {"left": {"Var": "context"}}}),
        body({"is": {"left": {"Var": "principal"}}}),
        body({"is": {"left": {"Var": "principal"}, "entity_type": 1}}),
        body({"Set": 1}),
        body([]),
    ],
)
def test_an_unknown_form_is_outside(policy):
    with pytest.raises(OutsideSubsetError) as caught:
        rules_from_cedar({"good": POLICY, "odd": copy.deepcopy(policy)})
    assert caught.value.policy == "odd"


@pytest.mark.parametrize(("depth", "compiles"), [(50, True), (70, False)])
def test_conditions_nested_too_deeply_are_outside(depth, compiles):
    expression = {"Value": True}
    for _ in range(depth):
        expression = {"!": {"arg": expression}}
    if compiles:
        assert rules_from_cedar({"a": body(expression)})
        return
    with pytest.raises(OutsideSubsetError, match="too deeply"):
        rules_from_cedar({"a": body(expression)})


def test_an_answer_that_is_no_decision_is_a_refusal(monkeypatch):
    policies = CedarPolicies.parse('@id("a") permit (principal, action, resource);')
    answer = cedarpy.AuthzResult({"decision": "NoDecision", "diagnostics": {"errors": ["other"]}})
    monkeypatch.setattr("hedgerow.adapters.policy.cedar.cedarpy.is_authorized", lambda *_: answer)
    verdict = policies.decide(Access("ann", frozenset(), "query", "Dataset", "visits", {}))
    assert (verdict.allowed, verdict.errors) == (False, (ENGINE_ERROR,))


def test_when_each_policy_reads_by_itself_the_first_line_is_named():
    assert first_bad_line("a;\nb;", lambda _: True) == 1
