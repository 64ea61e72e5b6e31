"""How record kinds lie in PostgreSQL: the text of every statement, and what a value must be.

Every table has the tenant in front of its key, and every statement names it: row-level security
is a second wall, not the only one. Values are always bound.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, cast

from hedgerow.adapters.store.postgres_arrays import Packed, packed
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ports import Join
from hedgerow.model.records import Record

SCHEMA = "hedgerow"
TENANT = "tenant"
TENANTS = f'"{SCHEMA}"."tenants"'
VERSIONS = "alembic_version"
# Bytes order text as code points do: the order every store gives.
_COLUMN = {int: "bigint", bool: "boolean", str: 'text COLLATE "C"', bytes: "bytea"}
_ARRAY = {int: "bigint[]", bool: "boolean[]", str: "text[]", bytes: "bytea[]"}
# Asked in a query of its own, so that the server asks once for each statement and not for each row.
_WALL = "tenant = (SELECT nullif(current_setting('hedgerow.tenant', true), ''))"
# As the server gives it back, without blanks, brackets, casts and the alias it adds; the first as of old.
_BARE = "nullifcurrent_setting''hedgerow.tenant'',true,''''"
_WALLS = f"'tenant={_BARE}', 'tenant=select{_BARE}'"
_POLICY, _NAMES_SEEN = "tenant_only", "names_are_seen"
_WALL_DOWN = "row-level security is off on a table"
_PUT_UP = f"ALTER TABLE {SCHEMA}.{{}} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
_REASONS = (
    "the role is a superuser or may become one",
    "the role passes row-level security or may become one that does",
    "the role owns the tables or may become their owner",
    _WALL_DOWN,
    "a table has a policy that Hedgerow did not make, or not as it stands",
    "there is a trigger, rule, check, heir or view that Hedgerow did not make, which may keep what is erased",
)
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class Shape:
    """A record kind in SQL: names, types and statements, worked out once."""

    def __init__(self, kind: type[Record]) -> None:
        hints = typing.get_type_hints(kind)
        self.kind = kind
        self.table = f'"{SCHEMA}"."{kind.TABLE}"'
        self.names = tuple(f.name for f in fields(kind))
        # Every record has two fields or more, so that this gives a tuple.
        self.row: Callable[[Record], tuple[object, ...]] = attrgetter(*self.names)
        bases = [_base_type(hints[name]) for name in self.names]
        self.types = {name: base for name, (base, _) in zip(self.names, bases, strict=True)}
        self.optional = {
            name for name, (_, is_optional) in zip(self.names, bases, strict=True) if is_optional
        }
        self.sized = [place for place, name in enumerate(self.names) if self.types[name] in (bytes, str)]
        self._wheres: dict[tuple[str, ...], bytes] = {}
        self._updates: dict[str, bytes] = {}
        quoted = _listed(self.names)
        self.order = b" ORDER BY " + _listed(kind.KEY).encode()
        self.newest = " ORDER BY {} LIMIT 1".format(", ".join(f'"{name}" DESC' for name in kind.KEY)).encode()
        self.select = f"SELECT {quoted} FROM {self.table}".encode()
        self.after = f" AND ({_listed(kind.KEY)}) > ({_marks(len(kind.KEY))})".encode()
        into = f'INSERT INTO {self.table} ("{TENANT}", {quoted})'
        arrays = ", ".join(f"%b::{_ARRAY[self.types[name]]}" for name in self.names)
        self.insert = f"{into} SELECT %b, * FROM unnest({arrays})".encode()
        told = ", ".join(f'"{name}" = EXCLUDED."{name}"' for name in self.names if name not in kind.KEY)
        self.replace = (
            f"{into} VALUES ({_marks(len(self.names) + 1)}) ON CONFLICT ({_listed((TENANT, *kind.KEY))}) DO "
            + (f"UPDATE SET {told}" if told else "NOTHING")
        ).encode()

    def where(self, equals: Mapping[str, object]) -> tuple[bytes, list[object]]:
        """Give the condition on the tenant and the fields, and its values after the tenant's."""
        asked = tuple(name if value is not None else f"{name} " for name, value in equals.items())
        if asked not in self._wheres:
            self._wheres[asked] = self._condition(equals)
        for name, value in equals.items():
            self.check(name, (value,), may_lack=True)
        return self._wheres[asked], [value for value in equals.values() if value is not None]

    def _condition(self, equals: Mapping[str, object]) -> bytes:
        told = [f' WHERE "{TENANT}" = %b']
        for name, value in equals.items():
            self.known(name)
            # An index serves neither IS NOT DISTINCT FROM nor = NULL.
            told.append(f'"{name}" IS NULL' if value is None else f'"{name}" = %b')
        return " AND ".join(told).encode()

    def known(self, name: str) -> None:
        """Refuse a field that the record does not have."""
        if name not in self.types:
            raise KeyError(f"{self.kind.TABLE} has no field {name}")

    def some(self, names: tuple[str, ...]) -> bytes:
        """Give the reading of some fields only."""
        for name in names:
            self.known(name)
        return f"SELECT {_listed(names)} FROM {self.table}".encode()

    def any_of(self, name: str) -> bytes:
        """Give the condition that a field is one of many values."""
        self.known(name)
        return f' WHERE "{TENANT}" = %b AND "{name}" = ANY(%b::{_ARRAY[self.types[name]]})'.encode()

    def array(self, name: str) -> str:
        """Name the type of an array of a field's values."""
        return _ARRAY[self.types[name]]

    def update(self, name: str) -> bytes:
        """Give the change of one field by key.

        Values are an array for each key field, one for the field, the tenant, and the least and the
        greatest of the first key field, by which the server finds a batch of neighbours by index.
        """
        self.known(name)
        if name not in self._updates:
            asked = [*self.kind.KEY, name]
            arrays = ", ".join(f"%b::{_ARRAY[self.types[each]]}" for each in asked)
            met = " AND ".join(f't."{key}" = v.k{place}' for place, key in enumerate(self.kind.KEY))
            told = ", ".join([*(f"k{place}" for place in range(len(self.kind.KEY))), "told"])
            self._updates[name] = (
                f'UPDATE {self.table} AS t SET "{name}" = v.told FROM unnest({arrays}) AS v({told})'
                f' WHERE t."{TENANT}" = %b AND t."{self.kind.KEY[0]}" BETWEEN %b AND %b AND {met}'
            ).encode()
        return self._updates[name]

    def column(self, name: str, values: list[Any]) -> Packed | list[Any]:
        """Check a column of values and give it as one that can be sent."""
        self.check(name, values)
        return packed(self.types[name], values)

    def check(self, name: str, values: Sequence[object], *, may_lack: bool = False) -> None:
        """Refuse values that the field does not take, before the server sees them.

        Raises:
            TypeError: When the type differs.
            OverflowError: When an integer is wider than 64 bits.
            CallerError: ``store.text`` when a text holds NUL or half of a pair.
        """
        base = self.types[name]
        allowed = [each for each in set(map(type, values)) if not _fits(each, base)]
        if allowed and not (allowed == [types.NoneType] and (may_lack or name in self.optional)):
            raise TypeError(f"{self.kind.TABLE}.{name} takes {base.__name__}")
        there = [value for value in values if value is not None]
        if base is str:
            self._check_text("".join(cast("list[str]", there)))
        elif base is int and there:
            numbers = cast("list[int]", there)
            if min(numbers) < _LOWEST or max(numbers) > _HIGHEST:
                raise OverflowError(f"{self.kind.TABLE}.{name} takes 64 bits")

    def _check_text(self, joined: str) -> None:
        is_sound = "\x00" not in joined
        if is_sound and not joined.isascii():
            try:
                joined.encode()
            except UnicodeEncodeError:
                is_sound = False
        if not is_sound:
            raise CallerError("store.text", table=self.kind.TABLE)

    def create(self) -> Iterator[str]:
        """Give the statements that make the table, its indexes and its wall."""
        columns = ", ".join(
            f'"{name}" {_COLUMN[base]}' + ("" if name in self.optional else " NOT NULL")
            for name, base in self.types.items()
        )
        key = _listed((TENANT, *self.kind.KEY))
        yield (
            f'CREATE TABLE {self.table} ("{TENANT}" {_COLUMN[str]} NOT NULL, {columns}, PRIMARY KEY ({key}))'
        )
        yield from map(self.index, self.kind.INDEXES)
        yield from wall(self.table)

    def index(self, names: tuple[str, ...]) -> str:
        """Give the statement that makes an index."""
        name = f"{self.kind.TABLE}_{'_'.join(names)}"
        return f'CREATE INDEX "{name}" ON {self.table} ({_listed((TENANT, *names))})'


def wall(table: str) -> Iterator[str]:
    """Give the statements after which a role sees and writes only the tenant it named.

    Guarantee: without a tenant no row is seen and none can be written; the owner is bound too.
    """
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    yield f"CREATE POLICY {_POLICY} ON {table} USING ({_WALL}) WITH CHECK ({_WALL})"


def column_type(base: type) -> str:
    """Name the type of a column that holds a type of field."""
    return _COLUMN[base]


def tenants() -> Iterator[str]:
    """Make the table of tenants and its wall: all see the names, each changes its own row only."""
    yield (
        f'CREATE TABLE {TENANTS} (tenant text COLLATE "C" PRIMARY KEY,'
        " mark uuid NOT NULL DEFAULT gen_random_uuid())"
    )
    # A program is told where to find its tenant by name; the mark of a commit says nothing.
    yield from wall(TENANTS)
    yield f"CREATE POLICY {_NAMES_SEEN} ON {TENANTS} FOR SELECT USING (true)"


def standing(role: str) -> str:
    """Give the question of how a role stands to the wall; ``check_guarded`` reads the answer.

    A role may become whatever it is a member of, so that all of that counts.

    Args:
        role: An expression of SQL that names it.
    """
    return f"""
        WITH walled AS (
            SELECT oid, relname, relowner, relrowsecurity AND relforcerowsecurity AS is_on
              FROM pg_catalog.pg_class
             WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind IN ('r', 'p')
               AND relname <> '{VERSIONS}')
        SELECT bool_or(rolsuper), bool_or(rolbypassrls), bool_or(oid IN (SELECT relowner FROM walled)),
               (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(relname), ', ' ORDER BY relname)
                  FROM walled WHERE NOT is_on),
               EXISTS (SELECT FROM walled, pg_catalog.pg_policy p
                        WHERE p.polrelid = walled.oid AND NOT (
                            CASE p.polname
                            WHEN '{_POLICY}' THEN p.polcmd = '*' AND {_is_wall("p.polqual")}
                                              AND {_is_wall("p.polwithcheck")}
                            WHEN '{_NAMES_SEEN}' THEN relname = 'tenants' AND p.polcmd = 'r'
                            ELSE false END)),
               EXISTS (SELECT FROM walled, pg_catalog.pg_trigger t
                        WHERE t.tgrelid = walled.oid AND NOT t.tgisinternal)
               OR EXISTS (SELECT FROM walled, pg_catalog.pg_rewrite r WHERE r.ev_class = walled.oid)
               OR EXISTS (SELECT FROM pg_catalog.pg_class
                           WHERE relnamespace = '{SCHEMA}'::regnamespace AND relkind NOT IN ('r', 'i', 'S'))
               OR EXISTS (SELECT FROM walled, pg_catalog.pg_constraint c
                           WHERE c.conrelid = walled.oid AND c.contype NOT IN ('p', 'n'))
               OR EXISTS (SELECT FROM walled, pg_catalog.pg_inherits i
                           WHERE walled.oid IN (i.inhparent, i.inhrelid))
               OR EXISTS (SELECT FROM walled, pg_catalog.pg_index x
                           WHERE x.indrelid = walled.oid
                             AND (x.indexprs IS NOT NULL OR x.indpred IS NOT NULL))
               OR EXISTS (SELECT FROM walled, pg_catalog.pg_attribute a, pg_catalog.pg_type y
                           WHERE a.attrelid = walled.oid AND y.oid = a.atttypid AND NOT a.attisdropped
                             AND (a.attgenerated <> '' OR y.typtype <> 'b'))
          FROM pg_catalog.pg_roles WHERE pg_catalog.pg_has_role({role}, oid, 'MEMBER')"""


def _is_wall(expression: str) -> str:
    """Give the condition that an expression of a policy lets the tenant of the transaction through alone."""
    told = f"coalesce(pg_catalog.pg_get_expr({expression}, p.polrelid), '')"
    bare = f"""pg_catalog.regexp_replace(lower({told}), '[[:space:]()]|::text|as "?nullif"?', '', 'g')"""
    return f"{bare} IN ({_WALLS})"


def check_guarded(answer: Sequence[object]) -> None:
    """Refuse where row-level security would not hold.

    Args:
        answer: What the server said to ``standing``.

    Raises:
        Fault: ``store.wall-down``, which names the tables and what puts it up, or ``store.unguarded``.
    """
    for reason, found in zip(_REASONS, answer, strict=True):
        if found and reason == _WALL_DOWN:
            statements = " ".join(_PUT_UP.format(table) for table in str(found).split(", "))
            raise Fault("store.wall-down", tables=found, statements=statements)
        if found:
            raise Fault("store.unguarded", why=reason)


def _fits(given: type, base: type) -> bool:
    return given is base or (base is not bool and given is not bool and issubclass(given, base))


def _base_type(hint: object) -> tuple[type, bool]:
    if isinstance(hint, types.UnionType):
        return next(t for t in typing.get_args(hint) if t is not types.NoneType), True
    return cast("type", hint), False


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _marks(count: int) -> str:
    return ", ".join(["%b"] * count)


_JOINS: dict[Join, bytes] = {}


def joining(join: Join) -> bytes:
    """Give the question of a join, up to the values of the field asked by.

    Values are those of the others' fields and the tenant.
    """
    if join not in _JOINS:
        asked, others = shape_of(join.kind), shape_of(join.other)
        for name in (*join.names, join.by, join.on):
            asked.known(name)
        for name in (*join.more, *join.equals, join.on):
            others.known(name)
        columns = [*(f'a."{name}"' for name in join.names), *(f'b."{name}"' for name in join.more)]
        same = (f'o."{name}" = a."{name}"' for name in (TENANT, join.on))
        met = " AND ".join([*same, *(f'o."{name}" = %b' for name in join.equals)])
        # Fenced off, the others are always found by their key: before its first statistics after a large
        # collection the server would go through the whole table for each question, until the view ends.
        others_of = f"SELECT {_listed(join.more)} FROM {others.table} AS o WHERE {met} OFFSET 0"
        _JOINS[join] = (
            f"SELECT {', '.join(columns)} FROM {asked.table} AS a"
            f" LEFT JOIN LATERAL ({others_of}) AS b ON true"
            f' WHERE a."{TENANT}" = %b AND a."{join.by}"'
        ).encode()
    return _JOINS[join]


_SHAPES: dict[type[Record], Shape] = {}


def shape_of(kind: type[Record]) -> Shape:
    """Give the shape of a record kind."""
    shape = _SHAPES.get(kind)
    if shape is None:
        shape = _SHAPES[kind] = Shape(kind)
    return shape
