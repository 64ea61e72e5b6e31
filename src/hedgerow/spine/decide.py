"""The decision: pure, from facts and a plan; deny wins and an error in deciding is a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from hedgerow.model.budget import NonPrivateEvent, PureEvent, show_left
from hedgerow.model.errors import HedgerowError, Refused
from hedgerow.model.policy import Access, ApprovalNeed
from hedgerow.model.records import Principal
from hedgerow.model.uses import DatasetView, Decision, Grant, Plan, Reason, Technique, UseRequest
from hedgerow.model.words import Basis
from hedgerow.spine.approving import worded
from hedgerow.spine.balance import cost_text
from hedgerow.spine.catalog import NEVER_ENDS, RIGHTS_ACTION, RIGHTS_PURPOSE
from hedgerow.spine.facts import MOST_FAILURES, Facts
from hedgerow.spine.permission import (
    Context,
    Objection,
    Ruling,
    accesses,
    as_error,
    objections_to_actor,
    rule,
)
from hedgerow.spine.telling import per_unit

_TOO_MANY_FAILURES = "use.too-many-failures"


def decide(
    request: UseRequest, facts: Facts, technique: Technique, *, charge: bool
) -> tuple[Decision, Plan | None]:
    """Decide one use.

    Args:
        request: The wish.
        facts: The facts, loaded in one read.
        technique: Plans without data.
        charge: Whether the budget is checked; a replay costs nothing.

    Returns:
        The decision, and the plan when planning succeeded.

    Raises:
        CallerError: When the call itself is malformed; nothing of it is a matter of policy.
    """
    strangers = list(objections_to_actor(request.actor, facts.acting, facts.authenticated))
    if strangers or facts.acting is None:
        return _refuse(strangers, _told_nothing(facts)), None
    objections = list(_objections_before_planning(request, facts, technique.action))
    plan, failed = (None, None) if objections else _planned(request, facts, technique)
    ruling = _policy(request, facts, facts.acting, technique, plan)
    if ruling.objection:
        return _refuse([ruling.objection], _told_nothing(facts), ruling.policies), None
    if failed is not None and not isinstance(failed, Refused):
        raise failed
    if failed is not None:
        objections.append((failed.code, failed.details))
    if plan is not None:
        objections += _objections_to_plan(plan, facts, charge=charge)
    if objections or plan is None:
        return _refuse(objections, facts, ruling.policies, plan), None
    return _allow(facts, plan, ruling), plan


def ends_within_a_day(decision: Decision) -> bool:
    """Tell whether a decision may turn without a commit before its last day is over.

    Args:
        decision: What was decided.

    Returns:
        Whether it counts failures, which grow old by the hour.
    """
    return any(reason.code == _TOO_MANY_FAILURES for reason in decision.reasons)


def _told_nothing(facts: Facts) -> Facts:
    """Leave data sets out: who may not do this at all must not learn that they are, or what they serve."""
    return replace(facts, dataset=None, others=())


def _objections_before_planning(request: UseRequest, facts: Facts, action: str) -> Iterator[Objection]:
    if facts.against is not None and facts.against[0] == "run.unknown":
        # There is nothing then that a purpose or a data set could be wrong for.
        yield facts.against
        return
    yield from _purpose_objections(request, facts, action)
    if facts.failures >= MOST_FAILURES:
        yield _TOO_MANY_FAILURES, {"principal": request.actor.acting_as}
    if facts.dataset is None and facts.dropped:
        yield "dataset.dropped", {"dataset": request.dataset, "time": facts.dropped}
    elif facts.dataset is None:
        yield "dataset.not-for-you", {"dataset": request.dataset}
    elif facts.against is not None:
        yield facts.against
    if len(set(request.datasets)) != len(request.datasets):
        yield "use.dataset-twice", {"dataset": request.dataset}
    if request.run and request.others:
        # What a run carries on from step to step is of the rows of one data set.
        yield "use.one-dataset", {}
    for source in facts.others:
        # Of a name that never was one, the technique says best what it could have been.
        if source.dataset is None and source.dropped:
            yield "dataset.dropped", {"dataset": source.name, "time": source.dropped}


def _planned(
    request: UseRequest, facts: Facts, technique: Technique
) -> tuple[Plan | None, HedgerowError | None]:
    """Plan, or give what speaks against it: whom a policy keeps out must not learn that from an error."""
    if facts.dataset is None:
        return None, None
    try:
        return technique.plan(request, facts.dataset), None
    except HedgerowError as error:
        return None, error


def _objections_to_plan(plan: Plan, facts: Facts, *, charge: bool) -> Iterator[Objection]:
    if facts.dataset is not None:
        yield from _grant_objections(plan.grant, facts.dataset)
    if facts.others or plan.grant.others:
        yield from _objections_to_others(plan, facts)
    if charge and plan.cost is not None and (refusal := facts.balance.refusal(plan.cost)):
        code, told = refusal
        yield code, {**told, **_askable(plan, told)}


def _askable(plan: Plan, told: Mapping[str, object]) -> dict[str, object]:
    """Say what may be asked of another unit than the person, whose price is not what people are charged."""
    unit, charged = per_unit(plan), plan.cost
    if unit is None or "left" not in told:
        return {}
    if not isinstance(unit[1], PureEvent) or not isinstance(charged, PureEvent):
        return {}
    return {"askable": show_left(Fraction(str(told["left"])) * unit[1].epsilon / charged.epsilon)}


def _objections_to_others(plan: Plan, facts: Facts) -> Iterator[Objection]:
    """Say what speaks against the further data sets of a plan: each is held to what the first is held to."""
    is_private = plan.cost is not None and not isinstance(plan.cost, NonPrivateEvent)
    if plan.grant.kind == "person" or not is_private:
        # The register of releases, and what is withdrawn with a person, know of one data set each.
        yield "use.one-dataset", {}
    known = {source.name for source in facts.others}
    for name, _ in plan.grant.others:
        if name not in known:
            yield "dataset.not-for-you", {"dataset": name}
    for source in facts.others:
        if source.dataset is None:
            yield "dataset.not-for-you", {"dataset": source.name}
        else:
            yield from _grant_objections(Grant(plan.grant.of(source.name), "rows"), source.dataset)


def _purpose_objections(request: UseRequest, facts: Facts, action: str) -> list[Objection]:
    if facts.purpose is None:
        return [("purpose.unknown", {"purpose": request.purpose})]
    if facts.purpose.until < facts.today:
        ended = facts.purpose.until.isoformat()
        return [("purpose.ended", {"purpose": request.purpose, "until": ended})]
    if request.purpose == RIGHTS_PURPOSE and action != RIGHTS_ACTION:
        return [("purpose.rights-only", {"purpose": request.purpose})]
    return [
        ("basis.missing", {"dataset": source.name, "purpose": request.purpose})
        for source in facts.sources
        if source.dataset is not None and source.basis is None
    ]


def _policy(
    request: UseRequest, facts: Facts, acting: Principal, technique: Technique, plan: Plan | None
) -> Ruling:
    """Ask the policies of each data set with its own columns; one that is denied denies the whole."""
    grant = plan.grant if plan is not None else Grant(frozenset(), "")
    columns = {name: grant.of(name) for name in request.others}
    columns[request.dataset] = grant.columns | grant.fields
    asked: list[Access] = []
    for name in request.datasets:
        context: Context = {
            "purpose": request.purpose,
            "columns": columns[name],
            "technique": technique.name,
        }
        asked += accesses(acting.name, acting.role_set, technique.action, name, context)
    return rule(facts.policies, iter(asked))


def _grant_objections(grant: Grant, dataset: DatasetView) -> Iterator[Objection]:
    for name in sorted(grant.columns):
        column = dataset.column(name)
        if column is None:
            yield "column.not-granted", {"column": name}
        elif column.in_vault:
            yield "column.in-vault-refused", {"column": name}
    if grant.fields and grant.kind != "person":
        yield "column.in-vault-refused", {"column": min(grant.fields)}


def _obligations(facts: Facts, plan: Plan, needs: tuple[ApprovalNeed, ...]) -> tuple[str, ...]:
    stated = [f"columns: {', '.join(sorted(plan.grant.columns | plan.grant.fields)) or 'none'}"]
    if facts.basis == Basis.CONSENT:
        stated.append("people: only those whose consent to this purpose is in force")
    elif facts.purpose is not None and facts.purpose.name == RIGHTS_PURPOSE:
        stated.append("people: the one person who asks")
    else:
        stated.append(f"people: all members, on the basis {facts.basis}")
    for source in facts.others:
        columns = ", ".join(sorted(plan.grant.of(source.name))) or "none"
        stated.append(f"columns of {source.name}: {columns}")
        stated.append(f"people of {source.name}: {_covered(source.basis)}")
    if facts.others:
        stated.append("people of several: nobody who is in one of them and not covered there")
    stated.append(f"lease: {plan.grant.kind}, single use")
    stated.append(f"cost: {cost_text(plan.cost)}")
    if (of_unit := per_unit(plan)) is not None:
        named, loss = of_unit
        stated.append(f"unit: one {named} loses {cost_text(loss)}; the cost is what a person loses by it")
    if facts.others and plan.cost is not None:
        named = " and of ".join(source.name for source in facts.sources)
        stated.append(f"cost: charged in full to the budget of {named}, and once to the population")
    if needs:
        stated.append(f"approval: by {worded(needs)}, not whoever asks")
    return tuple(stated)


def _covered(basis: str | None) -> str:
    if basis == Basis.CONSENT:
        return "only those whose consent to this purpose is in force"
    return f"all members, on the basis {basis}"


def _others(facts: Facts) -> Mapping[str, Mapping[str, int]]:
    """Tell the versions of further data sets that a decision rests on."""
    return {
        source.name: {"dataset": source.dataset.version, "declaration": source.dataset.declaration.version}
        for source in facts.others
        if source.dataset is not None
    }


def _versions(facts: Facts) -> dict[str, int]:
    versions = {"policy": facts.policy_version, "consent": facts.consent_version}
    if facts.dataset is not None:
        versions |= {"dataset": facts.dataset.version, "declaration": facts.dataset.declaration.version}
    return versions


def _allow(facts: Facts, plan: Plan, ruling: Ruling) -> Decision:
    until = facts.purpose.until if facts.purpose else NEVER_ENDS
    reason = Reason("policy.permitted", "permitted by " + ", ".join(ruling.policies))
    return Decision(
        allowed=True,
        reasons=(reason,),
        obligations=_obligations(facts, plan, ruling.needs),
        policies=ruling.policies,
        versions=_versions(facts),
        valid_until=until,
        plan=dict(plan.describe()),
        needs=ruling.needs,
        cost=plan.cost,
        others=_others(facts),
    )


def _refuse(
    objections: list[Objection], facts: Facts, policies: tuple[str, ...] = (), plan: Plan | None = None
) -> Decision:
    errors = [as_error(objection) for objection in objections]
    reasons = tuple(Reason(error.code, error.message, error.next_step) for error in errors)
    described = dict(plan.describe()) if plan is not None else {}
    return Decision(
        allowed=False,
        reasons=reasons,
        obligations=(),
        policies=policies,
        versions=_versions(facts),
        valid_until=facts.today,
        plan=described,
        error=objections[0],
        cost=plan.cost if plan is not None else None,
        others=_others(facts),
    )
