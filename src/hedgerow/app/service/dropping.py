"""Dropping: a data set goes; its plan says before what would go and what would stay."""

from __future__ import annotations

from hedgerow.app.service.base import Part
from hedgerow.model.uses import Json
from hedgerow.spine.dropping import Doomed

_SHOWN_BY = {
    "version": "release.risk",
    "rows": "release.risk",
    "people": "release.risk",
    "quarantined_rows": "quarantine.list",
    "releases": "report.show",
    "results_withdrawn": "report.show",
    "answers_kept": "report.show",
}
"""Which right shows which part of a plan: who may drop may not see every count for it."""


class Dropping(Part):
    """Data goes."""

    def plan_drop(self, dataset: str) -> dict[str, Json]:
        """Show what dropping a data set would remove and what stays; nothing is done.

        Args:
            dataset: Its name.

        Returns:
            ``rows``, ``people``, ``people_only_here``, ``quarantined_rows``, ``releases``,
            ``results_withdrawn``, ``answers_kept`` (each none for whom may not see it) and ``stays``.

        Raises:
            Refused: By policy, or ``dataset.dropped``.
            CallerError: ``dataset.unknown``.
        """
        self._require("dataset.drop", dataset)
        with self.spine.store.read() as reader:
            return self._shown(self.spine.dropping.plan(reader, dataset))

    def drop(self, dataset: str) -> dict[str, Json]:
        """Drop a data set for good; its name can be collected again.

        Args:
            dataset: Its name.

        Returns:
            What ``plan_drop`` shows, as it was at that moment, and the journal ``entry``.
        """
        self._require("dataset.drop", dataset)
        doomed, entry = self.spine.dropping.drop(dataset, self.actor)
        self._spread_erasures()
        return {**self._shown(doomed), "entry": entry}

    def _shown(self, doomed: Doomed) -> dict[str, Json]:
        told = doomed.as_json()
        hidden = [name for name, act in _SHOWN_BY.items() if not self._permits(act, doomed.dataset)]
        # It tells who is in the other data sets too.
        if not self._permits_everywhere("release.risk", doomed.dataset):
            hidden.append("people_only_here")
        return told | dict.fromkeys(hidden)
