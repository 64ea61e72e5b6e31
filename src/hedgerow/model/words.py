"""The field's words as closed sets."""

from __future__ import annotations

from enum import StrEnum


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
