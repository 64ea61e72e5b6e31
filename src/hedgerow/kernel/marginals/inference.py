"""Exact inference on a junction tree: marginals of cliques by messages, any others by elimination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hedgerow.kernel.marginals.counting import Attributes, Floats
from hedgerow.kernel.marginals.tree import JunctionTree

# Below any chance that a float tells from nothing; stands for an impossible cell.
IMPOSSIBLE = -1e4


def log_sum(values: Floats, axes: tuple[int, ...]) -> Floats:
    """Add up exponentials along axes, as logarithms, without overflow."""
    if not axes:
        return values
    top = values.max(axis=axes, keepdims=True)
    total: Floats = np.log(np.exp(values - top).sum(axis=axes)) + top.squeeze(axes)
    return total


def spread(values: Floats, of: Attributes, to: Attributes) -> Floats:
    """Shape an array over some attributes so that it broadcasts over more of them, in the same order."""
    shape = dict(zip(of, values.shape, strict=True))
    return values.reshape([shape.get(each, 1) for each in to])


def axes_out(of: Attributes, keep: Attributes) -> tuple[int, ...]:
    """List the axes of the attributes that are not kept."""
    return tuple(place for place, each in enumerate(of) if each not in keep)


@dataclass(frozen=True)
class Beliefs:
    """A distribution over all attributes, told by the marginals of its cliques.

    Args:
        tree: The cliques.
        cliques: Chances of the cells of each clique; each array adds up to 1.
    """

    tree: JunctionTree
    cliques: tuple[Floats, ...]

    @cached_property
    def conditionals(self) -> tuple[Floats, ...]:
        """The chances of each clique given its separator; the root's own."""
        found = []
        for branch, chances in zip(self.tree.branches, self.cliques, strict=True):
            below = chances.sum(axis=axes_out(branch.clique, branch.separator))
            spreaded = spread(below, branch.separator, branch.clique)
            found.append(np.divide(chances, spreaded, out=np.zeros_like(chances), where=spreaded > 0))
        return tuple(found)

    @cached_property
    def _children(self) -> tuple[tuple[int, ...], ...]:
        found: list[list[int]] = [[] for _ in self.tree.branches]
        for place, branch in enumerate(self.tree.branches):
            if branch.parent >= 0:
                found[branch.parent].append(place)
        return tuple(map(tuple, found))

    @cached_property
    def _below(self) -> tuple[frozenset[int], ...]:
        """The attributes of each clique and of all below it."""
        found = [frozenset(branch.clique) for branch in self.tree.branches]
        for place in range(len(found) - 1, 0, -1):
            found[self.tree.branches[place].parent] |= found[place]
        return tuple(found)

    def marginal(self, attributes: Attributes) -> Floats:
        """Work out the marginal of any attributes.

        Args:
            attributes: Which ones, in increasing order.

        Returns:
            Chances, one axis for each attribute.
        """
        home = self.tree.home_of(attributes)
        if home is not None:
            clique = self.tree.branches[home].clique
            inside: Floats = self.cliques[home].sum(axis=axes_out(clique, attributes))
            return inside
        place = 0
        while (lower := self._one_below(place, attributes)) is not None:
            place = lower
        return self._collected(place, frozenset(attributes), attributes, top=True)

    def _one_below(self, place: int, attributes: Attributes) -> int | None:
        """Find the child whose part of the tree holds all the attributes."""
        wanted = frozenset(attributes)
        return next((child for child in self._children[place] if wanted <= self._below[child]), None)

    def _collected(self, place: int, wanted: frozenset[int], out: Attributes, *, top: bool) -> Floats:
        """Multiply what hangs on a clique and sum out what is not wanted.

        At the top the clique's own chances are taken, below it those given the separator.
        """
        clique = self.tree.branches[place].clique
        operands: list[object] = [self.cliques[place] if top else self.conditionals[place], list(clique)]
        for child in self._children[place]:
            branch = self.tree.branches[child]
            held = wanted & self._below[child] - set(clique)
            if held:
                kept = tuple(sorted(held | set(branch.separator)))
                operands += [self._collected(child, held, kept, top=False), list(kept)]
        made: Floats = np.einsum(*operands, list(out), optimize=len(operands) > 4)  # type: ignore[call-overload] # noqa: PLR2004 - pairs of an array and its axes
        return made


def propagate(tree: JunctionTree, potentials: Sequence[Floats]) -> Beliefs:
    """Turn potentials of the cliques into the marginals of the distribution they stand for.

    Args:
        tree: The cliques.
        potentials: A logarithm for each cell of each clique.

    Returns:
        The distribution whose density is the exponential of the sum of the potentials.

    Source: Shafer and Shenoy 1990; Koller and Friedman 2009, chapter 10.
    """
    gathered = [each.copy() for each in potentials]
    sent: dict[int, Floats] = {}
    for place in range(len(gathered) - 1, 0, -1):
        branch = tree.branches[place]
        above = tree.branches[branch.parent].clique
        message = log_sum(gathered[place], axes_out(branch.clique, branch.separator))
        sent[place] = message
        gathered[branch.parent] += spread(message, branch.separator, above)
    root = gathered[0]
    whole = float(log_sum(root, tuple(range(root.ndim))))
    gathered[0] = root - whole
    for place in range(1, len(gathered)):
        branch, message = tree.branches[place], sent[place]
        above = tree.branches[branch.parent].clique
        down = log_sum(gathered[branch.parent], axes_out(above, branch.separator)) - message
        gathered[place] = gathered[place] + spread(down, branch.separator, branch.clique)
    return Beliefs(tree, tuple(np.exp(each) for each in gathered))
