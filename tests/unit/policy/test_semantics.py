"""Operator by operator, the compiled index says what Cedar says: also where Cedar reports an error."""

import pytest

from hedgerow.adapters.policy import CedarPolicies, load_policies
from hedgerow.adapters.policy.cedar import ENGINE_ERROR
from hedgerow.model.errors import CallerError
from hedgerow.model.policy import Access, settle

CONTEXT = {"text": "a", "number": 3, "yes": True, "no": False, "tags": frozenset({"a", "b"})}
ACCESS = Access("ann", frozenset({"analyst", "x"}), "query", "Dataset", "visits", CONTEXT)

ALL = '@id("a") permit (principal, action, resource);\n'

CONDITIONS = [
    *(
        "true",
        "false",
        "!false",
        "1 == 1",
        "1 == true",
        "true == 1",
        '"a" == "a"',
        '1 != "1"',
        "!1",
        "!!true",
    ),
    *(
        "context.yes",
        "context.no",
        "context.number",
        "context.text",
        "context.missing",
        "context has missing",
    ),
    *("context has yes && context.yes", "context has missing && context.missing", "true && 1", "1 && true"),
    *(
        "false && 1",
        "true || 1",
        "false || 1",
        "1 || true",
        "false || context.missing",
        "true || context.missing",
    ),
    *("context.number == 3", "context.number == true", "context.yes == 1", "context.yes == true"),
    *(
        "context.number < 4",
        "context.number <= 3",
        "context.number > 3",
        "context.number >= -5",
        "4 > context.number",
    ),
    *(
        "context.text < 4",
        '"a" < "b"',
        "true < 4",
        "4 < true",
        "context.missing < 4",
        "context.number < context.tags",
    ),
    *(
        'context.tags.contains("a")',
        'context.tags.contains("c")',
        "context.tags.contains(1)",
        "[1].contains(true)",
    ),
    *(
        "[1, true].contains(true)",
        "[true].contains(1)",
        "[[1]].contains([true])",
        "[[true]].contains([true])",
    ),
    *(
        'context.text.contains("a")',
        "context.tags.contains(context.missing)",
        "[context.missing].contains(1)",
    ),
    *('context.tags.containsAll(["a"])', 'context.tags.containsAll(["a", "c"])', "[].containsAll([])"),
    *('context.tags.containsAny(["c", "a"])', 'context.tags.containsAny(["c"])', "[].containsAny([])"),
    *('context.tags.containsAll("a")', '"a".containsAny(context.tags)', "[1].containsAny([true])"),
    *(
        'context.tags == ["b", "a", "a"]',
        "context.tags == []",
        "[true] == [1]",
        "[[]] == []",
        "context.tags.isEmpty()",
    ),
    *("[].isEmpty()", "1.isEmpty()", "[1, true] == [1]", "[principal].contains(principal)"),
    *(
        'principal == User::"ann"',
        'principal == User::"bob"',
        'principal == Role::"ann"',
        'principal == "ann"',
    ),
    *(
        'principal in Role::"analyst"',
        'principal in Role::"auditor"',
        'principal in User::"ann"',
        "principal in principal",
    ),
    *(
        'principal in [Role::"auditor", Role::"x"]',
        "principal in []",
        "principal in [principal, 1]",
        "principal in 1",
    ),
    *(
        "1 in principal",
        '1 in [Role::"x"]',
        'resource in Role::"x"',
        'Role::"x" in Role::"x"',
        'User::"ann" in Role::"x"',
    ),
    *(
        'User::"bob" in Role::"x"',
        'action == Action::"query"',
        'action in [Action::"query"]',
        'action in Role::"x"',
    ),
    *("principal is User", "resource is Dataset", "resource is User", "1 is User", 'Role::"x" is Role'),
    *('principal is User in Role::"x"', "principal is Role in 1", 'resource is Dataset in Role::"x"'),
    *(
        "principal has name",
        "resource has name",
        "1 has name",
        "context.text has name",
        "context has text.name",
    ),
    *(
        "principal.name == 1",
        "resource.name == 1",
        "context.text.name == 1",
        'User::"bob".name == 1',
        "(1).name == 1",
    ),
    *("if context.yes then true else 1", "if context.no then true else 1", "if 1 then true else false"),
    *("(if true then 1 else 2) == 1", "if context.missing then true else true", 'context["text"] == "a"'),
    *(
        'context.text == "\\u{e4}"',
        'context has "not a name"',
        'context["not a name"] == 1',
        "9223372036854775807 > 1",
    ),
]


def both(text: str, access: Access = ACCESS):
    engine = load_policies(text)
    assert engine.is_compiled, engine.outside
    return engine.decide(access), engine.check(access)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("keyword", ["when", "unless"])
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_compiled_is_cedar(condition, keyword, effect):
    text = ALL + f'@id("b") {effect} (principal, action, resource) {keyword} {{ {condition} }};'
    compiled, cedar = both(text)
    assert compiled == cedar


HEADS = {
    "principal": [
        "principal",
        *('principal == User::"ann"', 'principal == User::"bob"', 'principal == Role::"x"'),
        *('principal in Role::"x"', 'principal in Role::"auditor"', 'principal in User::"ann"'),
        *(
            "principal is User",
            "principal is Role",
            'principal is User in Role::"x"',
            'principal is User in User::"bob"',
        ),
    ],
    "action": [
        "action",
        *('action == Action::"query"', 'action == Action::"release"', 'action in Action::"query"'),
        *('action in [Action::"query", Action::"release"]', "action in []"),
    ],
    "resource": [
        "resource",
        *('resource == Dataset::"visits"', 'resource == Dataset::"claims"', 'resource == Subject::"visits"'),
        *(
            "resource is Dataset",
            "resource is Subject",
            'resource in Dataset::"visits"',
            'resource in Role::"x"',
        ),
        *('resource is Dataset in Dataset::"visits"', 'resource is Dataset in Workspace::"visits"'),
    ],
}
RESOURCES = [
    ("Dataset", "visits"),
    ("Dataset", "claims"),
    ("Subject", "visits"),
    ("User", "ann"),
    ("Role", "x"),
]


@pytest.mark.parametrize("part", HEADS)
def test_every_head_fits_where_cedar_says(part):
    for head in HEADS[part]:
        parts = {"principal": "principal", "action": "action", "resource": "resource"} | {part: head}
        engine = load_policies(f'@id("a") permit ({", ".join(parts.values())});')
        for type_, id_ in RESOURCES:
            for principal in ("ann", "bob"):
                access = Access(principal, frozenset({"x"}), "query", type_, id_, {})
                assert engine.decide(access) == engine.check(access), (head, access)


def test_deny_wins_and_errors_refuse_in_one_place():
    assert settle(("p",), (), ()).allowed
    assert not settle((), (), ()).allowed
    assert settle(("p",), ("f",), ()) == settle((), ("f",), ())
    assert not settle(("p",), (), ("e",)).allowed
    assert settle(("b", "a"), (), ()).permits == ("a", "b")


def test_an_error_in_a_forbid_is_a_refusal_though_cedar_would_allow():
    text = ALL + '@id("b") forbid (principal, action, resource) when { context.missing };'
    for verdict in both(text):
        assert (verdict.allowed, verdict.permits, verdict.errors) == (False, ("a",), ("b",))


@pytest.mark.parametrize(
    "condition",
    [
        *(
            'context.text like "a*"',
            "context.number + 1 == 4",
            "context.number * 2 == 6",
            "-context.number < 0",
        ),
        *('ip("127.0.0.1").isLoopback()', "{a: 1}.a == 1", "context == context", 'principal.hasTag("x")'),
        *(" && ".join(["true"] * 100), 'decimal("1.0") == decimal("1.0")'),
    ],
)
def test_what_is_outside_the_subset_falls_to_cedar_and_is_named(condition):
    engine = load_policies(ALL + f'@id("odd") forbid (principal, action, resource) when {{ {condition} }};')
    assert not engine.is_compiled
    assert engine.outside.startswith("odd uses ")
    assert engine.decide(ACCESS) == engine.check(ACCESS)


def test_when_cedar_itself_fails_the_access_is_refused(monkeypatch):
    policies = CedarPolicies.parse('@id("a") permit (principal, action, resource);')
    assert policies.decide(ACCESS).allowed

    def fail(*_):
        raise RuntimeError

    monkeypatch.setattr("hedgerow.adapters.policy.cedar.cedarpy.is_authorized", fail)
    verdict = policies.decide(ACCESS)
    assert (verdict.allowed, verdict.errors) == (False, (ENGINE_ERROR,))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("principal", ""), ("principal", "a\ud800"), ("principal", 1), ("principal", "x" * 5000)),
        *(("action", ""), ("resource", ""), ("resource", None)),
        *(("roles", {"analyst"}), ("roles", frozenset({1})), ("roles", frozenset({""}))),
        *(
            ("resource_type", "if"),
            ("resource_type", "Data set"),
            ("resource_type", "A::B"),
            ("resource_type", 1),
        ),
        *(
            ("context", {"a": 1.5}),
            ("context", {"a": 2**63}),
            ("context", {"a": None}),
            ("context", {"a": {"b": 1}}),
        ),
        *(("context", {"__entity": "x"}), ("context", {"a b": 1}), ("context", {1: 1})),
        *(("context", {"a": "\udc80"}), ("context", {"a": frozenset({1})}), ("context", {"a": ["x"]})),
    ],
)
def test_an_access_of_another_form_is_refused_without_its_value(field, value):
    fields = {
        "principal": "ann",
        "roles": frozenset({"analyst"}),
        "action": "query",
        "resource_type": "Dataset",
        "resource": "visits",
        "context": {},
    }
    with pytest.raises(CallerError) as caught:
        Access(**(fields | {field: value}))
    assert caught.value.code == "policy.access"
    assert field in caught.value.message


def test_the_context_of_an_access_cannot_change_later():
    context = {"a": 1}
    access = Access("ann", frozenset(), "query", "Dataset", "visits", context)
    context["a"] = 2
    assert access.context["a"] == 1
    with pytest.raises(TypeError):
        access.context["a"] = 3


def test_names_with_odd_characters_are_names_and_never_policy_text():
    odd = 'x" || true || User::"\n\u00e4\\'
    engine = load_policies('@id("a") permit (principal == User::"ann", action, resource);')
    access = Access(odd, frozenset({odd}), odd, "Dataset", odd, {"a": odd})
    assert engine.decide(access) == engine.check(access)
    assert not engine.decide(access).allowed


def test_strangers_cannot_fill_the_index():
    engine = load_policies('@id("a") permit (principal, action, resource);')
    for i in range(5000):
        assert engine.decide(Access("ann", frozenset(), f"a{i}", "Dataset", "visits", {})).allowed
    assert len(engine.decide.__self__._plans) == 4096
