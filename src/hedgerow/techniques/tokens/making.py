"""Columns made by rules out of leased rows and leased secrets."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from hedgerow.kernel.tokens.drawn import VaultMap
from hedgerow.model.keys import Scope
from hedgerow.model.tokens import (
    DETERMINISTIC,
    INNER_SCOPE,
    RECIPIENT,
    RELEASE,
    Constant,
    Habit,
    Pseudonym,
    Rule,
    Rules,
    policy_of,
)
from hedgerow.model.uses import DrawnToken, TokenSecrets
from hedgerow.techniques.tokens.applying import apply_rule
from hedgerow.techniques.tokens.habits import habit_column
from hedgerow.techniques.tokens.statements import promise_of
from hedgerow.techniques.tokens.using import Using

INNER = Scope(*INNER_SCOPE)
_KEY_BYTES = 8


@dataclass(frozen=True, slots=True)
class Made:
    """Tokenised columns.

    Args:
        table: The columns, in the order of the rules.
        drawn: Which value each drawn token stands for, in whose row.
    """

    table: pa.Table = field(repr=False)
    drawn: Sequence[DrawnToken] = field(repr=False, default=())


def scope_of(rule: Rule) -> str:
    """Name the scope in which the tokens of a rule are valid."""
    return RECIPIENT if policy_of(rule) == DETERMINISTIC else RELEASE


def is_erasable(rule: Rule) -> bool:
    """Tell whether destroying a person's key reaches what a rule made of the person's values."""
    if isinstance(rule, (Habit, Constant)):
        return isinstance(rule, Constant)
    return promise_of(rule, has_person_keys=True).is_erased_with_person


def made_of(table: pa.Table, numbers: Sequence[int], rules: Rules, leased: TokenSecrets) -> Made:
    """Make each column of a release.

    Args:
        table: The rows.
        numbers: The number of the person of each row.
        rules: The rules.
        leased: What tokens are made of.

    Returns:
        The columns, and the map of drawn tokens.

    Raises:
        CallerError: ``tokens.*`` for values or options that do not fit.
        Refused: ``tokens.enumerable`` and the like.
    """
    people = pa.array(numbers, pa.int64())
    columns: dict[str, pa.Array] = {}
    drawn: list[DrawnToken] = []
    for rule in rules.made:
        named = scope_of(rule)
        keys = _PersonKeys(leased, named)
        # No token stands in two columns: whoever asks whose one is names no column.
        fresh = {rule.column: VaultMap(retired=frozenset(each.token for each in drawn))}
        using = Using(leased.of_values(named), INNER, people=people, person_keys=keys, maps=fresh)
        if isinstance(rule, Habit):
            read = [table.column(name).combine_chunks() for name in rule.sources]
            columns[rule.column] = habit_column(rule, *read, people=numbers)
            continue
        source = people if isinstance(rule, Pseudonym) else table.column(rule.source)
        made = apply_rule(rule, source, using)
        columns[rule.column] = made.array
        if made.map is not None:
            drawn += _drawn(rule, made.map, is_person=rule.source == rules.person)
    return Made(pa.table(columns), drawn)


@dataclass(frozen=True, slots=True)
class _PersonKeys:
    """Gives the secrets of people asked for by number, as text."""

    secrets: TokenSecrets
    scope: str

    def __call__(self, people: Sequence[str]) -> Mapping[str, bytes]:
        """Give each person's secret."""
        return dict(
            zip(people, self.secrets.of_people([int(each) for each in people], self.scope), strict=True)
        )


def _drawn(rule: Rule, kept: VaultMap, *, is_person: bool) -> Iterator[DrawnToken]:
    for token, (value, whose) in kept.entries.items():
        for person in whose:
            yield DrawnToken(rule.column, int(person), token, "" if is_person else value)


def in_drawn_order(table: pa.Table) -> pa.Table:
    """Shuffle rows: two releases of the same rows would be joined by their order, whatever the tokens are."""
    keys = np.frombuffer(secrets.token_bytes(_KEY_BYTES * table.num_rows), np.uint64)
    return table.take(pa.array(np.argsort(keys)))


def csv_of(table: pa.Table) -> str:
    """Write a table as CSV (RFC 4180, lines ended by a line feed); what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    sink = pa.BufferOutputStream()
    if table.num_columns == 1:
        # An empty cell alone in its row needs quotes, or the line is read as none.
        writer.writerows([cell] for cell in table.column(0).to_pylist())
        return text.getvalue()
    try:
        pa_csv.write_csv(table, sink, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
    except pa.ArrowInvalid:
        # A cell needs quotes.
        writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        return text.getvalue()
    return text.getvalue() + bytes(sink.getvalue()).decode()


def class_counts(table: pa.Table, columns: Sequence[str]) -> tuple[int, int]:
    """Count the classes of rows that look alike in some columns, and those with one row alone.

    Args:
        table: A release.
        columns: The columns, at least one.
    """
    sizes = table.group_by(list(columns)).aggregate([([], "count_all")]).column("count_all")
    return len(sizes), cast("int", pc.sum(pc.equal(sizes, 1)).as_py() or 0)
