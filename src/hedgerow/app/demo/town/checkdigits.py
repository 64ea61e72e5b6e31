"""Numbers that look right and reach nobody: valid check digits over fictional bodies."""

from __future__ import annotations

_BANK = "RVRX000000"  # a fictional bank with a sort code that is never issued
_CARD_RANGE = "400000"  # the range payment processors keep for tests


def iban(country: str, account: str) -> str:
    """Put the check digits into an account number.

    Args:
        country: Two capital letters.
        account: The national part: digits and capital letters.

    Returns:
        The complete number, without spaces.

    Source: ISO 13616, ISO 7064 MOD 97-10.
    """
    number = int("".join(str(int(symbol, 36)) for symbol in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


def account_iban(serial: int) -> str:
    """Number an account of Riverside's bank.

    Args:
        serial: 0 to 99,999,999.

    Returns:
        A valid account number of 22 symbols.
    """
    return iban("GB", f"{_BANK}{serial:08d}")


def luhn_digit(digits: str) -> str:
    """Compute the check digit of a card.

    Args:
        digits: The number without its last digit.

    Returns:
        One digit.

    Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, symbol in enumerate(reversed(digits)):
        value = int(symbol) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


def card_number(serial: int) -> str:
    """Number a payment card in the test range.

    Args:
        serial: 0 to 999,999,999.

    Returns:
        16 digits that pass the Luhn check.
    """
    body = f"{_CARD_RANGE}{serial:09d}"
    return body + luhn_digit(body)


def loyalty_number(serial: int) -> str:
    """Number a loyalty card of the shop.

    Args:
        serial: 0 to 999,999,999.

    Returns:
        ``RC-`` and 10 digits that pass the Luhn check.
    """
    body = f"{serial:09d}"
    return f"RC-{body}{luhn_digit(body)}"


def iso7064_mod11_10(digits: str) -> str:
    """Compute the check digit of a hybrid system.

    Args:
        digits: The number without its last digit.

    Returns:
        One digit.

    Source: ISO/IEC 7064, MOD 11,10.
    """
    product = 10
    for symbol in digits:
        product = ((int(symbol) + product) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def national_number(serial: int) -> str:
    """Number a citizen of the fictional country.

    Args:
        serial: 0 to 9,999,999,999.

    Returns:
        ``RN-``, 10 digits, a hyphen and the check digit.
    """
    body = f"{serial:010d}"
    return f"RN-{body}-{iso7064_mod11_10(body)}"
