"""k-anonymous tables by local recoding: each class of rows has levels of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity.coding import Flags, Ints
from hedgerow.kernel.anonymity.grouping import Pairs, distinct_pairs
from hedgerow.kernel.anonymity.partition import FurtherTest
from hedgerow.kernel.anonymity.recoding import TOGETHER, Recoded, recode
from hedgerow.kernel.anonymity.risk import histogram
from hedgerow.model.anonymity import (
    ANY_VALUE,
    ColumnGeneralisation,
    Hierarchy,
    Reached,
    ReleaseParameters,
    RiskSummary,
    SensitiveDiversity,
)
from hedgerow.model.calls import CLASS_ROWS, WHOLE, door
from hedgerow.model.criteria import Model
from hedgerow.model.errors import CallerError, Fault, Refused
from hedgerow.model.recoding import LocallyRecodedTable, RecodedClass
from hedgerow.techniques.anonymity.columns import Coded, coded, plain
from hedgerow.techniques.anonymity.frames import arrow_of, frame_of, native_of
from hedgerow.techniques.anonymity.measuring import measured_with_people
from hedgerow.techniques.anonymity.parameters import Share, check, check_columns, release_parameters
from hedgerow.techniques.anonymity.recount import Finished, recounted
from hedgerow.techniques.anonymity.source import Source, source_of

FrameT = TypeVar("FrameT")
ClassTest: TypeAlias = Callable[[Mapping[Any, int]], bool]


@door("anonymity.k_anonymous_locally", {"k": CLASS_ROWS, "together": WHOLE})
def k_anonymous_locally(  # noqa: PLR0913 - keywords, each a choice of its own
    table: FrameT,
    *,
    quasi: Sequence[str],
    k: int,
    sensitive: Sequence[str] = (),
    keep: Sequence[str] = (),
    suppression_limit: Share = 0,
    l: int | None = None,  # noqa: E741 - the field's own word, as k
    holds: Mapping[str, ClassTest] | None = None,
    hierarchies: Mapping[str, Hierarchy] | None = None,
    max_levels: Mapping[str, int] | None = None,
    person: str | None = None,
    models: Sequence[str | Model] = (),
    population: int | None = None,
    together: int = TOGETHER,
) -> LocallyRecodedTable[FrameT]:
    """Make a k-anonymous table in which each class of rows is generalised only as far as it needs.

    Args:
        table: A pyarrow, pandas or Polars table; a pandas index is left behind.
        quasi: Quasi-identifiers: columns that identify people in combination.
        k: Least number of rows in a class, at least 2.
        sensitive: Sensitive attributes, released as they are.
        keep: Other columns released as they are, on your word that they identify nobody.
        suppression_limit: Largest share of rows dropped.
        l: Least number of distinct values of each sensitive attribute in a class, or none.
        holds: Per sensitive attribute a test of each class, given how many rows have each value (none is
            missing); it must hold for what joins classes that pass.
        hierarchies: Hierarchy per quasi-identifier; those left out are built from the values.
        max_levels: Coarsest level allowed per quasi-identifier.
        person: Column that tells whose row it is, where a person may have several; not released.
        models: What must hold besides k, as ``k_anonymous`` takes it, but for a table of the population.
        population: How many people the population has, for models that need it.
        together: Distinct combinations compared with each other: it moves speed and loss only.

    Returns:
        The table, of the kind given, its classes and risk; in no ledger. What is generalised is text.

    Raises:
        CallerError: For what does not fit, or a column not listed.
        Refused: ``anonymity.unreachable``.

    Guarantee:
        Each combination of released quasi-identifiers stands in ``k`` rows (of ``k`` people with
        ``person``) that pass what is asked. It is neither anonymous nor the least loss.
    """
    asked = release_parameters(
        quasi=quasi, k=k, sensitive=sensitive, keep=keep, suppression_limit=suppression_limit, l=l,
        hierarchies=hierarchies, max_levels=max_levels, person=person, models=models, population=population,
    )  # fmt: skip
    return _of_frame(table, asked, holds, together)


def _of_frame(
    table: FrameT, asked: ReleaseParameters, holds: Mapping[str, ClassTest] | None, together: int
) -> LocallyRecodedTable[FrameT]:
    frame = frame_of(table)
    check_columns(asked, frame.columns)
    for name in frame.columns:
        if name not in asked.columns:
            raise CallerError("anonymity.unlisted-column", column=name)
    made = locally_recoded(arrow_of(frame), asked, ungoverned=True, holds=holds, together=together)
    return replace(made, table=native_of(made.table, frame))


def locally_recoded(
    table: pa.Table,
    asked: ReleaseParameters,
    *,
    ungoverned: bool,
    holds: Mapping[str, ClassTest] | None = None,
    together: int = TOGETHER,
) -> LocallyRecodedTable[pa.Table]:
    """Recode a table locally.

    Args:
        table: The raw rows; columns that are not asked for are not read.
        asked: Columns, k and limits.
        ungoverned: Whether no gate admitted this.
        holds: Tests of each class per sensitive attribute.
        together: Distinct combinations compared with each other.

    Returns:
        The listed columns of the rows that stay, in the table's column order.

    Raises:
        CallerError: For parameters, columns or hierarchies that do not fit the table.
        Refused: ``anonymity.unreachable``.
        Fault: ``anonymity.recount``: the finished table failed its independent recount.

    Guarantee:
        As ``k_anonymous_locally``; what leaves is a function of the rows, not of their order.
    """
    check(asked)
    check_columns(asked, table.column_names)
    recoding = _Recoding.of(source_of(table, asked), holds or {})
    problem = recoding.source.problem
    weights = [float(dict(asked.weights).get(name, 1)) for name in asked.quasi]
    made = recode(problem, also=recoding.further_test(), weights=weights, together=together)
    if made is None or not made.kept.any() or recoding.keeps_nothing(made):
        raise Refused("anonymity.unreachable", k=asked.k, l=asked.l or "none")
    classes, class_of_row = recoding.classes(made)
    rows = np.flatnonzero(made.kept[problem.tuples.of_row])
    released = recoding.released(made, classes, class_of_row, rows)
    order = pc.sort_indices(released, sort_keys=[(name, "ascending") for name in released.column_names])
    released, rows = released.take(order), rows[order.to_numpy()]
    reached = recoding.recounted(released, rows)
    firsts, row_classes = _in_order(class_of_row[rows])
    return LocallyRecodedTable(
        released,
        recoding.risk(made, class_of_row, rows),
        tuple(replace(classes[one], rows=count) for one, count in firsts),
        tuple(row_classes.tolist()),
        ungoverned=ungoverned,
        reached=reached,
        measures=measured_with_people(released, asked, recoding.people_of(rows)),
        people=None if asked.person is None else table[asked.person].take(pa.array(rows)),
    )


@dataclass(frozen=True, slots=True)
class _Recoding:
    """A table as it is recoded, with tests of its classes' values."""

    source: Source
    hierarchies: tuple[Hierarchy, ...]
    holds: Mapping[str, ClassTest]

    @classmethod
    def of(cls, source: Source, holds: Mapping[str, ClassTest]) -> _Recoding:
        for name in holds:
            if name not in source.asked.sensitive:
                raise CallerError("anonymity.test-of-no-sensitive", column=name)
        return cls(source, tuple(each.hierarchy for each in source.quasi), holds)

    def further_test(self) -> FurtherTest | None:
        """All tests of value counts as one."""
        of_row = self.source.problem.tuples.of_row
        tests = [
            _value_test(of_row, coded(self.source.table, name), test) for name, test in self.holds.items()
        ]
        if not tests:
            return None
        return lambda classes: np.logical_and.reduce([test(classes) for test in tests])

    def keeps_nothing(self, made: Recoded) -> bool:
        """Whether every cell that stays became ``*``."""
        tops = np.asarray([hierarchy.top for hierarchy in self.hierarchies])
        return bool((made.levels[made.class_of_tuple[made.kept]] == tops).all())

    def classes(self, made: Recoded) -> tuple[list[RecodedClass], Ints]:
        """The classes by what they read, and that of each row; rows are counted later."""
        places: dict[tuple[str | None, ...], int] = {}
        classes: list[RecodedClass] = []
        of_made = np.zeros(len(made.sizes), dtype=np.int64)
        for number, (levels, groups) in enumerate(
            zip(made.levels.tolist(), made.groups.tolist(), strict=True)
        ):
            labels = tuple(map(_label, self.hierarchies, levels, groups))
            if labels not in places:
                places[labels] = len(classes)
                classes.append(RecodedClass(0, tuple(levels), labels))
            of_made[number] = places[labels]
        return classes, of_made[made.class_of_tuple][self.source.problem.tuples.of_row]

    def released(
        self, made: Recoded, classes: Sequence[RecodedClass], class_of_row: Ints, rows: Ints
    ) -> pa.Table:
        """The rows that stay, as they read."""
        table, asked = self.source.table, self.source.asked
        columns: dict[str, pa.Array] = {}
        taken = pa.array(rows)
        inside = pa.array(class_of_row[rows])
        coarsest = made.levels[made.class_of_tuple[made.kept]].max(axis=0)
        for place, column in enumerate(each.column for each in self.source.quasi):
            if coarsest[place] == 0:
                columns[column.name] = column.array.take(taken)
            else:
                labels = pa.array([each.labels[place] for each in classes], pa.string())
                columns[column.name] = labels.take(inside)
        for name in (*asked.sensitive, *asked.keep):
            columns[name] = plain(table, name).take(taken)
        # A table made anew: no index, no metadata and no dictionary of the source comes along.
        return pa.table({name: columns[name] for name in table.column_names if name in columns})

    def risk(self, made: Recoded, class_of_row: Ints, rows: Ints) -> RiskSummary:
        """The risk, counted on the rows that stay."""
        names, classes = np.unique(class_of_row[rows], return_inverse=True)
        sizes = np.bincount(classes, minlength=len(names)).astype(np.int64)
        fewest, people = None, self.source.people
        if people is not None:
            fewest = int(distinct_pairs(classes, people[rows]).distinct(len(names)).min())
        return RiskSummary(
            k=self.source.asked.k,
            rows=self.source.problem.tuples.rows,
            released_rows=len(rows),
            suppressed_rows=made.suppressed,
            class_sizes=histogram(sizes),
            columns=tuple(self._column(made, place) for place in range(len(self.hierarchies))),
            sensitive=tuple(
                _diversity(each.name, distinct_pairs(classes, each.codes[rows]), sizes)
                for each in self.source.sensitive
            ),
            loss=made.loss,
            fewest_people=fewest,
        )

    def _column(self, made: Recoded, place: int) -> ColumnGeneralisation:
        problem, name = self.source.problem, self.source.asked.quasi[place]
        tuples, maps = problem.tuples, problem.columns[place]
        levels = made.levels[made.class_of_tuple, place]
        weights = np.where(made.kept, tuples.counts, 0)
        losses = np.asarray(maps.losses)[levels, tuples.codes[place]]
        granularity = 1 - float(weights @ losses) / int(weights.sum())
        return ColumnGeneralisation(name, int(levels[made.kept].max()), maps.top, granularity)

    def recounted(self, released: pa.Table, rows: Ints) -> tuple[Reached, ...]:
        """Count the finished table once more, by other code than the recoding's."""
        source = self.source
        people = self.people_of(rows)
        _count_classes(released, source.asked, people)
        for name, test in self.holds.items():
            values: defaultdict[tuple[Any, ...], Counter[Any]] = defaultdict(Counter)
            cells = zip(*(released[each].to_pylist() for each in source.asked.quasi), strict=True)
            for cell, value in zip(cells, released[name].to_pylist(), strict=True):
                values[cell][value] += 1
            if not all(test(each) for each in values.values()):
                raise Fault("anonymity.recount")
        whose = None if people is None else people.tolist()
        return recounted(Finished(released, source.table, source.asked, whose))

    def people_of(self, rows: Ints) -> Ints | None:
        """Whose each row is, where that is told."""
        return None if self.source.people is None else self.source.people[rows]


def _label(hierarchy: Hierarchy, level: int, group: int) -> str | None:
    if level == hierarchy.top:
        return ANY_VALUE
    labels = hierarchy.labels[level - 1] if level else hierarchy.values
    return labels[group] if group < len(labels) else None  # the group after the last is missing


def _value_test(of_row: Ints, column: Coded, test: ClassTest) -> FurtherTest:
    """A test of each class's value counts, as flags."""
    size = len(column.distinct) + 1
    keys, counts = np.unique(of_row * size + (column.codes + 1), return_counts=True)
    tuples, places = keys // size, keys % size
    named = (None, *column.distinct)

    def flags(classes: Ints) -> Flags:
        found: defaultdict[int, Counter[Any]] = defaultdict(Counter)
        cells = zip(classes[tuples].tolist(), places.tolist(), counts.tolist(), strict=True)
        for group, place, count in cells:
            found[group][named[place]] += count
        return np.asarray([bool(test(found[group])) for group in range(int(classes.max()) + 1)])

    return flags


def _diversity(name: str, pairs: Pairs, sizes: Ints) -> SensitiveDiversity:
    distinct = pairs.distinct(len(sizes))
    same = distinct == 1  # one known value is given away even where other rows miss it
    return SensitiveDiversity(name, int(distinct.min()), int(same.sum()), int(sizes[same].sum()))


def _in_order(classes: Ints) -> tuple[list[tuple[int, int]], Ints]:
    """Number classes by where they first stand: name and rows of each, and the new number of each row."""
    names, firsts, inverse, counts = np.unique(
        classes, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(firsts)
    places = np.zeros(len(names), dtype=np.int64)
    places[order] = np.arange(len(names))
    return list(zip(names[order].tolist(), counts[order].tolist(), strict=True)), places[inverse]


def _count_classes(released: pa.Table, asked: ReleaseParameters, people: Ints | None) -> None:
    wanted: list[tuple[list[str], str]] = [([], "count_all")]
    least = [asked.k]
    if asked.l is not None:
        wanted += [([name], "count_distinct") for name in asked.sensitive]
        least += [asked.l] * len(asked.sensitive)
    counted = released
    if people is not None:
        unused = "".join(released.column_names) + "+"  # a name that no column has
        # Rows of unknown people are nobody's: a missing value is not counted.
        counted = released.append_column(unused, pa.array(people, mask=people < 0))
        wanted.append(([unused], "count_distinct"))
        least.append(asked.k)
    counts = counted.group_by(list(asked.quasi)).aggregate(wanted)
    fewest = [pc.min(counts[place]).as_py() for place in range(len(asked.quasi), counts.num_columns)]
    if any(found < needed for found, needed in zip(fewest, least, strict=True)):
        raise Fault("anonymity.recount")
