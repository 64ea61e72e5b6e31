"""The joins of a query: which tables, on which columns, and what one row becomes by them.

The data set asked is private, and so is every table that is not declared public. A name with its table
before it, and one that only a joined table has, is replaced by the name of a column of the joined rows; the
rest of the query then reads as one over a single data set.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import TypeAlias

from sqlglot import exp

from hedgerow.kernel.conditions.catalog import KINDS, shown
from hedgerow.kernel.conditions.hints import Hint
from hedgerow.kernel.conditions.reading import only
from hedgerow.model.engine import RESERVED
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.joins import JOINED_TYPES, Beside, Lookup, PublicColumn, PublicTable
from hedgerow.model.plans import Clamp, ColumnDeclaration, DatasetDeclaration, ExactAggregation
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.declared import MAX_ROWS_MOST, SUM_TYPES, Declared

JOINS_MOST = 8
MULTIPLICITY_MOST = 1_000

_FORM = "FROM DATASET AS d JOIN wards AS w ON d.ward = w.code"
HOW = Hint(
    "a join of another kind",
    f"Join public tables by INNER JOIN or LEFT JOIN and an equality of columns: {_FORM}",
)
ON = Hint(
    "a join on anything but equal columns",
    f"Compare a column of the joined table with one before it, by =, and constants in WHERE: {_FORM}",
)
SELF = Hint(
    "a join of a data set with itself",
    "Ask it once: how often each person is in it is bounded, and pairs of rows would multiply that.",
)
TWICE = Hint("two tables of one name", "Give each its own short name: JOIN wards AS a ... JOIN wards AS b")
INNER = Hint(
    "a join beside a sub-query",
    "Write the join inside the sub-query: "
    "FROM (SELECT ... FROM DATASET AS d JOIN wards AS w ON d.ward = w.code) AS t",
)
FOUND = Hint(
    "keys found in the data beside a join of two data sets", "Declare the keys of the columns you group by."
)
PERSON = Hint(
    "a join of two data sets on anything but the person",
    "Join them by USING (person), and write conditions in WHERE: pairs of people cannot be bounded.",
)
MANY = Hint(f"more than {JOINS_MOST} joins", "Join the public tables into one before declaring it public.")
PERSON_WORD = "person"


@dataclass(frozen=True, slots=True)
class PrivateTable:
    """Another data set about the same people, which may be joined on the person alone.

    Args:
        name: What a query calls it.
        columns: Types of its columns; none of those that take no part in queries.
        person: Its column that names the person of a row.
        declaration: Rows per person, bounds and keys that its owner declared.
        is_apart: Whether it has a budget of its own, so that a person is protected in it alone as well.
    """

    name: str
    columns: Mapping[str, ColumnType | None]
    person: str
    declaration: DatasetDeclaration
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """A table of the query: what it is called in it, its columns, and what these are called once joined."""

    alias: str
    columns: Mapping[str, ColumnType | None]
    names: Mapping[str, str]

    def matches(self, name: exp.Identifier) -> list[str]:
        if name.name in self.columns:
            return [name.name]
        quoted = bool(name.args.get("quoted"))
        return [c for c in self.columns if not quoted and c.casefold() == name.name.casefold()]


Joinable: TypeAlias = PublicTable | PrivateTable


class Joins:
    """The tables of one query.

    Args:
        dataset: Name of the data set asked.
        columns: Types of its columns.
        hidden: Its columns that take no part in queries.
        person: The hidden column that names the person of a row.
        tables: Public tables, and data sets about the same people, by name; any other table is refused.
    """

    def __init__(
        self,
        dataset: str,
        columns: Mapping[str, ColumnType],
        hidden: Collection[str] = (),
        person: str | None = None,
        tables: Mapping[str, Joinable] | None = None,
    ) -> None:
        self._dataset = dataset
        self._columns: dict[str, ColumnType | None] = {**columns, **dict.fromkeys(hidden)}
        self._tables = {} if tables is None else tables
        self._person = person
        self._beside: list[Beside] = []
        self._sources: list[_Source] = []
        self._lookups: list[Lookup] = []
        self._merged: set[str] = set()
        self._named: set[str] = set()
        self._gained: dict[str, PublicColumn] = {}
        self._others: dict[str, tuple[PrivateTable, str]] = {}
        # Whether rows of a person that is taken out of one table alone stay, without what that had.
        self.swaps = False

    @property
    def columns(self) -> dict[str, ColumnType]:
        """Types of the columns that the joined rows gain."""
        public = {name: column.kind for name, column in self._gained.items()}
        others = {name: table.columns[column] for name, (table, column) in self._others.items()}
        return public | {name: kind for name, kind in others.items() if kind is not None}

    @property
    def hidden(self) -> frozenset[str]:
        """The columns that the joined rows gain and that take no part in queries."""
        return frozenset(self._others.keys() - self.columns.keys())

    def take(self, select: exp.Select) -> None:
        """Take the joins out of a query and give its columns the names of the joined rows.

        Args:
            select: The query; changed in place.

        Raises:
            Refused: ``dp.not-public``, ``dp.hidden-column``, ``dp.join-multiplies``, or
                ``dp.sql-unsupported`` for any other join than those bounded here.
            CallerError: ``dp.unknown-column``, ``dp.ambiguous-column``, ``dp.join-types``.
        """
        joins, source = select.args.get("joins"), select.args.get("from_")
        if not joins or source is None:
            return
        if len(joins) > JOINS_MOST:
            raise MANY.refusal()
        if any(inner is not select for inner in select.find_all(exp.Select, exp.Subquery)):
            raise INNER.refusal()
        first = source.this
        if not isinstance(first, exp.Table) or not isinstance(first.this, exp.Identifier):
            raise HOW.refusal()
        self._sources.append(
            _Source(first.alias_or_name, self._columns, {name: name for name in self._columns})
        )
        planned = [self._joined(join) for join in joins]
        private = [table.name for table, _, _ in planned if isinstance(table, PrivateTable)]
        if len(set(private)) != len(private):
            raise SELF.refusal()
        self._name_columns([table for table, _, _ in planned], [alias for _, alias, _ in planned])
        for place, (table, _, join) in enumerate(planned, start=1):
            if isinstance(table, PrivateTable):
                self._pair(table, place, join)
            else:
                self._match(table, place, join)
        self._check_reach()
        select.set("joins", None)
        self._rename(select)

    def _joined(self, join: exp.Expr) -> tuple[Joinable, str, exp.Expr]:
        """Find the table of a join; whatever is not declared public is private."""
        only(join, HOW, "this", "on", "using", "side", "kind")
        side, kind = str(join.args.get("side") or ""), str(join.args.get("kind") or "")
        if (side, kind) not in {("", ""), ("", "INNER"), ("LEFT", ""), ("LEFT", "OUTER")}:
            raise HOW.refusal()
        table = join.this
        if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
            raise HOW.refusal()
        only(table, HOW, "this", "alias")
        if (alias := table.args.get("alias")) is not None:
            only(alias, HOW, "this")
        name = table.this.name
        if name == self._dataset:
            raise SELF.refusal()
        found = self._tables.get(name)
        if found is None:
            using = join.args.get("using") or ()
            on_person = any(each.name.casefold() in {PERSON_WORD, self._person} for each in using)
            raise Refused("dp.join-person" if on_person else "dp.not-public", table=shown(name))
        return found, table.alias_or_name, join

    def _name_columns(self, tables: Sequence[Joinable], aliases: Sequence[str]) -> None:
        """Call each column by its own name where no other table has it, else with its table before it."""
        blind = [alias.casefold() for alias in (self._sources[0].alias, *aliases)]
        if len(set(blind)) != len(blind):
            raise TWICE.refusal()
        own = {name.casefold() for name in self._columns} | {PERSON_WORD} | RESERVED
        met = [column.casefold() for table in tables for column in _kinds(table)]
        for table, alias in zip(tables, aliases, strict=True):
            names = {}
            for column in _kinds(table):
                plain = column.casefold()
                is_free = plain not in own and met.count(plain) == 1
                name = names[column] = column if is_free else f"{alias}.{column}"
                is_taken = not is_free and name.casefold() in {*own, *met}
                if is_taken or name in self._gained or name in self._others:
                    raise CallerError("dp.ambiguous-column", column=shown(name), by="table")
                self._gain(name, table, column)
            self._sources.append(_Source(alias, _kinds(table), names))

    def _gain(self, name: str, table: Joinable, column: str) -> None:
        if isinstance(table, PrivateTable):
            self._others[name] = table, column
        elif (found := table.column(column)) is not None:
            self._gained[name] = found

    def _pair(self, table: PrivateTable, place: int, join: exp.Expr) -> None:
        """Join another data set on the person, and on nothing else."""
        on, using = join.args.get("on"), join.args.get("using") or []
        if on is not None:
            on = on.unnest()
            sides = [on.this, on.expression] if isinstance(on, exp.EQ) else []
            meant = {self._whose(side, place + 1) for side in sides} == {0, place}
        else:
            meant = len(using) == 1 and self._is_person(using[0], place)
            self._merged |= {each.name.casefold() for each in using}
        if not meant or table.declaration.unit != "person":
            raise PERSON.refusal()
        names, is_left = self._sources[place].names, bool(join.args.get("side"))
        bounds = table.declaration.contribution
        if bounds is None:
            raise Refused("dp.undeclared", missing=f"the rows of one person in {table.name}",
                          dataset=table.name, command="")  # fmt: skip
        adds = tuple((name, column) for column, name in names.items() if table.columns[column] is not None)
        self._beside.append(Beside(table.name, bounds.max_rows, adds, is_left))
        self.swaps |= is_left and table.is_apart

    def _whose(self, side: exp.Expr, until: int) -> int | None:
        """Tell which table's person a side of an equality names; none when it is anything else."""
        side = side.unnest()
        if not isinstance(side, exp.Column):
            return None
        found = self._find(side, until)
        if found is None:
            return self._named_person(side, until)
        place, name = found
        return place if name == self._person_of(place) else None

    def _named_person(self, side: exp.Column, until: int) -> int | None:
        """Tell which table's person the word means after the name of a table that has no such column."""
        if side.name.casefold() != PERSON_WORD:
            return None
        named = [
            place
            for place, source in enumerate(self._sources[:until])
            if source.alias.casefold() == side.table.casefold() and self._person_of(place) is not None
        ]
        return named[0] if len(named) == 1 else None

    def _is_person(self, name: exp.Expr, place: int) -> bool:
        if not isinstance(name, exp.Identifier):
            return False
        matches = [self._sources[each].matches(name) for each in (0, place)]
        if matches == [[], []]:
            return name.name.casefold() == PERSON_WORD
        return matches == [[self._person_of(0)], [self._person_of(place)]]

    def _person_of(self, place: int) -> str | None:
        """Name the column that names people in a table; none for a public table."""
        if place == 0:
            return self._person
        tables = [
            self._others[name][0] for name in self._sources[place].names.values() if name in self._others
        ]
        return tables[0].person if tables else None

    def _match(self, table: PublicTable, place: int, join: exp.Expr) -> None:
        """Read what a join compares."""
        on, using = join.args.get("on"), join.args.get("using")
        if on is not None and not using:
            pairs = self._equal(on, place)
        elif on is None and using:
            pairs = [self._using(name, place) for name in using]
        else:
            raise ON.refusal()
        for ours, theirs in pairs:
            self._check_types(ours, table, theirs)
        names = self._sources[place].names
        lookup = Lookup(
            table,
            tuple(dict.fromkeys(pairs)),
            tuple((name, column) for column, name in names.items()),
            keeps_unmatched=bool(join.args.get("side")),
        )
        self._lookups.append(lookup)

    def _using(self, name: exp.Expr, place: int) -> tuple[str, str]:
        if not isinstance(name, exp.Identifier):
            raise ON.refusal()
        theirs = self._sources[place].matches(name)
        if len(theirs) != 1:
            raise ON.refusal()
        ours = self._resolve(exp.Column(this=name.copy()), place)
        self._merged.add(name.name.casefold())
        return ours[1], theirs[0]

    def _equal(self, on: exp.Expr, place: int) -> list[tuple[str, str]]:
        on = on.unnest()
        if isinstance(on, exp.And):
            only(on, ON, "this", "expression")
            return [*self._equal(on.this, place), *self._equal(on.expression, place)]
        if not isinstance(on, exp.EQ):
            raise ON.refusal()
        only(on, ON, "this", "expression")
        sides = [on.this.unnest(), on.expression.unnest()]
        if not all(isinstance(side, exp.Column) for side in sides):
            raise ON.refusal()
        (left, ours), (right, theirs) = (self._resolve(side, place + 1) for side in sides)
        if left == place:
            left, ours, right, theirs = right, theirs, left, ours
        if right != place or left == place:
            raise ON.refusal()
        source = self._sources[place]
        return [(ours, next(column for column, name in source.names.items() if name == theirs))]

    def _resolve(self, column: exp.Column, until: int) -> tuple[int, str]:
        """Find the table and the joined name of a column among the tables before a place."""
        found = self._find(column, until)
        if found is None:
            name = column.this.name if isinstance(column.this, exp.Identifier) else "*"
            raise CallerError("dp.unknown-column", column=shown(name), dataset=shown(self._dataset))
        place, name = found
        if self._sources[place].columns[name] is None:
            raise Refused("dp.hidden-column", column=shown(name))
        return place, self._sources[place].names[name]

    def _find(self, column: exp.Column, until: int) -> tuple[int, str] | None:
        """Find a column by its name; none when no table before the place has it."""
        if not isinstance(column.this, exp.Identifier) or column.args.get("db"):
            raise ON.refusal()
        table = column.table.casefold()
        sources = list(enumerate(self._sources[:until]))
        if table:
            sources = [each for each in sources if each[1].alias.casefold() == table]
        found = [(place, name) for place, source in sources for name in source.matches(column.this)]
        if len(found) > 1 and not table and column.this.name.casefold() in self._merged:
            return found[0]
        if len(found) > 1:
            raise CallerError("dp.ambiguous-column", column=shown(column.this.name), by="table")
        return found[0] if found else None

    def _check_types(self, ours: str, table: PublicTable, theirs: str) -> None:
        kind = self.columns.get(ours) or self._columns.get(ours)
        column = table.column(theirs)
        if kind is None or column is None or kind is not column.kind or kind not in JOINED_TYPES:
            raise CallerError(
                "dp.join-types",
                column=shown(ours),
                kind="nothing that is compared" if kind is None else KINDS[kind],
                other=shown(theirs),
                their_kind="nothing" if column is None else KINDS[column.kind],
            )

    def _rename(self, select: exp.Select) -> None:
        aliases = {part.alias.casefold() for part in select.expressions if isinstance(part, exp.Alias)}
        for column in list(select.find_all(exp.Column)):
            is_output = column.find_ancestor(exp.Order, exp.Having) is not None
            if not isinstance(column.this, exp.Identifier) or column.args.get("db"):
                continue
            if not column.table and is_output and column.this.name.casefold() in aliases:
                continue
            found = self._find(column, len(self._sources))
            if found is None:
                self._strip(column)
                continue
            place, name = found
            if place:
                name = self._name(place, name)
                self._named.add(name)
                column.set("this", exp.to_identifier(name, quoted=True))
            column.set("table", None)

    def _name(self, place: int, column: str) -> str:
        """Tell what a column is called once joined; the person of paired rows is that of either table."""
        name = self._sources[place].names[column]
        if self._person is None or column != self._person_of(place):
            return name
        paired = {one.name for one in self._beside if not one.keeps_unmatched}
        return self._person if self._others[name][0].name in paired else name

    def _strip(self, column: exp.Column) -> None:
        """Leave a name that no table has for the catalog to refuse; ``person`` is one."""
        table, named = column.table.casefold(), shown(column.this.name)
        if table and table not in {source.alias.casefold() for source in self._sources}:
            return
        if table and table != self._sources[0].alias.casefold():
            raise CallerError("dp.unknown-column", column=named, dataset=shown(column.table))
        column.set("table", None)

    @property
    def multiplicity(self) -> int:
        """How many joined rows one row becomes at most."""
        return prod(lookup.multiplicity for lookup in self._lookups) * prod(
            one.max_rows for one in self._beside
        )

    def _check_reach(self) -> None:
        times = prod(lookup.multiplicity for lookup in self._lookups)
        if times > MULTIPLICITY_MOST:
            raise Refused("dp.join-multiplies", times=f"{times:,}", most=f"{MULTIPLICITY_MOST:,}")

    def with_public(self, declaration: DatasetDeclaration) -> DatasetDeclaration:
        """Add to what was declared keys and bounds of the columns gained that are named.

        Those of a public column are what its table has, those of another data set what its owner declared.
        """
        known = [_declared(name, self._gained[name]) for name in sorted(self._named & self._gained.keys())]
        for name in sorted(self._named & self._others.keys()):
            table, column = self._others[name]
            known.append(replace(table.declaration.column(column), column=name))
        own = [each for each in declaration.columns if each.column not in self.columns]
        return replace(declaration, columns=(*own, *known))

    def reach(self, declared: Declared) -> Declared:
        """State how many joined rows one person may have: the bound that sensitivities rest on.

        Bounds over groups stay as they are: they are kept in the joined rows.

        Raises:
            Refused: ``dp.join-multiplies``; ``dp.sql-unsupported`` where keys would be found in pairs.
        """
        if declared.finds_keys and self._beside:
            raise FOUND.refusal()
        most = declared.max_rows * self.multiplicity
        if most > MAX_ROWS_MOST:
            raise Refused("dp.join-multiplies", times=f"{most:,}", most=f"{MAX_ROWS_MOST:,}")
        return replace(declared, max_rows=most, swaps=self.swaps)

    def gathered(self) -> Joins:
        """Give what is left to join once rows were joined and gathered: nothing."""
        left = Joins(self._dataset, {})
        left.swaps = self.swaps
        return left

    def applied(self, aggregation: ExactAggregation) -> ExactAggregation:
        """Put the joins before an aggregation that was planned for the joined rows.

        The bound on ranks is that of the rows before the joins.
        """
        lookups = self.lookups(aggregation.named)
        read = aggregation.named | {ours for lookup in lookups for ours, _ in lookup.on}
        beside = tuple(
            replace(one, adds=tuple(pair for pair in one.adds if pair[0] in read)) for one in self._beside
        )
        max_rows = aggregation.max_rows // self.multiplicity
        return replace(aggregation, lookups=lookups, beside=beside, max_rows=max_rows)

    def lookups(self, names: Collection[str]) -> tuple[Lookup, ...]:
        """List the joins with public tables; only those columns are looked up that something reads."""
        read, lookups = set(names), list[Lookup]()
        for lookup in reversed(self._lookups):
            lookups.append(replace(lookup, adds=tuple(pair for pair in lookup.adds if pair[0] in read)))
            read |= {ours for ours, _ in lookup.on}
        return tuple(reversed(lookups))


def _kinds(table: Joinable) -> Mapping[str, ColumnType | None]:
    """List the columns of a table with their types; none of those that take no part in queries."""
    if isinstance(table, PrivateTable):
        return table.columns
    return {column.name: column.kind for column in table.columns}


def _declared(name: str, column: PublicColumn) -> ColumnDeclaration:
    """Take keys and bounds from a public column itself."""
    distinct = column.distinct
    if not distinct:
        problem = f"its column {shown(column.name)} holds no value that could be grouped by or added up"
        raise CallerError("dp.public-table", table=shown(name), problem=problem)
    clamp = None
    if column.kind in SUM_TYPES:
        numbers = [Fraction(value) for value in distinct if isinstance(value, int | Fraction)]
        lower, upper = min(numbers), max(numbers)
        if lower == upper:
            # Bounds need room between them; with zero in them the larger one is as before.
            lower, upper = min(lower, Fraction(0)), max(upper, Fraction(0 if upper else 1))
        clamp = Clamp(lower, upper)
    keys = tuple(value for value in distinct if isinstance(value, str | int))
    return ColumnDeclaration(name, clamp, keys or None)
