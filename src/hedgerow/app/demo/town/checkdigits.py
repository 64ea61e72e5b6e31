"""Numbers that look right and reach nobody: valid check digits over fictional bodies."""

from __future__ import annotations

from hedgerow.kernel.checksums import with_iban_check, with_luhn, with_mod11_10

_BANK = "RVRX000000"  # a fictional bank with a sort code that is never issued
_CARD_RANGE = "400000"  # the range payment processors keep for tests


def account_iban(serial: int) -> str:
    """Number an account of Riverside's bank.

    Args:
        serial: 0 to 99,999,999.

    Returns:
        A valid account number of 22 symbols.
    """
    return with_iban_check("GB", f"{_BANK}{serial:08d}")


def card_number(serial: int) -> str:
    """Number a payment card in the test range.

    Args:
        serial: 0 to 999,999,999.

    Returns:
        16 digits that pass the Luhn check.
    """
    return with_luhn(f"{_CARD_RANGE}{serial:09d}")


def loyalty_number(serial: int) -> str:
    """Number a loyalty card of the shop.

    Args:
        serial: 0 to 999,999,999.

    Returns:
        ``RC-`` and 10 digits that pass the Luhn check.
    """
    return f"RC-{with_luhn(f'{serial:09d}')}"


def national_number(serial: int) -> str:
    """Number a citizen of the fictional country.

    Args:
        serial: 0 to 9,999,999,999.

    Returns:
        ``RN-``, 10 digits, a hyphen and the check digit.
    """
    whole = with_mod11_10(f"{serial:010d}")
    return f"RN-{whole[:-1]}-{whole[-1]}"
