"""Who takes part in a step, drawn for each person alone from the operating system's randomness."""

from __future__ import annotations

import os
from fractions import Fraction

import numpy as np
import numpy.typing as npt

_WORD = 2**32


def sampling_chance(expected: int, people: int) -> Fraction:
    """Choose the chance with which a person takes part in a step.

    Args:
        expected: How many are wanted in a step, on average; public.
        people: Out of how many; public.

    Returns:
        A multiple of ``2**-32``, at least ``expected / people`` and at most 1.
    """
    return min(Fraction(1), Fraction(-(-expected * _WORD // people), _WORD))


def poisson_sample(people: int, chance: Fraction) -> npt.NDArray[np.int64]:
    """Draw who takes part.

    Args:
        people: How many there are.
        chance: A multiple of ``2**-32`` from 0 to 1.

    Returns:
        The places of those who do, in order. Each does with exactly ``chance``, whoever else there is.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    stream = Cipher(algorithms.AES(os.urandom(32)), modes.CTR(os.urandom(16))).encryptor()
    words = np.frombuffer(stream.update(bytes(4 * people)), dtype="<u4")
    return np.flatnonzero(words < int(chance * _WORD)) if chance < 1 else np.arange(people)
