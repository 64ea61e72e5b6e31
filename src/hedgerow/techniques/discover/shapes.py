"""Tests of values: shapes by RE2 over distinct values, then check digits over arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel import checksums
from hedgerow.techniques.discover.profile import Profile
from hedgerow.techniques.discover.vocabulary import COMMON_NAMES

Matrix = npt.NDArray[np.uint8]
Check = Callable[[Matrix], npt.NDArray[np.bool_]]

PLAUSIBLE = 0.02
_ZERO = 48
_NUMBER = r"-?[0-9.]+([eE][+-]?[0-9]+)?"
_NAME_WORD = r"\p{Lu}[\p{L}'\x{2019}.-]*"


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of value.

    Args:
        category: What it is.
        pattern: RE2 pattern of the whole value.
        check: Check digits over a matrix of digits, or none.
        chance: Share of random values of that shape that pass the check.
        letters: Whether the check takes character codes instead of digits.
    """

    category: str
    pattern: str
    check: Check | None = None
    chance: float = 0.0
    letters: bool = False


SHAPES: tuple[Shape, ...] = (
    # Plain classes and no counted repeats: the pattern is compiled again for every column.
    Shape("email", r"^[^@ \t\r\n,;]+@[^@ \t\r\n,;]+\.[^@ \t\r\n,;.0-9][^@ \t\r\n,;.0-9]+$"),
    Shape(
        "iban",
        r"(?i)^[A-Z]{2}[0-9]{2} ?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{0,4}$",
        checksums.iban_mod_97,
        0.0103,
        letters=True,
    ),
    Shape("card", r"^[2-6][0-9]{3}([ -]?[0-9]){9,15}$", checksums.luhn, 0.1),
    Shape("cn-resident-id", r"^[1-9][0-9]{16}[0-9Xx]$", checksums.cn_resident_id, 0.001),
    Shape("us-ssn", r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$", checksums.ssn_structure, 0.0),
    Shape("uk-nhs", r"^[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}$", checksums.nhs_mod_11, 0.09),
    Shape("uk-nino", r"^[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]$"),
    Shape("in-aadhaar", r"^[2-9][0-9]{3} ?[0-9]{4} ?[0-9]{4}$", checksums.aadhaar_verhoeff, 0.1),
    Shape("nl-bsn", r"^[0-9]{9}$", checksums.bsn_eleven, 0.09),
    Shape("pl-pesel", r"^[0-9]{11}$", checksums.pesel_mod_10, 0.1),
    Shape("br-cpf", r"^[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}$", checksums.cpf_two_checks, 0.01),
    Shape(
        "phone",
        r"^(\+[1-9][0-9 ().-]{6,20}|\(?[0-9]{2,4}\)?[ .-][0-9]{3,4}[ .-]?[0-9]{3,4})( ?x[0-9]{1,5})?$",
    ),
    Shape("cn-mobile", r"^1[3-9][0-9]{9}$"),
    Shape("phone-digits", r"^\+?[0-9 ().-]{7,20}$"),
    Shape("ipv4", r"^((25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])$"),
    Shape(
        "ipv6", r"(?i)^([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$|^(([0-9a-f]{1,4}:){0,6}[0-9a-f]{0,4})?::[0-9a-f:]*$"
    ),
    Shape("mac", r"(?i)^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$"),
    Shape("uuid", r"(?i)^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"),
    Shape("url", r"(?i)^(https?://|www\.)\S+$"),
    Shape("jwt", r"^eyJ[A-Za-z0-9_-]{5,}\.eyJ[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*$"),
    Shape(
        "api-key",
        r"^(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|(sk|pk|rk)[-_][A-Za-z0-9_-]{16,}|xox[abprs]-\S{10,}"
        r"|AIza[0-9A-Za-z_-]{30,}|-----BEGIN .{0,40}PRIVATE KEY.*)$",
    ),
    # Anywhere in a value: a password is as bad in the middle of a sentence.
    Shape(
        "credential",
        r"(?i)\b(pass ?word|passwd|pwd|passphrase|passwort|kennwort|api[_ -]?key|(client|access)[_ -]?secret"
        r"|secret[_ -]?key|access[_ -]?token)['\"]? ?[=:] ?\S{3}|://[^/\s:@]+:[^/\s@]+@"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY",
    ),
    Shape("hash", r"(?i)^[0-9a-f]{32,128}$"),
    Shape("zip-plus-four", r"^[0-9]{5}-[0-9]{4}$"),
    Shape("uk-postcode", r"(?i)^[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}$"),
    Shape("ca-postcode", r"(?i)^[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]$"),
    Shape("five-digits", r"^[0-9]{5}$"),
    Shape("icd", r"^[A-TV-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?( [\pL].*)?$"),
    Shape(
        "street",
        r"(?i)^([0-9]{1,6}[a-z]?,? +[\pL0-9].* (st|street|rd|road|ave|avenue|ln|lane|dr|drive|blvd|row|walk"
        r"|way|court|ct|place|pl|square|terrace|close|crescent)\b.*"
        r"|.*(strasse|straße|weg|gasse|platz) [0-9]+.*"
        r"|(calle|rue|via|avenida) .*|.*(路|街|巷|弄).*[0-9]+号.*)$",
    ),
    Shape("coordinate-pair", r"^-?[0-9]{1,2}\.[0-9]{3,}, ?-?[0-9]{1,3}\.[0-9]{3,}$"),
    Shape(
        "date-text",
        r"^([0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4})([ T].*)?$",
    ),
    Shape("vector-text", rf"^\[ *{_NUMBER}( *, *{_NUMBER}){{63,1023}} *\]$"),
    Shape(
        "name-like", rf"^({_NAME_WORD}|[a-z]{{1,3}})([ ,]+({_NAME_WORD}|d[aei]|v[ao]n|de[rln]|la)){{1,3}}$"
    ),
    Shape("one-name", r"^\p{Lu}\p{Ll}+([-'\x{2019}]\p{Lu}\p{Ll}+)?$"),
    Shape("sentence", r"^\S+( +\S+){4,}"),
    Shape("numeric", r"^-?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.,][0-9]+)?$"),
    Shape("masked", r"^[*xX#• -]*[*xX#•]{3,}[*xX#• -]*[0-9]{0,4}$"),
    Shape("code", r"^[A-Za-z]{0,6}[-_/ ]?[0-9][A-Za-z0-9]*([-_/][A-Za-z0-9]+)*$"),
)
_BY_NAME = {shape.category: shape for shape in SHAPES}
_SLOW = frozenset({"vector-text"})  # repeats beyond what RE2 takes; Python reads a few values instead


def shares(profile: Profile) -> dict[str, float]:
    """Measure for every shape the share of distinct values that have it and pass its check.

    Args:
        profile: A column of text or whole numbers.

    Returns:
        Shares from 0 to 1 by shape; a shape that fewer than 2% of an even sample of 1,000 distinct
        values have is left out, any other is measured over all of them.
    """
    found: dict[str, float] = {}
    sample_is_all = len(profile.sample) == len(profile.texts)
    for shape in SHAPES:
        share = _share(shape, profile.sample)
        if share >= PLAUSIBLE:
            found[shape.category] = share if sample_is_all else _share(shape, profile.texts)
    return found


def chance_of(category: str) -> float:
    """Give the share of random values of a shape that pass its check."""
    return _BY_NAME[category].chance


def _share(shape: Shape, texts: pa.Array) -> float:
    if not len(texts):
        return 0.0
    if shape.category in _SLOW:
        few = texts[:20].to_pylist()
        return sum(1 for text in few if re.match(shape.pattern, text)) / len(few)
    hits = pc.match_substring_regex(texts, shape.pattern)
    count = pc.sum(hits).as_py() or 0
    if not count or shape.check is None:
        return float(count / len(texts))
    return _checked(shape, texts.filter(hits)) / len(texts)


def _checked(shape: Shape, texts: pa.Array) -> int:
    """Count the values whose check digits hold, one length at a time."""
    kept = "[^0-9A-Z]" if shape.letters else "[^0-9X]"
    compact = pc.replace_substring_regex(pc.ascii_upper(texts), kept, "")
    lengths = pc.binary_length(compact)
    passed = 0
    for length in pc.unique(lengths).to_pylist():
        matrix = _matrix(compact.filter(pc.equal(lengths, length)), length)
        passed += int(np.count_nonzero(_run(shape, matrix)))
    return passed


def _run(shape: Shape, matrix: Matrix) -> npt.NDArray[np.bool_]:
    if shape.check is None:
        return np.ones(len(matrix), dtype=bool)
    if shape.letters:
        return shape.check(matrix)
    # The letter X of a check position stands for ten.
    return shape.check(np.where(matrix == ord("X"), 10, matrix - _ZERO).astype(np.uint8))


def _matrix(texts: pa.Array, length: int) -> Matrix:
    joined = "".join(texts.to_pylist()).encode("ascii")
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, length)


def common_name_share(profile: Profile) -> float:
    """Give the share of sampled values with a common given or family name among their words.

    Args:
        profile: A column of text.

    Returns:
        From 0 to 1, over at most 1,000 distinct values.
    """
    texts = profile.sample.to_pylist()
    hits = sum(1 for text in texts if COMMON_NAMES & set(re.split(r"[\s,.'-]+", text.lower())))
    return hits / len(texts) if texts else 0.0
