"""What a survey will tell, before anybody answers: its error, and what one report gives away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from hedgerow.kernel.local.client import HADAMARD, ONE, SKETCH, Survey
from hedgerow.kernel.local.estimate import hadamard_chances, response_chances


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a survey will tell of a number of people.

    Args:
        people: People who report once each.
        error: Standard error of the count of a value that few hold, in people.
        collisions: Of a sketch, the most that chance collisions add to it, when one other value is
            everybody's; otherwise 0.
        influence: How many people one report can move a count by: the harm that one liar can do.
    """

    people: int
    error: float
    collisions: float
    influence: float


def forecast(survey: Survey, people: int) -> Forecast:
    """Say how well a count of few holders will be known.

    Args:
        survey: The survey.
        people: People who report once each.

    Returns:
        The forecast; of a Hadamard response for people spread evenly over its blocks.
    """
    if survey.mechanism == HADAMARD:
        own, other = map(float, hadamard_chances(survey))
        half = survey.width // 2
        gain = half * (own - other)
        own_block, other_block = half * (own + other), 2 * half * other
        in_block = own_block / survey.blocks + other_block * (1 - 1 / survey.blocks)
        return Forecast(people, math.sqrt(people * in_block) / gain, 0.0, 1 / gain)
    own, other = map(float, response_chances(survey))
    error, influence = math.sqrt(people * other * (1 - other)) / (own - other), (1 - other) / (own - other)
    if survey.mechanism != SKETCH:
        return Forecast(people, error, 0.0, influence)
    # As the decoder does: less what collides on average, and stretched by as much.
    stretched = (influence * survey.buckets - 1) / (survey.buckets - 1)
    collisions = people / math.sqrt(survey.rows * (survey.buckets - 1))
    return Forecast(people, error, collisions, stretched)


def worst_odds(survey: Survey) -> Fraction:
    """Give the exact factor by which one report can at most change the odds between two values."""
    odds = Fraction(survey.odds, ONE)
    return odds**2 if survey.mechanism == "unary" else odds
