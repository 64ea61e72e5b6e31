"""Proves that the page is whole: self-contained, readable by machines and people, refusals first."""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise

import pytest

from hedgerow.app.report import render
from hedgerow.app.report.page import stylesheet

ORDER = [
    "refused",
    "walk",
    "held",
    "used",
    "budget",
    "releases",
    "consent",
    "left",
    "aside",
    "journal",
    "next",
    "limits",
]


def sections(page):
    return [attributes["id"] for attributes in page.of("section")]


def test_refusals_come_first_and_the_rest_in_its_order(full, read):
    assert sections(read(render(full))) == ORDER


def test_without_acts_or_suggestions_there_is_no_walk_through_and_no_next_step(bare, read):
    assert sections(read(render(bare))) == [name for name in ORDER if name not in {"walk", "next"}]


@pytest.mark.parametrize("which", ["full", "bare"])
def test_the_page_is_well_formed_for_an_xml_reader_too(which, request, tree):
    source = render(request.getfixturevalue(which))
    assert source.startswith("<!DOCTYPE html>\n")
    root = tree(source)
    assert root.tag == "html"
    assert root.get("lang") == "en"


def test_the_same_values_give_the_same_text(full):
    assert render(full) == render(full)


def test_nothing_is_loaded_and_nothing_runs(full, read):
    source = render(full)
    page = read(source)
    names = {name for name, _ in page.tags}
    assert not names & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "image",
        "use",
        "a:href",
    }
    for name, attributes in page.tags:
        assert not [
            key
            for key in attributes
            if key.startswith("on") or key in {"style", "src", "srcset", "xlink:href"}
        ]
        assert attributes.get("href", "#").startswith("#"), name
    assert page.others == []
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()
    assert "http" not in source.replace("http-equiv", "")


def test_the_policy_allows_the_one_style_by_its_hash_and_nothing_else(full, read):
    source = render(full)
    (policy,) = [
        m["content"] for m in read(source).of("meta") if m.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{allowed}'",
        "img-src": "'none'",
        "script-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_the_policy_stands_before_the_style_it_guards(full):
    source = render(full)
    assert source.index("Content-Security-Policy") < source.index("<style>")


@pytest.mark.parametrize("which", ["full", "bare"])
def test_headings_never_skip_a_level(which, request, read):
    page = read(render(request.getfixturevalue(which)))
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("which", ["full", "bare"])
def test_landmarks_ids_and_links_hold_together(which, request, read):
    page = read(render(request.getfixturevalue(which)))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.of(landmark)) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for _, attributes in page.tags:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)
        assert (attributes.get("href") or "#main")[1:] in ids


def test_every_table_has_a_caption_and_scopes_and_can_be_scrolled_by_keyboard(full, read):
    page = read(render(full))
    tables = len(page.of("table"))
    assert tables == len(page.of("caption"))
    assert tables == sum(a.get("role") == "region" and a.get("tabindex") == "0" for a in page.of("div"))
    assert all(attributes.get("scope") in {"col", "row"} for attributes in page.of("th"))


def test_every_chart_has_a_title_a_description_and_its_figures_as_a_table(full, tree):
    root = tree(render(full))
    charts = [svg for svg in root.iter("svg") if svg.get("role") == "img"]
    assert {svg.get("aria-labelledby").split("-title")[0] for svg in charts} == {
        "reasons",
        "users",
        "budget-chart",
        "release-0-chart",
        "consent-chart",
    }
    for svg in charts:
        assert svg.find("title").text
        assert svg.find("desc").text
    for name in ("reasons-table", "users-table", "budget-table", "release-0-sizes", "consent-table"):
        assert root.find(f".//caption[@id='{name}-caption']") is not None
    assert all(svg.get("aria-hidden") == "true" for svg in root.iter("svg") if svg.get("role") != "img")


def test_empty_sections_say_so_in_one_sentence(bare, read):
    said = read(render(bare)).text
    for sentence in (
        "Nothing has been refused in this workspace so far.",
        "No data set is held.",
        "Nobody has used the data yet.",
        "No privacy budget has been allocated, so every private query is refused.",
        "No table of rows has left this workspace.",
        "No purpose rests on consent.",
        "Nobody has been erased.",
        "No row is set aside.",
    ):
        assert said.count(sentence) == 1


def test_a_report_with_every_part_missing_still_renders(read):
    page = read(render({}))
    assert "The journal of this workspace is not verified." in page.text


def test_hidden_counts_are_called_hidden_and_listed_as_such(full, bare, read):
    said = read(render(full)).text
    assert said.count("not shown to this role") == 2 + 2 + 3 + 1  # overview, data set, consent, limits
    assert "not shown to this role" not in read(render(bare)).text


def test_the_page_is_small(full):
    assert len(render(full).encode()) < 45_000


def crowded(full):
    """Give a report of 200 data sets, 60 purposes of consent, and thousands of uses and refusals."""
    held = [{**full["held"][0], "dataset": f"visits_{at}"} for at in range(200)]
    budget = [{**full["budget"][0], "dataset": f"visits_{at}"} for at in range(200)]
    consents = [{**full["consents"][0], "purpose": f"purpose_{at}"} for at in range(60)]
    uses = [{**full["uses"][0], "entry": at, "as": f"ana{at % 30}"} for at in range(2000)]
    refusals = [{**full["refusals"][0], "entry": at} for at in range(2000)]
    few = {"held": held, "budget": budget, "consents": consents, "uses": uses, "refusals": refusals}
    return {**full, **few}


def test_a_crowded_workspace_is_listed_whole_charted_in_part_and_says_what_is_left_out(full, read, tree):
    source = render(crowded(full))
    root = tree(source)
    drawn = {
        svg.get("aria-labelledby").split("-title")[0]: svg for svg in root.iter("svg") if svg.get("role")
    }
    for name, most in (("budget-chart", 12), ("consent-chart", 12), ("users", 8)):
        bars = [r for r in drawn[name].iter("rect") if r.get("class") == "outline"]
        assert len(bars) == most, name
        assert f"{most} of " in drawn[name].find("title").text
    said = read(source).text
    for at in (0, 199):
        assert f"visits_{at}" in said
    assert "1,500 older rows are left out here" in said
    assert "1,488 older rows are left out here" in said
    assert len(source.encode()) < 1_200_000
    assert "held-table-caption" in source
    assert "200 data sets one by one, with purposes and columns" in said
    assert "one by one" not in render(full)


def test_nothing_on_the_page_is_wider_than_a_narrow_screen():
    css = stylesheet()
    assert (
        "grid-template-columns: minmax(0, 1fr); gap: 0.7rem;" in css
    )  # a grid grows with a long word otherwise
    assert re.search(r"\npre \{[^}]*white-space: pre-wrap; overflow-wrap: anywhere", css)


def test_what_is_one_is_named_as_one(full, bare, read):
    one = {key: full[key][:1] for key in ("uses", "held", "releases", "erasures", "refusals")}
    said = read(render({**bare, **one, "journal": {**bare["journal"], "size": 1}}))
    terms = [text for tag, text in said.pieces if tag == "dt"]
    assert terms[:6] == ["Refused", "Use", "Data set", "Release", "Person erased", "Journal entry"]
    assert not re.search(
        r"\b1 (rows|uses|times|people|data sets|tables|classes|releases|reasons)\b", said.text
    )
