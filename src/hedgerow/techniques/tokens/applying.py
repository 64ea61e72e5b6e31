"""One rule applied to one column: what the governed way and the library way share."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from hedgerow.kernel.envelope import pseudonyms
from hedgerow.kernel.tokens.drawn import VaultMap, check_alphabet
from hedgerow.kernel.tokens.ff1 import FF1
from hedgerow.kernel.tokens.reversible import bound_to, open_values, seal_values
from hedgerow.kernel.tokens.scoped import column_key, keyed_tokens
from hedgerow.kernel.tokens.seeds import day_shifts, subject_keys
from hedgerow.kernel.tokens.surrogates import check_surrogate, surrogates
from hedgerow.model import tokens as rules
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import KEY_BYTES
from hedgerow.techniques.tokens import dating, plain
from hedgerow.techniques.tokens.formats import Format, format_column
from hedgerow.techniques.tokens.habits import check_habit
from hedgerow.techniques.tokens.statements import Promise, promise_of
from hedgerow.techniques.tokens.texts import Texts, from_letters, text_array, texts
from hedgerow.techniques.tokens.using import Using, class_of, people_of, placed

_TWEAK_BYTES = 8
_ROW_BYTES = 8


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
        rule: The rule; not one that drops the column, nor one of places that needs more than one.
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
    promise = promise_of(rule, has_person_keys=using.person_keys is not None and using.people is not None)
    array, kept = made if isinstance(made, tuple) else (made, None)
    return Made(array, promise, kept)


def check_rule(rule: rules.Rule) -> None:
    """Refuse a rule that could not be applied whatever the data are; before any are read.

    Args:
        rule: The rule.

    Raises:
        CallerError: ``tokens.unknown-locale``, ``tokens.no-iban``, ``tokens.alphabet``,
            ``tokenise.option`` or ``tokenise.habit``.
    """
    if isinstance(rule, rules.Surrogate):
        check_surrogate(rule.what, rule.locale)
    elif isinstance(rule, rules.Fpe):
        Format(rule.alphabet, rule.keep)
    elif isinstance(rule, rules.Random):
        check_alphabet(rule.alphabet)
    elif isinstance(rule, rules.Age) and rule.on:
        plain.day_of(rule)
    elif isinstance(rule, rules.Habit):
        check_habit(rule)


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


def _pseudonym(rule: rules.Pseudonym, column: pa.Array, using: Using) -> pa.Array:
    whose = people_of(rule, column, replace(using, people=column))
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
    whose = people_of(rule, written, using)
    bound = bound_to(using.scope_of(rule.policy), class_of(rule))
    rows = np.flatnonzero(written.is_valid().to_numpy(zero_copy_only=False))
    values, places = written.drop_null().to_pylist(), whose.codes[rows].tolist()
    is_afresh = rule.policy == rules.FULLY_RANDOMISED
    return placed(seal_values(whose.sure, bound, values, places, is_afresh=is_afresh), rows, len(written))


def _opened(rule: rules.Reversible, column: pa.Array, using: Using) -> pa.Array:
    whose = people_of(rule, column, using)
    bound = bound_to(using.scope_of(rule.policy), class_of(rule))
    rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    tokens, places = column.drop_null().to_pylist(), whose.codes[rows].tolist()
    return placed(open_values(whose.keys, bound, tokens, places), rows, len(column))


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
        return placed(tokens, rows, len(column)), longer
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
        keys, sexes = subject_keys(key, found.distinct), _sexes(using, found.codes, len(found.distinct))
        made = surrogates(rule.what, rule.locale, keys, scope, [[value] for value in found.distinct], sexes)
        return found.spread_texts(made)
    whose = people_of(rule, column, using)
    true: list[dict[str, None]] = [{} for _ in whose.names]
    for person, code in zip(whose.codes.tolist(), found.codes.tolist(), strict=True):
        if code >= 0:
            true[person][found.distinct[code]] = None
    sexes = _sexes(using, whose.codes, len(whose.names))
    made = surrogates(rule.what, rule.locale, whose.sure, scope, [list(each) for each in true], sexes)
    is_missing = (found.codes < 0) | (whose.codes < 0)
    return pa.array(made, pa.string()).take(pa.array(whose.codes, mask=is_missing))


def _sexes(using: Using, subjects: Any, many: int) -> list[str | None]:  # noqa: ANN401 - a vector
    """Find the sex first stated of each subject."""
    told: list[str | None] = [None] * many
    if using.sexes is not None:
        for subject, sex in zip(subjects.tolist(), text_array(using.sexes, "sex").to_pylist(), strict=True):
            if subject >= 0 and told[subject] is None:
                told[subject] = sex
    return told


def _date_shift(rule: rules.DateShift, column: pa.Array, using: Using) -> pa.Array:
    whose = people_of(rule, column, using)
    days = day_shifts(whose.sure, using.scope, rule.max_days)
    moves = np.append(days, 0)[whose.codes]
    return dating.shifted(column, rule.source, moves, rule.max_days, rule.format)


_APPLIED: Mapping[str, Callable[[Any, pa.Array, Using], Any]] = {
    "keep": plain.kept_column,
    "constant": plain.constant_column,
    "redact": plain.redacted_column,
    "pseudonym": _pseudonym,
    "token": _token,
    "reversible": _reversible,
    "fpe": _formatted,
    "random": _random,
    "surrogate": _surrogate,
    "date-shift": _date_shift,
    "date": plain.coarse_date_column,
    "age": plain.age_column,
    "zip": plain.zip_column,
    "lookup": plain.looked_up_column,
    "hash": plain.hashed_column,
    "time-band": plain.habit_column,
    "merchant-category": plain.habit_column,
}
