"""Read a column's name: split it into words and find what they announce."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from hedgerow.techniques.discover.vocabulary import (
    ABOUT_WORDS,
    EVENT_NOUNS,
    ID_WORDS,
    PERSON_NOUNS,
    PHRASES,
    ROW_WORDS,
)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SPLIT = re.compile(r"[\W_]+")
_NUMBERED = re.compile(r"(?<=[a-z])\d+$")


@dataclass(frozen=True, slots=True)
class NameHint:
    """What a column's name announces.

    Args:
        words: Its words, lower case.
        category: The category announced, or an empty string.
        is_reference: Whether it names a reference: a word such as id, ref or number.
        of_person: Whether it names a reference to a person.
        of_event: Whether it names a reference to an event or a row.
        is_about: Whether it speaks about a thing (its type, its status), not the thing.
    """

    words: tuple[str, ...]
    category: str
    is_reference: bool
    of_person: bool
    of_event: bool
    is_about: bool


def read_name(name: str) -> NameHint:
    """Read a column's name.

    Args:
        name: The name, in snake, camel, kebab or plain writing.

    Returns:
        What it announces.
    """
    words = _words(name)
    last = words[-1] if words else ""
    reference = bool(ID_WORDS & set(words[-2:])) or any(
        word.endswith("id") and word[:-2] in _NOUNS for word in words
    )
    noun = _last_noun(words)
    person, event = noun in PERSON_NOUNS, noun in EVENT_NOUNS
    about = last in ABOUT_WORDS or words[:1] in (("is",), ("has",))
    return NameHint(
        words,
        _category(name, words),
        is_reference=reference,
        of_person=person and (reference or len(words) == 1),
        of_event=(event and reference) or bool(ROW_WORDS & set(words)) or words == ("id",),
        is_about=about,
    )


def _last_noun(words: tuple[str, ...]) -> str:
    """Find the noun nearest to the reference: ``patient_visit_id`` is a visit's."""
    for word in reversed(words):
        for noun in (word, word.removesuffix("s"), word.removesuffix("id")):
            if noun in _NOUNS:
                return noun
    return ""


_NOUNS = PERSON_NOUNS | EVENT_NOUNS | {"row"}


def _words(name: str) -> tuple[str, ...]:
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    words = (_NUMBERED.sub("", word) if word not in _KEPT else word for word in _SPLIT.split(text.lower()))
    return tuple(word for word in words if word)


_KEPT = frozenset({"ipv4", "ipv6", "hba1c", "icd10", "spo2"})


@cache
def _phrases() -> tuple[tuple[tuple[str, ...], str], ...]:
    """List all phrases, longest first, in order of category within one length."""
    found = [
        (tuple(phrase.split()), category) for category, line in PHRASES.items() for phrase in line.split("|")
    ]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def _category(name: str, words: tuple[str, ...]) -> str:
    joined = " " + " ".join(words) + " "
    for phrase, category in _phrases():
        text = " ".join(phrase)
        if not text.isascii():
            if text in name:
                return category
        elif f" {text} " in joined:
            return category
    return ""
