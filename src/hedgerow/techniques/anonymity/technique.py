"""The governed technique: plan without data, then run on what the gate leased."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from hedgerow.model.anonymity import KAnonymousTable, ReleaseParameters, ReleasePlan
from hedgerow.techniques.anonymity.choosing import released
from hedgerow.techniques.anonymity.parameters import check, check_columns

OBLIGATIONS = (
    "label the release de-identified, never anonymous",
    "show exact risk and counts to the privacy officer only",
    "record who is in the release, so that an erasure names it",
    "count every later epsilon as apart from this release",
)


class KAnonymity:
    """k-anonymous releases by full-domain generalisation and suppression of rows.

    It holds no state and meets no store, clock or file.
    """

    name = "k-anonymity"

    def plan(
        self, parameters: ReleaseParameters, columns: Sequence[str], *, has_population: bool = False
    ) -> ReleasePlan:
        """Decide what is needed, before any data is opened.

        Args:
            parameters: What the caller asks.
            columns: The data set's column names.
            has_population: Whether a table of the population comes with them.

        Returns:
            The columns to lease, the obligations and the cost.

        Raises:
            CallerError: For parameters or columns that do not fit.
        """
        check(parameters, has_population=has_population)
        check_columns(parameters, columns)
        return ReleasePlan(parameters.columns, parameters, OBLIGATIONS)

    def run(
        self, table: pa.Table, plan: ReleasePlan, population: pa.Table | None = None
    ) -> KAnonymousTable[pa.Table]:
        """Make the release from leased rows.

        Args:
            table: The leased rows, with the planned columns.
            plan: What ``plan`` decided.
            population: One row per person of the population with the quasi-identifiers, or none.

        Returns:
            The de-identified table and its risk.

        Raises:
            CallerError: For hierarchies or types that do not fit the rows.
            Refused: ``anonymity.unreachable``.
            Fault: ``anonymity.recount``.
        """
        return released(table, plan.parameters, ungoverned=False, population=population)
