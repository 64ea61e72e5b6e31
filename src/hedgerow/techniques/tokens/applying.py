"""One rule applied to one column: what the governed way and the library way share."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa

from hedgerow.kernel.envelope import pseudonyms
from hedgerow.kernel.tokens import coarse as bands
from hedgerow.kernel.tokens.drawn import VaultMap
from hedgerow.kernel.tokens.enumerable import plain_hash, reversal
from hedgerow.kernel.tokens.ff1 import FF1
from hedgerow.kernel.tokens.reversible import bound_to, open_values, seal_values
from hedgerow.kernel.tokens.scoped import column_key, keyed_tokens
from hedgerow.kernel.tokens.seeds import day_shifts, subject_keys
from hedgerow.kernel.tokens.surrogates import surrogates
from hedgerow.model import tokens as rules
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.keys import KEY_BYTES, Scope
from hedgerow.techniques.tokens import dating
from hedgerow.techniques.tokens.formats import Format, format_column
from hedgerow.techniques.tokens.statements import PROMISES, Promise
from hedgerow.techniques.tokens.texts import Texts, from_letters, text_array, texts

PersonKeys: TypeAlias = Mapping[str, bytes] | Callable[[Sequence[str]], Mapping[str, bytes]]
"""Secrets by person (32 bytes or more each), or what gives those of the people asked for."""

_TWEAK_BYTES = 8
_ROW_BYTES = 8
_ZIP_DIGITS = 5


@dataclass(frozen=True)
class Using:
    """What rules are applied with.

    Args:
        secret: 32 bytes or more; kept apart from the data.
        scope: The release: what ``document-randomised`` is bound to.
        recipient: What ``deterministic`` is bound to: the same for all releases to one recipient. The
            release itself where none is given.
        people: Whose each row is, or none.
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
    person_keys: PersonKeys | None = field(default=None, repr=False)
    maps: Mapping[str, VaultMap] = field(default_factory=dict, repr=False)
    hashes_per_s: float | None = None
    holds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a secret that could be guessed."""
        if len(self.secret) < KEY_BYTES:
            raise CallerError("tokens.secret")

    def scope_of(self, policy: str) -> Scope:
        """Give the scope of a policy: the recipient's where it is deterministic, else the release's."""
        return self.recipient or self.scope if policy == rules.DETERMINISTIC else self.scope


@dataclass(frozen=True, slots=True)
class Made:
    """One column of the output.

    Args:
        array: Its values.
        promise: What is protected and what is not.
        map: The map of random tokens, longer by this column; none for other rules.
    """

    array: pa.Array = field(repr=False)
    promise: Promise
    map: VaultMap | None = field(default=None, repr=False)


def apply_rule(rule: rules.Rule, column: pa.Array, using: Using) -> Made:
    """Make a column of the output from one of the input.

    Args:
        rule: The rule; not one that drops the column, nor one of places and habits.
        column: The values of its source.
        using: Secrets, scope and people.

    Returns:
        The column.

    Raises:
        CallerError: ``tokens.*`` for values, keys or options that do not fit.
        Refused: ``tokens.enumerable`` for a plain hash, ``tokens.nothing-left`` for surrogates.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    kind = rules.kind_of(rule)
    if kind not in _APPLIED:
        raise CallerError("tokenise.unknown-kind", column=rule.column, hint="", kinds=", ".join(_APPLIED))
    made = _APPLIED[kind](rule, column, using)
    promise = PROMISES[kind]
    if promise.is_erased_with_person and kind != "random" and using.person_keys is None:
        promise = replace(promise, is_erased_with_person=False)
    array, kept = made if isinstance(made, tuple) else (made, None)
    return Made(array, promise, kept)


def undo_rule(rule: rules.Rule, column: pa.Array, using: Using) -> pa.Array:
    """Bring the values of a column back from its tokens.

    Args:
        rule: The rule that made it: reversible, format-preserving or random.
        column: The tokens.
        using: What it was made with.

    Returns:
        Text; missing where the person's key was destroyed or the map has forgotten.

    Raises:
        CallerError: ``tokens.not-opened``, or ``tokenise.unknown-kind`` for a rule that cannot be undone.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if isinstance(rule, rules.Fpe):
        return _formatted(rule, column, using, is_forward=False)
    if isinstance(rule, rules.Reversible):
        return _opened(rule, column, using)
    if isinstance(rule, rules.Random):
        found = texts(column, rule.column)
        kept = using.maps.get(rule.column, VaultMap())
        return found.spread_texts(kept.values_of(found.distinct))
    raise CallerError("tokenise.unknown-kind", column=rule.column, hint="", kinds="reversible, fpe, random")


def class_of(rule: Any) -> str:  # noqa: ANN401 - any rule with a column class
    """Name the class of a rule's column: columns of one class share tokens."""
    return str(rule.of or rule.source)


@dataclass(frozen=True, slots=True)
class _Whose:
    """The people of a column's rows.

    Args:
        names: Distinct people.
        keys: The secret of each; none where there is none.
        codes: For each row, which person's it is; -1 for nobody's.
    """

    names: list[str]
    keys: list[bytes | None]
    codes: Any

    @property
    def sure(self) -> list[bytes]:
        """Every person's secret.

        Raises:
            CallerError: ``tokens.no-key``.
        """
        if None in self.keys:
            raise CallerError("tokens.no-key")
        return cast("list[bytes]", self.keys)


def _people(rule: rules.Rule, column: pa.Array | None, using: Using) -> _Whose:
    """Find whose the rows are, each that has a value being somebody's."""
    if using.people is None:
        raise CallerError("tokens.no-person", column=rule.column)
    found = texts(using.people, "person")
    codes = found.codes
    if column is not None and bool((column.is_valid().to_numpy(zero_copy_only=False) & (codes < 0)).any()):
        raise CallerError("tokens.person-missing", column=rule.column)
    return _Whose(found.distinct, keys_of(found.distinct, using), codes)


def keys_of(people: Sequence[str], using: Using) -> list[bytes | None]:
    """Give the secrets of people; none for those whose secret is gone."""
    if using.person_keys is None:
        return list(subject_keys(using.secret, people))
    given = using.person_keys(people) if callable(using.person_keys) else using.person_keys
    return [given.get(person) for person in people]


def _kept(_: rules.Keep, column: pa.Array, __: Using) -> pa.Array:
    return column


def _constant(rule: rules.Constant, column: pa.Array, _: Using) -> pa.Array:
    return pa.array([rule.text] * len(column), pa.string())


def _redacted(rule: rules.Redact, column: pa.Array, _: Using) -> pa.Array:
    found = texts(column, rule.source)
    return found.spread_texts([_blotted(value, rule) for value in found.distinct])


def _blotted(value: str, rule: rules.Redact) -> str:
    # Of a value with no more than what is left at both ends, nothing is left.
    first, last = (rule.first, rule.last) if len(value) > rule.first + rule.last else (0, 0)
    end = len(value) - last
    shown = (first > at or at >= end or symbol in rule.keep for at, symbol in enumerate(value))
    return "".join(symbol if show else rule.mask for symbol, show in zip(value, shown, strict=True))


def _pseudonym(rule: rules.Pseudonym, column: pa.Array, using: Using) -> pa.Array:
    whose = _people(rule, column, replace(using, people=column))
    made = pseudonyms(whose.sure, using.scope_of(rule.policy))
    found = Texts(pa.array(whose.codes, mask=whose.codes < 0), whose.names)
    return found.spread_texts([rule.prefix + name for name in made])


def _token(rule: rules.Token, column: pa.Array, using: Using) -> pa.Array:
    key = column_key(using.secret, "keyed", using.scope_of(rule.policy), class_of(rule))
    if rule.policy == rules.FULLY_RANDOMISED:
        # A key that nobody keeps, and a number for each row: drawn, though it looks like the others.
        numbers = [row.to_bytes(_ROW_BYTES) for row in range(len(column))]
        made = from_letters(keyed_tokens(secrets.token_bytes(KEY_BYTES), numbers, rule.length), rule.prefix)
        rows = np.arange(len(column), dtype=np.int64)
        return made.take(pa.array(rows, mask=~column.is_valid().to_numpy(zero_copy_only=False)))
    found = texts(column, rule.source)
    letters = keyed_tokens(key, [value.encode() for value in found.distinct], rule.length)
    return found.spread(from_letters(letters, rule.prefix))


def _reversible(rule: rules.Reversible, column: pa.Array, using: Using) -> pa.Array:
    written = text_array(column, rule.source)
    whose = _people(rule, written, using)
    bound = bound_to(using.scope_of(rule.policy), class_of(rule))
    rows = np.flatnonzero(written.is_valid().to_numpy(zero_copy_only=False))
    values, places = written.drop_null().to_pylist(), whose.codes[rows].tolist()
    is_afresh = rule.policy == rules.FULLY_RANDOMISED
    return _placed(seal_values(whose.sure, bound, values, places, is_afresh=is_afresh), rows, len(written))


def _opened(rule: rules.Reversible, column: pa.Array, using: Using) -> pa.Array:
    whose = _people(rule, column, using)
    bound = bound_to(using.scope_of(rule.policy), class_of(rule))
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    tokens, places = column.drop_null().to_pylist(), whose.codes[rows].tolist()
    return _placed(open_values(whose.keys, bound, tokens, places), rows, len(column))


def _placed(made: Sequence[str | None], rows: Any, many: int) -> pa.Array:  # noqa: ANN401 - a vector
    spots = np.full(many, -1, np.int64)
    spots[rows] = np.arange(len(rows))
    return pa.array(made, pa.string()).take(pa.array(spots, mask=spots < 0))


def _formatted(rule: rules.Fpe, column: pa.Array, using: Using, *, is_forward: bool = True) -> pa.Array:
    form = Format(rule.alphabet, rule.keep)
    scope, of = using.scope_of(rule.policy), class_of(rule)
    key = column_key(using.secret, "ff1", scope, of)
    tweak = hashlib.sha256(bound_to(scope, of)).digest()[:_TWEAK_BYTES]
    cipher = FF1(key, len(form.symbols), tweak)
    return format_column(column, rule.source, cipher, form, is_forward=is_forward)


def _random(rule: rules.Random, column: pa.Array, using: Using) -> tuple[pa.Array, VaultMap]:
    found, earlier = texts(column, rule.source), using.maps.get(rule.column, VaultMap())
    rows = np.flatnonzero(found.codes >= 0)
    codes = found.codes[rows]
    people = None if using.people is None else texts(using.people, "person")
    if rule.policy == rules.FULLY_RANDOMISED:
        whose = None if people is None else people.codes[rows]
        longer, tokens = _drawn(rule, earlier, found, codes, people, whose)
        return _placed(tokens, rows, len(column)), longer
    if people is None:
        longer, tokens = _drawn(rule, earlier, found, np.arange(len(found.distinct)), None, None)
    else:
        # Each value once with each person: so many rows there are of it tell nothing here.
        pairs = np.unique(np.stack([codes, people.codes[rows]]), axis=1)
        longer, _ = _drawn(rule, earlier, found, pairs[0], people, pairs[1])
        tokens = longer.lookup(found.distinct)
    return found.spread_texts(tokens), longer


def _drawn(
    rule: rules.Random,
    earlier: VaultMap,
    found: Texts,
    codes: Any,  # noqa: ANN401 - a vector
    people: Texts | None,
    whose: Any,  # noqa: ANN401 - a vector or none
) -> tuple[VaultMap, Sequence[str | None]]:
    names = None if people is None else [*people.distinct, None]
    return earlier.extend(
        [found.distinct[code] for code in codes.tolist()],
        None if names is None else [names[code] for code in whose.tolist()],
        length=rule.length,
        alphabet=rule.alphabet,
        prefix=rule.prefix,
        is_afresh=rule.policy == rules.FULLY_RANDOMISED,
    )


def _surrogate(rule: rules.Surrogate, column: pa.Array, using: Using) -> pa.Array:
    """Draw by person where the rows have one and no class is named, else by value."""
    found = texts(column, rule.source)
    scope = using.scope_of(rule.policy)
    if rule.policy == rules.FULLY_RANDOMISED:
        using = replace(using, secret=secrets.token_bytes(KEY_BYTES), person_keys=None)
        using = replace(using, people=pa.array(np.arange(len(column))))
    elif using.people is None or rule.of:
        key = column_key(using.secret, "surrogate", scope, class_of(rule))
        keys = subject_keys(key, found.distinct)
        made = surrogates(rule.what, rule.locale, keys, scope, [[value] for value in found.distinct])
        return found.spread_texts(made)
    whose = _people(rule, column, using)
    true: list[dict[str, None]] = [{} for _ in whose.names]
    for person, code in zip(whose.codes.tolist(), found.codes.tolist(), strict=True):
        if code >= 0:
            true[person][found.distinct[code]] = None
    made = surrogates(rule.what, rule.locale, whose.sure, scope, [list(each) for each in true])
    is_missing = (found.codes < 0) | (whose.codes < 0)
    return pa.array(made, pa.string()).take(pa.array(whose.codes, mask=is_missing))


def _date_shift(rule: rules.DateShift, column: pa.Array, using: Using) -> pa.Array:
    whose = _people(rule, column, using)
    days = day_shifts(whose.sure, using.scope, rule.max_days)
    moves = np.append(days, 0)[whose.codes]
    return dating.shifted(column, rule.source, moves, rule.max_days, rule.format)


def _coarse_date(rule: rules.CoarseDate, column: pa.Array, _: Using) -> pa.Array:
    return dating.coarse(column, rule.source, rule.to, rule.format)


def _age(rule: rules.Age, column: pa.Array, _: Using) -> pa.Array:
    bounds = bands.age_bounds(rule.width, rule.top, rule.bands)
    if rule.on:
        days, places = dating.days_of(column, rule.source)
        day = date.fromisoformat(rule.on)
        ages = [dating.age_on(born, day) for born in days]
    else:
        found = texts(column, rule.source)
        places, ages = found.places, [_whole(value, rule.source) for value in found.distinct]
    if any(not 0 <= age <= bands.MAX_AGE for age in ages):
        raise CallerError("tokens.bad-age", column=rule.source, most=bands.MAX_AGE)
    return pa.array([bands.age_label(age, bounds) for age in ages], pa.string()).take(places)


def _whole(value: str, name: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise CallerError("tokens.bad-age", column=name, most=bands.MAX_AGE) from None


def _zip(rule: rules.Zip, column: pa.Array, _: Using) -> pa.Array:
    found = texts(column, rule.source)
    # A column of numbers has lost the zeros in front of its codes.
    is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    codes = [value.zfill(_ZIP_DIGITS) if is_number else value for value in found.distinct]
    return found.spread_texts([bands.zip_label(code, rule.digits, rule.sparse) for code in codes])


def _looked_up(rule: rules.Lookup, column: pa.Array, _: Using) -> pa.Array:
    found, entries = texts(column, rule.source), dict(rule.entries)
    if rule.other is None and any(value not in entries for value in found.distinct):
        raise CallerError("tokens.not-in-table", column=rule.source)
    return found.spread_texts([entries.get(value, rule.other) for value in found.distinct])


def _hashed(rule: rules.Hash, column: pa.Array, using: Using) -> pa.Array:
    found = texts(column, rule.source)
    kind = using.holds.get(rule.source)
    estimate = reversal(found.distinct, kind, rule.algorithm, using.hashes_per_s)
    if estimate is not None:
        raise Refused(
            "tokens.enumerable",
            column=rule.source,
            domain=f"{estimate.domain:,}",
            described=estimate.described,
            rate=f"{estimate.per_s:,.0f}",
            how="measured on this machine" if estimate.is_measured else "as stated",
            duration=estimate.words,
        )
    return found.spread_texts([plain_hash(rule.algorithm, value) for value in found.distinct])


_APPLIED: Mapping[str, Callable[[Any, pa.Array, Using], Any]] = {
    "keep": _kept,
    "constant": _constant,
    "redact": _redacted,
    "pseudonym": _pseudonym,
    "token": _token,
    "reversible": _reversible,
    "fpe": _formatted,
    "random": _random,
    "surrogate": _surrogate,
    "date-shift": _date_shift,
    "date": _coarse_date,
    "age": _age,
    "zip": _zip,
    "lookup": _looked_up,
    "hash": _hashed,
}
