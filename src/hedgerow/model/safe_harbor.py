"""The identifiers that the Safe Harbor method of 45 CFR 164.514(b)(2) removes, as words.

It is a rule of the United States for health data. It is no other law's anonymity, and no legal advice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from typing import Literal as OneOf

TableT = TypeVar("TableT")

IDENTIFIERS: Final = {
    "A": "names",
    "B": "places smaller than a State",
    "C": "dates more exact than the year, and ages over 89",
    "D": "telephone numbers",
    "E": "fax numbers",
    "F": "e-mail addresses",
    "G": "social security numbers",
    "H": "medical record numbers",
    "I": "health plan beneficiary numbers",
    "J": "account numbers",
    "K": "certificate and licence numbers",
    "L": "vehicle identifiers and licence plates",
    "M": "device identifiers and serial numbers",
    "N": "web addresses",
    "O": "internet protocol addresses",
    "P": "biometric identifiers",
    "Q": "full-face photographs and the like",
    "R": "any other unique identifying number, characteristic or code",
}
"""The eighteen identifiers by their letters in paragraph (b)(2)(i)."""

MOST_AGE: Final = 89
"""Ages above it stand as one category."""

LEAST_PEOPLE: Final = 20_000
"""Three digits of a zip code stay only where more people than these live."""

STATEMENTS: Final = (
    "Columns were looked at: their names, categories and values; free text was not read.",
    "No program can tell what the rule asks too: that whoever releases it knows no way to identify a person.",
    "Safe Harbor is United States health law; under other laws, such as the GDPR, this can be personal data.",
    "A row that is alone in what is left stays alone.",
)

Treatment = OneOf["dropped", "year", "age-90", "zip-3"]


@dataclass(frozen=True, slots=True)
class HarborFinding:
    """One column that holds an identifier of the rule, and what became of it.

    Args:
        column: The column.
        letter: Its identifier's letter in paragraph (b)(2)(i).
        treatment: ``dropped``; ``year``: dates became years; ``age-90``: ages over 89 became
            ``90 or older``; ``zip-3``: three digits were left, ``000`` for small areas.
        reason: Why, in words about names and shapes, never values.
    """

    column: str
    letter: str
    treatment: Treatment
    reason: str

    @property
    def identifier(self) -> str:
        """What the letter stands for."""
        return IDENTIFIERS[self.letter]


@dataclass(frozen=True, slots=True)
class SafeHarbor(Generic[TableT]):
    """A table held against the Safe Harbor rule, and what is left of it once its identifiers are removed.

    Args:
        table: The table without them, of the kind given.
        findings: The columns that held one.
        kept: The columns that stay as they were.
        statements: What it means, limits first.
    """

    table: TableT = field(repr=False)
    findings: tuple[HarborFinding, ...]
    kept: tuple[str, ...]
    statements: tuple[str, ...] = STATEMENTS

    @property
    def held(self) -> bool:
        """Whether the table as it was given had none of the identifiers that can be seen in it."""
        return not self.findings
