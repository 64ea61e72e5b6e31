"""Who could decide a request for approval now: a request that nobody can grant waits for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.ports import Reader
from hedgerow.model.records import Approval, Principal
from hedgerow.model.uses import Actor, Json
from hedgerow.model.words import many
from hedgerow.spine.acts import Acts
from hedgerow.spine.approving import needs_of

DECIDE = "approval.decide"


def datasets_asked(record: Approval) -> tuple[str | None, ...]:
    """Name the data sets a request is about; none where it is about no data set."""
    others = cast("Mapping[str, Json]", json.loads(record.summary)).get("others") or {}
    return (record.dataset or None, *cast("Mapping[str, Json]", others))


def could_decide(reader: Reader, acts: Acts, record: Approval) -> tuple[int, str]:
    """Count who could decide a request now.

    Args:
        reader: A view.
        acts: Tells whether a policy lets somebody decide.
        record: The request.

    Returns:
        How many people could, and that in words, with what is missing.
    """
    able = [
        each
        for each in reader.find(Principal)
        if each.name not in {record.requested_by, record.requested_login}
        and all(
            acts.objection(
                reader, Actor(each.name, each.name), DECIDE, name, {"act": record.act, "same_login": False}
            ) is None
            for name in datasets_asked(record)
        )
    ]  # fmt: skip
    needs = needs_of(record)
    names = {each.name for need in needs for each in able if need.role in each.role_set}
    lacking = [need for need in needs if sum(need.role in each.role_set for each in able) < need.people]
    told = f" {many(len(names), 'person', 'people')} could decide it now"
    return len(names), told + "".join(_lack(need) for need in lacking) + "."


def _lack(need: ApprovalNeed) -> str:
    return f", and it needs {need.people} of the role {need.role}: it waits until another principal holds it"
