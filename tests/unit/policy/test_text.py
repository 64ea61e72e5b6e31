"""Policy text: each fault is one clear error with the line of its policy."""

import pytest

from hedgerow.adapters.policy import CedarPolicies, cedar, load_policies
from hedgerow.adapters.policy.statements import statements
from hedgerow.model.errors import CallerError

GOOD = '@id("a") @reason("because") permit (principal, action, resource);'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("permit (principal action, resource);", 1),
        (f"{GOOD}\n\n// a remark; with a semicolon\npermit (principal action, resource);\n{GOOD}", 4),
        ('@id("x;") permit (principal, action, resource)\n  when { context.a == "a;\\";b" };\nwrong', 3),
        (f"{GOOD}\npermit (principal, action, resource)", 2),
        (f'{GOOD}\n@id("b")\npermit (principal, action, resource) when {{ foo(1) }};', 2),
        (f'{GOOD}\n"open string', 2),
    ],
)
def test_a_syntax_error_names_the_line_its_policy_starts_on(text, line):
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse(text)
    assert caught.value.code == "policy.malformed"
    assert caught.value.details["line"] == line
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "annotation", ["", "@id", '@id("")', '@id("a b")', '@id("a\\n")', f'@id("{"a" * 65}")']
)
def test_every_policy_has_a_readable_id(annotation):
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse(f"{GOOD}\n\n{annotation} permit (principal, action, resource);")
    assert (caught.value.code, caught.value.details["line"]) == ("policy.unnamed", 3)


def test_two_policies_never_share_an_id():
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse(GOOD + GOOD)
    assert caught.value.code == "policy.twice"


def test_templates_are_refused():
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse('@id("a") permit (principal == ?principal, action, resource);')
    assert caught.value.code == "policy.template"


def test_too_much_text_is_refused():
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse("//" + "x" * 1_048_576)
    assert caught.value.code == "policy.too-large"


def test_text_that_is_no_unicode_is_refused():
    with pytest.raises(CallerError) as caught:
        CedarPolicies.parse('@id("a\udc80")')
    assert caught.value.code == "policy.malformed"


def test_no_policies_allow_nothing():
    from hedgerow.model.policy import Access

    engine = load_policies("")
    access = Access("ann", frozenset({"owner"}), "query", "Dataset", "visits", {})
    assert engine.decide(access) == engine.check(access)
    assert not engine.decide(access).allowed


def test_notes_carry_effect_and_reason():
    engine = load_policies(GOOD + '@id("b") forbid (principal, action, resource);')
    assert {id_: (note.effect, note.reason) for id_, note in engine.notes().items()} == {
        "a": ("permit", "because"),
        "b": ("forbid", ""),
    }
    assert engine.text.startswith("@id")


def test_more_than_ten_policies_keep_their_own_ids():
    text = "".join(
        f'@id("p{i}") permit (principal, action == Action::"a{i}", resource) when {{ context.no{i} }};\n'
        for i in range(12)
    )
    from hedgerow.model.policy import Access

    engine = load_policies(text)
    for i in range(12):
        access = Access("ann", frozenset(), f"a{i}", "Dataset", "visits", {})
        assert engine.decide(access).errors == engine.check(access).errors == (f"p{i}",)


def test_the_splitter_keeps_strings_and_drops_comments():
    assert statements('a "x;//" ; // c;\n b/c;') == [(1, 'a "x;//" ;'), (2, "b/c;")]


def test_the_lines_of_all_policies_are_found_in_one_pass(monkeypatch):
    """So that what policies name is found in time that grows with them, not with their square."""
    policies = CedarPolicies.parse(
        "\n".join(
            f'@id("p{i}") @note("x") permit (principal == User::"u{i}", action, resource);' for i in range(9)
        )
    )
    passes = []
    monkeypatch.setattr(cedar, "statements", lambda text: (passes.append(text), statements(text))[1])
    assert [line for line, thing in policies.named() if thing.type == "User"] == list(range(1, 10))
    assert {line for line, _ in policies.annotations()} == set(range(1, 10))
    assert len(passes) == 2
