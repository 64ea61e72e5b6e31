"""What waits for somebody else's word."""

from __future__ import annotations

from hedgerow.app.report.markup import Child, clip, code, join
from hedgerow.app.report.reading import Entry, entries, text, when
from hedgerow.app.report.section import Section, account, badge, lead, quiet, shell
from hedgerow.app.report.tables import Column, table

_COLUMNS = (
    Column("Approval", is_heading=True),
    Column("Asks for"),
    Column("Data set and purpose"),
    Column("Asked by"),
    Column("State"),
    Column("Until"),
)


def approvals(report: Entry) -> Section | None:
    """List the requests for approval that are open; none where nothing is."""
    listed = entries(report.get("approvals"))
    if not listed:
        return None
    rows: list[list[Child]] = [
        [
            code(text(item, "id")),
            clip(text(item, "act"), 60),
            account(text(item, "dataset"), text(item, "purpose")),
            clip(text(item, "requested_by"), 60),
            badge(clip(text(item, "state"), 20), "warn" if text(item, "state") == "pending" else "plain"),
            when(text(item, "expires")),
        ]
        for item in listed
    ]
    body = join(
        lead("What one person asked for and another must grant before it is done."),
        table("approvals-table", "Requests for approval, and grants not used yet", _COLUMNS, rows),
        quiet("Whoever may approve sees exactly what was asked, and decides:"),
        shell("hedgerow approval show ID", "hedgerow approval grant ID"),
    )
    return Section("approvals", "What waits for approval", "Approvals", f"{len(listed):,}", body)
