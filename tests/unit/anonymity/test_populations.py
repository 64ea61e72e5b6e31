"""Proves tests against a population: by table, by size, and by estimates of who is unique in it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

import hedgerow.anonymity as hra
from hedgerow.kernel.anonymity import populations, uniqueness
from hedgerow.kernel.anonymity.grouping import Grouping, distinct_pairs
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.techniques.anonymity import models as models_module
from hedgerow.techniques.anonymity import source as source_module


def grouping(sizes, everybody=None):
    tallies = () if everybody is None else (np.array(everybody),)
    return Grouping(np.arange(len(sizes)), np.array(sizes), (), tallies)


@pytest.mark.parametrize(("k", "share"), [(5, 0.1), (5, 0.6), (20, 0.05), (20, 0.9), (3, 0.001), (2, 1.0)])
@pytest.mark.parametrize("chance", ["0.05", "0.5", "0.001"])
def test_the_number_in_the_table_is_the_least_that_chance_seldom_reaches(k, share, chance):
    mean = k * share

    def reached(number):  # the tail of a Poisson distribution truncated at zero, term by term
        terms = (math.exp(-mean) * mean**count / math.factorial(count) for count in range(number, 120))
        return math.fsum(terms) / (1 - math.exp(-mean))

    least = next((number for number in range(1, k) if reached(number) <= float(chance)), k)
    assert populations.k_in_sample(k, share, Fraction(chance)) == least


def test_presence_is_a_share_of_the_people_who_look_alike():
    test = populations.Present(0, Fraction(1, 4), Fraction(1, 2))
    assert test.good(grouping([1, 2, 2, 3], [4, 4, 3, 13])).tolist() == [True, True, False, False]
    people = distinct_pairs(np.zeros(4, dtype=np.int64), np.array([0, 0, 0, 1]))
    several = Grouping(np.arange(1), np.array([4]), (people,), (np.array([4]),))
    assert populations.Present(0, Fraction(0), Fraction(1, 2), people=0).good(several).tolist() == [True]
    assert populations.Present(0, Fraction(0), Fraction(1, 2)).good(several).tolist() == [False]


def test_where_nobody_may_be_known_to_be_absent_all_stays_or_nothing():
    test = populations.NobodyAbsent(0)
    good = np.array([True, True, False])
    assert test.kept(grouping([2, 2, 0], [4, 4, 0]), good).tolist() == good.tolist()
    assert test.kept(grouping([2, 2, 0], [4, 4, 1]), good).tolist() == [False, False, False]


def town(rows):
    return pa.table({"street": [street for street, _ in rows], "ill": [ill for _, ill in rows]})


STREETS = {
    "street": hra.from_rows([("1", "low", "*"), ("2", "low", "*"), ("3", "high", "*"), ("4", "high", "*")])
}
ROWS = town([("1", "a"), ("1", "b"), ("2", "a"), ("3", "a"), ("3", "b"), ("3", "c")])
ASKED = {"quasi": ["street"], "sensitive": ["ill"], "k": 2, "hierarchies": STREETS, "suppression_limit": 0.5}


def everybody(**people):
    return pa.table({"street": [name.strip("s") for name, number in people.items() for _ in range(number)]})


def test_people_of_the_population_alone_fill_classes_and_are_never_released():
    alone = hra.k_anonymous(ROWS, **ASKED, models=["k-map=9"], population=everybody(s1=6, s2=3, s3=9))
    assert sorted(set(alone.table["street"].to_pylist())) == ["high", "low"]
    wider = hra.k_anonymous(ROWS, **ASKED, models=["k-map=9"], population=everybody(s1=9, s2=9, s3=9, s4=50))
    assert set(wider.table["street"].to_pylist()) == {"1", "3"}
    assert wider.table.num_rows == 5
    assert (wider.reached[0].model, wider.reached[0].figure) == ("k-map=9", "9")


def test_whoever_may_not_be_known_to_be_absent_forces_everybody_in():
    models = ["delta-presence=0.1,1"]
    held = hra.k_anonymous(ROWS, **ASKED, models=models, population=everybody(s1=9, s2=9, s3=9, s4=9))
    assert held.table.num_rows == ROWS.num_rows  # nobody dropped: street 2 is joined with street 1
    assert set(held.table["street"].to_pylist()) == {"high", "low"}
    with pytest.raises(Refused):
        hra.k_anonymous(ROWS, **ASKED, models=models, population=everybody(s1=9, s2=9, s3=60, s4=9))


@pytest.mark.parametrize(
    ("population", "code"),
    [
        (everybody(s1=2, s2=1, s3=2), "anonymity.population-short"),
        (pa.table({"road": ["1"]}), "anonymity.population-columns"),
        (everybody(s1=9, s2=9, s3=9, s7=1), "anonymity.value-not-in-hierarchy"),
        (5, "anonymity.model-population"),
        (None, "anonymity.model-population"),
    ],
)
def test_a_population_that_does_not_fit_is_refused(population, code):
    with pytest.raises(CallerError) as caught:
        hra.k_anonymous(ROWS, **ASKED, models=["k-map=3"], population=population)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("distinct-l(ill)=3", {}),
        ("entropy-l(ill)=2.5", {}),
        ("recursive-l(ill)=1,2", {}),
        ("t(ill)=0.05", {}),
        ("t(ill)=0.05,hierarchical", {}),
        ("beta(ill)=0.1", {}),
        ("beta(ill)=0.1,enhanced", {}),
        ("average-risk=0.2", {}),
        ("k-map=30", {"population": everybody(s1=6, s2=6, s3=6)}),
        ("delta-presence=0,0.1", {"population": everybody(s1=6, s2=6, s3=6)}),
        ("k-map=30,0.001", {"population": 7}),
    ],
)
def test_a_table_that_fails_its_recount_does_not_leave(monkeypatch, model, more):
    """The search is made to ask nothing of the model: the recount alone has to see it."""
    real = source_module.tests_of

    def blind(asked, *rest):
        made = real(asked, *rest)
        return models_module.Tests(made.pairs, made.tallies)

    monkeypatch.setattr(source_module, "tests_of", blind)
    ladders = STREETS | ({"ill": hra.categories("abc")} if "hier" in model else {})
    with pytest.raises(Fault) as caught:
        hra.k_anonymous(ROWS, **ASKED | {"hierarchies": ladders}, models=[model], **more)
    assert caught.value.code == "anonymity.recount"


SIZES, COUNTS = np.array([1, 2, 3, 5, 12]), np.array([60, 25, 10, 4, 2])
SAMPLE = int((SIZES * COUNTS).sum())


def test_zayatz_equals_the_chances_counted_out():
    population = 2_000

    def chance(size):  # exactly one of a class of the population falls into the sample
        return Fraction(
            size * math.comb(population - size, SAMPLE - 1), math.comb(population, SAMPLE)
        )  # fmt: skip

    ones = COUNTS[0] * chance(1)
    whole = sum(int(count) * chance(int(size)) for size, count in zip(SIZES, COUNTS, strict=True))
    expected = 60 * float(ones / whole) * population / SAMPLE
    assert uniqueness.zayatz(SIZES, COUNTS, population) == pytest.approx(expected, rel=1e-9)


def test_pitman_stands_where_the_likelihood_is_greatest():
    def likelihood(theta, alpha):
        groups = np.log(theta + np.arange(1, COUNTS.sum()) * alpha).sum()
        within = sum(c * np.log(np.arange(1, s) - alpha).sum() for s, c in zip(SIZES, COUNTS, strict=True))
        return groups + within - np.log(theta + np.arange(1, SAMPLE)).sum()

    def highest(of, low, high):
        for _ in range(60):
            left, right = low + (high - low) / 3, high - (high - low) / 3
            low, high = (left, high) if of(left) < of(right) else (low, right)
        return (low + high) / 2

    def best_theta(alpha):
        return highest(lambda theta: likelihood(theta, alpha), 0.1, 2000.0)

    alpha = highest(lambda at: likelihood(best_theta(at), at), 0.001, 0.999)
    theta = best_theta(alpha)
    unique = math.exp(math.lgamma(theta + 1) - math.lgamma(theta + alpha) + alpha * math.log(100_000))
    assert uniqueness.pitman(SIZES, COUNTS, 100_000) == pytest.approx(unique, rel=1e-3)


def test_the_estimators_find_who_is_unique_in_a_made_population():
    """A seeded population whose unique people are counted; a third of it is the sample."""
    draw = np.random.default_rng(3)
    whole = 1 + draw.negative_binomial(0.4, 0.1, size=3_000)
    members = draw.binomial(whole, 1 / 3)
    truth = int((whole == 1).sum()) / int(whole.sum())
    for estimator in ("zayatz", "snb", "dankar"):
        found = uniqueness.unique_share(members[members > 0], int(whole.sum()), estimator)
        assert found == pytest.approx(truth, rel=0.5)


def test_what_cannot_be_estimated_is_never_passed():
    alone = np.ones(20, dtype=np.int64)
    assert math.isnan(uniqueness.unique_share(alone, 10_000, "pitman"))
    kept = populations.FewUnique(Fraction(1, 2), 10_000, "pitman").kept(grouping([1] * 20), alone > 0)
    assert not kept.any()
    assert uniqueness.unique_share(np.array([2, 3]), 10_000, "pitman") == 0
    assert uniqueness.unique_share(np.array([1, 3]), 4, "dankar") == 0.25


def test_digamma_equals_known_values():
    known = {1.0: -0.5772156649015329, 0.5: -1.9635100260214235, 10.0: 2.251752589066721}
    found = uniqueness.digamma(np.array(list(known)))
    assert found == pytest.approx(list(known.values()), rel=1e-12)
