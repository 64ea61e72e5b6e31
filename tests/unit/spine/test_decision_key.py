"""Proves that the key of cached decisions tells apart whatever the binding of a request tells apart."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.model.errors import CallerError
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.model.words import Role
from hedgerow.spine.requests import binding_of, decision_key

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "1", "true", "a"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2), max_leaves=3)
words = st.sampled_from(["a", "b", "ab"])
requests = st.builds(
    UseRequest,
    st.builds(Actor, words, words),
    words,
    words,
    st.dictionaries(words, values, max_size=2),
    words,
)


def asked(value: object) -> UseRequest:
    return UseRequest(Actor("owner", "ana"), "research", "visits", {"value": value}, "r-1")


@settings(max_examples=50, deadline=None)
@given(requests, requests)
def test_different_bindings_have_different_keys(one, two):
    if binding_of(one, "dp_query") != binding_of(two, "dp_query"):
        assert decision_key(one, "dp_query") != decision_key(two, "dp_query")


@pytest.mark.parametrize(("one", "two"), [(1, True), (0, False), ("1", 1), (None, False), ([1], [True])])
def test_values_that_python_calls_equal_are_kept_apart(one, two):
    assert decision_key(asked(one), "dp_query") != decision_key(asked(two), "dp_query")


def test_another_technique_and_actor_have_another_key():
    request = asked(1)
    other = UseRequest(Actor("ana", "ana"), "research", "visits", {"value": 1}, "r-1")
    keys = {
        decision_key(request, "dp_query"),
        decision_key(request, "release"),
        decision_key(other, "dp_query"),
    }
    assert len(keys) == 3


def test_equal_wishes_share_a_key_whatever_their_id():
    copied = UseRequest(Actor("owner", "ana"), "research", "visits", {"value": "AB".lower()}, "r-2")
    assert decision_key(asked("ab"), "dp_query") == decision_key(copied, "dp_query")


def test_types_beyond_the_plain_ones_fall_back_to_the_binding():
    bound = binding_of(asked(Role.ANALYST), "dp_query")
    assert decision_key(asked(Role.ANALYST), "dp_query") == f"{bound} ".encode()
    with pytest.raises(CallerError):
        decision_key(asked(Fraction(1, 2)), "dp_query")
