"""How well each candidate serves as a quantile: whole numbers, made of a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate


def score_reach(quantile: Fraction) -> int:
    """Tell how far one row, added or removed, moves the score of any candidate at most.

    Args:
        quantile: Above 0 and below 1.
    """
    return max(quantile.numerator, quantile.denominator - quantile.numerator)


def quantile_scores(counts: Sequence[int], quantile: Fraction) -> list[int]:
    """Score each candidate of a histogram: 0 for a true quantile, below 0 by how far it is from one.

    With ``q = num / den``, ``n`` rows, ``below`` of them below the candidate and ``upto`` of them not
    above it, a candidate is a true quantile when ``below <= q * n <= upto``. Its score is ``-den`` times
    the rows that are missing for that.

    Args:
        counts: Rows nearest to each candidate, in order.
        quantile: Above 0 and below 1.

    Returns:
        A score for each candidate, at most 0; at least one is 0.

    Guarantee: one row, added or removed, moves each score by at most :func:`score_reach`. A row added moves
        ``den * below - num * n`` by ``den - num`` or ``-num``, and ``num * n - den * upto`` by ``num - den``
        or ``num``; the score is minus the larger of the two, or 0.
    """
    num, den = quantile.numerator, quantile.denominator
    upto = list(accumulate(counts))
    target = num * (upto[-1] if upto else 0)
    return [
        # What lacks rows up to it has no excess below it.
        lack if (lack := den * here - target) < 0 else min(0, target - den * (here - own))
        for here, own in zip(upto, counts, strict=True)
    ]
