"""Proves that hostile text stays text: it reaches the page through one escape and changes no structure."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgerow.app.report import render
from hedgerow.app.report.markup import clip, escape, join, seen, tag

HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onload='alert(1)",
    "]]>",
    "<![CDATA[",
    "<!--",
    "-->",
    "&lt;b&gt;",
    "&amp;#x3c;",
    "&#0;",
    "</title></svg>",
    "javascript:alert(1)",
    "a\x00b\x1b[31m\x07\x7f\x85",
    "\u202egnp.exe\u2066",
    "\ud800 alone",
    "\ufffe\uffff\U0001ffff",
    "\ufeffx\u200b",
    "line\r\nbreak\rreturn",
    "<" * 5000,
    "名前" * 400,
    "{0} %s {title}",
]
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=()), max_size=60))


def poisoned(value, bad):
    """Replace every text of a report, keys of free mappings included."""
    if isinstance(value, str):
        return bad
    if isinstance(value, list):
        return [poisoned(item, bad) for item in value]
    if isinstance(value, dict):
        return {key: {bad: bad} if key == "levels" else poisoned(item, bad) for key, item in value.items()}
    return value


def skeleton(page):
    return [(name, sorted(attributes)) for name, attributes in page.tags if name not in {"li", "p"}]


@pytest.fixture(scope="module")
def harmless(samples, read):
    return skeleton(read(render(poisoned(samples.sample(), "xz"))))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_hostile_text_is_held_only_as_text(full, harmless, read, tree, text):
    bad = "x" + text  # neither a number nor a time nor a word that the page knows
    source = render(poisoned(full, bad))
    source.encode("utf-8")
    page = read(source)
    assert skeleton(page) == harmless
    assert page.others == []
    assert seen(clip(bad)) in page.text
    tree(source)


@settings(max_examples=50, deadline=None)
@given(TEXT)
def test_both_kinds_of_reader_get_the_seen_text_back(tree, text):
    element = tree(tag("p", text, title=text).source)
    assert (element.text or "") == seen(text)
    assert element.get("title") == seen(text).replace("\n", " ").replace("\t", " ")


@pytest.mark.parametrize("text", HOSTILE)
def test_no_markup_survives_the_escape(text):
    assert not set(escape(text)) & set("<>\"'")


def test_what_cannot_be_seen_is_named():
    assert seen("a\x00b\u202ec\ud800\r\nd\re") == "a[U+0000]b[U+202E]c[U+D800]\nd[U+000D]e"
    assert seen("naïve 名前 👩\u200d⚕️") == "naïve 名前 👩\u200d⚕️"


def test_long_names_are_cut_and_say_so():
    assert clip("n" * 160) == "n" * 160
    assert clip("n" * 1161) == "n" * 160 + "… (1,001 more characters)"


def test_markup_is_joined_as_it_is_and_text_is_not():
    assert join(tag("b", "<"), "<", None).source == "<b>&lt;</b>&lt;"
    assert (
        tag("td", class_="a'b", aria_label=None, tabindex="0").source
        == '<td class="a&#39;b" tabindex="0"></td>'
    )
