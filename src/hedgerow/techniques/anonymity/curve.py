"""Releases of several k on a curve of risk and utility, for whoever may see exact risk; none leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, cast

import pyarrow as pa

from hedgerow.kernel.anonymity.candidates import ReleaseCandidate, candidates
from hedgerow.kernel.anonymity.risk import summarise
from hedgerow.model.anonymity import ReleaseParameters
from hedgerow.model.budget import show_exact
from hedgerow.model.errors import CallerError
from hedgerow.model.uses import ArrowTable, DatasetView, Grant, Json, Lease, Plan, Release, UseRequest
from hedgerow.techniques.anonymity.governed import GovernedKAnonymity
from hedgerow.techniques.anonymity.picking import Picked, rows_of
from hedgerow.techniques.anonymity.source import Source, source_of
from hedgerow.techniques.anonymity.transforming import NOTHING, Further, transformed

KS: Final = (2, 3, 5, 10, 20)
"""The k that are tried."""

LIMITS: Final = (Fraction(0), Fraction(1, 100), Fraction(1, 20), Fraction(1, 10))
"""The largest shares of dropped rows that are tried."""

_PLACES = 4


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """What is tried, decided before any data is opened."""

    asked: ReleaseParameters
    population: pa.Table | None = field(default=None, repr=False)
    where: Picked | None = None
    further: Further = NOTHING

    @property
    def grant(self) -> Grant:
        """The columns that a release would have and those of the condition, as rows."""
        read = self.where.columns if self.where else frozenset()
        return Grant(read.union(self.asked.released), "rows")

    @property
    def cost(self) -> None:
        """None: no row leaves, and what is told goes to whoever may see exact risk."""
        return

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan before data is opened."""
        return {
            "technique": ReleaseCurve.name,
            "k": list(KS),
            "quasi": list(self.asked.quasi),
            "sensitive": list(self.asked.sensitive),
            "models": [str(model) for model in self.asked.models],
            "suppression_limit": [show_exact(limit) for limit in LIMITS],
            **({"where": self.where.text} if self.where else {}),
            "obligations": ["show exact risk and counts to the privacy officer only"],
            **self.further.described(self.asked),
        }


class ReleaseCurve:
    """Tells what releases of several k and limits would lose and risk; it makes none of them."""

    name = "k-anonymity-candidates"
    action = "release"

    def __init__(self) -> None:
        self._release = GovernedKAnonymity()

    def plan(self, request: UseRequest, dataset: DatasetView) -> CurvePlan:
        """Decide what is needed.

        Args:
            request: Its parameters are those of a release; its k and limit are not used.
            dataset: The data set.

        Raises:
            CallerError: As for a release.
        """
        planned = self._release.plan(request, dataset)
        return CurvePlan(planned.inner.parameters, planned.population, planned.where, planned.further)

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Search the releases of the leased rows."""
        curve = cast("CurvePlan", plan)
        picked = rows_of(lease.rows(), curve.where, KS[0])
        rows, asked, _ = transformed(picked, curve.asked, curve.further)
        found: list[Json] = list(_curve(rows, replace(curve, asked=asked)))
        return Release({"candidates": found}, "candidates of k-anonymity; no row left", person_level=False)


def _curve(rows: ArrowTable, plan: CurvePlan) -> Iterator[Json]:
    for k in KS:
        try:
            source = source_of(rows, replace(plan.asked, k=k), plan.population)
        except CallerError as error:
            if error.code != "anonymity.k-above-rows":
                raise
            return
        made = candidates(source.problem, (k,), LIMITS)
        yield from (_told(source, each) for each in sorted(made, key=lambda one: one.limit))


def _told(source: Source, candidate: ReleaseCandidate) -> Json:
    problem, best = source.problem, candidate.found.best
    risk = summarise(problem, best, source.asked.quasi, (), source.people)
    return {
        "k": candidate.k,
        "suppression_limit": show_exact(candidate.limit),
        "suppressed_share": show_exact(round(risk.suppressed_share, _PLACES), _PLACES),
        "classes": risk.classes,
        "smallest_class": risk.smallest_class,
        "max_risk": show_exact(risk.prosecutor_max, _PLACES),
        "average_risk": show_exact(risk.prosecutor_average, _PLACES),
        "loss": show_exact(Fraction(best.loss), _PLACES),
        "levels": {each.column: f"{each.level} of {each.top}" for each in risk.columns},
    }
