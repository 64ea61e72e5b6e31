"""Indexing: columns that people can be found by, and finding them."""

from __future__ import annotations

from typing import cast

from hedgerow.app.service.base import Part
from hedgerow.kernel.blindindex import SCHEMES, new_form
from hedgerow.model.errors import CallerError
from hedgerow.model.records import BlindIndex, BlindTerm
from hedgerow.model.uses import Json
from hedgerow.spine.indexes import RETIRED, Progress


def quietly(_: int, __: int) -> None:
    """Tell nobody."""


class Indexing(Part):
    """Blind indexes, and searches by them."""

    def make_index(
        self,
        dataset: str,
        column: str,
        kind: str,
        *,
        country: str = "",
        scheme: str = "",
        progress: Progress = quietly,
    ) -> dict[str, Json]:
        """Make an index of a column, or go on with one that was cut off.

        Args:
            dataset: The data set.
            column: A direct identifier in its vault.
            kind: ``"email"``, ``"phone"`` or ``"national-id"``.
            country: Country code of phone numbers without one.
            scheme: Scheme of national ids, whose check digit must hold.
            progress: Told how many people were looked at, and of how many.

        Returns:
            As one of ``indexes``.
        """
        self._require("dataset.index", dataset)
        try:
            form = new_form(kind, country, scheme)
        except ValueError:
            raise CallerError("index.form", schemes=", ".join(sorted(SCHEMES))) from None
        return self._index_json(self.spine.indexes.make(dataset, column, form, self.actor, progress))

    def rotate_index(self, dataset: str, column: str, *, progress: Progress = quietly) -> dict[str, Json]:
        """Build an index anew under a new secret beside the old one, then take the old one away."""
        self._require("dataset.index", dataset)
        return self._index_json(self.spine.indexes.rotate(dataset, column, self.actor, progress))

    def drop_index(self, dataset: str, column: str) -> dict[str, Json]:
        """Take an index away: its terms and its secret."""
        self._require("dataset.index", dataset)
        entry = self.spine.indexes.drop(dataset, column, self.actor)
        return {"dataset": dataset, "column": column, "entry": entry}

    def indexes(self, dataset: str) -> list[dict[str, Json]]:
        """List the indexes of a data set.

        Returns:
            For each version ``column``, ``version``, ``normaliser``, ``state``, ``created`` and, for who may
            see counts, ``terms``.
        """
        self._require("dataset.list")
        with self.spine.store.read() as reader:
            self.spine.catalog.require_dataset(reader, dataset)
            found = [i for i in reader.find(BlindIndex, dataset=dataset) if i.state != RETIRED]
        return [self._index_json(index) for index in found]

    def _index_json(self, index: BlindIndex) -> dict[str, Json]:
        many = None
        if self._permits("release.risk", index.dataset):
            with self.spine.store.read() as reader:
                many = reader.count(BlindTerm, index_id=index.id)
        return {
            "dataset": index.dataset,
            "column": index.column,
            "version": index.version,
            "normaliser": index.normaliser,
            "state": index.state,
            "created": index.created,
            "terms": many,
        }

    def find_subject(self, dataset: str, column: str, value: str) -> dict[str, Json]:
        """Find the people who hold a value, without opening anything.

        Args:
            dataset: Where.
            column: A column with an index.
            value: As the person wrote it.

        Returns:
            ``people`` (a name for each, which this principal may give in place of the source id), ``until``
            when these names end, and the journal ``entry``.
        """
        found = self.spine.finding.search(dataset, column, value, self.actor)
        return {"people": cast("Json", list(found.handles)), "until": found.until, "entry": found.entry}
