"""The relation: granted columns of allowed people, as exact integers or as a table.

Every read goes through ``_part`` or ``_kept``, where the people filter is decided row by row; what a caller
did not ask for at ``scan`` cannot be read.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa

from hedgerow.adapters.engines.buckets import OpenBucket, open_bucket, random_order
from hedgerow.adapters.engines.compiling import (
    GROUP,
    RANKED,
    WHOM,
    Program,
    compile_gathering,
    compile_program,
)
from hedgerow.adapters.engines.contributions import within_bounds
from hedgerow.adapters.engines.found import people_of_files, rows_of
from hedgerow.adapters.engines.groups import group_count, number_groups
from hedgerow.adapters.engines.lowering import lower_column, lowering_of
from hedgerow.adapters.engines.of_units import aggregate_units
from hedgerow.adapters.engines.people import Mask, Numbers, allowed_rows, by_person
from hedgerow.adapters.engines.totals import Partial, Totals, cells_of, people_of
from hedgerow.kernel.aggregation import (
    Joining,
    PersonRows,
    aggregate,
    gather,
    join_people,
    told_keys,
)
from hedgerow.model.engine import PERSON, RANK, RESERVED
from hedgerow.model.errors import CallerError, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from hedgerow.adapters.engines.duck import DuckPool
    from hedgerow.model.engine import BucketFile, Relation, Shelf
    from hedgerow.model.gathering import Gathering
    from hedgerow.model.plans import Combination, ExactAggregation, KeySearch

_SPARSE = 4
_UNIT_ROWS = 400_000
_S = TypeVar("_S")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, eq=False)
class BucketRelation:
    """What one lease may read.

    Args:
        shelf: Where the files lie.
        duck: Computes.
        files: The files that can hold an allowed person.
        columns: The granted columns.
        allowed: Internal numbers of the allowed people, strictly increasing.
        own: Those of each file's bucket, by the file's name.
        threads: How many pieces of about half a million rows are worked on at once.
    """

    shelf: Shelf = field(repr=False)
    duck: DuckPool = field(repr=False)
    files: tuple[BucketFile, ...]
    columns: tuple[str, ...]
    allowed: Numbers = field(repr=False)
    own: Mapping[str, Numbers] = field(repr=False)
    threads: int

    def aggregate(
        self, plan: ExactAggregation, others: Mapping[str, Relation] | None = None
    ) -> list[tuple[int, ...]]:
        """Compute exact integers for every combination of declared keys.

        Args:
            plan: Keys, aggregates, predicate and contribution bound. Sums of floating columns round
                the double product of value and ``10**digits``, half to even.
            others: What a lease may read of the data sets that the plan joins, by name.

        Returns:
            One tuple of integers for each combination, in row-major order of the domains: the
            aggregates and then each histogram, bin by bin; zeros where no row counts.

        Raises:
            CallerError: ``engine.column-not-granted`` and whatever the plan has wrong.
            Fault: When a file cannot be read or the engine fails.

        Guarantee:
            No row of a person outside the filter, and none ranked ``max_rows`` or later, adds to any
            integer; nor does one beyond the plan's bounds over groups. Where the unit is no person, see
            :func:`hedgerow.kernel.aggregation.rank_units`.
        """
        self._granted(plan.columns)
        if plan.of_unit is not None:
            return aggregate_units(self.table(with_person=True), plan, plan.of_unit)
        if plan.source.beside:
            return self._beside(plan, others or {})
        totals, joining, inner = Totals(plan), Joining(plan.lookups), Joining(plan.source.lookups)
        # People are counted, gathered, and bounded over groups over all files that may hold the same person.
        is_whole = plan.counts_people or plan.bounds_groups or plan.gathering is not None
        pieces = by_person(self.files) if is_whole else [[file] for file in self.files]
        for partial in self._each(_units(pieces), lambda files: self._partial(files, plan, joining, inner)):
            totals.add(partial)
        return totals.rows()

    def keys(self, search: KeySearch) -> list[tuple[Combination, int]]:
        """Count the people of each combination of keys that rows hold.

        Args:
            search: Columns, predicate and contribution bounds.

        Returns:
            Each combination of enough people with its exact count, in the order of the keys.

        Raises:
            CallerError: ``engine.column-not-granted``, ``engine.column-type``.
            Fault: When a file cannot be read or the engine fails.

        Guarantee:
            As :meth:`aggregate`; each person counts once in a combination and in ``max_groups`` of them at
            most.
        """
        self._granted(search.read)
        units, joining = _units(by_person(self.files)), Joining(search.lookups)
        counted = list(self._each(units, lambda files: self._people_of_keys(files, search, joining)))
        return told_keys(counted, search.least) if counted else []

    def _beside(self, plan: ExactAggregation, others: Mapping[str, Relation]) -> list[tuple[int, ...]]:
        """Join rows of several data sets by the internal number of the person, and compute over them.

        Each is bounded by its own ranks first; the rows that may count are held in memory meanwhile.
        """
        if plan.of_unit is not None:
            raise Fault("engine.failed", reason="rows of several data sets are those of people")
        source = plan.source
        first, held = self.people_rows(plan.columns, source.max_rows), {}
        whom = np.unique(first.people)
        for one in source.beside:
            other = others.get(one.name)
            if not isinstance(other, BucketRelation):
                raise Fault("engine.failed", reason="a data set that is joined was not opened")
            rows = other.people_rows(one.read, one.max_rows)
            held[one.name] = replace(rows, people=_placed(whom, rows.people))
        joined = join_people(replace(first, people=_placed(whom, first.people)), held, source)
        # Joined and bounded already.
        found = aggregate(joined.table, joined.ranks, plan.joined_beside, joined.people)
        return [tuple(row) for row in found]

    def people_rows(self, names: frozenset[str], max_rows: int) -> PersonRows:
        """Read the rows of the allowed people that are ranked below a bound, with whose each is.

        Args:
            names: Granted columns.
            max_rows: The bound on the rank of a row among its person's.

        Returns:
            The rows; people by their internal numbers, which are the same in every data set.

        Raises:
            CallerError: ``engine.column-not-granted``.
            Fault: When a file cannot be read.
        """
        self._granted(names)
        parts = list(self._each(self.files, lambda file: self._of_people(file, sorted(names), max_rows)))
        whole = _whole(parts, [*sorted(names), PERSON, RANK])
        ranks, people = (whole[name].to_numpy().astype(np.int64) for name in (RANK, PERSON))
        # Person and rank stay: a table without columns would have no rows.
        return PersonRows(whole, ranks, people)

    def _of_people(self, file: BucketFile, names: Sequence[str], max_rows: int) -> pa.Table:
        opened = open_bucket(file, self.shelf)
        physical = [opened.physical(name) for name in names]
        rows, counts = self._part(opened, physical, max_rows, with_rank=True)
        kept = rows.filter(pa.array(counts)).select([*physical, PERSON, RANK])
        return kept.rename_columns([*names, PERSON, RANK]).replace_schema_metadata(None)

    def _people_of_keys(self, files: Sequence[BucketFile], search: KeySearch, joining: Joining) -> pa.Table:
        parts = []
        for file in files:
            opened = open_bucket(file, self.shelf)
            physical = {name: opened.physical(name) for name in sorted(search.read)}
            rows, counts = self._part(opened, list(physical.values()), search.max_rows, with_rank=True)
            if search.lookups:
                rows, physical, counts = _joined(rows, physical, counts, joining)
            parts.append(rows_of(self.duck, rows, physical, counts, search))
        return people_of_files(parts, search)

    def table(self, *, with_person: bool = False) -> pa.Table:
        """Read the granted columns of the allowed people.

        Args:
            with_person: Add ``_person``, last, and keep rows of a person together. Without it the
                rows are shuffled, so that their order does not tell who belongs together.

        Returns:
            The rows.

        Raises:
            CallerError: ``engine.column-unknown``.
            Fault: When a file cannot be read.
        """
        parts = list(self._each(self.files, lambda file: self._kept(file, with_person=with_person)))
        whole = _whole(parts, [*self.columns, *([PERSON] if with_person else [])])
        if with_person or not parts:
            return whole
        return whole.combine_chunks().take(pa.array(random_order().permutation(whole.num_rows)))

    def _granted(self, names: Iterable[str]) -> None:
        for name in sorted(names):
            if name not in self.columns:
                raise CallerError("engine.column-not-granted", column=name)

    def _each(self, pieces: Sequence[_S], work: Callable[[_S], _T]) -> Iterator[_T]:
        """Work with few threads, results in order and only a few waiting: memory stays bounded."""
        if len(pieces) <= 1 or self.threads == 1:
            yield from map(work, pieces)
            return
        with ThreadPoolExecutor(self.threads) as crew:
            waiting = iter(pieces)
            pending = [crew.submit(work, piece) for piece in islice(waiting, self.threads + 1)]
            try:
                while pending:
                    yield pending.pop(0).result()
                    pending += [crew.submit(work, piece) for piece in islice(waiting, 1)]
            finally:
                for future in pending:
                    future.cancel()

    def _partial(
        self, files: Sequence[BucketFile], plan: ExactAggregation, joining: Joining, inner: Joining
    ) -> Partial:
        """Aggregate a few files, those of one shape in one statement."""
        if plan.gathering is None:
            shapes = self._shapes(files, plan, joining)
        else:
            shapes = [_lower(*self._gathered(files, plan.gathering, inner), plan, joining)]
        count, pairs = group_count(plan.keys, plan.selected), []
        found = Partial([], [np.zeros(count * one.bins, dtype=np.int64) for one in plan.histograms])
        for program, rows in shapes:
            if program.rows is not None:
                found.rows.extend(self.duck.rows(rows, program.rows.sql, program.rows.parameters))
            if program.pairs is not None:
                pairs.append(self.duck.arrays(rows, program.pairs.sql, program.pairs.parameters))
            for place, statement in enumerate(program.values):
                groups, steps = self.duck.arrays(rows, statement.sql, statement.parameters)
                found.bins[place] += cells_of(plan.histograms[place], groups, steps, count)
        found.rows.extend(people_of(plan, pairs, self.allowed))
        return found

    def _shapes(
        self, files: Sequence[BucketFile], plan: ExactAggregation, joining: Joining, *, gathers: bool = False
    ) -> list[tuple[Program, pa.Table]]:
        """Read a few files, those of one shape as one table, and bound their rows over groups."""
        shapes: dict[tuple[Program, pa.Schema], list[pa.Table]] = {}
        for file in files:
            program, table = self._lowered(file, plan, joining, gathers=gathers)
            shapes.setdefault((program, table.schema), []).append(table)
        whole = [(program, pa.concat_tables(tables)) for (program, _), tables in shapes.items()]
        return within_bounds(self.duck, whole, plan)

    def _gathered(
        self, files: Sequence[BucketFile], gathering: Gathering, joining: Joining
    ) -> tuple[pa.Table, dict[str, str], Mask]:
        """Gather the rows of the people of a few files, which hold all of theirs."""
        found = [
            self.duck.arrays(rows, program.gathered.sql, program.gathered.parameters)
            for program, rows in self._shapes(files, gathering.rows, joining, gathers=True)
            if program.gathered is not None
        ]
        people, groups, *parts = (np.concatenate(columns) for columns in zip(*found, strict=True))
        values = [(steps, held.astype(np.bool_)) for steps, held in zip(parts[::2], parts[1::2], strict=True)]
        table, whom = gather(gathering, people, groups, values)
        rows = table.append_column(PERSON, pa.array(whom))
        return rows, {name: name for name in table.column_names}, np.ones(len(whom), dtype=np.bool_)

    def _lowered(
        self, file: BucketFile, plan: ExactAggregation, joining: Joining, *, gathers: bool
    ) -> tuple[Program, pa.Table]:
        """Read one file for a program; rows that must not count have a negative group."""
        opened = open_bucket(file, self.shelf, as_codes=True)
        physical = {name: opened.physical(name) for name in sorted(plan.columns)}
        rows, counts = self._part(
            opened, list(physical.values()), plan.max_rows, with_rank=plan.bounds_groups
        )
        return _lower(rows, physical, counts, plan, joining, gathers=gathers)

    def _part(
        self, opened: OpenBucket, physical: list[str], max_rows: int, *, with_rank: bool
    ) -> tuple[pa.Table, Mask]:
        """Read columns and tell which rows may count: allowed person, rank below the bound."""
        is_bounded = opened.max_rank < max_rows
        needed = [PERSON] if is_bounded and not with_rank else [PERSON, RANK]
        allowed = self.own[opened.file.name]
        rows = opened.read([*physical, *needed], allowed)
        counts = allowed_rows(allowed, rows[PERSON].to_numpy())
        if not is_bounded:
            counts &= rows[RANK].to_numpy() < max_rows
        return rows, counts

    def _kept(self, file: BucketFile, *, with_person: bool) -> pa.Table:
        opened = open_bucket(file, self.shelf)
        physical = [opened.physical(name) for name in self.columns]
        allowed = self.own[file.name]
        rows = opened.read([*physical, PERSON], allowed)
        kept = rows.filter(pa.array(allowed_rows(allowed, rows[PERSON].to_numpy())))
        names = [*physical, *([PERSON] if with_person else [])]
        shown = [*self.columns, *([PERSON] if with_person else [])]
        return kept.select(names).rename_columns(shown).replace_schema_metadata(None)


def _placed(whom: Numbers, people: Numbers) -> Numbers:
    """Number people by their places among some, from 0; -1 for whoever is not among them."""
    if not len(whom):
        return np.full(len(people), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(whom, people), len(whom) - 1)
    found: Numbers = np.where(whom[places] == people, places, -1)
    return found


def _whole(parts: Sequence[pa.Table], names: Sequence[str]) -> pa.Table:
    """Put the rows of files together; without any, columns without rows."""
    if not parts:
        kinds = dict.fromkeys(RESERVED, pa.int64())
        return pa.table({name: pa.nulls(0, kinds.get(name, pa.null())) for name in names})
    try:
        return pa.concat_tables(parts, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        raise Fault("engine.failed", reason="files of one data set disagree on a column") from None


def _units(pieces: Sequence[Sequence[BucketFile]]) -> list[list[BucketFile]]:
    """Put pieces together until a statement has enough rows to be worth its start."""
    units: list[list[BucketFile]] = []
    rows = _UNIT_ROWS
    for piece in pieces:
        if rows >= _UNIT_ROWS:
            units.append([])
            rows = 0
        units[-1].extend(piece)
        rows += sum(file.rows for file in piece)
    return units


def _computed(plan: ExactAggregation) -> frozenset[str]:
    """The columns DuckDB itself must see: keys of the data set alone are numbers by then."""
    return replace(plan, keys=tuple(key for key in plan.keys if key.place is not None)).named


def _lower(
    rows: pa.Table,
    physical: Mapping[str, str],
    counts: Mask,
    plan: ExactAggregation,
    joining: Joining,
    *,
    gathers: bool = False,
) -> tuple[Program, pa.Table]:
    """Join rows and bring them to few kinds of columns, for a program of their own."""
    if plan.lookups:
        rows, physical, counts = _joined(rows, physical, counts, joining)
    names = sorted(plan.named)
    lowerings = {name: lowering_of(rows[physical[name]].type) for name in names}
    columns = {name: (lower_column(rows[physical[name]]), lowerings[name]) for name in names}
    compiled = compile_gathering if gathers else compile_program
    program = compiled(plan, {name: (at, lowerings[name]) for at, name in enumerate(names)})
    read = {f"c{at}": columns[name][0] for at, name in enumerate(names) if name in _computed(plan)}
    whom = {WHOM: rows[PERSON]} if gathers or plan.counts_people or plan.bounds_groups else {}
    whom |= {RANKED: rows[RANK]} if plan.bounds_groups else {}
    table = pa.table({GROUP: number_groups(plan.keys, columns, counts, plan.selected)} | read | whom)
    if np.count_nonzero(counts) * _SPARSE < len(counts):
        table = table.filter(pa.array(counts))
    return program, table


def _joined(
    rows: pa.Table, physical: Mapping[str, str], counts: Mask, joining: Joining
) -> tuple[pa.Table, dict[str, str], Mask]:
    """Join the rows that may count with public tables; the columns then have their own names."""
    kept = rows.filter(pa.array(counts))
    joined, places = joining(kept.select(list(physical.values())).rename_columns(list(physical)))
    for name in RESERVED & set(kept.column_names):
        joined = joined.append_column(name, kept[name].take(pa.array(places)))
    return joined, {name: name for name in joined.column_names}, np.ones(joined.num_rows, dtype=np.bool_)
