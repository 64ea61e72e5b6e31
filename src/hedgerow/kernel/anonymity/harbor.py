"""Which identifier of the Safe Harbor rule a column holds, told by its category or its name."""

from __future__ import annotations

import re
from typing import Final

PLAIN: Final = "other"
"""The category by which a caller says that a column holds none of the identifiers."""

STATE: Final = "state"
"""The category of places no smaller than a State, which stay."""

_BY_CATEGORY: Final = {
    "A": "person-name",
    "B": "address dwelling zip city region county coordinates",
    "C": "date-of-birth event-time date age",
    "D": "phone",
    "E": "fax",
    "F": "email",
    "G": "national-id",
    "H": "health-id medical-record",
    "I": "beneficiary",
    "J": "bank-account card iban account",
    "K": "driving-licence passport licence",
    "L": "vehicle-plate vehicle-id",
    "M": "mac-address device-id serial",
    "N": "url",
    "O": "ip-address",
    "P": "fingerprint-template voice-print embedding",
    "Q": "face-template photograph",
    "R": "username membership person-id row-id secret free-text nested binary identifier",
}
_LETTERS: Final = {name: letter for letter, line in _BY_CATEGORY.items() for name in line.split()}

_NAMES: Final = (
    ("person-name", "name firstname lastname surname forename fullname"),
    ("email", "email mail"),
    ("zip", "zip zipcode postcode postal"),
    ("ip-address", "ip ipv4 ipv6"),
    ("mac-address", "mac"),
    ("date-of-birth", "dob birth birthdate birthday born"),
    ("date", "date admission admitted discharge discharged death died deceased timestamp time datetime"),
    ("age", "age"),
    ("phone", "phone telephone tel mobile cell"),
    ("fax", "fax"),
    ("national-id", "ssn social"),
    ("medical-record", "mrn record chart"),
    ("beneficiary", "beneficiary insurance plan policy"),
    ("account", "account iban card"),
    ("licence", "licence license certificate passport"),
    ("vehicle-id", "vin vehicle plate"),
    ("serial", "serial device imei"),
    ("url", "url website homepage web"),
    ("fingerprint-template", "fingerprint fingerprints voiceprint iris biometric"),
    ("photograph", "photo photograph picture portrait face image"),
    ("county", "street address city town county precinct parish district village suburb"),
    ("coordinates", "latitude longitude lat lon lng geocode"),
    ("identifier", "id uuid guid identifier token pseudonym"),
)
_BY_WORD: Final = {word: category for category, line in _NAMES for word in line.split()}
_PARTS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")
_NO_NAME_OF_A_PERSON: Final = frozenset(
    [
        "drug",
        "product",
        "hospital",
        "clinic",
        "ward",
        "test",
        "medication",
        "file",
        "ward",
        "state",
        "country",
    ]
)


def letter_of(category: str) -> str | None:
    """Tell which identifier a category is.

    Args:
        category: As discovery names it.

    Returns:
        The letter, none where the rule does not name it.
    """
    return _LETTERS.get(category)


def identifying() -> frozenset[str]:
    """Name the categories that are identifiers of the rule."""
    return frozenset(_LETTERS)


def is_large_place(column: str) -> bool:
    """Tell by a column's name whether its places are no smaller than a State.

    Args:
        column: The name.

    Returns:
        Whether the name says State or country.
    """
    return bool({"state", "country", "nation"} & {word.lower() for word in _PARTS.findall(column)})


def category_by_name(column: str) -> str | None:
    """Tell a column's category by its name alone.

    Args:
        column: The name.

    Returns:
        The category, none where no word of the name tells.
    """
    words = [word.lower() for word in _PARTS.findall(column)]
    found = [_BY_WORD[word] for word in words if word in _BY_WORD]
    if _NO_NAME_OF_A_PERSON & set(words):
        found = [category for category in found if category != "person-name"]
    # A date of birth is one whatever stands before it; of the rest the first word tells.
    return "date-of-birth" if "date-of-birth" in found else next(iter(found), None)
