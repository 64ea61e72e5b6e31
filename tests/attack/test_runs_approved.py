"""A grant for a step of one run is no grant for a step of another, with the same columns and question."""

from __future__ import annotations

import pytest
from tests.simulator.asking import OWNER
from tests.simulator.model import RESEARCH
from tests.simulator.world import World

from hedgerow.app.workspace import default_policies
from hedgerow.model.errors import Refused
from hedgerow.model.uses import Actor, UseRequest
from hedgerow.techniques.dp_query.counting import AdvanceRunning, DpRunning
from hedgerow.techniques.dp_query.watching import AskWatch, DpWatch

ANA, OLGA = Actor("owner", "ana"), Actor("owner", "olga")
ASKED = """
@id("asked") @reason("Somebody else looks first.") @approval("privacy-officer")
permit (principal in Role::"analyst", action == Action::"query", resource);
"""
COUNT = {"of": "COUNT(*)", "steps": 8, "epsilon": "0.25"}
WATCH = {"of": "COUNT(*)", "above": "3", "positives": 2, "epsilon": "0.25"}
ASK = {"sql": "SELECT COUNT(*) FROM visits"}
RUNS = {"running": (DpRunning, AdvanceRunning, COUNT, {}), "watch": (DpWatch, AskWatch, WATCH, ASK)}


def use(world, name, technique, asked, actor=ANA):
    request = UseRequest(actor, RESEARCH, "visits", asked, f"r-{next(world.ids)}", run=name)
    return world.spine.gate.use(request, technique())


@pytest.fixture
def world():
    made = World()
    made.ids = iter(range(100))
    for name, role in (("ana", "analyst"), ("olga", "privacy-officer")):
        made.service.add_principal(name, [role])
    made.collect("visits", ["ann", "bob", "cem"])
    made.choose("ann", granted=True, late=False)
    for kind, (opens, _, asked, _) in RUNS.items():
        for name in ("granted", "other"):
            use(made, f"{name}-{kind}", opens, asked, OWNER)
    made.service.apply_policy(default_policies() + ASKED)
    return made


@pytest.mark.parametrize("kind", RUNS)
def test_a_grant_is_of_one_run(world, kind):
    _, steps, _, asked = RUNS[kind]
    with pytest.raises(Refused) as awaited:
        use(world, f"granted-{kind}", steps, asked)
    world.spine.approvals.decide(OLGA, awaited.value.details["approval"], is_granted=True, reason="because")
    with pytest.raises(Refused) as refused:
        use(world, f"other-{kind}", steps, asked)
    assert refused.value.code == awaited.value.code
    use(world, f"granted-{kind}", steps, asked)
    world.service.verify()
