"""Fitting a distribution to noisy marginals: mirror descent on a junction tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from hedgerow.kernel.marginals.counting import Attributes, Floats, cells_of
from hedgerow.kernel.marginals.inference import IMPOSSIBLE, Beliefs, axes_out, propagate, spread
from hedgerow.kernel.marginals.tree import JunctionTree, junction_tree

_ARMIJO = 0.5
_SHORTEST = 1e-30
_ENOUGH = 1e-6


@dataclass(frozen=True, slots=True)
class Measurement:
    """A marginal with noise.

    Args:
        attributes: Which ones, in increasing order.
        counts: Noisy counts, one axis for each attribute; some may be below 0.
        scale: Standard deviation of the noise on each count.
    """

    attributes: Attributes
    counts: Floats = field(repr=False)
    scale: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """A distribution fitted to measurements.

    Args:
        beliefs: The distribution.
        potentials: What it was made of; a later fit starts from here.
        rows: How many rows the measurements speak of, estimated from them.
    """

    beliefs: Beliefs
    potentials: tuple[Floats, ...] = field(repr=False)
    rows: float

    @property
    def tree(self) -> JunctionTree:
        """Its cliques."""
        return self.beliefs.tree

    def expected(self, attributes: Attributes) -> Floats:
        """Tell how many rows it expects in each cell of some attributes."""
        return self.rows * self.beliefs.marginal(attributes)


def estimated_rows(measurements: Sequence[Measurement]) -> float:
    """Estimate how many rows there are, by the least variance.

    Args:
        measurements: Noisy marginals, at least one.

    Returns:
        The estimate, at least 1; it depends on the data only through the noisy counts.
    """
    weights = [1 / (each.counts.size * each.scale**2) for each in measurements]
    totals = [float(each.counts.sum()) for each in measurements]
    return max(1.0, float(np.average(totals, weights=weights)))


def fit(
    sizes: Sequence[int],
    measurements: Sequence[Measurement],
    *,
    impossible: Sequence[tuple[int, int]] = (),
    before: Fitted | None = None,
    steps: int = 200,
) -> Fitted:
    """Find the distribution of most entropy that comes closest to what was measured.

    Args:
        sizes: Cells of each attribute.
        measurements: Noisy marginals, at least one.
        impossible: Pairs of an attribute and a code that get no chance.
        before: An earlier fit to some of the measurements, to start from.
        steps: Steps of descent at most.

    Returns:
        The distribution. Only the measurements are read: it costs no privacy.

    Source: McKenna, Sheldon, Miklau 2019, "Graphical-model based estimation and inference for differential
        privacy", algorithm 1: entropic mirror descent on the sum of squared errors over their variance.
    """
    tree = junction_tree(sizes, [each.attributes for each in measurements])
    rows = estimated_rows(measurements)
    start = _started(sizes, tree, impossible) if before is None else _carried(sizes, tree, before, impossible)
    homes = tuple(tree.home_of(each.attributes) or 0 for each in measurements)
    return _descend(_Target(tree, tuple(measurements), homes, rows), start, steps)


@dataclass(frozen=True, slots=True)
class _Target:
    """What is to be met: each measurement at the clique that holds it."""

    tree: JunctionTree
    measurements: tuple[Measurement, ...]
    homes: tuple[int, ...]
    rows: float

    def loss(self, beliefs: Beliefs) -> tuple[float, list[Floats]]:
        """Tell half the squared error over the variances, and its gradient by clique."""
        total, slopes = 0.0, [np.zeros_like(each) for each in beliefs.cliques]
        summed: dict[tuple[int, Attributes], Floats] = {}
        for each, home in zip(self.measurements, self.homes, strict=True):
            clique = self.tree.branches[home].clique
            key = home, each.attributes
            if key not in summed:
                summed[key] = self.rows * beliefs.cliques[home].sum(axis=axes_out(clique, each.attributes))
            off = (summed[key] - each.counts) / each.scale
            total += float((off * off).sum()) / 2
            slopes[home] += spread(off * (self.rows / each.scale), each.attributes, clique)
        return total, slopes


def _descend(target: _Target, start: list[Floats], steps: int) -> Fitted:
    """Follow the gradient with steps that double, and halve where they overshoot."""
    potentials, beliefs = start, propagate(target.tree, start)
    loss, slopes = target.loss(beliefs)
    step = 2.0 / target.rows**2
    for _ in range(steps):
        step *= 2
        while True:
            tried = [one - step * slope for one, slope in zip(potentials, slopes, strict=True)]
            moved = propagate(target.tree, tried)
            reached, ahead = target.loss(moved)
            gain = sum(
                float((slope * (old - new)).sum())
                for slope, old, new in zip(slopes, beliefs.cliques, moved.cliques, strict=True)
            )
            if loss - reached >= _ARMIJO * gain or step < _SHORTEST:
                break
            step /= 2
        small = loss - reached < _ENOUGH * max(loss, 1.0)
        potentials, beliefs, loss, slopes = tried, moved, reached, ahead
        if small:
            break
    return Fitted(beliefs, tuple(potentials), target.rows)


def _started(sizes: Sequence[int], tree: JunctionTree, impossible: Sequence[tuple[int, int]]) -> list[Floats]:
    """Begin with every possible cell alike."""
    begun = [np.zeros([sizes[each] for each in branch.clique]) for branch in tree.branches]
    for attribute, code in impossible:
        home = tree.home_of((attribute,)) or 0
        clique = tree.branches[home].clique
        place: list[slice | int] = [slice(None)] * len(clique)
        place[clique.index(attribute)] = code
        begun[home][tuple(place)] = IMPOSSIBLE
    return begun


def _carried(
    sizes: Sequence[int], tree: JunctionTree, before: Fitted, impossible: Sequence[tuple[int, int]]
) -> list[Floats]:
    """Begin where an earlier fit ended: its potentials move to cliques that hold theirs."""
    begun = [np.zeros([sizes[each] for each in branch.clique]) for branch in tree.branches]
    for branch, potential in zip(before.tree.branches, before.potentials, strict=True):
        home = tree.home_of(branch.clique)
        if home is None:
            return _started(sizes, tree, impossible)
        begun[home] += spread(potential, branch.clique, tree.branches[home].clique)
    return begun


# The mean absolute value of a Gaussian over its deviation, rounded.
GAUSSIAN_MEAN = Fraction(7979, 10_000)


def noise_share(
    attributes: Attributes, sizes: Sequence[int], scale: float, mean: Fraction = GAUSSIAN_MEAN
) -> int:
    """Tell the sum of absolute noise to expect in a marginal, in whole rows.

    Args:
        attributes: Which ones.
        sizes: Cells of each attribute.
        scale: Standard deviation of the noise on each count.
        mean: How large the noise is on average, without its sign, over its deviation.

    Returns:
        ``cells * scale * mean``, rounded down.
    """
    return int(cells_of(sizes, attributes) * mean * Fraction(scale))
