"""Surrogates drawn for people, never equal to what they stand for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hedgerow.kernel.tokens.seeds import draws
from hedgerow.kernel.tokens.surrogates import numbers
from hedgerow.kernel.tokens.surrogates.numbers import Maker, Numbers
from hedgerow.kernel.tokens.surrogates.words import LOCALES, Words
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.keys import Scope

SURROGATE_KINDS = ("name", "given-name", "family-name", "address", "phone", "iban", "card", "national-id")
"""What a surrogate can stand for."""

_ATTEMPTS = 64
_SEXES = {
    "f": "female", "female": "female", "w": "female", "woman": "female", "2": "female",
    "m": "male", "male": "male", "man": "male", "1": "male",
}  # fmt: skip
_LEAST_DIGITS = 7


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a surrogate, drawn by itself, so that a name and its parts agree.

    Args:
        label: What keeps its draws apart.
        make: Makes it of one person's draws.
        clashes: Whether it is, or holds, what it is to hide; takes it and one true value.
    """

    label: str
    make: Maker
    clashes: Callable[[str, str], bool]


def check_surrogate(what: str, locale: str) -> None:
    """Refuse what there are no surrogates for.

    Args:
        what: One of ``SURROGATE_KINDS``.
        locale: Of which country, as ``"en_GB"``.

    Raises:
        CallerError: ``tokens.unknown-locale``, ``tokens.unknown-surrogate`` or ``tokens.no-iban``.
    """
    if locale not in LOCALES:
        raise CallerError("tokens.unknown-locale", known=", ".join(sorted(LOCALES)))
    if what not in SURROGATE_KINDS:
        raise CallerError("tokens.unknown-surrogate", known=", ".join(SURROGATE_KINDS))
    if what == "iban" and locale not in numbers.IBANS:
        raise CallerError("tokens.no-iban", locale=locale, known=", ".join(sorted(numbers.IBANS)))


def surrogates(
    what: str,
    locale: str,
    keys: Sequence[bytes],
    scope: Scope,
    true: Sequence[Sequence[str]],
    sexes: Sequence[str | None] | None = None,
) -> list[str]:
    """Draw a surrogate for each person.

    Args:
        what: One of ``SURROGATE_KINDS``.
        locale: Of which country, as ``"en_GB"``.
        keys: The secret of each person, 32 bytes or more.
        scope: Where the surrogates are valid.
        true: What each person's surrogate stands for: the values of his or her rows.
        sexes: Stated sex of each, for given names and the numbers that tell it; others get either.

    Returns:
        A surrogate per person.

    Raises:
        CallerError: As ``check_surrogate``; ``tokens.nothing-left`` when every draw was a true value.

    Guarantee:
        The same person gets the same surrogate within a scope, and an unrelated one in another. No part of
        a surrogate name is a part of the true name, and no surrogate number or street the true one; so a
        surrogate tells one value that the true one is not. Different people can get the same surrogate:
        the lists are short on purpose. It is invented: show it as assumed.
    """
    check_surrogate(what, locale)
    told = [_SEXES.get(sex.strip().casefold()) if sex else None for sex in sexes or [None] * len(keys)]
    words = LOCALES[locale]
    made = [_drawn(part, keys, scope, true, told) for part in _parts(what, locale, words)]
    if what == "name":
        return [words.name.format(given=given, family=family) for given, family in zip(*made, strict=True)]
    if what == "address":
        # Written from the large to the small in Chinese.
        order = "{place}{street}" if locale == "zh_CN" else "{street}, {place}"
        return [order.format(street=street, place=place) for street, place in zip(*made, strict=True)]
    return made[0]


def _parts(what: str, locale: str, words: Words) -> tuple[_Part, ...]:
    given = _Part("given", lambda drawn, sex: _given(words, drawn, sex), _is_word)
    family = _Part("family", lambda drawn, _: words.family[drawn[0] % len(words.family)], _is_word)
    if what == "address":
        street = _Part("street", lambda drawn, _: _street(words, drawn), _is_inside)
        return street, _Part("place", lambda drawn, _: _place(words, locale, drawn), _is_inside)
    if what in ("name", "given-name", "family-name"):
        return {"name": (given, family), "given-name": (given,), "family-name": (family,)}[what]
    if what == "card":
        return (_Part(what, numbers.card, _is_number),)
    makers = {"phone": numbers.PHONES, "iban": numbers.IBANS, "national-id": numbers.NATIONAL_IDS}[what]
    return (_Part(what, makers[locale], _is_number),)


def _given(words: Words, drawn: Numbers, sex: str | None) -> str:
    names = {"female": words.female, "male": words.male}.get(sex or "", words.female + words.male)
    return names[drawn[0] % len(names)]


def _street(words: Words, drawn: Numbers) -> str:
    return words.street.format(
        number=1 + drawn[0] % words.house_numbers,
        street=words.streets[drawn[1] % len(words.streets)],
        kind=words.kinds[drawn[2] % len(words.kinds)],
    )


def _place(words: Words, locale: str, drawn: Numbers) -> str:
    town = words.towns[drawn[2] % len(words.towns)]
    return words.place.format(town=town, code=numbers.CODES[locale](drawn))


def _drawn(
    part: _Part,
    keys: Sequence[bytes],
    scope: Scope,
    true: Sequence[Sequence[str]],
    sexes: Sequence[str | None],
) -> list[str]:
    """Draw a part for each person, anew while it clashes with a true value."""
    made, open_ = [""] * len(keys), list(range(len(keys)))
    for attempt in range(_ATTEMPTS):
        drawn = draws([keys[at] for at in open_], scope, f"surrogate/{part.label}", attempt).tolist()
        for at, row in zip(open_, drawn, strict=True):
            made[at] = part.make(row, sexes[at])
        open_ = [at for at in open_ if any(part.clashes(made[at], value) for value in true[at])]
        if not open_:
            return made
    raise Refused("tokens.nothing-left", attempts=_ATTEMPTS)


def _folded(text: str) -> str:
    """Leave out accents, width and case: a name is the same one however its letters are put together."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _plain(text: str) -> str:
    return re.sub(r"[\W_]", "", _folded(text))


def _is_word(made: str, true: str) -> bool:
    # A Chinese name is one word, and its parts stand inside it.
    is_inside = not made.isascii() and len(made) <= 2  # noqa: PLR2004
    return _folded(made) in (_folded(true) if is_inside else _words(true))


def _words(true: str) -> list[str]:
    return re.split(r"[\W_]+", _folded(true))


def _is_inside(made: str, true: str) -> bool:
    return _plain(made) in _plain(true)


def _is_number(made: str, true: str) -> bool:
    one, other = _plain(made), _plain(true)
    # A phone number with or without its country code is the same one.
    is_long = min(len(one), len(other)) >= _LEAST_DIGITS
    tails = one.lstrip("0"), other.lstrip("0")
    return one == other or (is_long and (tails[0].endswith(tails[1]) or tails[1].endswith(tails[0])))
