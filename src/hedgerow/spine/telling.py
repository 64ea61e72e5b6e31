"""What the journal tells of a use: names the workspace holds, hashes and our own words."""

from __future__ import annotations

from hedgerow.model.budget import PrivacyEvent
from hedgerow.model.ports import Reader
from hedgerow.model.uses import Decision, ForUnit, Json, LeaseVersions, Plan, Technique, UseRequest
from hedgerow.spine.derived import ancestors
from hedgerow.spine.facts import Facts
from hedgerow.spine.known import known_dataset, known_purpose
from hedgerow.spine.ledger import event_json, unit_told
from hedgerow.spine.requests import binding_of, id_hash

_OUR_WORDS = ("left", "cost", "period", "whose", "until", "time", "roles", "policies", "missing")


def intent_facts(
    reader: Reader, request: UseRequest, technique: Technique, decision: Decision, plan: Plan, facts: Facts
) -> dict[str, Json]:
    """Tell what is about to be done, and what lets it through."""
    return {
        **_asked(reader, request, technique),
        "basis": facts.basis,
        "columns": sorted(plan.grant.columns | plan.grant.fields),
        "lease": plan.grant.kind,
        "cost": event_json(plan.cost) if plan.cost is not None else None,
        "policies": list(decision.policies),
        "versions": dict(decision.versions),
        "obligations": list(decision.obligations),
        "rests_on": facts.rests_on(),
        **_joined(plan),
        **_beside(decision, plan, facts),
        **_come_from(reader, request, plan),
        **unit_told(per_unit(plan)),
        **({"engine": plan.grant.engine} if plan.grant.engine else {}),
    }


def _come_from(reader: Reader, request: UseRequest, plan: Plan) -> dict[str, Json]:
    """Name what the data sets come from, where it is charged as well."""
    named = ancestors(reader, request.datasets) if plan.cost is not None else ()
    return {"come_from": list(named)} if named else {}


def per_unit(plan: Plan) -> tuple[str, PrivacyEvent] | None:
    """Tell the unit of a plan and what one of it loses; none for the person."""
    return plan.per_unit if isinstance(plan, ForUnit) else None


def _beside(decision: Decision, plan: Plan, facts: Facts) -> dict[str, Json]:
    """Tell of each further data set what is told of the first."""
    others: dict[str, Json] = {
        name: {
            **told,
            "columns": sorted(plan.grant.of(name)),
            "versions": dict(decision.others[name]),
        }
        for name, told in _resting(facts).items()
    }
    return {"others": others} if others else {}


def _resting(facts: Facts) -> dict[str, dict[str, Json]]:
    return {each.name: {"basis": each.basis, "declaration": each.declared} for each in facts.others}


def replay_facts(
    reader: Reader, request: UseRequest, technique: Technique, decision: Decision, facts: Facts
) -> dict[str, Json]:
    """Tell that a known id was answered from the store, and what lets it through."""
    told = refusal_facts(reader, request, technique, decision)
    told |= {"basis": facts.basis, "rests_on": facts.rests_on()}
    return told | ({"others": _resting(facts)} if facts.others else {})


def _joined(plan: Plan) -> dict[str, Json]:
    """Name the public tables a use is joined with, and what each holds."""
    return {"public": dict(plan.grant.public)} if plan.grant.public else {}


def refusal_facts(
    reader: Reader, request: UseRequest, technique: Technique, decision: Decision
) -> dict[str, Json]:
    """Tell what was asked and what spoke against it."""
    return {
        **_asked(reader, request, technique),
        "reasons": [reason.code for reason in decision.reasons],
        "said": _amounts(decision),
        "versions": dict(decision.versions),
    }


def failure_facts(code: str, versions: LeaseVersions | None) -> dict[str, Json]:
    """Say why a use failed and, once a lease was open, of which people."""
    return {"code": code} if versions is None else {"code": code, "versions": versions.as_json()}


def _asked(reader: Reader, request: UseRequest, technique: Technique) -> dict[str, Json]:
    return {
        "purpose": known_purpose(reader, request.purpose),
        "dataset": known_dataset(reader, request.dataset),
        "technique": technique.name,
        "request": id_hash(request.request_id),
        "binding": binding_of(request, technique.name),
        **({"others": [known_dataset(reader, name) for name in request.others]} if request.others else {}),
    }


def _amounts(decision: Decision) -> dict[str, Json]:
    """Keep what a refusal named in our own words; other details may be a caller's."""
    details = decision.error[1] if decision.error else {}
    return {name: str(details[name]) for name in _OUR_WORDS if name in details}
