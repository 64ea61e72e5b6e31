"""Tokenising data frames without a workspace: the same rules and the same code as the governed way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeAlias, TypeVar, cast

import narwhals as nw
import pyarrow as pa

from hedgerow.kernel.tokens.drawn import VaultMap
from hedgerow.model import tokens as words
from hedgerow.model.calls import MAPPING, TEXT, Fit, door, kind
from hedgerow.model.errors import CallerError
from hedgerow.model.keys import Scope
from hedgerow.model.tokenrules import parse
from hedgerow.techniques.tokens.applying import Made, apply_rule, check_rule, undo_rule
from hedgerow.techniques.tokens.habits import habit_column
from hedgerow.techniques.tokens.making import in_drawn_order
from hedgerow.techniques.tokens.rulesfile import read_rules, with_tables
from hedgerow.techniques.tokens.statements import Promise, promise_of
from hedgerow.techniques.tokens.using import PersonKeys, Using, people_of

FrameT = TypeVar("FrameT")
RulesGiven: TypeAlias = words.Rules | Mapping[str, object] | str | Path
"""Rules, the plain values of a rules file, or the path of one."""

_FITS = {
    "secret": kind("a secret of 32 random bytes", "secrets.token_bytes(32)", bytes),
    "scope": kind("a scope", "Scope('clinic', 'research', 'visits', 'R1')", Scope),
    "recipient": kind("a scope", "Scope('clinic', 'research', 'visits', 'to-university')", Scope).or_none(),
    "person": Fit("the name of a column", "'patient'", TEXT.fits).or_none(),
    "sex": Fit("the name of a column", "'sex'", TEXT.fits).or_none(),
    "person_keys": Fit(
        "a mapping of person to secret, or a function that gives one",
        "{'p1': key}",
        lambda value: isinstance(value, Mapping) or callable(value),
    ).or_none(),
    "maps": MAPPING.or_none(),
    "hashes_per_s": Fit(
        "a number above zero",
        "1e9",
        lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0,
    ).or_none(),
    "holds": MAPPING.or_none(),
    "rules": Fit(
        "rules, or the path of a rules file",
        "'rules.toml'",
        lambda value: isinstance(value, (words.Rules, Mapping, str, Path)),
    ),
}


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """What was done with one column.

    Args:
        column: The column of the output.
        source: The column of the input.
        kind: The kind of its rule.
        promise: What is protected and what is not.
    """

    column: str
    source: str
    kind: str
    promise: Promise


@dataclass(frozen=True, slots=True)
class Tokenised(Generic[FrameT]):
    """A tokenised table.

    Args:
        frame: The rows, of the kind given.
        report: What was done with each column.
        maps: The maps of random tokens by column: values in plain, to be sealed by whoever keeps them.
        label: What it is: pseudonymised, never anonymous.
        limits: What that means, in plain words.
        ungoverned: No gate admitted it and no ledger knows of it.
    """

    frame: FrameT = field(repr=False)
    report: tuple[ColumnReport, ...]
    maps: Mapping[str, VaultMap] = field(repr=False)
    label: str = words.LABEL
    limits: str = words.LIMITS
    ungoverned: bool = True

    @property
    def assumed(self) -> tuple[str, ...]:
        """Columns that hold invented values, to be shown as assumed."""
        return tuple(each.column for each in self.report if each.promise.is_assumed)


@door("tokens.tokenise", _FITS)
def tokenise(  # noqa: PLR0913 - keywords, each a choice of its own
    frame: FrameT,
    rules: RulesGiven,
    *,
    secret: bytes,
    scope: Scope,
    recipient: Scope | None = None,
    person: str | None = None,
    sex: str | None = None,
    person_keys: PersonKeys | None = None,
    maps: Mapping[str, VaultMap] | None = None,
    holds: Mapping[str, str] | None = None,
    hashes_per_s: float | None = None,
) -> Tokenised[FrameT]:
    """Make a table whose columns are tokens, surrogates or coarser values, each as its rule says.

    Args:
        frame: A pyarrow, pandas or Polars table, or a dict of columns.
        rules: The rules, their plain values, or the path of a rules file.
        secret: 32 random bytes or more, kept apart from the data: who has it can test guesses.
        scope: Tenant, purpose, data set and release: tokens of another scope cannot be joined with these.
        recipient: The scope of rules whose policy is deterministic: one for all releases to one recipient.
        person: The column that tells whose row it is; as the rules say where none is given.
        sex: The column that states the sex, for surrogate names; it leaves only where a rule says so.
        person_keys: The people's own secrets by person as text, 32 bytes or more each, or a function that
            gives those of the people it is given. Destroying one ends what was made of it. Derived from
            ``secret`` if none.
        maps: Maps of random tokens of before, by column, so that values keep their tokens.
        holds: What columns hold, such as ``"phone"``, where a plain hash is asked for.
        hashes_per_s: Rate of an attacker on a plain hash, above 0; measured on this machine if none.

    Returns:
        The table, of the kind given, with a report per column; ungoverned: in no ledger.

    Raises:
        CallerError: For rules, columns, values or keys that do not fit; columns that no rule names are
            refused unless the rules drop others.
        Refused: ``tokens.enumerable`` for a plain hash that can be reversed.

    Guarantee:
        As each column's report says. The table is pseudonymised, not anonymous.
    """
    asked = _rules(rules, person)
    for rule in asked.made:
        check_rule(rule)
    table = _arrow(frame)
    whose = person if person is not None else asked.person
    _check_columns(asked, [each for each in (whose, sex) if each is not None], table.column_names)
    using = Using(
        secret,
        scope,
        recipient=recipient,
        people=None if whose is None else _column(table, whose),
        sexes=None if sex is None else _column(table, sex),
        person_keys=person_keys,
        maps=dict(maps or {}),
        hashes_per_s=hashes_per_s,
        holds=dict(holds or {}),
    )
    return _tokenised(frame, table, asked, using)


def _tokenised(frame: FrameT, table: pa.Table, asked: words.Rules, using: Using) -> Tokenised[FrameT]:
    made = [(rule, _made(rule, table, using)) for rule in asked.made]
    report = tuple(
        ColumnReport(rule.column, rule.source, words.kind_of(rule), each.promise) for rule, each in made
    )
    kept = {rule.column: each.map for rule, each in made if each.map is not None}
    out = pa.table({rule.column: each.array for rule, each in made})
    out = in_drawn_order(out) if asked.shuffles else out
    return Tokenised(_back(out, frame), report, MappingProxyType(kept))


def _made(rule: words.Rule, table: pa.Table, using: Using) -> Made:
    if not (isinstance(rule, words.Habit) and rule.habit == "cell"):
        return apply_rule(rule, _column(table, rule.source), using)
    read = [_column(table, name) for name in rule.sources]
    # A cell keeps so many people, and is made of two columns.
    people = people_of(rule, None, using).codes.tolist()
    return Made(habit_column(rule, *read, people=people), promise_of(rule, has_person_keys=False))


@door("tokens.reveal", _FITS)
def reveal(
    frame: FrameT,
    rules: RulesGiven,
    *,
    secret: bytes,
    scope: Scope,
    recipient: Scope | None = None,
    person: str | None = None,
    person_keys: PersonKeys | None = None,
    maps: Mapping[str, VaultMap] | None = None,
) -> FrameT:
    """Bring values back from reversible, format-preserving and random tokens.

    Args:
        frame: A table that ``tokenise`` made, or some columns of it.
        rules: The rules it was made by; those that cannot be undone leave their columns as they are.
        secret: The secret it was made with.
        scope: The scope it was made for.
        recipient: The recipient's scope, where it was made with one.
        person: A column of this table that tells whose row it is, in the words of ``person_keys``.
        person_keys: The people's secrets, as they are now.
        maps: The maps of random tokens.

    Returns:
        The table with values as text; missing where the key was destroyed or the map has forgotten.

    Raises:
        CallerError: ``tokens.not-opened`` for a token of another person or scope; ``tokens.no-person``.
    """
    asked = _rules(rules, person)
    table = _arrow(frame)
    people = None if person is None else _column(table, person)
    using = Using(secret, scope, recipient, people, person_keys=person_keys, maps=dict(maps or {}))
    known = {rule.column: rule for rule in asked.made if isinstance(rule, _UNDONE)}
    columns = {
        name: undo_rule(known[name], _column(table, name), using) if name in known else table[name]
        for name in table.column_names
    }
    return _back(pa.table(columns), frame)


_UNDONE = (words.Reversible, words.Fpe, words.Random)


def _rules(given: RulesGiven, person: str | None) -> words.Rules:
    if isinstance(given, words.Rules):
        return with_tables(given, Path())
    if isinstance(given, Mapping):
        return with_tables(
            parse(given if person is None else {"person": {"column": person}, **given}), Path()
        )
    return read_rules(Path(given))


def _check_columns(rules: words.Rules, beside: list[str], names: list[str]) -> None:
    asked = [*rules.read, *beside]
    for name in asked:
        if name not in names:
            raise CallerError("tokens.no-column", column=name)
    unnamed = [name for name in names if name not in asked]
    if unnamed and not rules.drops_others:
        raise CallerError("tokenise.unnamed", columns=", ".join(unnamed), first=unnamed[0])


def _column(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        raise CallerError("tokens.no-column", column=name)
    column = table.column(name)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _arrow(frame: Any) -> pa.Table:  # noqa: ANN401 - any table
    try:
        if isinstance(frame, pa.Table):
            table = frame
        elif isinstance(frame, Mapping):
            table = pa.table(dict(frame))
        else:
            table = nw.from_native(frame, eager_only=True).to_arrow()
    except (TypeError, ValueError, pa.ArrowException):
        raise CallerError("tokens.no-frame") from None
    if len(set(table.column_names)) < len(table.column_names):
        raise CallerError("tokens.no-frame")
    return table


def _back(table: pa.Table, frame: FrameT) -> FrameT:
    """Give the rows as the kind of table that was given."""
    made: Any
    if isinstance(frame, pa.Table):
        made = table
    elif isinstance(frame, Mapping):
        made = {name: table[name].to_pylist() for name in table.column_names}
    else:
        given: Any = frame
        made = nw.from_arrow(table, backend=nw.from_native(given, eager_only=True).implementation).to_native()
    return cast("FrameT", made)
