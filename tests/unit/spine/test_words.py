"""Proves the words at their edges: amounts too large to write out, and an error table without twins."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import pytest

from hedgerow.model import errors
from hedgerow.model.budget import parse_exact
from hedgerow.model.errors import CallerError
from hedgerow.model.words import percent


@pytest.mark.parametrize("text", ["1e999999999", "1e-999999999", "nan", "inf", "0", "-1", "", "1" * 65])
def test_an_amount_that_means_nothing_here_is_refused_at_once(text):
    with pytest.raises(CallerError) as caught:
        parse_exact(text, "--epsilon")
    assert caught.value.code == "budget.not-a-number"


@pytest.mark.parametrize(
    ("share", "told"),
    [("0.0343", "3.43%"), (Fraction(67, 1860), "3.6%"), ("0.2", "20%"), ("0", "0%"), (1, "100%")],
)
def test_a_share_is_rounded_to_the_nearest_hundredth_of_a_percent(share, told):
    assert percent(share) == told


def test_a_code_stands_in_the_table_once(monkeypatch):
    row = next(iter(errors.TABLE.values()))
    monkeypatch.setattr(errors, "_ROOMS", (SimpleNamespace(ROWS=(row, row)),))
    with pytest.raises(KeyError, match="twice"):
        errors._joined()
