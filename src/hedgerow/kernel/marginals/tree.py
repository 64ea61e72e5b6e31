"""Junction trees: cliques of attributes so joined that each attribute's cliques hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from hedgerow.kernel.marginals.counting import Attributes, cells_of


@dataclass(frozen=True, slots=True)
class Branch:
    """A clique and how it hangs on the one above it.

    Args:
        clique: Its attributes, in increasing order.
        parent: Place of the clique above, which comes earlier; -1 for the root.
        separator: The attributes it shares with that one; none when nothing joins them.
    """

    clique: Attributes
    parent: int
    separator: Attributes


@dataclass(frozen=True, slots=True)
class JunctionTree:
    """Cliques from the root down.

    Args:
        branches: In an order in which each clique comes after the one above it.
    """

    branches: tuple[Branch, ...]

    def home_of(self, attributes: Attributes) -> int | None:
        """Find the place of the smallest clique that holds some attributes; none when none does."""
        wanted = set(attributes)
        found = [(len(b.clique), place) for place, b in enumerate(self.branches) if wanted <= set(b.clique)]
        return min(found)[1] if found else None

    def largest(self, sizes: Sequence[int]) -> int:
        """Count the cells of the largest clique."""
        return max(cells_of(sizes, branch.clique) for branch in self.branches)


def junction_tree(sizes: Sequence[int], measured: Iterable[Attributes]) -> JunctionTree:
    """Join what was measured into a tree.

    Args:
        sizes: Cells of each attribute; every attribute gets into the tree.
        measured: Sets of attributes that must each lie within a clique.

    Returns:
        The tree. Cliques with nothing in common hang on each other by an empty separator.

    Source: Koller and Friedman 2009, "Probabilistic graphical models", chapter 10: elimination by least fill
        gives the cliques, and a spanning tree of largest separators has the running intersection property.
    """
    cliques = _cliques(sizes, measured)
    return _spanned(cliques, sizes)


def largest_clique(sizes: Sequence[int], measured: Iterable[Attributes]) -> int:
    """Count the cells of the largest clique of a tree over some attribute sets, without building it.

    Args:
        sizes: Cells of each attribute.
        measured: The sets.
    """
    return max(cells_of(sizes, tuple(one)) for one in _eliminated(sizes, measured))


def _cliques(sizes: Sequence[int], measured: Iterable[Attributes]) -> list[Attributes]:
    found = _eliminated(sizes, measured)
    kept = [one for place, one in enumerate(found) if not any(one <= other for other in found[:place])]
    return [tuple(sorted(one)) for one in kept]


def _eliminated(sizes: Sequence[int], measured: Iterable[Attributes]) -> list[set[int]]:
    """Take out one attribute after the other, each with those it is then near to."""
    near: dict[int, set[int]] = {each: set() for each in range(len(sizes))}
    for group in measured:
        for one, other in combinations(group, 2):
            near[one].add(other)
            near[other].add(one)
    found: list[set[int]] = []
    while near:
        chosen = _next(near, sizes)
        around = near.pop(chosen)
        found.append({chosen, *around})
        for each in around:
            near[each] |= around - {each}
            near[each].discard(chosen)
    return found


def _next(near: dict[int, set[int]], sizes: Sequence[int]) -> int:
    """Choose the attribute whose elimination joins the fewest others; a lone one or a leaf joins none."""
    for each, around in near.items():
        if len(around) <= 1:
            return each
    return min(near, key=lambda each: (_fill(near, each), cells_of(sizes, (each, *near[each])), each))


def _fill(near: dict[int, set[int]], each: int) -> int:
    """Count the edges that eliminating an attribute would add."""
    return sum(other not in near[one] for one, other in combinations(sorted(near[each]), 2))


def _spanned(cliques: Sequence[Attributes], sizes: Sequence[int]) -> JunctionTree:
    """Grow the tree from the largest clique, always by the largest separator."""
    left = sorted(cliques, key=lambda one: (-cells_of(sizes, one), one))
    branches = [Branch(left.pop(0), -1, ())]
    # For each clique that is left, the best place to hang it on: shared attributes, and minus the place.
    best = [(len(set(one) & set(branches[0].clique)), 0) for one in left]
    while left:
        at = max(range(len(left)), key=lambda each: best[each])
        clique, (_, place) = left.pop(at), best.pop(at)
        shared = set(clique) & set(branches[-place].clique)
        branches.append(Branch(clique, -place, tuple(sorted(shared))))
        fresh = -(len(branches) - 1)
        best = [max(old, (len(set(one) & set(clique)), fresh)) for old, one in zip(best, left, strict=True)]
    return JunctionTree(tuple(branches))
