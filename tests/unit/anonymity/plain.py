"""Plain definitions of the privacy models, exact, value by value, sharing nothing with the product.

Each takes one class and the whole table as lists of values; missing ones are left out before.
"""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction


def shares(values):
    return {value: Fraction(count, len(values)) for value, count in Counter(values).items()}


def distinct(values):
    return len(set(values))


def exponential_of_entropy(values):
    return math.exp(-sum(float(p) * math.log(p) for p in shares(values).values()))


def recursive(values, c, l):  # noqa: E741
    ranked = sorted(Counter(values).values(), reverse=True)
    return bool(ranked) and ranked[0] < c * sum(ranked[l - 1 :])


def moved(values, whole, distance):
    """The earth mover's distance as the least total work, for the distances of the models."""
    if distance == "equal":
        p, q = shares(values), shares(whole)
        return sum(abs(p.get(v, 0) - q.get(v, 0)) for v in {*p, *q}) / 2
    p, q, order, work = shares(values), shares(whole), sorted(set(whole)), Fraction(0)
    for upto in range(1, len(order)):
        work += abs(sum(p.get(v, 0) - q[v] for v in order[:upto]))
    return work / max(len(order) - 1, 1)


def moved_in_tree(values, whole, parents):
    """Li and others, section 5.2: at each inner node min(positive, negative extra) * height / whole height.

    ``parents`` is one map from value to group per level above 0, the last to one group.
    """
    p, q, height = shares(values), shares(whole), len(parents)
    extra = {(0, value): p.get(value, Fraction(0)) - q[value] for value in q}
    work = Fraction(0)
    for level, parent in enumerate(parents, 1):
        below = {value: parent[value] for value in q}
        groups = {}
        for (at, name), surplus in list(extra.items()):
            if at != level - 1:
                continue
            inside = [value for value in q if (value if at == 0 else parents[at - 1][value]) == name]
            groups.setdefault(below[inside[0]], []).append(surplus)
        for group, surpluses in groups.items():
            positive = sum(s for s in surpluses if s > 0)
            negative = -sum(s for s in surpluses if s < 0)
            work += Fraction(level, height) * min(positive, negative)
            extra[level, group] = sum(surpluses)
    return work


def gain(values, whole):
    p, q = shares(values), shares(whole)
    return {value: p[value] / q[value] - 1 for value in p}


def likeness(values, whole, beta, *, is_enhanced):
    q = shares(whole)
    return all(
        got <= beta and (not is_enhanced or got <= 0 or float(got) <= -math.log(q[value]))
        for value, got in gain(values, whole).items()
    )


def disclosure(values, whole):
    return max(abs(math.log(got + 1)) for got in gain(values, whole).values())
