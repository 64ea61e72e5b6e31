"""Proves that figures never flatter: spending is rounded up, what is left and consent down, no class lost."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.app.report import render
from hedgerow.app.report.charts import Part, Row, Upright, bars, counts, histogram, percent
from hedgerow.app.report.reading import actor, chance, exact, when
from hedgerow.app.report.releases import bins
from hedgerow.app.report.spending import read_account

AMOUNT = st.decimals(min_value=0, max_value=1000, places=6).map(lambda d: format(d, "f"))


@settings(max_examples=50, deadline=None)
@given(AMOUNT, AMOUNT, AMOUNT)
def test_an_account_never_shows_less_spending_or_more_left_than_any_of_its_figures(limit, spent, left):
    account = read_account({"dataset": "a", "purpose": "b", "limit": limit, "spent": spent, "left": left})
    assert account.spent >= Fraction(spent)
    assert account.spent >= Fraction(limit) - Fraction(left)
    assert account.left <= Fraction(left)
    assert account.left <= max(Fraction(0), Fraction(limit) - account.spent)


def widths(tree, source):
    shown = [r for r in tree(source).iter("rect") if r.get("class") != "outline"]
    return [(r.get("class"), Fraction(r.get("width").rstrip("%")) / 100) for r in shown]


@settings(max_examples=50, deadline=None)
@given(st.fractions(min_value=0, max_value=1))
def test_a_drawn_stretch_is_never_shorter_than_its_share(tree, share):
    drawn = widths(
        tree, bars("n", "t", "d", [Row("l", "v", (Part("main", share), Part("rest", 1 - share)))]).source
    )
    assert drawn[0][1] >= share
    assert drawn[0][1] <= share + Fraction(7, 1000)
    assert drawn[0][1] > 0 or share == 0
    assert Fraction(percent(share).rstrip("%")) / 100 >= share


def budget_text(full, tree, **figures):
    entry = {
        "dataset": "d",
        "purpose": "p",
        "limit": "1",
        "spent": "0",
        "left": "1",
        "apart_from": [],
        **figures,
    }
    root = tree(render({**full, "budget": [entry]}))
    section = root.find(".//section[@id='budget']")
    cells = [" ".join("".join(c.itertext()).split()) for c in section.findall(".//tbody/tr/*")]
    return cells, [r.get("class") for r in section.iter("rect") if r.get("class") != "outline"]


@pytest.mark.parametrize(
    ("figures", "cells"),
    [
        ({"spent": "0.25", "left": "0.75"}, ["1", "0.25", "0.75"]),
        ({"spent": "0.1", "left": "0.75"}, ["1", "0.25", "0.75"]),
        ({"spent": "0.5", "left": "0.75"}, ["1", "0.5", "0.5"]),
        ({"spent": "1", "left": "0"}, ["1", "1", "none"]),
        ({"spent": "2", "left": "0"}, ["1", "2", "over the limit"]),
        ({"limit": "0", "spent": "0", "left": "0"}, ["0", "0", "none"]),
        ({"spent": "1e-13", "left": "1"}, ["1", "0.000000000001", "0.999999999999"]),
        ({"limit": "NaN", "spent": "-1", "left": "1e9999999"}, ["not readable"] * 3),
    ],
)
def test_the_table_of_the_budget_says_what_was_spent(full, tree, figures, cells):
    assert budget_text(full, tree, **figures)[0][1:4] == cells


def test_an_account_over_its_limit_is_drawn_as_such_and_an_unreadable_one_not_at_all(full, tree):
    assert "part-bad" in budget_text(full, tree, spent="2", left="0")[1][3:]
    assert budget_text(full, tree, limit="plenty")[1] == []


def test_a_release_that_never_left_is_not_told_as_one_that_did(full, read):
    account = {**full["budget"][0], "apart_from": ["R-left"], "opened_only": ["R-failed"]}
    said = read(render({**full, "budget": [account]})).text
    assert "They read apart from release R-left: a table of rows that left" in said
    assert "release R-failed, which failed, was interrupted or still runs: its table has not left." in said
    assert "R-failed has not left" in said
    only = read(render({**full, "budget": [{**account, "apart_from": []}]})).text
    assert "not the whole loss" not in only
    assert "R-left" not in only


def test_of_many_releases_the_first_are_named_and_the_rest_counted(full, read):
    names = [f"R-{at}" for at in range(40)]
    said = read(render({**full, "budget": [{**full["budget"][0], "apart_from": names}]})).text
    assert "R-11 and 28 more: tables of rows that left" in said
    assert "R-39 left" in said


def test_risk_above_that_of_the_rows_is_explained(full, read):
    assert "Risk counts people" in release(full, read, k=5, smallest_class=11, max_risk="0.2")
    assert "Risk counts people" not in release(full, read, k=5, smallest_class=5, max_risk="0.2")


def test_the_population_comes_first_and_releases_apart_are_named_before_the_figures(full, read):
    said = read(render(full)).text
    assert said.index("These figures are not the whole loss.") < said.index("Epsilon spent of each limit")
    table = said.index("Epsilon of each account")
    assert said.index("The whole population", table) < said.index("visits for research", table)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1/5", "1 in 5 (20%)"),
        ("0.2", "1 in 5 (20%)"),
        (0.2, "1 in 5 (20%)"),
        ("0.12341", "12.4%"),
        (0, "0%"),
        ("0.00001", "1 in 100,000 (0.1%)"),
        (1, "100%"),
        (None, "not recorded"),
        ("high", "high"),
        (True, "not recorded"),
        ("1/0", "1/0"),
        ("-1", "-1"),
    ],
)
def test_a_chance_is_rounded_up_and_never_guessed(value, said):
    assert chance(value) == said


@pytest.mark.parametrize(
    "value", ["", "NaN", "-0.1", "Infinity", "1e16", "1e-60", "1" * 65, None, [], True, "1/0", "٣/٤"]
)
def test_what_is_no_amount_is_read_as_none(value):
    assert exact(value) is None


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.integers(1, 50_000), st.integers(1, 500), min_size=1, max_size=30))
def test_every_class_stands_in_exactly_one_bin(sizes):
    binned = bins(sorted(sizes.items()))
    assert sum(count for _, count in binned) == sum(sizes.values())
    assert 1 <= len(binned) <= 7
    assert len({label for label, _ in binned}) == len(binned)


def test_bins_start_at_the_smallest_class_and_the_last_is_open():
    assert bins([(6, 1), (12, 2), (900, 3)]) == [
        ("6-9", 1),
        ("10-19", 2),
        ("20-49", 0),
        ("50-99", 0),
        ("100-199", 0),
        ("200-499", 0),
        ("500+", 3),
    ]
    assert bins([(5, 4)]) == [("5", 4)]
    assert bins([]) == []


def test_charts_keep_their_text_size_at_every_width_and_hold_a_few_or_no_figures(tree):
    for chart in (
        counts("n", "t", "d", []),
        histogram("n", "t", "d", [], "a"),
        counts("n", "t", "d", [("a" * 90, 3)]),
    ):
        assert 'width="100%"' in chart.source
        assert "viewBox" not in chart.source
        tree(chart.source)
    drawn = histogram(
        "n", "t", "d", [Upright("1", "0", Fraction(0)), Upright("2", "5", Fraction(1))], "a"
    ).source
    assert re.findall(r'class="part-main"[^>]* height="(\d+)"', drawn) == ["0", "100"]


def release(full, read, **summary):
    item = {**full["releases"][0], "summary": summary}
    return read(render({**full, "releases": [item]})).text


def test_a_release_below_its_k_is_called_broken(full, read):
    assert "This release does not keep its promise" in release(full, read, k=5, smallest_class=4)
    assert "does not keep its promise" not in release(full, read, k=5, smallest_class=5)


def test_the_highest_risk_is_never_below_that_of_the_smallest_class(full, read):
    assert "1 in 3 (33.4%)" in release(full, read, smallest_class=3, max_risk="0.3333")
    assert "50%" in release(full, read, smallest_class=3, max_risk="0.5")
    assert "certain (100%)" in release(full, read, smallest_class=1, max_risk="0.1")


def test_a_release_with_a_thin_or_malformed_summary_is_still_shown(full, read):
    assert "No risk summary is shown" in release(full, read)
    assert "not recorded" in release(full, read, k=5)
    assert "not shown to this role" in release(full, read, k=None)
    odd = release(
        full, read, class_sizes=[[5], ["a", 2], [0, 1], [7, True], [6, 2]], levels={"age": [1, 3], "zip": 2}
    )
    assert "1 of 3" in odd
    assert "2 classes, from 6 rows to 6 rows" in odd


def test_consent_is_rounded_down_and_hidden_counts_draw_no_bar(full, read):
    asked = {"purpose": "p", "granted": 1999, "withdrawn": 0, "never_asked": 1}
    nobody = {"purpose": "q", "granted": 0, "withdrawn": 0, "never_asked": 0}
    said = read(render({**full, "consents": [asked, nobody]})).text
    assert "99% granted" in said
    assert "nobody yet" in said
    hidden = {"purpose": "p", "granted": None, "withdrawn": None, "never_asked": None}
    assert "Consent of the people held" not in read(render({**full, "consents": [hidden]})).text


def test_times_are_shown_in_utc_and_what_is_no_time_stands_as_it_is():
    assert ">2026-01-01 23:30 UTC<" in when("2026-01-02T00:30:00+01:00").source
    assert when("2026-01-02").source == "<time>2026-01-02</time>"
    assert when("9999-99-99T00:00:00Z").source == "<span>9999-99-99T00:00:00Z</span>"
    assert when("soon").source == "<span>soon</span>"


def test_both_names_of_an_act_are_shown_where_they_differ():
    assert actor({"by": "owner", "as": "owner"}).source == "<b>owner</b>"
    assert "analyst1" in actor({"by": "owner", "as": "analyst1"}).source
    assert "through owner" in actor({"by": "owner", "as": "analyst1"}).source
    assert actor({"as": "a"}).source == "<b>a</b>"
    assert actor({"by": "b"}).source == "<b>b</b>"
