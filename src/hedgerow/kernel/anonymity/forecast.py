"""A guess at which nodes drop too many rows, learnt from those counted; it moves speed only.

How many rows a node drops follows roughly from how finely it splits the table. The entropy of each
column at each level measures that, so a straight line through the nodes counted so far, in the
logit of the share dropped, tells where the border lies. Nothing is ever concluded from a guess: it
chooses the node to count next, and only counts rule nodes out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hedgerow.kernel.anonymity.coding import Flags, Floats
from hedgerow.kernel.anonymity.lattice import outer_sum
from hedgerow.kernel.anonymity.problem import Problem

_NEAR = 3.0
"""Counted nodes this far from the border, in logits, teach little."""

_STEEP = 1.7
"""Makes the logistic curve follow the normal one."""

_NEARLY_ALL = 1 - 1e-9

_REFRESH = 12
"""Counts between two fits, once many are known."""


class Forecast:
    """What the nodes counted so far say of the others.

    Args:
        problem: Table, hierarchies and limits; some rows may be dropped.
        entropies: Entropy of each column at each level.
    """

    def __init__(self, problem: Problem, entropies: Sequence[Floats]) -> None:
        self._rows, shape = problem.tuples.rows, problem.shape
        self._most = (problem.most_suppressed + 0.5) / self._rows
        self._entropies = [levels[:height] for levels, height in zip(entropies, shape, strict=True)]
        self._seen: list[list[float]] = []
        self._logits: list[float] = []
        self._none_dropped: list[bool] = []
        self._prior = np.append(np.ones(len(shape)), -np.log(self._rows / problem.k))
        self._line = self._prior
        self._spread = 1.0
        self._due = 1
        self.cover = np.ones(shape, dtype=np.int32)
        self._draw()

    def learn(self, node: tuple[int, ...], suppressed: int) -> bool:
        """Take in what one node did.

        Args:
            node: Level per column.
            suppressed: Rows it drops.

        Returns:
            True when the guess was drawn anew and ``cover`` should be as well.
        """
        self._seen.append([levels[level] for levels, level in zip(self._entropies, node, strict=True)])
        share = (suppressed + 0.5) / (self._rows + 1)
        self._logits.append(float(np.log(share / (1 - share))))
        self._none_dropped.append(suppressed == 0)
        if len(self._seen) < self._due:
            return False
        self._due = min(2 * self._due, self._due + _REFRESH)
        self._fit()
        return True

    def count_live(self, live: Flags) -> None:
        """Count for each node how many nodes still in question lie at or below it."""
        cover = live.astype(np.int32)
        for axis in range(cover.ndim):
            np.cumsum(cover, axis=axis, out=cover)
        self.cover = cover

    def scores(self, above: tuple[slice, ...], need: float, left: Floats) -> Floats:
        """Weigh each node at or above one by what counting it can be expected to rule out.

        Args:
            above: The block of those nodes.
            need: Further loss that would rule the lowest one out; infinite where only dropping
                too many rows does.
            left: What dropping all rows would lose more than generalising alone, over the block.

        Returns:
            Chance times number of nodes, over the block.
        """
        share: Floats | float = min(self._most, _NEARLY_ALL)
        if need < self._most:  # a row dropped loses 1 at most
            share = np.clip(np.minimum(share, need / np.maximum(left, 1e-9)), 1 - _NEARLY_ALL, _NEARLY_ALL)
        odds = (share / (1 - share)) ** (_STEEP / self._spread)
        return np.asarray(self.cover[above] / (1 + odds * self._against[above]))

    def _fit(self) -> None:
        points = np.column_stack([self._seen, np.ones(len(self._seen))])
        # Where nothing was dropped the logit is only known to be low.
        logits = np.where(self._none_dropped, np.minimum(self._logits, points @ self._line), self._logits)
        share = min(self._most, 0.3)
        border = np.log(share / (1 - share))
        weights = np.exp(-0.5 * ((logits - border) / _NEAR) ** 2) + 0.02
        weighted = points * weights[:, None]
        held = np.diag(np.append(np.ones(len(self._prior) - 1), 0.01))
        missed = weighted.T @ (logits - points @ self._prior)
        self._line = self._prior + np.linalg.solve(weighted.T @ points + held, missed)
        misses = logits - points @ self._line
        self._spread = max(0.15, float(np.sqrt((weights * misses**2).sum() / weights.sum())))
        self._draw()

    def _draw(self) -> None:
        parts = [slope * levels for slope, levels in zip(self._line, self._entropies, strict=False)]
        guess = outer_sum([parts[0] + self._line[-1], *parts[1:]])
        self._against = np.exp(np.clip(guess, -20, 20) * (-_STEEP / self._spread))
