"""How far classes of released rows hide people: prosecutor, journalist, marketer; small groups, outliers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from hedgerow.kernel.anonymity.coding import Floats, Ints, distinct_tuples
from hedgerow.kernel.anonymity.risk import histogram
from hedgerow.kernel.anonymity.uniqueness import unique_share
from hedgerow.kernel.attacks.fitting import Column, fitting
from hedgerow.model.auditing import GIVEN, NO_POPULATION, SAMPLED, Reidentification

SMALL = 5
"""A class of fewer rows is called small."""

DEVIATIONS = 6
"""How many median absolute deviations from the median an outlier lies."""

_NODES, _PANELS = 32, 16
_FAR = 40.0


def reidentification(
    columns: Sequence[Ints],
    *,
    at_risk: Fraction,
    population: Sequence[Column] | None = None,
    population_size: int | None = None,
) -> Reidentification:
    """State the chances to point at the right row, each released row taken to be a person of its own.

    Args:
        columns: Codes of the released quasi-identifiers, row by row.
        at_risk: Chance above which a row counts as being at risk, 0 to 1.
        population: The same columns with the people of a population table, where there is one.
        population_size: How many people the rows were drawn from, where only that is known.

    Returns:
        The risk. Without a population, journalist and marketer are as high as the prosecutor.
    """
    classes = distinct_tuples(columns)
    sizes, rows = classes.counts, classes.rows
    basis = NO_POPULATION if population is None and population_size is None else GIVEN
    chances: Floats = 1.0 / sizes
    if population is not None:
        chances = 1.0 / np.maximum(sizes, _in_population(population, sizes))
    elif population_size is not None:
        basis, chances = SAMPLED, inverse_sizes(sizes, Fraction(rows, max(rows, population_size)))
    small = sizes < SMALL
    risky = [Fraction(1, int(size)) > at_risk for size in sizes.tolist()]
    return Reidentification(
        rows=rows,
        class_sizes=histogram(sizes),
        small_limit=SMALL,
        small_classes=int(small.sum()),
        small_rows=int(sizes[small].sum()),
        threshold=at_risk,
        rows_at_risk=int(sizes[np.asarray(risky, dtype=np.bool_)].sum()),
        journalist_max=float(chances.max()),
        marketer=float((sizes * chances).sum() / rows),
        basis=basis,
        unique_share=None if population_size is None else _unique(sizes, population_size),
    )


def inverse_sizes(sizes: Ints, share: Fraction) -> Floats:
    """Estimate one over the size of each class in the population that a sample was drawn from.

    Args:
        sizes: Rows of each class in the sample, at least 1.
        share: Share of the population that is in the sample, above 0 and at most 1.

    Returns:
        The expected value of 1/F for each class of f rows, where F - f is negative binomial: the rows are a
        simple random sample, and each population class was filled without knowing the others. It says too
        little where the sample was not drawn at random.

    Source:
        Benedetti and Franconi (1998), as used by mu-Argus; the integral over u of u^(f-1) p / (p + (1-p) u).
    """
    if share >= 1:
        return np.asarray(1.0 / sizes, dtype=np.float64)
    rate, (known, back) = float(share), np.unique(sizes, return_inverse=True)
    # u = exp(-s) makes the integrand smooth; beyond the last panel less than exp(-40) is left.
    ends = np.linspace(0, math.log(1 / rate) + _FAR, _PANELS * _NODES // 4 + 1)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = ends[1] - ends[0]
    points = (ends[:-1, None] + width * (nodes + 1) / 2).ravel()
    weighed = np.tile(weights * width / 2, len(ends) - 1) * rate / (rate + (1 - rate) * np.exp(-points))
    return np.asarray(np.exp(-np.outer(known, points)) @ weighed, dtype=np.float64)[back]


def outlying(columns: Sequence[NDArray[np.float64]]) -> Ints:
    """Find rows far from the middle in at least one number.

    Args:
        columns: Released numbers, row by row; what is no number is not looked at.

    Returns:
        Places of the rows that lie more than six median absolute deviations from the median of a column; a
        column more than half of whose values are the same has no such deviation and is left out.
    """
    found: set[int] = set()
    for numbers in columns:
        known = numbers[np.isfinite(numbers)]
        if not len(known):
            continue
        middle = np.median(known)
        deviation = np.median(np.abs(known - middle))
        if deviation > 0:
            with np.errstate(invalid="ignore"):
                found.update(np.flatnonzero(np.abs(numbers - middle) > DEVIATIONS * deviation).tolist())
    return np.asarray(sorted(found), dtype=np.int64)


def _unique(sizes: Ints, people: int) -> float | None:
    share = unique_share(sizes, people, "dankar")
    return None if math.isnan(share) else share


def _in_population(columns: Sequence[Column], sizes: Ints) -> Ints:
    found = fitting(columns)
    people = np.bincount(found.kind, minlength=found.kinds)
    kinds, classes = found.pairs
    return np.bincount(classes, weights=people[kinds], minlength=len(sizes)).astype(np.int64)
