"""Disclosure of one person's own data: to the person by right, or to an application for a purpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from hedgerow.model.errors import CallerError
from hedgerow.model.uses import DatasetView, Grant, Json, Lease, Plan, Release, UseRequest


@dataclass(frozen=True, slots=True)
class DisclosePlan:
    """Which columns and vault fields of one person are opened; nothing is charged."""

    grant: Grant
    cost: None = None

    def describe(self) -> Mapping[str, Json]:
        """Explain the plan without naming the person."""
        return {"people": 1, "columns": sorted(self.grant.columns), "fields": sorted(self.grant.fields)}


class Disclose:
    """Opens one person's rows and fields.

    Args:
        action: ``"subject.export"`` (everything, for the person) or ``"subject.read"`` (named
            fields, for a purpose).
    """

    name = "disclose"

    def __init__(self, action: str) -> None:
        self.action = action

    def plan(self, request: UseRequest, dataset: DatasetView) -> DisclosePlan:
        """Decide which columns and fields are needed.

        Args:
            request: ``parameters`` holds ``subject`` (internal number) and ``fields`` (names).
            dataset: The data set.

        Raises:
            CallerError: ``column.unknown``.
        """
        wanted = cast("Sequence[str]", request.parameters["fields"])
        columns: set[str] = set()
        fields: set[str] = set()
        for name in wanted:
            column = dataset.column(name)
            if column is None:
                raise CallerError("column.unknown", column=name, dataset=dataset.name)
            (fields if column.in_vault else columns).add(name)
        subject = cast("int", request.parameters["subject"])
        return DisclosePlan(Grant(frozenset(columns), "person", frozenset(fields), subject))

    def run(self, lease: Lease, plan: Plan) -> Release:
        """Read the person's rows and fields.

        Returns:
            ``fields`` (name to values) and ``rows`` (one mapping each), values as text.
        """
        fields = {name: list(values) for name, values in sorted(lease.fields().items())}
        table = lease.rows() if plan.grant.columns else None
        rows = [] if table is None else [_plain_row(row) for row in table.to_pylist()]
        payload: dict[str, Json] = {"fields": fields, "rows": rows}
        return Release(payload, "disclosed to or about one person", person_level=True, kept=False)


def _plain_row(row: Mapping[str, object]) -> dict[str, Json]:
    return {
        name: value if isinstance(value, (bool, int, type(None))) else str(value)
        for name, value in row.items()
    }
