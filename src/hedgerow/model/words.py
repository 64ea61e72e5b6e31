"""The field's words as closed sets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def is_name(text: str) -> bool:
    """Tell whether a text has the form of a name of a data set, purpose or principal."""
    return _NAME.fullmatch(text) is not None


def name_or_nothing(text: str | None) -> str | None:
    """Keep a text for the journal only if it has the form of a name; anything else is a caller's words."""
    return text if text is not None and is_name(text) else None


def many(number: int, one: str, more: str | None = None) -> str:
    """Write a count with its noun.

    Args:
        number: The count.
        one: The noun for one.
        more: The noun for any other count; the first with an ``s`` by default.

    Returns:
        For example ``"1 use"`` or ``"2 uses"``.
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def percent(share: Fraction | str) -> str:
    """Write a share as a percentage, rounded to the nearest hundredth of one.

    Args:
        share: From 0 to 1, exact or as decimal text.

    Returns:
        For example ``"3.43%"`` or ``"20%"``.
    """
    hundredths = round(Fraction(share) * 10_000)
    text = f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")
    return f"{text}%"


def near(name: str, known: Iterable[str]) -> str:
    """Ask whether another name was meant.

    Args:
        name: What was written.
        known: The names there are.

    Returns:
        For example ``"Did you mean query?"``; nothing where none is near.
    """
    found = difflib.get_close_matches(name, sorted(known), n=2)
    return f"Did you mean {' or '.join(found)}?" if found else ""


class Basis(StrEnum):
    """The lawful basis of a purpose (GDPR Article 6(1))."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    VITAL_INTEREST = "vital-interest"
    PUBLIC_TASK = "public-task"
    LEGITIMATE_INTEREST = "legitimate-interest"


class Role(StrEnum):
    """The built-in roles, each with the least it needs."""

    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    PRIVACY_OFFICER = "privacy-officer"
    AUDITOR = "auditor"
    SERVICE = "service"


class ColumnRole(StrEnum):
    """What a column does to the person it is about."""

    DIRECT_IDENTIFIER = "direct-identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive-attribute"
    MEASURE = "measure"
    ROW_ID = "row-id"
    OTHER = "other"


class ColumnType(StrEnum):
    """The logical type of a stored column."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
