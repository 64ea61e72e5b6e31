"""What rules are applied with: secrets, scopes and the people whose rows they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from hedgerow.kernel.tokens.drawn import VaultMap
from hedgerow.kernel.tokens.enumerable import DOMAINS
from hedgerow.kernel.tokens.seeds import subject_keys
from hedgerow.model import tokens as rules
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import KEY_BYTES, Scope
from hedgerow.techniques.tokens.texts import texts

PersonKeys: TypeAlias = Mapping[str, bytes] | Callable[[Sequence[str]], Mapping[str, bytes]]
"""Secrets by person as text (32 bytes or more each), or what gives those of the people asked for."""


@dataclass(frozen=True)
class Using:
    """What rules are applied with.

    Args:
        secret: 32 bytes or more; kept apart from the data.
        scope: The release: what ``document-randomised`` is bound to.
        recipient: What ``deterministic`` is bound to: the same for all releases to one recipient. The
            release itself where none is given.
        people: Whose each row is, or none.
        sexes: The stated sex of each row's person, for surrogate names, or none.
        person_keys: The people's own secrets, which die with their keys; derived from ``secret`` where none
            are given, and then an erasure reaches nothing.
        maps: Earlier maps of random tokens, by column.
        hashes_per_s: Rate to reckon with where a plain hash is asked for; measured where none is given.
        holds: What columns hold, by source: one of ``DOMAINS`` of ``enumerable``.
    """

    secret: bytes = field(repr=False)
    scope: Scope
    recipient: Scope | None = None
    people: pa.Array | None = field(default=None, repr=False)
    sexes: pa.Array | None = field(default=None, repr=False)
    person_keys: PersonKeys | None = field(default=None, repr=False)
    maps: Mapping[str, VaultMap] = field(default_factory=dict, repr=False)
    hashes_per_s: float | None = None
    holds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed, and what no column is known to hold."""
        if len(self.secret) < KEY_BYTES:
            raise CallerError("tokens.secret")
        if not set(self.holds.values()) <= DOMAINS.keys():
            raise CallerError("tokens.unknown-domain", known=", ".join(DOMAINS))

    def scope_of(self, policy: str) -> Scope:
        """Give the scope of a policy: the recipient's where it is deterministic, else the release's."""
        return self.recipient or self.scope if policy == rules.DETERMINISTIC else self.scope


def class_of(rule: Any) -> str:  # noqa: ANN401 - any rule with a column class
    """Name the class of a rule's column: columns of one class share tokens."""
    return str(rule.of or rule.source)


@dataclass(frozen=True, slots=True)
class Whose:
    """The people of a column's rows.

    Args:
        names: Distinct people.
        keys: The secret of each; none where there is none.
        codes: For each row, which person's it is; -1 for nobody's.
    """

    names: list[str] = field(repr=False)
    keys: list[bytes | None] = field(repr=False)
    codes: Any = field(repr=False)

    @property
    def sure(self) -> list[bytes]:
        """Every person's secret.

        Raises:
            CallerError: ``tokens.no-key``.
        """
        if None in self.keys:
            raise CallerError("tokens.no-key")
        return cast("list[bytes]", self.keys)


def people_of(rule: rules.Rule, column: pa.Array | None, using: Using) -> Whose:
    """Find whose the rows are.

    Args:
        rule: The rule, for the refusal.
        column: The values; every one of them must be somebody's. None where that does not matter.
        using: The people and their secrets.

    Returns:
        The people.

    Raises:
        CallerError: ``tokens.no-person``, ``tokens.person-missing`` or ``tokens.secret``.
    """
    if using.people is None:
        raise CallerError("tokens.no-person", column=rule.column)
    found = texts(using.people, "person")
    codes = found.codes
    if column is not None and bool((column.is_valid().to_numpy(zero_copy_only=False) & (codes < 0)).any()):
        raise CallerError("tokens.person-missing", column=rule.column)
    return Whose(found.distinct, keys_of(found.distinct, using), codes)


def keys_of(people: Sequence[str], using: Using) -> list[bytes | None]:
    """Give the secrets of people; none for those whose secret is gone.

    Args:
        people: What tells them apart.
        using: Their secrets, or the one that theirs are derived from.

    Returns:
        A secret each, or none.

    Raises:
        CallerError: ``tokens.secret`` for one that could be guessed.
    """
    if using.person_keys is None:
        return list(subject_keys(using.secret, people))
    given = using.person_keys(people) if callable(using.person_keys) else using.person_keys
    keys = [given.get(person) for person in people]
    if any(key is not None and len(key) < KEY_BYTES for key in keys):
        raise CallerError("tokens.secret")
    return keys


def placed(made: Sequence[str | None], rows: Any, many: int) -> pa.Array:  # noqa: ANN401 - a vector
    """Put what was made of some rows in their places.

    Args:
        made: What was made.
        rows: The rows it was made of, ascending.
        many: Rows of the column.

    Returns:
        Text; missing in the other rows.
    """
    spots = np.full(many, -1, np.int64)
    spots[rows] = np.arange(len(rows))
    return pa.array(made, pa.string()).take(pa.array(spots, mask=spots < 0))
