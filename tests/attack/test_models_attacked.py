"""Proves that attacks which k alone does not stop win on a k-anonymous table and fail on one with a model.

Homogeneity and background knowledge after Machanavajjhala and others (TKDD 2007), skewness and similarity
after Li and others (ICDE 2007), presence after Nergiz and others (SIGMOD 2007). Each attacker knows every
quasi-identifier of everybody and reads the released table alone; each attack has to win where no model is
asked, which is its power, on tables without any random choice.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction

import pyarrow as pa

import hedgerow.anonymity as hra

STREETS = hra.from_rows([(f"{place}", "low" if place < 4 else "high", "*") for place in range(8)])
ILLS = hra.from_rows(
    [("ulcer", "stomach", "*"), ("gastritis", "stomach", "*"), ("flu", "lung", "*"), ("asthma", "lung", "*")]
)


def town(by_street):
    """One row per person: each street with its people's illnesses."""
    rows = [(street, ill) for street, ills in by_street.items() for ill in ills]
    return pa.table({"street": [street for street, _ in rows], "ill": [ill for _, ill in rows]})


def made(table, models=(), **more):
    ladders = {"street": STREETS} | more.pop("hierarchies", {})
    asked = {"suppression_limit": 0, "hierarchies": ladders, "models": models, "k": 3} | more
    return hra.k_anonymous(table, quasi=["street"], sensitive=["ill"], **asked).table


def beliefs(released):
    """What the attacker believes of the people of each class."""
    classes = defaultdict(Counter)
    for row in released.to_pylist():
        classes[row["street"]][row["ill"]] += 1
    return [
        {ill: Fraction(count, values.total()) for ill, count in values.items()} for values in classes.values()
    ]


def surest(released):
    return max(max(belief.values()) for belief in beliefs(released))


# Street 0 agrees; its neighbours do not.
HOMOGENEOUS = {"0": ["ulcer"] * 3, "1": ["flu", "asthma", "gastritis"], "4": ["flu", "asthma", "ulcer"]}


def test_a_class_that_agrees_gives_its_people_away_and_diversity_hides_them():
    table = town(HOMOGENEOUS)
    assert surest(made(table)) == 1
    for model, most in (("distinct-l(ill)=2", Fraction(9, 10)), ("recursive-l(ill)=3,2", Fraction(3, 4))):
        assert surest(made(table, [model])) <= most


def test_who_can_rule_one_value_out_is_left_with_a_guess_by_diversity():
    table = town(
        {"0": ["ulcer", "ulcer", "flu"], "1": ["asthma", "gastritis", "flu"], "4": list(ILLS.values)}
    )

    def after_ruling_out(released):
        rest = []
        for belief in beliefs(released):
            for known in belief:
                left = [share for ill, share in belief.items() if ill != known]
                rest += [max(left) / sum(left)] if left else [Fraction(1)]
        return max(rest)

    assert after_ruling_out(made(table)) == 1
    assert after_ruling_out(made(table, ["distinct-l(ill)=3"])) < 1


# One in sixteen is ill overall; in street 0 every second person is.
SKEWED = {
    "0": ["ulcer", "ulcer", "flu", "flu"],
    "1": ["flu"] * 35 + ["ulcer"],
    "4": ["flu"] * 19 + ["ulcer"],
    "5": ["flu"] * 19 + ["ulcer"],
}


def test_a_class_much_more_ill_than_all_tells_on_its_people_and_closeness_stops_it():
    table = town(SKEWED)
    everywhere = Fraction(5, 80)
    for diverse in ((), ["distinct-l(ill)=2"]):  # two values in each class do not help
        assert max(belief.get("ulcer", 0) for belief in beliefs(made(table, diverse))) >= 8 * everywhere
    for model, most in (("t(ill)=0.1", everywhere + Fraction(1, 10)), ("beta(ill)=1", 2 * everywhere)):
        closer = beliefs(made(table, [model]))
        assert max(belief.get("ulcer", 0) for belief in closer) <= most


def test_values_that_are_alike_tell_the_kind_of_illness_and_the_distance_by_kind_stops_it():
    table = town({"0": ["ulcer", "gastritis"] * 2, "1": ["flu", "asthma"] * 2, "4": list(ILLS.values) * 2})

    def surest_kind(released):
        stomach = [belief.get("ulcer", 0) + belief.get("gastritis", 0) for belief in beliefs(released)]
        return max(max(share, 1 - share) for share in stomach)

    assert surest_kind(made(table)) == 1
    assert surest_kind(made(table, ["distinct-l(ill)=2"])) == 1
    by_kind = made(table, ["t(ill)=0.3,hierarchical"], hierarchies={"ill": ILLS})
    assert surest_kind(by_kind) <= Fraction(8, 10)


def test_who_is_in_the_table_is_hidden_by_presence_alone():
    table = town({"0": ["flu"] * 4, "1": ["flu"] * 4, "4": ["flu"] * 4, "5": ["flu"] * 4})
    streets = ["0"] * 4 + ["1"] * 12 + ["4"] * 10 + ["5"] * 6
    population = pa.table({"street": streets})

    def surest_presence(released):
        inside = Counter(released["street"].to_pylist())
        levels = {"low": {"0", "1", "2", "3"}, "high": {"4", "5", "6", "7"}}
        return max(
            Fraction(count, sum(street in levels.get(label, {label}) for street in streets))
            for label, count in inside.items()
        )

    assert surest_presence(made(table)) == 1  # all of street 0 are in it
    hidden = made(table, ["delta-presence=0,0.5"], population=population)
    assert surest_presence(hidden) <= Fraction(1, 2)
