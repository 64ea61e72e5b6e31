"""The one form of a phone number: E.164."""

from __future__ import annotations

import re
import unicodedata

_LEAST_DIGITS, _MOST_DIGITS = 7, 15
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}")
_OPTIONAL_TRUNK = re.compile(r"\(0\)")
_APART = re.compile(r"[\s().\-/\u2010-\u2015\u2212]+")
# What is dialled before a number of another country, where it is not 00.
_ABROAD = {"1": "011", "7": "810", "81": "010", "82": "001", "61": "0011", "65": "001", "852": "001"}
# What is dialled before an area code at home, where it is not 0; empty where nothing is.
_TRUNK = {
    "1": "1",
    "7": "8",
    "36": "06",
    # In these a leading 0 belongs to the number.
    **dict.fromkeys(("39", "378", "225", "242"), ""),
}
_AT_HOME = 10


def is_country_code(text: str) -> bool:
    """Tell whether a text has the form of a country code: one to three digits, the first not 0."""
    return _COUNTRY.fullmatch(text) is not None


def normalise_phone(value: str, country: str = "") -> str | None:
    """Bring a phone number into its one form.

    Args:
        value: As collected or as typed; blanks, brackets, dots, slashes and hyphens are ignored.
        country: Country code of numbers that come without one; with none, they do not read.

    Returns:
        ``+`` and 7 to 15 digits; none when it does not read as such, for example with an extension.

    Source: ITU-T E.164 for the form, E.123 for how numbers are written.
    """
    text = unicodedata.normalize("NFKC", value).strip()
    # Written so that those abroad leave it out.
    text = _APART.sub("", _OPTIONAL_TRUNK.sub("", text) if text.startswith(("+", "00")) else text)
    is_international = text.startswith("+")
    digits = _ascii_digits(text.removeprefix("+"))
    if digits is None:
        return None
    abroad = _ABROAD.get(country, "00")
    if not is_international and digits.startswith(abroad):
        is_international, digits = True, digits.removeprefix(abroad)
    if not is_international:
        digits = _with_country(digits, country)
    is_whole = _LEAST_DIGITS <= len(digits) <= _MOST_DIGITS and not digits.startswith("0")
    return f"+{digits}" if is_whole else None


def _ascii_digits(text: str) -> str | None:
    """Read the digits of any script; none where something else stands among them."""
    try:
        return "".join(str(unicodedata.decimal(c)) for c in text)
    except ValueError:
        return None


def _with_country(digits: str, country: str) -> str:
    if not country:
        return ""
    trunk = _TRUNK.get(country, "0")
    # A number in Russia or North America may begin with the trunk digit only where it is one longer.
    if trunk and digits.startswith(trunk) and (trunk[0] == "0" or len(digits) > _AT_HOME):
        digits = digits.removeprefix(trunk)
    return country + digits
