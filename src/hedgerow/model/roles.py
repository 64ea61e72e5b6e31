"""Which built-in roles may do what in a new workspace, so that a refusal can say whom to ask.

The default policies decide; this table repeats them and a test holds it to them. It names no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hedgerow.model.words import Role

OWNER_ROLE = "owner"
_EVERYBODY_BUT_SERVICES = (Role.ADMINISTRATOR, Role.ANALYST, Role.PRIVACY_OFFICER, Role.AUDITOR)
_RULES = (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER, Role.AUDITOR)
_EVIDENCE = (Role.PRIVACY_OFFICER, Role.AUDITOR)
_OFFICER = (Role.PRIVACY_OFFICER,)

ROLES_FOR: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        "principal.add": (Role.ADMINISTRATOR,),
        "principal.list": _RULES,
        "purpose.add": _OFFICER,
        "purpose.list": _EVERYBODY_BUT_SERVICES,
        "policy.show": _RULES,
        "policy.test": (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER),
        "policy.apply": (),
        "dataset.list": _EVERYBODY_BUT_SERVICES,
        "dataset.declare": (),
        "dataset.drop": (Role.ADMINISTRATOR,),
        "dataset.index": _OFFICER,
        "budget.cap": _OFFICER,
        "budget.allocate": _OFFICER,
        "budget.show": (Role.ANALYST, Role.PRIVACY_OFFICER, Role.AUDITOR),
        "clock.accept": (Role.ADMINISTRATOR,),
        "journal.verify": _EVIDENCE,
        "journal.head": _EVIDENCE,
        "journal.witness": (Role.ADMINISTRATOR,),
        "journal.cosign": (Role.ADMINISTRATOR,),
        "evidence.export": _EVIDENCE,
        "report.show": _EVIDENCE,
        "quarantine.manage": _OFFICER,
        "quarantine.list": (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER),
        "keys.status": (Role.ADMINISTRATOR,),
        "keys.change": (Role.ADMINISTRATOR,),
        "space.backup": (Role.ADMINISTRATOR,),
        "space.restore": (Role.ADMINISTRATOR, Role.PRIVACY_OFFICER),
        "erasure.state": _OFFICER,
        "budget.restate": _OFFICER,
        "approval.list": _EVIDENCE,
        "approval.decide": _OFFICER,
        "collect": (Role.ADMINISTRATOR, Role.SERVICE),
        "discover": _OFFICER,
        "query": (Role.ANALYST, Role.SERVICE),
        "train": (Role.ANALYST,),
        "release": _OFFICER,
        "synthesise": (Role.ANALYST,),
        "release.risk": _OFFICER,
        "subject.read": (Role.PRIVACY_OFFICER, Role.SERVICE),
        "subject.show": _OFFICER,
        "subject.export": _OFFICER,
        "subject.erase": _OFFICER,
        "subject.find": _OFFICER,
        "token.reveal": _OFFICER,
        "consent.grant": (Role.SERVICE,),
        "consent.withdraw": (Role.PRIVACY_OFFICER, Role.SERVICE),
        "consent.show": _OFFICER,
    }
)
"""The roles besides the owner, who holds every role, that the default policies permit an action."""


def roles_for(action: object) -> str:
    """Name the built-in roles that may do an action under the default policies.

    Args:
        action: The action policies speak of.

    Returns:
        For example ``"privacy-officer or owner"``; the owner alone for an action no role is permitted.
    """
    roles = [role.value for role in ROLES_FOR.get(str(action), ())]
    return " or ".join([", ".join(roles), OWNER_ROLE] if roles else [OWNER_ROLE])
