"""What a use that needs approval asks for: bound to the decision on it, told without naming a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hedgerow.kernel.envelope import derive
from hedgerow.model.budget import NonPrivateEvent
from hedgerow.model.canonical import canonical, digest
from hedgerow.model.policy import ApprovalNeed
from hedgerow.model.uses import Actor, Decision, Json, Plan, Technique, UseRequest
from hedgerow.spine.approvals import Asked
from hedgerow.spine.balance import cost_text
from hedgerow.spine.journal import About
from hedgerow.spine.runs import about_run

_VERSIONS = ("policy", "dataset", "declaration")
_OF_ONE_PERSON = frozenset({"subject", "salt"})
_LABEL = "approval of an act about one person"
_LONGEST_SHOWN = 2_000


def asked_of(
    request: UseRequest, technique: Technique, decision: Decision, plan: Plan, people: Sequence[About]
) -> Asked:
    """Tell what an approval of a use must hold for.

    The id of the request is no part of it, nor the name that a release gets from that id: the same
    command asks for the same each time. Nor are other people's choices, which count when data is opened.

    Args:
        request: Who, why, what, with which parameters.
        technique: Does it.
        decision: What was decided, with the versions it rests on.
        plan: What would be opened.
        people: The one person it is about, or nobody. Only a hash under the person's key is kept.
    """
    parameters = _parameters(request, plan)
    columns = sorted(plan.grant.columns | plan.grant.fields)
    return Asked(
        act=technique.action,
        actor=request.actor,
        bound={
            "technique": technique.name,
            "parameters": parameters,
            "columns": columns,
            "lease": plan.grant.kind,
            "people": [person_tag(person) for person in people],
            "versions": {name: decision.versions[name] for name in _VERSIONS},
            **about_run(request, technique),
            **({"public": dict(plan.grant.public)} if plan.grant.public else {}),
            **({"others": _others(decision, plan)} if plan.grant.others else {}),
        },
        summary={
            "technique": technique.name,
            "columns": columns,
            "lease": plan.grant.kind,
            "cost": "not private" if isinstance(plan.cost, NonPrivateEvent) else cost_text(plan.cost),
            **({"others": _columns(plan)} if plan.grant.others else {}),
            **{name: value for name, value in plan.describe().items() if name != "obligations"},
        },
        words={name: _shown(value) for name, value in parameters.items()},
        needs=decision.needs,
        dataset=request.dataset,
        purpose=request.purpose,
    )


def asked_about_one(
    action: str,
    actor: Actor,
    datasets: Sequence[str],
    about: About,
    summary: Mapping[str, Json],
    needs: tuple[ApprovalNeed, ...],
    policy: int,
) -> Asked:
    """Tell what an approval of an act about one person must hold for.

    Args:
        action: The action policies speak of.
        actor: Who acts.
        datasets: The data sets it reaches into.
        about: The person; only a hash under the person's key is kept.
        summary: What is asked, without anything of a person.
        needs: Who must grant it.
        policy: Version of the policies in force.
    """
    bound: dict[str, Json] = {
        "people": [person_tag(about)],
        "datasets": sorted(datasets),
        "versions": {"policy": policy},
    }
    return Asked(action, actor, bound, summary, needs=needs)


def person_tag(person: About) -> str:
    """Tell one person from another to a grant, for as long as the person's key lives."""
    return derive(person.key, _LABEL, person.number).hex()


def _columns(plan: Plan) -> dict[str, Json]:
    return {name: sorted(columns) for name, columns in plan.grant.others}


def _others(decision: Decision, plan: Plan) -> dict[str, Json]:
    """Tell the columns and versions of each further data set: a grant holds for these alone."""
    return {
        name: {"columns": columns, "versions": dict(decision.others[name])}
        for name, columns in _columns(plan).items()
    }


def _parameters(request: UseRequest, plan: Plan) -> Mapping[str, Json]:
    own_name = plan.cost.release if isinstance(plan.cost, NonPrivateEvent) else None
    left_out = {name for name, value in request.parameters.items() if name == "release" and value == own_name}
    if plan.grant.subject is not None:
        left_out |= _OF_ONE_PERSON
    return {name: value for name, value in request.parameters.items() if name not in left_out}


def _shown(value: Json) -> Json:
    length = len(canonical(value))
    # Rows, as of a population, are of people: their hash is shown however few they are.
    is_short = length <= _LONGEST_SHOWN and not (isinstance(value, Mapping) and "rows" in value)
    return value if is_short else f"{length:,} bytes, SHA-256 {digest(value)}"
