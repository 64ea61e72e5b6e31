"""Proves what the report says: refusals with reasons, erasure honestly, the journal with its checks."""

from __future__ import annotations

import re

import pytest

from hedgerow.app.report import render
from hedgerow.app.report.page import stylesheet


def test_every_refusal_is_shown_with_every_reason_and_its_entry(full, read):
    said = read(render(full)).text
    for item in full["refusals"]:
        assert f"journal entry {item['entry']}" in said
        for reason in item["reasons"]:
            assert reason["text"] in said
            assert reason["code"] in said


def test_many_refusals_are_all_there(full, read):
    many = [{**full["refusals"][0], "entry": number} for number in range(40)]
    page = read(render({**full, "refusals": many}))
    assert "The gate said no 40 times." in page.text
    assert "28 earlier refusals" in page.text
    entries = set(re.findall(r"journal entry (\d+)", page.text))
    assert len(entries) == 12
    assert "refused-table-caption" in render({**full, "refusals": many})


def test_the_newest_refusals_and_uses_stand_first(full, read):
    for key, cells in (("refusals", "journal entry "), ("uses", "")):
        listed = [{**full[key][0], "entry": 70_000 + number} for number in range(3)]
        said = read(render({**full, key: listed})).text
        assert said.index(f"{cells}70,002") < said.index(f"{cells}70,001") < said.index(f"{cells}70,000")
        assert "The newest stands first." in said


def test_a_use_that_failed_after_opening_is_no_refusal_and_says_so(full, read):
    late = {**full["refusals"][0], "after_opening": True}
    said = read(render({**full, "refusals": [full["refusals"][1], late]})).text
    assert "The gate said no once." in said
    assert "1 use failed after data was opened." in said
    assert "It failed after data was opened; what was debited stays spent." in said
    assert "Refused or failed" in said
    alone = read(render({**full, "refusals": [late]})).text
    assert "The gate said no" not in alone
    assert "Refused or failed" not in read(render(full)).text


def test_each_line_of_an_act_is_a_paragraph_and_a_refusal_in_it_is_marked(full, tree):
    said = "Two clinics.\nREFUSED  No purpose was named (yet). (collect.not-minimal)\nThen it went on."
    root = tree(render({**full, "acts": [{"number": 1, "title": "t", "said": said}]}))
    lines = root.findall(".//section[@id='walk']//li/p")
    assert ["".join(line.itertext()) for line in lines] == [
        "Two clinics.",
        "refused No purpose was named (yet). collect.not-minimal",
        "Then it went on.",
    ]
    assert [line.get("class") for line in lines] == [None, "refused", None]


def asked(page):
    """Read what the page says asks for a decision."""
    if "What asks for a decision" not in page.text:
        return []
    return re.findall(r"([^.]+\.) See where", page.text.split("What asks for a decision")[1])


def test_what_asks_for_a_decision_stands_at_the_top_and_only_when_something_does(full, bare, read):
    assert asked(read(render(bare))) == []
    assert asked(read(render(full))) == [
        "1 erasure is not final yet: `hedgerow keys epoch`.",
        "4 rows wait set aside until somebody decides.",
    ]
    held = [{**full["held"][0], "purposes": []}, {**full["held"][1]}]
    held[1]["purposes"] = [{**held[1]["purposes"][0], "until": "2026-11-19"}]
    spent = {**full["budget"][2], "spent": "1", "left": "0"}
    release = {**full["releases"][0], "summary": {"k": 5, "smallest_class": 4}}
    troubled = {**bare, "held": held, "budget": [spent, {**spent, "spent": "2"}], "releases": [release]}
    assert asked(read(render(troubled))) == [
        "1 release does not keep the k promised.",
        "1 data set is held for no purpose.",
        "1 purpose has ended while its data is still held.",
        "1 privacy budget is over the limit.",
        "1 privacy budget is used up.",
    ]
    assert "2026-11-19 ended" in read(render(troubled)).text


def test_a_purpose_ends_after_its_last_day(full, read):
    for until, is_over in (("2026-11-19", True), ("2026-11-20", False), ("soon", False), ("", False)):
        held = [{**full["held"][0], "purposes": [{**full["held"][0]["purposes"][0], "until": until}]}]
        assert ("purpose has ended" in read(render({**full, "held": held})).text) is is_over, until


def test_a_refusal_without_data_set_purpose_or_reason_is_shown(full, read):
    thin = {**full["refusals"][0], "dataset": None, "purpose": None, "reasons": []}
    said = read(render({**full, "refusals": [thin] * 13})).text
    assert said.count("No reason was recorded.") == 13
    assert "None" not in said


def test_a_logical_erasure_names_what_is_not_final(full, read):
    said = read(render(full)).text
    assert "Not yet final: old pages" in said
    assert "Neither calls back what had already left" in said


def test_an_unverified_journal_is_said_at_the_top_and_in_its_place(full, read):
    for journal in (
        {"verified": False, "problem": "entry 7 was altered"},
        {"verified": True, "problem": "entry 7 was altered"},
    ):
        said = read(render({**full, "journal": {**full["journal"], **journal}})).text
        assert said.index("The journal of this workspace is not verified.") < said.index(
            "What was refused, and why"
        )
        assert "entry 7 was altered" in said
        assert "34, not verified" in said
        assert "every entry was recomputed" not in said


def test_two_keys_are_called_out(full, read):
    said = read(render({**full, "workspace": {**full["workspace"], "fingerprint": "other"}})).text
    assert "Two keys:" in said
    assert "Two keys:" not in read(render(full)).text


def test_the_checks_are_literal_and_the_fingerprint_is_quoted_for_a_shell(full, read):
    said = read(render(full)).text
    for command in (
        "hedgerow journal verify",
        "hedgerow journal verify --against head.json",
        "hedgerow evidence export --out evidence",
        f"python evidence/verify.py evidence --trust {full['journal']['fingerprint']}",
    ):
        assert command in said
    evil = read(render({**full, "journal": {**full["journal"], "fingerprint": "a; rm -rf ~"}})).text
    assert "--trust 'a; rm -rf ~'" in evil


def test_suggested_commands_are_never_cut(full, read):
    long = "hedgerow query " + "x" * 3000
    assert long in read(render({**full, "commands": [long]})).text


def test_a_data_set_that_serves_nothing_or_has_no_columns_says_so(full, read):
    said = read(render({**full, "held": [{**full["held"][0], "purposes": [], "columns": []}]})).text
    assert "No purpose may use this data set, so every use of it is refused." in said
    assert "No column is recorded for this data set." in said


# --- contrast -------------------------------------------------------------------------------------


def colours():
    blocks = re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    return {
        mode: dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
        for mode, block in zip(("light", "dark"), blocks, strict=True)
    }


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_drawings_meet_wcag_aa_in_both_modes(mode):
    named = colours()[mode]
    for ground in ("page", "card", "code"):
        for ink in ("ink", "muted", "hedge", "rust", "amber"):
            assert contrast(named[ink], named[ground]) >= 4.5, (ink, ground)
    for ground in ("rust-soft", "amber-soft"):
        for ink in ("ink", "hedge"):
            assert contrast(named[ink], named[ground]) >= 4.5, (ink, ground)
    for shape in ("hedge", "rust"):
        assert contrast(named[shape], named["soft"]) >= 3, shape
    for ground in ("card", "soft"):
        assert contrast(named["edge"], named[ground]) >= 3, ground


def test_both_modes_name_the_same_colours_and_every_colour_used_is_named():
    named = colours()
    assert set(named["light"]) == set(named["dark"])
    assert set(re.findall(r"var\(--([a-z-]+)\)", stylesheet())) <= set(named["light"])
