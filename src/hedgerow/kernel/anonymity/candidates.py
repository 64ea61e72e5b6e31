"""Several releases of one table on a curve of risk and utility, to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from hedgerow.kernel.anonymity.problem import Found, Problem
from hedgerow.kernel.anonymity.rollup import RollUp
from hedgerow.kernel.anonymity.search import search


@dataclass(frozen=True, slots=True)
class ReleaseCandidate:
    """The best release for one k and one limit.

    Args:
        k: Least rows in a class, as asked.
        limit: Largest share of rows dropped, as asked.
        found: The release and its proof.
        highest_risk: Highest chance to pick the row of a person known to be in the table.
        average_risk: That chance, averaged over the released rows.
        is_dominated: Whether another candidate has no higher risk and no more loss, and one of both less.
    """

    k: int
    limit: Fraction
    found: Found
    highest_risk: Fraction
    average_risk: Fraction
    is_dominated: bool = False

    @property
    def loss(self) -> float:
        """Information lost, 0 to 1."""
        return self.found.best.loss

    @property
    def levels(self) -> tuple[int, ...]:
        """Level per quasi-identifier."""
        return self.found.best.node


def candidates(problem: Problem, ks: Sequence[int], limits: Sequence[Fraction]) -> list[ReleaseCandidate]:
    """Find the best release for each k and limit, the counts of classes being shared.

    Args:
        problem: Table, hierarchies and tests; its own k and limit are not used.
        ks: Least rows in a class.
        limits: Largest shares of rows dropped, 0 to 1.

    Returns:
        One candidate per pair that some node keeps rows under, from the lowest risk to the highest,
        then from the least loss; the dominated ones are marked.
    """
    roll_up = RollUp(problem.tuples, problem.columns, problem.pairs, problem.tallies)
    made = []
    for k in ks:
        for limit in limits:
            asked = replace(problem, k=k, most_suppressed=int(limit * problem.tuples.rows))
            found = search(asked, roll_up=roll_up)
            if found is not None and found.best.kept.any():
                made.append(_candidate(asked, limit, found))
    made.sort(key=lambda one: (one.highest_risk, one.loss))
    return [replace(one, is_dominated=any(_dominates(other, one) for other in made)) for one in made]


def _candidate(problem: Problem, limit: Fraction, found: Found) -> ReleaseCandidate:
    best = found.best
    rows = np.where(best.kept, problem.tuples.counts, 0)
    sizes = np.bincount(best.class_of_tuple, weights=rows).astype(np.int64)
    sizes = sizes[sizes > 0]
    risks = Fraction(1, int(sizes.min())), Fraction(len(sizes), int(sizes.sum()))
    return ReleaseCandidate(problem.k, limit, found, *risks)


def _dominates(one: ReleaseCandidate, other: ReleaseCandidate) -> bool:
    no_worse = one.highest_risk <= other.highest_risk and one.loss <= other.loss
    return no_worse and (one.highest_risk < other.highest_risk or one.loss < other.loss)
