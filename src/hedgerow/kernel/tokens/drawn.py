"""Random tokens, and the map that says which value each stands for."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from hedgerow.model.errors import CallerError

_HEAD = b"hedgerow/vault-map/1\n"
_OCTETS = 256

Entry = tuple[str, frozenset[str]]
"""A value, and the people in whose rows it stood."""


def draw_tokens(many: int, length: int, alphabet: str, prefix: str, taken: Collection[str]) -> list[str]:
    """Draw tokens that differ from one another and from those there are.

    Args:
        many: How many.
        length: Characters of each, without the prefix.
        alphabet: What they are drawn from, 2 to 256 different characters.
        prefix: A text before each.
        taken: Tokens there are.

    Returns:
        Tokens, each equally likely among those left, from the operating system's generator.

    Raises:
        CallerError: ``tokens.alphabet``, or ``tokens.no-room`` when more than half of all tokens of that
            length would be taken.
    """
    check_alphabet(alphabet)
    if 2 * (len(taken) + many) > len(alphabet) ** length:
        raise CallerError("tokens.no-room", length=length, symbols=len(alphabet))
    made: dict[str, None] = {}
    while len(made) < many:
        for token in _spelled(many - len(made), length, alphabet):
            if prefix + token not in taken:
                made[prefix + token] = None
    return list(made)


def check_alphabet(alphabet: str) -> None:
    """Refuse characters that tokens cannot be drawn from.

    Args:
        alphabet: 2 to 256 different characters.

    Raises:
        CallerError: ``tokens.alphabet``.
    """
    if not 2 <= len(alphabet) <= _OCTETS or len(set(alphabet)) < len(alphabet):  # noqa: PLR2004 - two at least
        raise CallerError("tokens.alphabet", most=_OCTETS)


def _spelled(many: int, length: int, alphabet: str) -> list[str]:
    # Octets at or above the last multiple of the radix are thrown away: every character is equally likely.
    fair, need = _OCTETS - _OCTETS % len(alphabet), many * length
    good = np.empty(0, np.uint8)
    while len(good) < need:
        octets = np.frombuffer(secrets.token_bytes(2 * (need - len(good)) + 16), np.uint8)
        good = np.concatenate([good, octets[octets < fair]])
    letters = np.array(list(alphabet))[good[:need] % len(alphabet)]
    text = "".join(letters.tolist())
    return [text[at : at + length] for at in range(0, need, length)]


@dataclass(frozen=True)
class VaultMap:
    """Which value each random token stands for: a value to be kept sealed, like the table it came from.

    Args:
        entries: Token to its value and the people in whose rows it stood.
        retired: Tokens whose values were forgotten; they are never drawn again.

    Guarantee:
        A token says nothing of its value: it is drawn. Who holds the map reads every value. What is
        forgotten in the map, and in every older copy of it, cannot be found from the token by anybody.
    """

    entries: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    retired: frozenset[str] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        """Keep the entries unchangeable."""
        object.__setattr__(self, "entries", MappingProxyType(dict(self.entries)))

    @cached_property
    def _found(self) -> Mapping[str, str]:
        return {value: token for token, (value, _) in sorted(self.entries.items(), reverse=True)}

    def __len__(self) -> int:
        """Count the tokens that still have a value."""
        return len(self.entries)

    def lookup(self, values: Iterable[str]) -> list[str | None]:
        """Find the token of each value; none where there is none, the first of several."""
        return [self._found.get(value) for value in values]

    def values_of(self, tokens: Iterable[str]) -> list[str | None]:
        """Find the value of each token; none where it was forgotten or never was."""
        return [self.entries[token][0] if token in self.entries else None for token in tokens]

    def extend(
        self,
        values: Sequence[str],
        people: Sequence[str | None] | None = None,
        *,
        length: int,
        alphabet: str,
        prefix: str = "",
        is_afresh: bool = False,
    ) -> tuple[VaultMap, list[str]]:
        """Give every value a token; one that has one keeps it.

        Args:
            values: The values.
            people: In whose row each stood, so that what was only theirs can be forgotten with them.
            length: Characters of a new token.
            alphabet: What new tokens are drawn from.
            prefix: A text before each new token.
            is_afresh: Draw a token for each value given, equal or not.

        Returns:
            The longer map, and the token of each value in order.

        Raises:
            CallerError: As ``draw_tokens``.
        """
        new = list(values) if is_afresh else [v for v in dict.fromkeys(values) if v not in self._found]
        drawn = draw_tokens(len(new), length, alphabet, prefix, self.entries.keys() | self.retired)
        known = dict(zip(new, drawn, strict=True))
        tokens = drawn if is_afresh else [known.get(value) or self._found[value] for value in values]
        longer = dict(self.entries)
        longer.update((token, (value, frozenset())) for token, value in zip(drawn, new, strict=True))
        for token, person in set(zip(tokens, people or (), strict=False)):
            if person is not None:
                value, whose = longer[token]
                longer[token] = value, whose | {person}
        return VaultMap(longer, self.retired), tokens

    def forget(self, *, values: Collection[str] = (), people: Collection[str] = ()) -> VaultMap:
        """Leave out some values, and those that stood in the rows of some people only.

        Args:
            values: Values to forget, whoever's they are.
            people: People to forget. A value that others have too stays for them.

        Returns:
            The shorter map; the tokens are retired. Older copies must be destroyed by their keeper.
        """
        gone_values, gone_people = frozenset(values), frozenset(people)
        left: dict[str, Entry] = {}
        for token, (value, whose) in self.entries.items():
            others = whose - gone_people
            if value not in gone_values and (others or not whose):
                left[token] = value, others
        return VaultMap(left, self.retired | (self.entries.keys() - left.keys()))

    def to_bytes(self) -> bytes:
        """Write the map: one text for one map (``specs/tokens.md``); it holds the values in plain."""
        entries = [[token, value, sorted(whose)] for token, (value, whose) in sorted(self.entries.items())]
        return _HEAD + _compact({"entries": entries, "retired": sorted(self.retired)})

    @classmethod
    def from_bytes(cls, raw: bytes) -> VaultMap:
        """Read a map.

        Args:
            raw: What ``to_bytes`` gave.

        Returns:
            The map.

        Raises:
            CallerError: ``tokens.bad-map``.
        """
        try:
            given = json.loads(raw.removeprefix(_HEAD))
            entries = {
                _text(token): (_text(value), frozenset(map(_text, whose)))
                for token, value, whose in given["entries"]
            }
            made = cls(entries, frozenset(map(_text, given["retired"])))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CallerError("tokens.bad-map") from None
        if made.to_bytes() != raw or made.entries.keys() & made.retired:
            raise CallerError("tokens.bad-map")
        return made

    def __reduce__(self) -> NoReturn:
        """Refuse pickling: a map leaves only as bytes that its caller seals."""
        raise TypeError("a vault map is not pickled: seal what to_bytes gives")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _compact(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
