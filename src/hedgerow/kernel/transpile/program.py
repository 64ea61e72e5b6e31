"""An exact aggregation as statements of another engine's SQL.

The engine bounds, clamps, rounds and adds up; it gives back one row of whole numbers for each declared key,
whether anybody has that key or not. These numbers are exact: they must never leave who owns the engine. The
noise is added by this library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod

from sqlglot import exp

from hedgerow.kernel.transpile import aggregates, conditions, expressions, lookups
from hedgerow.kernel.transpile.aggregates import aggregate
from hedgerow.kernel.transpile.conditions import Scope, condition, held_by
from hedgerow.kernel.transpile.expressions import Layers, with_places
from hedgerow.kernel.transpile.fixed import is_rounded, rounded, scaled
from hedgerow.kernel.transpile.grouping import MEETING, within_groups
from hedgerow.kernel.transpile.known import Known
from hedgerow.kernel.transpile.points import Point, constant, type_of
from hedgerow.kernel.transpile.source import Kind, Source, SourceColumn
from hedgerow.kernel.transpile.writing import DIALECTS, Dialect, Words
from hedgerow.model.errors import CallerError
from hedgerow.model.plans import BinCounts, ExactAggregation, KeyDomain

MOST_KEYS = 100_000
_MOST_LISTED = 1000  # keys of a column that a total is compared with one by one
_MOST_ROWS: dict[Dialect, int] = {"snowflake": 16_384}  # of a VALUES clause there
BOUNDED = "hedgerow_bounded"
_REAL_MOST = "CAST('1.7976931348623157e308' AS DOUBLE)"
_READ = re.compile(r"\b(?:FROM|JOIN) [a-z]\w*\b")
_PLAN = Known()
_PLAN.part(KeyDomain, "column", "values", "place")
_PLAN.part(BinCounts, "values", "width")
_PLAN.part(
    ExactAggregation,
    "keys",
    "aggregates",
    "where",
    "max_rows",
    "histograms",
    "max_groups",
    "max_rows_per_group",
    "computed",
    "lookups",
)


@dataclass(frozen=True, slots=True)
class Histogram:
    """A statement whose rows are ``(group, bin, count)``; a cell that is not told counts 0."""

    bins: int
    sql: str


@dataclass(frozen=True, slots=True)
class Transpiled:
    """What an engine is given.

    Args:
        dialect: The SQL it is written in.
        bounding: A SELECT whose result the other statements read as a table; none where each statement
            bounds by itself. It must be computed once and kept: computed again, it would choose other
            rows.
        aggregates: A statement whose rows are ``(group, integer, ...)``, one for each combination of keys in
            row-major order; on Spark in any order, and a combination that nobody has may be left out, which
            counts 0. None for a plan of histograms alone.
        histograms: One statement for each histogram.
        groups: How many combinations of keys there are.
        width: How many aggregates each has.
        bounded: The name of that table.
    """

    dialect: Dialect
    bounding: str | None
    aggregates: str | None
    histograms: tuple[Histogram, ...]
    groups: int
    width: int
    bounded: str = BOUNDED

    @property
    def statements(self) -> tuple[str, ...]:
        """Every statement, in the order they are to be run."""
        kept = "TABLE" if self.dialect == "spark" else "TEMPORARY TABLE"
        # Nothing but what the compiler wrote is in this text.
        first = [] if self.bounding is None else [f"CREATE {kept} {self.bounded} AS\n{self.bounding}"]
        own = [] if self.aggregates is None else [self.aggregates]
        return (*first, *own, *(each.sql for each in self.histograms))


def transpile(plan: ExactAggregation, source: Source, dialect: Dialect, bounded: str = BOUNDED) -> Transpiled:
    """Write an exact aggregation in the SQL of an engine.

    Args:
        plan: What is computed.
        source: The table there.
        dialect: ``duckdb``, ``spark``, ``bigquery``, ``snowflake`` or ``postgres``.
        bounded: Name of the table of kept rows, where one is needed; a word of lower-case letters,
            digits and ``_``.

    Returns:
        The statements.

    Raises:
        CallerError: ``engine.element`` for a part of the plan that is not known here, by its name; nothing is
            ever left out. ``engine.dialect``, ``engine.name``, ``engine.text``, ``engine.column-unknown``,
            ``engine.bounds``, ``engine.literal-type``, ``engine.not-a-number``, ``engine.key-twice`` and
            ``engine.groups``.

    Guarantee: the integers are those of the plan, as ``kernel.aggregation`` computes them: a row counts only
        when its rank among its person's rows is below ``max_rows``, and rows about nobody never do. A rank
        that the statement draws is random, drawn once for each row, and used once.
    """
    if dialect not in DIALECTS:
        raise CallerError("engine.dialect", dialects=", ".join(DIALECTS))
    _check(plan, _MOST_ROWS.get(dialect, MOST_KEYS))
    plan = with_places(plan)
    _check_groups(plan, source, dialect)
    lookups.check_lookups(plan)
    parts = len(plan.histograms) + bool(plan.aggregates)
    # What is drawn at random is drawn once for all statements.
    is_kept = (source.rank is None or plan.max_groups is not None) and parts > 1

    def statement(kept: str | None = bounded if is_kept else None) -> _Statement:
        return _Statement(plan, source, dialect, kept)

    return Transpiled(
        dialect,
        statement(None).bounding() if is_kept else None,
        statement().totals() if plan.aggregates else None,
        tuple(
            Histogram(one.bins, statement().cells(one))
            for one in plan.histograms
            if isinstance(one, BinCounts)  # any other was refused
        ),
        prod(len(key.values) for key in plan.keys),
        len(plan.aggregates),
        bounded,
    )


def _check(plan: ExactAggregation, most: int) -> None:
    everything = Known()
    for each in (conditions.KNOWN, expressions.KNOWN, lookups.KNOWN, aggregates.KNOWN, _PLAN):
        everything.join(each)
    everything.check(plan)
    if plan.max_rows < 0:
        raise CallerError("engine.bounds", column="max_rows", digits=0)
    for key in plan.keys:
        if len(key.values) > most:
            raise CallerError("engine.groups", groups=len(key.values), most=most)


def _check_groups(plan: ExactAggregation, source: Source, dialect: Dialect) -> None:
    """Refuse bounds over groups of floating keys where an engine cannot tell such apart in a window."""
    real = [
        key
        for key in plan.keys
        if key.column in source.columns and source.columns[key.column].kind is Kind.REAL
    ]
    if dialect == "bigquery" and plan.bounds_groups and real:
        raise CallerError("engine.element", element="max_groups")


class _Statement:
    """One statement: a chain of named steps."""

    def __init__(self, plan: ExactAggregation, source: Source, dialect: Dialect, bounded: str | None) -> None:
        self._plan, self._bounded = plan, bounded
        self._words = Words(dialect)
        names = tuple(sorted(plan.columns))
        for name in names:
            if name not in source.columns:
                raise CallerError("engine.column-unknown", column=name)
        more = lookups.gained(plan)
        more += [(one.name, SourceColumn(Kind.STEPS, scale=one.digits)) for one in plan.computed]
        made = dict(more)
        if len(made) < len(more) or made.keys() & {*names}:
            raise CallerError("engine.element", element="a computed column that is called like another")
        self._read = names
        self._source = replace(source, columns={**source.columns, **made})
        self._scope = Scope(self._words, self._source, (*names, *made))

    def bounding(self) -> str:
        """Write the rows that count at most, to be kept."""
        steps = [*self._kept()] if self._plan.bounds_groups else [*self._lowered()]
        return self._text(steps, f"SELECT {self._carried()} FROM {steps[-1][0]}")  # noqa: S608 - our own words

    def totals(self) -> str:
        """Write the aggregates of each combination of keys."""
        picked = [aggregate(self._scope, part) for part in self._plan.aggregates]
        sums = "".join(f", {each} AS a{at}" for at, each in enumerate(picked))
        # Where no row counts, every integer is 0.
        shown = "".join(f", CASE WHEN n IS NULL THEN 0 ELSE a{at} END AS a{at}" for at in range(len(picked)))
        # Nothing but our own words and integers is in this text.
        steps = [
            *self._stepped(),
            ("totals", f"SELECT {self._keys('COUNT(*) AS n')}{sums} FROM stepped{self._by()}"),  # noqa: S608
        ]
        if self._finds_places:
            shown = shown.replace("n IS NULL", "n = 0")
            return self._text(steps, f"SELECT {self._found()} AS g{shown}{self._of_known()}")
        steps += self._domains()
        joined = f"{self._from_domains()} LEFT JOIN totals ON {self._matched()}"
        return self._text(steps, f"SELECT {self._place()} AS g{shown}{joined}{self._in_order(1)}")

    def cells(self, part: BinCounts) -> str:
        """Write the counts of one histogram."""
        if part.width < 1:
            raise CallerError("engine.bounds", column=part.column, digits=part.values.digits)
        away = f"({self._scope.fixed(part.values)} - ({part.base - part.width // 2}))"
        place = f"({away} - {away} % {part.width}) // {part.width}" if part.width > 1 else away
        # Nothing but our own words and integers is in this text.
        steps = [
            *self._stepped(),
            ("binned", f"SELECT {self._keys(f'{place} AS b')} FROM stepped WHERE {away} IS NOT NULL"),  # noqa: S608
            ("totals", f"SELECT {self._held('b')}, COUNT(*) AS n FROM binned GROUP BY {self._held('b')}"),  # noqa: S608
        ]
        if self._finds_places:
            return self._text(steps, f"SELECT {self._found()} AS g, b, n{self._of_known()}")
        steps += self._domains()
        joined = f"{self._from_domains()} JOIN totals ON {self._matched()}"
        return self._text(steps, f"SELECT {self._place()} AS g, b, n{joined}{self._in_order(1, 2)}")

    @property
    def _finds_places(self) -> bool:
        """Whether each total finds the place of its key itself: a join costs Spark a job of its own."""
        is_short = all(len(key.values) <= _MOST_LISTED for key in self._plan.keys)
        return self._words.dialect == "spark" and is_short

    def _found(self) -> str:
        """Write the number of a total's group, looked up in its declared keys."""
        place = "0"
        for at, key in enumerate(self._plan.keys):
            column, values = self._listed(key)
            listed = f"[{', '.join(values) or 'NULL'}]"
            own = f"(ARRAY_POSITION({listed}, CAST(k{at} AS {type_of(column)})) - 1)"
            place = f"({place}) * {len(key.values)} + {own}" if at else own
        return f"CAST({place} AS BIGINT)"

    def _of_known(self) -> str:
        """Choose the totals of declared keys; told so that no engine looks at each row for it."""
        known = self._declared([f"k{at}" for at in range(len(self._plan.keys))])
        # Nothing but our own words is in this text.
        where = f" WHERE CASE WHEN n > 0 THEN {' AND '.join(known)} ELSE FALSE END" if known else ""
        return f" FROM totals{where}"

    def _declared(self, words: list[str]) -> list[str]:
        """Write that each key is among the declared ones."""
        known = []
        for word, key in zip(words, self._plan.keys, strict=True):
            column, values = self._listed(key)
            held = [value for value in values if value != _null(column)]
            known.append(f"{word} IN ({', '.join(held)})" if held else "FALSE")
        return known

    def _keys(self, *others: str) -> str:
        """Write the grouping columns; minus zero is zero."""
        return ", ".join([*(f"{word} AS k{at}" for at, word in enumerate(self._key_words())), *others])

    def _key_words(self) -> list[str]:
        known = [self._scope.column(key.column) for key in self._plan.keys]
        return [
            f"CASE WHEN {word} = 0 THEN CAST('0.0' AS DOUBLE) ELSE {word} END"
            if column.kind is Kind.REAL
            else word
            for word, column in known
        ]

    def _held(self, *others: str) -> str:
        return ", ".join([*(f"k{at}" for at in range(len(self._plan.keys))), *others])

    def _by(self) -> str:
        return (
            f" GROUP BY {', '.join(str(at + 1) for at in range(len(self._plan.keys)))}"
            if self._plan.keys
            else ""
        )

    def _in_order(self, *places: int) -> str:
        """Sort, but where that costs a pass of its own: each row says its group."""
        return "" if self._words.dialect == "spark" else f" ORDER BY {', '.join(map(str, places))}"

    def _matched(self) -> str:
        return " AND ".join(f"totals.k{at} = d{at}.v" for at in range(len(self._plan.keys))) or "TRUE"

    def _text(self, steps: list[tuple[str, str]], last: str) -> str:
        read = self._words.read(_chained(steps, last, is_nested=self._words.dialect == "spark"))
        return read.sql(dialect=self._words.dialect, pretty=True, copy=False)

    def _carried(self) -> str:
        return ", ".join(["p", *(f"c{at}" for at in range(len(self._scope.names)))])

    def _own(self) -> str:
        """Name what is carried of the table itself."""
        return ", ".join(["p", *(f"c{at}" for at in range(len(self._read)))])

    def _lowered(self) -> Iterator[tuple[str, str]]:
        """Bring columns to few kinds, then keep the first rows of each person in a random order."""
        # Nothing but our own words and integers is in this text.
        if self._bounded is not None:
            kept = self._words.put(exp.to_table(self._bounded))
            yield "bounded", f"SELECT {self._carried()} FROM {kept}"  # noqa: S608
            return
        plan, words, rank = self._plan, self._words, self._source.rank
        person = _lower(words, self._source.person, self._source.person_column)
        columns = [
            f"{_lower(words, name, self._source.columns[name])} AS c{at}"
            for at, name in enumerate(self._read)
        ]
        order = "RANDOM() AS r" if rank is None else f"{words.column(rank)} AS k"
        table = words.table(self._source.table)
        yield "lowered", f"SELECT {', '.join([f'{person} AS p', order, *columns])} FROM {table}"  # noqa: S608
        below = f"p IS NOT NULL AND k < {plan.max_rows}"
        if rank is None:
            ranked = "ROW_NUMBER() OVER (PARTITION BY p ORDER BY r) - 1 AS k"
            yield "ranked", f"SELECT {self._own()}, {ranked} FROM lowered WHERE p IS NOT NULL"  # noqa: S608
        ordered = "lowered" if rank is not None else "ranked"
        place = ", k" if plan.bounds_groups else ""
        few = "few" if plan.computed or plan.lookups else "bounded"
        yield few, f"SELECT {self._own()}{place} FROM {ordered} WHERE {below}"  # noqa: S608
        if few != "bounded":
            yield from lookups.joined(self._scope, plan.lookups, few)
            last = f"joined{len(plan.lookups) - 1}" if plan.lookups else few
            yield from self._made().steps(last, self._carried() + place)

    def _made(self) -> Layers:
        """Work out the columns that are made of others."""
        layers = Layers(self._scope)
        for one in self._plan.computed:
            layers.make(one)
        return layers

    def _kept(self) -> Iterator[tuple[str, str]]:
        """Choose the rows that count: those of the condition, then those within the bounds over groups."""
        plan = self._plan
        yield from self._lowered()
        counts = [] if plan.where is None else [condition(self._scope, plan.where)]
        bounds_groups = plan.bounds_groups and self._bounded is None
        if bounds_groups:  # a group that nobody declared takes no other's place
            counts += self._declared(self._key_words())
        where = f" WHERE {' AND '.join(counts)}" if counts else ""
        # Nothing but our own words and integers is in this text.
        if not bounds_groups:
            yield "kept", f"SELECT {self._carried()} FROM bounded{where}"  # noqa: S608
            return
        yield MEETING, f"SELECT {self._carried()}, k FROM bounded{where}"  # noqa: S608
        yield from within_groups(self._carried(), self._key_words(), plan.max_groups, plan.max_rows_per_group)

    def _stepped(self) -> Iterator[tuple[str, str]]:
        """Choose the rows that count, and bring their values to steps."""
        yield from self._kept()
        # Nothing but our own words and integers is in this text.
        steps = self._scope.steps
        values = "".join(f", {scaled(self._scope, one)} AS x{at}" for at, one in enumerate(steps))
        yield "scaled", f"SELECT {self._carried()}{values} FROM kept"  # noqa: S608
        loose = [at for at, one in enumerate(steps) if not is_rounded(self._scope, one)]
        if loose:
            floors = "".join(f", FLOOR(x{at}) AS f{at}" for at in loose)
            yield "floored", f"SELECT scaled.*{floors} FROM scaled"  # noqa: S608
        whole = [
            rounded(self._scope, one, f"x{at}", f"f{at}") if at in loose else f"x{at}"
            for at, one in enumerate(steps)
        ]
        shown = "".join(f", {each} AS s{at}" for at, each in enumerate(whole))
        below = "floored" if loose else "scaled"
        yield "stepped", f"SELECT {self._carried()}{shown} FROM {below}"  # noqa: S608

    def _place(self) -> str:
        place = "0"
        for at, key in enumerate(self._plan.keys):
            place = f"({place}) * {len(key.values)} + d{at}.i" if at else "d0.i"
        return f"CAST({place} AS BIGINT)"

    def _domains(self) -> Iterator[tuple[str, str]]:
        """Write the declared keys: they are few, and meet the totals, not the rows."""
        for at, key in enumerate(self._plan.keys):
            yield f"d{at}", self._domain(key)
        if not self._plan.keys:
            yield "d", "SELECT 0 AS i"

    def _from_domains(self) -> str:
        names = [f"d{at}" for at in range(len(self._plan.keys))] or ["d"]
        return f" FROM {' CROSS JOIN '.join(names)}"

    def _domain(self, key: KeyDomain) -> str:
        """Write the declared keys of a column with their places; one that it cannot hold is null."""
        column, values = self._listed(key)
        if not values:
            return f"SELECT 0 AS i, {_null(column)} AS v WHERE FALSE"
        rows = ", ".join(f"({at}, {value})" for at, value in enumerate(values))
        return f"SELECT i, v FROM (VALUES {rows}) AS d(i, v)"  # noqa: S608 - our own words

    def _listed(self, key: KeyDomain) -> tuple[SourceColumn, list[str]]:
        """Write the declared keys of a column in order; one that it cannot hold is null."""
        _, column = self._scope.column(key.column)
        held = held_by(column, key.values, key.column)
        known = [point for point in held if point is not None]
        if len(set(known)) != len(known):
            raise CallerError("engine.key-twice", column=key.column)
        return column, [self._key(column, point) for point in held]

    def _key(self, column: SourceColumn, point: Point) -> str:
        if point is None:
            return _null(column)
        is_plain = self._finds_places and isinstance(point, str)  # there a literal has this type by itself
        return self._words.text(str(point)) if is_plain else constant(self._words, column, point)


def _chained(steps: list[tuple[str, str]], last: str, *, is_nested: bool) -> str:
    """Let each step read those before it: by name, or as sub-queries, which Spark plans in half the time."""
    if not is_nested:
        chain = ", ".join(f"{name} AS ({words})" for name, words in steps)
        return f"WITH {chain} {last}"
    known: dict[str, str] = {}

    def inside(words: str) -> str:
        return _READ.sub(lambda met: known.get(met[0], met[0]), words)

    for name, words in steps:
        # Nothing but our own words is in this text.
        whole = inside(words)
        known |= {f"{before} {name}": f"{before} ({whole}) AS {name}" for before in ("FROM", "JOIN")}
    return inside(last)


def _null(column: SourceColumn) -> str:
    return f"CAST(NULL AS {type_of(column)})"


def _lower(words: Words, name: str, column: SourceColumn) -> str:
    """Bring a column to a form that is null exactly where there is no value."""
    word = words.column(name)
    if column.kind is Kind.REAL:
        real = f"CAST({word} AS DOUBLE)"
        # False for infinities, for NaN where it is the greatest of all, and where it compares with nothing.
        return f"CASE WHEN {real} BETWEEN -{_REAL_MOST} AND {_REAL_MOST} THEN {real} END"
    if column.kind is Kind.TRUTH:
        return f"CASE WHEN {word} THEN CAST(1 AS BIGINT) WHEN NOT {word} THEN CAST(0 AS BIGINT) END"
    if column.kind is Kind.EXACT:
        return f"CAST({word} AS DECIMAL({column.precision}, {column.scale}))"
    if column.kind is Kind.TEXT and words.dialect == "postgres":
        return lookups.binary(words, words.placed(exp.column(word)))
    return word
