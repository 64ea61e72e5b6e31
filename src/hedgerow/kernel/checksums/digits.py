"""Check digits of numbers made of digits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Digits = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

CHECK_X = 10
_CN_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
_CN_CHECKS = np.array([1, 0, CHECK_X, 9, 8, 7, 6, 5, 4, 3, 2])
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
# The dihedral group D5 and the permutation of Verhoeff's scheme.
_PERMUTE = np.array([1, 5, 7, 6, 2, 8, 3, 0, 9, 4])
_AREA_NEVER, _AREA_END = 666, 900


def luhn(digits: Digits) -> Mask:
    """Check the Luhn digit of card numbers.

    Args:
        digits: Matrix (n, m) of 0 to 9, m at least 2, the check digit last.

    Returns:
        Mask (n,).

    Source: ISO/IEC 7812-1, annex B.
    """
    doubled = digits[:, -2::-2].astype(np.int64) * 2
    total = digits[:, -1::-2].sum(axis=1, dtype=np.int64) + (doubled - 9 * (doubled > 9)).sum(axis=1)  # noqa: PLR2004
    return np.asarray(total % 10 == 0)


def nhs_mod_11(digits: Digits) -> Mask:
    """Check NHS numbers of the United Kingdom.

    Args:
        digits: Matrix (n, 10) of 0 to 9.

    Returns:
        Mask (n,).

    Source: NHS Data Model and Dictionary, NHS NUMBER.
    """
    check = (11 - digits[:, :9] @ np.arange(10, 1, -1)) % 11
    return np.asarray((check == digits[:, 9]) & (digits.any(axis=1)))


def cn_resident_id(digits: Digits) -> Mask:
    """Check resident identity numbers of the People's Republic of China.

    Args:
        digits: Matrix (n, 18) of 0 to 9; the last column may hold 10 for the letter X.

    Returns:
        Mask (n,): check character and birth date both hold.

    Source: GB 11643-1999; ISO 7064 MOD 11-2.
    """
    right = _CN_CHECKS[(digits[:, :17] @ _CN_WEIGHTS) % 11] == digits[:, 17]
    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = (digits[:, at : at + 2] @ np.array([10, 1]) for at in (10, 12))
    real_month = (month >= 1) & (month <= 12)  # noqa: PLR2004 - months of a year
    real_day = (day >= 1) & (day <= _MONTH_DAYS[np.where(real_month, month, 0)])
    return np.asarray(right & real_month & real_day & (year >= 1850) & (year < 2100))  # noqa: PLR2004


def aadhaar_verhoeff(digits: Digits) -> Mask:
    """Check Aadhaar numbers of India, or any number with a Verhoeff digit.

    Args:
        digits: Matrix (n, m) of 0 to 9, the check digit last.

    Returns:
        Mask (n,).

    Source: J. Verhoeff, Error Detecting Decimal Codes, 1969.
    """
    state = np.zeros(len(digits), dtype=np.int64)
    power = np.arange(10)
    for column in digits[:, ::-1].T:
        state = _dihedral(state, power[column])
        power = _PERMUTE[power]
    return np.asarray(state == 0)


def _dihedral(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Multiply in D5: 0 to 4 are rotations, 5 to 9 reflections."""
    turned, mirrored = left % 5, left >= 5  # noqa: PLR2004
    spot = np.where(mirrored, turned - right % 5, turned + right % 5) % 5
    return np.asarray(spot + 5 * (mirrored ^ (right >= 5)))  # noqa: PLR2004


def bsn_eleven(digits: Digits) -> Mask:
    """Check citizen service numbers (BSN) of the Netherlands.

    Args:
        digits: Matrix (n, 9) of 0 to 9.

    Returns:
        Mask (n,).

    Source: the eleven test as published by the Dutch government for the BSN.
    """
    weights = np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])
    return np.asarray(((digits @ weights) % 11 == 0) & digits.any(axis=1))


def pesel_mod_10(digits: Digits) -> Mask:
    """Check PESEL numbers of Poland.

    Args:
        digits: Matrix (n, 11) of 0 to 9.

    Returns:
        Mask (n,).

    Source: Polish Act on the population register, PESEL.
    """
    weights = np.array([1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1])
    return np.asarray(((digits @ weights) % 10 == 0) & digits.any(axis=1))


def cpf_two_checks(digits: Digits) -> Mask:
    """Check CPF numbers of Brazil; eleven equal digits are none.

    Args:
        digits: Matrix (n, 11) of 0 to 9.

    Returns:
        Mask (n,).

    Source: Receita Federal, CPF check digits.
    """
    first = (digits[:, :9] @ np.arange(10, 1, -1) * 10) % 11 % 10
    second = (digits[:, :10] @ np.arange(11, 1, -1) * 10) % 11 % 10
    mixed = (digits != digits[:, :1]).any(axis=1)
    return np.asarray((first == digits[:, 9]) & (second == digits[:, 10]) & mixed)


def ssn_structure(digits: Digits) -> Mask:
    """Tell which numbers could be Social Security numbers of the United States (no check digit).

    Args:
        digits: Matrix (n, 9) of 0 to 9.

    Returns:
        Mask (n,).

    Source: Social Security Administration, areas 000, 666 and 900 to 999 are never issued.
    """
    area = digits[:, :3] @ np.array([100, 10, 1])
    group, serial = digits[:, 3:5].any(axis=1), digits[:, 5:].any(axis=1)
    return np.asarray((area > 0) & (area != _AREA_NEVER) & (area < _AREA_END) & group & serial)
