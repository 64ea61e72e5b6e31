"""The cumulative table of a discrete Gaussian in 128-bit integers, and how far it is from the exact one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

# Weights are whole numbers of 2**-256, chances of 2**-128.
_WEIGHT_BITS = 256
_CHANCE_BITS = 128
# A guide of the first bits finds nearly all values by one comparison.
_FIRST_BITS = 16
_REST_BITS = np.uint64(64 - _FIRST_BITS)
# The table ends where a value's weight is below this.
_LEAST = 1 << (_WEIGHT_BITS - 140)
_EXACT = Context(prec=110, rounding=ROUND_FLOOR, Emax=10**6, Emin=-(10**6), traps=[])


@dataclass(frozen=True, slots=True, eq=False)
class GaussianTable:
    """A distribution on ``-reach .. reach``, to be drawn from with 128 uniform bits.

    Args:
        deviation: Parameter sigma of the discrete Gaussian that it stands for, a whole number.
        reach: The largest value.
        high: Upper 64 bits of the cumulative chances of ``-reach .. reach - 1``, in units of 2**-128.
        low: Their lower 64 bits.
        distance: At least the total-variation distance from the discrete Gaussian on all integers, exact.
        guide: For each value of the first 16 bits, how many chances lie below all integers that begin so.
    """

    deviation: int
    reach: int
    high: Words
    low: Words
    distance: Fraction
    guide: npt.NDArray[np.int64]

    def values(self, high: Words, low: Words) -> npt.NDArray[np.int64]:
        """Turn uniform 128-bit integers into values by inverting the cumulative table.

        Args:
            high: Their upper 64 bits.
            low: Their lower 64 bits, as many.

        Returns:
            One value for each: ``-reach`` plus how many cumulative chances are at most the integer.
        """
        index = self._below(high)
        touched = self.high[np.minimum(index, len(self.high) - 1)] == high
        for at in np.flatnonzero(touched):
            stop = int(np.searchsorted(self.high, high[at], side="right"))
            equal = self.low[int(index[at]) : stop]
            index[at] += np.searchsorted(equal, low[at], side="right")
        return index - self.reach

    def _below(self, high: Words) -> npt.NDArray[np.int64]:
        """Count the chances below each integer: at most one is left to compare, but for rare ones."""
        first = (high >> _REST_BITS).astype(np.int64)
        low, most = self.guide[first], self.guide[first + 1]
        index = np.minimum(low + (self.high[np.minimum(low, len(self.high) - 1)] < high), most)
        rare = np.flatnonzero(most - low > 1)
        index[rare] = np.searchsorted(self.high, high[rare], side="left")
        return index


@lru_cache(maxsize=4)
def gaussian_table(deviation: int) -> GaussianTable:
    """Build the table of a discrete Gaussian.

    Args:
        deviation: Its parameter sigma, a whole number, 1 to 2**14.

    Returns:
        The table with its distance.

    Source: the mass at k is proportional to ``exp(-k**2 / (2 * sigma**2))`` (Canonne, Kamath, Steinke 2020);
        ADR 23 derives the distance.
    """
    weights, beyond = _weights(deviation)
    reach = len(weights) - 1
    both = weights[:0:-1] + weights
    total = sum(both)
    chances, running = [], 0
    for weight in both[:-1]:
        running += weight
        chances.append((running << _CHANCE_BITS) // total)
    mask = (1 << 64) - 1
    high = np.array([chance >> 64 for chance in chances], dtype=np.uint64)
    low = np.array([chance & mask for chance in chances], dtype=np.uint64)
    return GaussianTable(deviation, reach, high, low, _distance(reach, total, beyond), _guide(high))


def _guide(high: Words) -> npt.NDArray[np.int64]:
    """Count the chances below the least integer of each first 16 bits; the last stands for all of them."""
    starts = np.arange(1 << _FIRST_BITS, dtype=np.uint64) << _REST_BITS
    return np.append(np.searchsorted(high, starts, side="left"), len(high)).astype(np.int64)


def _weights(deviation: int) -> tuple[list[int], Fraction]:
    """List the weights of 0, 1, 2, ... rounded down, and bound the weight of all that are left out.

    Each weight is the last one times a ratio, and each ratio the last one times a constant. Every product
    loses less than one unit, so the weight of k is less than ``4 * (k + 1)**2`` units too small.
    """
    ratio, factor = _power(1, 2 * deviation**2), _power(1, deviation**2)
    weights, weight = [], 1 << _WEIGHT_BITS
    while weight >= _LEAST:
        weights.append(weight)
        weight = weight * ratio >> _WEIGHT_BITS
        ratio = ratio * factor >> _WEIGHT_BITS
    first = weight + 4 * (len(weights) + 1) ** 2
    steepest = Fraction(ratio + 4 * (len(weights) + 1), 1 << _WEIGHT_BITS)
    return weights, 2 * first / (1 - steepest)


def _power(numerator: int, denominator: int) -> int:
    """Round ``exp(-numerator / denominator)`` down to units of 2**-256; it is less than 2 units off."""
    exact = _EXACT.exp(_EXACT.divide(Decimal(-numerator), Decimal(denominator)))
    return int(Fraction(_EXACT.next_minus(exact)) * (1 << _WEIGHT_BITS))


def _distance(reach: int, total: int, beyond: Fraction) -> Fraction:
    """Bound the total-variation distance: rounding of chances, rounding of weights, and the tails."""
    count = 2 * reach + 1
    chances = Fraction(count, 1 << _CHANCE_BITS)
    weights = Fraction(2 * count * 4 * (reach + 1) ** 2, total)
    return (chances + weights + 2 * beyond / total) / 2
