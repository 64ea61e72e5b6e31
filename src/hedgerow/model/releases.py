"""The words of releases that left: what their certificates state in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hedgerow.model.uses import Json

LEGAL_CLASS = "pseudonymised personal data"
"""What a release of people's rows is in law, unless shown otherwise."""

LEGAL_WORDS = (
    "It is pseudonymised personal data, not anonymous (GDPR Article 4(5) and Recital 26; PIPL Article 73).",
    "Whoever holds further knowledge can still tie a row to a person.",
    "Nothing in this certificate shows that nobody can be found by means reasonably likely to be used.",
)

DUTIES = (
    "Use it for the purpose named here and for nothing else.",
    "Keep it as personal data is kept: for those who need it, for as long as the purpose lasts.",
    "Do not try to find who a row is about, and do not join it with other data about the same people.",
    "Pass it on only with this certificate, to those whom the purpose covers.",
    "Delete it when whoever released it says that it was withdrawn.",
)


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that is to leave, for its certificate.

    Args:
        release: Id of the release.
        mechanism: How it was protected, in a few words.
        parameters: What was asked, as plain values.
        columns: Each column of the file and what it is there as, for example ``"quasi-identifier"``.
        sha256: Hash of the file as it is written, hexadecimal.
        size_bytes: Its size.
    """

    release: str
    mechanism: str
    parameters: Mapping[str, Json] = field(repr=False)
    columns: Mapping[str, str]
    sha256: str
    size_bytes: int
