"""The catalog: purposes, data sets, their columns, bases and declarations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import cast

from hedgerow.model.canonical import canonical, digest, timestamp
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration
from hedgerow.model.ports import Clock, Reader, Transaction
from hedgerow.model.records import Dataset, DatasetColumn, DatasetPurpose, Declaration, Purpose
from hedgerow.model.spans import Span
from hedgerow.model.uses import ColumnView, DatasetView, Json
from hedgerow.model.words import Basis, is_name

RIGHTS_PURPOSE = "data-subject-rights"
RIGHTS_ACTION = "subject.export"
NEVER_ENDS = date.max
_NAMED = 10
_NAMED_ONLY = (
    *("max_groups", "max_rows_per_group"),
    *("household", "household_rows", "day", "rows_per_day", "max_days"),
)


def check_name(name: str, what: str) -> str:
    """Accept a name of a data set, purpose or principal.

    Raises:
        CallerError: ``name.malformed``.
    """
    if not is_name(name):
        raise CallerError("name.malformed", what=what)
    return name


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """A purpose as a decision needs it."""

    name: str
    until: date


class Catalog:
    """Knows what data sets there are, what they may serve and what was declared of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def _now(self) -> str:
        return timestamp(self._clock.now())

    def add_purpose(self, tx: Transaction, name: str, why: str, owner: str, until: date) -> None:
        """Declare a purpose.

        Raises:
            CallerError: When the name is malformed or taken, the reason is empty or the end has passed.
        """
        check_name(name, "purpose")
        if name == RIGHTS_PURPOSE or tx.get(Purpose, name) is not None:
            raise CallerError("purpose.exists", purpose=name)
        if not why.strip():
            raise CallerError("purpose.no-why")
        if until < self._clock.now().date():
            raise CallerError("purpose.already-over")
        tx.put(Purpose(name, why.strip(), owner, until.isoformat(), self._now()))

    def purpose(self, reader: Reader, name: str) -> PurposeFacts | None:
        """Read a purpose; the rights of the data subject are a purpose by law."""
        if name == RIGHTS_PURPOSE:
            return PurposeFacts(name, NEVER_ENDS)
        found = reader.get(Purpose, name)
        return PurposeFacts(name, date.fromisoformat(found.until)) if found else None

    def require_purpose(self, reader: Reader, name: str) -> None:
        """Refuse a purpose that is not declared or over.

        Raises:
            Refused: ``purpose.unknown`` or ``purpose.ended``.
        """
        if name == RIGHTS_PURPOSE:
            raise Refused("purpose.rights-only", purpose=name)
        purpose = self.purpose(reader, name)
        if purpose is None:
            raise Refused("purpose.unknown", purpose=name)
        if purpose.until < self._clock.now().date():
            raise Refused("purpose.ended", purpose=name, until=purpose.until.isoformat())

    def require_live_purpose(self, reader: Reader, view: DatasetView) -> None:
        """Refuse to take in more when every purpose of a data set is over.

        Raises:
            Refused: ``purpose.ended``.
        """
        purposes = [self.purpose(reader, name) for name in view.bases]
        ended = [purpose for purpose in purposes if purpose and purpose.until < self._clock.now().date()]
        if ended and len(ended) == len(purposes):
            last = max(ended, key=lambda purpose: purpose.until)
            raise Refused("purpose.ended", purpose=last.name, until=last.until.isoformat())

    def dataset(self, reader: Reader, name: str) -> DatasetView | None:
        """Read what a technique may know of a data set, or none."""
        record = reader.get(Dataset, name)
        if record is None or record.dropped:
            return None
        columns = tuple(
            ColumnView(c.name, c.type, c.role, c.category, c.in_vault)
            for c in reader.find(DatasetColumn, dataset=name)
        )
        bases = {p.purpose: p.basis for p in reader.find(DatasetPurpose, dataset=name)}
        newest = reader.newest(Declaration, dataset=name)
        declaration = read_declaration(newest) if newest else DatasetDeclaration()
        return DatasetView(name, record.version, record.subject_column, columns, declaration, bases)

    def require_dataset(self, reader: Reader, name: str) -> DatasetView:
        """Read a data set that must exist.

        Raises:
            CallerError: ``dataset.unknown``.
            Refused: ``dataset.dropped``.
        """
        found = self.dataset(reader, name)
        if found is not None:
            return found
        if dropped := self.dropped(reader, name):
            raise Refused("dataset.dropped", dataset=name, time=dropped)
        raise CallerError("dataset.unknown", dataset=name)

    def dropped(self, reader: Reader, name: str) -> str:
        """Tell when a data set was dropped; empty when it was not, or was collected again since."""
        record = reader.get(Dataset, name)
        return record.dropped if record is not None else ""

    def allow(self, tx: Transaction, dataset: str, bases: Mapping[str, Basis]) -> None:
        """Record the purposes a data set may serve, each with its lawful basis.

        Raises:
            Refused: As :meth:`newly_served`.
            CallerError: As :meth:`newly_served`.
        """
        for purpose in self.newly_served(tx, dataset, bases):
            tx.put(DatasetPurpose(dataset, purpose, bases[purpose].value, self._now()))

    def newly_served(self, reader: Reader, dataset: str, bases: Mapping[str, Basis]) -> list[str]:
        """List the purposes a data set does not serve yet; nothing is written.

        Raises:
            Refused: ``basis.not-later`` for a purpose on another basis than consent once people
                are in: they were collected without it; ``basis.not-named`` where one is left out.
            CallerError: ``basis.differs``.
        """
        record = reader.get(Dataset, dataset)
        has_people = record is not None and record.version > 0 and not record.dropped
        held = {p.purpose for p in reader.find(DatasetPurpose, dataset=dataset) if p.basis != Basis.CONSENT}
        if has_people and held - set(bases):
            raise Refused("basis.not-named", dataset=dataset, purpose=min(held - set(bases)))
        fresh = []
        for purpose, basis in bases.items():
            known = reader.get(DatasetPurpose, dataset, purpose)
            if known is not None and known.basis != basis.value:
                raise CallerError("basis.differs", dataset=dataset, purpose=purpose, basis=known.basis)
            if known is not None:
                continue
            self.require_purpose(reader, purpose)
            if has_people and basis is not Basis.CONSENT:
                raise Refused("basis.not-later", dataset=dataset, purpose=purpose)
            fresh.append(purpose)
        return fresh

    def declare(
        self, tx: Transaction, dataset: str, changes: DatasetDeclaration, declared_by: str
    ) -> DatasetDeclaration:
        """Add declarations; what is not named again stays as it was.

        Args:
            tx: The transaction.
            dataset: The data set.
            changes: What is declared now.
            declared_by: Who declares.

        Returns:
            The declaration now in force.

        Raises:
            CallerError: For an unknown data set or column, or one that lies in the vault.
        """
        view = self.require_dataset(tx, dataset)
        units = (name for name in (changes.household, changes.day) if name is not None)
        for name in (*(declared.column for declared in changes.columns), *units):
            column = view.column(name)
            if column is None:
                raise CallerError("column.unknown", column=name, dataset=dataset)
            if column.in_vault:
                raise CallerError("column.in-vault", column=name, dataset=dataset)
        merged = _merge(view.declaration, changes)
        body = canonical(declaration_json(merged)).decode()
        tx.add([Declaration(dataset, merged.version, body, declared_by, self._now())])
        return merged


def _merge(old: DatasetDeclaration, new: DatasetDeclaration) -> DatasetDeclaration:
    columns = {declared.column: declared for declared in old.columns}
    for declared in new.columns:
        before = columns.get(declared.column, ColumnDeclaration(declared.column))
        columns[declared.column] = ColumnDeclaration(
            declared.column,
            declared.clamp or before.clamp,
            declared.keys or before.keys,
            declared.span or before.span,
        )
    return DatasetDeclaration(
        new.unit,
        new.max_rows or old.max_rows,
        tuple(columns[name] for name in sorted(columns)),
        old.version + 1,
        **{name: getattr(new, name) or getattr(old, name) for name in _NAMED_ONLY},
    )


def declaration_json(declaration: DatasetDeclaration) -> dict[str, Json]:
    """Write a declaration as canonical JSON values."""
    return {
        "unit": declaration.unit,
        "max_rows": declaration.max_rows,
        "columns": {c.column: _column_json(c) for c in declaration.columns},
        # Named only where declared, so that bodies of before read as they did.
        **{name: bound for name in _NAMED_ONLY if (bound := getattr(declaration, name)) is not None},
    }


def declaration_facts(dataset: str, declared: DatasetDeclaration) -> dict[str, Json]:
    """Write a declaration as the journal keeps it: version and a digest of its body."""
    body = canonical(declaration_json(declared)).decode()
    return {"dataset": dataset, "version": declared.version, "body": digest(body)}


def _column_json(declared: ColumnDeclaration) -> dict[str, Json]:
    clamp, span = declared.clamp, declared.span
    return {
        "bounds": [str(clamp.lower), str(clamp.upper)] if clamp else None,
        "keys": list(declared.keys) if declared.keys is not None else None,
        # Named only where declared, so that bodies of before read as they did.
        **({"span": span.texts()} if span else {}),
    }


def read_declaration(record: Declaration) -> DatasetDeclaration:
    """Read a declaration as a record keeps it."""
    body = json.loads(record.body)
    columns = tuple(_read_column(name, entry) for name, entry in sorted(body["columns"].items()))
    named = {name: body.get(name) for name in _NAMED_ONLY}
    return DatasetDeclaration(body["unit"], body["max_rows"], columns, record.version, **named)


def _read_column(name: str, entry: Mapping[str, object]) -> ColumnDeclaration:
    bounds = cast("list[str] | None", entry["bounds"])
    keys = cast("list[str | int | bool] | None", entry["keys"])
    clamp = Clamp(Fraction(bounds[0]), Fraction(bounds[1])) if bounds else None
    span = cast("list[str] | None", entry.get("span"))
    return ColumnDeclaration(
        name, clamp, tuple(keys) if keys is not None else None, Span.of(*span) if span else None
    )


def differences(known: Mapping[str, tuple[str, bool]], arriving: Mapping[str, tuple[str, bool]]) -> str:
    """Tell in which columns a source differs from its data set; empty where in none.

    Args:
        known: Type, and whether it lies in the vault, of each column of the data set.
        arriving: The same of the source.
    """
    told = []
    for name, (kind, in_vault) in known.items():
        if name not in arriving:
            told.append(f"{name} is missing")
        elif (now := arriving[name])[0] != kind:
            told.append(f"{name} is {now[0]}, not {kind}")
        elif now[1] is not in_vault:
            told.append(f"{name} lies in the {'vault' if in_vault else 'table'} there")
    told += [f"{name} is new" for name in arriving if name not in known]
    more = [f"and {len(told) - _NAMED} more"] if len(told) > _NAMED else []
    return "; ".join([*told[:_NAMED], *more])
