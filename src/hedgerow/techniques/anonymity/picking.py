"""Whose rows a release is made of: a caller's condition, decided before any data is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hedgerow.kernel.aggregation.reference import holds
from hedgerow.kernel.conditions.catalog import Catalog
from hedgerow.kernel.conditions.filters import condition_of, normalised
from hedgerow.model.engine import PERSON
from hedgerow.model.errors import CallerError, Refused
from hedgerow.model.plans import Predicate, predicate_columns
from hedgerow.model.uses import DatasetView, Json
from hedgerow.model.words import ColumnRole, ColumnType

_WHO = (ColumnRole.DIRECT_IDENTIFIER, ColumnRole.ROW_ID)


@dataclass(frozen=True, slots=True)
class Picked:
    """A condition on rows.

    Args:
        text: As certificates and the register tell it; what it holds was typed by the caller.
        predicate: The same on columns of the data set.
    """

    text: str
    predicate: Predicate = field(repr=False)

    @property
    def columns(self) -> frozenset[str]:
        """The columns it reads."""
        return frozenset(predicate_columns(self.predicate))

    @property
    def statement(self) -> str:
        """What the file tells by it, in words."""
        return (
            f"Every row meets the condition {self.text}: whoever knows that a person is in the table knows "
            "it of the person. Nobody is in it who has a row that does not."
        )


def picked(given: Json, sensitive: Sequence[str], dataset: DatasetView) -> Picked | None:
    """Check a condition against the columns of a data set.

    A column need not be listed in the release to be filtered on. One that is sensitive cannot be: whoever is
    in a release of all and not in one of those without a diagnosis has it, and no class of either tells.

    Args:
        given: Its text, or none.
        sensitive: The sensitive attributes of the release.
        dataset: The data set.

    Returns:
        The condition, or none where none was given.

    Raises:
        CallerError: ``release.where-malformed``, ``dp.unknown-column``, ``dp.ambiguous-column``,
            ``dp.sql-type`` or ``column.in-vault``.
        Refused: ``release.where-unsupported``, ``release.where-identifies`` or ``release.where-sensitive``.
    """
    if given is None:
        return None
    predicate = _catalog(dataset).predicate(condition_of(str(given)))
    for name in sorted(predicate_columns(predicate)):
        column = dataset.column(name)
        if column is not None and column.in_vault:
            raise CallerError("column.in-vault", column=name, dataset=dataset.name)
        role = None if column is None else column.role
        if name == dataset.subject_column or role in _WHO:
            raise Refused("release.where-identifies", column=name)
        if name in sensitive or role == ColumnRole.SENSITIVE:
            raise Refused("release.where-sensitive", column=name)
    return Picked(normalised(str(given)), predicate)


def _catalog(dataset: DatasetView) -> Catalog:
    kinds = {column.name: ColumnType(column.type) for column in dataset.columns}
    return Catalog(dataset.name, {dataset.subject_column: ColumnType.TEXT} | kinds)


def rows_of(leased: pa.Table, where: Picked | None, least: int) -> pa.Table:
    """Keep the rows of people all of whose rows meet a condition.

    Of a person who is in one release with some rows and in another with more, those that are more could be
    told by both, though people of one class have different rows: so everybody is in with all rows or none.

    Args:
        leased: All rows, with whose each is.
        where: The condition, or none.
        least: Fewest rows that any release of them has.

    Raises:
        CallerError: ``anonymity.k-above-rows``, as a table has it that is as small, where fewer meet it.
    """
    if where is None:
        return leased
    met = _of_whole_people(holds(leased, where.predicate), leased[PERSON].to_numpy())
    kept = leased.filter(pa.array(met))
    if kept.num_rows < least:
        raise CallerError("anonymity.k-above-rows", k=least)
    return kept


def _of_whole_people(met: npt.NDArray[np.bool_], whose: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return ~np.isin(whose, whose[~met])
