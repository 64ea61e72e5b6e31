"""Which marginal to measure next: whole-number scores of proven sensitivity, and what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from hedgerow.kernel.marginals.counting import Attributes, Floats, Integers, cells_of
from hedgerow.kernel.marginals.fitting import GAUSSIAN_MEAN, noise_share
from hedgerow.kernel.marginals.tree import junction_tree, largest_clique

CELLS_MOST = 5_000
CLIQUE_MOST = 20_000


def candidates(
    sizes: Sequence[int],
    measured: Sequence[Attributes],
    *,
    cells: int = CELLS_MOST,
    clique: int = CLIQUE_MOST,
) -> list[Attributes]:
    """List the pairs, and the triples grown from measured pairs, that may be measured next.

    Args:
        sizes: Cells of each attribute.
        measured: What was measured before.
        cells: Cells of a marginal at most.
        clique: Cells of a clique of the junction tree at most.

    Returns:
        Sets of attributes; they depend on sizes and earlier choices alone.
    """
    known = set(measured)
    fresh = [pair for pair in combinations(range(len(sizes)), 2) if pair not in known]
    pairs = [each for each in known if len(each) == 2]  # noqa: PLR2004 - a pair
    triples = {
        tuple(sorted({*pair, other})) for pair in pairs for other in range(len(sizes)) if other not in pair
    }
    grown = [*fresh, *sorted(triple for triple in triples if triple not in known)]
    tree = junction_tree(sizes, measured)
    return [
        each
        for each in grown
        if cells_of(sizes, each) <= min(cells, clique)
        # What lies within a clique changes none.
        and (tree.home_of(each) is not None or largest_clique(sizes, [*measured, each]) <= clique)
    ]


def error_scores(
    exact: Mapping[Attributes, Integers],
    expected: Mapping[Attributes, Floats],
    sizes: Sequence[int],
    weights: Mapping[Attributes, int],
    scale: float,
    mean: Fraction = GAUSSIAN_MEAN,
) -> list[int]:
    """Score each candidate by how far the model is off, beyond what measuring it would be off by noise.

    Args:
        exact: Counts of each candidate.
        expected: What the model expects there; it is rounded to whole rows.
        sizes: Cells of each attribute.
        weights: What each candidate counts, whole and 1 or more; public.
        scale: Standard deviation of the noise it would be measured with.
        mean: How large that noise is on average, without its sign, over its deviation.

    Returns:
        A whole score for each candidate, in the order of ``exact``.

    Guarantee: a person with at most ``m`` rows moves each score by at most ``m`` times the largest weight.
        The expected counts and the noise do not depend on the data, and each row that comes or goes moves one
        count by 1, and so the sum of absolute differences by at most 1.
    Source: McKenna, Mullins, Sheldon, Miklau 2022, "AIM: an adaptive and iterative mechanism", section 4.1.
    """
    found = []
    for attributes, counts in exact.items():
        believed = np.rint(expected[attributes]).astype(np.int64)
        off = int(np.abs(counts - believed).sum())
        found.append(weights[attributes] * (off - noise_share(attributes, sizes, scale, mean)))
    return found
