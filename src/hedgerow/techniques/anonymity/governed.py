"""The k-anonymous release as the gate knows it: parameters as plain values, one event, rows leased."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

import pyarrow as pa

from hedgerow.kernel.anonymity.hierarchies import from_rows
from hedgerow.model.anonymity import (
    LIMIT_STATEMENT,
    METHODS,
    KAnonymousTable,
    Method,
    ReleaseParameters,
    ReleasePlan,
)
from hedgerow.model.budget import NonPrivateEvent, show_exact
from hedgerow.model.criteria import parse_models
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.uses import ArrowTable, DatasetView, Grant, Json, Lease, Plan, Release, UseRequest
from hedgerow.model.words import ColumnRole
from hedgerow.techniques.anonymity.attacked import attacks_on
from hedgerow.techniques.anonymity.fitting import check_further
from hedgerow.techniques.anonymity.parameters import check, check_columns, exact_share, exact_weight
from hedgerow.techniques.anonymity.picking import Picked, picked, rows_of
from hedgerow.techniques.anonymity.repeating import beside_earlier
from hedgerow.techniques.anonymity.technique import KAnonymity
from hedgerow.techniques.anonymity.transforming import NOTHING, Further, finished, transformed
from hedgerow.techniques.anonymity.useful import utility_of


@dataclass(frozen=True, slots=True)
class GovernedPlan:
    """A release plan with what the gate needs of it."""

    inner: ReleasePlan
    release_id: str
    population: pa.Table | None = field(default=None, repr=False)
    where: Picked | None = None
    further: Further = NOTHING

    @property
    def grant(self) -> Grant:
        """The columns that leave and those of the condition, as rows."""
        read = self.where.columns if self.where else frozenset()
        return Grant(read.union(self.inner.parameters.released), "rows")

    @property
    def cost(self) -> NonPrivateEvent:
        """No differential privacy: the release is named ever after."""
        return self.inner.event(self.release_id)

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before data is opened."""
        asked = self.inner.parameters
        return {
            "technique": "k-anonymity",
            "k": asked.k,
            "l": asked.l,
            "quasi": list(asked.quasi),
            "sensitive": list(asked.sensitive),
            "keep": list(asked.keep),
            "models": [str(model) for model in asked.models],
            "method": asked.method,
            "weights": {name: show_exact(weight) for name, weight in asked.weights},
            "suppression_limit": str(asked.suppression_limit),
            **({"where": self.where.text} if self.where else {}),
            "obligations": list(self.inner.obligations),
            **self.further.described(asked),
        }


_HOW: Mapping[str, str] = {
    "exact": "full-domain generalisation",
    "local": "local recoding",
    "cells": "single cells struck out",
}


class GovernedKAnonymity:
    """Releases a k-anonymous table of the people whose basis covers the purpose."""

    name = "k-anonymity"
    action = "release"

    def __init__(self) -> None:
        self._technique = KAnonymity()

    def plan(self, request: UseRequest, dataset: DatasetView) -> GovernedPlan:
        """Decide what is needed.

        Args:
            request: ``parameters`` holds ``release`` (its id), ``quasi``, ``sensitive``, ``keep``
                (names), ``k``, ``l`` (or none), ``suppression_limit`` (exact text),
                ``hierarchies`` (column to rows of value and its levels), ``models`` (texts),
                ``method``, ``weights`` (exact text by column), ``where`` (a condition
                on rows, or none), ``transforms`` (texts, in order),
                ``hierarchy_choices`` (text by column) and ``population``: none, a number
                of people, or ``columns`` and ``rows`` of texts.
            dataset: The data set.

        Raises:
            CallerError: For parameters, columns, hierarchies or a condition that do not fit.
            Refused: For columns that may not be kept or filtered on.
        """
        further = Further.of(request.parameters)
        asked = further.declared(_parameters(request.parameters))
        population = _population(request.parameters.get("population"))
        check(asked, has_population=population is not None)
        named = [column.name for column in dataset.columns if not column.in_vault]
        for name in asked.released:
            column = dataset.column(name)
            if column is not None and column.in_vault:
                raise CallerError("column.in-vault", column=name, dataset=dataset.name)
        for name in asked.keep:
            column = dataset.column(name)
            if column is not None and column.role in (
                ColumnRole.QUASI_IDENTIFIER,
                ColumnRole.DIRECT_IDENTIFIER,
            ):
                raise Refused("release.keep-identifies", column=name)
        check_further(asked, further, dataset, has_population=population is not None)
        check_columns(asked, [*named, PERSON])
        inner = self._technique.plan(asked, [*named, PERSON], has_population=population is not None)
        where = picked(request.parameters.get("where"), asked.sensitive, dataset)
        return GovernedPlan(inner, str(request.parameters["release"]), population, where, further)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Make the release from the leased rows."""
        governed = cast("GovernedPlan", plan)
        inner = governed.inner

        def make(rows: ArrowTable, asked: ReleaseParameters) -> KAnonymousTable[ArrowTable]:
            made = self._technique.run(rows, replace(inner, parameters=asked), governed.population)
            return finished(made, asked, governed.further)

        leased = rows_of(lease.rows(), governed.where, inner.parameters.k)
        rows, asked, changed = transformed(leased, inner.parameters, governed.further)
        beside = beside_earlier(make, rows, asked, lease.earlier())
        made = beside.made
        payload: dict[str, Json] = {
            "columns": list(made.table.column_names),
            "types": [str(field.type) for field in made.table.schema],
            "rows": _rows(made.table),
            "label": made.label,
        }
        models = "".join(f", {model}" for model in asked.models)
        besides = "".join(f", {each}" for each in governed.further.transforms)
        mechanism = f"k-anonymity, k={asked.k}{models}, {_HOW[made.method]} and suppression{besides}"
        summary = governed.further.told(summary_of(made, asked, governed.further.columns), asked, changed)
        if governed.where:
            summary["where"] = governed.where.text
            summary["statements"] = [*cast("list[Json]", summary["statements"]), governed.where.statement]
        summary["attacks"] = attacks_on(rows, made, asked)
        summary |= {"repeated": beside.told} if beside.told else {}
        summary["utility"] = utility_of(beside.rows, made, asked)
        return Release(payload, mechanism, person_level=True, summary=summary, remembered=beside.remember)


def _parameters(given: Mapping[str, Json]) -> ReleaseParameters:
    hierarchies = cast("Mapping[str, Sequence[Sequence[str]]]", given.get("hierarchies") or {})
    return ReleaseParameters(
        quasi=tuple(cast("Sequence[str]", given["quasi"])),
        k=cast("int", given["k"]),
        sensitive=tuple(cast("Sequence[str]", given.get("sensitive") or ())),
        keep=tuple(cast("Sequence[str]", given.get("keep") or ())),
        suppression_limit=exact_share(str(given.get("suppression_limit") or "0.05")),
        l=cast("int | None", given.get("l")),
        hierarchies=tuple((name, from_rows(rows)) for name, rows in sorted(hierarchies.items())),
        person=PERSON,
        models=parse_models(cast("Sequence[str]", given.get("models") or ())),
        population=_size(given.get("population")),
        method=_method(given.get("method") or "exact"),
        weights=tuple(
            (name, exact_weight(name, text))
            for name, text in sorted(cast("Mapping[str, str]", given.get("weights") or {}).items())
        ),
    )


def _method(given: Json) -> Method:
    found = next((each for each in METHODS if each == given), None)
    if found is None:
        raise CallerError("anonymity.unknown-method", method=given)
    return found


def _size(given: Json) -> int | None:
    return given if isinstance(given, int) else None


def _population(given: Json) -> pa.Table | None:
    """A table of the population, every value as text; the release reads it by the types of the data set."""
    if not isinstance(given, Mapping):
        return None
    columns = cast("Sequence[str]", given["columns"])
    rows = cast("Sequence[Sequence[str | None]]", given["rows"])
    return pa.table(
        {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(columns)}
    )


def _rows(table: ArrowTable) -> list[list[Json]]:
    columns = [column.to_pylist() for column in table.columns]
    return [[_plain(value) for value in row] for row in zip(*columns, strict=True)]


def _plain(value: object) -> Json:
    return value if isinstance(value, (bool, int, str, type(None))) else str(value)


def summary_of(
    made: KAnonymousTable[ArrowTable], asked: ReleaseParameters, altered: Collection[str] = ()
) -> dict[str, Json]:
    """Write the risk of a release for the privacy officer, shares as decimal text."""
    risk = made.risk
    return {
        "k": asked.k,
        "label": made.label,
        "limits": LIMIT_STATEMENT,
        "rows": risk.released_rows,
        "classes": risk.classes,
        "smallest_class": risk.smallest_class,
        "suppressed_share": _nearest(risk.suppressed_share),
        "max_risk": _share(risk.prosecutor_max),
        "average_risk": _share(risk.prosecutor_average),
        "marketer_risk": _share(risk.marketer),
        "class_sizes": [[size, count] for size, count in risk.class_sizes],
        "levels": {c.column: f"{c.level} of {c.top}" for c in risk.columns},
        "kept": list(asked.keep),
        "models": [{"model": each.model, "reached": each.figure, "said": each.said} for each in made.reached],
        "method": made.method,
        "method_reason": made.reason,
        "loss": _share(Fraction(risk.loss)),
        "measures": made.measures.to_dict() if made.measures else {},
        "statements": [*risk.statements, *(f"{each.said}." for each in made.reached), *_kept(asked, altered)],
    }


def _kept(asked: ReleaseParameters, altered: Collection[str]) -> list[str]:
    said = (
        ("Released as collected", [name for name in asked.keep if name not in altered]),
        ("Released as transformed", [name for name in asked.keep if name in altered]),
    )
    return [
        f"{how}, on the word of who released it: {', '.join(names)}. The risk above does not count them."
        for how, names in said
        if names
    ]


def _nearest(value: Fraction) -> str:
    # No risk: rounded to the nearest, as anybody would who counts.
    return show_exact(round(value, 4), 4)


def _share(value: Fraction) -> str:
    # Rounded up: a risk never looks smaller than it is.
    return show_exact(value, 4)
