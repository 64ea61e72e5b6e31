"""Check digits for the bodies of numbers: what the checks of this package look for."""

from __future__ import annotations

_CN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CN_CHECKS = "10X98765432"
_NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def with_luhn(body: str) -> str:
    """Put the Luhn digit behind digits.

    Args:
        body: Digits of a card number without the last.

    Returns:
        The number.

    Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, symbol in enumerate(reversed(body)):
        value = int(symbol) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return body + str(-total % 10)


def with_iban_check(country: str, account: str) -> str:
    """Put country and check digits before an account number.

    Args:
        country: Two capital letters.
        account: The national part: digits and capital letters.

    Returns:
        The IBAN, without spaces.

    Source: ISO 13616-1; ISO/IEC 7064, MOD 97-10.
    """
    number = int("".join(str(int(symbol, 36)) for symbol in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def with_mod11_10(body: str) -> str:
    """Put the check digit of the hybrid system MOD 11,10 behind digits.

    Args:
        body: The number without its last digit.

    Returns:
        The number.

    Source: ISO/IEC 7064, MOD 11,10.
    """
    product = 10
    for symbol in body:
        product = ((int(symbol) + product) % 10 or 10) * 2 % 11
    return body + str((11 - product) % 10)


def with_cn_check(body: str) -> str:
    """Put the check character behind the 17 digits of a Chinese resident identity number.

    Args:
        body: 17 digits.

    Returns:
        The number of 18 characters.

    Source: GB 11643-1999; ISO 7064, MOD 11-2.
    """
    total = sum(int(symbol) * weight for symbol, weight in zip(body, _CN_WEIGHTS, strict=True))
    return body + _CN_CHECKS[total % 11]


def with_nhs_check(body: str) -> str | None:
    """Put the check digit behind the nine digits of an NHS number.

    Args:
        body: Nine digits.

    Returns:
        The number of ten digits, or none where the check would be ten and the number is never used.

    Source: NHS Data Model and Dictionary, NHS NUMBER.
    """
    check = (
        11 - sum(int(symbol) * weight for symbol, weight in zip(body, range(10, 1, -1), strict=True))
    ) % 11
    return None if check == 10 else f"{body}{check}"  # noqa: PLR2004 - ten is no digit


def with_nir_key(body: str) -> str:
    """Put the two digits of the key behind a French social security number.

    Args:
        body: 13 digits.

    Returns:
        15 digits.

    Source: INSEE, numéro d'inscription au répertoire: 97 less the remainder by 97.
    """
    return f"{body}{97 - int(body) % 97:02d}"


def with_nie_letter(body: str) -> str:
    """Put the letter behind a Spanish foreigner's number (NIE).

    Args:
        body: X, Y or Z and seven digits.

    Returns:
        Nine characters.

    Source: Real Decreto 1553/2005 and Orden INT/2058/2008: remainder by 23, X, Y, Z read as 0, 1, 2.
    """
    return body + _NIF_LETTERS[int(str("XYZ".index(body[0])) + body[1:]) % 23]
