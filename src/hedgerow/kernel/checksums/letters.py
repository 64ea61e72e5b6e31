"""Check digits of numbers with letters in them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Octets = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_ZERO, _NINE, _A, _Z = 48, 57, 65, 90


def iban_mod_97(text: Octets) -> Mask:
    """Check IBANs of one length.

    Args:
        text: Matrix (n, m) of ASCII codes, digits and capital letters, no spaces.

    Returns:
        Mask (n,).

    Source: ISO 13616-1 with ISO 7064 MOD 97-10.
    """
    remainder = np.zeros(len(text), dtype=np.int64)
    good = np.ones(len(text), dtype=bool)
    for column in np.concatenate([text[:, 4:], text[:, :4]], axis=1).T.astype(np.int64):
        digit = (column >= _ZERO) & (column <= _NINE)
        letter = (column >= _A) & (column <= _Z)
        good &= digit | letter
        remainder = np.where(digit, remainder * 10 + column - _ZERO, remainder * 100 + column - _A + 10) % 97
    return np.asarray(good & (remainder == 1))
