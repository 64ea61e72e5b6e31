"""The one form of a national id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_APART = re.compile(r"[\s.\-/\u00b7\u2010-\u2015\u2212]+")
_ANY = re.compile(r"[A-Z0-9]{5,32}")
_LEAST_DIGITS = 4
# Scheme: its form once separators are gone, and the check in kernel/checksums.
SCHEMES: dict[str, tuple[str, str]] = {
    "br-cpf": (r"[0-9]{11}", "cpf_two_checks"),
    "cn-resident-id": (r"[0-9]{17}[0-9X]", "cn_resident_id"),
    "in-aadhaar": (r"[2-9][0-9]{11}", "aadhaar_verhoeff"),
    "nl-bsn": (r"[0-9]{9}", "bsn_eleven"),
    "pl-pesel": (r"[0-9]{11}", "pesel_mod_10"),
    "uk-nhs": (r"[0-9]{10}", "nhs_mod_11"),
    "us-ssn": (r"[0-9]{9}", "ssn_structure"),
}
"""Schemes whose numbers are checked."""


def normalise_national_ids(values: Sequence[str], scheme: str = "") -> list[str | None]:
    """Bring national ids into their one form.

    Args:
        values: As collected or as typed; blanks, dots, slashes and hyphens are ignored.
        scheme: One of ``SCHEMES``, whose check must hold; with none, any 5 to 32 letters and digits with at
            least four digits among them read.

    Returns:
        Letters in upper case and digits; none where a value does not read as such.
    """
    bare = [_APART.sub("", unicodedata.normalize("NFKC", value)).upper() for value in values]
    if not scheme:
        return [text if _is_any(text) else None for text in bare]
    pattern, check = SCHEMES[scheme]
    fitting = re.compile(pattern)
    places = [place for place, text in enumerate(bare) if fitting.fullmatch(text)]
    holds = _checked([bare[place] for place in places], check)
    found: list[str | None] = [None] * len(bare)
    for place, is_right in zip(places, holds, strict=True):
        found[place] = bare[place] if is_right else None
    return found


def _is_any(text: str) -> bool:
    return _ANY.fullmatch(text) is not None and sum(map(str.isdigit, text)) >= _LEAST_DIGITS


def _checked(texts: Sequence[str], check: str) -> list[bool]:
    """Ask the check of a scheme for all at once; only then the libraries it needs are loaded."""
    if not texts:
        return []
    import numpy as np

    from hedgerow.kernel import checksums

    raw = np.frombuffer("".join(texts).encode("ascii"), dtype=np.uint8).reshape(len(texts), -1)
    digits = np.where(raw == ord("X"), checksums.digits.CHECK_X, raw - ord("0")).astype(np.uint8)
    return [bool(each) for each in getattr(checksums, check)(digits)]
