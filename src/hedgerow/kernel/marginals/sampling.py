"""Rows drawn from a distribution, by the operating system's randomness."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.marginals.counting import Codes, Floats
from hedgerow.kernel.marginals.inference import Beliefs

Uniform = Callable[[int], Floats]
_BITS = 53


def uniform(count: int) -> Floats:
    """Draw numbers from 0 to below 1, of 53 bits, from the operating system.

    Args:
        count: How many.
    """
    words = np.frombuffer(os.urandom(8 * count), dtype=np.uint64)
    drawn: Floats = (words >> np.uint64(64 - _BITS)).astype(np.float64) * 2.0**-_BITS
    return drawn


def draw_below(count: int, below: npt.NDArray[np.int64], draw: Uniform = uniform) -> npt.NDArray[np.int64]:
    """Draw whole numbers from 0 to below a bound of each.

    Args:
        count: How many.
        below: A bound for each, 1 or more and far below ``2**53``.
        draw: Where uniform numbers come from.
    """
    found: npt.NDArray[np.int64] = np.minimum((draw(count) * below).astype(np.int64), below - 1)
    return found


def draw_rows(beliefs: Beliefs, width: int, count: int, draw: Uniform = uniform) -> Codes:
    """Draw rows, clique by clique from the root.

    Args:
        beliefs: The distribution.
        width: How many attributes it is over.
        count: How many rows.
        draw: Where uniform numbers come from.

    Returns:
        Codes, shape ``(count, width)``, in random order.

    Guarantee: nothing but the distribution is read, so this costs no privacy.
    """
    codes = np.zeros((count, width), dtype=np.int32)
    for branch, given in zip(beliefs.tree.branches, beliefs.conditionals, strict=True):
        fresh = tuple(each for each in branch.clique if each not in branch.separator)
        if not fresh:
            continue
        order = [branch.clique.index(each) for each in (*branch.separator, *fresh)]
        turned = given.transpose(order)
        ahead = turned.shape[: len(branch.separator)]
        state = (
            np.ravel_multi_index(tuple(codes[:, each] for each in branch.separator), ahead) if ahead else 0
        )
        table = turned.reshape(int(np.prod(ahead, dtype=np.int64)), -1)
        cells = draw_from(table, np.broadcast_to(state, count), draw)
        for each, column in zip(fresh, np.unravel_index(cells, turned.shape[len(ahead) :]), strict=True):
            codes[:, each] = column
    return codes


def draw_from(table: Floats, states: npt.NDArray[np.int64], draw: Uniform = uniform) -> npt.NDArray[np.int64]:
    """Draw a cell for each state, by the chances in its line.

    Of the draws with one state each takes a stretch of its own of the unit interval, in random order: the
    counts stay closer to what is expected than with draws that know nothing of each other.

    Args:
        table: Chances, a line for each state; a line of zeros stands for no knowledge: all its cells are as
            likely.
        states: A line for each draw.
        draw: Where uniform numbers come from.

    Returns:
        A cell for each state.
    """
    whole = table.sum(axis=1, keepdims=True)
    even = np.full_like(table, 1 / table.shape[1])
    sums = np.cumsum(np.divide(table, whole, out=even, where=whole > 0), axis=1)
    sums /= sums[:, -1:]
    # All lines in one: line s runs from s to s + 1.
    flat = (sums + np.arange(len(table))[:, None]).ravel()
    found = np.searchsorted(flat, _stretched(states, draw) + states, side="right") - states * table.shape[1]
    # Rounding may carry the last number of a line past its end: no cell without a chance is ever drawn.
    last = table.shape[1] - 1 - (np.diff(sums, prepend=0.0)[:, ::-1] > 0).argmax(axis=1)
    cells: npt.NDArray[np.int64] = np.minimum(found, last[states])
    return cells


def _stretched(states: npt.NDArray[np.int64], draw: Uniform) -> Floats:
    """Draw a number from 0 to below 1 for each state, those of equal states in different stretches."""
    order = np.lexsort((draw(len(states)), states))
    _, starts, counts = np.unique(states[order], return_index=True, return_counts=True)
    places = np.arange(len(states)) - np.repeat(starts, counts)
    drawn = np.empty(len(states))
    drawn[order] = (places + draw(len(states))) / np.repeat(counts, counts)
    return drawn
