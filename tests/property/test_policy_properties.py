"""On drawn policies and accesses: compiled equals Cedar, deny wins, and less permission never allows more.

An error in deciding is a refusal, so a permit that errs can stand in the way: taking it away is the one
removal that may allow more. The properties on removing and adding say so.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.adapters.policy import load_policies
from hedgerow.model.policy import Access, ApprovalNeed

MODEST = settings(max_examples=50, deadline=None)
NAMES = ("ann", "bob")
ROLES = ("analyst", "auditor", "x")
ACTIONS = ("query", "release")
FIELDS = ("n", "s", "b", "t", "gone")

entities = st.one_of(
    st.sampled_from([f'User::"{name}"' for name in NAMES]),
    st.sampled_from([f'Role::"{role}"' for role in ROLES]),
    st.sampled_from(['Dataset::"d"', 'Action::"query"']),
)
leaves = st.one_of(
    st.sampled_from(["true", "false", "0", "1", "-2", '"a"', '"b"', "[]", '["a", "b"]', "[1, true]"]),
    st.sampled_from([f"context.{name}" for name in FIELDS]),
    st.sampled_from([f"context has {name}" for name in FIELDS]),
    st.sampled_from(["principal", "action", "resource"]),
    entities,
)
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def grown(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.builds(lambda a: f"!({a})", inner),
        st.builds(
            lambda p, sign: f"({p[0]}) {sign} ({p[1]})",
            pair,
            st.sampled_from(["&&", "||", "in", *COMPARISONS]),
        ),
        st.builds(
            lambda p, name: f"({p[0]}).{name}({p[1]})",
            pair,
            st.sampled_from(["contains", "containsAll", "containsAny"]),
        ),
        st.builds(lambda members: f"[{', '.join(members)}]", st.lists(inner, max_size=3)),
        st.builds(lambda c, p: f"if ({c}) then ({p[0]}) else ({p[1]})", inner, pair),
        st.builds(lambda a, name: f"({a}) is {name}", inner, st.sampled_from(["User", "Role", "Dataset"])),
        st.builds(lambda a: f"({a}).isEmpty()", inner),
        st.builds(lambda a: f"({a}) has n", inner),
        st.builds(lambda a: f"({a}).n", inner),
    )


conditions = st.recursive(leaves, grown, max_leaves=6)
# Well-typed conditions, so that not almost every drawn policy errs.
typed = st.sampled_from(
    [
        *(
            "context has n && context.n > 0",
            'context has s && context.s == "a"',
            "context has b && context.b",
        ),
        *(
            'context has t && context.t.contains("a")',
            'principal in Role::"x"',
            "!(context has gone)",
            "false",
            "true",
        ),
        *(
            'resource == Dataset::"d" || action == Action::"query"',
            'principal == User::"ann"',
            "context.n <= 1",
        ),
    ]
)
principals = st.one_of(
    st.just("principal"),
    st.builds(lambda op, e: f"principal {op} {e}", st.sampled_from(["==", "in"]), entities),
    st.builds(lambda e: f"principal is User in {e}", entities),
)
actions = st.sampled_from(
    ["action", 'action == Action::"query"', 'action in [Action::"query", Action::"release"]', "action in []"]
)
resources = st.one_of(
    st.sampled_from(["resource", "resource is Dataset", "resource is User", 'resource == Dataset::"d"']),
    st.builds(lambda e: f"resource in {e}", entities),
)
clauses = st.lists(
    st.builds(
        lambda kind, body: f"{kind} {{ {body} }}",
        st.sampled_from(["when", "unless"]),
        st.one_of(typed, conditions),
    ),
    max_size=2,
)
plain = st.builds(
    lambda effect, p, a, r, c: f"{effect} ({p}, {a}, {r}) {' '.join(c)};",
    st.sampled_from(["permit", "permit", "forbid"]),
    principals,
    actions,
    resources,
    clauses,
)
NEEDS = {
    '@approval("privacy-officer")': ApprovalNeed("privacy-officer"),
    '@approval("privacy-officer") @approvers("2")': ApprovalNeed("privacy-officer", 2),
    '@approval("auditor") @approval_days("3")': ApprovalNeed("auditor", 1, 3),
}
approved = st.builds(
    lambda asked, p, a, r, c: f"{asked} permit ({p}, {a}, {r}) {' '.join(c)};",
    st.sampled_from(sorted(NEEDS)),
    principals,
    st.sampled_from(['action == Action::"query"', 'action in [Action::"query", Action::"release"]']),
    resources,
    clauses,
)
policies = st.one_of(plain, plain, approved)
policy_sets = st.lists(policies, min_size=1, max_size=5)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "n": st.one_of(st.integers(-2, 2), st.booleans()),
        "s": st.sampled_from(["a", "b", "c"]),
        "b": st.booleans(),
        "t": st.frozensets(st.sampled_from(["a", "b", "c"])),
    },
)
accesses = st.builds(
    Access,
    st.sampled_from(NAMES),
    st.frozensets(st.sampled_from(ROLES)),
    st.sampled_from(ACTIONS),
    st.sampled_from(["Dataset", "User", "Role"]),
    st.sampled_from(["d", "e", "ann", "x"]),
    contexts,
)


def named(texts) -> dict[str, str]:
    return {f"p{i}": text for i, text in enumerate(texts)}


def loaded(named_texts):
    engine = load_policies("\n".join(f'@id("{id_}") {text}' for id_, text in named_texts.items()))
    assert engine.is_compiled, engine.outside
    return engine


@settings(max_examples=150, deadline=None)
@given(policy_sets, st.lists(accesses, min_size=1, max_size=6))
def test_compiled_equals_cedar(texts, asked):
    engine = loaded(named(texts))
    for access in asked:
        assert engine.decide(access) == engine.check(access)


@MODEST
@given(policy_sets, accesses)
def test_deny_wins_and_errors_refuse(texts, access):
    each = {id_: loaded({id_: text}).decide(access) for id_, text in named(texts).items()}
    forbids = tuple(sorted(id_ for id_, verdict in each.items() if verdict.forbids))
    errors = tuple(sorted(id_ for id_, verdict in each.items() if verdict.errors))
    permits = tuple(sorted(id_ for id_, verdict in each.items() if verdict.permits))
    verdict = loaded(named(texts)).decide(access)
    assert (verdict.forbids, verdict.errors) == (forbids, errors)
    assert verdict.permits == (() if forbids else permits)
    assert verdict.allowed == (bool(permits) and not forbids and not errors)


@settings(max_examples=100, deadline=None)
@given(policy_sets, accesses)
def test_what_is_permitted_needs_all_that_any_of_its_permits_asks_for(texts, access):
    verdict = loaded(named(texts)).decide(access)
    asked = {
        need
        for id_, text in named(texts).items()
        for written, need in NEEDS.items()
        if text.startswith(f"{written} permit") and id_ in verdict.permits
    }
    assert set(verdict.needs) == (asked if verdict.allowed else set())


@MODEST
@given(policy_sets, accesses, st.data())
def test_removing_a_permit_that_did_not_err_never_allows_more(texts, access, data):
    all_ = named(texts)
    removed = data.draw(st.sampled_from(sorted(all_)))
    before = loaded(all_).decide(access)
    if all_[removed].startswith("forbid") or removed in before.errors:
        return
    after = loaded({id_: text for id_, text in all_.items() if id_ != removed}).decide(access)
    assert before.allowed or not after.allowed


@MODEST
@given(policy_sets, policies, accesses)
def test_adding_a_forbid_never_allows_more(texts, added, access):
    before = loaded(named(texts)).decide(access)
    forbid = "forbid (" + added.partition(" (")[2]
    after = loaded({**named(texts), "added": forbid}).decide(access)
    assert before.allowed or not after.allowed


@MODEST
@given(policy_sets, accesses)
def test_the_order_of_policies_does_not_matter(texts, access):
    one = named(texts)
    assert loaded(one).decide(access) == loaded(dict(reversed(one.items()))).decide(access)
