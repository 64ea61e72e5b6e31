"""Which columns an index gives away: few values, or one that many people share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction

LEAST_DIFFERENT = 10_000
LEAST_TOLD = 20
MOST_SHARING = 10
MOST_SHARE = Fraction(1, 100)


def is_too_narrow(held: Iterable[bytes]) -> bool:
    """Tell whether equal terms alone say too much of a column.

    Args:
        held: The term of each value of each person, in any order.

    Returns:
        Whether there are at least 20 and either fewer than 10,000 different ones with two people or more
        to each on average, or one that more than 10 people and more than one in a hundred share.
    """
    counts = Counter(held)
    total, most = counts.total(), max(counts.values(), default=0)
    if total < LEAST_TOLD:
        return False
    is_repeating = len(counts) < LEAST_DIFFERENT and total >= 2 * len(counts)
    return is_repeating or (most > MOST_SHARING and Fraction(most, total) > MOST_SHARE)
