"""Reading back: whether what a source brought is held, told by line numbers and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

import pyarrow as pa

from hedgerow.model.engine import PERSON, PeopleFilter
from hedgerow.model.ports import Reader, Store
from hedgerow.model.records import SealedField
from hedgerow.spine.intake import Arrival
from hedgerow.spine.tables import Tables
from hedgerow.spine.vault import FieldRow, Person, Vault


@dataclass(frozen=True, slots=True)
class ReadBack:
    """Compares a source with what is held of it.

    Guarantee: gives line numbers; no value leaves. Everything is read from the store and opened anew,
        nothing is taken from what the intake had in memory.

    Args:
        store: The records.
        tables: The tables.
        vault: The vault.
    """

    store: Store
    tables: Tables
    vault: Vault

    def differing(self, arrival: Arrival, left_out: tuple[int, ...]) -> list[int]:
        """Find the lines of a source that are not held as they came.

        Args:
            arrival: The source, as it was taken.
            left_out: Lines that were not taken, as their people are erased.

        Returns:
            Source lines, in their order; empty when every row reads back equal.
        """
        lookups = [self.vault.lookup(ref) for ref in _text(arrival.table, arrival.subject_column)]
        with self.tables.reading(), self.store.read() as reader:
            people = self._people(reader, lookups)
            rows = self._rows(reader, arrival, people)
            fields = self._fields(reader, arrival, people)
        in_table, in_vault = _split(arrival)
        stored = _tuples(arrival.table, in_table)
        sealed = _tuples(_as_text(arrival.table, in_vault), in_vault)
        wrong = []
        for place, lookup in enumerate(lookups):
            line = int(arrival.lines[place])
            if line in left_out:
                continue
            person = people.get(lookup)
            number = person.number if person else -1
            row = (number, *stored[place])
            is_held = rows[row] > 0 and all(
                value is None or value in fields.get((number, name), ())
                for name, value in zip(in_vault, sealed[place], strict=True)
            )
            rows[row] -= 1
            if not is_held:
                wrong.append(line)
        return wrong

    def _people(self, reader: Reader, lookups: list[bytes]) -> dict[bytes, Person]:
        known = self.vault.known(reader, list(dict.fromkeys(lookups)))
        return {person.lookup: person for person in self.vault.open_many(list(known.values()))}

    def _rows(
        self, reader: Reader, arrival: Arrival, people: dict[bytes, Person]
    ) -> Counter[tuple[object, ...]]:
        in_table, _ = _split(arrival)
        files = self.tables.files(reader, arrival.dataset)
        allowed = PeopleFilter.of(person.number for person in people.values())
        held = self.tables.engine.scan(files, in_table, allowed).table(with_person=True)
        wanted = arrival.table.select(in_table).schema.append(pa.field(PERSON, pa.int64()))
        table = held.select(wanted.names).cast(wanted)
        return Counter(_tuples(table, [PERSON, *in_table]))

    def _fields(
        self, reader: Reader, arrival: Arrival, people: dict[bytes, Person]
    ) -> dict[tuple[int, str], set[str]]:
        keys = {person.number: person.key for person in people.values()}
        held = reader.rows_any(SealedField, ("number", "dataset", "name", "sealed"), "number", list(keys))
        rows = [row for row in cast("list[FieldRow]", held) if row[1] == arrival.dataset]
        values = map(set, self.vault.open_rows(keys, rows))
        return {(number, name): told for (number, _, name, _), told in zip(rows, values, strict=True)}


def _split(arrival: Arrival) -> tuple[list[str], list[str]]:
    in_table = [column.name for column in arrival.columns if not column.in_vault]
    return in_table, [column.name for column in arrival.columns if column.in_vault]


def _text(table: pa.Table, column: str) -> list[str]:
    return [str(value) for value in table.column(column).cast(pa.string()).to_pylist()]


def _as_text(table: pa.Table, columns: list[str]) -> pa.Table:
    return pa.table({name: table.column(name).cast(pa.string()) for name in columns})


def _tuples(table: pa.Table, columns: list[str]) -> list[tuple[object, ...]]:
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
