"""Proves that privacy models are read from their texts exactly, written back, and refused with a reason."""

from __future__ import annotations

from fractions import Fraction

import pytest

from hedgerow.model import criteria
from hedgerow.model.errors import CallerError

TEXTS = {
    "distinct-l(diagnosis)=3": criteria.DistinctL("diagnosis", 3),
    "entropy-l(diagnosis)=2.5": criteria.EntropyL("diagnosis", Fraction(5, 2)),
    "recursive-l(diagnosis)=4,3": criteria.RecursiveL("diagnosis", Fraction(4), 3),
    "t(diagnosis)=0.2,equal": criteria.TCloseness("diagnosis", Fraction(1, 5)),
    "t(age (years)=a)=0.2,ordered": criteria.TCloseness("age (years)=a", Fraction(1, 5), "ordered"),
    "t(diagnosis)=0.15,hierarchical": criteria.TCloseness("diagnosis", Fraction(3, 20), "hierarchical"),
    "beta(diagnosis)=2,basic": criteria.BetaLikeness("diagnosis", Fraction(2)),
    "beta(diagnosis)=0.5,enhanced": criteria.BetaLikeness("diagnosis", Fraction(1, 2), is_enhanced=True),
    "delta-presence=0,0.5": criteria.DeltaPresence(Fraction(0), Fraction(1, 2)),
    "k-map=5": criteria.KMap(5),
    "k-map=5,0.05": criteria.KMap(5, Fraction(1, 20)),
    "average-risk=0.2": criteria.AverageRisk(Fraction(1, 5)),
    "population-uniqueness=0.01,snb": criteria.PopulationUniqueness(Fraction(1, 100), "snb"),
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_model_and_back(text):
    assert criteria.parse_model(text) == TEXTS[text]
    assert str(TEXTS[text]) == text


def test_what_may_be_left_out_has_the_usual_meaning():
    assert criteria.parse_model(" t(a)=0.2 ").distance == "equal"
    assert criteria.parse_model("population-uniqueness=0.01").estimator == "dankar"
    assert not criteria.parse_model("beta(a)=1").is_enhanced


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("l(a)=3", "anonymity.model-unknown"),
        ("", "anonymity.model-unknown"),
        ("entropy-l=3", "anonymity.model-malformed"),
        ("k-map(a)=3", "anonymity.model-malformed"),
        ("k-map", "anonymity.model-malformed"),
        ("distinct-l(a)=2.5", "anonymity.model-malformed"),
        ("distinct-l(a)=3,3", "anonymity.model-malformed"),
        ("t(a)=0.2,sideways", "anonymity.model-malformed"),
        ("t(a)=nan", "anonymity.model-malformed"),
        ("recursive-l(a)=4", "anonymity.model-malformed"),
        ("distinct-l(a)=1", "anonymity.model-range"),
        ("entropy-l(a)=1", "anonymity.model-range"),
        ("t(a)=1.5", "anonymity.model-range"),
        ("t(a)=0.1234567", "anonymity.model-range"),
        ("beta(a)=0", "anonymity.model-range"),
        ("recursive-l(a)=0,3", "anonymity.model-range"),
        ("delta-presence=0.6,0.5", "anonymity.model-range"),
        ("k-map=5,1", "anonymity.model-range"),
        ("average-risk=0", "anonymity.model-range"),
    ],
)
def test_a_wrong_text_is_told_how_to_be_written(text, code):
    with pytest.raises(CallerError) as caught:
        criteria.parse_model(text)
    assert caught.value.code == code
    assert caught.value.next_step


def test_a_model_built_by_hand_is_looked_at_as_well():
    with pytest.raises(CallerError) as caught:
        criteria.parse_models([criteria.TCloseness("a", Fraction(1, 3))])
    assert caught.value.code == "anonymity.model-range"
    kept = criteria.TCloseness("a", Fraction(1, 4))
    assert criteria.parse_models([kept, "t(a)=0.25", "k-map=3"]) == (kept, criteria.KMap(3))
    assert criteria.parse_models("k-map=3") == (criteria.KMap(3),)


@pytest.mark.parametrize(("text", "people"), [("1_000", 1000), ("USA", 331_449_281), ("people.csv", None)])
def test_a_population_is_a_number_or_a_region(text, people):
    assert criteria.parse_population(text) == people
