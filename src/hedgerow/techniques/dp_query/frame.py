"""Private queries on a data frame in memory, with an explicit budget and no workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hedgerow.kernel.accounting import Budget
from hedgerow.kernel.aggregation.frames import arrow_of, kinds_of
from hedgerow.kernel.conditions.catalog import KINDS, shown
from hedgerow.model.answers import UNGOVERNED, Answer
from hedgerow.model.calls import WHOLE
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.frames import is_spark
from hedgerow.model.plans import DatasetDeclaration
from hedgerow.model.words import ColumnType
from hedgerow.techniques.dp_query.calls import called
from hedgerow.techniques.dp_query.chain import Table
from hedgerow.techniques.dp_query.joins import Joinable, PrivateTable
from hedgerow.techniques.dp_query.plan import plan_query
from hedgerow.techniques.dp_query.planned import QueryPlan
from hedgerow.techniques.dp_query.price import Price
from hedgerow.techniques.dp_query.public import public_table
from hedgerow.techniques.dp_query.query import Query as Asked
from hedgerow.techniques.dp_query.run import run
from hedgerow.techniques.dp_query.sources import asked_of
from hedgerow.techniques.dp_query.spark import SparkTable
from hedgerow.techniques.dp_query.units import PERSON, check_unit
from hedgerow.techniques.dp_query.widths import FoundBounds, find_widths, plan_widths

if TYPE_CHECKING:
    from hedgerow.kernel.aggregation import PersonRows

FRAME = "frame"
# What the columns of a mapping hold that was meant for a data frame.
_NO_FRAMES = (list, tuple, str, int, float, bytes)
# Without a workspace there is no data set to show: the next step is a call instead of a command.
_HERE = {
    "dp.undeclared": "dp.undeclared-frame",
    "dp.undeclared-key": "dp.undeclared-key-frame",
    "dp.out-of-bounds": "dp.out-of-bounds-frame",
    "dp.not-public": "dp.not-public-frame",
    "dp.join-person": "dp.join-person-frame",
}


@called("dp.query")
def query(  # noqa: PLR0913 - the words of the call
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str | Asked,
    *,
    person: str | Mapping[str, str],
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration],
    epsilon: str | float | Decimal | Fraction | None = None,
    rho: str | float | Decimal | Fraction | None = None,
    discover_keys: str | float | Decimal | Fraction | None = None,
    budget: Budget,
    public: Mapping[str, Any] | None = None,
    rank: str | None = None,
) -> tuple[Answer, Budget]:
    """Answer a query privately on a data frame.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame (anything narwhals reads); or several by
            the names that the query calls them, which it may join by ``USING (person)``; or one DataFrame
            of Spark, which then bounds and adds up itself, and gives back whole numbers alone.
        sql: As for ``hedgerow query``; FROM may be left out or say ``frame``. Or a query that was built
            without SQL, which ``table(frame, ...)`` begins.
        person: The column that names the person of each row; rows about nobody do not count. Of several
            frames, the one column they share or one for each.
        declaration: Rows per person, bounds and keys, from :func:`declare`; knowledge from
            outside the data, never read from it. Of several frames, one for each.
        epsilon: What the answer may cost, with Laplace noise.
        rho: What it may cost instead, with Gaussian noise (zero-concentrated); the budget needs a delta then.
        discover_keys: A delta: keys that are not declared are found in the data then, and it is the chance
            that they tell more. The budget keeps a part of its delta for such: ``Budget.of(1, "1e-6",
            own="1e-7")``.
        budget: What it is taken from; one of the same privacy unit.
        public: Data frames about nobody, by the name the query joins them by: their content is not protected.
        rank: Of a Spark DataFrame, a column that holds for each row its place in a secret random order of
            its person's rows, from 0 and each once; without one an order is drawn for the query. The
            guarantee rests on it: with two rows of a person at one place, both count.

    Returns:
        The answer and the budget that is left. The old budget value is the caller's to discard:
        spending it again is not seen by anyone.

    Raises:
        Refused: ``dp.budget-exhausted``, ``dp.budget-no-delta``, ``dp.undeclared-frame``, or what cannot be
            bounded.
        CallerError: When the query, the frame, the epsilon or the rho is malformed; ``dp.one-price``.
        Fault: ``engine.failed`` when counting failed, without a word of the data. The price was paid by then:
            take it off the budget by hand, as if the query had been answered.

    Guarantee: epsilon-differential privacy, or rho-zCDP, for adding or removing all rows of one person, or
        of one unit where another was declared.
    Cost: exactly ``epsilon`` or ``rho``, spent before the values are read.
    """
    held = _held(frame, sql, person, declaration)
    if rank is not None:
        held = _ranked(held, rank)
    plan = _plan(held, sql, Price.of(epsilon, rho, discover_keys), public)
    left = budget.spend(plan.cost, plan.unit)
    with _untold():
        answer = replace(_found(held, plan), standing=UNGOVERNED)
    return answer.with_left(left.left, budget.limit.epsilon), left


@called("dp.explain")
def explain(
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str | Asked,
    *,
    person: str | Mapping[str, str],
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration],
    epsilon: str | float | Decimal | Fraction | None = None,
    rho: str | float | Decimal | Fraction | None = None,
    discover_keys: str | float | Decimal | Fraction | None = None,
    public: Mapping[str, Any] | None = None,
) -> Mapping[str, Any]:
    """Tell what a query would compute, cost and how wrong it may be, without reading a value.

    Args:
        frame: Its column names and types are read, nothing else.
        sql: The query.
        person: The column that names the person of each row.
        declaration: Rows per person, bounds and keys.
        epsilon: What the answer would cost.
        rho: What it would cost instead, with Gaussian noise.
        discover_keys: A delta, where keys would be found in the data.
        public: Data frames about nobody, which are read whole.

    Returns:
        The plan as plain values.

    Raises:
        Refused: What cannot be bounded.
        CallerError: When the query, the frame, the epsilon or the rho is malformed.
    """
    price = Price.of(epsilon, rho, discover_keys)
    return _plan(_held(frame, sql, person, declaration), sql, price, public).describe()


@dataclass(frozen=True, slots=True)
class _Held:
    """A private data frame: its name, rows and whom they are about, and others of the same people."""

    name: str
    table: Any = field(repr=False)
    person: str
    declaration: DatasetDeclaration
    beside: tuple[_Held, ...] = ()
    rank: str | None = None

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.table.names if isinstance(self.table, SparkTable) else self.table.column_names)

    @property
    def kinds(self) -> dict[str, ColumnType | None]:
        """What queries may read of it; the rank is no column of the data."""
        known = self.table.kinds if isinstance(self.table, SparkTable) else kinds_of(self.table.schema)
        return {name: None if name == self.rank else kind for name, kind in known.items()}


def _held(
    frame: Any,  # noqa: ANN401 - any data frame
    sql: str | Asked,
    person: str | Mapping[str, str],
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration],
) -> _Held:
    """Tell the frame that is asked from those that may be joined with it."""
    if not isinstance(frame, Mapping):
        if not isinstance(person, str):
            raise Refused("dp.two-people")
        if isinstance(declaration, Mapping):
            raise CallerError("dp.not-a-frame")
        table = SparkTable(frame) if is_spark(frame) else arrow_of(frame)
        return _Held(FRAME, table, person, declaration)
    whom = dict.fromkeys(frame, person) if isinstance(person, str) else person
    if not isinstance(whom, Mapping) or not all(isinstance(whom.get(name), str) for name in frame):
        raise Refused("dp.two-people")
    if any(isinstance(each, _NO_FRAMES) for each in frame.values()):
        raise CallerError("dp.not-a-frame")
    if not frame or not isinstance(declaration, Mapping) or not frame.keys() <= declaration.keys():
        raise CallerError("dp.frames-undeclared")
    asked = asked_of(sql, tuple(frame)) if isinstance(sql, str) else next(iter(frame))
    held = {name: _Held(name, arrow_of(each), whom[name], declaration[name]) for name, each in frame.items()}
    return replace(held[asked], beside=tuple(each for name, each in held.items() if name != asked))


@called("dp.bounds", max_rows=WHOLE)
def bounds(
    frame: Any,  # noqa: ANN401 - any data frame
    column: str,
    *,
    person: str,
    max_rows: int,
    epsilon: str | float | Decimal | Fraction,
    budget: Budget,
) -> tuple[FoundBounds, Budget]:
    """Find value bounds of a column in private, to be declared by whoever may; nothing is applied.

    Args:
        frame: An Arrow table, or a Polars or pandas data frame.
        column: A column of numbers.
        person: The column that names the person of each row; rows about nobody do not count.
        max_rows: Rows of one person that count at most.
        epsilon: What they may cost.
        budget: What it is taken from.

    Returns:
        The bounds, none where too few rows lie anywhere, and the budget that is left.

    Raises:
        Refused: ``dp.budget-exhausted``, or what cannot be bounded.
        CallerError: When the column, the frame or the epsilon is malformed.
        Fault: ``engine.failed``, as for :func:`query`; the price was paid by then.

    Guarantee: epsilon-differential privacy for adding or removing all rows of one person.
    Cost: exactly ``epsilon``, spent before the values are read.
    """
    table = arrow_of(frame)
    declared = DatasetDeclaration(max_rows=max_rows, version=1)
    readable, hidden = _columns(_Held(FRAME, table, person, declared))
    plan = plan_widths(column, declared, readable, Price.of(epsilon), FRAME, hidden)
    left = budget.spend(plan.cost)
    from hedgerow.kernel.aggregation import aggregate, draw_ranks, number_people

    whom = table.column(person)
    with _untold():
        exact = aggregate(table, draw_ranks(whom), plan.aggregation, number_people(whom))
        return find_widths(exact, plan), left


@called("dp.table")
def table(
    frame: Any,  # noqa: ANN401 - any data frame
    *,
    person: str | Mapping[str, str],
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration],
) -> Table[tuple[Answer, Budget]]:
    """Begin a private query on a data frame that is built step by step, without SQL.

    Args:
        frame: As for :func:`query`; of several the first is asked, and others may be joined.
        person: The column that names the person of each row.
        declaration: Rows per person, bounds and keys.

    Returns:
        The table; ``answer(epsilon, budget=...)`` of it gives what :func:`query` gives, ``explain(epsilon)``
        what :func:`explain` gives.
    """
    return Table(_Frame(frame, person, declaration))


@dataclass(frozen=True, slots=True)
class _Frame:
    """A data frame, to which questions are put."""

    frame: Any = field(repr=False)
    person: str | Mapping[str, str]
    declaration: DatasetDeclaration | Mapping[str, DatasetDeclaration]

    @called("answer")
    def answer(
        self,
        query: Asked,
        /,
        *,
        budget: Budget,
        epsilon: str | float | Decimal | Fraction | None = None,
        rho: str | float | Decimal | Fraction | None = None,
        discover_keys: str | float | Decimal | Fraction | None = None,
        public: Mapping[str, Any] | None = None,
        rank: str | None = None,
    ) -> tuple[Answer, Budget]:
        return _query(
            self.frame,
            query,
            person=self.person,
            declaration=self.declaration,
            epsilon=epsilon,
            rho=rho,
            discover_keys=discover_keys,
            budget=budget,
            public=public,
            rank=rank,
        )

    @called("explain")
    def explain(
        self,
        query: Asked,
        /,
        *,
        epsilon: str | float | Decimal | Fraction | None = None,
        rho: str | float | Decimal | Fraction | None = None,
        discover_keys: str | float | Decimal | Fraction | None = None,
        public: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        return explain(
            self.frame,
            query,
            person=self.person,
            declaration=self.declaration,
            epsilon=epsilon,
            rho=rho,
            discover_keys=discover_keys,
            public=public,
        )


_query = query


@contextmanager
def _untold() -> Iterator[None]:
    """Let no failure quote the data it failed on, or tell by its kind how it failed."""
    try:
        yield
    except (CallerError, Refused):
        raise  # what rests on the types of columns alone
    except Exception:  # noqa: BLE001 - counting may fail in any way; no way may tell data
        raise Fault("engine.failed", reason="the price stays spent") from None


def _plan(
    held: _Held,
    sql: str | Asked,
    price: Price,
    public: Mapping[str, Any] | None = None,
) -> QueryPlan:
    readable, hidden = _columns(held)
    if held.beside and any(each.declaration.unit != PERSON for each in (held, *held.beside)):
        raise Refused("dp.unit-people", what="Joins of data frames", unit="another")
    people = {each.person for each in (held, *held.beside)}
    if held.declaration.unit == "household" and held.declaration.unit_column:
        people.add(held.declaration.unit_column)
    tables: dict[str, Joinable] = {}
    for name, each in (public or {}).items():
        table = arrow_of(each)
        tables[name] = public_table(name, table, kinds_of(table.schema), people)
    for other in held.beside:
        known, apart = _columns(other)
        columns = {**known, **dict.fromkeys(apart)}
        tables[other.name] = PrivateTable(other.name, columns, other.person, other.declaration)
    try:
        return plan_query(sql, held.declaration, readable, price, held.name, hidden, held.person, tables)
    except Refused as refusal:
        if refusal.code not in _HERE:
            raise
        raise Refused(_HERE[refusal.code], **refusal.details) from None


def _columns(held: _Held) -> tuple[dict[str, ColumnType], frozenset[str]]:
    """Tell the types of the columns that queries read, and the others."""
    if held.names.count(held.person) != 1:
        raise CallerError("dp.unknown-column", column=shown(held.person), dataset=held.name)
    twice = next((name for name in held.names if held.names.count(name) > 1), None)
    if twice is not None:
        raise CallerError("dp.ambiguous-column", column=shown(twice), by="frame")
    kinds = {name: kind for name, kind in held.kinds.items() if name != held.person}
    known = {name: kind for name, kind in kinds.items() if kind is not None}
    household = check_unit(held.declaration, known)
    readable = {name: kind for name, kind in known.items() if name != household}
    return readable, frozenset({held.person} | (kinds.keys() - readable.keys()))


def _ranked(held: _Held, rank: str) -> _Held:
    if not isinstance(held.table, SparkTable) or held.names.count(rank) != 1:
        raise CallerError("dp.bad-rank", column=shown(str(rank)))
    return replace(held, rank=rank)


def _found(held: _Held, plan: QueryPlan) -> Answer:
    """Answer on the frame, or let Spark count."""
    if not isinstance(held.table, SparkTable):
        return _answer(_rows(held, plan), plan)
    if plan.selection is not None:
        raise CallerError("engine.element", element="discover_keys")
    if held.declaration.unit != PERSON:
        raise CallerError("engine.element", element="unit")
    return run(held.table.exact(plan.aggregation, held.person, held.rank), plan)


def _rows(held: _Held, plan: QueryPlan) -> PersonRows:
    """Give the rows that are asked: of one frame, or of several joined on the person."""
    import pyarrow as pa

    from hedgerow.kernel.aggregation import (
        PersonRows,
        as_column,
        draw_ranks,
        join_people,
        number_units,
        pick_ranks,
    )

    source = plan.aggregation.source
    if not source.beside:
        by = held.declaration.unit_column
        whose = None if by is None else held.table.column(by)
        units = number_units(held.table.column(held.person), plan.unit, whose)
        if plan.selection is None and not source.bounds_groups:
            # Nothing asks in which order rows count: none has to be sorted.
            return PersonRows(held.table, pick_ranks(units, source.max_rows), units)
        return PersonRows(held.table, draw_ranks(as_column(units)), units)
    rows, everybody = {}, (held, *held.beside)
    for each, numbers in zip(everybody, _alike(everybody), strict=True):
        ranks = draw_ranks(pa.array(numbers, mask=numbers < 0))
        rows[each.name] = PersonRows(each.table, ranks, numbers)
    return join_people(rows.pop(held.name), rows, source)


def _answer(rows: PersonRows, plan: QueryPlan) -> Answer:
    from hedgerow.kernel.aggregation import aggregate, search_keys

    if plan.selection is not None:
        plan = plan.selecting(search_keys(rows.table, rows.ranks, plan.selection.search, rows.people))
    spec = plan.aggregation.joined_beside
    return run(aggregate(rows.table, rows.ranks, spec, rows.people), plan)


def _alike(frames: Sequence[_Held]) -> Iterator[Any]:
    """Number the people of several frames alike."""
    import pyarrow as pa

    from hedgerow.kernel.aggregation import number_people

    columns, first = [each.table.column(each.person) for each in frames], frames[0]
    kinds = [kinds_of(each.table.schema)[each.person] for each in frames]
    shared = {ColumnType.TEXT: pa.large_string(), ColumnType.INTEGER: pa.decimal128(20, 0)}.get(
        kinds[0] or ColumnType.DECIMAL
    )
    for each, kind in zip(frames, kinds, strict=True):
        if kind is not kinds[0] or shared is None:
            told = "people" if kinds[0] is None else KINDS[kinds[0]]
            theirs = "people" if kind is None else KINDS[kind]
            raise CallerError(
                "dp.join-types",
                column=shown(first.person),
                kind=told,
                other=shown(each.person),
                their_kind=theirs,
            )
    plain = [pa.chunked_array(_cast(column, shared), shared) for column in columns]
    numbers = number_people(pa.chunked_array([chunk for column in plain for chunk in column.chunks], shared))
    start = 0
    for column in columns:
        yield numbers[start : start + len(column)]
        start += len(column)


def _cast(column: Any, kind: Any) -> Iterator[Any]:  # noqa: ANN401 - Arrow columns and types
    import pyarrow as pa

    for chunk in column.chunks:
        values = chunk.dictionary_decode() if isinstance(chunk, pa.DictionaryArray) else chunk
        yield values.cast(kind)
