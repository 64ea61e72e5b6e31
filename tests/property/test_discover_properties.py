"""Proves that no mask shows four characters in a row of a value, and that no finding holds one."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgerow.discover import classify
from hedgerow.model.findings import as_dict
from hedgerow.techniques.discover.masking import _ENDINGS, mask

# Without the characters that masks are made of, which a value may share with any mask.
SECRET = st.text(
    st.characters(blacklist_characters="*#", blacklist_categories=("Cs", "Cc")), min_size=1, max_size=30
)
LIKE_VALUES = st.one_of(
    SECRET,
    st.from_regex(r"[a-z.]{1,12}@[a-z]{1,10}(\.[a-z]{2,12}){1,2}", fullmatch=True),
    st.from_regex(r"\+?[0-9 ()./-]{5,20}", fullmatch=True),
    st.from_regex(r"[A-Z]{1,4}[-_ ][0-9A-Za-z-]{3,20}", fullmatch=True),
)


def shown_runs(value, masked):
    """List the runs of four characters that a mask shares with its value, the fixed endings aside."""
    for ending in _ENDINGS:
        masked = masked.removesuffix("." + ending)
    text = unicodedata.normalize("NFKC", value)
    return [text[at : at + 4] for at in range(len(text) - 3) if text[at : at + 4] in masked]


@settings(max_examples=50, deadline=None)
@given(LIKE_VALUES)
def test_a_mask_shows_no_four_characters_in_a_row(value):
    masked = mask(value)
    assert not shown_runs(value, masked)
    text = unicodedata.normalize("NFKC", value).strip()
    if len(text) < 6:
        assert masked == "***"


@settings(max_examples=30, deadline=None)
@given(st.lists(SECRET.filter(lambda text: len(text.strip()) > 5), min_size=1, max_size=8))
def test_no_finding_holds_four_characters_of_a_value(values):
    finding = classify(pa.table({"§": values}))[0]
    for value in values:
        for masked in finding.evidence:
            assert not shown_runs(value, masked)
        # Reasons are made of fixed words and counts; a value is in none of them.
        assert value not in str(as_dict(finding)["reasons"]) or len(value) < 8
