"""Discrete Gaussian noise for long vectors, drawn all at once from AES in counter mode.

Each call draws a fresh key from the operating system and forgets it: no state is kept that a forked
process, a copy of the memory or a second call could draw the same noise from. ADR 23 holds the argument.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import isqrt

import numpy as np
import numpy.typing as npt

from hedgerow.kernel.noise.table import gaussian_table
from hedgerow.model.errors import Fault

Integers = npt.NDArray[np.int64]

DEVIATION = 1024
# A discrete Gaussian is one of so much less variance, continuous, that was rounded at random: but for at most
# this distance, which every number's distance holds (ADR 36).
ROUNDED = 5
_OF_ROUNDING = Fraction(1, 10**42)
_UP = Context(prec=60, rounding=ROUND_CEILING, Emax=10**15, Emin=-(10**15), traps=[])
# Two pi squared, rounded down.
_TWO_PI_SQUARED = Fraction(19739, 1000)
# What is smaller is taken for this, which keeps exact values short.
_FLOOR = Decimal("1e-80")
_I64_MAX = 2**63 - 1
_VARIANCE_MOST = 2**110
_ROUND = 1 << 16
_BYTES_EACH = 16


@dataclass(frozen=True, slots=True)
class WideGaussian:
    """Noise of a large variance, as a sum of multiples of draws from one table.

    Args:
        factors: What the draws are multiplied with; the first is 1.
        variance: Parameter sigma squared of the discrete Gaussian it stands for, exact.
        distance: At least the total-variation distance of one number from that, and from what can be computed
            of a number with continuous noise of a variance that is ``ROUNDED`` less; exact.
        reach: The largest number it can draw.
    """

    factors: tuple[int, ...]
    variance: int
    distance: Fraction
    reach: int

    def rho(self, sensitivity: int) -> Fraction:
        """Tell the zero-concentrated loss, apart from the distance.

        Args:
            sensitivity: The most one person can change the vector, in L2.

        Returns:
            ``sensitivity**2 / (2 * variance)``, exact.
        """
        return Fraction(sensitivity**2, 2 * self.variance)


def wide_gaussian(sensitivity: int, rho: Fraction) -> WideGaussian:
    """Put noise together that is wide enough.

    Args:
        sensitivity: The most one person can change the vector, in L2, steps.
        rho: Zero-concentrated privacy loss allowed, exact, above 0.

    Returns:
        The noise; its variance is at least ``sensitivity**2 / (2 * rho)``. Where that is below the table's
        own variance of 2**20, the noise is wider than need be: the caller takes finer steps.

    Raises:
        Fault: ``noise.overflow`` when numbers of 64 bits could not hold it.

    Source: sums of discrete Gaussians, after Micciancio and Walter 2017, "Gaussian sampling over the
        integers", section 3; ADR 23 derives the distance.
    """
    needed = -(-(sensitivity**2 * rho.denominator) // (2 * rho.numerator))
    if needed > _VARIANCE_MOST:
        raise Fault("noise.overflow")
    table = gaussian_table(DEVIATION)
    factors, variance, distance = [1], DEVIATION**2, table.distance + _OF_ROUNDING
    while variance < needed:
        most = isqrt(variance) // 3
        missing = -(-(needed - variance) // DEVIATION**2)
        factor = min(most, isqrt(missing - 1) + 1)
        distance += table.distance + _ripple(variance, factor)
        variance += (factor * DEVIATION) ** 2
        factors.append(factor)
    return WideGaussian(tuple(factors), variance, distance, table.reach * sum(factors))


def _ripple(fine: int, factor: int) -> Fraction:
    """Bound how far a fine discrete Gaussian plus a coarse one is from one discrete Gaussian.

    The chance of x is ``exp(-x**2 / 2(fine + coarse))`` times a sum over the coarse lattice, which by
    Poisson's formula is constant but for a share of at most ``2q / (1 - q)``.
    """
    coarse = (factor * DEVIATION) ** 2
    inner = Fraction(fine * coarse, fine + coarse)
    power = _TWO_PI_SQUARED * inner / factor**2
    exact = _UP.next_plus(_UP.exp(_UP.divide(Decimal(-power.numerator), Decimal(power.denominator))))
    q = Fraction(max(exact, _FLOOR))
    share = 2 * q / (1 - q)
    return share / (1 - share)


def add_wide(values: Integers, sensitivity: int, rho: Fraction, noise: WideGaussian) -> Integers:
    """Add noise to a vector of exact integers.

    Args:
        values: The exact integers, shape ``(n,)``.
        sensitivity: The most one person can change the vector, in L2.
        rho: What the release may cost, exact.
        noise: What :func:`wide_gaussian` gave.

    Returns:
        The noisy integers, in the same order.

    Raises:
        Fault: ``noise.too-weak`` when the noise costs more than ``rho``; ``noise.overflow`` when a sum could
            pass 64 bits. Nothing was drawn then.

    Guarantee: within ``n * noise.distance`` in total variation of a mechanism that is rho-zCDP for neighbours
        that move the vector by at most ``sensitivity`` in L2. An attacker is assumed not to break AES-256.
    """
    if noise.rho(sensitivity) > rho:
        raise Fault("noise.too-weak")
    if len(values) and max(abs(int(values.max())), abs(int(values.min()))) > _I64_MAX - noise.reach:
        raise Fault("noise.overflow")
    return values + draw_wide(len(values), noise.factors)


def draw_wide(count: int, factors: tuple[int, ...]) -> Integers:
    """Draw noise.

    Args:
        count: How many numbers.
        factors: What each number's draws are multiplied with.

    Returns:
        The numbers.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = Cipher(algorithms.AES(os.urandom(32)), modes.CTR(os.urandom(16))).encryptor()
    table = gaussian_table(DEVIATION)
    drawn = np.zeros(count, dtype=np.int64)
    for start in range(0, count, _ROUND):
        part = drawn[start : start + _ROUND]
        for factor in factors:
            words = np.frombuffer(stream.update(bytes(_BYTES_EACH * len(part))), dtype="<u8")
            part += factor * table.values(words[0::2], words[1::2])
    return drawn


def delta_of(numbers: int, distance: Fraction, epsilon: Fraction) -> Fraction:
    """Bound what the imperfection of drawn numbers adds to delta.

    Args:
        numbers: How many numbers a run draws in all.
        distance: The distance of one number.
        epsilon: The epsilon that delta goes with, at most 100,000.

    Returns:
        ``numbers * distance * (1 + exp(epsilon))``, rounded up.

    Source: the triangle inequality on both sides of (epsilon, delta)-differential privacy.
    """
    grown = Fraction(
        _UP.next_plus(_UP.exp(_UP.divide(Decimal(epsilon.numerator), Decimal(epsilon.denominator))))
    )
    return numbers * distance * (1 + grown)
