"""How long it takes to reverse a plain hash: by trying every value the column could hold."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HASHES: Final = ("md5", "sha1", "sha256", "sha512", "blake2b")
"""Hashes without a key that columns are found under."""

DOMAINS: Final[Mapping[str, tuple[int, str]]] = {
    "age": (150, "ages of people"),
    "card": (10**15, "card numbers of 16 digits, one of which follows from the others"),
    "country": (250, "countries"),
    "date": (73_049, "days from 1900 to 2099"),
    "email": (10**10, "addresses in lists that are traded; the local part is most often made of a name"),
    "iban": (10**10, "account numbers of a bank"),
    "ip": (2**32, "addresses of IP version 4"),
    "name": (10**9, "a hundred thousand family names with ten thousand given names"),
    "phone": (10**10, "numbers of a country with ten digits"),
    "ssn": (898 * 99 * 9999, "social security numbers that can be issued"),
    "zip": (10**5, "postal codes of five digits"),
}
"""Values that a column of a kind can hold, at most or as an attacker would list them, and in words."""

_RANDOM_ID = re.compile(
    r"(?:[0-9a-f]{32,}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})", re.IGNORECASE
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_NUMBER = re.compile(r"[\d +()/.-]*\d[\d +()/.-]*")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LEAST_DIFFERENT = 8
_LEAST_DIFFERING = 20
_SAMPLE_S = 0.02
_BATCH = 2000
_MOST_DIGITS = 9
_MOST_NUMBERS, _MOST_TEXTS = 10**15, 10**10


@dataclass(frozen=True, slots=True)
class Reversal:
    """How long reversing a plain hash takes.

    Args:
        domain: Values to try.
        described: What they are.
        per_s: Hashes a second on one core.
        is_measured: Whether that rate was measured on this machine, or stated by the caller.
    """

    domain: int
    described: str
    per_s: float
    is_measured: bool

    @property
    def seconds(self) -> float:
        """Seconds on one core until every value was tried."""
        return self.domain / self.per_s

    @property
    def words(self) -> str:
        """The same in plain words, such as ``"1.6 hours"``."""
        for size, unit in ((31_557_600, "years"), (86_400, "days"), (3600, "hours"), (60, "minutes")):
            if self.seconds >= size:
                return f"{_rounded(self.seconds / size)} {unit}"
        return f"{_rounded(self.seconds)} seconds" if self.seconds >= 1 else "less than a second"


def _rounded(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004 - no decimals of large numbers


def hashes_per_second(algorithm: str) -> float:
    """Measure how many short values one core hashes in a second, in plain Python.

    Args:
        algorithm: One of ``HASHES``.

    Returns:
        The rate. A graphics card is a thousand times as fast or more, so a time worked out from it is long.
    """
    digest, done, began = _digest(algorithm), 0, time.process_time()
    while (spent := time.process_time() - began) < _SAMPLE_S:
        for number in range(done, done + _BATCH):
            digest(b"%016d" % number)
        done += _BATCH
    return done / spent


def domain_of(values: Iterable[str], kind: str | None = None) -> tuple[int, str] | None:
    """Count the values that somebody would have to try to reverse a hash of a column.

    Args:
        values: Its distinct values.
        kind: What it holds, one of ``DOMAINS``, where that is known.

    Returns:
        How many and what they are; none where every value is a random identifier of 122 bits or more
        (32 or more hexadecimal digits, or a UUID of version 4), which nobody can try. Where the digits
        differ in few places from value to value, what is the same in all of them is known to whoever tries.
    """
    if kind is not None:
        return DOMAINS[kind]
    given: list[str] = []
    random: list[str] = []
    for value in values:
        (random if _is_random_id(value) else given).append(value)
    if not given and random:
        return _by_places(random)
    for name, shape in (("date", _DATE), ("email", _EMAIL)):
        if given and all(shape.fullmatch(value) for value in given):
            return DOMAINS[name]
    if given and all(_NUMBER.fullmatch(value) for value in given):
        # How a number is grouped is tried in a few ways, and changes nothing.
        return _by_characters([re.sub(r"\D", "", value) for value in given])
    return _by_characters(given)


def _is_random_id(value: str) -> bool:
    # Zeros in front of a number, or a number alone, are no random identifier.
    return bool(_RANDOM_ID.fullmatch(value)) and len(set(value)) >= _LEAST_DIFFERENT and not value.isdecimal()


def _by_places(values: Sequence[str]) -> tuple[int, str] | None:
    """Count the texts that are alike but where those of one length differ; none where they differ enough.

    Of two drawn identifiers of 32 digits, 13 are the same by chance once in ten million times.
    """
    fewest = None
    for length in {len(value) for value in values}:
        alike = {value.lower() for value in values if len(value) == length}
        differing = sum(len(set(place)) > 1 for place in zip(*alike, strict=True))
        if len(alike) > 1 and differing < _LEAST_DIFFERING:
            fewest = differing if fewest is None else min(fewest, differing)
    if fewest is None:
        return None
    return min(16**fewest, _MOST_NUMBERS), f"texts that differ in {fewest} hexadecimal digits"


def _by_characters(values: Sequence[str]) -> tuple[int, str]:
    """Count the texts of the lengths and characters seen, or those that an attacker would list if fewer."""
    lengths = sorted({len(value) for value in values}) or [0]
    span = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    if all(value.isdecimal() for value in values):
        most = sum(10**length for length in lengths)
        if most <= _MOST_NUMBERS:
            return most, f"numbers of {span} digits"
        return _MOST_NUMBERS, f"numbers of {span} digits, of which so many at most are issued, as assumed"
    many = 36 if all(value.isalnum() for value in values) else 95
    most = sum(many**length for length in lengths)
    if most <= _MOST_TEXTS:
        return most, f"texts of {span} characters"
    return _MOST_TEXTS, "names, words and addresses in lists that are traded, as assumed"


def reversal(
    values: Iterable[str], kind: str | None, algorithm: str, per_s: float | None = None
) -> Reversal | None:
    """Tell how long reversing a plain hash of a column would take.

    Args:
        values: Its distinct values.
        kind: What it holds, one of ``DOMAINS``, where that is known.
        algorithm: One of ``HASHES``.
        per_s: Hashes a second to reckon with; measured on this machine where none is given.

    Returns:
        The estimate, or none where nobody can try all values.
    """
    found = domain_of(values, kind)
    if found is None:
        return None
    rate = hashes_per_second(algorithm) if per_s is None else per_s
    return Reversal(*found, per_s=rate, is_measured=per_s is None)


def plain_hash(algorithm: str, value: str) -> str:
    """Hash a value without a key, as columns in the wild are: hexadecimal digits of its UTF-8."""
    return _digest(algorithm)(value.encode()).hex()


def reverse_digits(hashes: Collection[str], digits: int, algorithm: str) -> dict[str, str]:
    """Reverse plain hashes of numbers by trying them all: the attack that makes them no protection.

    Args:
        hashes: Hexadecimal digits of the hashes.
        digits: Digits of the numbers, 1 to 9, leading zeros written.
        algorithm: One of ``HASHES``.

    Returns:
        Hash to number, of those found.

    Raises:
        ValueError: More digits than nine.
    """
    if not 1 <= digits <= _MOST_DIGITS:
        raise ValueError("numbers of one to nine digits are tried")
    digest, sought = _digest(algorithm), {bytes.fromhex(each) for each in hashes}
    found, form = {}, b"%%0%dd" % digits
    for number in range(10**digits):
        made = digest(text := form % number)
        if made in sought:
            found[made.hex()] = text.decode()
            if len(found) == len(sought):
                break
    return found


def _digest(algorithm: str) -> Callable[[bytes], bytes]:
    make = getattr(hashlib, algorithm)

    def digest(text: bytes) -> bytes:
        made: bytes = make(text, usedforsecurity=False).digest()
        return made

    return digest
