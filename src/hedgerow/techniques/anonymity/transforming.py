"""The transforms and declared hierarchies of a release: read, done, and counted again once it is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hedgerow.kernel.anonymity import builders
from hedgerow.kernel.anonymity.coding import Ints
from hedgerow.kernel.anonymity.hierarchies import exact_number
from hedgerow.model.anonymity import Hierarchy, KAnonymousTable, ReleaseParameters, SensitiveDiversity
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Fault
from hedgerow.model.ladders import Calendar, Intervals, Ladder, Order, parse_ladder
from hedgerow.model.transforms import Averaged, Capped, Drawn, Transform, parse_transforms
from hedgerow.model.uses import Json
from hedgerow.techniques.anonymity.columns import coded
from hedgerow.techniques.anonymity.measuring import measured_with_people
from hedgerow.techniques.anonymity.transforms import bottom_coded, microaggregated, sampled, top_coded


@dataclass(frozen=True, slots=True)
class Further:
    """What is done to rows besides generalising, and by what they are generalised.

    Args:
        transforms: In the order in which they are done.
        ladders: Pairs of column and declared hierarchy.
    """

    transforms: tuple[Transform, ...] = ()
    ladders: tuple[tuple[str, Ladder], ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, Json]) -> Further:
        """Read the parameters of a request."""
        ladders = cast("Mapping[str, str]", given.get("hierarchy_choices") or {})
        return cls(
            parse_transforms(cast("Sequence[str]", given.get("transforms") or ())),
            tuple((name, parse_ladder(name, text)) for name, text in sorted(ladders.items())),
        )

    def declared(self, asked: ReleaseParameters) -> ReleaseParameters:
        """Let a hierarchy without values stand for each that is built later; what is declared is checked."""
        return self._with(asked, {name: _built(name, ladder, ()) for name, ladder in self.ladders})

    def _with(self, asked: ReleaseParameters, made: Mapping[str, Hierarchy]) -> ReleaseParameters:
        return replace(asked, hierarchies=tuple({**dict(asked.hierarchies), **made}.items()))

    def built(self, rows: pa.Table, asked: ReleaseParameters) -> ReleaseParameters:
        """Build the declared hierarchies for the rows as they are once transformed."""
        made = {name: _built(name, each, coded(rows, name).distinct) for name, each in self.ladders}
        return self._with(asked, made)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that transforms change."""
        return tuple(name for each in self.transforms for name in each.columns)

    def described(self, asked: ReleaseParameters) -> dict[str, Json]:
        """Say what is done, what it protects and what not, before data is opened."""
        told: dict[str, Json] = {}
        if self.transforms:
            told["transforms"] = [_words(each, asked) for each in self.transforms]
        if self.ladders:
            told["hierarchies"] = {name: str(ladder) for name, ladder in self.ladders}
        return told

    def told(
        self, summary: dict[str, Json], asked: ReleaseParameters, changed: Mapping[str, int]
    ) -> dict[str, Json]:
        """Say in a summary what was done; it holds exact counts, as all of the summary."""
        if not self.transforms:
            return summary
        words = [_words(each, asked) for each in self.transforms]
        said = [f"{each['transform']}: {each['protects']} Not protected: {each['leaves']}" for each in words]
        counted = [{**each, "changed": changed.get(str(each["transform"]))} for each in words]
        statements = cast("list[Json]", summary["statements"])
        return {**summary, "transforms": list(counted), "statements": [*statements, *said]}


NOTHING: Final = Further()
"""Nothing besides."""


def is_before(transform: Transform, asked: ReleaseParameters) -> bool:
    """Tell whether a transform is done before the search; averages of other columns follow it.

    What was averaged before rows are dropped would stand in fewer rows than it should.
    """
    return not isinstance(transform, Averaged) or transform.columns[0] in asked.quasi


def _words(transform: Transform, asked: ReleaseParameters) -> dict[str, Json]:
    protects, leaves = transform.words(is_before=is_before(transform, asked))
    return {"transform": str(transform), "protects": protects, "leaves": leaves}


def transformed(
    rows: pa.Table, asked: ReleaseParameters, further: Further
) -> tuple[pa.Table, ReleaseParameters, dict[str, int]]:
    """Do what comes before the search, in the order given.

    Args:
        rows: The leased rows, with whose each is.
        asked: What was asked.
        further: The transforms and hierarchies.

    Returns:
        The rows, the parameters with the hierarchies built for them, and how many cells each transform
        changed, or rows it left out.

    Raises:
        CallerError: ``transform.*`` and ``hierarchy.*`` for rows that do not fit.
    """
    changed: dict[str, int] = {}
    for each in further.transforms:
        if is_before(each, asked):
            rows, changed[str(each)] = _done(rows, each)
    return rows, further.built(rows, asked), changed


def _done(rows: pa.Table, transform: Transform) -> tuple[pa.Table, int]:
    if isinstance(transform, Drawn):
        made = sampled(rows, share=transform.share)
    elif isinstance(transform, Capped):
        cap = top_coded if transform.is_top else bottom_coded
        made = cap(rows, column=transform.column, bound=transform.bound, keep_type=True)
    else:
        return _averaged(rows, transform, rows[PERSON].to_numpy())
    return made.table, made.changed


def _averaged(rows: pa.Table, transform: Averaged, people: Ints) -> tuple[pa.Table, int]:
    """Average in groups of so many rows that each holds k people, whoever's rows they are."""
    _, whose, each = np.unique(people, return_inverse=True, return_counts=True)
    least = transform.k * int(each.max(initial=1))
    if rows.num_rows < least:
        raise CallerError("transform.too-few-people", columns=", ".join(transform.columns), k=transform.k)
    made = microaggregated(rows, columns=transform.columns, k=least)
    _count_people(made.table, transform, whose)
    return made.table, made.changed


def _count_people(table: pa.Table, transform: Averaged, whose: Ints) -> None:
    """Count the people of each average once more, by other code than the grouping's."""
    found = pa.table({"p": whose, **{f"c{n}": table[name] for n, name in enumerate(transform.columns)}})
    counts = found.group_by([f"c{n}" for n in range(len(transform.columns))]).aggregate(
        [("p", "count_distinct")]
    )
    if pc.min(counts["p_count_distinct"]).as_py() < transform.k:
        raise Fault("anonymity.recount")


def finished(
    made: KAnonymousTable[pa.Table], asked: ReleaseParameters, further: Further
) -> KAnonymousTable[pa.Table]:
    """Do what comes after the search, and count what each transform promises on the finished table.

    Args:
        made: The release, with whose each row is.
        asked: What was asked.
        further: The transforms.

    Returns:
        The release; its measures are of the table that leaves.

    Raises:
        CallerError: ``transform.*`` for rows that do not fit.
        Fault: ``anonymity.recount``.

    Guarantee:
        No value of a capped column that is no label lies beyond its bound; each combination of columns
        averaged after the search stands in the rows of at least k people. Rows stand in the order of what
        leaves.
    """
    after = [each for each in further.transforms if isinstance(each, Averaged) and not is_before(each, asked)]
    if after:
        made = _averaged_after(made, asked, after)
    for each in further.transforms:
        if isinstance(each, Capped):
            _count_capped(made.table, each)
    return made


def _averaged_after(
    made: KAnonymousTable[pa.Table], asked: ReleaseParameters, after: Sequence[Averaged]
) -> KAnonymousTable[pa.Table]:
    table, people = made.table, cast("pa.ChunkedArray", made.people)
    for each in after:
        table, _ = _averaged(table, each, people.to_numpy())
    # Rows that look the same stand in the order of the exact values until they are sorted anew.
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names])
    table, people = table.take(order), people.take(order)
    for each in after:
        _count_people(table, each, np.unique(people.to_numpy(), return_inverse=True)[1])
    risk = replace(made.risk, sensitive=tuple(_diversity(table, asked, name) for name in asked.sensitive))
    whose = np.unique(people.to_numpy(), return_inverse=True)[1]
    measures = measured_with_people(table, asked, whose)
    return replace(made, table=table, people=people, risk=risk, measures=measures)


def _diversity(table: pa.Table, asked: ReleaseParameters, name: str) -> SensitiveDiversity:
    counts = table.group_by(list(asked.quasi)).aggregate([(name, "count_distinct"), ([], "count_all")])
    distinct, rows = counts[f"{name}_count_distinct"].to_numpy(), counts["count_all"].to_numpy()
    same = distinct == 1
    return SensitiveDiversity(name, int(distinct.min()), int(same.sum()), int(rows[same].sum()))


def _count_capped(table: pa.Table, transform: Capped) -> None:
    """Count values beyond the bound; a column that was generalised holds labels, made of values within."""
    column = table[transform.column]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return
    most: Any = (pc.max if transform.is_top else pc.min)(column).as_py()
    if most is None:
        return
    if isinstance(most, float) and np.isfinite(most):
        most = exact_number(most)  # as capping compares: 0.1 is a tenth
    bound: Any = Fraction(transform.bound) if isinstance(transform.bound, Decimal) else transform.bound
    if most > bound if transform.is_top else most < bound:
        raise Fault("anonymity.recount")


def _built(column: str, ladder: Ladder, values: Sequence[Any]) -> Hierarchy:
    if isinstance(ladder, Order):
        return builders.ordered(ladder.values, fan_outs=ladder.fan_outs, column=column)
    # In the order of the values, so that the order of rows decides nothing.
    known = sorted(values)
    if isinstance(ladder, Intervals):
        return builders.intervals(
            lower=ladder.lower, upper=ladder.upper, widths=ladder.widths, column=column,
            values=None if _is_whole(ladder, known) else known,
        )  # fmt: skip
    if isinstance(ladder, Calendar):
        return builders.calendar(
            known, steps=ladder.steps, lower=ladder.lower, upper=ladder.upper, column=column
        )
    return builders.redaction(known, side=ladder.side, stride=ladder.stride, column=column)


def _is_whole(ladder: Intervals, values: Sequence[Any]) -> bool:
    """Whether all whole numbers within the bounds are written out, so that nothing is told of the values."""
    is_narrow = 0 < ladder.upper - ladder.lower <= builders.MOST_VALUES
    is_inside = all(isinstance(value, int) and ladder.lower <= value < ladder.upper for value in values)
    return bool(values) and is_narrow and is_inside
